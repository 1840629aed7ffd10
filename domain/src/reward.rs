//! A reward: what it costs, when and where it can be had, and how many are left. A points reward is
//! exchanged, a welcome reward is granted at registration. Source: KSB manual, "Voordelen".

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::{DayRange, day_in_belgium};
use crate::ids::{CardSystemId, CounterId, RedemptionId, RewardId};
use crate::limit::Limit;
use crate::sealed::Sealed;
use crate::values::digest::Digest;
use crate::values::place::{Municipality, PostalCode};
use crate::values::text::{Lines, Text};

#[derive(Debug, Clone)]
pub enum Command {
    Create {
        definition: Box<Definition>,
        at: DateTime<Utc>,
    },
    Change {
        definition: Box<Definition>,
        at: DateTime<Utc>,
    },
    /// What follows a redemption online; absent: nothing.
    SetOnline {
        online: Option<Online>,
        at: DateTime<Utc>,
    },
    /// Codes that can be handed out from now on.
    AddCodes {
        codes: Vec<UploadedCode>,
        at: DateTime<Utc>,
    },
    /// Someone takes one (R-RWD-04).
    TakeUnit {
        redemption: RedemptionId,
        at: DateTime<Utc>,
    },
    /// One comes back (R-RWD-08).
    ReturnUnit {
        redemption: RedemptionId,
        at: DateTime<Utc>,
    },
    /// A welcome reward is granted for the first time, or once more.
    Grant {
        at: DateTime<Utc>,
    },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Created {
        definition: Box<Definition>,
        at: DateTime<Utc>,
    },
    Changed {
        definition: Box<Definition>,
        at: DateTime<Utc>,
    },
    OnlineSet {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        online: Option<Online>,
        at: DateTime<Utc>,
    },
    CodesAdded {
        codes: Vec<UploadedCode>,
        at: DateTime<Utc>,
    },
    /// For good: a redemption that is cancelled does not bring it back (R-RWD-08).
    CodeGiven {
        redemption: RedemptionId,
        code: Digest,
        at: DateTime<Utc>,
    },
    /// Recorded once, at the first redemption or grant: from then on parts are fixed (R-RWD-10).
    FirstUsed {
        at: DateTime<Utc>,
    },
    /// Recorded only where the units are counted.
    UnitTaken {
        redemption: RedemptionId,
        at: DateTime<Utc>,
    },
    UnitReturned {
        redemption: RedemptionId,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this reward is not known")]
    Unknown,
    #[error("this reward exists already")]
    AlreadyExists,
    #[error("a points reward costs at least 1 point")]
    NoPoints,
    #[error("a welcome reward costs no points")]
    WelcomeWithPoints,
    #[error("a welcome reward is granted from today on at the earliest")]
    GrantsInRetrospect,
    #[error("a period ends before it begins")]
    ReversedPeriod,
    #[error("the points, and the begin of granting and of redemption, are fixed after first use")]
    FixedAfterFirstUse,
    #[error("points become welcome or the reverse only in a new reward")]
    KindIsFixed,
    #[error("{0} units are taken already")]
    FewerUnitsThanTaken(u32),
    #[error("sold out")]
    SoldOut,
    #[error("what is taken up online has a link or codes")]
    NeitherLinkNorCodes,
}

/// Why a reward is not to be had, whoever asks (R-RWD-06).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("this reward is not known")]
    Unknown,
    #[error("this reward is not active")]
    Inactive,
    #[error("this reward can be redeemed from {0}")]
    NotYet(NaiveDate),
    #[error("this reward could be redeemed until {0}")]
    Over(NaiveDate),
    #[error("this reward is not for this counter")]
    OtherCounter,
    #[error("sold out")]
    SoldOut,
}

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    Points,
    Welcome,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Status {
    Active,
    Inactive,
    Deleted,
}

/// What a KSB or counter lays down about a reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub title: Text<200>,
    pub kind: Kind,
    /// 0 for a welcome reward.
    pub points: u32,
    pub status: Status,
    pub description: Lines<4000>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practical_info: Option<Lines<4000>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_info_url: Option<Text<500>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Text<40>>,
    #[serde(default, skip_serializing_if = "Marks::are_none")]
    pub marks: Marks,
    /// Where its pictures are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Text<500>>,
    pub owner: CardSystemId,
    /// Public lists only (R-RWD-03).
    pub publication: DayRange,
    /// Welcome only: who registers or joins in it is granted the reward.
    pub granting: DayRange,
    pub redemption: DayRange,
    /// Absent: without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_max: Option<u32>,
    /// Absent: as often as the points last; a welcome reward is always once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passholder_limit: Option<Limit>,
    /// Empty: wherever one lives (R-RWD-05).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only_inhabitants_of: BTreeSet<PostalCode>,
    /// Empty: at every counter.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only_at_counters: BTreeSet<CounterId>,
    /// Empty: members of every card system.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only_card_systems: BTreeSet<CardSystemId>,
}

/// By what else a reward is found. Nothing is decided by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    #[serde(default)]
    pub for_kids: bool,
    #[serde(default)]
    pub sport: bool,
    /// Shown before others.
    #[serde(default)]
    pub featured: bool,
    #[serde(default)]
    pub online: bool,
}

impl Marks {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How long before its end a reward is said to be at its last chance. Source: our choice, two weeks.
const LAST_CHANCE: Days = Days::new(14);

impl Definition {
    /// Whether it can be taken up, but not for long any more.
    pub fn is_last_chance(&self, today: NaiveDate) -> bool {
        let begun = self.redemption.from.is_none_or(|from| from <= today);
        let ends = self
            .redemption
            .until
            .is_some_and(|until| today <= until && until <= today + LAST_CHANCE);
        self.status == Status::Active && begun && ends
    }
}

/// What follows a redemption online (R-RWD-07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Lines<4000>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Text<500>>,
    /// What stands on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<80>>,
    /// Whether each redemption gets a code of its own.
    pub with_codes: bool,
}

/// What somebody gets who redeems online, as it was uploaded.
pub type RewardCode = Text<200>;

/// A code that nobody reads but who gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadedCode {
    /// Keyed: equal codes of one reward have equal ones.
    pub digest: Digest,
    pub code: Sealed<RewardCode>,
}

/// How many codes stand in one event. Source: our choice; some 150 kB.
const CODES_AT_ONCE: usize = 1000;

/// The reward as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// Absent until it is created.
    pub definition: Option<Box<Definition>>,
    /// The redemptions that hold a unit: only what took one gives one back.
    pub units: OrdSet<RedemptionId>,
    pub used: bool,
    pub online: Option<Online>,
    /// Codes that were not handed out, by their place among all.
    pub unused: OrdMap<u64, UploadedCode>,
    /// The codes that were handed out.
    pub given: OrdMap<RedemptionId, Sealed<RewardCode>>,
    /// Of all codes, where they stand.
    places: OrdMap<Digest, u64>,
}

aggregate!(Reward, "reward", RewardId, Command, Event, Refused);

impl Reward {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Create { definition, at } => {
                if self.definition.is_some() {
                    return Err(Refused::AlreadyExists);
                }
                definition.check()?;
                let begins_before_today =
                    definition.granting.from.is_none_or(|from| from < day_in_belgium(at));
                if definition.kind == Kind::Welcome && begins_before_today {
                    return Err(Refused::GrantsInRetrospect);
                }
                Ok(vec![Event::Created { definition, at }])
            }
            Command::Change { definition, at } => {
                let known = self.definition.as_deref().ok_or(Refused::Unknown)?;
                self.change(known, definition, at)
            }
            Command::SetOnline { online, at } => {
                self.definition.as_deref().ok_or(Refused::Unknown)?;
                if online.as_ref().is_some_and(|online| online.link.is_none() && !online.with_codes)
                {
                    return Err(Refused::NeitherLinkNorCodes);
                }
                let news = online != self.online;
                Ok(if news { vec![Event::OnlineSet { online, at }] } else { vec![] })
            }
            Command::AddCodes { codes, at } => {
                self.definition.as_deref().ok_or(Refused::Unknown)?;
                let mut seen = BTreeSet::new();
                let is_news = |code: &UploadedCode| {
                    !self.places.contains_key(&code.digest) && seen.insert(code.digest)
                };
                let new: Vec<UploadedCode> = codes.into_iter().filter(is_news).collect();
                let added = |some: &[UploadedCode]| Event::CodesAdded { codes: some.to_vec(), at };
                Ok(new.chunks(CODES_AT_ONCE).map(added).collect())
            }
            Command::TakeUnit { redemption, at } => {
                let known = self.definition.as_deref().ok_or(Refused::Unknown)?;
                let mut events = self.first_use(at);
                if let Some(units_max) = known.units_max
                    && !self.units.contains(&redemption)
                {
                    if self.units_taken() >= units_max {
                        return Err(Refused::SoldOut);
                    }
                    events.push(Event::UnitTaken { redemption, at });
                }
                if self.gives_codes() && !self.given.contains_key(&redemption) {
                    let (_, next) = self.unused.get_min().ok_or(Refused::SoldOut)?;
                    events.push(Event::CodeGiven { redemption, code: next.digest, at });
                }
                Ok(events)
            }
            Command::ReturnUnit { redemption, at } => {
                self.definition.as_deref().ok_or(Refused::Unknown)?;
                let holds_one = self.units.contains(&redemption);
                Ok(if holds_one { vec![Event::UnitReturned { redemption, at }] } else { vec![] })
            }
            Command::Grant { at } => {
                self.definition.as_deref().ok_or(Refused::Unknown)?;
                Ok(self.first_use(at))
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Created { definition, .. } | Event::Changed { definition, .. } => {
                self.definition = Some(definition);
            }
            Event::OnlineSet { online, .. } => self.online = online,
            Event::CodesAdded { codes, .. } => {
                for code in codes {
                    let place = self.places.len() as u64;
                    self.places.insert(code.digest, place);
                    self.unused.insert(place, code);
                }
            }
            Event::CodeGiven { redemption, code, .. } => {
                let place = self.places.get(&code);
                if let Some(given) = place.copied().and_then(|place| self.unused.remove(&place)) {
                    self.given.insert(redemption, given.code);
                }
            }
            Event::FirstUsed { .. } => self.used = true,
            Event::UnitTaken { redemption, .. } => {
                self.units.insert(redemption);
            }
            Event::UnitReturned { redemption, .. } => {
                self.units.remove(&redemption);
            }
        }
    }

    /// The units that are taken and counted.
    pub fn units_taken(&self) -> u32 {
        u32::try_from(self.units.len()).unwrap_or(u32::MAX)
    }

    fn gives_codes(&self) -> bool {
        self.online.as_ref().is_some_and(|online| online.with_codes)
    }

    /// All codes there ever were.
    pub fn codes_known(&self) -> usize {
        self.places.len()
    }

    /// How many can still be had: of units and unused codes the fewest; absent where neither is
    /// counted (R-RWD-07).
    pub fn units_available(&self) -> Option<u32> {
        let units_max = self.definition.as_deref().and_then(|known| known.units_max);
        let units = units_max.map(|units_max| units_max.saturating_sub(self.units_taken()));
        let unused = u32::try_from(self.unused.len()).unwrap_or(u32::MAX);
        let codes = self.gives_codes().then_some(unused);
        units.into_iter().chain(codes).min()
    }

    fn first_use(&self, at: DateTime<Utc>) -> Vec<Event> {
        if self.used { vec![] } else { vec![Event::FirstUsed { at }] }
    }

    fn change(
        &self,
        known: &Definition,
        definition: Box<Definition>,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        if *known == *definition {
            return Ok(vec![]);
        }
        definition.check()?;
        if definition.kind != known.kind {
            return Err(Refused::KindIsFixed);
        }
        let fixed =
            |reward: &Definition| (reward.points, reward.granting.from, reward.redemption.from);
        if self.used && fixed(known) != fixed(&definition) {
            return Err(Refused::FixedAfterFirstUse);
        }
        let today = day_in_belgium(at);
        let moved = definition.granting.from != known.granting.from;
        if definition.kind == Kind::Welcome
            && moved
            && definition.granting.from.is_none_or(|from| from < today)
        {
            return Err(Refused::GrantsInRetrospect);
        }
        if definition.units_max.is_some_and(|units_max| units_max < self.units_taken()) {
            return Err(Refused::FewerUnitsThanTaken(self.units_taken()));
        }
        Ok(vec![Event::Changed { definition, at }])
    }

    /// The definition, if someone could redeem it at this counter on this day (R-RWD-03, -06).
    pub fn available(
        &self,
        counter: &CounterId,
        day: NaiveDate,
    ) -> Result<&Definition, Unavailable> {
        let known = self.definition.as_deref().ok_or(Unavailable::Unknown)?;
        if known.status != Status::Active {
            return Err(Unavailable::Inactive);
        }
        if let Some(from) = known.redemption.from
            && day < from
        {
            return Err(Unavailable::NotYet(from));
        }
        if let Some(until) = known.redemption.until
            && day > until
        {
            return Err(Unavailable::Over(until));
        }
        if !known.only_at_counters.is_empty() && !known.only_at_counters.contains(counter) {
            return Err(Unavailable::OtherCounter);
        }
        if self.units_available() == Some(0) {
            return Err(Unavailable::SoldOut);
        }
        Ok(known)
    }

    /// Whether registering in, or joining, a card system on this day grants it (R-RWD-01, -05).
    pub fn is_granted(
        &self,
        card_system: CardSystemId,
        home: Option<&Municipality>,
        day: NaiveDate,
    ) -> bool {
        self.definition.as_deref().is_some_and(|known| {
            known.kind == Kind::Welcome
                && known.status == Status::Active
                && known.granting.holds(day)
                && known.is_for_members_of(card_system)
                && known.is_for_inhabitants_of(home)
        })
    }
}

impl Definition {
    fn check(&self) -> Result<(), Refused> {
        match (self.kind, self.points) {
            (Kind::Points, 0) => return Err(Refused::NoPoints),
            (Kind::Welcome, 1..) => return Err(Refused::WelcomeWithPoints),
            _ => {}
        }
        let reversed = |range: &DayRange| match (range.from, range.until) {
            (Some(from), Some(until)) => until < from,
            _ => false,
        };
        if [&self.publication, &self.granting, &self.redemption].into_iter().any(reversed) {
            return Err(Refused::ReversedPeriod);
        }
        Ok(())
    }

    pub fn is_for_members_of(&self, card_system: CardSystemId) -> bool {
        self.only_card_systems.is_empty() || self.only_card_systems.contains(&card_system)
    }

    pub fn is_for_inhabitants_of(&self, home: Option<&Municipality>) -> bool {
        self.only_inhabitants_of.is_empty()
            || home.is_some_and(|home| self.only_inhabitants_of.contains(&home.postal_code))
    }
}

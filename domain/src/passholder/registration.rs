//! Registering a passholder, and changing what is known of one. Source: counter manual, "Een nieuwe
//! UiTPAS registreren"; KSB manual, "Soorten balies".

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::cards::{Block, BlockKind, BlockReason};
use super::{CardState, CardSystems, Event, Holder, Passholder, Refused, Registered};
use crate::calendar::{age_on, day_in_belgium, next_30_april};
use crate::card_system::{CardSystem, VoucherCode, VoucherRefused};
use crate::counter::{Authority, NotAllowed, Task};
use crate::ids::{CardSystemId, RewardId};
use crate::reward::Reward;
use crate::sealed::Sealed;
use crate::social_status::{OnDay, Proof};
use crate::values::card_number::CardNumber;
use crate::values::contact::{Email, Phone};
use crate::values::insz::Insz;
use crate::values::place::{Address, Municipality};
use crate::values::text::Text;

/// What is known of a person. It stands in the log only sealed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonalDetails {
    pub name: Text<100>,
    pub first_name: Text<100>,
    pub birth_date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insz: Option<Insz>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    pub address: Address,
    /// Absent: the person has none, or gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nationality: Option<Text<80>>,
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
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Gender {
    Male,
    Female,
    X,
}

/// In what way the passholder was told of privacy and terms (R-REG-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub paper: bool,
    pub digital: bool,
}

/// Which messages a passholder agreed to (R-REG-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preferences {
    pub service_mails: bool,
    pub milestone_mails: bool,
    pub info_mails: bool,
    pub sms: bool,
    pub post: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSocialStatus {
    pub until: NaiveDate,
    pub proof: Proof,
}

/// The card a new passholder gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCard {
    pub number: CardNumber,
    pub digital: bool,
}

#[derive(Debug, Clone)]
pub struct Register {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub system: Arc<CardSystem>,
    pub counter_municipality: Option<Municipality>,
    pub card: NewCard,
    /// In clear for this decision only; what is recorded is `sealed`.
    pub details: PersonalDetails,
    pub sealed: Sealed<PersonalDetails>,
    /// Said out loud: the passholder has no e-mail address (R-REG-02).
    pub no_email: bool,
    pub terms: Terms,
    pub preferences: Option<Preferences>,
    pub parental_consent: bool,
    pub social_status: Option<AskedSocialStatus>,
    pub voucher: Option<VoucherCode>,
    /// The rewards that may be welcome rewards of this card system.
    pub welcome_rewards: Vec<(RewardId, Arc<Reward>)>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct AskedSocialStatus {
    /// Absent: 30 April of the next year (R-SOC-02).
    pub until: Option<NaiveDate>,
    pub proof: Option<Proof>,
}

#[derive(Debug, Clone)]
pub struct ChangeDetails {
    pub by: Authority,
    /// What was known before; absent where it can no longer be read.
    pub known: Option<PersonalDetails>,
    pub details: PersonalDetails,
    pub sealed: Sealed<PersonalDetails>,
    pub card_systems: super::CardSystems,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Remove {
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefused {
    #[error("this passholder is registered already")]
    AlreadyRegistered,
    #[error("a card whose last but one digit is 1 is needed for social status")]
    NeedsSocialStatusCard,
    #[error("a card whose last but one digit is 0 is needed without social status")]
    NeedsRegularCard,
    #[error("an e-mail address is required, or the statement that there is none")]
    NoEmail,
    #[error("the passholder must have been told of privacy and terms")]
    TermsNotTold,
    #[error("the communication preferences are required")]
    NoPreferences,
    #[error("the date of birth lies in the future")]
    BornInFuture,
    #[error("under {CONSENT_UNTIL_AGE}, a parent or guardian must consent")]
    NoParentalConsent,
    #[error("under {CONSENT_UNTIL_AGE}, nobody registers himself")]
    TooYoungAlone,
    #[error("whoever registers himself shows his national number")]
    InszNotVerified,
    #[error("nobody registers himself in a card system that he does not live in")]
    LivesElsewhere,
    #[error("the national number does not agree with the date of birth")]
    InszDisagrees,
    #[error("a national number can be filled in only where it was empty")]
    InszIsFixed,
    #[error("the end date of the social status must lie in the future")]
    StatusEndsInPast,
    #[error("the kind of proof of the social status is required")]
    NoProof,
    #[error("social status is only for inhabitants of the card system")]
    OutsideCardSystem,
    /// R-SOC-05.
    #[error("with social status an address outside the card system needs an upgrade")]
    UpgradeNeeded,
    #[error(transparent)]
    Voucher(#[from] VoucherRefused),
}

/// Below this age a parent or guardian consents. Source: counter manual (R-REG-03).
const CONSENT_UNTIL_AGE: u16 = 16;

impl Passholder {
    pub(super) fn register(&self, register: Register) -> Result<Vec<Event>, Refused> {
        use RegistrationRefused as R;
        if !matches!(self, Passholder::Unregistered) {
            return Err(R::AlreadyRegistered.into());
        }
        let Register { by, card_system, system, card, details, social_status, at, .. } = register;
        let today = day_in_belgium(at);
        let home = details.address.municipality();

        by.demand_registration(card_system, social_status.is_some(), details.insz.is_some())?;
        let of_region =
            home.as_ref().is_some_and(|home| system.has_inhabitants_of(&home.postal_code));
        // Of the region at large: which of its municipalities a counter serves, no source says.
        if !of_region && !by.may_serve_other_municipalities(card_system) {
            return Err(NotAllowed::OtherMunicipality.into());
        }
        demand_card_digit(card.number, social_status.is_some())?;
        if details.email.is_none() && !register.no_email {
            return Err(R::NoEmail.into());
        }
        if !register.terms.paper && !register.terms.digital {
            return Err(R::TermsNotTold.into());
        }
        let preferences = register.preferences.ok_or(R::NoPreferences)?;
        let age = details.check(today)?;
        if age < CONSENT_UNTIL_AGE && !register.parental_consent {
            return Err(R::NoParentalConsent.into());
        }
        let social_status = match social_status {
            Some(asked) if !of_region => {
                let _ = asked;
                return Err(R::OutsideCardSystem.into());
            }
            Some(asked) => Some(asked.check(today)?),
            None => None,
        };
        let price = system
            .membership_price(age, social_status.is_some(), register.voucher.as_ref(), today)
            .map_err(R::from)?;

        let mut events = vec![Event::Registered(Box::new(Registered {
            card_system,
            counter: by.counter,
            card: card.number,
            digital: card.digital,
            details: register.sealed,
            home: home.clone(),
            counter_municipality: register.counter_municipality,
            age,
            with_insz: details.insz.is_some(),
            social_status,
            price,
            voucher: register.voucher,
            terms: register.terms,
            preferences,
            parental_consent: register.parental_consent,
            at,
        }))];
        events.extend(welcome(register.welcome_rewards, card_system, home.as_ref(), at));
        Ok(events)
    }
}

impl Passholder {
    /// By himself, with a national number that was verified; not under 16, and where he lives
    /// (R-REG-08). That nobody has the number yet, the caller sees to.
    pub(super) fn register_oneself(&self, register: Register) -> Result<Vec<Event>, Refused> {
        use RegistrationRefused as R;
        let details = &register.details;
        if details.insz.is_none() {
            return Err(R::InszNotVerified.into());
        }
        if details.check(day_in_belgium(register.at))? < CONSENT_UNTIL_AGE {
            return Err(R::TooYoungAlone.into());
        }
        let home = details.address.municipality();
        if !home.is_some_and(|home| register.system.has_inhabitants_of(&home.postal_code)) {
            return Err(R::LivesElsewhere.into());
        }
        self.register(register)
    }
}

/// The welcome rewards that registering in, or joining, a card system grants (R-RWD-01).
pub(super) fn welcome(
    candidates: Vec<(RewardId, Arc<Reward>)>,
    card_system: CardSystemId,
    home: Option<&Municipality>,
    at: DateTime<Utc>,
) -> impl Iterator<Item = Event> {
    let today = day_in_belgium(at);
    candidates.into_iter().filter_map(move |(reward, known)| {
        let title = known.definition.as_ref()?.title.clone();
        let granted = known.is_granted(card_system, home, today);
        granted.then_some(Event::WelcomeRewardGranted { reward, title, at })
    })
}

impl Holder {
    pub(super) fn change_details(&self, change: ChangeDetails) -> Result<Vec<Event>, Refused> {
        use RegistrationRefused as R;
        let ChangeDetails { by, known, details, sealed, card_systems, at } = change;
        if !self.memberships.keys().any(|card_system| by.may_in(*card_system, Task::Edit)) {
            return Err(NotAllowed::Task(Task::Edit).into());
        }
        let today = day_in_belgium(at);
        details.check(today)?;
        if let Some(known) = &known {
            if known.insz.is_some() && known.insz != details.insz {
                return Err(R::InszIsFixed.into());
            }
            if *known == details {
                return Ok(vec![]);
            }
        }
        let home = details.address.municipality();
        self.demand_no_upgrade(home.as_ref(), today, &card_systems)?;
        let with_insz = details.insz.is_some();
        Ok(vec![Event::DetailsChanged { details: sealed, home, with_insz, at }])
    }

    /// While a social status counts, its holder lives in its card system (R-SOC-05).
    pub(super) fn demand_no_upgrade(
        &self,
        home: Option<&Municipality>,
        today: NaiveDate,
        card_systems: &CardSystems,
    ) -> Result<(), RegistrationRefused> {
        let (card_system, state) = self.social_status_on(today, card_systems);
        let counts = matches!(state, OnDay::Active | OnDay::Grace | OnDay::Suspended);
        let system = card_system.and_then(|id| card_systems.get(&id));
        let of_region = |system: &CardSystem| {
            home.is_some_and(|home| system.has_inhabitants_of(&home.postal_code))
        };
        match counts && system.is_some_and(|system| !of_region(system)) {
            true => Err(RegistrationRefused::UpgradeNeeded),
            false => Ok(()),
        }
    }

    pub(super) fn set_preferences(
        &self,
        preferences: Preferences,
        at: DateTime<Utc>,
    ) -> Vec<Event> {
        let news = preferences != self.preferences;
        if news { vec![Event::PreferencesSet { preferences, at }] } else { vec![] }
    }

    /// Removing blocks the cards and lets the points lapse (R-PRV-01); the caller destroys the key.
    pub(super) fn remove(&self, remove: Remove) -> Result<Vec<Event>, Refused> {
        let at = remove.at;
        let block = Block { kind: BlockKind::Definitive, reason: BlockReason::OwnWish };
        let active = self.cards.iter().filter(|(_, state)| **state == CardState::Active);
        let mut events: Vec<Event> =
            active.map(|(card, _)| Event::CardBlocked { card: *card, block, at }).collect();
        events.extend(self.end_family(at));
        events.push(Event::Removed { points_lapsed: self.points, at });
        Ok(events)
    }
}

/// Without the details, which are personal.
impl fmt::Debug for PersonalDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalDetails")
    }
}

impl PersonalDetails {
    /// What must agree with each other; gives the age in years.
    pub(super) fn check(&self, today: NaiveDate) -> Result<u16, RegistrationRefused> {
        if self.birth_date > today {
            return Err(RegistrationRefused::BornInFuture);
        }
        if self.insz.as_ref().is_some_and(|insz| !insz.agrees_with(self.birth_date)) {
            return Err(RegistrationRefused::InszDisagrees);
        }
        Ok(age_on(self.birth_date, today))
    }
}

impl AskedSocialStatus {
    /// R-REG-05: an end date in the future and the kind of proof.
    pub(super) fn check(self, today: NaiveDate) -> Result<NewSocialStatus, RegistrationRefused> {
        let until = self.until.unwrap_or_else(|| next_30_april(today));
        if until <= today {
            return Err(RegistrationRefused::StatusEndsInPast);
        }
        let proof = self.proof.ok_or(RegistrationRefused::NoProof)?;
        Ok(NewSocialStatus { until, proof })
    }
}

/// The last but one digit of a card follows the social status (R-REG-01, R-CRD-04).
pub(super) fn demand_card_digit(
    card: CardNumber,
    with_social_status: bool,
) -> Result<(), RegistrationRefused> {
    match (card.is_for_social_status(), with_social_status) {
        (true, true) | (false, false) => Ok(()),
        (false, true) => Err(RegistrationRefused::NeedsSocialStatusCard),
        (true, false) => Err(RegistrationRefused::NeedsRegularCard),
    }
}

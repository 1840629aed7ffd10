//! The rulebook once more: plain lists, walked from the beginning for every question. Nothing here
//! calls a rule of the domain.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Europe::Brussels;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::answer::{Answer, Fact, Membership, Picture, Portrait, Why};
use super::setting::*;
use super::step::{
    Act, Card, Channel, PEOPLE, Price, Reason, Registering, Shown, Step, TakingUp, Ticket, Wait,
};

#[derive(Debug, Clone)]
pub struct Simple {
    pub now: DateTime<Utc>,
    people: Vec<Person>,
    /// Holder, and whether blocked, of each slot.
    cards: Vec<(Option<usize>, bool)>,
    saved: Vec<Saved>,
    sales: Vec<Sale>,
    taken: Vec<Taken>,
    notes: Vec<Vec<Note>>,
    /// What municipalities paid too much to a counter.
    owed: BTreeMap<(usize, String), i64>,
}

#[derive(Debug, Clone, Default)]
struct Person {
    is_known: bool,
    is_removed: bool,
    home: Option<&'static str>,
    counter_home: &'static str,
    born: NaiveDate,
    has_insz: bool,
    points: i64,
    memberships: BTreeMap<u32, Member>,
    /// In the order in which they were given.
    cards: Vec<usize>,
    welcome: BTreeSet<usize>,
}

#[derive(Debug, Clone, Default)]
struct Member {
    blocked: bool,
    card: Option<usize>,
    taken_for_good: bool,
    status: Option<Status>,
}

#[derive(Debug, Clone, Copy)]
struct Status {
    until: NaiveDate,
    suspended: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    None,
    Active,
    Grace,
    Expired,
    Suspended,
    Blocked,
}

#[derive(Debug, Clone)]
struct Saved {
    id: u128,
    who: usize,
    activity: usize,
    at: DateTime<Utc>,
    points: u32,
    channel: Option<Channel>,
    sale: Option<u128>,
    corrected: bool,
}

#[derive(Debug, Clone)]
struct Sale {
    id: u128,
    who: usize,
    activity: usize,
    at: DateTime<Utc>,
    coupon: Option<usize>,
    payer: String,
    municipality: i64,
    cancelled: Option<DateTime<Utc>>,
    /// The notes with its line, and with the correction.
    on: Option<usize>,
    corrected_on: Option<usize>,
}

#[derive(Debug, Clone)]
struct Taken {
    id: u128,
    who: usize,
    reward: usize,
    counter: usize,
    at: DateTime<Utc>,
    points: u32,
    cancelled: bool,
}

#[derive(Debug, Clone)]
struct Note {
    from: NaiveDate,
    until: NaiveDate,
    deadline: NaiveDate,
    reply: Reply,
    lines: usize,
    total: i64,
}

#[derive(Debug, Clone, PartialEq)]
enum Reply {
    None,
    Approved,
    Objected(Vec<u128>),
    Settled,
}

/// Card system, key, payer, and the shares of passholder, organizer and municipality.
type Tariff = (u32, Option<u32>, String, (i64, i64, i64));

/// What someone may do at a counter.
struct Rights {
    acts: Acts,
    ksb_of: Vec<u32>,
    levels: BTreeMap<u32, (u8, bool)>,
}

const CHECK_IN: u8 = 1;
const REGISTER: u8 = 2;
const AUTHORISED: u8 = 3;

impl Rights {
    fn may_in(&self, system: u32, level: u8) -> bool {
        self.ksb_of.contains(&system) || self.levels.get(&system).is_some_and(|has| has.0 >= level)
    }

    fn may(&self, level: u8) -> bool {
        !self.ksb_of.is_empty() || self.levels.values().any(|has| has.0 >= level)
    }

    fn other_municipalities(&self, system: u32) -> bool {
        self.ksb_of.contains(&system) || self.levels.get(&system).is_some_and(|has| has.1)
    }

    fn is_ksb(&self) -> bool {
        !self.ksb_of.is_empty()
    }
}

impl Default for Simple {
    fn default() -> Self {
        Self {
            now: instant(BEGINS),
            people: vec![Person::default(); PEOPLE],
            cards: vec![(None, false); CARDS],
            saved: vec![],
            sales: vec![],
            taken: vec![],
            notes: vec![vec![]; COUNTERS.len()],
            owed: BTreeMap::new(),
        }
    }
}

impl Simple {
    pub fn carry_out(&mut self, base: u128, step: &Step) -> Answer {
        match step {
            Step::Wait(wait) => {
                self.now = waited(self.now, *wait);
                Ok(vec![])
            }
            Step::Register(new) => self.register(new),
            Step::Move { by, counter, who, home } => self.move_to(*by, *counter, *who, *home),
            Step::Remove { who } => self.remove(*who),
            Step::CheckIn { by, activity, shown, channel } => {
                self.check_in(base, *by, *activity, *shown, *channel)
            }
            Step::Correct { by, nth } => self.correct(*by, *nth),
            Step::Sell { by, tickets } => {
                let mut trial = self.clone();
                let facts = trial.sell(base, *by, tickets)?;
                *self = trial;
                Ok(facts)
            }
            Step::Cancel { by, nth } => self.cancel(*by, self.nth_sale(*nth)),
            Step::Redeem { by, counter, reward, shown } => {
                self.redeem(base, *by, *counter, *reward, *shown)
            }
            Step::GiveBack { by, nth } => self.give_back(*by, *nth),
            Step::Block { by, counter, who, nth_card, reason } => {
                self.block(*by, *counter, *who, *nth_card, *reason)
            }
            Step::Replace { by, counter, who, card, status } => {
                self.replace(*by, *counter, *who, *card, *status)
            }
            Step::TakeUp(taking) => self.take_up(taking),
            Step::Extend { by, counter, who, days } => self.extend(*by, *counter, *who, *days),
            Step::Suspend { by, counter, who, system, days } => {
                let until = self.today() + TimeDelta::days(*days);
                let today = self.today();
                let status = self.ksb_status(*by, *counter, *who, *system)?;
                if status.suspended == Some(until) {
                    return Ok(vec![]);
                }
                if until <= today {
                    return Err(Why::NotInFuture);
                }
                status.suspended = Some(until);
                Ok(vec![])
            }
            Step::Lift { by, counter, who, system } => {
                let today = self.today();
                let status = self.ksb_status(*by, *counter, *who, *system)?;
                if status.suspended.is_none_or(|until| until <= today) {
                    return Err(Why::NotSuspended);
                }
                status.suspended = None;
                Ok(vec![])
            }
            Step::BlockMembership { by, counter, who, system } => {
                let rights = self.rights(*by, *counter)?;
                self.known(*who)?;
                if !rights.ksb_of.contains(system) {
                    return Err(Why::OnlyKsb);
                }
                let member = self.people[*who].memberships.get_mut(system);
                let member = member.ok_or(Why::NoMembership)?;
                if member.blocked {
                    return Err(Why::MembershipBlocked);
                }
                member.blocked = true;
                Ok(vec![])
            }
            Step::IssueNote { by, counter, from_days_ago, days } => {
                self.issue_note(*by, *counter, *from_days_ago, *days)
            }
            Step::Approve { by, counter, nth } => {
                self.demand_admin(*by, *counter)?;
                self.open_note(*counter, *nth)?.reply = Reply::Approved;
                Ok(vec![])
            }
            Step::Object { by, counter, nth, every } => self.object(*by, *counter, *nth, *every),
            Step::Settle { by, counter, nth, upheld } => self.settle(*by, *counter, *nth, *upheld),
            Step::Bulk { by, counter, people, act } => {
                let rights = self.rights(*by, *counter)?;
                let distinct: BTreeSet<_> = people.iter().collect();
                if people.is_empty() || distinct.len() < people.len() {
                    return Err(Why::BadList);
                }
                if !rights.may(REGISTER) {
                    return Err(Why::NoRight);
                }
                let each = people.iter().zip(1..).map(|(who, place)| {
                    let step = each(*by, *counter, *who, *act);
                    Fact::Each(self.carry_out(base + place * 100, &step))
                });
                Ok(each.collect())
            }
        }
    }

    fn today(&self) -> NaiveDate {
        day(self.now)
    }

    // Who, and which card.

    fn rights(&self, by: usize, counter: usize) -> Result<Rights, Why> {
        let (_, acts, staff_of) = ACTORS[by];
        let at = &COUNTERS[counter];
        let ksb_of = match acts {
            Acts::Ksb(system) if at.systems.contains(&system) => vec![system],
            _ => vec![],
        };
        let is_staff = staff_of == Some(counter);
        if ksb_of.is_empty() && !is_staff {
            return Err(Why::NoRole);
        }
        let terms = at.terms.iter().filter(|_| is_staff);
        let levels = terms.map(|of| (of.system, (of.level, of.other_municipalities))).collect();
        Ok(Rights { acts, ksb_of, levels })
    }

    fn known(&self, who: usize) -> Result<&Person, Why> {
        match &self.people[who] {
            person if person.is_removed => Err(Why::RemovedPerson),
            person if !person.is_known => Err(Why::UnknownPerson),
            person => Ok(person),
        }
    }

    /// The slot of the card that is shown.
    pub fn shown(&self, shown: Shown) -> usize {
        match shown {
            Shown::Slot(slot) => slot,
            Shown::Of(who, nth) => self.own_card(who, nth).unwrap_or(who),
        }
    }

    /// One of a person's cards, counted from the last.
    pub fn own_card(&self, who: usize, nth: usize) -> Option<usize> {
        let cards = &self.people[who].cards;
        (!cards.is_empty()).then(|| cards[cards.len() - 1 - nth % cards.len()])
    }

    /// The slot of a card that is given.
    pub fn given(&self, given: Card, for_status: bool) -> usize {
        match given {
            Card::Slot(slot) => slot,
            Card::Fresh(system) => (0..CARDS)
                .find(|slot| {
                    self.cards[*slot] == (None, false) && card(*slot) == (system, for_status, true)
                })
                .unwrap_or(0),
        }
    }

    fn nth_sale(&self, nth: usize) -> Option<usize> {
        (!self.sales.is_empty()).then(|| nth % self.sales.len())
    }

    /// The id of a thing that was made, and the counter that it stands at; absent: there is none.
    pub fn made(&self, step: &Step) -> Option<(u128, usize, usize)> {
        let organizer = |activity: usize| ACTIVITIES[activity].organizer;
        match step {
            Step::Correct { nth, .. } if !self.saved.is_empty() => {
                let saved = &self.saved[nth % self.saved.len()];
                Some((saved.id, saved.who, organizer(saved.activity)))
            }
            Step::Cancel { nth, .. } => {
                let sale = &self.sales[self.nth_sale(*nth)?];
                Some((sale.id, sale.who, organizer(sale.activity)))
            }
            Step::GiveBack { nth, .. } if !self.taken.is_empty() => {
                let taken = &self.taken[nth % self.taken.len()];
                Some((taken.id, taken.who, taken.counter))
            }
            _ => None,
        }
    }

    pub fn who_bought(&self, id: u128) -> Option<usize> {
        self.sales.iter().find(|sale| sale.id == id).map(|sale| sale.who)
    }

    /// R-ID-05
    fn identify(&self, slot: usize) -> Result<usize, Why> {
        match self.cards[slot] {
            (Some(_), true) => Err(Why::CardBlocked),
            (Some(who), false) => Ok(who),
            (None, _) if card(slot).2 => Err(Why::CardNotRegistered),
            (None, _) => Err(Why::CardNotInStock),
        }
    }

    /// R-CRD-01
    fn assignable(&self, slot: usize, counter: usize) -> Result<u32, Why> {
        let (system, _, in_stock) = card(slot);
        match self.cards[slot] {
            (Some(_), true) => Err(Why::CardBlocked),
            (Some(_), false) => Err(Why::CardHasHolder),
            (None, _) if !in_stock => Err(Why::CardNotInStock),
            (None, _) if !COUNTERS[counter].systems.contains(&system) => Err(Why::ForeignSystem),
            (None, _) => Ok(system),
        }
    }

    /// R-CRD-11
    fn demand_active(&self, who: usize, slot: usize) -> Result<(), Why> {
        if self.cards[slot].0 != Some(who) {
            return Err(Why::NotHisCard);
        }
        if self.cards[slot].1 {
            return Err(Why::CardBlocked);
        }
        let members = self.people[who].memberships.values();
        match members.into_iter().any(|member| member.card == Some(slot) && !member.blocked) {
            true => Ok(()),
            false => Err(Why::NoActiveMembership),
        }
    }

    // Passholders.

    fn register(&mut self, new: &Registering) -> Answer {
        let today = self.today();
        let rights = self.rights(new.by, new.counter)?;
        let slot = self.given(new.card, new.status.is_some());
        let system = self.assignable(slot, new.counter)?;
        if self.people[new.who].is_known || self.people[new.who].is_removed {
            return Err(Why::AlreadyRegistered);
        }
        demand_registration(&rights, system, new.status.is_some(), new.has_insz)?;
        let home = HOMES[new.home];
        let of_region = lives_in(home, system);
        if !of_region && !rights.other_municipalities(system) {
            return Err(Why::OtherMunicipality);
        }
        if card(slot).1 != new.status.is_some() {
            return Err(Why::WrongDigit);
        }
        if !new.has_email && !new.says_no_email {
            return Err(Why::NoEmail);
        }
        if !new.told {
            return Err(Why::NotTold);
        }
        let born = born(today, new.age);
        let years = years(born, today);
        if years < 16 && !new.consent {
            return Err(Why::NoConsent);
        }
        let until = new.status.map(|days| today + TimeDelta::days(days));
        if let Some(until) = until {
            if !of_region {
                return Err(Why::OutsideRegion);
            }
            if until <= today {
                return Err(Why::EndsInPast);
            }
        }
        let prices = &system_of(system).prices;
        let bracket = prices.iter().find(|(until, ..)| until.is_none_or(|until| years <= until));
        let price = bracket.map_or(0, |of| if until.is_some() { of.2 } else { of.1 });
        let status = until.map(|until| Status { until, suspended: None });
        let member = Member { card: Some(slot), status, ..Member::default() };
        self.people[new.who] = Person {
            is_known: true,
            is_removed: false,
            home,
            counter_home: COUNTERS[new.counter].home,
            born,
            has_insz: new.has_insz,
            points: 0,
            memberships: [(system, member)].into(),
            cards: vec![slot],
            welcome: BTreeSet::new(),
        };
        self.cards[slot] = (Some(new.who), false);
        let mut facts = vec![Fact::Price(price)];
        facts.extend(self.welcome(new.who, system));
        Ok(facts)
    }

    /// R-RWD-01
    fn welcome(&mut self, who: usize, system: u32) -> Vec<Fact> {
        let today = self.today();
        let person = &mut self.people[who];
        let granted = REWARDS.iter().enumerate().filter(|(_, reward)| {
            reward.points == 0
                && within(reward.granting, today)
                && (reward.systems.is_empty() || reward.systems.contains(&system))
                && (reward.inhabitants.is_empty()
                    || person.home.is_some_and(|home| reward.inhabitants.contains(&home)))
        });
        let granted: Vec<usize> = granted.map(|(index, _)| index).collect();
        granted
            .into_iter()
            .filter(|index| person.welcome.insert(*index))
            .map(Fact::Welcome)
            .collect()
    }

    /// R-SOC-05
    fn move_to(&mut self, by: usize, counter: usize, who: usize, home: usize) -> Answer {
        let rights = self.rights(by, counter)?;
        let person = self.known(who)?;
        if !person.memberships.keys().any(|system| rights.may_in(*system, REGISTER)) {
            return Err(Why::NoRight);
        }
        if person.home == HOMES[home] {
            return Ok(vec![]);
        }
        self.demand_no_upgrade(who, HOMES[home])?;
        self.people[who].home = HOMES[home];
        Ok(vec![])
    }

    fn demand_no_upgrade(&self, who: usize, home: Option<&str>) -> Result<(), Why> {
        let counts = [Standing::Active, Standing::Grace, Standing::Suspended];
        match self.standing(who) {
            (Some(system), standing) if counts.contains(&standing) && !lives_in(home, system) => {
                Err(Why::UpgradeNeeded)
            }
            _ => Ok(()),
        }
    }

    fn remove(&mut self, who: usize) -> Answer {
        if who >= PEOPLE {
            return Ok(vec![]);
        }
        self.known(who)?;
        let person = &mut self.people[who];
        person.is_removed = true;
        for slot in &person.cards {
            self.cards[*slot].1 = true;
        }
        Ok(vec![])
    }

    // Social status.

    fn status(&self, who: usize) -> Option<(u32, &Member, Status)> {
        let mut members = self.people[who].memberships.iter();
        members.find_map(|(system, member)| Some((*system, member, member.status?)))
    }

    /// R-SOC-02
    fn standing(&self, who: usize) -> (Option<u32>, Standing) {
        match self.status(who) {
            None => (None, Standing::None),
            Some((system, member, status)) => {
                (Some(system), self.standing_of(system, member, status))
            }
        }
    }

    fn standing_of(&self, system: u32, member: &Member, status: Status) -> Standing {
        let today = self.today();
        let grace = Days::new(u64::from(system_of(system).grace_days));
        if member.blocked {
            Standing::Blocked
        } else if today > status.until + grace {
            Standing::Expired
        } else if status.suspended.is_some_and(|until| today < until) {
            Standing::Suspended
        } else if today > status.until {
            Standing::Grace
        } else {
            Standing::Active
        }
    }

    /// R-SOC-04: whether an expired status closes points, rewards and coupons.
    fn demand_open(&self, who: usize) -> Result<(), Why> {
        let standings: Vec<(u32, Standing)> = self.people[who]
            .memberships
            .iter()
            .map(|(system, member)| match member.status {
                Some(status) => (*system, self.standing_of(*system, member, status)),
                None if member.blocked => (*system, Standing::Blocked),
                None => (*system, Standing::None),
            })
            .collect();
        let closed = standings.iter().any(|(system, standing)| {
            *standing == Standing::Expired && system_of(*system).expired_closes_points
        });
        let open = standings
            .iter()
            .any(|(_, standing)| !matches!(standing, Standing::Expired | Standing::Blocked));
        if closed && !open { Err(Why::StatusExpired) } else { Ok(()) }
    }

    fn demand_entitled(&self, who: usize) -> Result<u32, Why> {
        let (system, standing) = self.standing(who);
        match standing {
            Standing::Active | Standing::Grace => system.ok_or(Why::NoStatus),
            Standing::None => Err(Why::NoStatus),
            Standing::Expired => Err(Why::StatusExpired),
            Standing::Suspended => Err(Why::StatusSuspended),
            Standing::Blocked => Err(Why::MembershipBlocked),
        }
    }

    fn extend(&mut self, by: usize, counter: usize, who: usize, days: i64) -> Answer {
        let today = self.today();
        let until = today + TimeDelta::days(days);
        let rights = self.rights(by, counter)?;
        let home = self.known(who)?.home;
        let (system, member, status) = self.status(who).ok_or(Why::NoStatus)?;
        if !rights.may_in(system, AUTHORISED) {
            return Err(Why::NoRight);
        }
        if member.blocked {
            return Err(Why::MembershipBlocked);
        }
        if until == status.until {
            return Ok(vec![]);
        }
        if until <= today {
            return Err(Why::NotInFuture);
        }
        if until < status.until {
            return Err(Why::NotLater);
        }
        if !lives_in(home, system) {
            return Err(Why::OutsideRegion);
        }
        self.set_status(who, system, Some(Status { until, ..status }));
        Ok(vec![])
    }

    fn set_status(&mut self, who: usize, system: u32, status: Option<Status>) {
        if let Some(member) = self.people[who].memberships.get_mut(&system) {
            member.status = status;
        }
    }

    fn ksb_status(
        &mut self,
        by: usize,
        counter: usize,
        who: usize,
        system: u32,
    ) -> Result<&mut Status, Why> {
        let rights = self.rights(by, counter)?;
        self.known(who)?;
        if !rights.ksb_of.contains(&system) {
            return Err(Why::OnlyKsb);
        }
        let member = self.people[who].memberships.get_mut(&system).ok_or(Why::NoMembership)?;
        if member.blocked {
            return Err(Why::MembershipBlocked);
        }
        member.status.as_mut().ok_or(Why::NoStatus)
    }

    /// R-CRD-09: what must hold before it is granted; gives the end date.
    fn may_be_granted(
        &self,
        rights: &Rights,
        who: usize,
        system: u32,
        days: i64,
    ) -> Result<NaiveDate, Why> {
        let today = self.today();
        let until = today + TimeDelta::days(days);
        if until <= today {
            return Err(Why::EndsInPast);
        }
        if let Some((elsewhere, _, status)) = self.status(who)
            && elsewhere != system
            && status.suspended.is_some_and(|until| today < until)
            && !rights.ksb_of.contains(&system)
        {
            return Err(Why::StatusSuspended);
        }
        Ok(until)
    }

    fn grant(&mut self, who: usize, system: u32, until: NaiveDate) {
        for member in self.people[who].memberships.values_mut() {
            member.status = None;
        }
        self.set_status(who, system, Some(Status { until, suspended: None }));
    }

    // Cards and memberships.

    fn take_card(&mut self, who: usize, slot: usize, for_good: bool) {
        self.cards[slot].1 = true;
        for member in self.people[who].memberships.values_mut() {
            if member.card == Some(slot) {
                member.card = None;
                member.taken_for_good = for_good;
            }
        }
    }

    fn give_card(&mut self, who: usize, system: u32, slot: usize) {
        self.cards[slot] = (Some(who), false);
        let person = &mut self.people[who];
        if !person.cards.contains(&slot) {
            person.cards.push(slot);
        }
        person.memberships.entry(system).or_default().card = Some(slot);
    }

    fn block(
        &mut self,
        by: usize,
        counter: usize,
        who: usize,
        nth_card: usize,
        reason: Reason,
    ) -> Answer {
        let rights = self.rights(by, counter)?;
        let person = self.known(who)?;
        let slot = self.own_card(who, nth_card).ok_or(Why::NotHisCard)?;
        if self.cards[slot].1 {
            return Err(Why::CardBlocked);
        }
        let on_card: Vec<u32> = person
            .memberships
            .iter()
            .filter(|(_, member)| member.card == Some(slot))
            .map(|(system, _)| *system)
            .collect();
        let may = |level| on_card.iter().any(|system| rights.may_in(*system, level));
        if !may(REGISTER) {
            return Err(Why::NoRight);
        }
        let changes_status =
            matches!(reason, Reason::LostSocialStatus | Reason::GainedSocialStatus);
        if changes_status && !may(AUTHORISED) {
            return Err(Why::NoRight);
        }
        if reason == Reason::LostSocialStatus {
            on_card.iter().for_each(|system| self.set_status(who, *system, None));
        }
        self.take_card(who, slot, matches!(reason, Reason::Fraud | Reason::OwnWish));
        Ok(vec![])
    }

    fn replace(
        &mut self,
        by: usize,
        counter: usize,
        who: usize,
        given: Card,
        status: Option<i64>,
    ) -> Answer {
        let rights = self.rights(by, counter)?;
        let person = self.known(who)?;
        let slot = self.replacement(who, given, status.is_some());
        let system = self.assignable(slot, counter)?;
        let member = person.memberships.get(&system).ok_or(Why::NoMembership)?;
        if !rights.may_in(system, REGISTER) {
            return Err(Why::NoRight);
        }
        if member.blocked {
            return Err(Why::MembershipBlocked);
        }
        if member.card.is_some() {
            return Err(Why::HasCard);
        }
        if member.taken_for_good && !rights.ksb_of.contains(&system) {
            return Err(Why::DefinitivelyBlocked);
        }
        let until = match status {
            None => None,
            Some(days) => {
                if !rights.may_in(system, AUTHORISED) {
                    return Err(Why::NoRight);
                }
                if member.status.is_some() {
                    return Err(Why::NotLater);
                }
                if !lives_in(person.home, system) {
                    return Err(Why::OutsideRegion);
                }
                Some(self.may_be_granted(&rights, who, system, days)?)
            }
        };
        if card(slot).1 != (member.status.is_some() || until.is_some()) {
            return Err(Why::WrongDigit);
        }
        self.give_card(who, system, slot);
        if let Some(until) = until {
            self.grant(who, system, until);
        }
        Ok(vec![Fact::Price(system_of(system).replacement)])
    }

    /// The slot of the card that a replacement is given: of the digit that is needed.
    pub fn replacement(&self, who: usize, given: Card, with_status: bool) -> usize {
        let system = match given {
            Card::Fresh(system) => system,
            Card::Slot(slot) => card(slot).0,
        };
        let member = self.people[who].memberships.get(&system);
        let has_status = member.is_some_and(|member| member.status.is_some());
        self.given(given, has_status || with_status)
    }

    fn take_up(&mut self, taking: &TakingUp) -> Answer {
        let TakingUp { by, counter, who, system, status, moves_to, .. } = *taking;
        let rights = self.rights(by, counter)?;
        if !COUNTERS[counter].systems.contains(&system) {
            return Err(Why::ForeignSystem);
        }
        self.known(who)?;
        let (slot, is_own) = self.taken_up(taking);
        if !is_own && self.assignable(slot, counter)? != system {
            return Err(Why::ForeignSystem);
        }
        let person = &self.people[who];
        let member = person.memberships.get(&system);
        let had_status = member.is_some_and(|member| member.status.is_some());
        match member {
            None => {
                demand_registration(&rights, system, status.is_some(), person.has_insz)?;
                if !rights.other_municipalities(system) {
                    return Err(Why::OtherMunicipality);
                }
                let mut members = person.memberships.values();
                if members.any(|member| member.taken_for_good && member.card.is_none())
                    && !rights.ksb_of.contains(&system)
                {
                    return Err(Why::DefinitivelyBlocked);
                }
            }
            Some(member) => {
                if member.blocked {
                    return Err(Why::MembershipBlocked);
                }
                let level = match (had_status, status.is_some(), member.card) {
                    (true, true, Some(_)) | (false, false, Some(_)) => {
                        return Err(Why::IdenticalMembership);
                    }
                    (true, true, None) | (false, false, None) => REGISTER,
                    (true, false, _) | (false, true, _) => AUTHORISED,
                };
                if !rights.may_in(system, level) {
                    return Err(Why::NoRight);
                }
                if member.taken_for_good
                    && member.card.is_none()
                    && !rights.ksb_of.contains(&system)
                {
                    return Err(Why::DefinitivelyBlocked);
                }
            }
        }
        let home = moves_to.map_or(person.home, |home| HOMES[home]);
        let grants = status.is_some() && !had_status;
        let ends = had_status && status.is_none();
        // Whoever keeps a status stays where it counts (R-SOC-05).
        if moves_to.is_some() && home != person.home && !grants && !ends {
            self.demand_no_upgrade(who, home)?;
        }
        if grants && !lives_in(home, system) {
            return Err(Why::OutsideRegion);
        }
        let current = member.and_then(|member| member.card);
        if is_own {
            if self.cards[slot].1 {
                return Err(Why::CardBlocked);
            }
            if status.is_some() || current == Some(slot) {
                return Err(Why::NeedsNewCard);
            }
        }
        let elsewhere = self.status(who).is_some_and(|(of, ..)| of != system);
        if !(is_own && elsewhere) && card(slot).1 != status.is_some() {
            return Err(Why::WrongDigit);
        }
        let until = match status {
            Some(days) if grants => Some(self.may_be_granted(&rights, who, system, days)?),
            _ => None,
        };
        let is_new = member.is_none();
        self.people[who].home = home;
        if let Some(current) = current {
            self.take_card(who, current, false);
        }
        if ends {
            self.set_status(who, system, None);
        }
        self.give_card(who, system, slot);
        if let Some(until) = until {
            self.grant(who, system, until);
        }
        let prices = system_of(system);
        let mut facts = vec![Fact::Price(if is_new { prices.upgrade } else { prices.replacement })];
        if is_new {
            facts.extend(self.welcome(who, system));
        }
        Ok(facts)
    }

    /// The slot of the card of a membership that is taken up, and whether it is one of his own.
    pub fn taken_up(&self, taking: &TakingUp) -> (usize, bool) {
        let own = taking.own_card.and_then(|nth| self.own_card(taking.who, nth));
        let slot = own.unwrap_or_else(|| self.given(taking.card, taking.status.is_some()));
        (slot, self.people[taking.who].cards.contains(&slot))
    }

    // Points.

    fn check_in(
        &mut self,
        base: u128,
        by: usize,
        activity: usize,
        shown: Shown,
        channel: Channel,
    ) -> Answer {
        let rights = self.rights(by, ACTIVITIES[activity].organizer)?;
        let slot = self.shown(shown);
        let who = self.identify(slot)?;
        if !rights.may(CHECK_IN) {
            return Err(Why::NoRight);
        }
        self.demand_active(who, slot)?;
        demand_offered(activity)?;
        self.demand_open(who)?;
        let points = self.points(who, activity, channel)?;
        self.save(base, who, activity, points, Some(channel), None);
        Ok(vec![Fact::Points(points)])
    }

    fn points(&self, who: usize, activity: usize, channel: Channel) -> Result<u32, Why> {
        let known = &ACTIVITIES[activity];
        if known.points == 0 {
            return Err(Why::NoPoints);
        }
        let without_staff = match channel {
            Channel::Counter => None,
            Channel::Kiosk => Some((60, 60)),
            Channel::Qr => Some(system_of(taking_part(activity)[0]).without_staff),
        };
        demand_window(&known.when, self.now, without_staff)?;
        let limit = known.check_in_limit.unwrap_or(default_limit(&known.when));
        let uses = self
            .saved
            .iter()
            .filter(|saved| saved.who == who && saved.activity == activity && !saved.corrected)
            .map(|saved| day(saved.at));
        if left(limit, uses, self.today()) == 0 {
            return Err(Why::AlreadyGiven);
        }
        Ok(known.points)
    }

    fn save(
        &mut self,
        id: u128,
        who: usize,
        activity: usize,
        points: u32,
        channel: Option<Channel>,
        sale: Option<u128>,
    ) {
        let at = self.now;
        self.people[who].points += i64::from(points);
        self.saved.push(Saved { id, who, activity, at, points, channel, sale, corrected: false });
    }

    /// R-CHK-08
    fn correct(&mut self, by: usize, nth: usize) -> Answer {
        if self.saved.is_empty() {
            return Err(Why::UnknownThing);
        }
        let index = nth % self.saved.len();
        let saved = self.saved[index].clone();
        let rights = self.rights(by, ACTIVITIES[saved.activity].organizer)?;
        self.known(saved.who)?;
        if !rights.may(CHECK_IN) {
            return Err(Why::NoRight);
        }
        if matches!(saved.channel, Some(Channel::Qr | Channel::Kiosk)) && !rights.is_ksb() {
            return Err(Why::OnlyKsb);
        }
        if saved.corrected {
            return Err(Why::Already);
        }
        self.saved[index].corrected = true;
        self.people[saved.who].points -= i64::from(saved.points);
        Ok(vec![Fact::Points(saved.points)])
    }

    // Tickets.

    fn sell(&mut self, base: u128, by: usize, tickets: &[Ticket]) -> Answer {
        let mut each = Vec::new();
        for (ticket, place) in tickets.iter().zip(0_u128..) {
            let rights = self.rights(by, ACTIVITIES[ticket.activity].organizer)?;
            let slot = self.shown(ticket.shown);
            let who = self.identify(slot)?;
            let price = price(ticket);
            each.push((who, place, ticket, slot, price, rights));
        }
        // By passholder, and each in the order asked.
        each.sort_by_key(|(who, place, ..)| (*who, *place));
        let mut facts = Vec::new();
        for (index, (who, place, ticket, slot, price, rights)) in each.iter().enumerate() {
            let equal = each[..index].iter().any(|(other, _, before, _, amount, _)| {
                (*other, before.activity, before.coupon, *amount)
                    == (*who, ticket.activity, ticket.coupon, *price)
            });
            if equal {
                return Err(Why::SecondEqualItem);
            }
            facts.push(self.sell_one(base + place, (*who, *slot), ticket, *price, rights)?);
        }
        Ok(facts)
    }

    fn sell_one(
        &mut self,
        id: u128,
        (who, slot): (usize, usize),
        ticket: &Ticket,
        price: i64,
        rights: &Rights,
    ) -> Result<Fact, Why> {
        let activity = ticket.activity;
        let known = &ACTIVITIES[activity];
        if !rights.may(CHECK_IN) {
            return Err(Why::NoRight);
        }
        self.demand_active(who, slot)?;
        demand_offered(activity)?;
        if price == 0 {
            return Err(Why::Free);
        }
        let deviating = !known.prices.iter().any(|(_, listed)| *listed == price);
        if deviating && rights.acts != Acts::Client {
            return Err(Why::NotAPrice);
        }
        let (system, key, payer, shares) = match ticket.coupon {
            None => self.social_tariff(who, activity, price)?,
            Some(coupon) => self.coupon(who, activity, price, coupon)?,
        };
        self.sales.push(Sale {
            id,
            who,
            activity,
            at: self.now,
            coupon: ticket.coupon,
            payer: payer.clone(),
            municipality: shares.2,
            cancelled: None,
            on: None,
            corrected_on: None,
        });
        let mut point = None;
        if ticket.coupon.is_none() {
            let points = match self.demand_open(who) {
                Ok(()) => self.points(who, activity, Channel::Counter),
                Err(why) => Err(why),
            };
            point = Some(points.map(drop));
            if let Ok(points) = points {
                self.save(id + 50, who, activity, points, None, Some(id));
            }
        }
        Ok(Fact::Sold { id, shares, payer, system, key, deviating, point })
    }

    /// R-TAR-04, R-TAR-05, R-TAR-06
    fn social_tariff(&self, who: usize, activity: usize, price: i64) -> Result<Tariff, Why> {
        let status_in = self.demand_entitled(who)?;
        let part = taking_part(activity);
        let system = if part.contains(&status_in) { status_in } else { part[0] };
        let organizer = &COUNTERS[ACTIVITIES[activity].organizer];
        let by_hand = ACTIVITIES[activity]
            .chosen
            .and_then(|chosen| chosen.iter().find(|(of, _)| *of == system).map(|(_, keys)| *keys));
        let terms = organizer.terms.iter().find(|terms| terms.system == system);
        let levels = [by_hand, terms.map(|terms| terms.keys), Some(system_of(system).default_keys)];
        let level = levels.into_iter().flatten().find(|keys| !keys.is_empty()).unwrap_or(&[]);
        let mut keys: Vec<&Key> = system_of(system)
            .keys
            .iter()
            .filter(|key| level.contains(&key.id))
            .filter(|key| key.any_region || system == status_in)
            .filter(|key| key.price_below.is_none_or(|below| price < below))
            .collect();
        keys.sort_by_key(|key| (split(key.splits, price).0, key.id));
        let key = keys.first().ok_or(Why::NoKey)?;
        let person = &self.people[who];
        let payer = person.home.unwrap_or(person.counter_home).to_owned();
        let mine =
            |sale: &&Sale| sale.who == who && sale.cancelled.is_none() && sale.coupon.is_none();
        let limit = ACTIVITIES[activity].ticket_limit;
        let limit = limit.unwrap_or(default_limit(&ACTIVITIES[activity].when));
        let uses = self.sales.iter().filter(mine).filter(|sale| sale.activity == activity);
        if left(limit, uses.map(|sale| day(sale.at)), self.today()) == 0 {
            return Err(Why::ActivityLimit);
        }
        if let Some(limit) = terms.and_then(|terms| terms.ticket_limit) {
            let uses = self.sales.iter().filter(mine).filter(|sale| {
                ACTIVITIES[sale.activity].organizer == ACTIVITIES[activity].organizer
            });
            if left(limit, uses.map(|sale| day(sale.at)), self.today()) == 0 {
                return Err(Why::CounterLimit);
            }
        }
        Ok((system, Some(key.id), payer, split(key.splits, price)))
    }

    /// R-CPN
    fn coupon(
        &self,
        who: usize,
        activity: usize,
        price: i64,
        number: usize,
    ) -> Result<Tariff, Why> {
        let coupon = &COUPONS[number];
        let today = self.today();
        self.demand_open(who)?;
        if coupon.validity.0.is_some_and(|from| today < date(from)) {
            return Err(Why::CouponNotYet);
        }
        if coupon.validity.1.is_some_and(|until| today > date(until)) {
            return Err(Why::CouponOver);
        }
        let own = [coupon.owner];
        let systems: &[u32] = if coupon.systems.is_empty() { &own } else { coupon.systems };
        let system = taking_part(activity).into_iter().find(|system| systems.contains(system));
        let named =
            coupon.activities.is_empty() || coupon.activities.contains(&ACTIVITIES[activity].id);
        let system = system.filter(|_| named).ok_or(Why::CouponElsewhere)?;
        let person = &self.people[who];
        match coupon.grants {
            Grants::Everyone => {}
            Grants::Status => {
                self.demand_entitled(who)?;
            }
            Grants::Segment(home, from, until) => {
                let years = years(person.born, today);
                if person.home != Some(home) || years < from || years > until {
                    return Err(Why::CouponNotGranted);
                }
            }
        }
        let municipality_bears = match coupon.does {
            Does::Percents(.., part) | Does::PercentOff(.., part) | Does::AmountOff(.., part) => {
                part > 0
            }
        };
        let payer = match (coupon.payer, person.home) {
            (Some(named), _) => named,
            (None, Some(home)) if municipality_bears => {
                if !lives_in(Some(home), system) {
                    return Err(Why::NoPayer);
                }
                home
            }
            (None, None) if municipality_bears => return Err(Why::NoPayer),
            (None, home) => home.unwrap_or(person.counter_home),
        };
        if let Some(limit) = coupon.limit {
            let uses = self.sales.iter().filter(|sale| {
                sale.who == who && sale.cancelled.is_none() && sale.coupon == Some(number)
            });
            if left(limit, uses.map(|sale| day(sale.at)), today) == 0 {
                return Err(Why::CouponUsedUp);
            }
        }
        Ok((system, None, payer.to_owned(), reduce(coupon.does, price)))
    }

    /// R-TAR-09, R-CHK-07
    fn cancel(&mut self, by: usize, index: Option<usize>) -> Answer {
        let index = index.ok_or(Why::UnknownThing)?;
        let sale = self.sales[index].clone();
        let rights = self.rights(by, ACTIVITIES[sale.activity].organizer)?;
        if !rights.may(CHECK_IN) {
            return Err(Why::NoRight);
        }
        if sale.cancelled.is_some() {
            return Err(Why::Already);
        }
        self.sales[index].cancelled = Some(self.now);
        let known = &ACTIVITIES[sale.activity];
        let per_day = known.check_in_limit.unwrap_or(default_limit(&known.when)).1 == Per::Day;
        let another = self.sales.iter().any(|other| {
            other.who == sale.who
                && other.activity == sale.activity
                && other.cancelled.is_none()
                && (!per_day || day(other.at) == day(sale.at))
        });
        let given =
            self.saved.iter().position(|saved| saved.sale == Some(sale.id) && !saved.corrected);
        let mut points = 0;
        // Whoever was removed has no points any more.
        let is_removed = self.people[sale.who].is_removed;
        if let Some(given) = given.filter(|_| !another && !is_removed) {
            self.saved[given].corrected = true;
            points = self.saved[given].points;
            self.people[sale.who].points -= i64::from(points);
        }
        Ok(vec![Fact::Cancelled { id: sale.id, points }])
    }

    // Rewards.

    fn redeem(
        &mut self,
        base: u128,
        by: usize,
        counter: usize,
        number: usize,
        shown: Shown,
    ) -> Answer {
        let reward = &REWARDS[number];
        let today = self.today();
        let rights = self.rights(by, counter)?;
        if !rights.may(CHECK_IN) {
            return Err(Why::NoRight);
        }
        let slot = self.shown(shown);
        let who = self.identify(slot)?;
        self.demand_active(who, slot)?;
        self.demand_open(who)?;
        if reward.redemption.0.is_some_and(|from| today < date(from)) {
            return Err(Why::RewardNotYet);
        }
        if reward.redemption.1.is_some_and(|until| today > date(until)) {
            return Err(Why::RewardOver);
        }
        if !reward.counters.is_empty() && !reward.counters.contains(&counter) {
            return Err(Why::RewardElsewhere);
        }
        if reward.units.is_some_and(|units| self.units_out(number) >= units) {
            return Err(Why::SoldOut);
        }
        let person = &self.people[who];
        let mut in_use = person.memberships.iter().filter(|(_, member)| !member.blocked);
        if !in_use.any(|(system, _)| reward.systems.is_empty() || reward.systems.contains(system)) {
            return Err(Why::RewardOfOtherSystem);
        }
        let uses = self
            .taken
            .iter()
            .filter(|taken| taken.who == who && taken.reward == number && !taken.cancelled)
            .map(|taken| day(taken.at));
        if reward.points == 0 {
            if !person.welcome.contains(&number) {
                return Err(Why::RewardNotGranted);
            }
            if uses.count() > 0 {
                return Err(Why::RewardLimit);
            }
        } else {
            let at_home = person.home.is_some_and(|home| reward.inhabitants.contains(&home));
            if !reward.inhabitants.is_empty() && !at_home {
                return Err(Why::RewardOfOtherMunicipality);
            }
            if reward.limit.is_some_and(|limit| left(limit, uses, today) == 0) {
                return Err(Why::RewardLimit);
            }
            if person.points < 0 || person.points < i64::from(reward.points) {
                return Err(Why::NotEnoughPoints);
            }
        }
        self.people[who].points -= i64::from(reward.points);
        let (at, points) = (self.now, reward.points);
        self.taken.push(Taken {
            id: base,
            who,
            reward: number,
            counter,
            at,
            points,
            cancelled: false,
        });
        Ok(vec![Fact::Points(points)])
    }

    fn units_out(&self, reward: usize) -> u32 {
        let out = self.taken.iter().filter(|taken| taken.reward == reward && !taken.cancelled);
        out.count() as u32
    }

    /// R-RWD-08
    fn give_back(&mut self, by: usize, nth: usize) -> Answer {
        if self.taken.is_empty() {
            return Err(Why::UnknownThing);
        }
        let index = nth % self.taken.len();
        let taken = self.taken[index].clone();
        let rights = self.rights(by, taken.counter)?;
        self.known(taken.who)?;
        if !rights.is_ksb() {
            return Err(Why::OnlyKsb);
        }
        if taken.cancelled {
            return Err(Why::Already);
        }
        self.taken[index].cancelled = true;
        self.people[taken.who].points += i64::from(taken.points);
        Ok(vec![Fact::Points(taken.points)])
    }

    // Notes.

    fn issue_note(&mut self, by: usize, counter: usize, from_days_ago: i64, days: i64) -> Answer {
        let today = self.today();
        let until = today - TimeDelta::days(from_days_ago);
        let from = until - TimeDelta::days(days);
        let rights = self.rights(by, counter)?;
        if !rights.is_ksb() {
            return Err(Why::OnlyKsb);
        }
        if until >= today {
            return Err(Why::NotOver);
        }
        if self.notes[counter].iter().any(|note| from <= note.until && note.from <= until) {
            return Err(Why::Overlaps);
        }
        let number = self.notes[counter].len();
        let mut parts: BTreeMap<String, (u32, i64)> = BTreeMap::new();
        let mut trial = self.sales.clone();
        for sale in &mut trial {
            if ACTIVITIES[sale.activity].organizer != counter {
                continue;
            }
            let part = |parts: &mut BTreeMap<String, (u32, i64)>, amount| {
                let part = parts.entry(sale.payer.clone()).or_default();
                *part = (part.0 + 1, part.1 + amount);
            };
            match (sale.on, sale.cancelled) {
                (None, None) if day(sale.at) <= until => {
                    sale.on = Some(number);
                    part(&mut parts, sale.municipality);
                }
                (Some(_), Some(at)) if sale.corrected_on.is_none() && day(at) <= until => {
                    sale.corrected_on = Some(number);
                    part(&mut parts, -sale.municipality);
                }
                _ => {}
            }
        }
        if parts.is_empty() {
            return Err(Why::Nothing);
        }
        self.sales = trial;
        let (lines, total) = parts
            .values()
            .fold((0, 0), |(lines, total), part| (lines + part.0 as usize, total + part.1));
        let deadline = today + TimeDelta::days(14);
        let reply = Reply::None;
        self.notes[counter].push(Note { from, until, deadline, reply, lines, total });
        let parts = parts.into_iter().map(|(payer, (lines, total))| {
            let owed = self.owed.entry((counter, payer.clone())).or_default();
            let deducted = total.max(0).min(*owed);
            *owed = *owed - deducted - total.min(0);
            Fact::Part { payer, lines, total, deducted, payable: total.max(0) - deducted }
        });
        Ok(parts.collect())
    }

    fn demand_admin(&self, by: usize, counter: usize) -> Result<(), Why> {
        let rights = self.rights(by, counter)?;
        if rights.acts != Acts::Admin || rights.is_ksb() {
            return Err(Why::OnlyAdmin);
        }
        Ok(())
    }

    /// R-NOTE-06: no objection by the deadline is approval.
    fn open_note(&mut self, counter: usize, nth: usize) -> Result<&mut Note, Why> {
        let today = self.today();
        let note = self.notes[counter].get_mut(nth).ok_or(Why::UnknownThing)?;
        match note.reply {
            Reply::None if today <= note.deadline => Ok(note),
            _ => Err(Why::Already),
        }
    }

    fn object(&mut self, by: usize, counter: usize, nth: usize, every: usize) -> Answer {
        self.demand_admin(by, counter)?;
        let concerned = self.objected(counter, nth, every);
        let note = self.open_note(counter, nth)?;
        if concerned.is_empty() {
            return Err(Why::NotOnNote);
        }
        note.reply = Reply::Objected(concerned);
        Ok(vec![])
    }

    /// Every so many-th sale with a line on a note.
    pub fn objected(&self, counter: usize, nth: usize, every: usize) -> Vec<u128> {
        let on_note = self.on_note(counter, nth);
        if every == 0 { vec![] } else { on_note.into_iter().step_by(every).collect() }
    }

    pub fn on_note(&self, counter: usize, nth: usize) -> Vec<u128> {
        let sales = self.sales.iter().filter(|sale| {
            ACTIVITIES[sale.activity].organizer == counter
                && (sale.on == Some(nth) || sale.corrected_on == Some(nth))
        });
        let mut ids: Vec<u128> = sales.map(|sale| sale.id).collect();
        ids.sort_unstable();
        ids
    }

    fn settle(&mut self, by: usize, counter: usize, nth: usize, upheld: bool) -> Answer {
        let rights = self.rights(by, counter)?;
        if !rights.is_ksb() {
            return Err(Why::OnlyKsb);
        }
        let note = self.notes[counter].get(nth).ok_or(Why::UnknownThing)?;
        let Reply::Objected(concerned) = note.reply.clone() else {
            return Err(Why::NothingToSettle);
        };
        let mut facts = Vec::new();
        for id in concerned.into_iter().filter(|_| upheld) {
            let index = self.sales.iter().position(|sale| sale.id == id);
            match self.cancel(by, index) {
                Ok(cancelled) => facts.extend(cancelled),
                Err(Why::Already) => {}
                Err(why) => return Err(why),
            }
        }
        self.notes[counter][nth].reply = Reply::Settled;
        Ok(facts)
    }

    pub fn picture(&self) -> Picture {
        let portrait = |(who, person): (usize, &Person)| {
            if !person.is_known || person.is_removed {
                let is_removed = person.is_removed;
                return Portrait { is_removed, ..Portrait::default() };
            }
            let mine = |of: &usize| *of == who;
            Portrait {
                is_known: true,
                is_removed: false,
                home: person.home.map(str::to_owned),
                points: person.points,
                memberships: person
                    .memberships
                    .iter()
                    .map(|(system, member)| {
                        let status = member.status.map(|of| (of.until, of.suspended));
                        let (blocked, card) = (member.blocked, member.card);
                        (*system, Membership { blocked, card, status })
                    })
                    .collect(),
                cards: person.cards.iter().map(|slot| (*slot, self.cards[*slot].1)).collect(),
                welcome: person.welcome.iter().copied().collect(),
                counts: (
                    self.saved.iter().filter(|of| mine(&of.who) && !of.corrected).count(),
                    self.sales.iter().filter(|of| mine(&of.who) && of.cancelled.is_none()).count(),
                    self.taken.iter().filter(|of| mine(&of.who) && !of.cancelled).count(),
                ),
            }
        };
        let notes = self.notes.iter();
        Picture {
            people: self.people.iter().enumerate().map(portrait).collect(),
            cards: self.cards.clone(),
            units: (0..REWARDS.len())
                .map(
                    |reward| {
                        if REWARDS[reward].units.is_some() { self.units_out(reward) } else { 0 }
                    },
                )
                .collect(),
            notes: notes
                .map(|notes| notes.iter().map(|note| (note.lines, note.total)).collect())
                .collect(),
        }
    }
}

/// One of the steps of a bulk action.
pub fn each(by: usize, counter: usize, who: usize, act: Act) -> Step {
    let shown = Shown::Of(who, 0);
    match act {
        Act::Points(activity) => Step::CheckIn { by, activity, shown, channel: Channel::Counter },
        Act::Tickets(activity) => {
            let ticket = Ticket { activity, shown, price: Price::Nth(0), coupon: None };
            Step::Sell { by, tickets: vec![ticket] }
        }
        Act::Extend(days) => Step::Extend { by, counter, who, days },
        Act::Block => Step::Block { by, counter, who, nth_card: 0, reason: Reason::Fraud },
        Act::Move(home) => Step::Move { by, counter, who, home },
    }
}

// Plain facts.

pub fn system_of(id: u32) -> &'static System {
    SYSTEMS.iter().find(|system| system.id == id).expect("there are two")
}

fn lives_in(home: Option<&str>, system: u32) -> bool {
    home.is_some_and(|home| system_of(system).towns.contains(&home))
}

/// The card systems of an activity, lowest id first.
fn taking_part(activity: usize) -> Vec<u32> {
    let systems = COUNTERS[ACTIVITIES[activity].organizer].systems.iter().copied();
    let chosen = ACTIVITIES[activity].chosen;
    systems.filter(|id| chosen.is_none_or(|chosen| chosen.iter().any(|(of, _)| of == id))).collect()
}

/// R-CHK-04
fn demand_offered(activity: usize) -> Result<(), Why> {
    match ACTIVITIES[activity].prices.is_empty() {
        true => Err(Why::NotOffered),
        false => Ok(()),
    }
}

/// R-REG-04
fn demand_registration(
    rights: &Rights,
    system: u32,
    with_status: bool,
    has_insz: bool,
) -> Result<(), Why> {
    if !rights.may_in(system, REGISTER) {
        return Err(Why::NoRight);
    }
    if rights.may_in(system, AUTHORISED) {
        return Ok(());
    }
    if with_status {
        return Err(Why::RegistersWithoutStatusOnly);
    }
    if !has_insz {
        return Err(Why::RegistersWithInszOnly);
    }
    Ok(())
}

/// The price of a ticket in cents.
pub fn price(ticket: &Ticket) -> i64 {
    let listed = ACTIVITIES[ticket.activity].prices;
    match ticket.price {
        Price::Cents(cents) => cents,
        Price::Nth(nth) if !listed.is_empty() => listed[nth % listed.len()].1,
        Price::Nth(_) => 500,
    }
}

/// R-TAR-02
fn split(splits: Splits, price: i64) -> (i64, i64, i64) {
    let euro = Decimal::new(price, 2);
    let hundred = Decimal::ONE_HUNDRED;
    let cap = euro / Decimal::from(4);
    let cap = cap.round_dp_with_strategy(2, RoundingStrategy::ToZero);
    let cent = Decimal::new(1, 2);
    let (passholder, municipality) = match splits {
        Splits::Percents(passholder, _, municipality) => {
            let passholder = half_up(euro * Decimal::from(passholder) / hundred).min(cap).max(cent);
            (passholder, half_up(euro * Decimal::from(municipality) / hundred))
        }
        Splits::Fixed(amount, organizer, municipality) => {
            let passholder = Decimal::new(amount, 2).min(cap).max(cent);
            let rest = (euro - passholder) * Decimal::from(municipality);
            (passholder, half_up(rest / Decimal::from(organizer + municipality)))
        }
    };
    shared(euro, passholder, municipality)
}

/// R-CPN-01
fn reduce(does: Does, price: i64) -> (i64, i64, i64) {
    let euro = Decimal::new(price, 2);
    let hundred = Decimal::ONE_HUNDRED;
    let borne = |off: Decimal, organizer: u32, municipality: u32| {
        half_up(off * Decimal::from(municipality) / Decimal::from(organizer + municipality))
    };
    let (passholder, municipality) = match does {
        Does::Percents(passholder, _, municipality) => (
            half_up(euro * Decimal::from(passholder) / hundred),
            half_up(euro * Decimal::from(municipality) / hundred),
        ),
        Does::PercentOff(percent, organizer, municipality) => {
            let off = half_up(euro * Decimal::from(percent) / hundred);
            (euro - off, borne(off, organizer, municipality))
        }
        Does::AmountOff(cents, organizer, municipality) => {
            let off = Decimal::new(cents, 2).min(euro);
            (euro - off, borne(off, organizer, municipality))
        }
    };
    shared(euro, passholder, municipality)
}

/// The organizer bears what is left.
fn shared(price: Decimal, passholder: Decimal, municipality: Decimal) -> (i64, i64, i64) {
    let municipality = municipality.min(price - passholder);
    let cents = |euro: Decimal| (euro * Decimal::ONE_HUNDRED).to_i64().expect("whole cents");
    (cents(passholder), cents(price - passholder - municipality), cents(municipality))
}

fn half_up(euro: Decimal) -> Decimal {
    euro.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

// The calendar of Brussels.

pub fn instant(shown: &str) -> DateTime<Utc> {
    let shown: NaiveDateTime = shown.replace(' ', "T").parse().expect("a time on the clock");
    at(shown)
}

fn at(shown: NaiveDateTime) -> DateTime<Utc> {
    let first = Brussels.from_local_datetime(&shown).earliest();
    first.expect("no time in the story is left out by the clocks").to_utc()
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

pub fn day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Brussels).date_naive()
}

/// Of an odd age: the birthday is tomorrow.
pub fn born(today: NaiveDate, age: u16) -> NaiveDate {
    let year = today.year() - i32::from(age);
    let same = NaiveDate::from_ymd_opt(year, today.month(), today.day());
    let same = same.unwrap_or(NaiveDate::from_ymd_opt(year, 3, 1).expect("1 March"));
    if age % 2 == 1 { same + Days::new(1) } else { same }
}

fn years(born: NaiveDate, today: NaiveDate) -> u16 {
    let before = (today.month(), today.day()) < (born.month(), born.day());
    (today.year() - born.year() - i32::from(before)) as u16
}

pub fn waited(now: DateTime<Utc>, wait: Wait) -> DateTime<Utc> {
    let today = day(now);
    let midnight = |day: NaiveDate| at(day.and_time(NaiveTime::MIN));
    match wait {
        Wait::Minutes(minutes) => now + TimeDelta::minutes(minutes),
        Wait::Hours(hours) => now + TimeDelta::hours(hours),
        Wait::Days(days) => now + TimeDelta::days(days),
        Wait::LastSecond => {
            let last = midnight(today + Days::new(1)) - TimeDelta::seconds(1);
            last.max(now)
        }
        Wait::NextDay => midnight(today + Days::new(1)),
        Wait::NextMonth => midnight(next_month(today)),
        Wait::NextQuarter => {
            let mut first = next_month(today);
            while first.month() % 3 != 1 {
                first = next_month(first);
            }
            midnight(first)
        }
    }
}

fn next_month(today: NaiveDate) -> NaiveDate {
    let (year, month) = match today.month() {
        12 => (today.year() + 1, 1),
        month => (today.year(), month + 1),
    };
    NaiveDate::from_ymd_opt(year, month, 1).expect("the first of a month")
}

fn within((from, until): (Option<&str>, Option<&str>), today: NaiveDate) -> bool {
    from.is_none_or(|from| date(from) <= today) && until.is_none_or(|until| today <= date(until))
}

/// What tells two periods apart.
fn period(per: Per, day: NaiveDate) -> (i32, u32) {
    match per {
        Per::Ever => (0, 0),
        Per::Day => (day.year(), day.ordinal()),
        Per::Week => (day.iso_week().year(), day.iso_week().week()),
        Per::Month => (day.year(), day.month()),
        Per::Quarter => (day.year(), day.month().div_ceil(3)),
        Per::Year => (day.year(), 0),
    }
}

fn left((volume, per): Times, uses: impl Iterator<Item = NaiveDate>, today: NaiveDate) -> u32 {
    let used = uses.filter(|day| period(per, *day) == period(per, today)).count();
    volume.saturating_sub(used as u32)
}

/// R-CHK-03
fn default_limit(when: &When) -> Times {
    match when {
        When::Once(..) => (1, Per::Ever),
        When::Several(_) | When::Weekly(..) | When::Hours(..) | When::Always => (1, Per::Day),
    }
}

/// R-CHK-02, R-CHK-10
fn demand_window(
    when: &When,
    now: DateTime<Utc>,
    without_staff: Option<(i64, i64)>,
) -> Result<(), Why> {
    let around = |start: DateTime<Utc>, end: DateTime<Utc>| match without_staff {
        Some((before, after)) => {
            (start - TimeDelta::minutes(before), end + TimeDelta::minutes(after))
        }
        None => (start - TimeDelta::hours(3), three_months_after(end)),
    };
    let occurrence = |(start, end): &(&str, Option<&str>)| {
        let end = match end {
            Some(end) => instant(end),
            None => instant(&format!("{} 23:59:00", &start[..10])),
        };
        around(instant(start), end)
    };
    let time = |text: &str| text.parse::<NaiveTime>().expect("a time");
    let openings: Vec<(DateTime<Utc>, DateTime<Utc>)> = match when {
        When::Always => return Ok(()),
        When::Once(start, end) => vec![occurrence(&(start, *end))],
        When::Several(all) => all.iter().map(occurrence).collect(),
        When::Weekly(from, until, weekdays, opens, closes) => date(from)
            .iter_days()
            .take_while(|day| *day <= date(until))
            .filter(|day| weekdays.contains(&day.weekday().num_days_from_monday()))
            .map(|day| around(at(day.and_time(time(opens))), at(day.and_time(time(closes)))))
            .collect(),
        When::Hours(weekdays, opens, closes) => (day(now) - Days::new(8))
            .iter_days()
            .take(17)
            .filter(|day| weekdays.contains(&day.weekday().num_days_from_monday()))
            .map(|day| (at(day.and_time(time(opens))), at(day.and_time(time(closes)))))
            .collect(),
    };
    if openings.iter().any(|(opens, closes)| *opens <= now && now <= *closes) {
        Ok(())
    } else if openings.iter().any(|(opens, _)| now < *opens) {
        Err(Why::TooEarly)
    } else {
        Err(Why::TooLate)
    }
}

/// At the same time on the clock, on the last day of a month without that day.
fn three_months_after(end: DateTime<Utc>) -> DateTime<Utc> {
    let shown = end.with_timezone(&Brussels).naive_local();
    let months = shown.year() * 12 + shown.month0() as i32 + 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
    let mut days = (1..=shown.day()).rev();
    let day = days.find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
    at(day.expect("every month has a first").and_time(shown.time()))
}

//! The domain, with the facts that the doors would look up for it. Every step is a list of units,
//! each a list of events, as they would stand in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use uitpas_domain::activity::Activity;
use uitpas_domain::bulk::demand_list;
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::card::{self, Card, Holder as CardHolder, Stage, TakeIn};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::notes::{
    Closing, Drawn, DrawnPart, IssueNote, Lines, ObjectToNote, Reply, SettleObjection, Stamp,
    lines_of,
};
use uitpas_domain::counter::{self, Authority, Counter, Task};
use uitpas_domain::coupon::{self, Coupon};
use uitpas_domain::ids::*;
use uitpas_domain::metadata::{Channel as Way, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::cards::{Block, BlockCard, BlockReason, ReplaceCard};
use uitpas_domain::passholder::check_ins::{CheckIn, CorrectCheckIn, PointOfSale};
use uitpas_domain::passholder::memberships::{Moved, TakeUpMembership};
use uitpas_domain::passholder::redemptions::{CancelRedemption, Redeem};
use uitpas_domain::passholder::registration::{
    AskedSocialStatus, ChangeDetails, NewCard, PersonalDetails, Preferences, Register, Remove,
    Terms as Told,
};
use uitpas_domain::passholder::status::{
    BlockMembership, Extend, LiftSuspension, StatusRefused, Suspend,
};
use uitpas_domain::passholder::ticket_sales::{CancelSale, Item, SellTickets, Tariff};
use uitpas_domain::passholder::{self, CardState, Event, Passholder, Refused};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::reward::{self, Reward};
use uitpas_domain::sealed::Sealed;
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;
use uuid::Uuid;

use super::answer::{Answer, Fact, Membership, Picture, Portrait, Why};
use super::region::{
    self, activity, activity_id, address, card_system, counter, counter_id, counter_index, coupon,
    coupon_id, euro, insz, number, of, person, reward, reward_id, slot_of, subject,
};
use super::setting::*;
use super::simple::{self, Simple};
use super::step::{Act, Channel, PEOPLE, Reason, Registering, Shown, Step, TakingUp, Ticket};

#[derive(Clone)]
pub struct World {
    pub now: DateTime<Utc>,
    passholders: Vec<Passholder>,
    details: Vec<Option<PersonalDetails>>,
    cards: Vec<Card>,
    systems: BTreeMap<CardSystemId, Arc<CardSystem>>,
    counters: Vec<Arc<Counter>>,
    activities: Vec<Arc<Activity>>,
    rewards: Vec<Arc<Reward>>,
    coupons: Vec<Arc<Coupon>>,
    /// Of every sale, what a note needs to know.
    lines: BTreeMap<SaleId, Line>,
    parts: Vec<Vec<(usize, i64)>>,
    events: u64,
    /// What is written together, in the order in which it was.
    pub log: Vec<Unit>,
}

/// What one command wrote.
#[derive(Debug, Clone)]
pub struct Unit {
    pub by: SubjectId,
    pub events: Vec<AnyEvent>,
}

#[derive(Clone)]
struct Line {
    counter: usize,
    payer: Municipality,
    municipality: Euro,
    sold: Stamp,
    cancelled: Option<Stamp>,
}

impl Default for World {
    fn default() -> Self {
        let mut world = Self::empty();
        world.set_up();
        world
    }
}

impl World {
    fn empty() -> Self {
        Self {
            now: simple::instant(BEGINS),
            passholders: vec![Passholder::default(); PEOPLE],
            details: vec![None; PEOPLE],
            cards: vec![Card::default(); CARDS],
            systems: BTreeMap::new(),
            counters: vec![Arc::default(); COUNTERS.len()],
            activities: vec![Arc::default(); ACTIVITIES.len()],
            rewards: vec![Arc::default(); REWARDS.len()],
            coupons: vec![Arc::default(); COUPONS.len()],
            lines: BTreeMap::new(),
            parts: vec![vec![]; COUNTERS.len()],
            events: 0,
            log: vec![],
        }
    }

    /// The world that these events make, in whatever order they come.
    pub fn told(events: impl IntoIterator<Item = AnyEvent>) -> Self {
        let mut world = Self::empty();
        for event in events {
            world.apply(&mut vec![], event);
        }
        world
    }

    pub fn carry_out(&mut self, base: u128, step: &Step, known: &Simple) -> Answer {
        match step {
            Step::Wait(wait) => {
                self.now = simple::waited(self.now, *wait);
                Ok(vec![])
            }
            Step::Bulk { by, counter, people, act } => {
                self.bulk(base, *by, *counter, people, *act, known)
            }
            _ => {
                let mut after = self.without_log();
                let mut events = Vec::new();
                let facts = after.decide(base, step, known, &mut events)?;
                let log = std::mem::take(&mut self.log);
                *self = after;
                self.log = log;
                if !events.is_empty() {
                    self.log.push(Unit { by: subject(actor_of(step)), events });
                }
                Ok(facts)
            }
        }
    }

    /// What a step would come to.
    pub fn preview(&self, base: u128, step: &Step, known: &Simple) -> Answer {
        self.without_log().carry_out(base, step, known)
    }

    fn without_log(&self) -> Self {
        Self {
            log: vec![],
            passholders: self.passholders.clone(),
            details: self.details.clone(),
            cards: self.cards.clone(),
            systems: self.systems.clone(),
            counters: self.counters.clone(),
            activities: self.activities.clone(),
            rewards: self.rewards.clone(),
            coupons: self.coupons.clone(),
            lines: self.lines.clone(),
            parts: self.parts.clone(),
            ..*self
        }
    }

    fn bulk(
        &mut self,
        base: u128,
        by: usize,
        counter: usize,
        people: &[usize],
        act: Act,
        known: &Simple,
    ) -> Answer {
        let authority = self.authority(by, counter)?;
        let ids: Vec<PassholderId> = people.iter().map(|who| person(*who)).collect();
        demand_list(&ids).map_err(|_| Why::BadList)?;
        authority.demand(Task::Bulk)?;
        // Each is judged after the ones before it, and so are the cards they show.
        let mut known = known.clone();
        let each = people.iter().zip(1..).map(|(who, place)| {
            let step = simple::each(by, counter, *who, act);
            let answer = self.carry_out(base + place * 100, &step, &known);
            let _ = known.carry_out(base + place * 100, &step);
            Fact::Each(answer)
        });
        Ok(each.collect())
    }

    fn decide(
        &mut self,
        base: u128,
        step: &Step,
        known: &Simple,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let at = self.now;
        match step {
            Step::Wait(_) | Step::Bulk { .. } => Ok(vec![]),
            Step::Register(new) => self.register(new, known, events),
            Step::Move { by, counter, who, home } => {
                let by = self.authority(*by, *counter)?;
                let card_systems = self.card_systems_of(*who)?;
                let before = self.details[*who].clone();
                let details =
                    PersonalDetails { address: address(HOMES[*home]), ..self.details_of(*who) };
                let change = ChangeDetails {
                    by,
                    known: before,
                    details: details.clone(),
                    sealed: seal(&details),
                    card_systems,
                    at,
                };
                let change = passholder::Command::ChangeDetails(Box::new(change));
                self.on(*who, change, events)?;
                self.details[*who] = Some(details);
                Ok(vec![])
            }
            Step::Remove { who } if *who >= PEOPLE => Ok(vec![]),
            Step::Remove { who } => {
                let decided = self.on(*who, passholder::Command::Remove(Remove { at }), events)?;
                self.block_cards(&decided, events)?;
                self.details[*who] = None;
                Ok(vec![])
            }
            Step::CheckIn { by, activity, shown, channel } => {
                self.check_in(base, (*by, *activity, *shown, *channel), known, events)
            }
            Step::Correct { by, .. } => {
                let (id, who, counter) = known.made(step).ok_or(Why::UnknownThing)?;
                let by = self.authority(*by, counter)?;
                let check_in = CheckInId(Uuid::from_u128(id));
                let correct = CorrectCheckIn { check_in, by, reason: Some(sealed()), at };
                let decided = self.on(who, passholder::Command::CorrectCheckIn(correct), events)?;
                Ok(decided.iter().map(|event| Fact::Points(corrected(event))).collect())
            }
            Step::Sell { by, tickets } => self.sell(base, *by, tickets, known, events),
            Step::Cancel { by, .. } => {
                let (id, who, counter) = known.made(step).ok_or(Why::UnknownThing)?;
                Ok(vec![self.cancel(*by, id, who, counter, events)?])
            }
            Step::Redeem { by, counter, reward, shown } => {
                let authority = self.authority(*by, *counter)?;
                authority.demand(Task::Redeem)?;
                let slot = known.shown(*shown);
                let who = self.identify(slot)?;
                let redemption = RedemptionId(Uuid::from_u128(base));
                let redeem = Redeem {
                    redemption,
                    by: authority,
                    reward: reward_id(*reward),
                    known: self.rewards[*reward].clone(),
                    card: number(slot),
                    card_systems: self.card_systems_of(who)?,
                    at,
                };
                let redeem = passholder::Command::Redeem(Box::new(redeem));
                let decided = self.on(who, redeem, events)?;
                self.on_reward(*reward, reward::Command::TakeUnit { redemption, at }, events)?;
                let points = decided.iter().map(|event| match event {
                    Event::RewardRedeemed(redeemed) => Fact::Points(redeemed.points),
                    other => unreachable!("{other:?}"),
                });
                Ok(points.collect())
            }
            Step::GiveBack { by, .. } => {
                let (id, who, counter) = known.made(step).ok_or(Why::UnknownThing)?;
                let by = self.authority(*by, counter)?;
                let redemption = RedemptionId(Uuid::from_u128(id));
                let cancel = CancelRedemption { redemption, by, at };
                let decided =
                    self.on(who, passholder::Command::CancelRedemption(cancel), events)?;
                let mut facts = Vec::new();
                for event in decided {
                    if let Event::RedemptionCancelled { reward, points, .. } = event {
                        let index = region::reward_index(&reward);
                        let back = reward::Command::ReturnUnit { redemption, at };
                        self.on_reward(index, back, events)?;
                        facts.push(Fact::Points(points));
                    }
                }
                Ok(facts)
            }
            Step::Block { by, counter, who, nth_card, reason } => {
                let by = self.authority(*by, *counter)?;
                self.passholders[*who].holder()?;
                let slot = known.own_card(*who, *nth_card).ok_or(Why::NotHisCard)?;
                let block = Block::of(match reason {
                    Reason::Fraud => BlockReason::Fraud,
                    Reason::OwnWish => BlockReason::OwnWish,
                    Reason::Loss => BlockReason::Loss,
                    Reason::LostSocialStatus => BlockReason::LostSocialStatus,
                    Reason::GainedSocialStatus => BlockReason::GainedSocialStatus,
                });
                let block = BlockCard { by, card: number(slot), block, at };
                let decided = self.on(*who, passholder::Command::BlockCard(block), events)?;
                self.block_cards(&decided, events)?;
                Ok(vec![])
            }
            Step::Replace { by, counter, who, card, status } => {
                let by = self.authority(*by, *counter)?;
                self.passholders[*who].holder()?;
                let slot = known.replacement(*who, *card, status.is_some());
                let of_counter = self.counters[*counter].card_systems();
                let card_system = self.cards[slot].assignable(&of_counter)?;
                let replace = ReplaceCard {
                    by,
                    card_system,
                    system: self.systems[&card_system].clone(),
                    card: NewCard { number: number(slot), digital: false },
                    social_status: status.map(|days| self.asked(days)),
                    at,
                };
                let replace = passholder::Command::ReplaceCard(Box::new(replace));
                let decided = self.on(*who, replace, events)?;
                self.give(slot, *who, of_counter, events)?;
                Ok(vec![charged(&decided)])
            }
            Step::TakeUp(taking) => self.take_up(taking, known, events),
            Step::Extend { by, counter, who, days } => {
                let by = self.authority(*by, *counter)?;
                let holder = self.passholders[*who].holder()?;
                let (card_system, ..) = holder.social_status().ok_or(StatusRefused::None)?;
                let system = self.systems[&card_system].clone();
                let until = day_in_belgium(at) + TimeDelta::days(*days);
                let extend = Extend { by, card_system, system, until, at };
                self.on(*who, passholder::Command::ExtendSocialStatus(extend), events)?;
                Ok(vec![])
            }
            Step::Suspend { by, counter, who, system, days } => {
                let by = self.authority(*by, *counter)?;
                let until = day_in_belgium(at) + TimeDelta::days(*days);
                let card_system = CardSystemId(*system);
                let suspend = Suspend { by, card_system, until, reason: sealed(), at };
                self.on(*who, passholder::Command::SuspendSocialStatus(suspend), events)?;
                Ok(vec![])
            }
            Step::Lift { by, counter, who, system } => {
                let by = self.authority(*by, *counter)?;
                let card_system = CardSystemId(*system);
                let lift = LiftSuspension { by, card_system, reason: sealed(), at };
                self.on(*who, passholder::Command::LiftSuspension(lift), events)?;
                Ok(vec![])
            }
            Step::BlockMembership { by, counter, who, system } => {
                let by = self.authority(*by, *counter)?;
                let card_system = CardSystemId(*system);
                let block = BlockMembership { by, card_system, reason: sealed(), at };
                self.on(*who, passholder::Command::BlockMembership(block), events)?;
                Ok(vec![])
            }
            Step::IssueNote { by, counter, from_days_ago, days } => {
                self.issue_note(*by, *counter, *from_days_ago, *days, events)
            }
            Step::Approve { by, counter, nth } => {
                let by = self.authority(*by, *counter)?.role;
                let approve = counter::Command::ApproveNote { note: *nth as u32 + 1, by, at };
                self.on_counter(*counter, approve, events)?;
                Ok(vec![])
            }
            Step::Object { by, counter, nth, every } => {
                let by = self.authority(*by, *counter)?.role;
                let sales = |ids: Vec<u128>| {
                    ids.into_iter().map(|id| SaleId(Uuid::from_u128(id))).collect()
                };
                let object = ObjectToNote {
                    note: *nth as u32 + 1,
                    reason: sealed(),
                    sales: sales(known.objected(*counter, *nth, *every)),
                    on_note: sales(known.on_note(*counter, *nth)),
                    by,
                    at,
                };
                self.on_counter(*counter, counter::Command::ObjectToNote(object), events)?;
                Ok(vec![])
            }
            Step::Settle { by, counter, nth, upheld } => {
                self.settle(*by, *counter, *nth, *upheld, known, events)
            }
        }
    }

    // What several steps need.

    fn authority(&self, by: usize, counter: usize) -> Result<Authority, Why> {
        let known = &self.counters[counter];
        let ksb_of: BTreeSet<CardSystemId> = known
            .card_systems()
            .into_iter()
            .filter(|id| self.systems[id].ksb_admins.contains(&subject(by)))
            .collect();
        let authority = known.authority(&counter_id(counter), &subject(by), &ksb_of);
        let mut authority = authority.ok_or(Why::NoRole)?;
        if ACTORS[by].1 == Acts::Client {
            authority.role = Role::Client;
        }
        Ok(authority)
    }

    fn identify(&self, slot: usize) -> Result<usize, Why> {
        let holder = self.cards[slot].identify()?;
        let id = holder.passholder().expect("nobody else has a card here");
        Ok(region::index_of(id))
    }

    /// What is known of a person; in a world that was told out of order, something made up.
    fn details_of(&self, who: usize) -> PersonalDetails {
        self.details[who].clone().unwrap_or_else(|| PersonalDetails {
            name: of("Vandermeer"),
            first_name: of(["Nele", "Jan", "Fatma", "Piet", "Olga", "Wim"][who]),
            birth_date: simple::date("1990-07-21"),
            insz: None,
            gender: None,
            address: address(HOMES[0]),
            email: None,
            phone: None,
            nationality: None,
        })
    }

    fn card_systems_of(&self, who: usize) -> Result<passholder::CardSystems, Refused> {
        let of = self.passholders[who].holder()?.memberships.keys();
        Ok(of.map(|id| (*id, self.systems[id].clone())).collect())
    }

    fn offering(&self, activity: usize) -> Arc<Offering> {
        let organizer = ACTIVITIES[activity].organizer;
        let counter = self.counters[organizer].clone();
        let card_systems = counter.card_systems();
        let card_systems =
            card_systems.into_iter().map(|id| (id, self.systems[&id].clone())).collect();
        let activity_state = self.activities[activity].clone();
        let id = activity_id(activity);
        Arc::new(Offering { id, activity: activity_state, counter, card_systems })
    }

    fn asked(&self, days: i64) -> AskedSocialStatus {
        let until = day_in_belgium(self.now) + TimeDelta::days(days);
        AskedSocialStatus { until: Some(until), proof: Some(Proof::LivingWage) }
    }

    fn on(
        &mut self,
        who: usize,
        command: passholder::Command,
        events: &mut Vec<AnyEvent>,
    ) -> Result<Vec<Event>, Refused> {
        let decided = self.passholders[who].decide(command)?;
        for event in decided.clone() {
            self.apply(events, AnyEvent::Passholder(person(who), event));
        }
        Ok(decided)
    }

    fn on_card(
        &mut self,
        slot: usize,
        command: card::Command,
        events: &mut Vec<AnyEvent>,
    ) -> Result<(), card::Refused> {
        for event in self.cards[slot].decide(command)? {
            self.apply(events, AnyEvent::Card(number(slot), event));
        }
        Ok(())
    }

    fn on_counter(
        &mut self,
        counter: usize,
        command: counter::Command,
        events: &mut Vec<AnyEvent>,
    ) -> Result<Vec<counter::Event>, counter::Refused> {
        let decided = self.counters[counter].decide(command)?;
        for event in decided.clone() {
            self.apply(events, AnyEvent::Counter(counter_id(counter), event));
        }
        Ok(decided)
    }

    fn on_reward(
        &mut self,
        reward: usize,
        command: reward::Command,
        events: &mut Vec<AnyEvent>,
    ) -> Result<(), reward::Refused> {
        for event in self.rewards[reward].decide(command)? {
            self.apply(events, AnyEvent::Reward(reward_id(reward), event));
        }
        Ok(())
    }

    fn block_cards(&mut self, decided: &[Event], events: &mut Vec<AnyEvent>) -> Result<(), Why> {
        for event in decided {
            if let Event::CardBlocked { card, .. } = event {
                self.on_card(slot_of(*card), card::Command::Block { at: self.now }, events)?;
            }
        }
        Ok(())
    }

    fn give(
        &mut self,
        slot: usize,
        who: usize,
        counter_systems: Vec<CardSystemId>,
        events: &mut Vec<AnyEvent>,
    ) -> Result<(), Why> {
        let holder = CardHolder::Passholder(person(who));
        let assign = card::Command::Assign { holder, counter_systems, at: self.now };
        Ok(self.on_card(slot, assign, events)?)
    }

    fn grant_welcome(
        &mut self,
        decided: &[Event],
        events: &mut Vec<AnyEvent>,
    ) -> Result<Vec<Fact>, Why> {
        let mut facts = Vec::new();
        for event in decided {
            if let Event::WelcomeRewardGranted { reward, .. } = event {
                let index = region::reward_index(reward);
                self.on_reward(index, reward::Command::Grant { at: self.now }, events)?;
                facts.push(Fact::Welcome(index));
            }
        }
        Ok(facts)
    }

    fn welcome_candidates(&self) -> Vec<(RewardId, Arc<Reward>)> {
        let rewards = self.rewards.iter().enumerate();
        rewards.map(|(index, reward)| (reward_id(index), reward.clone())).collect()
    }

    // Steps.

    fn register(
        &mut self,
        new: &Registering,
        known: &Simple,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let at = self.now;
        let by = self.authority(new.by, new.counter)?;
        let of_counter = self.counters[new.counter].card_systems();
        let slot = known.given(new.card, new.status.is_some());
        let card_system = self.cards[slot].assignable(&of_counter)?;
        let birth_date = simple::born(day_in_belgium(at), new.age);
        let details = PersonalDetails {
            birth_date,
            insz: new.has_insz.then(|| of(&insz(birth_date, new.who as u32 + 1))),
            address: address(HOMES[new.home]),
            email: new.has_email.then(|| of("iemand@voorbeeld.example")),
            ..self.details_of(new.who)
        };
        let register = Register {
            by,
            card_system,
            system: self.systems[&card_system].clone(),
            counter_municipality: self.counters[new.counter].municipality(),
            card: NewCard { number: number(slot), digital: false },
            details: details.clone(),
            sealed: seal(&details),
            no_email: new.says_no_email,
            terms: Told { paper: new.told, digital: false },
            preferences: Some(Preferences::default()),
            parental_consent: new.consent,
            social_status: new.status.map(|days| self.asked(days)),
            voucher: None,
            welcome_rewards: self.welcome_candidates(),
            at,
        };
        let register = passholder::Command::Register(Box::new(register));
        let decided = self.on(new.who, register, events)?;
        self.give(slot, new.who, of_counter, events)?;
        self.details[new.who] = Some(details);
        let mut facts: Vec<Fact> = decided
            .iter()
            .filter_map(|event| match event {
                Event::Registered(registered) => Some(Fact::Price(registered.price.as_cents())),
                _ => None,
            })
            .collect();
        facts.extend(self.grant_welcome(&decided, events)?);
        Ok(facts)
    }

    fn check_in(
        &mut self,
        base: u128,
        (by, activity, shown, channel): (usize, usize, Shown, Channel),
        known: &Simple,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let by = self.authority(by, ACTIVITIES[activity].organizer)?;
        let slot = known.shown(shown);
        let who = self.identify(slot)?;
        let check_in = CheckIn {
            check_in: CheckInId(Uuid::from_u128(base)),
            by,
            offering: self.offering(activity),
            card: number(slot),
            channel: match channel {
                Channel::Counter => Way::Counter,
                Channel::Kiosk => Way::Kiosk,
                Channel::Qr => Way::Qr,
            },
            card_systems: self.card_systems_of(who)?,
            at: self.now,
        };
        let check_in = passholder::Command::CheckIn(Box::new(check_in));
        let decided = self.on(who, check_in, events)?;
        let points = decided.iter().map(|event| match event {
            Event::CheckedIn(given) => Fact::Points(given.points),
            other => unreachable!("{other:?}"),
        });
        Ok(points.collect())
    }

    fn sell(
        &mut self,
        base: u128,
        by: usize,
        tickets: &[Ticket],
        known: &Simple,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let at = self.now;
        let mut items: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
        for (ticket, place) in tickets.iter().zip(0..) {
            let by = self.authority(by, ACTIVITIES[ticket.activity].organizer)?;
            let slot = known.shown(ticket.shown);
            let who = self.identify(slot)?;
            let born = self.details[who].as_ref().map(|details| details.birth_date);
            let tariff = ticket
                .coupon
                .map(|coupon| Tariff::Coupon(coupon_id(coupon), self.coupons[coupon].clone()));
            items.entry(who).or_default().push(Item {
                sale: SaleId(Uuid::from_u128(base + place)),
                check_in: CheckInId(Uuid::from_u128(base + place + 50)),
                by,
                offering: self.offering(ticket.activity),
                card: number(slot),
                price: euro(simple::price(ticket)),
                price_name: None,
                tariff: tariff.unwrap_or(Tariff::SocialTariff),
                age: born.map(|born| age_on(born, day_in_belgium(at))),
            });
        }
        let mut facts = Vec::new();
        for (who, items) in items {
            let sell = SellTickets { items, card_systems: self.card_systems_of(who)?, at };
            let sell = passholder::Command::SellTickets(Box::new(sell));
            for event in self.on(who, sell, events)? {
                facts.extend(sold(&event));
            }
        }
        Ok(facts)
    }

    fn cancel(
        &mut self,
        by: usize,
        id: u128,
        who: usize,
        counter: usize,
        events: &mut Vec<AnyEvent>,
    ) -> Result<Fact, Why> {
        let by = self.authority(by, counter)?;
        let cancel = CancelSale { sale: SaleId(Uuid::from_u128(id)), by, at: self.now };
        let decided = self.on(who, passholder::Command::CancelSale(cancel), events)?;
        let points = decided.iter().map(corrected).sum();
        Ok(Fact::Cancelled { id, points })
    }

    fn take_up(&mut self, taking: &TakingUp, known: &Simple, events: &mut Vec<AnyEvent>) -> Answer {
        let (at, who) = (self.now, taking.who);
        let card_system = CardSystemId(taking.system);
        let by = self.authority(taking.by, taking.counter)?;
        let of_counter = self.counters[taking.counter].card_systems();
        if !of_counter.contains(&card_system) {
            return Err(Why::ForeignSystem);
        }
        let holder = self.passholders[who].holder()?;
        let (slot, _) = known.taken_up(taking);
        let is_own = holder.cards.contains_key(&number(slot));
        if !is_own && self.cards[slot].assignable(&of_counter)? != card_system {
            return Err(Why::ForeignSystem);
        }
        let details = taking
            .moves_to
            .map(|home| PersonalDetails { address: address(HOMES[home]), ..self.details_of(who) });
        let moved = details.clone().map(|details| Moved { sealed: seal(&details), details });
        let take = TakeUpMembership {
            by,
            card_system,
            system: self.systems[&card_system].clone(),
            card: NewCard { number: number(slot), digital: false },
            social_status: taking.status.map(|days| self.asked(days)),
            moved,
            card_systems: self.card_systems_of(who)?,
            voucher: None,
            welcome_rewards: self.welcome_candidates(),
            at,
        };
        let take = passholder::Command::TakeUpMembership(Box::new(take));
        let decided = self.on(who, take, events)?;
        self.block_cards(&decided, events)?;
        if !is_own {
            self.give(slot, who, of_counter, events)?;
        }
        if details.is_some() {
            self.details[who] = details;
        }
        let mut facts = vec![charged(&decided)];
        facts.extend(self.grant_welcome(&decided, events)?);
        Ok(facts)
    }

    fn issue_note(
        &mut self,
        by: usize,
        counter: usize,
        from_days_ago: i64,
        days: i64,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let at = self.now;
        let by = self.authority(by, counter)?.role;
        let until = day_in_belgium(at) - TimeDelta::days(from_days_ago);
        let from = until - TimeDelta::days(days);
        let mut closings = self.counters[counter].closings();
        let note = closings.last().map_or(1, |last| last.note + 1);
        let position = self.events;
        closings.push(Closing { note, from, until, position });
        let mut parts: BTreeMap<Municipality, (u32, Euro)> = BTreeMap::new();
        for line in self.lines.values().filter(|line| line.counter == counter) {
            let mut add = |amount| {
                let part = parts.entry(line.payer.clone()).or_default();
                *part = (part.0 + 1, part.1 + amount);
            };
            match lines_of(&closings, line.sold, line.cancelled) {
                Lines::Sale(Some(on)) if on == note => add(line.municipality),
                Lines::Corrected { note: on, by } => {
                    if on == note {
                        add(line.municipality);
                    }
                    if by == Some(note) {
                        add(-line.municipality);
                    }
                }
                Lines::None | Lines::Sale(_) => {}
            }
        }
        let digest = Digest::new([0; 32]);
        let parts = parts.into_iter().map(|(payer, (lines, total))| DrawnPart {
            payer,
            lines,
            total,
            digest,
        });
        let drawn = Drawn { digest, parts: parts.collect() };
        let (head, deadline) = (digest, None);
        let issue = IssueNote { from, until, position, head, drawn, deadline, by, at };
        let issue = counter::Command::IssueNote(Box::new(issue));
        let mut facts = Vec::new();
        for event in self.on_counter(counter, issue, events)? {
            let counter::Event::NoteIssued(issued) = event else { continue };
            for part in issued.parts {
                facts.push(Fact::Part {
                    payer: part.payer.postal_code.to_string(),
                    lines: part.lines,
                    total: part.total.as_cents(),
                    deducted: part.deducted.as_cents(),
                    payable: part.payable.as_cents(),
                });
            }
        }
        Ok(facts)
    }

    fn settle(
        &mut self,
        by: usize,
        counter: usize,
        nth: usize,
        upheld: bool,
        known: &Simple,
        events: &mut Vec<AnyEvent>,
    ) -> Answer {
        let role = self.authority(by, counter)?.role;
        let note = nth as u32 + 1;
        let concerned = match self.counters[counter].notes.get(&note).map(|note| &note.reply) {
            Some(Reply::Objected(sales)) if upheld => sales.clone(),
            _ => BTreeSet::new(),
        };
        let settle = SettleObjection { note, upheld, reason: sealed(), by: role, at: self.now };
        self.on_counter(counter, counter::Command::SettleObjection(settle), events)?;
        let mut facts = Vec::new();
        for sale in concerned {
            let id = sale.0.as_u128();
            let Some(who) = known.who_bought(id) else { continue };
            match self.cancel(by, id, who, counter, events) {
                Ok(cancelled) => facts.push(cancelled),
                // Someone was first: the line is off the note already.
                Err(Why::Already) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(facts)
    }

    // The log.

    fn apply(&mut self, events: &mut Vec<AnyEvent>, event: AnyEvent) {
        self.events += 1;
        self.draw_line(&event);
        match event.clone() {
            AnyEvent::Passholder(id, event) => {
                self.passholders[region::index_of(id)].evolve(event);
            }
            AnyEvent::Card(card, event) => self.cards[slot_of(card)].evolve(event),
            AnyEvent::CardSystem(id, event) => {
                Arc::make_mut(self.systems.entry(id).or_default()).evolve(event);
            }
            AnyEvent::Counter(id, event) => {
                Arc::make_mut(&mut self.counters[counter_index(&id)]).evolve(event);
            }
            AnyEvent::Activity(id, event) => {
                let index = ACTIVITIES.iter().position(|of| of.id == id.as_str());
                Arc::make_mut(&mut self.activities[index.expect("it is known")]).evolve(event);
            }
            AnyEvent::Reward(id, event) => {
                let index = region::reward_index(&id);
                Arc::make_mut(&mut self.rewards[index]).evolve(event);
            }
            AnyEvent::Coupon(id, event) => {
                Arc::make_mut(&mut self.coupons[id.0 as usize - 1]).evolve(event);
            }
            other => unreachable!("{other:?} happens in no story"),
        }
        events.push(event);
    }

    fn draw_line(&mut self, event: &AnyEvent) {
        let stamp = |position, at| Stamp { position, day: day_in_belgium(at) };
        let position = self.events;
        let mut put = |sale, counter: &CounterId, payer: &Municipality, municipality, at| {
            let (counter, payer) = (counter_index(counter), payer.clone());
            let sold = stamp(position, at);
            let line = Line { counter, payer, municipality, sold, cancelled: None };
            self.lines.insert(sale, line);
        };
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold)) => {
                let municipality = sold.shares.municipality;
                put(sold.sale, &sold.counter, &sold.payer, municipality, sold.at);
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used)) => {
                let municipality = used.shares.municipality;
                put(used.sale, &used.counter, &used.payer, municipality, used.at);
            }
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, at }) => {
                if let Some(line) = self.lines.get_mut(sale) {
                    line.cancelled = Some(stamp(position, *at));
                }
            }
            AnyEvent::Counter(id, counter::Event::NoteIssued(issued)) => {
                let lines = issued.parts.iter().map(|part| part.lines as usize).sum();
                let total = issued.parts.iter().map(|part| part.total.as_cents()).sum();
                self.parts[counter_index(id)].push((lines, total));
            }
            _ => {}
        }
    }

    /// The state is that of the log, read back from its text.
    pub fn told_again(&self) -> Option<String> {
        let again = Self::told(self.log.iter().flat_map(|unit| &unit.events).map(read_back));
        let same = again.passholders == self.passholders
            && again.cards == self.cards
            && again.counters == self.counters
            && again.rewards == self.rewards;
        (!same).then(|| "the log tells another story than the one that happened".to_owned())
    }

    pub fn picture(&self) -> Picture {
        let portrait = |passholder: &Passholder| {
            let Ok(holder) = passholder.holder() else {
                let is_removed = passholder.holder() == Err(Refused::Removed);
                return Portrait { is_removed, ..Portrait::default() };
            };
            Portrait {
                is_known: true,
                is_removed: false,
                home: holder.home.as_ref().map(|home| home.postal_code.to_string()),
                points: holder.points,
                memberships: holder
                    .memberships
                    .iter()
                    .map(|(id, of)| {
                        let status = of.social_status.as_ref();
                        let status = status.map(|status| (status.until, status.suspended_until));
                        let (blocked, card) = (of.blocked, of.card.map(slot_of));
                        (id.0, Membership { blocked, card, status })
                    })
                    .collect(),
                cards: holder
                    .cards
                    .iter()
                    .map(|(card, state)| (slot_of(*card), *state != CardState::Active))
                    .collect(),
                welcome: holder.welcome_rewards.iter().map(region::reward_index).collect(),
                counts: (
                    holder.check_ins.values().filter(|given| !given.corrected).count(),
                    holder.sales.values().filter(|sold| !sold.cancelled).count(),
                    holder.redemptions.values().filter(|taken| !taken.cancelled).count(),
                ),
            }
        };
        let card = |card: &Card| match card.state {
            card::State::Active(CardHolder::Passholder(id)) => (Some(region::index_of(id)), false),
            card::State::Blocked(CardHolder::Passholder(id)) => (Some(region::index_of(id)), true),
            _ => (None, false),
        };
        Picture {
            people: self.passholders.iter().map(portrait).collect(),
            cards: self.cards.iter().map(card).collect(),
            units: self.rewards.iter().map(|reward| reward.units_taken()).collect(),
            notes: self.parts.clone(),
        }
    }

    // The region.

    fn set_up(&mut self) {
        let mut events = Vec::new();
        self.lay_down(&mut events).expect("the region is as the rules allow");
        self.log.push(Unit { by: of("owner"), events });
    }

    fn lay_down(&mut self, events: &mut Vec<AnyEvent>) -> Result<(), String> {
        let at = self.now;
        for system in &SYSTEMS {
            for command in card_system(system, at) {
                let id = CardSystemId(system.id);
                let state = self.systems.entry(id).or_default().clone();
                for event in state.decide(command).map_err(|why| why.to_string())? {
                    self.apply(events, AnyEvent::CardSystem(id, event));
                }
            }
        }
        for index in 0..COUNTERS.len() {
            for command in counter(index, at) {
                self.on_counter(index, command, events).map_err(|why| why.to_string())?;
            }
        }
        for (index, known) in ACTIVITIES.iter().enumerate() {
            for command in activity(known, at) {
                let state = self.activities[index].clone();
                for event in state.decide(command).map_err(|why| why.to_string())? {
                    self.apply(events, AnyEvent::Activity(activity_id(index), event));
                }
            }
        }
        for (index, known) in REWARDS.iter().enumerate() {
            let definition = Box::new(reward(known));
            self.on_reward(index, reward::Command::Create { definition, at }, events)
                .map_err(|why| why.to_string())?;
        }
        for (index, known) in COUPONS.iter().enumerate() {
            let definition = Box::new(coupon(known));
            let define = coupon::Command::Define { definition, at };
            for event in
                self.coupons[index].clone().decide(define).map_err(|why| why.to_string())?
            {
                self.apply(events, AnyEvent::Coupon(coupon_id(index), event));
            }
        }
        for slot in 0..CARDS {
            let (system, _, in_stock) = super::setting::card(slot);
            let stage = if in_stock { Stage::LocalStock } else { Stage::Stock };
            let card_system = CardSystemId(system);
            let take_in = TakeIn { card_system, chip: None, stage, counter: None, at };
            self.on_card(slot, card::Command::TakeIn(take_in), events)
                .map_err(|why| why.to_string())?;
        }
        Ok(())
    }
}

/// Who acts in a step.
fn actor_of(step: &Step) -> usize {
    match step {
        Step::Register(Registering { by, .. }) | Step::TakeUp(TakingUp { by, .. }) => *by,
        Step::Move { by, .. }
        | Step::CheckIn { by, .. }
        | Step::Correct { by, .. }
        | Step::Sell { by, .. }
        | Step::Cancel { by, .. }
        | Step::Redeem { by, .. }
        | Step::GiveBack { by, .. }
        | Step::Block { by, .. }
        | Step::Replace { by, .. }
        | Step::Extend { by, .. }
        | Step::Suspend { by, .. }
        | Step::Lift { by, .. }
        | Step::BlockMembership { by, .. }
        | Step::IssueNote { by, .. }
        | Step::Approve { by, .. }
        | Step::Object { by, .. }
        | Step::Settle { by, .. }
        | Step::Bulk { by, .. } => *by,
        // Of his own accord.
        Step::Wait(_) | Step::Remove { .. } => ACTORS.len() - 1,
    }
}

/// The points that an event takes back.
fn corrected(event: &Event) -> u32 {
    match event {
        Event::CheckInCorrected { points, .. } => *points,
        _ => 0,
    }
}

fn charged(decided: &[Event]) -> Fact {
    let price = decided.iter().find_map(|event| match event {
        Event::CardCharged { price, .. } => Some(price.as_cents()),
        _ => None,
    });
    Fact::Price(price.unwrap_or(0))
}

fn sold(event: &Event) -> Option<Fact> {
    let cents = |shares: &uitpas_domain::distribution::Shares| {
        (shares.passholder.as_cents(), shares.organizer.as_cents(), shares.municipality.as_cents())
    };
    match event {
        Event::TicketSold(sold) => Some(Fact::Sold {
            id: sold.sale.0.as_u128(),
            shares: cents(&sold.shares),
            payer: sold.payer.postal_code.to_string(),
            system: sold.card_system.0,
            key: Some(sold.key.id.0),
            deviating: sold.deviating,
            point: Some(match &sold.point {
                PointOfSale::Given(_) => Ok(()),
                PointOfSale::NotGiven(why) => Err(Why::from(*why)),
            }),
        }),
        Event::CouponUsed(used) => Some(Fact::Sold {
            id: used.sale.0.as_u128(),
            shares: cents(&used.shares),
            payer: used.payer.postal_code.to_string(),
            system: used.card_system.0,
            key: None,
            deviating: used.deviating,
            point: None,
        }),
        _ => None,
    }
}

/// Details in clear, where sealed ones stand in the log: whoever writes them seals them.
fn seal(details: &PersonalDetails) -> Sealed<PersonalDetails> {
    let clear = serde_json::to_string(details).expect("details are written as text");
    serde_json::from_value(clear.into()).expect("sealed is what stands there")
}

fn sealed<T>() -> Sealed<T> {
    serde_json::from_value("a reason".into()).expect("sealed is what stands there")
}

/// An event as it comes back from the log.
fn read_back(event: &AnyEvent) -> AnyEvent {
    let (kind, id, text) = written(event);
    AnyEvent::read(kind, &id, &text).expect("what was written is understood")
}

/// The name of its stream, and its text.
pub fn written(event: &AnyEvent) -> (&'static str, String, String) {
    let text = |event: serde_json::Result<String>| event.expect("an event is written as text");
    match event {
        AnyEvent::Passholder(id, event) => {
            (Passholder::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::Counter(id, event) => {
            (Counter::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::Card(id, event) => {
            (Card::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::CardSystem(id, event) => {
            (CardSystem::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::Activity(id, event) => {
            (Activity::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::Reward(id, event) => {
            (Reward::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        AnyEvent::Coupon(id, event) => {
            (Coupon::TYPE, id.to_string(), text(serde_json::to_string(event)))
        }
        other => unreachable!("{other:?} happens in no story"),
    }
}

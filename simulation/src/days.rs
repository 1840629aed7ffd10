//! What happens from day to day. Each act is due at an instant; doing it makes others due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use chrono::{DateTime, Datelike, Days as Interval, NaiveDate, NaiveTime, TimeDelta, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use uitpas_domain::activity::{
    AT_THE_COUNTER, Activity, After, Audience, Calendar, Command as ActivityCommand, Description,
    NamedPrice, Occurrence,
};
use uitpas_domain::calendar::{age_on, at_brussels, day_in_belgium, months_later, quarter_of};
use uitpas_domain::card::{self, Card, Command as CardCommand, Stage};
use uitpas_domain::counter::notes::{Closing, IssueNote};
use uitpas_domain::counter::{Command as CounterCommand, Event as CounterEvent};
use uitpas_domain::ids::{ActivityId, CheckInId, PassholderId, RedemptionId, RewardId, SaleId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::cards::{Block, BlockCard, BlockKind, BlockReason, ReplaceCard};
use uitpas_domain::passholder::check_ins::{CheckIn, CorrectCheckIn};
use uitpas_domain::passholder::redemptions::{CancelRedemption, Redeem};
use uitpas_domain::passholder::registration::{
    AskedSocialStatus, NewCard, PersonalDetails, Preferences, Register, Remove, Terms,
};
use uitpas_domain::passholder::status::Extend;
use uitpas_domain::passholder::ticket_sales::{CancelSale, Item, SellTickets, Tariff};
use uitpas_domain::passholder::{Command, Event, Passholder};
use uitpas_domain::reward::Command as RewardCommand;
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::place::{Address, Country};
use uitpas_projections::settlement::note::{drawn, notes};
use uitpas_projections::settlement::{Line, note_lines_among};
use uitpas_store::Failed;
use uitpas_store::sealing::{self, MasterKey};
use uuid::Uuid;

use crate::names::{FIRST_NAMES, MUNICIPALITIES, NAMES, PRICES, STREETS, TITLES};
use crate::pen::{Hand, Pen, Stream};
use crate::region::{On, Place, Region, price, text, weighted};
use crate::{Plan, SYSTEM, Written};

/// How busy each month is.
const SEASONS: [f64; 12] = [0.8, 0.9, 1.0, 1.0, 1.0, 0.9, 0.5, 0.6, 1.1, 1.2, 1.2, 1.1];

/// Of all passholders so many have social status.
const WITH_SOCIAL_STATUS: f64 = 0.3;

/// Who comes seldom comes so often in a year; a few come a hundred times.
const VISITS_PER_YEAR_MIN: f64 = 2.0;
const VISITS_PER_YEAR_MAX: f64 = 110.0;

/// A month's notes are made on the tenth day after the quarter.
const NOTES_AFTER: Interval = Interval::new(10);

pub struct Days<'a> {
    plan: Plan,
    region: Region,
    people: Vec<Person>,
    random: StdRng,
    master: &'a MasterKey,
    /// The earliest one first; of one instant, the one that was made due first.
    due: BinaryHeap<Reverse<Due>>,
    made_due: u64,
    cards: u64,
    card_streams: BTreeMap<CardNumber, Stream<Card>>,
    written: Written,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: DateTime<Utc>,
    number: u64,
    act: Act,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// An organizer announces what is on in the weeks to come.
    Announce {
        counter: usize,
    },
    Register {
        person: usize,
    },
    Visit {
        person: usize,
    },
    CancelSale {
        person: usize,
        sale: SaleId,
        counter: usize,
    },
    CorrectCheckIn {
        person: usize,
        check_in: CheckInId,
        counter: usize,
    },
    CancelRedemption {
        person: usize,
        redemption: RedemptionId,
        reward: usize,
        counter: usize,
    },
    LoseCard {
        person: usize,
    },
    ReplaceCard {
        person: usize,
    },
    Extend {
        person: usize,
    },
    Remove {
        person: usize,
    },
    /// The notes of a quarter.
    Issue {
        from: NaiveDate,
        until: NaiveDate,
    },
    Approve {
        counter: usize,
        note: u32,
    },
}

struct Person {
    stream: Stream<Passholder>,
    born: NaiveDate,
    municipality: usize,
    visits_per_day: f64,
    /// The wrapped key, while he is registered.
    key: Option<Vec<u8>>,
}

impl Person {
    fn card(&self) -> Option<CardNumber> {
        self.stream.state.holder().ok()?.current_card()
    }
}

impl<'a> Days<'a> {
    pub fn new(plan: Plan, region: Region, random: StdRng, master: &'a MasterKey) -> Self {
        let written = Written { counters: region.counters.len() as u64, ..Written::default() };
        Self {
            plan,
            region,
            people: Vec::new(),
            random,
            master,
            due: BinaryHeap::new(),
            made_due: 0,
            cards: 0,
            card_streams: BTreeMap::new(),
            written,
        }
    }

    /// Lets the days pass, and ends the log.
    pub async fn pass(
        mut self,
        mut pen: Pen,
        mut progress: impl FnMut(u64),
    ) -> Result<Written, Failed> {
        self.plan_ahead();
        let end = at_brussels(self.plan.end(), NaiveTime::MIN);
        let mut day = self.plan.from;
        while let Some(Reverse(Due { at, act, .. })) = self.due.pop() {
            if at >= end {
                break;
            }
            if day_in_belgium(at) != day {
                day = day_in_belgium(at);
                progress((day - self.plan.from).num_days().unsigned_abs());
            }
            self.act(&mut pen, act, at).await?;
        }
        for person in &self.people {
            if let Some(key) = &person.key {
                pen.filling.key(&person.stream.id.to_string(), key);
            }
        }
        self.written.events = pen.filling.position();
        pen.filling.end().await?;
        progress(self.plan.days());
        Ok(self.written)
    }

    fn plan_ahead(&mut self) {
        for counter in 0..self.region.counters.len() {
            self.make_due(self.plan.from, Act::Announce { counter });
        }
        let days = self.plan.days();
        for number in 0..self.plan.passholders {
            // Two in five are there from the first weeks on, the others come over the years.
            let after = match self.random.gen_bool(0.4) {
                true => self.random.gen_range(0..days.min(30)),
                false => self.random.gen_range(0..days),
            };
            let person = number as usize;
            let someone = self.someone();
            self.people.push(someone);
            self.make_due(self.plan.from + Interval::new(after), Act::Register { person });
        }
        let (mut from, mut until) = quarter_of(self.plan.from);
        while until < self.plan.end() {
            self.make_due(until + NOTES_AFTER, Act::Issue { from, until });
            (from, until) = quarter_of(until + Interval::new(1));
        }
    }

    fn someone(&mut self) -> Person {
        // Of ten people one comes half of the times.
        let u: f64 = self.random.gen_range(0.001..1.0);
        let visits = (VISITS_PER_YEAR_MIN * u.powf(-0.8)).min(VISITS_PER_YEAR_MAX);
        let age_days = self.random.gen_range(4 * 365..85 * 365);
        let weights = MUNICIPALITIES.map(|(.., weight)| f64::from(weight));
        let start = at_brussels(self.plan.from, NaiveTime::MIN);
        Person {
            stream: Stream::new(PassholderId(self.uuid(start))),
            born: self.plan.from - Interval::new(age_days),
            municipality: weighted(&mut self.random, weights.into_iter()),
            visits_per_day: visits / 365.0,
            key: None,
        }
    }

    /// On a day, while counters are open.
    fn make_due(&mut self, day: NaiveDate, act: Act) {
        let second = self.random.gen_range(9 * 3600..21 * 3600);
        let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap_or_default();
        self.made_due += 1;
        let (at, number) = (at_brussels(day, time), self.made_due);
        self.due.push(Reverse(Due { at, number, act }));
    }

    fn days_later(&mut self, at: DateTime<Utc>, days: u64, act: Act) {
        self.make_due(day_in_belgium(at) + Interval::new(days.max(1)), act);
    }

    /// After so many days on average, seldom much later.
    fn some_days(&mut self, mean: f64) -> u64 {
        let u: f64 = self.random.gen_range(f64::EPSILON..1.0);
        (-u.ln() * mean) as u64 + 1
    }

    /// An id of that moment, as a server makes one.
    fn uuid(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = at.timestamp_millis().unsigned_abs();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random.r#gen()).into_uuid()
    }

    async fn act(&mut self, pen: &mut Pen, act: Act, at: DateTime<Utc>) -> Result<(), Failed> {
        match act {
            Act::Announce { counter } => self.announce(pen, counter, at).await,
            Act::Register { person } => self.register(pen, person, at).await,
            Act::Visit { person } => self.visit(pen, person, at).await,
            Act::CancelSale { person, sale, counter } => {
                self.cancel_sale(pen, person, sale, counter, at).await
            }
            Act::CorrectCheckIn { person, check_in, counter } => {
                let place = &self.region.counters[counter];
                let hand = place.member(Channel::Counter);
                let by = place.authority(&hand)?;
                let correct = CorrectCheckIn { check_in, by, reason: None, at };
                let stream = &mut self.people[person].stream;
                pen.act(stream, Command::CorrectCheckIn(correct), &hand, at).await?;
                Ok(())
            }
            Act::CancelRedemption { person, redemption, reward, counter } => {
                let place = &self.region.counters[counter];
                let hand = place.ksb();
                let by = place.authority(&hand)?;
                let cancel = Command::CancelRedemption(CancelRedemption { redemption, by, at });
                let stream = &mut self.people[person].stream;
                if pen.act(stream, cancel, &hand, at).await?.is_some() {
                    let reward = &mut self.region.rewards[reward];
                    let back = RewardCommand::ReturnUnit { redemption, at };
                    pen.act(reward, back, &hand, at).await?;
                }
                Ok(())
            }
            Act::LoseCard { person } => self.lose_card(pen, person, at).await,
            Act::ReplaceCard { person } => self.replace_card(pen, person, at).await,
            Act::Extend { person } => self.extend(pen, person, at).await,
            Act::Remove { person } => self.remove(pen, person, at).await,
            Act::Issue { from, until } => self.issue(pen, from, until, at).await,
            Act::Approve { counter, note } => {
                let place = &mut self.region.counters[counter];
                let hand = place.admin();
                let approve = CounterCommand::ApproveNote { note, by: Role::CounterAdmin, at };
                pen.act(&mut place.stream, approve, &hand, at).await?;
                Ok(())
            }
        }
    }

    async fn announce(
        &mut self,
        pen: &mut Pen,
        counter: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let place = &self.region.counters[counter];
        let activities = 1 + (place.weight.sqrt() as u32).min(6);
        let import = Hand {
            actor: text("uitdatabank"),
            role: Role::System,
            counter: None,
            channel: Channel::Import,
        };
        for _ in 0..activities {
            let day = day_in_belgium(at) + Interval::new(self.random.gen_range(0..30));
            let hour = self.random.gen_range(9..21);
            let start = at_brussels(day, NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
            let end = start + TimeDelta::hours(2);
            let occurrence = |start| Occurrence {
                start,
                end: Some(start + TimeDelta::hours(2)),
                available: true,
            };
            // One in four is a series.
            let (calendar, last) = match self.random.gen_bool(0.25) {
                true => {
                    let times = (0..8).map(|week| start + TimeDelta::weeks(week));
                    let occurrences = times.map(occurrence).collect();
                    (Calendar::Multiple(occurrences), end + TimeDelta::weeks(7))
                }
                false => (Calendar::Single(occurrence(start)), end),
            };
            let id: ActivityId = text(&self.uuid(at).to_string());
            let mut activity = Stream::<Activity>::new(id.clone());
            let description = self.description(counter, calendar);
            let command = ActivityCommand::Import { description: Box::new(description), at };
            pen.must(&mut activity, command, &import, at).await?;
            let After::Months(months) = AT_THE_COUNTER.after else { continue };
            let place = &mut self.region.counters[counter];
            let offering = Arc::new(Offering {
                id,
                activity: activity.state,
                counter: place.stream.state.clone(),
                card_systems: BTreeMap::from([(SYSTEM, self.region.system.state.clone())]),
            });
            let opens = start - TimeDelta::minutes(i64::from(AT_THE_COUNTER.minutes_before));
            place.on.push(On { opens, closes: months_later(last, months), offering });
        }
        self.region.counters[counter].on.retain(|on| at < on.closes);
        self.days_later(at, 28, Act::Announce { counter });
        Ok(())
    }

    fn description(&mut self, counter: usize, calendar: Calendar) -> Description {
        let cents = PRICES[self.random.gen_range(0..PRICES.len())];
        let mut prices = vec![NamedPrice { name: text("Basistarief"), price: price(cents) }];
        if cents > 500 {
            prices.push(NamedPrice { name: text("Kinderen"), price: price(cents / 2) });
        }
        Description {
            title: text(TITLES[self.random.gen_range(0..TITLES.len())]),
            organizer: self.region.counters[counter].stream.id.clone(),
            calendar,
            prices,
            available: true,
            withdrawn: false,
            audience: Audience::Everyone,
            location: None,
            terms: Vec::new(),
        }
    }

    /// A card from the factory, at a counter.
    async fn new_card(
        &mut self,
        pen: &mut Pen,
        with_social_status: bool,
        hand: &Hand,
        at: DateTime<Utc>,
    ) -> Result<CardNumber, Failed> {
        let twelve = format!("{:011}{}", self.cards, u8::from(with_social_status));
        self.cards += 1;
        let number = (0..10).find_map(|check| format!("{twelve}{check}").parse().ok());
        let number: CardNumber = number.ok_or_else(|| Failed::new("no check digit holds"))?;
        let mut stream = Stream::new(number);
        let counter = hand.counter.clone();
        let stage = Stage::LocalStock;
        let taken_in = card::TakeIn { card_system: SYSTEM, chip: None, stage, counter, at };
        pen.must(&mut stream, CardCommand::TakeIn(taken_in), hand, at).await?;
        self.card_streams.insert(number, stream);
        Ok(number)
    }

    async fn on_card(
        &mut self,
        pen: &mut Pen,
        number: CardNumber,
        command: CardCommand,
        hand: &Hand,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        if let Some(stream) = self.card_streams.get_mut(&number) {
            pen.must(stream, command, hand, at).await?;
        }
        Ok(())
    }

    async fn register(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let today = day_in_belgium(at);
        let home = self.people[person].municipality;
        let born = self.people[person].born;
        let place = &self.region.counters[home];
        let hand = place.member(Channel::Counter);
        let (by, counter_municipality) =
            (place.authority(&hand)?, place.stream.state.municipality());
        let with_social_status = self.random.gen_bool(WITH_SOCIAL_STATUS);
        let number = self.new_card(pen, with_social_status, &hand, at).await?;
        let details = self.details(person, home)?;
        let id = self.people[person].stream.id;
        let name = id.to_string();
        let (key, wrapped) = self.master.new_person_key(&name);
        let social_status = with_social_status.then_some(AskedSocialStatus {
            until: None,
            proof: Some(Proof::IncreasedReimbursement),
        });
        let welcome_rewards: Vec<(RewardId, _)> =
            (self.region.rewards.iter()).map(|reward| (reward.id, reward.state.clone())).collect();
        let register = Register {
            by,
            card_system: SYSTEM,
            system: self.region.system.state.clone(),
            counter_municipality,
            card: NewCard { number, digital: false },
            sealed: sealing::seal(&key, &name, "details", &details),
            details,
            no_email: true,
            terms: Terms { paper: true, digital: false },
            preferences: Some(Preferences { info_mails: true, ..Preferences::default() }),
            parental_consent: age_on(born, today) < 18,
            social_status,
            voucher: None,
            welcome_rewards,
            at,
        };
        let stream = &mut self.people[person].stream;
        let events = pen.must(stream, Command::Register(Box::new(register)), &hand, at).await?;
        self.people[person].key = Some(wrapped);
        let holder = card::Holder::Passholder(id);
        let assign = CardCommand::Assign { holder, counter_systems: vec![SYSTEM], at };
        self.on_card(pen, number, assign, &hand, at).await?;
        for event in events {
            let Event::WelcomeRewardGranted { reward, .. } = event else { continue };
            if let Some(stream) = self.region.rewards.iter_mut().find(|known| known.id == reward) {
                pen.must(stream, RewardCommand::Grant { at }, &hand, at).await?;
            }
        }
        self.written.passholders += 1;
        self.look_ahead(person, with_social_status, at);
        Ok(())
    }

    /// What will become of someone who was registered.
    fn look_ahead(&mut self, person: usize, with_social_status: bool, at: DateTime<Utc>) {
        let days = self.some_days(1.0 / self.people[person].visits_per_day);
        self.days_later(at, days, Act::Visit { person });
        if self.random.gen_bool(0.05) {
            let days = self.random.gen_range(20..500);
            self.days_later(at, days, Act::LoseCard { person });
        }
        if self.random.gen_bool(0.01) {
            let days = self.random.gen_range(60..600);
            self.days_later(at, days, Act::Remove { person });
        }
        if with_social_status {
            let year = day_in_belgium(at).year() + 1;
            let april = NaiveDate::from_ymd_opt(year, 4, 15).unwrap_or(NaiveDate::MAX);
            self.make_due(april, Act::Extend { person });
        }
    }

    fn details(&mut self, person: usize, home: usize) -> Result<PersonalDetails, Failed> {
        let (postal_code, city, _) = MUNICIPALITIES[home];
        let random = &mut self.random;
        let street =
            format!("{} {}", STREETS[random.gen_range(0..STREETS.len())], random.gen_range(1..300));
        let address =
            Address::new(Some(text(&street)), text(postal_code), text(city), Country::BELGIUM);
        Ok(PersonalDetails {
            name: text(NAMES[random.gen_range(0..NAMES.len())]),
            first_name: text(FIRST_NAMES[random.gen_range(0..FIRST_NAMES.len())]),
            birth_date: self.people[person].born,
            insz: None,
            gender: None,
            address: address.map_err(Failed::new)?,
            email: None,
            phone: None,
            nationality: None,
        })
    }

    async fn visit(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let days = self.some_days(1.0 / self.people[person].visits_per_day);
        self.days_later(at, days, Act::Visit { person });
        let season = SEASONS[day_in_belgium(at).month0() as usize] / 1.2;
        let comes = self.random.gen_bool(season);
        let Some(card) = self.people[person].card().filter(|_| comes) else { return Ok(()) };
        let Some((counter, offering)) = self.somewhere(person, at) else { return Ok(()) };
        let card_systems = self.region.card_systems();
        let place = &self.region.counters[counter];
        let hand = place.member(Channel::Counter);
        let tariff = match self.random.gen_range(0..100) {
            0..3 => Some(Tariff::Coupon(self.region.coupon.id, self.region.coupon.state.clone())),
            // Few with social status forget to say so.
            3..90 if card.is_for_social_status() => Some(Tariff::SocialTariff),
            _ => None,
        };
        let by = place.authority(&hand)?;
        let command = match tariff {
            Some(tariff) => {
                let born = self.people[person].born;
                let prices = offering.activity.description.as_deref();
                let prices = prices.map(|known| known.prices.as_slice()).unwrap_or_default();
                let chosen = &prices[self.random.gen_range(0..prices.len())];
                let item = Item {
                    sale: SaleId(self.uuid(at)),
                    check_in: CheckInId(self.uuid(at)),
                    by,
                    card,
                    price: chosen.price,
                    price_name: Some(chosen.name.clone()),
                    tariff,
                    age: Some(age_on(born, day_in_belgium(at))),
                    offering,
                };
                Command::SellTickets(Box::new(SellTickets { items: vec![item], card_systems, at }))
            }
            None => {
                let channel = Channel::Counter;
                let check_in = CheckInId(self.uuid(at));
                Command::CheckIn(Box::new(CheckIn {
                    check_in,
                    by,
                    offering,
                    card,
                    channel,
                    card_systems,
                    at,
                }))
            }
        };
        let stream = &mut self.people[person].stream;
        let before = pen.filling.position();
        let events = pen.act(stream, command, &hand, at).await?.unwrap_or_default();
        for (event, position) in events.into_iter().zip(before + 1..) {
            self.after_visit(person, counter, event, position.cast_signed(), at);
        }
        if self.random.gen_bool(0.15) {
            self.redeem(pen, person, card, at).await?;
        }
        Ok(())
    }

    /// What will be put right later.
    fn after_visit(
        &mut self,
        person: usize,
        counter: usize,
        event: Event,
        position: i64,
        at: DateTime<Utc>,
    ) {
        let place = &mut self.region.counters[counter];
        let sale = match event {
            Event::TicketSold(sold) => {
                place.sales.push(Line::new(&sold, position));
                sold.sale
            }
            Event::CouponUsed(used) => {
                place.sales.push(Line::with_coupon(&used, position));
                used.sale
            }
            Event::CheckedIn(given) => {
                self.written.check_ins += 1;
                if self.random.gen_bool(0.02) {
                    let days = self.some_days(3.0);
                    let check_in = given.check_in;
                    self.days_later(at, days, Act::CorrectCheckIn { person, check_in, counter });
                }
                return;
            }
            _ => return,
        };
        self.written.sales += 1;
        if self.random.gen_bool(0.05) {
            let days = self.some_days(25.0);
            self.days_later(at, days, Act::CancelSale { person, sale, counter });
        }
    }

    /// Somewhere to go: mostly near home.
    fn somewhere(&mut self, person: usize, at: DateTime<Utc>) -> Option<(usize, Arc<Offering>)> {
        let home = self.people[person].municipality;
        let near = self.random.gen_bool(0.7);
        let weights = self
            .region
            .counters
            .iter()
            .map(|place| if near && place.municipality != home { 0.0 } else { place.weight });
        let counter = weighted(&mut self.random, weights);
        let open: Vec<&On> = self.region.counters[counter]
            .on
            .iter()
            .filter(|on| on.opens <= at && at < on.closes)
            .collect();
        // What was on last draws most.
        let index = open.len().checked_sub(1)?;
        let back = self.random.gen_range(0..open.len().min(4));
        Some((counter, open[index - back].offering.clone()))
    }

    async fn redeem(
        &mut self,
        pen: &mut Pen,
        person: usize,
        card: CardNumber,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let index = self.random.gen_range(0..self.region.rewards.len());
        let home = self.people[person].municipality;
        let redemption = RedemptionId(self.uuid(at));
        let place = &self.region.counters[home];
        let hand = place.member(Channel::Counter);
        let redeem = Redeem {
            redemption,
            by: place.authority(&hand)?,
            reward: self.region.rewards[index].id,
            known: self.region.rewards[index].state.clone(),
            card,
            card_systems: self.region.card_systems(),
            at,
        };
        let stream = &mut self.people[person].stream;
        let redeem = Command::Redeem(Box::new(redeem));
        if pen.act(stream, redeem, &hand, at).await?.is_none() {
            return Ok(());
        }
        let take = RewardCommand::TakeUnit { redemption, at };
        pen.must(&mut self.region.rewards[index], take, &hand, at).await?;
        self.written.redemptions += 1;
        if self.random.gen_bool(0.02) {
            let act = Act::CancelRedemption { person, redemption, reward: index, counter: home };
            self.days_later(at, 2, act);
        }
        Ok(())
    }

    async fn cancel_sale(
        &mut self,
        pen: &mut Pen,
        person: usize,
        sale: SaleId,
        counter: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let place = &mut self.region.counters[counter];
        let hand = place.member(Channel::Counter);
        let cancel = Command::CancelSale(CancelSale { sale, by: place.authority(&hand)?, at });
        let before = pen.filling.position();
        let stream = &mut self.people[person].stream;
        let events = pen.act(stream, cancel, &hand, at).await?.unwrap_or_default();
        for (event, position) in events.into_iter().zip(before + 1..) {
            let Event::TicketSaleCancelled { sale, at } = event else { continue };
            self.written.cancellations += 1;
            if let Some(line) = place.sales.iter_mut().find(|line| line.sale == sale.0) {
                line.cancel(position.cast_signed(), at);
            }
        }
        Ok(())
    }

    async fn lose_card(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let Some(card) = self.people[person].card() else { return Ok(()) };
        let place = &self.region.counters[self.people[person].municipality];
        let hand = place.member(Channel::Counter);
        let block = Block { kind: BlockKind::Replace, reason: BlockReason::Loss };
        let command =
            Command::BlockCard(BlockCard { by: place.authority(&hand)?, card, block, at });
        let stream = &mut self.people[person].stream;
        if pen.act(stream, command, &hand, at).await?.is_some() {
            self.on_card(pen, card, CardCommand::Block { at }, &hand, at).await?;
            let days = self.some_days(4.0);
            self.days_later(at, days, Act::ReplaceCard { person });
        }
        Ok(())
    }

    async fn replace_card(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let place = &self.region.counters[self.people[person].municipality];
        let hand = place.member(Channel::Counter);
        let by = place.authority(&hand)?;
        let Ok(holder) = self.people[person].stream.state.holder() else { return Ok(()) };
        let number = self.new_card(pen, holder.social_status().is_some(), &hand, at).await?;
        let replace = ReplaceCard {
            by,
            card_system: SYSTEM,
            system: self.region.system.state.clone(),
            card: NewCard { number, digital: false },
            social_status: None,
            at,
        };
        let stream = &mut self.people[person].stream;
        let id = stream.id;
        let replace = Command::ReplaceCard(Box::new(replace));
        if pen.act(stream, replace, &hand, at).await?.is_some() {
            let holder = card::Holder::Passholder(id);
            let assign = CardCommand::Assign { holder, counter_systems: vec![SYSTEM], at };
            self.on_card(pen, number, assign, &hand, at).await?;
        }
        Ok(())
    }

    async fn extend(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let next = day_in_belgium(at).year() + 1;
        let date = |month, day| NaiveDate::from_ymd_opt(next, month, day).unwrap_or(NaiveDate::MAX);
        // Who is forgotten has it no more.
        if self.random.gen_bool(0.12) {
            return Ok(());
        }
        let place = &self.region.counters[self.people[person].municipality];
        let hand = place.member(Channel::Counter);
        let extend = Extend {
            by: place.authority(&hand)?,
            card_system: SYSTEM,
            system: self.region.system.state.clone(),
            until: date(4, 30),
            at,
        };
        let stream = &mut self.people[person].stream;
        if pen.act(stream, Command::ExtendSocialStatus(extend), &hand, at).await?.is_some() {
            self.make_due(date(4, 15), Act::Extend { person });
        }
        Ok(())
    }

    async fn remove(
        &mut self,
        pen: &mut Pen,
        person: usize,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let hand = self.region.counters[self.people[person].municipality].ksb();
        let stream = &mut self.people[person].stream;
        let events = pen.act(stream, Command::Remove(Remove { at }), &hand, at).await?;
        for event in events.unwrap_or_default() {
            if let Event::CardBlocked { card, .. } = event {
                self.on_card(pen, card, CardCommand::Block { at }, &hand, at).await?;
            }
        }
        self.people[person].key = None;
        Ok(())
    }

    async fn issue(
        &mut self,
        pen: &mut Pen,
        from: NaiveDate,
        until: NaiveDate,
        at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        for counter in 0..self.region.counters.len() {
            let place = &mut self.region.counters[counter];
            let Some(command) = issue_note(place, pen, from, until, at)? else { continue };
            let hand = place.ksb();
            let issued = pen.act(&mut place.stream, command, &hand, at).await?;
            for event in issued.unwrap_or_default() {
                let CounterEvent::NoteIssued(issued) = event else { continue };
                self.written.notes += 1;
                if self.random.gen_bool(0.7) {
                    let days = self.random.gen_range(1..14);
                    let note = issued.note;
                    self.days_later(at, days, Act::Approve { counter, note });
                }
            }
        }
        Ok(())
    }
}

/// A note from the log as it stands now; absent where there is nothing in it.
fn issue_note(
    place: &Place,
    pen: &Pen,
    from: NaiveDate,
    until: NaiveDate,
    at: DateTime<Utc>,
) -> Result<Option<CounterCommand>, Failed> {
    let position = pen.filling.position();
    let mut closings = place.closings();
    let note = closings.last().map_or(1, |last| last.note + 1);
    closings.push(Closing { note, from, until, position });
    let lines = note_lines_among(place.sales.iter().cloned(), &closings);
    if lines.is_empty() {
        return Ok(None);
    }
    let drawn = drawn(&notes(lines)).ok_or_else(|| Failed::new("a line without municipality"))?;
    Ok(Some(CounterCommand::IssueNote(Box::new(IssueNote {
        from,
        until,
        position,
        head: Digest::new(pen.filling.hash()),
        drawn,
        deadline: None,
        by: Role::Ksb,
        at,
    }))))
}

//! A region to measure in: a card system, a counter, activities and passholders, as the domain
//! records them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::Aggregate;
use uitpas_domain::activity::{self, Activity, Audience, Calendar, Description, NamedPrice};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::counter::{
    self, Authority, Counter, PermissionGroup, Profile, StaffKind, Terms,
};
use uitpas_domain::ids::{
    ActivityId, CardSystemId, CheckInId, CommandId, CounterId, PassholderId, SubjectId,
};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::check_ins::CheckIn;
use uitpas_domain::passholder::registration::{self, PersonalDetails, Preferences};
use uitpas_domain::passholder::{CardSystems, CheckedIn, Command, Event, Registered};
use uitpas_domain::root::Root;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::{Address, Country, Municipality};
use uitpas_store::sealing::{self, MasterKey};
use uuid::Uuid;

pub const SYSTEM: CardSystemId = CardSystemId(5);

/// Ids are made in here from plain numbers, and lie as far apart as random ones.
const IDS: Uuid = Uuid::from_u128(0x4bb7_2f7c_9f5d_4d38_8d0e_6a1f_52c4_9e01);

pub fn uuid(what: &str, number: u64) -> Uuid {
    Uuid::new_v5(&IDS, format!("{what} {number}").as_bytes())
}

/// A passholder and his card.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    pub id: PassholderId,
    pub card: CardNumber,
}

impl Holder {
    pub fn nth(number: u64) -> Self {
        let twelve = format!("{:011}0", number);
        let card = (0..10).find_map(|check| format!("{twelve}{check}").parse().ok());
        let card = card.expect("one of ten check digits holds");
        Self { id: PassholderId(uuid("passholder", number)), card }
    }
}

/// What is known of the region, and who acts in it.
pub struct Region {
    system: Arc<CardSystem>,
    counter: Arc<Counter>,
    activity: Arc<Activity>,
    by: Authority,
    master: MasterKey,
}

impl Region {
    pub fn new() -> Self {
        let counter = Arc::new(after::<Counter>(counter_events()));
        let by = counter.authority(&counter_id(), &staff(), &BTreeSet::new());
        Self {
            system: Arc::new(after::<CardSystem>(system_events())),
            by: by.expect("he is on the staff"),
            counter,
            activity: Arc::new(after::<Activity>(activity_events())),
            master: MasterKey::generate(),
        }
    }

    pub fn card_systems(&self) -> CardSystems {
        BTreeMap::from([(SYSTEM, self.system.clone())])
    }

    pub fn authority(&self) -> Authority {
        self.by.clone()
    }

    /// A check-in at an activity where this passholder was not before.
    pub fn check_in(&self, holder: Holder) -> Command {
        let offering = Offering {
            id: activity_id(Uuid::now_v7()),
            activity: self.activity.clone(),
            counter: self.counter.clone(),
            card_systems: self.card_systems(),
        };
        Command::CheckIn(Box::new(CheckIn {
            check_in: CheckInId(Uuid::now_v7()),
            by: self.authority(),
            offering: Arc::new(offering),
            card: holder.card,
            channel: Channel::Counter,
            card_systems: self.card_systems(),
            at: Utc::now(),
        }))
    }

    pub fn registered(&self, holder: Holder) -> Event {
        let person = holder.id.to_string();
        let (key, _) = self.master.new_person_key(&person);
        let details = PersonalDetails {
            name: text("Peeters"),
            first_name: text("Zoë"),
            birth_date: NaiveDate::from_ymd_opt(1990, 5, 17).expect("a date"),
            insz: None,
            gender: None,
            address: address(),
            email: Some(text("zoe.peeters@example.org")),
            phone: None,
            nationality: None,
        };
        Event::Registered(Box::new(Registered {
            card_system: SYSTEM,
            counter: counter_id(),
            card: holder.card,
            digital: false,
            details: sealing::seal(&key, &person, "details", &details),
            home: Some(municipality()),
            counter_municipality: Some(municipality()),
            age: 35,
            with_insz: false,
            social_status: None,
            price: Price::FREE,
            voucher: None,
            terms: registration::Terms { paper: true, digital: false },
            preferences: Preferences::default(),
            parental_consent: false,
            at: long_ago(),
        }))
    }

    /// A check-in that is long past.
    pub fn checked_in(&self, holder: Holder, points: u32) -> Event {
        Event::CheckedIn(Box::new(CheckedIn {
            check_in: CheckInId(Uuid::now_v7()),
            activity: activity_id(Uuid::now_v7()),
            title: text(TITLE),
            counter: counter_id(),
            card: holder.card,
            points,
            channel: Channel::Counter,
            sale: None,
            home: Some(municipality()),
            at: long_ago(),
        }))
    }
}

const TITLE: &str = "Circus in het park, voor groot en klein";

pub fn system_events() -> Vec<card_system::Event> {
    let (name, municipalities) = (text("Meetjesland"), vec![municipality()]);
    vec![card_system::Event::Created { name, municipalities, at: long_ago() }]
}

pub fn counter_events() -> Vec<counter::Event> {
    let (at, card_system) = (long_ago(), SYSTEM);
    let profile =
        Profile { name: text("De Kring"), address: address(), card_systems: [SYSTEM].into() };
    let groups = [PermissionGroup::CheckInAndTicket].into();
    let terms = Terms { groups, ..Terms::default() };
    vec![
        counter::Event::Created { profile, at },
        counter::Event::TermsSet { card_system, terms, at },
        counter::Event::StaffAdded { subject: staff(), kind: StaffKind::Member, at },
    ]
}

/// Every day, all day.
pub fn activity_events() -> Vec<activity::Event> {
    let price = Price::try_from(Euro::cents(500)).expect("a price");
    let description = Description {
        title: text(TITLE),
        organizer: counter_id(),
        calendar: Calendar::Permanent { hours: Vec::new() },
        prices: vec![NamedPrice { name: text("Basistarief"), price }],
        available: true,
        withdrawn: false,
        audience: Audience::Everyone,
        location: None,
        terms: Vec::new(),
    };
    vec![activity::Event::Published { description: Box::new(description), at: long_ago() }]
}

pub fn counter_id() -> CounterId {
    text("47b6fa21-acb1-ea8f-2c231182c7dd0a19")
}

pub fn activity_id(id: Uuid) -> ActivityId {
    text(&id.to_string())
}

pub fn staff() -> SubjectId {
    text("3f2a9c1e-7d44-4b0a-9f63-2f1f6ab7c001")
}

pub fn metadata() -> Metadata {
    let command_id = CommandId(Uuid::now_v7());
    Metadata {
        actor: staff(),
        role: Role::CounterMember,
        counter: Some(counter_id()),
        channel: Channel::Counter,
        command_id,
        correlation_id: command_id,
    }
}

pub fn municipality() -> Municipality {
    Municipality { postal_code: text("9900"), name: text("Eeklo") }
}

fn address() -> Address {
    Address::new(Some(text("Markt 1")), text("9900"), text("Eeklo"), Country::BELGIUM)
        .expect("an address in Belgium")
}

pub fn long_ago() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_261_600, 0).expect("1 January 2026")
}

pub fn text<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a text that is let in")
}

fn after<A: Root>(events: Vec<<A as Aggregate>::Event>) -> A {
    let mut state = A::default();
    events.into_iter().for_each(|event| state.evolve(event));
    state
}

//! The contract: below the faults, both are the same event store.
//!
//! The stock one in event mode and ours get the same commands and must give the same outcomes, the
//! same states, and events of the same types, versions, sequences, payloads and metadata; so that
//! whatever is written for `CqrsFramework` works on our log, and the stock repository reads a stream
//! of ours. What is not the same are the bytes: the stock crate binds `jsonb`, which sorts keys and
//! drops blanks, and ours are hashed and kept as they were written.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::persist::PersistedEventRepository;
use cqrs_es::{Aggregate, AggregateContext, AggregateError, CqrsFramework, EventStore};
use postgres_es::postgres_cqrs;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use uitpas_domain::calendar::DayRange;
use uitpas_domain::card_system::{self, CardSystem, Settings, Voucher};
use uitpas_domain::counter::{self, AddStaff, Counter, Profile, RequestReport, StaffKind, Terms};
use uitpas_domain::ids::{CardSystemId, CounterId, DistributionKeyId, RedemptionId, RewardId};
use uitpas_domain::metadata::Role;
use uitpas_domain::reward::{self, Definition, Kind, Reward, Status};
use uitpas_domain::root::Root;
use uitpas_domain::values::place::{Address, Country, Municipality};
use uuid::Uuid;

use crate::both::{Both, Event, Purse, Stock, second_of_two};

/// Sequences of commands per aggregate.
const STORIES: u32 = 24;

fn text<T: FromStr>(text: &str) -> T {
    text.parse().ok().expect("valid text")
}

fn at(minute: i64) -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse::<DateTime<Utc>>().expect("an instant")
        + TimeDelta::minutes(minute)
}

pub fn definition(units_max: u32) -> Definition {
    Definition {
        title: text("Een drankje in 't café"),
        kind: Kind::Points,
        points: 3,
        status: Status::Active,
        description: text("Regel een\nregel \"twee\""),
        practical_info: None,
        more_info_url: None,
        categories: vec![text("Eten en drinken")],
        marks: uitpas_domain::reward::Marks::default(),
        pictures: vec![],
        owner: CardSystemId(5),
        publication: DayRange::default(),
        granting: DayRange::default(),
        redemption: DayRange::default(),
        units_max: Some(units_max),
        passholder_limit: None,
        only_inhabitants_of: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        only_card_systems: BTreeSet::new(),
    }
}

/// How many commands of a story were carried out, and how many refused.
type Tally = (usize, usize);

/// One story on both stores.
async fn tell<A>(both: &Both, id: &str, story: Vec<A::Command>) -> Tally
where
    A: Root + PartialEq + Debug,
    A::Command: Clone,
{
    let stock = postgres_cqrs::<A>(both.pool.clone(), vec![], ());
    let ours = CqrsFramework::<A, _>::new(both.ours.clone(), vec![], ());
    let mut tally = (0, 0);
    for command in story {
        let metadata = HashMap::from([
            ("command_id".to_owned(), Uuid::new_v4().to_string()),
            ("actor".to_owned(), "an \"é\"".to_owned()),
        ]);
        let by_stock = stock.execute_with_metadata(id, command.clone(), metadata.clone()).await;
        let by_ours = ours.execute_with_metadata(id, command, metadata).await;
        // An outcome has no equality; what it says is as good.
        assert_eq!(format!("{by_stock:?}"), format!("{by_ours:?}"));
        match by_ours {
            Ok(()) => tally.0 += 1,
            Err(AggregateError::UserError(_)) => tally.1 += 1,
            Err(other) => panic!("{other:?}"),
        }
    }

    // As rows, both read by the stock crate: columns of our table are what it looks for.
    let by_stock = both.repository().get_events::<A>(id).await.expect("events");
    let repository = both.repository().with_tables("log.events", "no_snapshots");
    let by_ours = repository.get_events::<A>(id).await.expect("events");
    assert_eq!(by_stock, by_ours);

    // As events and states, each read by its own store.
    let stock: Stock<A> = both.stock();
    let by_stock = loaded(&stock, id).await;
    let by_ours = loaded::<A, _>(&both.ours, id).await;
    assert_eq!(by_stock, by_ours);
    tally
}

/// An event of a stream, apart from the stream's id.
type Envelope<A> = (usize, <A as Aggregate>::Event, HashMap<String, String>);

async fn loaded<A, S>(store: &S, id: &str) -> (Vec<Envelope<A>>, A)
where
    A: Root,
    S: EventStore<A>,
{
    let events = store.load_events(id).await.expect("events").into_iter();
    let events = events.map(|event| (event.sequence, event.payload, event.metadata)).collect();
    let state = store.load_aggregate(id).await.expect("a state").aggregate().clone();
    (events, state)
}

/// Stories of any commands, each on a stream of its own.
fn told_alike<A>(command: impl Strategy<Value = A::Command>, id: fn(u32) -> A::Id)
where
    A: Root + PartialEq + Debug,
    A::Command: Clone + Debug,
{
    let runtime = Runtime::new().expect("a runtime");
    let both = runtime.block_on(Both::new());
    let told = Cell::new(0);
    let (carried_out, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: STORIES, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&vec(command, 1..30), |story| {
        told.set(told.get() + 1);
        let id = id(told.get()).to_string();
        let tally = runtime.block_on(tell::<A>(&both, &id, story));
        carried_out.set(carried_out.get() + tally.0);
        refused.set(refused.get() + tally.1);
        Ok(())
    });
    if let Err(failed) = run {
        panic!("{failed}");
    }
    println!("{}: {} carried out, {} refused", A::TYPE, carried_out.get(), refused.get());
    assert!(carried_out.get() > 0 && refused.get() > 0);
}

#[test]
fn rewards_are_told_alike() {
    use reward::Command;
    let unit = || (0u128..4).prop_map(|number| RedemptionId(Uuid::from_u128(number)));
    let command = prop_oneof![
        2 => (0u32..4, 0i64..90).prop_map(|(units, minute)| Command::Create {
            definition: Box::new(definition(units)),
            at: at(minute),
        }),
        2 => (0u32..4, 0i64..90).prop_map(|(units, minute)| Command::Change {
            definition: Box::new(definition(units)),
            at: at(minute),
        }),
        3 => unit().prop_map(|redemption| Command::TakeUnit { redemption, at: at(1) }),
        2 => unit().prop_map(|redemption| Command::ReturnUnit { redemption, at: at(2) }),
        1 => Just(Command::Grant { at: at(3) }),
    ];
    told_alike::<Reward>(command, |number| RewardId(Uuid::from_u128(number.into())));
}

#[test]
fn counters_are_told_alike() {
    use counter::Command;
    let subject = || prop_oneof![Just("anna"), Just("bert")];
    let role = || prop_oneof![Just(Role::Ksb), Just(Role::CounterAdmin), Just(Role::CounterMember)];
    let kind = prop_oneof![Just(StaffKind::Member), Just(StaffKind::Admin)];
    let address =
        Address::new(Some(text("Markt 1")), text("9900"), text("Eeklo"), Country::BELGIUM)
            .expect("an address");
    let command = prop_oneof![
        3 => (4u32..6).prop_map(move |system| Command::Create {
            profile: Profile {
                name: text("Cultuurcentrum \"Dé Herbakker\""),
                address: address.clone(),
                card_systems: [CardSystemId(system)].into(),
            },
            at: at(0),
        }),
        2 => (4u32..6, any::<bool>()).prop_map(|(system, other_municipalities)| Command::SetTerms {
            card_system: CardSystemId(system),
            terms: Terms { other_municipalities, ..Terms::default() },
            at: at(1),
        }),
        1 => Just(Command::SetIban { iban: text("BE68 5390 0754 7034"), at: at(2) }),
        3 => (option::weighted(0.9, subject()), kind, role()).prop_map(|(subject, kind, by)| {
            Command::AddStaff(AddStaff { subject: subject.map(text), kind, by, at: at(3) })
        }),
        2 => (subject(), role()).prop_map(|(subject, by)| Command::RemoveStaff {
            subject: text(subject),
            by,
            at: at(4),
        }),
        2 => (0i64..6, role(), 0u64..9).prop_map(|(days, by, position)| {
            let (from, until) = (at(0).date_naive(), at(0).date_naive() + TimeDelta::days(days - 2));
            Command::RequestReport(RequestReport { from, until, position, by, at: at(5) })
        }),
    ];
    told_alike::<Counter>(command, |number| text::<CounterId>(&format!("balie-{number}")));
}

#[test]
fn card_systems_are_told_alike() {
    use card_system::Command;
    let code = || prop_oneof![Just("WELKOM"), Just("zomer '26")];
    let admin = || prop_oneof![Just("anna"), Just("bert")];
    let eeklo = Municipality { postal_code: text("9900"), name: text("Eeklo") };
    let command = prop_oneof![
        3 => vec(Just(eeklo), 0..2).prop_map(|municipalities| Command::Create {
            name: text("UiTPAS Meetjesland"),
            municipalities,
            at: at(0),
        }),
        2 => admin().prop_map(|admin| Command::AddKsbAdmin { admin: text(admin), at: at(1) }),
        2 => admin().prop_map(|admin| Command::RemoveKsbAdmin { admin: text(admin), at: at(2) }),
        1 => Just(Command::ChooseDefaultKeys {
            keys: [DistributionKeyId(1)].into(),
            at: at(3),
        }),
        2 => (0u16..3).prop_map(|grace_days| Command::ChangeSettings {
            settings: Settings { grace_days, ..Settings::default() },
            at: at(4),
        }),
        2 => code().prop_map(|code| Command::IssueVoucher {
            code: text(code),
            voucher: Voucher { off: text("1.50"), until: at(0).date_naive() },
            at: at(5),
        }),
        3 => (code(), 0i64..2_000).prop_map(|(code, minute)| Command::SpendVoucher {
            code: text(code),
            at: at(minute),
        }),
    ];
    told_alike::<CardSystem>(command, CardSystemId);
}

#[tokio::test]
async fn the_second_of_two_meets_a_conflict_in_both() {
    let both = Both::new().await;
    let stock: Stock<Purse> = both.stock();
    for second in [second_of_two(&stock).await, second_of_two(&both.ours).await] {
        assert!(matches!(second, Err(AggregateError::AggregateConflict)), "{second:?}");
    }
}

#[tokio::test]
async fn only_ours_keeps_the_bytes() {
    let both = Both::new().await;
    let event = Event::Earned { points: 150, note: " 1.50  \u{e9}e\u{301} \u{1f600} ".to_owned() };
    let written = serde_json::to_string(&event).expect("JSON");
    let stock = postgres_cqrs::<Purse>(both.pool.clone(), vec![], ());
    stock.execute("a", vec![event.clone()]).await.expect("success");
    let ours = CqrsFramework::<Purse, _>::new(both.ours.clone(), vec![], ());
    ours.execute("a", vec![event]).await.expect("success");

    let by_stock: String = sqlx::query_scalar("select payload::text from events")
        .fetch_one(&both.pool)
        .await
        .expect("an event");
    let by_ours = both.ours.feed(0, 1).await.expect("a page").remove(0).payload;
    assert_ne!(by_stock, written);
    assert_eq!(by_ours, written);
}

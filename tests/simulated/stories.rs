//! The stories of the simple model, written to a log: in PostgreSQL and in the views everything
//! stands where the model says.

use std::collections::BTreeMap;
use std::convert::Infallible;

use sqlx::PgPool;
use uitpas_domain::activity::Activity;
use uitpas_domain::card::Card;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Counter;
use uitpas_domain::coupon::Coupon;
use uitpas_domain::ids::{CommandId, PassholderId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::passholder::registration::PersonalDetails;
use uitpas_domain::passholder::{Event, Passholder};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::reward::Reward;
use uitpas_domain::root::Root;
use uitpas_domain::sealed::Sealed;
use uitpas_projections::Projections;
use uitpas_projections::passholders;
use uitpas_projections::settlement::{IssuedNote, note_lines, of_counter};
use uitpas_store::sealing::{self, MasterKey, PersonKey};
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Failed, Store, Unsuccessful, Work};
use uitpas_tests::model::answer::{Answer, Fact, Membership, Picture, Portrait};
use uitpas_tests::model::setting::COUNTERS;
use uitpas_tests::model::simple::Simple;
use uitpas_tests::model::stories::numbered;
use uitpas_tests::model::world::{Unit, World};
use uitpas_tests::model::{counter_id, number, person, reward_id, slot_of};
use uuid::Uuid;

/// Stories that are written each time. Others: `UITPAS_MODEL_STORIES=50`.
const STORIES: u64 = 4;

/// R-AUD-01, R-AUD-02, R-AUD-03, R-RWD-04, R-NOTE-08
#[tokio::test(flavor = "multi_thread")]
async fn in_the_views_everything_stands_where_the_simple_model_says() {
    let stories = std::env::var("UITPAS_MODEL_STORIES").map_or(STORIES, |count| {
        count.parse().expect("UITPAS_MODEL_STORIES is a number of stories")
    });
    for story in 0..stories {
        let told = Told::story(story);
        let database = TestDatabase::new().await;
        let store = Store::open(database.app_options(), MasterKey::generate()).await;
        let store = store.expect("a store");
        let mut keys = BTreeMap::new();
        for unit in told.log {
            write(&store, unit, &mut keys).await;
        }
        let head = store.verify_chain(|_, _| {}).await.expect("a log that can be read");
        assert_eq!(head.expect("a chain that holds").position, told.events, "story {story}");
        let projections = Projections::open(&store).await.expect("views");
        projections.catch_up().await.expect("caught up");
        assert_eq!(projections.verify(None, |_| {}).await.expect("verified"), [], "story {story}");
        let pool = projections.pool();
        people(pool, story, &told.picture.people).await;
        cards(pool, story, &told.picture).await;
        units(pool, story, &told.picture).await;
        notes(pool, story, &told.picture).await;
        sales(pool, story, &told.sales).await;
    }
}

/// A story, and what the simple model makes of it.
struct Told {
    log: Vec<Unit>,
    events: u64,
    picture: Picture,
    /// What passholder, organizer and municipality pay, in cents; the municipality; and whether it
    /// still counts.
    sales: BTreeMap<Uuid, Sale>,
}

type Sale = ((i64, i64, i64), String, bool);

impl Told {
    fn story(number: u64) -> Self {
        let (mut simple, mut world) = (Simple::default(), World::default());
        let mut sales = BTreeMap::new();
        for (step, base) in numbered(number).iter().zip(1..) {
            let answered = world.carry_out(base * 10_000, step, &simple);
            let expected = simple.carry_out(base * 10_000, step);
            assert_eq!(answered, expected, "story {number}, {step:?}");
            take_in(&mut sales, &expected);
        }
        let events = world.log.iter().map(|unit| unit.events.len() as u64).sum();
        Self { log: world.log, events, picture: simple.picture(), sales }
    }
}

fn take_in(sales: &mut BTreeMap<Uuid, Sale>, answer: &Answer) {
    for fact in answer.iter().flatten() {
        match fact {
            Fact::Sold { id, shares, payer, .. } => {
                sales.insert(Uuid::from_u128(*id), (*shares, payer.clone(), true));
            }
            Fact::Cancelled { id, .. } => {
                sales.get_mut(&Uuid::from_u128(*id)).expect("it was sold").2 = false;
            }
            Fact::Each(answer) => take_in(sales, answer),
            Fact::Price(_) | Fact::Points(_) | Fact::Welcome(_) | Fact::Part { .. } => {}
        }
    }
}

// To the log.

/// One command with all its events; what the model holds in clear is sealed.
async fn write(store: &Store, unit: Unit, keys: &mut BTreeMap<PassholderId, PersonKey>) {
    let id = CommandId(Uuid::now_v7());
    let metadata = Metadata {
        actor: unit.by,
        role: Role::System,
        counter: None,
        channel: Channel::BackOffice,
        command_id: id,
        correlation_id: id,
    };
    let mut new_keys = Vec::new();
    let mut removed = Vec::new();
    let mut events = unit.events;
    for event in &mut events {
        let AnyEvent::Passholder(id, event) = event else { continue };
        match event {
            Event::Registered(registered) => {
                let (key, wrapped) = store.master_key().new_person_key(&id.to_string());
                registered.details = seal(&key, *id, &registered.details);
                keys.insert(*id, key);
                new_keys.push((id.to_string(), wrapped));
            }
            Event::DetailsChanged { details, .. } => *details = seal(&keys[id], *id, details),
            Event::Removed { .. } => removed.push(id.to_string()),
            _ => {}
        }
    }
    let command = Command { id, request: [0; 32], metadata };
    let written = store.execute(command, |work| {
        let (events, new_keys, removed) = (events.clone(), new_keys.clone(), removed.clone());
        async move {
            for event in events {
                record(&work, event).await?;
            }
            new_keys.into_iter().for_each(|(person, wrapped)| work.insert_key(&person, wrapped));
            removed.iter().for_each(|person| work.destroy_key(person));
            Ok::<(), Unsuccessful<Infallible>>(())
        }
    });
    written.await.expect("it is written");
}

fn seal(
    key: &PersonKey,
    id: PassholderId,
    clear: &Sealed<PersonalDetails>,
) -> Sealed<PersonalDetails> {
    let details: PersonalDetails = serde_json::from_str(clear.as_str()).expect("details in clear");
    sealing::seal(key, &id.to_string(), "details", &details)
}

async fn record(work: &Work, event: AnyEvent) -> Result<(), Failed> {
    match event {
        AnyEvent::Passholder(id, event) => add::<Passholder>(work, &id, event).await,
        AnyEvent::Card(id, event) => add::<Card>(work, &id, event).await,
        AnyEvent::CardSystem(id, event) => add::<CardSystem>(work, &id, event).await,
        AnyEvent::Counter(id, event) => add::<Counter>(work, &id, event).await,
        AnyEvent::Activity(id, event) => add::<Activity>(work, &id, event).await,
        AnyEvent::Reward(id, event) => add::<Reward>(work, &id, event).await,
        AnyEvent::Coupon(id, event) => add::<Coupon>(work, &id, event).await,
        other => unreachable!("{other:?} happens in no story"),
    }
}

async fn add<A: Root>(work: &Work, id: &A::Id, event: A::Event) -> Result<(), Failed> {
    work.load::<A>(id).await?;
    work.record::<A>(id, vec![event]).map(drop)
}

// From the views.

async fn people(pool: &PgPool, story: u64, expected: &[Portrait]) {
    for (who, expected) in expected.iter().enumerate() {
        let shown = format!("story {story}, person {who}");
        let found = passholders::by_id(pool, person(who)).await.expect("a query");
        let Some(found) = found else {
            assert!(!expected.is_known && !expected.is_removed, "{shown}");
            continue;
        };
        assert_eq!(found.removed_at.is_some(), expected.is_removed, "{shown}");
        assert_eq!(found.name.is_none(), expected.is_removed, "{shown}");
        if expected.is_removed {
            continue;
        }
        assert_eq!((found.points, &found.home_postal_code), (expected.points, &expected.home));
        let memberships = found.memberships.0.iter().map(|(id, of)| (id.0, tell(of)));
        assert_eq!(memberships.collect::<BTreeMap<_, _>>(), expected.memberships, "{shown}");
        let held = found.cards.0.iter();
        let held = held.map(|held| (slot_of(held.card), held.blocked.is_some()));
        assert_eq!(held.collect::<BTreeMap<_, _>>(), expected.cards, "{shown}");
        let counts: (i64, i64, i64) = sqlx::query_as(
            "select
                 (select count(*) from views.check_ins
                  where passholder = $1 and corrected_at is null),
                 (select count(*) from views.ticket_sales
                  where passholder = $1 and cancelled_at is null),
                 (select count(*) from views.redemptions
                  where passholder = $1 and cancelled_at is null)",
        )
        .bind(person(who).0)
        .fetch_one(pool)
        .await
        .expect("counts");
        let (points, tickets, rewards) = expected.counts;
        assert_eq!(counts, (points as i64, tickets as i64, rewards as i64), "{shown}");
    }
}

/// A membership in the words of the model.
fn tell(of: &passholders::Membership) -> Membership {
    let status = of.social_status.as_ref();
    let status = status.map(|status| (status.until, status.suspended_until));
    Membership { blocked: of.blocked, card: of.card.map(slot_of), status }
}

/// The stock, and what left it.
async fn cards(pool: &PgPool, story: u64, expected: &Picture) {
    let found: Vec<(String, String)> = sqlx::query_as("select number, state from views.cards")
        .fetch_all(pool)
        .await
        .expect("cards");
    let found: BTreeMap<_, _> = found.into_iter().collect();
    assert_eq!(found.len(), expected.cards.len(), "story {story}");
    for (slot, expected) in expected.cards.iter().enumerate() {
        let state = found[&number(slot).to_string()].as_str();
        let holds = match expected {
            (None, _) => matches!(state, "local-stock" | "stock"),
            (Some(_), false) => state == "active",
            (Some(_), true) => state == "blocked",
        };
        assert!(holds, "story {story}, card {slot} is {state}, and not {expected:?}");
    }
}

async fn units(pool: &PgPool, story: u64, expected: &Picture) {
    for (reward, expected) in expected.units.iter().enumerate() {
        let taken: i32 = sqlx::query_scalar("select units_taken from views.rewards where id = $1")
            .bind(reward_id(reward).0)
            .fetch_one(pool)
            .await
            .expect("a reward");
        assert_eq!(taken.cast_unsigned(), *expected, "story {story}, reward {reward}");
    }
}

/// Lines and total of every note that was issued.
async fn notes(pool: &PgPool, story: u64, expected: &Picture) {
    for (counter, expected) in (0..COUNTERS.len()).zip(&expected.notes) {
        let id = counter_id(counter);
        let issued = of_counter(pool, &id).await.expect("notes");
        let closings: Vec<_> = issued.iter().map(IssuedNote::closing).collect();
        let mut found = Vec::new();
        for upto in 1..=closings.len() {
            let lines = note_lines(pool, &id, &closings[..upto]).await.expect("lines");
            found.push((lines.len(), lines.iter().map(|line| line.municipality_share).sum()));
        }
        assert_eq!(found, *expected, "story {story}, counter {counter}");
    }
}

/// Every amount of every sale, and what is to be settled of it.
async fn sales(pool: &PgPool, story: u64, expected: &BTreeMap<Uuid, Sale>) {
    let found: Vec<(Uuid, i64, i64, i64, String, bool)> = sqlx::query_as(
        "select sale.id, sale.passholder_share, sale.organizer_share, line.municipality_share,
             line.postal_code, line.cancelled_day is null
         from views.ticket_sales sale
         join views.settlement_lines line on line.sale = sale.id
             and line.municipality_share = sale.municipality_share
             and (line.cancelled_day is null) = (sale.cancelled_at is null)",
    )
    .fetch_all(pool)
    .await
    .expect("sales");
    let found: BTreeMap<Uuid, Sale> = found
        .into_iter()
        .map(|(id, passholder, organizer, municipality, payer, counts)| {
            (id, ((passholder, organizer, municipality), payer, counts))
        })
        .collect();
    assert_eq!(found, *expected, "story {story}");
}

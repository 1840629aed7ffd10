//! Stories of the simple model through the real log and the real views: each unit is written once
//! however often it is sent, the log tells the story that happened, and every view is what the
//! rules say. By default a few; `UITPAS_MODEL_STORIES=40` for more.

use uitpas_api::actions::passholders::DETAILS;
use uitpas_domain::counter::Counter;
use uitpas_domain::counter::notes::Closing;
use uitpas_domain::ids::{CommandId, PassholderId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::passholder::registration::PersonalDetails;
use uitpas_domain::passholder::{Event, Passholder};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::root::Root;
use uitpas_domain::sealed::Sealed;
use uitpas_projections::{Projections, passholders, settlement};
use uitpas_store::sealing::{self, MasterKey};
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Executed, Failed, Store, Unsuccessful, Work};
use uitpas_tests::model::simple::Simple;
use uitpas_tests::model::stories;
use uitpas_tests::model::world::{Unit, World};

const STORIES: u64 = 2;

/// R-AUD-01, R-AUD-02, R-AUD-03, R-NOTE-04, R-NOTE-08
#[tokio::test]
async fn stories_stand_in_the_log_and_in_the_views_as_the_model_tells_them() {
    let stories = std::env::var("UITPAS_MODEL_STORIES").map_or(STORIES, |count| {
        count.parse().expect("UITPAS_MODEL_STORIES is a number of stories")
    });
    for number in 0..stories {
        told_through_the_log(number).await;
    }
}

async fn told_through_the_log(number: u64) {
    let (mut simple, mut world) = (Simple::default(), World::default());
    for (step, base) in stories::numbered(number).iter().zip(1..) {
        let _ = world.carry_out(base * 10_000, step, &simple);
        let _ = simple.carry_out(base * 10_000, step);
    }
    let expected = simple.picture();

    let database = TestDatabase::new().await;
    let store = Store::open(database.app_options(), MasterKey::generate()).await.expect("a store");
    let views = Projections::open(&store).await.expect("views");
    for (unit, index) in world.log.iter().zip(1..) {
        let once = written(&store, index, unit).await;
        // Half of the stories are followed while they are written.
        if number % 2 == 1 && index % 50 == 0 {
            views.catch_up().await.expect("the views follow");
        }
        let again = written(&store, index, unit).await;
        assert_eq!((again.position, again.replayed), (once.position, true), "story {number}");
    }
    let events: usize = world.log.iter().map(|unit| unit.events.len()).sum();
    let head = store.head().await.expect("a head");
    assert_eq!(head.position, events as u64, "story {number}: each unit is written once");

    // The log, read back, tells the same story.
    let mut replay = store.replay(0).await.expect("a replay");
    let mut told = Vec::new();
    while let Some(page) = replay.next().await.expect("entries") {
        for raw in page {
            let event = AnyEvent::read(&raw.aggregate_type, &raw.aggregate_id, &raw.payload);
            told.push(event.expect("it is understood"));
        }
    }
    assert_eq!(World::told(told).picture(), expected, "story {number}");

    // Every view is the fold of the log, and says what the model says.
    views.catch_up().await.expect("the views follow");
    assert_eq!(views.verify(None, |_| {}).await.expect("it is verified"), [], "story {number}");
    for (who, portrait) in expected.people.iter().enumerate() {
        let id = PassholderId(uuid::Uuid::from_u128(who as u128 + 1));
        let row = passholders::by_id(views.pool(), id).await.expect("a view");
        let known = row.filter(|row| row.removed_at.is_none());
        assert_eq!(known.is_some(), portrait.is_known, "story {number}, person {who}");
        let Some(row) = known else { continue };
        assert_eq!(row.points, portrait.points, "story {number}, person {who}");
        assert_eq!(row.home_postal_code, portrait.home, "story {number}, person {who}");
        let counts = (
            counted(&views, "check_ins", "corrected_at", id).await,
            counted(&views, "ticket_sales", "cancelled_at", id).await,
            counted(&views, "redemptions", "cancelled_at", id).await,
        );
        assert_eq!(counts, portrait.counts, "story {number}, person {who}");
    }
    for (counter, notes) in expected.notes.iter().enumerate() {
        let id = uitpas_tests::model::counter_id(counter);
        let known = store.load::<Counter>(&id).await.expect("a counter");
        let closings: Vec<Closing> = known.state.closings();
        assert_eq!(closings.len(), notes.len(), "story {number}, {id}");
        for (index, (count, total)) in notes.iter().enumerate() {
            let lines = settlement::note_lines(views.pool(), &id, &closings[..=index]).await;
            let lines = lines.expect("lines");
            let sum: i64 = lines.iter().map(|line| line.municipality_share).sum();
            let shown = format!("story {number}, note {} of {id}", index + 1);
            assert_eq!((lines.len(), sum), (*count, *total), "{shown}");
        }
    }
}

/// Rows of a person that still count.
async fn counted(views: &Projections, table: &str, ended: &str, who: PassholderId) -> usize {
    let query =
        format!("select count(*) from views.{table} where passholder = $1 and {ended} is null");
    let count: i64 =
        sqlx::query_scalar(&query).bind(who.0).fetch_one(views.pool()).await.expect("a count");
    usize::try_from(count).expect("a count")
}

/// Writes a unit as the doors do: all of it, under the id of its command.
async fn written(store: &Store, index: u128, unit: &Unit) -> Executed<()> {
    let id = CommandId(uuid::Uuid::from_u128(index));
    let metadata = Metadata {
        actor: unit.by.clone(),
        role: Role::System,
        counter: None,
        channel: Channel::Import,
        command_id: id,
        correlation_id: id,
    };
    let command = Command { id, request: [0; 32], metadata };
    let written = store.execute(command, |work| async move {
        for event in &unit.events {
            record(&work, event.clone()).await?;
        }
        Ok::<(), Unsuccessful<String>>(())
    });
    written.await.expect("it is written")
}

async fn record(work: &Work, event: AnyEvent) -> Result<(), Failed> {
    match event {
        AnyEvent::Passholder(id, event) => {
            let event = sealed(work, id, event).await?;
            add::<Passholder>(work, &id, event).await
        }
        AnyEvent::Counter(id, event) => add::<Counter>(work, &id, event).await,
        AnyEvent::Card(id, event) => add::<uitpas_domain::card::Card>(work, &id, event).await,
        AnyEvent::CardSystem(id, event) => {
            add::<uitpas_domain::card_system::CardSystem>(work, &id, event).await
        }
        AnyEvent::Activity(id, event) => {
            add::<uitpas_domain::activity::Activity>(work, &id, event).await
        }
        AnyEvent::Reward(id, event) => add::<uitpas_domain::reward::Reward>(work, &id, event).await,
        AnyEvent::Coupon(id, event) => add::<uitpas_domain::coupon::Coupon>(work, &id, event).await,
        other => panic!("{other:?} happens in no story"),
    }
}

async fn add<A: Root>(work: &Work, id: &A::Id, event: A::Event) -> Result<(), Failed> {
    work.load::<A>(id).await?;
    work.record::<A>(id, vec![event])?;
    Ok(())
}

/// With the details under the key of their person, which comes with the registration and goes with
/// the removal.
async fn sealed(work: &Work, id: PassholderId, event: Event) -> Result<Event, Failed> {
    let person = id.to_string();
    let master = work.store().master_key();
    match event {
        Event::Registered(mut registered) => {
            let (key, wrapped) = master.new_person_key(&person);
            registered.details = under(&key, &person, &registered.details);
            work.insert_key(&person, wrapped);
            Ok(Event::Registered(registered))
        }
        Event::DetailsChanged { details, home, with_insz, at } => {
            let wrapped = work.wrapped_key(&person).await?.expect("a passholder has a key");
            let key = master.person_key(&person, &wrapped).map_err(Failed::new)?;
            let details = under(&key, &person, &details);
            Ok(Event::DetailsChanged { details, home, with_insz, at })
        }
        Event::Removed { .. } => {
            work.destroy_key(&person);
            Ok(event)
        }
        event => Ok(event),
    }
}

fn under(
    key: &sealing::PersonKey,
    person: &str,
    clear: &Sealed<PersonalDetails>,
) -> Sealed<PersonalDetails> {
    let details: PersonalDetails = serde_json::from_str(clear.as_str()).expect("details in clear");
    sealing::seal(key, person, DETAILS, &details)
}

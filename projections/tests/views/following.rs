//! Following the log: what the views hold, who leads, and what stops them.

use std::time::Duration;

use sqlx::{Connection, Executor};
use uitpas_domain::passholder::Passholder;
use uitpas_projections::{ALL, Failed, Status, check_ins, passholders, statements};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

/// The views are what the domain's own states are.
#[tokio::test]
async fn the_views_are_the_fold_of_the_log() {
    let world = World::after(400).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();

    for id in world.happenings.passholders.keys() {
        let state = world.store.load::<Passholder>(id).await.expect("a stream");
        let holder = state.state.holder().expect("registered");
        let row = passholders::by_id(pool, *id).await.expect("a query").expect("a row");
        assert_eq!(row.points, holder.points);
        assert_eq!(row.current_card, holder.current_card().map(|card| card.to_string()));
        let cards: Vec<String> = holder.cards.keys().map(ToString::to_string).collect();
        let mut held = row.card_numbers.clone();
        held.sort();
        assert_eq!(held, cards);
        assert_eq!(row.home_name, holder.home.as_ref().map(|home| home.name.to_string()));
        assert!(row.name.is_some_and(|name| name.contains('é')));

        let filter = check_ins::Filter {
            passholder: Some(*id),
            corrected: Some(false),
            ..check_ins::Filter::default()
        };
        let found = check_ins::list(pool, &filter).await.expect("a query");
        let known = holder.check_ins.values().filter(|given| !given.corrected).count();
        assert_eq!(found.total, known as i64);

        let sold = holder.sales.values().filter(|sold| !sold.cancelled);
        let sold: i64 = sold.map(|sold| sold.price.as_cents()).sum();
        let listed: i64 = sqlx::query_scalar(
            "select coalesce(sum(l.price), 0)::bigint
             from views.settlement_lines l join views.ticket_sales t on t.id = l.sale
             where t.passholder = $1 and l.cancelled_position is null",
        )
        .bind(id.0)
        .fetch_one(pool)
        .await
        .expect("a query");
        assert_eq!(listed, sold);
    }
    assert!(!world.happenings.removed.is_empty(), "some were removed");
    for id in &world.happenings.removed {
        let row = passholders::by_id(pool, *id).await.expect("a query").expect("a row");
        let personal = (row.name, row.name_folded, row.birth_date, row.street, row.email_folded);
        assert_eq!(personal, (None, None, None, None, None));
        assert!(row.removed_at.is_some());
        assert_eq!(row.points, 0);
    }
    assert_eq!(world.verified().await, []);
}

/// Whoever is removed leaves the view as if it had never known him, however late it hears of it.
#[tokio::test]
async fn a_view_that_lags_ends_like_one_that_was_in_time() {
    let mut world = World::after(60).await;
    world.projections.catch_up().await.expect("caught up");
    let in_time = all_passholders(&world).await;
    for id in world.happenings.passholders.keys().copied().collect::<Vec<_>>() {
        world.happenings.removes_one(id).await;
    }
    world.projections.catch_up().await.expect("caught up");
    let in_time = (in_time.len(), all_passholders(&world).await);
    world.projections.rebuild(Some("passholders"), |_| {}).await.expect("rebuilt");
    world.projections.catch_up().await.expect("caught up");
    assert_eq!((in_time.0, all_passholders(&world).await), in_time);
    assert!(in_time.1.iter().all(|row| row.name.is_none() && row.removed_at.is_some()));
}

async fn all_passholders(world: &World) -> Vec<passholders::Passholder> {
    sqlx::query_as("select * from views.passholders order by id")
        .fetch_all(world.projections.pool())
        .await
        .expect("a query")
}

#[tokio::test]
async fn whoever_wrote_reads_it_after_waiting_for_the_position() {
    let mut world = World::after(0).await;
    let running = world.projections.start();
    for _ in 0..20 {
        let passholder = world.happenings.registers().await;
        let head = world.store.head().await.expect("a head").position;
        let in_time = world.projections.wait_for("passholders", head, PATIENCE).await;
        assert!(in_time.expect("an answer"));
        let pool = world.projections.pool();
        let found = passholders::by_id(pool, passholder).await.expect("a query");
        assert!(found.is_some());
    }
    running.stop().await;
    let beyond = world.store.head().await.expect("a head").position + 1;
    let soon = Duration::from_millis(50);
    let in_time = world.projections.wait_for("passholders", beyond, soon).await;
    assert!(!in_time.expect("an answer"));
}

/// A second process follows as well: together they do the work of one.
#[tokio::test]
async fn of_two_processes_one_leads_and_the_other_knows() {
    let mut world = World::after(0).await;
    let (first, second) = (world.projections.clone(), world.another_process().await);
    let running = (first.start(), second.start());
    world.happenings.go_on(300).await;
    let head = world.store.head().await.expect("a head").position;
    for projection in ALL {
        for process in [&first, &second] {
            let in_time = process.wait_for(projection.name, head, PATIENCE).await;
            assert!(in_time.expect("an answer"), "{}", projection.name);
        }
    }
    running.0.stop().await;
    running.1.stop().await;
    assert_eq!(world.verified().await, []);
}

#[tokio::test]
async fn while_another_process_holds_the_checkpoints_nothing_is_written() {
    let world = World::after(30).await;
    let mut leader = world.superuser().await;
    let mut leading = leader.begin().await.expect("a transaction");
    leading.execute("select from views.checkpoints for update").await.expect("locked");
    let follower = world.another_process().await;
    let running = follower.start();
    let soon = Duration::from_millis(300);
    let head = world.store.head().await.expect("a head").position;
    assert!(!follower.wait_for("settlement", head, soon).await.expect("an answer"));
    leading.rollback().await.expect("given up");
    assert!(follower.wait_for("settlement", head, PATIENCE).await.expect("an answer"));
    running.stop().await;
}

/// An event that one view cannot take in stops that view, names the event, and no other view.
#[tokio::test]
async fn poison_stops_one_projection_and_names_the_event() {
    let mut world = World::after(40).await;
    world.projections.catch_up().await.expect("caught up");
    let passholder = world.happenings.registers().await;
    world.happenings.go_on(30).await;
    let price = "10.00".parse().expect("a price");
    let sale = world.happenings.buys_for(passholder, price).await;
    let poison = world.store.head().await.expect("a head").position;
    world.happenings.go_on(30).await;
    let mut superuser = world.superuser().await;
    let constraint = format!(
        "alter table views.ticket_sales add constraint poisoned check (id <> '{sale}') not valid"
    );
    superuser.execute(constraint.as_str()).await.expect("a constraint");

    let running = world.projections.start();
    let head = world.store.head().await.expect("a head").position;
    for projection in ALL.iter().filter(|projection| projection.name != "ticket_sales") {
        let in_time = world.projections.wait_for(projection.name, head, PATIENCE).await;
        assert!(in_time.expect("an answer"), "{} goes on", projection.name);
    }
    let stopped = until_stopped(&world, "ticket_sales").await;
    running.stop().await;
    let why = stopped.stopped.expect("it stopped");
    assert!(why.contains(&format!("event {poison}")), "{why}");
    assert_eq!(stopped.position, poison - 1, "it took in all that was before");

    let failed = world.projections.catch_up().await;
    assert!(matches!(failed, Err(Failed::Stopped { name: "ticket_sales", .. })), "{failed:?}");
    superuser.execute("alter table views.ticket_sales drop constraint poisoned").await.expect("ok");
    world.projections.rebuild(Some("ticket_sales"), |_| {}).await.expect("rebuilt");
    assert_eq!(world.verified().await, []);
}

async fn until_stopped(world: &World, name: &str) -> Status {
    loop {
        let status = world.projections.status().await.expect("a status");
        let status = status.into_iter().find(|status| status.name == name).expect("known");
        if status.stopped.is_some() {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Nothing is skipped: what this program does not know stops every view, and is named.
#[tokio::test]
async fn an_unknown_type_stops_everything_loudly() {
    let world = World::after(20).await;
    let strange = world.strange_entry("SoldHisSoul", "{}").await;
    let failed = world.projections.catch_up().await.expect_err("it stops").to_string();
    assert!(
        failed.contains(&format!("event {strange}")) && failed.contains("SoldHisSoul"),
        "{failed}"
    );
    for status in world.projections.status().await.expect("a status") {
        assert_eq!(status.position, strange as u64 - 1, "{}", status.name);
        assert_eq!(status.behind, 1);
    }
    let rebuilt = world.projections.rebuild(Some("settlement"), |_| {}).await;
    assert!(rebuilt.expect_err("it stops").to_string().contains("SoldHisSoul"));
}

/// What cannot be read stops those who would have to read it.
#[tokio::test]
async fn an_unreadable_event_stops_only_those_who_own_it() {
    let world = World::after(20).await;
    let secret = r#"{"TicketSold":{"sale":"Anna Peeters"}}"#;
    let strange = world.strange_entry("TicketSold", secret).await;
    let failed = world.projections.catch_up().await.expect_err("it stops").to_string();
    assert!(!failed.contains("Anna"), "errors tell nothing of persons: {failed}");
    for status in world.projections.status().await.expect("a status") {
        let owns = ["settlement", "ticket_sales"].contains(&status.name);
        let expected = if owns { strange - 1 } else { strange };
        assert_eq!(status.position, expected as u64, "{}", status.name);
    }
}

#[tokio::test]
async fn a_hole_in_the_log_stops_every_view() {
    let world = World::after(20).await;
    let mut superuser = world.superuser().await;
    superuser
        .execute(
            "alter table log.events disable trigger all;
             delete from log.events where position = 7;
             alter table log.events enable always trigger events_are_never_changed",
        )
        .await
        .expect("a hole");
    let failed = world.projections.catch_up().await.expect_err("it stops").to_string();
    assert!(failed.contains("event 7: is missing"), "{failed}");
    let rebuilt = world.projections.rebuild(Some("settlement"), |_| {}).await;
    assert!(rebuilt.expect_err("it stops").to_string().contains("event 7: is missing"));
}

#[tokio::test]
async fn a_view_of_a_newer_program_is_left_alone() {
    let world = World::after(10).await;
    world.tampers("update views.checkpoints set version = 1000 where name = 'rewards'").await;
    let failed = world.projections.catch_up().await.expect_err("it stops").to_string();
    assert!(failed.contains("rewards") && failed.contains("version 1000"), "{failed}");
    let status = world.projections.status().await.expect("a status");
    let head = world.store.head().await.expect("a head").position;
    for status in status {
        let expected = if status.name == "rewards" { 0 } else { head };
        assert_eq!(status.position, expected, "{}", status.name);
    }
}

/// Every query is understood by the database, as it is after the first start.
#[tokio::test]
async fn every_statement_can_be_prepared() {
    let world = World::new().await;
    let mut connection = world.projections.pool().acquire().await.expect("a connection");
    for statement in statements() {
        let prepared = connection.prepare(statement).await;
        assert!(prepared.is_ok(), "{statement}: {:?}", prepared.err());
    }
}

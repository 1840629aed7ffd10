//! Rebuilding a view from the log, while the log goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Connection, Executor};
use uitpas_projections::{ALL, Failed};

use crate::world::World;

/// Each view is thrown away and rebuilt while things happen and it is followed: nothing is lost,
/// nothing is counted twice (R-AUD-03).
#[tokio::test]
async fn rebuilt_while_the_log_goes_on_equals_the_live_view() {
    let mut world = World::after(300).await;
    let projections = world.projections.clone();
    let mut happenings = world.hand_over();
    let running = projections.start();
    let done = Arc::new(AtomicBool::new(false));
    let writing = {
        let done = done.clone();
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                happenings.go_on(20).await;
            }
        })
    };
    projections
        .rebuild(None, |progress| assert!(progress.done <= progress.total))
        .await
        .expect("rebuilt");
    projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt again");
    done.store(true, Ordering::Relaxed);
    writing.await.expect("the writer");
    projections.catch_up().await.expect("caught up");
    running.stop().await;
    assert_eq!(world.verified().await, []);
    let schemas: Vec<String> = sqlx::query_scalar(
        "select nspname::text from pg_namespace where nspname like 'views%' order by 1",
    )
    .fetch_all(world.projections.pool())
    .await
    .expect("a query");
    assert_eq!(schemas, ["views"], "nothing is left behind");
}

#[tokio::test]
async fn what_was_changed_by_hand_is_right_again_after_a_rebuild() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    world.tampers("update views.settlement_lines set price = price + 1").await;
    world.tampers("delete from views.settlement_lines where day > '2026-03-04'").await;
    assert_ne!(world.verified().await, []);
    world.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    assert_eq!(world.verified().await, []);
}

/// Who reads the old tables for a long time makes the swap wait; it is tried again.
#[tokio::test]
async fn a_reader_of_the_old_tables_only_delays_the_swap() {
    let world = World::after(50).await;
    world.projections.catch_up().await.expect("caught up");
    let mut reader = world.superuser().await;
    let mut reading = reader.begin().await.expect("a transaction");
    reading.execute("select count(*) from views.settlement_lines").await.expect("a query");
    let projections = world.projections.clone();
    let rebuild =
        tokio::spawn(async move { projections.rebuild(Some("settlement"), |_| {}).await });
    // Longer than the swap waits for its locks: it has to try again.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert!(!rebuild.is_finished(), "the reader is not disturbed");
    reading.commit().await.expect("it was not disturbed");
    rebuild.await.expect("a task").expect("rebuilt");
    assert_eq!(world.verified().await, []);
}

/// A rebuild that was given up leaves nothing that is in the way of the next one.
#[tokio::test]
async fn a_rebuild_that_was_given_up_is_begun_again() {
    let world = World::after(50).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    superuser
        .execute(
            "set role uitpas_app;
             create schema views_settlement_next; create table views_settlement_next.leftover ();
             create schema views_settlement_old; create table views_settlement_old.leftover ()",
        )
        .await
        .expect("leftovers");
    world.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    assert_eq!(world.verified().await, []);
}

#[tokio::test]
async fn one_rebuild_of_a_view_at_a_time() {
    let world = World::after(10).await;
    let mut other = world.superuser().await;
    other
        .execute("select pg_advisory_lock(hashtextextended('rebuild:settlement', 0))")
        .await
        .expect("a lock");
    let refused = world.projections.rebuild(Some("settlement"), |_| {}).await;
    assert!(matches!(refused, Err(Failed::Busy("settlement"))), "{refused:?}");
    let refused = world.projections.rebuild(Some("nonsense"), |_| {}).await;
    assert!(matches!(refused, Err(Failed::UnknownProjection(_))), "{refused:?}");
}

/// A view of an older version is rebuilt at the start, with the tables of the new one.
#[tokio::test]
async fn an_older_version_is_rebuilt_at_the_start() {
    let world = World::after(100).await;
    world.projections.catch_up().await.expect("caught up");
    world.tampers("update views.checkpoints set version = 0 where name = 'check_ins'").await;
    let mut superuser = world.superuser().await;
    superuser.execute("alter table views.check_ins drop column title").await.expect("changed");
    world.projections.prepare().await.expect("prepared");
    assert_eq!(world.verified().await, []);
    let status = world.projections.status().await.expect("a status");
    for status in status {
        let known = ALL.iter().find(|projection| projection.name == status.name);
        let version = known.map(|projection| projection.version);
        assert_eq!((Some(status.version), status.behind), (version, 0), "{}", status.name);
    }
}

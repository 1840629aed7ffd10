//! Verifying names each row that is not what the log makes of it, and where the two part.

use sqlx::Row;
use uitpas_projections::Difference;

use crate::world::World;

#[tokio::test]
async fn a_row_changed_by_hand_is_named_with_the_event_that_made_it() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let row = sqlx::query(
        "update views.settlement_lines set municipality_share = municipality_share + 1
         where sale = (
             select sale from views.settlement_lines
             where cancelled_position is null order by sale offset 3 limit 1)
         returning sale::text, sold_position",
    )
    .fetch_one(&mut superuser)
    .await
    .expect("a row");
    let expected = Difference {
        projection: "settlement",
        table: "settlement_lines",
        key: vec![row.get("sale")],
        position: Some(row.get("sold_position")),
    };
    assert_eq!(world.verified().await, [expected]);
}

/// An event that was never taken in is the one that is named.
#[tokio::test]
async fn an_event_that_was_missed_is_named() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let row = sqlx::query(
        "with missed as (
             select sale, cancelled_position from views.settlement_lines
             where cancelled_position is not null order by sale limit 1
         )
         update views.settlement_lines l
         set cancelled_position = null, cancelled_day = null, position = l.sold_position
         from missed where missed.sale = l.sale
         returning l.sale::text, missed.cancelled_position",
    )
    .fetch_one(&mut superuser)
    .await
    .expect("a row");
    let difference = world.verified().await;
    assert_eq!(difference.len(), 1);
    assert_eq!(difference[0].key, [row.get::<String, _>("sale")]);
    assert_eq!(difference[0].position, Some(row.get("cancelled_position")));
}

#[tokio::test]
async fn rows_that_are_missing_or_were_made_by_hand_are_named_too() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let missing = sqlx::query(
        "delete from views.check_ins where id = (select min(id::text)::uuid from views.check_ins)
         returning id::text",
    );
    let missing: String = missing.fetch_one(&mut superuser).await.expect("a row").get("id");
    world.tampers("insert into views.staff values ('zoë\\tx', 'balie', 'admin', 1)").await;
    world
        .tampers("update views.passholders set points = points + 100 where name is not null")
        .await;
    let differences = world.verified().await;
    let of = |projection: &str| {
        differences.iter().filter(|d| d.projection == projection).collect::<Vec<_>>()
    };
    assert_eq!(of("check_ins").len(), 1);
    assert_eq!(of("check_ins")[0].key, [missing]);
    assert!(of("check_ins")[0].position.is_some());
    assert_eq!(of("counters").len(), 1);
    assert_eq!(of("counters")[0].position, None, "no event made it");
    assert_eq!(of("passholders").len(), world.happenings.passholders.len());
    assert!(of("passholders").iter().all(|difference| difference.position.is_some()));
}

/// Verifying waits for nobody and disturbs nobody: not the live view, nor removals meanwhile.
#[tokio::test]
async fn a_view_is_verified_while_it_goes_on() {
    let mut world = World::after(200).await;
    let projections = world.projections.clone();
    let mut happenings = world.hand_over();
    let running = projections.start();
    let verifying = projections.clone();
    let verifying = tokio::spawn(async move {
        let mut differences = Vec::new();
        for _ in 0..3 {
            differences.extend(verifying.verify(None, |_| {}).await.expect("verified"));
        }
        differences
    });
    while !verifying.is_finished() {
        happenings.go_on(5).await;
        happenings.registers().await;
        happenings.removes().await;
    }
    assert_eq!(verifying.await.expect("a task"), []);
    running.stop().await;
}

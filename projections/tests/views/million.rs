//! The long forms: a million events. Ignored by default; the first one says its command.

use std::time::Instant;

use sqlx::Executor;
use uitpas_domain::ids::{CheckInId, SaleId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::{CheckedIn, Event};
use uitpas_domain::values::card_number::CardNumber;
use uuid::Uuid;

use crate::world::{World, eeklo, id, sold, text};

const EVENTS: i64 = 1_000_000;

/// Of ten events three are sales; every tenth sale is cancelled. Settlement is made from nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a million events; cargo test --release -p uitpas-projections -- --ignored a_million --nocapture"]
async fn a_million_events_are_settled() {
    let world = World::new().await;
    write(&world, EVENTS).await;
    let began = Instant::now();
    world.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    let took = began.elapsed();
    println!(
        "settlement: {EVENTS} events in {took:?}, {:.0} events/s, peak {} MB",
        EVENTS as f64 / took.as_secs_f64(),
        peak_megabytes()
    );
    let (lines, cancelled): (i64, i64) =
        sqlx::query_as("select count(*), count(cancelled_position) from views.settlement_lines")
            .fetch_one(world.projections.pool())
            .await
            .expect("a query");
    assert_eq!((lines, cancelled), (EVENTS / 100 * 30, EVENTS / 100 * 3));
    let began = Instant::now();
    let differences = world.projections.verify(Some("settlement"), |_| {}).await.expect("verified");
    println!("verified in {:?}, peak {} MB", began.elapsed(), peak_megabytes());
    assert_eq!(differences, []);
}

/// Twenty thousand events that came at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "twenty thousand events; see above"]
async fn a_burst_is_caught_up() {
    let world = World::new().await;
    write(&world, 20_000).await;
    // Points of passholders whom this log does not know.
    world.tampers("update views.checkpoints set position = 20000 where name = 'passholders'").await;
    let began = Instant::now();
    world.projections.catch_up().await.expect("caught up");
    println!("20,000 events in all views but one: {:?}", began.elapsed());
}

async fn write(world: &World, events: i64) {
    let at = "2026-03-02T09:00:00Z".parse().expect("an instant");
    let card: CardNumber = "0900000095902".parse().expect("a card");
    let sale = SaleId(Uuid::nil());
    let price = "7.25".parse().expect("a price");
    let sold = Event::TicketSold(Box::new(sold(sale, card, price, eeklo(), at)));
    let cancelled = Event::TicketSaleCancelled { sale, at };
    let checked_in = Event::CheckedIn(Box::new(CheckedIn {
        check_in: CheckInId(Uuid::nil()),
        activity: id("film"),
        title: text("Dé film"),
        counter: id("balie"),
        card,
        points: 1,
        channel: Channel::Counter,
        sale: None,
        home: Some(eeklo()),
        at,
    }));
    let json = |event: &Event| serde_json::to_string(event).expect("json");
    let mut superuser = world.superuser().await;
    sqlx::query(
        "insert into log.events
         select 'passholder', stream, place, event_type, '1',
             replace(case event_type
                     when 'TicketSold' then $2 when 'TicketSaleCancelled' then $3 else $4 end,
                 '00000000-0000-0000-0000-000000000000', item)::json,
             '{\"actor\":\"tester\",\"role\":\"counter-member\",\"counter\":\"balie\",\"channel\":\"counter\"}',
             n, now(), sha256('')
         from (
             select n,
                 lpad(to_hex(n / 10), 8, '0') || '-0000-7000-8000-000000000000' as stream,
                 n % 10 + 1 as place,
                 case when n % 10 in (1, 2, 3) then 'TicketSold'
                     when n % 100 in (50, 60, 70) then 'TicketSaleCancelled'
                     else 'CheckedIn' end as event_type,
                 -- A cancellation is of a sale a while before.
                 lpad(to_hex(case when n % 100 in (50, 60, 70)
                         then n - n % 100 + n % 100 / 10 * 10 - 39 else n end), 8, '0')
                     || '-0000-7000-8000-000000000001' as item
             from generate_series(1::bigint, $1) n
         ) as happened",
    )
    .bind(events)
    .bind(json(&sold))
    .bind(json(&cancelled))
    .bind(json(&checked_in))
    .execute(&mut superuser)
    .await
    .expect("events");
    superuser
        .execute("update log.head set position = (select max(position) from log.events)")
        .await
        .expect("a head");
    superuser.execute("vacuum analyze log.events").await.expect("settled down");
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

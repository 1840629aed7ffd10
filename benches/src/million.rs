//! A log of a million events, read, verified and made into a view.
//!
//! Three in ten events are ticket sales and one in ten of those is cancelled, half of the time much
//! later; the rest are check-ins of 20,000 passholders and their registrations, all mixed.
//!
//! - `feed`: every entry, in order and without holes, in the bytes in which it was written.
//! - `verify`: the chain computed again from the first entry.
//! - `rebuild/settlement`: the lines of the expense notes, folded beside the live ones, indexed, and
//!   put in their place. In a process of its own, whose largest memory is what `memory` says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use cqrs_es::persist::QueryReplay;
use cqrs_es::{EventEnvelope, Query};
use futures::TryStreamExt;
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use uitpas_domain::calendar::{Period, day_in_belgium};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region as Reach};
use uitpas_domain::ids::{DistributionKeyId, SaleId};
use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
use uitpas_domain::passholder::{Event, Passholder, TicketSold};
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_projections::Projections;
use uitpas_store::Store;
use uitpas_store::testing::TestDatabase;
use uuid::Uuid;

use crate::append::open;
use crate::child::{Child, Task, store_at};
use crate::region::{Holder, Region, SYSTEM, activity_id, counter_id, municipality, text, uuid};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};
use crate::stock::Stock;

const FEED: &str = "feed/1M";
const VERIFY: &str = "verify/1M";
const REBUILD: &str = "rebuild/settlement/1M";
const MEMORY: &str = "rebuild/settlement/1M/memory";

const EVENTS: u64 = 1_000_000;
const HOLDERS: u64 = 20_000;

pub async fn measure(session: &mut Session) {
    let [feed, verify, rebuild] = [FEED, VERIFY, REBUILD].map(|name| session.wants(name));
    if !(feed || verify || rebuild || session.wants(MEMORY)) {
        return;
    }
    let database = TestDatabase::durable().await;
    let store = open(&database).await;
    // The views are there before the events, as they are in a ledger that is in use.
    Projections::open(&store).await.expect("views");
    let sales = write_events(&database).await;
    let stock = Stock::open(&database).await;
    stock.copy_events().await;

    let rounds = session.rounds();
    let progress = bar("a million events", rounds as u64);
    let mut seen = Seen::default();
    for _ in 0..rounds {
        seen.copy.push(per_second(copy(&database)).await);
        if feed {
            seen.feed.push(per_second(read(&store)).await);
        }
        if verify {
            seen.verify.push(per_second(verified(&store)).await);
        }
        if rebuild || session.wants(MEMORY) {
            let mut process = Child::start(&database, Task::Rebuild);
            process.is_ready().await;
            process.go().await;
            let rebuilt: Rebuilt = process.result().await;
            assert_eq!(lines(&database).await, sales);
            seen.rebuild.push(EVENTS as f64 / rebuilt.seconds);
            seen.memory_mb.push(rebuilt.memory_mb);
        }
        if feed || rebuild {
            seen.replay.push(per_second(replay(&stock, sales)).await);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();

    let (per_second, copy, replay) =
        (Unit::PerSecond("events"), ("copy", &seen.copy), ("replay", &seen.replay));
    if feed {
        session.add(FEED, per_second, &seen.feed, &[copy, replay]);
    }
    if verify {
        session.add(VERIFY, per_second, &seen.verify, &[copy]);
    }
    if rebuild {
        session.add(REBUILD, per_second, &seen.rebuild, &[copy, replay]);
    }
    if session.wants(MEMORY) {
        session.add(MEMORY, Unit::Megabytes, &seen.memory_mb, &[]);
    }
}

#[derive(Default)]
struct Seen {
    copy: Samples,
    feed: Samples,
    verify: Samples,
    rebuild: Samples,
    memory_mb: Samples,
    replay: Samples,
}

async fn per_second(all: impl Future<Output = ()>) -> f64 {
    let began = Instant::now();
    all.await;
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

/// Fills the log. Gives the number of sales.
async fn write_events(database: &TestDatabase) -> i64 {
    let progress = bar("writing a million events", EVENTS);
    let region = Region::new();
    let holders: Vec<Holder> = (0..HOLDERS).map(Holder::nth).collect();
    let mut sequences = vec![1_u64; holders.len()];
    let mut seed = Seed::begin(database).await;
    for holder in &holders {
        let registered = region.registered(*holder);
        seed.event::<Passholder>(&holder.id, 1, &registered).await;
    }
    let began: DateTime<Utc> = "2026-01-05T08:00:00Z".parse().expect("an instant");
    let (mut sales, mut to_cancel_later) = (0, Vec::new());
    let mut to_cancel = None;
    for number in HOLDERS..EVENTS {
        // Some ten months go by.
        let at = began + TimeDelta::seconds(25) * (number as i32);
        let mut index = (number * 7_919 % HOLDERS) as usize;
        let event = match number % 100 {
            0..30 => {
                sales += 1;
                let sale = SaleId(uuid("sale", number));
                match number % 20 {
                    0 => to_cancel = Some((index, sale)),
                    10 => to_cancel_later.push((index, sale)),
                    _ => {}
                }
                Event::TicketSold(Box::new(sold(sale, holders[index], number, at)))
            }
            30..33 => {
                let next = to_cancel.take();
                let far = number > EVENTS / 2;
                let next = next.or_else(|| if far { to_cancel_later.pop() } else { None });
                match next {
                    Some((of, sale)) => {
                        index = of;
                        Event::TicketSaleCancelled { sale, at }
                    }
                    None => region.checked_in(holders[index], 1),
                }
            }
            _ => region.checked_in(holders[index], 1),
        };
        sequences[index] += 1;
        seed.event::<Passholder>(&holders[index].id, sequences[index], &event).await;
        if number % 10_000 == 0 {
            progress.set_position(number);
        }
    }
    seed.end().await;
    progress.finish_and_clear();
    sales
}

fn sold(sale: SaleId, holder: Holder, number: u64, at: DateTime<Utc>) -> TicketSold {
    let price = Price::try_from(Euro::cents(100 + (number % 4_000) as i64)).expect("a price");
    let key = DistributionKey::default();
    TicketSold {
        sale,
        activity: activity_id(uuid("activity", number % 2_000)),
        title: text("Circus in het park, voor groot en klein"),
        counter: counter_id(),
        card_system: SYSTEM,
        card: holder.card,
        price,
        price_name: Some(text("Basistarief")),
        deviating: false,
        key: DefinedKey {
            id: DistributionKeyId(1),
            name: text("20-40-40"),
            key,
            region: Reach::Own,
            price_below: None,
        },
        shares: key.split(price),
        payer: municipality(),
        point_limit_period: Period::Day,
        point: PointOfSale::NotGiven(NoPoint::Closed),
        at,
    }
}

/// How many lines the view has.
async fn lines(database: &TestDatabase) -> i64 {
    let mut db: PgConnection = database.app_options().connect().await.expect("a connection");
    let count = sqlx::query_scalar("select count(*) from views.settlement_lines");
    count.fetch_one(&mut db).await.expect("a number")
}

async fn copy(database: &TestDatabase) {
    let mut db = database.app_options().connect().await.expect("a connection");
    let mut rows = db.copy_out_raw("copy log.events to stdout").await.expect("a COPY");
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await.expect("a row") {
        bytes += row.len();
    }
    assert!(bytes > 0, "the log is not empty");
}

async fn read(store: &Store) {
    let mut entries = store.replay(0).await.expect("a log");
    let mut count = 0;
    while let Some(batch) = entries.next().await.expect("entries without holes") {
        count += batch.len() as u64;
    }
    assert_eq!(count, EVENTS);
}

async fn verified(store: &Store) {
    let verified = store.verify_chain(|_, _| {}).await.expect("a log that can be read");
    assert_eq!(verified.expect("a chain that holds").position, EVENTS);
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    seconds: f64,
    memory_mb: f64,
}

/// In a process of its own.
pub async fn rebuild(socket: &Path, ready: impl AsyncFnOnce()) -> Rebuilt {
    let store = store_at(socket).await;
    let projections = Projections::open(&store).await.expect("views");
    ready().await;
    let began = Instant::now();
    projections.rebuild(Some("settlement"), |_| {}).await.expect("a rebuild");
    let seconds = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says it there");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = most.and_then(|most| most.split_whitespace().next()?.parse().ok());
    let kilobytes: f64 = kilobytes.expect("a number of kilobytes");
    Rebuilt { seconds, memory_mb: kilobytes / 1024.0 }
}

/// A row of the view, with the same columns.
#[expect(dead_code, reason = "what a view is made of counts here, nobody asks it anything")]
struct Line {
    day: NaiveDate,
    cancelled_day: Option<NaiveDate>,
    counter: String,
    postal_code: String,
    municipality: String,
    activity: String,
    title: String,
    price_name: Option<String>,
    deviating: bool,
    price: i64,
    passholder_share: i64,
    organizer_share: i64,
    municipality_share: i64,
    card_system: u32,
    key_id: u32,
    key_name: String,
}

/// The view of the settlement as a query of the stock crates, kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<HashMap<Uuid, Line>>>);

#[async_trait]
impl Query<Passholder> for Lines {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Passholder>]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            match &event.payload {
                Event::TicketSold(sold) => drop(lines.insert(sold.sale.0, Line::of(sold))),
                Event::TicketSaleCancelled { sale, at } => {
                    let line = lines.get_mut(&sale.0).expect("it was sold before");
                    line.cancelled_day = Some(day_in_belgium(*at));
                }
                _ => {}
            }
        }
    }
}

impl Line {
    fn of(sold: &TicketSold) -> Self {
        Self {
            day: day_in_belgium(sold.at),
            cancelled_day: None,
            counter: sold.counter.to_string(),
            postal_code: sold.payer.postal_code.to_string(),
            municipality: sold.payer.name.to_string(),
            activity: sold.activity.to_string(),
            title: sold.title.to_string(),
            price_name: sold.price_name.as_ref().map(ToString::to_string),
            deviating: sold.deviating,
            price: sold.price.as_cents(),
            passholder_share: sold.shares.passholder.as_cents(),
            organizer_share: sold.shares.organizer.as_cents(),
            municipality_share: sold.shares.municipality.as_cents(),
            card_system: sold.card_system.0,
            key_id: sold.key.id.0,
            key_name: sold.key.name.to_string(),
        }
    }
}

async fn replay(stock: &Stock, sales: i64) {
    let lines = Lines::default();
    let repository = PostgresEventRepository::new(stock.pool.clone());
    let replay = QueryReplay::<_, _, Passholder>::new(repository, lines.clone());
    replay.replay_all().await.expect("a replay");
    let count = lines.0.lock().unwrap_or_else(PoisonError::into_inner).len();
    assert_eq!(count as i64, sales);
}

//! A log of millions of events, read, verified and made into a view.
//!
//! Three in ten events are ticket sales and one in ten of those is cancelled, half of the time much
//! later; the rest are check-ins of passholders (20,000 in a million) and their registrations, all mixed.
//!
//! - `feed`: every entry, in order and without holes, in the bytes in which it was written.
//! - `verify`: the chain computed again from the first entry.
//! - `rebuild/settlement`: the lines of the expense notes, folded beside the live ones, indexed, and
//!   put in their place. In a process of its own, whose largest memory is what `memory` says.
//! - `rebuild/all`: the same of every view.
//!
//! `--millions 10` does the same once with so many.

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
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Counter;
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
use crate::region::{
    Holder, Region, SYSTEM, activity_id, counter_events, counter_id, municipality, system_events,
    text, uuid,
};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};
use crate::stock::Stock;

/// Each passholder has as many events, however many there are.
const EVENTS_PER_HOLDER: u64 = 50;

pub async fn measure(session: &mut Session) {
    let million = |what: &str| format!("{what}/{}M", session.millions);
    let (feed, verify) = (million("feed"), million("verify"));
    let (settlement, all) = (million("rebuild/settlement"), million("rebuild/all"));
    let memory = |rebuild: &str| format!("{rebuild}/memory");
    let wanted = [&feed, &verify, &settlement, &all].map(|name| session.wants(name));
    let [reads, verifies, settles, rebuilds] = wanted;
    if wanted == [false; 4] {
        return;
    }
    let database = TestDatabase::durable().await;
    let store = open(&database).await;
    // The views are there before the events, as they are in a ledger that is in use.
    Projections::open(&store).await.expect("views");
    let events = session.millions * 1_000_000;
    let log = Log { database, events, sales: 0 };
    let log = Log { sales: log.write().await, ..log };
    let stock = match session.millions {
        1 => Some(Stock::open(&log.database).await),
        _ => None,
    };
    if let Some(stock) = &stock {
        stock.copy_events().await;
    }

    let rounds = if session.millions == 1 { session.rounds() } else { 1 };
    let progress = bar("millions of events", rounds as u64);
    let mut seen = Seen::default();
    for _ in 0..rounds {
        seen.copy.push(log.per_second(log.copy()).await);
        if reads {
            seen.feed.push(log.per_second(log.read(&store)).await);
        }
        if verifies {
            seen.verify.push(log.per_second(log.verified(&store)).await);
        }
        if settles {
            log.rebuilds(false, &mut seen.settlement).await;
        }
        if rebuilds {
            log.rebuilds(true, &mut seen.all).await;
        }
        if let Some(stock) = stock.as_ref().filter(|_| reads || settles) {
            seen.replay.push(log.per_second(replay(stock, log.sales)).await);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();

    let (per_second, copy) = (Unit::PerSecond("events"), ("copy", &seen.copy));
    let mut peers = vec![copy];
    if stock.is_some() {
        peers.push(("replay", &seen.replay));
    }
    if reads {
        session.add(&feed, per_second, &seen.feed, &peers);
    }
    if verifies {
        session.add(&verify, per_second, &seen.verify, &[copy]);
    }
    if settles {
        session.add(&settlement, per_second, &seen.settlement.speed, &peers);
        session.add(&memory(&settlement), Unit::Megabytes, &seen.settlement.memory_mb, &[]);
    }
    if rebuilds {
        session.add(&all, per_second, &seen.all.speed, &[copy]);
        session.add(&memory(&all), Unit::Megabytes, &seen.all.memory_mb, &[]);
    }
}

#[derive(Default)]
struct Seen {
    copy: Samples,
    feed: Samples,
    verify: Samples,
    settlement: Rebuilds,
    all: Rebuilds,
    replay: Samples,
}

#[derive(Default)]
struct Rebuilds {
    speed: Samples,
    memory_mb: Samples,
}

/// A log of so many events.
struct Log {
    database: TestDatabase,
    events: u64,
    sales: i64,
}

impl Log {
    async fn per_second(&self, all: impl Future<Output = ()>) -> f64 {
        let began = Instant::now();
        all.await;
        self.events as f64 / began.elapsed().as_secs_f64()
    }

    async fn rebuilds(&self, all: bool, seen: &mut Rebuilds) {
        let mut process = Child::start(&self.database, Task::Rebuild { all });
        process.is_ready().await;
        process.go().await;
        let rebuilt: Rebuilt = process.result().await;
        assert_eq!(lines(&self.database).await, self.sales);
        seen.speed.push(self.events as f64 / rebuilt.seconds);
        seen.memory_mb.push(rebuilt.memory_mb);
    }

    /// Fills the log. Gives the number of sales.
    async fn write(&self) -> i64 {
        let (database, events) = (&self.database, self.events);
        let progress = bar("writing events", events);
        let region = Region::new();
        let holders: Vec<Holder> = (0..events / EVENTS_PER_HOLDER).map(Holder::nth).collect();
        let mut sequences = vec![1_u64; holders.len()];
        let mut seed = Seed::begin(database).await;
        seed.stream::<CardSystem>(&SYSTEM, &system_events()).await;
        seed.stream::<Counter>(&counter_id(), &counter_events()).await;
        let before = (system_events().len() + counter_events().len()) as u64;
        for holder in &holders {
            let registered = region.registered(*holder);
            seed.event::<Passholder>(&holder.id, 1, &registered).await;
        }
        let began: DateTime<Utc> = "2026-01-05T08:00:00Z".parse().expect("an instant");
        let (mut sales, mut to_cancel_later) = (0, Vec::new());
        let mut to_cancel = None;
        for number in holders.len() as u64 + before..events {
            // Some ten months go by.
            let at = began
                + TimeDelta::microseconds(25_000_000_000_000 / events as i64) * (number as i32);
            let mut index = (number * 7_919 % holders.len() as u64) as usize;
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
                    let far = number > events / 2;
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

    async fn copy(&self) {
        let mut db = self.database.app_options().connect().await.expect("a connection");
        let mut rows = db.copy_out_raw("copy log.events to stdout").await.expect("a COPY");
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await.expect("a row") {
            bytes += row.len();
        }
        assert!(bytes > 0, "the log is not empty");
    }

    async fn read(&self, store: &Store) {
        let mut entries = store.replay(0).await.expect("a log");
        let mut count = 0;
        while let Some(batch) = entries.next().await.expect("entries without holes") {
            count += batch.len() as u64;
        }
        assert_eq!(count, self.events);
    }

    async fn verified(&self, store: &Store) {
        let verified = store.verify_chain(|_, _| {}).await.expect("a log that can be read");
        assert_eq!(verified.expect("a chain that holds").position, self.events);
    }
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

#[derive(Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    seconds: f64,
    memory_mb: f64,
}

/// In a process of its own.
pub async fn rebuild(socket: &Path, all: bool, ready: impl AsyncFnOnce()) -> Rebuilt {
    let store = store_at(socket).await;
    let projections = Projections::open(&store).await.expect("views");
    ready().await;
    let began = Instant::now();
    let view = (!all).then_some("settlement");
    projections.rebuild(view, |_| {}).await.expect("a rebuild");
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

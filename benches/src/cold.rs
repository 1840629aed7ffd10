//! The first command on a stream that is not at hand: how long one caller waits for it.
//!
//! 200 check-ins long, as a passholder of some years is; the pages are in the cache of the server.
//! The stock store knows no other way than this.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::append::{check_in, open, seed_passholder};
use crate::region::{Holder, Region};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};
use crate::stock::Stock;

const PRIOR: usize = 200;
const NAME: &str = "cold/prior=200";

/// Commands of a round.
const COMMANDS: usize = 200;
const COMMANDS_QUICK: usize = 50;

pub async fn measure(session: &mut Session) {
    if !session.wants(NAME) {
        return;
    }
    let rounds = session.rounds();
    let commands = if session.quick { COMMANDS_QUICK } else { COMMANDS };
    let progress = bar(NAME, 1 + 2 * rounds as u64);
    let database = uitpas_store::testing::TestDatabase::durable().await;
    let region = Arc::new(Region::new());
    let holders: Vec<Holder> = (0..(commands * rounds) as u64).map(Holder::nth).collect();
    let mut seed = Seed::begin(&database).await;
    for holder in &holders {
        seed_passholder(&mut seed, &region, *holder, PRIOR).await;
    }
    seed.end().await;
    let stock = Stock::open(&database).await;
    stock.copy_events().await;
    let store = open(&database).await;
    progress.inc(1);

    let mut ours = Latencies::default();
    let mut theirs = Latencies::default();
    for holders in holders.chunks(commands) {
        let mut round = histogram();
        for holder in holders {
            let began = Instant::now();
            check_in(store.clone(), region.clone(), *holder).await;
            record(&mut round, began.elapsed());
        }
        ours.push(&round);
        progress.inc(1);
        let mut round = histogram();
        for holder in holders {
            let began = Instant::now();
            stock.execute(*holder, region.check_in(*holder)).await;
            record(&mut round, began.elapsed());
        }
        theirs.push(&round);
        progress.inc(1);
    }
    progress.finish_and_clear();
    ours.add_to(session, NAME, &[("stock", &theirs)]);
}

/// The middle and the slow end of waiting times, of each round.
#[derive(Default)]
pub struct Latencies {
    p50_ms: Samples,
    p99_ms: Samples,
}

impl Latencies {
    pub fn push(&mut self, round: &Histogram<u64>) {
        self.p50_ms.push(round.value_at_quantile(0.5) as f64 / 1e3);
        self.p99_ms.push(round.value_at_quantile(0.99) as f64 / 1e3);
    }

    pub fn add_to(&self, session: &mut Session, name: &str, peers: &[(&str, &Self)]) {
        let p50: Vec<_> = peers.iter().map(|(peer, theirs)| (*peer, &theirs.p50_ms)).collect();
        session.add(&format!("{name}/p50"), Unit::Milliseconds("p50"), &self.p50_ms, &p50);
        let p99: Vec<_> = peers.iter().map(|(peer, theirs)| (*peer, &theirs.p99_ms)).collect();
        session.add(&format!("{name}/p99"), Unit::Milliseconds("p99"), &self.p99_ms, &p99);
    }
}

/// Of microseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are allowed")
}

pub fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.record(latency.as_micros() as u64).expect("it grows as needed");
}

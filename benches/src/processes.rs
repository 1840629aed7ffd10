//! Two processes on one log, each with 32 tasks on streams of its own, beside one such process.
//! Afterwards the log is whole: no position is missing and the chain holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uitpas_store::testing::TestDatabase;

use crate::append::{check_in, open, seed_passholder, warm_up};
use crate::child::{Child, Task, store_at};
use crate::clients::{Streams, rate};
use crate::region::{Holder, Region};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};

const NAME: &str = "append/processes=2";
const TASKS: usize = 32;
const PRIOR: usize = 10;

/// Streams of each process in each round.
const STREAMS: u64 = 4_000;

/// What a stream gets.
const COMMANDS_MAX: usize = 10;

pub async fn measure(session: &mut Session) {
    if !session.wants(NAME) {
        return;
    }
    let rounds = session.rounds();
    let window = session.window(Duration::from_secs(1));
    let progress = bar(NAME, 2 + 2 * rounds as u64);
    let database = TestDatabase::durable().await;
    let region = Region::new();
    let mut seed = Seed::begin(&database).await;
    for number in 0..3 * rounds as u64 * STREAMS {
        seed_passholder(&mut seed, &region, Holder::nth(number), PRIOR).await;
    }
    seed.end().await;
    progress.inc(1);

    let mut first = (0..).step_by(STREAMS as usize);
    let mut start = || {
        let first = first.next().expect("numbers do not end");
        let window_ms = window.as_millis() as u64;
        Child::start(&database, Task::Append { first, window_ms })
    };
    let (mut one, mut two) = <(Samples, Samples)>::default();
    for _ in 0..rounds {
        one.push(rates(vec![start()]).await);
        progress.inc(1);
        two.push(rates(vec![start(), start()]).await);
        progress.inc(1);
    }
    let store = open(&database).await;
    let verified = store.verify_chain(|_, _| {}).await.expect("a log that can be read");
    let verified = verified.expect("positions without holes and a chain that holds");
    assert_eq!(verified.position, store.head().await.expect("a head").position);
    progress.finish_and_clear();
    session.add(NAME, Unit::PerSecond("commands"), &two, &[("one process", &one)]);
}

/// What these do together, starting at one moment.
async fn rates(mut processes: Vec<Child>) -> f64 {
    for process in &mut processes {
        process.is_ready().await;
    }
    for process in &mut processes {
        process.go().await;
    }
    let mut sum = 0.0;
    for process in processes {
        sum += process.result::<f64>().await;
    }
    sum
}

/// One of those processes.
pub async fn work(socket: &Path, first: u64, window: Duration, ready: impl AsyncFnOnce()) -> f64 {
    let store = store_at(socket).await;
    let region = Arc::new(Region::new());
    let holders: Vec<_> = (first..first + STREAMS).map(Holder::nth).collect();
    warm_up(&store, &holders).await;
    let streams = Arc::new(Streams::new(holders, COMMANDS_MAX));
    ready().await;
    let check_in = move |holder| check_in(store.clone(), region.clone(), holder);
    rate(TASKS, window, &streams, check_in).await
}

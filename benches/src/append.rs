//! Commands per second: check-ins of passholders, each task with streams of its own.
//!
//! `prior` says how many check-ins a stream has beside its registration; it gets as many more at
//! most, or ten, and then another stream is next. Our streams are at hand when the time begins, as
//! they are in a day's work; the first command on one that is not is what `cold` measures. The
//! stock store keeps nothing at hand in event mode. Ours gives each command its order, its place in
//! the chain and its command id; the answer is durable in all three.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use uitpas_domain::passholder::Passholder;
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Store, StreamKey, Unsuccessful};

use crate::clients::{Streams, rate};
use crate::pgbench::Pgbench;
use crate::region::{Holder, Region, metadata};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};
use crate::stock::Stock;

const TASKS: [usize; 4] = [1, 8, 32, 256];
const PRIOR: [usize; 4] = [0, 10, 100, 1_000];

/// The rows that something is promised of are measured longer.
const PROMISED: [(usize, usize); 3] = [(32, 10), (32, 1_000), (1, 10)];

pub async fn measure(session: &mut Session) {
    for prior in PRIOR {
        for tasks in TASKS {
            let name = format!("append/tasks={tasks}/prior={prior}");
            if session.wants(&name) {
                measure_one(session, &name, tasks, prior).await;
            }
        }
    }
}

async fn measure_one(session: &mut Session, name: &str, tasks: usize, prior: usize) {
    let is_promised = PROMISED.contains(&(tasks, prior));
    let window = session.window(Duration::from_millis(if is_promised { 1_000 } else { 500 }));
    let rounds = session.rounds();
    let progress = bar(name, 1 + 3 * rounds as u64);

    let database = TestDatabase::durable().await;
    let region = Arc::new(Region::new());
    let (commands_max, holders) = streams(tasks, prior, window * rounds as u32);
    let mut seed = Seed::begin(&database).await;
    for holder in &holders {
        seed_passholder(&mut seed, &region, *holder, prior).await;
    }
    seed.end().await;
    let stock = Stock::open(&database).await;
    stock.copy_events().await;
    let pgbench = Pgbench::new(&database, &region.checked_in(Holder::nth(0), 1)).await;
    let store = open(&database).await;
    warm_up(&store, &holders).await;
    progress.inc(1);

    let our_streams = Arc::new(Streams::new(holders.iter().copied(), commands_max));
    let stock_streams = Arc::new(Streams::new(holders, commands_max));
    let (mut ours, mut theirs, mut floor) = <(Samples, Samples, Samples)>::default();
    for _ in 0..rounds {
        let (to, of) = (store.clone(), region.clone());
        let check_in = move |holder| check_in(to.clone(), of.clone(), holder);
        ours.push(rate(tasks, window, &our_streams, check_in).await);
        progress.inc(1);
        let (to, of) = (stock.clone(), region.clone());
        let check_in = move |holder| {
            let (to, of) = (to.clone(), of.clone());
            async move { to.execute(holder, of.check_in(holder)).await }
        };
        theirs.push(rate(tasks, window, &stock_streams, check_in).await);
        progress.inc(1);
        floor.push(pgbench.rate(tasks, window).await);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let peers = [("stock", &theirs), ("pgbench", &floor)];
    session.add(name, Unit::PerSecond("commands"), &ours, &peers);
}

/// How many commands a stream gets, and the streams for so many tasks and so long.
fn streams(tasks: usize, prior: usize, time: Duration) -> (usize, Vec<Holder>) {
    let commands_max = prior.max(10);
    // More than there will be: who runs out of streams measures nothing.
    let commands_per_second = match tasks {
        ..8 => 5_000.0,
        8..32 => 15_000.0,
        32.. => 30_000.0,
    };
    let commands = (commands_per_second * time.as_secs_f64()) as usize;
    let count = tasks * 2 + commands / commands_max;
    (commands_max, (0..count as u64).map(Holder::nth).collect())
}

/// A registration and so many check-ins.
pub async fn seed_passholder(seed: &mut Seed, region: &Region, holder: Holder, prior: usize) {
    let mut events = vec![region.registered(holder)];
    events.extend((0..prior).map(|_| region.checked_in(holder, 1)));
    seed.stream::<Passholder>(&holder.id, &events).await;
}

pub async fn open(database: &TestDatabase) -> Store {
    Store::open(database.app_options(), MasterKey::generate()).await.expect("a store")
}

pub async fn warm_up(store: &Store, holders: &[Holder]) {
    let loads = holders.iter().map(|holder| async {
        store.load::<Passholder>(&holder.id).await.expect("a passholder");
    });
    stream::iter(loads).buffer_unordered(8).collect::<Vec<_>>().await;
}

/// A check-in as a unit of work.
pub async fn check_in(store: Store, region: Arc<Region>, holder: Holder) {
    let metadata = metadata();
    let command = Command { id: metadata.command_id, request: [0; 32], metadata };
    let check_in = region.check_in(holder);
    let decide = |work: uitpas_store::Work| {
        let check_in = check_in.clone();
        async move {
            work.lock(&[StreamKey::of::<Passholder>(&holder.id)]).await?;
            let loaded = work.load::<Passholder>(&holder.id).await?;
            let events = loaded.state.decide(check_in)?;
            let after = work.record::<Passholder>(&holder.id, events)?;
            Ok::<_, Unsuccessful<uitpas_domain::passholder::Refused>>(after.state.holder()?.points)
        }
    };
    store.execute(command, decide).await.expect("a check-in that is carried out");
}

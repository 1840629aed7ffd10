//! How far the views are behind, all of them followed by this process beside everything else.
//!
//! - `lag/rate=500`: so many check-ins begin in every second. From the answer to each until every view
//!   has taken it in.
//! - `lag/burst=20000`: so many check-ins come at once; from the first one until every view has taken in
//!   the last one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Counter;
use uitpas_domain::passholder::Passholder;
use uitpas_projections::{ALL, Projections};
use uitpas_store::Store;
use uitpas_store::testing::TestDatabase;

use crate::append::{check_in, open, warm_up};
use crate::cold::{Latencies, histogram, record};
use crate::region::{Holder, Region, SYSTEM, counter_events, counter_id, system_events};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};

const STEADY: &str = "lag/rate=500";
const BURST: &str = "lag/burst=20000";

const COMMANDS_PER_SECOND: u64 = 500;
const BURST_EVENTS: u64 = 20_000;
const HOLDERS: u64 = 2_000;
/// Whoever waits longer is told to ask again; here it would be a mistake of ours.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn measure(session: &mut Session) {
    let (steady, burst) = (session.wants(STEADY), session.wants(BURST));
    if !(steady || burst) {
        return;
    }
    let rounds = session.rounds();
    let window = session.window(Duration::from_secs(10));
    let progress = bar("lag", 1 + rounds as u64);
    let database = TestDatabase::durable().await;
    let region = Arc::new(Region::new());
    let holders: Vec<_> = (0..HOLDERS).map(Holder::nth).collect();
    let mut seed = Seed::begin(&database).await;
    seed.stream::<CardSystem>(&SYSTEM, &system_events()).await;
    seed.stream::<Counter>(&counter_id(), &counter_events()).await;
    for holder in &holders {
        seed.stream::<Passholder>(&holder.id, &[region.registered(*holder)]).await;
    }
    seed.end().await;
    let store = open(&database).await;
    let views = Projections::open(&store).await.expect("views");
    views.rebuild(None, |_| {}).await.expect("views of what is there");
    warm_up(&store, &holders).await;
    let following = views.start();
    progress.inc(1);

    let (mut behind, mut caught_up) = (Latencies::default(), Samples::default());
    for _ in 0..rounds {
        if steady {
            behind.push(&at_steady_rate(&store, &views, &region, &holders, window).await);
        }
        if burst {
            caught_up.push(after_a_burst(&store, &views, &region, &holders).await);
        }
        progress.inc(1);
    }
    following.stop().await;
    progress.finish_and_clear();
    if steady {
        behind.add_to(session, STEADY, &[]);
    }
    if burst {
        session.add(BURST, Unit::Milliseconds("until all views are there"), &caught_up, &[]);
    }
}

/// Until every view stands at this position or further.
async fn all_at(views: &Projections, position: u64) {
    for view in ALL {
        let there = views.wait_for(view.name, position, PATIENCE).await.expect("a view");
        assert!(there, "{} does not come", view.name);
    }
}

async fn at_steady_rate(
    store: &Store,
    views: &Projections,
    region: &Arc<Region>,
    holders: &[Holder],
    window: Duration,
) -> hdrhistogram::Histogram<u64> {
    let count = (window.as_secs_f64() * COMMANDS_PER_SECOND as f64) as u64;
    let began = tokio::time::Instant::now();
    let mut running = JoinSet::new();
    for number in 0..count {
        sleep_until(began + Duration::from_secs(1) / COMMANDS_PER_SECOND as u32 * number as u32)
            .await;
        let (store, views, region) = (store.clone(), views.clone(), region.clone());
        let holder = holders[(number % HOLDERS) as usize];
        running.spawn(async move {
            check_in(store.clone(), region, holder).await;
            let answered = Instant::now();
            // Others may have been answered since: what is measured is rather too long.
            let position = store.head().await.expect("a head").position;
            all_at(&views, position).await;
            answered.elapsed()
        });
    }
    let mut latencies = histogram();
    for latency in running.join_all().await {
        record(&mut latencies, latency);
    }
    latencies
}

/// Milliseconds, those of the commands themselves among them.
async fn after_a_burst(
    store: &Store,
    views: &Projections,
    region: &Arc<Region>,
    holders: &[Holder],
) -> f64 {
    let began = Instant::now();
    let check_ins = (0..BURST_EVENTS).map(|number| {
        check_in(store.clone(), region.clone(), holders[(number % HOLDERS) as usize])
    });
    stream::iter(check_ins).buffer_unordered(256).collect::<Vec<_>>().await;
    let position = store.head().await.expect("a head").position;
    all_at(views, position).await;
    began.elapsed().as_secs_f64() * 1e3
}

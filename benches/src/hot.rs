//! 64 tasks redeem one reward with 10,000 units, each for a passholder of its own: a unit of work
//! of two streams, of which one is the same for all. None is told that it is busy, and every unit
//! goes to exactly one.
//!
//! Units leave one after another, each durable before the next: pgbench with one client is the most
//! that is possible.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::task::JoinSet;
use uitpas_domain::calendar::DayRange;
use uitpas_domain::ids::{RedemptionId, RewardId};
use uitpas_domain::passholder::redemptions::{Redeem, RedemptionRefused};
use uitpas_domain::passholder::{self, Passholder};
use uitpas_domain::reward::{self, Definition, Kind, Marks, Reward, Status, Unavailable};
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Store, StreamKey, Unsuccessful, Work};
use uuid::Uuid;

use crate::append::open;
use crate::pgbench::Pgbench;
use crate::region::{Holder, Region, SYSTEM, long_ago, metadata, text};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};

const NAME: &str = "hot/reward";
const TASKS: u64 = 64;
const UNITS: u32 = 10_000;
const UNITS_QUICK: u32 = 500;

pub async fn measure(session: &mut Session) {
    if !session.wants(NAME) {
        return;
    }
    let rounds = session.rounds();
    let units = if session.quick { UNITS_QUICK } else { UNITS };
    let progress = bar(NAME, 2 * rounds as u64);
    let database = TestDatabase::durable().await;
    let region = Arc::new(Region::new());
    let mut seed = Seed::begin(&database).await;
    for holder in (0..TASKS).map(Holder::nth) {
        let points = UNITS * rounds as u32;
        let events = [region.registered(holder), region.checked_in(holder, points)];
        seed.stream::<Passholder>(&holder.id, &events).await;
    }
    let rewards: Vec<_> = (0..rounds).map(|_| RewardId(Uuid::now_v7())).collect();
    for reward in &rewards {
        let definition = Box::new(definition(units));
        let created = reward::Event::Created { definition, at: long_ago() };
        seed.stream::<Reward>(reward, &[created]).await;
    }
    seed.end().await;
    let store = open(&database).await;
    let pgbench = Pgbench::new(&database, &region.checked_in(Holder::nth(0), 1)).await;

    let (mut ours, mut floor) = <(Samples, Samples)>::default();
    for reward in rewards {
        let began = Instant::now();
        let mut running = JoinSet::new();
        for holder in (0..TASKS).map(Holder::nth) {
            running.spawn(redeem_until_sold_out(store.clone(), region.clone(), reward, holder));
        }
        let redeemed: Vec<_> = running.join_all().await.into_iter().flatten().collect();
        ours.push(f64::from(units) / began.elapsed().as_secs_f64());
        let distinct: BTreeSet<_> = redeemed.iter().copied().collect();
        assert_eq!((redeemed.len(), distinct.len()), (units as usize, units as usize));
        let after = store.load::<Reward>(&reward).await.expect("the reward");
        assert!(distinct.iter().eq(after.state.units.iter()), "each unit is held by one of them");
        progress.inc(1);
        floor.push(pgbench.rate(1, session.window(Duration::from_secs(2))).await);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let peers = [("pgbench, 1 client", &floor)];
    session.add(NAME, Unit::PerSecond("units"), &ours, &peers);
}

/// Either stream says no.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Passholder(#[from] passholder::Refused),
    #[error(transparent)]
    Reward(#[from] reward::Refused),
}

async fn redeem_until_sold_out(
    store: Store,
    region: Arc<Region>,
    reward: RewardId,
    holder: Holder,
) -> Vec<RedemptionId> {
    let mut redeemed = Vec::new();
    loop {
        let metadata = metadata();
        let command = Command { id: metadata.command_id, request: [0; 32], metadata };
        let redemption = RedemptionId(Uuid::now_v7());
        let redeem = |work| redeem(work, region.clone(), reward, holder, redemption);
        match store.execute(command, redeem).await {
            Ok(_) => redeemed.push(redemption),
            Err(Unsuccessful::Refused(Refused::Passholder(passholder::Refused::Redemption(
                RedemptionRefused::Unavailable(Unavailable::SoldOut),
            )))) => return redeemed,
            Err(other) => panic!("a redemption is not carried out: {other:?}"),
        }
    }
}

async fn redeem(
    work: Work,
    region: Arc<Region>,
    reward: RewardId,
    holder: Holder,
    redemption: RedemptionId,
) -> Result<(), Unsuccessful<Refused>> {
    let streams = [StreamKey::of::<Reward>(&reward), StreamKey::of::<Passholder>(&holder.id)];
    work.lock(&streams).await?;
    let at = Utc::now();
    let known = work.load::<Reward>(&reward).await?;
    let taken = known.state.decide(reward::Command::TakeUnit { redemption, at });
    let redeem = passholder::Command::Redeem(Box::new(Redeem {
        redemption,
        by: region.authority(),
        reward,
        known: known.state.clone(),
        card: holder.card,
        card_systems: region.card_systems(),
        at,
    }));
    let redeemed = work.load::<Passholder>(&holder.id).await?.state.decide(redeem)?;
    work.record::<Passholder>(&holder.id, redeemed)?;
    work.record::<Reward>(&reward, taken?)?;
    Ok(())
}

fn definition(units: u32) -> Definition {
    Definition {
        title: text("Een drankje"),
        kind: Kind::Points,
        points: 1,
        status: Status::Active,
        description: text("Aan de toog"),
        practical_info: None,
        more_info_url: None,
        categories: Vec::new(),
        marks: Marks::default(),
        pictures: vec![],
        owner: SYSTEM,
        publication: DayRange::default(),
        granting: DayRange::default(),
        redemption: DayRange::default(),
        units_max: Some(units),
        passholder_limit: None,
        only_inhabitants_of: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        only_card_systems: BTreeSet::new(),
    }
}

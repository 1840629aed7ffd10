//! Every view is rebuilt while 32 clients work and others read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use sqlx::postgres::PgPool;
use tokio::time::{Instant, sleep};

use crate::alone;
use crate::clients::{Client, Load, Write};
use crate::killed::{beside, superuser};
use crate::processes::{FOREVER, Home, Observer, Server};
use crate::proof::{position, prove, report};
use crate::region::{FAMILIES, Region, registration};

/// What only grows while nothing is cancelled: rows, euro cents, and how far the views are.
const GROWING: [&str; 5] = [
    "select count(*) from views.check_ins",
    "select count(*) from views.ticket_sales",
    "select coalesce(sum(municipality_share), 0)::bigint from views.settlement_lines",
    "select count(*) from views.counters",
    "select min(position) from views.checkpoints",
];

/// Reads until told to end; says how often. What is read never goes back: readers see the old tables
/// or the new ones, whole.
async fn read(pool: PgPool, ends: Arc<AtomicBool>) -> usize {
    let mut seen = [0; GROWING.len()];
    let mut times = 0;
    while !ends.load(Ordering::Relaxed) {
        for (seen, query) in seen.iter_mut().zip(GROWING) {
            let now: i64 = sqlx::query_scalar(query).fetch_one(&pool).await.expect(query);
            assert!(now >= *seen, "{query}: {now} after {seen}");
            *seen = now;
        }
        times += 1;
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
    times
}

/// R-AUD-03, R-PRV-01: no update is lost, no reader sees an empty or half view, and who is removed
/// before, during or after a rebuild is gone from all views alike.
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_rebuilt_under_load() {
    let _alone = alone().await;
    let home = Home::new();
    let server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let mut leavers = Vec::new();
    for number in 0..3 {
        let leaver = client.does(registration(format!("leaver {number}"), None)).await;
        leavers.push(leaver["id"].as_str().expect("an id").to_owned());
    }
    let after = position(&home).await;
    let mut superuser = superuser(&home).await;
    let observer = Observer::attach(&home).await;
    let ends = Arc::<AtomicBool>::default();
    let mut load = Load::start(&region, std::slice::from_ref(&client));
    load.more(32 * FAMILIES).await;
    let reader = tokio::spawn(read(observer.views.pool().clone(), ends.clone()));

    let leaves = |index: usize| {
        let path = format!("/v4/passholders/{}", leavers[index]);
        client.send(Write::new(Method::DELETE, format!("leaves {index}"), &path, None))
    };
    let mut left = vec![leaves(0).await];
    let before = position(&home).await;
    let mut rebuild = home.command(&["rebuild", "--all"]).spawn().expect("a program");
    let since = Instant::now();
    while beside(&mut superuser, "passholders").await == 0 {
        assert!(since.elapsed() < FOREVER, "passholders are not rebuilt");
        assert!(rebuild.try_wait().expect("a child of ours").is_none(), "it was too fast");
        sleep(std::time::Duration::from_millis(1)).await;
    }
    left.push(leaves(1).await);
    let ended = tokio::time::timeout(FOREVER, rebuild.wait()).await.expect("an end");
    assert!(ended.expect("a child of ours").success());
    let meanwhile = position(&home).await - before;
    assert!(meanwhile > 100, "only {meanwhile} events meanwhile");
    left.push(leaves(2).await);
    load.more(8 * FAMILIES).await;
    ends.store(true, Ordering::Relaxed);
    let times = reader.await.expect("no panic");
    let mut answered = load.end().await;
    assert!(left.iter().all(|left| left.status == 204), "{left:?}");
    answered.extend(left);
    assert_eq!(beside(&mut superuser, "%").await, 0, "something was left behind");
    prove(&home, &[&server], after, &answered).await;
    for leaver in &leavers {
        let known: i64 = sqlx::query_scalar(
            "select count(*) from views.passholders where id = $1::uuid and name is not null",
        )
        .bind(leaver)
        .fetch_one(observer.views.pool())
        .await
        .expect("a view");
        assert_eq!(known, 0, "{leaver} is still known by name");
    }
    println!("{meanwhile} events during the rebuild, views read {times} times");
    report("rebuilt under load", 0, &answered, &[client]);
}

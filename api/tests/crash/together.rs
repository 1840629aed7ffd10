//! Two processes of the system on one ledger, at once.

use serde_json::json;
use tokio::task::JoinSet;

use crate::alone;
use crate::clients::{Answered, Client, Load, Write};
use crate::processes::{Home, Server};
use crate::proof::{ask_again, position, prove, report};
use crate::region::{QUIET, Region, check_in, redemption, registration};

const EVENTS: usize = 20_000;

/// Public test numbers.
const CARDS: [&str; 3] = ["0900000058918", "0900010959113", "0900010888817"];

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_append_with_32_tasks_each_and_nothing_is_lost_or_doubled() {
    let _alone = alone().await;
    let home = Home::new();
    let servers = [Server::start(&home).await, Server::start(&home).await];
    let region = Region::build(&home, &servers[0]).await;
    let clients = servers.each_ref().map(|server| Client::new(server.address(), &region.token));
    let after = position(&home).await;
    let mut load = Load::start(&region, &clients);
    load.until_events(EVENTS).await;
    let answered = load.end().await;
    prove(&home, &servers.each_ref(), after, &answered).await;
    // What one process did, the other one knows.
    let of_first = |answered: &&Answered| answered.write.key.starts_with("load-0");
    let of_first: Vec<_> = answered.iter().filter(of_first).cloned().collect();
    ask_again(&home, &clients[1], &of_first).await;
    report("two processes", 0, &answered, &clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_one_of_goes_to_one() {
    let _alone = alone().await;
    let home = Home::new();
    let servers = [Server::start(&home).await, Server::start(&home).await];
    let region = Region::build(&home, &servers[0]).await;
    let clients = servers.each_ref().map(|server| Client::new(server.address(), &region.token));
    let ksb = &clients[0];
    for card in CARDS {
        let stock = json!({ "uitpasNumber": card, "cardSystemId": 1 });
        ksb.does(Write::post(format!("stock {card}"), "/admin/v1/cards", stock)).await;
    }
    let mut rewards = Vec::new();
    for number in 0..3 {
        let reward = json!({
            "title": "Koffie", "type": "POINTS", "points": 1, "promotionalDescription": "Een kop.",
            "publicationPeriod": { "begin": "2026-01-01T00:00:00+01:00" },
            "owningCardSystem": { "id": 1 }, "maxAvailableUnits": 1,
        });
        let reward = ksb.does(Write::post(format!("reward {number}"), "/v4/rewards", reward)).await;
        rewards.push(reward["id"].as_str().expect("an id").to_owned());
    }
    let after = position(&home).await;
    let mut answered = Vec::new();

    // A point for each reward, so that who got the first one is not too poor for the next.
    for turn in 0..rewards.len() {
        let points = (0..50).map(|n| region.check_in(format!("point {turn} {n}"), n % 32, n / 32));
        let points = at_once(&clients, points).await;
        assert!(points.iter().all(Answered::is_done));
        answered.extend(points);
    }

    for (number, reward) in rewards.iter().enumerate() {
        let fifty = (0..50).map(|n| {
            let card = &region.cards[n % 32 * 4 + n / 32];
            redemption(format!("reward {number} for {n}"), reward, card)
        });
        let outcome = at_once(&clients, fifty).await;
        one_of(&outcome, 50, "reward-volume-constraint");
        answered.extend(outcome);
    }
    for card in CARDS {
        let fifty = (0..50).map(|n| registration(format!("card {card} for {n}"), Some(card)));
        let outcome = at_once(&clients, fifty).await;
        one_of(&outcome, 50, "invalid-card-status");
        answered.extend(outcome);
    }
    for activity in QUIET {
        let card = &region.cards[127];
        let sixteen = (0..16).map(|n| check_in(format!("{activity} {n}"), activity, card));
        let outcome = at_once(&clients, sixteen).await;
        one_of(&outcome, 16, "checkin-not-allowed");
        answered.extend(outcome);
    }
    prove(&home, &servers.each_ref(), after, &answered).await;
    report("one of each", 0, &answered, &clients);
}

/// Sends all of these at the same moment, by turns to each process.
async fn at_once(clients: &[Client], writes: impl Iterator<Item = Write>) -> Vec<Answered> {
    let mut tasks = JoinSet::new();
    for (number, write) in writes.enumerate() {
        let client = clients[number % clients.len()].clone();
        tasks.spawn(async move { client.send(write).await });
    }
    tasks.join_all().await
}

/// One was done; all others were refused for the reason that is in the type of the problem.
fn one_of(outcome: &[Answered], count: usize, refusal: &str) {
    assert_eq!(outcome.len(), count);
    let done = outcome.iter().filter(|answered| answered.is_done()).count();
    assert_eq!(done, 1, "{outcome:#?}");
    for refused in outcome.iter().filter(|answered| !answered.is_done()) {
        let kind = refused.body["type"].as_str().unwrap_or_default();
        assert!(refused.status < 500 && kind.contains(refusal), "{:?}", refused.body);
    }
}

//! The proof: the log is what was acknowledged, once, and the views are what the log makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use serde_json::Value;
use uitpas_api::actions::Request;
use uitpas_api::auth::{Caller, Kind};
use uitpas_domain::metadata::Metadata;
use uitpas_store::Raw;
use uuid::Uuid;

use crate::clients::{Answered, Client};
use crate::processes::{Home, Observer, Server};
use crate::region::KSB;

/// How many of the writes are sent once more in the end.
const SENT_AGAIN: usize = 100;

/// Compares the log after a position with what was answered.
pub async fn prove(home: &Home, servers: &[&Server], after: u64, answered: &[Answered]) {
    let observer = Observer::attach(home).await;
    let mut log = Vec::new();
    let mut replay = observer.store.replay(0).await.expect("a log");
    while let Some(events) = replay.next().await.expect("a log without holes") {
        log.extend(events);
    }
    let head = observer.store.head().await.expect("a head").position;
    assert_eq!(log.len() as u64, head);
    assert!((1..=head).eq(log.iter().map(|event| event.position)), "positions are contiguous");
    observer.store.verify_chain(|_, _| {}).await.expect("a log").expect("an unbroken chain");

    let mut commands: BTreeMap<Uuid, Vec<&Raw>> = BTreeMap::new();
    for event in log.iter().filter(|event| event.position > after) {
        let metadata: Metadata = serde_json::from_str(&event.metadata).expect("metadata");
        commands.entry(metadata.command_id.0).or_default().push(event);
    }
    for answered in answered {
        let events = commands.remove(&command_id(&answered.write.key));
        match (events, answered.is_done()) {
            (Some(events), true) => is_told(answered, &events),
            (None, false) => {}
            (None, true) => panic!("acknowledged, and not in the log: {answered:?}"),
            (Some(_), false) => panic!("refused, and in the log: {answered:?}"),
        }
    }
    assert!(commands.is_empty(), "in the log, and never acknowledged: {:?}", commands.keys());

    observer.views.catch_up().await.expect("views that follow");
    let differences = observer.views.verify(None, |_| {}).await.expect("views to compare");
    assert_eq!(differences, [], "views are what the log makes of them");
    for server in servers {
        let said = server.said();
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// The command happened once, as a whole, and is the one that the answer tells of.
fn is_told(answered: &Answered, events: &[&Raw]) {
    let first = events[0].position;
    let positions = events.iter().map(|event| event.position);
    assert!(positions.eq(first..first + events.len() as u64), "{answered:?} came in pieces");
    if let Some(expected) = answered.write.events {
        assert_eq!(events.len(), expected, "{answered:?}");
    }
    for id in answered.ids() {
        let tells = |event: &&Raw| event.aggregate_id == id || event.payload.contains(&id);
        assert!(events.iter().any(tells), "{id} is not of this command: {answered:?}");
    }
}

fn command_id(key: &str) -> Uuid {
    let subject = KSB.parse().expect("a word is an identifier");
    let caller = Caller { subject, kind: Kind::User };
    Request { caller, key: Some(key.to_owned()), content: Vec::new() }.command_id("").0
}

/// Who asks again gets the same answer, and nothing happens.
pub async fn ask_again(home: &Home, client: &Client, answered: &[Answered]) {
    let before = position(home).await;
    let done: Vec<_> = answered.iter().filter(|answered| answered.is_done()).collect();
    for answered in done.iter().step_by(done.len().div_ceil(SENT_AGAIN)) {
        let again = client.send(answered.write.clone()).await;
        let (then, now) = (as_written(&answered.body), as_written(&again.body));
        assert_eq!((again.status, now), (answered.status, then));
    }
    assert_eq!(position(home).await, before);
}

/// An answer without the passholders in it and without how a note stands, which are shown as they are
/// at the moment of asking.
fn as_written(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(as_written).collect(),
        Value::Object(fields) => {
            let is_written = |name: &str| !["passholder", "state"].contains(&name);
            let written = fields.iter().filter(|(name, _)| is_written(name));
            written.map(|(name, value)| (name.clone(), value.clone())).collect()
        }
        other => other.clone(),
    }
}

/// Where the log ends.
pub async fn position(home: &Home) -> u64 {
    Observer::attach(home).await.store.head().await.expect("a head").position
}

/// What a test has to tell of itself.
pub fn report(what: &str, kills: usize, answered: &[Answered], clients: &[Client]) {
    let keys: BTreeSet<_> = answered.iter().map(|answered| &answered.write.key).collect();
    assert_eq!(keys.len(), answered.len(), "each write was answered once");
    let sum = |count: fn(&Client) -> usize| clients.iter().map(count).sum::<usize>();
    let unanswered = sum(|client| client.trouble().unanswered.load(Ordering::Relaxed));
    let unavailable = sum(|client| client.trouble().unavailable.load(Ordering::Relaxed));
    println!(
        "{what}: {kills} kills, {} commands, {unanswered} requests lost, {unavailable} times 503",
        answered.len()
    );
}

//! `CqrsFramework` on our log.

use std::collections::HashMap;

use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventStore};
use futures::future::join_all;
use uuid::Uuid;

use crate::tally::{Refused, Tally, added, database, is_whole, position, process, total};

#[tokio::test]
async fn the_framework_runs_on_the_log() {
    let database = database().await;
    let store = process(&database).await;
    let framework = CqrsFramework::<Tally, _>::new(store.clone(), vec![], ());
    framework.execute("a", 5).await.expect("success");
    framework.execute("a", 6).await.expect("success");
    let refused = framework.execute("a", -12).await;
    assert!(matches!(refused, Err(AggregateError::UserError(Refused::OutOfRange))));
    assert_eq!(total(&store, "a").await, 11);
    let events = EventStore::<Tally>::load_events(&store, "a").await.expect("events");
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[1].payload, added(6));
    assert!(is_whole(&store).await);
}

#[tokio::test]
async fn two_who_loaded_the_same_state_conflict() {
    let database = database().await;
    let store = process(&database).await;
    let mut contexts = Vec::new();
    for _ in 0..2 {
        let mut context = EventStore::<Tally>::load_aggregate(&store, "a").await.expect("a state");
        assert_eq!(context.aggregate().total, 0);
        contexts.push(context);
    }
    let commit = |context| store.commit(vec![added(1)], context, HashMap::new());
    let outcomes = join_all(contexts.into_iter().map(commit)).await;
    assert!(outcomes[0].is_ok());
    assert!(matches!(outcomes[1], Err(AggregateError::AggregateConflict)));
}

#[tokio::test]
async fn a_command_with_an_id_is_committed_once() {
    let database = database().await;
    let store = process(&database).await;
    let framework = CqrsFramework::<Tally, _>::new(store.clone(), vec![], ());
    let metadata = HashMap::from([("command_id".to_owned(), Uuid::new_v4().to_string())]);
    for _ in 0..2 {
        framework.execute_with_metadata("a", 5, metadata.clone()).await.expect("success");
    }
    assert_eq!(total(&store, "a").await, 5);
    let other = framework.execute_with_metadata("b", 5, metadata.clone()).await;
    assert!(matches!(other, Err(AggregateError::UnexpectedError(_))));
    assert_eq!(position(&store).await, 1);
    let events = EventStore::<Tally>::load_events(&store, "a").await.expect("events");
    assert_eq!(events[0].metadata, metadata);
}

//! Commands: the same id is the same command, whoever asks and however often.

use std::sync::Arc;

use sqlx::{Connection, Executor};
use tokio::sync::Notify;
use uitpas_store::{Store, Unsuccessful};
use uuid::Uuid;

use crate::tally::{
    Outcome, Refused, TOP, Tally, add, command_with, database, execute, is_whole, position,
    process, superuser, total, until, waiting,
};

async fn send(store: &Store, id: Uuid, request: u8, amount: i64) -> Outcome {
    execute(store, command_with(id, request), "a", amount).await
}

#[tokio::test]
async fn a_command_sent_twice_happens_once_and_has_one_answer() {
    let database = database().await;
    let (here, there) = (process(&database).await, process(&database).await);
    let id = Uuid::new_v4();
    let first = send(&here, id, 1, 5).await.expect("success");
    assert!(!first.replayed);
    add(&here, "a", 5).await.expect("success");
    for store in [&here, &there] {
        let again = send(store, id, 1, 5).await.expect("the answer of the first time");
        assert!(again.replayed);
        assert_eq!((again.answer, again.position), (first.answer, first.position));
    }
    assert_eq!(total(&here, "a").await, 10);
}

#[tokio::test]
async fn a_command_that_would_be_refused_by_now_still_has_its_answer() {
    let database = database().await;
    let (here, there) = (process(&database).await, process(&database).await);
    let id = Uuid::new_v4();
    send(&here, id, 1, TOP).await.expect("success");
    for store in [&here, &there] {
        assert!(send(store, id, 1, TOP).await.expect("the first answer").replayed);
        let other = send(store, Uuid::new_v4(), 1, TOP).await;
        assert!(matches!(other, Err(Unsuccessful::Refused(Refused::OutOfRange))));
    }
}

#[tokio::test]
async fn the_same_id_for_another_request_is_a_mistake() {
    let database = database().await;
    let store = process(&database).await;
    let id = Uuid::new_v4();
    send(&store, id, 1, 5).await.expect("success");
    for amount in [5, TOP] {
        assert!(matches!(send(&store, id, 2, amount).await, Err(Unsuccessful::OtherRequest)));
    }
    assert_eq!(position(&store).await, 1);
}

#[tokio::test]
async fn a_refused_command_may_be_sent_again() {
    let database = database().await;
    let store = process(&database).await;
    let id = Uuid::new_v4();
    assert!(matches!(send(&store, id, 1, -1).await, Err(Unsuccessful::Refused(_))));
    add(&store, "a", 1).await.expect("success");
    assert!(!send(&store, id, 1, -1).await.expect("success").replayed);
}

#[tokio::test]
async fn a_command_that_writes_nothing_is_answered_and_not_kept() {
    let database = database().await;
    let store = process(&database).await;
    add(&store, "a", 1).await.expect("success");
    let id = Uuid::new_v4();
    for _ in 0..2 {
        let read = store
            .execute::<_, Refused, _, _>(command_with(id, 1), |work| async move {
                Ok(work.load::<Tally>(&"a".to_owned()).await?.state.total)
            })
            .await
            .expect("success");
        assert_eq!((read.answer, read.position, read.replayed), (1, 1, false));
    }
    assert_eq!(position(&store).await, 1);
}

#[tokio::test]
async fn a_command_that_is_under_way_is_not_begun_again() {
    let database = database().await;
    let store = process(&database).await;
    let id = Uuid::new_v4();
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = tokio::spawn({
        let (store, begun, go_on) = (store.clone(), begun.clone(), go_on.clone());
        async move {
            let decide = |_| {
                let (begun, go_on) = (begun.clone(), go_on.clone());
                async move {
                    begun.notify_one();
                    go_on.notified().await;
                    Ok::<_, Unsuccessful<Refused>>(())
                }
            };
            store.execute(command_with(id, 1), decide).await
        }
    });
    begun.notified().await;
    assert!(matches!(send(&store, id, 1, 5).await, Err(Unsuccessful::UnderWay)));
    go_on.notify_one();
    assert!(first.await.expect("a task that ends").is_ok());
    assert!(send(&store, id, 1, 5).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_does_not_take_his_command_back() {
    let database = database().await;
    let store = process(&database).await;
    let mut observer = superuser(&database).await;
    let mut blocker = superuser(&database).await;
    let mut holding = blocker.begin().await.expect("a transaction");
    holding.execute("select from log.head for update").await.expect("the lock");
    let id = Uuid::new_v4();
    let caller = tokio::spawn({
        let store = store.clone();
        async move { send(&store, id, 1, 5).await }
    });
    until(async || waiting(&mut observer).await == 1).await;
    caller.abort();
    assert!(caller.await.expect_err("it was aborted").is_cancelled());
    assert!(matches!(send(&store, id, 1, 5).await, Err(Unsuccessful::UnderWay)));
    holding.rollback().await.expect("nothing to write");
    until(async || position(&store).await == 1).await;
    until(async || !matches!(send(&store, id, 1, 5).await, Err(Unsuccessful::UnderWay))).await;
    assert!(send(&store, id, 1, 5).await.expect("the first answer").replayed);
    assert_eq!(total(&store, "a").await, 5);
    assert!(is_whole(&store).await);
}

#[tokio::test]
async fn commands_are_forgotten_after_90_days_but_not_those_of_kiosks() {
    use uitpas_domain::metadata::Channel;

    let database = database().await;
    let store = process(&database).await;
    let [old, kiosk, young] = [(); 3].map(|()| Uuid::new_v4());
    send(&store, old, 1, 1).await.expect("success");
    let mut command = command_with(kiosk, 1);
    command.metadata.channel = Channel::Kiosk;
    execute(&store, command, "a", 1).await.expect("success");
    superuser(&database)
        .await
        .execute("update log.commands set recorded_at = now() - interval '91 days'")
        .await
        .expect("older commands");
    send(&store, young, 1, 1).await.expect("success");
    assert_eq!(store.forget_commands().await.expect("success"), 1);
    assert!(send(&store, kiosk, 1, 1).await.expect("success").replayed);
    assert!(send(&store, young, 1, 1).await.expect("success").replayed);
    assert!(!send(&store, old, 1, 1).await.expect("success").replayed);
}

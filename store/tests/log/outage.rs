//! Connections that die: nothing acknowledged is lost, nothing happens twice.

use futures::future::join_all;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tokio::sync::mpsc;
use uitpas_store::{Store, Unsuccessful};
use uuid::Uuid;

use crate::tally::{
    command_with, database, execute, is_whole, position, process, superuser, total, until, waiting,
};

const TASKS: usize = 16;
const COMMANDS: usize = 40;

/// All connections die each time that so many commands were answered.
const ANSWERS_BETWEEN_DEATHS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_die_under_load_lose_and_double_nothing() {
    let database = database().await;
    let store = process(&database).await;
    let (answered, mut answers) = mpsc::unbounded_channel();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, answered) = (store.clone(), answered.clone());
            tokio::spawn(async move {
                for _ in 0..COMMANDS {
                    send_until_answered(&store, &(task / 2).to_string()).await;
                    answered.send(()).expect("somebody counts");
                }
            })
        })
        .collect();
    let mut executioner = superuser(&database).await;
    let mut killed = 0;
    for number in 1..=TASKS * COMMANDS {
        answers.recv().await.expect("an answer");
        if number % ANSWERS_BETWEEN_DEATHS == 0 {
            killed += kill(&mut executioner).await;
        }
    }
    for task in join_all(tasks).await {
        task.expect("a task that ends");
    }
    assert!(killed > 10, "only {killed} connections died");
    assert_eq!(position(&store).await, (TASKS * COMMANDS) as u64);
    for stream in 0..TASKS / 2 {
        assert_eq!(total(&store, &stream.to_string()).await, 2 * COMMANDS as i64);
    }
    assert!(is_whole(&store).await);
}

/// The same command until it has an answer, as a careful client does.
async fn send_until_answered(store: &Store, stream: &str) {
    let id = Uuid::new_v4();
    loop {
        match execute(store, command_with(id, 0), stream, 1).await {
            Ok(_) => return,
            Err(Unsuccessful::Unavailable | Unsuccessful::Busy) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn kill(executioner: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = current_database() and application_name = 'uitpas-store'",
    )
    .fetch_one(executioner)
    .await
    .expect("a superuser")
}

/// Waits as long as a caller does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gets_no_answer_learns_the_outcome_by_the_same_id() {
    let database = database().await;
    let store = process(&database).await;
    let mut observer = superuser(&database).await;
    let mut blocker = superuser(&database).await;
    let mut holding = blocker.begin().await.expect("a transaction");
    holding.execute("select from log.head for update").await.expect("the lock");
    let id = Uuid::new_v4();
    let outcome = execute(&store, command_with(id, 0), "a", 1).await;
    assert!(matches!(outcome, Err(Unsuccessful::Unavailable)), "{outcome:?}");
    holding.rollback().await.expect("nothing to write");
    until(async || waiting(&mut observer).await == 0).await;
    let again = execute(&store, command_with(id, 0), "a", 1).await.expect("an answer");
    assert_eq!(again.answer, 1);
    assert_eq!(total(&store, "a").await, 1);
    assert_eq!(position(&store).await, 1);
}

/// What the first process wrote, the second one does not take for its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_that_is_interrupted_gets_the_first_answer() {
    let database = database().await;
    let (first, second) = (process(&database).await, process(&database).await);
    let mut observer = superuser(&database).await;
    let mut blocker = superuser(&database).await;
    let id = Uuid::new_v4();
    let answered = execute(&first, command_with(id, 0), "a", 1).await.expect("an answer");
    assert_eq!(answered.answer, 1);

    let mut holding = blocker.begin().await.expect("a transaction");
    holding.execute("select from log.head for update").await.expect("the lock");
    let again = tokio::spawn(async move { execute(&second, command_with(id, 0), "a", 1).await });
    until(async || waiting(&mut observer).await == 1).await;
    let interrupted = waiters(&mut observer).await;
    kill(&mut observer).await;
    until(async || {
        let waiters = waiters(&mut observer).await;
        waiters.len() == 1 && waiters != interrupted
    })
    .await;
    holding.rollback().await.expect("nothing to write");
    let again = again.await.expect("no panic").expect("an answer");
    assert_eq!((again.answer, again.replayed), (1, true));
    assert_eq!(total(&first, "a").await, 1);
}

/// The connections of stores that wait for the lock on the head.
async fn waiters(observer: &mut PgConnection) -> Vec<i32> {
    sqlx::query_scalar(
        "select pid from pg_stat_activity
         where datname = current_database() and application_name = 'uitpas-store'
             and wait_event_type = 'Lock'",
    )
    .fetch_all(observer)
    .await
    .expect("numbers")
}

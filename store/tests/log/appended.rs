//! Appending: the order, the chain, conflicts, guards, claims, keys, and the bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::future::join_all;
use sqlx::{Connection, Executor};
use uitpas_store::{Store, StreamKey, Unsuccessful};

use crate::tally::{
    Event, Outcome, Refused, Tally, add, added, command, database, execute, is_whole, position,
    process, superuser, total, until, waiting,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_32_tasks_each_write_one_order_without_holes() {
    let database = database().await;
    let stores = [process(&database).await, process(&database).await];
    let tasks = stores.iter().flat_map(|store| (0..32).map(move |task| (store.clone(), task)));
    let written = join_all(tasks.map(|(store, task)| {
        tokio::spawn(async move {
            let mut written = 0;
            for round in 0..16 {
                // Every fourth command goes to a stream that all tasks want.
                let id = if round % 4 == 0 { "all".to_owned() } else { format!("of {task}") };
                loop {
                    match add(&store, &id, 1).await {
                        Ok(_) => break written += 1,
                        Err(Unsuccessful::Busy) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
            written
        })
    }))
    .await;
    let written: u64 = written.into_iter().map(|task| task.expect("a task that ends")).sum();
    assert_eq!(written, 2 * 32 * 16);
    assert_eq!(position(&stores[0]).await, written);
    let entries = stores[1].feed(0, 10_000).await.expect("no holes");
    assert!((1..=written).eq(entries.iter().map(|entry| entry.position)));
    assert!(entries.is_sorted_by_key(|entry| entry.recorded_at));
    assert_eq!(total(&stores[0], "all").await, 2 * 32 * 4);
    assert!(is_whole(&stores[0]).await);
}

/// Runs a command that another process gets ahead of, when it has loaded the first time.
async fn overtaken(first: i64, overtaking: i64, amount: i64) -> (i64, usize, Outcome) {
    let database = database().await;
    let (here, there) = (process(&database).await, process(&database).await);
    add(&here, "a", first).await.expect("a first event");
    let attempts = Arc::new(AtomicUsize::new(0));
    let outcome = here
        .execute(command(), |work| {
            let (there, attempts) = (there.clone(), attempts.clone());
            async move {
                let id = "a".to_owned();
                let tally = work.load::<Tally>(&id).await?;
                if attempts.fetch_add(1, SeqCst) == 0 {
                    add(&there, "a", overtaking).await.expect("nothing in its way");
                }
                Ok(work.record::<Tally>(&id, tally.state.decide(amount)?)?.state.total)
            }
        })
        .await;
    (total(&there, "a").await, attempts.load(SeqCst), outcome)
}

#[tokio::test]
async fn whoever_is_overtaken_decides_again() {
    let (total, attempts, outcome) = overtaken(1, 10, 100).await;
    assert_eq!(outcome.expect("success").answer, 111);
    assert_eq!((total, attempts), (111, 2));
}

#[tokio::test]
async fn a_refusal_is_never_given_on_what_is_no_longer_so() {
    let (total, attempts, outcome) = overtaken(1, 10, -5).await;
    assert_eq!(outcome.expect("there is enough by now").answer, 6);
    assert_eq!((total, attempts), (6, 2));
}

#[tokio::test]
async fn a_refusal_stands_where_nothing_changed() {
    let (total, attempts, outcome) = overtaken(1, 1, -5).await;
    assert!(matches!(outcome, Err(Unsuccessful::Refused(Refused::OutOfRange))));
    assert_eq!((total, attempts), (2, 2));
}

#[tokio::test]
async fn a_preview_sees_what_another_process_wrote_and_writes_nothing() {
    let database = database().await;
    let (here, there) = (process(&database).await, process(&database).await);
    add(&here, "a", 1).await.expect("a first event");
    add(&there, "a", 10).await.expect("a second event");
    let preview = here
        .preview::<_, Refused, _, _>(|work| async move {
            let id = "a".to_owned();
            let tally = work.load::<Tally>(&id).await?;
            Ok(work.record::<Tally>(&id, tally.state.decide(100)?)?.state.total)
        })
        .await;
    assert_eq!(preview.expect("success"), 111);
    assert_eq!(position(&here).await, 2);
    assert_eq!(total(&here, "a").await, 11);
}

/// Records on one stream under the condition that another, which it read, has not moved.
async fn guarded(guarded: bool) -> usize {
    let database = database().await;
    let (here, there) = (process(&database).await, process(&database).await);
    let attempts = AtomicUsize::new(0);
    here.execute::<_, Refused, _, _>(command(), |work| {
        let attempt = attempts.fetch_add(1, SeqCst);
        let there = there.clone();
        async move {
            let (read, written) = ("read".to_owned(), "written".to_owned());
            work.load::<Tally>(&read).await?;
            work.load::<Tally>(&written).await?;
            if guarded {
                work.guard::<Tally>(&read)?;
            }
            if attempt == 0 {
                add(&there, "read", 1).await.expect("nothing in its way");
            }
            work.record::<Tally>(&written, vec![added(1)])?;
            Ok(())
        }
    })
    .await
    .expect("success");
    attempts.load(SeqCst)
}

#[tokio::test]
async fn a_guarded_stream_that_moves_makes_the_command_decide_again() {
    assert_eq!(guarded(true).await, 2);
    assert_eq!(guarded(false).await, 1);
}

#[tokio::test]
async fn several_streams_and_several_records_are_one_unit() {
    let database = database().await;
    let store = process(&database).await;
    let (a, b) = ("a".to_owned(), "b".to_owned());
    let executed = store
        .execute::<_, Refused, _, _>(command(), |work| {
            let (a, b) = (a.clone(), b.clone());
            async move {
                work.lock(&[StreamKey::of::<Tally>(&b), StreamKey::of::<Tally>(&a)]).await?;
                work.load::<Tally>(&a).await?;
                work.load::<Tally>(&b).await?;
                work.record::<Tally>(&a, vec![added(1), added(2)])?;
                work.record::<Tally>(&b, vec![added(3)])?;
                assert_eq!(work.load::<Tally>(&a).await?.state.total, 3);
                work.record::<Tally>(&a, vec![added(4)])?;
                Ok(())
            }
        })
        .await
        .expect("success");
    assert_eq!(executed.position, 4);
    assert_eq!((total(&store, "a").await, total(&store, "b").await), (7, 3));
    let entries = store.feed(0, 10).await.expect("a page").into_iter();
    let sequences: Vec<_> = entries.map(|entry| (entry.aggregate_id, entry.sequence)).collect();
    let expected = [("a", 1), ("a", 2), ("a", 3), ("b", 1)];
    assert_eq!(sequences, expected.map(|(id, sequence)| (id.to_owned(), sequence)));
}

/// Claims a name for an owner on whose stream it is recorded.
async fn claim(store: &Store, owner: &str, name: u8) -> Outcome {
    let owner = owner.to_owned();
    store
        .execute(command(), |work| {
            let owner = owner.clone();
            async move {
                work.load::<Tally>(&owner).await?;
                work.claim("name", [name; 32], &owner);
                Ok(work.record::<Tally>(&owner, vec![added(1)])?.state.total)
            }
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_fifty_gets_what_only_one_may_hold() {
    let database = database().await;
    let stores = [process(&database).await, process(&database).await];
    let tasks = (0..50).map(|task| {
        let store = stores[task % 2].clone();
        tokio::spawn(async move { claim(&store, &task.to_string(), 7).await })
    });
    let outcomes: Vec<_> =
        join_all(tasks).await.into_iter().map(|task| task.expect("a task that ends")).collect();
    let winners: Vec<_> = (0..50).filter(|&task| outcomes[task].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let taken = outcomes.iter().filter(|o| matches!(o, Err(Unsuccessful::ClaimTaken("name"))));
    assert_eq!(taken.count(), 49);
    assert_eq!(position(&stores[0]).await, 1, "the others wrote nothing");
    let owner = stores[1].claim_owner("name", &[7; 32]).await.expect("an answer");
    assert_eq!(owner, Some(winners[0].to_string()));
}

#[tokio::test]
async fn what_is_freed_can_be_claimed_again_and_only_its_owner_frees_it() {
    let database = database().await;
    let store = process(&database).await;
    claim(&store, "a", 1).await.expect("a free name");
    claim(&store, "a", 1).await.expect("the owner's own name");
    claim(&store, "a", 2).await.expect("a free name");
    let free = async |owner: &'static str, all: bool| {
        store
            .execute::<_, Refused, _, _>(command(), |work| async move {
                match all {
                    true => work.free_claims_of(owner),
                    false => work.free_claim("name", [1; 32], owner),
                }
                Ok(())
            })
            .await
            .expect("success")
    };
    free("b", false).await;
    assert!(matches!(claim(&store, "b", 1).await, Err(Unsuccessful::ClaimTaken("name"))));
    free("a", false).await;
    claim(&store, "b", 1).await.expect("a freed name");
    assert!(matches!(claim(&store, "b", 2).await, Err(Unsuccessful::ClaimTaken("name"))));
    free("a", true).await;
    claim(&store, "b", 2).await.expect("a freed name");
}

#[tokio::test]
async fn a_key_comes_and_goes_with_its_unit() {
    let database = database().await;
    let store = process(&database).await;
    let keep = async |refused: bool| {
        let kept = store
            .execute::<_, Refused, _, _>(command(), |work| async move {
                let id = "p".to_owned();
                let tally = work.load::<Tally>(&id).await?;
                work.insert_key("p", vec![1, 2, 3]);
                work.record::<Tally>(&id, tally.state.decide(if refused { -1 } else { 1 })?)?;
                Ok(())
            })
            .await;
        (kept, store.wrapped_key("p").await.expect("an answer"))
    };
    let (refused, key) = keep(true).await;
    assert!(refused.is_err() && key.is_none());
    let (kept, key) = keep(false).await;
    assert_eq!((kept.is_ok(), key), (true, Some(vec![1, 2, 3])));
    // A second key would make unreadable what the first one sealed.
    assert!(matches!(keep(false).await.0, Err(Unsuccessful::Busy)));
    let destroyed = store
        .execute::<_, Refused, _, _>(command(), |work| async move {
            work.destroy_key("p");
            Ok(())
        })
        .await;
    assert!(destroyed.is_ok());
    assert_eq!(store.wrapped_key("p").await.expect("an answer"), None);
}

#[tokio::test]
async fn the_bytes_come_back_as_they_were_written() {
    let database = database().await;
    let store = process(&database).await;
    let note = "  {\"b\": 1.50, \"a\" :1e2,\t\"a\":null} \u{e9}e\u{301} \u{1f600}\n'\\ ";
    let written = Event::Added { amount: 7, note: note.to_owned() };
    let command = command();
    let metadata = serde_json::to_string(&command.metadata).expect("JSON");
    store
        .execute::<_, Refused, _, _>(command, |work| {
            let written = written.clone();
            async move {
                let id = "d'\u{e9}j\u{e0}".to_owned();
                work.load::<Tally>(&id).await?;
                work.record::<Tally>(&id, vec![written])?;
                Ok(())
            }
        })
        .await
        .expect("success");
    let payload = serde_json::to_string(&written).expect("JSON");
    let fed = store.feed(0, 10).await.expect("a page");
    let mut replay = store.replay(0).await.expect("a replay");
    let replayed = replay.next().await.expect("no error").expect("a batch");
    assert_eq!(fed, replayed);
    assert_eq!(fed[0].payload, payload);
    assert_eq!(fed[0].metadata, metadata);
    assert_eq!(fed[0].aggregate_id, "d'\u{e9}j\u{e0}");
    assert_eq!(serde_json::from_str::<Event>(&fed[0].payload).expect("an event"), written);
    assert!(is_whole(&store).await);
}

/// The database itself keeps odd JSON as it is: what a newer or older version wrote is verified by
/// its bytes, never by what this version would have written.
#[tokio::test]
async fn json_of_any_form_keeps_its_form() {
    let database = database().await;
    let odd = " {\"z\" : 1.50, \"a\":[1e2,  0.10 ], \"z\":\"\u{e9}\" } ";
    let kept: String = sqlx::query_scalar("select $1::text::json::text")
        .bind(odd)
        .fetch_one(&mut superuser(&database).await)
        .await
        .expect("the text");
    assert_eq!(kept, odd);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_unit_that_cannot_be_written_does_not_hinder_the_others() {
    let database = database().await;
    let store = process(&database).await;
    let mut observer = superuser(&database).await;
    let mut blocker = superuser(&database).await;
    let mut holding = blocker.begin().await.expect("a transaction");
    holding.execute("select from log.head for update").await.expect("the lock");
    // The first one waits for the head; behind it a batch forms with a bad one in the middle.
    let spawn = |id: String| {
        let store = store.clone();
        tokio::spawn(async move { execute(&store, command(), &id, 1).await })
    };
    let mut tasks = vec![spawn("first".to_owned())];
    until(async || waiting(&mut observer).await == 1).await;
    for number in 0..20 {
        tasks.push(spawn(match number {
            11 => "no such character: \0".to_owned(),
            _ => format!("good {number}"),
        }));
    }
    holding.rollback().await.expect("nothing to write");
    let outcomes: Vec<_> =
        join_all(tasks).await.into_iter().map(|task| task.expect("a task that ends")).collect();
    for (number, outcome) in outcomes.iter().enumerate() {
        match number {
            12 => assert!(matches!(outcome, Err(Unsuccessful::Failed(_))), "{outcome:?}"),
            _ => assert!(outcome.is_ok(), "{number}: {outcome:?}"),
        }
    }
    assert_eq!(position(&store).await, 20);
    assert!(is_whole(&store).await);
}

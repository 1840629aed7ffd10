//! The log is not altered, and if it is, that shows (R-AUD-02).

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Executor};
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Breach, Broken, Store};

use crate::tally::{add, database, process, superuser};

async fn log_of_ten(database: &TestDatabase) -> Store {
    let store = process(database).await;
    for number in 0..10 {
        add(&store, if number % 2 == 0 { "even" } else { "odd" }, 1).await.expect("success");
    }
    store
}

async fn refused(connection: &mut PgConnection, statement: &str) {
    let error = connection.execute(statement).await.expect_err(statement);
    let error = error.into_database_error().expect(statement);
    assert_eq!(error.code().as_deref(), Some("42501"), "{statement}: {error}");
}

/// R-AUD-02
#[tokio::test]
async fn nobody_changes_the_log_by_accident() {
    let database = database().await;
    log_of_ten(&database).await;
    let mut app = database.app_options().connect().await.expect("a connection");
    for statement in [
        "update log.events set payload = '{}'",
        "delete from log.events",
        "truncate log.events",
        "insert into log.events select * from log.events",
        "update log.head set position = 0",
        "delete from log.commands",
        "delete from log.claims",
        "delete from log.keys",
        "drop table log.events",
        "alter table log.events disable trigger all",
    ] {
        refused(&mut app, statement).await;
    }
    let mut superuser = superuser(&database).await;
    superuser.execute("set session_replication_role = replica").await.expect("a superuser");
    let mut owner = database.owner_options().connect().await.expect("a connection");
    for connection in [&mut owner, &mut superuser] {
        for statement in [
            "update log.events set payload = '{}'",
            "update log.events set payload = '{}' where position = 99",
            "delete from log.events where position = 10",
            "truncate log.events",
        ] {
            refused(connection, statement).await;
        }
    }
}

/// What the proof says after a superuser has done his worst.
async fn after(tampering: &str) -> Broken {
    let database = database().await;
    let store = log_of_ten(&database).await;
    assert_eq!(store.verify_chain(|_, _| {}).await.expect("a proof").expect("whole").position, 10);
    let mut superuser = superuser(&database).await;
    superuser.execute("alter table log.events disable trigger all").await.expect("a superuser");
    superuser.execute(tampering).await.expect(tampering);
    store.verify_chain(|_, _| {}).await.expect("a proof").expect_err(tampering)
}

/// R-AUD-02
#[tokio::test]
async fn one_altered_byte_names_its_entry() {
    for (column, value) in [
        ("payload", "replace(payload::text, '1', '2')::json"),
        ("payload", "(payload::text || ' ')::json"),
        ("metadata", "replace(metadata::text, 'tester', 'Tester')::json"),
        ("event_type", "'Taken'"),
        ("event_version", "'2'"),
        ("recorded_at", "recorded_at + interval '1 microsecond'"),
        ("hash", "set_byte(hash, 31, get_byte(hash, 31) # 1)"),
    ] {
        let broken =
            after(&format!("update log.events set {column} = {value} where position = 6")).await;
        assert_eq!(broken, Broken { position: 6, breach: Breach::Hash }, "{column}");
    }
}

/// R-AUD-02
#[tokio::test]
async fn what_is_missing_moved_or_added_is_named_too() {
    let broken = after("delete from log.events where position = 4").await;
    assert_eq!(broken, Broken { position: 4, breach: Breach::Missing });

    let broken = after("delete from log.events where position = 10").await;
    assert_eq!(broken, Broken { position: 10, breach: Breach::Missing });

    let broken = after("update log.events set sequence = 7 where position = 9").await;
    assert_eq!(broken, Broken { position: 9, breach: Breach::Sequence { expected: 5, found: 7 } });

    let broken = after("update log.events set aggregate_id = 'other' where position = 8").await;
    assert_eq!(broken, Broken { position: 8, breach: Breach::Sequence { expected: 1, found: 4 } });

    let earlier = "update log.events set recorded_at = recorded_at - interval '1 day' \
                   where position = 5";
    assert_eq!(after(earlier).await, Broken { position: 5, breach: Breach::Earlier });

    let cut = "delete from log.events where position = 10; \
               update log.head set position = 9 where position = 10";
    assert_eq!(after(cut).await, Broken { position: 9, breach: Breach::Head });

    let set_back = "update log.head set position = 9";
    assert_eq!(after(set_back).await, Broken { position: 10, breach: Breach::PastTheHead });
}

/// R-AUD-02
#[tokio::test]
async fn a_hole_stops_every_reader() {
    let database = database().await;
    let store = log_of_ten(&database).await;
    let mut superuser = superuser(&database).await;
    superuser.execute("alter table log.events disable trigger all").await.expect("a superuser");
    superuser.execute("delete from log.events where position = 6").await.expect("a superuser");
    assert_eq!(store.feed(0, 5).await.expect("the entries before it").len(), 5);
    let failed = store.feed(0, 10).await.expect_err("a hole");
    assert_eq!(failed.to_string(), "position 6 is missing in the log");
    let failed = store.feed(5, 10).await.expect_err("a hole");
    assert_eq!(failed.to_string(), "position 6 is missing in the log");
    let mut replay = store.replay(0).await.expect("a replay");
    let failed = replay.next().await.expect_err("a hole");
    assert_eq!(failed.to_string(), "position 6 is missing in the log");
}

//! Each part killed under load, several times over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::time::{Instant, sleep};
use uitpas_projections::ALL;

use crate::clients::{Client, Load};
use crate::processes::{FOREVER, Home, Observer, Server};
use crate::proof::{ask_again, position, prove, report};
use crate::region::{FAMILIES, Region};
use crate::{alone, rounds};

/// Between two kills so many commands are answered.
const ANSWERS: usize = 4 * FAMILIES;

#[tokio::test(flavor = "multi_thread")]
async fn uitpas_is_killed_and_started_again() {
    let _alone = alone().await;
    let home = Home::new();
    let mut server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let after = position(&home).await;
    let mut load = Load::start(&region, std::slice::from_ref(&client));
    for round in 0..rounds() {
        load.more(ANSWERS).await;
        let lost = client.trouble().unanswered.load(Ordering::Relaxed);
        let postgres = home.postgres();
        server.kill().await;
        server.start_again(&home).await;
        let living: Vec<_> = postgres.iter().filter(|process| process.lives()).collect();
        assert!(living.is_empty(), "round {round}: {living:?} outlived uitpas");
        let now_lost = client.trouble().unanswered.load(Ordering::Relaxed);
        assert!(now_lost > lost, "round {round}: nobody was waiting for an answer");
    }
    load.more(ANSWERS).await;
    let answered = load.end().await;
    prove(&home, &[&server], after, &answered).await;
    ask_again(&home, &client, &answered).await;
    report("uitpas killed", rounds(), &answered, &[client]);
}

/// The one that runs PostgreSQL is killed; the other one takes over, and serves on.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_the_one_that_runs_postgresql_is_killed() {
    let _alone = alone().await;
    let home = Home::new();
    let mut servers = [Server::start(&home).await, Server::start(&home).await];
    let region = Region::build(&home, &servers[0]).await;
    let clients = servers.each_ref().map(|server| Client::new(server.address(), &region.token));
    let after = position(&home).await;
    let mut load = Load::start(&region, &clients);
    for round in 0..rounds() {
        load.more(ANSWERS).await;
        let (runs, other) = (round % 2, 1 - round % 2);
        servers[runs].kill().await;
        servers[runs].start_again(&home).await;
        servers[other].must_live();
    }
    load.more(ANSWERS).await;
    let answered = load.end().await;
    prove(&home, &servers.each_ref(), after, &answered).await;
    ask_again(&home, &clients[0], &answered).await;
    report("one of two killed", rounds(), &answered, &clients);
}

/// The postmaster alone, one process that serves us, or all of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_killed_below_uitpas() {
    let _alone = alone().await;
    let home = Home::new();
    let mut server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let after = position(&home).await;
    let mut load = Load::start(&region, std::slice::from_ref(&client));
    for round in 0..rounds() {
        load.more(ANSWERS).await;
        let postgres = home.postgres();
        let serving = postgres.iter().filter(|process| process.title().contains("uitpas_app"));
        let killed: Vec<_> = match round % 3 {
            0 => postgres.iter().take(1).collect(),
            1 => vec![serving.cycle().nth(round).expect("a process that serves")],
            _ => postgres.iter().collect(),
        };
        for process in &killed {
            process.kill();
        }
        let since = Instant::now();
        while killed.iter().any(|process| process.lives()) {
            assert!(since.elapsed() < FOREVER, "{killed:?} cannot be killed");
            sleep(Duration::from_millis(1)).await;
        }
        server.must_live();
    }
    load.more(ANSWERS).await;
    server.must_live();
    let answered = load.end().await;
    prove(&home, &[&server], after, &answered).await;
    ask_again(&home, &client, &answered).await;
    report("PostgreSQL killed", rounds(), &answered, &[client]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_terminated_in_turn() {
    let _alone = alone().await;
    let home = Home::new();
    let mut server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let after = position(&home).await;
    let mut superuser = superuser(&home).await;
    let mut load = Load::start(&region, std::slice::from_ref(&client));
    let mut terminated = Vec::new();
    for _ in 0..rounds() {
        load.more(ANSWERS).await;
        for (number, what) in connections(&mut superuser).await {
            let (hit,): (bool,) = sqlx::query_as("select pg_terminate_backend($1)")
                .bind(number)
                .fetch_one(&mut superuser)
                .await
                .expect("a superuser");
            if hit {
                terminated.push(what);
            }
            load.more(FAMILIES / 4).await;
        }
        server.must_live();
    }
    load.more(ANSWERS).await;
    let answered = load.end().await;
    // Whoever is never done does not listen either: the listener may be missing in a round, and is
    // back when there is nothing to do.
    for (what, at_least) in
        [("writer", rounds()), ("reader", rounds()), ("views", rounds()), ("listener", 1)]
    {
        let times = terminated.iter().filter(|terminated| *terminated == what).count();
        assert!(times >= at_least, "{what} only {times} times: {terminated:?}");
    }
    let since = Instant::now();
    while !connections(&mut superuser).await.iter().any(|(_, what)| what == "listener") {
        assert!(since.elapsed() < FOREVER, "nobody listens any more");
        sleep(Duration::from_millis(20)).await;
    }
    prove(&home, &[&server], after, &answered).await;
    ask_again(&home, &client, &answered).await;
    report("connections terminated", terminated.len(), &answered, &[client]);
}

/// What a view does not know yet is not unknown: the answer is to ask again.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_lags_is_not_taken_at_its_word() {
    let _alone = alone().await;
    let home = Home::new();
    let server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let mut superuser = superuser(&home).await;
    let mut holding = superuser.begin().await.expect("a transaction");
    sqlx::query("select from views.checkpoints for update")
        .execute(&mut *holding)
        .await
        .expect("the checkpoints");
    let given = client.does(region.check_in("given".to_owned(), 0, 0)).await;
    let check_in = given["id"].as_str().expect("an id").to_owned();
    let correction = region.correction("taken back".to_owned(), check_in);
    let corrected = tokio::spawn({
        let client = client.clone();
        async move { client.send(correction).await }
    });
    let unavailable = || client.trouble().unavailable.load(Ordering::Relaxed);
    while unavailable() == 0 && !corrected.is_finished() {
        sleep(Duration::from_millis(5)).await;
    }
    holding.rollback().await.expect("nothing to write");
    assert_eq!(corrected.await.expect("no panic").status, 204);
    assert!(unavailable() > 0);
}

/// Of `uitpas serve`, by what they were used for last.
async fn connections(superuser: &mut PgConnection) -> Vec<(i32, String)> {
    let connections = sqlx::query_as(
        "select pid, case
             when query like '%log.append(%' then 'writer'
             when application_name = 'uitpas-store' then 'reader'
             when query ilike 'listen%' then 'listener'
             else 'views'
         end
         from pg_stat_activity
         where application_name in ('uitpas-store', 'uitpas-projections')
         order by pid",
    );
    connections.fetch_all(superuser).await.expect("a superuser")
}

/// A connection that is none of the ledger's.
pub async fn superuser(home: &Home) -> PgConnection {
    let observer = Observer::attach(home).await;
    let options = observer.embedded.superuser_options();
    let mut connection = options.connect().await.expect("a connection");
    let fsync: String =
        sqlx::query_scalar("show fsync").fetch_one(&mut connection).await.expect("a setting");
    assert_eq!(fsync, "on");
    connection
}

/// Killed at each view in turn; the next rebuild clears up and succeeds, while the log goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_killed_and_done_again() {
    let _alone = alone().await;
    let home = Home::new();
    let server = Server::start(&home).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let after = position(&home).await;
    let mut superuser = superuser(&home).await;
    let mut load = Load::at_ease(&region, std::slice::from_ref(&client));
    for round in 0..rounds() {
        load.more(ANSWERS).await;
        kill_rebuild(&home, &mut superuser, ALL[(3 * round + 1) % ALL.len()].name).await;
        rebuild(&home).await;
        assert_eq!(beside(&mut superuser, "%").await, 0, "something was left behind");
        home.ask(&["verify", "--json"]).await;
    }
    load.more(ANSWERS).await;
    let answered = load.end().await;
    superuser.close().await.expect("a connection");
    prove(&home, &[&server], after, &answered).await;
    report("rebuild killed", rounds(), &answered, &[client]);
}

/// Kills a rebuild of everything while it works on this view.
async fn kill_rebuild(home: &Home, superuser: &mut PgConnection, view: &str) {
    let since = Instant::now();
    loop {
        assert!(since.elapsed() < FOREVER, "no rebuild of {view} was met");
        let mut rebuild = home.command(&["rebuild", "--all"]).spawn().expect("a program");
        while rebuild.try_wait().expect("a child of ours").is_none() {
            if beside(superuser, view).await > 0 {
                rebuild.kill().await.expect("a process that runs");
                // It may have been faster.
                if beside(superuser, view).await > 0 {
                    return;
                }
            }
        }
    }
}

/// How many sets of tables there are beside those in use.
pub async fn beside(superuser: &mut PgConnection, view: &str) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_namespace where nspname like 'views_' || $1 || '_next'",
    )
    .bind(view)
    .fetch_one(superuser)
    .await
    .expect("a superuser")
}

/// The one that was killed may hold its lock for as long as PostgreSQL takes to notice.
async fn rebuild(home: &Home) {
    let since = Instant::now();
    loop {
        let output = home.run(&["rebuild", "--all"]).await;
        if output.status.success() {
            return;
        }
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        let passes = why.contains("is being rebuilt") && since.elapsed() < FOREVER;
        assert!(passes, "{why}");
    }
}

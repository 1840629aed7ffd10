//! The embedded server: it survives its own death and ours, and keeps what it was given.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use uitpas_store::embedded::{Embedded, EmbeddedError, Options};
use uitpas_store::testing::TestDatabase;

/// Long enough for the slowest machine; a test that passes never waits this long.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn it_starts_and_each_role_comes_in() {
    let home = home();
    let server = start(&home);
    for (options, role) in [
        (server.owner_options(), "uitpas_owner"),
        (server.app_options(), "uitpas_app"),
        (server.superuser_options(), "postgres"),
    ] {
        let mut connection = options.connect().await.expect("a connection");
        let (user, database, encoding, collation): (String, String, String, String) =
            sqlx::query_as(
                "select current_user::text, current_database()::text, \
                    current_setting('server_encoding'), datcollate::text \
                 from pg_database where datname = current_database()",
            )
            .fetch_one(&mut connection)
            .await
            .expect("a row");
        let seen = [user, database, encoding, collation];
        assert_eq!(seen, [role, "uitpas", "UTF8", "C"]);
    }
    for (setting, value) in
        [("fsync", "on"), ("synchronous_commit", "on"), ("listen_addresses", "")]
    {
        assert_eq!(show(server.superuser_options(), setting).await, value, "{setting}");
    }
    let roles = "select rolname::text from pg_roles where rolsuper and rolcanlogin";
    let mut connection = server.superuser_options().connect().await.expect("a connection");
    let superusers: Vec<(String,)> =
        sqlx::query_as(roles).fetch_all(&mut connection).await.expect("rows");
    assert_eq!(superusers, [("postgres".to_owned(),)]);
}

#[tokio::test]
async fn what_it_was_given_is_there_after_a_restart() {
    let home = home();
    let server = start(&home);
    let key = server.master_key().expect("made at the first start").request_hash(b"x");
    write(server.owner_options(), 1).await;
    server.stop();
    assert!(!home.path().join("pgdata/postmaster.pid").exists(), "it was stopped cleanly");

    let server = start(&home);
    assert_eq!(written(server.owner_options()).await, [1]);
    assert_eq!(server.master_key().expect("there").request_hash(b"x"), key);
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_was_committed() {
    let home = home();
    let server = start(&home);
    write(server.owner_options(), 1).await;
    for round in 2..4 {
        let before = server.postmaster().expect("it runs");
        kill(Pid::from_raw(before), Signal::SIGKILL).expect("it runs");
        until("the server is back", || server.postmaster().is_some_and(|after| after != before));
        write(server.owner_options(), round).await;
    }
    assert_eq!(written(server.owner_options()).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_second_start_attaches_and_leaves_the_server_running() {
    let home = home();
    let first = start(&home);
    let second = start(&home);
    assert!(!first.is_attached());
    assert!(second.is_attached());
    assert_eq!(first.postmaster(), second.postmaster());
    write(second.owner_options(), 1).await;
    second.stop();
    assert_eq!(written(first.owner_options()).await, [1]);
}

#[tokio::test]
async fn the_one_that_attached_takes_over_on_the_same_socket() {
    let home = home();
    let first = start(&home);
    let second = start(&home);
    let options = second.owner_options();
    write(options.clone(), 1).await;
    first.stop();
    write(options.clone(), 2).await;
    assert_eq!(written(options).await, [1, 2]);
}

#[tokio::test]
async fn two_that_start_at_once_on_a_new_directory_share_one_server() {
    let home = home();
    let starts = [(); 2].map(|()| {
        let path = home.path().to_owned();
        std::thread::spawn(move || Embedded::start(&path, Options::default()).expect("a server"))
    });
    let servers = starts.map(|start| start.join().expect("no panic"));
    assert_eq!(servers.iter().filter(|server| server.is_attached()).count(), 1);
    write(servers[0].owner_options(), 1).await;
    assert_eq!(written(servers[1].owner_options()).await, [1]);
}

#[tokio::test]
async fn a_killed_owner_takes_the_server_with_it_and_the_data_are_there_for_the_next() {
    let home = home();
    let mut owner = Owner::start(home.path());
    write(owner.server_options(home.path()), 1).await;
    let postmaster = owner.postmaster;
    assert!(runs_on(postmaster, home.path()));

    owner.kill();
    until("the server ends with its owner", || !runs_on(postmaster, home.path()));

    let server = start(&home);
    assert!(!server.is_attached());
    assert_eq!(written(server.owner_options()).await, [1]);
}

#[tokio::test]
async fn the_start_right_after_a_kill_waits_for_the_old_server() {
    let home = home();
    let mut owner = Owner::start(home.path());
    for round in 1..4 {
        write(owner.server_options(home.path()), round).await;
        owner.kill();
        owner = Owner::start(home.path());
    }
    assert_eq!(written(owner.server_options(home.path())).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_killed_owner_is_followed_by_the_one_that_attached() {
    let home = home();
    let mut owner = Owner::start(home.path());
    let attached = start(&home);
    assert!(attached.is_attached());
    write(attached.owner_options(), 1).await;
    owner.kill();
    until("the server is started again", || {
        attached.postmaster().is_some_and(|after| after != owner.postmaster)
    });
    write(attached.owner_options(), 2).await;
    assert_eq!(written(attached.owner_options()).await, [1, 2]);
}

#[test]
fn a_first_start_cut_short_is_done_again() {
    let home = home();
    fs::create_dir(home.path().join("pgdata.new")).expect("made");
    fs::write(home.path().join("pgdata.new/PG_VERSION"), "15\n").expect("written");
    start(&home);
    assert!(!home.path().join("pgdata.new").exists());
}

#[test]
fn data_of_a_version_that_is_not_installed_are_refused_by_its_number() {
    let home = home();
    fs::create_dir(home.path().join("pgdata")).expect("made");
    fs::write(home.path().join("pgdata/PG_VERSION"), "9\n").expect("written");
    let refused = Embedded::start(home.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::OtherVersion(9)), "{refused}");
}

#[test]
fn a_server_that_does_not_come_up_is_told_with_its_last_words() {
    let home = home();
    start(&home).stop();
    fs::remove_file(home.path().join("pgdata/global/pg_control")).expect("there");
    let refused = Embedded::start(home.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::NotStarted { .. }), "{refused}");
    assert!(refused.to_string().contains("global/pg_control"), "{refused}");
}

#[test]
fn without_the_master_key_of_old_data_no_new_one_is_made() {
    let home = home();
    let server = start(&home);
    fs::remove_file(home.path().join("master.key")).expect("there");
    server.stop();
    let server = start(&home);
    assert!(server.master_key().is_err());
    assert!(!home.path().join("master.key").exists());
}

#[test]
fn the_key_and_the_log_are_for_us_alone_and_the_data_for_the_server() {
    let home = home();
    let _server = start(&home);
    let mode = |name: &str| {
        let found = fs::metadata(home.path().join(name)).expect("there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("master.key"), 0o600);
    assert_eq!(mode("postgres.log"), 0o600);
    assert_eq!(mode("pgdata"), 0o700);
    assert_eq!(mode("socket"), 0o700);
}

#[tokio::test]
async fn what_a_statement_holds_does_not_reach_the_log() {
    let home = home();
    let server = start(&home);
    let mut connection = server.owner_options().connect().await.expect("a connection");
    connection.execute("create table names (name text primary key)").await.expect("made");
    for _ in 0..2 {
        let insert = sqlx::query("insert into names values ($1)").bind("Anna Peeters");
        let _ = insert.execute(&mut connection).await;
    }
    let wrong = connection.execute("select 'Anna Peeters'::integer").await;
    wrong.expect_err("no number");
    connection.close().await.expect("closed");
    server.stop();
    let log = fs::read_to_string(home.path().join("postgres.log")).expect("there");
    assert!(log.contains("ready to accept connections"), "{log}");
    assert!(!log.contains("Anna"), "{log}");
}

#[tokio::test]
async fn a_data_directory_with_a_long_path_has_a_socket_all_the_same() {
    let home = home();
    let deep = home.path().join("x".repeat(120));
    let server = Embedded::start(&deep, Options::default()).expect("a server");
    write(server.owner_options(), 1).await;
    assert_eq!(written(server.owner_options()).await, [1]);
}

#[tokio::test]
async fn test_databases_are_separate_and_migrated() {
    let (one, other) = (TestDatabase::new().await, TestDatabase::new().await);
    write(one.owner_options(), 1).await;
    write(other.owner_options(), 2).await;
    assert_eq!(written(one.owner_options()).await, [1]);
    assert_eq!(written(other.owner_options()).await, [2]);
    let applied = "select count(*) from _sqlx_migrations where success";
    let mut connection = other.owner_options().connect().await.expect("a connection");
    let (applied,): (i64,) =
        sqlx::query_as(applied).fetch_one(&mut connection).await.expect("a row");
    assert!(applied > 0);
    assert_eq!(show(one.superuser_options(), "fsync").await, "off");
}

#[tokio::test]
async fn a_test_database_goes_with_its_test() {
    let lasting = TestDatabase::new().await;
    let passing = TestDatabase::new().await;
    // Still connected: the database goes all the same.
    let mut connection = passing.owner_options().connect().await.expect("a connection");
    let (name,): (String,) = sqlx::query_as("select current_database()::text")
        .fetch_one(&mut connection)
        .await
        .expect("a row");
    drop(passing);

    let mut connection = lasting.superuser_options().connect().await.expect("a connection");
    let since = Instant::now();
    loop {
        let found = sqlx::query("select from pg_database where datname = $1").bind(&name);
        if found.fetch_optional(&mut connection).await.expect("an answer").is_none() {
            break;
        }
        assert!(since.elapsed() < LONG, "the database is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_durable_test_database_survives_the_death_of_its_server() {
    let database = TestDatabase::durable().await;
    assert_eq!(show(database.superuser_options(), "fsync").await, "on");
    write(database.owner_options(), 1).await;
    let before = database.embedded().postmaster().expect("it runs");
    kill(Pid::from_raw(before), Signal::SIGKILL).expect("it runs");
    until("the server is back", || {
        database.embedded().postmaster().is_some_and(|after| after != before)
    });
    assert_eq!(written(database.owner_options()).await, [1]);
}

/// Not a test: what [`Owner`] runs in a process of its own, until that is killed or nobody holds
/// the other end of its input any more.
#[test]
#[ignore = "run by the other tests in a process of its own"]
fn owner_in_a_process_of_its_own() {
    let home = std::env::var_os(HOME).expect("set by the test that runs this");
    let server = Embedded::start(Path::new(&home), Options::default()).expect("a server");
    println!("\n{RUNS}{}", server.postmaster().expect("it runs"));
    std::io::read_to_string(std::io::stdin()).expect("the end of the input");
    server.stop();
}

const HOME: &str = "UITPAS_TEST_HOME";
const RUNS: &str = "postmaster=";

/// A process that owns a server.
struct Owner {
    child: Child,
    postmaster: i32,
}

impl Owner {
    fn start(home: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "owner_in_a_process_of_its_own", "--ignored", "--nocapture"])
            .env(HOME, home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test again");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map(|line| line.expect("text"));
        let runs = lines.find_map(|line| line.strip_prefix(RUNS).map(str::to_owned));
        let postmaster = runs.expect("a server").parse().expect("a number");
        Self { child, postmaster }
    }

    /// As this process attaches, for one moment.
    fn server_options(&self, home: &Path) -> PgConnectOptions {
        let attached = Embedded::start(home, Options::default()).expect("a server");
        assert!(attached.is_attached());
        attached.owner_options()
    }

    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("ours");
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home() -> TempDir {
    let home = tempfile::Builder::new().prefix("uitpas-").tempdir().expect("a directory");
    // As root the server runs as another user, who must get in.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711)).expect("ours");
    home
}

fn start(home: &TempDir) -> Embedded {
    match Embedded::start(home.path(), Options::default()) {
        Ok(server) => server,
        Err(why) => panic!("{why}"),
    }
}

/// A connection, as soon as there is a server to connect to.
async fn connected(options: PgConnectOptions) -> PgConnection {
    let since = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return connection,
            Err(why) => assert!(since.elapsed() < LONG, "no connection: {why}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write(options: PgConnectOptions, number: i32) {
    let mut connection = connected(options).await;
    let table = "create schema if not exists kept; create table if not exists kept.numbers (n int)";
    connection.execute(table).await.expect("made");
    let insert = sqlx::query("insert into kept.numbers values ($1)").bind(number);
    insert.execute(&mut connection).await.expect("written");
}

async fn written(options: PgConnectOptions) -> Vec<i32> {
    let rows = sqlx::query_as("select n from kept.numbers order by n");
    let rows: Vec<(i32,)> = rows.fetch_all(&mut connected(options).await).await.expect("rows");
    rows.into_iter().map(|(number,)| number).collect()
}

async fn show(options: PgConnectOptions, setting: &str) -> String {
    let shown = sqlx::query_as("select current_setting($1)").bind(setting);
    let (value,) = shown.fetch_one(&mut connected(options).await).await.expect("a row");
    value
}

/// Whether this process is the server on this data directory.
fn runs_on(postmaster: i32, home: &Path) -> bool {
    let cwd = fs::read_link(format!("/proc/{postmaster}/cwd"));
    cwd.is_ok_and(|cwd| cwd == home.join("pgdata"))
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

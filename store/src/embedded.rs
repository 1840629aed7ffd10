//! A private PostgreSQL for a machine without one: a child process on a unix socket, in a data
//! directory of ours, from the programs that are installed.
//!
//! The process that holds the lock of the data directory runs the server: it starts it, starts it
//! again when it dies, and stops it in the end; when that process is killed, the kernel takes the
//! server with it. Other processes on the same directory attach: they use the server, and the
//! first to see the lock free takes over, always on the same socket.
//!
//! ```no_run
//! # use uitpas_store::embedded::{Embedded, Options};
//! let server = Embedded::start("var/uitpas".as_ref(), Options::default())?;
//! let pool = sqlx::PgPool::connect_lazy_with(server.app_options());
//! # Ok::<(), uitpas_store::embedded::EmbeddedError>(())
//! ```

mod account;
mod data;
pub(crate) mod programs;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::sealing::{MasterKey, MasterKeyError};
use account::Account;
use data::DataDir;
use programs::Programs;

/// The database of the ledger.
pub const DATABASE: &str = "uitpas";
/// Owns the tables; used by migrations only.
pub const OWNER: &str = "uitpas_owner";
/// What the application comes in as.
pub const APP: &str = "uitpas_app";
/// May do anything; for tests and repair.
pub const SUPERUSER: &str = "postgres";

/// A part of the socket's name and no more: nothing listens on TCP.
const PORT: u16 = 5432;

/// Settings for a machine of 2 cores that the server shares with us. Given at each start, so that
/// a new version of ours changes them for old data too.
const SETTINGS: &[&str] = &[
    "cluster_name=uitpas",
    "listen_addresses=",
    "max_connections=100",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    "wal_compression=on",
    "synchronous_commit=on",
    "jit=off",
    "random_page_cost=1.1",
    "timezone=UTC",
    "log_timezone=UTC",
    // Personal data never reach a log: no statement, no parameter, no detail of a constraint.
    // What goes wrong with a statement is an answer to its caller.
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_parameter_max_length=0",
    "log_checkpoints=off",
];

/// How its memory is kept, where the C library is glibc: an append uses some hundred kilobytes, and
/// to give them back to the kernel after each took a third of its time.
/// Source: glibc manual, "Malloc Tunable Parameters".
const MEMORY: &[(&str, &str)] = &[
    ("MALLOC_TOP_PAD_", "1048576"),
    ("MALLOC_TRIM_THRESHOLD_", "16777216"),
    ("MALLOC_MMAP_THRESHOLD_", "4194304"),
];

/// How often the server is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often it is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How often an attached process looks whether the lock is free.
const TRY_LOCK_EVERY: Duration = Duration::from_millis(200);
/// The pause before the server is started again: doubled each time, to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// A server that ran this long before it died is started again after the shortest pause.
const RAN_WELL: Duration = Duration::from_secs(30);
/// A server that dies this often before it is ready does not come up: seven seconds of pauses,
/// enough for what an earlier one left behind to be gone.
const ATTEMPTS: usize = 8;
/// How long an earlier server may take to end.
const ORPHAN_ENDS: Duration = Duration::from_secs(20);
/// How long the server may take to stop before it is told so more strongly.
const STOPS: Duration = Duration::from_secs(60);

/// Why there is no embedded server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "no PostgreSQL 15 or newer was found: install it (`apt-get install postgresql`, \
         `brew install postgresql`), or set PG_BIN_DIR to its programs, or DATABASE_URL to a server"
    )]
    NotInstalled,
    #[error("PG_BIN_DIR ({0}) does not hold PostgreSQL 15 or newer")]
    NotInPgBinDir(PathBuf),
    #[error(
        "the data were made by PostgreSQL {0}, whose programs were not found: install it \
         (`apt-get install postgresql-{0}`), or set PG_BIN_DIR to its programs"
    )]
    OtherVersion(u32),
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` for it")]
    NoAccount,
    #[error(
        "PostgreSQL runs as user {user}, who cannot enter {directory}: choose another data \
         directory, or let others pass (`chmod o+x {directory}`)"
    )]
    Unreachable { user: String, directory: PathBuf },
    #[error("{program} failed: {why}")]
    NotCreated { program: String, why: String },
    #[error("PostgreSQL does not start; {log} ends with:\n{end}")]
    NotStarted { log: PathBuf, end: String },
    #[error("an earlier PostgreSQL (process {0}) still runs on the data")]
    StillRunning(i32),
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error("{path}: {why}")]
    File { path: PathBuf, why: io::Error },
}

impl EmbeddedError {
    fn at(path: &Path, why: io::Error) -> Self {
        Self::File { path: path.to_owned(), why }
    }
}

/// What may be chosen about the server.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether a commit waits for the disk. Without it a power cut loses data; for tests only.
    pub fsync: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { fsync: true }
    }
}

/// A running server, ours or one we attached to. Dropping it stops a server of ours.
#[derive(Debug)]
pub struct Embedded {
    data: DataDir,
    attached: bool,
    /// Closed to say: stop. Nothing is ever sent.
    orders: Option<Sender<()>>,
    supervisor: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts the server on this data directory, made if need be, and waits until it takes
    /// connections; or attaches to the one that runs. Blocks, the first time for seconds.
    pub fn start(data_dir: &Path, options: Options) -> Result<Self, EmbeddedError> {
        let data = DataDir::at(data_dir)?;
        let account = Account::current()?;
        account.must_reach(data.path())?;
        let lock = loop {
            match data.try_lock()? {
                Some(lock) => break Some(lock),
                None if data.is_ready() => break None,
                None => thread::sleep(ASK_EVERY),
            }
        };
        let programs = Programs::find(data.made_by()?)?;
        if lock.is_some() {
            prepare(&data, &account, &programs, options)?;
        }
        let attached = lock.is_none();
        let (orders, stop) = mpsc::channel();
        let (died, deaths) = mpsc::channel();
        let server = Server { data: data.clone(), account, programs, options };
        let supervisor = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || server.supervise(lock, &stop, &died))
            .map_err(|why| EmbeddedError::at(data.path(), why))?;
        let embedded = Self { data, attached, orders: Some(orders), supervisor: Some(supervisor) };
        embedded.wait_until_ready(&deaths)?;
        Ok(embedded)
    }

    fn wait_until_ready(&self, deaths: &Receiver<()>) -> Result<(), EmbeddedError> {
        let mut died = 0;
        while !self.data.is_ready() {
            match deaths.recv_timeout(ASK_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) if died + 1 < ATTEMPTS => died += 1,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    let (log, end) = (self.data.log(), self.data.end_of_log());
                    return Err(EmbeddedError::NotStarted { log, end });
                }
            }
        }
        Ok(())
    }

    /// Stops the server, if it is ours: sessions are ended, everything is on disk.
    pub fn stop(self) {}

    /// Whether another process ran the server when this one came.
    pub fn is_attached(&self) -> bool {
        self.attached
    }

    /// The master key: from the environment, else the file made at the first start.
    pub fn master_key(&self) -> Result<MasterKey, MasterKeyError> {
        match MasterKey::from_env()? {
            Some(key) => Ok(key),
            None => MasterKey::from_file(&self.data.master_key()),
        }
    }

    /// How migrations connect.
    pub fn owner_options(&self) -> PgConnectOptions {
        self.connect_as(OWNER)
    }

    /// How the application connects.
    pub fn app_options(&self) -> PgConnectOptions {
        self.connect_as(APP)
    }

    /// How tests and repair connect.
    pub fn superuser_options(&self) -> PgConnectOptions {
        self.connect_as(SUPERUSER)
    }

    /// The server's process, while it runs: for tests that kill it.
    pub fn postmaster(&self) -> Option<i32> {
        self.data.postmaster()
    }

    fn connect_as(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.data.socket_dir())
            .port(PORT)
            .ssl_mode(PgSslMode::Disable)
            .username(role)
            .database(DATABASE)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(supervisor) = self.supervisor.take() {
            // It panicked or it ended: the server is gone either way.
            let _ = supervisor.join();
        }
    }
}

/// What the holder of the lock does before the first start.
fn prepare(
    data: &DataDir,
    account: &Account,
    programs: &Programs,
    options: Options,
) -> Result<(), EmbeddedError> {
    if data.made_by()?.is_none() {
        data.ensure_master_key()?;
        tracing::info!(postgres.version = programs.major(), "making a new database");
        data.create(account, programs, options.fsync)?;
    }
    account.take(&data.pgdata())?;
    let since = Instant::now();
    while data.has_orphan() {
        if since.elapsed() > ORPHAN_ENDS {
            return Err(EmbeddedError::StillRunning(data.postmaster().unwrap_or_default()));
        }
        thread::sleep(ASK_EVERY);
    }
    Ok(())
}

/// How a run of the server ended.
enum Ended {
    /// It was told to.
    Stopped,
    Died,
}

/// What it takes to run the server.
struct Server {
    data: DataDir,
    account: Account,
    programs: Programs,
    options: Options,
}

impl Server {
    /// Runs the server until told to stop. All of this is one thread: the one that forks the
    /// server is the one whose end the kernel reports to it, and only the one that reaps a child
    /// can be sure that a number is still that child's.
    fn supervise(self, lock: Option<File>, stop: &Receiver<()>, died: &Sender<()>) {
        let Some(_lock) = lock.or_else(|| self.wait_for_lock(stop)) else {
            return;
        };
        let mut pause = PAUSES.0;
        loop {
            let since = Instant::now();
            match self.spawn() {
                Ok(mut child) => match attend(&mut child, stop) {
                    Ended::Stopped => {
                        // Under `/tmp` it would stay behind. Whoever takes over makes it again.
                        let _ = fs::remove_dir(self.data.socket_dir());
                        return;
                    }
                    Ended::Died => tracing::warn!("PostgreSQL ended; it is started again"),
                },
                Err(why) => tracing::error!(error = %why, "PostgreSQL cannot be started"),
            }
            // Only the first start listens.
            let _ = died.send(());
            if since.elapsed() > RAN_WELL {
                pause = PAUSES.0;
            }
            if is_told(stop, pause) {
                return;
            }
            pause = PAUSES.1.min(2 * pause);
        }
    }

    fn wait_for_lock(&self, stop: &Receiver<()>) -> Option<File> {
        loop {
            if is_told(stop, TRY_LOCK_EVERY) {
                return None;
            }
            match self.data.try_lock() {
                Ok(None) => {}
                Ok(lock) => {
                    tracing::info!("the process that ran PostgreSQL ended; this one takes over");
                    return lock;
                }
                Err(why) => tracing::warn!(error = %why, "the lock cannot be tried"),
            }
        }
    }

    fn spawn(&self) -> Result<Child, EmbeddedError> {
        self.account.own_directory(self.data.socket_dir())?;
        let log = self.data.open_log()?;
        let failed = |why| EmbeddedError::at(&self.programs.postgres(), why);
        let mut command = self.account.command(self.programs.postgres());
        command.arg("-D").arg(self.data.pgdata()).arg("-k").arg(self.data.socket_dir());
        command.args(["-p", &PORT.to_string()]).envs(MEMORY.iter().copied());
        let durable = if self.options.fsync { "on" } else { "off" };
        let durable = ["fsync", "full_page_writes"].map(|setting| format!("{setting}={durable}"));
        for setting in SETTINGS.iter().copied().chain(durable.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let stderr = log.try_clone().map_err(failed)?;
        command.stdout(log).stderr(Stdio::from(stderr)).spawn().map_err(failed)
    }
}

/// Watches a running server until it ends or has to.
fn attend(child: &mut Child, stop: &Receiver<()>) -> Ended {
    loop {
        if is_told(stop, LOOK_EVERY) {
            end(child);
            return Ended::Stopped;
        }
        if has_ended(child) {
            return Ended::Died;
        }
    }
}

/// Whether the order to stop comes within this time.
fn is_told(stop: &Receiver<()>, within: Duration) -> bool {
    !matches!(stop.recv_timeout(within), Err(RecvTimeoutError::Timeout))
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().expect("a child that we have not reaped can be waited for").is_some()
}

/// Stops the server: fast, that is without waiting for its clients; at once if that takes too long.
fn end(child: &mut Child) {
    let number = i32::try_from(child.id()).expect("a process number is positive");
    for (signal, patience) in [(Signal::SIGINT, STOPS), (Signal::SIGQUIT, STOPS / 6)] {
        // It may have ended by itself, and is then still there to be reaped.
        let _ = kill(Pid::from_raw(number), signal);
        let since = Instant::now();
        while since.elapsed() < patience {
            if has_ended(child) {
                return;
            }
            thread::sleep(ASK_EVERY);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

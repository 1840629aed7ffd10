//! Databases for tests and benches; nothing else may use this module.
//!
//! Each test process starts one server, on a copy of a data directory that is made once per
//! machine, and clones a migrated database per test. Processes share nothing but the directory
//! that is copied, so test binaries, and nextest's process per test, do not disturb each other.
//! The server ends with the process, however that ends; what it leaves in the temporary directory
//! is removed by the next one.
//!
//! Failing to get a database is a panic that says why: there is no test without one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::Store;
use crate::embedded::programs::Programs;
use crate::embedded::{APP, DATABASE, Embedded, OWNER, Options};

/// An empty, migrated database of one test, gone with it.
#[derive(Debug)]
pub struct TestDatabase {
    home: Home,
    name: String,
}

/// Where a test's database is.
#[derive(Debug)]
enum Home {
    /// On the server of this process.
    Shared(&'static Shared),
    /// On a server of its own.
    Own(Server),
}

impl TestDatabase {
    /// A database on the server of this process, which does not wait for the disk.
    pub async fn new() -> Self {
        let shared = tokio::task::spawn_blocking(|| SHARED.get_or_init(Shared::start)).await;
        let shared = shared.expect("a server for tests");
        let (reply, name) = oneshot::channel();
        shared.orders.send(Order::Create(reply)).expect("the thread lives as long as the process");
        let name = name.await.expect("a database for the test");
        Self { home: Home::Shared(shared), name }
    }

    /// A database on a server of its own, which keeps what it acknowledged: for tests that kill it.
    pub async fn durable() -> Self {
        let server = tokio::task::spawn_blocking(|| Server::start(Options { fsync: true })).await;
        let server = server.expect("a server for the test");
        Store::migrate(server.embedded.owner_options()).await.expect("migrations that apply");
        Self { home: Home::Own(server), name: DATABASE.to_owned() }
    }

    /// How migrations connect.
    pub fn owner_options(&self) -> PgConnectOptions {
        self.embedded().owner_options().database(&self.name)
    }

    /// How the application connects.
    pub fn app_options(&self) -> PgConnectOptions {
        self.embedded().app_options().database(&self.name)
    }

    /// May do anything: for tests that tamper.
    pub fn superuser_options(&self) -> PgConnectOptions {
        self.embedded().superuser_options().database(&self.name)
    }

    /// The server. That of [`new`](Self::new) is shared by all tests of the process: only that of
    /// [`durable`](Self::durable) may be killed.
    pub fn embedded(&self) -> &Embedded {
        match &self.home {
            Home::Shared(shared) => &shared.server.embedded,
            Home::Own(server) => &server.embedded,
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Home::Shared(shared) = &self.home {
            // Nobody waits for it; at the end of the process it goes with the server.
            let _ = shared.orders.send(Order::Drop(std::mem::take(&mut self.name)));
        }
    }
}

/// The server of this process. Nothing drops it: the kernel ends it with the process.
static SHARED: OnceLock<Shared> = OnceLock::new();

#[derive(Debug)]
struct Shared {
    server: Server,
    orders: mpsc::UnboundedSender<Order>,
}

enum Order {
    Create(oneshot::Sender<String>),
    Drop(String),
}

impl Shared {
    fn start() -> Self {
        let server = Server::start(Options { fsync: false });
        let (owner, superuser) =
            (server.embedded.owner_options(), server.embedded.superuser_options());
        let (orders, received) = mpsc::unbounded_channel();
        // A thread with a runtime of its own: a connection does not outlive the runtime it was
        // opened in, and every test has another.
        thread::Builder::new()
            .name("test databases".to_owned())
            .spawn(move || {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime")
                    .block_on(serve(owner, superuser.database("postgres"), received));
            })
            .expect("a thread");
        Self { server, orders }
    }
}

/// Makes databases as they are asked for, and removes those of the past when nobody waits.
async fn serve(
    owner: PgConnectOptions,
    superuser: PgConnectOptions,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    Store::migrate(owner).await.expect("migrations that apply");
    let mut connection = superuser.connect().await.expect("a connection");
    let mut made = 0;
    let mut past = Vec::new();
    loop {
        let order = match orders.try_recv() {
            Err(TryRecvError::Empty) if past.is_empty() => orders.recv().await,
            order => order.ok(),
        };
        match order {
            Some(Order::Create(reply)) => {
                made += 1;
                let name = format!("test_{made}");
                create(&mut connection, &name).await;
                // A test that was given up in the meantime does not want it any more.
                let _ = reply.send(name);
            }
            Some(Order::Drop(name)) => past.push(name),
            None => match past.pop() {
                Some(name) => {
                    let drop = format!("drop database {name} with (force)");
                    connection.execute(drop.as_str()).await.expect("a database to drop");
                }
                None => return,
            },
        }
    }
}

async fn create(connection: &mut PgConnection, name: &str) {
    // Copying files is several times faster here than writing every page to the WAL as well.
    let create =
        format!("create database {name} template {DATABASE} owner {OWNER} strategy file_copy");
    connection.execute(create.as_str()).await.expect("a copy of the migrated database");
    // Rights on a database are not copied with it.
    let grant = format!("grant create on database {name} to {APP}");
    connection.execute(grant.as_str()).await.expect("a superuser");
}

/// A server in a directory of its own.
#[derive(Debug)]
struct Server {
    // Fields are dropped in this order: the server ends before its directory goes.
    embedded: Embedded,
    _directory: Directory,
}

impl Server {
    fn start(options: Options) -> Self {
        let directory = Directory::with_data();
        let embedded = match Embedded::start(&directory.path, options) {
            Ok(embedded) => embedded,
            Err(why) => panic!("{why}"),
        };
        Self { embedded, _directory: directory }
    }
}

/// A data directory in use by this process.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// Held for as long as the directory is in use.
    _busy: File,
}

impl Directory {
    /// A new directory with data ready to start a server on.
    fn with_data() -> Self {
        let root = root();
        let lock = locked(&root.join("lock"));
        let pattern = pattern(&root);
        let abandoned = abandoned(&root);
        let path = tempfile::Builder::new().prefix("run-").tempdir_in(&root).expect("a directory");
        let directory = Self { _busy: locked(&path.path().join("busy")), path: path.keep() };
        drop(lock);

        // Nobody waits for this either, and what is not removed in time the next process finds.
        thread::spawn(move || drop(abandoned));
        open_to_passing(&directory.path);
        copy(&pattern, &directory.path.join("pgdata")).expect("a copy of the data directory");
        directory
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed now, because a server is still ending, the next process removes.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Where the tests of this user keep their data.
fn root() -> PathBuf {
    let root = std::env::temp_dir().join(format!("uitpas-tests-{}", geteuid()));
    match DirBuilder::new().mode(0o700).create(&root) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => panic!("{root:?}: {why}"),
        _ => {}
    }
    let found = fs::symlink_metadata(&root).expect("it is there");
    assert!(found.is_dir() && found.uid() == geteuid().as_raw(), "{root:?} is not ours");
    open_to_passing(&root);
    root
}

/// Lets the user pass whom root makes the server run as.
fn open_to_passing(path: &Path) {
    if geteuid().is_root() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o711)).expect("it is ours");
    }
}

/// The data directory that is copied, made by the first process that needs it.
fn pattern(root: &Path) -> PathBuf {
    let major = match Programs::find(None) {
        Ok(programs) => programs.major(),
        Err(why) => panic!("{why}"),
    };
    // By what decides how it is made: when that changes, another one is made.
    let made_by = Sha256::digest(include_bytes!("embedded/data.rs"));
    let directory = root.join(format!("pattern-{major}-{}", hex::encode(&made_by[..8])));
    let pgdata = directory.join("pgdata");
    if !directory.join("complete").exists() {
        // Started and stopped: the copies need no recovery.
        match Embedded::start(&directory, Options { fsync: false }) {
            Ok(server) => server.stop(),
            Err(why) => panic!("{why}"),
        }
        File::create(directory.join("complete")).expect("it is ours");
    }
    pgdata
}

/// Directories of processes that have ended.
fn abandoned(root: &Path) -> Vec<Directory> {
    let entries = fs::read_dir(root).expect("it is ours").flatten();
    let runs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"));
    runs.filter_map(|entry| {
        let busy = lock_file(&entry.path().join("busy"));
        fs4::FileExt::try_lock(&busy).ok()?;
        Some(Directory { path: entry.path(), _busy: busy })
    })
    .collect()
}

fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).open(path).expect("it is ours")
}

fn locked(path: &Path) -> File {
    let file = lock_file(path);
    fs4::FileExt::lock(&file).expect("a lock");
    file
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copied = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &copied)?,
            false => drop(fs::copy(entry.path(), copied)?),
        }
    }
    Ok(())
}

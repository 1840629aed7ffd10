//! The processes of a ledger: `uitpas serve` and its commands, and the PostgreSQL below.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uitpas_projections::Projections;
use uitpas_store::Store;
use uitpas_store::embedded::{Embedded, Options};

/// What takes longer than this will never come.
pub const FOREVER: Duration = Duration::from_secs(120);

/// The directory of a ledger, gone with the test.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("uitpas-crash-").tempdir_in("/tmp");
        let directory = directory.expect("a directory");
        // PostgreSQL, which may run as another user, passes through.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711)).expect("it is ours");
        Self(directory)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// A command of `uitpas` on this ledger, which ends with the test.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uitpas"));
        command.args(arguments).arg("--data").arg(self.data()).env("RUST_LOG", "warn");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        let output = timeout(FOREVER, self.command(arguments).output()).await;
        output.expect("a command that ends").expect("a program")
    }

    /// What a command prints that must succeed.
    pub async fn ask(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(arguments).await;
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{arguments:?}: {status}\n{stdout}\n{stderr}");
        stdout.trim().to_owned()
    }

    fn postmaster(&self) -> Option<Process> {
        let file = fs::read_to_string(self.data().join("pgdata/postmaster.pid")).ok()?;
        Process::of(file.lines().next()?.trim().parse().ok()?)
    }

    /// The postmaster, and after it its children.
    pub fn postgres(&self) -> Vec<Process> {
        let postmaster = self.postmaster().expect("a PostgreSQL that runs");
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = numbers.filter(|number| parent(*number) == Some(postmaster.number));
        let mut family: Vec<_> = children.filter_map(Process::of).collect();
        family.insert(0, postmaster);
        family
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The server ends with the process that ran it, and then the directory can go.
        let since = Instant::now();
        while self.postmaster().is_some_and(|postmaster| postmaster.lives())
            && since.elapsed() < Duration::from_secs(10)
        {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A process, told apart from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    number: i32,
    started: String,
}

impl Process {
    fn of(number: i32) -> Option<Self> {
        let fields = fields(number)?;
        // Dead, and waiting for its parent to hear of it.
        let is_dead = fields[0] == "Z";
        (!is_dead).then(|| Self { number, started: fields[19].clone() })
    }

    pub fn lives(&self) -> bool {
        Self::of(self.number).as_ref() == Some(self)
    }

    /// What it calls itself: a server process of PostgreSQL tells whom it serves.
    pub fn title(&self) -> String {
        let title = fs::read(format!("/proc/{}/cmdline", self.number)).unwrap_or_default();
        String::from_utf8_lossy(&title).into_owned()
    }

    /// kill -9.
    pub fn kill(&self) {
        // Without a check whether it is still the same process: it was a moment ago.
        let kill = std::process::Command::new("sh")
            .args(["-c", "kill -9 \"$0\"", &self.number.to_string()])
            .stderr(Stdio::null())
            .status();
        kill.expect("a shell");
    }
}

fn parent(number: i32) -> Option<i32> {
    fields(number)?[1].parse().ok()
}

/// Of /proc/NUMBER/stat, what follows the name: state, parent, ..., the 20th is when it started.
fn fields(number: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// `uitpas serve`.
pub struct Server {
    child: Child,
    address: watch::Sender<String>,
    /// Absent: the clock of the machine.
    now: Option<DateTime<Utc>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub async fn start(home: &Home) -> Self {
        Self::start_at(home, None).await
    }

    /// The same on another day.
    pub async fn start_at(home: &Home, now: Option<DateTime<Utc>>) -> Self {
        let said = Arc::default();
        let (child, address) = serve(home, now, &said).await;
        Self { child, address: watch::Sender::new(address), now, said }
    }

    /// On which day it is started again.
    pub fn turn_to(&mut self, now: DateTime<Utc>) {
        self.now = Some(now);
    }

    /// Where it listens, also after it was started again.
    pub fn address(&self) -> watch::Receiver<String> {
        self.address.subscribe()
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a process that runs");
    }

    pub async fn start_again(&mut self, home: &Home) {
        let (child, address) = serve(home, self.now, &self.said).await;
        self.child = child;
        self.address.send_replace(address);
    }

    pub fn must_live(&mut self) {
        let ended = self.child.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "uitpas ended: {ended:?}\n{}", self.said());
    }

    /// Its log, of all its lives.
    pub fn said(&self) -> String {
        self.said.lock().expect("no line panics").join("\n")
    }
}

async fn serve(
    home: &Home,
    now: Option<DateTime<Utc>>,
    said: &Arc<Mutex<Vec<String>>>,
) -> (Child, String) {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    if let Some(now) = now {
        command.args(["--now", &now.to_rfc3339()]);
    }
    let mut child = command.stderr(Stdio::piped()).spawn().expect("a program");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let (listens, mut address) = watch::channel(None);
    let heard = said.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix("uitpas: listening on ") {
                listens.send_replace(Some(address.to_owned()));
            }
            heard.lock().expect("no line panics").push(line);
        }
    });
    let listens = timeout(FOREVER, address.wait_for(Option::is_some)).await;
    let Ok(Ok(address)) = listens else {
        panic!("uitpas does not listen:\n{}", said.lock().expect("no line panics").join("\n"));
    };
    let address = address.clone().expect("it was waited for");
    (child, address)
}

/// The ledger as the test sees it, beside whoever serves it. Should that process end meanwhile,
/// PostgreSQL is taken over.
pub struct Observer {
    pub embedded: Embedded,
    pub store: Store,
    pub views: Projections,
}

impl Observer {
    pub async fn attach(home: &Home) -> Self {
        let data = home.data();
        let embedded = spawn_blocking(move || Embedded::start(&data, Options::default())).await;
        let embedded = embedded.expect("no panic").expect("a server");
        assert!(embedded.is_attached(), "nobody serves");
        let master = embedded.master_key().expect("a key");
        let store = Store::open(embedded.app_options(), master).await.expect("a store");
        let views = Projections::open(&store).await.expect("views");
        Self { embedded, store, views }
    }
}

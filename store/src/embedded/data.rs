//! What lies in a data directory of ours, and how it is filled the first time.
//!
//! | | |
//! |---|---|
//! | `lock` | held (flock) by the process that runs the server |
//! | `master.key` | the master key, unless the environment has it; ours, not the server's |
//! | `pgdata/` | the data of PostgreSQL; there only when complete |
//! | `pgdata.new/` | the same while it is being made |
//! | `socket/` | where the server listens, if the path is short enough; else under `/tmp` |
//! | `postgres.log`, `postgres.log.1` | what the server says of itself |

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::programs::Programs;
use super::{APP, DATABASE, EmbeddedError, OWNER, PORT, SUPERUSER};
use crate::sealing::MasterKey;

/// What a socket's path may count, with the zero byte at its end left out.
const SOCKET_PATH_BYTES: usize = 107;

/// A log longer than this is put aside at the next start (10 MiB).
const LOG_BYTES: u64 = 10 << 20;

/// How much of the log an error quotes, in lines.
const LOG_LINES: usize = 5;

#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
    socket_dir: PathBuf,
}

impl DataDir {
    /// The directory, made if need be. Root leaves it open to passing through, no more: the
    /// server's user must reach `pgdata` and not the master key.
    pub fn at(path: &Path) -> Result<Self, EmbeddedError> {
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        let failed = |why| EmbeddedError::at(path, why);
        DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let socket_dir = socket_dir(&path);
        Ok(Self { path, socket_dir })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub fn pgdata(&self) -> PathBuf {
        self.path.join("pgdata")
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    pub fn master_key(&self) -> PathBuf {
        self.path.join("master.key")
    }

    /// The lock that says who runs the server; none if another process holds it. It is free again
    /// when the file is closed, also by the death of its holder.
    pub fn try_lock(&self) -> Result<Option<File>, EmbeddedError> {
        let path = self.path.join("lock");
        let failed = |why| EmbeddedError::at(&path, why);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(fs4::TryLockError::WouldBlock) => Ok(None),
            Err(fs4::TryLockError::Error(why)) => Err(failed(why)),
        }
    }

    /// The major version that made the data; none if there are no data yet.
    pub fn made_by(&self) -> Result<Option<u32>, EmbeddedError> {
        let path = self.pgdata().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(major) => {
                major.trim().parse().map(Some).map_err(|_| {
                    EmbeddedError::at(&path, io::Error::other("does not hold a version"))
                })
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(EmbeddedError::at(&path, why)),
        }
    }

    /// Fills `pgdata` with an empty database and its roles. All or nothing: it is made beside and
    /// renamed when it is whole, so that a start cut short is simply done again.
    pub fn create(
        &self,
        account: &Account,
        programs: &Programs,
        durable: bool,
    ) -> Result<(), EmbeddedError> {
        let new = self.path.join("pgdata.new");
        match fs::remove_dir_all(&new) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::at(&new, why));
            }
            _ => account.own_directory(&new)?,
        }

        let mut initdb = account.command(programs.initdb());
        initdb.arg("--pgdata").arg(&new).args(["--username", SUPERUSER]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--data-checksums"]);
        // Whoever can open the socket may come in: its directory is for the server's user alone.
        initdb.args(["--auth-local=trust", "--auth-host=reject", "--no-instructions"]);
        // Written to disk once, at the end of the next step.
        initdb.arg("--no-sync");
        run(initdb, "")?;

        let mut single = account.command(programs.postgres());
        single.arg("--single").arg("-D").arg(&new).args(["-c", "exit_on_error=on"]);
        single.args(["-c", "fsync=off", SUPERUSER]);
        // Every line is one statement. What the roles may do, the migrations say.
        let roles = format!(
            "create role {APP} login\n\
             create role {OWNER} login\n\
             create database {DATABASE} owner {OWNER}\n"
        );
        run(single, &roles)?;

        if durable {
            let mut sync = account.command(programs.initdb());
            sync.arg("--sync-only").arg("--pgdata").arg(&new);
            run(sync, "")?;
        }
        fs::rename(&new, self.pgdata()).map_err(|why| EmbeddedError::at(&new, why))?;
        let synced = File::open(&self.path).and_then(|directory| directory.sync_all());
        synced.map_err(|why| EmbeddedError::at(&self.path, why))
    }

    /// Opens the log for the server to write to, after putting a long one aside.
    pub fn open_log(&self) -> Result<File, EmbeddedError> {
        let path = self.log();
        let failed = |why| EmbeddedError::at(&path, why);
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES) {
            fs::rename(&path, self.path.join("postgres.log.1")).map_err(failed)?;
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)
    }

    /// The last words of the server.
    pub fn end_of_log(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let from = log.lines().count().saturating_sub(LOG_LINES);
        log.lines().skip(from).collect::<Vec<_>>().join("\n")
    }

    /// The server's process, as it wrote it down; it may have ended since.
    pub fn postmaster(&self) -> Option<i32> {
        self.postmaster_pid_line(0)?.parse().ok()
    }

    /// Whether a process that the pid file names still runs on these data. PostgreSQL goes to its
    /// data directory at start, so a stranger who got the same number is not mistaken for it.
    pub fn has_orphan(&self) -> bool {
        let cwd = self.postmaster().map(|pid| fs::read_link(format!("/proc/{pid}/cwd")));
        cwd.is_some_and(|cwd| cwd.is_ok_and(|cwd| cwd == self.pgdata()))
    }

    /// Whether the server takes connections: it says so, and it listens. A server that was killed
    /// leaves the word behind and not the ear.
    pub fn is_ready(&self) -> bool {
        self.postmaster_pid_line(7).is_some_and(|status| status == "ready")
            && UnixStream::connect(self.socket_dir.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    fn postmaster_pid_line(&self, line: usize) -> Option<String> {
        let file = fs::read_to_string(self.pgdata().join("postmaster.pid")).ok()?;
        file.lines().nth(line).map(|line| line.trim().to_owned())
    }

    /// Makes the master key at the first start, unless the environment brings one. Never later:
    /// a new key beside old data would look like data nobody can read.
    pub fn ensure_master_key(&self) -> Result<(), EmbeddedError> {
        if MasterKey::from_env()?.is_none() {
            MasterKey::ensure_file(&self.master_key())?;
        }
        Ok(())
    }
}

/// In the data directory, where every process finds it whatever its `/tmp` is; where that path
/// is too long for a socket, under `/tmp` by a name that follows from the data directory.
fn socket_dir(data_dir: &Path) -> PathBuf {
    let inside = data_dir.join("socket");
    let socket = format!("/.s.PGSQL.{PORT}.lock");
    if inside.as_os_str().len() + socket.len() <= SOCKET_PATH_BYTES {
        return inside;
    }
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    Path::new("/tmp").join(format!("uitpas-{}", hex::encode(&digest[..8])))
}

/// Runs a program to its end; what it complained of is the error.
fn run(mut command: Command, input: &str) -> Result<(), EmbeddedError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |why: String| EmbeddedError::NotCreated { program: program.clone(), why };
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| failed(why.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ended early does not read; its complaint says more than the broken pipe.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|why| failed(why.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_is_short_whatever_the_data_directory() {
        assert_eq!(socket_dir(Path::new("/srv/uitpas")), Path::new("/srv/uitpas/socket"));
        let deep = PathBuf::from("/srv").join("x".repeat(120));
        let other = PathBuf::from("/srv").join("y".repeat(120));
        assert!(socket_dir(&deep).starts_with("/tmp"));
        assert_eq!(socket_dir(&deep), socket_dir(&deep));
        assert_ne!(socket_dir(&deep), socket_dir(&other));
        for length in 1..200 {
            let socket = socket_dir(&PathBuf::from("/").join("z".repeat(length)));
            let socket = socket.join(".s.PGSQL.5432.lock");
            assert!(socket.as_os_str().len() <= SOCKET_PATH_BYTES);
        }
    }
}

//! As whom PostgreSQL runs: it refuses to be root, so root hands it to a user without rights.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use super::EmbeddedError;

/// Tried in this order when we are root.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The user that PostgreSQL runs as.
#[derive(Debug, Clone)]
pub struct Account {
    name: String,
    uid: u32,
    gid: u32,
    /// We are root and must change to this user; otherwise we are this user.
    changes: bool,
}

impl Account {
    pub fn current() -> Result<Self, EmbeddedError> {
        let us = geteuid();
        let known = |user: nix::Result<Option<User>>| user.ok().flatten();
        if us.is_root() {
            let user = UNPRIVILEGED.iter().find_map(|name| known(User::from_name(name)));
            let user = user.ok_or(EmbeddedError::NoAccount)?;
            let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
            return Ok(Self { name: user.name, uid, gid, changes: true });
        }
        // A container may run as a number without a name; PostgreSQL itself does not mind.
        let name = known(User::from_uid(us)).map_or_else(|| us.to_string(), |user| user.name);
        let gid = nix::unistd::getegid().as_raw();
        Ok(Self { name, uid: us.as_raw(), gid, changes: false })
    }

    /// Refuses a directory that this account cannot enter, naming the one that is closed to it.
    pub fn must_reach(&self, directory: &Path) -> Result<(), EmbeddedError> {
        if !self.changes {
            return Ok(());
        }
        for ancestor in directory.ancestors() {
            let closed = || EmbeddedError::Unreachable {
                user: self.name.clone(),
                directory: ancestor.to_owned(),
            };
            let found = fs::metadata(ancestor).map_err(|_| closed())?;
            let may_enter = match () {
                () if found.uid() == self.uid => 0o100,
                () if found.gid() == self.gid => 0o010,
                () => 0o001,
            };
            if found.mode() & may_enter == 0 {
                return Err(closed());
            }
        }
        Ok(())
    }

    /// Makes a directory that is this account's and nobody else's (0700). One that is there
    /// already must be just that: in a directory open to all it could be a trap.
    pub fn own_directory(&self, path: &Path) -> Result<(), EmbeddedError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => return self.take(path),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(EmbeddedError::at(path, why)),
        }
        let found = fs::symlink_metadata(path).map_err(|why| EmbeddedError::at(path, why))?;
        if !found.is_dir() || found.uid() != self.uid || found.mode() & 0o077 != 0 {
            let why = io::Error::other(format!("must be a directory of {}, mode 0700", self.name));
            return Err(EmbeddedError::at(path, why));
        }
        Ok(())
    }

    /// Makes a directory and all that is in it this account's. Only root needs to, and only when
    /// it is not so yet: after making it, or when it was copied or made by another user.
    pub fn take(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.changes {
            return Ok(());
        }
        let found = fs::symlink_metadata(path).map_err(|why| EmbeddedError::at(path, why))?;
        if found.uid() == self.uid {
            return Ok(());
        }
        self.take_all(path, found.is_dir())
    }

    fn take_all(&self, path: &Path, is_directory: bool) -> Result<(), EmbeddedError> {
        let failed = |why| EmbeddedError::at(path, why);
        if is_directory {
            for entry in fs::read_dir(path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                self.take_all(&entry.path(), entry.file_type().map_err(failed)?.is_dir())?;
            }
        }
        // Last of all, so that a walk cut short is seen and done again at the next start.
        lchown(path, Some(self.uid), Some(self.gid)).map_err(failed)
    }

    /// A program of PostgreSQL, run as this account: it is told to end when we die, Ctrl-C does
    /// not reach it, and it sees nothing of our environment, where the master key stands.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        for kept in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        if self.changes {
            command.uid(self.uid).gid(self.gid);
        }
        end_with_parent(&mut command);
        command
    }
}

/// The kernel sends the child SIGQUIT (PostgreSQL: stop at once, without a last checkpoint) when
/// the thread that forked it ends, which it also does when our process is killed.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a child can ask for this signal only between fork and exec")]
fn end_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGQUIT)?;
        // We may have died before the child could ask.
        match std::os::unix::process::parent_id() == parent {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(nix::libc::ESRCH)),
        }
    };
    // SAFETY: the closure makes two system calls and touches no memory, lock or allocator.
    unsafe { command.pre_exec(ask) };
}

/// Elsewhere a server that outlives us is found by the next start, which waits for its end.
#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Somebody who owns nothing here.
    fn stranger() -> Account {
        Account { name: "stranger".into(), uid: 54_321, gid: 54_321, changes: true }
    }

    fn open_to(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }

    #[test]
    fn the_directory_that_is_closed_is_named() {
        let top = tempfile::Builder::new().tempdir_in("/tmp").expect("a directory");
        let inner = top.path().join("closed/inner");
        fs::create_dir_all(&inner).expect("made");
        open_to(top.path(), 0o711);
        open_to(&inner, 0o711);

        open_to(inner.parent().expect("closed"), 0o711);
        stranger().must_reach(&inner).expect("open all the way");

        open_to(inner.parent().expect("closed"), 0o700);
        let refused = stranger().must_reach(&inner).unwrap_err().to_string();
        assert!(refused.contains("stranger"), "{refused}");
        let named = inner.parent().expect("closed").display().to_string();
        assert!(refused.contains(&named) && !refused.contains("inner"), "{refused}");
    }

    #[test]
    fn a_directory_of_our_own_is_never_somebody_elses() {
        let top = tempfile::tempdir().expect("a directory");
        let uid = geteuid().as_raw();
        let us = Account { name: "us".into(), uid, gid: 0, changes: false };
        let ours = top.path().join("ours");
        us.own_directory(&ours).expect("made");
        us.own_directory(&ours).expect("found again");

        open_to(&ours, 0o755);
        us.own_directory(&ours).expect_err("open to others");
        open_to(&ours, 0o700);
        stranger().own_directory(&ours).expect_err("of another user");
        let link = top.path().join("link");
        std::os::unix::fs::symlink(&ours, &link).expect("made");
        us.own_directory(&link).expect_err("a link");
    }

    #[test]
    fn a_program_sees_nothing_of_our_environment() {
        let output = Account::current().expect("somebody").command("env").output().expect("env");
        let seen = String::from_utf8(output.stdout).expect("text");
        let names: Vec<_> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        let known = ["LC_ALL", "TZ", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
        assert!(names.contains(&"TZ"));
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    }
}

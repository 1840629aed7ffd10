//! Finding the programs of PostgreSQL. Nothing is downloaded.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::EmbeddedError;

/// The oldest major version that will do.
const OLDEST: u32 = 15;

/// Folders of folders, one per version: Debian, Homebrew (two places), Red Hat, Postgres.app.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with `initdb` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    bin: PathBuf,
    major: u32,
}

impl Programs {
    /// The programs for a data directory of this major version, or the newest for a new one.
    pub fn find(made_by: Option<u32>) -> Result<Self, EmbeddedError> {
        let chosen = env::var_os("PG_BIN_DIR").map(PathBuf::from);
        let found: Vec<_> = match &chosen {
            Some(bin) => Self::in_folder(bin).into_iter().collect(),
            None => candidates().iter().filter_map(|bin| Self::in_folder(bin)).collect(),
        };
        match (choose(found, made_by), made_by, chosen) {
            (Some(programs), _, _) => Ok(programs),
            (None, Some(major), _) => Err(EmbeddedError::OtherVersion(major)),
            (None, None, Some(bin)) => Err(EmbeddedError::NotInPgBinDir(bin)),
            (None, None, None) => Err(EmbeddedError::NotInstalled),
        }
    }

    pub fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }

    pub fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    fn in_folder(bin: &Path) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { bin: bin.to_owned(), major })
    }
}

/// Candidates in order of preference; of the same version the first is taken.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> =
        env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (parent, prefix, bin) in VERSIONED {
        let versions = fs::read_dir(parent).into_iter().flatten().flatten();
        let versions =
            versions.filter(|version| version.file_name().to_string_lossy().starts_with(prefix));
        folders.extend(versions.map(|version| version.path().join(bin)));
    }
    folders.push("/usr/local/pgsql/bin".into());
    folders
}

fn choose(found: Vec<Programs>, made_by: Option<u32>) -> Option<Programs> {
    let fits = |programs: &Programs| match made_by {
        Some(major) => programs.major == major,
        None => programs.major >= OLDEST,
    };
    // The last of equals wins in `max_by_key`, so the order of preference is turned round.
    found.into_iter().rev().filter(fits).max_by_key(Programs::major)
}

/// 15 from "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", 18 from "... 18beta1".
fn major_version(printed: &str) -> Option<u32> {
    let version = printed.split_once("(PostgreSQL) ")?.1;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(bin: &str, major: u32) -> Programs {
        Programs { bin: bin.into(), major }
    }

    #[test]
    fn the_newest_that_will_do_is_chosen_or_the_one_that_made_the_data() {
        let found = || vec![programs("/a", 14), programs("/b", 17), programs("/c", 17)];
        assert_eq!(choose(found(), None), Some(programs("/b", 17)));
        assert_eq!(choose(found(), Some(17)), Some(programs("/b", 17)));
        assert_eq!(choose(found(), Some(16)), None);
        assert_eq!(choose(vec![programs("/a", 14)], None), None);
    }

    #[test]
    fn versions_are_read_as_they_are_printed() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("something else\n"), None);
    }
}

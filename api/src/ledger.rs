//! Opening a ledger: the embedded server of a data directory, or the database of a URL.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;
use uitpas_projections::{Projections, Running};
use uitpas_store::Store;
use uitpas_store::embedded::{APP, Embedded, Options};
use uitpas_store::sealing::MasterKey;

use crate::app::App;

/// Where the ledger is.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Directory with the data; a private PostgreSQL is run on it.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Database of a PostgreSQL that runs elsewhere (with UITPAS_MASTER_KEY for personal data).
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    #[error("say where the ledger is: --data DIR, or DATABASE_URL in the environment")]
    NoTarget,
    #[error("there is no ledger in {}", .0.display())]
    NoLedger(PathBuf),
    #[error("{0}")]
    Embedded(#[from] uitpas_store::embedded::EmbeddedError),
    #[error("{0}")]
    MasterKey(#[from] uitpas_store::sealing::MasterKeyError),
    #[error("UITPAS_MASTER_KEY must hold the master key of this database")]
    NoMasterKey,
    #[error("the master key is not the one of this ledger")]
    OtherMasterKey,
    #[error("DATABASE_URL cannot be read: {0}")]
    Url(sqlx::Error),
    #[error("the database: {0}")]
    Store(uitpas_store::Failed),
    #[error("the views: {0}")]
    Views(#[from] uitpas_projections::Failed),
    #[error("the thread that starts PostgreSQL ended")]
    ThreadEnded,
}

impl From<uitpas_store::Failed> for CannotOpen {
    fn from(failed: uitpas_store::Failed) -> Self {
        CannotOpen::Store(failed)
    }
}

/// How long connections may take to come back.
const CLOSES: Duration = Duration::from_secs(5);

/// An open ledger. The embedded server ends with it.
pub struct Ledger {
    pub app: App,
    running: Option<Running>,
    embedded: Option<Embedded>,
}

/// How to connect, and the key of keys.
struct Doors {
    owner: PgConnectOptions,
    app: PgConnectOptions,
    master: MasterKey,
    embedded: Option<Embedded>,
}

impl Target {
    async fn doors(&self) -> Result<Doors, CannotOpen> {
        match (&self.data, &self.database_url) {
            (Some(data), _) => embedded(data).await,
            (None, Some(url)) => {
                let owner = PgConnectOptions::from_str(url).map_err(CannotOpen::Url)?;
                // Whoever the URL names, the application has no more than its own rights.
                let app = owner.clone().options([("role", APP)]);
                let master = MasterKey::from_env()?.ok_or(CannotOpen::NoMasterKey)?;
                Ok(Doors { owner, app, master, embedded: None })
            }
            (None, None) => Err(CannotOpen::NoTarget),
        }
    }
}

async fn embedded(data: &Path) -> Result<Doors, CannotOpen> {
    let data = data.to_owned();
    let started = tokio::task::spawn_blocking(move || Embedded::start(&data, Options::default()));
    let embedded = started.await.map_err(|_| CannotOpen::ThreadEnded)??;
    let (owner, app) = (embedded.owner_options(), embedded.app_options());
    let master = embedded.master_key()?;
    Ok(Doors { owner, app, master, embedded: Some(embedded) })
}

impl Ledger {
    /// Opens the ledger that is there, with its schema as this version knows it. Who mistypes a
    /// directory is not told that all is well in an empty one.
    pub async fn open(target: &Target) -> Result<Self, CannotOpen> {
        // Where nobody can tell, the embedded server says why.
        if let Some(data) = &target.data
            && let Ok(false) = data.join("pgdata").try_exists()
        {
            return Err(CannotOpen::NoLedger(data.clone()));
        }
        Self::open_or_make(target).await
    }

    /// Opens the ledger, and makes it first where there is none.
    pub async fn open_or_make(target: &Target) -> Result<Self, CannotOpen> {
        let doors = target.doors().await?;
        Store::migrate(doors.owner.clone()).await?;
        Self::through(doors).await
    }

    /// Opens a ledger with what `fill` writes into its log first, before anybody reads it.
    pub async fn filled<T>(
        target: &Target,
        fill: impl AsyncFnOnce(PgConnectOptions, &MasterKey) -> Result<T, uitpas_store::Failed>,
    ) -> Result<(Self, T), CannotOpen> {
        let doors = target.doors().await?;
        Store::migrate(doors.owner.clone()).await?;
        let written = fill(doors.owner.clone(), &doors.master).await?;
        Ok((Self::through(doors).await?, written))
    }

    async fn through(doors: Doors) -> Result<Self, CannotOpen> {
        let Doors { owner: _, app, master, embedded } = doors;
        let store = Store::open(app, master).await?;
        if !store.has_its_master_key().await? {
            return Err(CannotOpen::OtherMasterKey);
        }
        let projections = Projections::open(&store).await?;
        Ok(Self { app: App::new(store, projections), running: None, embedded })
    }

    /// Keeps the views up to date from now on.
    pub fn follow(&mut self) {
        self.running = Some(self.app.projections.start());
    }

    pub async fn close(self) {
        if let Some(running) = self.running {
            running.stop().await;
        }
        // A connection that came back after the server has gone would complain.
        let closed = async { tokio::join!(self.app.pool().close(), self.app.store.close()) };
        let _ = timeout(CLOSES, closed).await;
        drop(self.app);
        if let Some(embedded) = self.embedded {
            // Nothing waits for a server that does not stop: it ends with this process.
            let _ = tokio::task::spawn_blocking(move || embedded.stop()).await;
        }
    }
}

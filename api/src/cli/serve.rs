//! `uitpas serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Outcome, days};
use crate::app::App;
use crate::http::links::PublicUrl;
use crate::http::{REQUEST_TIMEOUT, metrics, router};
use crate::ledger::{Ledger, Target};
use crate::oidc::{Outside, Settings};

#[derive(clap::Args)]
pub struct Serve {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Rehearses another day: the clock begins at this moment. Only on a directory of one's own.
    #[arg(long, value_name = "INSTANT", requires = "data", value_parser = days::instant)]
    now: Option<DateTime<Utc>>,
    /// Where others reach this server, with which the links in answers begin. Without it they are
    /// http:// and the host of the request.
    #[arg(long, value_name = "URL", env = "UITPAS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    #[command(flatten)]
    tokens: Settings,
}

impl Serve {
    pub async fn run(self, target: &Target) -> Outcome {
        // First of all: where the address is taken, nothing else is begun.
        let listener = listen(self.listen).await?;
        let mut ledger = Ledger::open_or_make(target).await?;
        if let Some(issuer) = &self.tokens.issuer {
            ledger.app.outside = Some(Arc::new(Outside::discover(issuer, &self.tokens).await?));
        }
        ledger.app.public_url = self.public_url;
        if let Some(now) = self.now {
            ledger.app.clock.turn_to(now);
        }
        ledger.follow();
        eprintln!("uitpas: listening on http://{}", listener.local_addr()?);
        serve(listener, ledger.app.clone()).await?;
        ledger.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// How often old command ids are forgotten; the log says how old.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

async fn forget(app: App) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        app.guesses.forget();
        match app.store.forget_commands().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old commands"),
            Err(error) => tracing::warn!(%error, "old commands could not be forgotten"),
        }
    }
}

/// How often what was counted is taken in, where nobody asks for it.
const COUNT_EVERY: Duration = Duration::from_secs(5);

async fn count() {
    let mut ticks = tokio::time::interval(COUNT_EVERY);
    loop {
        ticks.tick().await;
        metrics::take_in();
    }
}

/// How long the end waits for what was accepted; no request takes longer.
const GRACE: Duration = REQUEST_TIMEOUT.saturating_add(Duration::from_secs(5));

/// Takes the address, or says which one is taken.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, std::io::Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves until Ctrl-C or a request to end, and finishes what it accepted.
pub async fn serve(listener: TcpListener, app: App) -> Result<(), std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (ends, mut ending) = watch::channel(());
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        drop(ends);
    };
    let housekeeping = [tokio::spawn(forget(app.clone())), tokio::spawn(count())];
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(stop).into_future();
    let served = tokio::select! {
        served = served => served,
        // A connection that says nothing does not keep the server up for ever.
        () = async { let _ = ending.changed().await; tokio::time::sleep(GRACE).await } => Ok(()),
    };
    housekeeping.iter().for_each(JoinHandle::abort);
    served
}

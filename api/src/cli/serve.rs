//! `uitpas serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use uitpas_store::Store;

use super::Outcome;
use crate::app::App;
use crate::http::router;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Serve {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Serve {
    pub async fn run(self, target: &Target) -> Outcome {
        let mut ledger = Ledger::open(target).await?;
        ledger.follow();
        let listener = listen(self.listen).await?;
        eprintln!("uitpas: listening on http://{}", listener.local_addr()?);
        serve(listener, ledger.app.clone()).await?;
        ledger.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// How often old command ids are forgotten; the log says how old.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

async fn forget_commands(store: Store) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        match store.forget_commands().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old commands"),
            Err(error) => tracing::warn!(%error, "old commands could not be forgotten"),
        }
    }
}

/// Takes the address, or says which one is taken.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, std::io::Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves until Ctrl-C or a request to end, and finishes what it accepted.
pub async fn serve(listener: TcpListener, app: App) -> Result<(), std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    let housekeeping = tokio::spawn(forget_commands(app.store.clone()));
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(stop).await;
    housekeeping.abort();
    served
}

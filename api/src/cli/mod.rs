//! The command line: `uitpas`.

mod audit;
mod days;
mod demo;
mod export;
mod import;
mod kit;
mod migrate;
mod note;
mod payments;
mod renew;
mod seal;
mod serve;
mod simulate;
mod token;
mod trail;
mod verify;
mod what_if;

use std::io::{self, IsTerminal};
use std::panic;
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

use crate::ledger::{Ledger, Target};
use crate::problem::Problem;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome = Result<ExitCode, Failure>;

/// The ledger behind the leisure and social-tariff card UiTPAS.
#[derive(Parser)]
#[command(name = "uitpas", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: Target,
    /// How the log of requests and faults is written, on the error side; RUST_LOG says how much.
    #[arg(long, global = true, value_enum, default_value_t, env = "UITPAS_LOG_FORMAT")]
    log_format: LogFormat,
    /// Print one JSON object, for machines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Build a made-up region, play one day at its counters through HTTP, and keep serving.
    Demo(demo::Demo),
    /// Serve HTTP.
    Serve(serve::Serve),
    /// Make or update the schema of the log and of the views.
    Migrate,
    /// Take over activities of UiTdatabank or a list of cards.
    #[command(subcommand)]
    Import(import::Import),
    /// Print events in the order in which they happened.
    Replay(audit::Replay),
    /// Print what happened to something, and how it stood as of a position or instant.
    Audit(trail::Audit),
    /// Print why a line of a note says what it says, or why a ticket is on none.
    Explain(trail::Explain),
    /// Make views anew from the log, while it goes on.
    Rebuild(audit::Rebuild),
    /// Prove that the log was not altered and that every view is what the log makes of it.
    Verify(verify::Verify),
    /// Write where the log ends and what it comes down to, signed, to be kept elsewhere.
    Seal(seal::MakeSeal),
    /// Print what each municipality owes a counter over a period; issue and list the notes of it.
    Note(note::Notes),
    /// Print what municipalities are to pay for approved notes; write the orders for their banks.
    Payments(payments::Payments),
    /// Renew social status from a list of verdicts, as is done once a year.
    Renew(renew::Renew),
    /// Write one file with all that an outside auditor needs to check the notes of a period.
    Kit(kit::MakeKit),
    /// Print what another distribution key would have done to a period; nothing is changed.
    WhatIf(what_if::AskWhatIf),
    /// Write a made-up region, over years, into an empty log.
    Simulate(simulate::Simulate),
    /// Remove a passholder: personal data become unreadable, for good.
    Erase(audit::Erase),
    /// Print all that is held about a passholder, as JSON.
    ExportPassholder(export::ExportPassholder),
    /// Print a bearer token of the built-in demo issuer.
    Token(token::Token),
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A refusal in the words for people, where it has any.
fn said(problem: &Problem) -> String {
    problem.end_user_message().unwrap_or_else(|| problem.to_string())
}

fn is_unread(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whoever reads what is printed may have seen enough, as `head` has: that is the end, and no fault.
fn end_with_the_reader() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let is_unread = |why: &String| why.starts_with("failed printing to stdout: Broken pipe");
        if panic.payload().downcast_ref().is_some_and(is_unread) {
            process::exit(0);
        }
        usual(panic);
    }));
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    end_with_the_reader();
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match cli.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("uitpas: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) if is_unread(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("uitpas: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Cli { command, target, json, log_format: _ }: Cli) -> Outcome {
    match command {
        Command::Demo(demo) => demo.run(&target, json).await,
        Command::Serve(serve) => serve.run(&target).await,
        Command::Migrate => migrate::migrate(&target, json).await,
        Command::Import(import) => import.run(&target, json).await,
        Command::Replay(replay) => replay.run(&target, json).await,
        Command::Audit(audit) => audit.run(&target, json).await,
        Command::Explain(explain) => explain.run(&target, json).await,
        Command::Rebuild(rebuild) => rebuild.run(&target, json).await,
        Command::Verify(verify) => verify.run(&target, json).await,
        Command::Seal(seal) => seal.run(&target, json).await,
        Command::Note(note) => note.run(&target, json).await,
        Command::Payments(payments) => payments.run(&target, json).await,
        Command::Renew(renew) => renew.run(&target, json).await,
        Command::Kit(kit) => kit.run(&target, json).await,
        Command::WhatIf(what_if) => what_if.run(&target, json).await,
        Command::Simulate(simulate) => simulate.run(&target, json).await,
        Command::Erase(erase) => erase.run(&target, json).await,
        Command::ExportPassholder(export) => export.run(&target).await,
        Command::Token(token) => token.run(&target, json).await,
    }
}

/// The ledger with its views up to date.
async fn followed(target: &Target) -> Result<Ledger, Failure> {
    let mut ledger = Ledger::open(target).await?;
    ledger.app.projections.catch_up().await?;
    ledger.follow();
    Ok(ledger)
}

/// A bar for work on so many events, on the terminal's error side.
fn progress_bar(of: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:>12} {wide_bar} {human_pos}/{human_len} {per_sec} nog {eta}",
    );
    ProgressBar::new(of).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

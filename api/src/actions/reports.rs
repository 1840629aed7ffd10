//! Financial reports: what each municipality owes a counter over a period, from the log up to a
//! recorded position (R-NOTE-01, R-NOTE-04).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::counter::{Command, Counter, Event, Report, RequestReport};
use uitpas_domain::ids::CounterId;
use uitpas_domain::metadata::{Channel, Role};
use uitpas_projections::settlement;
use uitpas_projections::settlement::note::{Note, notes};

use super::notes::heading;
use super::{Request, authority, decide, execute};
use crate::app::App;
use crate::auth::Caller;
use crate::files::Document;
use crate::problem::{Answer, Problem};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Requested {
    pub report: u32,
}

/// Asks for a report; it closes nothing.
pub async fn request(
    app: &App,
    request: &Request,
    counter: &CounterId,
    from: NaiveDate,
    until: NaiveDate,
) -> Answer<Requested> {
    let at = app.now();
    let position = app.store.head().await?.position;
    execute(app, request, Channel::Counter, |work| async move {
        let by = authority(&work, &request.caller, counter).await?.role;
        let command = Command::RequestReport(RequestReport { from, until, position, by, at });
        let events = decide::<Counter>(&work, counter, command).await?;
        let report = events.iter().find_map(|event| match event {
            Event::ReportRequested { report, .. } => Some(*report),
            _ => None,
        });
        Ok(Requested { report: report.unwrap_or_default() })
    })
    .await
}

/// The reports of a counter, for whoever may ask for one.
pub async fn of_counter(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
) -> Answer<Vec<(u32, Report)>> {
    let reports = app.store.preview(|work| async move {
        let by = authority(&work, caller, counter).await?;
        if !matches!(by.role, Role::CounterAdmin | Role::Ksb | Role::Client) {
            return Err(uitpas_domain::counter::Refused::ReportOnlyForAdmin)?;
        }
        let known = work.load::<Counter>(counter).await?;
        Ok(known.state.reports.iter().map(|(number, report)| (*number, report.clone())).collect())
    });
    Ok(reports.await?)
}

pub async fn one(app: &App, caller: &Caller, counter: &CounterId, number: u32) -> Answer<Report> {
    let reports = of_counter(app, caller, counter).await?;
    let found = reports.into_iter().find(|(known, _)| *known == number);
    found.map(|(_, report)| report).ok_or(Problem::ReportNotFound)
}

/// A report for whoever holds a signed link to it.
pub async fn unchecked(app: &App, counter: &CounterId, number: u32) -> Answer<Report> {
    let known = app.store.load::<Counter>(counter).await?;
    known.state.reports.get(&number).cloned().ok_or(Problem::ReportNotFound)
}

/// The notes of a report, one per municipality that pays: the same lines whenever they are made
/// (R-NOTE-04).
pub async fn notes_of(app: &App, counter: &CounterId, report: &Report) -> Answer<Vec<Note>> {
    app.wait_for(settlement::PROJECTION.name, report.position).await?;
    let lines =
        settlement::report_lines(app.pool(), counter, report.from, report.until, report.position);
    Ok(notes(lines.await?))
}

/// The files of a report, in a zip; absent where there is nothing in it.
pub async fn files_of(app: &App, counter: &CounterId, report: &Report) -> Answer<Option<Vec<u8>>> {
    let notes = notes_of(app, counter, report).await?;
    if notes.is_empty() {
        return Ok(None);
    }
    let (profile, account) = heading(app, counter, report.position).await?;
    let document = Document {
        counter: profile,
        account,
        from: report.from,
        until: report.until,
        position: report.position,
        at: report.requested_at,
        issued: None,
        notes,
    };
    document.zip().map(Some).map_err(Problem::Internal)
}

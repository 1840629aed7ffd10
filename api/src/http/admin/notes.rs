//! Expense notes: issuing, approving, objecting, and the KSB's word on objections.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::{NotePart, NoteRefused, Standing};
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::Reason;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::settlement::IssuedNote;
use uitpas_projections::settlement::lines::NoteLine;
use uitpas_projections::settlement::note::Note;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::notes::{self, NewNote};
use crate::app::App;
use crate::auth::Caller;
use crate::files;
use crate::http::extract::{Bare, Id, Ids, Query, Write};
use crate::http::shapes::{Amount, GivenDay, instant};
use crate::http::words;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_counter, issue))
        .routes(routes!(one))
        .routes(routes!(approve))
        .routes(routes!(object))
        .routes(routes!(settle))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedNote {
    organizer_id: String,
    number: i32,
    start_date: NaiveDate,
    end_date: NaiveDate,
    #[schema(schema_with = words::of::<Standing>)]
    state: Standing,
    /// The last day to answer.
    deadline: NaiveDate,
    issue_date: DateTime<FixedOffset>,
    /// The log is taken in up to here, and its hash there.
    position: i64,
    head: String,
    rule_set: i32,
    digest: String,
    total: Amount,
    payable: Amount,
    municipalities: Vec<PrintedPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objection: Option<PrintedObjection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<PrintedLine>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedPart {
    postal_code: String,
    name: String,
    lines: u32,
    total: Amount,
    deducted: Amount,
    payable: Amount,
    digest: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedObjection {
    date: DateTime<FixedOffset>,
    reason: Option<String>,
    #[schema(value_type = Vec<Uuid>)]
    sales: BTreeSet<SaleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settlement: Option<PrintedSettlement>,
}

#[derive(Serialize, ToSchema)]
struct PrintedSettlement {
    date: DateTime<FixedOffset>,
    upheld: bool,
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedLine {
    sale_id: Uuid,
    date: NaiveDate,
    municipality: String,
    event_id: String,
    event_title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    regular_price_label: Option<String>,
    regular_price: Amount,
    deviating: bool,
    passholder_share: Amount,
    organizer_share: Amount,
    municipality_share: Amount,
    distribution_key: String,
    /// The number of the note that this line corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<u32>,
    /// The earlier period that this late line belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    belongs_to: Option<NotePeriod>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NotePeriod {
    start_date: NaiveDate,
    end_date: NaiveDate,
}

fn euro(cents: i64) -> Amount {
    Amount(Euro::cents(cents))
}

fn print_line(line: NoteLine) -> PrintedLine {
    PrintedLine {
        sale_id: line.sale,
        date: line.day,
        municipality: format!("{} {}", line.postal_code, line.municipality),
        event_id: line.activity,
        event_title: line.title,
        regular_price_label: line.price_name,
        regular_price: euro(line.price),
        deviating: line.deviating,
        passholder_share: euro(line.passholder_share),
        organizer_share: euro(line.organizer_share),
        municipality_share: euro(line.municipality_share),
        distribution_key: line.key_name,
        corrects: line.corrects,
        belongs_to: line.late.map(|(start_date, end_date)| NotePeriod { start_date, end_date }),
    }
}

async fn print(app: &App, note: IssuedNote, lines: Option<Vec<Note>>) -> Answer<PrintedNote> {
    let (objection_reason, settlement_reason) = notes::reasons(app, &note).await?;
    let state = note.standing(day_in_belgium(app.now()));
    let sum = |of: fn(&NotePart) -> Euro| Amount(note.parts.0.iter().map(of).sum());
    let settlement = note.settled_at.zip(note.upheld);
    let settlement = settlement.map(|(at, upheld)| PrintedSettlement {
        date: instant(at),
        upheld,
        reason: settlement_reason,
    });
    let objection = note.objected_at.map(|at| PrintedObjection {
        date: instant(at),
        reason: objection_reason,
        sales: note.objection_sales.0.clone(),
        settlement,
    });
    Ok(PrintedNote {
        total: sum(|part| part.total),
        payable: sum(|part| part.payable),
        municipalities: note.parts.0.iter().map(print_part).collect(),
        organizer_id: note.counter,
        number: note.number,
        start_date: note.from_day,
        end_date: note.until_day,
        state,
        deadline: note.deadline,
        issue_date: instant(note.issued_at),
        position: note.pinned_position,
        head: note.head,
        rule_set: note.rule_set,
        digest: note.digest,
        objection,
        lines: lines.map(|of| of.into_iter().flat_map(|of| of.lines).map(print_line).collect()),
    })
}

fn print_part(part: &NotePart) -> PrintedPart {
    PrintedPart {
        postal_code: part.payer.postal_code.to_string(),
        name: part.payer.name.to_string(),
        lines: part.lines,
        total: Amount(part.total),
        deducted: Amount(part.deducted),
        payable: Amount(part.payable),
        digest: part.digest.to_string(),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedNotes {
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    #[param(schema_with = words::of::<Standing>)]
    state: Option<Standing>,
}

/// The notes that the caller may see, newest first; open, objected or approved ones.
#[utoipa::path(
    get,
    path = "/notes",
    params(AskedNotes),
    responses((status = 200, body = Vec<PrintedNote>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedNotes>,
) -> Answer<Json<Vec<PrintedNote>>> {
    let today = day_in_belgium(app.now());
    let mut printed = Vec::new();
    for note in notes::list(&app, &caller, &asked.organizer_id).await? {
        if asked.state.is_none_or(|state| note.standing(today) == state) {
            printed.push(print(&app, note, None).await?);
        }
    }
    Ok(Json(printed))
}

#[utoipa::path(
    get,
    path = "/counters/{id}/notes",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<PrintedNote>)),
    security(("token" = ["counter-admin"]))
)]
async fn list_of_counter(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
) -> Answer<Json<Vec<PrintedNote>>> {
    let mut printed = Vec::new();
    for note in notes::list(&app, &caller, &[counter]).await? {
        printed.push(print(&app, note, None).await?);
    }
    Ok(Json(printed))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewExpenseNote {
    #[schema(schema_with = words::day)]
    start_date: GivenDay,
    #[schema(schema_with = words::day)]
    end_date: GivenDay,
    /// The last day to answer; absent: 14 days from now.
    #[schema(schema_with = words::day)]
    deadline: Option<GivenDay>,
}

/// Issues a note over a wholly past period.
#[utoipa::path(
    post,
    path = "/counters/{id}/notes",
    params(("id" = String, Path)),
    request_body = NewExpenseNote,
    responses((status = 201, body = PrintedNote)),
    security(("token" = ["ksb-admin"]))
)]
async fn issue(
    State(app): State<App>,
    Id(counter): Id<CounterId>,
    Write { request, body }: Write<NewExpenseNote>,
) -> Answer<(StatusCode, Json<PrintedNote>)> {
    let new = NewNote {
        from: body.start_date.0,
        until: body.end_date.0,
        deadline: body.deadline.map(NaiveDate::from),
    };
    let issued = notes::issue(&app, &request, &counter, &new).await?;
    let note = notes::one(&app, &request.caller, &counter, issued.note).await?;
    Ok((StatusCode::CREATED, Json(print(&app, note, None).await?)))
}

/// A note with its lines, or with `.zip` its files.
#[utoipa::path(
    get,
    path = "/counters/{id}/notes/{note}",
    params(("id" = String, Path), ("note" = String, Path)),
    responses((status = 200, content((PrintedNote = "application/json"), (Vec<u8> = "application/x-zip-compressed")))),
    security(("token" = ["counter-admin"]))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Ids(counter, note): Ids<CounterId, String>,
) -> Answer<Response> {
    let (number, is_zip) = match note.strip_suffix(".zip") {
        Some(number) => (number, true),
        None => (note.as_str(), false),
    };
    let unknown = |_| Problem::from(uitpas_domain::counter::Refused::from(NoteRefused::Unknown));
    let number: u32 = number.parse().map_err(unknown)?;
    let note = notes::one(&app, &caller, &counter, number).await?;
    if is_zip {
        let name = format!("onkostennota-{counter}-{number}.zip");
        let zip = notes::files_of(&app, &counter, number).await?;
        return Ok(files::download(&name, files::ZIP, zip));
    }
    let lines = notes::notes_of(&app, &counter, number).await?;
    Ok(Json(print(&app, note, Some(lines)).await?).into_response())
}

#[utoipa::path(
    put,
    path = "/counters/{id}/notes/{note}/approval",
    params(("id" = String, Path), ("note" = u32, Path)),
    responses((status = 204)),
    security(("token" = ["counter-admin"]))
)]
async fn approve(
    State(app): State<App>,
    Ids(counter, note): Ids<CounterId, u32>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    notes::approve(&app, &request, &counter, note).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct NewObjection {
    #[schema(schema_with = words::text::<1000>)]
    reason: Reason,
    #[schema(value_type = Vec<Uuid>)]
    sales: BTreeSet<SaleId>,
}

#[utoipa::path(
    post,
    path = "/counters/{id}/notes/{note}/objection",
    params(("id" = String, Path), ("note" = u32, Path)),
    request_body = NewObjection,
    responses((status = 204)),
    security(("token" = ["counter-admin"]))
)]
async fn object(
    State(app): State<App>,
    Ids(counter, note): Ids<CounterId, u32>,
    Write { request, body }: Write<NewObjection>,
) -> Answer<StatusCode> {
    notes::object(&app, &request, &counter, note, &body.reason, &body.sales).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct NewSettlement {
    upheld: bool,
    #[schema(schema_with = words::text::<1000>)]
    reason: Reason,
}

#[utoipa::path(
    post,
    path = "/counters/{id}/notes/{note}/settlement",
    params(("id" = String, Path), ("note" = u32, Path)),
    request_body = NewSettlement,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn settle(
    State(app): State<App>,
    Ids(counter, note): Ids<CounterId, u32>,
    Write { request, body }: Write<NewSettlement>,
) -> Answer<StatusCode> {
    notes::settle(&app, &request, &counter, note, body.upheld, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

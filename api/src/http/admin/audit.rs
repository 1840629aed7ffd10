//! For the auditor: what happened to something, and how it stood as of a position or instant.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uitpas_domain::ids::{CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_store::Failed;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::audit::{self, AsOf, Between, Step, Subject};
use crate::actions::difference::Change;
use crate::actions::explain::{self, Expected};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Id, Ids, Query};
use crate::http::shapes::instant;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(of_passholder))
        .routes(routes!(of_group_pass))
        .routes(routes!(of_counter))
        .routes(routes!(of_card))
        .routes(routes!(of_note))
        .routes(routes!(of_line))
        .routes(routes!(explanation))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedMoment {
    /// A position, an instant, or a day in Brussels of which the end counts; absent: now.
    at: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedMoments {
    /// A position, an instant, or a day in Brussels of which the end counts; absent: now.
    at: Option<String>,
    /// Likewise: only what came after it, and what is different since.
    from: Option<String>,
}

/// A position, an instant or a day of the query.
fn as_of(name: &str, text: Option<&str>) -> Answer<Option<AsOf>> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|why: audit::InvalidAsOf| Problem::Query(name.to_owned(), why.to_string()))
}

#[derive(Serialize, ToSchema)]
struct History {
    /// Up to here the log was looked at.
    position: u64,
    /// After here, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    entries: Vec<HistoryEntry>,
    /// As the rules know it; what is personal in it is sealed.
    state: Value,
    /// What the state has otherwise than it had at `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    position: u64,
    /// When it was stored, and so known.
    recorded_at: DateTime<FixedOffset>,
    /// When it happened.
    at: Option<DateTime<FixedOffset>>,
    stream: String,
    sequence: u64,
    #[serde(rename = "type")]
    kind: String,
    payload: Value,
    /// Who did it, in which role, where, and by which command.
    metadata: Value,
    /// What it made different in the state of its stream, or of the note or line asked for.
    changes: Vec<Change>,
}

async fn history(
    app: &App,
    caller: &Caller,
    subject: &Subject,
    asked: &AskedMoments,
) -> Answer<Json<History>> {
    let at = as_of("at", asked.at.as_deref())?;
    let after = as_of("from", asked.from.as_deref())?;
    audit::demand_auditor(app, caller, subject).await?;
    let position = audit::position(app, at).await?;
    let from = match after {
        None => 0,
        after => audit::position(app, after).await?,
    };
    let Between { trail, changes, .. } = audit::between(app, subject, from, position).await?;
    let mut entries = Vec::with_capacity(trail.steps.len());
    for Step { entry, at, changes } in trail.steps {
        entries.push(HistoryEntry {
            position: entry.position,
            recorded_at: instant(entry.recorded_at),
            at: at.map(instant),
            stream: format!("{}/{}", entry.aggregate_type, entry.aggregate_id),
            sequence: entry.sequence,
            kind: entry.event_type,
            payload: serde_json::from_str(&entry.payload).map_err(Failed::new)?,
            metadata: serde_json::from_str(&entry.metadata).map_err(Failed::new)?,
            changes,
        });
    }
    let since = after.map(|_| from);
    let changes = since.map(|_| changes);
    Ok(Json(History { position, from: since, entries, state: trail.state, changes }))
}

#[utoipa::path(
    get,
    path = "/audit/passholders/{id}",
    params(("id" = Uuid, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_passholder(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PassholderId>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::Passholder(id), &asked).await
}

#[utoipa::path(
    get,
    path = "/audit/group-passes/{id}",
    params(("id" = Uuid, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_group_pass(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<GroupPassId>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::GroupPass(id), &asked).await
}

#[utoipa::path(
    get,
    path = "/audit/counters/{id}",
    params(("id" = String, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_counter(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CounterId>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::Counter(id), &asked).await
}

#[utoipa::path(
    get,
    path = "/audit/cards/{number}",
    params(("number" = String, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_card(
    State(app): State<App>,
    caller: Caller,
    Id(number): Id<CardNumber>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::Card(number), &asked).await
}

#[utoipa::path(
    get,
    path = "/audit/counters/{id}/notes/{note}",
    params(("id" = String, Path), ("note" = u32, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_note(
    State(app): State<App>,
    caller: Caller,
    Ids(id, note): Ids<CounterId, u32>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::Note(id, note), &asked).await
}

#[utoipa::path(
    get,
    path = "/audit/lines/{id}",
    params(("id" = Uuid, Path), AskedMoments),
    responses((status = 200, body = History)),
    security(("token" = ["ksb-admin"]))
)]
async fn of_line(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SaleId>,
    Query(asked): Query<AskedMoments>,
) -> Answer<Json<History>> {
    history(&app, &caller, &Subject::Line(id), &asked).await
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LineExplanation {
    position: u64,
    sold: String,
    key: String,
    amounts: Vec<String>,
    /// Whether the key, applied again, gives the amounts that were recorded.
    amounts_hold: bool,
    payer: String,
    lines: Vec<String>,
    /// Why it is not on a note, or on which it is.
    why_not: Vec<String>,
    chain: Vec<String>,
}

/// Why a line says what it says.
#[utoipa::path(
    get,
    path = "/audit/lines/{id}/explanation",
    params(("id" = Uuid, Path), AskedMoment),
    responses((status = 200, body = LineExplanation)),
    security(("token" = ["ksb-admin"]))
)]
async fn explanation(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SaleId>,
    Query(asked): Query<AskedMoment>,
) -> Answer<Json<LineExplanation>> {
    let at = as_of("at", asked.at.as_deref())?;
    audit::demand_auditor(&app, &caller, &Subject::Line(id)).await?;
    let position = audit::position(&app, at).await?;
    let told = explain::explain(&app, id, position).await?;
    Ok(Json(LineExplanation {
        position,
        sold: told.sold,
        key: told.key,
        amounts: told.amounts,
        amounts_hold: told.amounts_hold,
        payer: told.payer,
        lines: told.lines,
        why_not: explain::why_not(&app, id, &Expected::default(), position).await?,
        chain: told.chain,
    }))
}

//! Insight of a region over a period.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize, Serializer};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::insight::Shown;
use utoipa::openapi::schema::{ObjectBuilder, OneOf, OneOfBuilder};
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::insight;
use crate::app::App;
use crate::auth::Caller;
use crate::http::csv::{self, Cell, Columns};
use crate::http::extract::{Id, Query, wants_csv};
use crate::http::shapes::{Amount, GivenDay};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedInsight {
    #[param(schema_with = words::day)]
    from: GivenDay,
    /// Inclusive; the passholders are those of this day.
    #[param(schema_with = words::day)]
    until: GivenDay,
}

#[derive(Serialize, ToSchema)]
struct Insight {
    from: NaiveDate,
    until: NaiveDate,
    rows: Vec<InsightRow>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InsightRow {
    /// `municipality`, `age`, `status`, or `all`.
    dimension: &'static str,
    part: String,
    passholders: ShownCount,
    /// Passholders who saved a point in the period.
    participants: ShownCount,
    checkins: ShownCount,
    tickets: ShownCount,
    rewards: ShownCount,
    /// What the municipalities pay of the tickets; left out where it would tell of few.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Amount>,
}

impl From<insight::Row> for InsightRow {
    fn from(row: insight::Row) -> Self {
        Self {
            dimension: row.dimension,
            part: row.part,
            passholders: ShownCount(row.passholders),
            participants: ShownCount(row.participants),
            checkins: ShownCount(row.check_ins),
            tickets: ShownCount(row.tickets),
            rewards: ShownCount(row.rewards),
            cost: row.cost.map(Amount),
        }
    }
}

/// A number, or `<5`, or `>=5` where the number itself would give away a small one.
pub struct ShownCount(pub Shown);

impl Serialize for ShownCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Shown::Exactly(count) => serializer.serialize_u64(count),
            Shown::Few | Shown::Many => serializer.collect_str(&self.0),
        }
    }
}

impl PartialSchema for ShownCount {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["<5", ">=5"]));
        let either: OneOf = OneOfBuilder::new().item(number).item(words).build();
        RefOr::T(Schema::OneOf(either))
    }
}

impl ToSchema for ShownCount {}

impl Columns for insight::Row {
    const NAMES: &'static [&'static str] = &[
        "dimension",
        "part",
        "passholders",
        "participants",
        "checkins",
        "tickets",
        "rewards",
        "cost",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::plain(self.dimension),
            Cell::text(&self.part),
            // `<5` is a text for every spreadsheet.
            Cell::plain(self.passholders),
            Cell::plain(self.participants),
            Cell::plain(self.check_ins),
            Cell::plain(self.tickets),
            Cell::plain(self.rewards),
            Cell::or_empty(self.cost),
        ]
    }
}

/// Passholders by municipality, age band and status, with what they did in the period. Counts from 1
/// to 4 show as `<5`; where the total would tell such a count, another part is hidden too. With
/// `Accept: text/csv` as a file.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/insight",
    params(("id" = u32, Path), AskedInsight),
    responses((status = 200, content((Insight = "application/json"), (String = "text/csv")))),
    security(("token" = ["ksb-admin"]))
)]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
    headers: HeaderMap,
    Query(asked): Query<AskedInsight>,
) -> Answer<Response> {
    let (from, until) = (asked.from.0, asked.until.0);
    let rows = insight::of_region(&app, &caller, id, (from, until)).await?;
    if wants_csv(&headers) {
        return csv::list(rows);
    }
    let rows = rows.into_iter().map(InsightRow::from).collect();
    Ok(Json(Insight { from, until, rows }).into_response())
}

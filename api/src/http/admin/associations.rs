//! Associations: what a KSB lays down about them, and which memberships are about to end.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::association::{Definition, EndRule};
use uitpas_domain::ids::{AssociationId, CardSystemId, CounterId};
use uitpas_domain::values::text::Text;
use uitpas_projections::associations as view;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::associations;
use crate::app::App;
use crate::auth::Caller;
use crate::http::associations::end_date_type;
use crate::http::extract::{Id, Write};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(define))
        .routes(routes!(change))
        .routes(routes!(list))
        .routes(routes!(ending))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewAssociation {
    #[schema(schema_with = words::text::<200>)]
    name: Text<200>,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    end_rule: GivenRule,
    /// Counters that see the memberships.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    readers: BTreeSet<CounterId>,
    /// Counters that see, grant, renew and stop them.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    registrars: BTreeSet<CounterId>,
}

/// How the end date of a membership is found.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "type")]
enum GivenRule {
    ByHand,
    MonthsFromRegistration { months: u16 },
    DayBeforeBirthday { age: u16 },
}

impl From<GivenRule> for EndRule {
    fn from(rule: GivenRule) -> Self {
        match rule {
            GivenRule::ByHand => EndRule::ByHand,
            GivenRule::MonthsFromRegistration { months } => EndRule::MonthsFromRegistration(months),
            GivenRule::DayBeforeBirthday { age } => EndRule::DayBeforeBirthday(age),
        }
    }
}

impl From<NewAssociation> for Definition {
    fn from(new: NewAssociation) -> Self {
        Self {
            name: new.name,
            owner: new.card_system_id,
            end_rule: new.end_rule.into(),
            readers: new.readers,
            registrars: new.registrars,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct DefinedAssociation {
    #[schema(value_type = Uuid)]
    id: AssociationId,
}

#[utoipa::path(
    post,
    path = "/associations",
    request_body = NewAssociation,
    responses((status = 201, body = DefinedAssociation)),
    security(("token" = ["ksb-admin"]))
)]
async fn define(
    State(app): State<App>,
    Write { request, body }: Write<NewAssociation>,
) -> Answer<(StatusCode, Json<DefinedAssociation>)> {
    let id = associations::define(&app, &request, &body.into()).await?;
    Ok((StatusCode::CREATED, Json(DefinedAssociation { id })))
}

/// The memberships that were granted keep their end.
#[utoipa::path(
    put,
    path = "/associations/{id}",
    params(("id" = Uuid, Path)),
    request_body = NewAssociation,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<AssociationId>,
    Write { request, body }: Write<NewAssociation>,
) -> Answer<StatusCode> {
    associations::change(&app, &request, id, &body.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedAssociation {
    id: Uuid,
    name: String,
    /// `CUSTOM`, `BASED_ON_DATE_OF_BIRTH` or `BASED_ON_REGISTRATION_DATE`.
    end_date_type: &'static str,
    readers: Vec<String>,
    registrars: Vec<String>,
}

impl From<view::Association> for ListedAssociation {
    fn from(row: view::Association) -> Self {
        Self {
            id: row.id,
            name: row.name,
            end_date_type: end_date_type(row.definition.0.end_rule),
            readers: row.readers,
            registrars: row.registrars,
        }
    }
}

#[utoipa::path(
    get,
    path = "/card-systems/{id}/associations",
    params(("id" = u32, Path)),
    responses((status = 200, body = Vec<ListedAssociation>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(owner): Id<CardSystemId>,
) -> Answer<Json<Vec<ListedAssociation>>> {
    let all = associations::of_card_system(&app, &caller, owner).await?;
    Ok(Json(all.into_iter().map(ListedAssociation::from).collect()))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EndingMembership {
    passholder_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    association_id: Uuid,
    association: String,
    #[schema(schema_with = words::day)]
    end_date: NaiveDate,
}

/// Those that end within a month, the first one first: whoever carries one may be told at the
/// counter (R-ASC-01).
#[utoipa::path(
    get,
    path = "/counters/{id}/ending-association-memberships",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<EndingMembership>)),
    security(("token" = ["staff"]))
)]
async fn ending(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
) -> Answer<Json<Vec<EndingMembership>>> {
    let ending = associations::ending(&app, &caller, &counter).await?;
    Ok(Json(
        ending
            .into_iter()
            .map(|(row, known)| {
                let details = known.details.as_ref();
                EndingMembership {
                    passholder_id: row.passholder,
                    first_name: details.map(|details| details.first_name.to_string()),
                    name: details.map(|details| details.name.to_string()),
                    uitpas_number: known.holder.current_card().map(|card| card.to_string()),
                    association_id: row.association,
                    association: row.name,
                    end_date: row.until_day,
                }
            })
            .collect(),
    ))
}

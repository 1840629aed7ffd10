//! Associations, and the memberships of them: `/associations` and
//! `/passholders/{id}/association-memberships`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::association::EndRule;
use uitpas_domain::ids::{AssociationId, CounterId, PassholderId};
use uitpas_projections::Paging;
use uitpas_projections::associations::{self as view, Right};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Ids, Query, Write};
use super::shapes::{GivenDay, Page};
use super::words;
use crate::actions::associations::{self, Standing};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(of_passholder, join))
        .routes(routes!(leave))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Association {
    #[schema(value_type = Uuid)]
    id: AssociationId,
    name: String,
    /// `CUSTOM`, `BASED_ON_DATE_OF_BIRTH` or `BASED_ON_REGISTRATION_DATE`.
    end_date_type: &'static str,
}

impl From<&view::Association> for Association {
    fn from(row: &view::Association) -> Self {
        Self {
            id: row.id(),
            name: row.name.clone(),
            end_date_type: end_date_type(row.definition.0.end_rule),
        }
    }
}

pub fn end_date_type(rule: EndRule) -> &'static str {
    match rule {
        EndRule::ByHand => "CUSTOM",
        EndRule::MonthsFromRegistration(_) => "BASED_ON_REGISTRATION_DATE",
        EndRule::DayBeforeBirthday(_) => "BASED_ON_DATE_OF_BIRTH",
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(value_type = String)]
    organizer_id: CounterId,
    /// What the counter may do with it.
    #[param(inline)]
    permission: Permission,
}

#[derive(Deserialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Permission {
    Read,
    Write,
}

/// Those that a counter sees, or whose memberships it grants, by name.
#[utoipa::path(
    get,
    path = "/associations",
    params(Asked),
    responses((status = 200, body = Page<Association>)),
    security(("token" = ["ASSOCIATIONS"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<Association>>> {
    let right = match asked.permission {
        Permission::Read => Right::See,
        Permission::Write => Right::Register,
    };
    let all = associations::of_counter(&app, &caller, &asked.organizer_id, right).await?;
    let paging = Paging { start: 0, limit: i64::MAX };
    Ok(Json(Page::cut(all, paging, |row| Association::from(&row))))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AtCounter {
    /// The counter that asks.
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
    /// The old spelling of `organizerId`.
    #[param(value_type = Option<String>)]
    organiser_id: Option<CounterId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AssociationMembership {
    association: Association,
    /// `ACTIVE`, `EXPIRED`, or `NONE` for one that the counter may grant.
    status: &'static str,
    /// The last day, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    end_date: Option<NaiveDate>,
    renewable: bool,
    /// What may be filled in, where the end date is said by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    new_end_date: Option<NaiveDate>,
    /// Beyond the contract: it ends within a month (R-ASC-01).
    ends_soon: bool,
}

impl From<Standing> for AssociationMembership {
    fn from(standing: Standing) -> Self {
        Self {
            association: Association::from(&standing.association),
            status: match (standing.until, standing.is_over) {
                (None, _) => "NONE",
                (Some(_), false) => "ACTIVE",
                (Some(_), true) => "EXPIRED",
            },
            end_date: standing.until,
            renewable: standing.renewable,
            new_end_date: standing.proposal,
            ends_soon: standing.ends_soon,
        }
    }
}

/// Of the associations that the counter sees: what there is, and what it may grant.
#[utoipa::path(
    get,
    path = "/passholders/{id}/association-memberships",
    params(("id" = Uuid, Path), AtCounter),
    responses((status = 200, body = Vec<AssociationMembership>)),
    security(("token" = ["ASSOCIATIONS"]))
)]
async fn of_passholder(
    State(app): State<App>,
    caller: Caller,
    Id(passholder): Id<PassholderId>,
    Query(asked): Query<AtCounter>,
) -> Answer<Json<Vec<AssociationMembership>>> {
    let counter = asked.organizer_id.or(asked.organiser_id);
    let counter =
        counter.ok_or_else(|| Problem::Query("organizerId".to_owned(), REQUIRED.to_owned()))?;
    let all = associations::of_passholder(&app, &caller, &counter, passholder).await?;
    Ok(Json(all.into_iter().map(AssociationMembership::from).collect()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct ByCounter {
    /// The counter that acts.
    #[param(value_type = String)]
    organizer_id: CounterId,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewAssociationMembership {
    association: ChosenAssociation,
    /// The last day; only where it is said by hand.
    #[schema(schema_with = words::optional::day)]
    end_date: Option<GivenDay>,
}

#[derive(Deserialize, ToSchema)]
struct ChosenAssociation {
    id: String,
}

/// A membership that is there already is renewed.
#[utoipa::path(
    post,
    path = "/passholders/{id}/association-memberships",
    params(("id" = Uuid, Path), ByCounter),
    request_body = NewAssociationMembership,
    responses((status = 201)),
    security(("token" = ["ASSOCIATIONS"]))
)]
async fn join(
    State(app): State<App>,
    // Who calls comes before what is wrong with the address.
    _: Caller,
    Id(passholder): Id<PassholderId>,
    Query(by): Query<ByCounter>,
    Write { request, body }: Write<NewAssociationMembership>,
) -> Answer<StatusCode> {
    let association = body.association.id.parse().map_err(|_| Problem::AssociationNotFound)?;
    let (of, until) = ((passholder, association), body.end_date.map(|day| day.0));
    associations::join(&app, &request, &by.organizer_id, of, until).await?;
    Ok(StatusCode::CREATED)
}

#[utoipa::path(
    delete,
    path = "/passholders/{id}/association-memberships/{association}",
    params(("id" = Uuid, Path), ("association" = Uuid, Path), ByCounter),
    responses((status = 204)),
    security(("token" = ["ASSOCIATIONS"]))
)]
async fn leave(
    State(app): State<App>,
    Ids(passholder, association): Ids<PassholderId, AssociationId>,
    Bare(request): Bare,
    Query(by): Query<ByCounter>,
) -> Answer<StatusCode> {
    associations::leave(&app, &request, &by.organizer_id, (passholder, association)).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Taking up new organizers, in steps (R-CTR-07).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use uitpas_domain::counter::onboarding::{Open, Step};
use uitpas_domain::ids::CounterId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::counters;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, Ids};
use crate::http::shapes::OrganizerRef;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(complete, reopen))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizerOnboarding {
    organizer: OrganizerRef,
    /// In the order in which they are usually taken. `first-admin`, `iban`, `permissions` and
    /// `distribution-key` are done when that is set; the others when somebody says so.
    open_steps: Vec<String>,
}

fn name(open: Open) -> String {
    match open {
        Open::Step(step) => step.to_string(),
        Open::FirstAdmin => "first-admin".to_owned(),
        Open::Iban => "iban".to_owned(),
        Open::Permissions => "permissions".to_owned(),
        Open::DistributionKey => "distribution-key".to_owned(),
    }
}

/// The organizers of the caller's card systems with steps that are yet to be taken, by name.
#[utoipa::path(get, path = "/onboarding", responses((status = 200, body = Vec<OrganizerOnboarding>)))]
async fn list(State(app): State<App>, caller: Caller) -> Answer<Json<Vec<OrganizerOnboarding>>> {
    let listed = counters::with_open_steps(&app, &caller).await?.into_iter();
    let listed = listed.map(|(id, counter_name, open)| OrganizerOnboarding {
        organizer: OrganizerRef { id, name: Some(counter_name) },
        open_steps: open.into_iter().map(name).collect(),
    });
    Ok(Json(listed.collect()))
}

/// A step is taken.
#[utoipa::path(
    put,
    path = "/counters/{id}/onboarding/{step}",
    params(("id" = String, Path), ("step" = String, Path)),
    responses((status = 204))
)]
async fn complete(
    State(app): State<App>,
    // Who calls comes before what is wrong with the address.
    _: Caller,
    Ids(id, step): Ids<CounterId, Step>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    counters::set_step(&app, &request, &id, step, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// It was not taken after all.
#[utoipa::path(
    delete,
    path = "/counters/{id}/onboarding/{step}",
    params(("id" = String, Path), ("step" = String, Path)),
    responses((status = 204))
)]
async fn reopen(
    State(app): State<App>,
    // Who calls comes before what is wrong with the address.
    _: Caller,
    Ids(id, step): Ids<CounterId, Step>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    counters::set_step(&app, &request, &id, step, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

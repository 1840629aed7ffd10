//! Clients: which there are, and what each may do at which counters.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use uitpas_domain::ids::SubjectId;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::clients;
use crate::app::App;
use crate::http::extract::{Id, Write};
use crate::http::permissions::{GivenPermissions, given};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register))
}

#[derive(Deserialize, ToSchema)]
struct NewClient {
    #[schema(schema_with = words::text::<120>)]
    name: Text<120>,
    /// All that it may do, in place of what it could.
    #[serde(default)]
    permissions: Vec<GivenPermissions>,
}

/// Makes a client known, or lays down anew what it may do: by the system owner, or by the KSB of every
/// counter that it works for or worked for.
#[utoipa::path(
    put,
    path = "/clients/{id}",
    params(("id" = String, Path)),
    request_body = NewClient,
    responses((status = 204))
)]
async fn register(
    State(app): State<App>,
    Id(id): Id<SubjectId>,
    Write { request, body }: Write<NewClient>,
) -> Answer<StatusCode> {
    clients::register(&app, &request, &id, &body.name, &given(body.permissions)).await?;
    Ok(StatusCode::NO_CONTENT)
}

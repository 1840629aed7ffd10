//! The staff of an organizer, by e-mail address: `/organizers/{id}/admins` (R-CTR-02).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uitpas_domain::counter::StaffKind;
use uitpas_domain::ids::{CounterId, SubjectId};
use uitpas_domain::values::contact::Email;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Ids, Query, Write, paging};
use super::shapes::Page;
use crate::actions::{accounts, counters};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

#[derive(Deserialize, Serialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum AdminType {
    Member,
    Admin,
}

impl From<AdminType> for StaffKind {
    fn from(given: AdminType) -> Self {
        match given {
            AdminType::Member => StaffKind::Member,
            AdminType::Admin => StaffKind::Admin,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedAdmins {
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizerAdmin {
    #[schema(value_type = String)]
    user_id: SubjectId,
    /// Absent for whoever has not logged in since he was appointed by his user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(rename = "type")]
    kind: AdminType,
}

/// Admins first.
#[utoipa::path(
    get,
    path = "/organizers/{organizerId}/admins",
    params(("organizerId" = String, Path), AskedAdmins),
    responses((status = 200, body = Page<OrganizerAdmin>))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CounterId>,
    Query(asked): Query<AskedAdmins>,
) -> Answer<Json<Page<OrganizerAdmin>>> {
    let paging = paging(asked.start, asked.limit)?;
    if caller.kind != Kind::SystemOwner {
        app.authority_at(&caller, &id).await?;
    }
    let staff = counters::staff(&app, &id).await?;
    let page = Page::cut(staff, paging, |person| person);
    let mut member = Vec::with_capacity(page.member.len());
    for (user_id, kind) in page.member {
        let email = accounts::email_of(&app, &user_id).await?;
        let kind = match kind {
            StaffKind::Member => AdminType::Member,
            StaffKind::Admin => AdminType::Admin,
        };
        member.push(OrganizerAdmin { user_id, email: email.map(String::from), kind });
    }
    Ok(Json(Page { total_items: page.total_items, member }))
}

#[derive(Deserialize, ToSchema)]
struct NewAdmin {
    /// Of a UiTID that has logged in once.
    #[schema(value_type = String)]
    email: Email,
    #[serde(rename = "type")]
    kind: AdminType,
}

/// An admin of the counter appoints members; only the KSB appoints admins.
#[utoipa::path(
    post,
    path = "/organizers/{organizerId}/admins",
    params(("organizerId" = String, Path)),
    request_body = NewAdmin,
    responses((status = 201, body = OrganizerAdmin), (status = 429))
)]
async fn add(
    State(app): State<App>,
    Id(id): Id<CounterId>,
    Write { request, body }: Write<NewAdmin>,
) -> Answer<(StatusCode, Json<OrganizerAdmin>)> {
    app.guesses.count(&request.caller)?;
    let user_id =
        counters::add_by_email(&app, &request, &id, &body.email, body.kind.into()).await?;
    let email = Some(body.email.into());
    Ok((StatusCode::CREATED, Json(OrganizerAdmin { user_id, email, kind: body.kind })))
}

#[utoipa::path(
    delete,
    path = "/organizers/{organizerId}/admins/{adminUserId}",
    params(("organizerId" = String, Path), ("adminUserId" = String, Path)),
    responses((status = 204))
)]
async fn remove(
    State(app): State<App>,
    Ids(id, subject): Ids<CounterId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    counters::remove_staff(&app, &request, &id, &subject).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Families: `/passholders/{id}/family-members` and `/families` (R-FAM-01).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::family::Icon;
use uitpas_domain::values::card_number::CardNumber;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Ids, Whom, Write};
use super::shapes::{GivenDay, instant};
use super::uitid::{TOKEN, given_token};
use super::words;
use crate::actions::families::{self, Added, Family, Listed};
use crate::actions::uitid;
use crate::app::App;
use crate::auth::Someone;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change_icon, end))
        .routes(routes!(of_others))
}

/// What one may see of one's family: no more than it takes to tell them apart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FamilyPassholder {
    #[schema(value_type = Uuid)]
    id: PassholderId,
    name: String,
    first_name: String,
    date_of_birth: NaiveDate,
    address: Residence,
    points: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Residence {
    postal_code: String,
    city: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FamilyMember {
    /// Absent between a blocked card and the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    passholder: FamilyPassholder,
    creation_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    main_family_member: bool,
}

/// Whose family it is comes first.
#[utoipa::path(
    get,
    path = "/passholders/{id}/family-members",
    params(("id" = String, Path, description = "An id, or `me`.")),
    responses((status = 200, body = Vec<FamilyMember>)),
    security(("token" = ["PASSHOLDERS_FAMILY_MEMBERS"]))
)]
async fn list(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
) -> Answer<Json<Vec<FamilyMember>>> {
    let listed = families::of(&app, &someone, whom.of(&someone)?).await?;
    Ok(Json(listed.into_iter().filter_map(print).collect()))
}

/// Absent where the details can no longer be read.
fn print(listed: Listed) -> Option<FamilyMember> {
    let Listed { known, icon, since, is_main } = listed;
    let details = known.details?;
    let address = details.address;
    Some(FamilyMember {
        uitpas_number: known.holder.current_card().map(|card| card.to_string()),
        passholder: FamilyPassholder {
            id: known.id,
            name: details.name.to_string(),
            first_name: details.first_name.to_string(),
            date_of_birth: details.birth_date,
            address: Residence {
                postal_code: address.postal_code.to_string(),
                city: address.city.to_string(),
            },
            points: known.holder.points,
        },
        creation_date: instant(since),
        icon: icon.map(|icon| icon.to_string()),
        main_family_member: is_main,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewFamilyMember {
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    /// Beyond the contract: of the new member; needless with his registration token, and for staff.
    #[schema(schema_with = words::optional::day)]
    date_of_birth: Option<GivenDay>,
    #[schema(schema_with = words::optional::text::<300>)]
    icon: Option<Icon>,
}

/// By number, and date of birth or registration token. Which of the two is wrong is not told.
#[utoipa::path(
    post,
    path = "/passholders/{id}/family-members",
    params(
        ("id" = String, Path, description = "An id, or `me`."),
        ("x-registration-token" = Option<String>, Header, description = "Of the new member.")
    ),
    request_body = NewFamilyMember,
    responses((status = 201), (status = 429)),
    security(("token" = ["PASSHOLDERS_FAMILY_MEMBERS"]))
)]
async fn add(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
    headers: HeaderMap,
    Write { request, body }: Write<NewFamilyMember>,
) -> Answer<StatusCode> {
    let token = headers.contains_key(TOKEN).then(|| given_token(&headers)).transpose()?;
    let added = Added {
        card: body.uitpas_number,
        birth_date: body.date_of_birth.map(NaiveDate::from),
        shown: token.map(|token| uitid::holder_of(&app, token)).transpose()?,
        icon: body.icon,
    };
    families::add(&app, &request, &someone, whom.of(&someone)?, &added).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize, ToSchema)]
struct ChangedFamilyMember {
    /// Absent: none.
    #[schema(schema_with = words::optional::text::<300>)]
    icon: Option<Icon>,
}

#[utoipa::path(
    put,
    path = "/passholders/{id}/family-members/{member}",
    params(
        ("id" = String, Path, description = "An id, or `me`."),
        ("member" = String, Path)
    ),
    request_body = ChangedFamilyMember,
    responses((status = 202)),
    security(("token" = ["PASSHOLDERS_FAMILY_MEMBERS"]))
)]
async fn change_icon(
    State(app): State<App>,
    someone: Someone,
    Ids(whom, member): Ids<Whom, PassholderId>,
    Write { request, body }: Write<ChangedFamilyMember>,
) -> Answer<StatusCode> {
    let (id, icon) = (whom.of(&someone)?, body.icon.as_ref());
    families::change_icon(&app, &request, &someone, id, member, icon).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Either side ends it.
#[utoipa::path(
    delete,
    path = "/passholders/{id}/family-members/{member}",
    params(
        ("id" = String, Path, description = "An id, or `me`."),
        ("member" = String, Path, description = "An id, or `me`.")
    ),
    responses((status = 202)),
    security(("token" = ["PASSHOLDERS_FAMILY_MEMBERS"]))
)]
async fn end(
    State(app): State<App>,
    someone: Someone,
    Ids(whom, member): Ids<Whom, Whom>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let (id, member) = (whom.of(&someone)?, member.of(&someone)?);
    families::end(&app, &request, &someone, id, member).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A family that somebody was added to, by the one whose it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OtherFamily {
    name: String,
    first_name: String,
    #[schema(value_type = Uuid)]
    passholder_id: PassholderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    member_since: DateTime<FixedOffset>,
}

/// Who may save points for this passholder; his own family is none of these.
#[utoipa::path(
    get,
    path = "/passholders/{id}/families",
    params(("id" = String, Path, description = "An id, or `me`.")),
    responses((status = 200, body = Vec<OtherFamily>)),
    security(("token" = ["PASSHOLDERS_FAMILY_MEMBERS"]))
)]
async fn of_others(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
) -> Answer<Json<Vec<OtherFamily>>> {
    let families = families::with(&app, &someone, whom.of(&someone)?).await?;
    let print = |Family { main, since }: Family| {
        let details = main.details?;
        Some(OtherFamily {
            name: details.name.to_string(),
            first_name: details.first_name.to_string(),
            passholder_id: main.id,
            email: details.email.map(|email| email.to_string()),
            member_since: instant(since),
        })
    };
    Ok(Json(families.into_iter().filter_map(print).collect()))
}

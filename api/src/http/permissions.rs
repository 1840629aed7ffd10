//! `GET /permissions`: at which counters the caller has a role, and what he may do there.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use uitpas_domain::counter::{Authority, Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::metadata::Role;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(permissions))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizerPermissions {
    organizer: Organizer,
    permissions: Vec<&'static str>,
    permission_details: Vec<PermissionDetail>,
    #[schema(value_type = Vec<Object>)]
    linked_organizers: Vec<()>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Organizer {
    #[schema(value_type = String)]
    id: CounterId,
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PermissionDetail {
    id: &'static str,
    label: Label,
    #[schema(value_type = Vec<u32>)]
    card_system_ids: Vec<CardSystemId>,
}

#[derive(Serialize, ToSchema)]
struct Label {
    nl: &'static str,
}

/// Permissions of the contract, the task they stand for, and their name at the counter.
const OF_TASKS: [(&str, Task, &str); 18] = [
    ("PASSES_READ", Task::Identify, "UiTPAS inlezen"),
    ("CHECKINS_READ", Task::CheckIn, "Gespaarde punten bekijken"),
    ("CHECKINS_WRITE", Task::CheckIn, "Punten sparen"),
    ("TARIFFS_READ", Task::GrantTariff, "Tarieven bekijken"),
    ("TICKETSALES_REGISTER", Task::GrantTariff, "Tarieven toekennen"),
    ("TICKETSALES_SEARCH", Task::GrantTariff, "Toegekende tarieven bekijken"),
    ("REWARDS_READ", Task::Redeem, "Voordelen bekijken"),
    ("REWARDS_REDEEM", Task::Redeem, "Voordelen omruilen"),
    ("PASSHOLDERS_SEARCH_BY_ID", Task::Identify, "Pashouders opzoeken met een nummer"),
    ("GROUPPASSES_SEARCH", Task::Identify, "Groepspassen opzoeken"),
    ("PASSHOLDER_COUPONS_READ", Task::GrantTariff, "Kortingsbonnen bekijken"),
    ("GROUPPASS_COUPONS_READ", Task::GrantTariff, "Kortingsbonnen van groepspassen bekijken"),
    ("PASSHOLDERS_SEARCH", Task::Search, "Pashouders zoeken"),
    ("PASSHOLDERS_WRITE", Task::Register, "Pashouders registreren"),
    ("PASSHOLDERS_UPDATE", Task::Edit, "Pashouders bewerken"),
    ("MEMBERSHIP_PRICES_READ", Task::Register, "Prijzen bekijken"),
    ("CARDS_READ", Task::Register, "Kaarten bekijken"),
    ("PASSHOLDERS_WRITE_SOCIALTARIFF", Task::SocialStatus, "Kansenstatuut beheren"),
];

#[utoipa::path(
    get,
    path = "/permissions",
    responses((status = 200, body = Vec<OrganizerPermissions>))
)]
async fn permissions(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Json<Vec<OrganizerPermissions>>> {
    let mut all = Vec::new();
    for (id, counter, by) in app.authorities(&caller).await? {
        all.push(print(id, &counter, &by));
    }
    Ok(Json(all))
}

fn print(id: CounterId, counter: &Counter, by: &Authority) -> OrganizerPermissions {
    let systems = counter.card_systems();
    let mut details: Vec<PermissionDetail> = OF_TASKS
        .iter()
        .filter_map(|(permission, task, nl)| {
            let may = |system: &&CardSystemId| by.may_in(**system, *task);
            let card_system_ids: Vec<_> = systems.iter().filter(may).copied().collect();
            let label = Label { nl };
            (!card_system_ids.is_empty()).then_some(PermissionDetail {
                id: permission,
                label,
                card_system_ids,
            })
        })
        .collect();
    if matches!(by.role, Role::CounterAdmin | Role::Ksb | Role::Client) {
        details.push(PermissionDetail {
            id: "ORGANIZERS_REPORTS",
            label: Label { nl: "Onkostennota's maken" },
            card_system_ids: systems,
        });
    }
    let name = counter.profile.as_ref().map(|profile| profile.name.to_string());
    OrganizerPermissions {
        organizer: Organizer { id, name: name.unwrap_or_default() },
        permissions: details.iter().map(|detail| detail.id).collect(),
        permission_details: details,
        linked_organizers: vec![],
    }
}

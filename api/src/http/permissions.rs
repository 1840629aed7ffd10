//! `/permissions`: at which counters the caller has a role, and what he may do there; and what a
//! client may do.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use uitpas_domain::client::Permissions;
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{CardSystemId, CounterId, SubjectId};
use uitpas_domain::permission::Permission;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Write};
use super::organizers::OrganizerAddress;
use super::passholders::GivenOrganizer;
use super::words;
use crate::actions::clients;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(permissions)).routes(routes!(of_client, set_of_client))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizerPermissions {
    organizer: Organizer,
    #[schema(schema_with = words::list_of::<Permission>)]
    permissions: Vec<Permission>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<OrganizerAddress>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PermissionDetail {
    #[schema(schema_with = words::of::<Permission>)]
    id: Permission,
    label: Label,
    #[schema(value_type = Vec<u32>)]
    card_system_ids: Vec<CardSystemId>,
}

#[derive(Serialize, ToSchema)]
struct Label {
    nl: &'static str,
}

/// A person has what his counter and the card systems that he administers give him; a client, what it
/// was given.
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
    if let Some(client) = caller.client() {
        for (id, held) in clients::held(&app, &client).await? {
            all.extend(print_held(&app, id, &held).await?);
        }
        return Ok(Json(all));
    }
    for (id, counter, by) in app.authorities(&caller).await? {
        all.push(print(id, &counter, &by));
    }
    Ok(Json(all))
}

fn print(id: CounterId, counter: &Counter, by: &Authority) -> OrganizerPermissions {
    let systems = counter.card_systems();
    let details = Permission::iter().filter_map(|permission| {
        let holds = |system: &&CardSystemId| by.holds_in(**system, permission);
        let card_system_ids: Vec<_> = systems.iter().filter(holds).copied().collect();
        (!card_system_ids.is_empty()).then(|| detail(permission, card_system_ids))
    });
    of_organizer(id, counter, details.collect())
}

/// What a client holds at a counter; absent where there is no such counter.
async fn print_held(
    app: &App,
    id: CounterId,
    held: &BTreeSet<Permission>,
) -> Answer<Option<OrganizerPermissions>> {
    let counter = app.store.load::<Counter>(&id).await?;
    let systems = counter.state.card_systems();
    let details = held.iter().map(|permission| detail(*permission, systems.clone())).collect();
    Ok(counter.exists().then(|| of_organizer(id, &counter.state, details)))
}

fn detail(id: Permission, card_system_ids: Vec<CardSystemId>) -> PermissionDetail {
    PermissionDetail { id, label: Label { nl: label(id) }, card_system_ids }
}

fn of_organizer(
    id: CounterId,
    counter: &Counter,
    details: Vec<PermissionDetail>,
) -> OrganizerPermissions {
    let profile = counter.profile.as_ref();
    let name = profile.map(|profile| profile.name.to_string()).unwrap_or_default();
    let address = profile.map(|profile| OrganizerAddress::of(&profile.address));
    OrganizerPermissions {
        organizer: Organizer { id, name, address },
        permissions: details.iter().map(|detail| detail.id).collect(),
        permission_details: details,
        linked_organizers: vec![],
    }
}

/// What another client may do, at the counters where the one that calls may see it.
#[utoipa::path(
    get,
    path = "/permissions/{clientId}",
    params(("clientId" = String, Path)),
    responses((status = 200, body = Vec<OrganizerPermissions>))
)]
async fn of_client(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubjectId>,
) -> Answer<Json<Vec<OrganizerPermissions>>> {
    let mut all = Vec::new();
    for (counter, held) in clients::permissions_for(&app, &caller, &id).await? {
        all.extend(print_held(&app, counter, &held).await?);
    }
    Ok(Json(all))
}

/// What a client may do at one organizer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenPermissions {
    organizer: GivenOrganizer,
    #[serde(default)]
    permission_details: Vec<GivenPermission>,
}

#[derive(Deserialize, ToSchema)]
struct GivenPermission {
    #[schema(schema_with = words::of::<Permission>)]
    id: Permission,
}

/// By counter; who is named twice has both.
pub fn given(list: Vec<GivenPermissions>) -> Permissions {
    let mut permissions = Permissions::new();
    for GivenPermissions { organizer, permission_details } in list {
        let ids = permission_details.into_iter().map(|detail| detail.id);
        permissions.entry(organizer.id).or_default().extend(ids);
    }
    permissions
}

/// All that a client may do, in place of what it could. The one that calls holds `PERMISSIONS_WRITE`
/// at every counter concerned, those that are left out included.
#[utoipa::path(
    put,
    path = "/permissions/{clientId}",
    params(("clientId" = String, Path)),
    request_body = Vec<GivenPermissions>,
    responses((status = 204))
)]
async fn set_of_client(
    State(app): State<App>,
    Id(id): Id<SubjectId>,
    Write { request, body }: Write<Vec<GivenPermissions>>,
) -> Answer<StatusCode> {
    clients::set_permissions(&app, &request, &id, &given(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a permission is called at the counter.
fn label(permission: Permission) -> &'static str {
    use Permission as P;
    match permission {
        P::TariffsRead => "Tarieven bekijken",
        P::TicketsalesSearch => "Toegekende tarieven bekijken",
        P::TicketsalesRegister => "Tarieven toekennen",
        P::EventsUpdate => "Kaartsystemen van activiteiten kiezen",
        P::EventsRead => "Activiteiten bekijken",
        P::EventSettingsRead => "Instellingen van activiteiten bekijken",
        P::EventSettingsUpdate => "Instellingen van activiteiten wijzigen",
        P::EventsUpdateAll => "Kaartsystemen van alle activiteiten kiezen",
        P::EventsReadAll => "Alle activiteiten bekijken",
        P::EventSettingsReadAll => "Instellingen van alle activiteiten bekijken",
        P::EventSettingsUpdateAll => "Instellingen van alle activiteiten wijzigen",
        P::EventsQrCheckincode => "QR-codes van activiteiten ophalen",
        P::CheckinsRead => "Gespaarde punten bekijken",
        P::CheckinsWrite => "Punten sparen",
        P::OrganizersSearch => "Balies bekijken",
        P::OrganizersReports => "Onkostennota's maken",
        P::OrganizersAdminsRead => "Medewerkers bekijken",
        P::OrganizersAdminsWrite => "Medewerkers beheren",
        P::PassholdersPictureRead => "Foto's van pashouders bekijken",
        P::PassholdersPictureWrite => "Foto's van pashouders wijzigen",
        P::PassholdersPrivateRead => "Notities over pashouders lezen",
        P::PassholdersPrivateWrite => "Notities over pashouders schrijven",
        P::PassholdersSearch => "Pashouders zoeken",
        P::PassholdersSearchAll => "Pashouders van alle kaartsystemen zoeken",
        P::PassholdersSearchById => "Pashouders opzoeken met een nummer",
        P::GrouppassesSearch => "Groepspassen opzoeken",
        P::PassholdersWrite => "Pashouders registreren",
        P::PassholdersWriteSocialtariffFullCardsystem => {
            "Kansenstatuut beheren in het hele kaartsysteem"
        }
        P::PassholdersWriteForeignCountry => "Pashouders uit het buitenland registreren",
        P::PassholdersWriteSocialtariff => "Kansenstatuut beheren",
        P::PassholdersUpdate => "Pashouders bewerken",
        P::PassholdersDelete => "Pashouders verwijderen",
        P::PassholderCouponsRead => "Kortingsbonnen van pashouders bekijken",
        P::GrouppassCouponsRead => "Kortingsbonnen van groepspassen bekijken",
        P::MembershipPricesRead => "Prijzen bekijken",
        P::PassesRead => "UiTPAS inlezen",
        P::PassesInsznumbersRead => "UiTPAS opzoeken met een rijksregisternummer",
        P::PassesChipnumbersRead => "UiTPAS opzoeken met een chipnummer",
        P::RewardsWrite => "Voordelen beheren",
        P::RewardsRead => "Voordelen bekijken",
        P::RewardsRedeem => "Voordelen omruilen",
        P::RewardsPassholdersRead => "Voordelen voor een pashouder bekijken",
        P::PassholdersSelfRegistration => "Zichzelf registreren",
        P::PassholdersSelfCheckin => "Zelf punten sparen",
        P::PassholdersSelfRead => "Eigen gegevens bekijken",
        P::PassholdersRegisterUitid => "UiTPAS aan UiTiD koppelen",
        P::PassholdersTransactionHistory => "Eigen punten bekijken",
        P::PassholdersFamilyMembers => "Familieleden beheren",
        P::OrdersRead => "Bestellingen bekijken",
        P::OrdersCreate => "Bestellingen plaatsen",
        P::PermissionsRead => "Rechten van toepassingen bekijken",
        P::PermissionsWrite => "Rechten van toepassingen beheren",
        P::CardsRead => "Kaarten bekijken",
        P::Associations => "Lidmaatschappen beheren",
        P::SocialtariffExport => "Kaarten met kansentarief ophalen",
        P::KiosksRead => "Zuilen bekijken",
        P::KiosksWrite => "Zuilen instellen",
    }
}

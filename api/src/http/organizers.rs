//! Organizers with UiTPAS, which are counters: `/organizers`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::values::place::Address;
use uitpas_projections::counters as view;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Query, paging};
use super::passholders::Sort;
use super::shapes::{CardSystemRef, Page, sought};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// The whole name; `*` stands for any text.
    #[serde(default, deserialize_with = "sought")]
    name: Option<String>,
    /// Organizers are in no groups here: each is unknown.
    group_id: Option<u32>,
    #[param(value_type = Option<u32>)]
    card_system_id: Option<CardSystemId>,
    #[serde(rename = "sort[name]", default)]
    #[param(inline)]
    sort: Sort,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedOrganizer {
    id: String,
    name: String,
    card_systems: Vec<CardSystemRef>,
    address: OrganizerAddress,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizerAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    postal_code: String,
    city: String,
}

impl OrganizerAddress {
    pub fn of(address: &Address) -> Self {
        Self {
            street: address.street.as_ref().map(ToString::to_string),
            postal_code: address.postal_code.to_string(),
            city: address.city.to_string(),
        }
    }
}

/// Those where the caller has a role, the KSB admin's own card systems included (R-KSB-03); to the
/// system owner, all.
#[utoipa::path(
    get,
    path = "/organizers",
    params(Asked),
    responses((status = 200, body = Page<ListedOrganizer>)),
    security(("token" = ["ORGANIZERS_SEARCH"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<ListedOrganizer>>> {
    let ids = visible(&app, &caller).await?;
    if asked.group_id.is_some() {
        return Err(Problem::GroupNotFound);
    }
    if let Some(card_system) = asked.card_system_id
        && !app.store.load::<CardSystem>(&card_system).await?.exists()
    {
        return Err(uitpas_domain::card_system::Refused::Unknown.into());
    }
    let search = view::Search {
        ids,
        name: asked.name,
        card_system: asked.card_system_id,
        descending: asked.sort == Sort::Desc,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let page = view::search(app.pool(), &search).await?;
    let card_systems = view::card_systems(app.pool(), None).await?;
    Ok(Json(Page::of(page, |counter| print(counter, &card_systems))))
}

#[utoipa::path(
    get,
    path = "/organizers/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = ListedOrganizer)),
    security(("token" = ["ORGANIZERS_SEARCH"]))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CounterId>,
) -> Answer<Json<ListedOrganizer>> {
    if caller.kind != Kind::SystemOwner {
        app.authority_at(&caller, &id).await?;
    }
    // Who may know of it is told of one that was just made, too.
    app.wait_for_head(view::PROJECTION.name).await?;
    let counter = view::by_id(app.pool(), &id).await?;
    let counter = counter.ok_or(Problem::Counter(uitpas_domain::counter::Refused::Unknown))?;
    let card_systems = view::card_systems(app.pool(), None).await?;
    Ok(Json(print(counter, &card_systems)))
}

/// The counters that a caller may know of; absent: all.
async fn visible(app: &App, caller: &Caller) -> Answer<Option<Vec<CounterId>>> {
    match caller.kind {
        Kind::SystemOwner => Ok(None),
        Kind::User | Kind::Client | Kind::ClientId | Kind::Kiosk | Kind::Passholder => {
            Ok(Some(app.own_counters(caller, &[]).await?))
        }
    }
}

fn print(counter: view::Counter, card_systems: &[view::CardSystem]) -> ListedOrganizer {
    let of_counter = card_systems.iter().filter(|system| counter.card_systems.contains(&system.id));
    let card_systems = of_counter
        .map(|system| CardSystemRef {
            id: view::card_system_id(system.id),
            name: system.name.clone(),
        })
        .collect();
    ListedOrganizer {
        id: counter.id,
        name: counter.name,
        card_systems,
        address: OrganizerAddress::of(&counter.address.0),
    }
}

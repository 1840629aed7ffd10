//! `GET /passes`: whose pass is this? Looking registers nothing (R-ID-07).

use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card::{Holder, Unidentified};
use uitpas_domain::counter::Task;
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::identifier::Identifier;
use uitpas_domain::values::insz::{Insz, InvalidInsz};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Query};
use super::shapes::{CardSystemRef, last_instant};
use crate::actions::passholders::open_details;
use crate::actions::{card_systems_of, group_passes, identify};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, CardNotActive, Problem};

#[expect(deprecated, reason = "the contract still knows the older look-ups")]
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pass))
        .routes(routes!(pass_of_number))
        .routes(routes!(pass_of_insz))
        .routes(routes!(pass_of_chip))
        .routes(routes!(insz_status))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    identifier: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pass {
    passholder_id: String,
    pass_type: &'static str,
    uitpas_number: String,
    first_name: String,
    points: i64,
    postal_code: String,
    card_system: CardSystemRef,
    social_tariff: SocialTariff,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocialTariff {
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<DateTime<FixedOffset>>,
}

/// What must be shown at the counter.
#[derive(Serialize, ToSchema)]
struct Message {
    level: &'static str,
    text: String,
}

#[utoipa::path(
    get,
    path = "/passes",
    params(Asked),
    responses((status = 200, body = Pass), (status = 429)),
    security(("token" = ["PASSES_READ"]))
)]
async fn pass(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Pass>> {
    app.demand_task(&caller, Task::Identify).await?;
    let identifier: Identifier = asked.identifier.parse()?;
    Ok(Json(look_up(&app, &caller, identifier).await?))
}

/// By its number.
#[deprecated]
#[utoipa::path(
    get,
    path = "/passes/{uitpasNumber}",
    params(("uitpasNumber" = String, Path)),
    responses((status = 200, body = Pass)),
    security(("token" = ["PASSES_READ"]))
)]
async fn pass_of_number(
    State(app): State<App>,
    caller: Caller,
    Id(number): Id<CardNumber>,
) -> Answer<Json<Pass>> {
    as_once_told(&app, &caller, Identifier::Card(number)).await
}

/// By the national number of its holder.
#[deprecated]
#[utoipa::path(
    get,
    path = "/insz-numbers/{inszNumber}",
    params(("inszNumber" = String, Path)),
    responses((status = 200, body = Pass), (status = 429)),
    security(("token" = ["PASSES_INSZNUMBERS_READ"]))
)]
async fn pass_of_insz(
    State(app): State<App>,
    caller: Caller,
    Id(insz): Id<Insz>,
) -> Answer<Json<Pass>> {
    as_once_told(&app, &caller, Identifier::Insz(insz)).await
}

/// By its chip.
#[deprecated]
#[utoipa::path(
    get,
    path = "/chip-numbers/{chipNumber}",
    params(("chipNumber" = String, Path)),
    responses((status = 200, body = Pass)),
    security(("token" = ["PASSES_CHIPNUMBERS_READ"]))
)]
async fn pass_of_chip(
    State(app): State<App>,
    caller: Caller,
    Id(chip): Id<ChipNumber>,
) -> Answer<Json<Pass>> {
    as_once_told(&app, &caller, Identifier::Chip(chip)).await
}

/// The older look-ups call a blocked card so; `GET /passes` says what its status is.
async fn as_once_told(app: &App, caller: &Caller, identifier: Identifier) -> Answer<Json<Pass>> {
    app.demand_task(caller, Task::Identify).await?;
    match look_up(app, caller, identifier).await {
        Err(Problem::CardNotActive(CardNotActive {
            unidentified: Unidentified::Blocked(_),
            ..
        })) => Err(Problem::CardBlocked),
        found => found.map(Json),
    }
}

#[derive(Serialize, ToSchema)]
struct InszStatus {
    /// `USED` or `UNUSED`.
    state: &'static str,
}

/// Whether somebody has this national number already, before a registration.
#[utoipa::path(
    get,
    path = "/passholders/status/insz-numbers/{inszNumber}",
    params(("inszNumber" = String, Path)),
    responses((status = 200, body = InszStatus), (status = 429))
)]
async fn insz_status(
    State(app): State<App>,
    caller: Caller,
    Path(insz): Path<String>,
) -> Answer<Json<InszStatus>> {
    app.guesses.count(&caller)?;
    let insz: Insz = insz
        .parse()
        .map_err(|error: InvalidInsz| Problem::Query("inszNumber".to_owned(), error.to_string()))?;
    let holder = identify::passholder_of_insz(&app, &insz).await?;
    let state = if holder.is_some() { "USED" } else { "UNUSED" };
    Ok(Json(InszStatus { state }))
}

async fn look_up(app: &App, caller: &Caller, identifier: Identifier) -> Answer<Pass> {
    if matches!(identifier, Identifier::Insz(_)) {
        app.guesses.count(caller)?;
    }
    let identifier = &identifier;
    let today = day_in_belgium(app.now());
    let pass = app.store.preview(|work| async move {
        if let (_, Holder::GroupPass(id)) = identify::holder(&work, identifier).await? {
            return Ok(of_group(group_passes::known(app, &work, id).await?));
        }
        let pass = identify::pass(&work, identifier).await?;
        let holder = pass.state.state.holder()?;
        let card_systems = card_systems_of(&work, holder).await?;
        let details = open_details(&work, pass.passholder, &holder.details).await?;
        let details = details.ok_or(Problem::PassNotFound)?;
        let of_card = |(_, membership): &(&_, &uitpas_domain::passholder::Membership)| {
            membership.card == Some(pass.card)
        };
        let membership = holder.memberships.iter().find(of_card);
        let (card_system, _) = membership.ok_or(Problem::PassNotFound)?;
        let name = card_systems.get(card_system).and_then(|system| system.name.clone());
        let (_, state) = holder.social_status_on(today, &card_systems);
        let until = holder.social_status().map(|(_, _, status)| status.until);
        Ok(Pass {
            passholder_id: pass.passholder.to_string(),
            pass_type: "INDIVIDUAL",
            uitpas_number: pass.card.to_string(),
            first_name: details.first_name.to_string(),
            points: holder.points,
            postal_code: details.address.postal_code.to_string(),
            card_system: CardSystemRef {
                id: *card_system,
                name: name.map(|name| name.to_string()).unwrap_or_default(),
            },
            social_tariff: SocialTariff {
                status: match state {
                    OnDay::None => "NONE",
                    OnDay::Active | OnDay::Grace => "ACTIVE",
                    OnDay::Expired | OnDay::Suspended | OnDay::Blocked => "EXPIRED",
                },
                end_date: until.map(last_instant),
            },
            messages: messages(state, until),
        })
    });
    Ok(pass.await?)
}

/// It has no points, and no grace after its last day (R-GRP-01).
fn of_group(known: group_passes::Known) -> Pass {
    let group_passes::Known { id, pass, card_system, is_over, .. } = known;
    let status = match (pass.has_social_status(), is_over) {
        (false, _) => "NONE",
        (true, false) => "ACTIVE",
        (true, true) => "EXPIRED",
    };
    let until = pass.terms.until;
    let text = format!("Deze groepspas was geldig tot en met {}.", until.format("%d/%m/%Y"));
    Pass {
        passholder_id: id.to_string(),
        pass_type: "GROUP",
        uitpas_number: pass.card.to_string(),
        first_name: pass.terms.name.to_string(),
        points: 0,
        postal_code: pass.terms.address.postal_code.to_string(),
        card_system: CardSystemRef { id: pass.card_system, name: card_system },
        social_tariff: SocialTariff {
            status,
            end_date: pass.has_social_status().then(|| last_instant(until)),
        },
        messages: if is_over { vec![Message { level: "WARN", text }] } else { vec![] },
    }
}

fn messages(state: OnDay, until: Option<chrono::NaiveDate>) -> Vec<Message> {
    let until = until.map(|until| until.format("%d/%m/%Y").to_string()).unwrap_or_default();
    let (level, text) = match state {
        OnDay::None | OnDay::Active => return vec![],
        OnDay::Grace => (
            "WARN",
            format!(
                "Het kansenstatuut liep tot en met {until} en komt te vervallen. Laat het verlengen."
            ),
        ),
        OnDay::Expired => ("WARN", format!("Het kansenstatuut is vervallen op {until}.")),
        OnDay::Suspended => ("WARN", "Het kansenstatuut is geschorst.".to_owned()),
        OnDay::Blocked => {
            ("ERROR", "Het lidmaatschap met kansenstatuut is geblokkeerd.".to_owned())
        }
    };
    vec![Message { level, text }]
}

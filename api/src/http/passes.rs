//! `GET /passes`: whose pass is this? Looking registers nothing (R-ID-07).

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::Task;
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::identifier::Identifier;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::shapes::{CardSystemRef, last_instant};
use crate::actions::passholders::open_details;
use crate::actions::{card_systems_of, identify};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pass))
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
    if matches!(identifier, Identifier::Insz(_)) {
        app.guesses.count(&caller)?;
    }
    let identifier = &identifier;
    let today = day_in_belgium(app.now());
    let pass = app.store.preview(|work| async move {
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
    Ok(Json(pass.await?))
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

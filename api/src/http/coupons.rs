//! The coupons of a passholder: `/passholders/{id}/coupons`.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{Period, start_of_day};
use uitpas_domain::counter::{Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Query};
use super::shapes::{instant, last_instant};
use super::words;
use crate::actions::coupons::{self, Granted};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AskedCoupons {
    #[serde(default)]
    #[param(inline)]
    pub status: CouponStatus,
    /// Only those that are usable in the card systems of this counter.
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CouponStatus {
    #[default]
    Active,
    Expired,
    All,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedCoupon {
    id: i32,
    coupon: NamedCoupon,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_period: Option<Validity>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<RemainingUses>,
}

#[derive(Serialize, ToSchema)]
struct NamedCoupon {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Validity {
    begin: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<DateTime<FixedOffset>>,
}

#[derive(Serialize, ToSchema)]
struct RemainingUses {
    volume: u32,
    #[schema(schema_with = words::of::<Period>)]
    period: Period,
}

/// With description, validity and uses left (R-CPN-02).
#[utoipa::path(
    get,
    path = "/passholders/{id}/coupons",
    params(("id" = Uuid, Path), AskedCoupons),
    responses((status = 200, body = Vec<GrantedCoupon>)),
    security(("token" = ["PASSHOLDER_COUPONS_READ"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(passholder): Id<PassholderId>,
    Query(asked): Query<AskedCoupons>,
) -> Answer<Json<Vec<GrantedCoupon>>> {
    app.demand_task(&caller, Task::GrantTariff).await?;
    let card_systems = asked.card_systems(&app, &caller).await?;
    let granted = coupons::granted_to(&app, &caller, passholder, card_systems).await?;
    Ok(Json(asked_for(granted, asked.status)))
}

impl AskedCoupons {
    /// Those of the counter that was asked for; absent: all.
    pub async fn card_systems(
        &self,
        app: &App,
        caller: &Caller,
    ) -> Answer<Option<Vec<CardSystemId>>> {
        let Some(counter) = &self.organizer_id else { return Ok(None) };
        app.authority_at(caller, counter).await?;
        Ok(Some(app.store.load::<Counter>(counter).await?.state.card_systems()))
    }
}

pub fn asked_for(granted: Vec<Granted>, status: CouponStatus) -> Vec<GrantedCoupon> {
    let wanted = |granted: &Granted| match status {
        CouponStatus::Active => !granted.is_over,
        CouponStatus::Expired => granted.is_over,
        CouponStatus::All => true,
    };
    granted.into_iter().filter(wanted).map(GrantedCoupon::from).collect()
}

impl From<Granted> for GrantedCoupon {
    fn from(granted: Granted) -> Self {
        let Granted { coupon, is_over, usage } = granted;
        let definition = &coupon.definition.0;
        GrantedCoupon {
            id: coupon.id,
            coupon: NamedCoupon {
                id: coupon.id.to_string(),
                name: coupon.name.clone(),
                description: definition.description.as_ref().map(ToString::to_string),
            },
            validity_period: definition.validity.from.map(|from| Validity {
                begin: instant(start_of_day(from)),
                end: definition.validity.until.map(last_instant),
            }),
            status: if is_over { "EXPIRED" } else { "ACTIVE" },
            remaining: usage
                .left
                .map(|(volume, limit)| RemainingUses { volume, period: limit.period }),
        }
    }
}

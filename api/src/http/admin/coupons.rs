//! Coupons: what a KSB lays down about them.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{DayRange, Period};
use uitpas_domain::coupon::{Definition, Effect, GrantedTo, Segment, Terms};
use uitpas_domain::ids::{ActivityId, CardSystemId, CounterId, CouponId, GroupPassId};
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::{Lines, Text};
use uitpas_projections::coupons as view;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::counters::GivenLimit;
use crate::actions::{coupons, version_of};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Id, IfMatch, Write, etag};
use crate::http::shapes::{Amount, GivenDay, GivenPrice};
use crate::http::words;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(define)).routes(routes!(read, change)).routes(routes!(list))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCoupon {
    #[schema(schema_with = words::text::<200>)]
    name: Text<200>,
    #[schema(schema_with = words::text::<4000>)]
    description: Option<Lines<4000>>,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    /// Uses of one passholder or group pass; absent: without limit.
    limit: Option<GivenLimit>,
    #[schema(schema_with = words::day)]
    valid_from: Option<GivenDay>,
    #[schema(schema_with = words::day)]
    valid_until: Option<GivenDay>,
    /// Empty: every activity.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    only_events: BTreeSet<ActivityId>,
    /// Empty: those of every counter.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    only_organizers: BTreeSet<CounterId>,
    /// Of the activities. Empty: that of the coupon alone.
    #[serde(default)]
    #[schema(value_type = Vec<u32>)]
    card_systems: BTreeSet<CardSystemId>,
    granted_to: Audience,
    effect: GivenEffect,
    /// Who pays the municipality's share; absent: where the passholder lives.
    payer: Option<PayingMunicipality>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "type")]
enum Audience {
    Everyone,
    SocialStatus,
    #[serde(rename_all = "camelCase")]
    Segment {
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        inhabitants_of: BTreeSet<PostalCode>,
        #[serde(skip_serializing_if = "Option::is_none")]
        from_age: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until_age: Option<u16>,
        #[serde(default)]
        with_social_status: bool,
    },
    /// One of the card system's.
    GroupPass {
        #[schema(value_type = Uuid)]
        id: GroupPassId,
    },
}

/// One of three; the parts are the ratio in which organizer and municipality bear what is off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GivenEffect {
    /// Of passholder, organizer and municipality; 100 together.
    #[schema(value_type = Option<[f64; 3]>)]
    percentages: Option<[Decimal; 3]>,
    #[schema(value_type = Option<f64>)]
    percent_off: Option<Decimal>,
    #[schema(schema_with = words::price)]
    amount_off: Option<GivenPrice>,
    #[serde(default)]
    organizer_part: u32,
    #[serde(default = "GivenEffect::hundred")]
    municipality_part: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PayingMunicipality {
    #[schema(value_type = String)]
    postal_code: PostalCode,
    #[schema(schema_with = words::text::<80>)]
    name: Text<80>,
}

impl GivenEffect {
    const fn hundred() -> u32 {
        100
    }

    fn checked(&self) -> Answer<Effect> {
        let invalid = |reason: String| Problem::BodyData("/effect".to_owned(), reason);
        let (organizer_part, municipality_part) = (self.organizer_part, self.municipality_part);
        let terms = match (self.percentages, self.percent_off, self.amount_off) {
            (Some([passholder, organizer, municipality]), None, None) => {
                Terms::Percentages { passholder, organizer, municipality }
            }
            (None, Some(percent), None) => {
                Terms::PercentOff { percent, organizer_part, municipality_part }
            }
            (None, None, Some(amount)) => {
                let amount = amount.0.euro();
                Terms::AmountOff { amount, organizer_part, municipality_part }
            }
            _ => {
                let reason = "give one of percentages, percentOff and amountOff";
                return Err(invalid(reason.to_owned()));
            }
        };
        Effect::try_from(terms).map_err(|error| invalid(error.to_string()))
    }
}

impl NewCoupon {
    fn definition(self) -> Answer<Definition> {
        Ok(Definition {
            name: self.name,
            description: self.description,
            owner: self.card_system_id,
            limit: self.limit.map(Into::into),
            validity: DayRange {
                from: self.valid_from.map(|day| day.0),
                until: self.valid_until.map(|day| day.0),
            },
            only_activities: self.only_events,
            only_at_counters: self.only_organizers,
            card_systems: self.card_systems,
            granted_to: match self.granted_to {
                Audience::Everyone => GrantedTo::Everyone,
                Audience::SocialStatus => GrantedTo::SocialStatus,
                Audience::GroupPass { id } => GrantedTo::GroupPass(id),
                Audience::Segment { inhabitants_of, from_age, until_age, with_social_status } => {
                    GrantedTo::Segment(Segment {
                        inhabitants_of,
                        from_age,
                        until_age,
                        with_social_status,
                    })
                }
            },
            effect: self.effect.checked()?,
            payer: self
                .payer
                .map(|payer| Municipality { postal_code: payer.postal_code, name: payer.name }),
        })
    }
}

/// A coupon as it was laid down, in the shape in which it is changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Coupon {
    #[schema(value_type = u32)]
    id: CouponId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<ShownLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    valid_from: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    valid_until: Option<chrono::NaiveDate>,
    #[schema(value_type = Vec<String>)]
    only_events: BTreeSet<ActivityId>,
    #[schema(value_type = Vec<String>)]
    only_organizers: BTreeSet<CounterId>,
    #[schema(value_type = Vec<u32>)]
    card_systems: BTreeSet<CardSystemId>,
    granted_to: Audience,
    effect: ShownEffect,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayingMunicipality>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownLimit {
    volume: u32,
    #[schema(schema_with = words::of::<Period>)]
    period_type: Period,
}

/// One of the three; the parts go with the last two.
#[derive(Serialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
struct ShownEffect {
    #[serde(skip_serializing_if = "Option::is_none")]
    percentages: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent_off: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_off: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizer_part: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    municipality_part: Option<u32>,
}

impl From<Terms> for ShownEffect {
    fn from(terms: Terms) -> Self {
        // Of at most two decimals, so that the nearest double prints back as the same.
        let number = |percent: Decimal| percent.to_f64().unwrap_or_default();
        match terms {
            Terms::Percentages { passholder, organizer, municipality } => {
                let percentages = [passholder, organizer, municipality].map(number);
                Self { percentages: Some(percentages), ..Self::default() }
            }
            Terms::PercentOff { percent, organizer_part, municipality_part } => Self {
                percent_off: Some(number(percent)),
                organizer_part: Some(organizer_part),
                municipality_part: Some(municipality_part),
                ..Self::default()
            },
            Terms::AmountOff { amount, organizer_part, municipality_part } => Self {
                amount_off: Some(Amount(amount)),
                organizer_part: Some(organizer_part),
                municipality_part: Some(municipality_part),
                ..Self::default()
            },
        }
    }
}

impl From<GrantedTo> for Audience {
    fn from(granted_to: GrantedTo) -> Self {
        match granted_to {
            GrantedTo::Everyone => Audience::Everyone,
            GrantedTo::SocialStatus => Audience::SocialStatus,
            GrantedTo::GroupPass(id) => Audience::GroupPass { id },
            GrantedTo::Segment(segment) => Audience::Segment {
                inhabitants_of: segment.inhabitants_of,
                from_age: segment.from_age,
                until_age: segment.until_age,
                with_social_status: segment.with_social_status,
            },
        }
    }
}

impl Coupon {
    fn of(id: CouponId, definition: Definition) -> Self {
        let payer = definition.payer;
        Self {
            id,
            name: definition.name.to_string(),
            description: definition.description.map(|lines| lines.to_string()),
            card_system_id: definition.owner,
            limit: definition
                .limit
                .map(|limit| ShownLimit { volume: limit.volume, period_type: limit.period }),
            valid_from: definition.validity.from,
            valid_until: definition.validity.until,
            only_events: definition.only_activities,
            only_organizers: definition.only_at_counters,
            card_systems: definition.card_systems,
            granted_to: definition.granted_to.into(),
            effect: definition.effect.terms().into(),
            payer: payer
                .map(|of| PayingMunicipality { postal_code: of.postal_code, name: of.name }),
        }
    }
}

#[utoipa::path(
    get,
    path = "/coupons/{id}",
    params(("id" = u32, Path)),
    responses((
        status = 200,
        body = Coupon,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["ksb-admin"]))
)]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CouponId>,
) -> Answer<([(HeaderName, String); 1], Json<Coupon>)> {
    let definition = coupons::of_ksb(&app, &caller, id).await?;
    Ok(([etag(version_of(&definition))], Json(Coupon::of(id, definition))))
}

#[derive(Serialize, ToSchema)]
struct DefinedCoupon {
    #[schema(value_type = u32)]
    id: CouponId,
}

#[utoipa::path(
    post,
    path = "/coupons",
    request_body = NewCoupon,
    responses((status = 201, body = DefinedCoupon)),
    security(("token" = ["ksb-admin"]))
)]
async fn define(
    State(app): State<App>,
    Write { request, body }: Write<NewCoupon>,
) -> Answer<(StatusCode, Json<DefinedCoupon>)> {
    let id = coupons::define(&app, &request, &body.definition()?).await?;
    Ok((StatusCode::CREATED, Json(DefinedCoupon { id })))
}

#[utoipa::path(
    put,
    path = "/coupons/{id}",
    params(
        ("id" = u32, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = NewCoupon,
    responses((status = 204), (status = 412)),
    security(("token" = ["ksb-admin"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<CouponId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<NewCoupon>,
) -> Answer<StatusCode> {
    coupons::change(&app, &request, id, &body.definition()?, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCoupon {
    id: i32,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    valid_from: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::day)]
    valid_until: Option<chrono::NaiveDate>,
}

#[utoipa::path(
    get,
    path = "/card-systems/{id}/coupons",
    params(("id" = u32, Path)),
    responses((status = 200, body = Vec<ListedCoupon>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(owner): Id<CardSystemId>,
) -> Answer<Json<Vec<ListedCoupon>>> {
    let rows = coupons::of_card_system(&app, &caller, owner).await?;
    let listed = |row: view::Coupon| ListedCoupon {
        id: row.id,
        name: row.name,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
    };
    Ok(Json(rows.into_iter().map(listed).collect()))
}

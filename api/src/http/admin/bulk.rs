//! Bulk actions: one act for many passholders, with a result for each.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uitpas_domain::ids::{ActivityId, CounterId, PassholderId};
use uitpas_domain::passholder::cards::BlockReason;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::bulk::{self, Act, Bulk};
use crate::app::App;
use crate::http::extract::Write;
use crate::http::shapes::{GivenAddress, GivenDay, GivenPrice};
use crate::http::words;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(carry_out))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkAction {
    #[schema(value_type = String)]
    organizer_id: CounterId,
    /// 1 to 200, each once.
    #[schema(value_type = Vec<Uuid>)]
    passholders: Vec<PassholderId>,
    action: GivenAct,
}

#[derive(Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum GivenAct {
    ChangeAddress {
        address: GivenAddress,
    },
    GrantTariff {
        #[schema(value_type = String)]
        event_id: ActivityId,
        #[schema(schema_with = words::price)]
        regular_price: GivenPrice,
        #[schema(schema_with = words::text::<120>)]
        price_name: Option<Text<120>>,
    },
    SavePoint {
        #[schema(value_type = String)]
        event_id: ActivityId,
    },
    ExtendSocialStatus {
        #[schema(schema_with = words::day)]
        until: GivenDay,
    },
    BlockCards {
        #[schema(schema_with = words::of::<BlockReason>)]
        reason: BlockReason,
    },
}

impl TryFrom<GivenAct> for Act {
    type Error = Problem;

    fn try_from(given: GivenAct) -> Result<Self, Problem> {
        Ok(match given {
            GivenAct::ChangeAddress { address } => Act::ChangeAddress(address.checked()?),
            GivenAct::GrantTariff { event_id, regular_price, price_name } => {
                Act::GrantTariff { activity: event_id, price: regular_price.0, price_name }
            }
            GivenAct::SavePoint { event_id } => Act::SavePoint { activity: event_id },
            GivenAct::ExtendSocialStatus { until } => {
                Act::ExtendSocialStatus { until: until.into() }
            }
            GivenAct::BlockCards { reason } => Act::BlockCards { reason },
        })
    }
}

#[derive(Serialize, ToSchema)]
struct BulkResults {
    /// In the order asked.
    results: Vec<BulkResult>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkResult {
    #[schema(value_type = Uuid)]
    passholder_id: PassholderId,
    done: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
}

/// Each passholder succeeds or fails by itself. Needs an `Idempotency-Key`: sent again, the same
/// request repeats nothing.
#[utoipa::path(
    post,
    path = "/bulk",
    request_body = BulkAction,
    responses((status = 200, body = BulkResults)),
    security(("token" = ["registration-counter"]))
)]
async fn carry_out(
    State(app): State<App>,
    Write { request, body }: Write<BulkAction>,
) -> Answer<Json<BulkResults>> {
    let BulkAction { organizer_id, passholders, action } = body;
    let bulk = Bulk { counter: organizer_id, passholders, act: action.try_into()? };
    let results = bulk::carry_out(&app, &request, &bulk).await?;
    let result = |(passholder_id, outcome): (_, Answer<()>)| BulkResult {
        passholder_id,
        done: outcome.is_ok(),
        problem: outcome.err().map(|problem| problem.to_json()),
    };
    Ok(Json(BulkResults { results: results.into_iter().map(result).collect() }))
}

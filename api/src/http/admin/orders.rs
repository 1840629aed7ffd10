//! The payment of orders, which comes in elsewhere.

use axum::extract::State;
use axum::http::StatusCode;
use uitpas_domain::ids::OrderId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::orders;
use crate::app::App;
use crate::http::extract::{Bare, Id};
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(confirm_payment)).routes(routes!(cancel))
}

/// The money came in: whom the order is for is registered.
#[utoipa::path(
    put,
    path = "/orders/{id}/payment",
    params(("id" = Uuid, Path)),
    responses((status = 204))
)]
async fn confirm_payment(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    orders::confirm_payment(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// It is not paid for: what was filled in becomes unreadable.
#[utoipa::path(
    delete,
    path = "/orders/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 204))
)]
async fn cancel(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    orders::cancel(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Where the contract lets one operation say a refusal otherwise than the rest do: with another
//! status, or by another name. `problem.rs` says each refusal in one way; this table is about the
//! operations, and the only place that knows of them. Why: `docs/integration.md`.

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Refusal;

/// Says a refusal as its operation has it.
pub async fn as_the_operation_has_it(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let operation = route.strip_prefix(super::V4).unwrap_or_default().to_owned();
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let Some(Refusal(mut body)) = response.extensions().get::<Refusal>().cloned() else {
        return response;
    };
    let Some(slug) = body["type"].as_str().and_then(slug) else { return response };
    let Some((status, slug, title)) = said(&method, &operation, slug) else { return response };
    body["type"] = format!("{PROBLEMS}{slug}").into();
    body["title"] = title.into();
    body["status"] = status.as_u16().into();
    *response.status_mut() = status;
    *response.body_mut() = Body::from(body.to_string());
    response
}

const PROBLEMS: &str = "https://api.publiq.be/probs/";

/// What an invalid parameter is called, where the contract has no word for it.
const INVALID_QUERY: &str = "urn:uitpas:problem:invalid-query";

fn slug(kind: &str) -> Option<&str> {
    match kind {
        INVALID_QUERY => Some(kind),
        _ => kind.strip_prefix(PROBLEMS),
    }
}

/// A pass that a body or a query names: who has none is refused with 400.
const NAMES_A_PASS: [&str; 7] = [
    "/tariffs",
    "/ticket-sales",
    "/checkins",
    "/rewards",
    "/rewards/redeemed",
    "/rewards/{id}/redeem-status",
    "/passholders/{id}/checkins",
];

/// Here a wrong number has its older name.
const OLDER_NAME: [&str; 3] = ["/tariffs", "/ticket-sales", "/checkins"];

/// The older look-ups: the number stands in the path.
const OLDER_LOOK_UPS: [&str; 3] =
    ["/passes/{uitpasNumber}", "/insz-numbers/{inszNumber}", "/chip-numbers/{chipNumber}"];

/// Operations with parameters that know no 400: what is wrong with a parameter is 404.
fn knows_no_400(method: &Method, operation: &str) -> bool {
    let of_association = operation.contains("/association-memberships") && *method != Method::POST;
    of_association
        || *method == Method::GET
            && matches!(
                operation,
                "/checkins"
                    | "/checkin-status"
                    | "/kiosks"
                    | "/card-systems/{id}/membership-prices"
                    | "/events/{id}/qr-checkincodes/download-link"
            )
}

/// Status, name and title of a refusal at an operation; none where they are as everywhere.
fn said(
    method: &Method,
    operation: &str,
    slug: &str,
) -> Option<(StatusCode, &'static str, &'static str)> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    let no_400 = knows_no_400(method, operation);
    match slug {
        _ if operation.is_empty() => None,
        // All that a check-in would be refused for because of the pass is one thing to its preview.
        "uitpas/pass-not-found" | "uitpas/invalid-uitpas-number"
            if operation == "/checkin-status" =>
        {
            Some((NOT_FOUND, "uitpas/passholder-not-found", "Passholder not found"))
        }
        "uitpas/pass-not-found" | "uitpas/passholder-not-found"
            if NAMES_A_PASS.contains(&operation) =>
        {
            Some((BAD, "uitpas/passholder-not-found", "Passholder not found"))
        }
        "uitpas/invalid-uitpas-number" if OLDER_NAME.contains(&operation) => {
            Some((BAD, "uitpas/invalid-uitpasnumber", "Invalid uitpas number"))
        }
        // A look-up by any identifier: what is none is nobody's.
        "uitpas/invalid-uitpas-number" if operation == "/passes" => {
            Some((NOT_FOUND, "uitpas/pass-not-found", "Pass not found"))
        }
        "url/not-found" if OLDER_LOOK_UPS.contains(&operation) => {
            Some((NOT_FOUND, "uitpas/pass-not-found", "Pass not found"))
        }
        // What the path names is 404, what a body or query refers to 400.
        "uitpas/organizer-not-found" if !operation.starts_with("/organizers/") && !no_400 => {
            Some((BAD, "uitpas/organizer-not-found", "Organizer not found"))
        }
        "uitpas/cardsystem-not-found"
            if !operation.starts_with("/card-systems/") && !operation.contains("membership") =>
        {
            Some((BAD, "uitpas/cardsystem-not-found", "Card system not found"))
        }
        INVALID_QUERY if no_400 => Some((NOT_FOUND, "url/not-found", "Not Found")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_everywhere_is_left_alone() {
        for (method, operation, slug) in [
            (Method::GET, "", "uitpas/pass-not-found"),
            (Method::GET, "/passholders/{id}", "uitpas/passholder-not-found"),
            (Method::GET, "/organizers/{id}", "uitpas/organizer-not-found"),
            (Method::GET, "/card-systems/{id}", "uitpas/cardsystem-not-found"),
            (Method::GET, "/passholders", "uitpas/invalid-uitpas-number"),
            (Method::GET, "/passholders", INVALID_QUERY),
            (Method::GET, "/kiosks", "url/query-limit-exceeded"),
            (Method::POST, "/checkins", "uitpas/event-not-found"),
        ] {
            assert_eq!(said(&method, operation, slug), None, "{method} {operation} {slug}");
        }
    }
}

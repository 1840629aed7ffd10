//! What stands open to everyone, and how the addresses are written.

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::region::{Region, THEATRE, list, text};

/// The front page says that this is a demo; the health is for everyone to see.
#[tokio::test]
async fn the_front_page_and_the_health_need_no_token() {
    let region = Region::empty().await;
    let front = region.stranger().gets("/").await;
    assert_eq!(
        (front.status, front.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(front.text().contains("Dit is een demo"));
    let health = region.stranger().gets("/health").await.ok();
    assert_eq!((&health["status"], &health["position"]), (&json!("ok"), &json!(0)));
    let views = list(&health["projections"]);
    assert!(views.len() > 5 && views.iter().all(|view| view["lag"] == 0), "{views:?}");
    assert!(views.iter().any(|view| text(&view["name"]) == "settlement"), "{views:?}");
}

/// With or without a slash at the end it is the same address.
#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let query = format!("regularPrice=10&eventId={activity}&uitpasNumber={}", holder.card);
    let with = desk.gets(&format!("/v4/tariffs/?{query}")).await.ok();
    assert_eq!(with["available"][0]["price"], 2.0);
    let body = json!({ "eventId": activity, "uitpasNumber": holder.card });
    desk.posts("/v4/checkins/", body).await.created();
}

/// Every page of every origin may call.
#[tokio::test]
async fn any_origin_may_call() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let asked = region.stranger().request(Method::OPTIONS, "/v4/checkins");
    let asked = asked
        .header("origin", "https://voorbeeld.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,idempotency-key");
    let answer = Answer::to(asked).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    for name in ["access-control-allow-methods", "access-control-allow-headers"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    let asked =
        desk.request(Method::GET, "/v4/nergens").header("origin", "https://voorbeeld.example");
    let refused = Answer::to(asked).await;
    refused.refused(404, "url/not-found");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
}

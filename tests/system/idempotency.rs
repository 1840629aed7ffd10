//! Requests that are sent again, and reading what one has written.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::region::{Region, THEATRE, YOUTH, at_noon, ticket, today};

/// The same key twice is the same answer, and happens once.
#[tokio::test]
async fn the_same_key_twice_happens_once() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let another = region.activity(THEATRE, 20.0).await;
    let reward = json!({
        "title": "Koffie", "type": "POINTS", "points": 1, "promotionalDescription": "X",
        "publicationPeriod": { "begin": at_noon(today()) }, "owningCardSystem": { "id": 1 },
    });
    let person = region.person(THEATRE, &region.card(false).await);
    let block = json!({ "organizerId": THEATRE, "kind": "replace", "reason": "loss" });
    let period = json!({ "startDate": today(), "endDate": today() });
    for (index, (who, path, body)) in [
        (&desk, "/v4/passholders".to_owned(), person),
        (
            &desk,
            "/v4/checkins".to_owned(),
            json!({ "eventId": activity, "uitpasNumber": holder.card }),
        ),
        (&desk, "/v4/ticket-sales".to_owned(), json!([ticket(&holder.card, &another, 20.0)])),
        (&ksb, "/v4/rewards".to_owned(), reward),
        (&region.admin_of(THEATRE), format!("/v4/organizers/{THEATRE}/financial-reports"), period),
        (&desk, format!("/admin/v1/passholders/{}/cards/{}/block", holder.id, holder.card), block),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key {index}");
        let first = who.posts_once(&key, &path, body.clone()).await;
        assert!(first.status < 300, "{path}: {}", first.text());
        let after = region.position().await;
        let position = first.header("uitpas-position").expect("a position").to_owned();
        assert_eq!(position, after.to_string(), "{path}");
        for _ in 0..2 {
            let again = who.posts_once(&key, &path, body.clone()).await;
            assert_eq!((again.status, &again.bytes), (first.status, &first.bytes), "{path}");
            assert_eq!(again.header("uitpas-position"), Some(position.as_str()), "{path}");
        }
        let other = json!({ "eventId": activity, "uitpasNumber": region.number(false) });
        let other = who.posts_once(&key, "/v4/checkins", other).await;
        other.refused(422, "own/idempotency-key-reused");
        assert_eq!(region.position().await, after, "{path}: nothing more happened");
    }
}

/// Also when both are under way at the same time.
#[tokio::test]
async fn the_same_key_at_the_same_time_happens_once() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let body = region.person(THEATRE, &region.card(false).await);
    let before = region.position().await;
    let tries = (0..8).map(|_| desk.posts_once("k", "/v4/passholders", body.clone()));
    let answers = join_all(tries).await;
    let (done, under_way): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!done.is_empty());
    assert!(done.iter().all(|answer| answer.bytes == done[0].bytes));
    for answer in under_way {
        answer.refused(409, "own/under-way");
    }
    assert_eq!(region.position().await, before + 2, "registered and assigned once");
}

/// Without a key two requests are two commands; a refusal is not remembered.
#[tokio::test]
async fn without_a_key_two_requests_are_two_commands() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let (first, second) =
        (ksb.makes_reward(json!({})).await.ok(), ksb.makes_reward(json!({})).await.ok());
    assert_ne!(first["id"], second["id"]);
    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 10.0).await;
    ksb.settles(&activity, json!({ "checkinPoints": 0 })).await.done();
    let body = json!({ "eventId": activity, "uitpasNumber": holder.card });
    let refused = desk.posts_once("later", "/v4/checkins", body.clone()).await;
    refused.refused(400, "uitpas/checkin-not-allowed");
    assert_eq!(refused.header("uitpas-position"), None);
    ksb.settles(&activity, json!({ "checkinPoints": 1 })).await.done();
    desk.posts_once("later", "/v4/checkins", body.clone()).await.created();
    // Another caller's key is another key.
    let again = region.ksb().posts_once("later", "/v4/checkins", body).await;
    again.refused_saying(400, "uitpas/checkin-not-allowed", "al gespaard");
}

/// A key is 1 to 255 printable characters.
#[tokio::test]
async fn a_key_is_printable_and_not_too_long() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let body = json!({ "uitpasNumber": region.number(false), "cardSystemId": 1 });
    for key in [String::new(), "k".repeat(256), "k\u{e9}".to_owned()] {
        let request = ksb.request(Method::POST, "/admin/v1/cards").json(&body);
        let request = request.header("idempotency-key", key.into_bytes());
        Answer::to(request).await.refused(400, "header/invalid");
    }
    ksb.posts_once(&"k".repeat(255), "/admin/v1/cards", body).await.done();
    // A request without a body has a key too.
    let delete = || {
        let path = "/admin/v1/card-systems/1/admins/ksb-1";
        region.owner().request(Method::DELETE, path).header("idempotency-key", "gone")
    };
    Answer::to(delete()).await.done();
    let after = region.position().await;
    Answer::to(delete()).await.done();
    assert_eq!(region.position().await, after);
}

/// What one wrote one reads; whoever is told a position reads up to there.
#[tokio::test]
async fn what_was_written_is_read() {
    let region = Region::new().await;
    let desk = region.desk(YOUTH).alone();
    let holder = region.passholder().await;
    for count in 1..=10 {
        let activity = region.activity(YOUTH, 5.0).await;
        let answer = desk.checks_in(&holder.card, &activity).await;
        let position = answer.header("uitpas-position").expect("a position").to_owned();
        assert_eq!(desk.check_ins_of(&holder).await.ok()["totalItems"], count);
        // Somebody else, who was told.
        let path = format!("/v4/checkins?passholderId={}&organizerId={YOUTH}", holder.id);
        let told = region.admin_of(YOUTH).alone().request(Method::GET, &path);
        let told = Answer::to(told.header("uitpas-after", position)).await.ok();
        assert_eq!(told["totalItems"], count);
    }
    for wrong in ["x", "-1", "1.5", ""] {
        let request = desk.request(Method::GET, "/v4/permissions").header("uitpas-after", wrong);
        Answer::to(request).await.refused(400, "header/invalid");
    }
}

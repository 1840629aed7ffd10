//! What stands open to everyone, and how the addresses are written.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use uitpas_api::guesses::{GUESSES_MAX, ONE_MORE_AFTER};

use crate::region::{Region, THEATRE, born_years_ago, insz, list, text, today};

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

/// Every page of every origin may call, and hears which methods an address knows.
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
    for (name, value) in [
        ("access-control-allow-origin", "https://voorbeeld.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "authorization,idempotency-key"),
        ("access-control-allow-methods", "GET,HEAD,POST"),
        ("allow", "GET,HEAD,POST"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let unasked = Answer::to(region.stranger().request(Method::OPTIONS, "/v4/checkins")).await;
    assert_eq!(unasked.header("access-control-allow-origin"), Some("*"));
    let nowhere = Answer::to(region.stranger().request(Method::OPTIONS, "/v4/nergens")).await;
    nowhere.refused(404, "url/not-found");
    let asked =
        desk.request(Method::GET, "/v4/nergens").header("origin", "https://voorbeeld.example");
    let refused = Answer::to(asked).await;
    refused.refused(404, "url/not-found");
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://voorbeeld.example"));
}

/// A request has an id: the caller's, where it is a UUID. It stands in the answer, and beside the
/// events that came of it.
#[tokio::test]
async fn a_request_has_an_id_from_the_caller_to_the_log() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let (holder, activity) = (region.passholder().await, region.activity(THEATRE, 10.0).await);
    let id = "0e5cd86a-8bf4-4c2b-8f2a-f4e8f1f9c0de";
    let body = json!({ "eventId": activity, "uitpasNumber": holder.card });
    let request = desk.request(Method::POST, "/v4/checkins").header("x-request-id", id);
    let answer = desk.send(request.json(&body)).await;
    answer.created();
    assert_eq!(answer.header("x-request-id"), Some(id));
    let log = region.whole_log().await;
    assert!(log.contains(&format!(r#""correlation_id":"{id}""#)), "{log}");

    // What is no UUID might be anything, and is not repeated.
    let request = desk.request(Method::GET, "/v4/nergens").header("x-request-id", "Nele");
    let ours = desk.send(request).await;
    let ours = ours.header("x-request-id").expect("an id").to_owned();
    assert!(uuid::Uuid::try_parse(&ours).is_ok(), "{ours}");
    assert_ne!(desk.gets("/v4/nergens").await.header("x-request-id"), Some(ours.as_str()));
}

/// R-PRV-02: what is counted is counted by route, never by address.
#[tokio::test]
async fn what_is_counted_tells_nothing_of_a_person() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let (holder, number) = (region.passholder().await, "90072110045");
    desk.reads(&holder).await.ok();
    desk.identifies(number).await;
    desk.gets(&format!("/v4/passholders/status/{number}")).await;
    let counted = region.stranger().gets("/metrics").await;
    assert_eq!(counted.status, 200);
    let counted = counted.text();
    let line = r#"uitpas_http_request_seconds_count{method="GET",route="/v4/passholders/{id}",status="200"}"#;
    assert!(counted.contains(line), "{counted}");
    assert!(counted.contains("uitpas_log_batch_seconds_bucket"), "{counted}");
    for personal in [number, &holder.id, &holder.card] {
        assert!(!counted.contains(personal), "{personal} in {counted}");
    }
}

/// R-PRV-02, R-ID-04: numbers and addresses that point at a person are not found out by trying.
#[tokio::test]
async fn whoever_guesses_national_numbers_has_to_wait() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.passholder().await;
    let number = insz(born_years_ago(40), 400);
    let mut guesses = 0;
    loop {
        let answer = desk.identifies(&number).await;
        if answer.status == 429 {
            answer.refused(429, "uitpas/rate-limited");
            let wait = answer.header("retry-after").expect("a time");
            let wait: u64 = wait.parse().expect("seconds");
            assert!((1..=ONE_MORE_AFTER.as_secs() + 1).contains(&wait), "{wait}");
            // Not one that can be tried again before this test is over.
            if wait > 4 {
                break;
            }
            continue;
        }
        answer.refused(404, "uitpas/pass-not-found");
        guesses += 1;
    }
    let most = GUESSES_MAX.get();
    assert!((most..2 * most).contains(&guesses), "{guesses}");
    for query in [format!("inszNumber={number}"), "email=nele@voorbeeld.example".to_owned()] {
        desk.searches(&query).await.refused(429, "uitpas/rate-limited");
    }
    let view = format!("/admin/v1/counters/{THEATRE}/view?identifier={number}");
    desk.gets(&view).await.refused(429, "uitpas/rate-limited");
    // Cards go on, and so do others.
    desk.identifies(&holder.card).await.ok();
    region.admin_of(THEATRE).identifies(&number).await.refused(404, "uitpas/pass-not-found");
}

/// Of two who edit the same passholder, the second is told that it changed.
#[tokio::test]
async fn two_who_edit_one_passholder_do_not_undo_each_other() {
    let region = Region::new().await;
    let (desk, other) = (region.desk(THEATRE), region.admin_of(THEATRE));
    let holder = region.passholder().await;
    let path = format!("/v4/passholders/{}", holder.id);
    let read = desk.reads(&holder).await;
    let tag = read.header("etag").expect("a tag").to_owned();
    let mut person = read.ok();
    person["phoneNumber"] = "052 12 34 56".into();
    let change = |desk: &crate::region::Desk, tag: &str, person: &serde_json::Value| {
        let request = desk.request(Method::PUT, &path).header("if-match", tag).json(person);
        let desk = desk.clone();
        async move { desk.send(request).await }
    };
    change(&desk, &tag, &person).await.done();
    person["phoneNumber"] = "052 65 43 21".into();
    for stale in [tag.as_str(), "\"iets\"", "W/\"1\""] {
        change(&other, stale, &person).await.refused(412, "own/changed-meanwhile");
    }
    let read = other.reads(&holder).await;
    assert_eq!(read.ok()["phoneNumber"], "052 12 34 56");
    assert_ne!(read.header("etag"), Some(tag.as_str()));
    change(&other, read.header("etag").expect("a tag"), &person).await.done();
    change(&other, "*", &person).await.done();
    assert_eq!(other.reads(&holder).await.ok()["phoneNumber"], "052 65 43 21");
}

/// R-CTR-03, R-RWD-10, R-CPN-01, R-KSK-01: what a KSB lays down is not undone by who looked at it
/// before; who says not what he looked at goes on as ever.
#[tokio::test]
async fn two_who_edit_what_was_laid_down_do_not_undo_each_other() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let reward = ksb.makes_reward(json!({})).await.ok();
    let reward_of = |points: u32| {
        json!({
            "title": "Koffie", "type": "POINTS", "points": points,
            "promotionalDescription": "Een kop.",
            "publicationPeriod": { "begin": "2026-01-01T00:00:00+01:00" },
        })
    };
    let coupon_of = |percent: u32| {
        json!({
            "name": "Filmbon", "cardSystemId": 1, "grantedTo": { "type": "everyone" },
            "effect": { "percentOff": percent },
        })
    };
    let coupon = ksb.posts("/admin/v1/coupons", coupon_of(50)).await.created();
    let kiosk_of = |name: &str| json!({ "name": name, "cardSystemId": 1, "organizers": [THEATRE] });
    let kiosk = ksb.posts("/admin/v1/kiosks", kiosk_of("Zuil")).await.created();
    let activity = region.activity(THEATRE, 10.0).await;
    let event_of = |points: u32| json!({ "id": activity, "checkinPoints": points });
    let settings_of = |days: u32| {
        json!({
            "graceDays": days, "minutesBeforeWithoutStaff": 60, "minutesAfterWithoutStaff": 60,
        })
    };
    let terms_of = |group: &str| json!({ "groups": [group] });
    let event = format!("/v4/events/{activity}/settings");
    let same_event = format!("/admin/v1/activities/{activity}/settings");
    let settings = "/admin/v1/card-systems/1/settings".to_owned();
    let terms = format!("/admin/v1/counters/{THEATRE}/terms/1");
    let reward = format!("/v4/rewards/{}", text(&reward["id"]));
    let coupon = format!("/admin/v1/coupons/{}", coupon["id"]);
    let kiosk = format!("/admin/v1/kiosks/{}", text(&kiosk["id"]));
    for (read, written, [first, second]) in [
        (&event, &event, [event_of(2), event_of(3)]),
        (&event, &same_event, [event_of(4), event_of(5)]),
        (&settings, &settings, [settings_of(10), settings_of(20)]),
        (&terms, &terms, ["check-in-and-ticket", "unauthorised-registration"].map(terms_of)),
        (&reward, &reward, [reward_of(2), reward_of(3)]),
        (&coupon, &coupon, [coupon_of(40), coupon_of(30)]),
        (&kiosk, &kiosk, ["Inkom", "Uitgang"].map(kiosk_of)),
    ] {
        let changes = async |tag: &str, body: &Value| {
            let request = ksb.request(Method::PUT, written).header("if-match", tag);
            ksb.send(request.json(body)).await
        };
        let tag = ksb.gets(read).await.header("etag").expect("a tag").to_owned();
        assert!(matches!(changes(&tag, &first).await.status, 200 | 204), "{written}");
        for stale in [tag.as_str(), "\"iets\""] {
            changes(stale, &second).await.refused(412, "own/changed-meanwhile");
        }
        let again = ksb.gets(read).await;
        assert_ne!(again.header("etag"), Some(tag.as_str()), "{read}");
        assert!(matches!(ksb.puts(written, second).await.status, 200 | 204), "{written}");
        assert_ne!(ksb.gets(read).await.header("etag"), again.header("etag"), "{read}");
    }
    assert_eq!(ksb.gets(&settings).await.ok()["graceDays"], 20);
    let set = json!({
        "groups": ["unauthorised-registration"], "otherMunicipalities": false, "keys": [],
    });
    assert_eq!(ksb.gets(&terms).await.ok(), set);
    let foreign = format!("/admin/v1/counters/{THEATRE}/terms/2");
    region.ksb_of(2).gets(&foreign).await.refused(400, "own/counter-card-system");
}

/// Long answers are packed for whoever can unpack them.
#[tokio::test]
async fn long_answers_are_compressed_on_demand() {
    let region = Region::empty().await;
    let stranger = region.stranger();
    let plain = stranger.gets("/v4/openapi.json").await;
    assert_eq!(plain.header("content-encoding"), None);
    let asked = stranger.request(Method::GET, "/v4/openapi.json").header("accept-encoding", "gzip");
    let packed = Answer::to(asked).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() * 2 < plain.bytes.len());
}

/// Behind a proxy a link begins with where others reach the server; else with the host of the request.
#[tokio::test]
async fn links_lead_to_where_others_reach_the_server() {
    let region = Region::new().await;
    let (desk, admin) = (region.desk(THEATRE), region.admin_of(THEATRE));
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    desk.sells(&holder.card, &activity, 10.0).await.ok();
    let report = admin.asks_report(today(), today()).await.ok();
    desk.uploads_picture(&holder, "file", &crate::private::jpeg("iemand")).await.done();
    let public = "https://uitpas.example/kaart";
    let reached = region.reached_by(&format!("{public}/"), &admin).await;
    for (path, field) in [
        (
            format!("/v4/organizers/{THEATRE}/financial-reports/{}/download-link", report["id"]),
            "downloadLink",
        ),
        (format!("/v4/events/{activity}/qr-checkincodes/download-link"), "downloadLink"),
        (format!("/v4/passholders/{}/picture", holder.id), "pictureUrl"),
    ] {
        let link = reached.gets(&path).await.ok()[field].clone();
        let behind = text(&link).strip_prefix(public).expect("the address that others know");
        assert_eq!(region.stranger().gets(behind).await.status, 200, "{link}");
        let link = admin.gets(&path).await.ok()[field].clone();
        assert!(text(&link).starts_with(&region.base), "{link}");
    }
}

//! Kiosks: their device, their activity, and points without staff.

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::guesses::GUESSES_MAX;

use crate::answer::Answer;
use crate::region::{ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, between, permanent, text};

/// R-KSK-01, R-KSK-07, R-SEC-02: a device becomes a kiosk by the code that its KSB sees, is told
/// whether to show the QR code, and does kiosk calls only.
#[tokio::test]
async fn a_device_becomes_one_kiosk_and_opens_no_other_door() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH, THEATRE]).await;
    assert_eq!(made["configured"], false);
    let (id, code) = (text(&made["id"]), text(&made["configurationCode"]));
    let device = Device::new(&region, "toestel-0123456789");

    device.sets_up("Inkomhal", "0000000000000000").await.refused(401, "auth/unauthorized");
    device.sets_up("Uitgang", code).await.refused(400, "uitpas/kiosk-not-found");
    let short = Device::new(&region, "kort");
    short.sets_up("Inkomhal", code).await.refused(400, "body/invalid-data");
    device.asks("").await.refused(401, "auth/unauthorized");
    let kiosk = device.sets_up("Inkomhal", code).await.ok();
    assert_eq!((&kiosk["id"], &kiosk["deviceId"]), (&made["id"], &json!("toestel-0123456789")));
    assert_eq!(kiosk["organizers"][0]["id"], YOUTH);
    let before = region.position().await;
    assert_eq!(device.sets_up("Inkomhal", code).await.ok(), kiosk);
    assert_eq!(region.position().await, before);
    assert_eq!(device.asks("").await.ok(), kiosk);
    assert_eq!(kiosk["showsQr"], true);

    let another = Device::new(&region, "toestel-9876543210");
    another.sets_up("Inkomhal", code).await.refused(400, "uitpas/kiosk-already-configured");
    let second = make(&region, "Zijdeur", &[YOUTH]).await;
    let code_of_second = text(&second["configurationCode"]);
    device
        .sets_up("Zijdeur", code_of_second)
        .await
        .refused(400, "uitpas/kiosk-device-already-in-use");
    let path = format!("/admin/v1/kiosks/{id}/device");
    region.ksb_of(2).deletes(&path).await.refused(403, "auth/forbidden");
    region.ksb().deletes(&path).await.done();
    device.asks("").await.refused(401, "auth/unauthorized");
    another.sets_up("Inkomhal", code).await.ok();

    // The device id is no bearer token, and a bearer token no device id.
    let request = region.stranger().request(Method::GET, "/v4/kiosks");
    let request = request.bearer_auth("toestel-9876543210");
    region.stranger().send(request).await.refused(401, "auth/unauthorized");
    let request = region.stranger().request(Method::GET, "/v4/kiosks");
    let request = request.header("x-custom-token", "toestel-9876543210");
    region.stranger().send(request).await.refused(401, "auth/unauthorized");
    region.desk(YOUTH).gets("/v4/kiosk-devices").await.refused(401, "auth/unauthorized");
    assert!(!region.whole_log().await.contains("toestel-"), "a secret stands in the log");
}

/// R-KSK-01, R-SEC-02: the code of a kiosk is not to be found out by trying, on however many devices.
#[tokio::test]
async fn whoever_guesses_the_code_of_a_kiosk_has_to_wait() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH]).await;
    let other = make(&region, "Zijdeur", &[YOUTH]).await;
    let mut guesses = 0;
    let waits = loop {
        let device = Device::new(&region, &format!("toestel-{guesses:010}"));
        let name = ["Inkomhal", "INKOMHAL"][guesses as usize % 2];
        let answer = device.sets_up(name, &format!("{guesses:016X}")).await;
        if answer.status == 429 {
            break answer;
        }
        answer.refused(401, "auth/unauthorized");
        guesses += 1;
    };
    waits.refused(429, "uitpas/rate-limited");
    assert!(waits.header("retry-after").is_some());
    assert!((GUESSES_MAX.get()..2 * GUESSES_MAX.get()).contains(&guesses), "{guesses}");
    // Other kiosks are set up as ever, and nobody became this one.
    set_up(&region, &other).await;
    let path = format!("/admin/v1/kiosks/{}", text(&made["id"]));
    assert_eq!(region.ksb().gets(&path).await.ok()["configured"], false);
}

/// R-KSK-01
#[tokio::test]
async fn kiosks_are_made_by_their_ksb_and_shown_to_their_counters() {
    let region = Region::new().await;
    let kiosk = profile("Inkomhal", &[YOUTH]);
    region
        .desk(YOUTH)
        .posts("/admin/v1/kiosks", kiosk.clone())
        .await
        .refused(403, "auth/forbidden");
    region.ksb_of(2).posts("/admin/v1/kiosks", kiosk).await.refused(403, "auth/forbidden");
    let foreign = profile("Inkomhal", &[ELSEWHERE]);
    assert_eq!(region.ksb().posts("/admin/v1/kiosks", foreign).await.status, 400);
    let of_nobody = profile("Inkomhal", &[]);
    region.ksb().posts("/admin/v1/kiosks", of_nobody).await.refused(400, "body/invalid-data");
    let made = make(&region, "Inkomhal", &[YOUTH]).await;
    let twin = profile("inkomhal", &[GYM]);
    region.ksb().posts("/admin/v1/kiosks", twin).await.refused(400, "body/invalid-data");

    let listed = region.desk(YOUTH).gets("/v4/kiosks?organizerId=jeugdhuis").await.ok();
    assert_eq!((&listed["totalItems"], &listed["member"][0]["id"]), (&json!(1), &made["id"]));
    assert_eq!(listed["member"][0]["deviceId"], "");
    assert_eq!(region.desk(GYM).gets("/v4/kiosks").await.ok()["totalItems"], 0);
    let path = format!("/admin/v1/kiosks/{}", text(&made["id"]));
    region.ksb().puts(&path, profile("Inkomhal", &[GYM])).await.done();
    assert_eq!(region.desk(GYM).gets("/v4/kiosks").await.ok()["totalItems"], 1);
    assert_eq!(region.desk(YOUTH).gets("/v4/kiosks").await.ok()["totalItems"], 0);
    assert_eq!(region.ksb().gets(&path).await.ok()["organizers"], json!([GYM]));
    region.desk(GYM).gets(&path).await.refused(403, "auth/forbidden");
}

/// R-KSK-02, R-KSK-05, R-KSK-06
#[tokio::test]
async fn the_ksb_fixes_a_counter_chooses_and_else_the_clock_does() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH, THEATRE]).await;
    let device = set_up(&region, &made).await;
    let fixed = format!("/v4/kiosks/{}/fixed-event", text(&made["id"]));
    device.asks("/checkins").await.refused(404, "uitpas/event-not-found");
    let on = region.told(YOUTH, between(-30, 60), &[("Basistarief", 3.0)]).await;
    assert_eq!(device.shows().await, on);
    let unpriced = region.told(THEATRE, between(-10, 60), &[]).await;
    assert_eq!(device.shows().await, on, "{unpriced} gives no points");

    let later = region.told(THEATRE, between(100, 200), &[("Basistarief", 3.0)]).await;
    let far = region.told(THEATRE, between(6 * 1440, 6 * 1440 + 60), &[("Gratis", 0.0)]).await;
    let desk = region.desk(THEATRE);
    desk.gets(&fixed).await.refused(404, "uitpas/event-not-found");
    desk.puts(&fixed, json!({ "id": far })).await.refused(400, "uitpas/event-not-acceptable");
    desk.puts(&fixed, json!({ "id": "nergens" })).await.refused(400, "uitpas/event-not-found");
    region.desk(GYM).puts(&fixed, json!({ "id": later })).await.refused(403, "auth/forbidden");
    let of_gym = region.activity(GYM, 3.0).await;
    desk.puts(&fixed, json!({ "id": of_gym })).await.refused(400, "uitpas/event-not-acceptable");
    desk.puts(&fixed, json!({ "id": later })).await.done();
    assert_eq!(desk.gets(&fixed).await.ok()["event"]["id"], json!(later));
    // It is not on yet, and nothing takes its place.
    device.asks("/checkins").await.refused(404, "uitpas/event-not-found");
    let (_, chip) = someone(&region, 1).await;
    device.scans(&chip, json!({})).await.refused(400, "uitpas/event-not-found");

    region.ksb().puts(&fixed, json!({ "id": on })).await.done();
    assert_eq!(device.shows().await, on);
    region.ksb().deletes(&fixed).await.done();
    region.ksb().deletes(&fixed).await.refused(404, "uitpas/event-not-found");
    device.asks("/checkins").await.refused(404, "uitpas/event-not-found");
    device.deletes("/events").await.done();
    assert_eq!(device.shows().await, on);
    device.puts("/events", json!({ "id": on })).await.done();
    assert_eq!(device.asks("/events").await.ok()["event"]["id"], json!(on));
}

/// R-KSK-03, R-KSK-04: of several the latest that has started or is about to, else the first to start;
/// what runs long gives way, and comes back.
#[tokio::test]
async fn of_several_activities_the_kiosk_takes_the_one_that_people_come_for() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH, THEATRE]).await;
    let device = set_up(&region, &made).await;
    let prices = [("Basistarief", 3.0)];
    let now = Utc::now();
    let at = |minutes: i64| (now + TimeDelta::minutes(minutes)).to_rfc3339();
    let once = |from: i64, until: i64| json!({ "calendarType": "single", "startDate": at(from), "endDate": at(until) });
    region.app.clock.turn_to(now);
    let on = async |organizer: &str, when: Value| region.told(organizer, when, &prices).await;

    let festival = on(THEATRE, once(-2_000, 2_000)).await;
    assert_eq!(device.shows().await, festival, "a long one is better than none");
    let soon = on(YOUTH, once(59, 150)).await;
    assert_eq!(device.shows().await, soon, "the long one gives way");
    let sooner = on(YOUTH, once(45, 150)).await;
    assert_eq!(device.shows().await, sooner, "none has started: the first to start");
    let started = on(THEATRE, once(-90, 150)).await;
    assert_eq!(device.shows().await, started);
    let later = on(YOUTH, once(-20, 150)).await;
    assert_eq!(device.shows().await, later, "of two that have started the latest");
    let about_to = on(THEATRE, once(30, 150)).await;
    assert_eq!(device.shows().await, about_to, "it starts within half an hour");
    region.retold("0", YOUTH, once(30, 150), &prices, json!({})).await;
    assert_eq!(device.shows().await, "0", "of equal starts the lowest id");
    let museum = on(YOUTH, permanent()).await;
    assert_eq!(device.shows().await, "0", "{museum} gives way");

    for (minutes, expected) in [(44, soon), (1_000, museum.clone()), (2_100, museum)] {
        region.app.clock.turn_to(now + TimeDelta::minutes(minutes));
        assert_eq!(device.shows().await, expected, "in {minutes} minutes");
    }
}

/// R-KSK-07, R-CHK-11
#[tokio::test]
async fn a_scan_answers_with_points_and_balance_or_the_reason() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH]).await;
    let device = set_up(&region, &made).await;
    let on = region.activity(YOUTH, 3.0).await;
    let (holder, chip) = someone(&region, 1).await;
    let saved = device.scans(&chip, json!({})).await.ok();
    assert_eq!(saved, json!({ "newPoints": 1, "totalPoints": 1 }));
    let again = device.scans(&chip, json!({})).await;
    again.refused_saying(400, "uitpas/maximum-reached", "al op");
    let nobody = "04784CDAEE3899";
    device.scans(nobody, json!({})).await.refused(400, "uitpas/passholder-not-found");
    let path = format!("/chip-numbers/{chip}");
    assert_eq!(device.asks(&path).await.ok(), json!({ "totalPoints": 1 }));
    let unknown = format!("/chip-numbers/{nobody}");
    device.asks(&unknown).await.refused(404, "uitpas/pass-not-found");
    let overview = region.ksb().gets("/admin/v1/checkins?organizerId=jeugdhuis").await.ok();
    assert_eq!(overview["member"][0]["channel"], "kiosk");
    assert_eq!(overview["member"][0]["eventId"], json!(on));

    region.desk(THEATRE).blocks(&holder, "replace", "loss").await.done();
    device.scans(&chip, json!({})).await.refused(400, "uitpas/card-blocked");
    device.asks(&path).await.refused(400, "uitpas/card-blocked");
}

/// R-KSK-08: what was scanned offline counts once, by its own time.
#[tokio::test]
async fn scans_that_come_in_late_count_once_each() {
    let region = Region::new().await;
    let made = make(&region, "Inkomhal", &[YOUTH]).await;
    let device = set_up(&region, &made).await;
    region.told(YOUTH, between(-300, -200), &[("Basistarief", 3.0)]).await;
    device.asks("/checkins").await.refused(404, "uitpas/event-not-found");
    let minutes_ago = |minutes| json!({ "scannedAt": Utc::now() - TimeDelta::minutes(minutes) });
    let (holder, chip) = someone(&region, 1).await;
    let backlog = minutes_ago(250);
    for _ in 0..3 {
        let saved = device.scans_once("scan-1", &chip, backlog.clone()).await.ok();
        assert_eq!(saved, json!({ "newPoints": 1, "totalPoints": 1 }));
    }
    let another = device.scans_once("scan-2", &chip, minutes_ago(240)).await;
    another.refused(400, "uitpas/maximum-reached");
    assert_eq!(region.ksb().balance_of(&holder).await, 1);
    let (_, chip) = someone(&region, 2).await;
    device.scans(&chip, minutes_ago(-6)).await.refused(400, "uitpas/checkin-not-allowed");
    let long_ago = minutes_ago(100 * 1440);
    device.scans(&chip, long_ago).await.refused(400, "uitpas/checkin-not-allowed");
    // Two hours after the end, by its own time.
    device.scans(&chip, minutes_ago(80)).await.refused(400, "uitpas/event-not-found");
}

fn profile(name: &str, counters: &[&str]) -> Value {
    json!({ "name": name, "cardSystemId": 1, "organizers": counters, "showsQr": true })
}

async fn make(region: &Region, name: &str, counters: &[&str]) -> Value {
    region.ksb().posts("/admin/v1/kiosks", profile(name, counters)).await.created()
}

async fn set_up<'a>(region: &'a Region, made: &Value) -> Device<'a> {
    let device = Device::new(region, &format!("toestel-{}", text(&made["id"])));
    device.sets_up(text(&made["name"]), text(&made["configurationCode"])).await.ok();
    device
}

/// A passholder, and the chip of the card.
async fn someone(region: &Region, number: u32) -> (Holder, String) {
    let (card, chip) = (region.number(false), format!("04784CDAEE38{number:02X}"));
    region.ksb().takes_in(&card, json!({ "chipNumber": chip })).await.done();
    let person = region.person(THEATRE, &card);
    (region.desk(THEATRE).registers(&person).await.holder(), chip)
}

struct Device<'a> {
    region: &'a Region,
    id: String,
}

impl<'a> Device<'a> {
    fn new(region: &'a Region, id: &str) -> Self {
        Self { region, id: id.to_owned() }
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let stranger = self.region.stranger();
        let path = format!("/v4/kiosk-devices{path}");
        let request = stranger.request(method, &path).header("x-custom-token", token);
        stranger.send(if let Some(body) = body { request.json(&body) } else { request }).await
    }

    async fn sets_up(&self, name: &str, code: &str) -> Answer {
        let body = json!({ "name": name, "deviceId": self.id });
        self.call(Method::PUT, "/setup", code, Some(body)).await
    }

    async fn asks(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &self.id, None).await
    }

    async fn puts(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, &self.id, Some(body)).await
    }

    async fn deletes(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &self.id, None).await
    }

    /// The activity that is on.
    async fn shows(&self) -> String {
        let shown = self.asks("/checkins").await.ok();
        assert!(text(&shown["checkinCode"]).starts_with(text(&shown["event"]["id"])));
        text(&shown["event"]["id"]).to_owned()
    }

    async fn scans(&self, chip: &str, mut body: Value) -> Answer {
        body["chipNumber"] = json!(chip);
        self.call(Method::POST, "/checkins", &self.id, Some(body)).await
    }

    async fn scans_once(&self, key: &str, chip: &str, mut body: Value) -> Answer {
        body["chipNumber"] = json!(chip);
        let stranger = self.region.stranger();
        let request = stranger.request(Method::POST, "/v4/kiosk-devices/checkins");
        let request = request.header("x-custom-token", &self.id).header("idempotency-key", key);
        stranger.send(request.json(&body)).await
    }
}

//! A passholder who comes for himself, with a token that names his national number.

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::auth::{AUDIENCE, Claims, DEMO_ISSUER, Kind};

use crate::region::{Desk, ELSEWHERE, Holder, Region, THEATRE, YOUTH, between, list, text};

impl Region {
    /// Somebody who logged in with his national number, and with one factor.
    pub fn oneself(&self, subject: &str, insz: Option<&str>) -> Desk {
        let now = Utc::now();
        let token = self.app.issuer.sign(&Claims {
            iss: DEMO_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.parse().expect("a subject"),
            exp: (now + TimeDelta::hours(1)).timestamp(),
            nbf: now.timestamp(),
            amr: vec![],
            kind: Kind::Passholder,
            insz: insz.map(|insz| insz.parse().expect("an INSZ")),
            email: None,
            email_verified: false,
        });
        self.with_token(&token, THEATRE)
    }

    /// A passholder of Meerdal, and the same at home.
    pub async fn someone_at_home(&self) -> (Holder, Desk) {
        let card = self.card(false).await;
        let person = self.person(THEATRE, &card);
        let holder = self.desk(THEATRE).registers(&person).await.holder();
        (holder, self.oneself("nele", Some(text(&person["inszNumber"]))))
    }

    /// What the QR code of an activity says.
    pub async fn code_of(&self, activity: &str) -> String {
        let code = self.desk(THEATRE).gets(&format!("/v4/events/{activity}/checkin-code")).await;
        text(&code.ok()["checkinCode"]).to_owned()
    }
}

impl Desk {
    pub async fn scans(&self, code: &str) -> crate::answer::Answer {
        self.posts("/v4/passholders/me/checkins", json!({ "checkinCode": code })).await
    }
}

/// R-SEC-01: whoever comes for himself sees himself, and has no role, whatever his name is.
#[tokio::test]
async fn one_sees_oneself_and_nobody_else() {
    let region = Region::new().await;
    let (holder, nele) = region.someone_at_home().await;
    let me = nele.gets("/v4/passholders/me").await.ok();
    assert_eq!(me, region.desk(THEATRE).reads(&holder).await.ok());
    let unknown = crate::region::insz(crate::region::born_years_ago(33), 900);
    let (stranger, nameless) =
        (region.oneself("iemand", Some(&unknown)), region.oneself("iemand", None));
    stranger.gets("/v4/passholders/me").await.refused(404, "uitpas/passholder-not-found");
    for nobody in [&nameless, &region.desk(THEATRE)] {
        nobody.gets("/v4/passholders/me").await.refused(404, "uitpas/passholder-not-found");
    }

    let alike = region.oneself("theater-member", Some(&unknown));
    assert_eq!(alike.gets("/v4/permissions").await.ok(), json!([]));
    for desk in [&alike, &nele] {
        desk.reads(&holder).await.refused(403, "auth/forbidden");
        desk.identifies(&holder.card).await.refused(403, "auth/forbidden");
    }
    let activity = region.activity(THEATRE, 5.0).await;
    alike.checks_in(&holder.card, &activity).await.refused(403, "auth/forbidden");
    region
        .oneself("owner", Some(&unknown))
        .gets("/v4/organizers")
        .await
        .refused(403, "auth/forbidden");
}

/// R-CHK-10, R-CHK-11: the code of an activity gives its point once, while the activity is on.
#[tokio::test]
async fn a_qr_code_gives_the_point_of_its_activity_once() {
    let region = Region::new().await;
    let (holder, nele) = region.someone_at_home().await;
    let activity = region.activity(THEATRE, 5.0).await;
    let code = region.code_of(&activity).await;
    assert_eq!(nele.scans(&code).await.created(), json!({ "addedPoints": 1, "totalPoints": 1 }));
    nele.scans(&code).await.refused_saying(400, "uitpas/checkin-not-allowed", "al");
    let listed = region.ksb().gets("/admin/v1/checkins").await.ok();
    assert_eq!(listed["member"][0]["channel"], "qr");
    let check_in = json!({ "id": listed["member"][0]["id"] });
    region.desk(THEATRE).takes_back(&check_in).await.refused(403, "auth/forbidden");

    let told = async |from: i64, until: i64| {
        let prices = [("Basistarief", 5.0)];
        let activity = region.told(THEATRE, between(from, until), &prices).await;
        region.code_of(&activity).await
    };
    // One hour on either side, without staff.
    let (over, just_over) = (told(-180, -61).await, told(-180, -59).await);
    let (later, soon) = (told(62, 120).await, told(58, 120).await);
    nele.scans(&over).await.refused(400, "uitpas/checkin-code-expired");
    nele.scans(&later).await.refused(400, "uitpas/checkin-not-allowed");
    nele.scans(&just_over).await.created();
    nele.scans(&soon).await.created();
    let (id, signature) = code.rsplit_once('.').expect("a signature");
    let other = if signature.starts_with('0') { "1" } else { "0" };
    let forged = format!("{id}.{other}{}", &signature[1..]);
    for unknown in ["iets", activity.as_str(), &forged, &format!("x{code}"), "nergens.00"] {
        nele.scans(unknown).await.refused(400, "uitpas/checkin-code-invalid");
    }
    region.ksb().takes_back(&check_in).await.done();
    assert_eq!(region.desk(THEATRE).balance_of(&holder).await, 2);
    region
        .desk(crate::region::GYM)
        .gets(&format!("/v4/events/{activity}/checkin-code"))
        .await
        .refused(403, "auth/forbidden");
}

/// R-CHK-08, R-RWD-08: points saved, spent and taken back, newest first, with the balance after each.
#[tokio::test]
async fn one_sees_what_became_of_ones_points() {
    let region = Region::new().await;
    let (holder, nele) = region.someone_at_home().await;
    let desk = region.desk(THEATRE);
    let mut check_ins = Vec::new();
    for _ in 0..3 {
        let activity = region.activity(THEATRE, 5.0).await;
        check_ins.push(desk.checks_in(&holder.card, &activity).await.created());
    }
    let reward = region.ksb().makes_reward(json!({ "title": "Thee", "points": 2 })).await.ok();
    let redeemed = desk.redeems(&reward, &holder.card).await.created();
    desk.takes_back(&check_ins[1]).await.done();
    let asked = |query: &str| format!("/v4/passholders/me/transactions{query}");
    let lines = nele.gets(&asked("")).await.ok();
    let points = |lines: &Value| -> Vec<Value> {
        list(&lines["member"]).iter().map(|line| line["points"].clone()).collect()
    };
    assert_eq!(
        (&lines["totalItems"], points(&lines)),
        (&json!(5), vec![json!(-1), json!(-2), json!(1), json!(1), json!(1)])
    );
    let (corrected, spent) = (&lines["member"][0], &lines["member"][1]);
    assert!(text(&corrected["title"]).starts_with("Correctie: "), "{corrected}");
    assert_eq!((&spent["title"], &spent["location"]), (&json!("Thee"), &json!(THEATRE)));
    assert_eq!((&spent["balance"], &corrected["balance"]), (&json!(1), &json!(0)));
    let oldest = nele.gets(&asked("?sort%5BcreationDate%5D=asc&start=1")).await.ok();
    assert_eq!(points(&oldest), [json!(1), json!(1), json!(-2), json!(-1)]);
    desk.gets(&asked("")).await.refused(404, "uitpas/passholder-not-found");

    region.ksb().gives_back(&redeemed).await.done();
    let path = format!("/v4/passholders/{}/transactions", holder.id);
    let lines = desk.gets(&path).await.ok();
    assert_eq!((&lines["totalItems"], &lines["member"][0]["points"]), (&json!(6), &json!(2)));
    assert!(text(&lines["member"][0]["title"]).starts_with("Geannuleerd: "), "{lines}");
    assert_eq!(lines["member"][0]["balance"], desk.balance_of(&holder).await);
    assert_eq!(nele.gets(&asked("")).await.ok(), lines);
    region.desk(ELSEWHERE).gets(&path).await.refused(403, "auth/forbidden");
    region.desk(YOUTH).gets(&path).await.refused(403, "auth/forbidden");
}

/// R-PRV-01, R-PRV-03: one chooses one's messages, and leaves; then nothing is left to read.
#[tokio::test]
async fn one_chooses_ones_messages_and_leaves() {
    let region = Region::new().await;
    let (holder, nele) = region.someone_at_home().await;
    let chosen = json!({
        "serviceMails": false, "milestoneMails": true, "infoMails": true, "sms": false, "post": false,
    });
    let path = "/v4/passholders/me/preferences";
    nele.puts(path, chosen.clone()).await.done();
    let desk = region.desk(THEATRE);
    assert_eq!(desk.reads(&holder).await.ok()["optInPreferences"], chosen);
    nele.puts(path, json!({ "sms": true })).await.refused(400, "body/invalid-data");
    desk.puts(path, chosen).await.refused(404, "uitpas/passholder-not-found");

    let asked = nele.request(Method::DELETE, "/v4/passholders/me").header("idempotency-key", "weg");
    nele.send(asked).await.done();
    nele.gets("/v4/passholders/me").await.refused(404, "uitpas/passholder-not-found");
    desk.reads(&holder).await.refused(404, "uitpas/passholder-not-found");
    desk.identifies(&holder.card).await.refused(400, "uitpas/invalid-card-status");
}

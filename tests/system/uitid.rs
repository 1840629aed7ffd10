//! Linking a UiTID to a passholder, and registering oneself.

use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::auth::Kind;

use crate::answer::Answer;
use crate::region::{Desk, Holder, Region, THEATRE, born_years_ago, insz, text};

const TOKEN: &str = "/v4/passholders/me/uitid/registration-token";
const STATUS: &str = "/v4/passholders/me/uitid/status";

impl Region {
    /// A web site that is known by its name, and somebody who comes by it.
    pub async fn website(&self) -> Desk {
        let client = json!({ "name": "Website", "permissions": [] });
        self.owner().puts("/admin/v1/clients/website", client).await.done();
        self.stranger()
    }
}

impl Desk {
    pub async fn asks_token(&self, card: &str, born: &str) -> Answer {
        let request = self.request(Method::GET, TOKEN).basic_auth(card, Some(born));
        self.send(request.header("x-client-id", "website")).await
    }

    async fn asks_status(&self, token: &str) -> Answer {
        let request = self.request(Method::GET, STATUS).header("x-registration-token", token);
        self.send(request.header("x-client-id", "website")).await
    }

    async fn asks_email(&self, email: &str) -> Value {
        let path = format!("/v4/uitid/emails/{email}");
        let request = self.request(Method::GET, &path).header("x-client-id", "website");
        self.send(request).await.ok()["state"].clone()
    }

    async fn links(&self, token: &str) -> Answer {
        let request = self.request(Method::PUT, "/v4/passholders/me/uitid");
        self.send(request.header("x-registration-token", token)).await
    }
}

/// R-REG-08: whoever has the card and the date of birth links his UiTID, once, and sees himself by it.
#[tokio::test]
async fn a_uitid_is_linked_to_one_passholder_and_he_sees_himself_by_it() {
    let region = Region::new().await;
    let web = region.website().await;
    let holder: Holder = region.passholder().await;
    for (card, born) in
        [(holder.card.as_str(), "1990-07-22"), (&region.number(false), "1990-07-21")]
    {
        web.asks_token(card, born).await.refused(401, "auth/unauthorized");
    }
    region.stranger().gets(TOKEN).await.refused(401, "auth/unauthorized");
    let token = web.asks_token(&holder.card, "1990-07-21").await.ok();
    let token = text(&token["token"]);
    let status = web.asks_status(token).await.ok();
    assert_eq!(status["state"], "UNREGISTERED");
    assert_eq!(status["uitpasNumber"], holder.card);
    let other = if token.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{other}", &token[..token.len() - 1]);
    web.asks_status(&forged).await.refused(401, "auth/unauthorized");

    assert_eq!(web.asks_email("nele@voorbeeld.example").await, "UITID_UNREGISTERED");
    let nele = region.with_email("nele", "nele@voorbeeld.example", true);
    nele.gets("/v4/passholders/me").await.refused(404, "uitpas/passholder-not-found");
    assert_eq!(web.asks_email("nele@voorbeeld.example").await, "UITID_REGISTERED");
    nele.links(&forged).await.refused(401, "auth/unauthorized");
    assert_eq!(nele.links(token).await.status, 201);
    assert_eq!(web.asks_email("nele@voorbeeld.example").await, "UITPAS_ALREADY_LINKED");
    assert_eq!(web.asks_status(token).await.ok()["state"], "REGISTERED");
    assert_eq!(nele.gets("/v4/passholders/me").await.ok()["id"], holder.id);

    let desk = region.desk(THEATRE);
    let found = desk.searches("uitidId=nele").await.ok();
    assert_eq!((&found["totalItems"], &found["member"][0]["id"]), (&json!(1), &json!(holder.id)));
    assert_eq!(desk.searches("uitidId=bram").await.ok()["totalItems"], 0);
    region.stranger().searches("uitidId=nele").await.refused(401, "auth/unauthorized");
    nele.links(token).await.refused(400, "uitpas/passholder-already-registered");
    let bram = region.someone("bram", Kind::User, THEATRE);
    bram.links(token).await.refused(400, "uitpas/passholder-already-registered");
    let second = region.passholder().await;
    let second = web.asks_token(&second.card, "1990-07-21").await.ok();
    nele.links(text(&second["token"])).await.refused(400, "uitpas/uitid-already-registered");
    // Whose UiTID it is stands nowhere in the log.
    let log = region.whole_log().await;
    let linked = log.lines().find(|line| line.contains("UitidLinked")).expect("it is linked");
    assert!(!linked.split("metadata").next().expect("a payload").contains("voorbeeld.example"));
    // Who leaves is free to link anew.
    nele.deletes("/v4/passholders/me").await.done();
    assert_eq!(nele.links(text(&second["token"])).await.status, 201);
}

/// A date of birth is not found out by trying them all.
#[tokio::test]
async fn dates_of_birth_are_not_tried_without_end() {
    let region = Region::new().await;
    let web = region.website().await;
    let holder = region.passholder().await;
    for day in 1..=5 {
        let born = format!("1990-07-{day:02}");
        web.asks_token(&holder.card, &born).await.refused(401, "auth/unauthorized");
    }
    let refused = web.asks_token(&holder.card, "1990-07-21").await;
    refused.refused(429, "uitpas/rate-limited");
    let other = region.passholder().await;
    web.asks_token(&other.card, "1990-07-21").await.ok();
}

/// R-REG-08, R-CRD-01: whoever shows his national number registers himself with a digital card; not
/// under 16, and not twice.
#[tokio::test]
async fn one_registers_oneself_with_a_verified_national_number() {
    let region = Region::new().await;
    let asked = |born: chrono::NaiveDate, postal_code: &str| {
        json!({
            "name": "Vandermeer", "firstName": "Nele", "dateOfBirth": born,
            "email": "nele@voorbeeld.example", "postalCode": postal_code, "city": "Meerdal",
            "cardSystem": { "id": 1 }, "registrationOrganizer": { "id": THEATRE },
        })
    };
    let me = "/v4/passholders/me";
    let (born, young) = (born_years_ago(16), born_years_ago(16) + chrono::Days::new(1));
    let nele = region.oneself("nele", Some(&insz(born, 1)));
    nele.posts(me, asked(born, "9050")).await.refused(400, "uitpas/invalid-city");
    let jef = region.oneself("jef", Some(&insz(young, 1)));
    jef.posts(me, asked(young, "9981")).await.refused(400, "uitpas/forbidden-underaged");
    let nameless = region.oneself("iemand", None);
    nameless.posts(me, asked(born, "9981")).await.refused(400, "uitpas/insz-in-token-required");
    region
        .client_of(THEATRE)
        .await
        .posts(me, asked(born, "9981"))
        .await
        .refused(403, "auth/forbidden");
    let registered = nele.posts(me, asked(born, "9981")).await.ok();
    assert_eq!(registered["inszNumber"], insz(born, 1));
    let card = text(&registered["uitpasNumber"]);
    let known = region.ksb().gets(&format!("/v4/cards?uitpasNumber={card}")).await.ok();
    assert_eq!((&known["cardType"], &known["status"]), (&json!("DIGITAL"), &json!("ACTIVE")));
    assert_eq!(nele.gets(me).await.ok(), registered);
    // By the UiTID that was linked too, without the number.
    assert_eq!(region.oneself("nele", None).gets(me).await.ok()["id"], registered["id"]);
    for again in [&nele, &region.oneself("een-ander", Some(&insz(born, 1)))] {
        let refused = again.posts(me, asked(born, "9981")).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    let mut wrong = asked(born, "9981");
    wrong["cardSystem"]["id"] = 9.into();
    let other = region.oneself("els", Some(&insz(born, 2)));
    other.posts(me, wrong).await.refused(400, "uitpas/cardsystem-not-found");
}

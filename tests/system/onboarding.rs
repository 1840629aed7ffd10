//! Taking up new organizers, and how it goes in the cities of a card system.

use reqwest::Method;
use serde_json::{Value, json};

use crate::region::{Region, THEATRE, list, text};

/// R-CTR-07: the open steps of new organizers are listed for the KSB, until they are taken.
#[tokio::test]
async fn open_steps_are_listed_until_they_are_taken() {
    let region = Region::new().await;
    let (owner, ksb) = (region.owner(), region.ksb());
    let address = json!({ "postalCode": "9981", "city": "Meerdal" });
    let profile = json!({ "name": "Circus", "address": address, "cardSystems": [1] });
    owner.puts("/admin/v1/counters/circus", profile).await.done();
    let open = async || {
        let all = list(&ksb.gets("/admin/v1/onboarding").await.ok());
        all.iter()
            .find(|one| one["organizer"]["id"] == "circus")
            .map(|one| one["openSteps"].clone())
    };
    let by_hand = [
        "information-sheet-signed",
        "declaration-of-honour-signed",
        "agreement-signed",
        "approved-by-municipality",
    ];
    // The card system has keys that hold by default.
    let settings = ["first-admin", "iban", "permissions", "informed"];
    let set = json!([by_hand, settings].concat());
    assert_eq!(open().await, Some(set));
    let step = |step: &str| format!("/admin/v1/counters/circus/onboarding/{step}");
    for step_name in by_hand.iter().chain(&["informed"]) {
        for other in [region.admin_of(THEATRE), region.ksb_of(2)] {
            let refused = other.call(Method::PUT, &step(step_name), None).await;
            refused.refused(403, "auth/forbidden");
        }
        ksb.call(Method::PUT, &step(step_name), None).await.done();
    }
    ksb.call(Method::PUT, &step("danced"), None).await.refused(404, "url/not-found");
    assert_eq!(open().await, Some(json!(["first-admin", "iban", "permissions"])));
    ksb.deletes(&step("informed")).await.done();
    assert_eq!(open().await, Some(json!(["first-admin", "iban", "permissions", "informed"])));
    ksb.call(Method::PUT, &step("informed"), None).await.done();

    region.with_email("zoe", "zoe@voorbeeld.example", true).gets("/v4/permissions").await.ok();
    let zoe = json!({ "email": "zoe@voorbeeld.example", "type": "ADMIN" });
    ksb.posts("/v4/organizers/circus/admins", zoe).await.created();
    ksb.puts("/admin/v1/counters/circus/iban", json!({ "iban": "BE68539007547034" })).await.done();
    ksb.sets_terms("circus", json!({ "groups": ["check-in-and-ticket"] })).await.done();
    assert_eq!(open().await, None);
    region.admin_of(THEATRE).gets("/admin/v1/onboarding").await.refused(403, "auth/forbidden");
    let of_others = region.ksb_of(2).gets("/admin/v1/onboarding").await.ok();
    let ids: Vec<_> =
        list(&of_others).iter().map(|one| text(&one["organizer"]["id"]).to_owned()).collect();
    assert_eq!(ids, ["overhal"]);
}

/// The settings of a card system per city, with where to turn to.
#[tokio::test]
async fn the_settings_of_each_city_are_told() {
    let region = Region::new().await;
    let anyone = region.desk(THEATRE);
    let settings = |query: &str| {
        let path = format!("/v4/card-systems/1/city-settings?{query}");
        let anyone = anyone.clone();
        async move { anyone.gets(&path).await }
    };
    let of = |city: &str, contact: Option<&str>| {
        let mut one = json!({ "city": city, "allowsCardlessRegistration": true });
        if let Some(contact) = contact {
            one["contactEmail"] = contact.into();
        }
        one
    };
    let all: Value = settings("").await.ok();
    assert_eq!(all, json!([of("MEERDAL", None), of("TERBEKE", None)]));
    let contact = json!({ "email": "uitpas@meerdal.example" });
    let path = "/admin/v1/card-systems/1/contact";
    region.ksb_of(2).puts(path, contact.clone()).await.refused(403, "auth/forbidden");
    region.ksb().puts(path, contact).await.done();
    let one = settings("postalCode=9987").await.ok();
    assert_eq!(one, json!([of("TERBEKE", Some("uitpas@meerdal.example"))]));
    settings("postalCode=9050").await.refused(400, "uitpas/postal-code-not-in-card-system");
    settings("postalCode=99").await.refused(400, "uitpas/invalid-postal-code");
    anyone
        .gets("/v4/card-systems/9/city-settings")
        .await
        .refused(404, "uitpas/cardsystem-not-found");
}

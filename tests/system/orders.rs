//! Ordering a UiTPAS online.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{Desk, Region, THEATRE, born_years_ago, insz, list, text};

/// What somebody of Meerdal fills in.
fn somebody(name: &str, years: i32, serial: u32) -> Value {
    let born = born_years_ago(years);
    json!({
        "name": "Vandermeer", "firstName": name, "dateOfBirth": born,
        "inszNumber": insz(born, serial), "email": "nele@voorbeeld.example",
        "address": { "postalCode": "9981", "city": "Meerdal" },
        "registrationOrganizer": { "id": THEATRE }, "registrationCardSystemId": 1,
    })
}

impl Desk {
    async fn orders(&self, main: Value, extra: &[Value]) -> Answer {
        let order = json!({
            "mainPassholderRegistration": main, "extraPassholderRegistrations": extra,
        });
        self.posts("/v4/orders", order).await
    }

    async fn looks_at(&self, order: &Value) -> Value {
        let path = format!("/v4/orders/{}", text(&order["id"]));
        let token = text(&order["customToken"]);
        let request = self.request(Method::GET, &path).header("x-custom-token", token);
        self.send(request).await.ok()
    }

    async fn confirms(&self, order: &Value) -> Answer {
        let path = format!("/admin/v1/orders/{}/payment", text(&order["id"]));
        self.call(Method::PUT, &path, None).await
    }
}

/// R-REG-08: what is free is carried out at once; whoever ordered links his UiTID.
#[tokio::test]
async fn a_free_order_registers_at_once_and_awaits_a_uitid() {
    let region = Region::new().await;
    let site = region.client_with(THEATRE, &["ORDERS_CREATE"]).await;
    let placed = site.orders(somebody("Nele", 30, 1), &[somebody("Bram", 20, 2)]).await.ok();
    assert_eq!(
        (&placed["status"], &placed["totalPrice"]),
        (&json!("PENDING_UITID_CONNECT"), &json!(0.0))
    );
    let found = list(&region.ksb().searches("name=Vandermeer").await.ok()["member"]);
    assert_eq!(found.len(), 2);
    let visitor = region.stranger();
    assert_eq!(visitor.looks_at(&placed).await["status"], "PENDING_UITID_CONNECT");
    let nele = region.with_email("nele", "nele@voorbeeld.example", true);
    let request = nele.request(Method::PUT, "/v4/passholders/me/uitid");
    let token = text(&placed["registrationToken"]);
    assert_eq!(nele.send(request.header("x-registration-token", token)).await.status, 201);
    let done = visitor.looks_at(&placed).await;
    assert_eq!(done["status"], "COMPLETED");
    assert!(done.get("registrationToken").is_none(), "{done}");
    assert_eq!(nele.gets("/v4/passholders/me").await.ok()["firstName"], "Nele");

    let path = format!("/v4/orders/{}", text(&placed["id"]));
    site.gets(&path).await.refused(403, "auth/forbidden");
    let reader = region.client_with(THEATRE, &["ORDERS_READ"]).await;
    assert_eq!(reader.gets(&path).await.ok()["status"], "COMPLETED");
    let request = visitor.request(Method::GET, &path).header("x-custom-token", "00");
    visitor.send(request).await.refused(401, "auth/unauthorized");
    reader.orders(somebody("Jef", 40, 3), &[]).await.refused(403, "auth/forbidden");
    region
        .admin_of(THEATRE)
        .orders(somebody("Jef", 40, 3), &[])
        .await
        .refused(403, "auth/forbidden");
}

/// R-REG-08, R-REG-06: what costs something waits until the KSB confirms that it was paid.
#[tokio::test]
async fn an_order_waits_for_its_payment() {
    let region = Region::new().await;
    let (ksb, visitor) = (region.ksb(), region.stranger());
    let prices = json!([{ "fromAge": 0, "regular": 4, "withSocialStatus": 0 }]);
    ksb.puts("/admin/v1/card-systems/1/prices", prices.clone()).await.done();
    let site = region.client_with(THEATRE, &["ORDERS_CREATE"]).await;
    let placed = site.orders(somebody("Nele", 30, 1), &[]).await.ok();
    assert_eq!(
        (&placed["status"], &placed["totalPrice"]),
        (&json!("PENDING_PAYMENT"), &json!(4.0))
    );
    assert_eq!(ksb.searches("name=Vandermeer").await.ok()["totalItems"], 0);
    for other in [region.admin_of(THEATRE), region.ksb_of(2)] {
        other.confirms(&placed).await.refused(403, "auth/forbidden");
    }
    let dearer = json!([{ "fromAge": 0, "regular": 5, "withSocialStatus": 0 }]);
    ksb.puts("/admin/v1/card-systems/1/prices", dearer).await.done();
    ksb.confirms(&placed).await.refused(409, "own/order-price-changed");
    ksb.puts("/admin/v1/card-systems/1/prices", prices).await.done();
    ksb.confirms(&placed).await.done();
    ksb.confirms(&placed).await.refused(409, "own/order-paid");
    assert_eq!(visitor.looks_at(&placed).await["status"], "PENDING_UITID_CONNECT");
    assert_eq!(ksb.searches("name=Vandermeer").await.ok()["totalItems"], 1);

    // One that is not paid for is cancelled, and nobody can read any more who it was.
    let placed = site.orders(somebody("Els", 30, 2), &[]).await.ok();
    let path = format!("/admin/v1/orders/{}", text(&placed["id"]));
    ksb.deletes(&path).await.done();
    let cancelled = visitor.looks_at(&placed).await;
    assert_eq!(cancelled["status"], "CANCELLED");
    assert!(cancelled.get("mainPassholderRegistration").is_none(), "{cancelled}");
    ksb.confirms(&placed).await.refused(409, "own/order-cancelled");
}

/// R-REG-08: not under 16, not without a national number, not with one that is known, and social tariff
/// not without the government's word.
#[tokio::test]
async fn whoever_may_not_register_himself_is_not_ordered_for() {
    let region = Region::new().await;
    let site = region.client_with(THEATRE, &["ORDERS_CREATE"]).await;
    let nele = || somebody("Nele", 30, 1);
    let with = |field: &str, value: Value| {
        let mut asked = nele();
        asked[field] = value;
        asked
    };
    let before = region.position().await;
    for (asked, kind) in [
        (somebody("Jef", 15, 2), "uitpas/forbidden-underaged"),
        (with("inszNumber", Value::Null), "uitpas/insz-in-token-required"),
        (
            with("registrationSocialTariff", json!({ "idToken": "x" })),
            "uitpas/invalid-social-tariff-validation-token",
        ),
        (
            with("address", json!({ "postalCode": "9050", "city": "Overstroom" })),
            "uitpas/invalid-city",
        ),
    ] {
        site.orders(asked.clone(), &[]).await.refused(400, kind);
        site.orders(somebody("Wim", 30, 9), &[asked]).await.refused(400, kind);
    }
    assert_eq!(region.position().await, before, "all or nothing");
    site.orders(nele(), &[]).await.ok();
    site.orders(nele(), &[]).await.refused(400, "uitpas/insz-already-used");
    site.orders(somebody("Els", 30, 3), &[somebody("Els", 30, 3)])
        .await
        .refused(400, "uitpas/insz-already-used");
}

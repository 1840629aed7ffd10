//! Clients: what each may do at which counters, with a token or by its name alone.

use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::auth::Kind;

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, GYM, Region, THEATRE, YOUTH, list, text};

fn held(counter: &str, permissions: &[&str]) -> Value {
    let details: Vec<_> = permissions.iter().map(|id| json!({ "id": id })).collect();
    json!({ "organizer": { "id": counter }, "permissionDetails": details })
}

impl Desk {
    async fn registers_client(&self, id: &str, permissions: Value) -> Answer {
        let client = json!({ "name": "Webshop", "permissions": permissions });
        self.puts(&format!("/admin/v1/clients/{id}"), client).await
    }

    async fn identified_as(&self, client: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).header("x-client-id", client)).await
    }
}

/// R-CTR-05, R-CTR-01: a client does what it was given, at the counters for which it was given it,
/// and never more than the staff of that counter.
#[tokio::test]
async fn a_client_does_what_it_was_given_where_it_was_given_it() {
    let region = Region::new().await;
    let (holder, unknown) =
        (region.entitled().await, region.someone("geen", Kind::Client, THEATRE));
    unknown.identifies(&holder.card).await.refused(403, "auth/forbidden");
    let sells = ["TICKETSALES_REGISTER", "TARIFFS_READ"];
    let shop = region.client_with(THEATRE, &sells).await;
    let (film, match_) = (region.activity(THEATRE, 10.0).await, region.activity(GYM, 10.0).await);
    shop.asks_tariff(&holder.card, &film, 10.0).await.ok();
    let sold = shop.sells(&holder.card, &film, 10.0).await.ok();
    assert!(sold[0].get("passholder").is_none(), "{sold}");
    shop.sells(&holder.card, &match_, 10.0).await.refused(403, "auth/forbidden");
    shop.checks_in(&holder.card, &film).await.refused(403, "auth/forbidden");
    shop.identifies(&holder.card).await.refused(403, "auth/forbidden");
    shop.reads(&holder).await.refused(403, "auth/forbidden");
    // Of a list it sees only the counters where it may see it.
    let two = json!([held(THEATRE, &["CHECKINS_WRITE"]), held(GYM, &["CHECKINS_READ"])]);
    region.owner().registers_client("webshop", two).await.done();
    region
        .desk(THEATRE)
        .checks_in(&holder.card, &region.activity(THEATRE, 1.0).await)
        .await
        .created();
    let at_gym = format!("/v4/checkins?passholderId={}&organizerId={GYM}", holder.id);
    let seen = shop.gets(&at_gym).await.ok();
    assert_eq!(seen["totalItems"], 0);
    let theirs = format!("/v4/checkins?passholderId={}&organizerId={THEATRE}", holder.id);
    shop.gets(&theirs).await.refused(403, "auth/forbidden");
    let log = region.whole_log().await;
    let sale = log.lines().find(|line| line.contains(" TicketSold ")).expect("the sale");
    assert!(sale.contains(r#""actor":"webshop","role":"client","counter":"theater""#), "{sale}");

    let card = region.card(true).await;
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    let registrar = region.client_with(THEATRE, &["PASSHOLDERS_WRITE"]).await;
    registrar.registers(&person).await.refused(403, "auth/forbidden");
    let both = ["PASSHOLDERS_WRITE", "PASSHOLDERS_WRITE_SOCIALTARIFF"];
    region.client_with(THEATRE, &both).await.registers(&person).await.ok();
    // The youth club registers nobody, and so no client for it.
    let young = region.client_with(YOUTH, &both).await;
    let person = region.person(YOUTH, &region.card(false).await);
    young.registers(&person).await.refused(403, "auth/forbidden");
    // Roles are not for clients, whatever they hold.
    let all = region.client_of(THEATRE).await;
    all.takes_in(&region.number(false), json!({})).await.refused(403, "auth/forbidden");
    all.gets("/v4/passholders/me").await.refused(403, "auth/forbidden");
    // Nor is being of the staff by that name.
    let path = format!("/admin/v1/counters/{GYM}/staff/webshop");
    region.ksb().puts(&path, json!({ "kind": "admin" })).await.done();
    all.sells(&holder.card, &match_, 10.0).await.refused(403, "auth/forbidden");
}

/// What a client may do is told to it, and set by the KSB of its counters or by a client that may.
#[tokio::test]
async fn permissions_of_clients_are_set_by_who_may() {
    let region = Region::new().await;
    let (owner, ksb) = (region.owner(), region.ksb());
    let in_theatre = json!([held(THEATRE, &["CHECKINS_WRITE"])]);
    region
        .admin_of(THEATRE)
        .registers_client("app", in_theatre.clone())
        .await
        .refused(403, "auth/forbidden");
    region
        .ksb_of(2)
        .registers_client("app", in_theatre.clone())
        .await
        .refused(403, "auth/forbidden");
    region.desk(THEATRE).registers_client("app", json!([])).await.refused(403, "auth/forbidden");
    ksb.registers_client("app", in_theatre.clone()).await.done();
    let both = json!([held(THEATRE, &["CHECKINS_WRITE"]), held(ELSEWHERE, &["CHECKINS_READ"])]);
    ksb.registers_client("app", both.clone()).await.refused(403, "auth/forbidden");
    owner.registers_client("app", both).await.done();
    ksb.registers_client("app", in_theatre.clone()).await.refused(403, "auth/forbidden");
    ksb.registers_client("x", json!([held("nergens", &[])]))
        .await
        .refused(404, "uitpas/organizer-not-found");
    ksb.registers_client("x", json!([held(THEATRE, &["FLY"])]))
        .await
        .wrong("/permissions/0/permissionDetails/0/id");

    let app = region.someone("app", Kind::Client, THEATRE);
    let told = list(&app.gets("/v4/permissions").await.ok());
    let ids: Vec<_> = told.iter().map(|one| text(&one["organizer"]["id"])).collect();
    assert_eq!(ids, [ELSEWHERE, THEATRE]);
    assert_eq!(told[1]["permissions"], json!(["CHECKINS_WRITE"]));
    assert_eq!(told[1]["permissionDetails"][0]["cardSystemIds"], json!([1]));

    let path = "/v4/permissions/app";
    app.gets(path).await.refused(403, "auth/forbidden");
    let manages = json!([held(THEATRE, &["PERMISSIONS_READ", "PERMISSIONS_WRITE"])]);
    ksb.registers_client("manager", manages).await.done();
    let manager = region.someone("manager", Kind::Client, THEATRE);
    let seen = list(&manager.gets(path).await.ok());
    assert_eq!(seen.len(), 1, "{seen:?}");
    manager.gets("/v4/permissions/nobody").await.refused(404, "uitpas/client-not-found");
    manager.puts("/v4/permissions/nobody", json!([])).await.refused(404, "uitpas/client-not-found");
    // What it has elsewhere would go, and there the manager may not.
    manager.puts(path, json!([])).await.refused(403, "auth/forbidden");
    owner.registers_client("app", in_theatre).await.done();
    manager.puts(path, json!([held(THEATRE, &["PASSES_READ"])])).await.done();
    let seen = list(&manager.gets(path).await.ok());
    assert_eq!(seen[0]["permissions"], json!(["PASSES_READ"]));
    manager.puts(path, json!([held(GYM, &["PASSES_READ"])])).await.refused(403, "auth/forbidden");
    for person in [region.owner(), region.ksb(), region.admin_of(THEATRE)] {
        person.gets(path).await.refused(403, "auth/forbidden");
        person.puts(path, json!([])).await.refused(403, "auth/forbidden");
    }
}

/// Where the contract says so, a client is let in that merely says who it is, if it is known.
#[tokio::test]
async fn a_client_may_say_who_it_is_where_nothing_is_secret() {
    let region = Region::new().await;
    let nobody = region.stranger();
    let open = [
        "/v4/card-systems",
        "/v4/card-systems/1",
        "/v4/rewards",
        "/v4/card-systems/1/membership-prices?cardType=DIGITAL",
    ];
    for path in open {
        nobody.gets(path).await.refused(401, "auth/unauthorized");
        nobody.identified_as("website", path).await.refused(401, "auth/unauthorized");
    }
    region.owner().registers_client("website", json!([])).await.done();
    for path in open {
        nobody.identified_as("website", path).await.ok();
    }
    nobody.gets("/v4/card-systems?clientId=website").await.ok();
    nobody.gets("/v4/card-systems?clientId=webshop").await.refused(401, "auth/unauthorized");
    // The header wins.
    let path = "/v4/card-systems?clientId=website";
    nobody.identified_as("webshop", path).await.refused(401, "auth/unauthorized");

    let prices = "/v4/passholders/membership-prices/1?postalCode=9981&dateOfBirth=1990-01-01&cardType=DIGITAL";
    nobody.identified_as("website", prices).await.refused(403, "auth/forbidden");
    let may = json!([held(THEATRE, &["MEMBERSHIP_PRICES_READ", "PASSES_READ"])]);
    region.owner().registers_client("website", may).await.done();
    nobody.identified_as("website", prices).await.ok();
    // Where a token is asked for, a name is none.
    let holder = region.passholder().await;
    for path in [format!("/v4/passes?identifier={}", holder.card), "/v4/permissions".to_owned()] {
        nobody.identified_as("website", &path).await.refused(401, "auth/unauthorized");
    }
}

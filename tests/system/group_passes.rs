//! Group passes: made by a KSB, looked up, bought with, and settled.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, Region, THEATRE, in_days, list, text, ticket, today};

/// R-GRP-01, R-TAR-04, R-TAR-05: several tickets at once, and all that is made of them.
#[tokio::test]
async fn a_group_buys_several_tickets_at_once_and_its_municipality_pays() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    let pass = ksb.makes_pass(&card, json!({})).await.created();
    let id = text(&pass["id"]);
    assert_eq!(pass["socialTariff"]["availableTickets"], 4);

    let shown = desk.identifies(&card).await.ok();
    assert_eq!((&shown["passType"], &shown["points"]), (&json!("GROUP"), &json!(0)));
    assert_eq!((&shown["firstName"], &shown["passholderId"]), (&json!("De Kaai"), &pass["id"]));
    assert_eq!(shown["socialTariff"]["status"], "ACTIVE");
    assert_eq!(desk.gets(&format!("/v4/cards?uitpasNumber={card}")).await.ok()["status"], "ACTIVE");

    let activity = region.activity(THEATRE, 10.0).await;
    let offered = desk.asks_tariff(&card, &activity, 10.0).await.ok();
    let expected = json!([{
        "id": "SOCIALTARIFF", "name": "Kansentarief", "price": 2.0, "type": "SOCIALTARIFF",
        "remaining": 4,
    }]);
    assert_eq!(offered["available"], expected);
    let tickets = |count| vec![ticket(&card, &activity, 10.0); count];
    let position = region.position().await;
    desk.sells_all(tickets(5)).await.refused_saying(
        400,
        "uitpas/maximum-reached",
        "niet meer over",
    );
    assert_eq!(region.position().await, position, "all or none");
    let once = |key| desk.posts_once(key, "/v4/ticket-sales", json!(tickets(3)));
    let sold = list(&once("groep").await.ok());
    assert_eq!(list(&once("groep").await.ok()), sold, "sent twice, it happens once");
    assert_eq!((sold.len(), &sold[0]["tariff"]["price"]), (3, &json!(2.0)));
    assert_eq!(sold[0]["point"]["given"], false);
    let left = desk.gets(&format!("/v4/grouppasses/{id}")).await.ok()["socialTariff"].clone();
    assert_eq!(left["availableTickets"], 1);
    assert_eq!(desk.asks_tariff(&card, &activity, 10.0).await.ok()["available"][0]["remaining"], 1);

    let query = format!("passholderId={id}&organizerId={THEATRE}");
    let listed = desk.gets(&format!("/v4/ticket-sales?{query}")).await.ok();
    assert_eq!((&listed["totalItems"], listed["member"][0].get("passholder")), (&json!(3), None));
    let rows = desk.granted_tariffs().await;
    assert_eq!((rows.len(), &rows[0]["groupPass"]), (3, &json!(true)));
    assert_eq!(rows[0]["municipality"], "9987 Terbeke");
    let path = format!("/admin/v1/counters/{THEATRE}/totals?from={0}&until={0}", today());
    let share = || async {
        let totals = list(&ksb.gets(&path).await.ok());
        let of = totals.into_iter().find(|total| total["postalCode"] == "9987");
        of.map(|of| of["municipalityShare"].clone())
    };
    assert_eq!(share().await, Some(json!(12.0)));
    let line = format!("/admin/v1/audit/lines/{}", text(&sold[0]["id"]));
    let kinds = |history: &Value| -> Vec<Value> {
        list(&history["entries"]).iter().map(|entry| entry["type"].clone()).collect()
    };
    assert_eq!(kinds(&ksb.gets(&line).await.ok()), ["TicketSold"]);
    let why = ksb.gets(&format!("{line}/explanation")).await.ok();
    assert_eq!((&why["payer"], &why["amountsHold"]), (&json!("9987 Terbeke"), &json!(true)));

    desk.cancels(&sold[0]).await.done();
    desk.cancels(&sold[0]).await.refused(404, "uitpas/ticket-sale-not-found");
    assert_eq!(share().await, Some(json!(8.0)));
    assert_eq!(desk.asks_tariff(&card, &activity, 10.0).await.ok()["available"][0]["remaining"], 2);
    assert_eq!(kinds(&ksb.gets(&line).await.ok()), ["TicketSold", "TicketSaleCancelled"]);
    let history = ksb.gets(&format!("/admin/v1/audit/group-passes/{id}")).await.ok();
    let kinds = kinds(&history);
    assert_eq!(kinds[0], "TakenIn");
    assert!(kinds[1..3].contains(&json!("Made")) && kinds[1..3].contains(&json!("Assigned")));
    assert_eq!(kinds[3..], ["TicketSold", "TicketSold", "TicketSold", "TicketSaleCancelled"]);
    let differences = region.app.projections.verify(None, |_| {}).await.expect("verified");
    assert!(differences.is_empty(), "{differences:?}");
}

/// R-GRP-01: never more than what is left, however many counters sell at once.
#[tokio::test]
async fn the_last_tickets_of_the_year_are_sold_once() {
    let region = Region::new().await;
    let card = region.card(true).await;
    let pass = region.ksb().makes_pass(&card, json!({})).await.created();
    let activity = region.activity(THEATRE, 10.0).await;
    let desk = region.desk(THEATRE);
    let tries = (0..8).map(|_| desk.sells(&card, &activity, 10.0));
    let answers = futures::future::join_all(tries).await;
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(sold, 4);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(400, "uitpas/maximum-reached");
    }
    let path = format!("/v4/grouppasses/{}", text(&pass["id"]));
    assert_eq!(desk.gets(&path).await.ok()["socialTariff"]["availableTickets"], 0);
}

/// R-CHK-06, R-RWD-06: no points, no rewards, each with its reason.
#[tokio::test]
async fn a_group_saves_nothing_and_takes_nothing_up() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    ksb.makes_pass(&card, json!({})).await.created();
    let activity = region.activity(THEATRE, 10.0).await;
    let saying = |answer: Answer| answer.refused_saying(400, "uitpas/invalid-card", "groepspas");
    saying(desk.checks_in(&card, &activity).await);
    let status = desk.may_check_in(&card, &activity).await.ok();
    assert_eq!(status["allowed"], false);
    assert!(text(&status["endUserMessage"]["nl"]).contains("groepspas"), "{status}");
    let reward = ksb.makes_reward(json!({})).await.ok();
    saying(desk.redeems(&reward, &card).await);
    let status = desk.may_redeem(&reward, &card).await.ok();
    assert_eq!((&status["redeemable"], &status["reason"]), (&json!(false), &json!("INVALID_CARD")));
}

/// R-GRP-01, R-KSB-03, R-ID-06: only the KSB makes, changes and blocks one.
#[tokio::test]
async fn only_the_ksb_makes_changes_and_blocks_group_passes() {
    let region = Region::new().await;
    let (desk, ksb, other) = (region.desk(THEATRE), region.ksb(), region.ksb_of(2));
    let (card, holder) = (region.card(true).await, region.entitled().await);
    desk.makes_pass(&card, json!({})).await.refused(403, "auth/forbidden");
    other.makes_pass(&card, json!({})).await.refused(403, "auth/forbidden");
    ksb.makes_pass(&holder.card, json!({})).await.refused(400, "uitpas/invalid-card-status");
    ksb.makes_pass(&region.number(true), json!({})).await.refused(400, "uitpas/invalid-card");
    ksb.makes_pass(&card, json!({ "endDate": in_days(-1) })).await.wrong("/endDate");
    ksb.makes_pass(&card, json!({ "ticketsPerYear": null })).await.wrong("/ticketsPerYear");
    let outside = json!({ "address": { "postalCode": "9050", "city": "Overstroom" } });
    ksb.makes_pass(&card, outside).await.refused(400, "uitpas/invalid-city");
    let pass = ksb.makes_pass(&card, json!({})).await.created();
    ksb.makes_pass(&card, json!({})).await.refused(400, "uitpas/invalid-card-status");
    let person = region.person(THEATRE, &card);
    let answer = desk.registers(&person).await;
    assert_eq!(answer.status, 400, "a card is of one holder: {}", answer.text());

    let path = format!("/admin/v1/group-passes/{}", text(&pass["id"]));
    let more = desk.pass_terms(json!({ "name": "De Sluis", "ticketsPerYear": 6 }));
    desk.puts(&path, more.clone()).await.refused(403, "auth/forbidden");
    other.puts(&path, more.clone()).await.refused(403, "auth/forbidden");
    ksb.puts(&path, more.clone()).await.done();
    let found = desk.gets(&format!("/v4/grouppasses?uitpasNumber={card}")).await.ok();
    assert_eq!(
        (&found["totalItems"], &found["member"][0]["name"]),
        (&json!(1), &json!("De Sluis"))
    );
    assert_eq!(found["member"][0]["socialTariff"]["totalTicketsPerYear"], 6);
    let by_person = desk.gets(&format!("/v4/grouppasses?uitpasNumber={}", holder.card)).await.ok();
    assert_eq!(by_person["totalItems"], 0);
    desk.gets("/v4/grouppasses").await.wrong_query("chipNumber");
    desk.gets(&format!("/v4/grouppasses/{}", holder.id))
        .await
        .refused(404, "own/group-pass-not-found");
    let listed = ksb.gets("/admin/v1/card-systems/1/group-passes").await.ok();
    assert_eq!(
        (&listed["totalItems"], &listed["member"][0]["name"]),
        (&json!(1), &json!("De Sluis"))
    );
    desk.gets("/admin/v1/card-systems/1/group-passes").await.refused(403, "auth/forbidden");

    let block = format!("{path}/block");
    let blocks = |desk: Desk| {
        let block = block.clone();
        async move { desk.call(reqwest::Method::POST, &block, None).await }
    };
    blocks(other).await.refused(403, "auth/forbidden");
    blocks(ksb.clone()).await.done();
    blocks(ksb.clone()).await.refused(400, "uitpas/passholder-no-active-cardsystems");
    ksb.puts(&path, more).await.refused(400, "uitpas/passholder-no-active-cardsystems");
    let shown = desk.identifies(&card).await.refused(400, "uitpas/invalid-card-status");
    assert_eq!((&shown["passType"], &shown["passholderId"]), (&json!("GROUP"), &pass["id"]));
    let found = desk.gets(&format!("/v4/grouppasses?uitpasNumber={card}")).await.ok();
    assert_eq!(found["member"][0]["cardStatus"], "BLOCKED");
    let activity = region.activity(THEATRE, 10.0).await;
    desk.sells(&card, &activity, 10.0).await.refused(400, "uitpas/invalid-card-status");
}

/// R-GRP-02, R-CPN-01, R-CPN-04: one without social status carries the coupons granted to it.
#[tokio::test]
async fn a_group_carries_the_coupons_that_name_it() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let (card, other) = (region.card(false).await, region.card(false).await);
    let regular = json!({ "ticketsPerYear": null });
    ksb.makes_pass(&card, json!({})).await.wrong("/ticketsPerYear");
    let pass = ksb.makes_pass(&card, regular.clone()).await.created();
    ksb.makes_pass(&other, regular).await.created();
    assert_eq!(pass.get("socialTariff"), None);
    assert_eq!(desk.identifies(&card).await.ok()["socialTariff"]["status"], "NONE");

    let coupon = |granted_to: Value| {
        json!({
            "name": "Groepsbon", "cardSystemId": 1, "grantedTo": granted_to,
            "limit": { "volume": 3, "periodType": "MONTH" }, "effect": { "amountOff": 4 },
        })
    };
    let of_pass = json!({ "type": "groupPass", "id": pass["id"] });
    let nobodys = json!({ "type": "groupPass", "id": uuid::Uuid::nil() });
    ksb.posts("/admin/v1/coupons", coupon(nobodys)).await.refused(404, "own/group-pass-not-found");
    let coupon = ksb.posts("/admin/v1/coupons", coupon(of_pass)).await.created();
    let tariff = format!("COUPON_{}", coupon["id"]);
    let activity = region.activity(THEATRE, 10.0).await;
    let offered = desk.asks_tariff(&card, &activity, 10.0).await.ok();
    assert_eq!(offered["available"].as_array().map(Vec::len), Some(1));
    assert_eq!(offered["available"][0]["id"], tariff);
    assert_eq!(offered["available"][0]["remaining"], 3);
    assert!(text(&offered["endUserMessage"]["nl"]).contains("geen kansentarief"));
    assert_eq!(desk.asks_tariff(&other, &activity, 10.0).await.ok()["available"], json!([]));

    let with = |card: &str| {
        let mut ticket = ticket(card, &activity, 10.0);
        ticket["tariff"] = json!({ "id": tariff });
        ticket
    };
    desk.sells_all([with(&other)]).await.refused_saying(400, "uitpas/invalid-coupon", "groepspas");
    desk.sells_all([ticket(&card, &activity, 10.0)])
        .await
        .refused(400, "uitpas/social-tariff-not-available");
    desk.sells_all(vec![with(&card); 4]).await.refused(400, "uitpas/maximum-reached");
    let sold = desk.sells_all(vec![with(&card); 3]).await.ok();
    assert_eq!((&sold[2]["tariff"]["price"], sold[2].get("point")), (&json!(6.0), None));
    let coupons = format!("/v4/grouppasses/{}/coupons", text(&pass["id"]));
    let left = || async { desk.gets(&coupons).await.ok()[0]["remaining"].clone() };
    assert_eq!(left().await, json!({ "volume": 0, "period": "MONTH" }));
    desk.cancels(&sold[0]).await.done();
    assert_eq!(left().await, json!({ "volume": 1, "period": "MONTH" }));
    assert_eq!(desk.gets(&format!("{coupons}?status=EXPIRED")).await.ok(), json!([]));
    let there = region.desk(ELSEWHERE);
    let there = there.gets(&format!("{coupons}?status=ALL&organizerId={ELSEWHERE}")).await;
    assert_eq!(there.ok(), json!([]));
    let rows = desk.granted_tariffs().await;
    let row = rows.iter().find(|row| row["cancelledDate"].is_null()).expect("a row");
    assert_eq!(
        (&row["municipality"], &row["municipalityShare"]),
        (&json!("9987 Terbeke"), &json!(4.0))
    );
}

/// R-NOTE-05, R-NOTE-06: a sale to a group goes off the note like another.
#[tokio::test]
async fn an_upheld_objection_cancels_a_sale_to_a_group() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    let pass = ksb.makes_pass(&card, json!({})).await.created();
    let yesterday = in_days(-1);
    let sale = region.sold_to_group_on(yesterday, &pass, THEATRE, 10_00).await;
    let issued = ksb.issues_note(yesterday, yesterday).await.created();
    let number = issued["number"].as_u64().expect("a number") as u32;
    let admin = region.admin_of(THEATRE);
    admin.objects(number, &[&sale], "dat waren geen leden").await.done();
    ksb.settles_objection(number, true, "klopt").await.done();
    desk.cancels(&sale).await.refused(404, "uitpas/ticket-sale-not-found");
}

impl Desk {
    /// In Terbeke; `more` replaces what it says.
    fn pass_terms(&self, more: Value) -> Value {
        let mut terms = json!({
            "name": "De Kaai",
            "address": { "street": "Kaai 3", "postalCode": "9987", "city": "Terbeke" },
            "endDate": in_days(400), "ticketsPerYear": 4,
        });
        for (field, value) in more.as_object().expect("an object") {
            terms[field] = value.clone();
        }
        terms
    }

    pub async fn makes_pass(&self, card: &str, more: Value) -> Answer {
        let mut pass = self.pass_terms(more);
        pass["uitpasNumber"] = card.into();
        self.posts("/admin/v1/group-passes", pass).await
    }
}

//! Coupons: laid down by a KSB, offered beside the social tariff, used, undone, and settled.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{
    Desk, ELSEWHERE, GYM, Holder, Region, THEATRE, in_days, list, text, ticket, today,
};

/// R-CPN-01, R-CPN-02, R-CPN-03: who has no social status buys with a coupon; it gives no point.
#[tokio::test]
async fn a_coupon_is_offered_used_and_undone() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let limit = json!({ "limit": { "volume": 1, "periodType": "MONTH" } });
    let coupon = ksb.defines_coupon(limit).await.created();
    let tariff = format!("COUPON_{}", coupon["id"]);
    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 10.0).await;

    let offered = desk.asks_tariff(&holder.card, &activity, 10.0).await.ok();
    let expected = json!([{
        "id": tariff, "name": "Filmbon", "price": 5.0, "type": "COUPON", "remaining": 1,
    }]);
    assert_eq!(offered["available"], expected);
    assert!(text(&offered["endUserMessage"]["nl"]).contains("geen kansenstatuut"));
    let query = format!("regularPrice=10&eventId={activity}&uitpasNumber={}", holder.card);
    let only = desk.gets(&format!("/v4/tariffs?{query}&type=SOCIALTARIFF")).await.ok();
    assert_eq!(only["available"], json!([]));
    let only = desk.gets(&format!("/v4/tariffs?{query}&type=COUPON")).await.ok();
    assert_eq!((&only["available"], only.get("endUserMessage")), (&expected, None));
    let prices = desk.view_of(&holder.card).await.ok()["activities"][0]["prices"].clone();
    assert_eq!(prices[0]["coupons"][0]["price"], 5.0);

    let granted = desk.coupons_of(&holder, "").await.ok();
    assert_eq!(granted[0]["coupon"]["name"], "Filmbon");
    assert_eq!(granted[0]["remaining"], json!({ "volume": 1, "period": "MONTH" }));
    assert_eq!((&granted[0]["status"], &granted[0]["id"]), (&json!("ACTIVE"), &coupon["id"]));

    let asked = with_tariff(ticket(&holder.card, &activity, 10.0), &tariff);
    let once = |key| desk.posts_once(key, "/v4/ticket-sales", json!([asked.clone()]));
    let sale = once("bon").await.ok()[0].clone();
    let position = region.position().await;
    assert_eq!(once("bon").await.ok()[0]["id"], sale["id"]);
    assert_eq!(region.position().await, position, "sent twice, it happens once");
    assert_eq!((&sale["tariff"]["id"], &sale["tariff"]["price"]), (&json!(tariff), &json!(5.0)));
    assert_eq!(sale.get("point"), None);
    assert_eq!(desk.balance_of(&holder).await, 0);
    desk.sells_all([asked.clone()]).await.refused_saying(
        400,
        "uitpas/maximum-reached",
        "1 keer per maand",
    );
    assert_eq!(desk.asks_tariff(&holder.card, &activity, 10.0).await.ok()["available"], json!([]));
    assert_eq!(desk.coupons_of(&holder, "").await.ok()[0]["remaining"]["volume"], 0);
    let listed = desk.sales_of(&holder).await.ok()["member"][0]["tariff"].clone();
    assert_eq!(listed, sale["tariff"]);

    desk.cancels(&sale).await.done();
    desk.cancels(&sale).await.refused(404, "uitpas/ticket-sale-not-found");
    assert_eq!(desk.coupons_of(&holder, "").await.ok()[0]["remaining"]["volume"], 1);
    desk.sells_all([asked]).await.ok();
}

/// R-CPN-05, R-TAR-08: the municipality's share is on the note of who pays, under the coupon's name.
#[tokio::test]
async fn the_share_of_the_municipality_is_settled() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let paying = json!({ "payer": { "postalCode": "9987", "name": "Terbeke" } });
    let coupon = ksb.defines_coupon(paying).await.created();
    let tariff = format!("COUPON_{}", coupon["id"]);
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let both = [
        ticket(&holder.card, &activity, 10.0),
        with_tariff(ticket(&holder.card, &activity, 10.0), &tariff),
    ];
    let sold = desk.sells_all(both).await.ok();
    assert_eq!(
        (&sold[0]["tariff"]["price"], &sold[1]["tariff"]["price"]),
        (&json!(2.0), &json!(5.0))
    );
    let rows = desk.granted_tariffs().await;
    let row = rows.iter().find(|row| row["municipality"] == "9987 Terbeke").expect("a row");
    assert_eq!(
        (&row["distributionKey"], &row["municipalityShare"]),
        (&json!("Filmbon"), &json!(5.0))
    );
    let path = format!("/admin/v1/counters/{THEATRE}/totals?from={0}&until={0}", today());
    let totals = list(&ksb.gets(&path).await.ok());
    assert_eq!(row["withCoupon"], true);
    let share = |code: &str| {
        totals
            .iter()
            .find(|total| total["postalCode"] == code)
            .map(|of| of["municipalityShare"].clone())
    };
    assert_eq!((share("9981"), share("9987")), (Some(json!(4.0)), Some(json!(5.0))));
    desk.cancels(&sold[1]).await.done();
    let totals = list(&ksb.gets(&path).await.ok());
    assert!(totals.iter().all(|total| total["postalCode"] != "9987"), "{totals:?}");
    let differences = region.app.projections.verify(None, |_| {}).await.expect("verified");
    assert!(differences.is_empty(), "{differences:?}");
}

/// R-CPN-02: a segment is judged at each use, by where one lives and by age.
#[tokio::test]
async fn a_segment_is_judged_at_each_use() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let segment = |more: Value| {
        let mut segment = json!({ "type": "segment" });
        for (field, value) in more.as_object().expect("an object") {
            segment[field] = value.clone();
        }
        json!({ "grantedTo": segment })
    };
    for (granted_to, has_it) in [
        (segment(json!({ "inhabitantsOf": ["9981"], "fromAge": 18 })), true),
        (segment(json!({ "inhabitantsOf": ["9987"] })), false),
        (segment(json!({ "untilAge": 12 })), false),
        (json!({ "grantedTo": { "type": "socialStatus" } }), false),
    ] {
        let coupon = ksb.defines_coupon(granted_to.clone()).await.created();
        let tariff = format!("COUPON_{}", coupon["id"]);
        let granted = list(&desk.coupons_of(&holder, "").await.ok());
        let ids: Vec<_> = granted.iter().map(|granted| granted["id"].clone()).collect();
        assert_eq!(ids.contains(&coupon["id"]), has_it, "{granted_to}");
        let sold = desk.sells_all([with_tariff(ticket(&holder.card, &activity, 10.0), &tariff)]);
        match has_it {
            true => drop(sold.await.ok()),
            false => drop(sold.await.refused(400, refusal(&granted_to))),
        }
    }
}

fn refusal(granted_to: &Value) -> &'static str {
    match text(&granted_to["grantedTo"]["type"]) {
        "socialStatus" => "uitpas/social-tariff-not-available",
        _ => "uitpas/invalid-coupon",
    }
}

/// R-CPN-01, R-KSB-03: only the KSB lays them down, and only those that add up.
#[tokio::test]
async fn only_the_ksb_lays_coupons_down() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    desk.defines_coupon(json!({})).await.refused(403, "auth/forbidden");
    ksb.defines_coupon(json!({ "cardSystemId": 2 })).await.refused(403, "auth/forbidden");
    for effect in [
        json!({}),
        json!({ "percentOff": 50, "amountOff": 1 }),
        json!({ "percentOff": 101 }),
        json!({ "percentages": [50, 25, 24] }),
        json!({ "percentOff": 50, "municipalityPart": 0 }),
    ] {
        ksb.defines_coupon(json!({ "effect": effect })).await.wrong("/effect");
    }
    let reversed = json!({ "validFrom": in_days(1), "validUntil": in_days(0) });
    ksb.defines_coupon(reversed).await.wrong("/validityPeriod/end");

    let coupon = ksb.defines_coupon(json!({})).await.created();
    let path = format!("/admin/v1/coupons/{}", coupon["id"]);
    let over = ksb.coupon(json!({ "validUntil": in_days(-1) }));
    region.ksb_of(2).puts(&path, over.clone()).await.refused(403, "auth/forbidden");
    ksb.puts(&path, over).await.done();
    ksb.puts("/admin/v1/coupons/1", ksb.coupon(json!({})))
        .await
        .refused(404, "own/coupon-not-found");
    let listed = ksb.gets("/admin/v1/card-systems/1/coupons").await.ok();
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&coupon["id"], &json!("Filmbon")));
    region.ksb_of(2).gets("/admin/v1/card-systems/1/coupons").await.refused(403, "auth/forbidden");

    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let tariff = format!("COUPON_{}", coupon["id"]);
    let asked = with_tariff(ticket(&holder.card, &activity, 10.0), &tariff);
    desk.sells_all([asked]).await.refused_saying(400, "uitpas/invalid-coupon", "geldig tot en met");
    assert_eq!(desk.coupons_of(&holder, "").await.ok(), json!([]));
    assert_eq!(desk.coupons_of(&holder, "?status=EXPIRED").await.ok()[0]["status"], "EXPIRED");
    assert_eq!(list(&desk.coupons_of(&holder, "?status=ALL").await.ok()).len(), 1);
    let here = desk.coupons_of(&holder, &format!("?status=ALL&organizerId={THEATRE}")).await;
    assert_eq!(list(&here.ok()).len(), 1);
    let elsewhere = region.desk(ELSEWHERE);
    let there =
        elsewhere.coupons_of(&holder, &format!("?status=ALL&organizerId={ELSEWHERE}")).await;
    assert_eq!(there.ok(), json!([]));
    for unknown in ["COUPON_0", "COUPON_x", "REWARD_1"] {
        let asked = with_tariff(ticket(&holder.card, &activity, 10.0), unknown);
        let answer = desk.sells_all([asked]).await;
        match unknown {
            "COUPON_0" => drop(answer.refused_saying(400, "uitpas/invalid-coupon", "kennen")),
            _ => drop(answer.wrong("/0/tariff/id")),
        }
    }
}

/// R-CPN-01: at the activities and counters that it names, in each of the three ways to take off.
#[tokio::test]
async fn a_coupon_holds_where_it_says_and_takes_off_as_it_says() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.passholder().await;
    let here = region.activity(THEATRE, 10.0).await;
    let there = region.activity(GYM, 10.0).await;
    for (more, at_theatre, at_gym) in [
        (json!({ "onlyEvents": [here] }), true, false),
        (json!({ "onlyOrganizers": [GYM] }), false, true),
        (json!({ "onlyEvents": [here], "onlyOrganizers": [GYM] }), false, false),
        (json!({ "cardSystems": [2] }), false, false),
        (json!({ "cardSystems": [1, 2] }), true, true),
        (json!({ "validFrom": in_days(1) }), false, false),
        (json!({ "validUntil": in_days(0) }), true, true),
    ] {
        let coupon = ksb.defines_coupon(more.clone()).await.created();
        let tariff = format!("COUPON_{}", coupon["id"]);
        for (counter, activity, holds) in [(THEATRE, &here, at_theatre), (GYM, &there, at_gym)] {
            let asked = with_tariff(ticket(&holder.card, activity, 10.0), &tariff);
            let answer = region.desk(counter).sells_all([asked]).await;
            match holds {
                true => drop(answer.ok()),
                false => drop(answer.refused(400, "uitpas/invalid-coupon")),
            }
        }
    }
    for (effect, pays, organizer, municipality) in [
        (json!({ "percentages": [0, 25, 75] }), 0.0, 2.5, 7.5),
        (
            json!({ "percentOff": 33.33, "organizerPart": 40, "municipalityPart": 60 }),
            6.67,
            1.33,
            2.0,
        ),
        (json!({ "amountOff": 12, "organizerPart": 1, "municipalityPart": 0 }), 0.0, 10.0, 0.0),
    ] {
        let coupon = ksb.defines_coupon(json!({ "effect": effect })).await.created();
        let path = format!("/admin/v1/coupons/{}", coupon["id"]);
        let laid_down = ksb.gets(&path).await.ok();
        for (field, value) in effect.as_object().expect("an object") {
            assert_eq!(numbers(&laid_down["effect"][field]), numbers(value), "{field}");
        }
        let mut again = laid_down.clone();
        again["name"] = json!("Andere bon");
        ksb.puts(&path, again.clone()).await.done();
        assert_eq!(ksb.gets(&path).await.ok(), again, "what is read can be sent back");
        let tariff = format!("COUPON_{}", coupon["id"]);
        let asked = with_tariff(ticket(&holder.card, &here, 10.0), &tariff);
        let sold = desk.sells_all([asked]).await.ok();
        assert_eq!(sold[0]["tariff"]["price"], json!(pays));
        let rows = desk.granted_tariffs().await;
        let row = rows.iter().find(|row| row["id"] == sold[0]["id"]).expect("a row");
        let shares = (&row["organizerShare"], &row["municipalityShare"]);
        assert_eq!(shares, (&json!(organizer), &json!(municipality)));
    }
    let coupon = ksb.defines_coupon(json!({})).await.created();
    let path = format!("/admin/v1/coupons/{}", coupon["id"]);
    desk.gets(&path).await.refused(403, "auth/forbidden");
    region.ksb_of(2).gets(&path).await.refused(403, "auth/forbidden");
    ksb.gets("/admin/v1/coupons/1").await.refused(404, "own/coupon-not-found");
}

/// Whether given whole or as a decimal.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => number.as_f64().into_iter().collect(),
    }
}

/// R-CPN-05: where no municipality can pay its share, the coupon is not offered.
#[tokio::test]
async fn a_coupon_that_nobody_pays_for_is_not_offered() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let stranger = region.entitled_elsewhere().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let unpaid = ksb.defines_coupon(json!({})).await.created();
    let at_home = format!("COUPON_{}", unpaid["id"]);
    assert_eq!(
        desk.asks_tariff(&stranger.card, &activity, 10.0).await.ok()["available"],
        json!([])
    );
    let asked = with_tariff(ticket(&stranger.card, &activity, 10.0), &at_home);
    desk.sells_all([asked]).await.refused(400, "uitpas/social-tariff-not-available");
    let of_organizer = json!({ "effect": {
        "percentOff": 50, "organizerPart": 1, "municipalityPart": 0,
    } });
    let paid = ksb.defines_coupon(of_organizer).await.created();
    let offered = desk.asks_tariff(&stranger.card, &activity, 10.0).await.ok();
    assert_eq!(offered["available"].as_array().map(Vec::len), Some(1));
    assert_eq!(offered["available"][0]["id"], format!("COUPON_{}", paid["id"]));
}

fn with_tariff(mut ticket: Value, tariff: &str) -> Value {
    ticket["tariff"] = json!({ "id": tariff });
    ticket
}

impl Desk {
    /// Half off, borne by the municipality, for everyone; `more` replaces what it says.
    fn coupon(&self, more: Value) -> Value {
        let mut coupon = json!({
            "name": "Filmbon", "description": "Een film voor de helft.", "cardSystemId": 1,
            "validFrom": in_days(-10), "grantedTo": { "type": "everyone" },
            "effect": { "percentOff": 50 },
        });
        for (field, value) in more.as_object().expect("an object") {
            coupon[field] = value.clone();
        }
        coupon
    }

    async fn defines_coupon(&self, more: Value) -> Answer {
        self.posts("/admin/v1/coupons", self.coupon(more)).await
    }

    async fn coupons_of(&self, holder: &Holder, query: &str) -> Answer {
        self.gets(&format!("/v4/passholders/{}/coupons{query}", holder.id)).await
    }
}

//! The social tariff: what it costs, selling and cancelling.

use serde_json::{Value, json};

use crate::region::{
    ELSEWHERE, GYM, Region, THEATRE, YOUTH, between, list, permanent, text, ticket,
};

const NOT_AVAILABLE: &str = "uitpas/social-tariff-not-available";

/// R-TAR-02, R-TAR-08, R-CHK-07: what is asked is what is sold, recorded with all of it, and the
/// point comes along.
#[tokio::test]
async fn a_sale_is_what_the_tariff_said_and_gives_the_point() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled_in("9987", "Terbeke").await;
    let activity = region.activity(THEATRE, 7.25).await;
    let offered = desk.asks_tariff(&holder.card, &activity, 7.25).await.ok();
    let tariff = json!({
        "id": "SOCIALTARIFF", "name": "Kansentarief", "price": 1.45, "type": "SOCIALTARIFF", "remaining": 1,
    });
    assert_eq!(offered, json!({ "available": [tariff] }));
    let answer = desk.sells(&holder.card, &activity, 7.25).await;
    assert_eq!(answer.status, 200);
    let sold = &answer.ok()[0];
    assert_eq!(sold["regularPrice"], 7.25);
    assert_eq!(sold["regularPriceLabel"], "Basistarief");
    assert_eq!(sold["tariff"]["price"], 1.45);
    assert_eq!(sold["tariff"]["id"], "SOCIALTARIFF");
    assert_eq!((&sold["eventId"], &sold["uitpasNumber"]), (&json!(activity), &json!(holder.card)));
    assert_eq!(sold["point"]["given"], true);
    assert_eq!(desk.balance_of(&holder).await, 1);
    desk.checks_in(&holder.card, &activity).await.refused(400, "uitpas/checkin-not-allowed");

    let recorded = &region.ksb().granted_tariffs().await[0];
    for (field, value) in [
        ("passholderShare", json!(1.45)),
        ("organizerShare", json!(2.9)),
        ("municipalityShare", json!(2.9)),
        ("regularPrice", json!(7.25)),
        ("deviating", json!(false)),
        ("distributionKey", json!("20-40-40")),
        ("municipality", json!("9987 Terbeke")),
        ("passholderId", json!(holder.id)),
        ("organizerId", json!(THEATRE)),
    ] {
        assert_eq!(recorded[field], value, "{field}");
    }
    let listed = desk.sales_of(&holder).await.ok();
    assert_eq!((&listed["totalItems"], &listed["member"][0]["id"]), (&json!(1), &sold["id"]));
    let by_activity = desk.gets(&format!("/v4/ticket-sales?eventId={activity}")).await.ok();
    assert_eq!(by_activity["totalItems"], 1);
    desk.gets("/v4/ticket-sales").await.wrong_query("eventId");
    let check_ins = region.ksb().gets("/admin/v1/checkins?organizerId=theater").await.ok();
    assert_eq!(check_ins["member"][0]["channel"], "ticket-sale");
}

/// R-CHK-07: without a point the sale succeeds, and the answer says why.
#[tokio::test]
async fn a_sale_without_a_point_says_why() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let next_week =
        region.told(THEATRE, between(7 * 24 * 60, 7 * 24 * 60 + 60), &[("P", 5.0)]).await;
    let last_year =
        region.told(THEATRE, between(-500 * 24 * 60, -499 * 24 * 60), &[("P", 5.0)]).await;
    let saved = region.activity(THEATRE, 5.0).await;
    desk.checks_in(&holder.card, &saved).await.created();
    let worthless = region.activity(THEATRE, 5.0).await;
    region.ksb().settles(&worthless, json!({ "checkinPoints": 0 })).await.done();
    for (activity, words) in [
        (next_week, "kan gespaard worden vanaf"),
        (last_year, "niet meer"),
        (saved, "al gespaard op"),
        (worthless, "geen punten"),
    ] {
        let sold = desk.sells(&holder.card, &activity, 5.0).await.ok();
        assert_eq!(sold[0]["point"]["given"], false);
        let why = text(&sold[0]["point"]["endUserMessage"]["nl"]);
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(desk.balance_of(&holder).await, 1);
}

/// R-TAR-07: all or none, across passholders and activities; answered in the order asked.
#[tokio::test]
async fn a_request_of_several_sales_is_all_or_none() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let (fatima, lore) = (region.entitled().await, region.entitled().await);
    let nele = region.passholder().await;
    let (film, play) = (region.activity(THEATRE, 10.0).await, region.activity(THEATRE, 20.0).await);
    let before = region.position().await;
    let all = [
        ticket(&fatima.card, &film, 10.0),
        ticket(&lore.card, &play, 20.0),
        ticket(&nele.card, &film, 10.0),
    ];
    desk.sells_all(all).await.refused_saying(400, NOT_AVAILABLE, "geen kansenstatuut");
    let unknown = [ticket(&fatima.card, &film, 10.0), ticket(&lore.card, "nergens", 10.0)];
    desk.sells_all(unknown).await.refused(400, "uitpas/event-not-found");
    let foreign = region.activity(ELSEWHERE, 10.0).await;
    let mixed = [ticket(&fatima.card, &film, 10.0), ticket(&lore.card, &foreign, 10.0)];
    desk.sells_all(mixed).await.refused(403, "auth/forbidden");
    assert_eq!(region.position().await, before + 1, "only the activity itself");

    let twice = [ticket(&fatima.card, &film, 10.0), ticket(&fatima.card, &film, 10.0)];
    desk.sells_all(twice).await.refused_saying(400, "uitpas/invalid-number-of-tickets", "per keer");
    desk.sells_all([]).await.wrong("/");
    desk.sells_all(vec![ticket(&fatima.card, &film, 10.0); 201]).await.wrong("/");

    let all = [
        ticket(&lore.card, &play, 20.0),
        ticket(&fatima.card, &film, 10.0),
        ticket(&lore.card, &film, 10.0),
    ];
    let sold = desk.sells_all(all).await.ok();
    let paid: Vec<_> = list(&sold).iter().map(|sold| sold["tariff"]["price"].clone()).collect();
    assert_eq!(paid, [json!(4.0), json!(2.0), json!(2.0)]);
}

/// R-TAR-09, R-CHK-07: cancelling gives the use and the point back, once.
#[tokio::test]
async fn a_cancelled_sale_gives_its_use_back() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let sold = desk.sells(&holder.card, &activity, 10.0).await.ok()[0].clone();
    let again = desk.sells(&holder.card, &activity, 10.0).await;
    again.refused_saying(400, "uitpas/maximum-reached", "1 ticket");
    region.desk(GYM).cancels(&sold).await.refused(403, "auth/forbidden");
    region.ksb_of(2).cancels(&sold).await.refused(403, "auth/forbidden");
    desk.cancels(&sold).await.done();
    assert_eq!(desk.balance_of(&holder).await, 0);
    desk.cancels(&sold).await.refused_saying(404, "uitpas/ticket-sale-not-found", "ongedaan");
    let unknown = json!({ "id": uuid::Uuid::nil().to_string() });
    desk.cancels(&unknown).await.refused(404, "uitpas/ticket-sale-not-found");
    assert_eq!(desk.sales_of(&holder).await.ok()["totalItems"], 0);
    let granted = region.ksb().granted_tariffs().await;
    assert!(granted[0]["cancelledDate"].is_string(), "the overview still shows it");

    let second = desk.sells(&holder.card, &activity, 10.0).await.ok()[0].clone();
    assert_eq!(second["point"]["given"], true);
    region.ksb().cancels(&second).await.done();
}

/// R-TAR-08: staff sell at a listed price, an integration at any, which is then marked.
#[tokio::test]
async fn only_an_integration_deviates_from_the_listed_prices() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let prices = [("Rang 1", 12.5), ("Rang 2", 10.0)];
    let activity = region.told(THEATRE, between(-60, 60), &prices).await;
    let words = "8.00 euro is geen prijs";
    desk.sells(&holder.card, &activity, 8.0).await.refused_saying(400, NOT_AVAILABLE, words);
    let offered = desk.asks_tariff(&holder.card, &activity, 8.0).await.ok();
    assert_eq!(offered["available"], json!([]));
    assert!(text(&offered["endUserMessage"]["nl"]).contains(words));
    region.ksb().sells(&holder.card, &activity, 8.0).await.refused(400, NOT_AVAILABLE);

    let webshop = region.client_of(THEATRE).await;
    let mut early_bird = ticket(&holder.card, &activity, 8.0);
    early_bird["regularPriceLabel"] = "Vroegboek".into();
    webshop.sells_all([early_bird]).await.ok();
    let other = region.entitled().await;
    let sold = desk.sells(&other.card, &activity, 10.0).await.ok();
    assert_eq!(sold[0]["regularPriceLabel"], "Rang 2");
    let granted = region.ksb().granted_tariffs().await;
    let marks = granted.iter().map(|sale| (&sale["deviating"], &sale["regularPriceLabel"]));
    assert_eq!(
        marks.collect::<Vec<_>>(),
        [(&json!(false), &json!("Rang 2")), (&json!(true), &json!("Vroegboek"))]
    );
    for (price, pointer) in [(0.001, "/0/regularPrice"), (10_000.0, "/0/regularPrice")] {
        webshop.sells(&holder.card, &activity, price).await.wrong(pointer);
    }
}

/// R-TAR-03, R-TAR-04, R-CPN-03: where there is no social tariff, the answer says so in words.
#[tokio::test]
async fn without_social_tariff_the_answer_is_an_empty_list_with_words() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let entitled = region.entitled().await;
    let (free, film) = (region.activity(THEATRE, 0.0).await, region.activity(THEATRE, 10.0).await);
    let regular = region.passholder().await;
    let elsewhere = region.entitled_elsewhere().await;
    for (card, activity, price, words) in [
        (&entitled.card, &free, 0.0, "gratis"),
        (&regular.card, &film, 10.0, "geen kansenstatuut"),
        (&elsewhere.card, &film, 10.0, "andere UiTPAS-regio"),
    ] {
        let offered = desk.asks_tariff(card, activity, price).await.ok();
        assert_eq!(offered["available"], json!([]));
        let said = text(&offered["endUserMessage"]["nl"]);
        assert!(said.contains(words), "{said}");
        desk.sells(card, activity, price).await.refused_saying(400, NOT_AVAILABLE, words);
    }
    let path = format!("/v4/tariffs?regularPrice=10&eventId={film}&uitpasNumber={}", entitled.card);
    let of_coupons = desk.gets(&format!("{path}&type=COUPON")).await.ok();
    assert_eq!(of_coupons, json!({ "available": [] }));
    desk.gets(&format!("{path}&type=SOMETHING")).await.wrong_query("type");
    desk.gets(&path.replace("regularPrice=10", "")).await.wrong_query("regularPrice");
    desk.asks_tariff(&entitled.card, "nergens", 1.0).await.refused(400, "uitpas/event-not-found");
    let mut coupon = ticket(&entitled.card, &film, 10.0);
    coupon["tariff"]["id"] = "REWARD_13".into();
    desk.sells_all([coupon.clone()]).await.wrong("/0/tariff/id");
    coupon["tariff"] = Value::Null;
    desk.sells_all([coupon.clone()]).await.wrong("/0/tariff");
    coupon["tariffId"] = "SOCIALTARIFF".into();
    desk.sells_all([coupon]).await.ok();
}

/// R-TAR-05: limits of the activity and of the counter both hold.
#[tokio::test]
async fn both_limits_hold_the_strictest_wins() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    let holder = region.entitled().await;
    let limit = json!({ "volume": 2, "periodType": "YEAR" });
    let activity = region.told(YOUTH, permanent(), &[("P", 5.0), ("Q", 6.0)]).await;
    let settings = json!({ "checkinPoints": 1, "passholderTicketLimit": limit });
    ksb.settles(&activity, settings).await.done();
    desk.sells_all([ticket(&holder.card, &activity, 5.0), ticket(&holder.card, &activity, 6.0)])
        .await
        .ok();
    let answer = desk.sells(&holder.card, &activity, 6.0).await;
    answer.refused_saying(400, "uitpas/maximum-reached", "2 tickets aan kansentarief per jaar");

    let limit = json!({ "volume": 3, "periodType": "MONTH" });
    let terms = json!({ "groups": ["check-in-and-ticket"], "ticketLimit": limit });
    ksb.sets_terms(YOUTH, terms).await.done();
    let (third, fourth) = (region.activity(YOUTH, 5.0).await, region.activity(YOUTH, 5.0).await);
    let sold = desk.sells(&holder.card, &third, 5.0).await.ok()[0].clone();
    let answer = desk.sells(&holder.card, &fourth, 5.0).await;
    answer.refused_saying(400, "uitpas/maximum-reached", "bij deze organisator");
    let offered = desk.asks_tariff(&holder.card, &fourth, 5.0).await.ok();
    assert_eq!(offered["available"], json!([]));
    desk.cancels(&sold).await.done();
    desk.sells(&holder.card, &fourth, 5.0).await.ok();
}

/// R-TAR-04, R-TAR-06: a key for any region, switched on by hand, opens an activity to all; the
/// municipality of residence pays.
#[tokio::test]
async fn a_key_switched_on_by_hand_opens_an_activity_to_all_regions() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let key = json!({
        "id": 7, "name": "bovenlokaal", "percentages": ["25", 35, "40.00"], "anyRegion": true,
    });
    ksb.defines_key(key.clone()).await.done();
    ksb.defines_key(key.clone()).await.done();
    let mut other = key;
    other["name"] = "anders".into();
    ksb.defines_key(other).await.refused(400, "uitpas/invalid-distributionkey");
    let holder = region.entitled_elsewhere().await;
    let activity = region.activity(THEATRE, 7.3).await;
    desk.sells(&holder.card, &activity, 7.3).await.refused(400, NOT_AVAILABLE);

    let by_hand = json!([{ "id": 1, "manualDistributionKeys": [7] }]);
    desk.chooses(&activity, by_hand.clone()).await.refused(403, "auth/forbidden");
    region.ksb_of(2).chooses(&activity, by_hand.clone()).await.refused(403, "auth/forbidden");
    let unknown = json!([{ "id": 1, "manualDistributionKeys": [8] }]);
    ksb.chooses(&activity, unknown).await.refused(400, "uitpas/distributionkey-not-found");
    ksb.chooses(&activity, json!([{ "id": 2 }])).await.refused(400, "uitpas/invalid-card-system");
    region.admin_of(THEATRE).chooses(&activity, by_hand).await.done();
    let sold = desk.sells(&holder.card, &activity, 7.3).await.ok();
    assert_eq!(sold[0]["tariff"]["price"], 1.82);
    let granted = &ksb.granted_tariffs().await[0];
    assert_eq!(granted["municipality"], "9050 Overstroom");
    assert_eq!(granted["distributionKey"], "bovenlokaal");
    assert_eq!(
        (&granted["organizerShare"], &granted["municipalityShare"]),
        (&json!(2.56), &json!(2.92))
    );
}

/// R-TAR-01: a key that breaks a bound is refused when it is defined.
#[tokio::test]
async fn a_key_out_of_bounds_is_refused() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let name = "sleutel";
    for (key, pointer) in [
        (json!({ "percentages": [26, 34, 40] }), "/percentages"),
        (json!({ "percentages": [20, 9, 71] }), "/percentages"),
        (json!({ "percentages": [20, 40, 41] }), "/percentages"),
        (json!({ "percentages": [0, 60, 40] }), "/percentages"),
        (json!({ "percentages": [20, 80] }), "/percentages"),
        (json!({ "percentages": ["20.001", "39.999", 40] }), "/percentages"),
        (json!({ "fixed": { "passholder": 0 } }), "/fixed"),
        (
            json!({ "fixed": { "passholder": 1.5, "organizerPart": 1, "municipalityPart": 14 } }),
            "/fixed",
        ),
        (json!({ "fixed": { "passholder": -1 } }), "/fixed/passholder"),
        (json!({}), "/percentages"),
        (json!({ "percentages": [20, 40, 40], "fixed": { "passholder": 1 } }), "/percentages"),
    ] {
        let mut key = key;
        key["id"] = 9.into();
        key["name"] = name.into();
        ksb.defines_key(key).await.wrong(pointer);
    }
    let fixed = json!({ "id": 9, "name": name, "fixed": { "passholder": 1.5 }, "priceBelow": 20 });
    ksb.defines_key(fixed).await.done();
    ksb.puts("/admin/v1/card-systems/1/default-keys", json!([9])).await.done();
    ksb.puts("/admin/v1/card-systems/1/default-keys", json!([10]))
        .await
        .refused(400, "uitpas/distributionkey-not-found");
    let holder = region.entitled().await;
    let desk = region.desk(THEATRE);
    for (price, pays) in [(10.0, Some(1.5)), (5.0, Some(1.25)), (20.0, None)] {
        let activity = region.activity(THEATRE, price).await;
        let offered = desk.asks_tariff(&holder.card, &activity, price).await.ok();
        match pays {
            Some(pays) => assert_eq!(offered["available"][0]["price"], pays),
            None => assert_eq!(offered["available"], json!([])),
        }
    }
}

//! Bulk actions: one act for many passholders.

use serde_json::{Value, json};

use crate::region::{Desk, GYM, Holder, Region, THEATRE, YOUTH, in_days, list, text};

/// R-BLK-01
#[tokio::test]
async fn an_empty_list_a_duplicate_or_more_than_two_hundred_is_refused_whole() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 5.0).await;
    let save = json!({ "type": "save-point", "eventId": activity });
    let many: Vec<_> = (0..201).map(|n| uuid::Uuid::from_u128(n).to_string()).collect();
    let before = region.position().await;
    for (ids, words) in [
        (json!([]), "minstens"),
        (json!([holder.id, holder.id]), "twee keer"),
        (json!(many), "hoogstens 200"),
    ] {
        let body = json!({ "organizerId": THEATRE, "passholders": ids, "action": save });
        let answer = desk.posts_once("list", "/admin/v1/bulk", body).await;
        answer.refused_saying(400, "body/invalid-data", words);
    }
    let body = json!({ "organizerId": THEATRE, "passholders": [holder.id], "action": save });
    desk.posts("/admin/v1/bulk", body.clone()).await.refused(400, "header/invalid");
    let at_youth = json!({ "organizerId": YOUTH, "passholders": [holder.id], "action": save });
    let youth = region.desk(YOUTH).posts_once("youth", "/admin/v1/bulk", at_youth).await;
    youth.refused(403, "auth/forbidden");
    let stranger = region.ksb_of(2).posts_once("ksb", "/admin/v1/bulk", body).await;
    stranger.refused(403, "auth/forbidden");
    assert_eq!(region.position().await, before);
}

/// R-BLK-02, R-CHK-11: each by itself, and the same again repeats nothing.
#[tokio::test]
async fn each_passholder_succeeds_or_fails_by_himself_and_nothing_is_repeated() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let mut holders = vec![region.passholder().await, region.passholder().await];
    let nobody = Holder { id: uuid::Uuid::nil().to_string(), card: String::new() };
    holders.insert(1, nobody);
    let activity = region.activity(THEATRE, 5.0).await;
    let often = json!({ "volume": 5, "periodType": "DAY" });
    region.ksb().settles(&activity, json!({ "checkinPoints": 1, "checkinLimit": often })).await;
    let save = json!({ "type": "save-point", "eventId": activity });
    let first = asks(&desk, "points", &holders, save.clone()).await;
    assert_eq!(done(&first), [true, false, true]);
    assert_eq!(text(&list(&first["results"])[1]["problem"]["type"]).rsplit('/').next(), {
        Some("passholder-not-found")
    });
    let position = region.position().await;
    assert_eq!(asks(&desk, "points", &holders, save.clone()).await, first);
    assert_eq!(region.position().await, position);
    for holder in [&holders[0], &holders[2]] {
        assert_eq!(desk.balance_of(holder).await, 1);
    }
    let overview = region.ksb().gets("/admin/v1/checkins?organizerId=theater").await.ok();
    assert_eq!(overview["member"][0]["channel"], "bulk");
    // Another key is another request.
    let again = asks(&desk, "more points", &holders, save).await;
    assert_eq!(done(&again), [true, false, true]);
    assert_eq!(desk.balance_of(&holders[0]).await, 2);
}

/// R-BLK-01: the five acts.
#[tokio::test]
async fn address_tariff_social_status_and_cards_in_bulk() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let (entitled, regular) = (region.entitled().await, region.passholder().await);
    let both = [entitled.clone(), regular.clone()];

    let activity = region.activity(THEATRE, 10.0).await;
    let grant = json!({ "type": "grant-tariff", "eventId": activity, "regularPrice": 10, "priceName": null });
    let granted = asks(&desk, "tariff", &both, grant).await;
    assert_eq!(done(&granted), [true, false]);
    assert_eq!(desk.balance_of(&entitled).await, 1);

    let until = in_days(700);
    let extend = json!({ "type": "extend-social-status", "until": until });
    assert_eq!(done(&asks(&desk, "extend", &both, extend.clone()).await), [true, false]);
    assert_eq!(done(&asks(&region.desk(GYM), "extend", &both, extend).await), [false, false]);

    // R-SOC-05: whoever has social status does not move out of the card system.
    let elsewhere = json!({ "street": "Veer 1", "postalCode": "9050", "city": "Overstroom" });
    let move_out = json!({ "type": "change-address", "address": elsewhere });
    assert_eq!(done(&asks(&desk, "move out", &both, move_out).await), [false, true]);
    let within = json!({ "street": "Veer 1", "postalCode": "9987", "city": "Terbeke" });
    let change = json!({ "type": "change-address", "address": within });
    assert_eq!(done(&asks(&desk, "move", &both, change).await), [true, true]);
    for holder in &both {
        let read = desk.reads(holder).await.ok();
        assert_eq!(read["address"]["postalCode"], "9987");
        assert_eq!(read["firstName"], "Nele");
    }

    let block = json!({ "type": "block-cards", "reason": "fraud" });
    assert_eq!(done(&asks(&desk, "block", &both, block.clone()).await), [true, true]);
    assert_eq!(done(&asks(&desk, "block again", &both, block).await), [false, false]);
    desk.identifies(&regular.card).await.refused(400, "uitpas/invalid-card-status");
}

async fn asks(desk: &Desk, key: &str, holders: &[Holder], action: Value) -> Value {
    let ids: Vec<_> = holders.iter().map(|holder| &holder.id).collect();
    let body = json!({ "organizerId": desk.counter, "passholders": ids, "action": action });
    desk.posts_once(key, "/admin/v1/bulk", body).await.ok()
}

fn done(results: &Value) -> Vec<bool> {
    list(&results["results"]).iter().map(|result| result["done"] == true).collect()
}

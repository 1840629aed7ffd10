//! Cards in stock, and the cards that a passholder had.

use serde_json::{Value, json};

use crate::region::{ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, list};

const STOCK: &str = "/admin/v1/card-systems/1/card-stock";

/// R-CRD-01: from the factory to a counter, and how many each has.
#[tokio::test]
async fn cards_move_to_a_counter_and_are_counted_there() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let numbers: Vec<_> = (0..3).map(|_| region.number(false)).collect();
    for number in &numbers {
        ksb.takes_in(number, json!({ "stage": "provisioned" })).await.done();
    }
    let social = region.number(true);
    ksb.takes_in(&social, json!({ "organizerId": GYM })).await.done();
    let of = |stage: &str, counter: Option<&str>, social: bool, cards: u32| {
        let mut row = json!({ "stage": stage, "socialTariff": social, "cards": cards });
        if let Some(counter) = counter {
            row["organizerId"] = counter.into();
        }
        row
    };
    let stock = || async { list(&ksb.gets(STOCK).await.ok()) };
    let at_gym = of("local-stock", Some(GYM), true, 1);
    assert_eq!(stock().await, [of("provisioned", None, false, 3), at_gym.clone()]);

    let place = |number: &str| format!("/admin/v1/cards/{number}/place");
    let sent = json!({ "stage": "sent-to-counter", "organizerId": THEATRE });
    ksb.puts(&place(&numbers[0]), sent.clone()).await.done();
    let position = region.position().await;
    ksb.puts(&place(&numbers[0]), sent.clone()).await.done();
    assert_eq!(region.position().await, position, "the same place is no news");
    let desk = region.desk(THEATRE);
    let too_early = desk.registers(&region.person(THEATRE, &numbers[0])).await;
    too_early.refused(400, "uitpas/invalid-card-status");
    let arrived = json!({ "stage": "local-stock", "organizerId": THEATRE });
    ksb.puts(&place(&numbers[0]), arrived.clone()).await.done();
    let at_theatre = of("local-stock", Some(THEATRE), false, 1);
    assert_eq!(stock().await, [of("provisioned", None, false, 2), at_gym.clone(), at_theatre]);

    // Once given it is in stock no more, and stays where it is.
    desk.registers(&region.person(THEATRE, &numbers[0])).await.holder();
    assert_eq!(stock().await, [of("provisioned", None, false, 2), at_gym]);
    ksb.puts(&place(&numbers[0]), arrived.clone()).await.refused(400, "uitpas/invalid-card-status");
    let in_use = format!("/admin/v1/cards/{}", numbers[0]);
    ksb.deletes(&in_use).await.refused(400, "uitpas/invalid-card-status");
    ksb.deletes(&format!("/admin/v1/cards/{}", numbers[1])).await.done();
    desk.identifies(&numbers[1]).await.refused(404, "uitpas/pass-not-found");
    assert_eq!(stock().await[0]["cards"], 1);

    let listed = |query: &str| {
        let (ksb, path) = (ksb.clone(), format!("/admin/v1/card-systems/1/cards?{query}"));
        async move { ksb.gets(&path).await.ok()["totalItems"].clone() }
    };
    assert_eq!(listed("").await, 4);
    assert_eq!(listed("state=active").await, 1);
    assert_eq!(listed("state=deleted").await, 1);
    assert_eq!(listed(&format!("organizerId={GYM}")).await, 1);
    assert_eq!(listed(&format!("uitpasNumber={}", numbers[2])).await, 1);

    // A counter of another card system gets none, and its KSB moves none.
    let elsewhere = json!({ "stage": "local-stock", "organizerId": ELSEWHERE });
    ksb.puts(&place(&numbers[2]), elsewhere.clone()).await.refused(400, "uitpas/invalid-card");
    for stranger in [region.ksb_of(2), region.desk(THEATRE)] {
        stranger.puts(&place(&numbers[2]), sent.clone()).await.refused(403, "auth/forbidden");
        stranger.deletes(&format!("/admin/v1/cards/{social}")).await.refused(403, "auth/forbidden");
        stranger.gets(STOCK).await.refused(403, "auth/forbidden");
    }
    let nowhere = ksb.puts(&place(&region.number(false)), sent).await;
    nowhere.refused(400, "uitpas/invalid-card");
}

/// R-CRD-03, R-CRD-05, R-CRD-06, R-KSB-02: all cards ever, with the kind and reason of each block.
#[tokio::test]
async fn the_cards_of_a_passholder_are_listed_with_their_blocks() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(GYM), region.ksb());
    let holder = region.passholder().await;
    desk.blocks(&holder, "replace", "theft").await.done();
    // Broken off here; the new card is given at a later time.
    let second = region.card(false).await;
    desk.replaces(&holder, &second).await.created();
    let held = Holder { card: second.clone(), ..holder.clone() };
    desk.blocks(&held, "definitive", "own-wish").await.done();
    let third = ksb.gives(&holder, json!({})).await.created();
    let path = format!("/admin/v1/passholders/{}/cards", holder.id);
    let cards = list(&ksb.gets(&path).await.ok());
    let shown: Vec<_> = cards
        .iter()
        .map(|card| {
            [&card["uitpasNumber"], &card["digital"], &card["blockKind"], &card["blockReason"]]
                .map(Value::clone)
        })
        .collect();
    let number = |number: &str| json!(number);
    assert_eq!(
        shown,
        [
            [number(&holder.card), json!(false), json!("replace"), json!("theft")],
            [number(&second), json!(false), json!("definitive"), json!("own-wish")],
            [third["uitpasNumber"].clone(), json!(true), Value::Null, Value::Null],
        ]
    );
    desk.gets(&path).await.ok();
    for stranger in [region.desk(YOUTH), region.desk(ELSEWHERE), region.ksb_of(2)] {
        stranger.gets(&path).await.refused(403, "auth/forbidden");
    }
}

/// R-REG-06: vouchers from a file; a code is issued once.
#[tokio::test]
async fn vouchers_are_issued_from_a_file() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let path = "/admin/v1/card-systems/1/voucher-list";
    let prices = json!([{ "fromAge": 0, "regular": 5, "withSocialStatus": 2 }]);
    ksb.puts("/admin/v1/card-systems/1/prices", prices).await.done();
    let file = "code,off,until\nWELKOM,2.50,2030-12-31\nGRATIS,9,2030-12-31\nX,veel,2030-12-31\n";
    let issued = ksb.uploads(path, file).await.ok();
    assert_eq!((&issued["issued"], &issued["known"]), (&json!(2), &json!(0)));
    assert_eq!(list(&issued["broken"])[0]["line"], 4);
    let position = region.position().await;
    let again = ksb.uploads(path, "code,off,until\nWELKOM,1.00,2030-12-31\n").await.ok();
    assert_eq!((&again["issued"], &again["known"]), (&json!(0), &json!(1)));
    assert_eq!(region.position().await, position);
    let mut person = region.person(THEATRE, &region.card(false).await);
    person["registrationVoucher"] = "WELKOM".into();
    region.desk(THEATRE).registers(&person).await.holder();
    let log = region.whole_log().await;
    let registered = log.lines().find(|line| line.contains(" Registered ")).expect("registered");
    assert!(registered.contains(r#""price":"2.50""#), "{registered}");
    for stranger in [region.ksb_of(2), region.desk(THEATRE)] {
        stranger.uploads(path, "code,off,until\n").await.refused(403, "auth/forbidden");
    }
}

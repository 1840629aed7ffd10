//! Rewards: making them, taking them up, giving them back.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{Desk, GYM, Holder, Region, THEATRE, YOUTH, at_noon, in_days, list, text};

impl Region {
    /// A passholder of Meerdal who has saved one point.
    async fn saver(&self) -> Holder {
        let holder = self.passholder().await;
        let activity = self.activity(YOUTH, 5.0).await;
        self.desk(YOUTH).checks_in(&holder.card, &activity).await.created();
        holder
    }
}

fn days(from: i64, until: i64) -> Value {
    json!({ "begin": at_noon(in_days(from)), "end": at_noon(in_days(until)) })
}

/// R-RWD-01, -02, -03: what is no reward is refused with its field.
#[tokio::test]
async fn what_is_no_reward_is_refused() {
    let region = Region::new().await;
    let ksb = region.ksb();
    for (reward, pointer) in [
        (json!({ "points": 0 }), "/points"),
        (json!({ "points": -1 }), "/points"),
        (json!({ "type": "WELCOME", "grantingPeriod": days(0, 1) }), "/points"),
        (json!({ "type": "WELCOME", "points": 0 }), "/grantingPeriod/begin"),
        (
            json!({ "type": "WELCOME", "points": 0, "grantingPeriod": days(-1, 1) }),
            "/grantingPeriod/begin",
        ),
        (json!({ "redeemPeriod": days(1, 0) }), "/redeemPeriod/end"),
        (json!({ "publicationPeriod": days(1, 0) }), "/publicationPeriod/end"),
        (json!({ "redeemPeriod": { "begin": "0000-01-01T00:00:00Z" } }), "/redeemPeriod/begin"),
        (json!({ "publicationPeriod": { "begin": "gisteren" } }), "/publicationPeriod/begin"),
        (json!({ "title": "" }), "/title"),
        (json!({ "type": "GIFT" }), "/type"),
        (json!({ "onlyInhabitantsOf": ["99"] }), "/onlyInhabitantsOf/0"),
    ] {
        ksb.makes_reward(reward).await.wrong(pointer);
    }
    region.desk(THEATRE).makes_reward(json!({})).await.refused(403, "auth/forbidden");
    region.admin_of(THEATRE).makes_reward(json!({})).await.refused(403, "auth/forbidden");
    region
        .ksb_of(2)
        .makes_reward(json!({ "owningCardSystem": { "id": 1 } }))
        .await
        .refused(403, "auth/forbidden");
    ksb.makes_reward(json!({ "owningCardSystem": { "id": 3 } }))
        .await
        .refused(400, "uitpas/invalid-card-system");
    let unknown = uuid::Uuid::nil();
    ksb.gets(&format!("/v4/rewards/{unknown}")).await.refused(404, "uitpas/reward-not-found");

    let made = ksb.makes_reward(json!({
        "title": "Tas", "categories": ["Gadget of item"], "maxAvailableUnits": 3,
        "moreInfoURL": "https://voorbeeld.example/tas", "practicalInfo": "Aan de balie.\nVraag ernaar.",
        "redeemConstraint": { "volume": 1, "period": "MONTH" }, "organizers": [{ "id": THEATRE }],
    }));
    let answer = made.await;
    assert_eq!(answer.status, 200);
    let made = answer.ok();
    assert_eq!((&made["status"], &made["unitsTaken"]), (&json!("ACTIVE"), &json!(0)));
    assert_eq!(made["practicalInfo"], "Aan de balie.\nVraag ernaar.");
    assert_eq!(made["redeemConstraint"], json!({ "volume": 1, "period": "MONTH" }));
    let read = region.desk(YOUTH).gets(&format!("/v4/rewards/{}", text(&made["id"]))).await.ok();
    assert_eq!(read, made);
}

/// R-RWD-02, R-RWD-06: points are paid, and each refusal has a reason of its own.
#[tokio::test]
async fn each_refusal_of_a_reward_has_its_own_reason() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.saver().await;
    let now = "uitpas/reward-period-constraint";
    for (more, kind, reason, words) in [
        (
            json!({ "points": 2 }),
            "uitpas/reward-passholder-points-constraint",
            "PASSHOLDER_POINTS",
            "kost 2 punten",
        ),
        (json!({ "redeemPeriod": days(1, 2) }), now, "REWARD_PERIOD", "kan vanaf"),
        (json!({ "redeemPeriod": days(-2, -1) }), now, "REWARD_PERIOD", "kon tot en met"),
        (
            json!({ "maxAvailableUnits": 0 }),
            "uitpas/reward-volume-constraint",
            "REWARD_VOLUME",
            "is op",
        ),
        (
            json!({ "organizers": [{ "id": GYM }] }),
            "own/reward-counter",
            "REWARD_PERIOD",
            "niet aan deze balie",
        ),
        (
            json!({ "applicableCardSystems": [{ "id": 2 }] }),
            "uitpas/reward-passholder-no-applicable-cardsystems",
            "PASSHOLDER_APPLICABLE_CARDSYSTEMS",
            "andere UiTPAS-regio",
        ),
        (
            json!({ "onlyInhabitantsOf": ["9987"] }),
            "own/reward-municipality",
            "PASSHOLDER_APPLICABLE_CARDSYSTEMS",
            "andere gemeentes",
        ),
    ] {
        let reward = ksb.makes_reward(more).await.ok();
        let before = region.position().await;
        desk.redeems(&reward, &holder.card).await.refused_saying(400, kind, words);
        assert_eq!(region.position().await, before);
        let status = desk.may_redeem(&reward, &holder.card).await.ok();
        assert_eq!(
            (&status["redeemable"], &status["reason"]),
            (&json!(false), &json!(reason)),
            "{words}"
        );
        assert!(text(&status["message"]).contains(words));
    }
    let welcome = json!({ "type": "WELCOME", "points": 0, "grantingPeriod": days(0, 9) });
    let welcome = ksb.makes_reward(welcome).await.ok();
    desk.redeems(&welcome, &holder.card).await.refused_saying(
        400,
        "own/reward-not-granted",
        "niet aan deze",
    );

    let reward = ksb
        .makes_reward(json!({ "redeemPeriod": days(0, 0), "onlyInhabitantsOf": ["9981"] }))
        .await
        .ok();
    desk.redeems(&reward, &region.number(false)).await.refused(400, "uitpas/passholder-not-found");
    desk.redeems(&json!({ "id": uuid::Uuid::nil() }), &holder.card)
        .await
        .refused(404, "uitpas/reward-not-found");
    desk.may_redeem(&json!({ "id": uuid::Uuid::nil().to_string() }), &holder.card)
        .await
        .refused(404, "uitpas/reward-not-found");
    assert_eq!(desk.may_redeem(&reward, &holder.card).await.ok(), json!({ "redeemable": true }));
    let redeemed = desk.redeems(&reward, &holder.card).await.created();
    assert_eq!(redeemed["reward"]["id"], reward["id"]);
    assert_eq!(desk.balance_of(&holder).await, 0);
    let listed = desk.redeemed_by(&holder).await.ok();
    assert_eq!((&listed["totalItems"], &listed["member"][0]["id"]), (&json!(1), &redeemed["id"]));
    let by_card = format!("/v4/rewards/redeemed?uitpasNumber={}", holder.card);
    assert_eq!(desk.gets(&by_card).await.ok()["totalItems"], 1);
    assert_eq!(desk.gets(&format!("{by_card}&rewardType=WELCOME")).await.ok()["totalItems"], 0);
    desk.gets("/v4/rewards/redeemed").await.wrong_query("passholderId");
    region
        .desk(GYM)
        .at(THEATRE)
        .redeems(&reward, &holder.card)
        .await
        .refused(403, "auth/forbidden");
}

/// R-RWD-04: so often per passholder.
#[tokio::test]
async fn a_passholder_redeems_as_often_as_the_limit_says() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.saver().await;
    let activity = region.activity(YOUTH, 5.0).await;
    region.desk(YOUTH).checks_in(&holder.card, &activity).await.created();
    let once = json!({ "redeemConstraint": { "volume": 1, "period": "ABSOLUTE" } });
    let reward = ksb.makes_reward(once).await.ok();
    let first = desk.redeems(&reward, &holder.card).await.created();
    let answer = desk.redeems(&reward, &holder.card).await;
    answer.refused_saying(400, "uitpas/reward-passholder-volume-constraint", "zo vaak");
    ksb.gives_back(&first).await.done();
    desk.redeems(&reward, &holder.card).await.created();
}

/// R-RWD-04: the last unit goes to one of fifty.
#[tokio::test]
async fn the_last_unit_goes_to_one_of_fifty() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let activity = region.activity(THEATRE, 5.0).await;
    let reward = region.ksb().makes_reward(json!({ "maxAvailableUnits": 1 })).await.ok();
    let savers = join_all((0..50).map(|_| async {
        let mut person = region.person(THEATRE, "");
        person["registrationCardType"] = "DIGITAL".into();
        person["registrationUitpasNumber"] = Value::Null;
        let holder = desk.registers(&person).await.holder();
        desk.checks_in(&holder.card, &activity).await.created();
        holder
    }))
    .await;
    let answers = join_all(savers.iter().map(|holder| desk.redeems(&reward, &holder.card))).await;
    let (redeemed, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(redeemed.len(), 1);
    for answer in refused {
        answer.refused_saying(400, "uitpas/reward-volume-constraint", "is op");
    }
    let known = desk.gets(&format!("/v4/rewards/{}", text(&reward["id"]))).await.ok();
    assert_eq!(known["unitsTaken"], 1);
}

/// R-RWD-01, R-REG-07: a welcome reward is granted at registration and taken up once.
#[tokio::test]
async fn a_welcome_reward_is_taken_up_once() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    let before = region.passholder().await;
    let bag = ksb.welcomes_with("Stoffen tas").await;
    let holder = region.passholder().await;
    desk.redeems(&bag, &before.card).await.refused(400, "own/reward-not-granted");
    let view = desk.view_of(&holder.card).await.ok();
    assert_eq!(view["rewards"][0]["title"], "Stoffen tas");
    let redeemed = desk.redeems(&bag, &holder.card).await.created();
    assert_eq!(redeemed["reward"]["type"], "WELCOME");
    let again = desk.redeems(&bag, &holder.card).await;
    again.refused(400, "uitpas/reward-passholder-volume-constraint");
    assert_eq!(desk.view_of(&holder.card).await.ok()["rewards"], json!([]));
    ksb.at(YOUTH).gives_back(&redeemed).await.done();
    desk.redeems(&bag, &holder.card).await.created();
    let elsewhere = region.entitled_elsewhere().await;
    desk.redeems(&bag, &elsewhere.card).await.ok();
}

/// R-RWD-08: the KSB gives points, unit and use back, once.
#[tokio::test]
async fn the_ksb_cancels_a_redeemed_reward() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.saver().await;
    let reward = ksb.makes_reward(json!({ "maxAvailableUnits": 1 })).await.ok();
    let redeemed = desk.redeems(&reward, &holder.card).await.created();
    desk.redeems(&reward, &holder.card).await.refused(400, "uitpas/reward-volume-constraint");
    desk.gives_back(&redeemed).await.refused_saying(403, "auth/forbidden", "Alleen de kaart");
    region.ksb_of(2).gives_back(&redeemed).await.refused(403, "auth/forbidden");
    ksb.gives_back(&redeemed).await.done();
    assert_eq!(desk.balance_of(&holder).await, 1);
    ksb.gives_back(&redeemed).await.refused_saying(
        404,
        "own/redemption-already-cancelled",
        "teruggegeven",
    );
    let unknown = json!({ "id": uuid::Uuid::nil().to_string() });
    ksb.gives_back(&unknown).await.refused(404, "own/redeemed-reward-not-found");
    desk.redeems(&reward, &holder.card).await.created();
}

/// R-RWD-03, R-RWD-06: which rewards are listed, and for whom.
#[tokio::test]
async fn rewards_are_listed_by_period_price_and_passholder() {
    let region = Region::new().await;
    let ksb = region.ksb();
    for more in [
        json!({ "title": "Koffie", "points": 1 }),
        json!({ "title": "Zwembeurt", "points": 5, "organizers": [{ "id": GYM }] }),
        json!({ "title": "Later", "publicationPeriod": days(1, 9) }),
        json!({ "title": "Voorbij", "redeemPeriod": days(-9, -1) }),
    ] {
        ksb.makes_reward(more).await.ok();
    }
    ksb.welcomes_with("Tas").await;
    let holder = region.saver().await;
    let titles = |desk: Desk, query: String| async move {
        let page = desk.gets(&format!("/v4/rewards?{query}")).await.ok();
        let mut titles: Vec<String> =
            list(&page["member"]).iter().map(|found| text(&found["title"]).to_owned()).collect();
        titles.sort();
        titles
    };
    let redeemable = format!("isRedeemableByPassholderId={}", holder.id);
    for (query, expected) in [
        ("", vec!["Koffie", "Zwembeurt"]),
        ("type=ANY", vec!["Koffie", "Tas", "Zwembeurt"]),
        ("type=WELCOME", vec!["Tas"]),
        ("subset=REDEEMABLE", vec!["Koffie", "Later", "Zwembeurt"]),
        ("subset=ALL", vec!["Koffie", "Later", "Voorbij", "Zwembeurt"]),
        ("pointsFrom=2", vec!["Zwembeurt"]),
        ("pointsTo=1&text=KOF", vec!["Koffie"]),
        ("owningCardSystemId=2", vec![]),
        (redeemable.as_str(), vec!["Koffie"]),
    ] {
        // The KSB wrote them, so he has seen them.
        assert_eq!(titles(region.ksb(), query.to_owned()).await, expected, "{query}");
    }
}

//! Identifying a pass; taking cards in, blocking and replacing them.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, in_days, text};

/// R-ID-05: each state of a card has an answer of its own.
#[tokio::test]
async fn what_a_card_is_told_apart_by() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    let stocked = region.card(false).await;
    let problem = desk.identifies(&stocked).await;
    let problem = problem.refused_saying(400, "uitpas/invalid-card-status", "niet geregistreerd");
    assert_eq!(problem["cardStatus"], "LOCAL_STOCK");
    for stage in ["provisioned", "stock", "sent-to-counter"] {
        let number = region.number(false);
        ksb.takes_in(&number, json!({ "stage": stage })).await.done();
        let problem = desk.identifies(&number).await;
        problem.refused_saying(400, "uitpas/invalid-card-status", "lokale stock");
    }
    let holder = region.passholder().await;
    region.desk(THEATRE).blocks(&holder, "replace", "loss").await.done();
    let problem = desk.identifies(&holder.card).await;
    let problem = problem.refused_saying(400, "uitpas/invalid-card-status", "geblokkeerd");
    assert_eq!(
        (&problem["cardStatus"], &problem["passType"]),
        (&json!("BLOCKED"), &json!("INDIVIDUAL"))
    );
    assert_eq!(problem["passholderId"], holder.id);
    desk.identifies(&region.number(false)).await.refused(404, "uitpas/pass-not-found");
    desk.identifies("04784CDAEE3880").await.refused(404, "uitpas/pass-not-found");
    desk.identifies("83030201540").await.refused(404, "uitpas/pass-not-found");
    for wrong in ["093000042020", "0930000237912", "0930000237931", "83030201541", "x", ""] {
        desk.identifies(wrong).await.refused(404, "uitpas/pass-not-found");
    }
    desk.gets("/v4/passes").await.wrong_query("identifier");
}

/// R-ID-04, R-ID-03, R-ID-07: by number, chip or national number; looking writes nothing.
#[tokio::test]
async fn a_pass_is_identified_by_any_of_its_numbers() {
    let region = Region::new().await;
    let card = region.number(true);
    let chip = "04784CDAEE3880";
    region.ksb().takes_in(&card, json!({ "chipNumber": chip })).await.done();
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    let holder = region.desk(THEATRE).registers(&person).await.holder();
    let before = region.position().await;
    let insz = text(&person["inszNumber"]).to_owned();
    let spaced = format!(" {card}\n");
    let dotted = format!("{}.{}-{}", &insz[..6], &insz[6..9], &insz[9..]);
    let lower = chip.to_lowercase();
    for identifier in [&card, &spaced, chip, &lower, &insz, &dotted] {
        let pass = region.desk(ELSEWHERE).identifies(identifier).await.ok();
        assert_eq!(pass["passholderId"], holder.id);
        assert_eq!(pass["uitpasNumber"], card);
        assert_eq!(pass["firstName"], "Nele");
        assert_eq!((&pass["points"], &pass["postalCode"]), (&json!(0), &json!("9981")));
        assert_eq!(pass["cardSystem"]["id"], 1);
        assert_eq!(pass["passType"], "INDIVIDUAL");
        assert_eq!(pass["socialTariff"]["status"], "ACTIVE");
    }
    assert_eq!(region.position().await, before, "looking registers nothing");
}

/// R-ID-06: a chip number belongs to one card, also among fifty at once.
#[tokio::test]
async fn one_chip_goes_to_one_of_fifty_cards() {
    let region = Region::new().await;
    let tries = (0..50).map(|_| async {
        let number = region.number(false);
        let chip = json!({ "chipNumber": "04784CDAEE3880" });
        (region.ksb().takes_in(&number, chip).await, number)
    });
    let answers = join_all(tries).await;
    let (taken, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer.status == 204);
    assert_eq!(taken.len(), 1);
    for (answer, _) in &refused {
        answer.refused_saying(400, "uitpas/invalid-card", "chip");
    }
    // Sent again it is no news; said otherwise it is refused.
    let number = &taken[0].1;
    let before = region.position().await;
    region.ksb().takes_in(number, json!({ "chipNumber": "04784CDAEE3880" })).await.done();
    assert_eq!(region.position().await, before);
    let answer = region.ksb().takes_in(number, json!({ "chipNumber": "04363CDAEE3880" })).await;
    answer.refused_saying(400, "uitpas/invalid-card-status", "opgenomen");
}

/// R-CRD-02, -03, -04, -05, -11: blocked for good, replaced at a later time, nothing lost.
#[tokio::test]
async fn a_lost_card_is_blocked_and_replaced_later() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let another = region.activity(THEATRE, 5.0).await;
    let reward = region.ksb().makes_reward(json!({})).await.ok();
    desk.checks_in(&holder.card, &activity).await.created();
    desk.replaces(&holder, &region.card(true).await).await.refused_saying(
        400,
        "own/has-card",
        "actieve kaart",
    );
    desk.blocks(&holder, "replace", "loss").await.done();
    desk.blocks(&holder, "replace", "loss").await.refused(400, "uitpas/invalid-card-status");

    let status = "uitpas/invalid-card-status";
    desk.checks_in(&holder.card, &another).await.refused_saying(400, status, "geblokkeerd");
    assert_eq!(desk.may_check_in(&holder.card, &another).await.ok()["allowed"], false);
    desk.asks_tariff(&holder.card, &another, 5.0).await.refused(400, status);
    desk.sells(&holder.card, &another, 5.0).await.refused(400, status);
    desk.redeems(&reward, &holder.card).await.refused(400, status);
    assert_eq!(desk.may_redeem(&reward, &holder.card).await.ok()["reason"], "INVALID_CARD");

    let regular = region.card(false).await;
    desk.replaces(&holder, &regular).await.refused_saying(400, "uitpas/invalid-card", "cijfer 1");
    let new = region.card(true).await;
    let given = desk.replaces(&holder, &new).await.created();
    assert_eq!(given, json!({ "uitpasNumber": new, "cardSystemId": 1, "price": 0.0 }));
    assert_eq!(desk.identifies(&new).await.ok()["points"], 1);
    desk.identifies(&holder.card).await.refused_saying(400, status, "geblokkeerd");
    desk.checks_in(&new, &activity).await.refused_saying(
        400,
        "uitpas/checkin-not-allowed",
        "al gespaard",
    );
    desk.sells(&new, &another, 5.0).await.ok();
    desk.replaces(&holder, &holder.card).await.refused_saying(400, status, "geblokkeerd");
}

/// R-CRD-06: after a definitive block only a KSB admin gives a new card.
#[tokio::test]
async fn after_a_definitive_block_only_the_ksb_gives_a_card() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.passholder().await;
    for (kind, reason) in [("definitive", "loss"), ("replace", "fraud")] {
        desk.blocks(&holder, kind, reason).await.refused_saying(
            400,
            "own/block-reason",
            "hoort niet",
        );
    }
    region.desk(YOUTH).blocks(&holder, "definitive", "fraud").await.refused(403, "auth/forbidden");
    region
        .desk(ELSEWHERE)
        .blocks(&holder, "definitive", "fraud")
        .await
        .refused(403, "auth/forbidden");
    region.ksb_of(2).blocks(&holder, "definitive", "fraud").await.refused(403, "auth/forbidden");
    region.desk(GYM).blocks(&holder, "definitive", "fraud").await.done();
    let card = region.card(false).await;
    let answer = desk.replaces(&holder, &card).await;
    answer.refused_saying(403, "own/definitively-blocked", "Alleen de kaartsysteembeheerder");
    ksb.replaces(&holder, &card).await.created();
    assert_eq!(desk.identifies(&card).await.ok()["passholderId"], holder.id);

    let other = region.passholder().await;
    let not_his = Holder { id: holder.id.clone(), card: other.card.clone() };
    desk.blocks(&not_his, "replace", "loss").await.refused_saying(
        400,
        "uitpas/invalid-card",
        "niet van deze",
    );
    let unknown = Holder { id: uuid::Uuid::nil().to_string(), card: other.card };
    desk.blocks(&unknown, "replace", "loss").await.refused(404, "uitpas/passholder-not-found");
    let digital = region.passholder().await;
    desk.blocks(&digital, "replace", "defect").await.done();
    let given = desk.gives(&digital, json!({})).await.created();
    assert_eq!(
        desk.identifies(text(&given["uitpasNumber"])).await.ok()["passholderId"],
        digital.id
    );
}

/// R-CRD-07, R-SOC-01: gaining and losing social status replaces the card, by authorised counters.
#[tokio::test]
async fn social_status_comes_and_goes_with_a_card() {
    let region = Region::new().await;
    let (theatre, gym) = (region.desk(THEATRE), region.desk(GYM));
    let holder = region.passholder().await;
    gym.blocks(&holder, "replace", "gained-social-status").await.refused(403, "auth/forbidden");
    theatre.blocks(&holder, "replace", "gained-social-status").await.done();
    let card = region.card(true).await;
    let status = json!({ "socialTariffEndDate": in_days(200), "proof": "living-wage" });
    let with = |status: &Value| json!({ "uitpasNumber": card, "socialTariff": status });
    gym.gives(&holder, with(&status)).await.refused_saying(403, "auth/forbidden", "kansenstatuut");
    theatre.gives(&holder, with(&json!({}))).await.wrong("/socialTariffProof");
    theatre.gives(&holder, with(&status)).await.created();
    assert_eq!(theatre.identifies(&card).await.ok()["socialTariff"]["status"], "ACTIVE");

    let holder = Holder { card, ..holder };
    theatre.blocks(&holder, "replace", "lost-social-status").await.done();
    let regular = region.card(false).await;
    theatre.replaces(&holder, &regular).await.created();
    assert_eq!(theatre.identifies(&regular).await.ok()["socialTariff"]["status"], "NONE");
}

/// R-SOC-01: authorised registration counters and KSB admins grant social status and extend it; nobody
/// else, by whichever door.
#[tokio::test]
async fn only_authorised_counters_and_the_ksb_grant_and_extend_social_status() {
    let region = Region::new().await;
    let status = json!({ "socialTariffEndDate": in_days(200), "proof": "living-wage" });
    for (who, counter, may) in [
        (region.desk(THEATRE), THEATRE, true),
        (region.admin_of(THEATRE), THEATRE, true),
        (region.ksb(), THEATRE, true),
        (region.desk(GYM), GYM, false),
        (region.admin_of(GYM), GYM, false),
        (region.desk(YOUTH), YOUTH, false),
        (region.desk(ELSEWHERE), ELSEWHERE, false),
        (region.ksb_of(2), ELSEWHERE, false),
    ] {
        let who = who.at(counter);
        let card = region.card(true).await;
        let mut person = region.person(counter, &card);
        person["socialTariffProof"] = "living-wage".into();
        let registered = who.registers(&person).await;

        let regular = region.passholder().await;
        let path = format!("/v4/passholders/{}/memberships/1", regular.id);
        let joining = json!({
            "registrationOrganizer": { "id": counter }, "cardType": "NFC_CARD",
            "uitpasNumber": region.card(true).await, "socialTariff": status,
        });
        let taken_up = who.posts(&path, joining).await;

        let lost = region.passholder().await;
        region.desk(THEATRE).blocks(&lost, "replace", "gained-social-status").await.done();
        let card = region.card(true).await;
        let given = json!({ "uitpasNumber": card, "socialTariff": status });
        let given = who.gives(&lost, given).await;

        let entitled = region.entitled().await;
        let mut person = region.desk(THEATRE).reads(&entitled).await.ok();
        person["registrationSocialTariffEndDate"] = json!(in_days(900));
        let extended = who.changes(&entitled, &person).await;
        for (door, answer) in [
            ("registering", registered),
            ("joining", taken_up),
            ("another card", given),
            ("extending", extended),
        ] {
            let done = answer.status < 400;
            assert_eq!(done, may, "{door} by {counter}: {} {}", answer.status, answer.text());
            assert!(may || matches!(answer.status, 400 | 403), "{}", answer.text());
        }
    }
}

/// R-ID-01, R-ID-04: what is no number of a UiTPAS is refused as that, before anything is looked up;
/// a reader may put blanks around one.
#[tokio::test]
async fn a_number_has_thirteen_digits_that_check() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let activity = region.activity(THEATRE, 5.0).await;
    for wrong in
        ["093000042020", "09300004202066", "09A3B004202066", "0930000237912", "0930000237931", ""]
    {
        let taken_in = region.ksb().takes_in(wrong, json!({})).await;
        taken_in.refused(400, "uitpas/invalid-uitpas-number");
        // The contract spells it otherwise here.
        let checked_in = desk.checks_in(wrong, &activity).await;
        checked_in.refused(400, "uitpas/invalid-uitpasnumber");
        let searched = desk.searches(&format!("uitpasNumber={wrong}&limit=1")).await;
        match wrong {
            "" => drop(searched.ok()),
            _ => drop(searched.refused(400, "uitpas/invalid-uitpas-number")),
        }
    }
    let holder = region.passholder().await;
    let typed = format!("%20{}%0D%0A", holder.card);
    assert_eq!(desk.identifies(&typed).await.ok()["passholderId"], holder.id);
}

/// R-SOC-02: only a KSB admin suspends, lifts and blocks; a suspension closes the social tariff
/// alone.
#[tokio::test]
async fn the_ksb_suspends_and_blocks() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let suspend = json!({ "action": "suspend", "until": in_days(10), "reason": "onderzoek" });
    desk.decides_on(&holder, suspend.clone()).await.refused_saying(403, "auth/forbidden", "Alleen");
    ksb.decides_on(&holder, json!({ "action": "suspend", "reason": "x" })).await.wrong("/until");
    ksb.decides_on(&holder, json!({ "action": "suspend", "until": in_days(0), "reason": "x" }))
        .await
        .refused_saying(400, "own/social-status", "toekomst");
    ksb.decides_on(&holder, json!({ "action": "suspend", "until": in_days(1) })).await.wrong("/");
    ksb.decides_on(&holder, json!({ "action": "lift-suspension", "reason": "x" }))
        .await
        .refused_saying(400, "own/social-status", "niet geschorst");
    ksb.decides_on(&holder, suspend).await.done();
    let suspended = "uitpas/social-tariff-suspended";
    desk.sells(&holder.card, &activity, 10.0).await.refused_saying(400, suspended, "geschorst tot");
    desk.asks_tariff(&holder.card, &activity, 10.0).await.refused(400, suspended);
    let pass = desk.identifies(&holder.card).await.ok();
    assert!(text(&pass["messages"][0]["text"]).contains("geschorst"));
    desk.checks_in(&holder.card, &activity).await.created();
    ksb.decides_on(&holder, json!({ "action": "lift-suspension", "reason": "x" })).await.done();
    desk.sells(&holder.card, &activity, 10.0).await.ok();

    ksb.decides_on(&holder, json!({ "action": "block", "reason": "fraude" })).await.done();
    ksb.decides_on(&holder, json!({ "action": "block", "reason": "fraude" })).await.refused_saying(
        400,
        "own/social-status",
        "geblokkeerd",
    );
    let blocked = "uitpas/passholder-no-active-cardsystems";
    let another = region.activity(THEATRE, 5.0).await;
    desk.sells(&holder.card, &another, 5.0).await.refused(400, blocked);
    desk.checks_in(&holder.card, &another).await.refused(400, blocked);
    let regular = region.passholder().await;
    ksb.decides_on(&regular, json!({ "action": "suspend", "until": in_days(1), "reason": "x" }))
        .await
        .refused_saying(400, "own/social-status", "geen kansenstatuut");
    let of_another_system =
        region.ksb_of(2).decides_on(&regular, json!({ "action": "block", "reason": "x" })).await;
    of_another_system.refused(400, "own/social-status");
}

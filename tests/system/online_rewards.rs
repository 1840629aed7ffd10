//! Rewards that are taken up online: by a link, or with one code of a list each.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{Holder, Region, THEATRE, list, text};

/// R-RWD-07: a link follows the redemption.
#[tokio::test]
async fn a_link_follows_the_redemption() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = savers(&region, 1).await.remove(0);
    let reward = ksb.makes_reward(json!({})).await.ok();
    let online = online(&reward);
    for (how, pointer) in
        [(json!({}), "/link"), (json!({ "link": "" }), "/link"), (json!({ "link": 1 }), "/link")]
    {
        ksb.puts(&online, how).await.wrong(pointer);
    }
    let info = json!({
        "link": "https://voorbeeld.example/e-boek", "label": "Naar het boek", "text": "Veel plezier.",
    });
    desk.puts(&online, info.clone()).await.refused(403, "auth/forbidden");
    region.ksb_of(2).puts(&online, info.clone()).await.refused(403, "auth/forbidden");
    ksb.puts(&online, info.clone()).await.done();
    let redeemed = desk.redeems(&reward, &holder.card).await.created();
    assert_eq!((&redeemed["redeemInfo"], &redeemed["redeemCode"]), (&info, &Value::Null));
    let listed = desk.redeemed_by(&holder).await.ok();
    assert_eq!(listed["member"][0]["redeemInfo"], info);
    ksb.deletes(&online).await.done();
    assert_eq!(desk.redeemed_by(&holder).await.ok()["member"][0]["redeemInfo"], Value::Null);
}

/// R-RWD-07: available is the smaller of units and unused codes; each code is given out once, also
/// to fifty at once.
#[tokio::test]
async fn each_code_is_given_out_once_also_to_fifty_at_once() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let reward = ksb.makes_reward(json!({ "maxAvailableUnits": 20 })).await.ok();
    let with_codes = json!({ "withCodes": true, "link": "https://voorbeeld.example" });
    ksb.puts(&online(&reward), with_codes).await.done();
    let available = || async { ksb.gets(&online(&reward)).await.ok()["unitsAvailable"].clone() };
    assert_eq!(available().await, 0);
    let savers = savers(&region, 50).await;
    let none_yet = desk.redeems(&reward, &savers[0].card).await;
    none_yet.refused_saying(400, "uitpas/reward-volume-constraint", "is op");

    let codes: Vec<_> = (0..7).map(|number| format!("ZOMER-{number}")).collect();
    let file = format!("code\n{}\n", codes.join("\n"));
    desk.uploads(&codes_of(&reward), file.clone()).await.refused(403, "auth/forbidden");
    let added = ksb.uploads(&codes_of(&reward), file.clone()).await.ok();
    assert_eq!(added, json!({ "added": 7, "known": 0, "broken": [] }));
    let again = ksb.uploads(&codes_of(&reward), file).await.ok();
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(7)));
    assert_eq!(available().await, 7, "codes are the fewest");

    let answers = join_all(savers.iter().map(|holder| desk.redeems(&reward, &holder.card))).await;
    let (redeemed, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    let given: BTreeSet<String> =
        redeemed.iter().map(|answer| text(&answer.created()["redeemCode"]).to_owned()).collect();
    assert_eq!(given, codes.into_iter().collect());
    assert_eq!((redeemed.len(), refused.len()), (7, 43));
    for answer in refused {
        answer.refused_saying(400, "uitpas/reward-volume-constraint", "is op");
    }
    assert_eq!(available().await, 0);

    // With more codes than units the units are the fewest.
    let more: String = (0..20).map(|number| format!("HERFST-{number}\n")).collect();
    ksb.uploads(&codes_of(&reward), format!("code\n{more}")).await.ok();
    assert_eq!(available().await, 13);
}

/// R-RWD-08: a code that was handed out is not handed out again, and nobody else reads it.
#[tokio::test]
async fn a_code_comes_back_to_nobody() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holders = savers(&region, 2).await;
    let reward = ksb.makes_reward(json!({ "maxAvailableUnits": 2 })).await.ok();
    ksb.puts(&online(&reward), json!({ "withCodes": true })).await.done();
    ksb.uploads(&codes_of(&reward), "code\nEERSTE-GEHEIM\nTWEEDE-GEHEIM\n").await.ok();
    let redeem = |key: &'static str, card: &str| {
        let body =
            json!({ "rewardId": reward["id"], "uitpasNumber": card, "organizerId": THEATRE });
        let desk = desk.clone();
        async move { desk.posts_once(key, "/v4/rewards/redeemed", body).await }
    };
    let first = redeem("first", &holders[0].card).await.created();
    assert_eq!(first["redeemCode"], "EERSTE-GEHEIM");
    // Sent again it is the same redemption with the same code.
    assert_eq!(redeem("first", &holders[0].card).await.created(), first);
    ksb.gives_back(&first).await.done();
    let state = ksb.gets(&online(&reward)).await.ok();
    assert_eq!((&state["codesUnused"], &state["unitsAvailable"]), (&json!(1), &json!(1)));
    let second = redeem("second", &holders[1].card).await.created();
    assert_eq!(second["redeemCode"], "TWEEDE-GEHEIM");
    let over = redeem("third", &holders[0].card).await;
    over.refused_saying(400, "uitpas/reward-volume-constraint", "is op");
    ksb.uploads(&codes_of(&reward), "code\nEERSTE-GEHEIM\n").await.ok();
    redeem("fourth", &holders[0].card).await.refused(400, "uitpas/reward-volume-constraint");

    // Neither the log nor anybody who did not redeem it tells a code.
    assert!(!region.whole_log().await.contains("GEHEIM"));
    let strangers = region.desk(crate::region::ELSEWHERE);
    let listed = strangers.redeemed_by(&holders[1]).await;
    assert!(!listed.text().contains("GEHEIM"));
    let shown = ksb.gets(&format!("/v4/rewards/{}", text(&reward["id"]))).await;
    assert!(!shown.text().contains("GEHEIM"));
    assert!(!ksb.gets(&online(&reward)).await.text().contains("GEHEIM"));
    let broken = ksb.uploads(&codes_of(&reward), "code\nEEN-GEHEIM,TWEE\n").await;
    assert!(!broken.text().contains("GEHEIM"));
    assert_eq!(list(&broken.ok()["broken"])[0]["line"], 2);
    ksb.uploads(&codes_of(&reward), "codes\nX\n").await.refused(400, "body/invalid-syntax");
}

fn online(reward: &Value) -> String {
    format!("/admin/v1/rewards/{}/online", text(&reward["id"]))
}

fn codes_of(reward: &Value) -> String {
    format!("/admin/v1/rewards/{}/codes", text(&reward["id"]))
}

/// Passholders with a digital card who have saved one point.
async fn savers(region: &Region, count: usize) -> Vec<Holder> {
    let desk = region.desk(THEATRE);
    let activity = region.activity(THEATRE, 5.0).await;
    let saver = || async {
        let mut person = region.person(THEATRE, "");
        person["registrationCardType"] = "DIGITAL".into();
        person["registrationUitpasNumber"] = Value::Null;
        let holder = desk.registers(&person).await.holder();
        desk.checks_in(&holder.card, &activity).await.created();
        holder
    };
    join_all((0..count).map(|_| saver())).await
}

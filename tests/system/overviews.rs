//! What the back office looks up, as pages and as files.

use serde_json::{Value, json};
use sqlx::Executor;

use crate::region::{ELSEWHERE, Region, THEATRE, YOUTH, in_days, list, text, today};

/// R-KSB-01, R-KSB-02: each overview is filtered, and its row says what its correction takes.
#[tokio::test]
async fn each_overview_leads_to_its_correction() {
    let region = Region::new().await;
    let (ksb, desk) = (region.ksb(), region.desk(THEATRE));
    let holder = region.entitled().await;
    let (free, paid) = (region.activity(THEATRE, 0.0).await, region.activity(THEATRE, 10.0).await);
    desk.checks_in(&holder.card, &free).await.ok();
    desk.sells(&holder.card, &paid, 10.0).await.ok();
    let reward = ksb.makes_reward(json!({ "points": 2 })).await.ok();
    let welcome = ksb.welcomes_with("Badhanddoek").await;
    let newcomer = region.passholder().await;
    desk.redeems(&reward, &holder.card).await.ok();
    desk.redeems(&welcome, &newcomer.card).await.ok();

    let rows =
        async |path: &str| list(&ksb.gets(&format!("/admin/v1/{path}")).await.ok()["member"]);
    let given = rows(&format!("checkins?eventId={free}&organizerId={THEATRE}")).await;
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(rows(&format!("checkins?organizerId={YOUTH}")).await.len(), 0);
    assert_eq!(rows(&format!("checkins?until={}", in_days(-1))).await.len(), 0);
    ksb.corrects(&given[0], "vergissing").await.done();
    assert_eq!(rows(&format!("checkins?undone=true&passholderId={}", holder.id)).await.len(), 1);

    let granted = rows(&format!("granted-tariffs?eventId={paid}")).await;
    assert_eq!((granted.len(), &granted[0]["withCoupon"]), (1, &json!(false)));
    assert_eq!(rows("used-coupons").await.len(), 0, "a coupon is another tariff");
    ksb.cancels(&granted[0]).await.done();
    assert!(rows("granted-tariffs").await[0]["cancelledDate"].is_string());

    let of_kind = async |kind: &str| rows(&format!("redeemed-rewards?kind={kind}")).await;
    let (points, welcomed) = (of_kind("points").await, of_kind("welcome").await);
    assert_eq!((points.len(), welcomed.len()), (1, 1));
    assert_eq!(points[0]["rewardId"], reward["id"]);
    ksb.gives_back(&points[0]).await.done();
    assert_eq!(rows("redeemed-rewards?undone=true").await.len(), 1);
    let oldest = rows("redeemed-rewards?sort=oldest-first").await;
    assert_eq!(oldest[0]["id"], points[0]["id"]);

    let mut activities = rows(&format!("activities?organizerId={THEATRE}")).await;
    activities.retain(|row| row["id"] == json!(paid));
    assert_eq!(activities.len(), 1);
    ksb.gets(text(&activities[0]["checkinCode"])).await.ok();
    assert_eq!(rows(&format!("activities?eventId={free}")).await.len(), 1);
    assert_eq!(rows(&format!("activities?from={}", in_days(300))).await.len(), 0);

    let path = format!("passholders?uitpasNumber={}", holder.card);
    let people = rows(&path).await;
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["name"], "Vandermeer");
    assert_eq!(
        (&people[0]["city"], &people[0]["organizerId"]),
        (&json!("Meerdal"), &json!(THEATRE))
    );
    assert_eq!(rows(&format!("passholders?organizerId={YOUTH}")).await.len(), 0);
    desk.blocks(&holder, "replace", "loss").await.done();
    let card = region.card(true).await;
    desk.replaces(&holder, &card).await.created();
    let cards = ksb.gets(&format!("/admin/v1/passholders/{}/cards", holder.id)).await.ok();
    assert_eq!(cards[0]["uitpasNumber"], json!(holder.card));
    assert_eq!(cards[0]["blockReason"], "loss");
    assert_eq!((&cards[1]["uitpasNumber"], &cards[1]["blockReason"]), (&json!(card), &Value::Null));
}

/// R-KSB-03: whoever administers another card system sees nothing of it.
#[tokio::test]
async fn another_ksb_sees_nothing() {
    let region = Region::new().await;
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    region.desk(THEATRE).sells(&holder.card, &activity, 10.0).await.ok();
    let other = region.ksb_of(2);
    for overview in [
        "passholders",
        "activities",
        "checkins",
        "granted-tariffs",
        "used-coupons",
        "redeemed-rewards",
    ] {
        let page = other.gets(&format!("/admin/v1/{overview}")).await.ok();
        assert_eq!(page, json!({ "totalItems": 0, "member": [] }), "{overview}");
        let file = other.gets(&format!("/admin/v1/{overview}?format=csv")).await;
        assert_eq!(file.text().lines().count(), 1, "{overview}: headings alone");
        region
            .stranger()
            .gets(&format!("/admin/v1/{overview}?format=csv"))
            .await
            .refused(401, "auth/unauthorized");
    }
    let path = format!("/admin/v1/checkins?organizerId={THEATRE}");
    other.gets(&path).await.refused(403, "auth/forbidden");
    let path = format!("/admin/v1/passholders/{}/cards", holder.id);
    other.gets(&path).await.refused(403, "auth/forbidden");
    let path = format!("/admin/v1/counters/{THEATRE}/statistics?from={0}&until={0}", today());
    other.gets(&path).await.refused(403, "auth/forbidden");
    assert_eq!(other.at(ELSEWHERE).gets("/admin/v1/checkins").await.ok()["totalItems"], 0);
}

/// R-KSB-01: a file has every row, whatever a page may hold, and no text in it is a formula.
#[tokio::test]
async fn a_file_has_every_row_and_no_formula() {
    let region = Region::new().await;
    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    person["name"] = "=1+1".into();
    person["firstName"] = "Nele, \"de\" eerste".into();
    region.desk(THEATRE).registers(&person).await.ok();
    let ksb = region.ksb();
    let file = ksb.gets("/admin/v1/passholders?format=csv&limit=0").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let disposition = file.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"pashouders.csv\""));
    let lines = file.text();
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0].starts_with("id,uitpasNumber,name,firstName"), "{lines:?}");
    let expected = format!(",{card},'=1+1,\"Nele, \"\"de\"\" eerste\",9981,Meerdal,{THEATRE},");
    assert!(lines.len() == 2 && lines[1].contains(&expected), "{lines:?}");

    let rows = "insert into views.check_ins
        select gen_random_uuid(), gen_random_uuid(), 'film', '@SUM', '@sum', 'theater',
            '0900000095902', 1, 'counter', null, null, null, now(), null, 1
        from generate_series(1, 3000)";
    region.superuser().await.execute(rows).await.expect("many rows");
    let file = ksb.gets("/admin/v1/checkins?format=csv").await.text();
    assert_eq!(file.lines().count(), 3_001);
    assert_eq!(file.lines().skip(1).filter(|line| line.contains(",'@SUM,")).count(), 3_000);
}

/// R-CTR-06: what a counter did over a period, less what was put right since.
#[tokio::test]
async fn a_counter_is_told_what_it_adds_up_to() {
    let region = Region::new().await;
    let (ksb, desk) = (region.ksb(), region.desk(THEATRE));
    let reward = ksb.makes_reward(json!({ "points": 1 })).await.ok();
    let holder = region.entitled().await;
    let (free, paid) = (region.activity(THEATRE, 0.0).await, region.activity(THEATRE, 8.0).await);
    let statistics = async |from, until| {
        let path = format!("/admin/v1/counters/{THEATRE}/statistics?from={from}&until={until}");
        desk.gets(&path).await.ok()
    };
    let given = desk.checks_in(&holder.card, &free).await.ok();
    let sale = desk.sells(&holder.card, &paid, 8.0).await.ok()[0].clone();
    desk.redeems(&reward, &holder.card).await.ok();
    let expected = json!({
        "pointsSaved": 2, "pointsRewardsRedeemed": 1, "welcomeRewardsRedeemed": 0,
        "ticketsAtSocialTariff": 1, "ticketsWithCoupon": 0, "cardsSold": 1,
    });
    assert_eq!(statistics(today(), today()).await, expected);
    assert_eq!(statistics(in_days(-9), in_days(-1)).await["pointsSaved"], 0);
    ksb.corrects(&given, "vergissing").await.done();
    desk.cancels(&sale).await.done();
    let left = statistics(in_days(-1), today()).await;
    assert_eq!((&left["pointsSaved"], &left["ticketsAtSocialTariff"]), (&json!(0), &json!(0)));
    assert_eq!(left["cardsSold"], 1);
}

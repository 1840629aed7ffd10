//! Saving points, and taking them back.

use chrono::{DateTime, Days, Months, TimeDelta, Utc};
use chrono_tz::Europe::Brussels;
use futures::future::join_all;
use serde_json::json;

use crate::region::{
    ELSEWHERE, GYM, Region, THEATRE, YOUTH, between, list, permanent, text, today,
};

/// R-CHK-01, R-CHK-03, R-CHK-11: a point once, and the second try is told when.
#[tokio::test]
async fn a_point_is_given_once_and_the_second_try_is_told_when() {
    let region = Region::new().await;
    let desk = region.desk(YOUTH);
    let holder = region.passholder().await;
    let activity = region.activity(YOUTH, 5.0).await;
    assert_eq!(desk.may_check_in(&holder.card, &activity).await.ok(), json!({ "allowed": true }));
    let given = desk.checks_in(&holder.card, &activity).await.created();
    assert_eq!(given["points"], 1);
    assert_eq!(
        (&given["eventId"], &given["uitpasNumber"]),
        (&json!(activity), &json!(holder.card))
    );
    assert_eq!(given["eventTitle"], "Film in jeugdhuis");
    let at: DateTime<Utc> = text(&given["creationDate"]).parse().expect("an instant");
    let at = at.with_timezone(&Brussels).format("%d/%m/%Y om %H:%M").to_string();

    let before = region.position().await;
    let again = desk.checks_in(&holder.card, &activity).await;
    again.refused_saying(400, "uitpas/checkin-not-allowed", &format!("al gespaard op {at}"));
    assert_eq!(region.position().await, before);
    let status = desk.may_check_in(&holder.card, &activity).await.ok();
    assert_eq!(status["allowed"], false);
    assert!(text(&status["endUserMessage"]["nl"]).contains(&at));

    let listed = desk.check_ins_of(&holder).await.ok();
    assert_eq!(listed, json!({ "totalItems": 1, "member": [given] }));
    let overview =
        region.ksb().at(YOUTH).gets("/admin/v1/checkins?organizerId=jeugdhuis").await.ok();
    assert_eq!(overview["member"][0]["channel"], "counter");
    assert_eq!(overview["member"][0]["organizerId"], YOUTH);
    let view = desk.view_of(&holder.card).await.ok();
    assert_eq!(view["passholder"]["points"], 1);
    assert_eq!(view["activities"][0]["point"]["given"], true);
    assert_eq!(view["history"][0]["kind"], "check-in");
}

/// R-CHK-02: from three hours before the start to three months after the end.
#[tokio::test]
async fn points_are_saved_within_the_window() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let three_months_ago = Utc::now().with_timezone(&Brussels).naive_local();
    let three_months_ago = three_months_ago.checked_sub_months(Months::new(3)).expect("a day");
    let since = Utc::now().with_timezone(&Brussels).naive_local() - three_months_ago;
    // A day on either side: the end of a month and the clock may move the window by hours.
    let (just_in, just_out) = (since - TimeDelta::days(2), since + TimeDelta::days(4));
    for (when, refusal) in [
        (between(181, 300), Some("vanaf")),
        (between(179, 300), None),
        (between(-300, -1), None),
        (between(-just_in.num_minutes() - 60, -just_in.num_minutes()), None),
        (between(-just_out.num_minutes() - 60, -just_out.num_minutes()), Some("kon tot")),
        (permanent(), None),
    ] {
        let holder = region.passholder().await;
        let activity = region.told(THEATRE, when.clone(), &[("Basistarief", 0.0)]).await;
        let answer = desk.checks_in(&holder.card, &activity).await;
        match refusal {
            None => drop(answer.created()),
            Some(words) => {
                answer.refused_saying(400, "uitpas/checkin-not-allowed", words);
                let status = desk.may_check_in(&holder.card, &activity).await.ok();
                assert_eq!(status["allowed"], false, "{when}");
            }
        }
    }
}

/// R-CHK-04: only an activity with a price, that goes on, of an organizer where one has a role.
#[tokio::test]
async fn not_every_activity_gives_points() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.passholder().await;
    let prices = [("Basistarief", 5.0)];
    let cancelled = region.activity(THEATRE, 5.0).await;
    let no_more = json!({ "status": { "type": "Unavailable" } });
    region.retold(&cancelled, THEATRE, between(-60, 60), &prices, no_more).await;
    let rejected = region.activity(THEATRE, 5.0).await;
    let no_more = json!({ "workflowStatus": "REJECTED" });
    region.retold(&rejected, THEATRE, between(-60, 60), &prices, no_more).await;
    let unpriced = region.activity(THEATRE, 5.0).await;
    region.retold(&unpriced, THEATRE, between(-60, 60), &[], json!({})).await;
    let nobodys = region.activity(THEATRE, 5.0).await;
    region.ksb().chooses(&nobodys, json!([])).await.done();
    let worthless = region.activity(THEATRE, 5.0).await;
    region.ksb().settles(&worthless, json!({ "checkinPoints": 0 })).await.done();
    for (activity, words) in [
        (&cancelled, "gaat niet door"),
        (&rejected, "gaat niet door"),
        (&unpriced, "geen prijs"),
        (&nobodys, "Geen enkele UiTPAS-regio"),
        (&worthless, "geeft geen punten"),
    ] {
        let answer = desk.checks_in(&holder.card, activity).await;
        answer.refused_saying(400, "uitpas/checkin-not-allowed", words);
        assert_eq!(desk.may_check_in(&holder.card, activity).await.ok()["allowed"], false);
    }
    // Where it went to an organizer without UiTPAS.
    let gone = region.activity(THEATRE, 5.0).await;
    region.retold(&gone, "buiten-uitpas", between(-60, 60), &prices, json!({})).await;
    desk.checks_in(&holder.card, &gone).await.refused(400, "uitpas/organizer-not-found");
    desk.checks_in(&holder.card, "nergens").await.refused(400, "uitpas/event-not-found");
    desk.may_check_in(&holder.card, "nergens").await.refused(404, "uitpas/event-not-found");
    let unknown = region.number(false);
    let on = region.activity(THEATRE, 5.0).await;
    desk.checks_in(&unknown, &on).await.refused(400, "uitpas/passholder-not-found");
    desk.may_check_in(&unknown, &on).await.refused(404, "uitpas/passholder-not-found");
    let before = region.position().await;
    let foreign = region.activity(ELSEWHERE, 5.0).await;
    desk.checks_in(&holder.card, &foreign).await.refused(403, "auth/forbidden");
    desk.may_check_in(&holder.card, &foreign).await.refused(403, "auth/forbidden");
    assert_eq!(region.position().await, before + 1, "only the activity itself");
}

/// R-CHK-05: a passholder of any region, at any organizer.
#[tokio::test]
async fn a_passholder_of_any_region_saves_points_anywhere() {
    let region = Region::new().await;
    let holder = region.entitled_elsewhere().await;
    let activity = region.activity(YOUTH, 5.0).await;
    region.desk(YOUTH).checks_in(&holder.card, &activity).await.created();
    assert_eq!(region.desk(YOUTH).identifies(&holder.card).await.ok()["points"], 1);
}

/// R-CHK-01, R-CHK-03: the KSB sets points and limits.
#[tokio::test]
async fn the_ksb_sets_what_an_activity_is_worth_and_how_often() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let activity = region.activity(THEATRE, 5.0).await;
    let limit = json!({ "volume": 2, "periodType": "YEAR" });
    let settings = json!({ "checkinPoints": 3, "checkinLimit": limit });
    desk.settles(&activity, settings.clone()).await.refused(403, "auth/forbidden");
    region.ksb_of(2).settles(&activity, settings.clone()).await.refused(403, "auth/forbidden");
    ksb.settles(&activity, settings).await.done();
    ksb.settles(&activity, json!({ "checkinPoints": 101 })).await.wrong("/checkinPoints");
    ksb.settles("nergens", json!({ "checkinPoints": 1 }))
        .await
        .refused(400, "uitpas/event-not-found");
    let holder = region.passholder().await;
    for _ in 0..2 {
        assert_eq!(desk.checks_in(&holder.card, &activity).await.created()["points"], 3);
    }
    desk.checks_in(&holder.card, &activity).await.refused(400, "uitpas/checkin-not-allowed");
    assert_eq!(desk.balance_of(&holder).await, 6);
}

/// R-CHK-08: corrected by its counter or the KSB, once, and the turn comes back.
#[tokio::test]
async fn a_check_in_is_taken_back_once() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.passholder().await;
    let activity = region.activity(THEATRE, 5.0).await;
    let first = desk.checks_in(&holder.card, &activity).await.created();
    region.desk(GYM).takes_back(&first).await.refused(403, "auth/forbidden");
    region.ksb_of(2).takes_back(&first).await.refused(403, "auth/forbidden");
    desk.takes_back(&first).await.done();
    desk.takes_back(&first).await.refused_saying(
        404,
        "own/checkin-already-corrected",
        "teruggenomen",
    );
    ksb.corrects(&first, "nog eens").await.refused(404, "own/checkin-already-corrected");
    assert_eq!(desk.balance_of(&holder).await, 0);

    let second = desk.checks_in(&holder.card, &activity).await.created();
    let reward = ksb.makes_reward(json!({})).await.ok();
    desk.redeems(&reward, &holder.card).await.created();
    ksb.corrects(&second, "Nele was er niet bij.").await.done();
    assert_eq!(desk.balance_of(&holder).await, -1, "the points were spent already");
    let answer = desk.redeems(&reward, &holder.card).await;
    answer.refused_saying(400, "uitpas/reward-passholder-points-constraint", "saldo is -1");

    let unknown = json!({ "id": uuid::Uuid::nil().to_string() });
    desk.takes_back(&unknown).await.refused(404, "own/checkin-not-found");
    let path = "/admin/v1/checkins?organizerId=theater&undone=true";
    assert_eq!(ksb.gets(path).await.ok()["totalItems"], 2);
    let path = "/admin/v1/checkins?organizerId=theater&undone=false";
    assert_eq!(ksb.gets(path).await.ok()["totalItems"], 0);
}

/// R-CHK-03: sixteen at once are one.
#[tokio::test]
async fn sixteen_check_ins_at_once_give_one_point() {
    let region = Region::new().await;
    let holder = region.passholder().await;
    let activity = region.activity(YOUTH, 5.0).await;
    let desk = region.desk(YOUTH);
    let answers = join_all((0..16).map(|_| desk.checks_in(&holder.card, &activity))).await;
    let (given, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(given.len(), 1);
    for answer in refused {
        answer.refused_saying(400, "uitpas/checkin-not-allowed", "al gespaard");
    }
    assert_eq!(region.desk(THEATRE).balance_of(&holder).await, 1);
    assert_eq!(desk.check_ins_of(&holder).await.ok()["totalItems"], 1);
}

/// The list of a passholder's check-ins: newest first, by counter and title.
#[tokio::test]
async fn check_ins_are_listed_newest_first() {
    let region = Region::new().await;
    let holder = region.passholder().await;
    let mut given = vec![];
    for counter in [THEATRE, GYM, THEATRE] {
        let activity = region.activity(counter, 5.0).await;
        let answer = region.desk(counter).checks_in(&holder.card, &activity).await;
        let mut answer = answer.created();
        // Who may search is told whom it was; in lists nobody is.
        let passholder = answer.as_object_mut().expect("an object").remove("passholder");
        assert_eq!(passholder.expect("the passholder")["id"], holder.id.as_str());
        given.push(answer);
    }
    given.reverse();
    let ksb = region.ksb();
    let path = format!("/v4/checkins?passholderId={}", holder.id);
    let both = format!("{path}&organizerId={THEATRE}&organizerId={GYM}");
    assert_eq!(list(&ksb.gets(&both).await.ok()["member"]), given);
    let page = ksb.gets(&format!("{both}&start=1&limit=1")).await.ok();
    assert_eq!(page, json!({ "totalItems": 3, "member": [given[1]] }));
    let of_gym = ksb.gets(&format!("{both}&eventTitle=SPORT")).await.ok();
    assert_eq!(list(&of_gym["member"]), [given[1].clone()]);
    let own = format!("{path}&organizerId={GYM}");
    assert_eq!(region.desk(GYM).gets(&own).await.ok()["totalItems"], 1, "his own counter");
    region.desk(GYM).gets(&path).await.wrong_query_404("organizerId");
    region.desk(GYM).gets(&both).await.refused(403, "auth/forbidden");
    region.desk(GYM).gets("/v4/checkins").await.wrong_query_404("passholderId");
    let (today, yesterday) = (today(), today() - Days::new(1));
    for (from, until, total) in [(today, today, 3), (yesterday, yesterday, 0)] {
        let path = format!("/admin/v1/checkins?from={from}&until={until}");
        assert_eq!(ksb.gets(&path).await.ok()["totalItems"], total);
    }
}

//! What changes from one day to the next, on both sides of midnight in Brussels.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Europe::Brussels;
use serde_json::json;

use crate::region::{Holder, Region, THEATRE, between, list, permanent, text};

fn brussels(shown: &str) -> DateTime<Utc> {
    let shown: NaiveDateTime = shown.parse().expect("a moment");
    Brussels.from_local_datetime(&shown).single().expect("a moment").to_utc()
}

impl Region {
    /// An activity that is always on, and gives so many points.
    async fn museum(&self, points: u32) -> String {
        let museum = self.told(THEATRE, permanent(), &[("Basistarief", 10.0)]).await;
        let often = json!({ "volume": 50, "periodType": "DAY" });
        let settings = json!({
            "checkinPoints": points, "checkinLimit": often, "passholderTicketLimit": often,
        });
        self.ksb().settles(&museum, settings).await.done();
        museum
    }

    /// A passholder of Meerdal with so many points.
    async fn rich(&self, points: u32) -> Holder {
        let holder = self.passholder().await;
        let museum = self.museum(points).await;
        self.desk(THEATRE).checks_in(&holder.card, &museum).await.created();
        holder
    }
}

/// R-SOC-02, R-SOC-04: entitled to the last day of grace; then it says why, and points go on until
/// the card system closes them.
#[tokio::test]
async fn an_expired_status_buys_no_social_tariff_and_saves_points_where_it_may() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    region.app.clock.turn_to(brussels("2027-01-10T10:00:00"));
    let holder = region.entitled().await;
    let museum = region.museum(1).await;
    let reward = ksb.makes_reward(json!({})).await.ok();
    // Until 30 April 2028, with thirty days of grace.
    for (now, entitled) in [
        ("2028-04-30T23:59:00", true),
        ("2028-05-01T00:00:00", true),
        ("2028-05-30T23:59:00", true),
        ("2028-05-31T00:00:00", false),
    ] {
        region.app.clock.turn_to(brussels(now));
        let sold = desk.sells(&holder.card, &museum, 10.0).await;
        match entitled {
            true => drop(sold.ok()),
            false => {
                sold.refused_saying(400, "uitpas/social-tariff-expired", "verlopen sinds 30/04");
            }
        }
    }
    desk.checks_in(&holder.card, &museum).await.created();
    desk.redeems(&reward, &holder.card).await.created();
    let closing = json!({
        "graceDays": 30, "expiredClosesPoints": true, "minutesBeforeWithoutStaff": 60,
        "minutesAfterWithoutStaff": 60,
    });
    ksb.puts("/admin/v1/card-systems/1/settings", closing).await.done();
    let expired = "uitpas/social-tariff-expired";
    desk.checks_in(&holder.card, &museum).await.refused_saying(400, expired, "verlopen");
    desk.redeems(&reward, &holder.card).await.refused_saying(400, expired, "verlopen");
    let regular = region.passholder().await;
    desk.checks_in(&regular.card, &museum).await.created();
}

/// R-RWD-03: redeemed from the first day to the last, both inclusive.
#[tokio::test]
async fn a_reward_is_redeemed_within_its_period() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    region.app.clock.turn_to(brussels("2027-03-01T10:00:00"));
    let holder = region.rich(9).await;
    let period = json!({
        "begin": "2027-03-10T00:00:00+01:00", "end": "2027-03-12T23:59:59+01:00",
    });
    let reward = region.ksb().makes_reward(json!({ "redeemPeriod": period })).await.ok();
    for (now, inside) in [
        ("2027-03-09T23:59:00", false),
        ("2027-03-10T00:00:00", true),
        ("2027-03-12T23:59:00", true),
        ("2027-03-13T00:00:00", false),
    ] {
        region.app.clock.turn_to(brussels(now));
        let redeemed = desk.redeems(&reward, &holder.card).await;
        match inside {
            true => drop(redeemed.created()),
            false => drop(redeemed.refused(400, "uitpas/reward-period-constraint")),
        }
    }
}

/// R-RWD-04, R-RWD-09: once per day, week, month, quarter or year of the calendar; and never on the
/// note of a municipality.
#[tokio::test]
async fn a_reward_is_had_once_per_period_of_the_calendar() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    region.app.clock.turn_to(brussels("2027-01-02T10:00:00"));
    let holder = region.rich(99).await;
    for (period, last, next) in [
        ("DAY", "2027-01-04T23:59:00", "2027-01-05T00:00:00"),
        // Sunday, and Monday.
        ("WEEK", "2027-01-10T23:59:00", "2027-01-11T00:00:00"),
        ("MONTH", "2027-01-31T23:59:00", "2027-02-01T00:00:00"),
        ("QUARTER", "2027-03-31T23:59:00", "2027-04-01T00:00:00"),
        ("YEAR", "2027-12-31T23:59:00", "2028-01-01T00:00:00"),
    ] {
        let once = json!({ "redeemConstraint": { "volume": 1, "period": period } });
        let reward = ksb.makes_reward(once).await.ok();
        region.app.clock.turn_to(brussels(last));
        desk.redeems(&reward, &holder.card).await.created();
        let again = desk.redeems(&reward, &holder.card).await;
        again.refused(400, "uitpas/reward-passholder-volume-constraint");
        region.app.clock.turn_to(brussels(next));
        desk.redeems(&reward, &holder.card).await.created();
    }
    let totals = format!("/admin/v1/counters/{THEATRE}/totals?from=2027-01-01&until=2028-01-01");
    assert_eq!(desk.gets(&totals).await.ok(), json!([]));
}

/// R-RWD-05, R-RWD-10: only at given counters and for inhabitants; the price is fixed once used.
#[tokio::test]
async fn a_reward_that_was_used_keeps_its_price() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.rich(9).await;
    let laid_down = |points: u32, title: &str| {
        json!({
            "title": title, "type": "POINTS", "points": points, "promotionalDescription": "Een kop.",
            "publicationPeriod": { "begin": "2026-01-01T00:00:00+01:00" },
            "owningCardSystem": { "id": 1 }, "organizers": [{ "id": THEATRE }],
            "onlyInhabitantsOf": ["9981"],
        })
    };
    let reward = ksb.posts("/v4/rewards", laid_down(1, "Koffie")).await.ok();
    let path = format!("/v4/rewards/{}", text(&reward["id"]));
    ksb.puts(&path, laid_down(2, "Koffie")).await.ok();
    let at_gym = ksb.at(crate::region::GYM).redeems(&reward, &holder.card).await;
    at_gym.refused_saying(400, "own/reward-counter", "niet aan deze balie");
    desk.redeems(&reward, &holder.card).await.created();
    ksb.puts(&path, laid_down(3, "Koffie")).await.refused(400, "uitpas/reward-not-editable");
    let renamed = ksb.puts(&path, laid_down(2, "Thee")).await.ok();
    assert_eq!((&renamed["title"], &renamed["points"]), (&json!("Thee"), &json!(2)));
}

/// R-CTR-08: the activities of today, unless another day is asked for; those for members too.
#[tokio::test]
async fn a_counter_sees_the_activities_of_a_day() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let at = |day: &str| {
        let of = |time: &str| brussels(&format!("{day}T{time}")).to_rfc3339();
        json!({ "calendarType": "single", "startDate": of("20:00:00"), "endDate": of("22:00:00") })
    };
    let prices = [("Basistarief", 5.0)];
    let first = region.told(THEATRE, at("2027-02-01"), &prices).await;
    let second = region.told(THEATRE, at("2027-02-02"), &prices).await;
    let members = json!({ "audience": { "audienceType": "members" } });
    region.retold(&second, THEATRE, at("2027-02-02"), &prices, members).await;
    let listed = |query: &str| {
        let path = format!("/admin/v1/counters/{THEATRE}/activities{query}");
        let desk = desk.clone();
        async move {
            let listed = list(&desk.gets(&path).await.ok());
            listed.iter().map(|row| text(&row["id"]).to_owned()).collect::<Vec<_>>()
        }
    };
    region.app.clock.turn_to(brussels("2027-02-01T23:59:00"));
    assert_eq!(listed("").await, [first.as_str()]);
    assert_eq!(listed("?day=2027-02-02").await, [second.as_str()]);
    region.app.clock.turn_to(brussels("2027-02-02T00:00:00"));
    assert_eq!(listed("").await, [second]);
    assert_eq!(listed("?day=2027-02-01").await, [first]);
}

/// R-TAR-11, R-CHK-04: the social tariff is sold for what is a UiTPAS activity itself, and for
/// nothing else.
#[tokio::test]
async fn what_is_no_uitpas_activity_has_no_social_tariff() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let before = region.position().await;
    desk.sells(&holder.card, "naschoolse-opvang", 5.0).await.refused(400, "uitpas/event-not-found");
    let other = region.told("opvang-zonder-uitpas", between(-60, 60), &[("Dag", 5.0)]).await;
    let sold = desk.sells(&holder.card, &other, 5.0).await;
    assert_eq!(sold.status, 400, "{}", sold.text());
    assert_eq!(region.position().await, before, "nothing is registered");
    let own = region.activity(THEATRE, 5.0).await;
    desk.sells(&holder.card, &own, 5.0).await.ok();
}

//! What changes from one day to the next, on both sides of midnight in Brussels.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
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

/// R-SOC-02: what a social status comes down to is told as of the day: expired goes before suspended,
/// suspended before grace.
#[tokio::test]
async fn the_state_of_a_social_status_follows_from_the_day() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    region.app.clock.turn_to(brussels("2027-01-10T10:00:00"));
    let regular = region.passholder().await;
    assert_eq!(desk.identifies(&regular.card).await.ok()["socialTariff"]["status"], "NONE");
    let holder = region.entitled().await;
    let told = async || {
        let known = desk.reads(&holder).await.ok();
        known["cardSystemMemberships"][0]["socialTariff"].clone()
    };
    assert_eq!(told().await["endDate"], "2028-04-30T23:59:59+02:00", "by default");
    let suspends = async |until: &str| {
        let act = json!({ "action": "suspend", "until": until, "reason": "onderzoek" });
        ksb.decides_on(&holder, act).await.done();
    };
    for (now, suspended_until, status, in_grace) in [
        ("2028-04-30T23:59:00", None, "ACTIVE", false),
        ("2028-05-01T00:00:00", None, "ACTIVE", true),
        ("2028-05-01T09:00:00", Some("2028-05-10"), "SUSPENDED", false),
        ("2028-05-09T23:59:00", None, "SUSPENDED", false),
        ("2028-05-10T00:00:00", None, "ACTIVE", true),
        ("2028-05-30T23:59:00", Some("2028-07-01"), "SUSPENDED", false),
        ("2028-05-31T00:00:00", None, "EXPIRED", false),
    ] {
        region.app.clock.turn_to(brussels(now));
        if let Some(until) = suspended_until {
            suspends(until).await;
        }
        let told = told().await;
        assert_eq!(
            (&told["status"], &told["inGracePeriod"]),
            (&json!(status), &json!(in_grace)),
            "{now}"
        );
    }
}

/// R-SOC-05: while it is active, suspended or in grace its holder lives in the region; after that he
/// lives where he likes, and it is not extended where he does not live.
#[tokio::test]
async fn whoever_has_social_status_moves_out_of_the_region_once_it_is_over() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    region.app.clock.turn_to(brussels("2027-01-10T10:00:00"));
    let holder = region.entitled().await;
    let mut moved = desk.reads(&holder).await.ok();
    moved["address"] = json!({ "postalCode": "9050", "city": "Overstroom" });
    let suspend = json!({ "action": "suspend", "until": "2028-05-05", "reason": "onderzoek" });
    ksb.decides_on(&holder, suspend).await.done();
    for (now, may) in [
        ("2027-01-10T11:00:00", false),
        ("2028-05-04T23:59:00", false),
        ("2028-05-05T00:00:00", false),
        ("2028-05-30T23:59:00", false),
        ("2028-05-31T00:00:00", true),
    ] {
        region.app.clock.turn_to(brussels(now));
        let answer = desk.changes(&holder, &moved).await;
        match may {
            true => answer.done(),
            false => drop(answer.refused_saying(400, "own/upgrade-needed", "buiten de regio")),
        }
    }
    moved["registrationSocialTariffEndDate"] = "2029-04-30".into();
    let extended = desk.changes(&holder, &moved).await;
    extended.refused_saying(400, "uitpas/invalid-city", "inwoners");
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

/// R-CHK-02: three hours have elapsed, and three months are told by the clock, also when the clocks
/// change in between and when the last month is short.
#[tokio::test]
async fn the_window_follows_the_clock_over_clock_changes_and_the_end_of_february() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.passholder().await;
    let once = |from: &str, until: &str| {
        json!({
            "calendarType": "single", "startDate": brussels(from).to_rfc3339(),
            "endDate": brussels(until).to_rfc3339(),
        })
    };
    for (from, until, opens, closes) in [
        // The clocks go forward at two: three hours before four it is midnight.
        (
            "2027-03-28T04:00:00",
            "2027-03-28T06:00:00",
            "2027-03-27T23:00:00Z",
            "2027-06-28T04:00:00Z",
        ),
        // They go back at three: three hours before four it is two, for the second time.
        (
            "2027-10-31T04:00:00",
            "2027-10-31T06:00:00",
            "2027-10-31T00:00:00Z",
            "2028-01-31T05:00:00Z",
        ),
        // Thirty days has November, and February 29 in 2028, but 28 in 2027.
        (
            "2027-11-30T20:00:00",
            "2027-11-30T22:00:00",
            "2027-11-30T16:00:00Z",
            "2028-02-29T21:00:00Z",
        ),
        (
            "2026-11-30T20:00:00",
            "2026-11-30T22:00:00",
            "2026-11-30T16:00:00Z",
            "2027-02-28T21:00:00Z",
        ),
    ] {
        let (opens, closes): (DateTime<Utc>, DateTime<Utc>) =
            (opens.parse().expect("an instant"), closes.parse().expect("an instant"));
        let second = TimeDelta::seconds(1);
        let activity = region.told(THEATRE, once(from, until), &[("Basistarief", 5.0)]).await;
        // The clock goes on while something is asked.
        for (now, open) in [
            (opens - second, false),
            (opens, true),
            (closes - second, true),
            (closes + second, false),
        ] {
            region.app.clock.turn_to(now);
            let asked = desk.may_check_in(&holder.card, &activity).await.ok();
            assert_eq!(asked["allowed"], open, "{from} at {now}: {asked}");
        }
    }
}

/// R-TAR-05, R-NOTE-03: a week begins on Monday and a quarter on its first day, in Brussels; a sale of
/// the last minute is of the old one.
#[tokio::test]
async fn a_sale_of_the_last_minute_is_of_the_week_and_the_quarter_that_end() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    region.app.clock.turn_to(brussels("2027-01-10T10:00:00"));
    let holder = region.entitled().await;
    let museum = region.told(THEATRE, permanent(), &[("Basistarief", 10.0)]).await;
    let weekly = json!({ "volume": 1, "periodType": "WEEK" });
    let weekly = json!({ "checkinPoints": 1, "passholderTicketLimit": weekly });
    region.ksb().settles(&museum, weekly).await.done();
    for (now, left) in [
        // A Saturday, and the Sunday on which the clocks go forward.
        ("2027-03-27T12:00:00", true),
        ("2027-03-28T23:59:59", false),
        ("2027-03-29T00:00:00", true),
        ("2027-04-04T23:59:59", false),
        ("2027-04-05T00:00:00", true),
        // Over the new year: the week goes on, and ends on Sunday the second.
        ("2027-12-31T23:59:59", true),
        ("2028-01-02T23:59:59", false),
        ("2028-01-03T00:00:00", true),
    ] {
        region.app.clock.turn_to(brussels(now));
        let sold = desk.sells(&holder.card, &museum, 10.0).await;
        match left {
            true => drop(sold.ok()),
            false => drop(sold.refused(400, "uitpas/maximum-reached")),
        }
    }
    let daily = region.museum(1).await;
    for now in ["2027-06-30T23:59:59", "2027-07-01T00:00:00", "2027-09-30T23:59:59"] {
        region.app.clock.turn_to(brussels(now));
        desk.sells(&holder.card, &daily, 10.0).await.ok();
    }
    for (from, until, tickets) in [
        ("2027-01-01", "2027-03-31", 2),
        ("2027-04-01", "2027-06-30", 2),
        ("2027-07-01", "2027-09-30", 2),
        ("2027-10-01", "2027-12-31", 1),
    ] {
        let totals = format!("/admin/v1/counters/{THEATRE}/totals?from={from}&until={until}");
        let totals = list(&desk.gets(&totals).await.ok());
        let sold: i64 = totals.iter().map(|day| day["tickets"].as_i64().expect("a count")).sum();
        assert_eq!(sold, tickets, "{from} until {until}");
    }
}

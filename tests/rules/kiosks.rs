//! R-KSK: kiosks.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use uitpas_domain::activity::{Calendar, OpeningHours};
use uitpas_domain::ids::{ActivityId, CounterId};
use uitpas_domain::kiosk::{
    Command, Event, Hand, Profile, Refused, ScanRefused, automatic, is_on, scan_time,
};
use uitpas_domain::offering::{NotOffered, Offering};

use crate::given::*;

/// R-KSK-01
#[test]
fn a_ksb_admin_links_a_kiosk_to_one_or_more_counters_of_its_card_system() {
    let nobody = Profile { counters: BTreeSet::new(), ..in_the_hall() };
    given::<Event>([]).when(provision(nobody)).refused(Refused::NoCounter);
    given::<Event>([]).when(provision(in_the_hall())).then([provisioned()]);
    given([provisioned()]).when(provision(in_the_hall())).then([]);
    let for_both = Profile {
        counters: BTreeSet::from([library(), of::<CounterId>("sporthal")]),
        ..in_the_hall()
    };
    let changed = Event::Provisioned { profile: for_both.clone(), at: now() };
    given([provisioned()]).when(provision(for_both)).then([changed]);
    let moved = Profile { card_system: uitpas_domain::ids::CardSystemId(9), ..in_the_hall() };
    given([provisioned()]).when(provision(moved)).refused(Refused::OtherCardSystem);
}

/// R-KSK-01
#[test]
fn only_activities_of_its_counters_are_chosen() {
    let of_another = described(tonight(), |film| film.organizer = of("sporthal"));
    for by in [Hand::Ksb, Hand::Counter] {
        given([provisioned()]).when(sets(by, &of_another)).refused(Refused::OtherCounter);
        given([provisioned()]).when(sets(by, &tonight())).then([set(by, Some("film"))]);
        given([provisioned()]).when(sets(by, &tonight())).again().then([]);
        given::<Event>([]).when(sets(by, &tonight())).refused(Refused::Unknown);
    }
    let cancelled = described(tonight(), |film| film.available = false);
    given([provisioned()])
        .when(sets(Hand::Counter, &cancelled))
        .refused(Refused::NotOffered(NotOffered::Cancelled));
}

/// R-SEC-02
#[test]
fn one_device_is_one_kiosk() {
    let (claim, release) = (Command::Claim { at: now() }, Command::ReleaseDevice { at: now() });
    given::<Event>([]).when(claim.clone()).refused(Refused::Unknown);
    given([provisioned()]).when(claim.clone()).then([Event::Claimed { at: now() }]);
    given([provisioned()]).when(claim.clone()).again().refused(Refused::AlreadyClaimed);
    given([provisioned()]).when(release.clone()).refused(Refused::NotClaimed);
    let claimed = given([provisioned(), Event::Claimed { at: now() }]);
    claimed.when(release).happens().when(claim).then([Event::Claimed { at: now() }]);
}

/// R-KSK-02
#[test]
fn what_the_ksb_fixed_goes_before_what_a_counter_chose() {
    let (fixed, chosen) = (set(Hand::Ksb, Some("film")), set(Hand::Counter, Some("museum")));
    let by_hand = |events: Vec<Event>| {
        let story = given([vec![provisioned()], events].concat());
        story.state.set_by_hand(now()).map(ToString::to_string)
    };
    assert_eq!(by_hand(vec![]), None);
    assert_eq!(by_hand(vec![chosen.clone()]).as_deref(), Some("museum"));
    assert_eq!(by_hand(vec![fixed.clone(), chosen.clone()]).as_deref(), Some("film"));
    let unfixed = set(Hand::Ksb, None);
    assert_eq!(by_hand(vec![fixed, chosen, unfixed]).as_deref(), Some("museum"));
}

/// R-KSK-02
#[test]
fn what_was_not_set_is_not_taken_away() {
    let unset = |by| Command::Unset { by, at: now() };
    let fixed = given([provisioned(), set(Hand::Ksb, Some("film"))]);
    fixed.when(unset(Hand::Counter)).refused(Refused::NothingSet);
    fixed.when(unset(Hand::Ksb)).then([set(Hand::Ksb, None)]);
    fixed.when(unset(Hand::Ksb)).again().refused(Refused::NothingSet);
}

/// R-KSK-02: both ends inclusive; without an end until 23:59:00.
#[test]
fn an_activity_is_a_candidate_from_an_hour_before_its_start_to_an_hour_after_its_end() {
    for (end, first, last) in [
        (Some("2026-06-15 22:00:00"), "2026-06-15 19:00:00", "2026-06-15 23:00:00"),
        (Some("2026-06-15 23:30:00"), "2026-06-15 19:00:00", "2026-06-16 00:30:00"),
        (None, "2026-06-15 19:00:00", "2026-06-15 23:59:00"),
    ] {
        let film = single("2026-06-15 20:00:00", end);
        is_on_exactly(&film, brussels(first), brussels(last));
    }
}

/// R-KSK-02: at a change of the clocks an hour is an hour.
#[test]
fn the_hour_before_is_one_of_elapsed_time() {
    let early = single("2026-03-29 03:30:00", Some("2026-03-29 05:00:00"));
    is_on_exactly(&early, brussels("2026-03-29 01:30:00"), brussels("2026-03-29 06:00:00"));
}

/// R-KSK-03
#[test]
fn the_latest_start_among_those_that_started_or_start_within_half_an_hour() {
    let morning = called("a", single("2026-06-15 10:00:00", Some("2026-06-15 12:00:00")));
    let noon = called("b", single("2026-06-15 12:00:00", Some("2026-06-15 14:00:00")));
    let evening = called("c", single("2026-06-15 12:45:00", Some("2026-06-15 15:00:00")));
    let day = [&morning, &noon, &evening];
    for (at, expected) in [
        ("2026-06-15 08:59:59", None),
        ("2026-06-15 09:00:00", Some("a")),
        ("2026-06-15 11:29:59", Some("a")),
        ("2026-06-15 11:30:00", Some("b")),
        ("2026-06-15 12:14:59", Some("b")),
        ("2026-06-15 12:15:00", Some("c")),
        ("2026-06-15 16:00:00", Some("c")),
        ("2026-06-15 16:00:01", None),
    ] {
        assert_eq!(chosen(&day, at).as_deref(), expected, "{at}");
    }
}

/// R-KSK-03
#[test]
fn before_any_has_started_the_one_that_starts_first_and_of_equals_the_lowest_id() {
    let first = called("z", single("2026-06-15 10:00:00", Some("2026-06-15 11:00:00")));
    let second = called("a", single("2026-06-15 10:15:00", Some("2026-06-15 11:00:00")));
    assert_eq!(chosen(&[&second, &first], "2026-06-15 09:20:00").as_deref(), Some("z"));
    let twins = [called("n", first.clone()), called("m", first)];
    for at in ["2026-06-15 09:20:00", "2026-06-15 10:20:00"] {
        assert_eq!(chosen(&[&twins[0], &twins[1]], at).as_deref(), Some("m"));
    }
}

/// R-KSK-04: opening hours, permanent, or a span of over 24 hours.
#[test]
fn what_runs_long_gives_way_and_comes_back() {
    let film = called("film", single("2026-06-15 10:00:00", Some("2026-06-15 12:00:00")));
    let opening = OpeningHours {
        days: vec![Weekday::Mon],
        opens: "09:00:00".parse().unwrap(),
        closes: "18:00:00".parse().unwrap(),
    };
    let permanent = offered(Calendar::Permanent { hours: vec![opening.clone()] });
    let (from, until) = (day("2026-06-01"), day("2026-06-30"));
    let periodic = offered(Calendar::Periodic { from, until, hours: vec![opening] });
    let festival = single("2026-06-14 10:00:00", Some("2026-06-15 18:00:00"));
    for long in [permanent, periodic, festival] {
        let long = called("long", long);
        for (at, expected) in [
            ("2026-06-15 08:59:59", "long"),
            ("2026-06-15 09:00:00", "film"),
            ("2026-06-15 13:00:00", "film"),
            ("2026-06-15 13:00:01", "long"),
        ] {
            let is_open = is_on(&calendar(&long), brussels(at));
            let expected = (expected == "film" || is_open).then_some(expected);
            assert_eq!(chosen(&[&long, &film], at).as_deref(), expected, "{at}");
        }
    }
    // A span of 24 hours is not over 24 hours.
    let day_long = called("day", single("2026-06-14 12:00:00", Some("2026-06-15 12:00:00")));
    assert_eq!(chosen(&[&day_long, &film], "2026-06-15 09:15:00").as_deref(), Some("day"));
    let longer = called("day", single("2026-06-14 12:00:00", Some("2026-06-15 12:00:01")));
    assert_eq!(chosen(&[&longer, &film], "2026-06-15 09:15:00").as_deref(), Some("film"));
}

/// R-KSK-05: it is Monday 15 June, 09:00.
#[test]
fn by_hand_what_is_on_or_starts_before_the_end_of_the_third_day_from_today() {
    for (start, end, expected) in [
        ("2026-06-18 23:59:00", None, None),
        ("2026-06-19 00:00:00", None, Some(Refused::TooFarAhead)),
        ("2026-06-15 07:00:00", Some("2026-06-15 09:00:00"), None),
        ("2026-06-15 07:00:00", Some("2026-06-15 08:59:59"), Some(Refused::Over)),
    ] {
        for by in [Hand::Ksb, Hand::Counter] {
            let refusal = given([provisioned()]).when(sets(by, &single(start, end))).refusal();
            assert_eq!(refusal, expected, "{start}");
        }
    }
}

/// R-KSK-06: outside its hours nothing, and no fall-back.
#[test]
fn what_was_set_stays_set_when_it_is_over() {
    let story = given([provisioned(), set(Hand::Ksb, Some("film"))]);
    let next_week = now() + TimeDelta::days(7);
    assert_eq!(story.state.set_by_hand(next_week).map(ActivityId::as_str), Some("film"));
    assert!(!is_on(&calendar(&tonight()), next_week));
}

/// R-KSK-08
#[test]
fn a_scan_is_judged_by_its_own_time_and_so_is_what_was_set_then() {
    let later = Event::Fixed { activity: Some(of("museum")), at: now() + TimeDelta::hours(2) };
    let story = given([provisioned(), set(Hand::Ksb, Some("film")), later]);
    let set_at = |at| story.state.set_by_hand(at).map(ActivityId::as_str);
    assert_eq!(set_at(now() - TimeDelta::seconds(1)), None);
    assert_eq!(set_at(now() + TimeDelta::hours(1)), Some("film"));
    assert_eq!(set_at(now() + TimeDelta::hours(2)), Some("museum"));
}

/// R-KSK-08: 5 minutes ahead and 3 months back, both inclusive.
#[test]
fn a_scan_of_the_future_or_of_long_ago_is_refused() {
    assert_eq!(scan_time(None, now()), Ok(now()));
    let ahead = now() + TimeDelta::minutes(5);
    assert_eq!(scan_time(Some(ahead), now()), Ok(ahead));
    let second = TimeDelta::seconds(1);
    assert_eq!(scan_time(Some(ahead + second), now()), Err(ScanRefused::InTheFuture));
    let arrival = brussels("2027-02-28 10:00:00");
    // 30 November and three months is the last of February.
    let oldest = brussels("2026-11-28 10:00:00");
    assert_eq!(scan_time(Some(oldest), arrival), Ok(oldest));
    assert_eq!(scan_time(Some(oldest - second), arrival), Err(ScanRefused::TooOld));
    let of_the_30th = brussels("2026-11-30 10:00:00");
    assert_eq!(scan_time(Some(of_the_30th), arrival), Ok(of_the_30th));
    assert_eq!(scan_time(Some(of_the_30th), arrival + second), Err(ScanRefused::TooOld));
}

fn in_the_hall() -> Profile {
    Profile {
        name: of("Zuil inkomhal"),
        card_system: meetjesland_id(),
        counters: BTreeSet::from([library()]),
        shows_qr: true,
    }
}

fn meetjesland_id() -> uitpas_domain::ids::CardSystemId {
    uitpas_domain::ids::CardSystemId(1)
}

fn provision(profile: Profile) -> Command {
    Command::Provision { profile, at: now() }
}

fn provisioned() -> Event {
    Event::Provisioned { profile: in_the_hall(), at: now() }
}

/// Within the days that may be set by hand.
fn tonight() -> Offering {
    called("film", single("2026-06-15 20:00:00", Some("2026-06-15 22:00:00")))
}

fn sets(by: Hand, offering: &Offering) -> Command {
    Command::Set { by, offering: Arc::new(offering.clone()), at: now() }
}

fn set(by: Hand, activity: Option<&str>) -> Event {
    let activity = activity.map(of);
    match by {
        Hand::Ksb => Event::Fixed { activity, at: now() },
        Hand::Counter => Event::Chosen { activity, at: now() },
    }
}

fn calendar(offering: &Offering) -> Calendar {
    offering.activity.description.as_ref().unwrap().calendar.clone()
}

fn chosen(among: &[&Offering], at: &str) -> Option<String> {
    let all: Vec<_> =
        among.iter().map(|offering| (offering.id.clone(), calendar(offering))).collect();
    let candidates = all.iter().map(|(id, calendar)| (id, calendar));
    automatic(candidates, brussels(at)).map(ToString::to_string)
}

#[track_caller]
fn is_on_exactly(offering: &Offering, first: DateTime<Utc>, last: DateTime<Utc>) {
    let (calendar, moment) = (calendar(offering), TimeDelta::microseconds(1));
    let on = |at| is_on(&calendar, at);
    assert!(!on(first - moment) && on(first) && on(last) && !on(last + moment));
}

//! R-CHK: saving points, and taking them back.

use std::sync::Arc;

use chrono::Weekday;
use uitpas_domain::activity::{
    self, Activity, After, Calendar, Margins, OpeningHours, Settings, WITHOUT_STAFF, Window,
};
use uitpas_domain::calendar::Period;
use uitpas_domain::counter::{Authority, Counter, NotAllowed, Task};
use uitpas_domain::ids::CheckInId;
use uitpas_domain::limit::Limit;
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::offering::{NotOffered, Offering};
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::*;
use uitpas_domain::passholder::redemptions::RedemptionRefused;
use uitpas_domain::passholder::status::StatusRefused;
use uitpas_domain::passholder::ticket_sales::Item;
use uitpas_domain::passholder::{CheckedIn, Command, Event, Passholder, Refused, Registered};

use crate::given::*;

const EVENING: &str = "2026-06-15 20:00:00";

/// R-CHK-01, R-CHK-11
#[test]
fn a_participation_gives_one_point_and_is_recorded_with_channel_counter_and_card() {
    let recorded = CheckedIn {
        check_in: CheckInId(uuid(1)),
        activity: of("film"),
        title: of("Allemaal film"),
        counter: library(),
        card: social_card(),
        points: 1,
        channel: Channel::Counter,
        sale: None,
        home: Some(eeklo()),
        at: brussels(EVENING),
    };
    let anna_is_known = given([registered(anna())]);
    anna_is_known.when(film_at(EVENING)).then([Event::CheckedIn(Box::new(recorded))]);
    assert_eq!(anna_is_known.when(film_at(EVENING)).happens().points(), 1);
}

/// R-CHK-01
#[test]
fn an_activity_is_worth_its_own_points() {
    for points in [2, 100] {
        let settings = Settings { check_in_points: points, ..Settings::default() };
        let film = with_settings(film(), settings);
        let after = given([registered(anna())]).when(at(&film, EVENING)).happens();
        assert_eq!(after.points(), i64::from(points));
    }
    let settings = Settings { check_in_points: 0, ..Settings::default() };
    given([registered(anna())])
        .when(at(&with_settings(film(), settings), EVENING))
        .refused(CheckInRefused::NoPoints);
}

/// R-CHK-02
#[test]
fn points_are_saved_from_three_hours_before_the_start_to_three_months_after_the_end() {
    for (start, end, first, last) in [
        (
            "2026-06-15 20:00:00",
            Some("2026-06-15 22:00:00"),
            "2026-06-15 17:00:00",
            "2026-09-15 22:00:00",
        ),
        // Without an end: 23:59 of the start day.
        ("2026-06-15 20:00:00", None, "2026-06-15 17:00:00", "2026-09-15 23:59:00"),
        // The clocks go forward at 02:00: three hours elapsed begin at midnight.
        ("2026-03-29 04:00:00", None, "2026-03-29 00:00:00", "2026-06-29 23:59:00"),
        // The clocks go back at 03:00: 20:00 in summer, and still 20:00 in winter.
        (
            "2026-07-25 18:00:00",
            Some("2026-07-25 20:00:00"),
            "2026-07-25 15:00:00",
            "2026-10-25 20:00:00",
        ),
        (
            "2026-10-25 04:00:00",
            Some("2026-10-25 06:00:00"),
            "2026-10-25 02:00:00",
            "2027-01-25 06:00:00",
        ),
        // From winter into summer: the same time on the clock.
        (
            "2026-01-15 20:00:00",
            Some("2026-01-15 22:00:00"),
            "2026-01-15 17:00:00",
            "2026-04-15 22:00:00",
        ),
        // Clamped to the end of the month, also of a leap year.
        (
            "2026-11-30 20:00:00",
            Some("2026-11-30 22:00:00"),
            "2026-11-30 17:00:00",
            "2027-02-28 22:00:00",
        ),
        (
            "2027-11-30 20:00:00",
            Some("2027-11-30 22:00:00"),
            "2027-11-30 17:00:00",
            "2028-02-29 22:00:00",
        ),
        (
            "2027-11-29 20:00:00",
            Some("2027-11-29 22:00:00"),
            "2027-11-29 17:00:00",
            "2028-02-29 22:00:00",
        ),
        (
            "2028-02-29 20:00:00",
            Some("2028-02-29 22:00:00"),
            "2028-02-29 17:00:00",
            "2028-05-29 22:00:00",
        ),
        // Past midnight.
        (
            "2026-08-31 22:00:00",
            Some("2026-09-01 02:00:00"),
            "2026-08-31 19:00:00",
            "2026-12-01 02:00:00",
        ),
    ] {
        is_open_exactly(&single(start, end), first, last);
    }
}

/// R-CHK-02
#[test]
fn a_refusal_outside_the_window_tells_when_it_opens_or_closed() {
    let anna_is_known = given([registered(anna())]);
    let opens = brussels("2026-06-15 17:00:00");
    anna_is_known.when(film_at("2026-06-15 16:59:59")).refused(CheckInRefused::TooEarly(opens));
    let closed = Some(brussels("2026-09-15 22:00:00"));
    anna_is_known.when(film_at("2026-09-15 22:00:01")).refused(CheckInRefused::TooLate(closed));
    let never = offered(Calendar::Multiple(vec![]));
    anna_is_known.when(at(&never, EVENING)).refused(CheckInRefused::TooLate(None));
}

/// R-CHK-02
#[test]
fn an_activity_is_open_where_any_of_its_occurrences_is() {
    use Window::{ClosedSince, Open, OpensAt};
    let mut cancelled = occurrence("2026-02-01 20:00:00", Some("2026-02-01 22:00:00"));
    cancelled.available = false;
    let series = Calendar::Multiple(vec![
        occurrence("2027-03-01 20:00:00", Some("2027-03-01 22:00:00")),
        cancelled,
        occurrence("2026-01-01 20:00:00", Some("2026-01-01 22:00:00")),
        occurrence("2026-06-01 20:00:00", Some("2026-06-01 22:00:00")),
    ]);
    for (at, expected) in [
        ("2026-01-01 16:59:59", OpensAt(brussels("2026-01-01 17:00:00"))),
        ("2026-01-01 17:00:00", Open),
        ("2026-04-01 22:00:00", Open),
        ("2026-04-01 22:00:01", OpensAt(brussels("2026-06-01 17:00:00"))),
        ("2026-06-01 17:00:00", Open),
        ("2027-06-01 22:00:00", Open),
        ("2027-06-01 22:00:01", ClosedSince(Some(brussels("2027-06-01 22:00:00")))),
    ] {
        assert_eq!(series.window(brussels(at), activity::AT_THE_COUNTER), expected, "{at}");
    }
}

/// R-CHK-02
#[test]
fn with_opening_hours_each_day_has_its_own_window() {
    // Wednesdays 14:00 to 17:00, from 1 July to 31 August 2026.
    let workshop = offered(Calendar::Periodic {
        from: day("2026-07-01"),
        until: day("2026-08-31"),
        hours: vec![hours(&[Weekday::Wed], "14:00:00", "17:00:00")],
    });
    // The last Wednesday is 26 August.
    is_open_exactly(&workshop, "2026-07-01 11:00:00", "2026-11-26 17:00:00");
    let without_staff = |at| window_of(&workshop, at, WITHOUT_STAFF);
    assert_eq!(without_staff("2026-07-01 13:00:00"), Window::Open);
    assert_eq!(without_staff("2026-07-01 18:00:00"), Window::Open);
    let next = Window::OpensAt(brussels("2026-07-08 13:00:00"));
    assert_eq!(without_staff("2026-07-01 18:00:01"), next);
    assert_eq!(without_staff("2026-07-08 12:59:59"), next);
    let last = Window::ClosedSince(Some(brussels("2026-08-26 18:00:00")));
    assert_eq!(without_staff("2026-08-31 12:00:00"), last);
    assert_eq!(without_staff("2030-01-01 12:00:00"), last);
    let first = Window::OpensAt(brussels("2026-07-01 13:00:00"));
    assert_eq!(without_staff("2020-01-01 12:00:00"), first);
}

/// R-CHK-02
#[test]
fn a_periodic_activity_without_hours_is_open_all_day() {
    let exhibition = offered(Calendar::Periodic {
        from: day("2026-03-29"),
        until: day("2026-10-25"),
        hours: vec![],
    });
    is_open_exactly(&exhibition, "2026-03-28 21:00:00", "2027-01-25 23:59:59");
}

/// R-CHK-02
#[test]
fn a_periodic_activity_that_ends_before_it_begins_never_opens() {
    let wrong = offered(Calendar::Periodic {
        from: day("2026-08-31"),
        until: day("2026-07-01"),
        hours: vec![],
    });
    let window = window_of(&wrong, "2026-08-01 12:00:00", activity::AT_THE_COUNTER);
    assert_eq!(window, Window::ClosedSince(None));
}

/// R-CHK-02
#[test]
fn a_permanent_activity_is_open_within_its_hours_and_all_day_without_any() {
    let library = offered(Calendar::Permanent {
        hours: vec![
            hours(&[Weekday::Mon, Weekday::Sun], "10:00:00", "12:00:00"),
            // Past midnight.
            hours(&[Weekday::Sat], "22:00:00", "02:30:00"),
        ],
    });
    let monday = Window::OpensAt(brussels("2026-06-15 10:00:00"));
    let sunday = Window::OpensAt(brussels("2026-06-21 10:00:00"));
    let saturday = Window::OpensAt(brussels("2026-06-20 22:00:00"));
    for (at, expected) in [
        ("2026-06-15 09:59:59", monday),
        ("2026-06-15 10:00:00", Window::Open),
        ("2026-06-15 12:00:00", Window::Open),
        ("2026-06-15 12:00:01", saturday),
        ("2026-06-20 22:00:00", Window::Open),
        ("2026-06-21 02:30:00", Window::Open),
        ("2026-06-21 02:30:01", sunday),
        // The night the clocks go forward has no 02:30: it closes at 03:30.
        ("2026-03-29 01:59:59", Window::Open),
        ("2026-03-29 03:30:00", Window::Open),
        ("2026-03-29 03:30:01", Window::OpensAt(brussels("2026-03-29 10:00:00"))),
    ] {
        assert_eq!(window_of(&library, at, activity::AT_THE_COUNTER), expected, "{at}");
    }
    for at in ["2026-01-01 00:00:00", "2026-06-15 23:59:59", "2028-02-29 12:00:00"] {
        assert_eq!(window_of(&museum(), at, activity::AT_THE_COUNTER), Window::Open, "{at}");
    }
}

/// R-CHK-03
#[test]
fn by_default_once_ever_for_a_single_occurrence_and_once_a_day_for_the_others() {
    let once_ever = (Limit::ONCE_EVER, "single");
    let once_a_day = |name| (Limit::ONCE_A_DAY, name);
    let series = Calendar::Multiple(vec![occurrence(EVENING, None)]);
    let periodic =
        Calendar::Periodic { from: day("2026-01-01"), until: day("2026-12-31"), hours: vec![] };
    for (offering, (limit, name)) in [
        (film(), once_ever),
        (offered(series), once_a_day("multiple")),
        (offered(periodic), once_a_day("periodic")),
        (museum(), once_a_day("permanent")),
    ] {
        assert_eq!(offering.activity.check_in_limit(), limit, "{name}");
        assert_eq!(offering.activity.ticket_limit(), limit, "{name}");
    }
}

/// R-CHK-03
#[test]
fn beyond_the_limit_the_answer_is_when_the_point_was_given() {
    given([registered(anna())])
        .when(film_at(EVENING))
        .again()
        .refused(CheckInRefused::AlreadyGiven(brussels(EVENING)));
    given([registered(anna())])
        .when(film_at(EVENING))
        .happens()
        .when(at(&film(), "2026-09-15 22:00:00"))
        .refused(CheckInRefused::AlreadyGiven(brussels(EVENING)));
}

/// R-CHK-03
#[test]
fn a_limit_counts_in_calendar_periods_of_brussels() {
    for (period, first, second, given_again) in [
        (Period::Day, "2026-06-15 00:00:00", "2026-06-15 23:59:59", false),
        (Period::Day, "2026-06-15 23:59:59", "2026-06-16 00:00:00", true),
        (Period::Day, "2026-01-15 23:59:59", "2026-01-16 00:00:00", true),
        (Period::Day, "2026-03-29 00:00:00", "2026-03-29 23:59:59", false),
        (Period::Day, "2026-10-25 00:00:00", "2026-10-25 23:59:59", false),
        (Period::Day, "2026-10-25 23:59:59", "2026-10-26 00:00:00", true),
        (Period::Week, "2026-06-15 00:00:00", "2026-06-21 23:59:59", false),
        (Period::Week, "2026-06-21 23:59:59", "2026-06-22 00:00:00", true),
        (Period::Month, "2028-02-01 00:00:00", "2028-02-29 23:59:59", false),
        (Period::Month, "2026-02-28 23:59:59", "2026-03-01 00:00:00", true),
        (Period::Quarter, "2026-04-01 00:00:00", "2026-06-30 23:59:59", false),
        (Period::Quarter, "2026-06-30 23:59:59", "2026-07-01 00:00:00", true),
        (Period::Year, "2026-01-01 00:00:00", "2026-12-31 23:59:59", false),
        (Period::Year, "2026-12-31 23:59:59", "2027-01-01 00:00:00", true),
        (Period::Absolute, "2020-01-01 00:00:00", "2029-12-31 23:59:59", false),
    ] {
        let check_in_limit = Some(Limit { volume: 1, period });
        let museum = with_settings(museum(), Settings { check_in_limit, ..Settings::default() });
        let refusal = given([registered(bram())])
            .when(checks_in(check_in(1, &museum, regular_card(), brussels(first))))
            .happens()
            .when(checks_in(check_in(2, &museum, regular_card(), brussels(second))))
            .refusal();
        let expected = CheckInRefused::AlreadyGiven(brussels(first)).into();
        assert_eq!(refusal, (!given_again).then_some(expected), "{period}: {first}, {second}");
    }
}

/// R-CHK-03
#[test]
fn a_higher_limit_gives_so_many_points_and_names_the_last_one() {
    let check_in_limit = Some(Limit { volume: 2, period: Period::Day });
    let museum = with_settings(museum(), Settings { check_in_limit, ..Settings::default() });
    let visits = |number, at| checks_in(check_in(number, &museum, social_card(), brussels(at)));
    given([registered(anna())])
        .when(visits(1, "2026-06-15 10:00:00"))
        .happens()
        .when(visits(2, "2026-06-15 11:00:00"))
        .happens()
        .when(visits(3, "2026-06-15 12:00:00"))
        .refused(CheckInRefused::AlreadyGiven(brussels("2026-06-15 11:00:00")));
}

/// R-CHK-03
#[test]
fn a_limit_of_none_gives_no_points() {
    let check_in_limit = Some(Limit { volume: 0, period: Period::Day });
    let museum = with_settings(museum(), Settings { check_in_limit, ..Settings::default() });
    given([registered(anna())]).when(at(&museum, EVENING)).refused(CheckInRefused::NoPoints);
}

/// R-CHK-04
#[test]
fn only_activities_that_take_part_in_uitpas_give_points() {
    let unknown = Offering { activity: Arc::new(Activity::default()), ..film() };
    let no_counter = Offering { counter: Arc::new(Counter::default()), ..film() };
    let no_system = Offering { card_systems: Default::default(), ..film() };
    let mut not_chosen = film();
    Arc::make_mut(&mut not_chosen.activity).card_systems = Some(Default::default());
    for (offering, reason) in [
        (unknown, NotOffered::Unknown),
        (described(film(), |film| film.withdrawn = true), NotOffered::Cancelled),
        (described(film(), |film| film.available = false), NotOffered::Cancelled),
        (no_counter, NotOffered::NoCounter),
        (described(film(), |film| film.prices.clear()), NotOffered::NoPrice),
        (no_system, NotOffered::NoCardSystem),
        (not_chosen, NotOffered::NoCardSystem),
    ] {
        given([registered(anna())])
            .when(at(&offering, EVENING))
            .refused(CheckInRefused::NotOffered(reason));
    }
}

/// R-CHK-04, R-TAR-03
#[test]
fn a_free_activity_gives_points() {
    let free = described(film(), |film| {
        film.prices.truncate(1);
        film.prices[0].price = of("0.00");
    });
    assert_eq!(given([registered(anna())]).when(at(&free, EVENING)).happens().points(), 1);
}

/// R-CHK-05
#[test]
fn a_passholder_of_any_region_saves_points_at_any_organizer() {
    let of_gent = Registered { card_system: GENT, home: Some(ghent()), ..bram() };
    let mut visit = check_in(1, &film(), regular_card(), brussels(EVENING));
    visit.card_systems = [(GENT, Arc::new(gent()))].into();
    assert_eq!(given([registered(of_gent)]).when(checks_in(visit)).happens().points(), 1);
}

/// R-CHK-07
#[test]
fn a_sale_at_the_social_tariff_gives_the_point_too_once() {
    let anna_is_known = given([registered(anna())]);
    let events =
        anna_is_known.when(sells([ticket(1, &film(), "10.00")], brussels(EVENING))).events();
    let [Event::TicketSold(sold), Event::CheckedIn(point)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(sold.point, PointOfSale::Given(point.check_in));
    assert_eq!((point.sale, point.channel), (Some(sold.sale), Channel::TicketSale));
    assert_eq!((point.points, &point.card), (1, &social_card()));
    // Not once more afterwards...
    given([vec![registered(anna())], events].concat())
        .when(film_at(EVENING))
        .refused(CheckInRefused::AlreadyGiven(brussels(EVENING)));
    // ...nor when it was saved before.
    let saved = anna_is_known.when(film_at(EVENING)).happens();
    let not_given = PointOfSale::NotGiven(NoPoint::GivenAlready(brussels(EVENING)));
    assert_eq!(point_of_sale(&saved, &film(), EVENING), not_given);
}

/// R-CHK-07
#[test]
fn a_sale_without_a_point_succeeds_and_tells_why() {
    let worth_nothing =
        with_settings(film(), Settings { check_in_points: 0, ..Settings::default() });
    let opens = brussels("2026-06-15 17:00:00");
    let anna_is_known = given([registered(anna())]);
    for (film, at, reason) in [
        (film(), "2026-06-15 16:59:59", NoPoint::OpensAt(opens)),
        (film(), "2026-09-15 22:00:01", NoPoint::Closed),
        (worth_nothing, EVENING, NoPoint::ActivityGivesNone),
    ] {
        assert_eq!(point_of_sale(&anna_is_known, &film, at), PointOfSale::NotGiven(reason), "{at}");
    }
    // It can be saved later.
    let after = anna_is_known
        .when(sells([ticket(1, &film(), "10.00")], brussels("2026-06-01 12:00:00")))
        .happens();
    assert_eq!(after.points(), 0);
    assert_eq!(after.when(film_at(EVENING)).happens().points(), 1);
}

/// R-CHK-07
#[test]
fn cancelling_a_sale_takes_back_the_point_it_gave() {
    let sold = given([registered(anna())])
        .when(sells([ticket(1, &film(), "10.00")], brussels(EVENING)))
        .happens();
    let events = sold.when(cancels(1, box_office())).events();
    assert!(matches!(
        events[..],
        [Event::TicketSaleCancelled { .. }, Event::CheckInCorrected { points: 1, .. }]
    ));
    assert_eq!(sold.when(cancels(1, box_office())).happens().points(), 0);
}

/// R-CHK-07
#[test]
fn cancelling_leaves_a_point_that_another_check_in_gave_or_that_was_corrected() {
    let saved_before = given([registered(anna())])
        .when(film_at(EVENING))
        .happens()
        .when(sells([ticket(2, &film(), "10.00")], brussels(EVENING)))
        .happens();
    let after = saved_before.when(cancels(2, box_office())).happens();
    assert_eq!(after.points(), 1);
    let corrected = given([registered(anna())])
        .when(sells([ticket(1, &film(), "10.00")], brussels(EVENING)))
        .happens()
        .when(corrects(1, box_office()))
        .happens();
    assert_eq!(corrected.when(cancels(1, box_office())).happens().points(), 0);
}

/// R-CHK-07
#[test]
fn the_point_stays_while_another_sale_of_that_activity_or_that_day_remains() {
    let ticket_limit = Some(Limit { volume: 9, period: Period::Absolute });
    let settings = Settings { ticket_limit, ..Settings::default() };
    let once_ever = with_settings(film(), settings.clone());
    let once_a_day = with_settings(museum(), settings);
    for (offering, second_at, points) in [
        (&once_ever, "2026-06-15 21:00:00", 1),
        (&once_ever, "2026-06-17 12:00:00", 1),
        (&once_a_day, "2026-06-15 23:59:59", 1),
        // Of the other day remains its own point.
        (&once_a_day, "2026-06-16 00:00:00", 1),
    ] {
        let sold = given([registered(anna())])
            .when(sells([ticket(1, offering, "10.00")], brussels(EVENING)))
            .happens()
            .when(sells([ticket(2, offering, "6.00")], brussels(second_at)))
            .happens();
        let after = sold.when(cancels(1, box_office())).happens();
        assert_eq!(after.points(), points, "{second_at}");
    }
    // Of two days each has given its point: cancelling takes one of two.
    let two_days = given([registered(anna())])
        .when(sells([ticket(1, &once_a_day, "10.00")], brussels("2026-06-15 12:00:00")))
        .happens()
        .when(sells([ticket(2, &once_a_day, "10.00")], brussels("2026-06-16 12:00:00")))
        .happens();
    assert_eq!(two_days.points(), 2);
    assert_eq!(two_days.when(cancels(1, box_office())).happens().points(), 1);
    // A sale that was cancelled itself holds nothing back.
    let cancelled_other = given([registered(anna())])
        .when(sells([ticket(1, &once_ever, "10.00")], brussels(EVENING)))
        .happens()
        .when(sells([ticket(2, &once_ever, "6.00")], brussels(EVENING)))
        .happens()
        .when(cancels(2, box_office()))
        .happens();
    assert_eq!(cancelled_other.points(), 1);
    assert_eq!(cancelled_other.when(cancels(1, box_office())).happens().points(), 0);
}

/// R-CHK-08
#[test]
fn a_correction_takes_exactly_the_points_given_and_is_refused_the_second_time() {
    let film = with_settings(film(), Settings { check_in_points: 3, ..Settings::default() });
    let saved = given([registered(anna())]).when(at(&film, EVENING)).happens();
    saved.when(corrects(1, box_office())).then([Event::CheckInCorrected {
        check_in: CheckInId(uuid(1)),
        activity: of("film"),
        points: 3,
        reason: Some(sealed("reason")),
        at: now(),
    }]);
    saved.when(corrects(1, box_office())).again().refused(CheckInRefused::AlreadyCorrected);
    saved.when(corrects(2, box_office())).refused(CheckInRefused::Unknown);
    assert_eq!(saved.when(corrects(1, box_office())).happens().points(), 0);
}

/// R-CHK-08
#[test]
fn a_correction_gives_the_use_of_the_limit_back() {
    given([registered(anna())])
        .when(film_at(EVENING))
        .happens()
        .when(corrects(1, box_office()))
        .happens()
        .when(checks_in(check_in(2, &film(), social_card(), brussels(EVENING))))
        .happens();
}

/// R-CHK-08, R-KSB-03
#[test]
fn the_counter_of_the_check_in_corrects_it_or_a_ksb_admin_at_that_counter() {
    let saved = given([registered(anna())]).when(film_at(EVENING)).happens();
    for (by, refused) in [
        (box_office(), None),
        (ksb(), None),
        (elsewhere(box_office()), Some(CheckInRefused::OtherCounter.into())),
        (elsewhere(ksb()), Some(CheckInRefused::OtherCounter.into())),
        (nobody(), Some(NotAllowed::Task(Task::CheckIn).into())),
    ] {
        let shown = format!("{by:?}");
        assert_eq!(saved.when(corrects(1, by)).refusal(), refused, "{shown}");
    }
}

/// R-CHK-08
#[test]
fn qr_and_kiosk_check_ins_are_corrected_by_the_ksb_only() {
    for (channel, refused) in [
        (Channel::Counter, false),
        (Channel::Bulk, false),
        (Channel::Qr, true),
        (Channel::Kiosk, true),
    ] {
        let visit = CheckIn { channel, ..check_in(1, &film(), social_card(), brussels(EVENING)) };
        let saved = given([registered(anna())]).when(checks_in(visit)).happens();
        let expected = refused.then_some(CheckInRefused::OnlyKsb.into());
        assert_eq!(saved.when(corrects(1, box_office())).refusal(), expected, "{channel}");
        assert_eq!(saved.when(corrects(1, ksb())).refusal(), None, "{channel}");
    }
}

/// R-CHK-08, R-RWD-02
#[test]
fn the_balance_may_become_negative_and_points_rewards_then_wait() {
    let one_point = crate::rewards::costing(1);
    let redeems = |number| crate::rewards::redeems(number, social_card(), &one_point);
    let spent =
        given([registered(anna())]).when(film_at(EVENING)).happens().when(redeems(1)).happens();
    let below_nothing = spent.when(corrects(1, box_office())).happens();
    assert_eq!(below_nothing.points(), -1);
    below_nothing
        .when(redeems(2))
        .refused(RedemptionRefused::NotEnoughPoints { cost: 1, balance: -1 });
    let visit = |number, day| {
        let at = brussels(&format!("2026-06-{day} 12:00:00"));
        checks_in(check_in(number, &museum(), social_card(), at))
    };
    let at_nothing = below_nothing.when(visit(3, 16)).happens();
    at_nothing.when(redeems(2)).refused(RedemptionRefused::NotEnoughPoints { cost: 1, balance: 0 });
    at_nothing.when(visit(4, 17)).happens().when(redeems(2)).happens();
}

/// R-CHK-09
#[test]
fn what_one_passholder_does_moves_no_points_of_another() {
    let anna = given([registered(anna())]).when(film_at(EVENING)).happens();
    given([registered(bram())]).when(corrects(1, ksb())).refused(CheckInRefused::Unknown);
    given([registered(bram())]).when(film_at(EVENING)).refused(CardRefused::NotOfThisPassholder);
    assert_eq!(anna.points(), 1);
}

/// R-CHK-10
#[test]
fn without_staff_the_window_is_one_hour_on_either_side() {
    for (channel, at, open) in [
        (Channel::Qr, "2026-06-15 18:59:59", false),
        (Channel::Qr, "2026-06-15 19:00:00", true),
        (Channel::Qr, "2026-06-15 23:00:00", true),
        (Channel::Qr, "2026-06-15 23:00:01", false),
        (Channel::Kiosk, "2026-06-15 18:59:59", false),
        (Channel::Kiosk, "2026-06-15 23:00:00", true),
        (Channel::Counter, "2026-06-15 18:59:59", true),
        (Channel::Bulk, "2026-06-15 23:00:01", true),
    ] {
        let visit = CheckIn { channel, ..check_in(1, &film(), social_card(), brussels(at)) };
        let refusal = given([registered(anna())]).when(checks_in(visit)).refusal();
        assert_eq!(refusal.is_none(), open, "{channel} {at}");
    }
}

/// R-CHK-10
#[test]
fn a_card_system_sets_another_window_without_staff() {
    let mut film = film();
    let wide = Margins { minutes_before: 90, after: After::Months(1) };
    let system = film.card_systems.get_mut(&MEETJESLAND).unwrap();
    Arc::make_mut(system).settings.without_staff = wide;
    for (at, open) in [
        ("2026-06-15 18:29:59", false),
        ("2026-06-15 18:30:00", true),
        ("2026-07-15 22:00:00", true),
        ("2026-07-15 22:00:01", false),
    ] {
        let channel = Channel::Qr;
        let visit = CheckIn { channel, ..check_in(1, &film, social_card(), brussels(at)) };
        let refusal = given([registered(anna())]).when(checks_in(visit)).refusal();
        assert_eq!(refusal.is_none(), open, "{at}");
    }
}

/// R-KSK-06, R-CHK-10
#[test]
fn that_window_is_not_the_one_of_a_kiosk() {
    for minutes in [0, 600] {
        let mut film = film();
        let system = film.card_systems.get_mut(&MEETJESLAND).unwrap();
        let margins = Margins { minutes_before: minutes, after: After::Minutes(minutes) };
        Arc::make_mut(system).settings.without_staff = margins;
        for (at, open) in [
            ("2026-06-15 18:59:59", false),
            ("2026-06-15 19:00:00", true),
            ("2026-06-15 23:00:00", true),
            ("2026-06-15 23:00:01", false),
        ] {
            let channel = Channel::Kiosk;
            let visit = CheckIn { channel, ..check_in(1, &film, social_card(), brussels(at)) };
            let refusal = given([registered(anna())]).when(checks_in(visit)).refusal();
            assert_eq!(refusal.is_none(), open, "{minutes} {at}");
        }
    }
}

/// R-CHK-10, R-TAR-06
#[test]
fn of_several_card_systems_the_first_that_takes_part_sets_the_window_without_staff() {
    let mut film = film();
    let mut wide = gent();
    wide.settings.without_staff = Margins { minutes_before: 180, after: After::Minutes(60) };
    film.card_systems.insert(GENT, Arc::new(wide));
    let at = brussels("2026-06-15 18:00:00");
    let visit = |film: &Offering| {
        let channel = Channel::Qr;
        let visit = CheckIn { channel, ..check_in(1, film, social_card(), at) };
        given([registered(anna())]).when(checks_in(visit)).refusal().is_none()
    };
    assert!(!visit(&film));
    Arc::make_mut(&mut film.activity).card_systems = Some([(GENT, Default::default())].into());
    assert!(visit(&film));
}

/// R-CHK-02: an end that falls, three months later, in the hour that the clocks leave out, or in
/// the one that they show twice.
#[test]
fn three_months_later_the_clock_may_show_that_time_never_or_twice() {
    for (start, end, closes) in [
        ("2025-12-29 00:00:00", "2025-12-29 02:30:00", "2026-03-29T01:30:00Z"),
        ("2026-07-25 00:00:00", "2026-07-25 02:30:00", "2026-10-25T00:30:00Z"),
        // 23:59 of the day before the change is not touched by it.
        ("2025-12-28 00:00:00", "2025-12-28 23:59:00", "2026-03-28T22:59:00Z"),
        // A leap day ends on the 29th of May; the 31st of May on the last of August.
        ("2028-02-29 20:00:00", "2028-02-29 23:00:00", "2028-05-29T21:00:00Z"),
        ("2026-05-31 20:00:00", "2026-05-31 23:00:00", "2026-08-31T21:00:00Z"),
        ("2026-08-31 20:00:00", "2026-08-31 23:00:00", "2026-11-30T22:00:00Z"),
    ] {
        let film = single(start, Some(end));
        let closes: chrono::DateTime<chrono::Utc> = closes.parse().unwrap();
        let visit = |at| {
            let visit = checks_in(check_in(1, &film, social_card(), at));
            given([registered(anna())]).when(visit).refusal()
        };
        assert_eq!(visit(closes), None, "{end}");
        let late = CheckInRefused::TooLate(Some(closes));
        let second = chrono::TimeDelta::seconds(1);
        assert_eq!(visit(closes + second), Some(late.into()), "{end}");
    }
}

/// R-CHK-02: three hours are three hours on the clock of nobody.
#[test]
fn three_hours_before_are_elapsed_hours_across_both_clock_changes() {
    for (start, opens) in [
        // 02:00 to 03:00 is left out: 03:30 is half an hour after 01:59.
        ("2026-03-29T01:30:00Z", "2026-03-28T22:30:00Z"),
        ("2026-03-29T00:30:00Z", "2026-03-28T21:30:00Z"),
        // 02:30 comes twice, an hour apart.
        ("2026-10-25T00:30:00Z", "2026-10-24T21:30:00Z"),
        ("2026-10-25T01:30:00Z", "2026-10-24T22:30:00Z"),
        ("2026-10-25T03:00:00Z", "2026-10-25T00:00:00Z"),
    ] {
        let utc = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let mut occurrence = occurrence("2026-06-15 20:00:00", None);
        occurrence.start = utc(start);
        let film = offered(Calendar::Single(occurrence));
        let visit = |at| {
            let visit = checks_in(check_in(1, &film, social_card(), at));
            given([registered(anna())]).when(visit).refusal()
        };
        let opens = utc(opens);
        assert_eq!(visit(opens), None, "{start}");
        let early = CheckInRefused::TooEarly(opens);
        let second = chrono::TimeDelta::seconds(1);
        assert_eq!(visit(opens - second), Some(early.into()), "{start}");
    }
}

/// R-CTR-01
#[test]
fn every_permission_group_checks_in_and_a_counter_without_one_does_not() {
    for (by, refused) in [
        (box_office(), false),
        (unauthorised_desk(), false),
        (desk(), false),
        (ksb(), false),
        (nobody(), true),
    ] {
        let visit = CheckIn { by, ..check_in(1, &film(), social_card(), brussels(EVENING)) };
        let refusal = given([registered(anna())]).when(checks_in(visit)).refusal();
        assert_eq!(refusal, refused.then_some(NotAllowed::Task(Task::CheckIn).into()));
    }
}

/// R-CHK-04, R-CRD-11, R-SOC-04, R-CHK-02, R-CHK-03
#[test]
fn the_first_of_several_reasons_is_the_answer() {
    let mut closing = meetjesland();
    closing.settings.expired_closes_points = true;
    let before = given([registered(anna_until("2026-01-31"))])
        .when(at(&with_limit_of_two(film()), EVENING))
        .happens();
    let mut visit = CheckIn {
        by: nobody(),
        offering: Arc::new(described(film(), |film| film.withdrawn = true)),
        card: regular_card(),
        card_systems: [(MEETJESLAND, Arc::new(closing))].into(),
        ..check_in(2, &film(), social_card(), brussels("2026-06-15 16:59:59"))
    };
    let opens = brussels("2026-06-15 17:00:00");
    let mend: [Mended<CheckIn, Refused>; 6] = [
        (NotAllowed::Task(Task::CheckIn).into(), |visit| visit.by = box_office()),
        (CardRefused::NotOfThisPassholder.into(), |visit| visit.card = social_card()),
        (CheckInRefused::NotOffered(NotOffered::Cancelled).into(), |visit| {
            visit.offering = Arc::new(film());
        }),
        (StatusRefused::Expired(day("2026-01-31")).into(), |visit| {
            visit.card_systems = card_systems();
        }),
        (CheckInRefused::TooEarly(opens).into(), |visit| visit.at = brussels(EVENING)),
        (CheckInRefused::AlreadyGiven(brussels(EVENING)).into(), |visit| {
            visit.offering = Arc::new(with_limit_of_two(film()));
        }),
    ];
    for (reason, mend) in mend {
        before.when(checks_in(visit.clone())).refused(reason);
        mend(&mut visit);
    }
    before.when(checks_in(visit)).happens();
}

/// Anna's card, for the film.
fn film_at(shown: &str) -> Command {
    at(&film(), shown)
}

fn at(offering: &Offering, shown: &str) -> Command {
    checks_in(check_in(1, offering, social_card(), brussels(shown)))
}

fn with_limit_of_two(offering: Offering) -> Offering {
    let check_in_limit = Some(Limit { volume: 2, period: Period::Absolute });
    with_settings(offering, Settings { check_in_limit, ..Settings::default() })
}

fn hours(days: &[Weekday], opens: &str, closes: &str) -> OpeningHours {
    OpeningHours { days: days.to_vec(), opens: of(opens), closes: of(closes) }
}

fn window_of(offering: &Offering, shown: &str, margins: Margins) -> Window {
    offering.open().unwrap().calendar.window(brussels(shown), margins)
}

/// Both ends are open, and the second before and after are not.
#[track_caller]
fn is_open_exactly(offering: &Offering, first: &str, last: &str) {
    let second = chrono::TimeDelta::seconds(1);
    let (first, last) = (brussels(first), brussels(last));
    for (at, open) in [(first - second, false), (first, true), (last, true), (last + second, false)]
    {
        let visit = checks_in(check_in(1, offering, social_card(), at));
        let refusal = given([registered(anna())]).when(visit).refusal();
        assert_eq!(refusal.is_none(), open, "{at}: {refusal:?}");
    }
}

#[track_caller]
fn point_of_sale(before: &Story<Passholder>, offering: &Offering, at: &str) -> PointOfSale {
    let item = Item { check_in: CheckInId(uuid(9)), ..ticket(9, offering, "10.00") };
    let events = before.when(sells([item], brussels(at))).events();
    let [Event::TicketSold(sold)] = &events[..] else { panic!("{events:?}") };
    sold.point.clone()
}

/// R-CHK-11
#[test]
fn every_channel_and_role_has_a_name_in_the_log() {
    for (channel, name) in [
        (Channel::Counter, "counter"),
        (Channel::Kiosk, "kiosk"),
        (Channel::Qr, "qr"),
        (Channel::Bulk, "bulk"),
        (Channel::TicketSale, "ticket-sale"),
        (Channel::BackOffice, "back-office"),
        (Channel::Import, "import"),
    ] {
        assert_eq!(serde_json::to_value(channel).unwrap(), name);
    }
    let by: Authority = ksb();
    assert_eq!(serde_json::to_value(by.role).unwrap(), "ksb");
    assert_eq!(serde_json::to_value(Role::CounterMember).unwrap(), "counter-member");
}

//! R-SOC: social status, its dates, and what they come down to on a day.

use std::sync::Arc;

use chrono::NaiveDate;
use uitpas_domain::card_system::{CardSystem, Settings};
use uitpas_domain::counter::{Authority, NotAllowed, Task};
use uitpas_domain::passholder::check_ins::NoPoint;
use uitpas_domain::passholder::redemptions::Redeem;
use uitpas_domain::passholder::registration::{PersonalDetails, RegistrationRefused};
use uitpas_domain::passholder::status::*;
use uitpas_domain::passholder::ticket_sales::SaleRefused;
use uitpas_domain::passholder::{CardSystems, Command, Event, Refused, Registered};
use uitpas_domain::social_status::{OnDay, SocialStatus};

use crate::given::*;
use crate::registration::{changes, details};

/// R-SOC-01
#[test]
fn only_authorised_registration_counters_and_ksb_admins_extend_it() {
    let anna_is_known = given([registered(anna())]);
    for (by, allowed) in [
        (desk(), true),
        (ksb(), true),
        (unauthorised_desk(), false),
        (box_office(), false),
        (nobody(), false),
        (of_gent(desk()), false),
        (of_gent(ksb()), false),
    ] {
        let shown = format!("{by:?}");
        let refusal = anna_is_known.when(extends("2028-04-30", by)).refusal();
        let expected = (!allowed).then_some(NotAllowed::Task(Task::SocialStatus).into());
        assert_eq!(refusal, expected, "{shown}");
    }
}

/// R-CRD-07, R-SOC-01
#[test]
fn an_extension_moves_only_the_end_date_and_the_same_date_is_no_news() {
    let until = day("2028-04-30");
    let extended = Event::SocialStatusExtended { card_system: MEETJESLAND, until, at: now() };
    let anna_is_known = given([registered(anna())]);
    anna_is_known.when(extends("2028-04-30", desk())).then([extended]);
    anna_is_known.when(extends("2028-04-30", desk())).again().then([]);
    let after = anna_is_known.when(extends("2028-04-30", desk())).happens();
    let mut expected = anna_is_known.holder().clone();
    let membership = expected.memberships.get_mut(&MEETJESLAND).unwrap();
    membership.social_status.as_mut().unwrap().until = until;
    assert_eq!(*after.holder(), expected);
}

/// R-SOC-01, R-SOC-02
#[test]
fn an_extension_ends_later_than_before_and_in_the_future() {
    // It is 15 June 2026.
    for (before, until, refused) in [
        ("2026-06-30", "2026-07-01", None),
        ("2026-06-30", "2026-06-29", Some(StatusRefused::NotLater(day("2026-06-30")))),
        ("2026-05-01", "2026-06-16", None),
        ("2026-05-01", "2026-06-15", Some(StatusRefused::NotInFuture)),
        ("2026-05-01", "2026-06-14", Some(StatusRefused::NotInFuture)),
    ] {
        let refusal =
            given([registered(anna_until(before))]).when(extends(until, desk())).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{before} to {until}");
    }
}

/// R-SOC-01
#[test]
fn it_is_extended_only_where_there_is_one_in_a_membership_in_use() {
    given([registered(bram())]).when(extends("2028-04-30", desk())).refused(StatusRefused::None);
    given([registered(anna()), membership_blocked()])
        .when(extends("2028-04-30", desk()))
        .refused(StatusRefused::MembershipBlocked);
    let in_gent = Extend {
        by: of_gent(ksb()),
        card_system: GENT,
        system: Arc::new(gent()),
        until: day("2028-04-30"),
        at: now(),
    };
    given([registered(anna())])
        .when(Command::ExtendSocialStatus(in_gent))
        .refused(StatusRefused::NoMembership);
}

/// R-SOC-02
#[test]
fn the_state_on_a_day_follows_from_the_dates() {
    use OnDay::{Active, Blocked, Expired, Grace, Suspended};
    // Until 30 April 2026, with 30 days of grace: until 30 May.
    let plain = status("2026-04-30", None);
    let suspended = status("2026-04-30", Some("2026-04-10"));
    let long = status("2026-04-30", Some("2026-05-20"));
    for (status, today, blocked, expected) in [
        (&plain, "2026-04-30", false, Active),
        (&plain, "2026-05-01", false, Grace),
        (&plain, "2026-05-30", false, Grace),
        (&plain, "2026-05-31", false, Expired),
        (&plain, "2026-04-30", true, Blocked),
        (&plain, "2026-05-31", true, Blocked),
        (&suspended, "2026-04-09", false, Suspended),
        (&suspended, "2026-04-10", false, Active),
        (&suspended, "2026-04-09", true, Blocked),
        // Suspended goes before grace, and expired before suspended.
        (&long, "2026-05-19", false, Suspended),
        (&long, "2026-05-20", false, Grace),
        (&status("2026-04-30", Some("2026-12-31")), "2026-05-30", false, Suspended),
        (&status("2026-04-30", Some("2026-12-31")), "2026-05-31", false, Expired),
    ] {
        assert_eq!(status.on(day(today), 30, blocked), expected, "{status:?} {today} {blocked}");
    }
}

/// R-SOC-02
#[test]
fn the_card_system_sets_the_days_of_grace() {
    for (until, grace_days, last, first_without) in [
        ("2026-04-30", 0, "2026-04-30", "2026-05-01"),
        ("2026-04-30", 1, "2026-05-01", "2026-05-02"),
        ("2026-04-30", 30, "2026-05-30", "2026-05-31"),
        // Over the end of February, and over the leap day.
        ("2026-01-30", 30, "2026-03-01", "2026-03-02"),
        ("2028-01-30", 30, "2028-02-29", "2028-03-01"),
        ("2026-12-31", 365, "2027-12-31", "2028-01-01"),
    ] {
        let status = status(until, None);
        assert!(status.on(day(last), grace_days, false).entitles(), "{until} + {grace_days}");
        assert_eq!(status.on(day(first_without), grace_days, false), OnDay::Expired, "{until}");
    }
    assert_eq!(Settings::default().grace_days, 30);
}

/// R-SOC-02
#[test]
fn only_active_and_grace_entitle() {
    let entitling = [OnDay::Active, OnDay::Grace];
    let not = [OnDay::None, OnDay::Expired, OnDay::Suspended, OnDay::Blocked];
    assert!(entitling.into_iter().all(OnDay::entitles));
    assert!(!not.into_iter().any(OnDay::entitles));
}

/// R-SOC-02
#[test]
fn without_social_status_there_is_none() {
    let bram_is_known = given([registered(bram())]);
    let today = day("2026-06-15");
    let shown = bram_is_known.holder().social_status_on(today, &card_systems());
    assert_eq!(shown, (None, OnDay::None));
    let anna_is_known = given([registered(anna())]);
    let shown = anna_is_known.holder().social_status_on(today, &card_systems());
    assert_eq!(shown, (Some(MEETJESLAND), OnDay::Active));
}

/// R-SOC-02
#[test]
fn only_a_ksb_admin_suspends_lifts_and_blocks() {
    let suspended = given([registered(anna()), suspended("2026-07-01")]);
    for (by, refused) in [
        (ksb(), None),
        (desk(), Some(NotAllowed::OnlyKsb)),
        (box_office(), Some(NotAllowed::OnlyKsb)),
        (of_gent(ksb()), Some(NotAllowed::OnlyKsb)),
    ] {
        let refused = refused.map(Refused::from);
        let commands = [suspends("2026-08-01", by.clone()), lifts(by.clone()), blocks_it(by)];
        for command in commands {
            assert_eq!(suspended.when(command.clone()).refusal(), refused, "{command:?}");
        }
    }
}

/// R-SOC-02
#[test]
fn a_suspension_runs_until_a_day_in_the_future_and_the_same_again_is_no_news() {
    let anna_is_known = given([registered(anna())]);
    anna_is_known.when(suspends("2026-06-16", ksb())).then([suspended("2026-06-16")]);
    anna_is_known.when(suspends("2026-06-16", ksb())).again().then([]);
    anna_is_known.when(suspends("2026-06-15", ksb())).refused(StatusRefused::NotInFuture);
    given([registered(bram())]).when(suspends("2026-06-16", ksb())).refused(StatusRefused::None);
}

/// R-SOC-02
#[test]
fn a_suspension_is_lifted_while_it_runs_and_once() {
    let lifted =
        Event::SuspensionLifted { card_system: MEETJESLAND, reason: sealed("reason"), at: now() };
    let running = given([registered(anna()), suspended("2026-06-16")]);
    running.when(lifts(ksb())).then([lifted]);
    running.when(lifts(ksb())).again().refused(StatusRefused::NotSuspended);
    let over = given([registered(anna()), suspended("2026-06-15")]);
    over.when(lifts(ksb())).refused(StatusRefused::NotSuspended);
    given([registered(anna())]).when(lifts(ksb())).refused(StatusRefused::NotSuspended);
}

/// R-SOC-02
#[test]
fn a_membership_is_blocked_once() {
    let anna_is_known = given([registered(anna())]);
    anna_is_known.when(blocks_it(ksb())).then([membership_blocked()]);
    anna_is_known.when(blocks_it(ksb())).again().refused(StatusRefused::MembershipBlocked);
    let in_gent = BlockMembership {
        by: of_gent(ksb()),
        card_system: GENT,
        reason: sealed("reason"),
        at: now(),
    };
    anna_is_known.when(Command::BlockMembership(in_gent)).refused(StatusRefused::NoMembership);
}

/// R-SOC-02, R-SOC-04
#[test]
fn what_the_state_on_the_day_buys() {
    let until = |until| registered(anna_until(until));
    let expired = Some(SaleRefused::Expired(day("2026-05-15")));
    for (past, at, refused) in [
        (vec![until("2026-06-15")], "2026-06-15 23:59:59", None),
        // Grace is from 16 May to 14 June, counted in Brussels days.
        (vec![until("2026-05-15")], "2026-06-14 23:59:59", None),
        (vec![until("2026-05-15")], "2026-06-15 00:00:00", expired),
        (
            vec![registered(bram_with_her_card())],
            "2026-06-15 20:00:00",
            Some(SaleRefused::NoSocialStatus),
        ),
        (
            vec![until("2027-04-30"), suspended("2026-06-16")],
            "2026-06-15 23:59:59",
            Some(SaleRefused::Suspended(day("2026-06-16"))),
        ),
        (vec![until("2027-04-30"), suspended("2026-06-16")], "2026-06-16 00:00:00", None),
    ] {
        let refusal =
            given(past).when(sells([ticket(1, &film(), "10.00")], brussels(at))).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{at}");
    }
}

/// R-SOC-02
#[test]
fn a_blocked_membership_buys_nothing_though_another_one_is_in_use() {
    let in_gent =
        Event::CardGiven { card_system: GENT, card: social_card(), digital: false, at: now() };
    given([registered(anna()), in_gent, membership_blocked()])
        .when(sells([ticket(1, &film(), "10.00")], now()))
        .refused(SaleRefused::MembershipBlocked);
}

/// R-SOC-02
#[test]
fn while_suspended_points_and_rewards_go_on() {
    let evening = brussels("2026-06-15 20:00:00");
    let suspended = given([registered(anna()), suspended("2026-07-01")]);
    let with_point =
        suspended.when(checks_in(check_in(1, &film(), social_card(), evening))).happens();
    let free = crate::rewards::costing(1);
    with_point.when(crate::rewards::redeems(1, social_card(), &free)).happens();
}

/// R-SOC-04
#[test]
fn the_refusal_tells_in_words_when_it_ended() {
    let refusal = given([registered(anna_until("2026-01-31"))])
        .when(sells([ticket(1, &film(), "10.00")], now()))
        .refusal();
    assert_eq!(refusal.unwrap().to_string(), "the social status ended on 2026-01-31");
}

/// R-SOC-04
#[test]
fn after_expiry_points_and_rewards_stay_open_unless_the_card_system_closes_them() {
    let in_gent =
        Event::CardGiven { card_system: GENT, card: regular_card(), digital: false, at: now() };
    let gent_blocked =
        Event::MembershipBlocked { card_system: GENT, reason: sealed("reason"), at: now() };
    let expired = || registered(anna_until("2026-01-31"));
    for (closes, past, refused) in [
        (false, vec![expired()], false),
        (true, vec![expired()], true),
        (true, vec![registered(anna_until("2026-05-16"))], false),
        (true, vec![registered(anna_until("2026-05-15"))], true),
        (true, vec![expired(), in_gent.clone()], false),
        (true, vec![expired(), in_gent, gent_blocked], true),
        (true, vec![registered(bram_with_her_card())], false),
    ] {
        let until = match &past[0] {
            Event::Registered(who) => who.social_status.as_ref().map(|status| status.until),
            _ => None,
        };
        let shown = format!("{closes} {past:?}");
        let story = given(past);
        let mut check_in = check_in(1, &film(), social_card(), brussels("2026-06-15 20:00:00"));
        check_in.card_systems = closing(closes);
        let expected = refused.then(|| Refused::from(StatusRefused::Expired(until.unwrap())));
        assert_eq!(story.when(checks_in(check_in)).refusal(), expected, "point: {shown}");
        let Command::Redeem(redeem) =
            crate::rewards::redeems(1, social_card(), &crate::rewards::mug())
        else {
            unreachable!()
        };
        let redeem = Redeem { card_systems: closing(closes), ..*redeem };
        let refusal = story.when(Command::Redeem(Box::new(redeem))).refusal();
        // Who may redeem has no points yet.
        assert_eq!(matches!(refusal, Some(Refused::Status(_))), refused, "reward: {shown}");
    }
}

/// R-SOC-05
#[test]
fn social_status_is_extended_for_inhabitants_only() {
    let moved = Registered { home: Some(ghent()), ..anna_until("2026-01-31") };
    given([registered(moved)])
        .when(extends("2027-04-30", desk()))
        .refused(RegistrationRefused::OutsideCardSystem);
    let abroad = Registered { home: None, ..anna_until("2026-01-31") };
    given([registered(abroad)])
        .when(extends("2027-04-30", desk()))
        .refused(RegistrationRefused::OutsideCardSystem);
}

/// R-SOC-05
#[test]
fn while_it_counts_an_address_outside_the_region_needs_an_upgrade() {
    let outside = PersonalDetails { address: address("9000", "Gent"), ..details() };
    let until = |until| vec![registered(anna_until(until))];
    for (past, refused) in [
        (until("2026-06-15"), true),
        // In grace until 14 June, and so over today.
        (until("2026-05-16"), true),
        (until("2026-05-15"), false),
        (vec![registered(anna()), suspended("2026-07-01")], true),
        (vec![registered(anna()), membership_blocked()], false),
        (vec![registered(bram())], false),
    ] {
        let shown = format!("{past:?}");
        let refusal = given(past).when(changes(details(), outside.clone())).refusal();
        let expected = refused.then_some(RegistrationRefused::UpgradeNeeded.into());
        assert_eq!(refusal, expected, "{shown}");
    }
}

/// R-CHK-07
#[test]
fn a_sale_in_grace_gives_its_point_all_the_same() {
    let events = given([registered(anna_until("2026-06-14"))])
        .when(sells([ticket(1, &film(), "10.00")], brussels("2026-06-15 20:00:00")))
        .events();
    assert!(matches!(events[..], [Event::TicketSold(_), Event::CheckedIn(_)]), "{events:?}");
    assert_eq!(serde_json::to_value(NoPoint::StatusExpired).unwrap(), "status-expired");
}

fn status(until: &str, suspended_until: Option<&str>) -> SocialStatus {
    let suspended_until: Option<NaiveDate> = suspended_until.map(day);
    SocialStatus { until: day(until), suspended_until }
}

/// A right of the same kind, in the other region.
fn of_gent(mut by: Authority) -> Authority {
    by.terms = by.terms.into_values().map(|terms| (GENT, terms)).collect();
    by.ksb_of = by.ksb_of.iter().map(|_| GENT).collect();
    by
}

fn bram_with_her_card() -> Registered {
    Registered { card: social_card(), ..bram() }
}

fn closing(expired_closes_points: bool) -> CardSystems {
    let close = |mut system: CardSystem| {
        system.settings.expired_closes_points = expired_closes_points;
        Arc::new(system)
    };
    CardSystems::from([(MEETJESLAND, close(meetjesland())), (GENT, close(gent()))])
}

fn extends(until: &str, by: Authority) -> Command {
    let system = Arc::new(meetjesland());
    let (card_system, until, at) = (MEETJESLAND, day(until), now());
    Command::ExtendSocialStatus(Extend { by, card_system, system, until, at })
}

fn suspends(until: &str, by: Authority) -> Command {
    let (card_system, until, reason) = (MEETJESLAND, day(until), sealed("reason"));
    Command::SuspendSocialStatus(Suspend { by, card_system, until, reason, at: now() })
}

fn suspended(until: &str) -> Event {
    let (until, reason) = (day(until), sealed("reason"));
    Event::SocialStatusSuspended { card_system: MEETJESLAND, until, reason, at: now() }
}

fn lifts(by: Authority) -> Command {
    let (card_system, reason) = (MEETJESLAND, sealed("reason"));
    Command::LiftSuspension(LiftSuspension { by, card_system, reason, at: now() })
}

fn blocks_it(by: Authority) -> Command {
    let (card_system, reason) = (MEETJESLAND, sealed("reason"));
    Command::BlockMembership(BlockMembership { by, card_system, reason, at: now() })
}

fn membership_blocked() -> Event {
    let reason = sealed("reason");
    Event::MembershipBlocked { card_system: MEETJESLAND, reason, at: now() }
}

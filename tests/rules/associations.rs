//! R-ASC: memberships of associations: who grants them, and until when.

use std::sync::Arc;

use uitpas_domain::association::*;
use uitpas_domain::counter::{Authority, NotAllowed, Task};
use uitpas_domain::ids::AssociationId;
use uitpas_domain::passholder::associations::{
    AssociationRefused, JoinAssociation, LeaveAssociation,
};
use uitpas_domain::passholder::{self, Event as Happened, Passholder};

use crate::given::*;

/// R-ASC-01
#[test]
fn an_association_is_defined_once_and_stays_with_its_card_system() {
    let at = now();
    let define = |definition: Definition| Command::Define { definition: Box::new(definition), at };
    let nothing = Story { state: Association::default() };
    let defined = Event::Defined { definition: Box::new(scouts(EndRule::ByHand)), at };
    nothing.when(define(scouts(EndRule::ByHand))).then([defined]);
    nothing.when(define(scouts(EndRule::ByHand))).again().refused(Refused::AlreadyExists);
    for (rule, refused) in [
        (EndRule::MonthsFromRegistration(0), true),
        (EndRule::MonthsFromRegistration(1), false),
        (EndRule::MonthsFromRegistration(120), false),
        (EndRule::MonthsFromRegistration(121), true),
        (EndRule::DayBeforeBirthday(0), true),
        (EndRule::DayBeforeBirthday(1), false),
        (EndRule::DayBeforeBirthday(120), false),
        (EndRule::DayBeforeBirthday(121), true),
    ] {
        let refusal = nothing.when(define(scouts(rule))).refusal();
        assert_eq!(refusal, refused.then_some(Refused::RuleOutOfRange), "{rule:?}");
    }
    let known = nothing.when(define(scouts(EndRule::ByHand))).happens();
    let change = |definition: Definition| Command::Change { definition: Box::new(definition), at };
    known.when(change(scouts(EndRule::ByHand))).then([]);
    let other = Definition { name: of("Chiro"), ..scouts(EndRule::ByHand) };
    known.when(change(other.clone())).then([Event::Changed { definition: Box::new(other), at }]);
    let elsewhere = Definition { owner: GENT, ..scouts(EndRule::ByHand) };
    known.when(change(elsewhere)).refused(Refused::OwnerIsFixed);
    nothing.when(change(scouts(EndRule::ByHand))).refused(Refused::Unknown);
}

/// R-ASC-01
#[test]
fn the_end_date_follows_the_rule_of_the_association() {
    for (rule, on, born, expected) in [
        (EndRule::MonthsFromRegistration(12), "2026-06-15", "2000-01-01", "2027-06-15"),
        (EndRule::MonthsFromRegistration(1), "2026-01-31", "2000-01-01", "2026-02-28"),
        (EndRule::DayBeforeBirthday(18), "2026-06-15", "2008-06-16", "2026-06-15"),
        (EndRule::DayBeforeBirthday(18), "2026-06-15", "2012-03-01", "2030-02-28"),
        (EndRule::DayBeforeBirthday(19), "2026-06-15", "2008-02-29", "2027-02-28"),
        (EndRule::DayBeforeBirthday(20), "2026-06-15", "2008-02-29", "2028-02-28"),
    ] {
        let join = JoinAssociation { birth_date: Some(day(born)), ..joins(rule, on) };
        let joined = Happened::AssociationJoined {
            association: the_scouts(),
            until: day(expected),
            at: join.at,
        };
        bram_is_known().when(joining(join)).then([joined]);
    }
    let past = JoinAssociation {
        birth_date: Some(day("2008-06-15")),
        ..joins(EndRule::DayBeforeBirthday(18), "2026-06-15")
    };
    bram_is_known().when(joining(past)).refused(AssociationRefused::Past(day("2026-06-14")));
    let unreadable = joins(EndRule::DayBeforeBirthday(18), "2026-06-15");
    let unreadable = JoinAssociation { birth_date: None, ..unreadable };
    bram_is_known().when(joining(unreadable)).refused(AssociationRefused::NoEndDate);
}

/// R-ASC-01: what the rule says is not for the counter to say otherwise.
#[test]
fn an_end_date_is_said_by_hand_only_where_the_rule_is_so() {
    let by_hand = |until: Option<&str>| JoinAssociation {
        end_date: until.map(day),
        ..joins(EndRule::ByHand, "2026-06-15")
    };
    bram_is_known().when(joining(by_hand(None))).refused(AssociationRefused::NoEndDate);
    bram_is_known().when(joining(by_hand(Some("2026-06-15")))).happens();
    bram_is_known()
        .when(joining(by_hand(Some("2026-06-14"))))
        .refused(AssociationRefused::Past(day("2026-06-14")));
    let months = JoinAssociation {
        end_date: Some(day("2030-01-01")),
        ..joins(EndRule::MonthsFromRegistration(2), "2026-06-15")
    };
    let joined = bram_is_known().when(joining(months)).happens();
    assert_eq!(joined.holder().associations[&the_scouts()], day("2026-08-15"));
}

/// R-ASC-01
#[test]
fn a_renewal_ends_in_the_future_and_later_than_before() {
    let by_hand = |until: &str, on: &str| {
        let end_date = Some(day(until));
        joining(JoinAssociation { end_date, ..joins(EndRule::ByHand, on) })
    };
    let member = bram_is_known().when(by_hand("2026-06-30", "2026-06-15")).happens();
    let not_later = AssociationRefused::NotLater(day("2026-06-30"));
    member.when(by_hand("2026-06-30", "2026-06-16")).refused(not_later);
    member.when(by_hand("2026-06-29", "2026-06-16")).refused(not_later);
    member.when(by_hand("2026-07-01", "2026-06-16")).happens();
    member
        .when(by_hand("2026-07-15", "2026-07-15"))
        .refused(AssociationRefused::Past(day("2026-07-15")));
    let renewed = member.when(by_hand("2026-07-16", "2026-07-15")).happens();
    assert_eq!(renewed.holder().associations[&the_scouts()], day("2026-07-16"));

    let monthly = |on: &str| joining(joins(EndRule::MonthsFromRegistration(1), on));
    let member = bram_is_known().when(monthly("2026-06-15")).happens();
    member.when(monthly("2026-06-15")).refused(AssociationRefused::NotLater(day("2026-07-15")));
    member.when(monthly("2026-06-16")).happens();
}

/// R-ASC-01
#[test]
fn a_membership_is_stopped_and_can_be_granted_anew() {
    let months = || joining(joins(EndRule::MonthsFromRegistration(12), "2026-06-15"));
    let stop = |by: Authority| {
        passholder::Command::LeaveAssociation(Box::new(LeaveAssociation {
            by,
            id: the_scouts(),
            association: defined(EndRule::ByHand),
            at: now(),
        }))
    };
    bram_is_known().when(stop(box_office())).refused(AssociationRefused::NoMember);
    let member = bram_is_known().when(months()).happens();
    member.when(stop(elsewhere(box_office()))).refused(AssociationRefused::OtherCounter);
    let left = Happened::AssociationLeft { association: the_scouts(), at: now() };
    member.when(stop(box_office())).then([left]);
    let stopped = member.when(stop(box_office())).happens();
    stopped.when(stop(box_office())).refused(AssociationRefused::NoMember);
    stopped.when(months()).happens();
}

/// The order of refusals: right, association, counter, card system, end date.
#[test]
fn the_first_reason_that_holds_is_told() {
    let mut join = JoinAssociation {
        by: elsewhere(nobody()),
        association: Arc::default(),
        ..joins(EndRule::ByHand, "2026-06-15")
    };
    let asks = |join: &JoinAssociation| joining(join.clone());
    let of_ghent = given([registered(passholder::Registered { card_system: GENT, ..bram() })]);
    of_ghent.when(asks(&join)).refused(NotAllowed::Task(Task::Identify));
    join.by = elsewhere(box_office());
    of_ghent.when(asks(&join)).refused(AssociationRefused::Unknown);
    join.association = defined(EndRule::ByHand);
    of_ghent.when(asks(&join)).refused(AssociationRefused::OtherCounter);
    join.by = box_office();
    of_ghent.when(asks(&join)).refused(AssociationRefused::OtherCardSystem);
    bram_is_known().when(asks(&join)).refused(AssociationRefused::NoEndDate);
    let blocked = Happened::MembershipBlocked {
        card_system: MEETJESLAND,
        reason: sealed("reason"),
        at: now(),
    };
    given([registered(bram()), blocked])
        .when(asks(&join))
        .refused(AssociationRefused::OtherCardSystem);
}

/// R-ASC-01: from one month before the end, which stays within the month.
#[test]
fn a_notice_starts_one_month_before_the_end() {
    for (until, today, expected) in [
        ("2026-07-15", "2026-06-14", false),
        ("2026-07-15", "2026-06-15", true),
        ("2026-07-15", "2026-07-15", true),
        ("2026-07-15", "2026-07-16", false),
        ("2026-03-31", "2026-02-27", false),
        ("2026-03-31", "2026-02-28", true),
    ] {
        assert_eq!(ends_soon(day(until), day(today)), expected, "{until} on {today}");
    }
}

/// R-ASC-01: what a counter may fill in.
#[test]
fn a_year_is_proposed_from_today_or_on_from_the_present_end() {
    let today = day("2026-06-15");
    assert_eq!(EndRule::proposal(today, None), day("2027-06-15"));
    assert_eq!(EndRule::proposal(today, Some(day("2026-09-30"))), day("2027-09-30"));
    assert_eq!(EndRule::proposal(today, Some(day("2025-09-30"))), day("2027-06-15"));
}

fn the_scouts() -> AssociationId {
    AssociationId(uuid(5))
}

fn scouts(end_rule: EndRule) -> Definition {
    Definition {
        name: of("Scouts Eeklo"),
        owner: MEETJESLAND,
        end_rule,
        readers: [].into(),
        registrars: [library()].into(),
    }
}

fn defined(end_rule: EndRule) -> Arc<Association> {
    let definition = Box::new(scouts(end_rule));
    Arc::new(given([Event::Defined { definition, at: now() }]).state)
}

fn bram_is_known() -> Story<Passholder> {
    given([registered(bram())])
}

/// Bram, at the box office of the library.
fn joins(rule: EndRule, on: &str) -> JoinAssociation {
    JoinAssociation {
        by: box_office(),
        id: the_scouts(),
        association: defined(rule),
        end_date: None,
        birth_date: Some(day("1983-03-02")),
        at: brussels(&format!("{on} 12:00:00")),
    }
}

fn joining(join: JoinAssociation) -> passholder::Command {
    passholder::Command::JoinAssociation(Box::new(join))
}

//! R-SOC-03: the yearly renewal of social status.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::passholder::renewal::*;
use uitpas_domain::passholder::{Command, Event, Registered};

use crate::given::*;

/// R-SOC-03
#[test]
fn it_runs_from_15_to_30_april_in_brussels() {
    let outside =
        RenewalRefused::OutsideSeason { from: day("2026-04-15"), until: day("2026-04-30") };
    let anna_is_known = given([registered(anna_until("2026-04-30"))]);
    for (at, refused) in [
        ("2026-04-14 23:59:59", true),
        ("2026-04-15 00:00:00", false),
        ("2026-04-30 23:59:59", false),
        ("2026-05-01 00:00:00", true),
    ] {
        let refusal = anna_is_known.when(renews(Some(Verdict::Positive), brussels(at))).refusal();
        assert_eq!(refusal, refused.then_some(outside.into()), "{at}");
    }
}

/// R-SOC-03
#[test]
fn a_positive_verdict_moves_the_end_date_on_and_never_back() {
    for (before, after) in [
        ("2026-03-31", "2027-04-30"),
        ("2026-04-30", "2027-04-30"),
        ("2027-04-29", "2027-04-30"),
        ("2027-04-30", "2027-04-30"),
        ("2027-05-01", "2027-05-01"),
        ("2029-12-31", "2029-12-31"),
    ] {
        let anna_is_known = given([registered(anna_until(before))]);
        let renew = renews(Some(Verdict::Positive), in_season());
        anna_is_known.when(renew.clone()).then([renewed(after)]);
        anna_is_known.when(renew).again().then([]);
    }
}

/// R-SOC-03
#[test]
fn another_verdict_leaves_it_as_it_was_and_says_why() {
    for (verdict, why) in
        [(Some(Verdict::Negative), Withheld::Negative), (None, Withheld::NotInList)]
    {
        let story = given([registered(anna())]).when(renews(verdict, in_season()));
        let after = story.happens();
        assert_eq!(after.holder().social_status().unwrap().2.until, day("2027-04-30"));
        after.when(renews(verdict, in_season())).then([]);
        given([registered(anna())]).when(renews(verdict, in_season())).then([withheld(why)]);
    }
}

/// R-SOC-03: a list on other people takes nothing back; the next year is another matter.
#[test]
fn a_later_list_of_the_same_year_only_makes_it_better() {
    let positive = Some(Verdict::Positive);
    let negative = Some(Verdict::Negative);
    let anna_until = |known: Event| given([registered(anna_until("2026-04-30")), known]);
    let renewed = || renewed("2027-04-30");
    anna_until(renewed()).when(renews(None, in_season())).then([]);
    anna_until(renewed()).when(renews(negative, in_season())).then([]);
    let negative_before = || withheld(Withheld::Negative);
    anna_until(negative_before()).when(renews(None, in_season())).then([]);
    anna_until(negative_before()).when(renews(positive, in_season())).then([renewed()]);
    let absent = || withheld(Withheld::NotInList);
    anna_until(absent()).when(renews(negative, in_season())).then([negative_before()]);
    anna_until(absent()).when(renews(positive, in_season())).then([renewed()]);

    let next = brussels("2027-04-20 12:00:00");
    let next_year = |why| Event::RenewalWithheld { card_system: MEETJESLAND, why, at: next };
    anna_until(renewed()).when(renews(None, next)).then([next_year(Withheld::NotInList)]);
}

/// R-SOC-03: who is up for it.
#[test]
fn candidates_are_active_or_in_grace_and_live_in_an_enrolled_code() {
    let positive = |who: Registered, more: Vec<Event>| {
        let told = [vec![registered(who)], more].concat();
        given(told).when(renews(Some(Verdict::Positive), in_season())).refusal()
    };
    let none = Some(RenewalRefused::NoCandidate.into());
    // It is 20 April: 21 March is the last day of thirty days of grace.
    assert_eq!(positive(anna_until("2026-04-20"), vec![]), None);
    assert_eq!(positive(anna_until("2026-03-21"), vec![]), None);
    assert_eq!(positive(anna_until("2026-03-20"), vec![]), none);
    assert_eq!(positive(bram(), vec![]), none);
    let suspended = |until| Event::SocialStatusSuspended {
        card_system: MEETJESLAND,
        until: day(until),
        reason: sealed("reason"),
        at: now(),
    };
    assert_eq!(positive(anna(), vec![suspended("2026-04-21")]), none);
    assert_eq!(positive(anna(), vec![suspended("2026-04-20")]), None);
    let (card_system, reason, at) = (MEETJESLAND, sealed("reason"), now());
    assert_eq!(positive(anna(), vec![Event::MembershipBlocked { card_system, reason, at }]), none);
    assert_eq!(positive(Registered { home: Some(ghent()), ..anna() }, vec![]), none);
    assert_eq!(positive(Registered { home: None, ..anna() }, vec![]), none);
}

/// R-SOC-03: a municipality enrols from the day of its agreement.
#[test]
fn a_postal_code_is_enrolled_from_the_day_of_its_agreement() {
    use card_system::{Command, Refused};
    let agree = |code, agreed_on| Command::AgreeToRenewal {
        postal_code: of(code),
        agreed_on: day(agreed_on),
        at: now(),
    };
    let region = given([card_system::Event::Created {
        name: of("UiTPAS Meetjesland"),
        municipalities: vec![eeklo()],
        at: now(),
    }]);
    region.when(agree("9000", "2026-01-31")).refused(Refused::OtherPostalCode(of("9000")));
    let agreed = region.when(agree("9900", "2026-04-20")).happens();
    agreed.when(agree("9900", "2026-04-20")).then([]);
    assert_eq!(demand_season(&agreed.state, day("2026-04-19")), Err(RenewalRefused::NoAgreement));
    assert_eq!(demand_season(&agreed.state, day("2026-04-20")), Ok(()));
    let end = Command::EndRenewalAgreement { postal_code: of("9900"), at: now() };
    let ended = agreed.when(end.clone()).happens();
    assert_eq!(demand_season(&ended.state, day("2026-04-20")), Err(RenewalRefused::NoAgreement));
    ended.when(end).then([]);
}

fn in_season() -> DateTime<Utc> {
    brussels("2026-04-20 10:00:00")
}

/// Eeklo agreed to the renewal.
fn enrolled() -> CardSystem {
    CardSystem { renewal_agreements: [(of("9900"), day("2026-01-31"))].into(), ..meetjesland() }
}

fn renews(verdict: Option<Verdict>, at: DateTime<Utc>) -> Command {
    let system = Arc::new(enrolled());
    Command::RenewSocialStatus(Renew { card_system: MEETJESLAND, system, verdict, at })
}

fn renewed(until: &str) -> Event {
    let at = in_season();
    Event::SocialStatusRenewed { card_system: MEETJESLAND, until: day(until), at }
}

fn withheld(why: Withheld) -> Event {
    Event::RenewalWithheld { card_system: MEETJESLAND, why, at: in_season() }
}

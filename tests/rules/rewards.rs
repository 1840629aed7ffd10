//! R-RWD: points and welcome rewards: laying them down, granting, taking up, giving back.

use std::sync::Arc;

use uitpas_domain::activity::Settings;
use uitpas_domain::calendar::{DayRange, Period};
use uitpas_domain::counter::{Authority, NotAllowed, Task};
use uitpas_domain::ids::{CheckInId, RedemptionId, RewardId};
use uitpas_domain::limit::Limit;
use uitpas_domain::passholder::cards::{BlockReason, CardRefused};
use uitpas_domain::passholder::redemptions::*;
use uitpas_domain::passholder::{Command, Event, Passholder, Refused, Registered, RewardRedeemed};
use uitpas_domain::reward::{self, Definition, Kind, Marks, Reward, Status, Unavailable};
use uitpas_domain::values::card_number::CardNumber;

use crate::given::*;

/// R-RWD-01
#[test]
fn a_welcome_reward_is_laid_down_from_today_on() {
    for (from, at, refused) in [
        (Some("2026-06-15"), "2026-06-15 23:59:59", false),
        (Some("2026-06-15"), "2026-06-16 00:00:00", true),
        (Some("2026-06-14"), "2026-06-15 09:00:00", true),
        (Some("2026-06-16"), "2026-06-15 09:00:00", false),
        // Open at the beginning: it would begin long before today.
        (None, "2026-06-15 09:00:00", true),
    ] {
        let granting = DayRange { from: from.map(day), until: None };
        let definition = Box::new(Definition { granting, ..welcome() });
        let create = reward::Command::Create { definition, at: brussels(at) };
        let refusal = Story { state: Reward::default() }.when(create).refusal();
        assert_eq!(
            refusal,
            refused.then_some(reward::Refused::GrantsInRetrospect),
            "{from:?} {at}"
        );
    }
}

/// R-RWD-01
#[test]
fn its_granting_is_not_moved_into_the_past_either() {
    let known = given([created(welcome())]);
    for (from, refused) in [("2026-06-14", true), ("2026-06-15", false), ("2026-01-01", false)] {
        let granting = DayRange { from: Some(day(from)), until: None };
        let change = changes_to(Definition { granting, ..welcome() });
        let refusal = known.when(change).refusal();
        // Where it began on 1 January already, that is no move.
        assert_eq!(refusal, refused.then_some(reward::Refused::GrantsInRetrospect), "{from}");
    }
}

/// R-RWD-01
#[test]
fn a_welcome_reward_costs_no_points_and_is_taken_up_once_in_its_redemption_period() {
    let redemption = DayRange { from: Some(day("2026-06-15")), until: None };
    let known = Definition { redemption, ..welcome() };
    let granted = given([registered(anna()), granted()]);
    granted.when(redeems(1, social_card(), &known)).then([Event::RewardRedeemed(Box::new(
        RewardRedeemed {
            redemption: RedemptionId(uuid(1)),
            reward: the_reward(),
            title: of("Welkom"),
            kind: Kind::Welcome,
            points: 0,
            counter: library(),
            card: social_card(),
            at: now(),
        },
    ))]);
    granted
        .when(redeems(1, social_card(), &known))
        .again()
        .refused(RedemptionRefused::LimitReached);
    given([registered(anna())])
        .when(redeems(1, social_card(), &known))
        .refused(RedemptionRefused::NotGranted);
}

/// R-RWD-01
#[test]
fn one_that_was_granted_before_a_replacement_is_granted_still() {
    let card_given = Event::CardGiven {
        card_system: MEETJESLAND,
        card: other_social_card(),
        digital: false,
        at: now(),
    };
    let lost = given([registered(anna()), granted()])
        .when(blocks(social_card(), BlockReason::Loss, desk()))
        .events();
    given([vec![registered(anna()), granted()], lost, vec![card_given]].concat())
        .when(redeems(1, other_social_card(), &welcome()))
        .happens();
}

/// R-RWD-02
#[test]
fn a_points_reward_needs_a_balance_of_its_price() {
    for (points, balance, refused) in [(3, 2, true), (3, 3, false), (3, 4, false), (1, 0, true)] {
        let reward = costing(points);
        let refusal = with_points(balance).when(redeems(1, social_card(), &reward)).refusal();
        let not_enough = RedemptionRefused::NotEnoughPoints { cost: points, balance };
        assert_eq!(refusal, refused.then_some(not_enough.into()), "{points} of {balance}");
    }
    let after = with_points(4).when(redeems(1, social_card(), &mug())).happens();
    assert_eq!(after.points(), 1);
}

/// R-RWD-02
#[test]
fn a_welcome_reward_never_depends_on_the_balance() {
    let mut below_nothing = given([registered(anna()), granted()]);
    below_nothing.state.evolve(Event::CheckInCorrected {
        check_in: CheckInId(uuid(1)),
        activity: of("film"),
        points: 5,
        reason: None,
        at: now(),
    });
    assert_eq!(below_nothing.points(), -5);
    below_nothing.when(redeems(1, social_card(), &welcome())).happens();
}

/// R-RWD-03
#[test]
fn the_redemption_period_has_both_its_ends_in_brussels_days() {
    use Unavailable::{NotYet, Over};
    let range = |from: Option<&str>, until: Option<&str>| DayRange {
        from: from.map(day),
        until: until.map(day),
    };
    let june = range(Some("2026-06-01"), Some("2026-06-30"));
    let january = range(Some("2026-01-10"), Some("2026-01-20"));
    let leap_day = range(Some("2028-02-29"), Some("2028-02-29"));
    for (redemption, at, refused) in [
        (june, "2026-05-31 23:59:59", Some(NotYet(day("2026-06-01")))),
        (june, "2026-06-01 00:00:00", None),
        (june, "2026-06-30 23:59:59", None),
        (june, "2026-07-01 00:00:00", Some(Over(day("2026-06-30")))),
        (january, "2026-01-09 23:59:59", Some(NotYet(day("2026-01-10")))),
        (january, "2026-01-10 00:00:00", None),
        (january, "2026-01-20 23:59:59", None),
        (january, "2026-01-21 00:00:00", Some(Over(day("2026-01-20")))),
        (leap_day, "2028-02-29 12:00:00", None),
        (leap_day, "2028-03-01 00:00:00", Some(Over(day("2028-02-29")))),
        (range(None, None), "2029-01-01 00:00:00", None),
        (range(None, Some("2026-03-29")), "2026-03-29 23:59:59", None),
        (range(None, Some("2026-03-29")), "2026-03-30 00:00:00", Some(Over(day("2026-03-29")))),
        (range(Some("2026-10-25"), None), "2026-10-24 23:59:59", Some(NotYet(day("2026-10-25")))),
        (range(Some("2026-10-25"), None), "2026-10-25 00:00:00", None),
    ] {
        let reward = Definition { redemption, ..mug() };
        let refusal = with_points(3).when(redeems_at(1, &reward, at)).refusal();
        let expected = refused.map(|why| RedemptionRefused::from(why).into());
        assert_eq!(refusal, expected, "{redemption:?} at {at}");
    }
}

/// R-RWD-03
#[test]
fn publication_and_granting_say_nothing_about_taking_up() {
    let over = DayRange { from: None, until: Some(day("2020-12-31")) };
    let reward = Definition { publication: over, granting: over, ..mug() };
    with_points(3).when(redeems(1, social_card(), &reward)).happens();
}

/// R-RWD-03
#[test]
fn a_period_that_ends_before_it_begins_is_refused() {
    let reversed = DayRange { from: Some(day("2026-07-02")), until: Some(day("2026-07-01")) };
    for definition in [
        Definition { publication: reversed, ..mug() },
        Definition { granting: reversed, ..mug() },
        Definition { redemption: reversed, ..mug() },
    ] {
        Story { state: Reward::default() }
            .when(creates(definition))
            .refused(reward::Refused::ReversedPeriod);
    }
    let one_day = DayRange { from: Some(day("2026-07-01")), until: Some(day("2026-07-01")) };
    let definition = Definition { redemption: one_day, ..mug() };
    Story { state: Reward::default() }.when(creates(definition)).happens();
}

/// R-RWD-04
#[test]
fn units_are_taken_until_none_is_left_and_each_redemption_takes_one() {
    let two = Definition { units_max: Some(2), ..mug() };
    let fresh = given([created(two)]);
    fresh.when(takes(1)).then([reward::Event::FirstUsed { at: now() }, taken(1)]);
    fresh.when(takes(1)).again().then([]);
    let one_left = fresh.when(takes(1)).happens();
    one_left.when(takes(2)).then([taken(2)]);
    let none_left = one_left.when(takes(2)).happens();
    none_left.when(takes(3)).refused(reward::Refused::SoldOut);
    let none = given([created(Definition { units_max: Some(0), ..mug() })]);
    none.when(takes(1)).refused(reward::Refused::SoldOut);
}

/// R-RWD-04
#[test]
fn units_without_end_are_not_counted() {
    let endless = given([created(mug())]);
    let used = endless.when(takes(1)).happens();
    assert_eq!(used.state.units_taken(), 0);
    used.when(takes(2)).then([]);
    used.when(returns(2)).then([]);
}

/// R-RWD-04, R-RWD-08
#[test]
fn only_a_unit_that_was_taken_comes_back_and_once() {
    let sold_out = given([created(Definition { units_max: Some(1), ..mug() }), taken(1)]);
    sold_out
        .when(returns(1))
        .then([reward::Event::UnitReturned { redemption: RedemptionId(uuid(1)), at: now() }]);
    sold_out.when(returns(1)).again().then([]);
    sold_out.when(returns(1)).happens().when(takes(2)).happens();
    // A redemption from before units were counted holds none to give back.
    sold_out.when(returns(9)).then([]);
    sold_out.when(returns(9)).happens().when(takes(2)).refused(reward::Refused::SoldOut);
}

/// R-RWD-04
#[test]
fn a_passholder_takes_so_many_per_period() {
    for (period, first, second, taken_again) in [
        (Period::Absolute, "2026-01-01 00:00:00", "2030-12-31 23:59:59", false),
        (Period::Day, "2026-06-15 00:00:00", "2026-06-15 23:59:59", false),
        (Period::Day, "2026-06-15 23:59:59", "2026-06-16 00:00:00", true),
        (Period::Week, "2026-06-15 00:00:00", "2026-06-21 23:59:59", false),
        (Period::Week, "2026-06-21 23:59:59", "2026-06-22 00:00:00", true),
        (Period::Month, "2028-02-29 23:59:59", "2028-03-01 00:00:00", true),
        (Period::Quarter, "2026-03-31 23:59:59", "2026-04-01 00:00:00", true),
        (Period::Quarter, "2026-04-01 00:00:00", "2026-06-30 23:59:59", false),
        (Period::Year, "2026-12-31 23:59:59", "2027-01-01 00:00:00", true),
    ] {
        let passholder_limit = Some(Limit { volume: 1, period });
        let reward = Definition { passholder_limit, ..costing(1) };
        let refusal = with_points(9)
            .when(redeems_at(1, &reward, first))
            .happens()
            .when(redeems_at(2, &reward, second))
            .refusal();
        let expected = (!taken_again).then_some(RedemptionRefused::LimitReached.into());
        assert_eq!(refusal, expected, "{period}: {first}, {second}");
    }
    let once = Definition { passholder_limit: Some(Limit::ONCE_EVER), ..costing(1) };
    with_points(9)
        .when(redeems(1, social_card(), &once))
        .again()
        .refused(RedemptionRefused::LimitReached);
}

/// R-RWD-05
#[test]
fn a_reward_may_be_for_inhabitants_counters_and_card_systems() {
    use RedemptionRefused::{OtherCardSystem, OtherMunicipality};
    let other_counter = RedemptionRefused::Unavailable(Unavailable::OtherCounter);
    for (reward, refused) in [
        (mug(), None),
        (Definition { only_inhabitants_of: [of("9900")].into(), ..mug() }, None),
        (Definition { only_inhabitants_of: [of("9000")].into(), ..mug() }, Some(OtherMunicipality)),
        (Definition { only_at_counters: [library()].into(), ..mug() }, None),
        (
            Definition { only_at_counters: [of("cc-de-herbakker")].into(), ..mug() },
            Some(other_counter),
        ),
        (Definition { only_card_systems: [MEETJESLAND, GENT].into(), ..mug() }, None),
        (Definition { only_card_systems: [GENT].into(), ..mug() }, Some(OtherCardSystem)),
    ] {
        let refusal = with_points(3).when(redeems(1, social_card(), &reward)).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{reward:?}");
    }
}

/// R-RWD-05
#[test]
fn inhabitants_are_judged_at_the_grant_for_welcome_and_at_redemption_for_points() {
    let eeklo_only =
        |definition| Definition { only_inhabitants_of: [of("9900")].into(), ..definition };
    let moved = Event::DetailsChanged {
        details: sealed("new"),
        home: Some(ghent()),
        with_insz: true,
        at: now(),
    };
    let mut rich_and_moved = with_points(3).state;
    rich_and_moved.evolve(granted());
    rich_and_moved.evolve(moved);
    let story = Story { state: rich_and_moved };
    story.when(redeems(1, social_card(), &eeklo_only(welcome()))).happens();
    story
        .when(redeems(1, social_card(), &eeklo_only(mug())))
        .refused(RedemptionRefused::OtherMunicipality);
    let known = given([created(eeklo_only(welcome()))]).state;
    for (home, granted) in [(Some(eeklo()), true), (Some(ghent()), false), (None, false)] {
        let today = day("2026-06-15");
        assert_eq!(known.is_granted(MEETJESLAND, home.as_ref(), today), granted, "{home:?}");
    }
}

/// R-RWD-05
#[test]
fn a_points_reward_without_restriction_is_for_everyone_abroad_too() {
    let abroad = Registered { home: None, card_system: GENT, ..anna() };
    let point = given([registered(abroad)])
        .when(checks_in(check_in(1, &film(), social_card(), brussels("2026-06-15 20:00:00"))))
        .happens();
    point.when(redeems(1, social_card(), &costing(1))).happens();
}

/// R-RWD-05
#[test]
fn a_blocked_membership_gives_no_access_to_its_card_system_s_rewards() {
    let in_gent =
        Event::CardGiven { card_system: GENT, card: regular_card(), digital: false, at: now() };
    let blocked =
        Event::MembershipBlocked { card_system: MEETJESLAND, reason: sealed("reason"), at: now() };
    let only_here = Definition { only_card_systems: [MEETJESLAND].into(), ..welcome() };
    given([registered(anna()), granted(), in_gent, blocked])
        .when(redeems(1, regular_card(), &only_here))
        .refused(RedemptionRefused::OtherCardSystem);
}

/// R-RWD-06, R-CTR-01
#[test]
fn the_first_of_several_reasons_is_the_answer() {
    let start = |by, card, known: Definition, balance: i64| {
        let Command::Redeem(redeem) = redeems(2, card, &known) else { unreachable!() };
        with_points(balance)
            .when(redeems(1, social_card(), &costing(1)))
            .happens()
            .when(Command::Redeem(Box::new(Redeem { by, ..*redeem })))
            .refusal()
    };
    let mut wrong = Definition {
        status: Status::Inactive,
        redemption: DayRange { from: Some(day("2026-06-16")), until: None },
        only_at_counters: [of("cc-de-herbakker")].into(),
        units_max: Some(0),
        only_card_systems: [GENT].into(),
        only_inhabitants_of: [of("9000")].into(),
        passholder_limit: Some(Limit::ONCE_EVER),
        ..mug()
    };
    let no_right: Refused = NotAllowed::Task(Task::Redeem).into();
    assert_eq!(start(nobody(), regular_card(), wrong.clone(), 3), Some(no_right));
    let other: Refused = CardRefused::NotOfThisPassholder.into();
    assert_eq!(start(box_office(), regular_card(), wrong.clone(), 3), Some(other));
    let mend: [Mended<Definition, RedemptionRefused>; 8] = [
        (Unavailable::Inactive.into(), |known| known.status = Status::Active),
        (Unavailable::NotYet(day("2026-06-16")).into(), |known| {
            known.redemption = DayRange::default();
        }),
        (Unavailable::OtherCounter.into(), |known| known.only_at_counters.clear()),
        (Unavailable::SoldOut.into(), |known| known.units_max = None),
        (RedemptionRefused::OtherCardSystem, |known| known.only_card_systems.clear()),
        (RedemptionRefused::OtherMunicipality, |known| known.only_inhabitants_of.clear()),
        (RedemptionRefused::LimitReached, |known| known.passholder_limit = None),
        (RedemptionRefused::NotEnoughPoints { cost: 3, balance: 2 }, |known| known.points = 2),
    ];
    for (reason, mend) in mend {
        let refusal = start(box_office(), social_card(), wrong.clone(), 3);
        assert_eq!(refusal, Some(reason.into()));
        mend(&mut wrong);
    }
    assert_eq!(start(box_office(), social_card(), wrong, 3), None);
}

/// R-RWD-06
#[test]
fn one_that_is_unknown_inactive_or_sold_out_is_not_to_be_had() {
    let available =
        |reward: &Reward| reward.available(&library(), day("2026-06-15")).map(|_| ()).unwrap_err();
    assert_eq!(available(&Reward::default()), Unavailable::Unknown);
    for status in [Status::Inactive, Status::Deleted] {
        let known = given([created(Definition { status, ..mug() })]);
        assert_eq!(available(&known.state), Unavailable::Inactive, "{status}");
    }
    let sold_out = given([created(Definition { units_max: Some(1), ..mug() }), taken(1)]);
    assert_eq!(available(&sold_out.state), Unavailable::SoldOut);
}

/// R-RWD-08
#[test]
fn cancelling_gives_points_and_use_back_once() {
    let once = Definition { passholder_limit: Some(Limit::ONCE_EVER), ..mug() };
    let redeemed = with_points(3).when(redeems(1, social_card(), &once)).happens();
    assert_eq!(redeemed.points(), 0);
    redeemed.when(gives_back(1, ksb())).then([Event::RedemptionCancelled {
        redemption: RedemptionId(uuid(1)),
        reward: the_reward(),
        points: 3,
        at: now(),
    }]);
    redeemed.when(gives_back(1, ksb())).again().refused(RedemptionRefused::AlreadyCancelled);
    redeemed.when(gives_back(2, ksb())).refused(RedemptionRefused::Unknown);
    let after = redeemed.when(gives_back(1, ksb())).happens();
    assert_eq!(after.points(), 3);
    after.when(redeems(2, social_card(), &once)).happens();
}

/// R-RWD-08
#[test]
fn a_welcome_reward_that_was_given_back_is_granted_still() {
    given([registered(anna()), granted()])
        .when(redeems(1, social_card(), &welcome()))
        .happens()
        .when(gives_back(1, ksb()))
        .happens()
        .when(redeems(2, social_card(), &welcome()))
        .happens();
}

/// R-RWD-08, R-KSB-03
#[test]
fn only_a_ksb_admin_cancels_and_at_the_counter_where_it_was_redeemed() {
    let redeemed = with_points(3).when(redeems(1, social_card(), &mug())).happens();
    for (by, refused) in
        [(ksb(), false), (desk(), true), (box_office(), true), (elsewhere(ksb()), true)]
    {
        let shown = format!("{by:?}");
        let refusal = redeemed.when(gives_back(1, by)).refusal();
        assert_eq!(refusal, refused.then_some(RedemptionRefused::OnlyKsb.into()), "{shown}");
    }
}

/// R-RWD-09
#[test]
fn a_redeemed_reward_records_no_amount_that_anyone_would_repay() {
    let events = with_points(3).when(redeems(1, social_card(), &mug())).events();
    let recorded = serde_json::to_value(&events[0]).unwrap();
    let fields = recorded["RewardRedeemed"].as_object().unwrap();
    let mut names: Vec<_> = fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["at", "card", "counter", "kind", "points", "redemption", "reward", "title"]);
}

/// R-RWD-10
#[test]
fn after_first_use_points_and_the_begin_of_granting_and_redemption_are_fixed() {
    let from = |from| DayRange { from: Some(day(from)), until: None };
    let until = |until| DayRange { from: None, until: Some(day(until)) };
    let first_used = reward::Event::FirstUsed { at: now() };
    let used = given([created(mug()), first_used.clone()]);
    let unused = given([created(mug())]);
    for (definition, fixed) in [
        (costing(4), true),
        (Definition { redemption: from("2026-07-01"), ..mug() }, true),
        (Definition { granting: from("2026-07-01"), ..mug() }, true),
        (Definition { redemption: until("2026-12-31"), ..mug() }, false),
        (Definition { granting: until("2026-12-31"), ..mug() }, false),
        (Definition { publication: from("2026-07-01"), ..mug() }, false),
        (Definition { units_max: Some(9), ..mug() }, false),
    ] {
        let shown = format!("{definition:?}");
        let change = changes_to(definition);
        let expected = fixed.then_some(reward::Refused::FixedAfterFirstUse);
        assert_eq!(used.when(change.clone()).refusal(), expected, "used: {shown}");
        assert_eq!(unused.when(change).refusal(), None, "unused: {shown}");
    }
    let granted = reward::Command::Grant { at: now() };
    given([created(welcome())]).when(granted.clone()).then([first_used]);
    given([created(welcome())]).when(granted).again().then([]);
}

/// R-RWD-02, R-RWD-10
#[test]
fn a_reward_is_laid_down_once_with_a_price_that_fits_its_kind() {
    use reward::Refused::*;
    let nothing = Story { state: Reward::default() };
    nothing
        .when(creates(mug()))
        .then([reward::Event::Created { definition: Box::new(mug()), at: now() }]);
    nothing.when(creates(mug())).again().refused(AlreadyExists);
    nothing.when(creates(costing(0))).refused(NoPoints);
    nothing.when(creates(Definition { points: 1, ..welcome() })).refused(WelcomeWithPoints);
    let known = given([created(mug())]);
    known.when(changes_to(mug())).then([]);
    known.when(changes_to(costing(4))).again().then([]);
    known.when(changes_to(costing(0))).refused(NoPoints);
    known.when(changes_to(welcome())).refused(KindIsFixed);
    let two_taken =
        given([created(Definition { units_max: Some(3), ..mug() }), taken(1), taken(2)]);
    let with_units = |units| changes_to(Definition { units_max: Some(units), ..mug() });
    two_taken.when(with_units(1)).refused(FewerUnitsThanTaken(2));
    two_taken.when(with_units(2)).happens();
}

/// R-RWD-10
#[test]
fn of_a_reward_that_nobody_laid_down_nothing_happens() {
    let nothing = Story { state: Reward::default() };
    let grant = reward::Command::Grant { at: now() };
    for command in [changes_to(mug()), takes(1), returns(1), grant] {
        nothing.when(command).refused(reward::Refused::Unknown);
    }
}

/// Three points, without end or restriction.
pub fn mug() -> Definition {
    Definition {
        title: of("Mok"),
        kind: Kind::Points,
        points: 3,
        status: Status::Active,
        description: of("Een mok met een boterham erop."),
        practical_info: None,
        more_info_url: None,
        categories: vec![],
        marks: Marks::default(),
        pictures: vec![],
        owner: MEETJESLAND,
        publication: DayRange::default(),
        granting: DayRange::default(),
        redemption: DayRange::default(),
        units_max: None,
        passholder_limit: None,
        only_inhabitants_of: Default::default(),
        only_at_counters: Default::default(),
        only_card_systems: Default::default(),
    }
}

pub fn costing(points: u32) -> Definition {
    Definition { points, ..mug() }
}

/// For who registers in 2026.
pub fn welcome() -> Definition {
    let granting = DayRange { from: Some(day("2026-01-01")), until: Some(day("2026-12-31")) };
    Definition { title: of("Welkom"), kind: Kind::Welcome, points: 0, granting, ..mug() }
}

pub fn created(definition: Definition) -> reward::Event {
    reward::Event::Created { definition: Box::new(definition), at: brussels("2026-01-01 00:00:00") }
}

/// At the box office, now.
pub fn redeems(number: u128, card: CardNumber, reward: &Definition) -> Command {
    Command::Redeem(Box::new(Redeem {
        redemption: RedemptionId(uuid(number)),
        by: box_office(),
        reward: the_reward(),
        known: Arc::new(given([created(reward.clone())]).state),
        card,
        card_systems: card_systems(),
        at: now(),
    }))
}

fn redeems_at(number: u128, reward: &Definition, at: &str) -> Command {
    let Command::Redeem(redeem) = redeems(number, social_card(), reward) else { unreachable!() };
    Command::Redeem(Box::new(Redeem { at: brussels(at), ..*redeem }))
}

fn gives_back(number: u128, by: Authority) -> Command {
    let redemption = RedemptionId(uuid(number));
    Command::CancelRedemption(CancelRedemption { redemption, by, at: now() })
}

fn the_reward() -> RewardId {
    RewardId(uuid(1))
}

fn granted() -> Event {
    Event::WelcomeRewardGranted { reward: the_reward(), title: of("Welkom"), at: now() }
}

/// Anna, after a participation that was worth so much.
fn with_points(balance: i64) -> Story<Passholder> {
    if balance == 0 {
        return given([registered(anna())]);
    }
    let check_in_points = u32::try_from(balance).unwrap();
    let film = with_settings(film(), Settings { check_in_points, ..Settings::default() });
    given([registered(anna())])
        .when(checks_in(check_in(1, &film, social_card(), brussels("2026-06-15 20:00:00"))))
        .happens()
}

fn creates(definition: Definition) -> reward::Command {
    reward::Command::Create { definition: Box::new(definition), at: now() }
}

fn changes_to(definition: Definition) -> reward::Command {
    reward::Command::Change { definition: Box::new(definition), at: now() }
}

fn takes(number: u128) -> reward::Command {
    reward::Command::TakeUnit { redemption: RedemptionId(uuid(number)), at: now() }
}

fn returns(number: u128) -> reward::Command {
    reward::Command::ReturnUnit { redemption: RedemptionId(uuid(number)), at: now() }
}

fn taken(number: u128) -> reward::Event {
    reward::Event::UnitTaken { redemption: RedemptionId(uuid(number)), at: now() }
}

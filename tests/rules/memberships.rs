//! R-CRD-07 to R-CRD-10: joining another card system, and changing a membership by another card.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::calendar::DayRange;
use uitpas_domain::card_system::{self, AdministrativePrices, CardSystem, Occasion};
use uitpas_domain::counter::{Authority, NotAllowed, PermissionGroup, Task, Terms};
use uitpas_domain::ids::{CardSystemId, RewardId};
use uitpas_domain::passholder::cards::{Block, BlockReason, CardRefused};
use uitpas_domain::passholder::memberships::*;
use uitpas_domain::passholder::registration::{
    AskedSocialStatus, NewCard, PersonalDetails, RegistrationRefused,
};
use uitpas_domain::passholder::status::StatusRefused;
use uitpas_domain::passholder::{Command, Event, Refused, Registered};
use uitpas_domain::reward::{self, Definition, Reward};
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;

use crate::given::*;
use crate::rewards::welcome;

/// R-CRD-08
#[test]
fn without_social_status_one_joins_with_the_same_card_or_with_another() {
    for card in [regular_card(), other_regular_card()] {
        let joined = given([registered(bram())]).when(joins(card));
        let given_card = Event::CardGiven { card_system: GENT, card, digital: false, at: now() };
        joined.then([given_card]);
    }
    // The digit of his card tells of the social status that he keeps elsewhere.
    let anna_in_both = given([registered(anna())]).when(joins(social_card())).happens();
    let holder = anna_in_both.holder();
    assert_eq!(holder.social_status().map(|(id, ..)| id), Some(MEETJESLAND));
    assert_eq!(holder.memberships[&GENT].social_status, None);
    assert_eq!(holder.cards.len(), 1);
    given([registered(bram())])
        .when(joins(social_card()))
        .refused(RegistrationRefused::NeedsRegularCard);
    given([registered(bram())])
        .when(blocks(regular_card(), BlockReason::Loss, desk()))
        .happens()
        .when(joins(regular_card()))
        .refused(CardRefused::Blocked);
}

/// R-CRD-08
#[test]
fn with_social_status_one_joins_with_a_new_card_only() {
    let anna_is_known = given([registered(anna())]);
    anna_is_known.when(moves_to_ghent(social_card())).refused(CardRefused::NeedsNewCard);
    anna_is_known
        .when(moves_to_ghent(other_regular_card()))
        .refused(RegistrationRefused::NeedsSocialStatusCard);
    anna_is_known.when(moves_to_ghent(other_social_card())).happens();
}

/// R-CRD-08, R-REG-04, R-SOC-01
#[test]
fn joining_needs_the_right_on_passholders_of_other_municipalities() {
    let of_gent = |group, other_municipalities| {
        let terms = Terms { groups: [group].into(), other_municipalities, ..Terms::default() };
        Authority { terms: BTreeMap::from([(GENT, terms)]), ..desk() }
    };
    use PermissionGroup::{AuthorisedRegistration, CheckInAndTicket, UnauthorisedRegistration};
    let register = NotAllowed::Task(Task::Register);
    for (by, with_status, refused) in [
        (of_gent(AuthorisedRegistration, true), true, None),
        (of_gent(AuthorisedRegistration, false), true, Some(NotAllowed::OtherMunicipality)),
        (of_gent(AuthorisedRegistration, false), false, Some(NotAllowed::OtherMunicipality)),
        (of_gent(UnauthorisedRegistration, true), false, None),
        (of_gent(UnauthorisedRegistration, true), true, Some(NotAllowed::RegisterWithSocialStatus)),
        (of_gent(CheckInAndTicket, true), false, Some(register)),
        (desk(), false, Some(register)),
        (ksb_of_gent(), true, None),
    ] {
        let asked = if with_status { moving(other_social_card()) } else { joining(regular_card()) };
        let shown = format!("{by:?} {with_status}");
        let refusal = given([registered(bram())]).when(takes(TakeUpMembership { by, ..asked }));
        assert_eq!(refusal.refusal(), refused.map(Refused::from), "{shown}");
    }
    let without_insz = Registered { with_insz: false, ..bram() };
    let by = of_gent(UnauthorisedRegistration, true);
    given([registered(without_insz)])
        .when(takes(TakeUpMembership { by, ..joining(regular_card()) }))
        .refused(NotAllowed::RegisterWithoutInsz);
}

/// R-CRD-09
#[test]
fn social_status_moves_to_the_region_of_the_domicile_and_the_old_membership_is_to_be_blocked() {
    let at = now();
    let moves = moves_to_ghent(other_social_card());
    given([registered(anna())]).when(moves.clone()).then([
        Event::DetailsChanged {
            details: sealed("moved"),
            home: Some(ghent()),
            with_insz: false,
            at,
        },
        Event::CardGiven { card_system: GENT, card: other_social_card(), digital: false, at },
        Event::SocialStatusEnded { card_system: MEETJESLAND, at },
        Event::MembershipSuperseded { card_system: MEETJESLAND, by: GENT, at },
        Event::SocialStatusGranted {
            card_system: GENT,
            until: day("2027-04-30"),
            proof: Proof::LivingWage,
            at,
        },
    ]);
    let after = given([registered(anna())]).when(moves.clone()).happens();
    let with_status: Vec<_> = after.holder().memberships.iter().collect();
    assert_eq!(
        with_status.iter().filter(|(_, of)| of.social_status.is_some()).count(),
        1,
        "in at most one card system"
    );
    assert_eq!(after.holder().social_status().map(|(id, ..)| id), Some(GENT));
    given([registered(anna())]).when(moves).again().refused(StatusRefused::IdenticalMembership);
}

/// R-CRD-09
#[test]
fn granting_it_where_one_is_a_member_already_ends_it_elsewhere_too() {
    let member = given([registered(anna())]).when(joins(other_regular_card())).happens();
    let events = member.when(moves_to_ghent(other_social_card())).events();
    let superseded = Event::MembershipSuperseded { card_system: MEETJESLAND, by: GENT, at: now() };
    assert!(events.contains(&superseded), "{events:?}");
    let block = Block::of(BlockReason::GainedSocialStatus);
    let taken = Event::CardBlocked { card: other_regular_card(), block, at: now() };
    assert!(events.contains(&taken), "{events:?}");
}

/// R-CRD-09, R-SOC-05
#[test]
fn it_is_granted_only_where_one_lives_or_moves_to() {
    let anna_is_known = given([registered(anna())]);
    let without_moving = TakeUpMembership { moved: None, ..moving(other_social_card()) };
    anna_is_known.when(takes(without_moving)).refused(RegistrationRefused::OutsideCardSystem);
    let elsewhere = moved(address("9050", "Gentbrugge"));
    anna_is_known
        .when(takes(TakeUpMembership { moved: Some(elsewhere), ..moving(other_social_card()) }))
        .refused(RegistrationRefused::OutsideCardSystem);
    for (home, system, must) in
        [(Some(eeklo()), meetjesland(), false), (Some(eeklo()), gent(), true), (None, gent(), true)]
    {
        assert_eq!(must_move(home.as_ref(), &system), must, "{home:?}");
    }
}

/// R-SOC-05
#[test]
fn whoever_keeps_a_social_status_stays_in_its_region_on_joining_another() {
    let to = |postal_code, city| Some(moved(address(postal_code, city)));
    for (past, moved, refused) in [
        (anna(), to("9000", "Gent"), true),
        (anna(), to("9900", "Eeklo"), false),
        (anna(), None, false),
        // In grace until 14 June, and so over today.
        (anna_until("2026-05-16"), to("9000", "Gent"), true),
        (anna_until("2026-05-15"), to("9000", "Gent"), false),
        (bram(), to("9000", "Gent"), false),
    ] {
        let shown = format!("{past:?}");
        let asked = TakeUpMembership { moved, ..joining(other_regular_card()) };
        let refusal = given([registered(past)]).when(takes(asked)).refusal();
        let expected = refused.then_some(RegistrationRefused::UpgradeNeeded.into());
        assert_eq!(refusal, expected, "{shown}");
    }
    // Nor when a lost card is given anew.
    let lost = given([registered(anna())])
        .when(blocks(social_card(), BlockReason::Loss, desk()))
        .happens();
    let asked =
        TakeUpMembership { moved: to("9000", "Gent"), ..own_region(other_social_card(), true) };
    lost.when(takes(asked)).refused(RegistrationRefused::UpgradeNeeded);
    // Whoever ends it goes where he likes.
    let ended = TakeUpMembership { moved: to("9000", "Gent"), ..own_region(regular_card(), false) };
    given([registered(anna())]).when(takes(ended)).happens();
}

/// R-CRD-09, R-SOC-02
#[test]
fn a_suspension_is_not_escaped_by_moving() {
    let suspended = |until| Event::SocialStatusSuspended {
        card_system: MEETJESLAND,
        until: day(until),
        reason: sealed("reason"),
        at: now(),
    };
    for (until, by, refused) in [
        ("2026-06-16", of_gent_with_all_rights(), true),
        ("2026-06-15", of_gent_with_all_rights(), false),
        ("2026-06-16", ksb_of_gent(), false),
    ] {
        let refusal = given([registered(anna()), suspended(until)])
            .when(takes(TakeUpMembership { by, ..moving(other_social_card()) }))
            .refusal();
        let expected = refused.then(|| StatusRefused::Suspended(day(until)).into());
        assert_eq!(refusal, expected, "{until}");
    }
}

/// R-CRD-07
#[test]
fn a_membership_is_replaced_to_grant_or_end_social_status() {
    let at = now();
    let (gained, lost) =
        (Block::of(BlockReason::GainedSocialStatus), Block::of(BlockReason::LostSocialStatus));
    given([registered(bram())]).when(of_own_region(social_card(), true)).then([
        Event::CardBlocked { card: regular_card(), block: gained, at },
        Event::CardGiven { card_system: MEETJESLAND, card: social_card(), digital: false, at },
        Event::SocialStatusGranted {
            card_system: MEETJESLAND,
            until: day("2027-04-30"),
            proof: Proof::LivingWage,
            at,
        },
    ]);
    given([registered(anna())]).when(of_own_region(regular_card(), false)).then([
        Event::CardBlocked { card: social_card(), block: lost, at },
        Event::SocialStatusEnded { card_system: MEETJESLAND, at },
        Event::CardGiven { card_system: MEETJESLAND, card: regular_card(), digital: false, at },
    ]);
    for (who, card, with_status) in
        [(bram(), other_regular_card(), false), (anna(), other_social_card(), true)]
    {
        given([registered(who)])
            .when(of_own_region(card, with_status))
            .refused(StatusRefused::IdenticalMembership);
    }
    given([registered(bram())])
        .when(of_own_region(regular_card(), true))
        .refused(CardRefused::NeedsNewCard);
    given([registered(anna())])
        .when(of_own_region(social_card(), false))
        .refused(CardRefused::NeedsNewCard);
    given([registered(anna())])
        .when(of_own_region(other_social_card(), false))
        .refused(RegistrationRefused::NeedsRegularCard);
}

/// R-CRD-07, R-SOC-01
#[test]
fn only_authorised_counters_grant_and_end_it() {
    for (who, card, with_status) in [(bram(), social_card(), true), (anna(), regular_card(), false)]
    {
        for (by, refused) in [(desk(), false), (unauthorised_desk(), true), (ksb(), false)] {
            let asked = TakeUpMembership { by, ..own_region(card, with_status) };
            let refusal = given([registered(who.clone())]).when(takes(asked)).refusal();
            let expected = refused.then_some(NotAllowed::Task(Task::ReplaceOtherDigit).into());
            assert_eq!(refusal, expected, "{with_status}");
        }
    }
}

/// R-CRD-05, R-CRD-06
#[test]
fn a_missing_card_is_given_here_as_well_and_after_a_definitive_block_by_the_ksb_alone() {
    for (reason, by, refused) in [
        (BlockReason::Loss, desk(), false),
        (BlockReason::Fraud, desk(), true),
        (BlockReason::Fraud, ksb(), false),
    ] {
        let without =
            given([registered(bram())]).when(blocks(regular_card(), reason, desk())).happens();
        let expected = refused.then_some(Refused::from(CardRefused::DefinitivelyBlocked));
        let asked = TakeUpMembership { by, ..own_region(other_regular_card(), false) };
        assert_eq!(without.when(takes(asked)).refusal(), expected, "{reason}");
        // No other region gives one either.
        let elsewhere = without.when(joins(other_regular_card())).refusal();
        let definitive = reason == BlockReason::Fraud;
        let expected = definitive.then_some(CardRefused::DefinitivelyBlocked.into());
        assert_eq!(elsewhere, expected, "{reason}");
    }
}

/// R-CRD-09
#[test]
fn a_blocked_membership_is_not_taken_up_again() {
    let reason = sealed("reason");
    let blocked = Event::MembershipBlocked { card_system: MEETJESLAND, reason, at: now() };
    given([registered(bram()), blocked])
        .when(of_own_region(social_card(), true))
        .refused(StatusRefused::MembershipBlocked);
}

/// R-CRD-10
#[test]
fn an_upgrade_keeps_points_and_grants_the_welcome_rewards_of_the_new_region_once() {
    let evening = brussels("2026-06-15 20:00:00");
    let saved = given([registered(bram())])
        .when(checks_in(check_in(1, &film(), regular_card(), evening)))
        .happens();
    let joins = |rewards: &[(u128, Reward)]| {
        let candidate =
            |(id, reward): &(u128, Reward)| (RewardId(uuid(*id)), Arc::new(reward.clone()));
        let welcome_rewards = rewards.iter().map(candidate).collect();
        takes(TakeUpMembership { welcome_rewards, ..joining(regular_card()) })
    };
    let granted = |id: u128| Event::WelcomeRewardGranted {
        reward: RewardId(uuid(id)),
        title: of("Welkom"),
        at: now(),
    };
    let granting =
        |from: &str, until: &str| DayRange { from: Some(day(from)), until: Some(day(until)) };
    let open = laid_down(welcome());
    let events = saved.when(joins(&[(1, open.clone())])).events();
    assert!(events.contains(&granted(1)), "{events:?}");
    let over =
        laid_down(Definition { granting: granting("2026-01-01", "2026-06-14"), ..welcome() });
    let of_others = laid_down(Definition { only_card_systems: [MEETJESLAND].into(), ..welcome() });
    let events = saved.when(joins(&[(1, over), (2, of_others)])).events();
    assert!(!events.iter().any(|event| matches!(event, Event::WelcomeRewardGranted { .. })));

    let mut had_it = saved.state.clone();
    had_it.evolve(granted(1));
    let events = Story { state: had_it }.when(joins(&[(1, open.clone()), (2, open)])).events();
    assert_eq!(events[1..], [granted(2)]);

    let after = saved.when(joins(&[])).happens();
    assert_eq!((after.points(), after.holder().check_ins.len()), (1, 1));
}

/// R-CRD-10, R-REG-06
#[test]
fn replacement_and_upgrade_have_administrative_prices_per_card_system() {
    let charged = |card_system, occasion, price: &str| Event::CardCharged {
        card_system,
        occasion,
        price: of(price),
        voucher: None,
        at: now(),
    };
    let events = given([registered(bram())])
        .when(takes(TakeUpMembership { system: priced(gent()), ..joining(regular_card()) }))
        .events();
    assert_eq!(events[1..], [charged(GENT, Occasion::Upgrade, "2.00")]);
    let own = TakeUpMembership { system: priced(meetjesland()), ..own_region(social_card(), true) };
    let events = given([registered(bram())]).when(takes(own)).events();
    assert_eq!(events[3..], [charged(MEETJESLAND, Occasion::Replacement, "1.50")]);
    let Command::ReplaceCard(replace) = crate::cards::gives(other_regular_card(), desk()) else {
        unreachable!()
    };
    let mut replace = *replace;
    replace.system = priced(meetjesland());
    let events = given([registered(bram())])
        .when(blocks(regular_card(), BlockReason::Loss, desk()))
        .happens()
        .when(Command::ReplaceCard(Box::new(replace)))
        .events();
    assert_eq!(events[1..], [charged(MEETJESLAND, Occasion::Replacement, "1.50")]);
}

/// R-CRD-10, R-REG-06
#[test]
fn a_voucher_lowers_an_administrative_price_never_below_nothing() {
    use uitpas_domain::card_system::{Voucher, VoucherRefused};
    for (off, price) in [("0.50", "1.50"), ("2.00", "0.00"), ("9.00", "0.00")] {
        let mut system = CardSystem::clone(&priced(gent()));
        let voucher = Voucher { off: of(off), until: day("2026-06-15") };
        let code: card_system::VoucherCode = of("WELKOM");
        system.evolve(card_system::Event::VoucherIssued { code: code.clone(), voucher, at: now() });
        let system = Arc::new(system);
        let ask = |code: &str| TakeUpMembership {
            system: system.clone(),
            voucher: Some(of(code)),
            ..joining(regular_card())
        };
        let charged = Event::CardCharged {
            card_system: GENT,
            occasion: Occasion::Upgrade,
            price: of(price),
            voucher: Some(code),
            at: now(),
        };
        let events = given([registered(bram())]).when(takes(ask("WELKOM"))).events();
        assert_eq!(events[1..], [charged], "{off}");
        given([registered(bram())])
            .when(takes(ask("ANDERE")))
            .refused(RegistrationRefused::Voucher(VoucherRefused::Unknown));
    }
}

/// R-CRD-10
#[test]
fn administrative_prices_are_set_and_set_again_is_no_news() {
    let prices = AdministrativePrices { replacement: of("1.50"), upgrade: of("2.00") };
    let set = card_system::Command::SetAdministrativePrices { prices, at: now() };
    let known = Story { state: meetjesland() };
    let expected = card_system::Event::AdministrativePricesSet { prices, at: now() };
    known.when(set.clone()).then([expected]);
    known.when(set).again().then([]);
}

fn priced(mut system: CardSystem) -> Arc<CardSystem> {
    let prices = AdministrativePrices { replacement: of("1.50"), upgrade: of("2.00") };
    system.evolve(card_system::Event::AdministrativePricesSet { prices, at: now() });
    Arc::new(system)
}

fn laid_down(definition: Definition) -> Reward {
    given([reward::Event::Created { definition: Box::new(definition), at: now() }]).state
}

fn ksb_of_gent() -> Authority {
    Authority { ksb_of: [GENT].into(), ..ksb() }
}

fn of_gent_with_all_rights() -> Authority {
    let groups = [PermissionGroup::AuthorisedRegistration].into();
    let terms = Terms { groups, other_municipalities: true, ..Terms::default() };
    Authority { terms: BTreeMap::from([(GENT, terms)]), ..desk() }
}

fn takes(take: TakeUpMembership) -> Command {
    Command::TakeUpMembership(Box::new(take))
}

/// A passholder of the Meetjesland joins Gent, without social status.
fn joining(number: CardNumber) -> TakeUpMembership {
    asking(GENT, gent(), number, None, of_gent_with_all_rights(), now())
}

fn joins(card: CardNumber) -> Command {
    takes(joining(card))
}

/// With social status, moving to Ghent.
fn moving(number: CardNumber) -> TakeUpMembership {
    let asked = AskedSocialStatus { until: None, proof: Some(Proof::LivingWage) };
    let by = of_gent_with_all_rights();
    let asking = asking(GENT, gent(), number, Some(asked), by, now());
    TakeUpMembership { moved: Some(moved(address("9000", "Gent"))), ..asking }
}

fn moves_to_ghent(card: CardNumber) -> Command {
    takes(moving(card))
}

/// The membership of the Meetjesland, with or without social status from now on.
fn own_region(number: CardNumber, with_status: bool) -> TakeUpMembership {
    let asked = AskedSocialStatus { until: None, proof: Some(Proof::LivingWage) };
    let asked = with_status.then_some(asked);
    asking(MEETJESLAND, meetjesland(), number, asked, desk(), now())
}

fn of_own_region(card: CardNumber, with_status: bool) -> Command {
    takes(own_region(card, with_status))
}

fn asking(
    card_system: CardSystemId,
    system: CardSystem,
    number: CardNumber,
    social_status: Option<AskedSocialStatus>,
    by: Authority,
    at: DateTime<Utc>,
) -> TakeUpMembership {
    TakeUpMembership {
        by,
        card_system,
        system: Arc::new(system),
        card: NewCard { number, digital: false },
        social_status,
        moved: None,
        card_systems: card_systems(),
        voucher: None,
        welcome_rewards: vec![],
        at,
    }
}

fn moved(address: uitpas_domain::values::place::Address) -> Moved {
    let details = PersonalDetails {
        name: of("Vandermeer"),
        first_name: of("Anna"),
        birth_date: day("1983-03-02"),
        insz: None,
        gender: None,
        address,
        email: None,
        phone: None,
        nationality: None,
    };
    Moved { details, sealed: sealed("moved") }
}

//! R-REG: registering a passholder, and changing what is known of one.

use std::sync::Arc;

use uitpas_domain::calendar::DayRange;
use uitpas_domain::card_system::{
    self, CardSystem, InvalidBrackets, PriceBracket, Voucher, VoucherRefused,
};
use uitpas_domain::counter::{Authority, NotAllowed, Task};
use uitpas_domain::ids::RewardId;
use uitpas_domain::passholder::cards::{Block, BlockKind, BlockReason};
use uitpas_domain::passholder::registration::*;
use uitpas_domain::passholder::{Command, Event, Passholder, Refused, Registered};
use uitpas_domain::reward::{self, Reward};
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::place::Address;

use crate::given::*;
use crate::rewards::{created, welcome};

/// R-REG-01, R-REG-02, R-REG-05, R-REG-06
#[test]
fn a_registration_records_who_where_on_what_terms_and_at_what_price() {
    let asked = Register {
        social_status: status("2027-04-30"),
        card: physical(social_card()),
        ..anna_asks()
    };
    let recorded = Registered {
        price: of("3.00"),
        terms: Terms { paper: false, digital: true },
        preferences: Preferences { service_mails: true, ..Preferences::default() },
        social_status: Some(NewSocialStatus { until: day("2027-04-30"), proof: Proof::LivingWage }),
        at: now(),
        ..anna()
    };
    unregistered().when(registers(asked)).then([registered(recorded)]);
}

/// R-REG-01
#[test]
fn the_last_but_one_digit_of_the_card_says_whether_there_is_social_status() {
    use RegistrationRefused::{NeedsRegularCard, NeedsSocialStatusCard};
    for (card, with_status, refused) in [
        (social_card(), true, None),
        (regular_card(), false, None),
        (regular_card(), true, Some(NeedsSocialStatusCard)),
        (social_card(), false, Some(NeedsRegularCard)),
    ] {
        let social_status = if with_status { status("2027-04-30") } else { None };
        let asked = Register { card: physical(card), social_status, ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{card:?} {with_status}");
    }
}

/// R-REG-02
#[test]
fn nobody_is_registered_twice() {
    unregistered()
        .when(registers(anna_asks()))
        .again()
        .refused(RegistrationRefused::AlreadyRegistered);
    given([registered(anna()), Event::Removed { points_lapsed: 0, at: now() }])
        .when(registers(anna_asks()))
        .refused(RegistrationRefused::AlreadyRegistered);
}

/// R-REG-02
#[test]
fn an_email_address_or_the_statement_that_there_is_none_is_required() {
    let without = PersonalDetails { email: None, ..details() };
    for (details, no_email, refused) in [
        (details(), false, None),
        (without.clone(), true, None),
        (without, false, Some(RegistrationRefused::NoEmail)),
    ] {
        let asked = Register { details, no_email, ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{no_email}");
    }
}

/// R-REG-02
#[test]
fn the_passholder_was_told_of_privacy_and_terms_on_paper_or_digitally() {
    for (paper, digital, told) in
        [(true, false, true), (false, true, true), (true, true, true), (false, false, false)]
    {
        let asked = Register { terms: Terms { paper, digital }, ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        let refused = (!told).then_some(RegistrationRefused::TermsNotTold.into());
        assert_eq!(refusal, refused, "{paper} {digital}");
    }
}

/// R-REG-02
#[test]
fn the_communication_preferences_are_required() {
    let asked = Register { preferences: None, ..anna_asks() };
    unregistered().when(registers(asked)).refused(RegistrationRefused::NoPreferences);
}

/// R-REG-03
#[test]
fn under_sixteen_a_parent_consents_counted_in_belgian_days() {
    for (birth, at, consent, refused) in [
        // The sixteenth birthday begins at midnight in Brussels.
        ("2010-06-15", "2026-06-14 23:59:59", false, true),
        ("2010-06-15", "2026-06-15 00:00:00", false, false),
        ("2010-06-15", "2026-06-14 23:59:59", true, false),
        ("2010-01-15", "2026-01-14 23:59:59", false, true),
        ("2010-01-15", "2026-01-15 00:00:00", false, false),
        // Born on a leap day: sixteen on the next one, and on 1 March where there is none.
        ("2012-02-29", "2028-02-28 23:59:59", false, true),
        ("2012-02-29", "2028-02-29 00:00:00", false, false),
        ("2008-02-29", "2023-02-28 23:59:59", false, true),
        // The days of the clock changes.
        ("2010-03-29", "2026-03-29 00:00:00", false, false),
        ("2010-10-25", "2026-10-24 23:59:59", false, true),
        ("2010-10-25", "2026-10-25 00:00:00", false, false),
    ] {
        let details = PersonalDetails { birth_date: day(birth), insz: None, ..details() };
        let asked =
            Register { details, parental_consent: consent, at: brussels(at), ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        let expected = refused.then_some(RegistrationRefused::NoParentalConsent.into());
        assert_eq!(refusal, expected, "born {birth} at {at}, consent {consent}");
    }
}

/// R-REG-03
#[test]
fn nobody_is_born_in_the_future() {
    for (birth, refused) in [("2026-06-15", false), ("2026-06-16", true)] {
        let details = PersonalDetails { birth_date: day(birth), insz: None, ..details() };
        let asked = Register { details, parental_consent: true, ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        let expected = refused.then_some(RegistrationRefused::BornInFuture.into());
        assert_eq!(refusal, expected, "{birth}");
    }
}

/// R-REG-04
#[test]
fn an_unauthorised_counter_registers_only_without_social_status_and_with_insz() {
    let no_right = Some(NotAllowed::Task(Task::Register));
    for (by, with_status, with_insz, refused) in [
        (desk(), true, true, None),
        (desk(), true, false, None),
        (desk(), false, true, None),
        (desk(), false, false, None),
        (ksb(), true, false, None),
        (unauthorised_desk(), true, true, Some(NotAllowed::RegisterWithSocialStatus)),
        (unauthorised_desk(), true, false, Some(NotAllowed::RegisterWithSocialStatus)),
        (unauthorised_desk(), false, true, None),
        (unauthorised_desk(), false, false, Some(NotAllowed::RegisterWithoutInsz)),
        (box_office(), true, true, no_right),
        (box_office(), false, true, no_right),
        (box_office(), false, false, no_right),
        (nobody(), false, true, no_right),
    ] {
        let asked = format!("{:?}, status {with_status}, INSZ {with_insz}", by.terms);
        let insz = if with_insz { details().insz } else { None };
        let details = PersonalDetails { insz, ..details() };
        let social_status = if with_status { status("2027-04-30") } else { None };
        let card = physical(if with_status { social_card() } else { regular_card() });
        let register = Register { by, details, social_status, card, ..anna_asks() };
        let refusal = unregistered().when(registers(register)).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{asked}");
    }
}

/// R-REG-04, R-CTR-01
#[test]
fn the_right_to_register_is_one_of_a_card_system() {
    let system = Arc::new(gent());
    let asked = Register { card_system: GENT, system, ..anna_asks() };
    unregistered().when(registers(asked)).refused(NotAllowed::Task(Task::Register));
}

/// R-CTR-01
#[test]
fn passholders_of_other_municipalities_are_a_right_of_their_own() {
    let abroad = Address::new(None, of("59000"), of("Rijsel"), of("fr"));
    let mut wide = desk();
    wide.terms.get_mut(&MEETJESLAND).unwrap().other_municipalities = true;
    for (by, address, refused) in [
        (desk(), address("9900", "Eeklo"), false),
        (desk(), address("9000", "Gent"), true),
        (wide.clone(), address("9000", "Gent"), false),
        (desk(), abroad.clone().unwrap(), true),
        (wide, abroad.unwrap(), false),
        (ksb(), address("9000", "Gent"), false),
    ] {
        let details = PersonalDetails { address, ..details() };
        let asked = Register { by, details, ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        assert_eq!(refusal, refused.then_some(NotAllowed::OtherMunicipality.into()));
    }
}

/// R-REG-05
#[test]
fn social_status_has_an_end_date_in_the_future_and_a_kind_of_proof() {
    use RegistrationRefused::{NoProof, StatusEndsInPast};
    for (until, at, proof, refused) in [
        ("2026-06-16", "2026-06-15 09:00:00", Some(Proof::LivingWage), None),
        ("2026-06-15", "2026-06-15 09:00:00", Some(Proof::LivingWage), Some(StatusEndsInPast)),
        ("2026-06-14", "2026-06-15 09:00:00", Some(Proof::LivingWage), Some(StatusEndsInPast)),
        ("2026-06-15", "2026-06-14 23:59:59", Some(Proof::LivingWage), None),
        ("2026-06-15", "2026-06-15 00:00:00", Some(Proof::LivingWage), Some(StatusEndsInPast)),
        ("2027-04-30", "2026-06-15 09:00:00", None, Some(NoProof)),
    ] {
        let asked = AskedSocialStatus { until: Some(day(until)), proof };
        let refusal = unregistered()
            .when(registers(Register {
                card: physical(social_card()),
                social_status: Some(asked),
                at: brussels(at),
                ..anna_asks()
            }))
            .refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{until} at {at} by {proof:?}");
    }
}

/// R-REG-05
#[test]
fn every_kind_of_proof_is_recorded_by_its_name() {
    for (proof, name) in [
        (Proof::IncreasedReimbursement, "increased-reimbursement"),
        (Proof::LivingWage, "living-wage"),
        (Proof::BudgetManagementOrGuidance, "budget-management-or-guidance"),
        (Proof::DebtMediationOrCollectiveSettlement, "debt-mediation-or-collective-settlement"),
        (Proof::IncomeGuaranteeForTheElderly, "income-guarantee-for-the-elderly"),
        (Proof::IncomeReplacementForDisability, "income-replacement-for-disability"),
        (Proof::OtherLocalCriterion, "other-local-criterion"),
        (Proof::IndividualDecision, "individual-decision"),
    ] {
        let asked = AskedSocialStatus { until: None, proof: Some(proof) };
        let card = physical(social_card());
        let asked = Register { card, social_status: Some(asked), ..anna_asks() };
        let events = unregistered().when(registers(asked)).events();
        let [Event::Registered(recorded)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(recorded.social_status.as_ref().unwrap().proof, proof);
        assert_eq!(serde_json::to_value(proof).unwrap(), name);
        assert_eq!(of::<Proof>(name), proof);
    }
}

/// R-REG-06
#[test]
fn the_price_follows_age_and_social_status() {
    for (birth, with_status, price) in [
        // Seventeen, eighteen, sixty-four and sixty-five on 15 June 2026.
        ("2008-06-16", false, "2.00"),
        ("2008-06-15", false, "5.00"),
        ("1961-06-16", false, "5.00"),
        ("1961-06-15", false, "4.00"),
        ("2008-06-16", true, "1.00"),
        ("2008-06-15", true, "3.00"),
        ("1961-06-15", true, "0.00"),
    ] {
        let details = PersonalDetails { birth_date: day(birth), insz: None, ..details() };
        let social_status = if with_status { status("2027-04-30") } else { None };
        let card = physical(if with_status { social_card() } else { regular_card() });
        let asked = Register { details, social_status, card, ..anna_asks() };
        assert_eq!(price_of(asked), price, "born {birth}, {with_status}");
    }
}

/// R-REG-06
#[test]
fn a_voucher_lowers_the_price_never_below_nothing() {
    for (off, price) in [("0.50", "4.50"), ("5.00", "0.00"), ("5.01", "0.00"), ("9999.99", "0.00")]
    {
        let system = with_voucher(off);
        let asked = Register { system, voucher: Some(of("WELKOM")), ..anna_asks() };
        assert_eq!(price_of(asked), price, "{off} off");
    }
}

/// R-REG-06
#[test]
fn an_unknown_spent_or_expired_voucher_is_refused() {
    let spent = {
        let mut system = CardSystem::clone(&with_voucher("1.00"));
        system.evolve(card_system::Event::VoucherSpent { code: of("WELKOM"), at: now() });
        Arc::new(system)
    };
    let expired = Some(VoucherRefused::Expired(day("2026-06-30")));
    for (system, code, at, refused) in [
        (with_voucher("1.00"), "WELKOM", "2026-06-30 23:59:59", None),
        (with_voucher("1.00"), "WELKOM", "2026-07-01 00:00:00", expired),
        (with_voucher("1.00"), "ANDERE", "2026-06-15 09:00:00", Some(VoucherRefused::Unknown)),
        (spent, "WELKOM", "2026-06-15 09:00:00", Some(VoucherRefused::Spent)),
    ] {
        let voucher = Some(of(code));
        let asked = Register { system, voucher, at: brussels(at), ..anna_asks() };
        let refusal = unregistered().when(registers(asked)).refusal();
        let refused = refused.map(|why| RegistrationRefused::Voucher(why).into());
        assert_eq!(refusal, refused, "{code} at {at}");
    }
}

/// R-REG-06
#[test]
fn a_voucher_is_issued_once_and_spent_once() {
    let voucher = Voucher { off: of("1.00"), until: day("2026-06-30") };
    let (code, at) = (of("WELKOM"), now());
    let issue = card_system::Command::IssueVoucher { code, voucher: voucher.clone(), at };
    let issued = card_system::Event::VoucherIssued { code: of("WELKOM"), voucher, at };
    let system = Story { state: meetjesland() };
    system.when(issue.clone()).then([issued]);
    system.when(issue.clone()).again().refused(card_system::Refused::VoucherExists);

    let spend = card_system::Command::SpendVoucher { code: of("WELKOM"), at };
    let system = system.when(issue).happens();
    system.when(spend.clone()).then([card_system::Event::VoucherSpent { code: of("WELKOM"), at }]);
    system.when(spend).again().refused(VoucherRefused::Spent);
    let unknown = card_system::Command::SpendVoucher { code: of("ANDERE"), at };
    system.when(unknown).refused(VoucherRefused::Unknown);
}

/// R-REG-06
#[test]
fn price_brackets_cover_all_ages_without_overlap() {
    use InvalidBrackets::{Gap, Overlap, Reversed};
    for (brackets, refused) in [
        (vec![(0, None)], None),
        (vec![(0, Some(17)), (18, None)], None),
        (vec![(18, None), (0, Some(17))], None),
        (vec![(0, Some(0)), (1, Some(1)), (2, None)], None),
        (vec![], Some(Gap(0))),
        (vec![(1, None)], Some(Gap(0))),
        (vec![(0, Some(17))], Some(Gap(18))),
        (vec![(0, Some(16)), (18, None)], Some(Gap(17))),
        (vec![(0, Some(18)), (18, None)], Some(Overlap(18))),
        (vec![(0, None), (18, None)], Some(Overlap(18))),
        (vec![(0, None), (0, None)], Some(Overlap(0))),
        (vec![(0, Some(17)), (18, Some(17)), (18, None)], Some(Reversed(18))),
    ] {
        let brackets: Vec<_> = brackets
            .into_iter()
            .map(|(from, until)| bracket(from, until, "5.00", "3.00"))
            .collect();
        let set = card_system::Command::SetPrices { brackets: brackets.clone(), at: now() };
        let when = Story { state: meetjesland() }.when(set.clone());
        match refused {
            Some(why) => when.refused(why),
            None => {
                when.then([card_system::Event::PricesSet { brackets, at: now() }]);
                Story { state: meetjesland() }.when(set).again().then([]);
            }
        }
    }
}

/// R-REG-07, R-RWD-01
#[test]
fn registration_grants_the_welcome_rewards_of_the_moment() {
    let range = |from, until| DayRange { from: Some(day(from)), until: Some(day(until)) };
    let elsewhere = reward::Definition { only_card_systems: [GENT].into(), ..welcome() };
    for (definition, granted) in [
        (welcome(), true),
        (reward::Definition { granting: range("2026-06-15", "2026-06-15"), ..welcome() }, true),
        (reward::Definition { granting: range("2026-06-16", "2026-12-31"), ..welcome() }, false),
        (reward::Definition { granting: range("2026-01-01", "2026-06-14"), ..welcome() }, false),
        (elsewhere, false),
    ] {
        let shown = format!("{definition:?}");
        let known = Arc::new(given([created(definition)]).state);
        let asked = Register { welcome_rewards: vec![(gift(), known)], ..anna_asks() };
        let events = unregistered().when(registers(asked)).events();
        let grant = Event::WelcomeRewardGranted { reward: gift(), title: of("Welkom"), at: now() };
        assert_eq!(events[1..], vec![grant; usize::from(granted)], "{shown}");
    }
}

/// R-REG-07
#[test]
fn a_reward_that_nobody_defined_is_not_granted() {
    let known = Arc::new(Reward::default());
    let asked = Register { welcome_rewards: vec![(gift(), known)], ..anna_asks() };
    assert_eq!(unregistered().when(registers(asked)).events().len(), 1);
}

/// R-ID-02
#[test]
fn the_insz_agrees_with_the_date_of_birth_wherever_it_carries_one() {
    for (insz, birth, agrees) in [
        ("83030201540", "1983-03-02", true),
        ("83030201540", "1983-03-03", false),
        ("83030201540", "1883-03-02", false),
    ] {
        let details = PersonalDetails { insz: Some(of(insz)), birth_date: day(birth), ..details() };
        let expected = (!agrees).then_some(RegistrationRefused::InszDisagrees.into());
        let asked = Register { details: details.clone(), ..anna_asks() };
        assert_eq!(unregistered().when(registers(asked)).refusal(), expected, "{birth}");
        let known = PersonalDetails { insz: None, ..details.clone() };
        let refusal = given([registered(bram())]).when(changes(known, details)).refusal();
        assert_eq!(refusal, expected, "changed: {birth}");
    }
}

/// R-ID-02
#[test]
fn an_insz_is_filled_in_later_only_where_it_was_empty() {
    let (empty, filled) = (PersonalDetails { insz: None, ..details() }, details());
    let other = PersonalDetails { insz: Some(of("83030201738")), ..details() };
    let bram_is_known = given([registered(bram())]);
    assert_eq!(bram_is_known.when(changes(empty.clone(), filled.clone())).refusal(), None);
    for changed in [empty, other] {
        bram_is_known
            .when(changes(filled.clone(), changed))
            .refused(RegistrationRefused::InszIsFixed);
    }
}

/// R-CTR-01
#[test]
fn changing_details_is_for_registration_counters_and_the_same_details_are_no_news() {
    let moved = PersonalDetails { address: address("9000", "Gent"), ..details() };
    let changed = Event::DetailsChanged {
        details: sealed("new"),
        home: Some(ghent()),
        with_insz: true,
        at: now(),
    };
    let bram_is_known = given([registered(bram())]);
    let change = changes(details(), moved.clone());
    bram_is_known.when(change.clone()).then([changed]);
    bram_is_known.when(changes(moved.clone(), moved)).then([]);
    let Command::ChangeDetails(change) = change else { unreachable!() };
    let by_box_office = ChangeDetails { by: box_office(), ..*change };
    bram_is_known
        .when(Command::ChangeDetails(Box::new(by_box_office)))
        .refused(NotAllowed::Task(Task::Edit));
}

/// R-REG-02
#[test]
fn preferences_are_changed_at_any_time_and_the_same_ones_are_no_news() {
    let preferences = Preferences { sms: true, ..Preferences::default() };
    let set = Command::SetPreferences { preferences, at: now() };
    let bram_is_known = given([registered(bram())]);
    bram_is_known.when(set.clone()).then([Event::PreferencesSet { preferences, at: now() }]);
    bram_is_known.when(set).again().then([]);
}

/// R-PRV-01
#[test]
fn removing_blocks_the_cards_lets_the_points_lapse_and_happens_once() {
    let block = Block { kind: BlockKind::Definitive, reason: BlockReason::OwnWish };
    let remove = Command::Remove(Remove { at: now() });
    let anna_took_part = given([registered(anna())])
        .when(checks_in(check_in(1, &film(), social_card(), brussels("2026-06-15 20:00:00"))))
        .happens();
    anna_took_part.when(remove.clone()).then([
        Event::CardBlocked { card: social_card(), block, at: now() },
        Event::Removed { points_lapsed: 1, at: now() },
    ]);
    anna_took_part.when(remove.clone()).again().refused(Refused::Removed);
    unregistered().when(remove).refused(Refused::Unknown);
}

/// R-REG-04, R-REG-01, R-REG-02, R-REG-03, R-SOC-05, R-REG-05, R-REG-06
#[test]
fn the_first_of_several_reasons_is_the_answer() {
    let everything_wrong = Register {
        by: box_office(),
        card: physical(regular_card()),
        details: PersonalDetails {
            address: address("9000", "Gent"),
            email: None,
            insz: None,
            birth_date: day("2026-06-16"),
            ..details()
        },
        terms: Terms { paper: false, digital: false },
        preferences: None,
        social_status: Some(AskedSocialStatus { until: Some(day("2026-06-15")), proof: None }),
        voucher: Some(of("ANDERE")),
        ..anna_asks()
    };
    let mend: [Mended<Register, Refused>; 12] = [
        (NotAllowed::Task(Task::Register).into(), |asked| asked.by = unauthorised_desk()),
        (NotAllowed::RegisterWithSocialStatus.into(), |asked| asked.by = desk()),
        (NotAllowed::OtherMunicipality.into(), |asked| asked.by = ksb()),
        (RegistrationRefused::NeedsSocialStatusCard.into(), |asked| {
            asked.card = physical(social_card());
        }),
        (RegistrationRefused::NoEmail.into(), |asked| asked.no_email = true),
        (RegistrationRefused::TermsNotTold.into(), |asked| asked.terms.paper = true),
        (RegistrationRefused::NoPreferences.into(), |asked| {
            asked.preferences = Some(Preferences::default());
        }),
        (RegistrationRefused::BornInFuture.into(), |asked| {
            asked.details.birth_date = day("2026-06-15");
        }),
        (RegistrationRefused::NoParentalConsent.into(), |asked| asked.parental_consent = true),
        (RegistrationRefused::OutsideCardSystem.into(), |asked| {
            asked.details.address = address("9900", "Eeklo");
        }),
        (RegistrationRefused::StatusEndsInPast.into(), |asked| {
            asked.social_status.as_mut().unwrap().until = None;
        }),
        (RegistrationRefused::NoProof.into(), |asked| {
            asked.social_status.as_mut().unwrap().proof = Some(Proof::LivingWage);
        }),
    ];
    let mut asked = everything_wrong;
    for (reason, mend) in mend {
        unregistered().when(registers(asked.clone())).refused(reason);
        mend(&mut asked);
    }
    let unknown = RegistrationRefused::Voucher(VoucherRefused::Unknown);
    unregistered().when(registers(asked.clone())).refused(unknown);
    asked.voucher = None;
    unregistered().when(registers(asked)).happens();
}

/// R-REG-08: with a verified national number, where he lives, and not under 16; no counter is needed.
#[test]
fn whoever_registers_himself_is_sixteen_lives_there_and_shows_his_national_number() {
    use RegistrationRefused::{InszNotVerified, LivesElsewhere, TooYoungAlone};
    let alone = |born: &str, insz: Option<&str>, lives: (&str, &str)| {
        let mut asked = anna_asks();
        asked.by = Authority::to_register_oneself(library(), &library_counter());
        asked.card = NewCard { number: regular_card(), digital: true };
        (asked.social_status, asked.no_email) = (None, true);
        asked.details.birth_date = day(born);
        asked.details.insz = insz.map(of);
        asked.details.address = address(lives.0, lives.1);
        unregistered().when(Command::RegisterOneself(Box::new(asked)))
    };
    let here = ("9900", "Eeklo");
    alone("1983-03-02", Some("83030201540"), here).happens();
    alone("1983-03-02", None, here).refused(InszNotVerified);
    alone("1983-03-02", Some("83030201540"), ("9000", "Gent")).refused(LivesElsewhere);
    // Today is 15 June 2026.
    alone("2010-06-15", Some(&insz("2010-06-15")), here).happens();
    alone("2010-06-16", Some(&insz("2010-06-16")), here).refused(TooYoungAlone);
}

/// A national number of someone born on that day, after 1999.
fn insz(born: &str) -> String {
    let nine: u64 = format!("{}001", day(born).format("%y%m%d")).parse().unwrap();
    format!("{nine:09}{:02}", 97 - (2_000_000_000 + nine) % 97)
}

fn unregistered() -> Story<Passholder> {
    Story { state: Default::default() }
}

fn registers(register: Register) -> Command {
    Command::Register(Box::new(register))
}

/// At an authorised counter, without social status.
fn anna_asks() -> Register {
    Register {
        by: desk(),
        card_system: MEETJESLAND,
        system: Arc::new(with_prices()),
        counter_municipality: Some(eeklo()),
        card: physical(regular_card()),
        details: details(),
        sealed: sealed("details"),
        no_email: false,
        terms: Terms { paper: false, digital: true },
        preferences: Some(Preferences { service_mails: true, ..Preferences::default() }),
        parental_consent: false,
        social_status: None,
        voucher: None,
        welcome_rewards: vec![],
        at: now(),
    }
}

pub fn details() -> PersonalDetails {
    PersonalDetails {
        name: of("Peeters"),
        first_name: of("Anna"),
        birth_date: day("1983-03-02"),
        insz: Some(of("83030201540")),
        gender: None,
        address: address("9900", "Eeklo"),
        email: Some(of("anna@example.be")),
        phone: None,
        nationality: None,
    }
}

/// By the desk; the new details are sealed as "new".
pub fn changes(known: PersonalDetails, details: PersonalDetails) -> Command {
    Command::ChangeDetails(Box::new(ChangeDetails {
        by: desk(),
        known: Some(known),
        details,
        sealed: sealed("new"),
        card_systems: card_systems(),
        at: now(),
    }))
}

fn status(until: &str) -> Option<AskedSocialStatus> {
    Some(AskedSocialStatus { until: Some(day(until)), proof: Some(Proof::LivingWage) })
}

fn physical(number: CardNumber) -> NewCard {
    NewCard { number, digital: false }
}

fn bracket(from_age: u16, until_age: Option<u16>, regular: &str, reduced: &str) -> PriceBracket {
    PriceBracket { from_age, until_age, regular: of(regular), with_social_status: of(reduced) }
}

/// Under 18, 18 to 64, and from 65.
fn with_prices() -> CardSystem {
    let brackets = vec![
        bracket(0, Some(17), "2.00", "1.00"),
        bracket(18, Some(64), "5.00", "3.00"),
        bracket(65, None, "4.00", "0.00"),
    ];
    let mut system = meetjesland();
    system.evolve(card_system::Event::PricesSet { brackets, at: now() });
    system
}

/// With a voucher WELKOM, valid until 30 June 2026.
fn with_voucher(off: &str) -> Arc<CardSystem> {
    let mut system = with_prices();
    let voucher = Voucher { off: of(off), until: day("2026-06-30") };
    system.evolve(card_system::Event::VoucherIssued { code: of("WELKOM"), voucher, at: now() });
    Arc::new(system)
}

#[track_caller]
fn price_of(asked: Register) -> String {
    match &unregistered().when(registers(asked)).events()[..] {
        [Event::Registered(recorded)] => recorded.price.to_string(),
        other => panic!("{other:?}"),
    }
}

fn gift() -> RewardId {
    RewardId(uuid(1))
}

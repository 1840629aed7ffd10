//! R-CTR: counters, their staff, and what they may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uitpas_domain::activity::{Audience, Calendar};
use uitpas_domain::counter::*;
use uitpas_domain::distribution::DistributionKey;
use uitpas_domain::ids::{CardSystemId, DistributionKeyId, SubjectId};
use uitpas_domain::limit::Limit;
use uitpas_domain::metadata::Role;
use uitpas_domain::passholder;
use uitpas_domain::values::euro::Euro;

use crate::given::*;

const EVERY_TASK: [Task; 12] = [
    Task::Identify,
    Task::CheckIn,
    Task::Redeem,
    Task::GrantTariff,
    Task::Register,
    Task::Search,
    Task::Edit,
    Task::Block,
    Task::Replace,
    Task::Bulk,
    Task::SocialStatus,
    Task::ReplaceOtherDigit,
];

/// R-CTR-01, R-CTR-04
#[test]
fn each_permission_group_has_its_tasks_and_those_of_the_one_before() {
    use PermissionGroup::*;
    for task in EVERY_TASK {
        let from = match task {
            Task::Identify | Task::CheckIn | Task::Redeem | Task::GrantTariff => CheckInAndTicket,
            // Searching a list is for registration counters.
            Task::Register
            | Task::Search
            | Task::Edit
            | Task::Block
            | Task::Replace
            | Task::Bulk => UnauthorisedRegistration,
            Task::SocialStatus | Task::ReplaceOtherDigit => AuthorisedRegistration,
        };
        for group in [CheckInAndTicket, UnauthorisedRegistration, AuthorisedRegistration] {
            assert_eq!(group.may(task), group >= from, "{group}: {task}");
            assert_eq!(staff(group).may(task), group >= from, "{group}: {task}");
        }
        assert!(!nobody().may(task), "{task}");
        assert_eq!(nobody().demand(task), Err(NotAllowed::Task(task)));
        assert_eq!(nobody().demand_in(MEETJESLAND, task), Err(NotAllowed::Task(task)));
    }
}

/// R-CTR-01
#[test]
fn rights_are_held_per_card_system_and_add_up() {
    use PermissionGroup::*;
    let groups = |groups: &[PermissionGroup]| Terms {
        groups: groups.iter().copied().collect(),
        ..Terms::default()
    };
    let both = Authority {
        terms: BTreeMap::from([
            (MEETJESLAND, groups(&[CheckInAndTicket, AuthorisedRegistration])),
            (GENT, groups(&[CheckInAndTicket])),
        ]),
        ..desk()
    };
    assert!(both.may_in(MEETJESLAND, Task::SocialStatus));
    assert!(both.may_in(MEETJESLAND, Task::CheckIn));
    assert!(!both.may_in(GENT, Task::SocialStatus));
    assert!(both.may_in(GENT, Task::CheckIn));
    assert!(!both.may_in(CardSystemId(3), Task::CheckIn));
    assert!(both.may(Task::SocialStatus));
}

/// R-CTR-01
#[test]
fn passholders_of_other_municipalities_are_no_part_of_any_group() {
    assert!(!desk().may_serve_other_municipalities(MEETJESLAND));
    let mut wide = box_office();
    wide.terms.get_mut(&MEETJESLAND).unwrap().other_municipalities = true;
    assert!(wide.may_serve_other_municipalities(MEETJESLAND));
    assert!(!wide.may_serve_other_municipalities(GENT));
    assert!(ksb().may_serve_other_municipalities(MEETJESLAND));
    assert!(!ksb().may_serve_other_municipalities(GENT));
}

/// R-CTR-02
#[test]
fn an_admin_adds_and_removes_members_and_only_a_ksb_admin_the_admins() {
    use Refused::{OnlyAdmin, OnlyKsb};
    use StaffKind::{Admin, Member};
    for (by, kind, refused) in [
        (Role::CounterAdmin, Member, None),
        (Role::CounterAdmin, Admin, Some(OnlyKsb)),
        (Role::Ksb, Member, None),
        (Role::Ksb, Admin, None),
        (Role::SystemOwner, Admin, None),
        (Role::CounterMember, Member, Some(OnlyAdmin)),
        (Role::CounterMember, Admin, Some(OnlyKsb)),
        (Role::Client, Member, None),
        (Role::Client, Admin, Some(OnlyKsb)),
        (Role::Kiosk, Admin, Some(OnlyKsb)),
        (Role::Passholder, Member, Some(OnlyAdmin)),
    ] {
        assert_eq!(the_library().when(adds("kim", kind, by)).refusal(), refused, "{by} {kind:?}");
        let on_staff = with_staff("kim", kind);
        assert_eq!(on_staff.when(removes("kim", by)).refusal(), refused, "{by} {kind:?}");
    }
}

/// R-CTR-02
#[test]
fn staff_is_added_once_and_removed_once() {
    let kim = || subject("kim");
    let added = Event::StaffAdded { subject: kim(), kind: StaffKind::Member, at: now() };
    let add = adds("kim", StaffKind::Member, Role::CounterAdmin);
    the_library().when(add.clone()).then([added]);
    the_library().when(add).again().then([]);
    let on_staff = with_staff("kim", StaffKind::Member);
    let remove = removes("kim", Role::CounterAdmin);
    on_staff.when(remove.clone()).then([Event::StaffRemoved { subject: kim(), at: now() }]);
    on_staff.when(remove).again().refused(Refused::NotOnStaff);
}

/// R-CTR-02
#[test]
fn becoming_an_admin_and_ceasing_to_be_one_takes_a_ksb_admin() {
    for (before, after, by, refused) in [
        (StaffKind::Member, StaffKind::Admin, Role::CounterAdmin, true),
        (StaffKind::Member, StaffKind::Admin, Role::Ksb, false),
        (StaffKind::Admin, StaffKind::Member, Role::CounterAdmin, true),
        (StaffKind::Admin, StaffKind::Member, Role::Ksb, false),
    ] {
        let refusal = with_staff("kim", before).when(adds("kim", after, by)).refusal();
        assert_eq!(refusal, refused.then_some(Refused::OnlyKsb), "{before:?} to {after:?} by {by}");
    }
}

/// R-CTR-02
#[test]
fn only_who_has_logged_in_once_is_added_and_only_who_may_add_hears_of_it() {
    let unknown = |by| {
        let (subject, kind) = (None, StaffKind::Member);
        Command::AddStaff(AddStaff { subject, kind, by, at: now() })
    };
    the_library().when(unknown(Role::CounterAdmin)).refused(Refused::UnknownUitid);
    the_library().when(unknown(Role::CounterMember)).refused(Refused::OnlyAdmin);
}

/// R-CTR-02
#[test]
fn members_and_admins_have_the_same_rights_but_only_an_admin_asks_for_expense_notes() {
    let terms = BTreeMap::from([(MEETJESLAND, Terms::default())]);
    let library = Counter { terms, ..library_counter() };
    let as_kind = |kind| {
        let mut library = library.clone();
        library.staff.insert(subject("kim"), kind);
        library.authority(&self::library(), &subject("kim"), &BTreeSet::new()).unwrap()
    };
    let (member, admin) = (as_kind(StaffKind::Member), as_kind(StaffKind::Admin));
    assert_eq!((member.role, admin.role), (Role::CounterMember, Role::CounterAdmin));
    assert_eq!((member.terms, member.ksb_of), (admin.terms, admin.ksb_of));
    for (by, refused) in [
        (Role::CounterAdmin, false),
        (Role::Ksb, false),
        (Role::CounterMember, true),
        (Role::Kiosk, true),
        (Role::Passholder, true),
    ] {
        let request = reports("2026-01-01", "2026-03-31", by);
        let refusal = the_library().when(request).refusal();
        assert_eq!(refusal, refused.then_some(Refused::ReportOnlyForAdmin), "{by}");
    }
}

/// R-CTR-02, R-NOTE-01
#[test]
fn a_report_is_over_a_period_that_has_begun_in_brussels_and_has_the_next_number() {
    for (from, until, at, refused) in [
        ("2026-06-15", "2026-06-15", "2026-06-15 00:00:00", None),
        ("2026-06-15", "2026-06-15", "2026-06-14 23:59:59", Some(Refused::PeriodNotBegun)),
        ("2026-06-15", "2026-06-14", "2026-06-15 09:00:00", Some(Refused::ReversedPeriod)),
        ("2026-06-15", "2027-06-14", "2026-06-15 09:00:00", None),
    ] {
        let Command::RequestReport(request) = reports(from, until, Role::CounterAdmin) else {
            unreachable!()
        };
        let request = Command::RequestReport(RequestReport { at: brussels(at), ..request });
        assert_eq!(the_library().when(request).refusal(), refused, "{from} to {until} at {at}");
    }
    let requested = |report| Event::ReportRequested {
        report,
        from: day("2026-01-01"),
        until: day("2026-03-31"),
        position: 7,
        at: now(),
    };
    let request = reports("2026-01-01", "2026-03-31", Role::CounterAdmin);
    the_library().when(request.clone()).then([requested(1)]);
    // It closes nothing: asked for again, it is another report.
    the_library().when(request).again().then([requested(2)]);
}

/// R-CTR-03
#[test]
fn the_ksb_sets_permissions_keys_limit_and_iban_and_the_same_are_no_news() {
    let terms = Terms {
        groups: BTreeSet::from([PermissionGroup::CheckInAndTicket]),
        other_municipalities: true,
        keys: BTreeSet::from([DistributionKeyId(1)]),
        ticket_limit: Some(Limit::ONCE_A_DAY),
    };
    let set = |card_system| Command::SetTerms { card_system, terms: terms.clone(), at: now() };
    let recorded = Event::TermsSet { card_system: MEETJESLAND, terms: terms.clone(), at: now() };
    the_library().when(set(MEETJESLAND)).then([recorded]);
    the_library().when(set(MEETJESLAND)).again().then([]);
    the_library().when(set(GENT)).refused(Refused::ForeignCardSystem);

    let iban = Command::SetIban { iban: of("BE68539007547034"), at: now() };
    let recorded = Event::IbanSet { iban: of("BE68 5390 0754 7034"), at: now() };
    the_library().when(iban.clone()).then([recorded]);
    the_library().when(iban).again().then([]);
}

/// R-CTR-03
#[test]
fn a_counter_exists_once_and_works_for_at_least_one_card_system() {
    let profile = the_library().state.profile.unwrap();
    let create = Command::Create { profile: profile.clone(), at: now() };
    let nothing = Story { state: Counter::default() };
    nothing.when(create.clone()).then([Event::Created { profile: profile.clone(), at: now() }]);
    nothing.when(create).again().refused(Refused::AlreadyExists);
    let profile = Profile { card_systems: BTreeSet::new(), ..profile };
    nothing.when(Command::Create { profile, at: now() }).refused(Refused::NoCardSystem);
    for command in [
        Command::SetTerms { card_system: MEETJESLAND, terms: Terms::default(), at: now() },
        Command::SetIban { iban: of("BE68539007547034"), at: now() },
        adds("kim", StaffKind::Member, Role::Ksb),
        removes("kim", Role::Ksb),
        reports("2026-01-01", "2026-03-31", Role::Ksb),
    ] {
        nothing.when(command).refused(Refused::Unknown);
    }
}

/// R-CTR-04
#[test]
fn a_check_in_and_ticket_counter_identifies_one_pass_and_searches_no_list() {
    assert!(box_office().may(Task::Identify));
    assert!(!box_office().may(Task::Search));
    for by in [unauthorised_desk(), desk(), ksb()] {
        assert!(by.may(Task::Search), "{:?}", by.terms);
    }
}

/// R-CTR-05
#[test]
fn a_person_without_a_role_at_a_counter_can_do_nothing_there() {
    let authority = |counter: &Counter, who: &str, ksb_of: &[CardSystemId]| {
        counter.authority(&library(), &subject(who), &ksb_of.iter().copied().collect())
    };
    let library = with_staff("kim", StaffKind::Member).state;
    assert_eq!(authority(&library, "kim", &[]).unwrap().role, Role::CounterMember);
    assert_eq!(authority(&library, "lou", &[]), None);
    assert_eq!(authority(&library, "lou", &[GENT]), None);
    let removed = with_staff("kim", StaffKind::Member).when(removes("kim", Role::Ksb)).happens();
    assert_eq!(authority(&removed.state, "kim", &[]), None);
    assert_eq!(authority(&Counter::default(), "kim", &[MEETJESLAND]), None);
}

/// R-CTR-08
#[test]
fn an_activity_is_on_during_a_brussels_day() {
    let midnight = Calendar::Single(occurrence("2026-06-15 22:00:00", Some("2026-06-16 00:00:00")));
    let periodic =
        Calendar::Periodic { from: day("2026-06-15"), until: day("2026-06-16"), hours: vec![] };
    for (calendar, today, is_on) in [
        (&midnight, "2026-06-14", false),
        (&midnight, "2026-06-15", true),
        (&midnight, "2026-06-16", true),
        (&midnight, "2026-06-17", false),
        (&periodic, "2026-06-14", false),
        (&periodic, "2026-06-15", true),
        (&periodic, "2026-06-16", true),
        (&periodic, "2026-06-17", false),
        (&Calendar::Permanent { hours: vec![] }, "2026-06-17", true),
    ] {
        assert_eq!(calendar.is_on(day(today)), is_on, "{calendar:?} on {today}");
    }
}

/// R-CTR-08
#[test]
fn an_activity_for_members_only_gives_points_and_tariffs_at_the_counter() {
    let members = described(film(), |film| film.audience = Audience::Members);
    let anna_is_known = given([registered(anna())]);
    let evening = brussels("2026-06-15 20:00:00");
    anna_is_known.when(checks_in(check_in(1, &members, social_card(), evening))).happens();
    anna_is_known.when(sells([ticket(1, &members, "10.00")], evening)).happens();
}

/// R-CTR-03, R-TAR-06
#[test]
fn a_counter_s_keys_stand_in_the_sale() {
    let other = DistributionKey::fixed(Euro::cents(150), 40, 40);
    let mut film = film();
    let system = film.card_systems.get_mut(&MEETJESLAND).unwrap();
    Arc::make_mut(system).keys.insert(DistributionKeyId(2), key(2, other.unwrap()));
    let keys = BTreeSet::from([DistributionKeyId(2)]);
    let film = on_terms(film, Terms { keys, ..Terms::default() });
    let events =
        given([registered(anna())]).when(sells([ticket(1, &film, "10.00")], now())).events();
    let passholder::Event::TicketSold(sold) = &events[0] else { panic!("{events:?}") };
    assert_eq!(sold.key.id, DistributionKeyId(2));
    assert_eq!(sold.shares.passholder.to_string(), "1.50");
}

fn the_library() -> Story<Counter> {
    Story { state: library_counter() }
}

fn with_staff(who: &str, kind: StaffKind) -> Story<Counter> {
    the_library().when(adds(who, kind, Role::Ksb)).happens()
}

fn subject(who: &str) -> SubjectId {
    of(who)
}

fn adds(who: &str, kind: StaffKind, by: Role) -> Command {
    Command::AddStaff(AddStaff { subject: Some(subject(who)), kind, by, at: now() })
}

fn removes(who: &str, by: Role) -> Command {
    Command::RemoveStaff { subject: subject(who), by, at: now() }
}

fn reports(from: &str, until: &str, by: Role) -> Command {
    let (from, until, position) = (day(from), day(until), 7);
    Command::RequestReport(RequestReport { from, until, position, by, at: now() })
}

/// R-CTR-07: a new organizer is taken up in steps, and those that are open are told.
#[test]
fn a_new_organizer_is_taken_up_in_steps() {
    use uitpas_domain::counter::onboarding::{Open, Step};
    let open = |counter: &Counter| counter.open_steps(false);
    let new = the_library();
    assert_eq!(open(&new.state).len(), 9);
    assert!(!new.state.open_steps(true).contains(&Open::DistributionKey));
    for step in [
        Step::InformationSheetSigned,
        Step::DeclarationOfHonourSigned,
        Step::AgreementSigned,
        Step::ApprovedByMunicipality,
        Step::Informed,
    ] {
        let complete = Command::CompleteStep { step, at: now() };
        let done = Event::StepCompleted { step, at: now() };
        new.when(complete.clone()).then([done]);
        new.when(complete.clone()).again().then([]);
        new.when(Command::ReopenStep { step, at: now() }).then([]);
        let taken = new.when(complete).happens();
        assert!(!open(&taken.state).contains(&Open::Step(step)), "{step}");
        let reopened = taken.when(Command::ReopenStep { step, at: now() });
        reopened.then([Event::StepReopened { step, at: now() }]);
    }
    let with_admin = with_staff("kim", StaffKind::Admin);
    assert!(!open(&with_admin.state).contains(&Open::FirstAdmin));
    assert!(open(&with_staff("kim", StaffKind::Member).state).contains(&Open::FirstAdmin));
    let with_iban = new.when(Command::SetIban { iban: of("BE68539007547034"), at: now() });
    assert!(!open(&with_iban.happens().state).contains(&Open::Iban));
    let terms = |groups: &[PermissionGroup], keys: &[DistributionKeyId]| {
        let (groups, keys) = (groups.iter().copied().collect(), keys.iter().copied().collect());
        let terms = Terms { groups, keys, ..Terms::default() };
        let set = Command::SetTerms { card_system: MEETJESLAND, terms, at: now() };
        open(&new.when(set).happens().state)
    };
    let neither = terms(&[], &[]);
    assert!(neither.contains(&Open::Permissions) && neither.contains(&Open::DistributionKey));
    let permitted = terms(&[PermissionGroup::CheckInAndTicket], &[]);
    assert!(!permitted.contains(&Open::Permissions));
    assert!(permitted.contains(&Open::DistributionKey));
    assert!(!terms(&[], &[DistributionKeyId(1)]).contains(&Open::DistributionKey));
}

//! R-KSB: what a KSB admin may do, and where; and the card system that he runs.

use std::collections::BTreeSet;

use uitpas_domain::activity::{After, Margins};
use uitpas_domain::card_system::{CardSystem, Command, Event, Refused, Settings};
use uitpas_domain::counter::{Counter, PermissionGroup, StaffKind, Task, Terms};
use uitpas_domain::ids::SubjectId;
use uitpas_domain::metadata::Role;

use crate::given::*;

/// R-KSB-03
#[test]
fn a_ksb_admin_has_rights_at_counters_of_his_own_card_systems_only() {
    for (counter_systems, ksb_of, expected) in [
        (vec![MEETJESLAND], vec![MEETJESLAND], Some(vec![MEETJESLAND])),
        (vec![MEETJESLAND], vec![GENT], None),
        (vec![MEETJESLAND, GENT], vec![GENT], Some(vec![GENT])),
        (vec![MEETJESLAND, GENT], vec![MEETJESLAND, GENT], Some(vec![MEETJESLAND, GENT])),
        (vec![GENT], vec![], None),
    ] {
        let shown = format!("{counter_systems:?} {ksb_of:?}");
        let mut counter = library_counter();
        counter.profile.as_mut().unwrap().card_systems = counter_systems.into_iter().collect();
        let authority = counter.authority(&library(), &kim(), &ksb_of.into_iter().collect());
        let held = authority.map(|authority| authority.ksb_of.into_iter().collect::<Vec<_>>());
        assert_eq!(held, expected, "{shown}");
    }
}

/// R-KSB-03
#[test]
fn his_rights_end_at_the_border_of_his_card_system() {
    let tasks = [Task::CheckIn, Task::Search, Task::SocialStatus, Task::ReplaceOtherDigit];
    for task in tasks {
        assert!(ksb().may_in(MEETJESLAND, task), "{task}");
        assert!(!ksb().may_in(GENT, task), "{task}");
    }
    assert!(ksb().is_ksb_of(MEETJESLAND));
    assert!(!ksb().is_ksb_of(GENT));
}

/// R-KSB-06
#[test]
fn a_ksb_admin_does_every_counter_task_in_that_counter_s_name_and_the_ksb_role() {
    let authority = library_counter()
        .authority(&library(), &kim(), &BTreeSet::from([MEETJESLAND]))
        .expect("an admin of the card system of the library");
    assert_eq!((authority.role, &authority.counter), (Role::Ksb, &library()));
    for task in [
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
    ] {
        assert!(authority.may(task), "{task}");
    }
    assert_eq!(authority.demand_registration(MEETJESLAND, true, false), Ok(()));
}

/// R-KSB-06
#[test]
fn on_the_staff_too_he_has_both_rights_and_acts_as_the_ksb() {
    let groups = BTreeSet::from([PermissionGroup::CheckInAndTicket]);
    let mut counter: Counter = library_counter();
    counter.profile.as_mut().unwrap().card_systems.insert(GENT);
    counter.terms.insert(GENT, Terms { groups, ..Terms::default() });
    counter.staff.insert(kim(), StaffKind::Member);
    let ksb_of = BTreeSet::from([MEETJESLAND]);
    let authority = counter.authority(&library(), &kim(), &ksb_of).unwrap();
    assert_eq!(authority.role, Role::Ksb);
    assert!(authority.may_in(GENT, Task::CheckIn));
    assert!(!authority.may_in(GENT, Task::Register));
    assert!(authority.may_in(MEETJESLAND, Task::Register));
    // Not on the staff, the counter's terms are none of his.
    counter.staff.clear();
    let authority = counter.authority(&library(), &kim(), &ksb_of).unwrap();
    assert!(!authority.may_in(GENT, Task::CheckIn));
}

/// R-KSB-03
#[test]
fn a_card_system_is_created_once_with_a_municipality() {
    let create = |municipalities| Command::Create {
        name: of("UiTPAS Meetjesland"),
        municipalities,
        at: now(),
    };
    let nothing = Story { state: CardSystem::default() };
    let (name, municipalities) = (of("UiTPAS Meetjesland"), vec![eeklo()]);
    nothing.when(create(vec![eeklo()])).then([Event::Created { name, municipalities, at: now() }]);
    nothing.when(create(vec![eeklo()])).again().refused(Refused::AlreadyExists);
    nothing.when(create(vec![])).refused(Refused::NoMunicipality);
    nothing.when(appoints(kim())).refused(Refused::Unknown);
}

/// R-KSB-03
#[test]
fn its_admins_are_appointed_and_dismissed_once() {
    let here = Story { state: meetjesland() };
    here.when(appoints(kim())).then([Event::KsbAdminAdded { admin: kim(), at: now() }]);
    here.when(appoints(kim())).again().then([]);
    let dismiss = Command::RemoveKsbAdmin { admin: kim(), at: now() };
    here.when(dismiss.clone()).then([]);
    let with_kim = here.when(appoints(kim())).happens();
    with_kim.when(dismiss.clone()).then([Event::KsbAdminRemoved { admin: kim(), at: now() }]);
    with_kim.when(dismiss).again().then([]);
}

/// R-SOC-02, R-SOC-04, R-CHK-10
#[test]
fn its_settings_are_changed_and_the_same_ones_are_no_news() {
    let settings = Settings {
        grace_days: 14,
        expired_closes_points: true,
        without_staff: Margins { minutes_before: 30, after: After::Minutes(30) },
    };
    let change = Command::ChangeSettings { settings: settings.clone(), at: now() };
    let here = Story { state: meetjesland() };
    here.when(change.clone()).then([Event::SettingsChanged { settings, at: now() }]);
    here.when(change).again().then([]);
}

fn kim() -> SubjectId {
    of("kim")
}

fn appoints(admin: SubjectId) -> Command {
    Command::AddKsbAdmin { admin, at: now() }
}

//! R-SEC, R-CTR-01, R-KSB-03: which permissions of the contract a person has at a counter, by what the
//! counter may and what he is there. Tokens and devices show outside the rules.

use std::collections::{BTreeMap, BTreeSet};

use strum::IntoEnumIterator;
use uitpas_domain::counter::{Authority, Counter, PermissionGroup, Task, Terms};
use uitpas_domain::metadata::Role;
use uitpas_domain::permission::Permission::{self, *};

use crate::given::*;

/// What a check-in and ticket counter does.
const BOX_OFFICE: [Permission; 18] = [
    TariffsRead,
    TicketsalesSearch,
    TicketsalesRegister,
    EventsRead,
    EventSettingsRead,
    EventsQrCheckincode,
    CheckinsRead,
    CheckinsWrite,
    PassholdersSearchById,
    GrouppassesSearch,
    PassholderCouponsRead,
    GrouppassCouponsRead,
    PassesRead,
    PassesInsznumbersRead,
    PassesChipnumbersRead,
    RewardsRead,
    RewardsRedeem,
    RewardsPassholdersRead,
];

/// What a registration counter does beside that.
const REGISTRATION: [Permission; 11] = [
    PassholdersPictureRead,
    PassholdersPictureWrite,
    PassholdersPrivateRead,
    PassholdersPrivateWrite,
    PassholdersSearch,
    PassholdersWrite,
    PassholdersUpdate,
    PassholdersFamilyMembers,
    MembershipPricesRead,
    CardsRead,
    Associations,
];

/// What an authorised one does beside that.
const SOCIAL_STATUS: [Permission; 1] = [PassholdersWriteSocialtariff];

/// What takes the right on passholders of other municipalities, which no group has.
const FROM_ELSEWHERE: [Permission; 2] =
    [PassholdersWriteSocialtariffFullCardsystem, PassholdersWriteForeignCountry];

/// What whoever works at a counter does, whatever the counter may.
const STAFF: [Permission; 4] = [OrganizersSearch, OrganizersAdminsRead, KiosksRead, KiosksWrite];

const ADMIN: [Permission; 3] = [OrganizersReports, OrganizersAdminsWrite, EventsUpdate];

const KSB: [Permission; 4] =
    [EventSettingsUpdate, PassholdersDelete, RewardsWrite, SocialtariffExport];

/// R-CTR-01, R-CTR-02, R-CTR-03
#[test]
fn each_has_the_permissions_of_his_counter_and_of_what_he_is_there() {
    let staff_of = |group| held(&staff(group));
    let box_office = together(&[&BOX_OFFICE, &STAFF]);
    let unauthorised = together(&[&BOX_OFFICE, &REGISTRATION, &STAFF]);
    let authorised = together(&[&BOX_OFFICE, &REGISTRATION, &SOCIAL_STATUS, &STAFF]);
    assert_eq!(staff_of(PermissionGroup::CheckInAndTicket), box_office);
    assert_eq!(staff_of(PermissionGroup::UnauthorisedRegistration), unauthorised);
    assert_eq!(staff_of(PermissionGroup::AuthorisedRegistration), authorised);
    assert_eq!(held(&nobody()), together(&[&STAFF]));

    let admin = Authority { role: Role::CounterAdmin, ..crate::given::box_office() };
    assert_eq!(held(&admin), together(&[&BOX_OFFICE, &STAFF, &ADMIN]));
    let mut wide = crate::given::box_office();
    wide.terms.get_mut(&MEETJESLAND).unwrap().other_municipalities = true;
    assert_eq!(held(&wide), together(&[&BOX_OFFICE, &STAFF, &FROM_ELSEWHERE]));
}

/// R-KSB-03, R-KSB-06
#[test]
fn a_ksb_admin_has_all_of_them_in_his_own_card_system_and_the_work_of_staff_elsewhere() {
    let all = together(&[
        &BOX_OFFICE,
        &REGISTRATION,
        &SOCIAL_STATUS,
        &FROM_ELSEWHERE,
        &STAFF,
        &ADMIN,
        &KSB,
    ]);
    assert_eq!(held(&ksb()), all);
    let in_gent: BTreeSet<_> =
        Permission::iter().filter(|permission| ksb().holds_in(GENT, *permission)).collect();
    assert_eq!(in_gent, together(&[&STAFF, &ADMIN]));
}

/// R-SEC-01, R-SEC-02: what is a passholder's own, and what is for programs, no person at a counter
/// has; and neither a kiosk nor a passholder is staff.
#[test]
fn nobody_at_a_counter_comes_in_by_the_doors_of_others() {
    let at_counters = together(&[
        &BOX_OFFICE,
        &REGISTRATION,
        &SOCIAL_STATUS,
        &FROM_ELSEWHERE,
        &STAFF,
        &ADMIN,
        &KSB,
    ]);
    for permission in Permission::iter().filter(|permission| !at_counters.contains(permission)) {
        for by in [ksb(), desk(), nobody()] {
            assert!(!by.holds_in(MEETJESLAND, permission), "{permission} by {}", by.role);
        }
    }
    for role in [Role::Kiosk, Role::Passholder, Role::Client, Role::System] {
        let by = Authority { role, ..nobody() };
        assert_eq!(held(&by), BTreeSet::new(), "{role}");
    }
}

/// R-CHK-10, R-CTR-05
#[test]
fn whoever_comes_for_himself_checks_in_where_points_are_saved_and_does_nothing_else() {
    let counter = |groups: &[PermissionGroup]| {
        let groups = groups.iter().copied().collect();
        let terms = Terms { groups, other_municipalities: true, ..Terms::default() };
        Counter { terms: BTreeMap::from([(MEETJESLAND, terms)]), ..library_counter() }
    };
    let registering = counter(&[PermissionGroup::AuthorisedRegistration]);
    let oneself = Authority::of_oneself(library(), &registering);
    assert_eq!(oneself.role, Role::Passholder);
    assert!(oneself.may_in(MEETJESLAND, Task::CheckIn));
    for task in [Task::Register, Task::Search, Task::Edit, Task::Block, Task::SocialStatus] {
        assert!(!oneself.may(task), "{task}");
    }
    assert!(!oneself.may_serve_other_municipalities(MEETJESLAND));
    assert!(!Authority::of_oneself(library(), &counter(&[])).may(Task::CheckIn));
}

/// In the Meetjesland.
fn held(by: &Authority) -> BTreeSet<Permission> {
    Permission::iter().filter(|permission| by.holds_in(MEETJESLAND, *permission)).collect()
}

fn together(parts: &[&[Permission]]) -> BTreeSet<Permission> {
    parts.iter().copied().flatten().copied().collect()
}

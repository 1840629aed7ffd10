//! R-FAM: families, of which both sides can end the link.

use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::family::{
    ADULT_FROM_AGE, ADULTS_MAX, AddFamilyMember, FamilyRefused, PERSONS_MAX,
};
use uitpas_domain::passholder::registration::Remove;
use uitpas_domain::passholder::{Command, Event, Passholder, Refused};

use crate::given::*;

/// R-FAM-01
#[test]
fn a_family_member_is_added_once() {
    given([registered(anna())]).when(adds(1, 7)).again().refused(FamilyRefused::AlreadyAdded);
    given([registered(anna())]).when(adds(1, 7)).then([added(1, false)]);
    // Whose family it is stands in it from the first.
    given([registered(anna())]).when(adds(0, 40)).refused(FamilyRefused::AlreadyAdded);
}

/// R-FAM-01
#[test]
fn a_family_has_at_most_so_many_persons() {
    let children = |count: usize| {
        let added = (1..=count as u128).map(|number| added(number, false));
        given([registered(anna())].into_iter().chain(added))
    };
    // With the one whose family it is.
    children(PERSONS_MAX - 2).when(adds(90, 7)).then([added(90, false)]);
    children(PERSONS_MAX - 1).when(adds(90, 7)).refused(FamilyRefused::TooManyPersons);
    let one_left = children(PERSONS_MAX - 1).when(ends(1)).happens();
    one_left.when(adds(90, 7)).then([added(90, false)]);
}

/// R-FAM-01
#[test]
fn a_family_has_at_most_so_many_adults() {
    let adults = |count: usize| {
        let added = (1..=count as u128).map(|number| added(number, true));
        given([registered(anna())].into_iter().chain(added))
    };
    adults(ADULTS_MAX - 2).when(adds(90, ADULT_FROM_AGE)).then([added(90, true)]);
    adults(ADULTS_MAX - 1).when(adds(90, ADULT_FROM_AGE)).refused(FamilyRefused::TooManyAdults);
    adults(ADULTS_MAX - 1).when(adds(90, ADULT_FROM_AGE - 1)).then([added(90, false)]);
    // A child whose family it is leaves room for one adult more.
    let by_someone_of = |owner_age| {
        let Command::AddFamilyMember(add) = adds(90, 40) else { unreachable!() };
        Command::AddFamilyMember(Box::new(AddFamilyMember { owner_age, ..*add }))
    };
    let last_year_as_a_child = ADULT_FROM_AGE - 1;
    adults(ADULTS_MAX - 1).when(by_someone_of(last_year_as_a_child)).then([added(90, true)]);
    adults(ADULTS_MAX).when(by_someone_of(12)).refused(FamilyRefused::TooManyAdults);
    adults(ADULTS_MAX - 1)
        .when(by_someone_of(ADULT_FROM_AGE))
        .refused(FamilyRefused::TooManyAdults);
}

/// R-FAM-01
#[test]
fn the_first_of_several_reasons_against_a_member_is_the_answer() {
    let full = (1..PERSONS_MAX as u128).map(|number| added(number, true));
    let full = given([registered(anna())].into_iter().chain(full));
    full.when(adds(1, 40)).refused(FamilyRefused::AlreadyAdded);
    full.when(adds(90, 40)).refused(FamilyRefused::TooManyPersons);
    let one_left = full.when(ends(1)).happens();
    one_left.when(adds(90, 40)).refused(FamilyRefused::TooManyAdults);
}

/// R-FAM-01
#[test]
fn a_link_that_was_ended_is_made_anew_and_is_one_way_only() {
    let family = given([registered(anna()), added(1, false), ended(1)]);
    family.when(adds(1, 7)).then([added(1, false)]);
    // Whom he was added to, he has not added himself.
    let of_the_member = given([registered(bram())]);
    of_the_member.when(ends(0)).refused(FamilyRefused::NotInFamily);
}

/// R-FAM-01
#[test]
fn nobody_has_a_family_without_being_registered() {
    let nobody = Story { state: Passholder::default() };
    for command in [adds(1, 7), ends(1)] {
        nobody.when(command).refused(Refused::Unknown);
    }
}

/// R-FAM-01
#[test]
fn a_link_is_ended_once_and_an_icon_changed_where_it_is_another() {
    let family = given([registered(anna()), added(1, false)]);
    family.when(ends(1)).then([ended(1)]);
    family.when(ends(1)).again().refused(FamilyRefused::NotInFamily);
    family.when(ends(2)).refused(FamilyRefused::NotInFamily);
    let icon = Some(of("das"));
    let change = |member| Command::ChangeFamilyIcon { member, icon: icon.clone(), at: now() };
    let changed = Event::FamilyIconChanged { member: person(1), icon: icon.clone(), at: now() };
    family.when(change(person(1))).then([changed]);
    family.when(change(person(1))).again().then([]);
    family.when(change(person(2))).refused(FamilyRefused::NotInFamily);
}

/// R-FAM-01, R-PRV-01
#[test]
fn whoever_is_removed_has_no_family_any_more() {
    let removed = given([registered(anna()), added(1, false), added(2, true)])
        .when(Command::Remove(Remove { at: now() }));
    let events = removed.events();
    assert_eq!(events[events.len() - 3..events.len() - 1], [ended(1), ended(2)]);
    given([registered(anna())].into_iter().chain(events))
        .when(adds(1, 7))
        .refused(Refused::Removed);
}

fn person(number: u128) -> PassholderId {
    PassholderId(uuid(number))
}

fn adds(member: u128, member_age: u16) -> Command {
    Command::AddFamilyMember(Box::new(AddFamilyMember {
        owner: person(0),
        owner_age: 40,
        member: person(member),
        member_age,
        icon: None,
        at: now(),
    }))
}

fn added(member: u128, adult: bool) -> Event {
    Event::FamilyMemberAdded { member: person(member), adult, icon: None, at: now() }
}

fn ends(member: u128) -> Command {
    Command::EndFamilyLink { member: person(member), at: now() }
}

fn ended(member: u128) -> Event {
    Event::FamilyMemberRemoved { member: person(member), at: now() }
}

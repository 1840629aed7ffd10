//! What a client may do at a counter.

use std::collections::{BTreeMap, BTreeSet};

use uitpas_domain::client::Client;
use uitpas_domain::counter::{Counter, PermissionGroup, Profile, Task, Terms};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::metadata::Role;
use uitpas_domain::permission::Permission as P;

const HERE: CardSystemId = CardSystemId(1);

fn counter(group: PermissionGroup) -> Counter {
    let address = r#"{"postal_code":"9900","city":"Eeklo","country":"be"}"#;
    Counter {
        profile: Some(Profile {
            name: "Bib".parse().unwrap(),
            address: serde_json::from_str(address).unwrap(),
            card_systems: [HERE].into(),
        }),
        terms: [(HERE, Terms { groups: [group].into(), ..Terms::default() })].into(),
        ..Counter::default()
    }
}

fn client(held: &[P]) -> Client {
    let held: BTreeSet<P> = held.iter().copied().collect();
    let permissions = BTreeMap::from([("bib".parse().unwrap(), held)]);
    Client { name: Some("Webshop".parse().unwrap()), permissions }
}

/// R-CTR-01: what the client holds, within what the counter may.
#[test]
fn a_client_may_what_it_holds_within_what_its_counter_may() {
    use PermissionGroup::{AuthorisedRegistration, CheckInAndTicket, UnauthorisedRegistration};
    let social = [P::PassholdersWrite, P::PassholdersWriteSocialtariff];
    for (held, group, task, may) in [
        (&[P::CheckinsWrite][..], AuthorisedRegistration, Task::CheckIn, true),
        (&[P::CheckinsWrite], AuthorisedRegistration, Task::Register, false),
        (&[P::CheckinsWrite], AuthorisedRegistration, Task::Search, false),
        (&[P::CheckinsWrite, P::PassholdersSearch], AuthorisedRegistration, Task::Search, true),
        (&[P::PassholdersWrite], AuthorisedRegistration, Task::Register, true),
        (&[P::PassholdersWrite], AuthorisedRegistration, Task::SocialStatus, false),
        (&social, AuthorisedRegistration, Task::SocialStatus, true),
        (&social, UnauthorisedRegistration, Task::SocialStatus, false),
        (&social, UnauthorisedRegistration, Task::Register, true),
        (&social, CheckInAndTicket, Task::Register, false),
    ] {
        let by = client(held).authority(&"bib".parse().unwrap(), &counter(group), &[]).unwrap();
        assert_eq!(by.may_in(HERE, task), may, "{held:?} {group:?} {task}");
        assert!(!by.may_in(CardSystemId(2), task));
        assert_eq!(by.role, Role::Client);
    }
}

/// R-CTR-05: an operation that needs another permission, or another counter, gets nothing.
#[test]
fn a_client_may_nothing_by_other_permissions_or_elsewhere() {
    let at = |id: &str, needed: &[P]| {
        let counter = counter(PermissionGroup::AuthorisedRegistration);
        client(&[P::CheckinsRead, P::RewardsWrite]).authority(
            &id.parse().unwrap(),
            &counter,
            needed,
        )
    };
    assert!(at("bib", &[P::CheckinsWrite]).is_none());
    assert!(at("elders", &[P::CheckinsRead]).is_none());
    assert!(at("bib", &[P::CheckinsRead, P::CheckinsWrite]).is_some());
    assert!(!at("bib", &[P::CheckinsRead]).unwrap().is_ksb_of(HERE));
    assert!(at("bib", &[P::RewardsWrite]).unwrap().is_ksb_of(HERE));
}

//! A client: a program that works for counters, by permissions of its own. Source: UiTPAS API 4.0,
//! "Permissions".

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::counter::{Authority, Counter, PermissionGroup, Terms};
use crate::ids::{CounterId, SubjectId};
use crate::metadata::Role;
use crate::permission::{HeldBy, Permission};
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    /// By the system owner or a KSB admin: makes it known, or gives it another name.
    Register { name: Text<120>, at: DateTime<Utc> },
    /// All of its permissions, in place of those it has.
    SetPermissions { permissions: Permissions, at: DateTime<Utc> },
}

/// What a client may do, per counter.
pub type Permissions = BTreeMap<CounterId, BTreeSet<Permission>>;

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Registered { name: Text<120>, at: DateTime<Utc> },
    PermissionsSet { permissions: Permissions, at: DateTime<Utc> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this client is not known")]
    Unknown,
}

/// The client as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Absent until it is registered.
    pub name: Option<Text<120>>,
    pub permissions: Permissions,
}

aggregate!(Client, "client", SubjectId, Command, Event, Refused);

impl Client {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Register { name, at } => {
                let news = self.name.as_ref() != Some(&name);
                Ok(if news { vec![Event::Registered { name, at }] } else { vec![] })
            }
            Command::SetPermissions { mut permissions, at } => {
                self.known()?;
                permissions.retain(|_, held| !held.is_empty());
                let news = permissions != self.permissions;
                Ok(if news { vec![Event::PermissionsSet { permissions, at }] } else { vec![] })
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Registered { name, .. } => self.name = Some(name),
            Event::PermissionsSet { permissions, .. } => self.permissions = permissions,
        }
    }

    pub fn known(&self) -> Result<&Text<120>, Refused> {
        self.name.as_ref().ok_or(Refused::Unknown)
    }

    /// Whether it holds one of these at some counter.
    pub fn holds_any(&self, needed: &[Permission]) -> bool {
        self.permissions.values().any(|held| needed.iter().any(|of| held.contains(of)))
    }

    /// What it may do at a counter in an operation that needs one of these permissions, or any where
    /// none is named; absent where it holds none. No more than the staff of that counter may.
    pub fn authority(
        &self,
        id: &CounterId,
        counter: &Counter,
        needed: &[Permission],
    ) -> Option<Authority> {
        let held = self.permissions.get(id)?;
        let counts = |of: &&Permission| needed.is_empty() || needed.contains(of);
        let counting: Vec<Permission> = held.iter().filter(counts).copied().collect();
        if counting.is_empty() {
            return None;
        }
        // What may come along in any operation: seeing whose it is, and what is on social status.
        let beside = [Permission::PassholdersSearch, Permission::PassholdersWriteSocialtariff];
        let beside = beside.into_iter().filter(|of| held.contains(of));
        let groups: BTreeSet<PermissionGroup> =
            counting.iter().copied().chain(beside).filter_map(group).collect();
        let elsewhere = [
            Permission::PassholdersWriteSocialtariffFullCardsystem,
            Permission::PassholdersWriteForeignCountry,
        ];
        let others = elsewhere.iter().any(|of| held.contains(of));
        let terms = counter.terms.iter().map(|(card_system, of_counter)| {
            let highest = of_counter.groups.last();
            let within =
                |group: &&PermissionGroup| highest.is_some_and(|highest| *group <= highest);
            let groups = groups.iter().filter(within).copied().collect();
            let other_municipalities = others && of_counter.other_municipalities;
            (*card_system, Terms { groups, other_municipalities, ..of_counter.clone() })
        });
        let as_ksb = counting.iter().any(|of| of.held_by() == HeldBy::Ksb);
        Some(Authority {
            role: Role::Client,
            counter: id.clone(),
            terms: terms.collect(),
            ksb_of: if as_ksb { counter.card_systems().into_iter().collect() } else { [].into() },
        })
    }
}

fn group(permission: Permission) -> Option<PermissionGroup> {
    match permission.held_by() {
        HeldBy::Group(group) => Some(group),
        HeldBy::OtherMunicipalities
        | HeldBy::AnyStaff
        | HeldBy::CounterAdmin
        | HeldBy::Ksb
        | HeldBy::Oneself
        | HeldBy::Client => None,
    }
}

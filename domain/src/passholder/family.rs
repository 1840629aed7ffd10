//! Families: for whom somebody saves points along with his own. Source: FAQ of the UiTPAS app,
//! "Families" (R-FAM-01).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Holder, Refused};
use crate::ids::PassholderId;
use crate::values::text::Text;

/// How many persons a family has, with the one whose family it is. Source: our choice; the contract
/// speaks of a limit and names none.
pub const PERSONS_MAX: usize = 10;
/// How many of them are adults. Source: our choice, likewise.
pub const ADULTS_MAX: usize = 4;
/// From this age on somebody is an adult.
pub const ADULT_FROM_AGE: u16 = 18;

/// The picture beside a family member in the app: a name or an address that the app knows.
pub type Icon = Text<300>;

#[derive(Debug, Clone)]
pub struct AddFamilyMember {
    /// Whose family it is, and his age in years.
    pub owner: PassholderId,
    pub owner_age: u16,
    pub member: PassholderId,
    pub member_age: u16,
    pub icon: Option<Icon>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FamilyRefused {
    #[error("this passholder is in the family already")]
    AlreadyAdded,
    #[error("a family has at most {PERSONS_MAX} persons")]
    TooManyPersons,
    #[error("a family has at most {ADULTS_MAX} adults")]
    TooManyAdults,
    #[error("this passholder is not in the family")]
    NotInFamily,
    #[error("whose family it is cannot leave it")]
    Main,
}

/// Somebody in the family of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FamilyMember {
    /// On the day on which he was added.
    pub adult: bool,
    pub icon: Option<Icon>,
    pub since: DateTime<Utc>,
}

impl Holder {
    /// The order of refusals: known already, persons, adults.
    pub(super) fn add_family_member(&self, add: AddFamilyMember) -> Result<Vec<Event>, Refused> {
        let AddFamilyMember { owner, owner_age, member, member_age, icon, at } = add;
        if member == owner || self.family.contains_key(&member) {
            return Err(FamilyRefused::AlreadyAdded.into());
        }
        if self.family.len() + 1 >= PERSONS_MAX {
            return Err(FamilyRefused::TooManyPersons.into());
        }
        let is_adult = |age| age >= ADULT_FROM_AGE;
        let known = self.family.values().filter(|member| member.adult).count();
        let adults = known + usize::from(is_adult(owner_age));
        if is_adult(member_age) && adults >= ADULTS_MAX {
            return Err(FamilyRefused::TooManyAdults.into());
        }
        let adult = is_adult(member_age);
        Ok(vec![Event::FamilyMemberAdded { member, adult, icon, at }])
    }

    pub(super) fn change_family_icon(
        &self,
        member: PassholderId,
        icon: Option<Icon>,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        let known = self.family.get(&member).ok_or(FamilyRefused::NotInFamily)?;
        match known.icon == icon {
            true => Ok(vec![]),
            false => Ok(vec![Event::FamilyIconChanged { member, icon, at }]),
        }
    }

    /// Either side ends it (R-FAM-01).
    pub(super) fn end_family_link(
        &self,
        member: PassholderId,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        match self.family.contains_key(&member) {
            true => Ok(vec![Event::FamilyMemberRemoved { member, at }]),
            false => Err(FamilyRefused::NotInFamily.into()),
        }
    }

    /// Whoever is removed has no family any more.
    pub(super) fn end_family(&self, at: DateTime<Utc>) -> impl Iterator<Item = Event> {
        self.family.keys().map(move |member| Event::FamilyMemberRemoved { member: *member, at })
    }
}

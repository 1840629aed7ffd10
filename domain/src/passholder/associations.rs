//! Memberships of associations: granting, renewing and stopping them. Source: counter manual,
//! "Lidmaatschap toevoegen of verlengen"; R-ASC-01.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Event, Holder, Refused};
use crate::association::{Association, Definition, EndRule};
use crate::calendar::day_in_belgium;
use crate::counter::{Authority, Task};
use crate::ids::AssociationId;

/// Grants a membership, or renews the one there is.
#[derive(Debug, Clone)]
pub struct JoinAssociation {
    pub by: Authority,
    pub id: AssociationId,
    pub association: Arc<Association>,
    /// Only where the rule is by hand.
    pub end_date: Option<NaiveDate>,
    /// Absent once it cannot be read any more.
    pub birth_date: Option<NaiveDate>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct LeaveAssociation {
    pub by: Authority,
    pub id: AssociationId,
    pub association: Arc<Association>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssociationRefused {
    #[error("this association is not known")]
    Unknown,
    #[error("this counter may not grant the memberships of this association")]
    OtherCounter,
    #[error("the passholder is no member of the association's card system")]
    OtherCardSystem,
    #[error("an end date is needed")]
    NoEndDate,
    #[error("the end date {0} is past already")]
    Past(NaiveDate),
    #[error("the membership runs until {0} already")]
    NotLater(NaiveDate),
    #[error("the passholder has no such membership")]
    NoMember,
}

impl Holder {
    /// The order of refusals: right, association, counter, card system, end date.
    pub(super) fn join_association(&self, join: &JoinAssociation) -> Result<Vec<Event>, Refused> {
        let until = self.new_end(join)?;
        Ok(vec![Event::AssociationJoined { association: join.id, until, at: join.at }])
    }

    /// What granting or renewing comes to, for whoever only asks.
    pub fn new_end(&self, join: &JoinAssociation) -> Result<NaiveDate, Refused> {
        let definition = demand_registrar(&join.by, &join.association)?;
        let of_owner = self.memberships.get(&definition.owner);
        if of_owner.is_none_or(|membership| membership.blocked) {
            return Err(AssociationRefused::OtherCardSystem.into());
        }
        let today = day_in_belgium(join.at);
        let until = match definition.end_rule {
            EndRule::ByHand => join.end_date,
            rule => rule.end(today, join.birth_date),
        };
        let until = until.ok_or(AssociationRefused::NoEndDate)?;
        match self.associations.get(&join.id) {
            // A renewal lasts at least until tomorrow; what is new may end today.
            Some(_) if until <= today => Err(AssociationRefused::Past(until).into()),
            Some(known) if until <= *known => Err(AssociationRefused::NotLater(*known).into()),
            None if until < today => Err(AssociationRefused::Past(until).into()),
            Some(_) | None => Ok(until),
        }
    }

    pub(super) fn leave_association(
        &self,
        leave: &LeaveAssociation,
    ) -> Result<Vec<Event>, Refused> {
        demand_registrar(&leave.by, &leave.association)?;
        if !self.associations.contains_key(&leave.id) {
            return Err(AssociationRefused::NoMember.into());
        }
        Ok(vec![Event::AssociationLeft { association: leave.id, at: leave.at }])
    }
}

fn demand_registrar<'a>(
    by: &Authority,
    association: &'a Association,
) -> Result<&'a Definition, Refused> {
    by.demand(Task::Identify)?;
    let known = association.definition.as_deref().ok_or(AssociationRefused::Unknown)?;
    match known.is_registered_by(&by.counter) {
        true => Ok(known),
        false => Err(AssociationRefused::OtherCounter.into()),
    }
}

//! The members of card systems through time, for figures as of a past day (R-KSB-04). Nothing in it
//! is personal, so that it stays whole when a passholder is removed (R-PRV-01).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::{CardSystemId, PassholderId};
use uitpas_domain::passholder::{Event, Registered};
use uitpas_domain::social_status::SocialStatus;
use uitpas_domain::values::place::Municipality;
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// A passholder, with what was the case from when on.
    Member in "members" by (id: Uuid) {
        id: Uuid,
        registered_at: DateTime<Utc>,
        /// Years, on the day of registration.
        age: i32,
        removed_at: Option<DateTime<Utc>>,
        /// Oldest first; absent: abroad.
        homes: AsJson<Vec<(DateTime<Utc>, Option<Municipality>)>>,
        card_systems: Vec<i32>,
        /// Oldest first.
        memberships: AsJson<History>,
        position: i64,
    }
}

/// What the membership of each card system was from when on.
type History = BTreeMap<CardSystemId, Vec<(DateTime<Utc>, Membership)>>;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Membership {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub social_status: Option<SocialStatus>,
}

pub const PROJECTION: Projection = Projection {
    name: "members",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("passholder", "Registered"),
        ("passholder", "DetailsChanged"),
        ("passholder", "CardGiven"),
        ("passholder", "SocialStatusGranted"),
        ("passholder", "SocialStatusExtended"),
        ("passholder", "SocialStatusRenewed"),
        ("passholder", "SocialStatusSuspended"),
        ("passholder", "SuspensionLifted"),
        ("passholder", "SocialStatusEnded"),
        ("passholder", "MembershipBlocked"),
        ("passholder", "Removed"),
    ],
    opens_details: false,
    statements: &[AS_OF],
    new: || Box::new(Members::default()),
};

#[derive(Default)]
struct Members {
    members: Table<Member>,
}

impl Fold for Members {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Passholder(id, Event::Registered(_)) => self.members.makes((id.0,)),
            AnyEvent::Passholder(id, _) => self.members.needs((id.0,)),
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(id, event) = &entry.event else { return not_mine() };
        if let Event::Registered(registered) = event {
            self.members.put(Member::new(*id, registered, entry.position));
            return Ok(());
        }
        let row = self.members.at(&(id.0,))?;
        row.on(event);
        row.position = entry.position;
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.members]
    }
}

impl Member {
    fn new(id: PassholderId, registered: &Registered, position: i64) -> Self {
        let social_status = registered
            .social_status
            .as_ref()
            .map(|new| SocialStatus { until: new.until, suspended_until: None });
        let membership = Membership { blocked: false, social_status };
        Self {
            id: id.0,
            registered_at: registered.at,
            age: registered.age.into(),
            removed_at: None,
            homes: AsJson(vec![(registered.at, registered.home.clone())]),
            card_systems: vec![number(registered.card_system)],
            memberships: AsJson(BTreeMap::from([(
                registered.card_system,
                vec![(registered.at, membership)],
            )])),
            position,
        }
    }

    fn on(&mut self, event: &Event) {
        match event {
            Event::Registered(_)
            | Event::WelcomeRewardGranted { .. }
            | Event::PreferencesSet { .. }
            | Event::CardBlocked { .. }
            | Event::CardCharged { .. }
            | Event::MembershipSuperseded { .. }
            | Event::RenewalWithheld { .. }
            | Event::CheckedIn(_)
            | Event::CheckInCorrected { .. }
            | Event::TicketSold(_)
            | Event::CouponUsed(_)
            | Event::TicketSaleCancelled { .. }
            | Event::FamilyMemberAdded { .. }
            | Event::FamilyIconChanged { .. }
            | Event::FamilyMemberRemoved { .. }
            | Event::PrivateNoteSet { .. }
            | Event::PictureSet { .. }
            | Event::PictureRemoved { .. }
            | Event::RewardRedeemed(_)
            | Event::RedemptionCancelled { .. }
            | Event::AssociationJoined { .. }
            | Event::AssociationLeft { .. }
            | Event::UitidLinked { .. } => {}
            Event::DetailsChanged { home, at, .. } => {
                if self.homes.0.last().is_none_or(|(_, known)| known != home) {
                    self.homes.0.push((*at, home.clone()));
                }
            }
            Event::CardGiven { card_system, at, .. } => self.becomes(*card_system, *at, |_| {}),
            Event::SocialStatusGranted { card_system, until, at, .. } => {
                let granted = SocialStatus { until: *until, suspended_until: None };
                self.becomes(*card_system, *at, |of| of.social_status = Some(granted));
            }
            Event::SocialStatusExtended { card_system, until, at }
            | Event::SocialStatusRenewed { card_system, until, at } => {
                self.becomes(*card_system, *at, |of| {
                    if let Some(status) = &mut of.social_status {
                        status.until = *until;
                    }
                });
            }
            Event::SocialStatusSuspended { card_system, until, at, .. } => {
                self.suspend(*card_system, Some(*until), *at);
            }
            Event::SuspensionLifted { card_system, at, .. } => {
                self.suspend(*card_system, None, *at);
            }
            Event::SocialStatusEnded { card_system, at } => {
                self.becomes(*card_system, *at, |of| of.social_status = None);
            }
            Event::MembershipBlocked { card_system, at, .. } => {
                self.becomes(*card_system, *at, |of| of.blocked = true);
            }
            Event::Removed { at, .. } => self.removed_at = Some(*at),
        }
    }

    fn suspend(
        &mut self,
        card_system: CardSystemId,
        until: Option<chrono::NaiveDate>,
        at: DateTime<Utc>,
    ) {
        self.becomes(card_system, at, |of| {
            if let Some(status) = &mut of.social_status {
                status.suspended_until = until;
            }
        });
    }

    /// The membership is this from now on; one that was not there begins.
    fn becomes(
        &mut self,
        card_system: CardSystemId,
        at: DateTime<Utc>,
        change: impl FnOnce(&mut Membership),
    ) {
        let known = self.memberships.0.entry(card_system).or_default();
        let before = known.last().map(|(_, membership)| membership.clone());
        let mut now = before.clone().unwrap_or_default();
        change(&mut now);
        if before.as_ref() != Some(&now) {
            known.push((at, now));
        }
        self.card_systems = self.memberships.0.keys().copied().map(number).collect();
    }

    /// What the membership of a card system was at a moment, if there was one.
    pub fn membership(&self, card_system: CardSystemId, at: DateTime<Utc>) -> Option<&Membership> {
        as_of(self.memberships.0.get(&card_system)?, at)
    }

    pub fn home(&self, at: DateTime<Utc>) -> Option<&Municipality> {
        as_of(&self.homes.0, at)?.as_ref()
    }
}

fn as_of<T>(known: &[(DateTime<Utc>, T)], at: DateTime<Utc>) -> Option<&T> {
    known.iter().rev().find(|(since, _)| *since <= at).map(|(_, what)| what)
}

const AS_OF: &str = "
    select *
    from views.members
    where card_systems @> array[$1::int]
        and registered_at <= $2
        and coalesce(removed_at > $2, true)
    order by id";

/// Whoever was a passholder at a moment and is, or was once, a member of a card system.
pub async fn as_of_moment(
    pool: &PgPool,
    card_system: CardSystemId,
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as(AS_OF).bind(number(card_system)).bind(at).fetch_all(pool).await
}

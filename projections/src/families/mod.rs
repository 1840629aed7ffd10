//! Families: who was added to whose. The other way round it stands in the passholder's own stream.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::Event;
use uuid::Uuid;

use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// Somebody in the family of another.
    Link in "family_links" by (owner: Uuid, member: Uuid) {
        owner: Uuid,
        member: Uuid,
        since: DateTime<Utc>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "families",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("passholder", "FamilyMemberAdded"), ("passholder", "FamilyMemberRemoved")],
    opens_details: false,
    statements: &[OF_MEMBER],
    new: || Box::new(Families::default()),
};

#[derive(Default)]
struct Families {
    links: Table<Link>,
}

impl Fold for Families {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::Passholder(owner, event) = event else { return };
        if let Event::FamilyMemberAdded { member, .. } | Event::FamilyMemberRemoved { member, .. } =
            event
        {
            self.links.needs((owner.0, member.0));
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(owner, event) = &entry.event else { return not_mine() };
        let position = entry.position;
        match event {
            Event::FamilyMemberAdded { member, at, .. } => {
                let (owner, member) = (owner.0, member.0);
                self.links.put(Link { owner, member, since: *at, position });
            }
            Event::FamilyMemberRemoved { member, .. } => self.links.remove(&(owner.0, member.0)),
            Event::Registered { .. }
            | Event::WelcomeRewardGranted { .. }
            | Event::DetailsChanged { .. }
            | Event::PreferencesSet { .. }
            | Event::CardBlocked { .. }
            | Event::CardGiven { .. }
            | Event::CardCharged { .. }
            | Event::MembershipSuperseded { .. }
            | Event::SocialStatusGranted { .. }
            | Event::SocialStatusExtended { .. }
            | Event::SocialStatusRenewed { .. }
            | Event::RenewalWithheld { .. }
            | Event::SocialStatusSuspended { .. }
            | Event::SuspensionLifted { .. }
            | Event::SocialStatusEnded { .. }
            | Event::MembershipBlocked { .. }
            | Event::CheckedIn { .. }
            | Event::CheckInCorrected { .. }
            | Event::TicketSold { .. }
            | Event::CouponUsed { .. }
            | Event::TicketSaleCancelled { .. }
            | Event::RewardRedeemed { .. }
            | Event::RedemptionCancelled { .. }
            | Event::AssociationJoined { .. }
            | Event::AssociationLeft { .. }
            | Event::UitidLinked { .. }
            | Event::FamilyIconChanged { .. }
            | Event::PrivateNoteSet { .. }
            | Event::PictureSet { .. }
            | Event::PictureRemoved { .. }
            | Event::Removed { .. } => return not_mine(),
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.links]
    }
}

const OF_MEMBER: &str = "
    select *
    from views.family_links
    where member = $1
    order by since, owner";

/// The families that somebody was added to, oldest link first; his own is none of them.
pub async fn of_member(pool: &PgPool, member: PassholderId) -> sqlx::Result<Vec<Link>> {
    sqlx::query_as(OF_MEMBER).bind(member.0).fetch_all(pool).await
}

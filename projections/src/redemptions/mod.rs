//! The overview of redeemed rewards, cancelled ones too.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::{CounterId, PassholderId, RedemptionId, RewardId};
use uitpas_domain::passholder::Event;
use uitpas_domain::reward::Kind;
use uuid::Uuid;

use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, Query, Rows, containing, folded, page, rows};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A redeemed reward.
    Redemption in "redemptions" by (id: Uuid) {
        id: Uuid,
        passholder: Uuid,
        reward: Uuid,
        title: String,
        title_folded: String,
        /// `points` or `welcome`.
        kind: String,
        points: i32,
        counter: String,
        card: String,
        at: DateTime<Utc>,
        cancelled_at: Option<DateTime<Utc>>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "redemptions",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("passholder", "RewardRedeemed"), ("passholder", "RedemptionCancelled")],
    opens_details: false,
    statements: &[BY_ID, LIST, COUNTS, TAKEN_UP],
    new: || Box::new(Redemptions::default()),
};

#[derive(Default)]
struct Redemptions {
    redemptions: Table<Redemption>,
}

impl Fold for Redemptions {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Passholder(_, Event::RewardRedeemed(redeemed)) => {
                self.redemptions.makes((redeemed.redemption.0,));
            }
            AnyEvent::Passholder(_, Event::RedemptionCancelled { redemption, .. }) => {
                self.redemptions.needs((redemption.0,));
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(id, event) = &entry.event else { return not_mine() };
        match event {
            Event::RewardRedeemed(redeemed) => self.redemptions.put(Redemption {
                id: redeemed.redemption.0,
                passholder: id.0,
                reward: redeemed.reward.0,
                title: redeemed.title.to_string(),
                title_folded: folded(redeemed.title.as_str()),
                kind: redeemed.kind.to_string(),
                points: redeemed.points.cast_signed(),
                counter: redeemed.counter.to_string(),
                card: redeemed.card.to_string(),
                at: redeemed.at,
                cancelled_at: None,
                position: entry.position,
            }),
            Event::RedemptionCancelled { redemption, at, .. } => {
                let row = self.redemptions.at(&(redemption.0,))?;
                row.cancelled_at = Some(*at);
                row.position = entry.position;
            }
            Event::Registered(_)
            | Event::WelcomeRewardGranted { .. }
            | Event::DetailsChanged { .. }
            | Event::PreferencesSet { .. }
            | Event::UitidLinked { .. }
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
            | Event::AssociationJoined { .. }
            | Event::AssociationLeft { .. }
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
            | Event::Removed { .. } => {}
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.redemptions]
    }
}

/// Which redemptions; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub passholder: Option<PassholderId>,
    pub reward: Option<RewardId>,
    pub kind: Option<Kind>,
    /// Part of the reward's title.
    pub title: Option<String>,
    pub counters: Option<Vec<CounterId>>,
    /// When it was taken up, both inclusive.
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub cancelled: Option<bool>,
    /// Instead of newest first.
    pub oldest_first: bool,
    pub paging: Paging,
}

const BY_ID: &str = "select * from views.redemptions where id = $1";

const LIST: &str = "
    select *, count(*) over () as total
    from views.redemptions
    where ($1::uuid is null or passholder = $1)
        and ($2::uuid is null or reward = $2)
        and ($3::text is null or kind = $3)
        and ($4::text is null or title_folded like $4)
        and ($5::text[] is null or counter = any($5))
        and ($6::timestamptz is null or at >= $6)
        and ($7::timestamptz is null or at <= $7)
        and ($8::boolean is null or (cancelled_at is not null) = $8)
    order by case when $9 then at end, at desc, id desc
    offset $10 limit $11";

const TAKEN_UP: &str = "
    select count(*) filter (where kind = 'points'), count(*) filter (where kind = 'welcome')
    from views.redemptions
    where counter = $1 and at between $2 and $3 and cancelled_at is null";

pub async fn by_id(pool: &PgPool, id: RedemptionId) -> sqlx::Result<Option<Redemption>> {
    sqlx::query_as(BY_ID).bind(id.0).fetch_optional(pool).await
}

fn query(filter: &Filter, paging: Paging) -> Query<'static, Redemption> {
    let counters = filter.counters.as_ref();
    sqlx::query_as(LIST)
        .bind(filter.passholder.map(|id| id.0))
        .bind(filter.reward.map(|id| id.0))
        .bind(filter.kind.map(|kind| kind.to_string()))
        .bind(filter.title.as_deref().map(containing))
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(filter.from)
        .bind(filter.until)
        .bind(filter.cancelled)
        .bind(filter.oldest_first)
        .bind(paging.start)
        .bind(paging.limit)
}

/// Newest first, unless the filter says otherwise.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Page<Redemption>> {
    page(pool, filter.paging, |paging| query(filter, paging)).await
}

/// All of them, not a page.
pub fn stream(pool: &PgPool, filter: &Filter) -> Rows<Redemption> {
    rows(pool, query(filter, Paging::ALL))
}

/// How many points rewards and how many welcome rewards were taken up at a counter, and not given
/// back.
pub async fn taken_up(
    pool: &PgPool,
    counter: &CounterId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(TAKEN_UP).bind(counter.as_str()).bind(from).bind(until).fetch_one(pool).await
}

const COUNTS: &str = "
    select passholder, count(*)
    from views.redemptions
    where at >= $1 and at <= $2 and cancelled_at is null
    group by passholder";

/// How many redemptions each passholder has between two moments, both inclusive.
pub async fn counts(
    pool: &PgPool,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    sqlx::query_as(COUNTS).bind(from).bind(until).fetch_all(pool).await
}

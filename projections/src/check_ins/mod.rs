//! The overview of check-ins, corrected ones too.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, PassholderId};
use uitpas_domain::passholder::Event;
use uuid::Uuid;

use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, Query, Rows, containing, folded, page, rows};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A check-in.
    CheckIn in "check_ins" by (id: Uuid) {
        id: Uuid,
        passholder: Uuid,
        activity: String,
        title: String,
        title_folded: String,
        counter: String,
        card: String,
        points: i32,
        channel: String,
        /// The ticket sale that gave it.
        sale: Option<Uuid>,
        /// Where the passholder lived; absent abroad.
        home_postal_code: Option<String>,
        home_name: Option<String>,
        at: DateTime<Utc>,
        corrected_at: Option<DateTime<Utc>>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "check_ins",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("passholder", "CheckedIn"), ("passholder", "CheckInCorrected")],
    opens_details: false,
    statements: &[BY_ID, LIST, SAVED, COUNTS, PARTICIPANTS],
    new: || Box::new(CheckIns::default()),
};

#[derive(Default)]
struct CheckIns {
    check_ins: Table<CheckIn>,
}

impl Fold for CheckIns {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Passholder(_, Event::CheckedIn(checked_in)) => {
                self.check_ins.makes((checked_in.check_in.0,));
            }
            AnyEvent::Passholder(_, Event::CheckInCorrected { check_in, .. }) => {
                self.check_ins.needs((check_in.0,));
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(id, event) = &entry.event else { return not_mine() };
        match event {
            Event::CheckedIn(checked_in) => self.check_ins.put(CheckIn {
                id: checked_in.check_in.0,
                passholder: id.0,
                activity: checked_in.activity.to_string(),
                title: checked_in.title.to_string(),
                title_folded: folded(checked_in.title.as_str()),
                counter: checked_in.counter.to_string(),
                card: checked_in.card.to_string(),
                points: checked_in.points.cast_signed(),
                channel: checked_in.channel.to_string(),
                sale: checked_in.sale.map(|sale| sale.0),
                home_postal_code: checked_in.home.as_ref().map(|home| home.postal_code.to_string()),
                home_name: checked_in.home.as_ref().map(|home| home.name.to_string()),
                at: checked_in.at,
                corrected_at: None,
                position: entry.position,
            }),
            Event::CheckInCorrected { check_in, at, .. } => {
                let row = self.check_ins.at(&(check_in.0,))?;
                row.corrected_at = Some(*at);
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
            | Event::TicketSold(_)
            | Event::CouponUsed(_)
            | Event::TicketSaleCancelled { .. }
            | Event::RewardRedeemed(_)
            | Event::RedemptionCancelled { .. }
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
        vec![&mut self.check_ins]
    }
}

/// Which check-ins; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub passholder: Option<PassholderId>,
    pub activity: Option<ActivityId>,
    /// Part of the activity's title.
    pub title: Option<String>,
    pub counters: Option<Vec<CounterId>>,
    /// When it happened, both inclusive.
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub corrected: Option<bool>,
    /// Instead of newest first.
    pub oldest_first: bool,
    pub paging: Paging,
}

const BY_ID: &str = "select * from views.check_ins where id = $1";

const LIST: &str = "
    select *, count(*) over () as total
    from views.check_ins
    where ($1::uuid is null or passholder = $1)
        and ($2::text is null or activity = $2)
        and ($3::text is null or title_folded like $3)
        and ($4::text[] is null or counter = any($4))
        and ($5::timestamptz is null or at >= $5)
        and ($6::timestamptz is null or at <= $6)
        and ($7::boolean is null or (corrected_at is not null) = $7)
    order by case when $8 then at end, at desc, id desc
    offset $9 limit $10";

const SAVED: &str = "
    select coalesce(sum(points), 0)
    from views.check_ins
    where counter = $1 and at between $2 and $3 and corrected_at is null";

pub async fn by_id(pool: &PgPool, id: CheckInId) -> sqlx::Result<Option<CheckIn>> {
    sqlx::query_as(BY_ID).bind(id.0).fetch_optional(pool).await
}

fn query(filter: &Filter, paging: Paging) -> Query<'static, CheckIn> {
    let counters = filter.counters.as_ref();
    sqlx::query_as(LIST)
        .bind(filter.passholder.map(|id| id.0))
        .bind(filter.activity.as_ref().map(ActivityId::to_string))
        .bind(filter.title.as_deref().map(containing))
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(filter.from)
        .bind(filter.until)
        .bind(filter.corrected)
        .bind(filter.oldest_first)
        .bind(paging.start)
        .bind(paging.limit)
}

/// Newest first, unless the filter says otherwise.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Page<CheckIn>> {
    page(pool, filter.paging, |paging| query(filter, paging)).await
}

/// All of them, not a page.
pub fn stream(pool: &PgPool, filter: &Filter) -> Rows<CheckIn> {
    rows(pool, query(filter, Paging::ALL))
}

/// How many points were saved at a counter, less those that were corrected.
pub async fn points_saved(
    pool: &PgPool,
    counter: &CounterId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(SAVED).bind(counter.as_str()).bind(from).bind(until).fetch_one(pool).await
}

const COUNTS: &str = "
    select passholder, count(*)
    from views.check_ins
    where at >= $1 and at <= $2 and corrected_at is null
    group by passholder";

/// How many check-ins each passholder has between two moments, both inclusive.
pub async fn counts(
    pool: &PgPool,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    sqlx::query_as(COUNTS).bind(from).bind(until).fetch_all(pool).await
}

const PARTICIPANTS: &str = "
    select distinct passholder
    from views.check_ins
    where counter = any($1)
        and ($2::text[] is null or activity = any($2))
        and corrected_at is null
    order by passholder";

/// Who saved a point at one of these counters, at one of these activities where any are given.
pub async fn participants(
    pool: &PgPool,
    counters: &[String],
    activities: Option<&[String]>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(PARTICIPANTS).bind(counters).bind(activities).fetch_all(pool).await
}

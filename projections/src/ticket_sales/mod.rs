//! The overview of granted tariffs, cancelled ones too.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::card::Holder as Buyer;
use uitpas_domain::group_pass;
use uitpas_domain::ids::{ActivityId, CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::passholder::check_ins::PointOfSale;
use uitpas_domain::passholder::{CouponUsed, Event, TicketSold};
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, Query, Rows, containing, folded, page, rows};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A granted tariff. Amounts in euro cents.
    TicketSale in "ticket_sales" by (id: Uuid) {
        id: Uuid,
        /// Of the passholder, or of the group pass.
        passholder: Uuid,
        group_pass: bool,
        activity: String,
        title: String,
        title_folded: String,
        counter: String,
        card_system: i32,
        card: String,
        price: i64,
        passholder_share: i64,
        organizer_share: i64,
        municipality_share: i64,
        price_name: Option<String>,
        /// Not one of the activity's prices.
        deviating: bool,
        /// Of the key, or of the coupon.
        key_id: i32,
        key_name: String,
        /// Whether it was sold with a coupon, and not at the social tariff.
        with_coupon: bool,
        payer_postal_code: String,
        payer_name: String,
        /// The check-in that it gave.
        check_in: Option<Uuid>,
        at: DateTime<Utc>,
        cancelled_at: Option<DateTime<Utc>>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "ticket_sales",
    version: 3,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("passholder", "TicketSold"),
        ("passholder", "CouponUsed"),
        ("passholder", "TicketSaleCancelled"),
        ("group-pass", "TicketSold"),
        ("group-pass", "CouponUsed"),
        ("group-pass", "TicketSaleCancelled"),
    ],
    opens_details: false,
    statements: &[COUNTS, BY_ID, LIST, GRANTED],
    new: || Box::new(TicketSales::default()),
};

#[derive(Default)]
struct TicketSales {
    sales: Table<TicketSale>,
}

impl Fold for TicketSales {
    fn needs(&mut self, event: &AnyEvent) {
        use group_pass::Event as OfGroup;
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold))
            | AnyEvent::GroupPass(_, OfGroup::TicketSold(sold)) => {
                self.sales.makes((sold.sale.0,));
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used))
            | AnyEvent::GroupPass(_, OfGroup::CouponUsed(used)) => {
                self.sales.makes((used.sale.0,));
            }
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, .. })
            | AnyEvent::GroupPass(_, OfGroup::TicketSaleCancelled { sale, .. }) => {
                self.sales.needs((sale.0,));
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        match &entry.event {
            AnyEvent::Passholder(id, event) => {
                self.sale(Buyer::Passholder(*id), event, entry.position)
            }
            AnyEvent::GroupPass(id, event) => {
                self.sale_to_group(Buyer::GroupPass(*id), event, entry.position)
            }
            AnyEvent::Counter(..)
            | AnyEvent::Card(..)
            | AnyEvent::CardSystem(..)
            | AnyEvent::Activity(..)
            | AnyEvent::Association(..)
            | AnyEvent::Reward(..)
            | AnyEvent::Account(..)
            | AnyEvent::Client(..)
            | AnyEvent::Order(..)
            | AnyEvent::Coupon(..)
            | AnyEvent::Kiosk(..) => not_mine(),
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.sales]
    }
}

impl TicketSales {
    fn sale(&mut self, buyer: Buyer, event: &Event, position: i64) -> Result<(), NoRow> {
        match event {
            Event::TicketSold(sold) => self.sales.put(TicketSale::new(buyer, sold, position)),
            Event::CouponUsed(used) => {
                self.sales.put(TicketSale::with_coupon(buyer, used, position));
            }
            Event::TicketSaleCancelled { sale, at } => self.cancelled(*sale, *at, position)?,
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

    fn sale_to_group(
        &mut self,
        buyer: Buyer,
        event: &group_pass::Event,
        position: i64,
    ) -> Result<(), NoRow> {
        use group_pass::Event;
        match event {
            Event::TicketSold(sold) => self.sales.put(TicketSale::new(buyer, sold, position)),
            Event::CouponUsed(used) => {
                self.sales.put(TicketSale::with_coupon(buyer, used, position));
            }
            Event::TicketSaleCancelled { sale, at } => self.cancelled(*sale, *at, position)?,
            Event::Made { .. } | Event::Changed { .. } | Event::Blocked { .. } => {}
        }
        Ok(())
    }

    fn cancelled(&mut self, sale: SaleId, at: DateTime<Utc>, position: i64) -> Result<(), NoRow> {
        let row = self.sales.at(&(sale.0,))?;
        row.cancelled_at = Some(at);
        row.position = position;
        Ok(())
    }
}

impl TicketSale {
    /// Who bought.
    pub fn buyer(&self) -> Buyer {
        match self.group_pass {
            true => Buyer::GroupPass(GroupPassId(self.passholder)),
            false => Buyer::Passholder(PassholderId(self.passholder)),
        }
    }

    fn new(buyer: Buyer, sold: &TicketSold, position: i64) -> Self {
        Self {
            id: sold.sale.0,
            passholder: uuid_of(buyer),
            group_pass: matches!(buyer, Buyer::GroupPass(_)),
            activity: sold.activity.to_string(),
            title: sold.title.to_string(),
            title_folded: folded(sold.title.as_str()),
            counter: sold.counter.to_string(),
            card_system: number(sold.card_system),
            card: sold.card.to_string(),
            price: sold.price.as_cents(),
            passholder_share: sold.shares.passholder.as_cents(),
            organizer_share: sold.shares.organizer.as_cents(),
            municipality_share: sold.shares.municipality.as_cents(),
            price_name: sold.price_name.as_ref().map(ToString::to_string),
            deviating: sold.deviating,
            key_id: sold.key.id.0.cast_signed(),
            key_name: sold.key.name.to_string(),
            with_coupon: false,
            payer_postal_code: sold.payer.postal_code.to_string(),
            payer_name: sold.payer.name.to_string(),
            check_in: match sold.point {
                PointOfSale::Given(check_in) => Some(check_in.0),
                PointOfSale::NotGiven(_) => None,
            },
            at: sold.at,
            cancelled_at: None,
            position,
        }
    }

    fn with_coupon(buyer: Buyer, used: &CouponUsed, position: i64) -> Self {
        Self {
            id: used.sale.0,
            passholder: uuid_of(buyer),
            group_pass: matches!(buyer, Buyer::GroupPass(_)),
            activity: used.activity.to_string(),
            title: used.title.to_string(),
            title_folded: folded(used.title.as_str()),
            counter: used.counter.to_string(),
            card_system: number(used.card_system),
            card: used.card.to_string(),
            price: used.price.as_cents(),
            passholder_share: used.shares.passholder.as_cents(),
            organizer_share: used.shares.organizer.as_cents(),
            municipality_share: used.shares.municipality.as_cents(),
            price_name: used.price_name.as_ref().map(ToString::to_string),
            deviating: used.deviating,
            key_id: used.coupon.0.cast_signed(),
            key_name: used.coupon_name.to_string(),
            with_coupon: true,
            payer_postal_code: used.payer.postal_code.to_string(),
            payer_name: used.payer.name.to_string(),
            check_in: None,
            at: used.at,
            cancelled_at: None,
            position,
        }
    }
}

fn uuid_of(buyer: Buyer) -> Uuid {
    match buyer {
        Buyer::Passholder(id) => id.0,
        Buyer::GroupPass(id) => id.0,
    }
}

/// Which sales; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of a passholder, or of a group pass.
    pub buyer: Option<Uuid>,
    pub activity: Option<ActivityId>,
    /// Part of the activity's title.
    pub title: Option<String>,
    pub counters: Option<Vec<CounterId>>,
    /// When it was sold, both inclusive.
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub cancelled: Option<bool>,
    /// Sold with a coupon, or at the social tariff.
    pub with_coupon: Option<bool>,
    /// Instead of newest first.
    pub oldest_first: bool,
    pub paging: Paging,
}

const BY_ID: &str = "select * from views.ticket_sales where id = $1";

const LIST: &str = "
    select *, count(*) over () as total
    from views.ticket_sales
    where ($1::uuid is null or passholder = $1)
        and ($2::text is null or activity = $2)
        and ($3::text is null or title_folded like $3)
        and ($4::text[] is null or counter = any($4))
        and ($5::timestamptz is null or at >= $5)
        and ($6::timestamptz is null or at <= $6)
        and ($7::boolean is null or (cancelled_at is not null) = $7)
        and ($8::boolean is null or with_coupon = $8)
    order by case when $9 then at end, at desc, id desc
    offset $10 limit $11";

const GRANTED: &str = "
    select count(*) filter (where not with_coupon), count(*) filter (where with_coupon)
    from views.ticket_sales
    where counter = $1 and at between $2 and $3 and cancelled_at is null";

pub async fn by_id(pool: &PgPool, id: SaleId) -> sqlx::Result<Option<TicketSale>> {
    sqlx::query_as(BY_ID).bind(id.0).fetch_optional(pool).await
}

fn query(filter: &Filter, paging: Paging) -> Query<'static, TicketSale> {
    let counters = filter.counters.as_ref();
    sqlx::query_as(LIST)
        .bind(filter.buyer)
        .bind(filter.activity.as_ref().map(ActivityId::to_string))
        .bind(filter.title.as_deref().map(containing))
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(filter.from)
        .bind(filter.until)
        .bind(filter.cancelled)
        .bind(filter.with_coupon)
        .bind(filter.oldest_first)
        .bind(paging.start)
        .bind(paging.limit)
}

/// Newest first, unless the filter says otherwise.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Page<TicketSale>> {
    page(pool, filter.paging, |paging| query(filter, paging)).await
}

/// All of them, not a page.
pub fn stream(pool: &PgPool, filter: &Filter) -> Rows<TicketSale> {
    rows(pool, query(filter, Paging::ALL))
}

/// How many tickets were sold at the social tariff and how many with a coupon, and not cancelled.
pub async fn granted(
    pool: &PgPool,
    counter: &CounterId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(GRANTED).bind(counter.as_str()).bind(from).bind(until).fetch_one(pool).await
}

const COUNTS: &str = "
    select passholder, count(*), sum(municipality_share)::bigint
    from views.ticket_sales
    where at >= $1 and at <= $2 and cancelled_at is null
    group by passholder";

/// How many tickets each passholder bought between two moments, both inclusive, and how many cents
/// the municipalities pay of them.
pub async fn counts(
    pool: &PgPool,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, i64, i64)>> {
    sqlx::query_as(COUNTS).bind(from).bind(until).fetch_all(pool).await
}

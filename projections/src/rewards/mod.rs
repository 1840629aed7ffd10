//! Rewards: what can be had, where, for how many points, and how often it was.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::{CardSystemId, CounterId, RewardId};
use uitpas_domain::passholder;
use uitpas_domain::reward::{Definition, Event, Kind, Status};
use uuid::Uuid;

use crate::counters::{number, numbers};
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, containing, folded, page};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// A reward as last laid down.
    Reward in "rewards" by (id: Uuid) {
        id: Uuid,
        title: String,
        title_folded: String,
        /// `points` or `welcome`.
        kind: String,
        points: i32,
        /// `active`, `inactive` or `deleted`.
        status: String,
        categories: Vec<String>,
        owner: i32,
        only_card_systems: Vec<i32>,
        only_at_counters: Vec<String>,
        only_inhabitants_of: Vec<String>,
        publication_from: Option<NaiveDate>,
        publication_until: Option<NaiveDate>,
        granting_from: Option<NaiveDate>,
        granting_until: Option<NaiveDate>,
        redemption_from: Option<NaiveDate>,
        redemption_until: Option<NaiveDate>,
        /// Absent: without end.
        units_max: Option<i32>,
        units_taken: i32,
        /// Whether a redemption gets a code, and how many codes are left.
        with_codes: bool,
        codes_unused: i32,
        /// Redemptions that were not cancelled.
        redeemed: i32,
        used: bool,
        definition: AsJson<Definition>,
        created_at: DateTime<Utc>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "rewards",
    version: 2,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("reward", "Created"),
        ("reward", "Changed"),
        ("reward", "OnlineSet"),
        ("reward", "CodesAdded"),
        ("reward", "CodeGiven"),
        ("reward", "FirstUsed"),
        ("reward", "UnitTaken"),
        ("reward", "UnitReturned"),
        ("passholder", "RewardRedeemed"),
        ("passholder", "RedemptionCancelled"),
    ],
    opens_details: false,
    statements: &[BY_ID, LIST, WELCOME_CANDIDATES],
    new: || Box::new(Rewards::default()),
};

#[derive(Default)]
struct Rewards {
    rewards: Table<Reward>,
}

impl Fold for Rewards {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Reward(id, Event::Created { .. }) => self.rewards.makes((id.0,)),
            AnyEvent::Reward(id, _) => self.rewards.needs((id.0,)),
            AnyEvent::Passholder(_, passholder::Event::RewardRedeemed(redeemed)) => {
                self.rewards.needs((redeemed.reward.0,));
            }
            AnyEvent::Passholder(_, passholder::Event::RedemptionCancelled { reward, .. }) => {
                self.rewards.needs((reward.0,));
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let row = match &entry.event {
            AnyEvent::Reward(id, Event::Created { definition, at }) => {
                self.rewards.put(Reward::new(*id, definition, *at, entry.position));
                return Ok(());
            }
            AnyEvent::Reward(id, event) => {
                let row = self.rewards.at(&(id.0,))?;
                row.on(*id, event, entry.position);
                row
            }
            AnyEvent::Passholder(_, passholder::Event::RewardRedeemed(redeemed)) => {
                let row = self.rewards.at(&(redeemed.reward.0,))?;
                row.redeemed += 1;
                row
            }
            AnyEvent::Passholder(_, passholder::Event::RedemptionCancelled { reward, .. }) => {
                let row = self.rewards.at(&(reward.0,))?;
                row.redeemed -= 1;
                row
            }
            AnyEvent::Passholder(..)
            | AnyEvent::Counter(..)
            | AnyEvent::Card(..)
            | AnyEvent::CardSystem(..)
            | AnyEvent::Activity(..)
            | AnyEvent::Account(..)
            | AnyEvent::Client(..)
            | AnyEvent::Association(..)
            | AnyEvent::Order(..)
            | AnyEvent::Coupon(..)
            | AnyEvent::GroupPass(..)
            | AnyEvent::Kiosk(..) => return not_mine(),
        };
        row.position = entry.position;
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.rewards]
    }
}

impl Reward {
    fn new(id: RewardId, known: &Definition, at: DateTime<Utc>, position: i64) -> Self {
        Self {
            id: id.0,
            title: known.title.to_string(),
            title_folded: folded(known.title.as_str()),
            kind: known.kind.to_string(),
            points: known.points.cast_signed(),
            status: known.status.to_string(),
            categories: known.categories.iter().map(ToString::to_string).collect(),
            owner: number(known.owner),
            only_card_systems: known.only_card_systems.iter().copied().map(number).collect(),
            only_at_counters: known.only_at_counters.iter().map(ToString::to_string).collect(),
            only_inhabitants_of: known
                .only_inhabitants_of
                .iter()
                .map(ToString::to_string)
                .collect(),
            publication_from: known.publication.from,
            publication_until: known.publication.until,
            granting_from: known.granting.from,
            granting_until: known.granting.until,
            redemption_from: known.redemption.from,
            redemption_until: known.redemption.until,
            units_max: known.units_max.map(u32::cast_signed),
            units_taken: 0,
            with_codes: false,
            codes_unused: 0,
            redeemed: 0,
            used: false,
            definition: AsJson(known.clone()),
            created_at: at,
            position,
        }
    }

    fn on(&mut self, id: RewardId, event: &Event, position: i64) {
        match event {
            Event::Created { definition, .. } | Event::Changed { definition, .. } => {
                *self = Self {
                    units_taken: self.units_taken,
                    with_codes: self.with_codes,
                    codes_unused: self.codes_unused,
                    redeemed: self.redeemed,
                    used: self.used,
                    ..Self::new(id, definition, self.created_at, position)
                };
            }
            Event::OnlineSet { online, .. } => {
                self.with_codes = online.as_ref().is_some_and(|online| online.with_codes);
            }
            Event::CodesAdded { codes, .. } => {
                let added = i32::try_from(codes.len()).unwrap_or(i32::MAX);
                self.codes_unused = self.codes_unused.saturating_add(added);
            }
            Event::CodeGiven { .. } => self.codes_unused -= 1,
            Event::FirstUsed { .. } => self.used = true,
            Event::UnitTaken { .. } => self.units_taken += 1,
            Event::UnitReturned { .. } => self.units_taken -= 1,
        }
    }
}

/// Which of the rewards, as the public contract names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subset {
    #[default]
    All,
    /// Active, published on the day and redeemable on it.
    Endusers,
    /// Active and redeemable on the day.
    Redeemable,
    /// Active and not redeemable before a later day.
    RedeemableFuture,
    /// Active, published on the day, and not redeemable before a later one.
    EnduserFuture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    Points,
    Creation,
    RedeemCount,
}

/// Which rewards; what is absent does not restrict.
#[derive(Debug, Clone)]
pub struct Filter {
    pub kind: Option<Kind>,
    /// Those that can be had at one of these counters.
    pub counters: Option<Vec<CounterId>>,
    pub owning_card_systems: Option<Vec<CardSystemId>>,
    /// Those for members of one of these card systems.
    pub applicable_card_systems: Option<Vec<CardSystemId>>,
    /// Those for inhabitants of one of these postal codes.
    pub postal_codes: Option<Vec<String>>,
    pub categories: Option<Vec<String>>,
    /// Part of the title, or of the name or city of a counter where it can be had.
    pub text: Option<String>,
    /// Both inclusive.
    pub points_from: Option<i32>,
    pub points_to: Option<i32>,
    pub status: Option<Status>,
    pub subset: Subset,
    /// The Brussels day by which the subset is judged.
    pub day: NaiveDate,
    /// Those of which units are left, if their units are counted.
    pub in_stock: bool,
    pub sort: Sort,
    pub descending: bool,
    pub paging: Paging,
}

impl Filter {
    /// All rewards, judged on this day.
    pub fn on(day: NaiveDate) -> Self {
        Self {
            kind: None,
            counters: None,
            owning_card_systems: None,
            applicable_card_systems: None,
            postal_codes: None,
            categories: None,
            text: None,
            points_from: None,
            points_to: None,
            status: None,
            subset: Subset::All,
            day,
            in_stock: false,
            sort: Sort::Name,
            descending: false,
            paging: Paging::default(),
        }
    }
}

const BY_ID: &str = "select * from views.rewards where id = $1";

const LIST: &str = "
    select *, count(*) over () as total
    from views.rewards
    where ($1::text is null or kind = $1)
        and ($2::text[] is null or only_at_counters = '{}' or only_at_counters && $2)
        and ($3::integer[] is null or owner = any($3))
        and ($4::integer[] is null or only_card_systems = '{}' or only_card_systems && $4)
        and ($5::text[] is null or only_inhabitants_of = '{}' or only_inhabitants_of && $5)
        and ($6::text[] is null or categories && $6)
        and ($7::text is null or title_folded like $7 or exists (
            select from views.counters c
            where c.id = any(only_at_counters)
                and (c.name_folded like $7 or lower(c.address::json->>'city') like $7)))
        and ($8::integer is null or points >= $8)
        and ($9::integer is null or points <= $9)
        and ($10::text is null or status = $10)
        and (not $11 or status = 'active')
        and (not $12
            or coalesce(publication_from <= $15, true) and coalesce(publication_until >= $15, true))
        and (not $13
            or coalesce(redemption_from <= $15, true) and coalesce(redemption_until >= $15, true))
        and (not $14 or redemption_from > $15)
        and (not $16
            or (units_max is null or units_taken < units_max)
            and (not with_codes or codes_unused > 0))
    order by
        case when $17 = 'name' and not $18 then title_folded end,
        case when $17 = 'name' and $18 then title_folded end desc,
        case when $17 = 'points' and not $18 then points end,
        case when $17 = 'points' and $18 then points end desc,
        case when $17 = 'creation' and not $18 then created_at end,
        case when $17 = 'creation' and $18 then created_at end desc,
        case when $17 = 'redeemed' and not $18 then redeemed end,
        case when $17 = 'redeemed' and $18 then redeemed end desc,
        title_folded, id
    offset $19 limit $20";

const WELCOME_CANDIDATES: &str = "
    select *
    from views.rewards
    where kind = 'welcome'
        and status = 'active'
        and (only_card_systems = '{}' or $1 = any(only_card_systems))
        and coalesce(granting_from <= $2, true)
        and coalesce(granting_until >= $2, true)
    order by created_at, id";

pub async fn by_id(pool: &PgPool, id: RewardId) -> sqlx::Result<Option<Reward>> {
    sqlx::query_as(BY_ID).bind(id.0).fetch_optional(pool).await
}

pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Page<Reward>> {
    let counters = filter.counters.as_ref();
    let counters = counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>());
    let (active, published, redeemable, future) = match filter.subset {
        Subset::All => (false, false, false, false),
        Subset::Endusers => (true, true, true, false),
        Subset::Redeemable => (true, false, true, false),
        Subset::RedeemableFuture => (true, false, false, true),
        Subset::EnduserFuture => (true, true, false, true),
    };
    let sort = match filter.sort {
        Sort::Name => "name",
        Sort::Points => "points",
        Sort::Creation => "creation",
        Sort::RedeemCount => "redeemed",
    };
    page(pool, filter.paging, |paging| {
        sqlx::query_as(LIST)
            .bind(filter.kind.map(|kind| kind.to_string()))
            .bind(counters.clone())
            .bind(filter.owning_card_systems.as_deref().map(numbers))
            .bind(filter.applicable_card_systems.as_deref().map(numbers))
            .bind(&filter.postal_codes)
            .bind(&filter.categories)
            .bind(filter.text.as_deref().map(containing))
            .bind(filter.points_from)
            .bind(filter.points_to)
            .bind(filter.status.map(|status| status.to_string()))
            .bind(active)
            .bind(published)
            .bind(redeemable)
            .bind(future)
            .bind(filter.day)
            .bind(filter.in_stock)
            .bind(sort)
            .bind(filter.descending)
            .bind(paging.start)
            .bind(paging.limit)
    })
    .await
}

/// The welcome rewards that registering in, or joining, a card system on this day may grant: the
/// reward's own stream decides.
pub async fn welcome_candidates(
    pool: &PgPool,
    card_system: CardSystemId,
    day: NaiveDate,
) -> sqlx::Result<Vec<Reward>> {
    sqlx::query_as(WELCOME_CANDIDATES).bind(number(card_system)).bind(day).fetch_all(pool).await
}

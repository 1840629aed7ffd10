//! Passholders: the only view with personal data, for those who may search it. Removing someone
//! empties those columns, and nobody can fill them again: the key is gone.

pub mod renewals;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPool;
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::passholder::cards::Block;
use uitpas_domain::passholder::registration::{PersonalDetails, Preferences};
use uitpas_domain::passholder::{Event, Registered};
use uitpas_domain::sealed::Opened;
use uitpas_domain::social_status::SocialStatus;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::place::Municipality;
use uuid::Uuid;

use crate::counters::{number, numbers};
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, Query, Rows, containing, folded, matching, page, rows};
use crate::table::{AsJson, NoRow, Stored, Table, table};
use renewals::RenewalList;

table! {
    /// A passholder. The personal columns are empty after removal.
    Passholder in "passholders" by (id: Uuid) {
        id: Uuid,
        registered_at: DateTime<Utc>,
        /// The counter that registered.
        counter: String,
        home_postal_code: Option<String>,
        home_name: Option<String>,
        with_insz: bool,
        preferences: AsJson<Preferences>,
        card_systems: Vec<i32>,
        memberships: AsJson<BTreeMap<CardSystemId, Membership>>,
        /// Card systems whose membership is to be blocked (R-CRD-09).
        to_block_in: Vec<i32>,
        /// `CARD-SYSTEM/YEAR/OUTCOME` of each yearly renewal of social status.
        renewals: Vec<String>,
        /// Oldest first.
        cards: AsJson<Vec<HeldCard>>,
        card_numbers: Vec<String>,
        /// The number to show: of the oldest membership in use.
        current_card: Option<String>,
        /// May be negative after a correction.
        points: i64,
        removed_at: Option<DateTime<Utc>>,
        name: Option<String>,
        name_folded: Option<String>,
        first_name: Option<String>,
        first_name_folded: Option<String>,
        birth_date: Option<NaiveDate>,
        gender: Option<String>,
        nationality: Option<String>,
        street: Option<String>,
        street_folded: Option<String>,
        postal_code: Option<String>,
        city: Option<String>,
        city_folded: Option<String>,
        country: Option<String>,
        email: Option<String>,
        email_folded: Option<String>,
        phone: Option<String>,
        position: i64,
    }
}

/// Membership of a card system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub since: DateTime<Utc>,
    pub blocked: bool,
    /// The current card; absent between a block and a replacement.
    pub card: Option<CardNumber>,
    pub social_status: Option<SocialStatus>,
    /// Where the social status went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<CardSystemId>,
}

/// A card that a passholder has or had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCard {
    pub card: CardNumber,
    pub card_system: CardSystemId,
    pub digital: bool,
    pub since: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    pub block: Block,
    pub at: DateTime<Utc>,
}

pub const PROJECTION: Projection = Projection {
    name: "passholders",
    version: 3,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("passholder", "Registered"),
        ("passholder", "DetailsChanged"),
        ("passholder", "PreferencesSet"),
        ("passholder", "CardBlocked"),
        ("passholder", "CardGiven"),
        ("passholder", "MembershipSuperseded"),
        ("passholder", "SocialStatusGranted"),
        ("passholder", "SocialStatusExtended"),
        ("passholder", "SocialStatusRenewed"),
        ("passholder", "RenewalWithheld"),
        ("passholder", "SocialStatusSuspended"),
        ("passholder", "SuspensionLifted"),
        ("passholder", "SocialStatusEnded"),
        ("passholder", "MembershipBlocked"),
        ("passholder", "CheckedIn"),
        ("passholder", "CheckInCorrected"),
        ("passholder", "RewardRedeemed"),
        ("passholder", "RedemptionCancelled"),
        ("passholder", "Removed"),
    ],
    opens_details: true,
    statements: &[
        BY_ID,
        SEARCH,
        BIRTH_DATES,
        OF_REGION,
        CARDS_SOLD,
        renewals::CANDIDATES,
        renewals::COUNTS,
        renewals::LISTED,
    ],
    new: || Box::new(Passholders::default()),
};

#[derive(Default)]
struct Passholders {
    passholders: Table<Passholder>,
}

impl Fold for Passholders {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Passholder(id, Event::Registered(_)) => self.passholders.makes((id.0,)),
            AnyEvent::Passholder(id, _) => self.passholders.needs((id.0,)),
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(id, event) = &entry.event else { return not_mine() };
        if let Event::Registered(registered) = event {
            let mut row = Passholder::new(*id, registered, entry.position);
            row.set_details(entry.details.as_ref());
            self.passholders.put(row);
            return Ok(());
        }
        let row = self.passholders.at(&(id.0,))?;
        row.on(event, entry.details.as_ref());
        row.position = entry.position;
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.passholders]
    }
}

impl Passholder {
    fn new(id: PassholderId, registered: &Registered, position: i64) -> Self {
        let social_status = registered.social_status.as_ref();
        let mut row = Self {
            id: id.0,
            registered_at: registered.at,
            counter: registered.counter.to_string(),
            home_postal_code: None,
            home_name: None,
            with_insz: registered.with_insz,
            preferences: AsJson(registered.preferences),
            card_systems: Vec::new(),
            memberships: AsJson(BTreeMap::new()),
            to_block_in: Vec::new(),
            renewals: Vec::new(),
            cards: AsJson(Vec::new()),
            card_numbers: Vec::new(),
            current_card: None,
            points: 0,
            removed_at: None,
            name: None,
            name_folded: None,
            first_name: None,
            first_name_folded: None,
            birth_date: None,
            gender: None,
            nationality: None,
            street: None,
            street_folded: None,
            postal_code: None,
            city: None,
            city_folded: None,
            country: None,
            email: None,
            email_folded: None,
            phone: None,
            position,
        };
        row.set_home(registered.home.as_ref());
        row.give_card(registered.card_system, registered.card, registered.digital, registered.at);
        row.set_social_status(
            registered.card_system,
            social_status.map(|new| SocialStatus { until: new.until, suspended_until: None }),
        );
        row
    }

    fn on(&mut self, event: &Event, details: Option<&Opened<PersonalDetails>>) {
        match event {
            Event::Registered(_)
            | Event::WelcomeRewardGranted { .. }
            | Event::UitidLinked { .. }
            | Event::CardCharged { .. }
            | Event::TicketSold(_)
            | Event::CouponUsed(_)
            | Event::AssociationJoined { .. }
            | Event::AssociationLeft { .. }
            | Event::TicketSaleCancelled { .. }
            | Event::FamilyMemberAdded { .. }
            | Event::FamilyIconChanged { .. }
            | Event::FamilyMemberRemoved { .. }
            | Event::PrivateNoteSet { .. }
            | Event::PictureSet { .. }
            | Event::PictureRemoved { .. } => {}
            Event::DetailsChanged { home, with_insz, .. } => {
                self.set_home(home.as_ref());
                self.with_insz = *with_insz;
                self.set_details(details);
            }
            Event::PreferencesSet { preferences, .. } => self.preferences = AsJson(*preferences),
            Event::CardBlocked { card, block, at } => self.block_card(*card, *block, *at),
            Event::CardGiven { card_system, card, digital, at } => {
                self.give_card(*card_system, *card, *digital, *at);
            }
            Event::MembershipSuperseded { card_system, by, .. } => {
                self.supersede(*card_system, Some(*by));
            }
            Event::SocialStatusGranted { card_system, until, .. } => {
                let granted = SocialStatus { until: *until, suspended_until: None };
                self.set_social_status(*card_system, Some(granted));
                self.supersede(*card_system, None);
            }
            Event::SocialStatusExtended { card_system, until, .. } => {
                self.edit_social_status(*card_system, |status| status.until = *until);
            }
            Event::SocialStatusRenewed { card_system, until, at } => {
                self.edit_social_status(*card_system, |status| status.until = *until);
                self.on_renewal(*card_system, RenewalList::Renewed, *at);
            }
            Event::RenewalWithheld { card_system, why, at } => {
                self.on_renewal(*card_system, (*why).into(), *at);
            }
            Event::SocialStatusSuspended { card_system, until, .. } => {
                self.edit_social_status(*card_system, |status| {
                    status.suspended_until = Some(*until);
                });
            }
            Event::SuspensionLifted { card_system, .. } => {
                self.edit_social_status(*card_system, |status| status.suspended_until = None);
            }
            Event::SocialStatusEnded { card_system, .. } => {
                self.set_social_status(*card_system, None);
            }
            Event::MembershipBlocked { card_system, .. } => {
                if let Some(membership) = self.memberships.0.get_mut(card_system) {
                    membership.blocked = true;
                }
                self.list_to_block();
                self.choose_current_card();
            }
            Event::CheckedIn(checked_in) => self.points += i64::from(checked_in.points),
            Event::CheckInCorrected { points, .. } => self.points -= i64::from(*points),
            Event::RewardRedeemed(redeemed) => self.points -= i64::from(redeemed.points),
            Event::RedemptionCancelled { points, .. } => self.points += i64::from(*points),
            Event::Removed { points_lapsed, at } => {
                self.points -= points_lapsed;
                self.removed_at = Some(*at);
                self.to_block_in.clear();
                self.set_details(None);
            }
        }
    }

    fn set_home(&mut self, home: Option<&Municipality>) {
        self.home_postal_code = home.map(|home| home.postal_code.to_string());
        self.home_name = home.map(|home| home.name.to_string());
    }

    /// Fills the personal columns, or empties them where nothing can be read.
    fn set_details(&mut self, details: Option<&Opened<PersonalDetails>>) {
        let known = match details {
            Some(Opened::Readable(known)) => Some(known),
            Some(Opened::Erased) | None => None,
        };
        let address = known.map(|known| &known.address);
        let email = known.and_then(|known| known.email.as_ref());
        let street = address.and_then(|address| address.street.as_ref());
        self.name = known.map(|known| known.name.to_string());
        self.name_folded = known.map(|known| folded(known.name.as_str()));
        self.first_name = known.map(|known| known.first_name.to_string());
        self.first_name_folded = known.map(|known| folded(known.first_name.as_str()));
        self.birth_date = known.map(|known| known.birth_date);
        self.gender = known.and_then(|known| known.gender).map(|gender| gender.to_string());
        self.nationality =
            known.and_then(|known| known.nationality.as_ref()).map(ToString::to_string);
        self.street = street.map(ToString::to_string);
        self.street_folded = street.map(|street| folded(street.as_str()));
        self.postal_code = address.map(|address| address.postal_code.to_string());
        self.city = address.map(|address| address.city.to_string());
        self.city_folded = address.map(|address| folded(address.city.as_str()));
        self.country = address.map(|address| address.country.to_string());
        self.email = email.map(ToString::to_string);
        self.email_folded = email.map(|email| folded(email.as_str()));
        self.phone = known.and_then(|known| known.phone.as_ref()).map(ToString::to_string);
    }

    fn give_card(
        &mut self,
        card_system: CardSystemId,
        card: CardNumber,
        digital: bool,
        at: DateTime<Utc>,
    ) {
        let joined = || Membership {
            since: at,
            blocked: false,
            card: None,
            social_status: None,
            superseded_by: None,
        };
        self.memberships.0.entry(card_system).or_insert_with(joined).card = Some(card);
        self.card_systems = self.memberships.0.keys().copied().map(number).collect();
        self.cards.0.push(HeldCard { card, card_system, digital, since: at, blocked: None });
        let number = card.to_string();
        if !self.card_numbers.contains(&number) {
            self.card_numbers.push(number);
        }
        self.choose_current_card();
    }

    /// Blocks the card for every membership that points at it (R-CRD-02).
    fn block_card(&mut self, card: CardNumber, block: Block, at: DateTime<Utc>) {
        for held in self.cards.0.iter_mut().filter(|held| held.card == card) {
            held.blocked = Some(Blocked { block, at });
        }
        for membership in self.memberships.0.values_mut() {
            if membership.card == Some(card) {
                membership.card = None;
            }
        }
        self.choose_current_card();
    }

    fn choose_current_card(&mut self) {
        let in_use = self.memberships.0.values().filter(|membership| !membership.blocked);
        let oldest = in_use.filter_map(|membership| Some((membership.since, membership.card?)));
        self.current_card = oldest.min().map(|(_, card)| card.to_string());
    }

    fn supersede(&mut self, card_system: CardSystemId, by: Option<CardSystemId>) {
        if let Some(membership) = self.memberships.0.get_mut(&card_system) {
            membership.superseded_by = by;
        }
        self.list_to_block();
    }

    fn list_to_block(&mut self) {
        let left =
            self.memberships.0.iter().filter(|(_, membership)| {
                !membership.blocked && membership.superseded_by.is_some()
            });
        self.to_block_in = left.map(|(card_system, _)| number(*card_system)).collect();
    }

    fn set_social_status(&mut self, card_system: CardSystemId, status: Option<SocialStatus>) {
        if let Some(membership) = self.memberships.0.get_mut(&card_system) {
            membership.social_status = status;
        }
    }

    fn edit_social_status(
        &mut self,
        card_system: CardSystemId,
        edit: impl FnOnce(&mut SocialStatus),
    ) {
        let membership = self.memberships.0.get_mut(&card_system);
        if let Some(status) = membership.and_then(|membership| membership.social_status.as_mut()) {
            edit(status);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortByName {
    #[default]
    Ascending,
    Descending,
}

/// Which passholders; what is absent does not restrict. Removed ones are never found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Members of any of these.
    pub card_systems: Option<Vec<CardSystemId>>,
    /// Whose membership of this one is to be blocked.
    pub to_block_in: Option<CardSystemId>,
    /// Parts of them.
    pub name: Option<String>,
    pub first_name: Option<String>,
    /// Both inclusive.
    pub birth_date_from: Option<NaiveDate>,
    pub birth_date_to: Option<NaiveDate>,
    /// The whole of them, where `*` stands for any text.
    pub street: Option<String>,
    pub city: Option<String>,
    pub email: Option<String>,
    pub postal_code: Option<String>,
    /// Any card, also a blocked one.
    pub card: Option<CardNumber>,
    /// The counter that registered.
    pub counter: Option<CounterId>,
    /// Only these.
    pub ids: Option<Vec<PassholderId>>,
    pub sort: SortByName,
    pub paging: Paging,
}

const BY_ID: &str = "select * from views.passholders where id = $1";

const SEARCH: &str = "
    select *, count(*) over () as total
    from views.passholders
    where removed_at is null
        and ($1::integer[] is null or card_systems && $1)
        and ($2::text is null or name_folded like $2)
        and ($3::text is null or first_name_folded like $3)
        and ($4::date is null or birth_date >= $4)
        and ($5::date is null or birth_date <= $5)
        and ($6::text is null or street_folded like $6)
        and ($7::text is null or city_folded like $7)
        and ($8::text is null or email_folded like $8)
        and ($9::text is null or postal_code = $9)
        and ($10::text is null or card_numbers @> array[$10])
        and ($11::text is null or counter = $11)
        and ($12::uuid[] is null or id = any($12))
        and ($13::integer is null or to_block_in @> array[$13])
    order by
        case when not $14 then name_folded end,
        case when not $14 then first_name_folded end,
        case when $14 then name_folded end desc,
        case when $14 then first_name_folded end desc,
        id
    offset $15 limit $16";

const CARDS_SOLD: &str = "
    select count(*)
    from views.passholders
    where counter = $1 and registered_at between $2 and $3";

/// Removed ones too, without their personal columns.
pub async fn by_id(pool: &PgPool, id: PassholderId) -> sqlx::Result<Option<Passholder>> {
    sqlx::query_as(BY_ID).bind(id.0).fetch_optional(pool).await
}

fn query(search: &Search, paging: Paging) -> Query<'static, Passholder> {
    let ids = search.ids.as_ref();
    sqlx::query_as(SEARCH)
        .bind(search.card_systems.as_deref().map(numbers))
        .bind(search.name.as_deref().map(containing))
        .bind(search.first_name.as_deref().map(containing))
        .bind(search.birth_date_from)
        .bind(search.birth_date_to)
        .bind(search.street.as_deref().map(matching))
        .bind(search.city.as_deref().map(matching))
        .bind(search.email.as_deref().map(matching))
        .bind(search.postal_code.clone())
        .bind(search.card.map(|card| card.to_string()))
        .bind(search.counter.as_ref().map(CounterId::to_string))
        .bind(ids.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>()))
        .bind(search.to_block_in.map(number))
        .bind(search.sort == SortByName::Descending)
        .bind(paging.start)
        .bind(paging.limit)
}

pub async fn search(pool: &PgPool, search: &Search) -> sqlx::Result<Page<Passholder>> {
    page(pool, search.paging, |paging| query(search, paging)).await
}

/// All of them, not a page.
pub fn stream(pool: &PgPool, search: &Search) -> Rows<Passholder> {
    rows(pool, query(search, Paging::ALL))
}

/// How many people a counter registered, whatever became of them.
pub async fn cards_sold(
    pool: &PgPool,
    counter: &CounterId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(CARDS_SOLD)
        .bind(counter.as_str())
        .bind(from)
        .bind(until)
        .fetch_one(pool)
        .await
}

const BIRTH_DATES: &str = "
    select id, birth_date
    from views.passholders
    where card_systems @> array[$1::int] and birth_date is not null";

/// When the members of a card system were born; of whoever was removed nobody knows.
pub async fn birth_dates(
    pool: &PgPool,
    card_system: CardSystemId,
) -> sqlx::Result<Vec<(Uuid, NaiveDate)>> {
    sqlx::query_as(BIRTH_DATES).bind(number(card_system)).fetch_all(pool).await
}

const OF_REGION: &str = "
    select *
    from views.passholders
    where removed_at is null
        and (not $3 and card_systems @> array[$1::int] or id = any($2))
    order by name_folded, first_name_folded, id";

/// The members of a card system and these others, or these alone.
pub async fn of_region(
    pool: &PgPool,
    card_system: CardSystemId,
    others: &[Uuid],
    only_these: bool,
) -> sqlx::Result<Vec<Passholder>> {
    sqlx::query_as(OF_REGION)
        .bind(number(card_system))
        .bind(others)
        .bind(only_these)
        .fetch_all(pool)
        .await
}

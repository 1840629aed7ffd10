//! Counters and card systems, and who works for them.

use std::collections::BTreeMap;

use sqlx::postgres::PgPool;
use uitpas_domain::card_system;
use uitpas_domain::counter::{Event, StaffKind, Terms};
use uitpas_domain::ids::{CardSystemId, CounterId, SubjectId};
use uitpas_domain::values::place::{Address, Municipality};

use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, containing, folded, matching, page};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// A counter with its terms per card system.
    Counter in "counters" by (id: String) {
        id: String,
        name: String,
        name_folded: String,
        address: AsJson<Address>,
        card_systems: Vec<i32>,
        terms: AsJson<BTreeMap<CardSystemId, Terms>>,
        iban: Option<String>,
        position: i64,
    }
}

table! {
    /// Someone's work at a counter.
    Staff in "staff" by (subject: String, counter: String) {
        subject: String,
        counter: String,
        /// `member` or `admin`.
        kind: String,
        position: i64,
    }
}

table! {
    /// A UiTPAS region.
    CardSystem in "card_systems" by (id: i32) {
        id: i32,
        name: String,
        municipalities: AsJson<Vec<Municipality>>,
        position: i64,
    }
}

table! {
    /// Someone who administers a card system.
    KsbAdmin in "ksb_admins" by (card_system: i32, subject: String) {
        card_system: i32,
        subject: String,
        position: i64,
    }
}

/// A counter at which someone works.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Workplace {
    #[sqlx(flatten)]
    pub counter: Counter,
    /// `member` or `admin`.
    pub kind: String,
}

pub const PROJECTION: Projection = Projection {
    name: "counters",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("counter", "Created"),
        ("counter", "TermsSet"),
        ("counter", "IbanSet"),
        ("counter", "StaffAdded"),
        ("counter", "StaffRemoved"),
        ("card-system", "Created"),
        ("card-system", "KsbAdminAdded"),
        ("card-system", "KsbAdminRemoved"),
    ],
    opens_details: false,
    statements: &[BY_ID, LIST, SEARCH, IN_CARD_SYSTEMS, OF_SUBJECT, STAFF_OF, CARD_SYSTEMS, KSB_OF],
    new: || Box::new(Counters::default()),
};

#[derive(Default)]
struct Counters {
    counters: Table<Counter>,
    staff: Table<Staff>,
    card_systems: Table<CardSystem>,
    ksb_admins: Table<KsbAdmin>,
}

impl Fold for Counters {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Counter(id, event) => match event {
                Event::Created { .. } => self.counters.makes((id.to_string(),)),
                Event::TermsSet { .. } | Event::IbanSet { .. } => {
                    self.counters.needs((id.to_string(),));
                }
                Event::StaffAdded { subject, .. } | Event::StaffRemoved { subject, .. } => {
                    self.staff.needs((subject.to_string(), id.to_string()));
                }
                Event::StepCompleted { .. }
                | Event::StepReopened { .. }
                | Event::ReportRequested { .. }
                | Event::NoteIssued(_)
                | Event::NoteApproved { .. }
                | Event::NoteObjected { .. }
                | Event::ObjectionSettled { .. } => {}
            },
            AnyEvent::CardSystem(id, event) => match event {
                card_system::Event::Created { .. } => self.card_systems.makes((number(*id),)),
                card_system::Event::KsbAdminAdded { admin, .. }
                | card_system::Event::KsbAdminRemoved { admin, .. } => {
                    self.ksb_admins.needs((number(*id), admin.to_string()));
                }
                card_system::Event::AuditorAdded { .. }
                | card_system::Event::AuditorRemoved { .. }
                | card_system::Event::ContactSet { .. }
                | card_system::Event::AccountSet { .. }
                | card_system::Event::PaymentOrdered(_)
                | card_system::Event::PaymentWithdrawn { .. }
                | card_system::Event::KeyDefined { .. }
                | card_system::Event::DefaultKeysChosen { .. }
                | card_system::Event::PricesSet { .. }
                | card_system::Event::AdministrativePricesSet { .. }
                | card_system::Event::SettingsChanged { .. }
                | card_system::Event::RenewalAgreed { .. }
                | card_system::Event::RenewalAgreementEnded { .. }
                | card_system::Event::VoucherIssued { .. }
                | card_system::Event::VoucherSpent { .. } => {}
            },
            AnyEvent::Passholder(..)
            | AnyEvent::Card(..)
            | AnyEvent::Activity(..)
            | AnyEvent::Association(..)
            | AnyEvent::Reward(..)
            | AnyEvent::Account(..)
            | AnyEvent::Client(..)
            | AnyEvent::Order(..)
            | AnyEvent::Coupon(..)
            | AnyEvent::GroupPass(..)
            | AnyEvent::Kiosk(..) => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        match &entry.event {
            AnyEvent::Counter(id, event) => self.counter(id, event, entry.position),
            AnyEvent::CardSystem(id, event) => {
                self.card_system(*id, event, entry.position);
                Ok(())
            }
            AnyEvent::Passholder(..)
            | AnyEvent::Card(..)
            | AnyEvent::Activity(..)
            | AnyEvent::Association(..)
            | AnyEvent::Reward(..)
            | AnyEvent::Account(..)
            | AnyEvent::Client(..)
            | AnyEvent::Order(..)
            | AnyEvent::Coupon(..)
            | AnyEvent::GroupPass(..)
            | AnyEvent::Kiosk(..) => not_mine(),
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.counters, &mut self.staff, &mut self.card_systems, &mut self.ksb_admins]
    }
}

impl Counters {
    fn counter(&mut self, id: &CounterId, event: &Event, position: i64) -> Result<(), NoRow> {
        match event {
            Event::Created { profile, .. } => self.counters.put(Counter {
                id: id.to_string(),
                name: profile.name.to_string(),
                name_folded: folded(profile.name.as_str()),
                address: AsJson(profile.address.clone()),
                card_systems: profile.card_systems.iter().copied().map(number).collect(),
                terms: AsJson(BTreeMap::new()),
                iban: None,
                position,
            }),
            Event::TermsSet { card_system, terms, .. } => {
                let counter = self.counters.at(&(id.to_string(),))?;
                counter.terms.0.insert(*card_system, terms.clone());
                counter.position = position;
            }
            Event::IbanSet { iban, .. } => {
                let counter = self.counters.at(&(id.to_string(),))?;
                counter.iban = Some(iban.to_string());
                counter.position = position;
            }
            Event::StaffAdded { subject, kind, .. } => self.staff.put(Staff {
                subject: subject.to_string(),
                counter: id.to_string(),
                kind: match kind {
                    StaffKind::Member => "member".to_owned(),
                    StaffKind::Admin => "admin".to_owned(),
                },
                position,
            }),
            Event::StaffRemoved { subject, .. } => {
                self.staff.remove(&(subject.to_string(), id.to_string()));
            }
            Event::StepCompleted { .. }
            | Event::StepReopened { .. }
            | Event::ReportRequested { .. }
            | Event::NoteIssued(_)
            | Event::NoteApproved { .. }
            | Event::NoteObjected { .. }
            | Event::ObjectionSettled { .. } => {}
        }
        Ok(())
    }

    fn card_system(&mut self, id: CardSystemId, event: &card_system::Event, position: i64) {
        match event {
            card_system::Event::Created { name, municipalities, .. } => {
                self.card_systems.put(CardSystem {
                    id: number(id),
                    name: name.to_string(),
                    municipalities: AsJson(municipalities.clone()),
                    position,
                });
            }
            card_system::Event::KsbAdminAdded { admin, .. } => self.ksb_admins.put(KsbAdmin {
                card_system: number(id),
                subject: admin.to_string(),
                position,
            }),
            card_system::Event::KsbAdminRemoved { admin, .. } => {
                self.ksb_admins.remove(&(number(id), admin.to_string()));
            }
            card_system::Event::AuditorAdded { .. }
            | card_system::Event::AuditorRemoved { .. }
            | card_system::Event::ContactSet { .. }
            | card_system::Event::AccountSet { .. }
            | card_system::Event::PaymentOrdered(_)
            | card_system::Event::PaymentWithdrawn { .. }
            | card_system::Event::KeyDefined { .. }
            | card_system::Event::DefaultKeysChosen { .. }
            | card_system::Event::PricesSet { .. }
            | card_system::Event::AdministrativePricesSet { .. }
            | card_system::Event::SettingsChanged { .. }
            | card_system::Event::RenewalAgreed { .. }
            | card_system::Event::RenewalAgreementEnded { .. }
            | card_system::Event::VoucherIssued { .. }
            | card_system::Event::VoucherSpent { .. } => {}
        }
    }
}

/// Ids of card systems are small; the largest ones print as negative numbers here, and back.
pub(crate) fn number(id: CardSystemId) -> i32 {
    id.0.cast_signed()
}

pub fn card_system_id(number: i32) -> CardSystemId {
    CardSystemId(number.cast_unsigned())
}

const BY_ID: &str = "select * from views.counters where id = $1";

const LIST: &str = "
    select *
    from views.counters
    where $1::text is null or name_folded like $1
    order by name_folded, id";

const SEARCH: &str = "
    select *, count(*) over () as total
    from views.counters
    where ($1::text[] is null or id = any($1))
        and ($2::text is null or name_folded like $2)
        and ($3::integer is null or $3 = any(card_systems))
    order by
        case when $4 then name_folded end desc,
        case when not $4 then name_folded end,
        id
    offset $5 limit $6";

const IN_CARD_SYSTEMS: &str = "
    select *
    from views.counters
    where card_systems && $1
    order by name_folded, id";

const OF_SUBJECT: &str = "
    select c.*, s.kind
    from views.staff s
    join views.counters c on c.id = s.counter
    where s.subject = $1
    order by c.name_folded, c.id";

const STAFF_OF: &str = "select * from views.staff where counter = $1 order by kind, subject";

const CARD_SYSTEMS: &str = "
    select *
    from views.card_systems
    where $1::integer[] is null or id = any($1)
    order by id";

const KSB_OF: &str = "
    select card_system
    from views.ksb_admins
    where subject = $1
    order by card_system";

pub async fn by_id(pool: &PgPool, id: &CounterId) -> sqlx::Result<Option<Counter>> {
    sqlx::query_as(BY_ID).bind(id.as_str()).fetch_optional(pool).await
}

/// By name, of which a part may be given.
pub async fn list(pool: &PgPool, name: Option<&str>) -> sqlx::Result<Vec<Counter>> {
    sqlx::query_as(LIST).bind(name.map(containing)).fetch_all(pool).await
}

/// Which counters; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub ids: Option<Vec<CounterId>>,
    /// The whole name; `*` stands for any text.
    pub name: Option<String>,
    pub card_system: Option<CardSystemId>,
    pub descending: bool,
    pub paging: Paging,
}

/// By name.
pub async fn search(pool: &PgPool, search: &Search) -> sqlx::Result<Page<Counter>> {
    let ids = search.ids.as_ref();
    let ids = ids.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>());
    page(pool, search.paging, |paging| {
        sqlx::query_as(SEARCH)
            .bind(ids.clone())
            .bind(search.name.as_deref().map(matching))
            .bind(search.card_system.map(number))
            .bind(search.descending)
            .bind(paging.start)
            .bind(paging.limit)
    })
    .await
}

/// The counters that work for any of these card systems.
pub async fn counters_in(
    pool: &PgPool,
    card_systems: &[CardSystemId],
) -> sqlx::Result<Vec<Counter>> {
    sqlx::query_as(IN_CARD_SYSTEMS).bind(numbers(card_systems)).fetch_all(pool).await
}

/// The counters at which someone works.
pub async fn counters_of(pool: &PgPool, subject: &SubjectId) -> sqlx::Result<Vec<Workplace>> {
    sqlx::query_as(OF_SUBJECT).bind(subject.as_str()).fetch_all(pool).await
}

/// Who works at a counter; admins first.
pub async fn staff_of(pool: &PgPool, counter: &CounterId) -> sqlx::Result<Vec<Staff>> {
    sqlx::query_as(STAFF_OF).bind(counter.as_str()).fetch_all(pool).await
}

/// All card systems, or those with these ids.
pub async fn card_systems(
    pool: &PgPool,
    ids: Option<&[CardSystemId]>,
) -> sqlx::Result<Vec<CardSystem>> {
    sqlx::query_as(CARD_SYSTEMS).bind(ids.map(numbers)).fetch_all(pool).await
}

/// The card systems that someone administers.
pub async fn ksb_of(pool: &PgPool, subject: &SubjectId) -> sqlx::Result<Vec<CardSystemId>> {
    let ids: Vec<i32> = sqlx::query_scalar(KSB_OF).bind(subject.as_str()).fetch_all(pool).await?;
    Ok(ids.into_iter().map(card_system_id).collect())
}

pub(crate) fn numbers(ids: &[CardSystemId]) -> Vec<i32> {
    ids.iter().copied().map(number).collect()
}

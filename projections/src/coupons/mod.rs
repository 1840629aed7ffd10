//! Coupons: those that may be usable somewhere on a day, and those of a card system.

use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use uitpas_domain::coupon::{Definition, Event};
use uitpas_domain::ids::{CardSystemId, CouponId};

use crate::counters::{number, numbers};
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// A coupon as last laid down.
    Coupon in "coupons" by (id: i32) {
        id: i32,
        owner: i32,
        card_systems: Vec<i32>,
        valid_from: Option<NaiveDate>,
        valid_until: Option<NaiveDate>,
        name: String,
        definition: AsJson<Definition>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "coupons",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("coupon", "Defined"), ("coupon", "Changed")],
    opens_details: false,
    statements: &[LIST],
    new: || Box::new(Coupons::default()),
};

#[derive(Default)]
struct Coupons {
    coupons: Table<Coupon>,
}

impl Fold for Coupons {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::Coupon(id, event) = event else { return };
        match event {
            Event::Defined { .. } => self.coupons.makes((id.0.cast_signed(),)),
            Event::Changed { .. } => self.coupons.needs((id.0.cast_signed(),)),
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Coupon(id, event) = &entry.event else { return not_mine() };
        match event {
            Event::Defined { definition, .. } => {
                self.coupons.put(Coupon::new(*id, definition, entry.position));
            }
            Event::Changed { definition, .. } => {
                let row = self.coupons.at(&(id.0.cast_signed(),))?;
                *row = Coupon::new(*id, definition, entry.position);
            }
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.coupons]
    }
}

impl Coupon {
    fn new(id: CouponId, definition: &Definition, position: i64) -> Self {
        let card_systems = match definition.card_systems.is_empty() {
            true => vec![number(definition.owner)],
            false => definition.card_systems.iter().copied().map(number).collect(),
        };
        Self {
            id: id.0.cast_signed(),
            owner: number(definition.owner),
            card_systems,
            valid_from: definition.validity.from,
            valid_until: definition.validity.until,
            name: definition.name.to_string(),
            definition: AsJson(definition.clone()),
            position,
        }
    }

    pub fn id(&self) -> CouponId {
        CouponId(self.id.cast_unsigned())
    }
}

/// Which coupons; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub owner: Option<CardSystemId>,
    /// Usable at activities of any of these.
    pub card_systems: Option<Vec<CardSystemId>>,
    /// Begun by this day.
    pub begun_on: Option<NaiveDate>,
    /// Not over on this day.
    pub not_over_on: Option<NaiveDate>,
}

const LIST: &str = "
    select *
    from views.coupons
    where ($1::integer is null or owner = $1)
        and ($2::integer[] is null or card_systems && $2)
        and ($3::date is null or valid_from is null or valid_from <= $3)
        and ($4::date is null or valid_until is null or valid_until >= $4)
    order by name, id
    limit $5";

/// The most coupons that a list holds.
const LIST_MAX: i64 = 1_000;

/// By name.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Vec<Coupon>> {
    sqlx::query_as(LIST)
        .bind(filter.owner.map(number))
        .bind(filter.card_systems.as_deref().map(numbers))
        .bind(filter.begun_on)
        .bind(filter.not_over_on)
        .bind(LIST_MAX)
        .fetch_all(pool)
        .await
}

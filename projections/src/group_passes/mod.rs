//! The group passes of a card system, for its KSB. What one has left stands in its stream.

use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use uitpas_domain::group_pass::{Event, Terms};
use uitpas_domain::ids::CardSystemId;
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, page};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A group pass as last laid down.
    GroupPass in "group_passes" by (id: Uuid) {
        id: Uuid,
        card_system: i32,
        card: String,
        name: String,
        postal_code: String,
        city: String,
        /// The last day, inclusive.
        until_day: NaiveDate,
        /// At the social tariff; absent without social status.
        tickets_per_year: Option<i32>,
        blocked: bool,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "group_passes",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("group-pass", "Made"), ("group-pass", "Changed"), ("group-pass", "Blocked")],
    opens_details: false,
    statements: &[LIST],
    new: || Box::new(GroupPasses::default()),
};

#[derive(Default)]
struct GroupPasses {
    passes: Table<GroupPass>,
}

impl Fold for GroupPasses {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::GroupPass(id, event) = event else { return };
        match event {
            Event::Made { .. } => self.passes.makes((id.0,)),
            Event::Changed { .. } | Event::Blocked { .. } => self.passes.needs((id.0,)),
            Event::TicketSold(_) | Event::CouponUsed(_) | Event::TicketSaleCancelled { .. } => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::GroupPass(id, event) = &entry.event else { return not_mine() };
        match event {
            Event::Made { card_system, card, terms, .. } => {
                let mut row = GroupPass {
                    id: id.0,
                    card_system: number(*card_system),
                    card: card.to_string(),
                    name: String::new(),
                    postal_code: String::new(),
                    city: String::new(),
                    until_day: terms.until,
                    tickets_per_year: None,
                    blocked: false,
                    position: entry.position,
                };
                row.set(terms);
                self.passes.put(row);
            }
            Event::Changed { terms, .. } => {
                let row = self.passes.at(&(id.0,))?;
                row.set(terms);
                row.position = entry.position;
            }
            Event::Blocked { .. } => {
                let row = self.passes.at(&(id.0,))?;
                row.blocked = true;
                row.position = entry.position;
            }
            Event::TicketSold(_) | Event::CouponUsed(_) | Event::TicketSaleCancelled { .. } => {}
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.passes]
    }
}

impl GroupPass {
    fn set(&mut self, terms: &Terms) {
        self.name = terms.name.to_string();
        self.postal_code = terms.address.postal_code.to_string();
        self.city = terms.address.city.to_string();
        self.until_day = terms.until;
        self.tickets_per_year = terms.tickets_per_year.map(u32::cast_signed);
    }
}

const LIST: &str = "
    select *, count(*) over () as total
    from views.group_passes
    where card_system = $1
    order by name, id
    offset $2 limit $3";

/// By name.
pub async fn list(
    pool: &PgPool,
    card_system: CardSystemId,
    paging: Paging,
) -> sqlx::Result<Page<GroupPass>> {
    page(pool, paging, |paging| {
        sqlx::query_as(LIST).bind(number(card_system)).bind(paging.start).bind(paging.limit)
    })
    .await
}

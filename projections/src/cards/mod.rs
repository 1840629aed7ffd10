//! Cards: where each of them is, and how many a counter has (R-CRD-01).

use sqlx::FromRow;
use sqlx::postgres::PgPool;
use uitpas_domain::card::Event;
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::values::card_number::CardNumber;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, page};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A card, whoever has it.
    Card in "cards" by (number: String) {
        number: String,
        card_system: i32,
        /// The counter that has it in stock.
        counter: Option<String>,
        digital: bool,
        /// A stage of a card without holder, or `active`, `blocked`, `deleted`.
        state: String,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "cards",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("card", "TakenIn"),
        ("card", "Moved"),
        ("card", "Assigned"),
        ("card", "CreatedDigital"),
        ("card", "Blocked"),
        ("card", "Deleted"),
    ],
    opens_details: false,
    statements: &[LIST, STOCK],
    new: || Box::new(Cards::default()),
};

#[derive(Default)]
struct Cards {
    cards: Table<Card>,
}

impl Fold for Cards {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::Card(number, event) = event else { return };
        let key = (number.to_string(),);
        match event {
            Event::TakenIn { .. } | Event::CreatedDigital { .. } => self.cards.makes(key),
            Event::Moved { .. }
            | Event::Assigned { .. }
            | Event::Blocked { .. }
            | Event::Deleted { .. } => self.cards.needs(key),
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Card(card, event) = &entry.event else { return not_mine() };
        let made =
            |card_system: &CardSystemId, counter: Option<String>, digital, state: &str| Card {
                number: card.to_string(),
                card_system: number(*card_system),
                counter,
                digital,
                state: state.to_owned(),
                position: entry.position,
            };
        let of = |counter: &Option<CounterId>| counter.as_ref().map(ToString::to_string);
        match event {
            Event::TakenIn { card_system, stage, counter, .. } => {
                self.cards.put(made(card_system, of(counter), false, &stage.to_string()));
                return Ok(());
            }
            Event::CreatedDigital { card_system, .. } => {
                self.cards.put(made(card_system, None, true, ACTIVE));
                return Ok(());
            }
            Event::Moved { .. }
            | Event::Assigned { .. }
            | Event::Blocked { .. }
            | Event::Deleted { .. } => {}
        }
        let row = self.cards.at(&(card.to_string(),))?;
        match event {
            Event::TakenIn { .. } | Event::CreatedDigital { .. } => {}
            Event::Moved { stage, counter, .. } => {
                row.state = stage.to_string();
                row.counter = of(counter);
            }
            Event::Assigned { .. } => row.state = ACTIVE.to_owned(),
            Event::Blocked { .. } => row.state = "blocked".to_owned(),
            Event::Deleted { .. } => row.state = "deleted".to_owned(),
        }
        row.position = entry.position;
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.cards]
    }
}

const ACTIVE: &str = "active";

/// Which cards of a card system; what is absent does not restrict.
#[derive(Debug, Clone)]
pub struct Filter {
    pub card_system: CardSystemId,
    pub counter: Option<CounterId>,
    pub state: Option<String>,
    pub number: Option<CardNumber>,
    pub paging: Paging,
}

const LIST: &str = "
    select *, count(*) over () as total
    from views.cards
    where card_system = $1
        and ($2::text is null or counter = $2)
        and ($3::text is null or state = $3)
        and ($4::text is null or number = $4)
    order by number
    offset $5 limit $6";

/// By number.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Page<Card>> {
    page(pool, filter.paging, |paging| {
        sqlx::query_as(LIST)
            .bind(number(filter.card_system))
            .bind(filter.counter.as_ref().map(CounterId::to_string))
            .bind(&filter.state)
            .bind(filter.number.map(|number| number.to_string()))
            .bind(paging.start)
            .bind(paging.limit)
    })
    .await
}

/// How many cards without holder are in one place.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Stock {
    /// Absent: at no counter.
    pub counter: Option<String>,
    pub state: String,
    /// Whether they are cards for social status.
    pub social: bool,
    pub cards: i64,
}

const STOCK: &str = "
    select counter, state, substr(number, 12, 1) = '1' as social, count(*) as cards
    from views.cards
    where card_system = $1 and state = any($2)
    group by 1, 2, 3
    order by 1 nulls first, 2, 3";

/// Cards without holder, by counter, stage and kind.
pub async fn stock(
    pool: &PgPool,
    card_system: CardSystemId,
    stages: &[&str],
) -> sqlx::Result<Vec<Stock>> {
    sqlx::query_as(STOCK).bind(number(card_system)).bind(stages).fetch_all(pool).await
}

//! The lines of the expense notes. A sale is one line; there is no second table of sums, which could
//! only disagree: totals are added up when asked for.
//!
//! The day of a line is the Brussels day of the sale's `at`, its registration: the same day that
//! the limits count by, so that a line may be stored after its day is over and still belongs to it.

pub mod note;

use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::{Event, TicketSold};
use uuid::Uuid;

use crate::counters::number;
use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::table::{NoRow, Stored, Table, table};

table! {
    /// A granted tariff with everything the note prints. Amounts in euro cents.
    Line in "settlement_lines" by (sale: Uuid) {
        sale: Uuid,
        /// Of the sale in the log.
        sold_position: i64,
        /// The Brussels day of its registration.
        day: NaiveDate,
        cancelled_position: Option<i64>,
        cancelled_day: Option<NaiveDate>,
        counter: String,
        /// Of the municipality that pays.
        postal_code: String,
        municipality: String,
        activity: String,
        title: String,
        price_name: Option<String>,
        /// Not one of the activity's prices.
        deviating: bool,
        price: i64,
        passholder_share: i64,
        organizer_share: i64,
        municipality_share: i64,
        card_system: i32,
        key_id: i32,
        key_name: String,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "settlement",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[("passholder", "TicketSold"), ("passholder", "TicketSaleCancelled")],
    opens_details: false,
    statements: &[LINE, REPORT_LINES, TOTALS],
    new: || Box::new(Settlement::default()),
};

#[derive(Default)]
struct Settlement {
    lines: Table<Line>,
}

impl Fold for Settlement {
    fn needs(&mut self, event: &AnyEvent) {
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold)) => self.lines.makes((sold.sale.0,)),
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, .. }) => {
                self.lines.needs((sale.0,));
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Passholder(_, event) = &entry.event else { return not_mine() };
        match event {
            Event::TicketSold(sold) => self.lines.put(Line::new(sold, entry.position)),
            Event::TicketSaleCancelled { sale, at } => {
                let line = self.lines.at(&(sale.0,))?;
                line.cancelled_position = Some(entry.position);
                line.cancelled_day = Some(day_in_belgium(*at));
                line.position = entry.position;
            }
            Event::Registered(_)
            | Event::WelcomeRewardGranted { .. }
            | Event::DetailsChanged { .. }
            | Event::PreferencesSet { .. }
            | Event::CardBlocked { .. }
            | Event::CardGiven { .. }
            | Event::CardCharged { .. }
            | Event::MembershipSuperseded { .. }
            | Event::SocialStatusGranted { .. }
            | Event::SocialStatusExtended { .. }
            | Event::SocialStatusSuspended { .. }
            | Event::SuspensionLifted { .. }
            | Event::SocialStatusEnded { .. }
            | Event::MembershipBlocked { .. }
            | Event::CheckedIn(_)
            | Event::CheckInCorrected { .. }
            | Event::RewardRedeemed(_)
            | Event::RedemptionCancelled { .. }
            | Event::Removed { .. } => {}
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.lines]
    }
}

impl Line {
    fn new(sold: &TicketSold, position: i64) -> Self {
        Self {
            sale: sold.sale.0,
            sold_position: position,
            day: day_in_belgium(sold.at),
            cancelled_position: None,
            cancelled_day: None,
            counter: sold.counter.to_string(),
            postal_code: sold.payer.postal_code.to_string(),
            municipality: sold.payer.name.to_string(),
            activity: sold.activity.to_string(),
            title: sold.title.to_string(),
            price_name: sold.price_name.as_ref().map(ToString::to_string),
            deviating: sold.deviating,
            price: sold.price.as_cents(),
            passholder_share: sold.shares.passholder.as_cents(),
            organizer_share: sold.shares.organizer.as_cents(),
            municipality_share: sold.shares.municipality.as_cents(),
            card_system: number(sold.card_system),
            key_id: sold.key.id.0.cast_signed(),
            key_name: sold.key.name.to_string(),
            position,
        }
    }
}

/// What a municipality owes a counter for the sales of a day. Amounts in euro cents.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Total {
    pub counter: String,
    pub postal_code: String,
    pub municipality: String,
    pub day: NaiveDate,
    /// Sales that were not cancelled.
    pub tickets: i64,
    pub price: i64,
    pub passholder_share: i64,
    pub organizer_share: i64,
    pub municipality_share: i64,
}

const LINE: &str = "select * from views.settlement_lines where sale = $1";

const REPORT_LINES: &str = "
    select *
    from views.settlement_lines
    where counter = $1
        and day between $2 and $3
        and sold_position <= $4
        and (cancelled_position is null or cancelled_position > $4)
    order by postal_code, municipality, day, sold_position";

const TOTALS: &str = "
    select counter, postal_code, municipality, day,
        count(*) as tickets,
        sum(price)::bigint as price,
        sum(passholder_share)::bigint as passholder_share,
        sum(organizer_share)::bigint as organizer_share,
        sum(municipality_share)::bigint as municipality_share
    from views.settlement_lines
    where ($1::text[] is null or counter = any($1))
        and day between $2 and $3
        and sold_position <= $4
        and (cancelled_position is null or cancelled_position > $4)
    group by counter, postal_code, municipality, day
    order by counter, postal_code, municipality, day";

/// The line of a sale, cancelled or not.
pub async fn line(pool: &PgPool, sale: SaleId) -> sqlx::Result<Option<Line>> {
    sqlx::query_as(LINE).bind(sale.0).fetch_optional(pool).await
}

/// The lines of a counter as the log stood at a position: sales registered from one day until
/// another, both inclusive, and not cancelled by then. No notes are issued yet, so that a
/// cancellation leaves no line (R-NOTE-05). The view must have reached the position.
pub async fn report_lines(
    pool: &PgPool,
    counter: &CounterId,
    from: NaiveDate,
    until: NaiveDate,
    position: u64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as(REPORT_LINES)
        .bind(counter.as_str())
        .bind(from)
        .bind(until)
        .bind(position.cast_signed())
        .fetch_all(pool)
        .await
}

/// What those lines add up to, per counter, municipality and day; of all counters, or some.
pub async fn totals(
    pool: &PgPool,
    counters: Option<&[CounterId]>,
    from: NaiveDate,
    until: NaiveDate,
    position: u64,
) -> sqlx::Result<Vec<Total>> {
    sqlx::query_as(TOTALS)
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(from)
        .bind(until)
        .bind(position.cast_signed())
        .fetch_all(pool)
        .await
}

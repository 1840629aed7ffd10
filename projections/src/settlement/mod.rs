//! The lines of the expense notes, and the notes. A sale is one row, with its cancellation, which may
//! make it two lines or none; there is no second table of sums, which could only disagree: totals are
//! added up when asked for. On which note a line stands is a rule of the domain.
//!
//! The day of a line is the Brussels day of the sale's `at`, its registration: the same day that
//! the limits count by, so that a line may be stored after its day is over and still belongs to it.

pub mod book;
mod issued;
pub mod lines;
pub mod note;
pub mod what_if;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::{Closing, Stamp};
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::{CouponUsed, Event, TicketSold};
use uitpas_domain::{counter, group_pass, passholder};
use uuid::Uuid;

pub use self::issued::{Filter, IssuedNote, by_number, issued_notes, of_counter};
use self::lines::NoteLine;
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
        /// Of the key, or of the coupon.
        key_id: i32,
        key_name: String,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "settlement",
    version: 4,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("passholder", "TicketSold"),
        ("passholder", "CouponUsed"),
        ("passholder", "TicketSaleCancelled"),
        ("group-pass", "TicketSold"),
        ("group-pass", "CouponUsed"),
        ("group-pass", "TicketSaleCancelled"),
        ("counter", "NoteIssued"),
        ("counter", "NoteApproved"),
        ("counter", "NoteObjected"),
        ("counter", "ObjectionSettled"),
    ],
    opens_details: false,
    statements: &[
        LINE,
        REPORT_ROWS,
        NOTE_ROWS,
        PERIOD_ROWS,
        UNTIL_ROWS,
        issued::BY_NUMBER,
        issued::OF_COUNTER,
        issued::LIST,
    ],
    new: || Box::new(Settlement::default()),
};

#[derive(Default)]
struct Settlement {
    lines: Table<Line>,
    notes: Table<IssuedNote>,
}

impl Fold for Settlement {
    fn needs(&mut self, event: &AnyEvent) {
        use group_pass::Event as OfGroup;
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold))
            | AnyEvent::GroupPass(_, OfGroup::TicketSold(sold)) => {
                self.lines.makes((sold.sale.0,));
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used))
            | AnyEvent::GroupPass(_, OfGroup::CouponUsed(used)) => {
                self.lines.makes((used.sale.0,));
            }
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, .. })
            | AnyEvent::GroupPass(_, OfGroup::TicketSaleCancelled { sale, .. }) => {
                self.lines.needs((sale.0,));
            }
            AnyEvent::Counter(id, counter::Event::NoteIssued(issued)) => {
                self.notes.makes(issued::key(id, issued.note));
            }
            AnyEvent::Counter(id, event) => {
                if let Some(note) = issued::answered(event) {
                    self.notes.needs(issued::key(id, note));
                }
            }
            _ => {}
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        match &entry.event {
            AnyEvent::Passholder(_, event) => self.sale(event, entry.position),
            AnyEvent::GroupPass(_, event) => self.sale_to_group(event, entry.position),
            AnyEvent::Counter(id, event) => {
                issued::fold(&mut self.notes, id, event, entry.position)
            }
            AnyEvent::Card(..)
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
        vec![&mut self.lines, &mut self.notes]
    }
}

impl Settlement {
    fn cancelled(&mut self, sale: SaleId, at: DateTime<Utc>, position: i64) -> Result<(), NoRow> {
        self.lines.at(&(sale.0,))?.cancel(position, at);
        Ok(())
    }

    fn sale_to_group(&mut self, event: &group_pass::Event, position: i64) -> Result<(), NoRow> {
        use group_pass::Event;
        match event {
            Event::TicketSold(sold) => self.lines.put(Line::new(sold, position)),
            Event::CouponUsed(used) => self.lines.put(Line::with_coupon(used, position)),
            Event::TicketSaleCancelled { sale, at } => self.cancelled(*sale, *at, position)?,
            Event::Made { .. } | Event::Changed { .. } | Event::Blocked { .. } => {}
        }
        Ok(())
    }

    fn sale(&mut self, event: &passholder::Event, position: i64) -> Result<(), NoRow> {
        match event {
            Event::TicketSold(sold) => self.lines.put(Line::new(sold, position)),
            Event::CouponUsed(used) => self.lines.put(Line::with_coupon(used, position)),
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
}

impl Line {
    pub fn new(sold: &TicketSold, position: i64) -> Self {
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

    pub fn with_coupon(used: &CouponUsed, position: i64) -> Self {
        Self {
            sale: used.sale.0,
            sold_position: position,
            day: day_in_belgium(used.at),
            cancelled_position: None,
            cancelled_day: None,
            counter: used.counter.to_string(),
            postal_code: used.payer.postal_code.to_string(),
            municipality: used.payer.name.to_string(),
            activity: used.activity.to_string(),
            title: used.title.to_string(),
            price_name: used.price_name.as_ref().map(ToString::to_string),
            deviating: used.deviating,
            price: used.price.as_cents(),
            passholder_share: used.shares.passholder.as_cents(),
            organizer_share: used.shares.organizer.as_cents(),
            municipality_share: used.shares.municipality.as_cents(),
            card_system: number(used.card_system),
            key_id: used.coupon.0.cast_signed(),
            key_name: format!("Kortingsbon {}", used.coupon_name),
            position,
        }
    }

    pub fn cancel(&mut self, position: i64, at: DateTime<Utc>) {
        self.cancelled_position = Some(position);
        self.cancelled_day = Some(day_in_belgium(at));
        self.position = position;
    }

    /// Where the sale stands in the log.
    pub fn sold(&self) -> Stamp {
        Stamp { position: self.sold_position.cast_unsigned(), day: self.day }
    }

    /// Where its cancellation stands in the log, if that is at or before a position.
    pub fn cancelled(&self, position: u64) -> Option<Stamp> {
        let cancelled = self.cancelled_position.zip(self.cancelled_day);
        let stamp = cancelled.map(|(at, day)| Stamp { position: at.cast_unsigned(), day });
        stamp.filter(|stamp| stamp.position <= position)
    }
}

const LINE: &str = "select * from views.settlement_lines where sale = $1";

const REPORT_ROWS: &str = "
    select *
    from views.settlement_lines
    where counter = $1
        and sold_position <= $4
        and (day between $2 and $3 or cancelled_day between $2 and $3)";

/// Without those that a note before it has taken in for good.
const NOTE_ROWS: &str = "
    select *
    from views.settlement_lines
    where counter = $1
        and sold_position <= $3
        and day <= $2
        and (sold_position > $5 or day > $4 or cancelled_position > $5 or cancelled_day > $4)";

const PERIOD_ROWS: &str = "
    select *
    from views.settlement_lines
    where day between $1 and $2
        and ($3::text is null or counter = $3)
        and cancelled_position is null
    order by sold_position";

const UNTIL_ROWS: &str = "
    select *
    from views.settlement_lines
    where counter = $1 and sold_position <= $2
    order by sold_position";

/// The row of a sale, cancelled or not.
pub async fn line(pool: &PgPool, sale: SaleId) -> sqlx::Result<Option<Line>> {
    sqlx::query_as(LINE).bind(sale.0).fetch_optional(pool).await
}

/// The lines of a counter as the log stood at a position: those dated from one day until another,
/// both inclusive. A sale that was cancelled before it was on a note has none, one cancelled after
/// that has two (R-NOTE-05). The view must have reached the position.
pub async fn report_lines(
    pool: &PgPool,
    counter: &CounterId,
    from: NaiveDate,
    until: NaiveDate,
    position: u64,
) -> sqlx::Result<Vec<NoteLine>> {
    let known = of_counter(pool, counter).await?;
    let issued = known.iter().filter(|note| note.issued_position.cast_unsigned() <= position);
    let closings: Vec<Closing> = issued.map(IssuedNote::closing).collect();
    let rows: Vec<Line> = sqlx::query_as(REPORT_ROWS)
        .bind(counter.as_str())
        .bind(from)
        .bind(until)
        .bind(position.cast_signed())
        .fetch_all(pool)
        .await?;
    let lines = rows.into_iter().flat_map(|row| lines::of_sale(row, &closings, position));
    let dated = lines.map(|(line, _)| line).filter(|line| from <= line.day && line.day <= until);
    Ok(lines::in_order(dated.collect()))
}

/// The lines on the last of these notes of a counter, issued or about to be. The view must have
/// reached its position.
pub async fn note_lines(
    pool: &PgPool,
    counter: &CounterId,
    notes: &[Closing],
) -> sqlx::Result<Vec<NoteLine>> {
    let Some((note, before)) = notes.split_last() else { return Ok(vec![]) };
    let settled = before.last();
    let rows: Vec<Line> = sqlx::query_as(NOTE_ROWS)
        .bind(counter.as_str())
        .bind(note.until)
        .bind(note.position.cast_signed())
        .bind(settled.map_or(note.until, |settled| settled.until))
        .bind(settled.map_or(0, |settled| settled.position.cast_signed()))
        .fetch_all(pool)
        .await?;
    Ok(note_lines_among(rows, notes))
}

/// The lines on the last of these notes, among the sales of its counter.
pub fn note_lines_among(sales: impl IntoIterator<Item = Line>, notes: &[Closing]) -> Vec<NoteLine> {
    let Some(note) = notes.last() else { return vec![] };
    let lines = sales.into_iter().flat_map(|row| lines::of_sale(row, notes, note.position));
    let own = lines.filter(|(_, on)| *on == Some(note.note)).map(|(line, _)| line);
    lines::in_order(own.map(|line| line.marked(note, notes)).collect())
}

/// The sales of a period that stand, of one counter or of all, in the order of the log.
pub async fn period_sales(
    pool: &PgPool,
    counter: Option<&CounterId>,
    from: NaiveDate,
    until: NaiveDate,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as(PERIOD_ROWS)
        .bind(from)
        .bind(until)
        .bind(counter.map(CounterId::as_str))
        .fetch_all(pool)
        .await
}

/// All sales of a counter up to a position, cancelled or not.
pub async fn sales_until(
    pool: &PgPool,
    counter: &CounterId,
    position: u64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as(UNTIL_ROWS)
        .bind(counter.as_str())
        .bind(position.cast_signed())
        .fetch_all(pool)
        .await
}

/// The sales among these lines.
pub fn sales(lines: &[NoteLine]) -> BTreeSet<SaleId> {
    lines.iter().map(|line| SaleId(line.sale)).collect()
}

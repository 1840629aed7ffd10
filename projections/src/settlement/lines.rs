//! The lines that sales come to, and what they add up to.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uitpas_domain::counter::notes::{self, Closing, lines_of, period_of};
use uuid::Uuid;

use super::Line;

/// A line of a report or note. Amounts in euro cents, negative in a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    pub sale: Uuid,
    /// Of the sale, or in a correction of its cancellation.
    pub position: i64,
    pub day: NaiveDate,
    pub counter: String,
    pub postal_code: String,
    pub municipality: String,
    pub activity: String,
    pub title: String,
    pub price_name: Option<String>,
    pub deviating: bool,
    pub price: i64,
    pub passholder_share: i64,
    pub organizer_share: i64,
    pub municipality_share: i64,
    pub key_id: i32,
    pub key_name: String,
    /// The note that a correction corrects; absent in the line of a sale.
    pub corrects: Option<u32>,
    /// First and last day of the period that a late line belongs to.
    pub late: Option<(NaiveDate, NaiveDate)>,
}

/// The lines of a sale as the log stood at a position, each with the note it is on.
pub(super) fn of_sale(
    row: Line,
    closings: &[Closing],
    position: u64,
) -> Vec<(NoteLine, Option<u32>)> {
    let cancelled = row.cancelled(position);
    match lines_of(closings, row.sold(), cancelled) {
        notes::Lines::None => vec![],
        notes::Lines::Sale(note) => vec![(NoteLine::from(row), note)],
        notes::Lines::Corrected { note, by } => {
            let sale = NoteLine::from(row);
            let correction = cancelled.map(|cancelled| NoteLine {
                position: cancelled.position.cast_signed(),
                day: cancelled.day,
                price: -sale.price,
                passholder_share: -sale.passholder_share,
                organizer_share: -sale.organizer_share,
                municipality_share: -sale.municipality_share,
                corrects: Some(note),
                ..sale.clone()
            });
            let correction = correction.map(|correction| (correction, by));
            [(sale, Some(note))].into_iter().chain(correction).collect()
        }
    }
}

/// By municipality, then by day, then by position: the order of every report and note.
pub(super) fn in_order(mut lines: Vec<NoteLine>) -> Vec<NoteLine> {
    lines.sort_by(|a, b| {
        (&a.postal_code, &a.municipality, a.day, a.position).cmp(&(
            &b.postal_code,
            &b.municipality,
            b.day,
            b.position,
        ))
    });
    lines
}

impl From<Line> for NoteLine {
    fn from(row: Line) -> Self {
        Self {
            sale: row.sale,
            position: row.sold_position,
            day: row.day,
            counter: row.counter,
            postal_code: row.postal_code,
            municipality: row.municipality,
            activity: row.activity,
            title: row.title,
            price_name: row.price_name,
            deviating: row.deviating,
            price: row.price,
            passholder_share: row.passholder_share,
            organizer_share: row.organizer_share,
            municipality_share: row.municipality_share,
            key_id: row.key_id,
            key_name: row.key_name,
            corrects: None,
            late: None,
        }
    }
}

impl NoteLine {
    /// Says which period it belongs to, where that is not the one of the note it is on.
    pub(super) fn marked(mut self, note: &Closing, notes: &[Closing]) -> Self {
        self.late = (self.day < note.from).then(|| period_of(notes, self.day));
        self
    }
}

/// What a municipality owes a counter for the lines of a day. Amounts in euro cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    pub postal_code: String,
    pub municipality: String,
    pub day: NaiveDate,
    /// Sales less corrections.
    pub tickets: i64,
    pub price: i64,
    pub passholder_share: i64,
    pub organizer_share: i64,
    pub municipality_share: i64,
}

/// What lines add up to, per municipality and day.
pub fn totals(lines: &[NoteLine]) -> Vec<Total> {
    let mut totals: BTreeMap<(&str, &str, NaiveDate), Total> = BTreeMap::new();
    for line in lines {
        let key = (line.postal_code.as_str(), line.municipality.as_str(), line.day);
        let total = totals.entry(key).or_insert_with(|| Total {
            postal_code: line.postal_code.clone(),
            municipality: line.municipality.clone(),
            day: line.day,
            tickets: 0,
            price: 0,
            passholder_share: 0,
            organizer_share: 0,
            municipality_share: 0,
        });
        total.tickets += if line.corrects.is_some() { -1 } else { 1 };
        total.price += line.price;
        total.passholder_share += line.passholder_share;
        total.organizer_share += line.organizer_share;
        total.municipality_share += line.municipality_share;
    }
    totals.into_values().collect()
}

//! The notes that were issued, and how each was answered.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;
use uitpas_domain::counter::Event;
use uitpas_domain::counter::notes::{Closing, NoteIssued, NotePart, Reply, Standing};
use uitpas_domain::ids::{CounterId, SaleId};

use crate::table::{AsJson, NoRow, Table, table};

table! {
    /// An issued expense note. Reasons are sealed.
    IssuedNote in "settlement_notes" by (counter: String, number: i32) {
        counter: String,
        /// From 1, in the order of issue.
        number: i32,
        from_day: NaiveDate,
        until_day: NaiveDate,
        /// The log is taken in up to here.
        pinned_position: i64,
        /// Of the note in the log.
        issued_position: i64,
        /// Hash of the log at the pinned position.
        head: String,
        rule_set: i32,
        /// Of the canonical text of its lines.
        digest: String,
        parts: AsJson<Vec<NotePart>>,
        /// The last day to answer.
        deadline: NaiveDate,
        issued_at: DateTime<Utc>,
        approved_at: Option<DateTime<Utc>>,
        objected_at: Option<DateTime<Utc>>,
        objection_reason: Option<String>,
        objection_sales: AsJson<BTreeSet<SaleId>>,
        settled_at: Option<DateTime<Utc>>,
        upheld: Option<bool>,
        settlement_reason: Option<String>,
        position: i64,
    }
}

/// Numbers of notes are counted from 1: few enough for every type of number.
pub(super) fn key(counter: &CounterId, note: u32) -> (String, i32) {
    (counter.to_string(), note.cast_signed())
}

/// The note that an answer is about.
pub(super) fn answered(event: &Event) -> Option<u32> {
    match event {
        Event::NoteApproved { note, .. }
        | Event::NoteObjected { note, .. }
        | Event::ObjectionSettled { note, .. } => Some(*note),
        Event::NoteIssued(_)
        | Event::Created { .. }
        | Event::TermsSet { .. }
        | Event::IbanSet { .. }
        | Event::StaffAdded { .. }
        | Event::StaffRemoved { .. }
        | Event::StepCompleted { .. }
        | Event::StepReopened { .. }
        | Event::ReportRequested { .. } => None,
    }
}

pub(super) fn fold(
    notes: &mut Table<IssuedNote>,
    id: &CounterId,
    event: &Event,
    position: i64,
) -> Result<(), NoRow> {
    if let Event::NoteIssued(issued) = event {
        notes.put(IssuedNote::new(id, issued, position));
        return Ok(());
    }
    let Some(note) = answered(event) else { return Ok(()) };
    let row = notes.at(&key(id, note))?;
    row.position = position;
    match event {
        Event::NoteApproved { at, .. } => row.approved_at = Some(*at),
        Event::NoteObjected { reason, sales, at, .. } => {
            row.objected_at = Some(*at);
            row.objection_reason = Some(reason.as_str().to_owned());
            row.objection_sales = AsJson(sales.clone());
        }
        Event::ObjectionSettled { upheld, reason, at, .. } => {
            row.settled_at = Some(*at);
            row.upheld = Some(*upheld);
            row.settlement_reason = Some(reason.as_str().to_owned());
        }
        Event::NoteIssued(_)
        | Event::Created { .. }
        | Event::TermsSet { .. }
        | Event::IbanSet { .. }
        | Event::StaffAdded { .. }
        | Event::StaffRemoved { .. }
        | Event::StepCompleted { .. }
        | Event::StepReopened { .. }
        | Event::ReportRequested { .. } => {}
    }
    Ok(())
}

impl IssuedNote {
    fn new(counter: &CounterId, issued: &NoteIssued, position: i64) -> Self {
        let (counter, number) = key(counter, issued.note);
        Self {
            counter,
            number,
            from_day: issued.from,
            until_day: issued.until,
            pinned_position: issued.position.cast_signed(),
            issued_position: position,
            head: issued.head.to_string(),
            rule_set: issued.rule_set.cast_signed(),
            digest: issued.digest.to_string(),
            parts: AsJson(issued.parts.clone()),
            deadline: issued.deadline,
            issued_at: issued.at,
            approved_at: None,
            objected_at: None,
            objection_reason: None,
            objection_sales: AsJson(BTreeSet::new()),
            settled_at: None,
            upheld: None,
            settlement_reason: None,
            position,
        }
    }

    pub fn closing(&self) -> Closing {
        Closing {
            note: self.number.cast_unsigned(),
            from: self.from_day,
            until: self.until_day,
            position: self.pinned_position.cast_unsigned(),
        }
    }

    pub fn standing(&self, today: NaiveDate) -> Standing {
        let reply = match (self.approved_at, self.objected_at, self.settled_at) {
            (_, _, Some(_)) => Reply::Settled,
            (_, Some(_), None) => Reply::Objected(self.objection_sales.0.clone()),
            (Some(_), None, None) => Reply::Approved,
            (None, None, None) => Reply::None,
        };
        reply.standing(self.deadline, today)
    }
}

/// Which notes; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub counters: Option<Vec<CounterId>>,
    /// Those whose period shares a day with this one, both ends inclusive.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
}

pub(super) const BY_NUMBER: &str =
    "select * from views.settlement_notes where counter = $1 and number = $2";

pub(super) const OF_COUNTER: &str =
    "select * from views.settlement_notes where counter = $1 order by number";

pub(super) const LIST: &str = "
    select *
    from views.settlement_notes
    where ($1::text[] is null or counter = any($1))
        and ($2::date is null or until_day >= $2)
        and ($3::date is null or from_day <= $3)
    order by issued_position desc";

pub async fn by_number(
    pool: &PgPool,
    counter: &CounterId,
    note: u32,
) -> sqlx::Result<Option<IssuedNote>> {
    let (counter, number) = key(counter, note);
    sqlx::query_as(BY_NUMBER).bind(counter).bind(number).fetch_optional(pool).await
}

/// In the order of issue.
pub async fn of_counter(pool: &PgPool, counter: &CounterId) -> sqlx::Result<Vec<IssuedNote>> {
    sqlx::query_as(OF_COUNTER).bind(counter.as_str()).fetch_all(pool).await
}

/// Newest first.
pub async fn issued_notes(pool: &PgPool, filter: &Filter) -> sqlx::Result<Vec<IssuedNote>> {
    let counters = filter.counters.as_ref();
    let counters = counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>());
    sqlx::query_as(LIST).bind(counters).bind(filter.from).bind(filter.until).fetch_all(pool).await
}

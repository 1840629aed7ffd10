//! Expense notes: issuing, answering, and on which note a line stands. Source: counter manual and
//! association manual, "Onkostennota"; the deadline, objections and corrections are our choice.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Counter, Event, Refused};
use crate::calendar::{day_in_belgium, quarter_of};
use crate::ids::SaleId;
use crate::metadata::Role;
use crate::passholder::Reason;
use crate::sealed::Sealed;
use crate::values::digest::Digest;
use crate::values::euro::Euro;
use crate::values::place::Municipality;

/// Which rules say what stands on a note. Other rules need another number.
pub const RULE_SET: u32 = 1;

/// How many days a counter has to answer, unless the KSB sets another deadline (R-NOTE-06).
pub const DAYS_TO_ANSWER: Days = Days::new(14);

/// By the KSB, over a wholly past period (R-NOTE-01).
#[derive(Debug, Clone)]
pub struct IssueNote {
    /// Both ends inclusive, Brussels days of the registration of the sales.
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The last position of the log that the note takes in, and the hash of the log there.
    pub position: u64,
    pub head: Digest,
    /// What the lines come to, looked up by the caller.
    pub drawn: Drawn,
    /// The last day to answer; absent: after so many days as is usual.
    pub deadline: Option<NaiveDate>,
    pub by: Role,
    pub at: DateTime<Utc>,
}

/// The lines of a note, added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Of the canonical text of all lines.
    pub digest: Digest,
    /// In the order of the note.
    pub parts: Vec<DrawnPart>,
}

/// The lines that one municipality pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnPart {
    pub payer: Municipality,
    /// Corrections too.
    pub lines: u32,
    /// Negative where corrections outweigh sales.
    pub total: Euro,
    /// Of the canonical text of these lines.
    pub digest: Digest,
}

#[derive(Debug, Clone)]
pub struct ObjectToNote {
    pub note: u32,
    pub reason: Sealed<Reason>,
    pub sales: BTreeSet<SaleId>,
    /// The sales with a line on the note, looked up by the caller.
    pub on_note: BTreeSet<SaleId>,
    pub by: Role,
    pub at: DateTime<Utc>,
}

/// What the KSB makes of an objection. Upholding also cancels the sales concerned (R-NOTE-05).
#[derive(Debug, Clone)]
pub struct SettleObjection {
    pub note: u32,
    pub upheld: bool,
    pub reason: Sealed<Reason>,
    pub by: Role,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteIssued {
    /// From 1, per counter, in the order of issue.
    pub note: u32,
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The log is taken in up to here, where its hash is this one.
    pub position: u64,
    pub head: Digest,
    pub rule_set: u32,
    /// Of the canonical text of all lines.
    pub digest: Digest,
    pub parts: Vec<NotePart>,
    /// The last day to answer, in Brussels.
    pub deadline: NaiveDate,
    pub at: DateTime<Utc>,
}

/// What one municipality owes by a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotePart {
    pub payer: Municipality,
    pub lines: u32,
    pub total: Euro,
    pub digest: Digest,
    /// What earlier notes were too much, taken off this one (R-NOTE-05); never negative.
    pub deducted: Euro,
    /// What is to be paid; never negative.
    pub payable: Euro,
}

/// A note as decisions know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpenseNote {
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub position: u64,
    pub deadline: NaiveDate,
    pub reply: Reply,
}

/// What a counter answered to a note, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    #[default]
    None,
    Approved,
    Objected(BTreeSet<SaleId>),
    /// The KSB upheld or rejected the objection.
    Settled,
}

/// How a note stands on a day (R-NOTE-06).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Standing {
    /// Waiting for an answer.
    Open,
    /// Not payable until the KSB settles the objection.
    Objected,
    Approved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteRefused {
    #[error("only a KSB admin issues expense notes and settles objections")]
    OnlyKsb,
    #[error("only a counter admin approves an expense note or objects to it")]
    OnlyAdmin,
    #[error("the period is not over yet")]
    PeriodNotOver,
    #[error("the period overlaps that of expense note {0}")]
    Overlaps(u32),
    #[error("there is nothing in this period")]
    Nothing,
    #[error("the deadline lies in the past")]
    DeadlineInPast,
    #[error("this expense note is not known")]
    Unknown,
    #[error("this expense note is approved already")]
    AlreadyApproved,
    #[error("an objection to this expense note was made already")]
    AlreadyObjected,
    #[error("there is no objection to settle")]
    NothingToSettle,
    #[error("an objection names the sales concerned")]
    NoSales,
    #[error("not every sale named has a line on this expense note")]
    NotOnNote,
}

impl Reply {
    /// No objection by the deadline, its last day inclusive, is approval (R-NOTE-06).
    pub fn standing(&self, deadline: NaiveDate, today: NaiveDate) -> Standing {
        match self {
            Reply::None if today <= deadline => Standing::Open,
            Reply::Objected(_) => Standing::Objected,
            Reply::None | Reply::Approved | Reply::Settled => Standing::Approved,
        }
    }
}

impl ExpenseNote {
    pub fn standing(&self, today: NaiveDate) -> Standing {
        self.reply.standing(self.deadline, today)
    }
}

impl Counter {
    pub(super) fn issue_note(&self, issue: IssueNote) -> Result<Vec<Event>, Refused> {
        let IssueNote { from, until, position, head, drawn, deadline, by, at } = issue;
        demand_ksb(by)?;
        let today = day_in_belgium(at);
        if until < from {
            return Err(Refused::ReversedPeriod);
        }
        if until >= today {
            return Err(NoteRefused::PeriodNotOver.into());
        }
        let overlaps = |note: &ExpenseNote| from <= note.until && note.from <= until;
        if let Some((number, _)) = self.notes.iter().find(|(_, note)| overlaps(note)) {
            return Err(NoteRefused::Overlaps(*number).into());
        }
        if drawn.parts.is_empty() {
            return Err(NoteRefused::Nothing.into());
        }
        let deadline = deadline.unwrap_or(today + DAYS_TO_ANSWER);
        if deadline < today {
            return Err(NoteRefused::DeadlineInPast.into());
        }
        Ok(vec![Event::NoteIssued(Box::new(NoteIssued {
            note: self.notes.keys().next_back().map_or(1, |last| last + 1),
            from,
            until,
            position,
            head,
            rule_set: RULE_SET,
            digest: drawn.digest,
            parts: drawn.parts.into_iter().map(|part| self.claim(part)).collect(),
            deadline,
            at,
        }))])
    }

    /// What is left to pay once earlier negative totals are taken off (R-NOTE-05).
    fn claim(&self, part: DrawnPart) -> NotePart {
        let DrawnPart { payer, lines, total, digest } = part;
        let owed = self.overpaid.iter().find(|owed| owed.payer == payer);
        let owed = owed.map_or(Euro::ZERO, |owed| owed.amount);
        let due = total.max(Euro::ZERO);
        let deducted = due.min(owed);
        NotePart { payer, lines, total, digest, deducted, payable: due - deducted }
    }

    pub(super) fn approve_note(
        &self,
        note: u32,
        by: Role,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        demand_admin(by)?;
        self.demand_open(note, at)?;
        Ok(vec![Event::NoteApproved { note, at }])
    }

    pub(super) fn object_to_note(&self, object: ObjectToNote) -> Result<Vec<Event>, Refused> {
        let ObjectToNote { note, reason, sales, on_note, by, at } = object;
        demand_admin(by)?;
        self.demand_open(note, at)?;
        if sales.is_empty() {
            return Err(NoteRefused::NoSales.into());
        }
        if !sales.is_subset(&on_note) {
            return Err(NoteRefused::NotOnNote.into());
        }
        Ok(vec![Event::NoteObjected { note, reason, sales, at }])
    }

    pub(super) fn settle_objection(&self, settle: SettleObjection) -> Result<Vec<Event>, Refused> {
        let SettleObjection { note, upheld, reason, by, at } = settle;
        demand_ksb(by)?;
        match self.note(note)?.reply {
            Reply::Objected(_) => Ok(vec![Event::ObjectionSettled { note, upheld, reason, at }]),
            Reply::None | Reply::Approved | Reply::Settled => {
                Err(NoteRefused::NothingToSettle.into())
            }
        }
    }

    pub fn note(&self, note: u32) -> Result<&ExpenseNote, NoteRefused> {
        self.notes.get(&note).ok_or(NoteRefused::Unknown)
    }

    fn demand_open(&self, note: u32, at: DateTime<Utc>) -> Result<(), NoteRefused> {
        match self.note(note)?.standing(day_in_belgium(at)) {
            Standing::Open => Ok(()),
            Standing::Objected => Err(NoteRefused::AlreadyObjected),
            Standing::Approved => Err(NoteRefused::AlreadyApproved),
        }
    }

    pub(super) fn on_note_issued(&mut self, issued: NoteIssued) {
        for part in &issued.parts {
            let index = self.overpaid.iter().position(|owed| owed.payer == part.payer);
            let before = index.map_or(Euro::ZERO, |index| self.overpaid.swap_remove(index).amount);
            let amount = before - part.deducted - part.total.min(Euro::ZERO);
            if amount > Euro::ZERO {
                self.overpaid.push(Overpaid { payer: part.payer.clone(), amount });
            }
        }
        let NoteIssued { note, from, until, position, deadline, .. } = issued;
        let known = ExpenseNote { from, until, position, deadline, reply: Reply::None };
        self.notes.insert(note, known);
    }

    pub(super) fn on_reply(&mut self, note: u32, reply: Reply) {
        if let Some(known) = self.notes.get_mut(&note) {
            known.reply = reply;
        }
    }

    /// The notes so far, for those who ask on which one a line stands.
    pub fn closings(&self) -> Vec<Closing> {
        let closing = |(note, known): (&u32, &ExpenseNote)| Closing {
            note: *note,
            from: known.from,
            until: known.until,
            position: known.position,
        };
        self.notes.iter().map(closing).collect()
    }
}

/// What a municipality paid too much by negative totals, until it is deducted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overpaid {
    pub payer: Municipality,
    /// More than 0.
    pub amount: Euro,
}

fn demand_ksb(by: Role) -> Result<(), NoteRefused> {
    match by {
        Role::Ksb | Role::SystemOwner => Ok(()),
        Role::CounterMember
        | Role::CounterAdmin
        | Role::Client
        | Role::Kiosk
        | Role::Passholder
        | Role::System => Err(NoteRefused::OnlyKsb),
    }
}

/// Not the KSB, which would answer itself.
fn demand_admin(by: Role) -> Result<(), NoteRefused> {
    match by {
        Role::CounterAdmin => Ok(()),
        Role::CounterMember
        | Role::Ksb
        | Role::Client
        | Role::Kiosk
        | Role::Passholder
        | Role::SystemOwner
        | Role::System => Err(NoteRefused::OnlyAdmin),
    }
}

/// A note, as far as it says which lines it takes in. Lists of them are in the order of issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    pub note: u32,
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The log is taken in up to here.
    pub position: u64,
}

/// Where in the log something stands, and its Brussels day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub position: u64,
    pub day: NaiveDate,
}

/// The lines of a sale: none, one, or two with opposite amounts (R-NOTE-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Cancelled before it was issued.
    None,
    /// The note of the sale; absent while none is issued that takes it in.
    Sale(Option<u32>),
    /// Cancelled after it was issued: the note of the sale, and that of the correction.
    Corrected { note: u32, by: Option<u32> },
}

/// On which notes the lines of a sale stand. A line belongs to the first note that takes in both
/// its place in the log and its day, so that it stands on one note, and stays there.
pub fn lines_of(notes: &[Closing], sold: Stamp, cancelled: Option<Stamp>) -> Lines {
    let takes_in = |stamp: Stamp| {
        notes.iter().find(move |note| note.position >= stamp.position && note.until >= stamp.day)
    };
    match (takes_in(sold), cancelled) {
        (note, None) => Lines::Sale(note.map(|note| note.note)),
        (None, Some(_)) => Lines::None,
        (Some(note), Some(cancelled)) if cancelled.position <= note.position => Lines::None,
        (Some(note), Some(cancelled)) => {
            Lines::Corrected { note: note.note, by: takes_in(cancelled).map(|note| note.note) }
        }
    }
}

/// The period that a late line belongs to: that of the note over its day, else the quarter.
pub fn period_of(notes: &[Closing], day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let over = notes.iter().find(|note| note.from <= day && day <= note.until);
    over.map_or_else(|| quarter_of(day), |note| (note.from, note.until))
}

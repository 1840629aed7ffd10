//! The settlement in memory, from events alone and without a database: it makes the lines of each
//! note again, and adds up every amount on the way. Pure: the same events give the same book.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::{Closing, NoteIssued, NotePart};
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::Event;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;
use uitpas_domain::{counter, group_pass};
use uuid::Uuid;

use super::Line;
use super::lines::{NoteLine, in_order, of_sale};
use super::note::{Note, canonical, digest, notes};
use crate::reading::AnyEvent;

/// The sales and notes so far, in the order of the log.
#[derive(Default)]
pub struct Book {
    sales: HashMap<Uuid, Line>,
    counters: BTreeMap<CounterId, OfCounter>,
}

#[derive(Default)]
struct OfCounter {
    sales: Vec<Uuid>,
    notes: Vec<Closing>,
    /// What earlier notes were too much, per municipality.
    overpaid: Vec<(Municipality, Euro)>,
}

/// Money that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Amiss {
    #[error("the shares of sale {sale} sum to {sum}, its price is {price}")]
    Shares { sale: SaleId, sum: Euro, price: Euro },
    #[error("sale {0} is registered for the second time")]
    SoldTwice(SaleId),
    #[error("sale {0} is cancelled, and does not stand")]
    NotStanding(SaleId),
    #[error("note {found} of {counter} follows {before} others")]
    Number { counter: CounterId, found: u32, before: usize },
    #[error("note {note} of {counter} is for {found}, its lines are for {expected}")]
    Payers { counter: CounterId, note: u32, found: String, expected: String },
    #[error("note {note} of {counter} says {found} for {payer}, its {lines} lines sum to {sum}")]
    Total { counter: CounterId, note: u32, payer: String, found: Euro, lines: usize, sum: Euro },
    #[error("note {note} of {counter} counts {found} lines for {payer}, there are {lines}")]
    Count { counter: CounterId, note: u32, payer: String, found: u32, lines: usize },
    #[error("the lines of note {note} of {counter} for {payer} do not have the digest it says")]
    PartDigest { counter: CounterId, note: u32, payer: String },
    #[error("the lines of note {note} of {counter} do not have the digest it says")]
    Digest { counter: CounterId, note: u32 },
    #[error(
        "note {note} of {counter} for {payer}: {total} less {deducted} is not the payable {payable}"
    )]
    Payable {
        counter: CounterId,
        note: u32,
        payer: String,
        total: Euro,
        deducted: Euro,
        payable: Euro,
    },
    #[error(
        "note {note} of {counter} for {payer} deducts {deducted}, earlier ones leave {overpaid}"
    )]
    Deducted { counter: CounterId, note: u32, payer: String, deducted: Euro, overpaid: Euro },
}

impl Book {
    /// Takes in the next event. What does not add up in it is taken in as well.
    pub fn take_in(&mut self, position: u64, event: &AnyEvent) -> Result<(), Amiss> {
        let position = position.cast_signed();
        use group_pass::Event as OfGroup;
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold))
            | AnyEvent::GroupPass(_, OfGroup::TicketSold(sold)) => {
                self.sold(&sold.counter, Line::new(sold, position))
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used))
            | AnyEvent::GroupPass(_, OfGroup::CouponUsed(used)) => {
                self.sold(&used.counter, Line::with_coupon(used, position))
            }
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, at })
            | AnyEvent::GroupPass(_, OfGroup::TicketSaleCancelled { sale, at }) => {
                self.cancelled(*sale, position, day_in_belgium(*at))
            }
            AnyEvent::Counter(id, counter::Event::NoteIssued(issued)) => self.issued(id, issued),
            _ => Ok(()),
        }
    }

    fn sold(&mut self, counter: &CounterId, line: Line) -> Result<(), Amiss> {
        let sale = SaleId(line.sale);
        let sum = line.passholder_share + line.organizer_share + line.municipality_share;
        let (sum, price) = (Euro::cents(sum), Euro::cents(line.price));
        self.counters.entry(counter.clone()).or_default().sales.push(line.sale);
        if self.sales.insert(line.sale, line).is_some() {
            return Err(Amiss::SoldTwice(sale));
        }
        match sum == price {
            true => Ok(()),
            false => Err(Amiss::Shares { sale, sum, price }),
        }
    }

    fn cancelled(&mut self, sale: SaleId, position: i64, day: NaiveDate) -> Result<(), Amiss> {
        match self.sales.get_mut(&sale.0) {
            Some(line) if line.cancelled_position.is_none() => {
                line.cancelled_position = Some(position);
                line.cancelled_day = Some(day);
                Ok(())
            }
            Some(_) | None => Err(Amiss::NotStanding(sale)),
        }
    }

    fn issued(&mut self, counter: &CounterId, issued: &NoteIssued) -> Result<(), Amiss> {
        let NoteIssued { note, from, until, position, .. } = *issued;
        let of = self.counters.entry(counter.clone()).or_default();
        let before = of.notes.len();
        of.notes.push(Closing { note, from, until, position });
        let overpaid = settle(&mut of.overpaid, issued);
        if usize::try_from(note) != Ok(before + 1) {
            return Err(Amiss::Number { counter: counter.clone(), found: note, before });
        }
        for (part, overpaid) in issued.parts.iter().zip(overpaid) {
            payable(counter, note, part, overpaid)?;
        }
        Ok(())
    }

    /// Whether a note says what its lines come to. For who took in all of those.
    pub fn holds(&self, counter: &CounterId, issued: &NoteIssued) -> Result<(), Amiss> {
        holds(counter, issued, &self.note(counter, issued.note))
    }

    /// The lines of a note by the rules, per municipality.
    pub fn note(&self, counter: &CounterId, note: u32) -> Vec<Note> {
        notes(self.lines_of(counter, note))
    }

    fn lines_of(&self, counter: &CounterId, note: u32) -> Vec<NoteLine> {
        let Some(of) = self.counters.get(counter) else { return vec![] };
        let up_to = of.notes.iter().take_while(|closing| closing.note <= note).count();
        let closings = &of.notes[..up_to];
        let Some(last) = closings.last() else { return vec![] };
        let rows = of.sales.iter().filter_map(|sale| self.sales.get(sale));
        let rows = rows.filter(|row| row.sold().position <= last.position);
        let lines = rows.flat_map(|row| of_sale(row.clone(), closings, last.position));
        let own = lines.filter(|(_, on)| *on == Some(last.note)).map(|(line, _)| line);
        in_order(own.map(|line| line.marked(last, closings)).collect())
    }
}

/// Takes what a note deducts and what it leaves into what is overpaid. Says what was overpaid to
/// each of its parts before.
fn settle(overpaid: &mut Vec<(Municipality, Euro)>, issued: &NoteIssued) -> Vec<Euro> {
    let mut before = Vec::with_capacity(issued.parts.len());
    for part in &issued.parts {
        let known = overpaid.iter().position(|(payer, _)| *payer == part.payer);
        let owed = known.map_or(Euro::ZERO, |index| overpaid.swap_remove(index).1);
        let left = owed - part.deducted - part.total.min(Euro::ZERO);
        overpaid.push((part.payer.clone(), left));
        before.push(owed);
    }
    before
}

/// Whether a note says what its lines come to.
fn holds(counter: &CounterId, issued: &NoteIssued, drawn: &[Note]) -> Result<(), Amiss> {
    let (counter, note) = (counter.clone(), issued.note);
    let named: Vec<String> = issued.parts.iter().map(|part| part.payer.to_string()).collect();
    let expected: Vec<String> = drawn.iter().map(payer).collect();
    if named != expected {
        let (found, expected) = (named.join(", "), expected.join(", "));
        return Err(Amiss::Payers { counter, note, found, expected });
    }
    for (part, drawn) in issued.parts.iter().zip(drawn) {
        let (payer, lines, sum) = (payer(drawn), drawn.lines.len(), drawn.sums().municipality);
        if part.total != sum {
            let found = part.total;
            return Err(Amiss::Total { counter, note, payer, found, lines, sum });
        }
        if usize::try_from(part.lines) != Ok(lines) {
            return Err(Amiss::Count { counter, note, payer, found: part.lines, lines });
        }
        if part.digest != drawn.digest() {
            return Err(Amiss::PartDigest { counter, note, payer });
        }
    }
    let all: Digest = digest(&canonical(drawn));
    match issued.digest == all {
        true => Ok(()),
        false => Err(Amiss::Digest { counter, note }),
    }
}

/// R-NOTE-05: what is to be paid is the total less what was overpaid before, and never negative.
fn payable(counter: &CounterId, note: u32, part: &NotePart, overpaid: Euro) -> Result<(), Amiss> {
    let (counter, payer) = (counter.clone(), part.payer.to_string());
    let NotePart { total, deducted, payable, .. } = *part;
    let due = total.max(Euro::ZERO);
    if deducted != due.min(overpaid) {
        return Err(Amiss::Deducted { counter, note, payer, deducted, overpaid });
    }
    match payable == due - deducted {
        true => Ok(()),
        false => Err(Amiss::Payable { counter, note, payer, total, deducted, payable }),
    }
}

fn payer(note: &Note) -> String {
    format!("{} {}", note.postal_code, note.municipality)
}

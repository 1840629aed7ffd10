//! What the municipalities of a card system are to pay: the approved expense notes of a period, and the
//! order for the bank of each of them.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::{Account, CardSystem};
use uitpas_domain::counter::Refused;
use uitpas_domain::counter::notes::{NoteRefused, Standing};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;
use uitpas_projections::settlement::{self, Filter};
use uitpas_projections::{counters, settlement::IssuedNote};

use crate::app::App;
use crate::files::credit_transfer::{self, Reference, Transfer};
use crate::problem::{Answer, Problem};

/// What one municipality is to pay.
pub struct Payable {
    pub municipality: Municipality,
    /// Absent until the KSB says from where it pays.
    pub account: Option<Account>,
    /// In the order of issue.
    pub notes: Vec<PayableNote>,
}

/// What it is to pay by one note.
pub struct PayableNote {
    pub note: IssuedNote,
    pub counter: counters::Counter,
    /// More than 0; what earlier notes were too much is off.
    pub amount: Euro,
}

impl Payable {
    pub fn total(&self) -> Euro {
        self.notes.iter().map(|note| note.amount).sum()
    }
}

/// The approved notes whose last day is in the period, so that each is in one of adjoining periods,
/// per municipality that has something to pay. The notes of a counter of several card systems are
/// with the first of these, so that nobody pays them twice.
pub async fn of_period(
    app: &App,
    system: CardSystemId,
    from: NaiveDate,
    until: NaiveDate,
) -> Answer<Vec<Payable>> {
    if until < from {
        return Err(Refused::ReversedPeriod.into());
    }
    app.wait_for_head(counters::PROJECTION.name).await?;
    app.wait_for_head(settlement::PROJECTION.name).await?;
    let of_system = counters::counters_in(app.pool(), &[system]).await?;
    let number = i64::from(system.0);
    let is_first = |of: &counters::Counter| {
        of.card_systems.iter().copied().min().map(i64::from) == Some(number)
    };
    let of_system: HashMap<_, _> =
        of_system.into_iter().filter(is_first).map(|of| (of.id.clone(), of)).collect();
    let known = app.store.load::<CardSystem>(&system).await?;
    let filter = Filter { counters: None, from: Some(from), until: Some(until) };
    let mut notes = settlement::issued_notes(app.pool(), &filter).await?;
    notes.reverse();
    let today = day_in_belgium(app.now());
    let mut payable: BTreeMap<Municipality, Payable> = BTreeMap::new();
    for note in notes {
        let Some(counter) = of_system.get(&note.counter) else { continue };
        let is_of_period = (from..=until).contains(&note.until_day);
        if !is_of_period || note.standing(today) != Standing::Approved {
            continue;
        }
        for part in note.parts.0.iter().filter(|part| part.payable > Euro::ZERO) {
            let municipality = part.payer.clone();
            let account = known.state.account_of(&municipality).cloned();
            let entry = payable.entry(municipality.clone());
            let of = entry.or_insert(Payable { municipality, account, notes: Vec::new() });
            let (note, counter) = (note.clone(), counter.clone());
            of.notes.push(PayableNote { note, counter, amount: part.payable });
        }
    }
    Ok(payable.into_values().collect())
}

/// The order for the bank of one municipality (pain.001). It is whole or refused: an order without
/// some of the notes would be made again with all of them, and pay the others twice.
pub async fn order(
    app: &App,
    system: CardSystemId,
    municipality: &Municipality,
    (from, until): (NaiveDate, NaiveDate),
    day: Option<NaiveDate>,
) -> Answer<Vec<u8>> {
    let today = day_in_belgium(app.now());
    let day = day.unwrap_or(today);
    if day < today {
        return Err(Problem::Query("executionDate".to_owned(), "lies in the past".to_owned()));
    }
    let payable = of_period(app, system, from, until).await?;
    let payable = payable.into_iter().find(|of| of.municipality == *municipality);
    let payable = payable.ok_or(Refused::from(NoteRefused::Nothing))?;
    let account = payable.account.ok_or_else(|| Problem::NoAccount(municipality.to_string()))?;
    let transfers: Answer<Vec<_>> = payable.notes.iter().map(transfer).collect();
    credit_transfer::order(&account, &transfers?, day, app.now()).map_err(Problem::Internal)
}

fn transfer(of: &PayableNote) -> Answer<Transfer> {
    let PayableNote { note, counter, amount } = of;
    let account = counter.iban.as_ref().and_then(|iban| iban.parse().ok());
    let number = note.number.cast_unsigned();
    Ok(Transfer {
        amount: *amount,
        creditor: counter.name.clone(),
        account: account.ok_or_else(|| Problem::NoAccount(counter.name.clone()))?,
        reference: Reference { counter: counter.id.clone(), note: number },
        message: format!(
            "UiTPAS onkostennota {number} van {} tot {} - {}",
            note.from_day.format("%d/%m/%Y"),
            note.until_day.format("%d/%m/%Y"),
            counter.name
        ),
    })
}

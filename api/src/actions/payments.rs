//! What the municipalities of a card system are to pay: the approved expense notes of a period, and the
//! payments by which they do.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::{self, CardSystem, Command, Event};
use uitpas_domain::counter::Refused;
use uitpas_domain::counter::notes::Standing;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::metadata::Channel;
use uitpas_domain::payment::{Account, NotePayment, OrderPayment, PaymentOrdered, PaymentRefused};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;
use uitpas_projections::counters;
use uitpas_projections::settlement::{self, Filter, IssuedNote};
use uitpas_store::Failed;

use super::{Request, decide, demand_ksb, execute, recorded};
use crate::app::App;
use crate::files::credit_transfer;
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
    /// By which this is paid; absent while it is still to be ordered.
    pub payment: Option<u32>,
}

impl Payable {
    /// What is still to be ordered.
    pub fn open(&self) -> Euro {
        let open = self.notes.iter().filter(|note| note.payment.is_none());
        open.map(|note| note.amount).sum()
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
    let known = app.store.load::<CardSystem>(&system).await?;
    if known.state.name.is_none() {
        return Err(card_system::Refused::Unknown.into());
    }
    let head = app.store.head().await?.position;
    app.wait_for(counters::PROJECTION.name, head).await?;
    app.wait_for(settlement::PROJECTION.name, head).await?;
    let of_system = counters::counters_in(app.pool(), &[system]).await?;
    let is_first = |of: &counters::Counter| {
        of.card_systems.iter().copied().map(counters::card_system_id).min() == Some(system)
    };
    let of_system: HashMap<_, _> =
        of_system.into_iter().filter(is_first).map(|of| (of.id.clone(), of)).collect();
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
            let number = note.number.cast_unsigned();
            let id = counter.id.parse().map_err(Failed::new)?;
            let payment = known.state.payment_of(&of.municipality, &id, number);
            let (note, counter) = (note.clone(), counter.clone());
            of.notes.push(PayableNote { note, counter, amount: part.payable, payment });
        }
    }
    Ok(payable.into_values().collect())
}

/// What the KSB wants of the bank of one municipality.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub municipality: Municipality,
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// When the bank carries it out; absent: today.
    pub day: Option<NaiveDate>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ordered {
    pub payment: u32,
}

/// Orders the payment of all that is still to be paid. It is whole or refused: where a counter has no
/// account, whoever orders would not know that it is left out.
pub async fn order(
    app: &App,
    request: &Request,
    system: CardSystemId,
    new: &NewPayment,
) -> Answer<Ordered> {
    let at = app.now();
    let payable = of_period(app, system, new.from, new.until).await?;
    let notes = payable.into_iter().find(|of| of.municipality == new.municipality);
    let open = notes.into_iter().flat_map(|of| of.notes).filter(|note| note.payment.is_none());
    let notes: Vec<NotePayment> = open.map(|note| payment_of(&note)).collect::<Answer<_>>()?;
    let (notes, day) = (&notes, new.day.unwrap_or_else(|| day_in_belgium(at)));
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, system).await?;
        let municipality = new.municipality.clone();
        let order = OrderPayment { municipality, day, notes: notes.clone(), at };
        let events = decide::<CardSystem>(&work, &system, Command::OrderPayment(order)).await?;
        let payment = events.iter().find_map(|event| match event {
            Event::PaymentOrdered(ordered) => Some(ordered.payment),
            _ => None,
        });
        Ok(Ordered { payment: payment.unwrap_or_default() })
    })
    .await
}

fn payment_of(of: &PayableNote) -> Answer<NotePayment> {
    let PayableNote { note, counter, amount, .. } = of;
    let iban = counter.iban.as_ref().and_then(|iban| iban.parse().ok());
    let nameless = || PaymentRefused::NoAccount(counter.name.clone());
    Ok(NotePayment {
        counter: counter.id.parse().map_err(Failed::new)?,
        note: note.number.cast_unsigned(),
        from: note.from_day,
        until: note.until_day,
        amount: *amount,
        creditor: counter.name.parse().map_err(Failed::new)?,
        iban: iban.ok_or_else(|| card_system::Refused::from(nameless()))?,
    })
}

/// Lets the notes of a payment that was not carried out be paid by another one.
pub async fn withdraw(
    app: &App,
    request: &Request,
    system: CardSystemId,
    payment: u32,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, system).await?;
        decide::<CardSystem>(&work, &system, Command::WithdrawPayment { payment, at }).await?;
        Ok(())
    })
    .await
}

/// A payment as it was ordered, from the log.
pub async fn one(app: &App, system: CardSystemId, payment: u32) -> Answer<PaymentOrdered> {
    let found = recorded::<CardSystem, _>(app, &system, "PaymentOrdered", |event| match event {
        Event::PaymentOrdered(ordered) if ordered.payment == payment => Some(*ordered),
        _ => None,
    });
    found.await?.ok_or_else(|| card_system::Refused::from(PaymentRefused::Unknown).into())
}

/// The file of a payment for the bank (pain.001): always the same bytes.
pub async fn file(app: &App, system: CardSystemId, payment: u32) -> Answer<Vec<u8>> {
    let ordered = one(app, system, payment).await?;
    credit_transfer::order(system, &ordered).map_err(Problem::Internal)
}

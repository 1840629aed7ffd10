//! Payments: what a municipality was told to pay for approved expense notes, so that none is paid
//! twice. Source: our choice; the manuals end where a note is sent.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::day_in_belgium;
use crate::card_system::{CardSystem, Event, Refused};
use crate::ids::CounterId;
use crate::values::euro::Euro;
use crate::values::iban::Iban;
use crate::values::place::Municipality;
use crate::values::text::Text;

/// An account of a municipality, from which it pays. It is a public body's, and nobody's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub municipality: Municipality,
    /// In whose name it is.
    pub holder: Text<70>,
    pub iban: Iban,
}

/// By the KSB.
#[derive(Debug, Clone)]
pub struct OrderPayment {
    pub municipality: Municipality,
    /// When the bank is to carry it out, in Brussels.
    pub day: NaiveDate,
    /// Approved ones, looked up by the caller.
    pub notes: Vec<NotePayment>,
    pub at: DateTime<Utc>,
}

/// What one municipality pays by one note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotePayment {
    pub counter: CounterId,
    pub note: u32,
    /// Its period: Brussels days, both inclusive.
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// More than 0.
    pub amount: Euro,
    /// Who is paid, and on which account, as both were when it was ordered.
    pub creditor: Text<200>,
    pub iban: Iban,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOrdered {
    /// From 1, per card system.
    pub payment: u32,
    pub from: Account,
    pub day: NaiveDate,
    pub notes: Vec<NotePayment>,
    pub at: DateTime<Utc>,
}

/// A payment as decisions know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub municipality: Municipality,
    /// Counters and numbers of notes.
    pub notes: BTreeSet<(CounterId, u32)>,
    /// It was not carried out: its notes may be paid by another.
    pub withdrawn: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentRefused {
    #[error("no account is known of {0}")]
    NoAccount(String),
    #[error("there is nothing to pay in this period")]
    NothingToPay,
    #[error("note {note} of {counter} is paid by payment {payment}")]
    PaidAlready { counter: CounterId, note: u32, payment: u32 },
    #[error("the day lies in the past")]
    DayInPast,
    #[error("this payment is not known")]
    Unknown,
}

impl CardSystem {
    /// From where this municipality pays; absent until the KSB says so.
    pub fn account_of(&self, municipality: &Municipality) -> Option<&Account> {
        self.accounts.iter().find(|account| account.municipality == *municipality)
    }

    /// The payment by which this municipality pays its part of a note.
    pub fn payment_of(
        &self,
        municipality: &Municipality,
        counter: &CounterId,
        note: u32,
    ) -> Option<u32> {
        let pays = |payment: &Payment| {
            !payment.withdrawn
                && payment.municipality == *municipality
                && payment.notes.contains(&(counter.clone(), note))
        };
        self.payments.iter().find(|(_, payment)| pays(payment)).map(|(number, _)| *number)
    }

    pub(crate) fn set_account(&self, account: Account, at: DateTime<Utc>) -> Vec<Event> {
        let news = self.account_of(&account.municipality) != Some(&account);
        if news { vec![Event::AccountSet { account, at }] } else { vec![] }
    }

    pub(crate) fn order_payment(&self, order: OrderPayment) -> Result<Vec<Event>, Refused> {
        let OrderPayment { municipality, day, notes, at } = order;
        if day < day_in_belgium(at) {
            return Err(PaymentRefused::DayInPast.into());
        }
        if notes.is_empty() {
            return Err(PaymentRefused::NothingToPay.into());
        }
        for paid in &notes {
            let (counter, note) = (&paid.counter, paid.note);
            if let Some(payment) = self.payment_of(&municipality, counter, note) {
                let counter = counter.clone();
                return Err(PaymentRefused::PaidAlready { counter, note, payment }.into());
            }
        }
        let from = self.account_of(&municipality).cloned();
        let from = from.ok_or_else(|| PaymentRefused::NoAccount(municipality.to_string()))?;
        let payment = self.payments.keys().next_back().map_or(1, |last| last + 1);
        let ordered = PaymentOrdered { payment, from, day, notes, at };
        Ok(vec![Event::PaymentOrdered(Box::new(ordered))])
    }

    pub(crate) fn withdraw_payment(
        &self,
        payment: u32,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        let known = self.payments.get(&payment).ok_or(PaymentRefused::Unknown)?;
        Ok(if known.withdrawn { vec![] } else { vec![Event::PaymentWithdrawn { payment, at }] })
    }

    pub(crate) fn on_account(&mut self, account: Account) {
        self.accounts.retain(|known| known.municipality != account.municipality);
        self.accounts.push(account);
    }

    pub(crate) fn on_payment(&mut self, ordered: PaymentOrdered) {
        let PaymentOrdered { payment, from, notes, .. } = ordered;
        let notes = notes.into_iter().map(|paid| (paid.counter, paid.note)).collect();
        let known = Payment { municipality: from.municipality, notes, withdrawn: false };
        self.payments.insert(payment, known);
    }

    pub(crate) fn on_withdrawal(&mut self, payment: u32) {
        if let Some(known) = self.payments.get_mut(&payment) {
            known.withdrawn = true;
        }
    }
}

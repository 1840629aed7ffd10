//! Payments: each approved note is paid once by each municipality.

use chrono::{Days, NaiveDate};
use uitpas_domain::card_system::{CardSystem, Command, Event, Refused};
use uitpas_domain::payment::{Account, NotePayment, OrderPayment, PaymentOrdered, PaymentRefused};
use uitpas_domain::values::place::Municipality;

use crate::given::{Story, eeklo, ghent, given, now, of};

fn account(municipality: Municipality) -> Account {
    Account { municipality, holder: of("Stadsbestuur"), iban: of("BE68539007547034") }
}

fn note(number: u32) -> NotePayment {
    NotePayment {
        counter: of("bib"),
        note: number,
        from: of("2026-01-01"),
        until: of("2026-03-31"),
        amount: of("12.90"),
        creditor: of("Bibliotheek"),
        iban: of("BE71096123456769"),
    }
}

fn today() -> NaiveDate {
    uitpas_domain::calendar::day_in_belgium(now())
}

fn order(municipality: Municipality, day: NaiveDate, notes: &[u32]) -> Command {
    let notes = notes.iter().copied().map(note).collect();
    Command::OrderPayment(OrderPayment { municipality, day, notes, at: now() })
}

fn ordered(payment: u32, from: Municipality, notes: &[u32]) -> Event {
    let (from, day, at) = (account(from), today(), now());
    let notes = notes.iter().copied().map(note).collect();
    Event::PaymentOrdered(Box::new(PaymentOrdered { payment, from, day, notes, at }))
}

/// A card system that knows from where both pay, and in which this happened since.
fn region(more: &[Event]) -> Story<CardSystem> {
    let at = now();
    let created = Event::Created { name: of("UiTPAS"), municipalities: vec![eeklo()], at };
    let accounts = [eeklo(), ghent()].map(|of| Event::AccountSet { account: account(of), at });
    given([created].into_iter().chain(accounts).chain(more.iter().cloned()))
}

/// R-NOTE-06: what is paid is not paid again, by the same municipality; what the bank did not carry
/// out may be.
#[test]
fn a_note_is_paid_once_by_each_municipality() {
    let bought = ordered(1, eeklo(), &[1, 2]);
    region(&[]).when(order(eeklo(), today(), &[1, 2])).then([ordered(1, eeklo(), &[1, 2])]);
    let paid = region(std::slice::from_ref(&bought));
    let again = PaymentRefused::PaidAlready { counter: of("bib"), note: 2, payment: 1 };
    paid.when(order(eeklo(), today(), &[3, 2])).refused(Refused::from(again));
    paid.when(order(ghent(), today(), &[2])).then([ordered(2, ghent(), &[2])]);
    paid.when(order(eeklo(), today(), &[3])).then([ordered(2, eeklo(), &[3])]);
    let withdraw = Command::WithdrawPayment { payment: 1, at: now() };
    let withdrawn = Event::PaymentWithdrawn { payment: 1, at: now() };
    paid.when(withdraw.clone()).then([withdrawn.clone()]);
    let back = region(&[bought, withdrawn]);
    back.when(withdraw).then([]);
    back.when(order(eeklo(), today(), &[2])).then([ordered(2, eeklo(), &[2])]);
    let unknown = Command::WithdrawPayment { payment: 2, at: now() };
    back.when(unknown).refused(Refused::from(PaymentRefused::Unknown));
}

/// R-NOTE-06: from an account, for something, and not in the past.
#[test]
fn a_payment_is_of_something_from_somewhere() {
    let region = region(&[]);
    let yesterday = today() - Days::new(1);
    let refused = |why: PaymentRefused| Refused::from(why);
    region.when(order(eeklo(), yesterday, &[1])).refused(refused(PaymentRefused::DayInPast));
    region.when(order(eeklo(), today(), &[])).refused(refused(PaymentRefused::NothingToPay));
    let elsewhere = Municipality { postal_code: of("9060"), name: of("Zelzate") };
    let nowhere = PaymentRefused::NoAccount("9060 Zelzate".to_owned());
    region.when(order(elsewhere, today(), &[1])).refused(refused(nowhere));
    let (account, at) = (account(eeklo()), now());
    region.when(Command::SetAccount { account: account.clone(), at }).then([]);
    let other = Account { iban: of("BE71096123456769"), ..account };
    let set = Command::SetAccount { account: other.clone(), at };
    region.when(set).then([Event::AccountSet { account: other, at }]);
}

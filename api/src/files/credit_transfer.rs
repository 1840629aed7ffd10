//! The order by which a municipality pays its expense notes: a SEPA credit transfer as its bank takes
//! it in. Source: ISO 20022, pain.001.001.09, and the EPC's implementation guidelines for it.

use chrono::{NaiveDate, SubsecRound};
use quick_xml::se::Serializer;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::payment::{NotePayment, PaymentOrdered};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::iban::Iban;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Failure, day};

/// What banks know this kind of file by.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

/// The file of a payment: the same bytes whenever it is made, and so the same message id, by which a
/// bank takes it in once.
pub fn order(system: CardSystemId, payment: &PaymentOrdered) -> Result<Vec<u8>, Failure> {
    let holder = latin(payment.from.holder.as_str(), 70);
    let total: Euro = payment.notes.iter().map(|note| note.amount).sum();
    let (count, sum) = (payment.notes.len(), total.to_string());
    let id = id_of(system, payment);
    let created = payment.at.trunc_subsecs(0).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let document = Document {
        namespace: NAMESPACE,
        initiation: Initiation {
            header: Header {
                id: &id,
                created,
                count,
                sum: &sum,
                initiator: Party { name: holder.clone() },
            },
            payment: Payment {
                id: &id,
                method: "TRF",
                count,
                sum: &sum,
                kind: Kind { level: Code { code: "SEPA" } },
                day: Day { day: payment.day },
                debtor: Party { name: holder },
                account: CashAccount::of(&payment.from.iban),
                // The IBAN says which bank it is.
                agent: Agent { bank: Bank { other: Other { id: "NOTPROVIDED" } } },
                bearer: "SLEV",
                transfers: payment.notes.iter().map(Transaction::of).collect(),
            },
        },
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut serializer = Serializer::with_root(&mut text, Some("Document"))?;
    serializer.indent(' ', 2);
    document.serialize(serializer)?;
    text.push('\n');
    Ok(text.into_bytes())
}

/// At most 35 signs; the digest tells it from the payments of other ledgers.
fn id_of(system: CardSystemId, payment: &PaymentOrdered) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{}\n{}\n", payment.from.iban, payment.at.timestamp_micros()));
    for NotePayment { counter, note, amount, iban, .. } in &payment.notes {
        digest.update(format!("{counter},{note},{iban},{amount}\n"));
    }
    let digest = hex::encode(digest.finalize());
    format!("UITPAS-{system}-{}-{}", payment.payment, &digest[..12])
}

/// At most 35 signs, of which banks pass on all: a bookkeeper finds the note back by it.
fn reference(paid: &NotePayment) -> String {
    let digest = hex::encode(Sha256::digest(paid.counter.as_str()));
    format!("NOTA-{}-{}", paid.note, &digest[..16])
}

/// In the signs that every bank passes on: Latin letters without accents, digits and few others.
fn latin(text: &str, length: usize) -> String {
    let plain = text.nfd().filter(|sign| !is_combining_mark(*sign)).map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' => sign,
        '/' | '-' | '?' | ':' | '(' | ')' | '.' | ',' | '\'' | '+' => sign,
        '&' => '+',
        '\u{2019}' => '\'',
        '\u{2013}' | '\u{2014}' => '-',
        _ => ' ',
    });
    let words: String = plain.collect();
    let spaced = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = spaced.chars().take(length).collect();
    cut.trim_end().to_owned()
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@xmlns")]
    namespace: &'static str,
    #[serde(rename = "CstmrCdtTrfInitn")]
    initiation: Initiation<'a>,
}

#[derive(Serialize)]
struct Initiation<'a> {
    #[serde(rename = "GrpHdr")]
    header: Header<'a>,
    #[serde(rename = "PmtInf")]
    payment: Payment<'a>,
}

#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "MsgId")]
    id: &'a str,
    #[serde(rename = "CreDtTm")]
    created: String,
    #[serde(rename = "NbOfTxs")]
    count: usize,
    #[serde(rename = "CtrlSum")]
    sum: &'a str,
    #[serde(rename = "InitgPty")]
    initiator: Party,
}

#[derive(Serialize)]
struct Payment<'a> {
    #[serde(rename = "PmtInfId")]
    id: &'a str,
    #[serde(rename = "PmtMtd")]
    method: &'static str,
    #[serde(rename = "NbOfTxs")]
    count: usize,
    #[serde(rename = "CtrlSum")]
    sum: &'a str,
    #[serde(rename = "PmtTpInf")]
    kind: Kind,
    #[serde(rename = "ReqdExctnDt")]
    day: Day,
    #[serde(rename = "Dbtr")]
    debtor: Party,
    #[serde(rename = "DbtrAcct")]
    account: CashAccount,
    #[serde(rename = "DbtrAgt")]
    agent: Agent,
    #[serde(rename = "ChrgBr")]
    bearer: &'static str,
    #[serde(rename = "CdtTrfTxInf")]
    transfers: Vec<Transaction>,
}

#[derive(Serialize)]
struct Party {
    #[serde(rename = "Nm")]
    name: String,
}

#[derive(Serialize)]
struct Kind {
    #[serde(rename = "SvcLvl")]
    level: Code,
}

#[derive(Serialize)]
struct Code {
    #[serde(rename = "Cd")]
    code: &'static str,
}

#[derive(Serialize)]
struct Day {
    #[serde(rename = "Dt")]
    day: NaiveDate,
}

#[derive(Serialize)]
struct CashAccount {
    #[serde(rename = "Id")]
    id: AccountId,
}

#[derive(Serialize)]
struct AccountId {
    #[serde(rename = "IBAN")]
    iban: String,
}

impl CashAccount {
    fn of(iban: &Iban) -> Self {
        Self { id: AccountId { iban: iban.to_string() } }
    }
}

#[derive(Serialize)]
struct Agent {
    #[serde(rename = "FinInstnId")]
    bank: Bank,
}

#[derive(Serialize)]
struct Bank {
    #[serde(rename = "Othr")]
    other: Other,
}

#[derive(Serialize)]
struct Other {
    #[serde(rename = "Id")]
    id: &'static str,
}

#[derive(Serialize)]
struct Transaction {
    #[serde(rename = "PmtId")]
    id: PaymentId,
    #[serde(rename = "Amt")]
    amount: Amount,
    #[serde(rename = "Cdtr")]
    creditor: Party,
    #[serde(rename = "CdtrAcct")]
    account: CashAccount,
    #[serde(rename = "RmtInf")]
    remittance: Remittance,
}

#[derive(Serialize)]
struct PaymentId {
    #[serde(rename = "EndToEndId")]
    end_to_end: String,
}

#[derive(Serialize)]
struct Amount {
    #[serde(rename = "InstdAmt")]
    instructed: InEuro,
}

#[derive(Serialize)]
struct InEuro {
    #[serde(rename = "@Ccy")]
    currency: &'static str,
    #[serde(rename = "$text")]
    amount: String,
}

#[derive(Serialize)]
struct Remittance {
    #[serde(rename = "Ustrd")]
    message: String,
}

impl Transaction {
    fn of(paid: &NotePayment) -> Self {
        let NotePayment { note, from, until, amount, creditor, iban, .. } = paid;
        let period = format!("{} tot {}", day(*from), day(*until));
        let message = format!("UiTPAS onkostennota {note} van {period} - {creditor}");
        Self {
            id: PaymentId { end_to_end: reference(paid) },
            amount: Amount { instructed: InEuro { currency: "EUR", amount: amount.to_string() } },
            creditor: Party { name: latin(creditor.as_str(), 70) },
            account: CashAccount::of(iban),
            remittance: Remittance { message: latin(&message, 140) },
        }
    }
}

//! The order by which a municipality pays its expense notes: a SEPA credit transfer as its bank takes
//! it in. Source: ISO 20022, pain.001.001.09, and the EPC's implementation guidelines for it.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use quick_xml::se::Serializer;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uitpas_domain::card_system::Account;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::iban::Iban;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Failure;

/// What banks know this kind of file by.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

/// One note to be paid.
pub struct Transfer {
    /// More than 0.
    pub amount: Euro,
    pub creditor: String,
    pub account: Iban,
    /// Which note it is, in no other order: a bank or a bookkeeper finds it back by this.
    pub reference: Reference,
    /// What the creditor reads.
    pub message: String,
}

/// What tells a note from all others.
pub struct Reference {
    pub counter: String,
    pub note: u32,
}

/// The order, to be carried out on a day. The same notes on the same day give the same message id,
/// whenever the file is made, so that a bank takes it in once.
pub fn order(
    debtor: &Account,
    transfers: &[Transfer],
    day: NaiveDate,
    at: DateTime<Utc>,
) -> Result<Vec<u8>, Failure> {
    let holder = latin(debtor.holder.as_str(), 70);
    let total: Euro = transfers.iter().map(|transfer| transfer.amount).sum();
    let (count, sum) = (transfers.len(), total.to_string());
    let id = id_of(debtor, transfers, day);
    let document = Document {
        namespace: NAMESPACE,
        initiation: Initiation {
            header: Header {
                id: &id,
                created: at.trunc_subsecs(0).format("%Y-%m-%dT%H:%M:%SZ").to_string(),
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
                day: Day { day },
                debtor: Party { name: holder },
                account: CashAccount::of(&debtor.iban),
                // The IBAN says which bank it is.
                agent: Agent { bank: Bank { other: Other { id: "NOTPROVIDED" } } },
                bearer: "SLEV",
                transfers: transfers.iter().map(Transaction::of).collect(),
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

fn id_of(debtor: &Account, transfers: &[Transfer], day: NaiveDate) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{}\n{day}\n", debtor.iban));
    for Transfer { amount, account, reference, .. } in transfers {
        let line = format!("{},{},{account},{amount}\n", reference.counter, reference.note);
        digest.update(line);
    }
    format!("UITPAS-{}", &hex::encode(digest.finalize())[..28])
}

impl Reference {
    /// At most 35 signs, of which banks pass on all.
    fn text(&self) -> String {
        let digest = hex::encode(Sha256::digest(&self.counter));
        format!("NOTA-{}-{}", self.note, &digest[..16])
    }
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
    fn of(transfer: &Transfer) -> Self {
        Self {
            id: PaymentId { end_to_end: transfer.reference.text() },
            amount: Amount {
                instructed: InEuro { currency: "EUR", amount: transfer.amount.to_string() },
            },
            creditor: Party { name: latin(&transfer.creditor, 70) },
            account: CashAccount::of(&transfer.account),
            remittance: Remittance { message: latin(&transfer.message, 140) },
        }
    }
}

//! What municipalities pay for approved notes, and the files for their banks.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{Desk, GYM, Region, THEATRE, in_days, list, today};

const CITY: &str = "BE68539007547034";
const THEATRES: &str = "BE71096123456769";

impl Desk {
    async fn payments(&self) -> Answer {
        let period = format!("startDate={}&endDate={}", in_days(-60), in_days(-1));
        self.gets(&format!("/admin/v1/card-systems/1/payments?{period}")).await
    }

    async fn payment(&self, number: u32) -> Answer {
        self.gets(&format!("/admin/v1/card-systems/1/payments/{number}")).await
    }

    async fn lets_pay(&self, municipality: &str, more: Value) -> Answer {
        let mut order = json!({
            "postalCode": "9981", "municipality": municipality,
            "startDate": in_days(-60), "endDate": in_days(-1),
        });
        let more = more.as_object().expect("fields").clone();
        order.as_object_mut().expect("fields").extend(more);
        self.posts("/admin/v1/card-systems/1/payments", order).await
    }

    async fn pays_from(&self, postal_code: &str, name: &str, iban: &str) -> Answer {
        let path = format!("/admin/v1/card-systems/1/accounts/{postal_code}");
        let account =
            json!({ "municipality": name, "holder": format!("Stad {name}"), "iban": iban });
        self.puts(&path, account).await
    }
}

/// The elements with text in the order of the file: which, without those around it, and what.
fn elements(xml: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::from_reader(xml);
    let (mut path, mut found) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                path.push(String::from_utf8(start.name().as_ref().to_vec()).expect("a name"));
            }
            Event::Text(content) => {
                let content = content.decode().expect("text");
                if !content.trim().is_empty() {
                    let within = path.len().saturating_sub(2);
                    found.push((path[within..].join("/"), content.into_owned()));
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// What the schema asks of each element, in its order: how long a text may be.
const BEFORE_TRANSFERS: [(&str, usize); 15] = [
    ("GrpHdr/MsgId", 35),
    ("GrpHdr/CreDtTm", 20),
    ("GrpHdr/NbOfTxs", 15),
    ("GrpHdr/CtrlSum", 18),
    ("InitgPty/Nm", 70),
    ("PmtInf/PmtInfId", 35),
    ("PmtInf/PmtMtd", 3),
    ("PmtInf/NbOfTxs", 15),
    ("PmtInf/CtrlSum", 18),
    ("SvcLvl/Cd", 4),
    ("ReqdExctnDt/Dt", 10),
    ("Dbtr/Nm", 70),
    ("Id/IBAN", 34),
    ("Othr/Id", 35),
    ("PmtInf/ChrgBr", 4),
];
const OF_TRANSFER: [(&str, usize); 5] = [
    ("PmtId/EndToEndId", 35),
    ("Amt/InstdAmt", 18),
    ("Cdtr/Nm", 70),
    ("Id/IBAN", 34),
    ("RmtInf/Ustrd", 140),
];

/// The transfers of an order that keeps to the schema and to the signs that banks pass on: amount,
/// creditor, account and message of each.
fn transfers(order: &Answer) -> Vec<[String; 4]> {
    assert_eq!((order.status, order.header("content-type")), (200, Some("application/xml")));
    let xml = std::str::from_utf8(&order.bytes).expect("UTF-8");
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{xml}");
    assert!(xml.contains("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">"));
    let found = elements(&order.bytes);
    let (before, after) = found.split_at(BEFORE_TRANSFERS.len());
    assert_eq!(after.len() % OF_TRANSFER.len(), 0, "{xml}");
    let expected = BEFORE_TRANSFERS.iter().chain(OF_TRANSFER.iter().cycle());
    for ((name, content), (known, longest)) in found.iter().zip(expected) {
        assert_eq!(name, known, "{xml}");
        assert!(content.len() <= *longest, "{name} is longer than {longest}: {content}");
        let passes = |sign: char| sign.is_ascii_alphanumeric() || "/-?:().,'+ ".contains(sign);
        assert!(content.chars().all(passes), "{name}: {content}");
    }
    let of = |name: &str| -> Vec<&str> {
        let own = before.iter().filter(|(known, _)| known.ends_with(name));
        own.map(|(_, content)| content.as_str()).collect()
    };
    let transfers: Vec<_> = after
        .chunks(OF_TRANSFER.len())
        .map(|of| [1, 2, 3, 4].map(|index: usize| of[index].1.clone()))
        .collect();
    assert_eq!(xml.matches("<InstdAmt Ccy=\"EUR\">").count(), transfers.len());
    let cents = |amount: &str| amount.replace('.', "").parse::<u64>().expect("an amount");
    let sum: u64 = transfers.iter().map(|[amount, ..]| cents(amount)).sum();
    let count = transfers.len().to_string();
    assert_eq!(of("NbOfTxs"), [count.as_str(); 2]);
    assert!(of("CtrlSum").iter().all(|total| cents(total) == sum), "{xml}");
    for (fixed, value) in [("PmtMtd", "TRF"), ("Cd", "SEPA"), ("ChrgBr", "SLEV")] {
        assert_eq!(of(fixed), [value]);
    }
    transfers
}

/// R-NOTE-05, R-NOTE-06: only approved notes are paid, each municipality its own, less what earlier
/// notes were too much, and each note once; a payment is whole or refused.
#[tokio::test]
async fn each_municipality_pays_the_approved_notes_of_a_period_once() {
    let region = Region::new().await;
    let (ksb, admin) = (region.ksb(), region.admin_of(THEATRE));
    let (meerdal, terbeke) = (region.entitled().await, region.entitled_in("9987", "Terbeke").await);
    let wrong = region.sold_on(in_days(-58), &meerdal, THEATRE, 725).await;
    region.sold_on(in_days(-57), &meerdal, THEATRE, 1000).await;
    region.sold_on(in_days(-57), &terbeke, THEATRE, 500).await;
    region.sold_on(in_days(-57), &meerdal, GYM, 300).await;
    ksb.issues_note(in_days(-60), in_days(-50)).await.created();
    region.ksb().at(GYM).issues_note(in_days(-60), in_days(-50)).await.created();
    assert_eq!(ksb.payments().await.ok(), json!([]), "nothing is approved");
    admin.approves(1).await.done();

    let open = |payments: &Value| -> Vec<_> {
        let of = |paid: &Value| (paid["name"].clone(), paid["open"].clone());
        list(payments).iter().map(of).collect()
    };
    let both = [(json!("Meerdal"), json!(6.9)), (json!("Terbeke"), json!(2.0))];
    assert_eq!(open(&ksb.payments().await.ok()), both);
    let refused = ksb.lets_pay("Meerdal", json!({})).await;
    refused.refused_saying(409, "own/no-account", "theater");
    ksb.puts("/admin/v1/counters/theater/iban", json!({ "iban": THEATRES })).await.done();
    let refused = ksb.lets_pay("Meerdal", json!({})).await;
    refused.refused_saying(409, "own/no-account", "9981 Meerdal");
    ksb.pays_from("9981", "Meerdal", "BE00").await.wrong("/iban");
    ksb.pays_from("9981", "Meerdal", CITY).await.done();
    ksb.lets_pay("Meerdal", json!({ "executionDate": in_days(-1) })).await.wrong("/executionDate");
    let first = ksb.lets_pay("Meerdal", json!({})).await.created();
    assert_eq!(first, json!({ "number": 1, "executionDate": today(), "total": 6.9, "notes": 1 }));
    ksb.lets_pay("Meerdal", json!({})).await.refused(409, "own/nothing-to-pay");
    ksb.lets_pay("Nergens", json!({})).await.refused(409, "own/nothing-to-pay");

    // Cancelled after it was issued: payable until a note holds the day of the cancellation.
    ksb.cancels(&wrong).await.done();
    region.sold_on(in_days(-40), &meerdal, THEATRE, 2000).await;
    ksb.issues_note(in_days(-49), in_days(-30)).await.created();
    admin.approves(2).await.done();
    let payments = ksb.payments().await.ok();
    assert_eq!(open(&payments), [(json!("Meerdal"), json!(8.0)), (json!("Terbeke"), json!(2.0))]);
    let paid_by: Vec<_> =
        list(&payments[0]["notes"]).iter().map(|note| note["payment"].clone()).collect();
    assert_eq!(paid_by, [json!(1), Value::Null]);
    assert_eq!(payments[0]["iban"], CITY);
    let second = ksb.lets_pay("Meerdal", json!({ "executionDate": in_days(3) })).await.created();
    assert_eq!((&second["number"], &second["total"]), (&json!(2), &json!(8.0)));

    let file = ksb.payment(1).await;
    let name = "attachment; filename=\"betaling-1-1.xml\"";
    assert_eq!(file.header("content-disposition"), Some(name));
    let [of_first] = &transfers(&file)[..] else { panic!("one transfer") };
    assert_eq!(of_first[..3], ["6.90", "theater", THEATRES]);
    assert!(of_first[3].starts_with("UiTPAS onkostennota 1 van "), "{of_first:?}");
    let [of_second] = &transfers(&ksb.payment(2).await)[..] else { panic!("one transfer") };
    assert_eq!(of_second[0], "8.00");
    let (one, other) = (elements(&file.bytes), elements(&ksb.payment(2).await.bytes));
    assert_ne!(one[0], other[0], "each has an id of its own");
    assert!(other.contains(&("ReqdExctnDt/Dt".to_owned(), in_days(3).to_string())));
    ksb.puts("/admin/v1/counters/theater/iban", json!({ "iban": CITY })).await.done();
    assert_eq!(ksb.payment(1).await.bytes, file.bytes, "it was ordered to the old account");

    // The bank did not carry it out.
    let path = "/admin/v1/card-systems/1/payments/1";
    for _ in 0..2 {
        ksb.deletes(path).await.done();
    }
    let third = ksb.lets_pay("Meerdal", json!({})).await.created();
    assert_eq!((&third["number"], &third["total"]), (&json!(3), &json!(6.9)));
    ksb.payment(4).await.refused(404, "own/payment-not-found");
    ksb.deletes("/admin/v1/card-systems/1/payments/4").await.refused(404, "own/payment-not-found");
    for who in [region.admin_of(THEATRE), region.ksb_of(2), region.desk(THEATRE)] {
        who.payments().await.refused(403, "auth/forbidden");
        who.payment(1).await.refused(403, "auth/forbidden");
        who.deletes(path).await.refused(403, "auth/forbidden");
        who.lets_pay("Meerdal", json!({})).await.refused(403, "auth/forbidden");
        who.pays_from("9981", "Meerdal", CITY).await.refused(403, "auth/forbidden");
    }
}

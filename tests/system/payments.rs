//! What municipalities pay for approved notes, and the orders for their banks.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{Desk, GYM, Region, THEATRE, in_days, list, text};

const CITY: &str = "BE68539007547034";
const THEATRES: &str = "BE71096123456769";

impl Desk {
    async fn payments(&self, more: &str) -> Answer {
        let period = format!("startDate={}&endDate={}", in_days(-60), in_days(-1));
        let (place, query) = more.split_once('?').unwrap_or((more, ""));
        self.gets(&format!("/admin/v1/card-systems/1/payments{place}?{period}&{query}")).await
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
/// notes were too much; an order is whole or refused, and the same one is known by its id.
#[tokio::test]
async fn each_municipality_pays_the_approved_notes_of_a_period() {
    let region = Region::new().await;
    let (ksb, admin) = (region.ksb(), region.admin_of(THEATRE));
    let (meerdal, terbeke) = (region.entitled().await, region.entitled_in("9987", "Terbeke").await);
    let wrong = region.sold_on(in_days(-58), &meerdal, THEATRE, 725).await;
    region.sold_on(in_days(-57), &meerdal, THEATRE, 1000).await;
    region.sold_on(in_days(-57), &terbeke, THEATRE, 500).await;
    region.sold_on(in_days(-57), &meerdal, GYM, 300).await;
    ksb.issues_note(in_days(-60), in_days(-50)).await.created();
    region.ksb().at(GYM).issues_note(in_days(-60), in_days(-50)).await.created();
    assert_eq!(ksb.payments("").await.ok(), json!([]), "nothing is approved");
    admin.approves(1).await.done();

    // Cancelled after it was issued: payable until a note holds the day of the cancellation.
    ksb.cancels(&wrong).await.done();
    region.sold_on(in_days(-40), &meerdal, THEATRE, 2000).await;
    ksb.issues_note(in_days(-49), in_days(-30)).await.created();
    admin.approves(2).await.done();
    let paid = list(&ksb.payments("").await.ok());
    let of =
        |paid: &Value| (paid["name"].clone(), paid["total"].clone(), list(&paid["notes"]).len());
    let paid: Vec<_> = paid.iter().map(of).collect();
    assert_eq!(paid, [(json!("Meerdal"), json!(14.9), 2), (json!("Terbeke"), json!(2.0), 1)]);

    let meerdals = "/9981?municipality=Meerdal";
    ksb.payments(meerdals).await.refused_saying(409, "own/no-account", "9981 Meerdal");
    ksb.pays_from("9981", "Meerdal", "BE00").await.wrong("/iban");
    ksb.pays_from("9981", "Meerdal", CITY).await.done();
    ksb.payments(meerdals).await.refused_saying(409, "own/no-account", "theater");
    ksb.puts("/admin/v1/counters/theater/iban", json!({ "iban": THEATRES })).await.done();
    let order = ksb.payments(meerdals).await;
    let name = format!("betaling-9981-{}-{}.xml", in_days(-60), in_days(-1));
    let name = format!("attachment; filename=\"{name}\"");
    assert_eq!(order.header("content-disposition"), Some(name.as_str()));
    let [first, second] = &transfers(&order)[..] else { panic!("two transfers") };
    assert_eq!(first[..3], ["6.90", "theater", THEATRES]);
    assert_eq!(second[..3], ["8.00", "theater", THEATRES]);
    assert!(first[3].starts_with("UiTPAS onkostennota 1 van "), "{first:?}");
    let xml = elements(&order.bytes);
    let again = elements(&ksb.payments(meerdals).await.bytes);
    let except_when = |all: &[(String, String)]| -> Vec<_> {
        all.iter().filter(|(name, _)| name != "GrpHdr/CreDtTm").cloned().collect()
    };
    assert_eq!(except_when(&xml), except_when(&again));
    let later = ksb.payments(&format!("{meerdals}&executionDate={}", in_days(3))).await;
    let later = elements(&later.bytes);
    assert_ne!(later[0], xml[0], "another day is another order");
    assert!(later.contains(&("ReqdExctnDt/Dt".to_owned(), in_days(3).to_string())));

    let past = ksb.payments(&format!("{meerdals}&executionDate={}", in_days(-1))).await;
    past.refused(400, "own/invalid-query");
    let nowhere = ksb.payments("/9981?municipality=Nergens").await;
    nowhere.refused(400, "own/note-empty");
    for who in [region.admin_of(THEATRE), region.ksb_of(2), region.desk(THEATRE)] {
        who.payments("").await.refused(403, "auth/forbidden");
        who.payments(meerdals).await.refused(403, "auth/forbidden");
        who.pays_from("9981", "Meerdal", CITY).await.refused(403, "auth/forbidden");
    }
    assert!(text(&ksb.payments("").await.ok()[0]["iban"]) == CITY);
}

//! A client in another language, with nothing of ours in it, walks the flows of the contract.

use std::process::Stdio;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use uitpas_api::auth::Kind;

use crate::region::{ELSEWHERE, Region, THEATRE, today};

/// In the order in which `client.py` walks them: what one leaves is what the next finds.
const FLOWS: [&str; 10] = [
    "counter_registration",
    "save_and_pay_with_points",
    "grant_social_tariff",
    "ticket_sale",
    "kiosk",
    "report",
    "event",
    "upgrade",
    "uitid",
    "order",
];

#[tokio::test]
async fn a_client_of_the_contract_walks_its_flows() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let brackets = json!([{ "fromAge": 0, "regular": 5, "withSocialStatus": 0 }]);
    ksb.puts("/admin/v1/card-systems/1/prices", brackets).await.done();
    let (chip, social) = ("04784CDAEE3899", region.number(true));
    ksb.takes_in(&social, json!({ "chipNumber": chip })).await.done();
    let token = |subject: &str| {
        let subject = subject.parse().expect("a subject");
        region.app.issuer.token(subject, Kind::User, Utc::now(), TimeDelta::hours(1))
    };
    let user = |name: &str| {
        region.with_email(name, &format!("{name}@voorbeeld.example"), true).token.expect("a token")
    };
    let (there, card_there) = (region.ksb_of(2), region.number(true));
    let terms = json!({ "groups": ["authorised-registration"], "otherMunicipalities": true });
    there.sets_terms(ELSEWHERE, terms).await.done();
    there.takes_in(&card_there, json!({})).await.done();
    let prices = json!({
        "organizer": { "id": THEATRE }, "permissionDetails": [{ "id": "MEMBERSHIP_PRICES_READ" }],
    });
    let website = json!({ "name": "Website", "permissions": [prices] });
    region.owner().puts("/admin/v1/clients/website", website).await.done();
    let shop = region.client_with(THEATRE, &["ORDERS_CREATE"]).await;
    let world = json!({
        "base": region.base,
        "organizer": THEATRE,
        "today": today(),
        "tokens": {
            "desk": token("theater-member"), "admin": token("theater-admin"), "ksb": token("ksb-1"),
            "elsewhere": token("overhal-member"), "shop": shop.token.expect("a token"),
            "jef": user("jef"), "marie": user("marie"),
        },
        "website": "website",
        "elsewhere": { "organizer": ELSEWHERE, "card": card_there },
        "regular": [region.card(false).await],
        "social": [social],
        "chip": chip,
        "events": {
            "film": region.activity(THEATRE, 10.0).await,
            "play": region.activity(THEATRE, 3.1).await,
            "show": region.activity(THEATRE, 8.0).await,
        },
    });
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/system/client.py");
    let mut client = Command::new("python3")
        .arg(client)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut input = client.stdin.take().expect("its input");
    input.write_all(world.to_string().as_bytes()).await.expect("it reads");
    drop(input);
    let ended = client.wait_with_output().await.expect("it ends");
    let (walked, faults) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "after {walked:?}: {faults}");
    assert_eq!(walked.lines().collect::<Vec<_>>(), FLOWS);
}

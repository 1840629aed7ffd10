//! A region with a busy counter: passholders in families, and an activity that never closes.

use std::fs;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clients::{Client, Write};
use crate::processes::{Home, Server};

pub const FAMILIES: usize = 32;
const MEMBERS: usize = 4;

/// Who does everything but the setting up.
pub const KSB: &str = "ksb";
pub const COUNTER: &str = "sporthal";
const BUSY: &str = "zwemmen";

/// Activities that give a point once a day.
pub const QUIET: [&str; 3] = ["film", "concert", "tentoonstelling"];

#[derive(Clone)]
pub struct Region {
    pub token: String,
    /// The cards of the passholders, family by family.
    pub cards: Arc<[String]>,
}

impl Region {
    /// Sets everything up through this server.
    pub async fn build(home: &Home, server: &Server) -> Self {
        let system = home.ask(&["token", "system", "--kind", "system-owner"]).await;
        let token = home.ask(&["token", KSB]).await;
        let system = Client::new(server.address(), &system);
        let ksb = Client::new(server.address(), &token);
        let put = |path: &str, body: Value| {
            Write::new(Method::PUT, format!("region {path}"), path, Some(body))
        };
        let municipalities = json!([{ "postalCode": "9981", "name": "Meerdal" }]);
        let system_1 = json!({ "name": "UiTPAS Meerdal", "municipalities": municipalities });
        system.does(put("/admin/v1/card-systems/1", system_1)).await;
        let admins = format!("/admin/v1/card-systems/1/admins/{KSB}");
        system.does(Write::new(Method::PUT, "admin", &admins, None)).await;
        let key = json!({ "id": 1, "name": "20-40-40", "percentages": ["20", "40", "40"] });
        let keys = "/admin/v1/card-systems/1/distribution-keys";
        ksb.does(Write::post("distribution key", keys, key)).await;
        ksb.does(put("/admin/v1/card-systems/1/default-keys", json!([1]))).await;
        let price = json!([{ "fromAge": 0, "regular": 2, "withSocialStatus": 0 }]);
        ksb.does(put("/admin/v1/card-systems/1/prices", price)).await;
        let address = json!({ "street": "Plein 1", "postalCode": "9981", "city": "Meerdal" });
        let counter = json!({ "name": "Sporthal", "address": address, "cardSystems": [1] });
        let path = format!("/admin/v1/counters/{COUNTER}");
        system.does(put(&path, counter)).await;
        let groups = json!({ "groups": ["authorised-registration"] });
        ksb.does(put(&format!("{path}/terms/1"), groups)).await;

        let file = home.path().join("activities.json");
        let activities: Vec<_> = [BUSY].iter().chain(&QUIET).map(|id| activity(id)).collect();
        fs::write(&file, json!(activities).to_string()).expect("a file");
        home.ask(&["import", "activities", file.to_str().expect("a path in /tmp")]).await;
        let often = json!({ "volume": 1_000_000, "periodType": "DAY" });
        let settings =
            json!({ "checkinPoints": 1, "checkinLimit": often, "passholderTicketLimit": often });
        ksb.does(put(&format!("/admin/v1/activities/{BUSY}/settings"), settings)).await;

        let mut registrations = JoinSet::new();
        for number in 0..FAMILIES * MEMBERS {
            let ksb = ksb.clone();
            registrations.spawn(async move {
                let registered = ksb.does(registration(format!("person {number}"), None)).await;
                registered["uitpasNumber"].as_str().expect("a card").to_owned()
            });
        }
        Self { token, cards: registrations.join_all().await.into() }
    }

    /// A point at the activity where that is possible all the time.
    pub fn check_in(&self, key: String, family: usize, turn: usize) -> Write {
        let card = &self.cards[family * MEMBERS + turn % MEMBERS];
        check_in(key, BUSY, card)
    }

    /// A ticket with a point for each of a family.
    pub fn tickets(&self, key: String, family: usize) -> Write {
        let cards = &self.cards[family * MEMBERS..][..MEMBERS];
        let ticket = |card| {
            json!({
                "eventId": BUSY, "uitpasNumber": card, "regularPrice": 3.1,
                "tariff": { "id": "SOCIALTARIFF" },
            })
        };
        let tickets = cards.iter().map(ticket).collect();
        Write { events: Some(2 * MEMBERS), ..Write::post(key, "/v4/ticket-sales", tickets) }
    }

    pub fn correction(&self, key: String, check_in: String) -> Write {
        let path = format!("/v4/checkins/{check_in}");
        Write { events: Some(1), ..Write::new(Method::DELETE, key, &path, None) }
    }
}

pub fn check_in(key: String, activity: &str, card: &str) -> Write {
    let body = json!({ "eventId": activity, "uitpasNumber": card });
    Write { events: Some(1), ..Write::post(key, "/v4/checkins", body) }
}

pub fn redemption(key: String, reward: &str, card: &str) -> Write {
    let body = json!({ "rewardId": reward, "uitpasNumber": card, "organizerId": COUNTER });
    Write::post(key, "/v4/rewards/redeemed", body)
}

/// Someone with social status; without a card of his own, on a digital one.
pub fn registration(key: String, card: Option<&str>) -> Write {
    let body = json!({
        "firstName": "Jo", "name": "Peeters", "dateOfBirth": "1990-07-21",
        "address": { "street": "Molenweg 7", "postalCode": "9981", "city": "Meerdal" },
        "noEmail": true, "legalTermsPaper": true, "socialTariffProof": "living-wage",
        "optInPreferences": {
            "serviceMails": false, "milestoneMails": false, "infoMails": false, "sms": false,
            "post": true,
        },
        "registrationOrganizer": { "id": COUNTER },
        "registrationCardType": if card.is_some() { "NFC_CARD" } else { "DIGITAL" },
        "registrationUitpasNumber": card,
    });
    Write::post(key, "/v4/passholders", body)
}

fn activity(id: &str) -> Value {
    json!({
        "@id": format!("https://data.uitdatabank.example/events/{id}"),
        "name": { "nl": id }, "mainLanguage": "nl", "calendarType": "permanent",
        "status": { "type": "Available" }, "workflowStatus": "APPROVED",
        "organizer": { "@id": format!("https://data.uitdatabank.example/organizers/{COUNTER}") },
        "priceInfo": [{
            "category": "base", "name": { "nl": "Basistarief" }, "price": 3.1,
            "priceCurrency": "EUR",
        }],
    })
}

//! A small region on a database of its own, served on a port of its own, and the people who talk
//! to it. Whatever UiTdatabank tells comes in by the door of the import; all the rest is HTTP.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use strum::VariantNames;
use tokio::net::TcpListener;
use uitpas_api::actions::{self, Request};
use uitpas_api::app::App;
use uitpas_api::auth::{AUDIENCE, Caller, Claims, DEMO_ISSUER, Kind};
use uitpas_api::import::activities;
use uitpas_domain::calendar::{Period, day_in_belgium};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region as Reach};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::{
    CardSystemId, CommandId, DistributionKeyId, GroupPassId, PassholderId, SaleId,
};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
use uitpas_domain::passholder::{Event, Passholder, TicketSold};
use uitpas_domain::permission::Permission;
use uitpas_domain::root::Root;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::Municipality;
use uitpas_projections::{Projections, Running};
use uitpas_store::Store;
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;

pub use crate::answer::Answer;

/// Counters of card system 1, one of each kind, and one of card system 2.
pub const THEATRE: &str = "theater";
pub const GYM: &str = "sporthal";
pub const YOUTH: &str = "jeugdhuis";
pub const ELSEWHERE: &str = "overhal";
const COUNTERS: [(&str, u32, &str); 4] = [
    (THEATRE, 1, "authorised-registration"),
    (GYM, 1, "unauthorised-registration"),
    (YOUTH, 1, "check-in-and-ticket"),
    (ELSEWHERE, 2, "authorised-registration"),
];

pub struct Region {
    pub database: TestDatabase,
    pub app: App,
    pub base: String,
    client: reqwest::Client,
    serial: AtomicU32,
    /// Up to where the log was written, as far as anybody here was told.
    seen: Arc<AtomicU64>,
    /// The views are followed for as long as this lives.
    _running: Running,
}

/// A passholder who was registered, and the card.
#[derive(Debug, Clone)]
pub struct Holder {
    pub id: String,
    pub card: String,
}

impl Region {
    /// A server on an empty log.
    pub async fn empty() -> Self {
        Self::on(TestDatabase::new().await).await
    }

    /// A server on this log, which nobody has written to.
    pub async fn on(database: TestDatabase) -> Self {
        let store = Store::open(database.app_options(), MasterKey::generate()).await;
        let store = store.expect("a store");
        let projections = Projections::open(&store).await.expect("views");
        let running = projections.start();
        let app = App::new(store, projections);
        let base = serve(app.clone()).await;
        let client = reqwest::Client::builder().build().expect("a client");
        let (serial, seen) = (AtomicU32::new(0), Arc::default());
        Self { database, app, base, client, serial, seen, _running: running }
    }

    /// What this desk sees where others reach the server by another address.
    pub async fn reached_by(&self, url: &str, desk: &Desk) -> Desk {
        let mut app = self.app.clone();
        app.public_url = Some(url.parse().expect("a URL"));
        Desk { base: serve(app).await, ..desk.clone() }
    }

    /// Two card systems with their KSB admins and keys, and the counters with their staff.
    pub async fn new() -> Self {
        Self::empty().await.settled().await
    }

    /// With two card systems and their counters.
    pub async fn settled(self) -> Self {
        let region = self;
        let owner = region.owner();
        for (id, name, towns) in [
            (1, "UiTPAS Meerdal", vec![("9981", "Meerdal"), ("9987", "Terbeke")]),
            (2, "UiTPAS Overstroom", vec![("9050", "Overstroom")]),
        ] {
            let town = |(code, name): (&str, &str)| json!({ "postalCode": code, "name": name });
            let towns: Vec<_> = towns.into_iter().map(town).collect();
            let body = json!({ "name": name, "municipalities": towns });
            let path = format!("/admin/v1/card-systems/{id}");
            owner.puts(&path, body).await.done();
            let path = format!("{path}/admins/ksb-{id}");
            owner.call(Method::PUT, &path, None).await.done();
        }
        join_all([1, 2].map(|id| region.ksb_of(id)).map(|ksb| async move {
            let key = json!({ "id": 1, "name": "20-40-40", "percentages": [20, 40, 40] });
            ksb.defines_key(key).await.done();
            let path = format!("/admin/v1/card-systems/{}/default-keys", ksb.card_system);
            ksb.puts(&path, json!([1])).await.done();
        }))
        .await;
        join_all(COUNTERS.map(|(id, system, group)| region.opens_counter(id, system, group))).await;
        region
    }

    pub async fn opens_counter(&self, id: &str, card_system: u32, group: &str) {
        let (owner, ksb) = (self.owner(), self.ksb_of(card_system));
        let town = if card_system == 1 { ("9981", "Meerdal") } else { ("9050", "Overstroom") };
        let address = json!({ "street": "Markt 1", "postalCode": town.0, "city": town.1 });
        let profile = json!({ "name": id, "address": address, "cardSystems": [card_system] });
        let path = format!("/admin/v1/counters/{id}");
        owner.puts(&path, profile).await.done();
        ksb.sets_terms(id, json!({ "groups": [group] })).await.done();
        for kind in ["member", "admin"] {
            let path = format!("{path}/staff/{id}-{kind}");
            ksb.puts(&path, json!({ "kind": kind })).await.done();
        }
    }

    pub fn someone(&self, subject: &str, kind: Kind, counter: &str) -> Desk {
        let subject = subject.parse().expect("a subject");
        let token = self.app.issuer.token(subject, kind, Utc::now(), TimeDelta::hours(1));
        self.with_token(&token, counter)
    }

    pub fn with_token(&self, token: &str, counter: &str) -> Desk {
        Desk {
            client: self.client.clone(),
            base: self.base.clone(),
            token: Some(token.to_owned()),
            counter: counter.to_owned(),
            card_system: 1,
            seen: Some(self.seen.clone()),
        }
    }

    /// Somebody without a token.
    pub fn stranger(&self) -> Desk {
        Desk { token: None, ..self.with_token("", THEATRE) }
    }

    /// A member of the staff of a counter.
    pub fn desk(&self, counter: &str) -> Desk {
        self.someone(&format!("{counter}-member"), Kind::User, counter)
    }

    pub fn admin_of(&self, counter: &str) -> Desk {
        self.someone(&format!("{counter}-admin"), Kind::User, counter)
    }

    pub fn ksb(&self) -> Desk {
        self.ksb_of(1)
    }

    pub fn ksb_of(&self, card_system: u32) -> Desk {
        let counter = if card_system == 1 { THEATRE } else { ELSEWHERE };
        let desk = self.someone(&format!("ksb-{card_system}"), Kind::User, counter);
        Desk { card_system, ..desk }
    }

    /// Somebody whose token shows an e-mail address.
    pub fn with_email(&self, subject: &str, email: &str, verified: bool) -> Desk {
        let now = Utc::now();
        let token = self.app.issuer.sign(&Claims {
            iss: DEMO_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.parse().expect("a subject"),
            exp: (now + TimeDelta::hours(1)).timestamp(),
            nbf: now.timestamp(),
            amr: vec!["otp".to_owned()],
            kind: Kind::User,
            insz: None,
            email: Some(email.parse().expect("an e-mail address")),
            email_verified: verified,
        });
        self.with_token(&token, THEATRE)
    }

    pub fn owner(&self) -> Desk {
        self.someone("owner", Kind::SystemOwner, THEATRE)
    }

    /// An integration with a client token that works for this counter.
    pub async fn client_of(&self, counter: &str) -> Desk {
        self.client_with(counter, Permission::VARIANTS).await
    }

    /// The same, with these permissions.
    pub async fn client_with(&self, counter: &str, permissions: &[&str]) -> Desk {
        let details: Vec<_> = permissions.iter().map(|id| json!({ "id": id })).collect();
        let held = json!({ "organizer": { "id": counter }, "permissionDetails": details });
        let client = json!({ "name": "Webshop", "permissions": [held] });
        self.owner().puts("/admin/v1/clients/webshop", client).await.done();
        self.someone("webshop", Kind::Client, counter)
    }

    /// Where the log ends.
    pub async fn position(&self) -> u64 {
        let health = self.stranger().gets("/health").await.ok();
        health["position"].as_u64().expect("a position")
    }

    pub async fn superuser(&self) -> PgConnection {
        self.database.superuser_options().connect().await.expect("a connection")
    }

    /// Everything in the log and beside it, as text.
    pub async fn whole_log(&self) -> String {
        let mut connection = self.superuser().await;
        let events: Vec<(String,)> = sqlx::query_as(
            "select concat_ws(' ', aggregate_type, aggregate_id, event_type, payload, metadata)
             from log.events union all select result::text from log.commands
             union all select owner from log.claims",
        )
        .fetch_all(&mut connection)
        .await
        .expect("rows");
        events.into_iter().map(|(text,)| text + "\n").collect()
    }

    /// A ticket of so many cents that was sold on an earlier day, by 20-40-40. No door sells in the
    /// past, so that this one comes in by the log.
    pub async fn sold_on(
        &self,
        day: NaiveDate,
        holder: &Holder,
        counter: &str,
        cents: i64,
    ) -> Value {
        let passholder: PassholderId = holder.id.parse().expect("an id");
        let known = self.app.store.load::<Passholder>(&passholder).await.expect("a passholder");
        let home = known.state.holder().expect("registered").home.clone().expect("a home");
        let sold = past_sale(day, &holder.card, home, counter, cents);
        let id = json!({ "id": sold.sale });
        self.records::<Passholder>(&passholder, Event::TicketSold(Box::new(sold))).await;
        id
    }

    /// The same for a group pass, as it was answered when it was made.
    pub async fn sold_to_group_on(
        &self,
        day: NaiveDate,
        pass: &Value,
        counter: &str,
        cents: i64,
    ) -> Value {
        let id: GroupPassId = text(&pass["id"]).parse().expect("an id");
        let known = self.app.store.load::<GroupPass>(&id).await.expect("a group pass");
        let home = known.state.known().expect("made").terms.address.municipality();
        let card = text(&pass["uitpasNumber"]);
        let sold = past_sale(day, card, home.expect("a municipality"), counter, cents);
        let sale = json!({ "id": sold.sale });
        let event = group_pass::Event::TicketSold(Box::new(sold));
        self.records::<GroupPass>(&id, event).await;
        sale
    }

    async fn records<A: Root>(&self, stream: &A::Id, event: A::Event) {
        let id = CommandId(uuid::Uuid::now_v7());
        let metadata = Metadata {
            actor: "history".parse().expect("a subject"),
            role: Role::System,
            counter: None,
            channel: Channel::Import,
            command_id: id,
            correlation_id: id,
        };
        let command = uitpas_store::Command { id, request: [0; 32], metadata };
        let recorded = self.app.store.execute(command, |work| {
            let event = event.clone();
            async move {
                work.load::<A>(stream).await?;
                work.record::<A>(stream, vec![event])?;
                Ok::<(), uitpas_store::Unsuccessful<uitpas_api::problem::Problem>>(())
            }
        });
        let position = recorded.await.expect("recorded").position;
        self.seen.fetch_max(position, Ordering::Relaxed);
    }

    fn next(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A number that no card has yet.
    pub fn number(&self, for_social_status: bool) -> String {
        card_number(self.next(), for_social_status)
    }

    /// A card in the local stock of card system 1.
    pub async fn card(&self, for_social_status: bool) -> String {
        let number = self.number(for_social_status);
        self.ksb().takes_in(&number, json!({})).await.done();
        number
    }

    /// What a counter fills in for an adult of Meerdal with a national number that nobody has yet.
    pub fn person(&self, counter: &str, card: &str) -> Value {
        let born = NaiveDate::from_ymd_opt(1990, 7, 21).expect("a day");
        json!({
            "name": "Vandermeer", "firstName": "Nele", "dateOfBirth": born,
            "inszNumber": insz(born, 1 + self.next()),
            "address": { "street": "Molenweg 7", "postalCode": "9981", "city": "Meerdal" },
            "email": "nele@voorbeeld.example", "legalTermsDigital": true,
            "optInPreferences": {
                "serviceMails": true, "milestoneMails": false, "infoMails": false, "sms": false,
                "post": false,
            },
            "registrationOrganizer": { "id": counter }, "registrationCardType": "NFC_CARD",
            "registrationUitpasNumber": card,
        })
    }

    /// A passholder of Meerdal without social status.
    pub async fn passholder(&self) -> Holder {
        let card = self.card(false).await;
        self.desk(THEATRE).registers(&self.person(THEATRE, &card)).await.holder()
    }

    /// A passholder of Meerdal with social status.
    pub async fn entitled(&self) -> Holder {
        self.entitled_in("9981", "Meerdal").await
    }

    pub async fn entitled_in(&self, postal_code: &str, city: &str) -> Holder {
        let card = self.card(true).await;
        let mut person = self.person(THEATRE, &card);
        person["address"]["postalCode"] = postal_code.into();
        person["address"]["city"] = city.into();
        person["socialTariffProof"] = "living-wage".into();
        self.desk(THEATRE).registers(&person).await.holder()
    }

    /// A passholder of the other region, with social status there.
    pub async fn entitled_elsewhere(&self) -> Holder {
        let number = self.number(true);
        self.ksb_of(2).takes_in(&number, json!({})).await.done();
        let mut person = self.person(ELSEWHERE, &number);
        person["address"]["postalCode"] = "9050".into();
        person["address"]["city"] = "Overstroom".into();
        person["socialTariffProof"] = "living-wage".into();
        self.desk(ELSEWHERE).registers(&person).await.holder()
    }

    /// An activity that is on now, with one occurrence and one price.
    pub async fn activity(&self, organizer: &str, price: f64) -> String {
        self.told(organizer, between(-60, 60), &[("Basistarief", price)]).await
    }

    /// UiTdatabank tells of a new activity.
    pub async fn told(&self, organizer: &str, when: Value, prices: &[(&str, f64)]) -> String {
        let id = uuid::Uuid::from_u128(u128::from(self.next()) + (0xac << 64)).to_string();
        self.retold(&id, organizer, when, prices, json!({})).await;
        id
    }

    /// UiTdatabank tells of an activity again; `more` replaces what it says.
    pub async fn retold(
        &self,
        id: &str,
        organizer: &str,
        when: Value,
        prices: &[(&str, f64)],
        more: Value,
    ) {
        let prices: Vec<_> = prices.iter().enumerate().map(|(index, (name, price))| {
            let category = if index == 0 { "base" } else { "tariff" };
            json!({ "category": category, "name": { "nl": name }, "price": price, "priceCurrency": "EUR" })
        }).collect();
        let mut record = json!({
            "@id": format!("https://data.example/events/{id}"), "@type": "Event",
            "mainLanguage": "nl", "name": { "nl": format!("Film in {organizer}") },
            "organizer": { "@id": format!("https://data.example/organizers/{organizer}") },
            "status": { "type": "Available" }, "workflowStatus": "APPROVED",
            "priceInfo": prices,
        });
        for part in [when, more] {
            for (field, value) in part.as_object().expect("an object") {
                record[field] = value.clone();
            }
        }
        let subject = "uitdatabank".parse().expect("a subject");
        let caller = Caller { subject, kind: Kind::SystemOwner };
        let request = Request { caller, key: None, content: vec![] };
        for told in activities::read(Cursor::new(record.to_string())) {
            let told = told.expect("an activity");
            let imported =
                actions::activities::import(&self.app, &request, &told.id, &told.description);
            imported.await.expect("it is imported");
        }
        let head = self.app.store.head().await.expect("a head").position;
        self.seen.fetch_max(head, Ordering::Relaxed);
    }
}

/// A ticket that was sold on an earlier day, by 20-40-40.
fn past_sale(
    day: NaiveDate,
    card: &str,
    payer: Municipality,
    counter: &str,
    cents: i64,
) -> TicketSold {
    let price = Price::try_from(Euro::cents(cents)).expect("a price");
    let key = DistributionKey::default();
    TicketSold {
        sale: SaleId(uuid::Uuid::now_v7()),
        activity: "film".parse().expect("an id"),
        title: "Film van toen".parse().expect("a title"),
        counter: counter.parse().expect("an id"),
        card_system: CardSystemId(1),
        card: card.parse().expect("a card"),
        price,
        price_name: None,
        deviating: false,
        key: DefinedKey {
            id: DistributionKeyId(1),
            name: "20-40-40".parse().expect("a name"),
            key,
            region: Reach::Own,
            price_below: None,
        },
        shares: key.split(price),
        payer,
        point_limit_period: Period::Absolute,
        point: PointOfSale::NotGiven(NoPoint::Closed),
        at: at_noon(day),
    }
}

/// One occurrence, from and until so many minutes from now.
/// Serves on a port of its own.
pub async fn serve(app: App) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, uitpas_api::http::router(app)).await });
    base
}

pub fn between(from: i64, until: i64) -> Value {
    let at = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339();
    json!({ "calendarType": "single", "startDate": at(from), "endDate": at(until) })
}

/// Always on.
pub fn permanent() -> Value {
    json!({ "calendarType": "permanent" })
}

pub fn today() -> NaiveDate {
    day_in_belgium(Utc::now())
}

pub fn in_days(days: i64) -> NaiveDate {
    today() + TimeDelta::days(days)
}

/// Whose birthday is today, so many years later.
pub fn born_years_ago(years: i32) -> NaiveDate {
    let today = today();
    let birthday = NaiveDate::from_ymd_opt(today.year() - years, today.month(), today.day());
    // Those of 29 February come of age on 1 March.
    birthday.unwrap_or_else(|| today - Days::new(1)).min(today)
}

pub fn card_number(serial: u32, for_social_status: bool) -> String {
    let twelve = format!("09{serial:09}{}", u8::from(for_social_status));
    let numbers = (0..10).map(|check| format!("{twelve}{check}"));
    let number = numbers.into_iter().find(|number| number.parse::<CardNumber>().is_ok());
    number.expect("one of ten check digits holds")
}

/// A national number of someone born on that day.
pub fn insz(born: NaiveDate, serial: u32) -> String {
    let nine = format!("{}{:03}", born.format("%y%m%d"), serial % 1000);
    let century = if born.year() >= 2000 { 2_000_000_000 } else { 0 };
    let number: u64 = nine.parse().expect("nine digits");
    format!("{nine}{:02}", 97 - (century + number) % 97)
}

/// Someone with a token, at a counter.
#[derive(Debug, Clone)]
pub struct Desk {
    client: reqwest::Client,
    base: String,
    pub token: Option<String>,
    pub counter: String,
    card_system: u32,
    /// What this desk says that it must see; absent: it says nothing.
    seen: Option<Arc<AtomicU64>>,
}

impl Desk {
    /// Who was told of nothing by the others.
    pub fn alone(self) -> Self {
        Self { seen: None, ..self }
    }

    pub fn at(&self, counter: &str) -> Self {
        Self { counter: counter.to_owned(), ..self.clone() }
    }

    /// Sends a request as it is.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = match &self.seen {
            Some(seen) => request.header("uitpas-after", seen.load(Ordering::Relaxed)),
            None => request,
        };
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = Answer::to(request).await;
        let position = answer.header("uitpas-position").and_then(|text| text.parse().ok());
        if let (Some(seen), Some(position)) = (&self.seen, position) {
            seen.fetch_max(position, Ordering::Relaxed);
        }
        answer
    }

    pub async fn gets(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn posts(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn puts(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn deletes(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// With an `Idempotency-Key`.
    pub async fn posts_once(&self, key: &str, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        self.send(request.json(&body)).await
    }

    pub async fn uploads(&self, path: &str, csv: impl Into<String>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "text/csv");
        self.send(request.body(csv.into())).await
    }

    /// A list as a CSV file, in its lines.
    pub async fn gets_csv(&self, path: &str) -> Vec<String> {
        let answer = self.send(self.request(Method::GET, path).header("accept", "text/csv")).await;
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        answer.text().lines().map(str::to_owned).collect()
    }

    // Passholders.

    pub async fn registers(&self, person: &Value) -> Answer {
        self.posts("/v4/passholders", person.clone()).await
    }

    pub async fn reads(&self, holder: &Holder) -> Answer {
        self.gets(&format!("/v4/passholders/{}", holder.id)).await
    }

    pub async fn changes(&self, holder: &Holder, person: &Value) -> Answer {
        self.puts(&format!("/v4/passholders/{}", holder.id), person.clone()).await
    }

    pub async fn erases(&self, holder: &Holder) -> Answer {
        self.deletes(&format!("/v4/passholders/{}", holder.id)).await
    }

    pub async fn searches(&self, query: &str) -> Answer {
        self.gets(&format!("/v4/passholders?{query}")).await
    }

    pub async fn identifies(&self, identifier: &str) -> Answer {
        let identifier = identifier.replace(' ', "%20").replace('\n', "%0A");
        self.gets(&format!("/v4/passes?identifier={identifier}")).await
    }

    /// The balance of a passholder.
    pub async fn balance_of(&self, holder: &Holder) -> i64 {
        self.reads(holder).await.ok()["points"].as_i64().expect("points")
    }

    // Cards.

    pub async fn takes_in(&self, number: &str, more: Value) -> Answer {
        let mut card = json!({ "uitpasNumber": number, "cardSystemId": self.card_system });
        for (field, value) in more.as_object().expect("an object") {
            card[field] = value.clone();
        }
        self.posts("/admin/v1/cards", card).await
    }

    pub async fn blocks(&self, holder: &Holder, kind: &str, reason: &str) -> Answer {
        let path = format!("/admin/v1/passholders/{}/cards/{}/block", holder.id, holder.card);
        let block = json!({ "organizerId": self.counter, "kind": kind, "reason": reason });
        self.posts(&path, block).await
    }

    pub async fn replaces(&self, holder: &Holder, card: &str) -> Answer {
        self.gives(holder, json!({ "uitpasNumber": card })).await
    }

    pub async fn gives(&self, holder: &Holder, mut card: Value) -> Answer {
        card["organizerId"] = self.counter.clone().into();
        self.posts(&format!("/admin/v1/passholders/{}/cards", holder.id), card).await
    }

    /// What a KSB admin does to a membership.
    pub async fn decides_on(&self, holder: &Holder, mut act: Value) -> Answer {
        act["organizerId"] = self.counter.clone().into();
        let path = format!("/admin/v1/passholders/{}/memberships/{}", holder.id, self.card_system);
        self.posts(&path, act).await
    }

    // Points.

    pub async fn checks_in(&self, card: &str, activity: &str) -> Answer {
        let body = json!({ "eventId": activity, "uitpasNumber": card });
        self.posts("/v4/checkins", body).await
    }

    pub async fn may_check_in(&self, card: &str, activity: &str) -> Answer {
        self.gets(&format!("/v4/checkin-status?uitpasNumber={card}&eventId={activity}")).await
    }

    pub async fn takes_back(&self, check_in: &Value) -> Answer {
        self.deletes(&format!("/v4/checkins/{}", text(&check_in["id"]))).await
    }

    pub async fn corrects(&self, check_in: &Value, reason: &str) -> Answer {
        let path = format!("/admin/v1/checkins/{}/correction", text(&check_in["id"]));
        self.posts(&path, json!({ "reason": reason })).await
    }

    pub async fn check_ins_of(&self, holder: &Holder) -> Answer {
        let counter = &self.counter;
        let path = format!("/v4/checkins?passholderId={}&organizerId={counter}", holder.id);
        self.gets(&path).await
    }

    // The social tariff.

    pub async fn asks_tariff(&self, card: &str, activity: &str, price: f64) -> Answer {
        let query = format!("regularPrice={price}&eventId={activity}&uitpasNumber={card}");
        self.gets(&format!("/v4/tariffs?{query}")).await
    }

    pub async fn sells(&self, card: &str, activity: &str, price: f64) -> Answer {
        self.sells_all([ticket(card, activity, price)]).await
    }

    pub async fn sells_all(&self, tickets: impl Into<Vec<Value>>) -> Answer {
        self.posts("/v4/ticket-sales", Value::Array(tickets.into())).await
    }

    pub async fn cancels(&self, sale: &Value) -> Answer {
        self.deletes(&format!("/v4/ticket-sales/{}", text(&sale["id"]))).await
    }

    pub async fn sales_of(&self, holder: &Holder) -> Answer {
        let counter = &self.counter;
        let path = format!("/v4/ticket-sales?passholderId={}&organizerId={counter}", holder.id);
        self.gets(&path).await
    }

    pub async fn granted_tariffs(&self) -> Vec<Value> {
        let path = format!("/admin/v1/granted-tariffs?organizerId={}", self.counter);
        list(&self.gets(&path).await.ok()["member"])
    }

    // Rewards.

    pub async fn makes_reward(&self, more: Value) -> Answer {
        let mut reward = json!({
            "title": "Koffie", "type": "POINTS", "points": 1, "promotionalDescription": "Een kop.",
            "publicationPeriod": { "begin": "2026-01-01T00:00:00+01:00" },
            "owningCardSystem": { "id": self.card_system },
        });
        for (field, value) in more.as_object().expect("an object") {
            reward[field] = value.clone();
        }
        self.posts("/v4/rewards", reward).await
    }

    /// A welcome reward that is granted from today on; waits until registrations know it.
    pub async fn welcomes_with(&self, title: &str) -> Value {
        let from_today = json!({ "begin": at_noon(today()) });
        let reward = json!({
            "type": "WELCOME", "points": null, "title": title, "grantingPeriod": from_today,
        });
        let reward = self.makes_reward(reward).await.ok();
        self.gets("/v4/rewards?type=WELCOME&subset=ALL").await.ok();
        reward
    }

    pub async fn redeems(&self, reward: &Value, card: &str) -> Answer {
        let body = json!({
            "rewardId": reward["id"], "uitpasNumber": card, "organizerId": self.counter,
        });
        self.posts("/v4/rewards/redeemed", body).await
    }

    pub async fn may_redeem(&self, reward: &Value, card: &str) -> Answer {
        let (id, counter) = (text(&reward["id"]), &self.counter);
        let query = format!("uitpasNumber={card}&organizerId={counter}");
        self.gets(&format!("/v4/rewards/{id}/redeem-status?{query}")).await
    }

    pub async fn gives_back(&self, redeemed: &Value) -> Answer {
        self.deletes(&format!("/v4/rewards/redeemed/{}", text(&redeemed["id"]))).await
    }

    pub async fn redeemed_by(&self, holder: &Holder) -> Answer {
        let query = format!("passholderId={}&organizerId={}", holder.id, self.counter);
        self.gets(&format!("/v4/rewards/redeemed?{query}")).await
    }

    // Reports.

    fn reports(&self) -> String {
        format!("/v4/organizers/{}/financial-reports", self.counter)
    }

    pub async fn asks_report(&self, from: NaiveDate, until: NaiveDate) -> Answer {
        self.posts(&self.reports(), json!({ "startDate": from, "endDate": until })).await
    }

    pub async fn report(&self, more: &str) -> Answer {
        self.gets(&format!("{}{more}", self.reports())).await
    }

    pub async fn downloads(&self, report: &Value) -> Answer {
        self.report(&format!("/{}.zip", report["id"])).await
    }

    // Expense notes.

    fn notes(&self) -> String {
        format!("/admin/v1/counters/{}/notes", self.counter)
    }

    pub async fn issues_note(&self, from: NaiveDate, until: NaiveDate) -> Answer {
        self.posts(&self.notes(), json!({ "startDate": from, "endDate": until })).await
    }

    pub async fn note(&self, more: &str) -> Answer {
        self.gets(&format!("{}/{more}", self.notes())).await
    }

    pub async fn approves(&self, note: u32) -> Answer {
        self.call(Method::PUT, &format!("{}/{note}/approval", self.notes()), None).await
    }

    pub async fn objects(&self, note: u32, sales: &[&Value], reason: &str) -> Answer {
        let sales: Vec<_> = sales.iter().map(|sale| sale["id"].clone()).collect();
        let path = format!("{}/{note}/objection", self.notes());
        self.posts(&path, json!({ "reason": reason, "sales": sales })).await
    }

    pub async fn settles_objection(&self, note: u32, upheld: bool, reason: &str) -> Answer {
        let path = format!("{}/{note}/settlement", self.notes());
        self.posts(&path, json!({ "reason": reason, "upheld": upheld })).await
    }

    pub async fn notes_in(&self, state: &str) -> Vec<Value> {
        list(&self.gets(&format!("/admin/v1/notes?state={state}")).await.ok())
    }

    // The back office.

    pub async fn defines_key(&self, key: Value) -> Answer {
        self.posts(&format!("/admin/v1/card-systems/{}/distribution-keys", self.card_system), key)
            .await
    }

    pub async fn sets_terms(&self, counter: &str, terms: Value) -> Answer {
        let path = format!("/admin/v1/counters/{counter}/terms/{}", self.card_system);
        self.puts(&path, terms).await
    }

    pub async fn settles(&self, activity: &str, settings: Value) -> Answer {
        self.puts(&format!("/admin/v1/activities/{activity}/settings"), settings).await
    }

    /// Chooses the card systems of an activity, with the keys switched on by hand.
    pub async fn chooses(&self, activity: &str, card_systems: Value) -> Answer {
        self.puts(&format!("/admin/v1/activities/{activity}/card-systems"), card_systems).await
    }

    pub async fn view_of(&self, identifier: &str) -> Answer {
        self.gets(&format!("/admin/v1/counters/{}/view?identifier={identifier}", self.counter))
            .await
    }
}

pub fn ticket(card: &str, activity: &str, price: f64) -> Value {
    json!({
        "eventId": activity, "uitpasNumber": card, "regularPrice": price,
        "tariff": { "id": "SOCIALTARIFF" },
    })
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}"))
}

pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list, not {value}")).clone()
}

/// An instant of a day in Brussels.
pub fn at_noon(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(11, 0, 0).expect("a time").and_utc()
}

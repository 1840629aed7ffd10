//! `uitpas demo`: a made-up region, and one day at its counters, played through HTTP.
//!
//! Every act carries an idempotency key of its own, so that the day happens once in a ledger
//! however often the demo is run on it.

use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uitpas_domain::calendar::{day_in_belgium, start_of_day};
use uitpas_domain::ids::{CounterId, SubjectId};
use uitpas_domain::passholder::Event;
use uitpas_domain::recorded::AnyEvent;
use uitpas_projections::settlement::note::{Note, notes};

use super::import::import_activities;
use super::migrate::boxed;
use super::note;
use super::serve::{listen, serve};
use super::{Failure, Outcome};
use crate::actions::reports;
use crate::app::App;
use crate::auth::Kind;
use crate::demo_activities;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Demo {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// End after the day, instead of serving on.
    #[arg(long)]
    exit: bool,
    /// Play the made-up day in the database of DATABASE_URL.
    #[arg(long)]
    on_database_url: bool,
}

impl Demo {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        if target.data.is_none() && target.database_url.is_some() && !self.on_database_url {
            let why = "DATABASE_URL is set, and the demo makes up passholders: say --on-database-url if \
                       you mean that database, or --data DIR";
            return Err(why.into());
        }
        // Without a directory of its own the demo leaves nothing behind.
        let temporary = match (&target.data, &target.database_url) {
            (None, None) => Some(tempfile::Builder::new().prefix("uitpas-demo-").tempdir()?),
            _ => None,
        };
        let data = temporary.as_ref().map(|directory| directory.path().to_owned());
        let target = Target {
            data: data.or(target.data.clone()),
            database_url: target.database_url.clone(),
        };

        let listener = listen(self.listen).await?;
        let mut ledger = Ledger::open_or_make(&target).await?;
        ledger.follow();
        let outcome = self.play(&ledger, listener, &target, as_json).await;
        ledger.close().await;
        outcome
    }

    async fn play(
        self,
        ledger: &Ledger,
        listener: TcpListener,
        target: &Target,
        as_json: bool,
    ) -> Outcome {
        let address = listener.local_addr()?;
        let app = ledger.app.clone();
        let server = tokio::spawn(serve(listener, app.clone()));

        let told = play(&app, address, as_json).await?;
        let summary = summary(&app, &told).await?;
        match as_json {
            true => println!("{}", serde_json::to_string(&summary)?),
            false => tell(&summary, &told, &app, address, &target.data, self.exit),
        }
        if !self.exit {
            server.await??;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What came of the day: the notes of every counter, made from its report.
struct Told {
    notes: Vec<Note>,
}

/// The four counters of the region.
const ZANDLOPER: &str = "cultuurcentrum-de-zandloper";
const TER_BEKE: &str = "sporthal-ter-beke";
const KRUIN: &str = "jeugdhuis-de-kruin";
const BIB: &str = "bibliotheek-meerdal";
const COUNTERS: [&str; 4] = [ZANDLOPER, TER_BEKE, KRUIN, BIB];

/// Activities of the shipped file.
const FILM: &str = "6f1c0a01-5d2e-4b7a-9c31-0242ac120001";
const CONCERT: &str = "6f1c0a02-5d2e-4b7a-9c31-0242ac120002";
const EXHIBITION: &str = "6f1c0a04-5d2e-4b7a-9c31-0242ac120004";
const SENIORS: &str = "6f1c0a07-5d2e-4b7a-9c31-0242ac120007";
const BADMINTON: &str = "6f1c0a08-5d2e-4b7a-9c31-0242ac120008";
const OPEN_STAGE: &str = "6f1c0a0c-5d2e-4b7a-9c31-0242ac12000c";
const LIBRARY: &str = "6f1c0a10-5d2e-4b7a-9c31-0242ac120010";

/// Public test numbers, of cards and of persons who do not exist.
const CARDS: [(&str, Option<&str>); 12] = [
    ("0900000095902", Some("04784CDAEE3880")),
    ("0900000067513", Some("04363CDAEE3880")),
    ("0900000031618", Some("04CEE7528E6180")),
    ("0900010959113", Some("04ED6ACACF6180")),
    ("0900000002312", Some("04B00412F15284")),
    ("0900000058918", Some("045157B2B63780")),
    ("1000000520006", Some("045A4832633680")),
    ("0900000093204", Some("045D69DAEE3880")),
    ("0900000074519", Some("044AC54A8E6180")),
    ("0900000020405", Some("047E2EEA053B80")),
    ("0900000672312", None),
    ("0900010888817", None),
];

/// The cards that are given on the day.
const NELE: &str = "0900000095902";
const JEF: &str = "0900000067513";
const FATIMA: &str = "0900000058918";
const LORE: &str = "0900010959113";

/// Someone with a token, who talks to the server.
struct Desk<'a> {
    client: &'a reqwest::Client,
    base: String,
    token: String,
    loud: bool,
}

impl<'a> Desk<'a> {
    fn of(app: &App, client: &'a reqwest::Client, at: SocketAddr, who: &str, loud: bool) -> Self {
        let subject: SubjectId = who.parse().expect("the demo's names are identifiers");
        let kind = if who == "systeem" { Kind::SystemOwner } else { Kind::User };
        let token = app.issuer.token(subject, kind, app.now(), TimeDelta::hours(1));
        Self { client, base: format!("http://{at}"), token, loud }
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Result<(u16, Value), Failure> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("idempotency-key", format!("demo-{key}"));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        Ok((status, body))
    }

    /// Does something that must succeed.
    async fn does(
        &self,
        what: &str,
        method: reqwest::Method,
        path: &str,
        key: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let (status, answer) = self.send(method, path, Some(key), body).await?;
        if status >= 300 {
            return Err(format!("{what}: {status} {answer}").into());
        }
        self.say(what);
        Ok(answer)
    }

    async fn puts(&self, what: &str, path: &str, key: &str, body: Value) -> Result<Value, Failure> {
        self.does(what, reqwest::Method::PUT, path, key, Some(body)).await
    }

    async fn posts(
        &self,
        what: &str,
        path: &str,
        key: &str,
        body: Value,
    ) -> Result<Value, Failure> {
        self.does(what, reqwest::Method::POST, path, key, Some(body)).await
    }

    async fn deletes(&self, what: &str, path: &str, key: &str) -> Result<Value, Failure> {
        self.does(what, reqwest::Method::DELETE, path, key, None).await
    }

    /// Tries something that must be refused, and tells in which words it was.
    async fn is_refused(&self, what: &str, path: &str, body: Value) -> Result<(), Failure> {
        let (status, answer) = self.send(reqwest::Method::POST, path, None, Some(body)).await?;
        if status < 400 {
            return Err(format!("{what}: was not refused").into());
        }
        let words = answer["endUserMessage"]["nl"].as_str().unwrap_or_default();
        self.say(&format!("{what}: geweigerd. \"{words}\""));
        Ok(())
    }

    fn say(&self, what: &str) {
        if self.loud && !what.is_empty() {
            println!("  {what}");
        }
    }
}

async fn play(app: &App, at: SocketAddr, quiet: bool) -> Result<Told, Failure> {
    let client = reqwest::Client::new();
    let desk = |who: &str| Desk::of(app, &client, at, who, !quiet);
    let fresh = app.store.head().await.map_err(boxed)?.position == 0;

    heading(quiet, "De regio Meerdal");
    build_region(&desk("systeem"), &desk("ksb-meerdal")).await?;
    // On a later day, requests and activities stay those of the day that was played.
    let first = app.store.feed(0, 1).await.map_err(boxed)?;
    let day = first.first().map_or_else(|| app.now(), |event| event.recorded_at);
    let day = day_in_belgium(day);
    if fresh {
        let shipped = demo_activities::around(day)?;
        let tally = import_activities(app, Cursor::new(shipped)).await?;
        desk("ksb-meerdal").say(&format!(
            "{} activiteiten uit UiTdatabank, {} zonder UiTPAS",
            tally.new, tally.skipped
        ));
    }
    let rewards = make_rewards(&desk("ksb-meerdal"), day).await?;

    heading(quiet, "Een dag aan de balies");
    play_day(&desk, &rewards).await?;

    heading(quiet, "Onkostennota's");
    let mut all = Vec::new();
    for counter in COUNTERS {
        all.extend(report(app, &desk("ksb-meerdal"), counter).await?);
    }
    Ok(Told { notes: notes(all.into_iter().flat_map(|note| note.lines).collect()) })
}

fn heading(quiet: bool, text: &str) {
    if !quiet {
        println!("\n{text}");
    }
}

async fn build_region(owner: &Desk<'_>, ksb: &Desk<'_>) -> Result<(), Failure> {
    let municipalities = json!([
        { "postalCode": "9981", "name": "Meerdal" },
        { "postalCode": "9987", "name": "Terbeke" },
        { "postalCode": "9989", "name": "Kruinem" },
    ]);
    let region = json!({ "name": "UiTPAS Meerdal", "municipalities": municipalities });
    owner
        .puts(
            "Kaartsysteem UiTPAS Meerdal, drie gemeenten",
            "/admin/v1/card-systems/1",
            "region",
            region,
        )
        .await?;
    owner
        .does("", reqwest::Method::PUT, "/admin/v1/card-systems/1/admins/ksb-meerdal", "ksb", None)
        .await?;
    let key = json!({ "id": 1, "name": "20-40-40", "percentages": ["20", "40", "40"] });
    ksb.posts("Verdeelsleutel 20-40-40", "/admin/v1/card-systems/1/distribution-keys", "key", key)
        .await?;
    ksb.puts("", "/admin/v1/card-systems/1/default-keys", "default-keys", json!([1])).await?;
    let prices = json!([
        { "fromAge": 0, "untilAge": 17, "regular": 2, "withSocialStatus": 0 },
        { "fromAge": 18, "regular": 5, "withSocialStatus": 1 },
    ]);
    ksb.puts("", "/admin/v1/card-systems/1/prices", "prices", prices).await?;

    let counters = [
        (ZANDLOPER, "Cultuurcentrum De Zandloper", "Meerdal", "9981", "authorised-registration"),
        (TER_BEKE, "Sporthal Ter Beke", "Terbeke", "9987", "unauthorised-registration"),
        (KRUIN, "Jeugdhuis De Kruin", "Kruinem", "9989", "check-in-and-ticket"),
        (BIB, "Bibliotheek Meerdal", "Meerdal", "9981", "authorised-registration"),
    ];
    for (id, name, city, postal_code, group) in counters {
        let address = json!({ "street": "Dorpsplein 1", "postalCode": postal_code, "city": city });
        let profile = json!({ "name": name, "address": address, "cardSystems": [1] });
        let path = format!("/admin/v1/counters/{id}");
        owner
            .puts(&format!("Balie {name} ({group})"), &path, &format!("counter-{id}"), profile)
            .await?;
        let terms = json!({ "groups": [group] });
        ksb.puts("", &format!("{path}/terms/1"), &format!("terms-{id}"), terms).await?;
        for (who, kind) in [("beheerder", "admin"), ("medewerker", "member")] {
            let path = format!("{path}/staff/{who}-{id}");
            ksb.puts("", &path, &format!("{who}-{id}"), json!({ "kind": kind })).await?;
        }
    }
    for (number, chip) in CARDS {
        let card = json!({ "uitpasNumber": number, "chipNumber": chip, "cardSystemId": 1 });
        ksb.posts("", "/admin/v1/cards", &format!("card-{number}"), card).await?;
    }
    ksb.say(&format!("{} kaarten in de lokale stock", CARDS.len()));
    Ok(())
}

struct Rewards {
    coffee: String,
    bag: String,
}

/// The welcome reward is granted from the day that is played on.
async fn make_rewards(ksb: &Desk<'_>, day: NaiveDate) -> Result<Rewards, Failure> {
    let publication = json!({ "begin": "2026-01-01T00:00:00+01:00" });
    let coffee = json!({
        "title": "Koffie of thee in de cafetaria", "type": "POINTS", "points": 2,
        "promotionalDescription": "Een kop koffie of thee na het sporten.",
        "publicationPeriod": publication, "categories": ["Eten en drinken"],
        "owningCardSystem": { "id": 1 }, "maxAvailableUnits": 50,
    });
    let coffee = ksb
        .posts("Omruilvoordeel: koffie of thee voor 2 punten", "/v4/rewards", "coffee", coffee)
        .await?;
    let bag = json!({
        "title": "Stoffen tas", "type": "WELCOME", "promotionalDescription": "Welkom in Meerdal!",
        "publicationPeriod": publication, "owningCardSystem": { "id": 1 },
        "grantingPeriod": { "begin": start_of_day(day) },
    });
    let bag = ksb.posts("Welkomstvoordeel: een stoffen tas", "/v4/rewards", "bag", bag).await?;
    let id = |reward: &Value| reward["id"].as_str().unwrap_or_default().to_owned();
    Ok(Rewards { coffee: id(&coffee), bag: id(&bag) })
}

/// What a counter fills in. The persons do not exist; the national numbers are public test numbers.
fn person(
    (first_name, name, born): (&str, &str, &str),
    insz: Option<&str>,
    (postal_code, city): (&str, &str),
    (counter, card): (&str, &str),
) -> Value {
    let mails = born < "2008";
    json!({
        "firstName": first_name, "name": name, "dateOfBirth": born, "inszNumber": insz,
        "address": { "street": "Molenweg 7", "postalCode": postal_code, "city": city },
        "noEmail": true, "legalTermsPaper": true, "parentalConsent": born > "2010",
        "optInPreferences": {
            "serviceMails": mails, "milestoneMails": false, "infoMails": false, "sms": false,
            "post": true,
        },
        "registrationOrganizer": { "id": counter }, "registrationCardType": "NFC_CARD",
        "registrationUitpasNumber": card, "socialTariffProof": null,
    })
}

fn with_proof(mut person: Value, proof: &str) -> Value {
    person["socialTariffProof"] = proof.into();
    person
}

async fn play_day<'a>(desk: &impl Fn(&str) -> Desk<'a>, rewards: &Rewards) -> Result<(), Failure> {
    let zandloper = desk("medewerker-cultuurcentrum-de-zandloper");
    let ter_beke = desk("medewerker-sporthal-ter-beke");
    let kruin = desk("medewerker-jeugdhuis-de-kruin");
    let bib = desk("medewerker-bibliotheek-meerdal");
    let ksb = desk("ksb-meerdal");

    let nele = person(
        ("Nele", "Vandermeer", "1983-03-02"),
        Some("83030201540"),
        ("9987", "Terbeke"),
        (TER_BEKE, NELE),
    );
    ter_beke
        .posts("Nele, zonder kansenstatuut, krijgt een UiTPAS", "/v4/passholders", "nele", nele)
        .await?;
    let jef = person(
        ("Jef", "Dekruin", "1936-05-13"),
        Some("36051380284"),
        ("9981", "Meerdal"),
        (ZANDLOPER, JEF),
    );
    let jef = with_proof(jef, "increased-reimbursement");
    ter_beke
        .is_refused("Jef, met kansenstatuut, aan de sporthal", "/v4/passholders", {
            let mut there = jef.clone();
            there["registrationOrganizer"]["id"] = TER_BEKE.into();
            there
        })
        .await?;
    zandloper
        .posts("Jef, met kansenstatuut, aan het cultuurcentrum", "/v4/passholders", "jef", jef)
        .await?;
    let fatima =
        person(("Fatima", "Elbeek", "1990-07-21"), None, ("9987", "Terbeke"), (ZANDLOPER, FATIMA));
    let fatima = zandloper
        .posts(
            "Fatima, met kansenstatuut, zonder rijksregisternummer",
            "/v4/passholders",
            "fatima",
            with_proof(fatima, "living-wage"),
        )
        .await?;
    let lore =
        person(("Lore", "Elbeek", "2017-10-18"), None, ("9987", "Terbeke"), (ZANDLOPER, LORE));
    zandloper
        .posts(
            "Lore, negen jaar, met toestemming van een ouder",
            "/v4/passholders",
            "lore",
            with_proof(lore, "living-wage"),
        )
        .await?;

    let check_in =
        |activity: &str, card: &str| json!({ "eventId": activity, "uitpasNumber": card });
    bib.posts(
        "Nele spaart een punt in de bib",
        "/v4/checkins",
        "check-in-1",
        check_in(LIBRARY, NELE),
    )
    .await?;
    bib.is_refused("Nele wil er nog een", "/v4/checkins", check_in(LIBRARY, NELE)).await?;
    zandloper
        .posts(
            "Nele spaart een punt op de tentoonstelling",
            "/v4/checkins",
            "check-in-2",
            check_in(EXHIBITION, NELE),
        )
        .await?;
    let mistaken = ter_beke
        .posts(
            "Nele spaart een punt bij de seniorengym",
            "/v4/checkins",
            "check-in-3",
            check_in(SENIORS, NELE),
        )
        .await?;
    bib.posts(
        "Jef spaart een punt in de bib",
        "/v4/checkins",
        "check-in-4",
        check_in(LIBRARY, JEF),
    )
    .await?;

    let ticket = |activity: &str, card: &str, price: f64| {
        json!({
            "eventId": activity, "uitpasNumber": card, "regularPrice": price,
            "tariff": { "id": "SOCIALTARIFF" },
        })
    };
    ter_beke
        .posts(
            "Jef betaalt 0,62 van 3,10 euro voor de seniorengym",
            "/v4/ticket-sales",
            "sale-1",
            json!([ticket(SENIORS, JEF, 3.1)]),
        )
        .await?;
    zandloper
        .posts(
            "Fatima en Lore samen naar de film: 1,45 van 7,25 euro elk",
            "/v4/ticket-sales",
            "sale-2",
            json!([ticket(FILM, FATIMA, 7.25), ticket(FILM, LORE, 7.25)]),
        )
        .await?;
    let concert = zandloper
        .posts(
            "Jef koopt een kaart voor het concert",
            "/v4/ticket-sales",
            "sale-3",
            json!([ticket(CONCERT, JEF, 12.5)]),
        )
        .await?;
    kruin
        .posts(
            "Fatima betaalt 1 van 5 euro voor het open podium",
            "/v4/ticket-sales",
            "sale-4",
            json!([ticket(OPEN_STAGE, FATIMA, 5.0)]),
        )
        .await?;
    ter_beke
        .is_refused(
            "Nele, zonder kansenstatuut, vraagt kansentarief",
            "/v4/ticket-sales",
            json!([ticket(BADMINTON, NELE, 10.0)]),
        )
        .await?;
    let sale = concert[0]["id"].as_str().unwrap_or_default();
    zandloper
        .deletes("Jef ziet af van het concert", &format!("/v4/ticket-sales/{sale}"), "cancel-1")
        .await?;

    let redeem = |reward: &str, card: &str, counter: &str| json!({ "rewardId": reward, "uitpasNumber": card, "organizerId": counter });
    ter_beke
        .posts(
            "Nele ruilt 2 punten voor koffie",
            "/v4/rewards/redeemed",
            "redeem-1",
            redeem(&rewards.coffee, NELE, TER_BEKE),
        )
        .await?;
    ter_beke
        .posts(
            "Jef haalt zijn welkomsttas",
            "/v4/rewards/redeemed",
            "redeem-2",
            redeem(&rewards.bag, JEF, TER_BEKE),
        )
        .await?;
    let mistaken = mistaken["id"].as_str().unwrap_or_default();
    ksb.posts(
        "De KSB neemt Neles punt bij de seniorengym terug",
        &format!("/admin/v1/checkins/{mistaken}/correction"),
        "correct-1",
        json!({ "reason": "Nele was er niet bij." }),
    )
    .await?;

    let id = fatima["id"].as_str().unwrap_or_default();
    let block = json!({ "organizerId": ZANDLOPER, "kind": "replace", "reason": "loss" });
    zandloper
        .posts(
            "Fatima is haar kaart kwijt: geblokkeerd",
            &format!("/admin/v1/passholders/{id}/cards/{FATIMA}/block"),
            "block-1",
            block,
        )
        .await?;
    kruin
        .is_refused(
            "Iemand probeert de geblokkeerde kaart",
            "/v4/checkins",
            check_in(OPEN_STAGE, FATIMA),
        )
        .await?;
    let replacement = json!({ "organizerId": ZANDLOPER, "uitpasNumber": "0900000074519" });
    zandloper
        .posts(
            "Fatima krijgt een nieuwe kaart, haar punten blijven",
            &format!("/admin/v1/passholders/{id}/cards"),
            "replace-1",
            replacement,
        )
        .await?;
    Ok(())
}

/// The report of a counter over the day of its first sale on, by HTTP; its notes from the ledger.
async fn report(app: &App, ksb: &Desk<'_>, counter: &str) -> Result<Vec<Note>, Failure> {
    let path = format!("/v4/organizers/{counter}/financial-reports");
    // The period must be the same on every run, as the request is.
    let period = json!({ "startDate": "2026-01-01", "endDate": "2199-12-31" });
    let report = ksb.posts("", &path, &format!("report-{counter}"), period).await?;
    let number = report["id"].as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
    let counter: CounterId = counter.parse()?;
    let report = reports::unchecked(app, &counter, number).await?;
    Ok(reports::notes_of(app, &counter, &report).await?)
}

/// What came of the day, for machines.
#[derive(Serialize)]
struct Summary {
    position: u64,
    chain: String,
    check_ins: u32,
    ticket_sales: u32,
    corrections: u32,
    redemptions: u32,
    note: note::Summary,
}

/// Counted from the log itself.
async fn summary(app: &App, told: &Told) -> Result<Summary, Failure> {
    let (mut check_ins, mut sales, mut corrections, mut redemptions) = (0, 0, 0, 0);
    let mut replay = app.store.replay(0).await.map_err(boxed)?;
    while let Some(events) = replay.next().await.map_err(boxed)? {
        for raw in events {
            let event = AnyEvent::read(&raw.aggregate_type, &raw.aggregate_id, &raw.payload)?;
            let AnyEvent::Passholder(_, event) = event else { continue };
            match event {
                Event::CheckedIn(_) => check_ins += 1,
                Event::TicketSold(_) => sales += 1,
                Event::CheckInCorrected { .. } => corrections += 1,
                Event::RewardRedeemed(_) => redemptions += 1,
                _ => {}
            }
        }
    }
    let verified = app.store.verify_chain(|_, _| {}).await.map_err(boxed)?;
    let chain = match &verified {
        Ok(_) => "ok".to_owned(),
        Err(broken) => broken.to_string(),
    };
    let position = app.store.head().await.map_err(boxed)?.position;
    Ok(Summary {
        position,
        chain,
        check_ins,
        ticket_sales: sales,
        corrections,
        redemptions,
        note: note::summary(&told.notes, None),
    })
}

fn tell(
    summary: &Summary,
    told: &Told,
    app: &App,
    address: SocketAddr,
    data: &Option<PathBuf>,
    exits: bool,
) {
    println!("{}", note::table(&told.notes));
    println!(
        "\n{} gebeurtenissen in het logboek, keten {}: {} punten gespaard, {} tickets aan \
         kansentarief, {} punten teruggenomen, {} voordelen opgenomen.",
        summary.position,
        summary.chain,
        summary.check_ins,
        summary.ticket_sales,
        summary.corrections,
        summary.redemptions,
    );
    if exits {
        return;
    }
    let subject: SubjectId = "ksb-meerdal".parse().expect("a word is an identifier");
    let token = app.issuer.token(subject, Kind::User, app.now(), TimeDelta::hours(8));
    let view = format!("/admin/v1/counters/{ZANDLOPER}/view?identifier=0900000067513");
    println!(
        "\nDe server draait verder, tot Ctrl-C. Dit is een demo, met een eigen uitgever van tokens."
    );
    println!("  http://{address}/            begin");
    println!("  http://{address}/health      stand van zaken");
    println!("  http://{address}{view}");
    println!("Een token van de kaartsysteembeheerder, acht uur geldig:\n  {token}");
    println!("Probeer: curl -H \"Authorization: Bearer $TOKEN\" 'http://{address}{view}'");
    if let Some(data) = data {
        println!("De gegevens staan in {}.", data.display());
    }
}

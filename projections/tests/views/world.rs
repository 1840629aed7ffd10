//! A region in which things happen: events as the domain records them, written to a log.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use uitpas_domain::activity::{self, Activity, Audience, Calendar, Description, Occurrence};
use uitpas_domain::calendar::{DayRange, Period, day_in_belgium};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::counter::notes::{NoteIssued, RULE_SET};
use uitpas_domain::counter::{self, Counter, Profile, StaffKind};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region};
use uitpas_domain::ids::{
    ActivityId, CardSystemId, CheckInId, CommandId, CounterId, DistributionKeyId, PassholderId,
    RedemptionId, RewardId, SaleId,
};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::passholder::cards::{Block, BlockKind, BlockReason};
use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
use uitpas_domain::passholder::registration::{PersonalDetails, Preferences, Terms};
use uitpas_domain::passholder::{
    CheckedIn, Event, Passholder, Registered, RewardRedeemed, TicketSold,
};
use uitpas_domain::reward::{self, Definition, Kind, Reward, Status};
use uitpas_domain::root::Root;
use uitpas_domain::sealed::Sealed;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::{Address, Country, Municipality};
use uitpas_projections::Projections;
use uitpas_store::sealing::{self, MasterKey};
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Store, Unsuccessful};
use uuid::Uuid;

pub const SYSTEM: CardSystemId = CardSystemId(5);

pub struct World {
    pub database: TestDatabase,
    /// In hexadecimal, for other processes.
    master: String,
    pub store: Store,
    pub projections: Projections,
    pub happenings: Happenings,
}

/// What has happened so far, and what comes next.
pub struct Happenings {
    store: Store,
    random: StdRng,
    at: DateTime<Utc>,
    cards: u64,
    pub passholders: BTreeMap<PassholderId, Sealing>,
    pub removed: BTreeSet<PassholderId>,
    check_ins: Vec<(PassholderId, CheckInId)>,
    sales: Vec<(PassholderId, SaleId)>,
    redemptions: Vec<(PassholderId, RedemptionId)>,
    rewards: Vec<RewardId>,
}

/// A passholder, and what seals his details.
pub struct Sealing {
    key: sealing::PersonKey,
    pub card: CardNumber,
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let master = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let store = open(&database, &master).await;
        let projections = Projections::open(&store).await.expect("views");
        let happenings = Happenings::new(store.clone());
        Self { database, master, store, projections, happenings }
    }

    /// A region with so many random events.
    pub async fn after(events: usize) -> Self {
        let mut world = Self::new().await;
        world.happenings.begin().await;
        world.happenings.go_on(events).await;
        world
    }

    /// The views as another process has them.
    pub async fn another_process(&self) -> Projections {
        let store = open(&self.database, &self.master).await;
        Projections::open(&store).await.expect("views")
    }

    pub async fn superuser(&self) -> PgConnection {
        self.database.superuser_options().connect().await.expect("a connection")
    }

    /// Changes what nobody may change.
    pub async fn tampers(&self, statement: &str) {
        let mut connection = self.superuser().await;
        let done = sqlx::query(statement).execute(&mut connection).await.expect("a statement");
        assert!(done.rows_affected() > 0, "it changes something");
    }

    /// The log gets an entry that no version of the program writes.
    pub async fn strange_entry(&self, event_type: &str, payload: &str) -> i64 {
        let mut connection = self.superuser().await;
        sqlx::query_scalar(
            "with head as (
                 update log.head set position = position + 1 returning position
             )
             insert into log.events
             select 'passholder', gen_random_uuid()::text, 1, $1, '1', $2::json, '{}', position,
                 now(), sha256('')
             from head
             returning position",
        )
        .bind(event_type)
        .bind(payload)
        .fetch_one(&mut connection)
        .await
        .expect("an entry")
    }

    /// Gives what happens to another task, which goes on with it while the views are looked at.
    pub fn hand_over(&mut self) -> Happenings {
        let next = Happenings::new(self.store.clone());
        std::mem::replace(&mut self.happenings, next)
    }

    pub async fn verified(&self) -> Vec<uitpas_projections::Difference> {
        self.projections.verify(None, |_| {}).await.expect("a verification")
    }
}

async fn open(database: &TestDatabase, master: &str) -> Store {
    let master: MasterKey = master.parse().expect("a key");
    Store::open(database.app_options(), master).await.expect("a store")
}

impl Happenings {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            random: StdRng::seed_from_u64(2_026),
            at: "2026-03-02T09:00:00Z".parse().expect("an instant"),
            cards: 0,
            passholders: BTreeMap::new(),
            removed: BTreeSet::new(),
            check_ins: Vec::new(),
            sales: Vec::new(),
            redemptions: Vec::new(),
            rewards: Vec::new(),
        }
    }

    /// A card system, two counters, two activities, two rewards.
    pub async fn begin(&mut self) {
        let at = self.at;
        let event = card_system::Event::Created {
            name: text("Meetjesland"),
            municipalities: vec![eeklo()],
            at,
        };
        let admin = card_system::Event::KsbAdminAdded { admin: id("ksb"), at };
        self.record::<CardSystem>(&SYSTEM, vec![event, admin]).await;
        for counter in ["balie", "theater"] {
            let profile = Profile {
                name: text(counter),
                address: address("Markt 1"),
                card_systems: [SYSTEM].into(),
            };
            let created = counter::Event::Created { profile, at };
            let (subject, kind) = (id("anna"), StaffKind::Member);
            let staffed = counter::Event::StaffAdded { subject, kind, at };
            self.record::<Counter>(&id(counter), vec![created, staffed]).await;
        }
        for (activity, title) in [("film", "Dé film, \"echt\""), ("toneel", "Toneel\\stuk")] {
            let published =
                activity::Event::Published { description: Box::new(description(title, at)), at };
            self.record::<Activity>(&id(activity), vec![published]).await;
        }
        for (number, kind) in [(1, Kind::Points), (2, Kind::Welcome)] {
            let reward = RewardId(Uuid::from_u128(number));
            let definition = Box::new(definition(kind));
            self.record::<Reward>(&reward, vec![reward::Event::Created { definition, at }]).await;
            self.rewards.push(reward);
        }
    }

    pub fn today(&self) -> NaiveDate {
        day_in_belgium(self.at)
    }

    /// A note of the theater over a past period, from the log as it is.
    pub async fn issues_note(
        &mut self,
        projections: &Projections,
        from: NaiveDate,
        until: NaiveDate,
    ) {
        projections.catch_up().await.expect("caught up");
        let counter = self.store.load::<Counter>(&theater()).await.expect("a counter");
        let head = self.store.head().await.expect("a head");
        let note = counter.state.notes.len() as u32 + 1;
        let issued = NoteIssued {
            note,
            from,
            until,
            position: head.position,
            head: Digest::new(head.hash),
            rule_set: RULE_SET,
            digest: Digest::new(head.hash),
            parts: vec![],
            deadline: until + TimeDelta::days(14),
            at: self.at,
        };
        self.record::<Counter>(&theater(), vec![counter::Event::NoteIssued(Box::new(issued))])
            .await;
        projections.catch_up().await.expect("caught up");
    }

    pub fn passes_days(&mut self, days: i64) {
        self.at += TimeDelta::days(days);
    }

    /// So many more events, whatever comes.
    pub async fn go_on(&mut self, events: usize) {
        for _ in 0..events {
            self.at += TimeDelta::minutes(self.random.gen_range(0..240));
            match self.random.gen_range(0..100) {
                0..10 => drop(self.registers().await),
                10..35 => self.checks_in().await,
                35..60 => self.buys().await,
                60..68 => self.cancels().await,
                68..75 => self.corrects().await,
                75..85 => self.redeems().await,
                85..88 => self.gives_back().await,
                88..91 => self.moves().await,
                91..94 => self.loses_card().await,
                94..96 => self.removes().await,
                96..98 => self.staff_changes().await,
                _ => self.reward_changes().await,
            }
        }
    }

    pub async fn registers(&mut self) -> PassholderId {
        let passholder = PassholderId(Uuid::from_u128(self.random.r#gen()));
        let person = passholder.to_string();
        let (key, wrapped) = self.store.master_key().new_person_key(&person);
        let number = self.passholders.len();
        let details = details(&format!("Pééters {number}"), &format!("Zoë {number}"));
        let sealed = sealing::seal(&key, &person, "details", &details);
        let card = self.next_card();
        let registered = Event::Registered(Box::new(registered(card, sealed, self.at)));
        let work = |work: uitpas_store::Work| {
            let (registered, person, wrapped) =
                (registered.clone(), person.clone(), wrapped.clone());
            async move {
                work.load::<Passholder>(&passholder).await?;
                work.record::<Passholder>(&passholder, vec![registered])?;
                work.insert_key(&person, wrapped);
                Ok::<(), Unsuccessful<Never>>(())
            }
        };
        self.execute(work).await;
        self.passholders.insert(passholder, Sealing { key, card });
        passholder
    }

    pub async fn checks_in(&mut self) {
        let Some(passholder) = self.someone() else { return };
        let check_in = CheckInId(Uuid::from_u128(self.random.r#gen()));
        let event = Event::CheckedIn(Box::new(CheckedIn {
            check_in,
            activity: id("film"),
            title: text("Dé film, \"echt\""),
            counter: id("balie"),
            card: self.passholders[&passholder].card,
            points: self.random.gen_range(1..4),
            channel: Channel::Counter,
            sale: None,
            home: Some(eeklo()),
            at: self.at,
        }));
        self.record::<Passholder>(&passholder, vec![event]).await;
        self.check_ins.push((passholder, check_in));
    }

    pub async fn buys(&mut self) {
        let Some(passholder) = self.someone() else { return };
        let price = Price::try_from(Euro::cents(self.random.gen_range(1..5_000))).expect("a price");
        self.buys_for(passholder, price).await;
    }

    pub async fn buys_for(&mut self, passholder: PassholderId, price: Price) -> SaleId {
        let sale = SaleId(Uuid::from_u128(self.random.r#gen()));
        let card = self.passholders[&passholder].card;
        let municipality = if self.random.r#gen() { eeklo() } else { maldegem() };
        let sold = sold(sale, card, price, municipality, self.at);
        self.record::<Passholder>(&passholder, vec![Event::TicketSold(Box::new(sold))]).await;
        self.sales.push((passholder, sale));
        sale
    }

    pub async fn cancels_one(&mut self, passholder: PassholderId, sale: SaleId) {
        let event = Event::TicketSaleCancelled { sale, at: self.at };
        self.record::<Passholder>(&passholder, vec![event]).await;
        self.sales.retain(|(_, known)| *known != sale);
    }

    pub async fn cancels(&mut self) {
        let Some((passholder, sale)) = take(&mut self.random, &mut self.sales) else { return };
        let event = Event::TicketSaleCancelled { sale, at: self.at };
        self.record::<Passholder>(&passholder, vec![event]).await;
    }

    async fn corrects(&mut self) {
        let Some((passholder, check_in)) = take(&mut self.random, &mut self.check_ins) else {
            return;
        };
        let event = Event::CheckInCorrected {
            check_in,
            activity: id("film"),
            points: 1,
            reason: None,
            at: self.at,
        };
        self.record::<Passholder>(&passholder, vec![event]).await;
    }

    async fn redeems(&mut self) {
        let Some(passholder) = self.someone() else { return };
        let redemption = RedemptionId(Uuid::from_u128(self.random.r#gen()));
        let index = self.random.gen_range(0..self.rewards.len());
        let event = Event::RewardRedeemed(Box::new(RewardRedeemed {
            redemption,
            reward: self.rewards[index],
            title: text("Een drankje"),
            kind: if index == 0 { Kind::Points } else { Kind::Welcome },
            points: if index == 0 { 3 } else { 0 },
            counter: id("theater"),
            card: self.passholders[&passholder].card,
            at: self.at,
        }));
        self.record::<Passholder>(&passholder, vec![event]).await;
        let unit = reward::Event::UnitTaken { redemption, at: self.at };
        self.record::<Reward>(&self.rewards[index].clone(), vec![unit]).await;
        self.redemptions.push((passholder, redemption));
    }

    async fn gives_back(&mut self) {
        let Some((passholder, redemption)) = take(&mut self.random, &mut self.redemptions) else {
            return;
        };
        let reward = self.rewards[0];
        let event = Event::RedemptionCancelled { redemption, reward, points: 3, at: self.at };
        self.record::<Passholder>(&passholder, vec![event]).await;
    }

    pub async fn moves(&mut self) {
        let Some(passholder) = self.someone() else { return };
        let mut details = details("Vérhuisd", "Zoë");
        details.address = address("Nieuwstraat 2");
        let key = &self.passholders[&passholder].key;
        let details = sealing::seal(key, &passholder.to_string(), "details", &details);
        let home = Some(maldegem());
        let event = Event::DetailsChanged { details, home, with_insz: true, at: self.at };
        self.record::<Passholder>(&passholder, vec![event]).await;
    }

    pub async fn loses_card(&mut self) {
        let Some(passholder) = self.someone() else { return };
        let card = self.passholders[&passholder].card;
        let block = Block { kind: BlockKind::Replace, reason: BlockReason::Loss };
        let next = self.next_card();
        let blocked = Event::CardBlocked { card, block, at: self.at };
        let (card_system, digital, at) = (SYSTEM, false, self.at);
        let given = Event::CardGiven { card_system, card: next, digital, at };
        self.record::<Passholder>(&passholder, vec![blocked, given]).await;
        self.passholders.get_mut(&passholder).expect("known").card = next;
    }

    /// Someone is removed, and his key with him.
    pub async fn removes(&mut self) {
        let Some(passholder) = self.someone() else { return };
        self.removes_one(passholder).await;
    }

    pub async fn removes_one(&mut self, passholder: PassholderId) {
        let (at, person) = (self.at, passholder.to_string());
        let work = |work: uitpas_store::Work| {
            let person = person.clone();
            async move {
                let loaded = work.load::<Passholder>(&passholder).await?;
                let points_lapsed = loaded.state.holder().expect("registered").points;
                work.record::<Passholder>(&passholder, vec![Event::Removed { points_lapsed, at }])?;
                work.destroy_key(&person);
                Ok::<(), Unsuccessful<Never>>(())
            }
        };
        self.execute(work).await;
        self.passholders.remove(&passholder);
        self.removed.insert(passholder);
        self.check_ins.retain(|(of, _)| *of != passholder);
        self.sales.retain(|(of, _)| *of != passholder);
        self.redemptions.retain(|(of, _)| *of != passholder);
    }

    async fn staff_changes(&mut self) {
        let at = self.at;
        let subject = id(["anna", "bert", "chris"][self.random.gen_range(0..3)]);
        let event = match self.random.gen_range(0..3) {
            0 => counter::Event::StaffRemoved { subject, at },
            1 => counter::Event::StaffAdded { subject, kind: StaffKind::Admin, at },
            _ => counter::Event::StaffAdded { subject, kind: StaffKind::Member, at },
        };
        self.record::<Counter>(&id("balie"), vec![event]).await;
    }

    async fn reward_changes(&mut self) {
        let mut definition = Box::new(definition(Kind::Points));
        definition.points = self.random.gen_range(1..20);
        let event = reward::Event::Changed { definition, at: self.at };
        self.record::<Reward>(&self.rewards[0].clone(), vec![event]).await;
    }

    fn someone(&mut self) -> Option<PassholderId> {
        let count = self.passholders.len();
        let index = if count > 0 { self.random.gen_range(0..count) } else { 0 };
        self.passholders.keys().nth(index).copied()
    }

    fn next_card(&mut self) -> CardNumber {
        self.cards += 1;
        let stem = format!("{:011}0", 9_000_000 + self.cards);
        let number = (0..10).find_map(|check| format!("{stem}{check}").parse().ok());
        number.expect("one of ten check digits is right")
    }

    pub async fn record<A: Root>(&self, id: &A::Id, events: Vec<A::Event>)
    where
        A::Event: Clone,
    {
        let work = |work: uitpas_store::Work| {
            let (id, events) = (id.clone(), events.clone());
            async move {
                work.load::<A>(&id).await?;
                work.record::<A>(&id, events)?;
                Ok::<(), Unsuccessful<Never>>(())
            }
        };
        self.execute(work).await;
    }

    async fn execute<F, Fut>(&self, decide: F)
    where
        F: Fn(uitpas_store::Work) -> Fut,
        Fut: Future<Output = Result<(), Unsuccessful<Never>>>,
    {
        let id = CommandId(Uuid::new_v4());
        let metadata = Metadata {
            actor: self::id("tester"),
            role: Role::System,
            counter: None,
            channel: Channel::BackOffice,
            command_id: id,
            correlation_id: id,
        };
        let command = Command { id, request: [0; 32], metadata };
        self.store.execute(command, decide).await.expect("nothing refuses it");
    }
}

/// Nothing is refused here.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum Never {}

fn take<T>(random: &mut StdRng, from: &mut Vec<T>) -> Option<T> {
    match from.len() {
        0 => None,
        count => Some(from.swap_remove(random.gen_range(0..count))),
    }
}

pub fn text<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a text")
}

pub fn id<T: std::str::FromStr>(id: &str) -> T {
    id.parse().ok().expect("an id")
}

pub fn day(day: &str) -> NaiveDate {
    day.parse().expect("a day")
}

pub fn eeklo() -> Municipality {
    Municipality { postal_code: text("9900"), name: text("Eeklo") }
}

pub fn maldegem() -> Municipality {
    Municipality { postal_code: text("9990"), name: text("Maldegem") }
}

fn address(street: &str) -> Address {
    Address::new(Some(text(street)), text("9900"), text("Eeklo"), Country::BELGIUM).expect("valid")
}

fn details(name: &str, first_name: &str) -> PersonalDetails {
    PersonalDetails {
        name: text(name),
        first_name: text(first_name),
        birth_date: day("1990-05-17"),
        insz: None,
        gender: None,
        address: address("Koningin Astridplein 5_a"),
        email: Some(text("zoe.peeters@example.org")),
        phone: None,
        nationality: None,
    }
}

fn registered(card: CardNumber, details: Sealed<PersonalDetails>, at: DateTime<Utc>) -> Registered {
    Registered {
        card_system: SYSTEM,
        counter: id("balie"),
        card,
        digital: false,
        details,
        home: Some(eeklo()),
        counter_municipality: Some(eeklo()),
        age: 35,
        with_insz: false,
        social_status: None,
        price: Price::FREE,
        voucher: None,
        terms: Terms { paper: true, digital: false },
        preferences: Preferences::default(),
        parental_consent: false,
        at,
    }
}

pub fn sold(
    sale: SaleId,
    card: CardNumber,
    price: Price,
    payer: Municipality,
    at: DateTime<Utc>,
) -> TicketSold {
    let key = DistributionKey::default();
    TicketSold {
        sale,
        activity: id("film"),
        title: text("Dé film, \"echt\""),
        counter: id("theater"),
        card_system: SYSTEM,
        card,
        price,
        price_name: Some(text("Basistarief")),
        deviating: false,
        key: DefinedKey {
            id: DistributionKeyId(1),
            name: text("20-40-40"),
            key,
            region: Region::Own,
            price_below: None,
        },
        shares: key.split(price),
        payer,
        point_limit_period: Period::Absolute,
        point: PointOfSale::NotGiven(NoPoint::Closed),
        at,
    }
}

pub fn description(title: &str, at: DateTime<Utc>) -> Description {
    Description {
        title: text(title),
        organizer: id("theater"),
        calendar: Calendar::Single(Occurrence { start: at, end: None, available: true }),
        prices: Vec::new(),
        available: true,
        withdrawn: false,
        audience: Audience::Everyone,
        location: None,
        terms: Vec::new(),
    }
}

pub fn definition(kind: Kind) -> Definition {
    Definition {
        title: text("Een drankje"),
        kind,
        points: if kind == Kind::Points { 3 } else { 0 },
        status: Status::Active,
        description: text("Regel een\nregel twee"),
        practical_info: None,
        more_info_url: None,
        categories: vec![text("Eten en drinken")],
        marks: uitpas_domain::reward::Marks::default(),
        pictures: vec![],
        owner: SYSTEM,
        publication: DayRange::default(),
        granting: DayRange::default(),
        redemption: DayRange::default(),
        units_max: Some(1_000_000),
        passholder_limit: None,
        only_inhabitants_of: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        only_card_systems: BTreeSet::new(),
    }
}

pub fn activity(name: &str) -> ActivityId {
    id(name)
}

pub fn theater() -> CounterId {
    id("theater")
}

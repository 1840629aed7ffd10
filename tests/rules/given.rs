//! What the chapters share: the three words of a story (given, when, then), and the people, cards,
//! counters and activities that stories are about. It is spring 2026 in the Meetjesland.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use cqrs_es::Aggregate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uitpas_domain::activity::{
    self, Activity, Audience, Calendar, Description, NamedPrice, Occurrence,
};
use uitpas_domain::association::{self, Association};
use uitpas_domain::card::{self, Card};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::counter::{self, Authority, Counter, PermissionGroup, Profile, Terms};
use uitpas_domain::coupon::{self, Coupon};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::*;
use uitpas_domain::kiosk::{self, Kiosk};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::cards::{Block, BlockCard, BlockReason};
use uitpas_domain::passholder::check_ins::{CheckIn, CorrectCheckIn};
use uitpas_domain::passholder::registration::{self, NewSocialStatus};
use uitpas_domain::passholder::ticket_sales::{CancelSale, Item, SellTickets, Tariff};
use uitpas_domain::passholder::{self, Passholder, Registered};
use uitpas_domain::reward::{self, Reward};
use uitpas_domain::root::Root;
use uitpas_domain::sealed::Sealed;
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::place::{Address, Municipality};
use uuid::Uuid;

// The three words.

/// Which aggregate an event is of, so that a story begins with its events alone.
pub trait Told: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    type Of: Root<Event = Self> + Default + Debug + PartialEq;
}

macro_rules! told {
    ($($root:ident: $module:ident),*) => {$(
        impl Told for $module::Event {
            type Of = $root;
        }
    )*};
}
told!(
    Passholder: passholder,
    Card: card,
    CardSystem: card_system,
    Counter: counter,
    Activity: activity,
    Reward: reward,
    Coupon: coupon,
    Association: association,
    GroupPass: group_pass,
    Kiosk: kiosk
);

/// What has happened so far.
pub struct Story<A> {
    pub state: A,
}

/// What a command came to.
pub struct When<A: Aggregate> {
    state: A,
    command: A::Command,
    came_to: Result<Vec<A::Event>, A::Error>,
}

/// The state after these events, which is the same after reading them back from the log.
#[track_caller]
pub fn given<E: Told>(events: impl IntoIterator<Item = E>) -> Story<E::Of> {
    let (mut state, mut reread) = (E::Of::default(), E::Of::default());
    for event in events {
        let stored = serde_json::to_string(&event).unwrap();
        reread.evolve(serde_json::from_str(&stored).unwrap());
        state.evolve(event);
    }
    assert_eq!(state, reread, "the log tells another story than was told to it");
    Story { state }
}

impl<E: Told, A> Story<A>
where
    A: Root<Event = E> + Debug + PartialEq,
    A::Command: Clone,
    A::Error: Debug + PartialEq,
{
    pub fn when(&self, command: A::Command) -> When<A> {
        let came_to = self.state.decide(command.clone());
        When { state: self.state.clone(), command, came_to }
    }
}

impl<E: Told, A> When<A>
where
    A: Root<Event = E> + Debug + PartialEq,
    A::Command: Clone,
    A::Error: Debug + PartialEq,
{
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = E>) {
        let expected: Vec<E> = expected.into_iter().collect();
        assert_eq!(self.came_to, Ok(expected));
    }

    #[track_caller]
    pub fn refused(self, reason: impl Into<A::Error>) {
        assert_eq!(self.came_to, Err(reason.into()));
    }

    #[track_caller]
    pub fn happens(self) -> Story<A> {
        let mut state = self.state;
        for event in self.came_to.unwrap() {
            state.evolve(event);
        }
        Story { state }
    }

    /// The command happens, and is sent a second time.
    #[track_caller]
    pub fn again(self) -> When<A> {
        let command = self.command.clone();
        self.happens().when(command)
    }

    #[track_caller]
    pub fn events(self) -> Vec<E> {
        self.came_to.unwrap()
    }

    /// The reason of a refusal; absent where it happened.
    pub fn refusal(self) -> Option<A::Error> {
        self.came_to.err()
    }
}

/// One of several reasons, and how to take it away so that the next one shows.
pub type Mended<Asked, Reason> = (Reason, fn(&mut Asked));

impl Story<Passholder> {
    #[track_caller]
    pub fn holder(&self) -> &passholder::Holder {
        self.state.holder().unwrap()
    }

    #[track_caller]
    pub fn points(&self) -> i64 {
        self.holder().points
    }
}

// Days, texts and ids.

/// A value as it is typed.
#[track_caller]
pub fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

#[track_caller]
pub fn day(text: &str) -> NaiveDate {
    of(text)
}

/// The instant at which the clocks in Brussels show this, the first one where they show it twice.
#[track_caller]
pub fn brussels(shown: &str) -> DateTime<Utc> {
    let shown: NaiveDateTime = of(&shown.replace(' ', "T"));
    chrono_tz::Europe::Brussels.from_local_datetime(&shown).earliest().unwrap().to_utc()
}

/// A quiet Monday morning.
pub fn now() -> DateTime<Utc> {
    brussels("2026-06-15 09:00:00")
}

pub fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Something sealed, whose words do not matter.
pub fn sealed<T>(ciphertext: &str) -> Sealed<T> {
    serde_json::from_value(ciphertext.into()).unwrap()
}

// Places and card systems.

pub const MEETJESLAND: CardSystemId = CardSystemId(1);
pub const GENT: CardSystemId = CardSystemId(2);

pub fn eeklo() -> Municipality {
    Municipality { postal_code: of("9900"), name: of("Eeklo") }
}

pub fn ghent() -> Municipality {
    Municipality { postal_code: of("9000"), name: of("Gent") }
}

/// 20-40-40 for its own inhabitants, by default.
pub fn meetjesland() -> CardSystem {
    card_system("UiTPAS Meetjesland", eeklo())
}

pub fn gent() -> CardSystem {
    card_system("UiTPAS Gent", ghent())
}

fn card_system(name: &str, municipality: Municipality) -> CardSystem {
    use card_system::Event;
    let at = brussels("2020-01-01 00:00:00");
    let (name, municipalities) = (of(name), vec![municipality]);
    let keys = BTreeSet::from([DistributionKeyId(1)]);
    given([
        Event::Created { name, municipalities, at },
        Event::KeyDefined { key: key(1, DistributionKey::default()), at },
        Event::DefaultKeysChosen { keys, at },
    ])
    .state
}

pub fn key(id: u32, key: DistributionKey) -> DefinedKey {
    let (id, name) = (DistributionKeyId(id), of("Kansentarief"));
    DefinedKey { id, name, key, region: Region::Own, price_below: None }
}

/// The card systems of a passholder of the Meetjesland.
pub fn card_systems() -> passholder::CardSystems {
    BTreeMap::from([(MEETJESLAND, Arc::new(meetjesland()))])
}

// Cards.

pub fn regular_card() -> CardNumber {
    of("0900000095902")
}

pub fn other_regular_card() -> CardNumber {
    of("1000000520006")
}

pub fn social_card() -> CardNumber {
    of("0900000067513")
}

pub fn other_social_card() -> CardNumber {
    of("0930000237915")
}

// Counters and those who stand behind them.

/// The organizer of the film: the library of Eeklo.
pub fn library() -> CounterId {
    of("bib-eeklo")
}

pub fn library_counter() -> Counter {
    let profile = Profile {
        name: of("Bibliotheek Eeklo"),
        address: address("9900", "Eeklo"),
        card_systems: BTreeSet::from([MEETJESLAND]),
    };
    given([counter::Event::Created { profile, at: brussels("2020-01-01 00:00:00") }]).state
}

pub fn address(postal_code: &str, city: &str) -> Address {
    let (postal_code, city) = (of(postal_code), of(city));
    Address::new(None, postal_code, city, of("be")).unwrap()
}

/// A member of the library's staff, with a permission group in the Meetjesland.
pub fn staff(group: PermissionGroup) -> Authority {
    let terms = Terms { groups: BTreeSet::from([group]), ..Terms::default() };
    Authority {
        role: Role::CounterMember,
        counter: library(),
        terms: BTreeMap::from([(MEETJESLAND, terms)]),
        ksb_of: BTreeSet::new(),
    }
}

/// An authorised registration counter.
pub fn desk() -> Authority {
    staff(PermissionGroup::AuthorisedRegistration)
}

pub fn unauthorised_desk() -> Authority {
    staff(PermissionGroup::UnauthorisedRegistration)
}

/// A check-in and ticket counter.
pub fn box_office() -> Authority {
    staff(PermissionGroup::CheckInAndTicket)
}

/// A KSB admin of the Meetjesland, at the library.
pub fn ksb() -> Authority {
    Authority {
        role: Role::Ksb,
        counter: library(),
        terms: BTreeMap::new(),
        ksb_of: BTreeSet::from([MEETJESLAND]),
    }
}

/// The same right at another counter.
pub fn elsewhere(by: Authority) -> Authority {
    Authority { counter: of("cc-de-herbakker"), ..by }
}

/// Someone whose counter has no rights at all.
pub fn nobody() -> Authority {
    Authority { terms: BTreeMap::new(), ..box_office() }
}

// Passholders.

/// Of Eeklo, with social status until 30 April 2027.
pub fn anna() -> Registered {
    Registered {
        card: social_card(),
        social_status: Some(NewSocialStatus {
            until: day("2027-04-30"),
            proof: Proof::IncreasedReimbursement,
        }),
        ..bram()
    }
}

/// Of Eeklo, without social status.
pub fn bram() -> Registered {
    Registered {
        card_system: MEETJESLAND,
        counter: library(),
        card: regular_card(),
        digital: false,
        details: sealed("details"),
        home: Some(eeklo()),
        counter_municipality: Some(eeklo()),
        age: 43,
        with_insz: true,
        social_status: None,
        price: of("5.00"),
        voucher: None,
        terms: registration::Terms { paper: true, digital: false },
        preferences: registration::Preferences::default(),
        parental_consent: false,
        at: brussels("2026-01-05 10:00:00"),
    }
}

pub fn registered(who: Registered) -> passholder::Event {
    passholder::Event::Registered(Box::new(who))
}

/// Anna with another end date of her social status.
pub fn anna_until(until: &str) -> Registered {
    let proof = Proof::IncreasedReimbursement;
    Registered { social_status: Some(NewSocialStatus { until: day(until), proof }), ..anna() }
}

// Activities, as they are offered.

/// One evening, 15 June 2026, 20:00 to 22:00; 10.00, or 6.00 for children.
pub fn film() -> Offering {
    single("2026-06-15 20:00:00", Some("2026-06-15 22:00:00"))
}

/// Open every day, all day.
pub fn museum() -> Offering {
    offered(Calendar::Permanent { hours: vec![] })
}

pub fn single(start: &str, end: Option<&str>) -> Offering {
    offered(Calendar::Single(occurrence(start, end)))
}

pub fn occurrence(start: &str, end: Option<&str>) -> Occurrence {
    Occurrence { start: brussels(start), end: end.map(brussels), available: true }
}

/// By the library, in the Meetjesland.
pub fn offered(calendar: Calendar) -> Offering {
    let name = |name: &str, price: &str| NamedPrice { name: of(name), price: of(price) };
    let description = Description {
        title: of("Allemaal film"),
        organizer: library(),
        calendar,
        prices: vec![name("Basistarief", "10.00"), name("Kinderen", "6.00")],
        available: true,
        withdrawn: false,
        audience: Audience::Everyone,
        location: None,
        terms: vec![],
    };
    let at = brussels("2026-01-01 00:00:00");
    let published = activity::Event::Published { description: Box::new(description), at };
    Offering {
        id: of("film"),
        activity: Arc::new(given([published]).state),
        counter: Arc::new(library_counter()),
        card_systems: BTreeMap::from([(MEETJESLAND, Arc::new(meetjesland()))]),
    }
}

/// Another activity of the same organizer.
pub fn called(id: &str, offering: Offering) -> Offering {
    Offering { id: of(id), ..offering }
}

pub fn with_settings(mut offering: Offering, settings: activity::Settings) -> Offering {
    Arc::make_mut(&mut offering.activity).settings = settings;
    offering
}

/// The activity as UiTdatabank would have told of it otherwise.
pub fn described(mut offering: Offering, edit: impl FnOnce(&mut Description)) -> Offering {
    edit(Arc::make_mut(&mut offering.activity).description.as_mut().unwrap());
    offering
}

/// The terms on which the organizer works for the Meetjesland.
pub fn on_terms(mut offering: Offering, terms: Terms) -> Offering {
    Arc::make_mut(&mut offering.counter).terms.insert(MEETJESLAND, terms);
    offering
}

// What is asked.

/// At the counter, by the box office, with this card.
pub fn check_in(number: u128, offering: &Offering, card: CardNumber, at: DateTime<Utc>) -> CheckIn {
    CheckIn {
        check_in: CheckInId(uuid(number)),
        by: box_office(),
        offering: Arc::new(offering.clone()),
        card,
        channel: Channel::Counter,
        card_systems: card_systems(),
        at,
    }
}

pub fn checks_in(check_in: CheckIn) -> passholder::Command {
    passholder::Command::CheckIn(Box::new(check_in))
}

pub fn corrects(number: u128, by: Authority) -> passholder::Command {
    let (check_in, reason) = (CheckInId(uuid(number)), Some(sealed("reason")));
    passholder::Command::CorrectCheckIn(CorrectCheckIn { check_in, by, reason, at: now() })
}

/// A ticket for Anna, at the box office.
pub fn ticket(number: u128, offering: &Offering, price: &str) -> Item {
    Item {
        sale: SaleId(uuid(number)),
        check_in: CheckInId(uuid(number)),
        by: box_office(),
        offering: Arc::new(offering.clone()),
        card: social_card(),
        price: of(price),
        price_name: None,
        tariff: Tariff::SocialTariff,
        age: Some(43),
    }
}

pub fn sells(items: impl IntoIterator<Item = Item>, at: DateTime<Utc>) -> passholder::Command {
    let (items, card_systems) = (items.into_iter().collect(), card_systems());
    passholder::Command::SellTickets(Box::new(SellTickets { items, card_systems, at }))
}

pub fn cancels(number: u128, by: Authority) -> passholder::Command {
    passholder::Command::CancelSale(CancelSale { sale: SaleId(uuid(number)), by, at: now() })
}

/// A block of the kind that belongs to the reason.
pub fn blocks(card: CardNumber, reason: BlockReason, by: Authority) -> passholder::Command {
    let block = Block { kind: reason.kind(), reason };
    passholder::Command::BlockCard(BlockCard { by, card, block, at: now() })
}

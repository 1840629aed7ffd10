//! The card system, its counters, rewards and coupon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use rust_decimal::Decimal;
use uitpas_domain::calendar::{DayRange, Period, at_brussels};
use uitpas_domain::card_system::{CardSystem, Command as SystemCommand, PriceBracket};
use uitpas_domain::counter::notes::Closing;
use uitpas_domain::counter::{
    AddStaff, Authority, Command as CounterCommand, Counter, PermissionGroup, Profile, StaffKind,
    Terms,
};
use uitpas_domain::coupon::{self, Coupon, Effect, GrantedTo};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region as Reach};
use uitpas_domain::ids::{CardSystemId, CounterId, CouponId, DistributionKeyId, RewardId};
use uitpas_domain::limit::Limit;
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::reward::{self, Kind, Reward, Status};
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::place::{Address, Country, Municipality};
use uitpas_projections::settlement::Line;
use uitpas_store::Failed;
use uuid::Uuid;

use crate::names::{MUNICIPALITIES, ORGANIZERS, STREETS};
use crate::pen::{Hand, Pen, Stream};
use crate::{KSB, Plan, SYSTEM};

/// So many passholders need one more organizer.
const PASSHOLDERS_PER_ORGANIZER: u32 = 150;

/// The card systems of everybody's memberships.
pub type CardSystems = BTreeMap<CardSystemId, Arc<CardSystem>>;

pub struct Region {
    pub system: Stream<CardSystem>,
    /// First one per municipality that registers people, then the organizers.
    pub counters: Vec<Place>,
    pub rewards: Vec<Stream<Reward>>,
    pub coupon: Stream<Coupon>,
}

/// A counter, and what is on there.
pub struct Place {
    pub stream: Stream<Counter>,
    /// In [`MUNICIPALITIES`].
    pub municipality: usize,
    /// How much happens there.
    pub weight: f64,
    pub on: Vec<On>,
    pub sales: Vec<Line>,
}

/// An activity, and when its points can be saved.
pub struct On {
    pub opens: DateTime<Utc>,
    pub closes: DateTime<Utc>,
    pub offering: Arc<Offering>,
}

impl Place {
    pub fn member(&self, channel: Channel) -> Hand {
        self.hand("member", Role::CounterMember, channel)
    }

    pub fn admin(&self) -> Hand {
        self.hand("admin", Role::CounterAdmin, Channel::Counter)
    }

    pub fn ksb(&self) -> Hand {
        let counter = Some(self.stream.id.clone());
        Hand { counter, ..ksb() }
    }

    fn hand(&self, of: &str, role: Role, channel: Channel) -> Hand {
        let actor = text(&format!("{of}-{}", self.stream.id));
        Hand { actor, role, counter: Some(self.stream.id.clone()), channel }
    }

    /// What the person of a hand may do here.
    pub fn authority(&self, hand: &Hand) -> Result<Authority, Failed> {
        let ksb_of = match hand.role {
            Role::Ksb => BTreeSet::from([SYSTEM]),
            _ => BTreeSet::new(),
        };
        let authority = self.stream.state.authority(&self.stream.id, &hand.actor, &ksb_of);
        authority.ok_or_else(|| Failed::new("this person has no role here"))
    }

    pub fn closings(&self) -> Vec<Closing> {
        self.stream.state.closings()
    }
}

/// The KSB admin at no counter.
pub fn ksb() -> Hand {
    Hand { actor: text(KSB), role: Role::Ksb, counter: None, channel: Channel::BackOffice }
}

impl Region {
    pub async fn found(pen: &mut Pen, random: &mut StdRng, plan: &Plan) -> Result<Self, Failed> {
        let at = at_brussels(plan.from, NaiveTime::MIN);
        let owner = Hand { actor: text("owner"), role: Role::SystemOwner, ..ksb() };
        let mut system = Stream::new(SYSTEM);
        for command in system_commands(at) {
            pen.must(&mut system, command, &owner, at).await?;
        }
        let mut region = Self {
            system,
            counters: Vec::new(),
            rewards: Vec::new(),
            coupon: Stream::new(CouponId(1)),
        };
        let organizers = (plan.passholders / PASSHOLDERS_PER_ORGANIZER).max(8);
        for number in 0..MUNICIPALITIES.len() + organizers as usize {
            let place = counter(pen, random, number, at).await?;
            region.counters.push(place);
        }
        for (number, (title, points)) in [
            ("Een drankje", 4),
            ("Een badhanddoek", 10),
            ("Een toegangsticket", 25),
            ("Gratis zwemmen", 0),
        ]
        .into_iter()
        .enumerate()
        {
            let id = RewardId(Uuid::from_u128(0x5000_8000_0000_0000_0000 + number as u128));
            let mut reward = Stream::new(id);
            let definition = Box::new(reward_of(title, points, plan));
            let create = reward::Command::Create { definition, at };
            pen.must(&mut reward, create, &ksb(), at).await?;
            region.rewards.push(reward);
        }
        let define = coupon::Command::Define { definition: Box::new(coupon_definition()?), at };
        pen.must(&mut region.coupon, define, &ksb(), at).await?;
        Ok(region)
    }

    pub fn card_systems(&self) -> CardSystems {
        BTreeMap::from([(SYSTEM, self.system.state.clone())])
    }
}

fn system_commands(at: DateTime<Utc>) -> Vec<SystemCommand> {
    let key = |id, name: &str, key, region| DefinedKey {
        id: DistributionKeyId(id),
        name: text(name),
        key,
        region,
        price_below: None,
    };
    let percents = |a, b, c| {
        let [a, b, c] = [a, b, c].map(Decimal::from);
        DistributionKey::percentages(a, b, c).unwrap_or_default()
    };
    let keys = [
        key(1, "20-40-40", DistributionKey::default(), Reach::Own),
        key(2, "25-35-40", percents(25, 35, 40), Reach::Own),
        key(
            3,
            "1,50 vast",
            DistributionKey::fixed(Euro::cents(150), 40, 40).unwrap_or_default(),
            Reach::Own,
        ),
    ];
    let bracket = |from_age, until_age, regular| PriceBracket {
        from_age,
        until_age,
        regular: price(regular),
        with_social_status: Price::FREE,
    };
    let mut commands = vec![
        SystemCommand::Create {
            name: text("Meetjesland"),
            municipalities: (0..MUNICIPALITIES.len()).map(municipality).collect(),
            at,
        },
        SystemCommand::AddKsbAdmin { admin: text(KSB), at },
        SystemCommand::SetPrices {
            brackets: vec![bracket(0, Some(17), 200), bracket(18, None, 500)],
            at,
        },
    ];
    commands.extend(keys.map(|key| SystemCommand::DefineKey { key, at }));
    commands.push(SystemCommand::ChooseDefaultKeys { keys: [DistributionKeyId(1)].into(), at });
    commands
}

async fn counter(
    pen: &mut Pen,
    random: &mut StdRng,
    number: usize,
    at: DateTime<Utc>,
) -> Result<Place, Failed> {
    let registers = number < MUNICIPALITIES.len();
    let municipality = match registers {
        true => number,
        false => weighted(random, MUNICIPALITIES.map(|(.., weight)| f64::from(weight)).into_iter()),
    };
    let (postal_code, city, _) = MUNICIPALITIES[municipality];
    let name = match registers {
        true => format!("UiTPAS-balie {city}"),
        false => format!("{} {city} {number}", ORGANIZERS[number % ORGANIZERS.len()]),
    };
    let street = format!("{} {}", STREETS[number % STREETS.len()], random.gen_range(1..200));
    let address =
        Address::new(Some(text(&street)), text(postal_code), text(city), Country::BELGIUM)
            .map_err(Failed::new)?;
    let profile = Profile { name: text(&name), address, card_systems: [SYSTEM].into() };
    let groups = match registers {
        true => PermissionGroup::AuthorisedRegistration,
        false => PermissionGroup::CheckInAndTicket,
    };
    // Most take the default key, some have one of their own, and few limit their tickets.
    let keys = match number % 7 {
        3 => [DistributionKeyId(2)].into(),
        5 => [DistributionKeyId(3)].into(),
        _ => BTreeSet::new(),
    };
    let ticket_limit = (number % 9 == 8).then_some(Limit { volume: 10, period: Period::Month });
    let terms =
        Terms { groups: [groups].into(), other_municipalities: registers, keys, ticket_limit };
    let id: CounterId = text(&format!("balie-{number:04}"));
    let mut stream = Stream::<Counter>::new(id);
    let owner = Hand { actor: text("owner"), role: Role::SystemOwner, ..ksb() };
    pen.must(&mut stream, CounterCommand::Create { profile, at }, &owner, at).await?;
    let mut commands = vec![
        CounterCommand::SetTerms { card_system: SYSTEM, terms, at },
        CounterCommand::SetIban { iban: iban(random)?, at },
    ];
    for (of, kind) in [("admin", StaffKind::Admin), ("member", StaffKind::Member)] {
        let subject = Some(text(&format!("{of}-{}", stream.id)));
        commands.push(CounterCommand::AddStaff(AddStaff { subject, kind, by: Role::Ksb, at }));
    }
    let hand = Hand { counter: Some(stream.id.clone()), ..ksb() };
    for command in commands {
        pen.must(&mut stream, command, &hand, at).await?;
    }
    // A few are large, most are small.
    let weight = 20.0 / (1.0 + number as f64 - if registers { 0.0 } else { 7.0 });
    Ok(Place { stream, municipality, weight, on: Vec::new(), sales: Vec::new() })
}

/// A Belgian account number with its two checks.
fn iban(random: &mut StdRng) -> Result<Iban, Failed> {
    let account = random.gen_range(1_000_000_000_u64..9_999_999_999);
    let check = match account % 97 {
        0 => 97,
        rest => rest,
    };
    // B and E are 11 and 14 (ISO 13616).
    let number = u128::from(account) * 100 + u128::from(check);
    let checked = 98 - (number * 1_000_000 + 111_400) % 97;
    format!("BE{checked:02}{number:012}").parse().map_err(Failed::new)
}

fn reward_of(title: &str, points: u32, plan: &Plan) -> reward::Definition {
    let kind = if points == 0 { Kind::Welcome } else { Kind::Points };
    let from = Some(plan.from);
    reward::Definition {
        title: text(title),
        kind,
        points,
        status: Status::Active,
        description: text(title),
        practical_info: None,
        more_info_url: None,
        categories: Vec::new(),
        marks: reward::Marks::default(),
        pictures: Vec::new(),
        owner: SYSTEM,
        publication: DayRange::default(),
        granting: DayRange { from: from.filter(|_| kind == Kind::Welcome), until: None },
        redemption: DayRange::default(),
        units_max: (points == 25).then_some(500),
        passholder_limit: None,
        only_inhabitants_of: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        only_card_systems: BTreeSet::new(),
    }
}

/// Two euro off, twice a year, at the cost of the municipality.
fn coupon_definition() -> Result<coupon::Definition, Failed> {
    let terms = coupon::Terms::AmountOff {
        amount: Euro::cents(200),
        organizer_part: 0,
        municipality_part: 100,
    };
    Ok(coupon::Definition {
        name: text("Twee euro korting"),
        description: None,
        owner: SYSTEM,
        limit: Some(Limit { volume: 2, period: Period::Year }),
        validity: DayRange::default(),
        only_activities: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        card_systems: BTreeSet::new(),
        granted_to: GrantedTo::Everyone,
        effect: Effect::try_from(terms).map_err(Failed::new)?,
        payer: None,
    })
}

pub fn municipality(index: usize) -> Municipality {
    let (postal_code, name, _) = MUNICIPALITIES[index];
    Municipality { postal_code: text(postal_code), name: text(name) }
}

pub fn price(cents: i64) -> Price {
    Price::try_from(Euro::cents(cents)).unwrap_or_default()
}

/// One of these, by its weight.
pub fn weighted(random: &mut StdRng, weights: impl Iterator<Item = f64> + Clone) -> usize {
    let mut left = random.r#gen::<f64>() * weights.clone().sum::<f64>();
    for (index, weight) in weights.enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    0
}

/// One of our own words.
pub fn text<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a text that is let in")
}

//! The setting in the words of the domain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use rust_decimal::Decimal;
use uitpas_domain::activity::{
    self, After, Audience, Calendar, Description, Margins, NamedPrice, Occurrence, OpeningHours,
    Settings,
};
use uitpas_domain::calendar::{DayRange, Period};
use uitpas_domain::card_system::{self, AdministrativePrices, PriceBracket};
use uitpas_domain::counter::{self, AddStaff, PermissionGroup, Profile, StaffKind};
use uitpas_domain::coupon::{self, Effect, GrantedTo, Segment};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region};
use uitpas_domain::ids::*;
use uitpas_domain::limit::Limit;
use uitpas_domain::metadata::Role;
use uitpas_domain::reward::{self, Kind, Status};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::{Address, Municipality};
use uuid::Uuid;

use super::setting::*;
use super::simple::instant;

pub fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("the setting is well written")
}

pub fn person(who: usize) -> PassholderId {
    PassholderId(Uuid::from_u128(who as u128 + 1))
}

pub fn index_of(id: PassholderId) -> usize {
    id.0.as_u128() as usize - 1
}

/// Rewards are told apart from people at a glance.
const FIRST_REWARD: u128 = 0x7000;

pub fn reward_id(index: usize) -> RewardId {
    RewardId(Uuid::from_u128(FIRST_REWARD + index as u128))
}

pub fn reward_index(id: &RewardId) -> usize {
    (id.0.as_u128() - FIRST_REWARD) as usize
}

pub fn coupon_id(index: usize) -> CouponId {
    CouponId(index as u32 + 1)
}

pub fn counter_id(index: usize) -> CounterId {
    of(COUNTERS[index].id)
}

pub fn counter_index(id: &CounterId) -> usize {
    COUNTERS.iter().position(|of| of.id == id.as_str()).expect("it is known")
}

pub fn activity_id(index: usize) -> ActivityId {
    of(ACTIVITIES[index].id)
}

pub fn subject(actor: usize) -> SubjectId {
    of(ACTORS[actor].0)
}

/// The number of the card in a slot.
pub fn number(slot: usize) -> CardNumber {
    let twelve = format!("09{slot:09}{}", u8::from(card(slot).1));
    let mut numbers = (0..10).map(|check| format!("{twelve}{check}").parse());
    numbers.find_map(Result::ok).expect("one of ten check digits holds")
}

pub fn slot_of(number: CardNumber) -> usize {
    of(&number.to_string()[2..11])
}

/// A national number of someone born on that day.
pub fn insz(born: NaiveDate, serial: u32) -> String {
    let nine = format!("{}{serial:03}", born.format("%y%m%d"));
    let century = if born.year() >= 2000 { 2_000_000_000 } else { 0 };
    let number: u64 = of(&nine);
    format!("{nine}{:02}", 97 - (century + number) % 97)
}

pub fn euro(cents: i64) -> Price {
    Price::try_from(Euro::cents(cents)).expect("a price")
}

fn town(postal_code: &str) -> Municipality {
    Municipality { postal_code: of(postal_code), name: of(town_name(postal_code)) }
}

fn town_name(postal_code: &str) -> &'static str {
    match postal_code {
        "9981" => "Meerdal",
        "9987" => "Terbeke",
        "9050" => "Overstroom",
        _ => "Elders",
    }
}

pub fn address(home: Option<&str>) -> Address {
    let address = match home {
        Some(code) => Address::new(None, of(code), of(town_name(code)), of("be")),
        None => Address::new(None, of("59000"), of("Rijsel"), of("fr")),
    };
    address.expect("an address")
}

fn limit((volume, per): Times) -> Limit {
    let period = match per {
        Per::Ever => Period::Absolute,
        Per::Day => Period::Day,
        Per::Week => Period::Week,
        Per::Month => Period::Month,
        Per::Quarter => Period::Quarter,
        Per::Year => Period::Year,
    };
    Limit { volume, period }
}

fn key_ids(keys: &[u32]) -> BTreeSet<DistributionKeyId> {
    keys.iter().copied().map(DistributionKeyId).collect()
}

fn range((from, until): (Option<&str>, Option<&str>)) -> DayRange {
    DayRange { from: from.map(of), until: until.map(of) }
}

pub fn card_system(known: &System, at: DateTime<Utc>) -> Vec<card_system::Command> {
    use card_system::{Command, Settings};
    let municipalities = known.towns.iter().map(|code| town(code)).collect();
    let name = of(&format!("UiTPAS {}", town_name(known.towns[0])));
    let mut commands = vec![Command::Create { name, municipalities, at }];
    for (name, acts, _) in ACTORS {
        if acts == Acts::Ksb(known.id) {
            commands.push(Command::AddKsbAdmin { admin: of(name), at });
        }
    }
    for key in known.keys {
        let percent = |percent: u32| Decimal::from(percent);
        let split = match key.splits {
            Splits::Percents(passholder, organizer, municipality) => DistributionKey::percentages(
                percent(passholder),
                percent(organizer),
                percent(municipality),
            ),
            Splits::Fixed(amount, organizer, municipality) => {
                DistributionKey::fixed(Euro::cents(amount), organizer, municipality)
            }
        };
        let key = DefinedKey {
            id: DistributionKeyId(key.id),
            name: of(&format!("Sleutel {}", key.id)),
            key: split.expect("a key within the bounds"),
            region: if key.any_region { Region::Any } else { Region::Own },
            price_below: key.price_below.map(Euro::cents),
        };
        commands.push(Command::DefineKey { key, at });
    }
    commands.push(Command::ChooseDefaultKeys { keys: key_ids(known.default_keys), at });
    let mut from_age = 0;
    let mut brackets = Vec::new();
    for (until_age, regular, with_social_status) in known.prices {
        brackets.push(PriceBracket {
            from_age,
            until_age: *until_age,
            regular: euro(*regular),
            with_social_status: euro(*with_social_status),
        });
        from_age = until_age.map_or(from_age, |until| until + 1);
    }
    commands.push(Command::SetPrices { brackets, at });
    let (replacement, upgrade) = (euro(known.replacement), euro(known.upgrade));
    let prices = AdministrativePrices { replacement, upgrade };
    commands.push(Command::SetAdministrativePrices { prices, at });
    let (before, after) = known.without_staff;
    let settings = Settings {
        grace_days: known.grace_days,
        expired_closes_points: known.expired_closes_points,
        without_staff: Margins {
            minutes_before: before as u32,
            after: After::Minutes(after as u32),
        },
    };
    commands.push(Command::ChangeSettings { settings, at });
    commands
}

pub fn counter(index: usize, at: DateTime<Utc>) -> Vec<counter::Command> {
    use counter::Command;
    let known = &COUNTERS[index];
    let profile = Profile {
        name: of(known.id),
        address: address(Some(known.home)),
        card_systems: known.systems.iter().copied().map(CardSystemId).collect(),
    };
    let mut commands = vec![Command::Create { profile, at }];
    for terms in known.terms {
        let group = match terms.level {
            1 => PermissionGroup::CheckInAndTicket,
            2 => PermissionGroup::UnauthorisedRegistration,
            _ => PermissionGroup::AuthorisedRegistration,
        };
        let card_system = CardSystemId(terms.system);
        let terms = counter::Terms {
            groups: [group].into(),
            other_municipalities: terms.other_municipalities,
            keys: key_ids(terms.keys),
            ticket_limit: terms.ticket_limit.map(limit),
        };
        commands.push(Command::SetTerms { card_system, terms, at });
    }
    for (name, acts, staff_of) in ACTORS {
        if staff_of == Some(index) {
            let kind = if acts == Acts::Admin { StaffKind::Admin } else { StaffKind::Member };
            let (subject, by) = (Some(of(name)), Role::Ksb);
            commands.push(Command::AddStaff(AddStaff { subject, kind, by, at }));
        }
    }
    commands
}

pub fn activity(known: &ActivityIs, at: DateTime<Utc>) -> Vec<activity::Command> {
    use activity::Command;
    let occurrence = |(start, end): &(&str, Option<&str>)| Occurrence {
        start: instant(start),
        end: end.map(instant),
        available: true,
    };
    let hours = |days: &[u32], opens: &str, closes: &str| {
        let days = days.iter().map(|day| Weekday::try_from(*day as u8).expect("a weekday"));
        vec![OpeningHours { days: days.collect(), opens: of(opens), closes: of(closes) }]
    };
    let calendar = match &known.when {
        When::Once(start, end) => Calendar::Single(occurrence(&(start, *end))),
        When::Several(all) => Calendar::Multiple(all.iter().map(occurrence).collect()),
        When::Weekly(from, until, days, opens, closes) => Calendar::Periodic {
            from: of(from),
            until: of(until),
            hours: hours(days, opens, closes),
        },
        When::Hours(days, opens, closes) => {
            Calendar::Permanent { hours: hours(days, opens, closes) }
        }
        When::Always => Calendar::Permanent { hours: vec![] },
    };
    let price = |(name, cents): &(&str, i64)| NamedPrice { name: of(name), price: euro(*cents) };
    let description = Box::new(Description {
        title: of(known.id),
        organizer: counter_id(known.organizer),
        calendar,
        prices: known.prices.iter().map(price).collect(),
        available: true,
        withdrawn: false,
        audience: Audience::Everyone,
        location: None,
        terms: vec![],
    });
    let settings = Settings {
        check_in_points: known.points,
        check_in_limit: known.check_in_limit.map(limit),
        ticket_limit: known.ticket_limit.map(limit),
    };
    let mut commands =
        vec![Command::Import { description, at }, Command::ChangeSettings { settings, at }];
    if let Some(chosen) = known.chosen {
        let card_systems: BTreeMap<_, _> =
            chosen.iter().map(|(id, keys)| (CardSystemId(*id), key_ids(keys))).collect();
        commands.push(Command::ChooseCardSystems { card_systems, at });
    }
    commands
}

pub fn reward(known: &RewardIs) -> reward::Definition {
    reward::Definition {
        title: of(known.title),
        kind: if known.points == 0 { Kind::Welcome } else { Kind::Points },
        points: known.points,
        status: Status::Active,
        description: of(known.title),
        practical_info: None,
        more_info_url: None,
        categories: vec![],
        marks: reward::Marks::default(),
        pictures: vec![],
        owner: CardSystemId(1),
        publication: DayRange::default(),
        granting: range(known.granting),
        redemption: range(known.redemption),
        units_max: known.units,
        passholder_limit: known.limit.map(limit),
        only_inhabitants_of: known.inhabitants.iter().map(|code| of(code)).collect(),
        only_at_counters: known.counters.iter().map(|index| counter_id(*index)).collect(),
        only_card_systems: known.systems.iter().copied().map(CardSystemId).collect(),
    }
}

pub fn coupon(known: &CouponIs) -> coupon::Definition {
    let terms = match known.does {
        Does::Percents(passholder, organizer, municipality) => coupon::Terms::Percentages {
            passholder: passholder.into(),
            organizer: organizer.into(),
            municipality: municipality.into(),
        },
        Does::PercentOff(percent, organizer_part, municipality_part) => {
            coupon::Terms::PercentOff { percent: percent.into(), organizer_part, municipality_part }
        }
        Does::AmountOff(cents, organizer_part, municipality_part) => {
            let amount = Euro::cents(cents);
            coupon::Terms::AmountOff { amount, organizer_part, municipality_part }
        }
    };
    coupon::Definition {
        name: of("Bon"),
        description: None,
        owner: CardSystemId(known.owner),
        limit: known.limit.map(limit),
        validity: range(known.validity),
        only_activities: known.activities.iter().map(|id| of(id)).collect(),
        only_at_counters: BTreeSet::new(),
        card_systems: known.systems.iter().copied().map(CardSystemId).collect(),
        granted_to: match known.grants {
            Grants::Everyone => GrantedTo::Everyone,
            Grants::Status => GrantedTo::SocialStatus,
            Grants::Segment(home, from, until) => GrantedTo::Segment(Segment {
                inhabitants_of: [of(home)].into(),
                from_age: Some(from),
                until_age: Some(until),
                with_social_status: false,
            }),
        },
        effect: Effect::try_from(terms).expect("an effect that adds up"),
        payer: known.payer.map(town),
    }
}

//! Insight of a region over a period: who its passholders are, and what they did (R-KSB-04).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use strum::VariantArray;
use uitpas_domain::calendar::{age_on, day_in_belgium, end_of_day, start_of_day};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::insight::{AgeBand, Shown, breakdowns};
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::members::Member;
use uitpas_projections::{check_ins, members, passholders, redemptions, ticket_sales};
use uuid::Uuid;

use super::card_systems::demand_admin;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// By what the passholders are told apart, in the order in which it is shown.
pub const DIMENSIONS: [&str; 3] = ["municipality", "age", "status"];

/// A part of the region's passholders, or all of them, with what is shown of each measure.
#[derive(Debug, Clone)]
pub struct Row {
    pub dimension: &'static str,
    pub part: String,
    pub passholders: Shown,
    /// Passholders who saved a point.
    pub participants: Shown,
    pub check_ins: Shown,
    pub tickets: Shown,
    pub rewards: Shown,
    /// What the municipalities pay of those tickets; absent where they are not shown.
    pub cost: Option<Euro>,
}

/// What one passholder did.
#[derive(Debug, Clone, Copy, Default)]
struct Did {
    check_ins: u64,
    tickets: u64,
    rewards: u64,
    cost: Euro,
}

/// What is counted of a part.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    passholders: u64,
    participants: u64,
    check_ins: u64,
    tickets: u64,
    rewards: u64,
    cost: Euro,
}

/// The rows of each dimension, and last that of all. The passholders are those of the last day.
pub async fn of_region(
    app: &App,
    caller: &Caller,
    id: CardSystemId,
    (from, until): (NaiveDate, NaiveDate),
) -> Answer<Vec<Row>> {
    demand_admin(app, caller, id).await?;
    if until < from {
        return Err(Problem::Query("until".to_owned(), "lies before from".to_owned()));
    }
    for view in [
        members::PROJECTION.name,
        passholders::PROJECTION.name,
        check_ins::PROJECTION.name,
        ticket_sales::PROJECTION.name,
        redemptions::PROJECTION.name,
    ] {
        app.caught_up(caller, view).await?;
    }
    let system = app.store.load::<CardSystem>(&id).await?.state.clone();
    let grace_days = system.settings.grace_days;
    let did = did(app, start_of_day(from), end_of_day(until)).await?;
    let births: HashMap<Uuid, NaiveDate> =
        passholders::birth_dates(app.pool(), id).await?.into_iter().collect();
    let moment = end_of_day(until).min(app.now());

    let mut parts: Parts = Default::default();
    for municipality in &system.municipalities {
        parts[0].entry((0, municipality.to_string())).or_default();
    }
    for band in AgeBand::VARIANTS {
        parts[1].entry(of_band(*band)).or_default();
    }
    for state in STATES {
        parts[2].entry((0, state.to_string())).or_default();
    }
    for member in members::as_of_moment(app.pool(), id, moment).await? {
        let Some(state) = state(&member, id, moment, (until, grace_days)) else { continue };
        let home = member.home(moment);
        let home = home.filter(|home| system.has_inhabitants_of(&home.postal_code));
        let home = home.map_or_else(|| ELSEWHERE.to_owned(), ToString::to_string);
        let age = age(&member, births.get(&member.id), until);
        let did = did.get(&member.id).copied().unwrap_or_default();
        let of = [(0, home), of_band(AgeBand::of(age)), (0, state.to_string())];
        for (parts, part) in parts.iter_mut().zip(of) {
            parts.entry(part).or_default().add(did);
        }
    }
    Ok(rows(&parts))
}

/// Passholders who live outside the region.
const ELSEWHERE: &str = "elsewhere";

/// What is counted by each dimension: the parts by their name, and before it what else they are
/// sorted by.
type Parts = [BTreeMap<(usize, String), Counted>; 3];

const STATES: [OnDay; 5] =
    [OnDay::None, OnDay::Active, OnDay::Grace, OnDay::Expired, OnDay::Suspended];

fn of_band(band: AgeBand) -> (usize, String) {
    (band as usize, band.to_string())
}

/// Nothing for whoever was no member, or one who is blocked.
fn state(
    member: &Member,
    id: CardSystemId,
    moment: DateTime<Utc>,
    (day, grace_days): (NaiveDate, u16),
) -> Option<OnDay> {
    let membership = member.membership(id, moment).filter(|membership| !membership.blocked)?;
    let status = membership.social_status.as_ref();
    Some(status.map_or(OnDay::None, |status| status.on(day, grace_days, false)))
}

/// Of whoever was removed the birth date is gone: then as many years after the registration as have
/// passed, which may be one too few.
fn age(member: &Member, birth: Option<&NaiveDate>, day: NaiveDate) -> u16 {
    match birth {
        Some(birth) => age_on(*birth, day),
        None => {
            let since = day.years_since(day_in_belgium(member.registered_at)).unwrap_or(0);
            u16::try_from(member.age.unsigned_abs() + since).unwrap_or(u16::MAX)
        }
    }
}

impl Counted {
    fn add(&mut self, did: Did) {
        self.passholders += 1;
        self.participants += u64::from(did.check_ins > 0);
        self.check_ins += did.check_ins;
        self.tickets += did.tickets;
        self.rewards += did.rewards;
        self.cost += did.cost;
    }
}

async fn did(app: &App, from: DateTime<Utc>, until: DateTime<Utc>) -> Answer<HashMap<Uuid, Did>> {
    let mut did: HashMap<Uuid, Did> = HashMap::new();
    for (id, count) in check_ins::counts(app.pool(), from, until).await? {
        did.entry(id).or_default().check_ins = count.unsigned_abs();
    }
    for (id, count, cents) in ticket_sales::counts(app.pool(), from, until).await? {
        let of = did.entry(id).or_default();
        (of.tickets, of.cost) = (count.unsigned_abs(), Euro::cents(cents));
    }
    for (id, count) in redemptions::counts(app.pool(), from, until).await? {
        did.entry(id).or_default().rewards = count.unsigned_abs();
    }
    Ok(did)
}

/// What is shown of the parts. Each measure is hidden by itself. The cost is shown where both the
/// tickets and the passholders are, and nowhere where the others would tell the one that is not.
fn rows(parts: &Parts) -> Vec<Row> {
    let hidden = |count: fn(&Counted) -> u64| {
        let of: Vec<Vec<u64>> =
            parts.iter().map(|parts| parts.values().map(count).collect()).collect();
        breakdowns(&of)
    };
    let measures = [
        hidden(|counted| counted.passholders),
        hidden(|counted| counted.participants),
        hidden(|counted| counted.check_ins),
        hidden(|counted| counted.tickets),
        hidden(|counted| counted.rewards),
    ];
    let row = |dimension, part: &str, shown: [Shown; 5], cost: Euro| {
        let [passholders, participants, check_ins, tickets, rewards] = shown;
        let is_exact = |shown| matches!(shown, Shown::Exactly(_));
        let cost = (is_exact(tickets) && is_exact(passholders)).then_some(cost);
        let part = part.to_owned();
        Row { dimension, part, passholders, participants, check_ins, tickets, rewards, cost }
    };
    let mut rows = Vec::new();
    let mut gives_away = false;
    for (of, dimension) in DIMENSIONS.into_iter().enumerate() {
        let mut hidden_costs = 0;
        for (at, ((_, part), counted)) in parts[of].iter().enumerate() {
            let shown = measures.each_ref().map(|measure| measure.parts[of][at]);
            let row = row(dimension, part, shown, counted.cost);
            hidden_costs += usize::from(row.cost.is_none() && counted.cost > Euro::ZERO);
            rows.push(row);
        }
        gives_away |= hidden_costs == 1;
    }
    let cost = parts[0].values().map(|counted| counted.cost).sum();
    rows.push(row("all", "all", measures.each_ref().map(|measure| measure.total), cost));
    if gives_away {
        rows.iter_mut().for_each(|row| row.cost = None);
    }
    rows
}

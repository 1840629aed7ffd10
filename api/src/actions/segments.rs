//! Segments of passholders to write to (R-KSB-05).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strum::VariantArray;
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::insight::{AgeBand, Shown};
use uitpas_domain::passholder::registration::Gender;
use uitpas_domain::segment::{Message, size};
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::place::PostalCode;
use uitpas_projections::passholders::Passholder;
use uitpas_projections::{activities, check_ins, counters, passholders};

use super::card_systems::demand_admin;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Answer;

/// Which passholders; what is empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    pub postal_codes: Vec<PostalCode>,
    pub ages: Vec<AgeBand>,
    /// Where it is known.
    pub genders: Vec<Gender>,
    pub statuses: Vec<OnDay>,
    /// Kinds and themes of activities of this region where they took part, in the words of
    /// UiTdatabank.
    pub terms: Vec<String>,
}

/// Members of the card system, and members of others who took part at one of its organizers.
pub struct Found {
    pub size: Shown,
    /// Those who opted in to the message and can be reached by it; none without a message.
    pub recipients: Vec<Passholder>,
}

pub async fn find(
    app: &App,
    caller: &Caller,
    id: CardSystemId,
    segment: &Segment,
    message: Option<Message>,
) -> Answer<Found> {
    demand_admin(app, caller, id).await?;
    for view in [
        passholders::PROJECTION.name,
        counters::PROJECTION.name,
        activities::PROJECTION.name,
        check_ins::PROJECTION.name,
    ] {
        app.caught_up(caller, view).await?;
    }
    let pool = app.pool();
    let organizers = counters::counters_in(pool, &[id]).await?;
    let organizers: Vec<String> = organizers.into_iter().map(|counter| counter.id).collect();
    let with_terms = match segment.terms.is_empty() {
        true => None,
        false => Some(activities::with_terms(pool, &organizers, &segment.terms).await?),
    };
    let took_part = check_ins::participants(pool, &organizers, with_terms.as_deref()).await?;
    let only_these = with_terms.is_some();
    let mut found = passholders::of_region(pool, id, &took_part, only_these).await?;

    let today = day_in_belgium(app.now());
    let mut grace_days = BTreeMap::new();
    let systems: BTreeSet<CardSystemId> =
        found.iter().flat_map(|row| row.memberships.0.keys().copied()).collect();
    for system in systems {
        let known: Arc<CardSystem> = app.store.load::<CardSystem>(&system).await?.state.clone();
        grace_days.insert(system, known.settings.grace_days);
    }
    let status = |row: &Passholder| {
        row.memberships.0.iter().find_map(|(system, membership)| {
            let grace_days = grace_days.get(system).copied().unwrap_or_default();
            let status = membership.social_status.as_ref()?;
            Some(status.on(today, grace_days, membership.blocked))
        })
    };
    let took_part: BTreeSet<_> = took_part.into_iter().collect();
    found.retain(|row| {
        let is_member = row.memberships.0.get(&id).is_some_and(|of| !of.blocked);
        let lives = |code: &PostalCode| row.home_postal_code == Some(code.to_string());
        let age = row.birth_date.map(|born| AgeBand::of(age_on(born, today)));
        let is_gender = |gender: &Gender| row.gender == Some(gender.to_string());
        (is_member || took_part.contains(&row.id))
            && (segment.postal_codes.is_empty() || segment.postal_codes.iter().any(lives))
            && (segment.ages.is_empty() || age.is_some_and(|age| segment.ages.contains(&age)))
            && (segment.genders.is_empty() || segment.genders.iter().any(is_gender))
            && (segment.statuses.is_empty()
                || segment.statuses.contains(&status(row).unwrap_or(OnDay::None)))
    });
    let counts: Vec<u64> = Message::VARIANTS
        .iter()
        .map(|message| found.iter().filter(|row| gets(row, *message)).count() as u64)
        .collect();
    let size = size(found.len() as u64, &counts);
    match message {
        Some(message) => found.retain(|row| gets(row, message)),
        None => found.clear(),
    }
    Ok(Found { size, recipients: found })
}

/// Whether a passholder opted in to a message, and can be reached by it.
fn gets(row: &Passholder, message: Message) -> bool {
    let can_be_reached = match message {
        Message::ServiceMail | Message::MilestoneMail | Message::InfoMail => row.email.is_some(),
        Message::Sms => row.phone.is_some(),
        Message::Post => row.street.is_some(),
    };
    can_be_reached && message.is_wanted_by(&row.preferences.0)
}

//! What holds whatever is asked in whatever order: points, tickets and units over random stories.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use uitpas_domain::activity::Settings;
use uitpas_domain::calendar::{Period, day_in_belgium};
use uitpas_domain::ids::RedemptionId;
use uitpas_domain::limit::Limit;
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::cards::BlockReason;
use uitpas_domain::passholder::redemptions::CancelRedemption;
use uitpas_domain::passholder::ticket_sales::Item;
use uitpas_domain::passholder::{Command, Event, Passholder};
use uitpas_domain::reward::{self, Definition, Reward};
use uitpas_domain::values::euro::Euro;

use crate::given::*;
use crate::rewards::{costing, created, mug, redeems};

/// Something that is asked for Anna; numbers name a thing made earlier, or one that never was. A
/// sale and its point have a hundred times the number of the step that made them.
#[derive(Debug, Clone)]
enum Asked {
    CheckIn { activity: usize, hours: i64 },
    Correct { number: u128 },
    Sell { activities: Vec<usize>, hours: i64 },
    Cancel { number: u128 },
    Redeem { points: u32 },
    GiveBack { number: u128 },
    Block,
    Replace,
}

fn anything() -> impl Strategy<Value = Asked> {
    let activity = 0..4_usize;
    let hours = 0..400_i64;
    prop_oneof![
        4 => (activity.clone(), hours.clone())
            .prop_map(|(activity, hours)| Asked::CheckIn { activity, hours }),
        2 => (0..40_u128, prop::bool::ANY)
            .prop_map(|(number, of_sale)| number * if of_sale { 100 } else { 1 })
            .prop_map(|number| Asked::Correct { number }),
        4 => (prop::collection::vec(activity, 1..4), hours)
            .prop_map(|(activities, hours)| Asked::Sell { activities, hours }),
        2 => (0..40_u128).prop_map(|number| Asked::Cancel { number }),
        3 => (1..4_u32).prop_map(|points| Asked::Redeem { points }),
        2 => (0..40_u128).prop_map(|number| Asked::GiveBack { number }),
        1 => Just(Asked::Block),
        1 => Just(Asked::Replace),
    ]
}

/// A film, a film worth five points, a museum, and one that takes three visits a week.
fn activities() -> [Offering; 4] {
    let often = Some(Limit { volume: 3, period: Period::Week });
    let five = Settings { check_in_points: 5, ..Settings::default() };
    let busy = Settings { check_in_limit: often, ticket_limit: often, ..Settings::default() };
    [
        film(),
        with_settings(called("gala", film()), five),
        called("museum", museum()),
        with_settings(called("sporthal", museum()), busy),
    ]
}

/// The command for what is asked, with the card that Anna has by then.
fn command(step: u128, asked: Asked, before: &Story<Passholder>) -> Command {
    let card = before.holder().current_card().unwrap_or(social_card());
    let activities = activities();
    let after = |hours| brussels("2026-06-15 00:00:00") + TimeDelta::hours(hours);
    match asked {
        Asked::CheckIn { activity, hours } => {
            checks_in(check_in(step, &activities[activity], card, after(hours)))
        }
        Asked::Correct { number } => corrects(number, ksb()),
        Asked::Sell { activities: chosen, hours } => {
            let items = chosen.into_iter().zip(0..).map(|(activity, place)| {
                let number = step * 100 + place;
                Item { card, ..ticket(number, &activities[activity], "10.00") }
            });
            sells(items, after(hours))
        }
        Asked::Cancel { number } => cancels(number * 100, ksb()),
        Asked::Redeem { points } => redeems(step, card, &costing(points)),
        Asked::GiveBack { number } => {
            let redemption = RedemptionId(uuid(number));
            Command::CancelRedemption(CancelRedemption { redemption, by: ksb(), at: now() })
        }
        Asked::Block => blocks(card, BlockReason::Loss, desk()),
        Asked::Replace => crate::cards::gives(other_social_card(), desk()),
    }
}

proptest! {
    /// R-CHK-08, R-CHK-09, R-RWD-02, R-RWD-08
    #[test]
    fn the_balance_is_what_was_given_and_returned_less_what_was_corrected_and_redeemed(
        story in prop::collection::vec(anything(), 1..40),
    ) {
        let mut anna = given([registered(anna())]);
        let mut log = Vec::new();
        for (asked, step) in story.into_iter().zip(1..) {
            let command = command(step, asked, &anna);
            let redeems = matches!(command, Command::Redeem(_));
            let Ok(events) = anna.state.decide(command) else { continue };
            log.extend(events.clone());
            events.into_iter().for_each(|event| anna.state.evolve(event));
            // Only a correction makes the balance negative.
            prop_assert!(!redeems || anna.points() >= 0);
        }
        let sum: i64 = log.iter().map(points_moved).sum();
        prop_assert_eq!(anna.points(), sum);
        // And what was stored tells the same.
        let told_again = given([vec![registered(crate::given::anna())], log.clone()].concat());
        prop_assert_eq!(&told_again.state, &anna.state);
        each_thing_ends_once(&log)?;
        limits_hold(&told_again)?;
        prices_are_shared_to_the_cent(&log)?;
    }

    /// R-RWD-04, R-RWD-08
    #[test]
    fn never_more_units_are_out_than_there_are(
        units_max in 0..4_u32,
        story in prop::collection::vec((any::<bool>(), 0..6_u128), 1..60),
    ) {
        let at = now();
        let definition = Definition { units_max: Some(units_max), ..mug() };
        let mut reward: Story<Reward> = given([created(definition)]);
        let mut out = BTreeSet::new();
        for (takes, number) in story {
            let redemption = RedemptionId(uuid(number));
            let command = if takes {
                reward::Command::TakeUnit { redemption, at }
            } else {
                reward::Command::ReturnUnit { redemption, at }
            };
            let Ok(events) = reward.state.decide(command) else {
                prop_assert!(takes && out.len() == units_max as usize);
                continue;
            };
            if takes {
                out.insert(redemption);
            } else {
                out.remove(&redemption);
            }
            events.into_iter().for_each(|event| reward.state.evolve(event));
            prop_assert!(out.len() <= units_max as usize);
            prop_assert_eq!(reward.state.units_taken() as usize, out.len());
        }
    }
}

fn points_moved(event: &Event) -> i64 {
    match event {
        Event::CheckedIn(given) => i64::from(given.points),
        Event::CheckInCorrected { points, .. } => -i64::from(*points),
        Event::RewardRedeemed(redeemed) => -i64::from(redeemed.points),
        Event::RedemptionCancelled { points, .. } => i64::from(*points),
        _ => 0,
    }
}

/// A check-in is corrected, a sale and a redemption are cancelled at most once, and with exactly
/// the points they moved.
fn each_thing_ends_once(log: &[Event]) -> Result<(), TestCaseError> {
    let mut moved = BTreeMap::new();
    let mut sales = BTreeSet::new();
    for event in log {
        match event {
            Event::CheckedIn(given) => {
                let id = given.check_in.to_string();
                prop_assert!(moved.insert(id, given.points).is_none());
            }
            Event::RewardRedeemed(redeemed) => {
                let id = format!("redemption {}", redeemed.redemption);
                prop_assert!(moved.insert(id, redeemed.points).is_none());
            }
            Event::CheckInCorrected { check_in, points, .. } => {
                prop_assert_eq!(moved.remove(&check_in.to_string()), Some(*points));
            }
            Event::RedemptionCancelled { redemption, points, .. } => {
                prop_assert_eq!(moved.remove(&format!("redemption {redemption}")), Some(*points));
            }
            Event::TicketSold(sold) => prop_assert!(sales.insert(sold.sale)),
            Event::TicketSaleCancelled { sale, .. } => prop_assert!(sales.remove(sale)),
            _ => {}
        }
    }
    Ok(())
}

/// R-CHK-03, R-TAR-05
fn limits_hold(anna: &Story<Passholder>) -> Result<(), TestCaseError> {
    let holder = anna.holder();
    let within = |limit: Limit, days: Vec<NaiveDate>| {
        days.iter().all(|day| {
            let used = days.iter().filter(|other| limit.period.same(**other, *day)).count();
            used <= limit.volume as usize
        })
    };
    for offering in activities() {
        let id = &offering.id;
        let given = holder.given_at(id).map(|given| day_in_belgium(given.at));
        prop_assert!(within(offering.activity.check_in_limit(), given.collect()), "points of {id}");
        let sold = holder.sales.values().filter(|sold| sold.activity == *id && !sold.cancelled);
        let sold = sold.map(|sold| day_in_belgium(sold.at));
        prop_assert!(within(offering.activity.ticket_limit(), sold.collect()), "tickets of {id}");
    }
    Ok(())
}

/// R-TAR-02, R-TAR-08
fn prices_are_shared_to_the_cent(log: &[Event]) -> Result<(), TestCaseError> {
    for event in log {
        let Event::TicketSold(sold) = event else { continue };
        let shares = [sold.shares.passholder, sold.shares.organizer, sold.shares.municipality];
        prop_assert_eq!(shares.into_iter().sum::<Euro>(), sold.price.euro());
    }
    Ok(())
}

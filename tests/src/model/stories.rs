//! Stories, told to both.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::answer::Answer;
use super::setting::ACTIVITIES;
use super::simple::Simple;
use super::step::{PEOPLE, Price, Shown, Step, Ticket, story};
use super::world::World;

/// Steps of a story, after the registrations it begins with.
pub const STEPS: usize = 220;

/// The story with this number: always the same one.
pub fn numbered(number: u64) -> Vec<Step> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    story(STEPS).new_tree(&mut runner).expect("a story is never rejected").current()
}

/// How the rules and the simple model part, if they do.
pub fn parts(steps: &[Step]) -> Option<String> {
    let (mut simple, mut world) = (Simple::default(), World::default());
    for (index, step) in steps.iter().enumerate() {
        let base = (index as u128 + 1) * 10_000;
        let answered = world.carry_out(base, step, &simple);
        let expected = simple.carry_out(base, step);
        if answered != expected {
            return Some(format!(
                "at {}, {step:?}\nrules: {answered:?}\nmodel: {expected:?}",
                simple.now
            ));
        }
        let (pictured, expected) = (world.picture(), simple.picture());
        if pictured != expected {
            return Some(format!(
                "after {step:?} at {}\n{}",
                simple.now,
                difference(&pictured, &expected)
            ));
        }
        if (index % 40 == 39 || index + 1 == steps.len())
            && let Some(parting) = previews_part(base + 5_000, &simple, &world)
        {
            return Some(format!("after {step:?} at {}, asked only: {parting}", simple.now));
        }
    }
    world.told_again()
}

/// The answers to each step of a story.
pub fn answers(number: u64) -> Vec<(Step, Answer)> {
    let mut simple = Simple::default();
    let steps = numbered(number).into_iter().zip(1..);
    let told = steps.map(|(step, base)| {
        let answer = simple.carry_out(base * 10_000, &step);
        (step, answer)
    });
    told.collect()
}

/// Whatever could be asked next is answered alike: what remains of every limit, in one word.
fn previews_part(base: u128, simple: &Simple, world: &World) -> Option<String> {
    for who in 0..PEOPLE {
        for activity in 0..ACTIVITIES.len() {
            let shown = Shown::Of(who, 0);
            let channel = super::step::Channel::Counter;
            let ticket = |coupon| {
                let price = Price::Nth(0);
                let tickets = vec![Ticket { activity, shown, price, coupon }];
                Step::Sell { by: if activity % 2 == 0 { 6 } else { 4 }, tickets }
            };
            for asked in [
                Step::CheckIn { by: 6, activity, shown, channel },
                ticket(None),
                ticket(Some((activity + who) % 4)),
            ] {
                let answered = world.preview(base, &asked, simple);
                let expected = simple.clone().carry_out(base, &asked);
                if answered != expected {
                    return Some(format!("{asked:?}\nrules: {answered:?}\nmodel: {expected:?}"));
                }
            }
        }
    }
    None
}

fn difference(pictured: &super::answer::Picture, expected: &super::answer::Picture) -> String {
    let people = pictured.people.iter().zip(&expected.people).enumerate();
    let people = people.filter(|(_, (ours, theirs))| ours != theirs);
    let people: Vec<String> = people
        .map(|(who, (ours, theirs))| format!("person {who}\nrules: {ours:?}\nmodel: {theirs:?}"))
        .collect();
    match people.is_empty() {
        false => people.join("\n"),
        true => format!(
            "rules: {:?} {:?} {:?}\nmodel: {:?} {:?} {:?}",
            pictured.cards,
            pictured.units,
            pictured.notes,
            expected.cards,
            expected.units,
            expected.notes
        ),
    }
}

/// The story without whatever is not needed for the two to part.
pub fn shortest(mut steps: Vec<Step>) -> Vec<Step> {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut shorter = steps.clone();
            shorter.drain(at..(at + size).min(steps.len()));
            if parts(&shorter).is_some() {
                steps = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    steps
}

/// Fails with the shortest story in which the two part.
#[track_caller]
pub fn agree(number: u64) {
    let steps = numbered(number);
    if parts(&steps).is_some() {
        let steps = shortest(steps);
        let parting = parts(&steps).expect("it is not shortened beyond that");
        let told: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
        panic!("story {number}, shortened:\n{}\n{parting}", told.join("\n"));
    }
}

/// A world that was told a story in another order, with some events twice and some left out, is
/// asked another one. It may answer what it likes.
pub fn out_of_order(number: u64) {
    let (mut simple, mut world) = (Simple::default(), World::default());
    for (step, base) in numbered(number).iter().zip(1..) {
        let _ = world.carry_out(base * 10_000, step, &simple);
        let _ = simple.carry_out(base * 10_000, step);
    }
    let (region, told) = world.log.split_first().expect("the region is laid down first");
    let events = told.iter().flat_map(|unit| &unit.events).cloned();
    let somewhere =
        |index: u64| (index + number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    let mut shuffled: Vec<_> = events.zip(0..).filter(|(_, index)| index % 7 != 3).collect();
    shuffled.extend_from_within(..shuffled.len() / 5);
    shuffled.sort_by_key(|(_, index)| somewhere(*index));
    let shuffled = shuffled.into_iter().map(|(event, _)| event);
    let mut odd = World::told(region.events.iter().cloned().chain(shuffled));
    for (step, base) in numbered(number + 1_000).iter().zip(1_000..) {
        let _ = odd.carry_out(base * 10_000, step, &simple);
        let _ = simple.carry_out(base * 10_000, step);
    }
    odd.picture();
}

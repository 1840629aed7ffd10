//! Whatever is asked, in whatever order and by whom: the rules answer as a simple model of the
//! rulebook does, and everything stands where that says. A failure shows the shortest story.

use std::collections::BTreeMap;

use uitpas_tests::model::stories;

/// Stories that are told each time. All: `UITPAS_MODEL_STORIES=2000`.
const STORIES: u64 = 50;

/// R-CHK, R-TAR, R-CPN, R-RWD, R-SOC, R-CRD, R-REG, R-NOTE, R-BLK-02
#[test]
fn the_rules_answer_as_the_simple_model_does() {
    let stories = std::env::var("UITPAS_MODEL_STORIES").map_or(STORIES, |count| {
        count.parse().expect("UITPAS_MODEL_STORIES is a number of stories")
    });
    for number in 0..stories {
        stories::agree(number);
    }
}

/// Stories in which everything is refused would prove little.
#[test]
fn the_stories_come_everywhere() {
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let all = (0..STORIES).flat_map(stories::answers);
    let mut steps = 0;
    for (step, answer) in all {
        steps += 1;
        let kind = format!("{step:?}");
        let kind = kind.split([' ', '(']).next().unwrap_or_default().to_owned();
        match answer {
            Ok(_) => *done.entry(kind).or_default() += 1,
            Err(why) => *refused.entry(format!("{why:?}")).or_default() += 1,
        }
    }
    let shown = format!("{steps} steps\ndone: {done:?}\nrefused: {refused:?}");
    for (kind, least) in [
        ("Register", 200),
        ("Move", 20),
        ("Remove", 5),
        ("CheckIn", 300),
        ("Correct", 100),
        ("Sell", 100),
        ("Cancel", 50),
        ("Redeem", 50),
        ("GiveBack", 20),
        ("Block", 40),
        ("Replace", 10),
        ("TakeUp", 30),
        ("Extend", 20),
        ("Suspend", 10),
        ("Lift", 1),
        ("BlockMembership", 5),
        ("IssueNote", 30),
        ("Approve", 2),
        ("Object", 2),
        ("Settle", 1),
        ("Bulk", 30),
    ] {
        assert!(done.get(kind).is_some_and(|times| *times >= least), "{kind} {least}\n{shown}");
    }
    assert!(refused.len() >= 60, "{} kinds of reason\n{shown}", refused.len());
}

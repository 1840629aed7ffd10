//! R-KSB-04: figures that tell nothing of a person.

use std::collections::{BTreeMap, BTreeSet};

use uitpas_domain::insight::*;

use Shown::{Exactly, Few, Many};

/// R-KSB-04
#[test]
fn counts_from_1_to_4_are_not_shown() {
    for (count, text) in [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (6, "6"), (1000, "1000")] {
        assert_eq!(shown(count).to_string(), text);
    }
}

/// R-KSB-04: nor can they be worked out from the total.
#[test]
fn a_total_does_not_give_away_what_is_hidden() {
    let of = |counts: &[u64]| breakdowns(&[counts.to_vec()]);
    assert_eq!(
        of(&[10, 20, 0]),
        Breakdowns { parts: vec![vec![Exactly(10), Exactly(20), Exactly(0)]], total: Exactly(30) }
    );
    // One hidden cell would be the total less the others: another is hidden too.
    assert_eq!(
        of(&[3, 20, 10]),
        Breakdowns { parts: vec![vec![Few, Many, Exactly(10)]], total: Exactly(33) }
    );
    assert_eq!(of(&[4, 4, 9]).parts, [[Few, Few, Many]]);
    assert_eq!(of(&[1, 8]), Breakdowns { parts: vec![vec![Few, Many]], total: Exactly(9) });
    assert_eq!(of(&[1, 7]), Breakdowns { parts: vec![vec![Few, Many]], total: Many });
    assert_eq!(of(&[4, 4]), Breakdowns { parts: vec![vec![Few, Few]], total: Many });
    assert_eq!(of(&[1, 5]), Breakdowns { parts: vec![vec![Few, Many]], total: Many });
    assert_eq!(of(&[1, 0, 2]), Breakdowns { parts: vec![vec![Few, Few, Few]], total: Few });
    assert_eq!(of(&[]), Breakdowns { parts: vec![vec![]], total: Exactly(0) });
}

/// R-KSB-04: whoever knows two breakdowns and the total, and works out all that they can be, is left
/// with two possibilities at least for each small part.
#[test]
fn no_small_count_can_be_worked_out_from_two_breakdowns() {
    let mut possible: BTreeMap<String, Vec<BTreeSet<u64>>> = BTreeMap::new();
    for total in 0..=16 {
        let two = tables(total, 2);
        let three = tables(total, 3);
        for a in &three {
            for b in &two {
                let shown = breakdowns(&[a.clone(), b.clone()]);
                let cells = || shown.parts.iter().flatten();
                let key: Vec<String> =
                    cells().chain([&shown.total]).map(Shown::to_string).collect();
                let values =
                    possible.entry(key.join(" ")).or_insert_with(|| vec![BTreeSet::new(); 5]);
                for (values, count) in values.iter_mut().zip(a.iter().chain(b)) {
                    values.insert(*count);
                }
            }
        }
    }
    for (shown, values) in possible {
        // What is larger than the tables here is left out of what it could be.
        for (cell, values) in shown.split(' ').zip(values).filter(|(cell, _)| *cell == "<5") {
            assert!(values.len() >= 2, "{cell} of {shown} is {values:?}");
        }
    }
}

/// All tables of so many cells with this total.
fn tables(total: u64, cells: usize) -> Vec<Vec<u64>> {
    if cells == 1 {
        return vec![vec![total]];
    }
    let rest = |first: u64| {
        tables(total - first, cells - 1).into_iter().map(move |rest| [vec![first], rest].concat())
    };
    (0..=total).flat_map(rest).collect()
}

/// R-KSB-04
#[test]
fn every_age_is_in_one_band() {
    for (age, band) in [
        (0, "0-5"),
        (5, "0-5"),
        (6, "6-11"),
        (11, "6-11"),
        (12, "12-15"),
        (15, "12-15"),
        (16, "16-25"),
        (25, "16-25"),
        (26, "26-39"),
        (39, "26-39"),
        (40, "40-64"),
        (64, "40-64"),
        (65, "65+"),
        (120, "65+"),
    ] {
        assert_eq!(AgeBand::of(age).to_string(), band);
    }
}

//! Figures on people that tell nothing of a person: counts from 1 to 4 are not shown, nor can they
//! be worked out from the others (R-KSB-04). Source: FAQ "Inzicht in het bereik"; how the cells are
//! hidden is our choice.

use std::fmt;

/// Counts below it, but for none at all, are not shown.
pub const SHOWN_FROM: u64 = 5;

/// A count as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Exactly(u64),
    /// Below [`SHOWN_FROM`].
    Few,
    /// At least [`SHOWN_FROM`]: told exactly, it would tell a small one.
    Many,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Exactly(count) => count.fmt(f),
            Shown::Few => write!(f, "<{SHOWN_FROM}"),
            Shown::Many => write!(f, ">={SHOWN_FROM}"),
        }
    }
}

/// The parts of one whole, by several characteristics, and the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdowns {
    pub parts: Vec<Vec<Shown>>,
    pub total: Shown,
}

/// A count on its own.
pub fn shown(count: u64) -> Shown {
    if is_small(count) { Shown::Few } else { Shown::Exactly(count) }
}

/// Each breakdown is of the same whole. One with small parts has another part hidden too; where that
/// is not enough, all parts are, and the whole.
pub fn breakdowns(of: &[Vec<u64>]) -> Breakdowns {
    let total = of.first().map_or(0, |counts| counts.iter().sum());
    if is_small(total) {
        // Even which parts are empty would tell.
        let parts = of.iter().map(|counts| vec![Shown::Few; counts.len()]).collect();
        return Breakdowns { parts, total: Shown::Few };
    }
    let hidden: Option<Vec<_>> = of.iter().map(|counts| protected(counts)).collect();
    match hidden {
        Some(hidden) => {
            let parts = of.iter().zip(&hidden).map(|(counts, hidden)| show(counts, hidden));
            Breakdowns { parts: parts.collect(), total: Shown::Exactly(total) }
        }
        None => {
            let all = |counts: &Vec<u64>| show(counts, &vec![true; counts.len()]);
            Breakdowns { parts: of.iter().map(all).collect(), total: Shown::Many }
        }
    }
}

fn is_small(count: u64) -> bool {
    (1..SHOWN_FROM).contains(&count)
}

fn show(counts: &[u64], hidden: &[bool]) -> Vec<Shown> {
    let cell = |(count, hidden): (&u64, &bool)| match (count, hidden) {
        (0, _) | (_, false) => Shown::Exactly(*count),
        (_, true) if is_small(*count) => Shown::Few,
        (_, true) => Shown::Many,
    };
    counts.iter().zip(hidden).map(cell).collect()
}

/// Which counts to hide so that no small one follows from the total: the small ones, and the first of
/// the others, whichever it is. Absent where their sum leaves out any way to make it of small ones
/// and a large one. Nothing here looks at a count that is hidden in another way than by that sum, so
/// that who knows these lines learns no more.
fn protected(counts: &[u64]) -> Option<Vec<bool>> {
    let mut hidden: Vec<bool> = counts.iter().map(|count| is_small(*count)).collect();
    let small = hidden.iter().filter(|hidden| **hidden).count() as u64;
    if small == 0 {
        return Some(hidden);
    }
    let other = counts.iter().position(|count| *count >= SHOWN_FROM)?;
    hidden[other] = true;
    let sum: u64 =
        counts.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(count, _)| count).sum();
    (sum >= (SHOWN_FROM - 1) * small + SHOWN_FROM).then_some(hidden)
}

/// Years of age, taken together.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
    strum::VariantArray,
)]
pub enum AgeBand {
    #[strum(serialize = "0-5")]
    Toddler,
    #[strum(serialize = "6-11")]
    Child,
    #[strum(serialize = "12-15")]
    Teenager,
    #[strum(serialize = "16-25")]
    Young,
    #[strum(serialize = "26-39")]
    Adult,
    #[strum(serialize = "40-64")]
    MiddleAged,
    #[strum(serialize = "65+")]
    Senior,
}

impl AgeBand {
    pub fn of(age: u16) -> Self {
        match age {
            0..=5 => AgeBand::Toddler,
            6..=11 => AgeBand::Child,
            12..=15 => AgeBand::Teenager,
            16..=25 => AgeBand::Young,
            26..=39 => AgeBand::Adult,
            40..=64 => AgeBand::MiddleAged,
            65.. => AgeBand::Senior,
        }
    }
}

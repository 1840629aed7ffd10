//! A run of the benchmarks: what is wanted, the rounds, the results.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::summary::{self, Entry};

/// Rounds of what is compared.
const ROUNDS: usize = 5;
const ROUNDS_QUICK: usize = 2;

pub struct Session {
    filters: Vec<String>,
    pub quick: bool,
    pub millions: u64,
    entries: Vec<Entry>,
}

/// What a number says, and so whether more of it is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond(&'static str),
    /// The ratio is the reverse.
    Milliseconds(&'static str),
    /// The ratio is the reverse.
    Megabytes,
}

/// The same thing measured several times.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, sample: f64) {
        self.0.push(sample);
        self.0.sort_by(f64::total_cmp);
    }

    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() % 2 {
            0 => (self.0[middle - 1] + self.0[middle]) / 2.0,
            _ => self.0[middle],
        }
    }

    pub fn spread(&self) -> [f64; 2] {
        [self.0[0], self.0[self.0.len() - 1]]
    }
}

impl Session {
    pub fn new(filters: Vec<String>, quick: bool, millions: u64) -> Self {
        Self { filters, quick, millions, entries: Vec::new() }
    }

    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    pub fn rounds(&self) -> usize {
        if self.quick { ROUNDS_QUICK } else { ROUNDS }
    }

    /// How long one measurement lasts.
    pub fn window(&self, long: Duration) -> Duration {
        if self.quick { long.min(Duration::from_secs(1)) } else { long }
    }

    /// Adds what was measured, beside each peer; without any, by itself.
    pub fn add(&mut self, name: &str, unit: Unit, ours: &Samples, peers: &[(&str, &Samples)]) {
        if peers.is_empty() {
            self.entries.push(Entry::new(name, unit, ours, None));
        }
        let beside = |peer| Entry::new(name, unit, ours, Some(peer));
        self.entries.extend(peers.iter().copied().map(beside));
    }

    /// Shows the results and keeps them.
    pub fn finish(self) {
        println!("{}", summary::table(&self.entries));
        match summary::merge(self.entries) {
            Ok(path) => println!("{}", path.display()),
            Err(why) => eprintln!("the summary is not kept: {why}"),
        }
    }
}

/// Shows how far it is.
pub fn bar(what: &str, steps: u64) -> ProgressBar {
    let style = "{msg:32} {wide_bar} {human_pos}/{human_len} {elapsed}";
    let bar = ProgressBar::new(steps);
    bar.set_style(ProgressStyle::with_template(style).expect("a template"));
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

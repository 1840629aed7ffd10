//! The results, as a table and as a file.

use std::fs;
use std::io;
use std::path::PathBuf;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};

use crate::session::{Samples, Unit};

/// One number beside one peer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    name: String,
    /// The median.
    value: f64,
    unit: String,
    peer: Option<String>,
    peer_value: Option<f64>,
    /// How many times better ours is.
    ratio: Option<f64>,
    /// The lowest and the highest.
    spread: [f64; 2],
    peer_spread: Option<[f64; 2]>,
}

impl Entry {
    pub fn new(name: &str, unit: Unit, ours: &Samples, peer: Option<(&str, &Samples)>) -> Self {
        let (value, peer_value) = (ours.median(), peer.map(|(_, samples)| samples.median()));
        let ratio = peer_value.map(|peer_value| match unit {
            Unit::PerSecond(_) => value / peer_value,
            Unit::Milliseconds(_) | Unit::Megabytes => peer_value / value,
        });
        let unit = match unit {
            Unit::PerSecond(what) => format!("{what}/s"),
            Unit::Milliseconds(which) => format!("ms ({which}; lower is better)"),
            Unit::Megabytes => "MB (lower is better)".to_owned(),
        };
        Self {
            name: name.to_owned(),
            value,
            unit,
            peer: peer.map(|(name, _)| name.to_owned()),
            peer_value,
            ratio,
            spread: ours.spread(),
            peer_spread: peer.map(|(_, samples)| samples.spread()),
        }
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn with_spread(value: f64, [low, high]: [f64; 2]) -> String {
    format!("{} ({} - {})", short(value), short(low), short(high))
}

pub fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(["what", "ours", "unit", "peer", "the peer's", "ratio"]);
    for entry in entries {
        let peer_value = entry.peer_value.zip(entry.peer_spread);
        table.add_row([
            entry.name.clone(),
            with_spread(entry.value, entry.spread),
            entry.unit.clone(),
            entry.peer.clone().unwrap_or_default(),
            peer_value.map(|(value, spread)| with_spread(value, spread)).unwrap_or_default(),
            entry.ratio.map(short).unwrap_or_default(),
        ]);
    }
    for number in [1, 4, 5] {
        let column = table.column_mut(number).expect("there are six columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Puts new entries in the place of those of the same names.
pub fn merge(new: Vec<Entry>) -> io::Result<PathBuf> {
    let directory = target_directory()?.join("bench");
    fs::create_dir_all(&directory)?;
    let path = directory.join("summary.json");
    let mut entries: Vec<Entry> = match fs::read(&path) {
        Ok(known) => serde_json::from_slice(&known)?,
        Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(why) => return Err(why),
    };
    entries.retain(|known| new.iter().all(|entry| entry.name != known.name));
    entries.extend(new);
    let written = tempfile::NamedTempFile::new_in(&directory)?;
    serde_json::to_writer_pretty(&written, &entries)?;
    written.persist(&path)?;
    Ok(path)
}

/// Where cargo has put this program: `target/release/deps`.
fn target_directory() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let directory = program.ancestors().nth(3);
    directory.map(PathBuf::from).ok_or_else(|| io::Error::other("the program is in no directory"))
}

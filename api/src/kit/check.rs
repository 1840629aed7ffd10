//! Checking a kit: everything is computed again from what is in the file, and whatever is not as it
//! must be is named.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::str;

use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::settlement::book::Amiss;
use uitpas_store::Hash;

use super::files::{CHAIN, CHAIN_COLUMNS, EVENTS, Files, HEADING, zipped};
use super::{FORMAT, FullEvent, Heading, Kit, Link};

/// A kit that is as it must be.
#[derive(Debug)]
pub struct Checked {
    pub kit: Kit,
    pub notes: usize,
    pub lines: usize,
    /// What all of its notes add up to, before deductions.
    pub total: Euro,
}

/// What is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("the zip cannot be opened: {0}")]
    NoZip(String),
    #[error("{file} cannot be read: {why}")]
    File { file: String, why: String },
    #[error("{0} is missing")]
    Missing(String),
    #[error("{0} does not belong in it")]
    Foreign(String),
    #[error("kit.json: {0}")]
    Heading(String),
    #[error("the kit is laid out in format {0}, this program knows format {FORMAT}")]
    Format(u32),
    #[error("chain.csv, line {line}: no position, instant and digest, with position {position}")]
    Link { line: usize, position: usize },
    #[error("chain.csv ends at position {found}, kit.json names {expected}")]
    ChainEnd { found: usize, expected: u64 },
    #[error("events.jsonl, line {line}: {why}")]
    Event { line: usize, why: String },
    #[error("event {position} is out of order in events.jsonl, or beyond the chain")]
    Order { position: u64 },
    #[error("event {position} does not have the digest that chain.csv has for it")]
    Digest { position: u64 },
    #[error(
        "the chain does not lead to the hash at event {until}: something differs after {after}"
    )]
    Chain { after: u64, until: u64 },
    #[error("event {position} is none that a note is made from, or cannot be read")]
    NotUnderstood { position: u64 },
    #[error("event {position}: {why}")]
    Money { position: u64, why: Amiss },
    #[error(
        "note {note} of {counter} was made at position {position}, where the hash of the log is \
         another"
    )]
    OtherHead { counter: String, note: u32, position: u64 },
    #[error("{file}, line {line}: not what follows from the events")]
    Differs { file: String, line: usize },
    #[error("the zip around the files differs from byte {0} on")]
    Container(usize),
}

/// Computes everything again. Of a kit that is not as it must be, what is wrong with it.
pub fn check(zip: &[u8]) -> Result<Checked, Vec<Flaw>> {
    let files = unzipped(zip).map_err(|flaw| vec![flaw])?;
    let kit = kit(&files)?;
    let mut flaws = chained(&kit);
    let understood = kit.understood(|flaw| flaws.push(flaw));
    let pinned = kit.hashes(understood.notes.iter().map(|note| note.issued.position));
    for note in &understood.notes {
        let issued = &note.issued;
        if pinned.get(&issued.position) != Some(issued.head.as_bytes()) {
            let (counter, note) = (note.counter.to_string(), issued.note);
            flaws.push(Flaw::OtherHead { counter, note, position: issued.position });
        }
    }
    let expected = kit.files(&understood);
    flaws.extend(differing(&files, &expected));
    // Only where all files are right is the zip around them looked at.
    if flaws.is_empty() {
        flaws.extend(container(zip, &expected));
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let parts = || understood.notes.iter().flat_map(|note| &note.issued.parts);
    Ok(Checked {
        notes: understood.notes.len(),
        lines: parts().map(|part| part.lines as usize).sum(),
        total: parts().map(|part| part.total).sum(),
        kit,
    })
}

/// The files, without looking at their checksums: what is wrong in them shows more precisely.
fn unzipped(bytes: &[u8]) -> Result<Files, Flaw> {
    let no_zip = |error: zip::result::ZipError| Flaw::NoZip(error.to_string());
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(no_zip)?;
    let mut files = Files::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index_raw(index).map_err(no_zip)?;
        let name = file.name().map_err(no_zip)?.into_owned();
        let mut content = Vec::new();
        if let Err(error) = file.read_to_end(&mut content) {
            return Err(Flaw::File { file: name, why: error.to_string() });
        }
        files.insert(name, content);
    }
    Ok(files)
}

/// What stands in the files that the others follow from.
fn kit(files: &Files) -> Result<Kit, Vec<Flaw>> {
    let heading = text(files, HEADING).and_then(|text| {
        let heading: Heading =
            serde_json::from_str(text).map_err(|error| Flaw::Heading(error.to_string()))?;
        match heading.format {
            FORMAT => Ok(heading),
            other => Err(Flaw::Format(other)),
        }
    });
    let chain = text(files, CHAIN).and_then(chain);
    let events = text(files, EVENTS).and_then(events);
    match (heading, chain, events) {
        (Ok(heading), Ok(chain), Ok(events)) => Ok(Kit { heading, chain, events }),
        (heading, chain, events) => {
            Err([heading.err(), chain.err(), events.err()].into_iter().flatten().collect())
        }
    }
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, Flaw> {
    let content = files.get(name).ok_or_else(|| Flaw::Missing(name.to_owned()))?;
    let no_text = |error: str::Utf8Error| {
        let line = 1 + content[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Flaw::File { file: name.to_owned(), why: format!("line {line} is no text") }
    };
    str::from_utf8(content).map_err(no_text)
}

fn chain(text: &str) -> Result<Vec<Link>, Flaw> {
    let mut lines = text.split_terminator('\n');
    if lines.next() != Some(CHAIN_COLUMNS) {
        return Err(Flaw::Link { line: 1, position: 0 });
    }
    let links = lines.zip(1..).map(|(line, position)| {
        let flaw = Flaw::Link { line: position + 1, position };
        link(line, position).ok_or(flaw)
    });
    links.collect()
}

fn link(line: &str, position: usize) -> Option<Link> {
    let rest = line.strip_prefix(&format!("{position},"))?;
    let (at, digest) = rest.split_once(',')?;
    let digest: Digest = digest.parse().ok()?;
    Some(Link { recorded_at_us: at.parse().ok()?, digest: *digest.as_bytes() })
}

fn events(text: &str) -> Result<Vec<FullEvent>, Flaw> {
    let events = text.split_terminator('\n').zip(1..).map(|(line, number)| {
        let no_event = |error: serde_json::Error| Flaw::Event {
            line: number,
            why: format!("{:?} at column {}", error.classify(), error.column()),
        };
        serde_json::from_str(line).map_err(no_event)
    });
    events.collect()
}

/// Whether the events stand in the chain, and the chain leads to the hashes that are named.
fn chained(kit: &Kit) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let end = kit.chain.len();
    if u64::try_from(end) != Ok(kit.heading.position) {
        flaws.push(Flaw::ChainEnd { found: end, expected: kit.heading.position });
    }
    let mut last = 0;
    let mut named: BTreeMap<u64, Hash> = BTreeMap::new();
    for event in &kit.events {
        let position = event.position;
        let index = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        let Some(link) = index.and_then(|index| kit.chain.get(index)).filter(|_| position > last)
        else {
            flaws.push(Flaw::Order { position });
            continue;
        };
        last = position;
        if event.digest() != link.digest {
            flaws.push(Flaw::Digest { position });
        }
        named.insert(position, *event.hash.as_bytes());
    }
    named.entry(kit.heading.position).or_insert(*kit.heading.hash.as_bytes());
    if named.get(&kit.heading.position) != Some(kit.heading.hash.as_bytes()) {
        flaws.push(Flaw::Heading("its hash is not that of the last event".to_owned()));
    }
    let computed = kit.hashes(named.keys().copied());
    let mut after = 0;
    for (until, hash) in named {
        if computed.get(&until) != Some(&hash) {
            flaws.push(Flaw::Chain { after, until });
            break;
        }
        after = until;
    }
    flaws
}

/// For each file the first line that is not as it follows from the events.
fn differing(found: &Files, expected: &Files) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for name in found.keys().filter(|name| !expected.contains_key(*name)) {
        flaws.push(Flaw::Foreign(name.clone()));
    }
    for (name, right) in expected {
        let Some(content) = found.get(name) else {
            flaws.push(Flaw::Missing(name.clone()));
            continue;
        };
        if let Some(at) = first_difference(content, right) {
            let before = &right[..at.min(right.len())];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            flaws.push(Flaw::Differs { file: name.clone(), line });
        }
    }
    flaws
}

fn container(zip: &[u8], files: &Files) -> Option<Flaw> {
    match zipped(files) {
        Ok(right) => first_difference(zip, &right).map(Flaw::Container),
        Err(error) => Some(Flaw::NoZip(error.to_string())),
    }
}

fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        return None;
    }
    let differing = a.iter().zip(b).position(|(a, b)| a != b);
    Some(differing.unwrap_or(a.len().min(b.len())))
}

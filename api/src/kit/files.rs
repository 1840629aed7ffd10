//! The files of a kit, and the zip around them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use uitpas_projections::settlement::note::canonical;

use super::{Heading, Kit, KitNote, Understood};

pub const README: &str = "README.txt";
pub const HEADING: &str = "kit.json";
pub const CHAIN: &str = "chain.csv";
pub const EVENTS: &str = "events.jsonl";
pub const NOTES: &str = "notes.csv";

pub const CHAIN_COLUMNS: &str = "position,recorded_at_us,digest";

const NOTES_COLUMNS: &str = "counter,note,from,until,pinned_position,head,digest,deadline,\
     postal_code,municipality,lines,total,deducted,payable";

pub type Files = BTreeMap<String, Vec<u8>>;

impl Kit {
    /// The one file, without flaws: who makes a kit checks it first.
    pub fn zip(&self) -> Result<Vec<u8>, zip::result::ZipError> {
        zipped(&self.files(&self.understood(|_| {})))
    }

    /// All files by name.
    pub(super) fn files(&self, understood: &Understood) -> Files {
        let mut files = Files::new();
        let mut heading =
            serde_json::to_string_pretty(&self.heading).expect("ids, days and numbers are JSON");
        heading.push('\n');
        files.insert(README.to_owned(), readme(&self.heading).into_bytes());
        files.insert(HEADING.to_owned(), heading.into_bytes());
        files.insert(CHAIN.to_owned(), self.chain_csv().into_bytes());
        files.insert(EVENTS.to_owned(), self.events_jsonl().into_bytes());
        files.insert(NOTES.to_owned(), notes_csv(&understood.notes).into_bytes());
        for note in &understood.notes {
            let lines = canonical(&understood.book.note(&note.counter, note.issued.note));
            files.insert(name(note), lines.into_bytes());
        }
        files
    }

    fn chain_csv(&self) -> String {
        let mut text = format!("{CHAIN_COLUMNS}\n");
        for (position, link) in (1_u64..).zip(&self.chain) {
            let digest = hex::encode(link.digest);
            writeln!(text, "{position},{},{digest}", link.recorded_at_us)
                .expect("a String takes whatever is written");
        }
        text
    }

    fn events_jsonl(&self) -> String {
        let line = |event| serde_json::to_string(event).expect("text and numbers are JSON") + "\n";
        self.events.iter().map(line).collect()
    }
}

/// By the place of the note in the log: ids of counters may hold what file names may not.
fn name(note: &KitNote) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let counter: String = note.counter.as_str().chars().map(plain).collect();
    format!("notes/{:09}-{counter}-{}.csv", note.position, note.issued.note)
}

/// What each municipality owes by each note, as it was issued.
fn notes_csv(notes: &[KitNote]) -> String {
    let mut csv = csv::WriterBuilder::new().from_writer(Vec::new());
    let columns: Vec<_> = NOTES_COLUMNS.split(',').collect();
    let written = "a Vec takes rows of equal length";
    csv.write_record(columns).expect(written);
    for KitNote { counter, issued, .. } in notes {
        for part in &issued.parts {
            csv.write_record([
                counter.to_string(),
                issued.note.to_string(),
                issued.from.to_string(),
                issued.until.to_string(),
                issued.position.to_string(),
                issued.head.to_string(),
                issued.digest.to_string(),
                issued.deadline.to_string(),
                part.payer.postal_code.to_string(),
                part.payer.name.to_string(),
                part.lines.to_string(),
                part.total.to_string(),
                part.deducted.to_string(),
                part.payable.to_string(),
            ])
            .expect(written);
        }
    }
    String::from_utf8(csv.into_inner().expect(written)).expect("text stays text")
}

/// In the order of their names, not compressed and without the time of day: the same files are the
/// same bytes, whatever library writes them.
pub(super) fn zipped(files: &Files) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, content) in files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn readme(heading: &Heading) -> String {
    let Heading { log, from, until, position, hash, .. } = heading;
    format!(
        "\
Audit kit of UiTPAS: the expense notes from {from} until {until}
==============================================================

This one file holds what is needed to make every expense note of that period again, line by line,
and to see that it comes from the log as it was. To check it, on any machine, without network,
database or key:

    uitpas verify --kit THIS-FILE

The log is {log}. Its chain is given from position 1 to {position},
where its hash is
{hash}
A kit cannot prove that this is the true hash. Compare it with a head that was sealed and kept
elsewhere; with the file of a seal and the public key of whoever sealed:

    uitpas verify --kit THIS-FILE --seal SEAL --trust KEY

Nor can a kit show that the last notes of a counter were left out of it, as a gap in the middle shows:
for that, compare it with the list of notes.

Files
-----
kit.json       log, period, last position, hash
chain.csv      of each event its position, when it was stored (microseconds since 1970), its digest
events.jsonl   the events that the notes are made from, one JSON object a line: tickets sold,
               coupons used, sales cancelled, notes issued; payload and metadata as the text that
               was written
notes.csv      what each municipality owes by each note, as it was issued
notes/         the lines of each note in their canonical text, of which the note names the SHA-256

Checking by hand
----------------
digest = SHA-256 over eight fields, each after its length in bytes (32 bits, big-endian): \"1\",
         aggregateType, aggregateId, sequence (64 bits, big-endian), eventType, eventVersion,
         payload, metadata
hash   = SHA-256 over the previous hash, the position (64 bits, big-endian), the instant of storing
         in microseconds (the same), the digest; before the first event the hash is SHA-256 of the
         16 bytes of the name of the log

A line is on the first note of its counter whose pinned position is at or after its own, and whose
last day is at or after its day (in Brussels). A sale that was cancelled before that has no line; one
that was cancelled later has a second line with opposite amounts, by the same rule.

What is not in it
-----------------
No names, addresses, birth dates, national numbers or e-mail addresses, readable or sealed: of the
events that hold those only the digest is here. Passholders, cards and staff are named by the
numbers and ids that the events of sales carry; whom they belong to is not in this file.
"
    )
}

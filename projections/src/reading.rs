//! Reading the log for the views: every entry is looked at, so that a hole or an unknown type stops
//! the reader, but only the payloads of the events that somebody owns are sent and parsed.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use cqrs_es::Aggregate;
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor, FromRow};
use strum::VariantNames;
use tokio::sync::mpsc;
use uitpas_domain::account::{self, Account};
use uitpas_domain::activity::{self, Activity};
use uitpas_domain::association::{self, Association};
use uitpas_domain::card::{self, Card};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::client::{self, Client};
use uitpas_domain::counter::{self, Counter};
use uitpas_domain::coupon::{self, Coupon};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::kiosk::{self, Kiosk};
use uitpas_domain::order::{self, Order};
use uitpas_domain::passholder::registration::PersonalDetails;
use uitpas_domain::passholder::{self, Passholder};
pub use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::recorded::NotUnderstood;
use uitpas_domain::reward::{self, Reward};
use uitpas_domain::sealed::Opened;
use uitpas_store::sealing::{self, MasterKey};

use crate::failure::{Failed, Fault};

/// The only version of every event so far.
const VERSION: &str = "1";

/// Entries that are read from the log at once when all of it is read.
const CHUNK_ENTRIES: usize = 8_192;

/// Chunks that lie ready before the reader waits.
const CHUNKS_READY_MAX: usize = 2;

/// The name under which the details of a passholder are sealed.
const DETAILS: &str = "details";

/// One entry of the log, as a fold sees it.
#[derive(Debug)]
pub struct Entry {
    pub position: i64,
    pub event: AnyEvent,
    /// The personal details in it, opened where a projection wants them.
    pub details: Option<Opened<PersonalDetails>>,
    kind: u32,
}

impl Entry {
    pub(crate) fn is_of(&self, kinds: Kinds) -> bool {
        kinds.0 & (1 << self.kind) != 0
    }
}

/// All events there are: their aggregate, their type, and a small number for each. An aggregate that
/// is not named here stops every reader.
static KNOWN: LazyLock<HashMap<&str, HashMap<&str, u32>>> = LazyLock::new(|| {
    let aggregates: [(&str, &[&str]); 13] = [
        (Passholder::TYPE, passholder::Event::VARIANTS),
        (Counter::TYPE, counter::Event::VARIANTS),
        (Card::TYPE, card::Event::VARIANTS),
        (CardSystem::TYPE, card_system::Event::VARIANTS),
        (Account::TYPE, account::Event::VARIANTS),
        (Client::TYPE, client::Event::VARIANTS),
        (Order::TYPE, order::Event::VARIANTS),
        (Activity::TYPE, activity::Event::VARIANTS),
        (Reward::TYPE, reward::Event::VARIANTS),
        (Kiosk::TYPE, kiosk::Event::VARIANTS),
        (Coupon::TYPE, coupon::Event::VARIANTS),
        (GroupPass::TYPE, group_pass::Event::VARIANTS),
        (Association::TYPE, association::Event::VARIANTS),
    ];
    let mut numbers = 0..u128::BITS;
    let mut number = |name: &&'static str| {
        (*name, numbers.next().expect("there are at most 128 types of events"))
    };
    aggregates
        .into_iter()
        .map(|(aggregate, types)| (aggregate, types.iter().map(&mut number).collect()))
        .collect()
});

/// A set of types of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u128);

impl Kinds {
    /// All events there are.
    pub fn all() -> Self {
        let known = KNOWN.values().flat_map(HashMap::values);
        Self(known.fold(0, |kinds, kind| kinds | 1 << kind))
    }

    pub fn of(names: &[(&str, &str)]) -> Self {
        let bit = |(aggregate, event): &(&str, &str)| 1 << KNOWN[aggregate][event];
        Self(names.iter().map(bit).fold(0, |kinds, bit| kinds | bit))
    }

    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The names of the types. Two aggregates may share one: then a payload is sent in vain.
    fn names(self) -> Vec<&'static str> {
        let all = KNOWN.values().flatten();
        let mut names: Vec<_> =
            all.filter(|(_, kind)| self.0 & (1 << **kind) != 0).map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// An entry as it is stored; without id and payload where nobody owns it.
#[derive(FromRow)]
struct Raw {
    position: i64,
    aggregate_type: String,
    event_type: String,
    event_version: String,
    aggregate_id: Option<String>,
    payload: Option<String>,
}

/// Entries that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The owned ones.
    pub entries: Vec<Entry>,
    /// The position of the last one, owned or not.
    pub last: i64,
}

/// Reads on from a position, at most so many entries.
pub(crate) async fn page(
    db: &mut PgConnection,
    after: i64,
    limit: i64,
    kinds: Kinds,
) -> Result<Chunk, Failed> {
    let rows: Vec<Raw> =
        sqlx::query_as(PAGE).bind(after).bind(limit).bind(kinds.names()).fetch_all(db).await?;
    let mut chunk = Chunk { entries: Vec::new(), last: after };
    for row in rows {
        let raw = Fields {
            position: row.position,
            aggregate_type: &row.aggregate_type,
            event_type: &row.event_type,
            event_version: &row.event_version,
            owned: row.aggregate_id.as_deref().zip(row.payload.as_deref()),
        };
        chunk.push(&raw, kinds)?;
    }
    Ok(chunk)
}

pub(crate) const PAGE: &str = "
    select position, aggregate_type, event_type, event_version,
        case when event_type = any($3) then aggregate_id end as aggregate_id,
        case when event_type = any($3) then payload::text end as payload
    from log.events
    where position > $1
    order by position
    limit $2";

/// The fields of an entry, borrowed.
struct Fields<'a> {
    position: i64,
    aggregate_type: &'a str,
    event_type: &'a str,
    event_version: &'a str,
    owned: Option<(&'a str, &'a str)>,
}

impl Chunk {
    /// Takes the next entry, which must be the one after the last.
    fn push(&mut self, raw: &Fields<'_>, kinds: Kinds) -> Result<(), Failed> {
        let expected = self.last + 1;
        if raw.position != expected {
            return Err(Failed::Fault { position: expected, why: Fault::Missing });
        }
        let kind = KNOWN
            .get(raw.aggregate_type)
            .and_then(|types| types.get_key_value(raw.event_type))
            .filter(|_| raw.event_version == VERSION);
        let Some((event_type, kind)) = kind else {
            let why = Fault::UnknownType {
                aggregate_type: raw.aggregate_type.to_owned(),
                event_type: raw.event_type.to_owned(),
                version: raw.event_version.to_owned(),
            };
            return Err(Failed::Fault { position: raw.position, why });
        };
        self.last = raw.position;
        if kinds.0 & (1 << *kind) == 0 {
            return Ok(());
        }
        let Some((id, payload)) = raw.owned else {
            return Err(Failed::Fault { position: raw.position, why: Fault::Garbled });
        };
        let event = AnyEvent::read(raw.aggregate_type, id, payload).map_err(|error| {
            // The message of serde may quote the payload; where and of what kind is enough.
            let why = match error {
                NotUnderstood::Payload(error) => {
                    format!("{:?} at column {}", error.classify(), error.column())
                }
                NotUnderstood::AggregateType(_) | NotUnderstood::AggregateId(_) => {
                    "its stream has no such id".to_owned()
                }
            };
            let why = Fault::Unreadable { event_type, why };
            Failed::Fault { position: raw.position, why }
        })?;
        self.entries.push(Entry { position: raw.position, event, details: None, kind: *kind });
        Ok(())
    }
}

/// All entries after one position, up to another, as fast as they can be read: one task receives
/// them while a thread parses what was received before.
pub(crate) fn stream(
    options: PgConnectOptions,
    after: i64,
    until: i64,
    kinds: Kinds,
) -> mpsc::Receiver<Result<Chunk, Failed>> {
    let (received, mut to_parse) = mpsc::channel::<Result<Vec<u8>, Failed>>(CHUNKS_READY_MAX);
    let (parsed, chunks) = mpsc::channel(CHUNKS_READY_MAX);
    tokio::spawn(async move {
        if let Err(failed) = receive(options, after, until, kinds, &received).await {
            // Whoever was reading may have gone away.
            let _ = received.send(Err(failed)).await;
        }
    });
    tokio::task::spawn_blocking(move || {
        let mut last = after;
        while let Some(bytes) = to_parse.blocking_recv() {
            let chunk = bytes.and_then(|bytes| parse(&bytes, last, kinds));
            let is_broken = chunk.is_err();
            last = chunk.as_ref().map_or(last, |chunk| chunk.last);
            if parsed.blocking_send(chunk).is_err() || is_broken {
                return;
            }
        }
        if last < until {
            let missing = Failed::Fault { position: last + 1, why: Fault::Missing };
            // Nobody may be there to hear it.
            let _ = parsed.blocking_send(Err(missing));
        }
    });
    chunks
}

async fn receive(
    options: PgConnectOptions,
    after: i64,
    until: i64,
    kinds: Kinds,
    to_parse: &mpsc::Sender<Result<Vec<u8>, Failed>>,
) -> Result<(), Failed> {
    let mut db = options.connect().await?;
    // Positions come from their index, in order: nothing is sorted first.
    db.execute("set enable_sort = off; set enable_seqscan = off; set jit = off").await?;
    let names = kinds.names();
    // Names of our own types: nothing in them to escape.
    let owned = format!("event_type in ('{}')", names.join("', '"));
    let statement = format!(
        "copy (
             select position, aggregate_type, event_type, event_version,
                 case when {owned} then aggregate_id end,
                 case when {owned} then payload end
             from log.events
             where position > {after} and position <= {until}
             order by position
         ) to stdout (format binary)"
    );
    let mut messages = db.copy_out_raw(&statement).await?;
    let mut chunk = Vec::new();
    let mut entries = 0;
    while let Some(message) = messages.try_next().await? {
        let entry = without_header(&message);
        if entry.is_empty() || entry == END {
            continue;
        }
        chunk.extend_from_slice(entry);
        entries += 1;
        if entries == CHUNK_ENTRIES {
            entries = 0;
            let next = Vec::with_capacity(chunk.len());
            if to_parse.send(Ok(std::mem::replace(&mut chunk, next))).await.is_err() {
                return Ok(());
            }
        }
    }
    // Nobody may be there to take it.
    let _ = to_parse.send(Ok(chunk)).await;
    Ok(())
}

/// Before the first entry. Source: PostgreSQL manual, "COPY", binary format.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// After the last entry.
const END: [u8; 2] = (-1_i16).to_be_bytes();

fn without_header(message: &[u8]) -> &[u8] {
    let Some(rest) = message.strip_prefix(SIGNATURE) else { return message };
    // Flags, then the length of an extension, which may be skipped.
    let length = rest.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
    rest.get(8 + length.unwrap_or(0) as usize..).unwrap_or_default()
}

fn parse(bytes: &[u8], after: i64, kinds: Kinds) -> Result<Chunk, Failed> {
    let mut chunk = Chunk { entries: Vec::new(), last: after };
    let mut rest = bytes;
    while !rest.is_empty() {
        let position = chunk.last + 1;
        let raw = fields(&mut rest).ok_or(Failed::Fault { position, why: Fault::Garbled })?;
        chunk.push(&raw, kinds)?;
    }
    Ok(chunk)
}

fn fields<'a>(rest: &mut &'a [u8]) -> Option<Fields<'a>> {
    let columns = i16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
    if columns != 6 {
        return None;
    }
    let position = i64::from_be_bytes(column(rest)??.try_into().ok()?);
    let mut text = || column(rest)?.map(str::from_utf8).transpose().ok();
    let (aggregate_type, event_type, event_version) = (text()??, text()??, text()??);
    let owned = text()?.zip(text()?);
    Some(Fields { position, aggregate_type, event_type, event_version, owned })
}

/// A column after its length; inside is None for null.
fn column<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = i32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    match usize::try_from(length) {
        Ok(length) => take(rest, length).map(Some),
        Err(_) => Some(None),
    }
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}

/// Opens the personal details in these entries. Erased is normal: the person was removed.
pub(crate) async fn open_details(
    db: &mut PgConnection,
    master: &MasterKey,
    entries: &mut [Entry],
) -> Result<(), Failed> {
    let persons: Vec<String> = entries
        .iter()
        .filter(|entry| sealed_details(&entry.event).is_some())
        .filter_map(|entry| match &entry.event {
            AnyEvent::Passholder(id, _) => Some(id.to_string()),
            _ => None,
        })
        .collect();
    if persons.is_empty() {
        return Ok(());
    }
    let keys: Vec<(String, Vec<u8>)> = sqlx::query_as(KEYS).bind(&persons).fetch_all(db).await?;
    let keys: BTreeMap<String, Vec<u8>> = keys.into_iter().collect();
    for entry in entries {
        let Some((event_type, sealed)) = sealed_details(&entry.event) else { continue };
        let AnyEvent::Passholder(id, _) = &entry.event else { continue };
        let person = id.to_string();
        entry.details = Some(match keys.get(&person) {
            None => Opened::Erased,
            Some(wrapped) => {
                let details = master
                    .person_key(&person, wrapped)
                    .and_then(|key| sealing::open(&key, &person, DETAILS, sealed))
                    .map_err(|why| Failed::Fault {
                        position: entry.position,
                        why: Fault::Unsealable { event_type, why: why.to_string() },
                    })?;
                Opened::Readable(details)
            }
        });
    }
    Ok(())
}

pub(crate) const KEYS: &str =
    "select person_id, wrapped_key from log.keys where person_id = any($1)";

type Details = uitpas_domain::sealed::Sealed<PersonalDetails>;

fn sealed_details(event: &AnyEvent) -> Option<(&'static str, &Details)> {
    match event {
        AnyEvent::Passholder(_, event @ passholder::Event::Registered(registered)) => {
            Some((event.into(), &registered.details))
        }
        AnyEvent::Passholder(_, event @ passholder::Event::DetailsChanged { details, .. }) => {
            Some((event.into(), details))
        }
        _ => None,
    }
}

//! Entries of the log in the binary form of `COPY`: for each its number of columns, then each
//! column after its length. Source: PostgreSQL manual, "COPY", binary format.

use std::str;

use crate::chain::{Entry, Hash};
use crate::failure::Failed;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// From the UNIX epoch to that of PostgreSQL, 2000-01-01.
const EPOCH_US: i64 = 946_684_800_000_000;

/// One entry. Columns in the order in which [`Rows`] expects them.
pub(crate) struct Row<'a> {
    pub position: u64,
    pub recorded_at_us: i64,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub sequence: u64,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a str,
    pub metadata: &'a str,
    pub hash: Hash,
}

impl<'a> Row<'a> {
    pub fn entry(&self) -> Entry<'a> {
        Entry {
            aggregate_type: self.aggregate_type,
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            event_type: self.event_type,
            event_version: self.event_version,
            payload: self.payload.as_bytes(),
            metadata: self.metadata.as_bytes(),
        }
    }
}

/// A message without what stands before the first entry.
pub(crate) fn without_header(message: &[u8]) -> &[u8] {
    let Some(rest) = message.strip_prefix(SIGNATURE) else { return message };
    // Flags, then the length of an extension, which may be skipped.
    let extension = rest.get(4..8).and_then(|length| length.try_into().ok());
    let extension = extension.map_or(0, u32::from_be_bytes) as usize;
    rest.get(8 + extension..).unwrap_or_default()
}

pub(crate) fn is_end(message: &[u8]) -> bool {
    message.is_empty() || message == (-1_i16).to_be_bytes()
}

/// The entries of a chunk.
pub(crate) struct Rows<'a> {
    rest: &'a [u8],
}

impl<'a> Rows<'a> {
    pub fn of(chunk: &'a [u8]) -> Self {
        Self { rest: chunk }
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn column(&mut self) -> Option<&'a [u8]> {
        let length = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
        self.take(length.try_into().ok()?)
    }

    fn number(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.column()?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.column()?).ok()
    }

    fn row(&mut self) -> Option<Row<'a>> {
        let columns = i16::from_be_bytes(self.take(2)?.try_into().ok()?);
        if columns != 10 {
            return None;
        }
        Some(Row {
            position: self.number()?.try_into().ok()?,
            recorded_at_us: self.number()?.checked_add(EPOCH_US)?,
            aggregate_type: self.text()?,
            aggregate_id: self.text()?,
            sequence: self.number()?.try_into().ok()?,
            event_type: self.text()?,
            event_version: self.text()?,
            payload: self.text()?,
            metadata: self.text()?,
            hash: self.column()?.try_into().ok()?,
        })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Failed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let row = self.row();
        if row.is_none() {
            self.rest = &[];
        }
        Some(row.ok_or_else(|| Failed::new("the database sent an entry that cannot be read")))
    }
}

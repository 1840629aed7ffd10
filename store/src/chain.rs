//! The hash chain: what each entry of the log says about itself and about the entry before it.

use sha2::{Digest, Sha256};
use uuid::Uuid;

pub type Hash = [u8; 32];

/// Says how the digest of an entry is made. Another way needs another number.
const FORMAT_VERSION: &[u8] = b"1";

/// Everything an entry says, apart from its place in the log.
pub(crate) struct Entry<'a> {
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub sequence: u64,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a [u8],
    pub metadata: &'a [u8],
}

impl Entry<'_> {
    /// SHA-256 over the fields, each after its length (32 bits, big-endian), so that no two entries
    /// run together into the same bytes. The sequence is 64 bits, big-endian.
    pub fn digest(&self) -> Hash {
        let sequence = self.sequence.to_be_bytes();
        let fields = [
            FORMAT_VERSION,
            self.aggregate_type.as_bytes(),
            self.aggregate_id.as_bytes(),
            &sequence,
            self.event_type.as_bytes(),
            self.event_version.as_bytes(),
            self.payload,
            self.metadata,
        ];
        let mut digest = Sha256::new();
        for field in fields {
            digest.update((field.len() as u32).to_be_bytes());
            digest.update(field);
        }
        digest.finalize().into()
    }
}

/// The digest of an entry, from its fields: its stream and its sequence in it, its type and version,
/// its payload and metadata as they were written.
pub fn digest(
    (aggregate_type, aggregate_id, sequence): (&str, &str, u64),
    (event_type, event_version): (&str, &str),
    (payload, metadata): (&str, &str),
) -> Hash {
    let (payload, metadata) = (payload.as_bytes(), metadata.as_bytes());
    Entry { aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata }
        .digest()
}

/// The chain of a log, for who has nothing of it but digests.
#[derive(Debug, Clone)]
pub struct Chain {
    position: u64,
    hash: Hash,
}

impl Chain {
    /// Of the log of this name, before its first entry.
    pub fn of(log: Uuid) -> Self {
        Self { position: 0, hash: first(log) }
    }

    /// The hash of the next entry.
    pub fn add(&mut self, recorded_at_us: i64, digest: &Hash) -> Hash {
        self.position += 1;
        self.hash = next(&self.hash, self.position, recorded_at_us, digest);
        self.hash
    }
}

/// What the first entry is chained to: the log's own name.
pub(crate) fn first(log: Uuid) -> Hash {
    Sha256::digest(log.as_bytes()).into()
}

/// The hash of an entry. `append` in the database does the same.
pub(crate) fn next(previous: &Hash, position: u64, recorded_at_us: i64, digest: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(position.to_be_bytes());
    hash.update(recorded_at_us.to_be_bytes());
    hash.update(digest);
    hash.finalize().into()
}

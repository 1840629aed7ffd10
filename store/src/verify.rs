//! Proof that the log was not altered: everything is computed again from the bytes in the database.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use futures::TryStreamExt;

use crate::chain::{self, Hash};
use crate::copy::{Row, Rows};
use crate::failure::Failed;
use crate::store::Store;

/// The log is whole up to this position, and this is what it comes down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub position: u64,
    pub hash: Hash,
}

/// The first entry that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {breach}")]
pub struct Broken {
    pub position: u64,
    pub breach: Breach,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    #[error("the entry is missing")]
    Missing,
    #[error("the entry stands in the log, which ends before it")]
    PastTheHead,
    #[error("the sequence within its stream is {found}, not {expected}")]
    Sequence { expected: u64, found: u64 },
    #[error("it was recorded before the entry in front of it")]
    Earlier,
    #[error("the hash does not belong to this entry and the one in front of it")]
    Hash,
    #[error("the hash is not the one that the head of the log keeps")]
    Head,
}

/// What is left of an entry once its digest is made.
struct Link {
    position: u64,
    recorded_at_us: i64,
    stream: u128,
    sequence: u64,
    digest: Hash,
    hash: Hash,
}

impl From<Row<'_>> for Link {
    fn from(row: Row<'_>) -> Self {
        Self {
            position: row.position,
            recorded_at_us: row.recorded_at_us,
            stream: fingerprint(row.aggregate_type, row.aggregate_id),
            sequence: row.sequence,
            digest: row.entry().digest(),
            hash: row.hash,
        }
    }
}

/// Stands for the name of a stream, of which there may be millions: no two that are in one log
/// will ever share one.
fn fingerprint(aggregate_type: &str, aggregate_id: &str) -> u128 {
    static HASHERS: LazyLock<[RandomState; 2]> =
        LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let [high, low] =
        HASHERS.each_ref().map(|hasher| hasher.hash_one((aggregate_type, aggregate_id)));
    u128::from(high) << 64 | u128::from(low)
}

/// How far the proof has come.
struct Proof {
    position: u64,
    hash: Hash,
    recorded_at_us: i64,
    sequences: HashMap<u128, u64>,
}

impl Proof {
    fn add(&mut self, link: Link) -> Result<(), Broken> {
        let position = self.position + 1;
        let broken = |breach| Err(Broken { position, breach });
        if link.position != position {
            return broken(Breach::Missing);
        }
        let sequence = self.sequences.entry(link.stream).or_default();
        if link.sequence != *sequence + 1 {
            return broken(Breach::Sequence { expected: *sequence + 1, found: link.sequence });
        }
        if link.recorded_at_us < self.recorded_at_us {
            return broken(Breach::Earlier);
        }
        let hash = chain::next(&self.hash, position, link.recorded_at_us, &link.digest);
        if link.hash != hash {
            return broken(Breach::Hash);
        }
        *sequence = link.sequence;
        self.position = position;
        self.hash = hash;
        self.recorded_at_us = link.recorded_at_us;
        Ok(())
    }
}

impl Store {
    /// Computes the chain again from its beginning: positions without holes, sequences without
    /// gaps, instants that never go back, each hash, and the head. `progress` hears now and then
    /// how far it is, of how much.
    pub async fn verify_chain(
        &self,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Result<Verified, Broken>, Failed> {
        let parse = |chunk: &[u8]| Rows::of(chunk).map(|row| row.map(Link::from)).collect();
        let (head, mut batches) = self.stream(0, parse).await?;
        let mut proof = Proof {
            position: 0,
            hash: chain::first(head.log_id),
            recorded_at_us: i64::MIN,
            sequences: HashMap::new(),
        };
        while let Some(links) = batches.try_next().await? {
            for link in links {
                if let Err(broken) = proof.add(link) {
                    return Ok(Err(broken));
                }
                if proof.position > head.position {
                    let position = proof.position;
                    return Ok(Err(Broken { position, breach: Breach::PastTheHead }));
                }
            }
            progress(proof.position, head.position);
        }
        let (position, hash) = (proof.position, proof.hash);
        Ok(if position < head.position {
            Err(Broken { position: position + 1, breach: Breach::Missing })
        } else if hash != head.hash {
            Err(Broken { position, breach: Breach::Head })
        } else {
            Ok(Verified { position, hash })
        })
    }
}

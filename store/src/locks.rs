//! Locks between the tasks of this process: those who want the same stream queue up instead of
//! meeting each other as a conflict in the database. Between processes the sequence decides.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::stream::StreamKey;

const STRIPES: usize = 4096;

pub(crate) type Held = OwnedMutexGuard<()>;

/// A fixed number of locks; streams that share one merely wait for each other.
pub(crate) struct Locks {
    stripes: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Locks {
    pub fn new() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Arc::default()).collect(), hasher: RandomState::new() }
    }

    /// Locks all of them, in one order for everybody, so that no two wait for each other.
    pub async fn lock(&self, keys: &[StreamKey]) -> Vec<Held> {
        let stripes: BTreeSet<usize> =
            keys.iter().map(|key| self.hasher.hash_one(key) as usize % STRIPES).collect();
        let mut held = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            held.push(self.stripes[stripe].clone().lock_owned().await);
        }
        held
    }
}

//! The states of streams that were used lately, so that a command need not read their history.
//!
//! What is kept here is always a state that the log has been in, but another process may have moved
//! the log on. Nobody relies on it without a check: appending compares the sequence, and a refusal
//! is confirmed by a look at the log.

use moka::sync::Cache;

use crate::stream::{AnyState, StreamKey};

const BYTES_MAX: u64 = 128 << 20;

/// What an entry costs beside its state.
const ENTRY_BYTES: usize = 200;

#[derive(Clone)]
pub(crate) struct States(Cache<StreamKey, AnyState>);

impl States {
    pub fn new() -> Self {
        let weigh = |key: &StreamKey, state: &AnyState| {
            let bytes = ENTRY_BYTES + key.aggregate_id.len() + state.bytes;
            bytes.try_into().unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(BYTES_MAX).weigher(weigh).build())
    }

    pub fn get(&self, key: &StreamKey) -> Option<AnyState> {
        self.0.get(key)
    }

    /// Keeps a state, unless a later one is there.
    pub fn put(&self, key: &StreamKey, state: AnyState) {
        if self.0.get(key).is_none_or(|kept| kept.sequence < state.sequence) {
            self.0.insert(key.clone(), state);
        }
    }

    pub fn evict(&self, key: &StreamKey) {
        self.0.invalidate(key);
    }
}

//! Which commands this process is carrying out at this moment.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

#[derive(Clone, Default)]
pub(crate) struct Commands(Arc<Mutex<HashSet<Uuid>>>);

/// While a clone of this lives, its command is under way.
#[derive(Clone)]
pub(crate) struct UnderWay {
    _entry: Arc<Entry>,
}

struct Entry {
    commands: Commands,
    id: Uuid,
}

impl Commands {
    /// None if the command is under way already.
    pub fn begin(&self, id: Uuid) -> Option<UnderWay> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_new.then(|| UnderWay { _entry: Arc::new(Entry { commands: self.clone(), id }) })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.commands.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

//! A unit of work: load, decide, record; and the rules by which it is carried out.

use std::future::Future;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uitpas_domain::ids::{CommandId, CounterId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::root::Root;

use crate::chain::Hash;
use crate::failure::{Failed, Unsuccessful};
use crate::locks::Held;
use crate::store::{PATIENCE, Seen, Store};
use crate::stream::{AnyState, Loaded, StreamKey};
use crate::unit::{Claim, Key, NewEvent, Part, Unit, Verdict};

/// How often a command is decided when others keep changing what it has read.
const ATTEMPTS_MAX: usize = 5;

/// A command, as far as the log knows it.
#[derive(Debug, Clone)]
pub struct Command {
    /// The same id twice is the same command: it is carried out once.
    pub id: CommandId,
    /// A keyed hash of the request, which tells a repetition from a mistake.
    pub request: Hash,
    pub metadata: Metadata,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed<R> {
    pub answer: R,
    /// Where the log stood when this was true: of the last event, if the command wrote any.
    pub position: u64,
    /// The command was carried out before; this is the answer of that time.
    pub replayed: bool,
}

/// The handle with which a command reads and writes. Cloning gives the same unit of work.
#[derive(Clone)]
pub struct Work {
    store: Store,
    /// As the command came with it; absent in a preview, which writes nothing.
    metadata: Option<Arc<Metadata>>,
    /// Something was found to be stale: read everything from the database.
    reload: bool,
    draft: Arc<Mutex<Draft>>,
}

#[derive(Default)]
struct Draft {
    /// The role and counter, once they are known.
    acts_as: Option<(Role, Option<CounterId>)>,
    /// The metadata in the bytes in which it is written, from the first event on.
    metadata: Option<Arc<str>>,
    held: Vec<Held>,
    parts: Vec<Reading>,
    claims: Vec<Claim>,
    keys: Vec<Key>,
}

/// A stream within a unit of work.
struct Reading {
    part: Part,
    is_cached: bool,
    is_guarded: bool,
}

impl Reading {
    /// What the database has to know of it: nothing, if it was merely read.
    fn into_part(self) -> Option<Part> {
        (self.is_guarded || !self.part.events.is_empty()).then_some(self.part)
    }
}

impl Draft {
    fn writes(&self) -> bool {
        let recorded = self.parts.iter().any(|reading| !reading.part.events.is_empty());
        recorded || !self.claims.is_empty() || !self.keys.is_empty()
    }

    /// The metadata of every event of this unit.
    fn written_metadata(&mut self, base: Option<&Metadata>) -> Result<Arc<str>, Failed> {
        if let Some(metadata) = &self.metadata {
            return Ok(metadata.clone());
        }
        let Some(base) = base else { return Ok("{}".into()) };
        let mut metadata = base.clone();
        if let Some((role, counter)) = &self.acts_as {
            metadata.role = *role;
            metadata.counter = counter.clone();
        }
        let written: Arc<str> = serde_json::to_string(&metadata).map_err(Failed::new)?.into();
        Ok(self.metadata.insert(written).clone())
    }

    /// Kiosks may send what they did months ago.
    fn is_of_kiosk(&self, base: &Metadata) -> bool {
        let role = self.acts_as.as_ref().map_or(base.role, |(role, _)| *role);
        role == Role::Kiosk || base.channel == Channel::Kiosk
    }

    /// The streams whose state came from the cache, and may be behind.
    fn cached(&self) -> Vec<(StreamKey, u64)> {
        let cached = self.parts.iter().filter(|reading| reading.is_cached);
        cached.map(|reading| (reading.part.key.clone(), reading.part.expected)).collect()
    }

    fn find(&mut self, key: &StreamKey) -> Option<&mut Reading> {
        self.parts.iter_mut().find(|reading| reading.part.key == *key)
    }

    fn find_loaded(&mut self, key: &StreamKey) -> Result<&mut Reading, Failed> {
        self.find(key).ok_or_else(|| Failed::new(format!("{key} was not loaded by this command")))
    }
}

impl Work {
    fn new(store: Store, metadata: Option<Arc<Metadata>>, reload: bool) -> Self {
        Self { store, metadata, reload, draft: Arc::default() }
    }

    /// Says in which role and at which counter the command is carried out, where that is found out
    /// only now. The first call counts, and it goes before anything is recorded.
    pub fn act_as(&self, role: Role, counter: Option<CounterId>) {
        self.draft().acts_as.get_or_insert((role, counter));
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the other tasks of this process away from these streams until the outcome is known.
    /// Once, before loading: who locked one by one could wait for another who waits for him.
    pub async fn lock(&self, streams: &[StreamKey]) -> Result<(), Failed> {
        if !self.draft().held.is_empty() {
            return Err(Failed::new("a unit of work locks its streams once"));
        }
        let held = timeout(PATIENCE, self.store.locks().lock(streams)).await;
        self.draft().held = held.map_err(Failed::unavailable)?;
        Ok(())
    }

    /// The state of a stream, with what this unit of work has recorded on it.
    pub async fn load<A: Root>(&self, id: &A::Id) -> Result<Arc<Loaded<A>>, Failed> {
        let key = StreamKey::of::<A>(id);
        if let Some(reading) = self.draft().find(&key) {
            return reading.part.after.downcast(&key);
        }
        let cached = if self.reload { None } else { self.store.cached::<A>(&key)? };
        let is_cached = cached.is_some();
        let loaded = match cached {
            Some(loaded) => loaded,
            None => self.store.refresh::<A>(&key).await?,
        };
        let mut draft = self.draft();
        // Two loads of one stream may run side by side in this unit of work: the first one counts.
        if let Some(reading) = draft.find(&key) {
            return reading.part.after.downcast(&key);
        }
        let after = AnyState::new(loaded.clone());
        let part = Part { key, expected: loaded.sequence, events: Vec::new(), after };
        draft.parts.push(Reading { part, is_cached, is_guarded: false });
        Ok(loaded)
    }

    /// Adds events to a stream that was loaded, and gives its state with them.
    pub fn record<A: Root>(
        &self,
        id: &A::Id,
        events: Vec<A::Event>,
    ) -> Result<Arc<Loaded<A>>, Failed> {
        let key = StreamKey::of::<A>(id);
        let mut draft = self.draft();
        let metadata = draft.written_metadata(self.metadata.as_deref())?;
        let part = &mut draft.find_loaded(&key)?.part;
        let (new, loaded) = add(&key, part.after.downcast::<A>(&key)?, events, &metadata)?;
        part.events.extend(new);
        part.after = AnyState::new(loaded.clone());
        Ok(loaded)
    }

    /// Lets the unit happen only if this stream, which was loaded, is still as it was.
    pub fn guard<A: Root>(&self, id: &A::Id) -> Result<(), Failed> {
        self.draft().find_loaded(&StreamKey::of::<A>(id))?.is_guarded = true;
        Ok(())
    }

    /// Takes what only one may hold. Taking what the owner holds already changes nothing.
    pub fn claim(&self, kind: &'static str, hash: Hash, owner: &str) {
        self.draft().claims.push(Claim::Take { kind, hash, owner: owner.to_owned() });
    }

    /// Frees what the owner holds. Another unit may take it; this one may not.
    pub fn free_claim(&self, kind: &'static str, hash: Hash, owner: &str) {
        self.draft().claims.push(Claim::Free { kind, hash, owner: owner.to_owned() });
    }

    /// Frees everything that the owner holds.
    pub fn free_claims_of(&self, owner: &str) {
        self.draft().claims.push(Claim::FreeAllOf { owner: owner.to_owned() });
    }

    /// Keeps the wrapped key of a person. If there is one by now, the command is decided again.
    pub fn insert_key(&self, person: &str, wrapped: Vec<u8>) {
        self.draft().keys.push(Key::Insert { person: person.to_owned(), wrapped });
    }

    /// Destroys the key of a person, and with it what was sealed under it.
    pub fn destroy_key(&self, person: &str) {
        self.draft().keys.push(Key::Destroy { person: person.to_owned() });
    }

    /// The wrapped key of a person, as it stands in the database.
    pub async fn wrapped_key(&self, person: &str) -> Result<Option<Vec<u8>>, Failed> {
        self.store.wrapped_key(person).await
    }

    /// Who holds a claim, as it stands in the database.
    pub async fn claim_owner(&self, kind: &str, hash: &Hash) -> Result<Option<String>, Failed> {
        self.store.claim_owner(kind, hash).await
    }

    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// The events in the bytes in which they are written, and the state after them.
pub(crate) fn add<A: Root>(
    key: &StreamKey,
    loaded: Arc<Loaded<A>>,
    events: Vec<A::Event>,
    metadata: &str,
) -> Result<(Vec<NewEvent>, Arc<Loaded<A>>), Failed> {
    let mut loaded = Arc::unwrap_or_clone(loaded);
    let mut new = Vec::with_capacity(events.len());
    for event in events {
        let written = NewEvent::new(key, loaded.sequence + 1, &event, metadata)?;
        loaded.evolve(event, written.payload.len());
        new.push(written);
    }
    Ok((new, Arc::new(loaded)))
}

impl Store {
    /// Carries out a command, once. What `decide` records is written together with its answer, all
    /// or nothing, and is durable when this returns. `decide` is called again when what it has read
    /// was changed by others; it must have no other effect than on its `Work`.
    ///
    /// Whether the command was carried out before is asked where it matters: by the append itself,
    /// after a refusal, and when nothing was recorded. That saves the others a round trip.
    pub async fn execute<R, E, F, Fut>(
        &self,
        command: Command,
        decide: F,
    ) -> Result<Executed<R>, Unsuccessful<E>>
    where
        R: Serialize + DeserializeOwned,
        F: Fn(Work) -> Fut,
        Fut: Future<Output = Result<R, Unsuccessful<E>>>,
    {
        let id = command.id.0;
        let under_way = self.commands().begin(id).ok_or(Unsuccessful::UnderWay)?;
        let metadata = Arc::new(command.metadata);
        for attempt in 0..ATTEMPTS_MAX {
            let work = Work::new(self.clone(), Some(metadata.clone()), attempt > 0);
            let decided = decide(work.clone()).await;
            let mut draft = mem::take(&mut *work.draft());
            let outcome = match decided {
                Ok(answer) if draft.writes() => {
                    let (reply, verdict) = oneshot::channel();
                    let unit = Unit {
                        command: id,
                        request: command.request,
                        result: serde_json::to_string(&answer).map_err(Failed::new)?,
                        keep: draft.is_of_kiosk(&metadata),
                        metadata: draft.written_metadata(Some(&metadata))?,
                        parts: draft.parts.into_iter().filter_map(Reading::into_part).collect(),
                        claims: draft.claims,
                        keys: draft.keys,
                        since: Instant::now(),
                        reply,
                        held: draft.held,
                        under_way: under_way.clone(),
                    };
                    match self.append(unit, verdict).await {
                        Verdict::Appended { position } => {
                            return Ok(Executed { answer, position, replayed: false });
                        }
                        other => other,
                    }
                }
                Ok(_) | Err(Unsuccessful::Refused(_)) => {
                    let seen = self.look_again(Some(id), &draft.cached()).await?;
                    match (seen, decided) {
                        (Seen::Stale, _) => Verdict::Conflict,
                        (Seen::Command { position, request, result }, _) => {
                            Verdict::Duplicate { position, request, result }
                        }
                        (Seen::Current { position }, Ok(answer)) => {
                            return Ok(Executed { answer, position, replayed: false });
                        }
                        (Seen::Current { .. }, Err(refused)) => return Err(refused),
                    }
                }
                Err(other) => return Err(other),
            };
            match outcome {
                Verdict::Duplicate { position, request, result } => {
                    if request != command.request {
                        return Err(Unsuccessful::OtherRequest);
                    }
                    let answer = serde_json::from_str(&result).map_err(Failed::new)?;
                    return Ok(Executed { answer, position, replayed: true });
                }
                Verdict::Taken(kind) => return Err(Unsuccessful::ClaimTaken(kind)),
                Verdict::Unavailable => return Err(Unsuccessful::Unavailable),
                Verdict::Failed(failed) => return Err(failed.into()),
                Verdict::Conflict | Verdict::Appended { .. } => {}
            }
        }
        Err(Unsuccessful::Busy)
    }

    /// What the states at hand say, without a second look: to show what a command has just left
    /// behind.
    pub async fn glance<R, E, Fut>(
        &self,
        show: impl FnOnce(Work) -> Fut,
    ) -> Result<R, Unsuccessful<E>>
    where
        Fut: Future<Output = Result<R, Unsuccessful<E>>>,
    {
        show(Work::new(self.clone(), None, false)).await
    }

    /// What the command would answer at this moment. Nothing is written.
    pub async fn preview<R, E, F, Fut>(&self, decide: F) -> Result<R, Unsuccessful<E>>
    where
        F: Fn(Work) -> Fut,
        Fut: Future<Output = Result<R, Unsuccessful<E>>>,
    {
        for attempt in 0..ATTEMPTS_MAX {
            let work = Work::new(self.clone(), None, attempt > 0);
            let decided = decide(work.clone()).await;
            if !matches!(decided, Ok(_) | Err(Unsuccessful::Refused(_))) {
                return decided;
            }
            let cached = mem::take(&mut *work.draft()).cached();
            if cached.is_empty() || !matches!(self.look_again(None, &cached).await?, Seen::Stale) {
                return decided;
            }
        }
        Err(Unsuccessful::Busy)
    }
}

//! What every door shares: the ledger, the read models, the issuer and the clock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use moka::sync::Cache;
use rand::Rng;
use sqlx::PgPool;
use uitpas_domain::card::Card;
use uitpas_domain::counter::{Authority, Counter, Task};
use uitpas_domain::ids::{CardSystemId, CommandId, CounterId, PassholderId, SubjectId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::identifier::Identifier;
use uitpas_projections::{Projections, counters};
use uitpas_store::{Store, Unsuccessful};

use crate::actions::{authority, clients, identify};
use crate::auth::{Caller, Issuer};
use crate::guesses::Guesses;
use crate::http::links::PublicUrl;
use crate::oidc::Outside;
use crate::problem::{Answer, Problem};

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub projections: Projections,
    pub issuer: Arc<Issuer>,
    /// The issuer whose tokens are accepted; absent: the demo's own.
    pub outside: Option<Arc<Outside>>,
    /// Where others reach this server; absent: where each request says that it is.
    pub public_url: Option<PublicUrl>,
    /// How often each caller tried what points at a person.
    pub guesses: Arc<Guesses>,
    pub clock: Clock,
    /// Up to where in the log each caller has been answered: what he wrote, he reads.
    seen: Cache<SubjectId, u64>,
    /// The keyed hash of the e-mail address that each UiTID showed last.
    addresses: Cache<SubjectId, [u8; 32]>,
}

tokio::task_local! {
    /// The id of the request at hand, which stands beside the events that come of it.
    pub static CORRELATION: CommandId;
    /// Where in the log the request at hand is.
    pub static POSITION: Position;
}

/// A task of its own that still belongs to the request at hand.
pub fn in_a_task<T: Send + 'static>(
    of: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    match CORRELATION.try_with(|id| *id) {
        Ok(id) => tokio::spawn(CORRELATION.scope(id, of)),
        Err(_) => tokio::spawn(of),
    }
}

/// Positions in the log, of one request.
#[derive(Default)]
pub struct Position {
    /// What it must have seen.
    pub after: u64,
    /// Up to where it has written; 0 where it has not.
    pub reached: AtomicU64,
}

/// How long a read waits for its view to catch up. Source: DESIGN, "Read models".
const PATIENCE: Duration = Duration::from_secs(2);

/// The machine's clock, or one that was turned to another moment: for what is done or rehearsed on
/// another day than today.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds before that of the machine.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// It is that moment now, and time goes on from there.
    pub fn turn_to(&self, moment: DateTime<Utc>) {
        let ahead = (moment - Utc::now()).num_microseconds().unwrap_or_default();
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::microseconds(self.ahead.load(Ordering::Relaxed))
    }
}

impl App {
    pub fn new(store: Store, projections: Projections) -> Self {
        let seen =
            Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_secs(300)).build();
        // Another process may hear of another address: it is looked up again after a while.
        let addresses =
            Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(300)).build();
        let issuer = Arc::new(Issuer::demo(store.master_key()));
        let (guesses, clock) = (Arc::default(), Clock::default());
        let (outside, public_url) = (None, None);
        Self { store, projections, issuer, outside, public_url, guesses, clock, seen, addresses }
    }

    /// Whether this UiTID showed this address a while ago.
    pub fn knows_address(&self, subject: &SubjectId, hash: &[u8; 32]) -> bool {
        self.addresses.get(subject).as_ref() == Some(hash)
    }

    pub fn remember_address(&self, subject: &SubjectId, hash: [u8; 32]) {
        self.addresses.insert(subject.clone(), hash);
    }

    /// Where the views are.
    pub fn pool(&self) -> &PgPool {
        self.projections.pool()
    }

    /// The one clock. Whole microseconds, as the log keeps them.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Remembers what a caller has seen of the log, and tells him.
    pub fn has_seen(&self, caller: &Caller, position: u64) {
        // Of two answers at once the later one counts, whichever comes last.
        self.seen.entry(caller.subject.clone()).and_upsert_with(|known| {
            known.map_or(position, |known| known.into_value().max(position))
        });
        // Outside of a request there is nobody to tell.
        let _ = POSITION.try_with(|of| of.reached.fetch_max(position, Ordering::Relaxed));
    }

    /// Lets a view catch up with what this caller has seen. One that lags is read as it is.
    pub async fn caught_up(&self, caller: &Caller, view: &'static str) -> Answer<()> {
        let asked = POSITION.try_with(|of| of.after).unwrap_or(0);
        let seen = self.seen.get(&caller.subject).unwrap_or(0);
        self.projections.wait_for(view, seen.max(asked), PATIENCE).await?;
        Ok(())
    }

    /// Lets a view catch up with a position. No amount is added up, and nothing is said to be
    /// unknown, on the word of a view that lags.
    pub async fn wait_for(&self, view: &'static str, position: u64) -> Answer<()> {
        match self.projections.wait_for(view, position, PATIENCE).await? {
            true => Ok(()),
            false => Err(Problem::LedgerUnavailable),
        }
    }

    /// Lets a view catch up with the whole log: for what is looked up by an id that anyone wrote.
    pub async fn wait_for_head(&self, view: &'static str) -> Answer<()> {
        let head = self.store.head().await?.position;
        self.wait_for(view, head).await
    }

    /// The same for a decision that must not fail for want of a view: one that lags for long is
    /// read as it is.
    pub async fn wait_for_head_if_possible(&self, view: &'static str) -> Answer<()> {
        let head = self.store.head().await?.position;
        self.projections.wait_for(view, head, PATIENCE).await?;
        Ok(())
    }

    /// A number for a digital card: unused but for a stroke of luck that the log refuses.
    pub fn new_digital_number(&self, with_social_status: bool) -> CardNumber {
        let serial = rand::thread_rng().gen_range(0..1_000_000_000_u64);
        let twelve = format!("09{serial:09}{}", u8::from(with_social_status));
        (0..=9)
            .find_map(|check| format!("{twelve}{check}").parse().ok())
            .expect("one of ten check digits holds")
    }

    /// The counters at which the caller may have a role, lowest id first. Whether he has one is
    /// asked of the counter itself.
    pub async fn counters_of(&self, caller: &Caller) -> Answer<Vec<CounterId>> {
        if let Some(client) = caller.client() {
            return clients::counters_of(self, &client).await;
        }
        self.caught_up(caller, counters::PROJECTION.name).await?;
        let pool = self.pool();
        let staffed = counters::counters_of(pool, &caller.subject).await?;
        let systems = counters::ksb_of(pool, &caller.subject).await?;
        let administered = match systems.is_empty() {
            true => vec![],
            false => counters::counters_in(pool, &systems).await?,
        };
        let ids = staffed.into_iter().map(|place| place.counter.id);
        let ids: BTreeSet<String> =
            ids.chain(administered.into_iter().map(|counter| counter.id)).collect();
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// The counters that a list is about: those asked for, if the caller has a role at each; else
    /// all of his.
    pub async fn own_counters(
        &self,
        caller: &Caller,
        asked: &[CounterId],
    ) -> Answer<Vec<CounterId>> {
        if asked.is_empty() {
            let own = self.counters_of(caller).await?;
            return match own.is_empty() {
                true => Err(Problem::Forbidden("no role at any counter".to_owned())),
                false => Ok(own),
            };
        }
        for counter in asked {
            self.authority_at(caller, counter).await?;
        }
        Ok(asked.to_vec())
    }

    /// What the caller may do at a counter, for a read.
    pub async fn authority_at(&self, caller: &Caller, counter: &CounterId) -> Answer<Authority> {
        let asked =
            self.store.preview(|work| async move { authority(&work, caller, counter).await });
        Ok(asked.await?)
    }

    /// The caller's counters with what he may do at each.
    pub async fn authorities(
        &self,
        caller: &Caller,
    ) -> Answer<Vec<(CounterId, Arc<Counter>, Authority)>> {
        let ids = self.counters_of(caller).await?;
        let ids = &ids;
        let asked = self.store.preview(|work| async move {
            let mut all = Vec::with_capacity(ids.len());
            for id in ids {
                match authority(&work, caller, id).await {
                    Ok(by) => {
                        let counter = work.load::<Counter>(id).await?.state.clone();
                        all.push((id.clone(), counter, by));
                    }
                    // He had a role there when the view last looked.
                    Err(Unsuccessful::Refused(_)) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok::<_, Unsuccessful<Problem>>(all)
        });
        Ok(asked.await?)
    }

    /// Refuses a caller who may do this at no counter.
    pub async fn demand_task(&self, caller: &Caller, task: Task) -> Answer<()> {
        let authorities = self.authorities(caller).await?;
        match authorities.iter().any(|(_, _, by)| by.may(task)) {
            true => Ok(()),
            false => Err(uitpas_domain::counter::NotAllowed::Task(task).into()),
        }
    }

    /// The card systems in which the caller may do this, at one counter or at all of his.
    pub async fn card_systems_with(
        &self,
        caller: &Caller,
        task: Task,
        counter: Option<&CounterId>,
    ) -> Answer<Vec<CardSystemId>> {
        let authorities = match counter {
            Some(counter) => {
                let by = self.authority_at(caller, counter).await?;
                let known = self.store.load::<Counter>(counter).await?.state.clone();
                vec![(counter.clone(), known, by)]
            }
            None => self.authorities(caller).await?,
        };
        let mut systems = BTreeSet::new();
        for (_, counter, by) in authorities {
            systems.extend(counter.card_systems().into_iter().filter(|id| by.may_in(*id, task)));
        }
        match systems.is_empty() {
            true => Err(uitpas_domain::counter::NotAllowed::Task(task).into()),
            false => Ok(systems.into_iter().collect()),
        }
    }

    /// Whom a scanner points at, and the card to act with.
    pub async fn identified(&self, identifier: &Identifier) -> Answer<(CardNumber, PassholderId)> {
        let found = self.store.preview(|work| async move {
            let pass = identify::pass(&work, identifier).await?;
            Ok((pass.card, pass.passholder))
        });
        Ok(found.await?)
    }

    /// Whose card this is.
    pub async fn passholder_of(&self, card: CardNumber) -> Answer<PassholderId> {
        let known = self.store.load::<Card>(&card).await?;
        let holder = known.state.identify()?;
        holder.passholder().map_err(|_| Problem::GroupPass)
    }
}

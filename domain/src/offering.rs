//! An activity together with what its counter and card systems say about it: the facts that points
//! and tariffs are judged by, looked up by the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::activity::{Activity, Description};
use crate::card_system::CardSystem;
use crate::counter::Counter;
use crate::distribution::DefinedKey;
use crate::ids::{ActivityId, CardSystemId, CounterId, DistributionKeyId};

#[derive(Debug, Clone)]
pub struct Offering {
    pub id: ActivityId,
    pub activity: Arc<Activity>,
    /// The organizer's counter.
    pub counter: Arc<Counter>,
    /// The card systems that the counter works for.
    pub card_systems: BTreeMap<CardSystemId, Arc<CardSystem>>,
}

/// Why an activity takes no part in UiTPAS (R-CHK-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    #[error("this activity is not known")]
    Unknown,
    #[error("this activity was cancelled or withdrawn")]
    Cancelled,
    #[error("the organizer of this activity takes no part in UiTPAS")]
    NoCounter,
    #[error("this activity has no price in UiTdatabank; fill one in, or \"free\"")]
    NoPrice,
    #[error("no card system takes part in this activity")]
    NoCardSystem,
}

impl Offering {
    /// The activity, if it gives points and tariffs at all (R-CHK-04).
    pub fn open(&self) -> Result<&Description, NotOffered> {
        let description = self.activity.description.as_deref().ok_or(NotOffered::Unknown)?;
        if description.withdrawn || !description.available {
            return Err(NotOffered::Cancelled);
        }
        if self.counter.profile.is_none() {
            return Err(NotOffered::NoCounter);
        }
        if description.prices.is_empty() {
            return Err(NotOffered::NoPrice);
        }
        if self.taking_part().next().is_none() {
            return Err(NotOffered::NoCardSystem);
        }
        Ok(description)
    }

    /// The organizer, where the activity is known.
    pub fn organizer(&self) -> Option<&CounterId> {
        self.activity.description.as_deref().map(|description| &description.organizer)
    }

    /// The card systems of the organizer that take part, lowest id first.
    pub fn taking_part(&self) -> impl Iterator<Item = (CardSystemId, &Arc<CardSystem>)> {
        let chosen = self.activity.card_systems.as_ref();
        self.card_systems
            .iter()
            .filter(move |(id, _)| chosen.is_none_or(|chosen| chosen.contains_key(id)))
            .map(|(id, system)| (*id, system))
    }

    /// Where the sale is made: the card system of the social status if it takes part, else the
    /// organizer's first one (R-TAR-06).
    pub fn card_system_for(
        &self,
        status_in: Option<CardSystemId>,
    ) -> Option<(CardSystemId, &Arc<CardSystem>)> {
        let own = self.taking_part().find(|(id, _)| Some(*id) == status_in);
        own.or_else(|| self.taking_part().next())
    }

    /// The keys of the first level that has any: switched on by hand at the activity, else the
    /// counter's, else the card system's default. There is no fall-through (R-TAR-06).
    pub fn keys(&self, card_system: CardSystemId) -> impl Iterator<Item = &DefinedKey> {
        let by_hand = self.activity.card_systems.as_ref().and_then(|all| all.get(&card_system));
        let of_counter = self.counter.terms.get(&card_system).map(|terms| &terms.keys);
        let defined = self.card_systems.get(&card_system);
        let by_default = defined.map(|system| &system.default_keys);
        let has_any = |keys: &&BTreeSet<DistributionKeyId>| !keys.is_empty();
        let level = [by_hand, of_counter, by_default].into_iter().flatten().find(has_any);
        level
            .into_iter()
            .flatten()
            .filter_map(move |id| defined.and_then(|system| system.keys.get(id)))
    }
}

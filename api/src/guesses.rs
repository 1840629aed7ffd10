//! Numbers and addresses that point at a person are not to be found out by trying them all: so many
//! tries per caller, then one every few seconds.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use uitpas_domain::ids::{OrderId, SubjectId};
use uitpas_domain::values::card_number::CardNumber;

use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// How many national numbers, e-mail addresses or codes one caller may try at once. Source: our choice; far
/// more than a counter has people waiting.
pub const GUESSES_MAX: NonZeroU32 = NonZeroU32::new(60).expect("it is more than zero");
/// After which time he may try one more.
pub const ONE_MORE_AFTER: Duration = Duration::from_secs(10);

/// How many birth dates may be tried for one card at once, whoever tries. Source: our choice; a date of
/// birth is one of some ten thousands.
pub const DATES_MAX: NonZeroU32 = NonZeroU32::new(5).expect("it is more than zero");
/// After which time one more may be tried.
pub const ONE_MORE_DATE_AFTER: Duration = Duration::from_secs(15 * 60);

pub struct Guesses {
    callers: DefaultKeyedRateLimiter<SubjectId>,
    cards: DefaultKeyedRateLimiter<CardNumber>,
    orders: DefaultKeyedRateLimiter<OrderId>,
}

impl Default for Guesses {
    fn default() -> Self {
        let every = |period| Quota::with_period(period).expect("it is some time");
        Self {
            callers: RateLimiter::keyed(every(ONE_MORE_AFTER).allow_burst(GUESSES_MAX)),
            orders: RateLimiter::keyed(every(ONE_MORE_AFTER).allow_burst(GUESSES_MAX)),
            cards: RateLimiter::keyed(every(ONE_MORE_DATE_AFTER).allow_burst(DATES_MAX)),
        }
    }
}

impl Guesses {
    /// Counts a try, whether or not it finds somebody; refused where there were too many.
    pub fn count(&self, caller: &Caller) -> Answer<()> {
        self.count_by(&caller.subject)
    }

    /// The same of what is guessed at, where nobody knows who guesses.
    pub fn count_by(&self, of: &SubjectId) -> Answer<()> {
        self.callers.check_key(of).map_err(too_many)
    }

    /// Counts a look at an order by its token, which is good for a number of times.
    pub fn count_order(&self, order: OrderId) -> Answer<()> {
        self.orders.check_key(&order).map_err(too_many)
    }

    /// Counts a try at the date of birth of whoever has this card.
    pub fn count_date(&self, card: CardNumber) -> Answer<()> {
        self.cards.check_key(&card).map_err(too_many)
    }

    /// Forgets callers who did not try for long.
    pub fn forget(&self) {
        self.callers.retain_recent();
        self.cards.retain_recent();
        self.orders.retain_recent();
    }
}

fn too_many(refused: NotUntil<<DefaultClock as Clock>::Instant>) -> Problem {
    let wait = refused.wait_time_from(DefaultClock::default().now());
    Problem::RateLimited { retry_after_s: wait.as_secs() + 1 }
}

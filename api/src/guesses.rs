//! Numbers and addresses that point at a person are not to be found out by trying them all: so many
//! tries per caller, then one every few seconds.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uitpas_domain::ids::SubjectId;

use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// How many national numbers, e-mail addresses or codes one caller may try at once. Source: our choice; far
/// more than a counter has people waiting.
pub const GUESSES_MAX: NonZeroU32 = NonZeroU32::new(60).expect("it is more than zero");
/// After which time he may try one more.
pub const ONE_MORE_AFTER: Duration = Duration::from_secs(10);

pub struct Guesses(DefaultKeyedRateLimiter<SubjectId>);

impl Default for Guesses {
    fn default() -> Self {
        let quota = Quota::with_period(ONE_MORE_AFTER).expect("it is some time");
        Self(RateLimiter::keyed(quota.allow_burst(GUESSES_MAX)))
    }
}

impl Guesses {
    /// Counts a try, whether or not it finds somebody; refused where there were too many.
    pub fn count(&self, caller: &Caller) -> Answer<()> {
        self.count_by(&caller.subject)
    }

    /// The same of what is guessed at, where nobody knows who guesses.
    pub fn count_by(&self, of: &SubjectId) -> Answer<()> {
        self.0.check_key(of).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            Problem::RateLimited { retry_after_s: wait.as_secs() + 1 }
        })
    }

    /// Forgets callers who did not try for long.
    pub fn forget(&self) {
        self.0.retain_recent();
    }
}

//! A kiosk: a device at which passholders save points without staff. Which activity it is for is
//! fixed by the KSB, else chosen by a counter, else found by the clock. Source: KSB manual,
//! "Zuilen"; counter manual, "Zuil".

use std::collections::BTreeSet;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::activity::Calendar;
use crate::aggregate;
use crate::calendar::{day_in_belgium, months_later, start_of_day};
use crate::ids::{ActivityId, CardSystemId, CounterId, KioskId};
use crate::offering::{NotOffered, Offering};
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    /// By a KSB admin of its card system: makes it, or changes what it is (R-KSK-01).
    Provision { profile: Profile, at: DateTime<Utc> },
    /// A device becomes this kiosk.
    Claim { at: DateTime<Utc> },
    /// Another device may become this kiosk.
    ReleaseDevice { at: DateTime<Utc> },
    /// Sets the activity by hand.
    Set { by: Hand, offering: std::sync::Arc<Offering>, at: DateTime<Utc> },
    /// Takes the activity that was set away again.
    Unset { by: Hand, at: DateTime<Utc> },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Provisioned {
        profile: Profile,
        at: DateTime<Utc>,
    },
    Claimed {
        at: DateTime<Utc>,
    },
    DeviceReleased {
        at: DateTime<Utc>,
    },
    /// Absent: none any more.
    Fixed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activity: Option<ActivityId>,
        at: DateTime<Utc>,
    },
    /// Absent: none any more.
    Chosen {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activity: Option<ActivityId>,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this kiosk is not known")]
    Unknown,
    #[error("a kiosk is for at least one counter")]
    NoCounter,
    #[error("a kiosk stays in its card system")]
    OtherCardSystem,
    #[error("a device is this kiosk already")]
    AlreadyClaimed,
    #[error("no device is this kiosk")]
    NotClaimed,
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    #[error("this activity is of none of the kiosk's counters")]
    OtherCounter,
    #[error("this activity is over")]
    Over,
    #[error("this activity starts more than {DAYS_AHEAD} days ahead")]
    TooFarAhead,
    #[error("no activity was set by hand")]
    NothingSet,
}

/// Whose hand set an activity: that of the KSB goes before that of a counter (R-KSK-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Ksb,
    Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub name: Text<120>,
    pub card_system: CardSystemId,
    pub counters: BTreeSet<CounterId>,
    /// Whether its screen shows the QR code of the activity (R-KSK-07).
    pub shows_qr: bool,
}

/// The last day on which an activity that is set by hand may start, counted from today (R-KSK-05).
const DAYS_AHEAD: u64 = 3;

/// Before the start and after the end of an activity (R-KSK-02).
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// How long before its start an activity takes over from one that has started (R-KSK-03).
const TAKES_OVER: TimeDelta = TimeDelta::minutes(30);

/// A longer span gives way like an activity with opening hours (R-KSK-04).
const LONG: TimeDelta = TimeDelta::hours(24);

/// How wrong the clock of a kiosk may be (R-KSK-08).
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// How old a scan may be that comes in late, in calendar months (R-KSK-08).
const AGE_MONTHS_MAX: u32 = 3;

/// The kiosk as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kiosk {
    /// Absent until a KSB admin has made it.
    pub profile: Option<Profile>,
    pub claimed: bool,
    /// What was set since when, oldest first: scans that come in late are judged by their own time.
    fixed: Vec<(DateTime<Utc>, Option<ActivityId>)>,
    chosen: Vec<(DateTime<Utc>, Option<ActivityId>)>,
}

aggregate!(Kiosk, "kiosk", KioskId, Command, Event, Refused);

impl Kiosk {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Provision { profile, at } => self.provision(profile, at),
            Command::Claim { at } => {
                self.known()?;
                match self.claimed {
                    true => Err(Refused::AlreadyClaimed),
                    false => Ok(vec![Event::Claimed { at }]),
                }
            }
            Command::ReleaseDevice { at } => {
                self.known()?;
                match self.claimed {
                    true => Ok(vec![Event::DeviceReleased { at }]),
                    false => Err(Refused::NotClaimed),
                }
            }
            Command::Set { by, offering, at } => self.set(by, &offering, at),
            Command::Unset { by, at } => {
                self.known()?;
                if self.set_by(by, at).is_none() {
                    return Err(Refused::NothingSet);
                }
                Ok(vec![set(by, None, at)])
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Provisioned { profile, .. } => self.profile = Some(profile),
            Event::Claimed { .. } => self.claimed = true,
            Event::DeviceReleased { .. } => self.claimed = false,
            Event::Fixed { activity, at } => self.fixed.push((at, activity)),
            Event::Chosen { activity, at } => self.chosen.push((at, activity)),
        }
    }

    pub fn known(&self) -> Result<&Profile, Refused> {
        self.profile.as_ref().ok_or(Refused::Unknown)
    }

    fn provision(&self, profile: Profile, at: DateTime<Utc>) -> Result<Vec<Event>, Refused> {
        if profile.counters.is_empty() {
            return Err(Refused::NoCounter);
        }
        match &self.profile {
            Some(known) if known.card_system != profile.card_system => {
                Err(Refused::OtherCardSystem)
            }
            Some(known) if *known == profile => Ok(vec![]),
            _ => Ok(vec![Event::Provisioned { profile, at }]),
        }
    }

    fn set(&self, by: Hand, offering: &Offering, at: DateTime<Utc>) -> Result<Vec<Event>, Refused> {
        let profile = self.known()?;
        let description = offering.open()?;
        if !profile.counters.contains(&description.organizer) {
            return Err(Refused::OtherCounter);
        }
        may_be_set(&description.calendar, at)?;
        let is_news = self.set_by(by, at) != Some(&offering.id);
        Ok(if is_news { vec![set(by, Some(offering.id.clone()), at)] } else { vec![] })
    }

    /// What this hand had set at an instant.
    pub fn set_by(&self, by: Hand, at: DateTime<Utc>) -> Option<&ActivityId> {
        let all = match by {
            Hand::Ksb => &self.fixed,
            Hand::Counter => &self.chosen,
        };
        let last = all.iter().rev().find(|(since, _)| *since <= at);
        last.and_then(|(_, activity)| activity.as_ref())
    }

    /// The activity that was set by hand at an instant: that of the KSB goes first (R-KSK-02).
    pub fn set_by_hand(&self, at: DateTime<Utc>) -> Option<&ActivityId> {
        self.set_by(Hand::Ksb, at).or_else(|| self.set_by(Hand::Counter, at))
    }
}

fn set(by: Hand, activity: Option<ActivityId>, at: DateTime<Utc>) -> Event {
    match by {
        Hand::Ksb => Event::Fixed { activity, at },
        Hand::Counter => Event::Chosen { activity, at },
    }
}

/// By hand, what is on now or starts before the end of today + 3 days (R-KSK-05).
fn may_be_set(calendar: &Calendar, at: DateTime<Utc>) -> Result<(), Refused> {
    let too_far = start_of_day(day_in_belgium(at) + Days::new(DAYS_AHEAD + 1));
    let mut to_come = calendar.openings_around(at).into_iter().filter(|(_, end)| *end >= at);
    match to_come.next() {
        None => Err(Refused::Over),
        Some(first) if first.0 < too_far || to_come.any(|(start, _)| start < too_far) => Ok(()),
        Some(_) => Err(Refused::TooFarAhead),
    }
}

/// Whether a kiosk gives points for an activity at an instant: from 1 hour before its start to 1
/// hour after its end, without an end until 23:59 of its day (R-KSK-02, R-KSK-06). A permanent
/// activity within its hours.
pub fn is_on(calendar: &Calendar, at: DateTime<Utc>) -> bool {
    spans(calendar, at).into_iter().any(|span| span.holds(at))
}

/// What a kiosk does of its own accord: the activity that is on, among those of its counters
/// (R-KSK-03). Those that run long give way (R-KSK-04).
pub fn automatic<'a>(
    candidates: impl IntoIterator<Item = (&'a ActivityId, &'a Calendar)>,
    at: DateTime<Utc>,
) -> Option<&'a ActivityId> {
    let on = candidates.into_iter().flat_map(|(id, calendar)| {
        let spans = spans(calendar, at).into_iter();
        spans.filter(|span| span.holds(at)).map(move |span| (span, id))
    });
    let (long, short): (Vec<_>, Vec<_>) = on.partition(|(span, _)| span.is_long);
    let first = |on: Vec<(Span, &'a ActivityId)>| {
        let (started, to_come): (Vec<_>, Vec<_>) =
            on.into_iter().partition(|(span, _)| span.start <= at + TAKES_OVER);
        let latest = started.iter().map(|(span, _)| span.start).max();
        let soonest = to_come.iter().map(|(span, _)| span.start).min();
        let (among, start) = match latest {
            Some(latest) => (started, latest),
            None => (to_come, soonest?),
        };
        among.into_iter().filter(|(span, _)| span.start == start).map(|(_, id)| id).min()
    };
    first(short).or_else(|| first(long))
}

/// One occurrence or opening of an activity, as a kiosk sees it.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: DateTime<Utc>,
    opens: DateTime<Utc>,
    closes: DateTime<Utc>,
    is_long: bool,
}

impl Span {
    fn holds(&self, at: DateTime<Utc>) -> bool {
        (self.opens..=self.closes).contains(&at)
    }
}

fn spans(calendar: &Calendar, at: DateTime<Utc>) -> Vec<Span> {
    match calendar {
        Calendar::Single(_) | Calendar::Multiple(_) => {
            let span = |occurrence: &crate::activity::Occurrence| {
                let (start, end) = (occurrence.start, occurrence.end());
                let closes = if occurrence.end.is_some() { end + MARGIN } else { end };
                Span { start, opens: start - MARGIN, closes, is_long: end - start > LONG }
            };
            calendar.occurrences().map(span).collect()
        }
        Calendar::Periodic { .. } | Calendar::Permanent { .. } => {
            // A permanent activity is open within its hours, neither sooner nor later (R-CHK-02).
            let margin = match calendar {
                Calendar::Permanent { .. } => TimeDelta::zero(),
                _ => MARGIN,
            };
            let span = |(start, end)| Span {
                start,
                opens: start - margin,
                closes: end + margin,
                is_long: true,
            };
            calendar.openings_around(at).into_iter().map(span).collect()
        }
    }
}

/// Why a scan of a kiosk does not count (R-KSK-08).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefused {
    #[error("the scan lies in the future; the clock of the kiosk is wrong")]
    InTheFuture,
    #[error("the scan is older than 3 months")]
    TooOld,
}

/// The instant by which a scan is judged: its own, within bounds (R-KSK-08). Both are inclusive.
pub fn scan_time(
    scanned_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, ScanRefused> {
    let at = scanned_at.unwrap_or(now);
    if at > now + AHEAD_MAX {
        return Err(ScanRefused::InTheFuture);
    }
    if months_later(at, AGE_MONTHS_MAX) < now {
        return Err(ScanRefused::TooOld);
    }
    Ok(at)
}

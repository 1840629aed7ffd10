//! Saving points, and taking them back. Source: counter manual, "Punt toekennen"; association
//! manual, "Punten sparen"; KSB manual, "Check-ins".

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{CardSystems, CheckedIn, Event, Holder, Reason, Refused, may_correct};
use crate::activity::{AT_THE_COUNTER, Margins, WITHOUT_STAFF, Window};
use crate::calendar::{Period, day_in_belgium};
use crate::counter::{Authority, Task};
use crate::ids::{ActivityId, CheckInId, CounterId, SaleId};
use crate::metadata::{Channel, Role};
use crate::offering::{NotOffered, Offering};
use crate::sealed::Sealed;
use crate::values::card_number::CardNumber;

#[derive(Debug, Clone)]
pub struct CheckIn {
    pub check_in: CheckInId,
    pub by: Authority,
    pub offering: Arc<Offering>,
    pub card: CardNumber,
    pub channel: Channel,
    /// Of the passholder's memberships.
    pub card_systems: CardSystems,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct CorrectCheckIn {
    pub check_in: CheckInId,
    pub by: Authority,
    pub reason: Option<Sealed<Reason>>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckInRefused {
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    #[error("points can be saved from {0}")]
    TooEarly(DateTime<Utc>),
    #[error("points can no longer be saved")]
    TooLate(Option<DateTime<Utc>>),
    /// R-CHK-03: and when.
    #[error("the point was given already, at {0}")]
    AlreadyGiven(DateTime<Utc>),
    #[error("this activity gives no points")]
    NoPoints,
    #[error("this check-in is not known")]
    Unknown,
    #[error("this check-in was corrected already")]
    AlreadyCorrected,
    #[error("only the counter of the check-in or a KSB admin corrects it")]
    OtherCounter,
    #[error("a check-in by QR code or kiosk is corrected by a KSB admin only")]
    OnlyKsb,
}

/// Points that were given: what limits and corrections need to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Given {
    pub activity: ActivityId,
    pub at: DateTime<Utc>,
    pub counter: CounterId,
    pub channel: Channel,
    pub points: u32,
    pub sale: Option<SaleId>,
    pub corrected: bool,
}

/// The point of a ticket sale (R-CHK-07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointOfSale {
    Given(CheckInId),
    /// The sale succeeds without it; it can be saved later where the window opens.
    NotGiven(NoPoint),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoPoint {
    OpensAt(DateTime<Utc>),
    Closed,
    GivenAlready(DateTime<Utc>),
    ActivityGivesNone,
    StatusExpired,
    GroupPass,
}

impl Holder {
    /// The order of refusals: right, card, activity, status, window, limit.
    pub(super) fn check_in(&self, check_in: CheckIn) -> Result<Vec<Event>, Refused> {
        let CheckIn { check_in: id, by, offering, card, channel, card_systems, at } = check_in;
        by.demand(Task::CheckIn)?;
        self.demand_active(card)?;
        let description = offering.open().map_err(CheckInRefused::from)?;
        self.demand_open_for_points(at, &card_systems)?;
        let points = self.points_for(&offering, at, margins(channel, &offering))?;
        Ok(vec![Event::CheckedIn(Box::new(CheckedIn {
            check_in: id,
            activity: offering.id.clone(),
            title: description.title.clone(),
            counter: description.organizer.clone(),
            card,
            points,
            channel,
            sale: None,
            home: self.home.clone(),
            at,
        }))])
    }

    /// The points a participation is worth now, or why none (R-CHK-01, -02, -03).
    pub(super) fn points_for(
        &self,
        offering: &Offering,
        at: DateTime<Utc>,
        margins: Margins,
    ) -> Result<u32, CheckInRefused> {
        let description = offering.open()?;
        let points = offering.activity.settings.check_in_points;
        if points == 0 {
            return Err(CheckInRefused::NoPoints);
        }
        match description.calendar.window(at, margins) {
            Window::Open => {}
            Window::OpensAt(opens) => return Err(CheckInRefused::TooEarly(opens)),
            Window::ClosedSince(closed) => return Err(CheckInRefused::TooLate(closed)),
        }
        let limit = offering.activity.check_in_limit();
        let today = day_in_belgium(at);
        if limit.left(self.check_in_days(&offering.id), today) == 0 {
            let in_period = self
                .given_at(&offering.id)
                .filter(|given| limit.period.same(day_in_belgium(given.at), today));
            return Err(match in_period.map(|given| given.at).max() {
                Some(given_at) => CheckInRefused::AlreadyGiven(given_at),
                // A limit of none at all.
                None => CheckInRefused::NoPoints,
            });
        }
        Ok(points)
    }

    /// Takes back exactly the points given; the balance may become negative (R-CHK-08).
    pub(super) fn correct_check_in(&self, correct: CorrectCheckIn) -> Result<Vec<Event>, Refused> {
        let CorrectCheckIn { check_in, by, reason, at } = correct;
        by.demand(Task::CheckIn)?;
        let given = self.check_ins.get(&check_in).ok_or(CheckInRefused::Unknown)?;
        if !may_correct(&by, &given.counter) {
            return Err(CheckInRefused::OtherCounter.into());
        }
        if matches!(given.channel, Channel::Qr | Channel::Kiosk) && by.role != Role::Ksb {
            return Err(CheckInRefused::OnlyKsb.into());
        }
        if given.corrected {
            return Err(CheckInRefused::AlreadyCorrected.into());
        }
        let (activity, points) = (given.activity.clone(), given.points);
        Ok(vec![Event::CheckInCorrected { check_in, activity, points, reason, at }])
    }

    /// Check-ins at an activity that still count.
    pub fn given_at<'a>(&'a self, activity: &'a ActivityId) -> impl Iterator<Item = &'a Given> {
        self.check_ins.values().filter(move |given| !given.corrected && given.activity == *activity)
    }

    fn check_in_days<'a>(&'a self, activity: &'a ActivityId) -> impl Iterator<Item = NaiveDate> {
        self.given_at(activity).map(|given| day_in_belgium(given.at))
    }

    /// The check-in that a cancelled sale takes along: only if the sale gave it, it still counts,
    /// and no other sale for that activity (with a limit per day: on that day) remains (R-CHK-07).
    pub(super) fn point_to_return(&self, sale: SaleId) -> Option<(CheckInId, &Given)> {
        let cancelled = self.sales.get(&sale)?;
        let (check_in, given) = self
            .check_ins
            .iter()
            .find(|(_, given)| given.sale == Some(sale) && !given.corrected)?;
        let same_turn = |other: &super::ticket_sales::Sold| {
            cancelled.point_limit_period != Period::Day
                || day_in_belgium(other.at) == day_in_belgium(cancelled.at)
        };
        let another_remains = self.sales.iter().any(|(id, other)| {
            *id != sale
                && !other.cancelled
                && other.activity == cancelled.activity
                && same_turn(other)
        });
        (!another_remains).then_some((*check_in, given))
    }

    pub(super) fn on_checked_in(&mut self, checked_in: &CheckedIn) {
        self.points += i64::from(checked_in.points);
        self.check_ins.insert(
            checked_in.check_in,
            Given {
                activity: checked_in.activity.clone(),
                at: checked_in.at,
                counter: checked_in.counter.clone(),
                channel: checked_in.channel,
                points: checked_in.points,
                sale: checked_in.sale,
                corrected: false,
            },
        );
    }

    pub(super) fn on_check_in_corrected(&mut self, check_in: CheckInId, points: u32) {
        self.points -= i64::from(points);
        if let Some(given) = self.check_ins.get_mut(&check_in) {
            given.corrected = true;
        }
    }
}

/// With staff present the window is wide; by QR code as the card system says (R-CHK-10); at a kiosk
/// it is an hour on either side, whatever that says (R-KSK-06).
fn margins(channel: Channel, offering: &Offering) -> Margins {
    match channel {
        Channel::Kiosk => WITHOUT_STAFF,
        Channel::Qr => {
            let system = offering.taking_part().next();
            system.map_or(WITHOUT_STAFF, |(_, system)| system.settings.without_staff)
        }
        Channel::Counter
        | Channel::Bulk
        | Channel::TicketSale
        | Channel::BackOffice
        | Channel::Import => AT_THE_COUNTER,
    }
}

impl From<CheckInRefused> for NoPoint {
    fn from(refused: CheckInRefused) -> Self {
        match refused {
            CheckInRefused::TooEarly(opens) => NoPoint::OpensAt(opens),
            CheckInRefused::AlreadyGiven(at) => NoPoint::GivenAlready(at),
            CheckInRefused::NoPoints => NoPoint::ActivityGivesNone,
            CheckInRefused::TooLate(_)
            | CheckInRefused::NotOffered(_)
            | CheckInRefused::Unknown
            | CheckInRefused::AlreadyCorrected
            | CheckInRefused::OtherCounter
            | CheckInRefused::OnlyKsb => NoPoint::Closed,
        }
    }
}

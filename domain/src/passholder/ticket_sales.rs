//! The social tariff: what it costs, selling at it, cancelling. Source: FAQ "20-40-40"; KSB manual,
//! "Verdeelsleutels"; association manual, "Kansentarief".

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::check_ins::{NoPoint, PointOfSale};
use super::coupons::CouponRefused;
use super::{CardSystems, CheckedIn, CouponUsed, Event, Holder, Refused, TicketSold, may_correct};
use crate::activity::{AT_THE_COUNTER, Description};
use crate::calendar::{Period, day_in_belgium};
use crate::counter::{Authority, NotAllowed, Task};
use crate::coupon::Coupon;
use crate::distribution::{DefinedKey, Shares, cheapest};
use crate::ids::{ActivityId, CardSystemId, CheckInId, CounterId, CouponId, SaleId};
use crate::metadata::{Channel, Role};
use crate::offering::{NotOffered, Offering};
use crate::social_status::OnDay;
use crate::values::card_number::CardNumber;
use crate::values::euro::Price;
use crate::values::place::Municipality;
use crate::values::text::Text;

/// Tickets of one passholder in one request: all or none (R-TAR-07).
#[derive(Debug, Clone)]
pub struct SellTickets {
    /// Never empty.
    pub items: Vec<Item>,
    /// Of the passholder's memberships.
    pub card_systems: CardSystems,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub sale: SaleId,
    /// The id of the check-in, should the sale give one.
    pub check_in: CheckInId,
    pub by: Authority,
    pub offering: Arc<Offering>,
    pub card: CardNumber,
    pub price: Price,
    /// Absent: the name of the activity's price with that amount.
    pub price_name: Option<Text<120>>,
    /// The social tariff or one coupon, never both (R-CPN-03).
    pub tariff: Tariff,
    /// Years, on the day of the sale; absent once it cannot be read any more.
    pub age: Option<u16>,
}

/// At what a ticket is sold.
#[derive(Debug, Clone)]
pub enum Tariff {
    SocialTariff,
    Coupon(CouponId, Arc<Coupon>),
}

impl Tariff {
    /// Absent: the social tariff.
    pub fn coupon(&self) -> Option<CouponId> {
        match self {
            Tariff::SocialTariff => None,
            Tariff::Coupon(id, _) => Some(*id),
        }
    }
}

#[derive(Debug, Clone)]
pub struct CancelSale {
    pub sale: SaleId,
    pub by: Authority,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaleRefused {
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    #[error("no social tariff is granted of a free price")]
    Free,
    #[error("{0} is not one of the prices of this activity")]
    NotAPrice(Price),
    #[error("the passholder has no social status")]
    NoSocialStatus,
    #[error("the social status ended on {0}")]
    Expired(NaiveDate),
    #[error("the social status is suspended until {0}")]
    Suspended(NaiveDate),
    #[error("the membership with social status is blocked")]
    MembershipBlocked,
    /// Answered in words, not as an error, when asked for (R-TAR-04).
    #[error("no distribution key of this activity holds for this passholder and price")]
    NoKey,
    #[error("neither the passholder nor the counter has a municipality that pays")]
    NoPayer,
    #[error(transparent)]
    Coupon(#[from] CouponRefused),
    /// How many tickets, per period, of which level.
    #[error("the limit of {volume} tickets was reached")]
    LimitReached { volume: u32, period: Period, of_counter: bool },
    #[error("one ticket of a kind for a person in one request")]
    SecondEqualItem,
    #[error("this ticket sale is not known")]
    Unknown,
    #[error("this ticket sale was cancelled already")]
    AlreadyCancelled,
    #[error("only the counter of the sale or a KSB admin cancels it")]
    OtherCounter,
}

/// A granted tariff: what limits and cancelling need to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sold {
    pub activity: ActivityId,
    pub counter: CounterId,
    pub price: Price,
    pub at: DateTime<Utc>,
    pub cancelled: bool,
    /// What a turn is for the point of this activity (R-CHK-07).
    pub point_limit_period: Period,
    /// Absent: sold at the social tariff.
    pub coupon: Option<CouponId>,
}

/// What a tariff comes to for a passholder: what is shown before, and recorded by, a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub card_system: CardSystemId,
    pub granted: Granted,
    pub shares: Shares,
    pub payer: Municipality,
    pub price_name: Option<Text<120>>,
    pub deviating: bool,
    /// How many can be bought in one request: one for a person (R-TAR-05).
    pub remaining: u32,
}

/// By what the price is split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    Key(DefinedKey),
    Coupon { id: CouponId, name: Text<200> },
}

/// A sale as it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Ticket {
    AtSocialTariff(Box<TicketSold>),
    WithCoupon(Box<CouponUsed>),
}

impl From<Ticket> for Event {
    fn from(ticket: Ticket) -> Self {
        match ticket {
            Ticket::AtSocialTariff(sold) => Event::TicketSold(sold),
            Ticket::WithCoupon(used) => Event::CouponUsed(used),
        }
    }
}

/// Who may pay the municipality's share: the home, or else, of a passholder abroad, the counter's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payers {
    pub home: Option<Municipality>,
    pub otherwise: Option<Municipality>,
}

/// What holds whoever buys, a passholder or a group pass: right, card, activity, free, price. Then
/// the buyer is asked for the tariff.
pub(crate) fn quote<E>(
    item: &Item,
    demand_active: impl FnOnce(CardNumber) -> Result<(), E>,
    tariff: impl FnOnce() -> Result<Quote, E>,
) -> Result<Quote, E>
where
    E: From<NotAllowed> + From<SaleRefused>,
{
    item.by.demand(Task::GrantTariff)?;
    demand_active(item.card)?;
    let description = item.offering.open().map_err(SaleRefused::from)?;
    if item.price.is_free() {
        return Err(SaleRefused::Free.into());
    }
    let listed = listed_price(description, item);
    if !listed.0 && item.by.role != Role::Client {
        return Err(SaleRefused::NotAPrice(item.price).into());
    }
    Ok(Quote { price_name: listed.1, deviating: !listed.0, ..tariff()? })
}

/// The social tariff for whoever has social status in a card system; limits come after it.
pub(crate) fn at_social_tariff(
    item: &Item,
    status_in: CardSystemId,
    payers: Payers,
) -> Result<Quote, SaleRefused> {
    let (card_system, key) = key_for(item, status_in).ok_or(SaleRefused::NoKey)?;
    let payer = payers.home.or(payers.otherwise).ok_or(SaleRefused::NoPayer)?;
    Ok(Quote {
        card_system,
        shares: key.key.split(item.price),
        granted: Granted::Key(key.clone()),
        payer,
        price_name: None,
        deviating: false,
        remaining: 1,
    })
}

/// The card system of the sale and its cheapest key that holds (R-TAR-06).
fn key_for(item: &Item, status_in: CardSystemId) -> Option<(CardSystemId, &DefinedKey)> {
    let (card_system, _) = item.offering.card_system_for(Some(status_in))?;
    let own_region = card_system == status_in;
    let key = cheapest(item.offering.keys(card_system), own_region, item.price)?;
    Some((card_system, key))
}

/// The sale with everything that the expense note prints (R-TAR-08). Of one with a coupon no point is
/// asked: it gives none.
pub(crate) fn ticket(
    item: &Item,
    quote: Quote,
    point: impl FnOnce() -> PointOfSale,
    at: DateTime<Utc>,
) -> Result<Ticket, SaleRefused> {
    let description = item.offering.open()?;
    let (sale, activity) = (item.sale, item.offering.id.clone());
    let (title, counter) = (description.title.clone(), description.organizer.clone());
    let Quote { card_system, granted, shares, payer, price_name, deviating, .. } = quote;
    let (card, price) = (item.card, item.price);
    Ok(match granted {
        Granted::Key(key) => Ticket::AtSocialTariff(Box::new(TicketSold {
            sale,
            activity,
            title,
            counter,
            card_system,
            card,
            price,
            price_name,
            deviating,
            key,
            shares,
            payer,
            point_limit_period: item.offering.activity.check_in_limit().period,
            point: point(),
            at,
        })),
        Granted::Coupon { id: coupon, name: coupon_name } => {
            Ticket::WithCoupon(Box::new(CouponUsed {
                sale,
                coupon,
                coupon_name,
                activity,
                title,
                counter,
                card_system,
                card,
                price,
                price_name,
                deviating,
                shares,
                payer,
                at,
            }))
        }
    })
}

/// The sale to cancel, whoever bought (R-TAR-09).
pub(crate) fn cancellable<E>(sales: &OrdMap<SaleId, Sold>, cancel: &CancelSale) -> Result<(), E>
where
    E: From<NotAllowed> + From<SaleRefused>,
{
    cancel.by.demand(Task::GrantTariff)?;
    let sold = sales.get(&cancel.sale).ok_or(SaleRefused::Unknown)?;
    if !may_correct(&cancel.by, &sold.counter) {
        return Err(SaleRefused::OtherCounter.into());
    }
    match sold.cancelled {
        true => Err(SaleRefused::AlreadyCancelled.into()),
        false => Ok(()),
    }
}

impl Sold {
    pub(crate) fn at_social_tariff(sold: &TicketSold) -> Self {
        Self {
            activity: sold.activity.clone(),
            counter: sold.counter.clone(),
            price: sold.price,
            at: sold.at,
            cancelled: false,
            point_limit_period: sold.point_limit_period,
            coupon: None,
        }
    }

    pub(crate) fn with_coupon(used: &CouponUsed) -> Self {
        Self {
            activity: used.activity.clone(),
            counter: used.counter.clone(),
            price: used.price,
            at: used.at,
            cancelled: false,
            // It gave no point.
            point_limit_period: Period::Absolute,
            coupon: Some(used.coupon),
        }
    }

    /// Sales with a coupon count against that coupon only (R-TAR-05).
    pub(crate) fn counts_for_limits(&self) -> bool {
        !self.cancelled && self.coupon.is_none()
    }
}

impl Holder {
    /// The order of refusals: right, card, activity, free, price, and for the social tariff: status,
    /// key, payer, limit.
    pub fn quote(
        &self,
        item: &Item,
        card_systems: &CardSystems,
        at: DateTime<Utc>,
    ) -> Result<Quote, Refused> {
        quote(
            item,
            |card| self.demand_active(card).map_err(Refused::from),
            || match &item.tariff {
                Tariff::SocialTariff => self.quote_social_tariff(item, card_systems, at),
                Tariff::Coupon(id, coupon) => {
                    self.quote_coupon(item, (*id, coupon), card_systems, at)
                }
            },
        )
    }

    fn quote_social_tariff(
        &self,
        item: &Item,
        card_systems: &CardSystems,
        at: DateTime<Utc>,
    ) -> Result<Quote, Refused> {
        let today = day_in_belgium(at);
        let status_in = self.demand_entitled(today, card_systems)?;
        let quote = at_social_tariff(item, status_in, self.payers())?;
        self.demand_within_limits(item, quote.card_system, today)?;
        Ok(quote)
    }

    pub(super) fn payers(&self) -> Payers {
        Payers { home: self.home.clone(), otherwise: self.counter_municipality.clone() }
    }

    /// All items or none; each is judged after the ones before it.
    pub(super) fn sell_tickets(&self, sell: SellTickets) -> Result<Vec<Event>, Refused> {
        let SellTickets { items, card_systems, at } = sell;
        let mut so_far = self.clone();
        let mut events = Vec::new();
        for (index, item) in items.iter().enumerate() {
            // `remaining` is one for a person, even where the limit is higher (R-TAR-05).
            let equal = |other: &Item| {
                other.offering.id == item.offering.id
                    && other.price == item.price
                    && other.tariff.coupon() == item.tariff.coupon()
            };
            if items[..index].iter().any(equal) {
                return Err(SaleRefused::SecondEqualItem.into());
            }
            let quote = so_far.quote(item, &card_systems, at)?;
            for event in so_far.sell(item, quote, &card_systems, at)? {
                so_far.evolve(event.clone());
                events.push(event);
            }
        }
        Ok(events)
    }

    /// The sale, and the point it gives where one can be had (R-CHK-07).
    fn sell(
        &self,
        item: &Item,
        quote: Quote,
        card_systems: &CardSystems,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        let mut points = None;
        let point = || {
            let open = self.demand_open_for_points(at, card_systems);
            let worth = match open {
                Ok(()) => self.points_for(&item.offering, at, AT_THE_COUNTER),
                Err(_) => return PointOfSale::NotGiven(NoPoint::StatusExpired),
            };
            match worth {
                Ok(worth) => {
                    points = Some(worth);
                    PointOfSale::Given(item.check_in)
                }
                Err(why) => PointOfSale::NotGiven(why.into()),
            }
        };
        let mut events = vec![Event::from(ticket(item, quote, point, at)?)];
        if let Some(points) = points {
            let description = item.offering.open().map_err(SaleRefused::from)?;
            events.push(Event::CheckedIn(Box::new(CheckedIn {
                check_in: item.check_in,
                activity: item.offering.id.clone(),
                title: description.title.clone(),
                counter: description.organizer.clone(),
                card: item.card,
                points,
                channel: Channel::TicketSale,
                sale: Some(item.sale),
                home: self.home.clone(),
                at,
            })));
        }
        Ok(events)
    }

    /// Gives the use back and takes the amount off the expense note (R-TAR-09); the point goes
    /// along where R-CHK-07 says so.
    pub(super) fn cancel_sale(&self, cancel: CancelSale) -> Result<Vec<Event>, Refused> {
        cancellable::<Refused>(&self.sales, &cancel)?;
        let CancelSale { sale, at, .. } = cancel;
        let mut events = vec![Event::TicketSaleCancelled { sale, at }];
        if let Some((check_in, given)) = self.point_to_return(sale) {
            let (activity, points) = (given.activity.clone(), given.points);
            events.push(Event::CheckInCorrected { check_in, activity, points, reason: None, at });
        }
        Ok(events)
    }

    /// The card system of a social status that buys the social tariff on this day (R-TAR-04,
    /// R-SOC-04).
    pub(super) fn demand_entitled(
        &self,
        today: NaiveDate,
        card_systems: &CardSystems,
    ) -> Result<CardSystemId, Refused> {
        let (card_system, _, status) = self.social_status().ok_or(SaleRefused::NoSocialStatus)?;
        match self.social_status_on(today, card_systems).1 {
            OnDay::Active | OnDay::Grace => Ok(card_system),
            OnDay::None => Err(SaleRefused::NoSocialStatus.into()),
            OnDay::Expired => Err(SaleRefused::Expired(status.until).into()),
            OnDay::Suspended => {
                Err(SaleRefused::Suspended(status.suspended_until.unwrap_or(today)).into())
            }
            OnDay::Blocked => Err(SaleRefused::MembershipBlocked.into()),
        }
    }

    /// Both limits hold, the strictest wins (R-TAR-05).
    fn demand_within_limits(
        &self,
        item: &Item,
        card_system: CardSystemId,
        today: NaiveDate,
    ) -> Result<(), SaleRefused> {
        let of_activity = item.offering.activity.ticket_limit();
        let uses = self.sales_that_count().filter(|sold| sold.activity == item.offering.id);
        if of_activity.left(uses.map(|sold| day_in_belgium(sold.at)), today) == 0 {
            let (volume, period) = (of_activity.volume, of_activity.period);
            return Err(SaleRefused::LimitReached { volume, period, of_counter: false });
        }
        let terms = item.offering.counter.terms.get(&card_system);
        if let Some(limit) = terms.and_then(|terms| terms.ticket_limit) {
            let organizer = item.offering.organizer();
            let uses = self.sales_that_count().filter(|sold| Some(&sold.counter) == organizer);
            if limit.left(uses.map(|sold| day_in_belgium(sold.at)), today) == 0 {
                let (volume, period) = (limit.volume, limit.period);
                return Err(SaleRefused::LimitReached { volume, period, of_counter: true });
            }
        }
        Ok(())
    }

    fn sales_that_count(&self) -> impl Iterator<Item = &Sold> {
        self.sales.values().filter(|sold| sold.counts_for_limits())
    }

    pub(super) fn on_ticket_sold(&mut self, sold: &TicketSold) {
        self.sales.insert(sold.sale, Sold::at_social_tariff(sold));
    }

    pub(super) fn on_sale_cancelled(&mut self, sale: SaleId) {
        cancel_in(&mut self.sales, sale);
    }
}

pub(super) fn cancel_in(sales: &mut OrdMap<SaleId, Sold>, sale: SaleId) {
    if let Some(sold) = sales.get_mut(&sale) {
        sold.cancelled = true;
    }
}

/// Whether the price is one of the activity's, and its name (R-TAR-08, R-TAR-12). Of two prices of
/// the same amount the name decides; a name of the caller's own stands only at a deviating price.
fn listed_price(description: &Description, item: &Item) -> (bool, Option<Text<120>>) {
    let same_amount = || description.prices.iter().filter(|listed| listed.price == item.price);
    let named = same_amount().find(|listed| Some(&listed.name) == item.price_name.as_ref());
    match named.or_else(|| same_amount().next()) {
        Some(listed) => (true, Some(listed.name.clone())),
        None => (false, item.price_name.clone()),
    }
}

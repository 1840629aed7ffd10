//! A group pass (groepspas): an organisation that takes part with a group. It buys several tickets
//! at once, carries coupons, and saves nothing. Its name and address are an organisation's, so they
//! stand in the log as those of a counter do. Source: FAQ, "Groepspas"; R-GRP.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::{Period, day_in_belgium};
use crate::card_system::CardSystem;
use crate::counter::NotAllowed;
use crate::coupon::{Definition, GrantedTo};
use crate::ids::{ActivityId, CardSystemId, CouponId, GroupPassId, SaleId};
use crate::limit::Limit;
use crate::passholder::cards::CardRefused;
use crate::passholder::check_ins::{NoPoint, PointOfSale};
use crate::passholder::coupons::{self, CouponRefused, Usage};
use crate::passholder::ticket_sales::{
    self, CancelSale, Item, Payers, Quote, SaleRefused, Sold, Tariff, Ticket,
};
use crate::passholder::{CouponUsed, TicketSold};
use crate::values::card_number::CardNumber;
use crate::values::place::Address;
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    Make(Box<Make>),
    Change(Box<Change>),
    /// For good, with its card (R-CRD-02).
    Block {
        at: DateTime<Utc>,
    },
    SellTickets(SellTickets),
    CancelSale(CancelSale),
}

/// By a KSB admin of the card's card system.
#[derive(Debug, Clone)]
pub struct Make {
    pub card_system: CardSystemId,
    /// Its digit says whether it has social status.
    pub card: CardNumber,
    pub terms: Terms,
    pub system: Arc<CardSystem>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Change {
    pub terms: Terms,
    pub system: Arc<CardSystem>,
    pub at: DateTime<Utc>,
}

/// Tickets of one group pass in one request: all or none, and several equal ones (R-GRP-01).
#[derive(Debug, Clone)]
pub struct SellTickets {
    /// Its own id, by which coupons know it.
    pub pass: GroupPassId,
    /// Never empty.
    pub items: Vec<Item>,
    pub at: DateTime<Utc>,
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Made { card_system: CardSystemId, card: CardNumber, terms: Terms, at: DateTime<Utc> },
    Changed { terms: Terms, at: DateTime<Utc> },
    Blocked { at: DateTime<Utc> },
    TicketSold(Box<TicketSold>),
    CouponUsed(Box<CouponUsed>),
    TicketSaleCancelled { sale: SaleId, at: DateTime<Utc> },
}

impl From<Ticket> for Event {
    fn from(ticket: Ticket) -> Self {
        match ticket {
            Ticket::AtSocialTariff(sold) => Event::TicketSold(sold),
            Ticket::WithCoupon(used) => Event::CouponUsed(used),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this group pass is not known")]
    Unknown,
    #[error("this group pass exists already")]
    AlreadyExists,
    #[error("this group pass is blocked")]
    Blocked,
    #[error("the end date is in the past")]
    EndsInPast,
    #[error("a group pass has an address in Belgium, whose municipality pays")]
    NoMunicipality,
    #[error("with social status the address is in the card system")]
    OutsideCardSystem,
    #[error("with social status there are tickets every year")]
    NoTickets,
    #[error("without social status there are no tickets at the social tariff")]
    TicketsWithoutStatus,
    #[error("this group pass ended on {0}")]
    Ended(NaiveDate),
    #[error("this group pass has no social status")]
    NoSocialStatus,
    #[error("the {volume} tickets of {year} are not enough")]
    YearSpent { volume: u32, year: i32 },
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Card(#[from] CardRefused),
    #[error(transparent)]
    Sale(#[from] SaleRefused),
}

/// What a KSB lays down about a group pass, and may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub name: Text<200>,
    /// Its municipality pays (R-TAR-04).
    pub address: Address,
    /// The last day, inclusive, without grace.
    pub until: NaiveDate,
    /// At the social tariff, per calendar year; absent without social status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets_per_year: Option<u32>,
}

/// The group pass as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupPass {
    /// Absent until it is made.
    pub pass: Option<Box<Pass>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    pub card_system: CardSystemId,
    pub card: CardNumber,
    pub terms: Terms,
    pub blocked: bool,
    pub made_at: DateTime<Utc>,
    pub sales: OrdMap<SaleId, Sold>,
}

aggregate!(GroupPass, "group-pass", GroupPassId, Command, Event, Refused);

impl GroupPass {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        if let Command::Make(make) = command {
            return self.make(*make);
        }
        let pass = self.known()?;
        match command {
            Command::Make(make) => self.make(*make),
            Command::Change(change) => pass.change(*change),
            Command::Block { at } => match pass.blocked {
                true => Err(Refused::Blocked),
                false => Ok(vec![Event::Blocked { at }]),
            },
            Command::SellTickets(sell) => pass.sell_tickets(&sell),
            Command::CancelSale(cancel) => pass.cancel_sale(&cancel),
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match (event, &mut self.pass) {
            (Event::Made { card_system, card, terms, at }, _) => {
                let sales = OrdMap::new();
                self.pass = Some(Box::new(Pass {
                    card_system,
                    card,
                    terms,
                    blocked: false,
                    made_at: at,
                    sales,
                }));
            }
            (event, Some(pass)) => pass.evolve(event),
            (_, None) => {}
        }
    }

    pub fn known(&self) -> Result<&Pass, Refused> {
        self.pass.as_deref().ok_or(Refused::Unknown)
    }

    fn make(&self, make: Make) -> Result<Vec<Event>, Refused> {
        let Make { card_system, card, terms, system, at } = make;
        if self.pass.is_some() {
            return Err(Refused::AlreadyExists);
        }
        if terms.until < day_in_belgium(at) {
            return Err(Refused::EndsInPast);
        }
        terms.check(card, &system)?;
        Ok(vec![Event::Made { card_system, card, terms, at }])
    }
}

impl Terms {
    fn check(&self, card: CardNumber, system: &CardSystem) -> Result<(), Refused> {
        let home = self.address.municipality().ok_or(Refused::NoMunicipality)?;
        let inside = system.has_inhabitants_of(&home.postal_code);
        match (card.is_for_social_status(), self.tickets_per_year) {
            (true, None | Some(0)) => Err(Refused::NoTickets),
            (false, Some(_)) => Err(Refused::TicketsWithoutStatus),
            (true, Some(_)) if !inside => Err(Refused::OutsideCardSystem),
            (true, Some(_)) | (false, None) => Ok(()),
        }
    }
}

impl Pass {
    fn evolve(&mut self, event: Event) {
        match event {
            Event::Made { .. } => {}
            Event::Changed { terms, .. } => self.terms = terms,
            Event::Blocked { .. } => self.blocked = true,
            Event::TicketSold(sold) => {
                self.sales.insert(sold.sale, Sold::at_social_tariff(&sold));
            }
            Event::CouponUsed(used) => {
                self.sales.insert(used.sale, Sold::with_coupon(&used));
            }
            Event::TicketSaleCancelled { sale, .. } => {
                if let Some(sold) = self.sales.get_mut(&sale) {
                    sold.cancelled = true;
                }
            }
        }
    }

    fn change(&self, change: Change) -> Result<Vec<Event>, Refused> {
        let Change { terms, system, at } = change;
        if self.blocked {
            return Err(Refused::Blocked);
        }
        if terms.until != self.terms.until && terms.until < day_in_belgium(at) {
            return Err(Refused::EndsInPast);
        }
        terms.check(self.card, &system)?;
        let news = self.terms != terms;
        Ok(if news { vec![Event::Changed { terms, at }] } else { vec![] })
    }

    /// By its number (R-ID-01).
    pub fn has_social_status(&self) -> bool {
        self.card.is_for_social_status()
    }

    /// Whether its last day is over.
    pub fn is_over(&self, today: NaiveDate) -> bool {
        self.terms.until < today
    }

    /// What can be bought at the social tariff in the rest of this year; none without social status.
    pub fn tickets_left(&self, today: NaiveDate) -> u32 {
        self.yearly().map_or(0, |limit| limit.left(self.days_that_count(None), today))
    }

    fn yearly(&self) -> Option<Limit> {
        let volume = self.terms.tickets_per_year.filter(|_| self.has_social_status())?;
        Some(Limit { volume, period: Period::Year })
    }

    /// The registration days of what was bought at the social tariff, perhaps of one activity.
    fn days_that_count<'a>(
        &'a self,
        activity: Option<&'a ActivityId>,
    ) -> impl Iterator<Item = NaiveDate> + 'a {
        let of_activity = move |sold: &&Sold| activity.is_none_or(|id| sold.activity == *id);
        let counts = self.sales.values().filter(|sold| sold.counts_for_limits());
        counts.filter(of_activity).map(|sold| day_in_belgium(sold.at))
    }

    fn payers(&self) -> Payers {
        Payers { home: self.terms.address.municipality(), otherwise: None }
    }

    fn demand_in_use(&self, card: CardNumber, today: NaiveDate) -> Result<(), Refused> {
        if card != self.card {
            return Err(CardRefused::NotOfThisPassholder.into());
        }
        if self.blocked {
            return Err(Refused::Blocked);
        }
        match self.is_over(today) {
            true => Err(Refused::Ended(self.terms.until)),
            false => Ok(()),
        }
    }

    /// The order of refusals: right, pass, activity, free, price, and for the social tariff: status,
    /// key, payer, what is left of the year, limit of the activity.
    pub fn quote(&self, id: GroupPassId, item: &Item, at: DateTime<Utc>) -> Result<Quote, Refused> {
        let today = day_in_belgium(at);
        ticket_sales::quote(
            item,
            |card| self.demand_in_use(card, today),
            || match &item.tariff {
                Tariff::SocialTariff => self.quote_social_tariff(item, today),
                Tariff::Coupon(number, coupon) => coupons::quote(
                    item,
                    (*number, coupon),
                    &self.sales,
                    |definition| self.demand_granted(id, definition),
                    self.payers(),
                    today,
                ),
            },
        )
    }

    fn quote_social_tariff(&self, item: &Item, today: NaiveDate) -> Result<Quote, Refused> {
        let yearly = self.yearly().ok_or(Refused::NoSocialStatus)?;
        let quote = ticket_sales::at_social_tariff(item, self.card_system, self.payers())?;
        let left = yearly.left(self.days_that_count(None), today);
        if left == 0 {
            return Err(Refused::YearSpent { volume: yearly.volume, year: today.year() });
        }
        // Only what was set by hand holds for a group (R-TAR-05).
        let of_activity =
            item.offering.activity.settings.ticket_limit.map(|limit| {
                (limit, limit.left(self.days_that_count(Some(&item.offering.id)), today))
            });
        let left_there = match of_activity {
            Some((Limit { volume, period }, 0)) => {
                return Err(SaleRefused::LimitReached { volume, period, of_counter: false }.into());
            }
            Some((_, left)) => left,
            None => u32::MAX,
        };
        Ok(Quote { remaining: left.min(left_there), ..quote })
    }

    /// Only what was granted to this pass by name (R-CPN-01).
    pub fn demand_granted(&self, id: GroupPassId, definition: &Definition) -> Result<(), Refused> {
        match definition.granted_to == GrantedTo::GroupPass(id) {
            true => Ok(()),
            false => Err(SaleRefused::from(CouponRefused::NotGranted).into()),
        }
    }

    /// All items or none; each is judged after the ones before it.
    fn sell_tickets(&self, sell: &SellTickets) -> Result<Vec<Event>, Refused> {
        let mut so_far = self.clone();
        let mut events = Vec::new();
        for item in &sell.items {
            let quote = so_far.quote(sell.pass, item, sell.at)?;
            let point = || PointOfSale::NotGiven(NoPoint::GroupPass);
            let event = Event::from(ticket_sales::ticket(item, quote, point, sell.at)?);
            so_far.evolve(event.clone());
            events.push(event);
        }
        Ok(events)
    }

    /// The ticket returns to the year it was sold in.
    fn cancel_sale(&self, cancel: &CancelSale) -> Result<Vec<Event>, Refused> {
        ticket_sales::cancellable::<Refused>(&self.sales, cancel)?;
        Ok(vec![Event::TicketSaleCancelled { sale: cancel.sale, at: cancel.at }])
    }

    pub fn usage(&self, id: CouponId, definition: &Definition, today: NaiveDate) -> Usage {
        coupons::usage(&self.sales, id, definition, today)
    }
}

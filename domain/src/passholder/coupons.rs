//! Tickets with a coupon: who may use it, where, how often, and who pays. Source: counter manual,
//! "Bonnen"; KSB manual, "Kortingsbonnen"; R-CPN.

use chrono::{DateTime, NaiveDate, Utc};

use super::ticket_sales::{Granted, Item, Quote, SaleRefused, Sold};
use super::{CardSystems, CouponUsed, Event, Holder, Refused};
use crate::activity::Description;
use crate::calendar::{Period, day_in_belgium};
use crate::card_system::CardSystem;
use crate::coupon::{Coupon, Definition, GrantedTo, Unusable};
use crate::ids::CouponId;
use crate::limit::Limit;
use crate::values::place::Municipality;
use crate::values::text::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CouponRefused {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("this coupon was not granted to this passholder")]
    NotGranted,
    #[error("this coupon was used {volume} times, as often as is allowed")]
    UsedUp { volume: u32, period: Period },
}

/// A coupon as a passholder sees it (R-CPN-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What is left today, and of which limit; absent: without limit.
    pub left: Option<(u32, Limit)>,
}

impl Holder {
    /// The order of refusals: points and rewards closed, validity, activity, granted, payer, limit.
    pub(super) fn quote_coupon(
        &self,
        item: &Item,
        (id, coupon): (CouponId, &Coupon),
        card_systems: &CardSystems,
        at: DateTime<Utc>,
    ) -> Result<Quote, Refused> {
        self.demand_open_for_points(at, card_systems)?;
        let definition = coupon.definition.as_deref().ok_or(no(Unusable::Unknown))?;
        let today = day_in_belgium(at);
        definition.on(today).map_err(no)?;
        let card_system = definition.card_system_at(&item.offering).map_err(no)?;
        self.demand_granted(definition, item.age, today, card_systems)?;
        let system = item.offering.card_systems.get(&card_system);
        let here = item.offering.counter.municipality();
        let payer = self.payer_of(definition, system.map(AsRef::as_ref), here);
        let payer = payer.ok_or(SaleRefused::NoPayer)?;
        if let Some((0, limit)) = self.usage(id, definition, today).left {
            let (volume, period) = (limit.volume, limit.period);
            return Err(SaleRefused::from(CouponRefused::UsedUp { volume, period }).into());
        }
        Ok(Quote {
            card_system,
            granted: Granted::Coupon { id, name: definition.name.clone() },
            shares: definition.effect.split(item.price),
            payer,
            price_name: None,
            deviating: false,
        })
    }

    /// Whether it is granted to this passholder, judged on this day (R-CPN-02).
    pub fn demand_granted(
        &self,
        definition: &Definition,
        age: Option<u16>,
        today: NaiveDate,
        card_systems: &CardSystems,
    ) -> Result<(), Refused> {
        let (granted, needs_status) = match &definition.granted_to {
            GrantedTo::Everyone => (true, false),
            GrantedTo::SocialStatus => (true, true),
            GrantedTo::Segment(segment) => {
                (segment.holds(self.home.as_ref(), age), segment.with_social_status)
            }
            GrantedTo::GroupPass(_) => (false, false),
        };
        if !granted {
            return Err(SaleRefused::from(CouponRefused::NotGranted).into());
        }
        if needs_status {
            self.demand_entitled(today, card_systems)?;
        }
        Ok(())
    }

    /// What is left of it on this day; cancelled uses count no more (R-CPN-04).
    pub fn usage(&self, id: CouponId, definition: &Definition, today: NaiveDate) -> Usage {
        let uses = self.sales.values().filter(|sold| !sold.cancelled && sold.coupon == Some(id));
        let days = uses.map(|sold| day_in_belgium(sold.at));
        Usage { left: definition.limit.map(|limit| (limit.left(days, today), limit)) }
    }

    /// The named municipality, else the home one, if it is in the coupon's card system (R-CPN-05).
    /// Where no municipality has a share the line is still somebody's: of the home, or of the counter.
    fn payer_of(
        &self,
        definition: &Definition,
        system: Option<&CardSystem>,
        here: Option<Municipality>,
    ) -> Option<Municipality> {
        if let Some(named) = &definition.payer {
            return Some(named.clone());
        }
        let home = self.home.clone();
        if !definition.effect.has_municipality_share() {
            return home.or_else(|| self.counter_municipality.clone()).or(here);
        }
        home.filter(|home| system.is_some_and(|of| of.has_inhabitants_of(&home.postal_code)))
    }

    pub(super) fn on_coupon_used(&mut self, used: &CouponUsed) {
        self.sales.insert(
            used.sale,
            Sold {
                activity: used.activity.clone(),
                counter: used.counter.clone(),
                price: used.price,
                at: used.at,
                cancelled: false,
                // It gave no point.
                point_limit_period: Period::Absolute,
                coupon: Some(used.coupon),
            },
        );
    }
}

fn no(why: Unusable) -> Refused {
    SaleRefused::from(CouponRefused::from(why)).into()
}

pub(super) fn coupon_used(
    item: &Item,
    description: &Description,
    (coupon, name): (CouponId, &Text<200>),
    quote: &Quote,
    at: DateTime<Utc>,
) -> Event {
    Event::CouponUsed(Box::new(CouponUsed {
        sale: item.sale,
        coupon,
        coupon_name: name.clone(),
        activity: item.offering.id.clone(),
        title: description.title.clone(),
        counter: description.organizer.clone(),
        card_system: quote.card_system,
        card: item.card,
        price: item.price,
        price_name: quote.price_name.clone(),
        deviating: quote.deviating,
        shares: quote.shares,
        payer: quote.payer.clone(),
        at,
    }))
}

//! Tickets with a coupon: who may use it, where, how often, and who pays. Source: counter manual,
//! "Bonnen"; KSB manual, "Kortingsbonnen"; R-CPN.

use chrono::{DateTime, NaiveDate, Utc};
use imbl::OrdMap;

use super::ticket_sales::{Granted, Item, Payers, Quote, SaleRefused, Sold};
use super::{CardSystems, CouponUsed, Holder, Refused};
use crate::calendar::{Period, day_in_belgium};
use crate::coupon::{Coupon, Definition, GrantedTo, Unusable};
use crate::ids::{CardSystemId, CouponId, SaleId};
use crate::limit::Limit;
use crate::values::place::Municipality;

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

/// What a coupon comes to for whoever shows it, a passholder or a group pass. The order of refusals:
/// validity, activity, granted, payer, limit.
pub(crate) fn quote<E: From<SaleRefused>>(
    item: &Item,
    (id, coupon): (CouponId, &Coupon),
    sales: &OrdMap<SaleId, Sold>,
    demand_granted: impl FnOnce(&Definition) -> Result<(), E>,
    payers: Payers,
    today: NaiveDate,
) -> Result<Quote, E> {
    let no = |why: Unusable| SaleRefused::from(CouponRefused::from(why));
    let definition = coupon.definition.as_deref().ok_or(no(Unusable::Unknown))?;
    definition.on(today).map_err(no)?;
    let card_system = definition.card_system_at(&item.offering).map_err(no)?;
    demand_granted(definition)?;
    let payer = payer_of(definition, item, card_system, payers).ok_or(SaleRefused::NoPayer)?;
    let remaining = match usage(sales, id, definition, today).left {
        Some((0, Limit { volume, period })) => {
            return Err(SaleRefused::from(CouponRefused::UsedUp { volume, period }).into());
        }
        Some((left, _)) => left,
        None => u32::MAX,
    };
    Ok(Quote {
        card_system,
        granted: Granted::Coupon { id, name: definition.name.clone() },
        shares: definition.effect.split(item.price),
        payer,
        price_name: None,
        deviating: false,
        remaining,
    })
}

/// What is left of it on this day; cancelled uses count no more (R-CPN-04).
pub(crate) fn usage(
    sales: &OrdMap<SaleId, Sold>,
    id: CouponId,
    definition: &Definition,
    today: NaiveDate,
) -> Usage {
    let uses = sales.values().filter(|sold| !sold.cancelled && sold.coupon == Some(id));
    let days = uses.map(|sold| day_in_belgium(sold.at));
    Usage { left: definition.limit.map(|limit| (limit.left(days, today), limit)) }
}

/// The named municipality, else the home one, if it is in the coupon's card system (R-CPN-05).
/// Where no municipality has a share the line is still somebody's: of the home, or of the counter.
fn payer_of(
    definition: &Definition,
    item: &Item,
    card_system: CardSystemId,
    payers: Payers,
) -> Option<Municipality> {
    if let Some(named) = &definition.payer {
        return Some(named.clone());
    }
    if !definition.effect.has_municipality_share() {
        let here = || item.offering.counter.municipality();
        return payers.home.or(payers.otherwise).or_else(here);
    }
    let system = item.offering.card_systems.get(&card_system)?;
    payers.home.filter(|home| system.has_inhabitants_of(&home.postal_code))
}

impl Holder {
    /// Points and rewards closed come before what holds for any coupon.
    pub(super) fn quote_coupon(
        &self,
        item: &Item,
        coupon: (CouponId, &Coupon),
        card_systems: &CardSystems,
        at: DateTime<Utc>,
    ) -> Result<Quote, Refused> {
        self.demand_open_for_points(at, card_systems)?;
        let today = day_in_belgium(at);
        let granted = |definition: &Definition| {
            self.demand_granted(definition, item.age, today, card_systems)
        };
        let quote = quote(item, coupon, &self.sales, granted, self.payers(), today)?;
        Ok(Quote { remaining: 1, ..quote })
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

    pub fn usage(&self, id: CouponId, definition: &Definition, today: NaiveDate) -> Usage {
        usage(&self.sales, id, definition, today)
    }

    pub(super) fn on_coupon_used(&mut self, used: &CouponUsed) {
        self.sales.insert(used.sale, Sold::with_coupon(used));
    }
}

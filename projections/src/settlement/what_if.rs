//! What another distribution key would have done to the sales of a period. Pure, and it writes
//! nothing: the sales are split again as R-TAR-02 says, and set beside what was granted.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::distribution::{DistributionKey, Shares};
use uitpas_domain::group_pass;
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::Event;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::Municipality;

use crate::reading::AnyEvent;

/// The sales of a period, as they were and as they would have been.
pub struct WhatIf {
    key: DistributionKey,
    /// Brussels days of the registration, both inclusive.
    from: NaiveDate,
    until: NaiveDate,
    sales: BTreeMap<SaleId, Sale>,
}

struct Sale {
    counter: CounterId,
    payer: Municipality,
    price: Price,
    with_coupon: bool,
    was: Shares,
    would_be: Shares,
}

/// What would have changed for one municipality at one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub payer: Municipality,
    pub counter: CounterId,
    /// At the social tariff, and with a coupon; the latter stay as they are.
    pub tickets: u32,
    pub coupons: u32,
    pub price: Euro,
    pub was: Shares,
    pub would_be: Shares,
}

impl WhatIf {
    pub fn new(key: DistributionKey, from: NaiveDate, until: NaiveDate) -> Self {
        Self { key, from, until, sales: BTreeMap::new() }
    }

    /// Takes in the next event of the log. A cancelled sale does not count, whenever that was.
    pub fn take_in(&mut self, event: &AnyEvent) {
        use group_pass::Event as OfGroup;
        match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold))
            | AnyEvent::GroupPass(_, OfGroup::TicketSold(sold))
                if self.holds(sold.at) =>
            {
                let sale = Sale {
                    counter: sold.counter.clone(),
                    payer: sold.payer.clone(),
                    price: sold.price,
                    with_coupon: false,
                    was: sold.shares,
                    would_be: self.key.split(sold.price),
                };
                self.sales.insert(sold.sale, sale);
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used))
            | AnyEvent::GroupPass(_, OfGroup::CouponUsed(used))
                if self.holds(used.at) =>
            {
                let sale = Sale {
                    counter: used.counter.clone(),
                    payer: used.payer.clone(),
                    price: used.price,
                    with_coupon: true,
                    was: used.shares,
                    would_be: used.shares,
                };
                self.sales.insert(used.sale, sale);
            }
            AnyEvent::Passholder(_, Event::TicketSaleCancelled { sale, .. })
            | AnyEvent::GroupPass(_, OfGroup::TicketSaleCancelled { sale, .. }) => {
                self.sales.remove(sale);
            }
            _ => {}
        }
    }

    fn holds(&self, at: DateTime<Utc>) -> bool {
        (self.from..=self.until).contains(&day_in_belgium(at))
    }

    /// By municipality, then by counter.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: BTreeMap<(String, &CounterId), Change> = BTreeMap::new();
        for sale in self.sales.values() {
            let key = (sale.payer.to_string(), &sale.counter);
            let change = changes.entry(key).or_insert_with(|| Change {
                payer: sale.payer.clone(),
                counter: sale.counter.clone(),
                tickets: 0,
                coupons: 0,
                price: Euro::ZERO,
                was: NOTHING,
                would_be: NOTHING,
            });
            match sale.with_coupon {
                true => change.coupons += 1,
                false => change.tickets += 1,
            }
            change.price += sale.price.into();
            add(&mut change.was, sale.was);
            add(&mut change.would_be, sale.would_be);
        }
        changes.into_values().collect()
    }
}

/// Of no sale.
pub const NOTHING: Shares =
    Shares { passholder: Euro::ZERO, organizer: Euro::ZERO, municipality: Euro::ZERO };

/// Adds shares to what they are a part of.
pub fn add(sum: &mut Shares, shares: Shares) {
    sum.passholder += shares.passholder;
    sum.organizer += shares.organizer;
    sum.municipality += shares.municipality;
}

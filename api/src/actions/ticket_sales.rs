//! Tariffs: what a ticket costs, selling at the social tariff or with a coupon, cancelling.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::card::{Card, Holder as Buyer};
use uitpas_domain::counter::Task;
use uitpas_domain::coupon::Coupon;
use uitpas_domain::distribution::{Shares, cheapest};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, CouponId, PassholderId, SaleId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::check_ins::PointOfSale;
use uitpas_domain::passholder::ticket_sales::{
    CancelSale, Item, Quote, SaleRefused, SellTickets, Tariff, Ticket,
};
use uitpas_domain::passholder::{Command, Event, Holder, Passholder, Refused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::text::Text;
use uitpas_projections::ticket_sales as overview;
use uitpas_store::{StreamKey, Work};
use uuid::Uuid;

use super::passholders::open_details;
use super::{Outcome, Request, authority, card_systems_of, decide, execute, identify, offering};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// Items of one request. Source: our choice, because the contract names no number.
pub const ITEMS_MAX: usize = 200;

/// A ticket that someone wants, and at which tariff.
#[derive(Debug, Clone)]
pub struct NewSale {
    pub activity: ActivityId,
    pub card: CardNumber,
    pub price: Price,
    pub price_name: Option<Text<120>>,
    /// Absent: the social tariff.
    pub coupon: Option<CouponId>,
}

/// A ticket that was sold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sold {
    pub id: SaleId,
    /// Absent: sold to a group pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passholder: Option<PassholderId>,
    pub card: CardNumber,
    pub activity: ActivityId,
    /// Absent in answers of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    pub title: String,
    pub price: Price,
    pub price_name: Option<String>,
    /// What the passholder pays.
    pub pays: Euro,
    /// Its number and name; absent: sold at the social tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<(CouponId, String)>,
    /// Absent: a sale with a coupon gives none.
    pub point: Option<PointOfSale>,
    pub at: DateTime<Utc>,
}

/// All or none, across passholders and activities (R-TAR-07); answers in the order asked.
pub async fn sell(app: &App, request: &Request, sales: &[NewSale]) -> Answer<Vec<Sold>> {
    match sales.len() {
        0 => return Err(Problem::NoItems),
        ITEMS_MAX.. if sales.len() > ITEMS_MAX => return Err(Problem::TooManyItems(ITEMS_MAX)),
        _ => {}
    }
    let at = app.now();
    let ids: Vec<_> =
        sales.iter().map(|_| (SaleId(Uuid::now_v7()), CheckInId(Uuid::now_v7()))).collect();
    let ids = &ids;
    execute(app, request, Channel::Counter, |work| async move {
        let mut buyers = Vec::new();
        for sale in sales {
            let card = work.load::<Card>(&sale.card).await?;
            if let Ok(buyer) = card.state.identify() {
                buyers.push(stream_of(buyer));
            }
        }
        work.lock(&buyers).await?;

        let mut items: BTreeMap<Buyer, Vec<Item>> = BTreeMap::new();
        for (sale, (id, check_in)) in sales.iter().zip(ids) {
            let (buyer, item) = prepare(&work, &request.caller, sale, (*id, *check_in), at).await?;
            items.entry(buyer).or_default().push(item);
        }
        let mut sold = BTreeMap::new();
        for (buyer, items) in items {
            for ticket in sell_to(&work, buyer, items, at).await? {
                sold.insert(ticket.id, ticket);
            }
        }
        Ok(ids.iter().filter_map(|(id, _)| sold.remove(id)).collect())
    })
    .await
}

/// The stream that a sale to this buyer is written to.
pub fn stream_of(buyer: Buyer) -> StreamKey {
    match buyer {
        Buyer::Passholder(id) => StreamKey::of::<Passholder>(&id),
        Buyer::GroupPass(id) => StreamKey::of::<GroupPass>(&id),
    }
}

async fn sell_to(
    work: &Work,
    buyer: Buyer,
    items: Vec<Item>,
    at: DateTime<Utc>,
) -> Outcome<Vec<Sold>> {
    match buyer {
        Buyer::Passholder(id) => {
            let state = work.load::<Passholder>(&id).await?;
            let card_systems = card_systems_of(work, state.state.holder()?).await?;
            let command = Command::SellTickets(Box::new(SellTickets { items, card_systems, at }));
            let events = decide::<Passholder>(work, &id, command).await?;
            let tickets = events.into_iter().filter_map(|event| match event {
                Event::TicketSold(sold) => Some(Ticket::AtSocialTariff(sold)),
                Event::CouponUsed(used) => Some(Ticket::WithCoupon(used)),
                _ => None,
            });
            Ok(tickets.map(|ticket| Sold::of(Some(id), ticket)).collect())
        }
        Buyer::GroupPass(pass) => {
            let sell = group_pass::SellTickets { pass, items, at };
            let command = group_pass::Command::SellTickets(sell);
            let events = decide::<GroupPass>(work, &pass, command).await?;
            let tickets = events.into_iter().filter_map(|event| match event {
                group_pass::Event::TicketSold(sold) => Some(Ticket::AtSocialTariff(sold)),
                group_pass::Event::CouponUsed(used) => Some(Ticket::WithCoupon(used)),
                _ => None,
            });
            Ok(tickets.map(|ticket| Sold::of(None, ticket)).collect())
        }
    }
}

impl Sold {
    fn of(passholder: Option<PassholderId>, ticket: Ticket) -> Self {
        match ticket {
            Ticket::AtSocialTariff(ticket) => Sold {
                id: ticket.sale,
                passholder,
                card: ticket.card,
                activity: ticket.activity,
                counter: Some(ticket.counter),
                title: ticket.title.to_string(),
                price: ticket.price,
                price_name: ticket.price_name.map(|name| name.to_string()),
                pays: ticket.shares.passholder,
                coupon: None,
                point: Some(ticket.point),
                at: ticket.at,
            },
            Ticket::WithCoupon(used) => Sold {
                id: used.sale,
                passholder,
                card: used.card,
                activity: used.activity,
                counter: Some(used.counter),
                title: used.title.to_string(),
                price: used.price,
                price_name: used.price_name.map(|name| name.to_string()),
                pays: used.shares.passholder,
                coupon: Some((used.coupon, used.coupon_name.to_string())),
                point: None,
                at: used.at,
            },
        }
    }
}

async fn prepare(
    work: &Work,
    caller: &Caller,
    sale: &NewSale,
    (id, check_in): (SaleId, CheckInId),
    at: DateTime<Utc>,
) -> Outcome<(Buyer, Item)> {
    let offering = offering(work, &sale.activity).await?;
    let organizer =
        offering.organizer().ok_or(Problem::from(uitpas_domain::activity::Refused::Unknown))?;
    let by = authority(work, caller, organizer).await?;
    let buyer = identify::holder_of_card(work, sale.card).await?;
    let tariff = match sale.coupon {
        None => Tariff::SocialTariff,
        Some(coupon) => Tariff::Coupon(coupon, work.load::<Coupon>(&coupon).await?.state.clone()),
    };
    let age = match (buyer, sale.coupon) {
        (Buyer::Passholder(id), Some(_)) => {
            let state = work.load::<Passholder>(&id).await?;
            age_of(work, id, state.state.holder()?, at).await?
        }
        (Buyer::Passholder(_), None) | (Buyer::GroupPass(_), _) => None,
    };
    let item = Item {
        sale: id,
        check_in,
        by,
        offering,
        card: sale.card,
        price: sale.price,
        price_name: sale.price_name.clone(),
        tariff,
        age,
    };
    Ok((buyer, item))
}

/// Years, on the day in Brussels; absent once it cannot be read any more.
pub async fn age_of(
    work: &Work,
    id: PassholderId,
    holder: &Holder,
    at: DateTime<Utc>,
) -> Outcome<Option<u16>> {
    let details = open_details(work, id, &holder.details).await?;
    Ok(details.map(|details| age_on(details.birth_date, day_in_belgium(at))))
}

/// What a ticket would cost: the decision of [`sell`], not committed.
pub async fn quote(app: &App, caller: &Caller, sale: &NewSale) -> Answer<Quote> {
    let at = app.now();
    let quote = app.store.preview(|work| async move {
        let nil = (SaleId(Uuid::nil()), CheckInId(Uuid::nil()));
        let (buyer, item) = prepare(&work, caller, sale, nil, at).await?;
        match buyer {
            Buyer::Passholder(id) => {
                let state = work.load::<Passholder>(&id).await?;
                let holder = state.state.holder()?;
                let card_systems = card_systems_of(&work, holder).await?;
                Ok(holder.quote(&item, &card_systems, at)?)
            }
            Buyer::GroupPass(id) => {
                let state = work.load::<GroupPass>(&id).await?;
                Ok(state.state.known()?.quote(id, &item, at)?)
            }
        }
    });
    Ok(quote.await?)
}

/// What a ticket would cost somebody with social status in the organizer's region, whoever it is.
pub async fn quote_for_region(
    app: &App,
    caller: &Caller,
    activity: &ActivityId,
    price: Price,
) -> Answer<Shares> {
    let shares = app.store.preview(|work| async move {
        let offering = offering(&work, activity).await?;
        let organizer = offering.organizer();
        let organizer = organizer.ok_or(uitpas_domain::activity::Refused::Unknown)?;
        authority(&work, caller, organizer).await?.demand(Task::GrantTariff)?;
        offering.open().map_err(|why| Refused::from(SaleRefused::from(why)))?;
        if price.is_free() {
            return Err(Refused::from(SaleRefused::Free))?;
        }
        let card_system = offering.card_system_for(None).map(|(id, _)| id);
        let key = card_system.and_then(|id| cheapest(offering.keys(id), true, price));
        let key = key.ok_or(Refused::from(SaleRefused::NoKey))?;
        Ok(key.key.split(price))
    });
    Ok(shares.await?)
}

/// Cancels a sale: a compensating event (R-TAR-09).
pub async fn cancel(app: &App, request: &Request, sale: SaleId) -> Answer<()> {
    app.wait_for_head(overview::PROJECTION.name).await?;
    let found = overview::by_id(app.pool(), sale).await?.ok_or(Problem::SaleNotFound)?;
    let buyer = found.buyer();
    let counter: CounterId = found.counter.parse().map_err(|_| Problem::SaleNotFound)?;
    let (counter, at) = (&counter, app.now());
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[stream_of(buyer)]).await?;
        let by = authority(&work, &request.caller, counter).await?;
        cancel_of(&work, buyer, CancelSale { sale, by, at }).await
    })
    .await
}

/// Cancels a sale to whoever bought; his stream is locked by the caller.
pub async fn cancel_of(work: &Work, buyer: Buyer, cancel: CancelSale) -> Outcome<()> {
    match buyer {
        Buyer::Passholder(id) => {
            decide::<Passholder>(work, &id, Command::CancelSale(cancel)).await?;
        }
        Buyer::GroupPass(id) => {
            decide::<GroupPass>(work, &id, group_pass::Command::CancelSale(cancel)).await?;
        }
    }
    Ok(())
}

//! Tariffs: what a ticket costs, selling at the social tariff or with a coupon, cancelling.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::card::Card;
use uitpas_domain::counter::Task;
use uitpas_domain::coupon::Coupon;
use uitpas_domain::distribution::{Shares, cheapest};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, CouponId, PassholderId, SaleId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::check_ins::PointOfSale;
use uitpas_domain::passholder::ticket_sales::{
    CancelSale, Item, Quote, SaleRefused, SellTickets, Tariff,
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
    pub passholder: PassholderId,
    pub card: CardNumber,
    pub activity: ActivityId,
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
        let mut holders = Vec::new();
        for sale in sales {
            let card = work.load::<Card>(&sale.card).await?;
            if let Ok(holder) = card.state.identify().map(|holder| holder.passholder())
                && let Ok(passholder) = holder
            {
                holders.push(StreamKey::of::<Passholder>(&passholder));
            }
        }
        work.lock(&holders).await?;

        let mut items: BTreeMap<PassholderId, Vec<Item>> = BTreeMap::new();
        for (sale, (id, check_in)) in sales.iter().zip(ids) {
            let (passholder, item) =
                prepare(&work, &request.caller, sale, (*id, *check_in), at).await?;
            items.entry(passholder).or_default().push(item);
        }
        let mut sold = BTreeMap::new();
        for (passholder, items) in items {
            let state = work.load::<Passholder>(&passholder).await?;
            let card_systems = card_systems_of(&work, state.state.holder()?).await?;
            let command = SellTickets { items, card_systems, at };
            let command = Command::SellTickets(Box::new(command));
            for event in decide::<Passholder>(&work, &passholder, command).await? {
                if let Some(ticket) = Sold::of(passholder, event) {
                    sold.insert(ticket.id, ticket);
                }
            }
        }
        Ok(ids.iter().filter_map(|(id, _)| sold.remove(id)).collect())
    })
    .await
}

impl Sold {
    fn of(passholder: PassholderId, event: Event) -> Option<Self> {
        match event {
            Event::TicketSold(ticket) => Some(Sold {
                id: ticket.sale,
                passholder,
                card: ticket.card,
                activity: ticket.activity,
                title: ticket.title.to_string(),
                price: ticket.price,
                price_name: ticket.price_name.map(|name| name.to_string()),
                pays: ticket.shares.passholder,
                coupon: None,
                point: Some(ticket.point),
                at: ticket.at,
            }),
            Event::CouponUsed(used) => Some(Sold {
                id: used.sale,
                passholder,
                card: used.card,
                activity: used.activity,
                title: used.title.to_string(),
                price: used.price,
                price_name: used.price_name.map(|name| name.to_string()),
                pays: used.shares.passholder,
                coupon: Some((used.coupon, used.coupon_name.to_string())),
                point: None,
                at: used.at,
            }),
            _ => None,
        }
    }
}

async fn prepare(
    work: &Work,
    caller: &Caller,
    sale: &NewSale,
    (id, check_in): (SaleId, CheckInId),
    at: DateTime<Utc>,
) -> Outcome<(PassholderId, Item)> {
    let offering = offering(work, &sale.activity).await?;
    let organizer =
        offering.organizer().ok_or(Problem::from(uitpas_domain::activity::Refused::Unknown))?;
    let by = authority(work, caller, organizer).await?;
    let pass = identify::of_card(work, sale.card).await?;
    let (tariff, age) = match sale.coupon {
        None => (Tariff::SocialTariff, None),
        Some(coupon) => {
            let known = work.load::<Coupon>(&coupon).await?.state.clone();
            let age = age_of(work, pass.passholder, pass.state.state.holder()?, at).await?;
            (Tariff::Coupon(coupon, known), age)
        }
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
    Ok((pass.passholder, item))
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
        let (passholder, item) = prepare(&work, caller, sale, nil, at).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        let card_systems = card_systems_of(&work, holder).await?;
        Ok(holder.quote(&item, &card_systems, at)?)
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
    let passholder = PassholderId(found.passholder);
    let counter: CounterId = found.counter.parse().map_err(|_| Problem::SaleNotFound)?;
    let (counter, at) = (&counter, app.now());
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, counter).await?;
        let cancel = CancelSale { sale, by, at };
        decide::<Passholder>(&work, &passholder, Command::CancelSale(cancel)).await?;
        Ok(())
    })
    .await
}

//! Orders: people who are registered online, when what it costs is paid. Nobody is paid here: that money
//! came in, the KSB confirms.

use chrono::{DateTime, Utc};
use uitpas_domain::card::Holder;
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{CardSystemId, CounterId, OrderId, PassholderId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::order::{Command, Order, Ordered, Refused, State};
use uitpas_domain::passholder::registration::{
    NewCard, PersonalDetails, Preferences, Register, Terms,
};
use uitpas_domain::passholder::{self, Event, Passholder};
use uitpas_domain::sealed::Sealed;
use uitpas_domain::values::euro::Price;
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{StreamKey, Work};
use uuid::Uuid;

use super::cards::give;
use super::identify::passholder_of_insz;
use super::passholders::{
    DETAILS, claim_insz, grant_welcome_rewards, open_details, welcome_candidates,
};
use super::{Outcome, Request, clients, decide, demand_ksb, execute, known_card_system};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// Somebody who is to be registered, as he filled it in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub counter: CounterId,
    pub card_system: CardSystemId,
    pub details: PersonalDetails,
    pub preferences: Preferences,
}

pub async fn place(app: &App, request: &Request, asked: &[Asked]) -> Answer<OrderId> {
    let (order, at) = (OrderId(Uuid::now_v7()), app.now());
    let ids: Vec<_> = asked.iter().map(|_| PassholderId(Uuid::now_v7())).collect();
    for (index, asked_one) in asked.iter().enumerate() {
        let Some(insz) = &asked_one.details.insz else { continue };
        let is_twice = asked[..index].iter().any(|other| other.details.insz.as_ref() == Some(insz));
        // One who is registered learns so now, and not when he has paid.
        if is_twice || passholder_of_insz(app, insz).await?.is_some() {
            return Err(Problem::Taken(super::identify::INSZ));
        }
    }
    let ids = &ids;
    execute(app, request, Channel::BackOffice, |work| async move {
        let mut ordered = Vec::with_capacity(asked.len());
        let mut decided = Vec::with_capacity(asked.len());
        for (asked, id) in asked.iter().zip(ids) {
            demand_order_at(&work, &request.caller, &asked.counter).await?;
            let person = id.to_string();
            let (key, wrapped) = app.store.master_key().new_person_key(&person);
            work.insert_key(&person, wrapped);
            let (register, events, price) = registration(app, &work, *id, &key, asked, at).await?;
            ordered.push(Ordered {
                passholder: *id,
                card_system: asked.card_system,
                counter: asked.counter.clone(),
                details: register.sealed.clone(),
                preferences: asked.preferences,
                price,
            });
            decided.push((*id, register, events));
        }
        let place = Command::Place { registrations: ordered, at };
        decide::<Order>(&work, &order, place).await?;
        if work.load::<Order>(&order).await?.state.state == State::Paid {
            for (id, register, events) in decided {
                record(&work, id, register, events, at).await?;
            }
        }
        Ok(order)
    })
    .await
}

/// Orders are placed by clients, for the counters where they hold the permission.
async fn demand_order_at(work: &Work, caller: &Caller, counter: &CounterId) -> Outcome<()> {
    let known = work.load::<Counter>(counter).await?;
    if !known.exists() {
        return Err(Problem::from(uitpas_domain::counter::Refused::Unknown))?;
    }
    let client = caller.client();
    let client =
        client.ok_or_else(|| Problem::Forbidden("only a client orders for others".to_owned()))?;
    clients::authority(work, &client, counter, &known.state).await?;
    work.act_as(Role::Client, Some(counter.clone()));
    Ok(())
}

/// What registering somebody comes to, as if he did so himself (R-REG-08).
async fn registration(
    app: &App,
    work: &Work,
    id: PassholderId,
    key: &PersonKey,
    asked: &Asked,
    at: DateTime<Utc>,
) -> Outcome<(Register, Vec<Event>, Price)> {
    let counter = work.load::<Counter>(&asked.counter).await?.state.clone();
    let system = known_card_system(work, asked.card_system).await?;
    if !counter.card_systems().contains(&asked.card_system) {
        return Err(uitpas_domain::counter::Refused::ForeignCardSystem)?;
    }
    let register = Register {
        by: Authority::to_register_oneself(asked.counter.clone(), &counter),
        card_system: asked.card_system,
        system,
        counter_municipality: counter.municipality(),
        card: NewCard { number: app.new_digital_number(false), digital: true },
        details: asked.details.clone(),
        sealed: sealing::seal(key, &id.to_string(), DETAILS, &asked.details),
        no_email: asked.details.email.is_none(),
        terms: Terms { paper: false, digital: true },
        preferences: Some(asked.preferences),
        parental_consent: false,
        social_status: None,
        voucher: None,
        welcome_rewards: welcome_candidates(app, work, asked.card_system, at).await?,
        at,
    };
    let command = passholder::Command::RegisterOneself(Box::new(register.clone()));
    let events =
        work.load::<Passholder>(&id).await?.state.decide(command).map_err(Problem::from)?;
    let price = events.iter().find_map(|event| match event {
        Event::Registered(registered) => Some(registered.price),
        _ => None,
    });
    Ok((register, events, price.unwrap_or(Price::FREE)))
}

async fn record(
    work: &Work,
    id: PassholderId,
    register: Register,
    events: Vec<Event>,
    at: DateTime<Utc>,
) -> Outcome<()> {
    work.record::<Passholder>(&id, events.clone())?;
    if let Some(insz) = &register.details.insz {
        claim_insz(work, id, &insz.to_string());
    }
    let of_counter = [register.card_system];
    let holder = Holder::Passholder(id);
    give(work, register.card, register.card_system, &of_counter, holder, at).await?;
    grant_welcome_rewards(work, &events, at).await
}

/// The KSB of its card systems, or the system owner, says that the money came in: all are registered.
pub async fn confirm_payment(app: &App, request: &Request, id: OrderId) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Order>(&id)]).await?;
        let order = work.load::<Order>(&id).await?.state.clone();
        demand_ksb_of_order(&work, &request.caller, &order).await?;
        decide::<Order>(&work, &id, Command::ConfirmPayment { at }).await?;
        for ordered in &order.registrations {
            let passholder = ordered.passholder;
            let details = open_details(&work, passholder, &ordered.details).await?;
            let key = super::passholders::person_key(&work, passholder).await?;
            let (Some(details), Some(key)) = (details, key) else {
                return Err(Problem::from(passholder::Refused::Removed))?;
            };
            let asked = Asked {
                counter: ordered.counter.clone(),
                card_system: ordered.card_system,
                details,
                preferences: ordered.preferences,
            };
            let (register, events, price) =
                registration(app, &work, passholder, &key, &asked, at).await?;
            if price != ordered.price {
                return Err(Problem::from(Refused::PriceChanged))?;
            }
            record(&work, passholder, register, events, at).await?;
        }
        Ok(())
    })
    .await
}

/// It is not paid for: what was filled in becomes unreadable.
pub async fn cancel(app: &App, request: &Request, id: OrderId) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Order>(&id)]).await?;
        let order = work.load::<Order>(&id).await?.state.clone();
        demand_ksb_of_order(&work, &request.caller, &order).await?;
        decide::<Order>(&work, &id, Command::Cancel { at }).await?;
        for ordered in &order.registrations {
            work.destroy_key(&ordered.passholder.to_string());
        }
        Ok(())
    })
    .await
}

async fn demand_ksb_of_order(work: &Work, caller: &Caller, order: &Order) -> Outcome<()> {
    if order.state == State::Unknown {
        return Err(Problem::from(Refused::Unknown))?;
    }
    for ordered in &order.registrations {
        demand_ksb(work, caller, ordered.card_system).await?;
    }
    Ok(())
}

/// An order with what was filled in, as far as it can be read.
pub struct Known {
    pub order: Order,
    pub people: Vec<Option<PersonalDetails>>,
    /// Whether the one who ordered has linked his UiTID.
    pub is_linked: bool,
}

/// The order, for a client that may see it at each of its counters.
pub async fn read(app: &App, caller: &Caller, id: OrderId) -> Answer<Known> {
    let known = app.store.preview(|work| async move {
        let order = work.load::<Order>(&id).await?.state.clone();
        if order.state == State::Unknown {
            return Err(Problem::from(Refused::Unknown))?;
        }
        if caller.kind != Kind::SystemOwner {
            for ordered in &order.registrations {
                match caller.client() {
                    Some(_) => demand_order_at(&work, caller, &ordered.counter).await?,
                    None => demand_ksb(&work, caller, ordered.card_system).await?,
                }
            }
        }
        Ok(())
    });
    known.await?;
    unchecked(app, id).await
}

/// The same for whoever shows the token of the order.
pub async fn unchecked(app: &App, id: OrderId) -> Answer<Known> {
    let known = app.store.preview(|work| async move {
        let order = Order::clone(&work.load::<Order>(&id).await?.state);
        if order.state == State::Unknown {
            return Err(Problem::from(Refused::Unknown))?;
        }
        let mut people = Vec::with_capacity(order.registrations.len());
        for ordered in &order.registrations {
            people.push(opened(&work, ordered.passholder, &ordered.details).await?);
        }
        let first = order.registrations.first().map(|ordered| ordered.passholder);
        let is_linked = match first {
            Some(first) => {
                let known = work.load::<Passholder>(&first).await?;
                known.state.holder().is_ok_and(|holder| holder.with_uitid)
            }
            None => false,
        };
        Ok(Known { order, people, is_linked })
    });
    Ok(known.await?)
}

async fn opened(
    work: &Work,
    id: PassholderId,
    sealed: &Sealed<PersonalDetails>,
) -> Outcome<Option<PersonalDetails>> {
    Ok(open_details(work, id, sealed).await?)
}

/// Opens this order, and nothing else.
pub fn token_of(app: &App, id: OrderId) -> String {
    hex::encode(app.store.master_key().claim_hash("order-token", &id.to_string()))
}

/// Whether it does.
pub fn opens(app: &App, id: OrderId, token: &str) -> bool {
    // Hashes are compared, so that the time it takes tells nothing of the token.
    let hash = |text: &str| app.store.master_key().request_hash(text.as_bytes());
    hash(token) == hash(&token_of(app, id))
}

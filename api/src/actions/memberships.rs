//! Joining another card system, granting and ending social status by another card, and what that
//! costs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::card::{Card, Command as CardCommand, Holder as CardHolder};
use uitpas_domain::card_system::{CardSystem, Occasion, VoucherCode};
use uitpas_domain::counter::Counter;
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::memberships::{Change, Moved, TakeUpMembership, must_move};
use uitpas_domain::passholder::registration::{AskedSocialStatus, NewCard};
use uitpas_domain::passholder::{Command, Event, Holder, Passholder, Refused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::place::Address;
use uitpas_store::sealing;
use uitpas_store::{Failed, StreamKey, Work};

use super::cards::{give, price_of};
use super::passholders::{
    DETAILS, grant_welcome_rewards, person_key, spend_voucher, welcome_candidates,
};
use super::{Outcome, Request, authority, card_systems_of, decide, execute, known_card_system};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A membership as it is to be from now on.
#[derive(Debug, Clone)]
pub struct NewMembership {
    pub counter: CounterId,
    pub card_system: CardSystemId,
    /// Absent: a digital card.
    pub card: Option<CardNumber>,
    pub social_status: Option<AskedSocialStatus>,
    /// Where the passholder lives from now on.
    pub address: Option<Address>,
    pub voucher: Option<VoucherCode>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakenUp {
    pub card: CardNumber,
    pub price: Price,
}

/// Joins, or replaces the membership: passholder, cards, voucher and rewards in one unit of work.
pub async fn take_up(
    app: &App,
    request: &Request,
    passholder: PassholderId,
    new: &NewMembership,
) -> Answer<TakenUp> {
    let (at, card_system) = (app.now(), new.card_system);
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, &new.counter).await?;
        let of_counter = work.load::<Counter>(&new.counter).await?.state.card_systems();
        let system = of_counters(&work, card_system, &of_counter).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        let with_social_status = new.social_status.is_some();
        let (card, is_own) = match new.card {
            Some(number) if holder.cards.contains_key(&number) => {
                (NewCard { number, digital: false }, true)
            }
            Some(number) => {
                let known = work.load::<Card>(&number).await?;
                if known.state.assignable(&of_counter)? != card_system {
                    return Err(Problem::from(uitpas_domain::card::Refused::ForeignCardSystem))?;
                }
                (NewCard { number, digital: false }, false)
            }
            None => {
                let number = app.new_digital_number(with_social_status);
                (NewCard { number, digital: true }, false)
            }
        };
        let moved = match &new.address {
            Some(address) => Some(moved(&work, passholder, holder, address).await?),
            None => None,
        };
        let command = TakeUpMembership {
            by,
            card_system,
            system,
            card,
            social_status: new.social_status.clone(),
            moved,
            card_systems: card_systems_of(&work, holder).await?,
            voucher: new.voucher.clone(),
            welcome_rewards: welcome_candidates(app, &work, card_system, at).await?,
            at,
        };
        let command = Command::TakeUpMembership(Box::new(command));
        let events = decide::<Passholder>(&work, &passholder, command).await?;
        for event in &events {
            if let Event::CardBlocked { card, .. } = event {
                decide::<Card>(&work, card, CardCommand::Block { at }).await?;
            }
        }
        if !is_own {
            let holder = CardHolder::Passholder(passholder);
            give(&work, card, card_system, &of_counter, holder, at).await?;
        }
        spend_voucher(&work, card_system, new.voucher.as_ref(), at).await?;
        grant_welcome_rewards(&work, &events, at).await?;
        Ok(TakenUp { card: card.number, price: price_of(&events) })
    })
    .await
}

/// The card system, if this counter works for it.
async fn of_counters(
    work: &Work,
    card_system: CardSystemId,
    of_counter: &[CardSystemId],
) -> Outcome<std::sync::Arc<CardSystem>> {
    let system = known_card_system(work, card_system).await?;
    if !of_counter.contains(&card_system) {
        return Err(Problem::from(uitpas_domain::counter::Refused::ForeignCardSystem))?;
    }
    Ok(system)
}

/// The details of a passholder with another address.
async fn moved(
    work: &Work,
    id: PassholderId,
    holder: &Holder,
    address: &Address,
) -> Outcome<Moved> {
    let key = person_key(work, id).await?.ok_or(Refused::Removed)?;
    let person = id.to_string();
    let mut details =
        sealing::open(&key, &person, DETAILS, &holder.details).map_err(Failed::new)?;
    details.address = address.clone();
    let sealed = sealing::seal(&key, &person, DETAILS, &details);
    Ok(Moved { details, sealed })
}

/// What taking up a membership would come to.
pub struct Preview {
    pub occasion: Occasion,
    pub must_move: bool,
    /// The card system of the membership that is replaced, or that loses the social status.
    pub replaced: Option<CardSystemId>,
}

/// The first part of the decision of [`take_up`], which needs no card. Absent: there is such a
/// membership already.
pub async fn preview(
    app: &App,
    caller: &Caller,
    (counter, passholder): (&CounterId, PassholderId),
    card_system: CardSystemId,
    with_social_status: bool,
) -> Answer<Option<Preview>> {
    use uitpas_domain::passholder::status::StatusRefused;
    let preview = app.store.preview(|work| async move {
        let by = authority(&work, caller, counter).await?;
        let of_counter = work.load::<Counter>(counter).await?.state.card_systems();
        let system = of_counters(&work, card_system, &of_counter).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        let change = match holder.membership_change(&by, card_system, with_social_status) {
            Ok(change) => change,
            Err(Refused::Status(StatusRefused::IdenticalMembership)) => return Ok(None),
            Err(refused) => return Err(refused)?,
        };
        let loses = holder.social_status().map(|(id, ..)| id).filter(|_| with_social_status);
        Ok(Some(Preview {
            occasion: change.occasion(),
            must_move: with_social_status && must_move(holder.home.as_ref(), &system),
            replaced: match change {
                Change::New => loses,
                Change::Replace(_) | Change::End(_) => Some(card_system),
            },
        }))
    });
    Ok(preview.await?)
}

/// Who asks for the price of a membership.
#[derive(Debug, Clone, Copy)]
pub enum Buyer {
    /// Someone who is to be registered, born on that day.
    New {
        birth_date: NaiveDate,
    },
    Known(PassholderId),
}

/// The price that saving would record (R-REG-06, R-CRD-10).
pub async fn price(
    app: &App,
    buyer: Buyer,
    card_system: CardSystemId,
    with_social_status: bool,
    voucher: Option<&VoucherCode>,
) -> Answer<Price> {
    use uitpas_domain::passholder::registration::RegistrationRefused;
    let today = day_in_belgium(app.now());
    let price = app.store.preview(|work| async move {
        let system = work.load::<CardSystem>(&card_system).await?;
        if !system.exists() {
            return Err(Problem::from(uitpas_domain::card_system::Refused::Unknown))?;
        }
        let price = match buyer {
            Buyer::New { birth_date } => {
                let age = age_on(birth_date, today);
                system.state.membership_price(age, with_social_status, voucher, today)
            }
            Buyer::Known(passholder) => {
                let state = work.load::<Passholder>(&passholder).await?;
                let member = state.state.holder()?.memberships.contains_key(&card_system);
                let occasion = if member { Occasion::Replacement } else { Occasion::Upgrade };
                system.state.administrative_price(occasion, voucher, today)
            }
        };
        Ok(price.map_err(|why| Problem::from(Refused::from(RegistrationRefused::from(why))))?)
    });
    Ok(price.await?)
}

//! Cards: taking them in, giving them to a holder, blocking and replacing them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::card::{Card, Command as CardCommand, Holder as CardHolder, TakeIn};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::{Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::cards::{Block, BlockCard, CardRefused, ReplaceCard};
use uitpas_domain::passholder::registration::{AskedSocialStatus, NewCard};
use uitpas_domain::passholder::{Command, Event, Passholder, Refused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Price;
use uitpas_store::{StreamKey, Work};

use super::identify::CHIP;
use super::{Outcome, Request, authority, decide, demand_ksb, execute};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// Puts a card in the books, with its chip (R-ID-06). Known already, in the same place: no news.
pub async fn take_in(
    app: &App,
    request: &Request,
    number: CardNumber,
    card: &TakeIn,
) -> Answer<bool> {
    execute(app, request, Channel::Import, |work| async move {
        demand_ksb(&work, &request.caller, card.card_system).await?;
        let known = work.load::<Card>(&number).await?;
        let same =
            known.state.card_system == Some(card.card_system) && known.state.chip == card.chip;
        if known.exists() && same {
            return Ok(false);
        }
        decide::<Card>(&work, &number, CardCommand::TakeIn(card.clone())).await?;
        if let Some(chip) = &card.chip {
            let hash = work.store().master_key().claim_hash(CHIP, &chip.to_string());
            work.claim(CHIP, hash, &number.to_string());
        }
        Ok(true)
    })
    .await
}

/// What was charged among these events.
pub fn price_of(events: &[Event]) -> Price {
    let charged = events.iter().find_map(|event| match event {
        Event::CardCharged { price, .. } => Some(*price),
        _ => None,
    });
    charged.unwrap_or(Price::FREE)
}

/// Gives a card to its holder: one from local stock, or a digital one that is made on the spot.
pub async fn give(
    work: &Work,
    card: NewCard,
    card_system: CardSystemId,
    counter_systems: &[CardSystemId],
    holder: CardHolder,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let command = match card.digital {
        true => CardCommand::CreateDigital { card_system, holder, at },
        false => CardCommand::Assign { holder, counter_systems: counter_systems.to_vec(), at },
    };
    decide::<Card>(work, &card.number, command).await?;
    Ok(())
}

/// What to do with a card, and at which counter.
#[derive(Debug, Clone)]
pub struct Blocking {
    pub counter: CounterId,
    pub block: Block,
}

/// Blocks a card, for good (R-CRD-02).
pub async fn block(
    app: &App,
    request: &Request,
    passholder: PassholderId,
    card: CardNumber,
    blocking: &Blocking,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, &blocking.counter).await?;
        let command = BlockCard { by, card, block: blocking.block, at };
        decide::<Passholder>(&work, &passholder, Command::BlockCard(command)).await?;
        decide::<Card>(&work, &card, CardCommand::Block { at }).await?;
        Ok(())
    })
    .await
}

/// A new card for a passholder who has none in that card system.
#[derive(Debug, Clone)]
pub struct Replacement {
    pub counter: CounterId,
    /// Absent: the card's own.
    pub card_system: Option<CardSystemId>,
    /// Absent: a digital card.
    pub card: Option<CardNumber>,
    pub social_status: Option<AskedSocialStatus>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replaced {
    pub card: CardNumber,
    pub card_system: CardSystemId,
    /// The administrative price (R-CRD-10).
    pub price: Price,
}

/// Gives the new card after a block, at any later time (R-CRD-05).
pub async fn replace(
    app: &App,
    request: &Request,
    passholder: PassholderId,
    replacement: &Replacement,
) -> Answer<Replaced> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, &replacement.counter).await?;
        // Whether somebody has a card is told to whoever gives cards.
        by.demand(Task::Replace).map_err(Problem::from)?;
        let of_counter = work.load::<Counter>(&replacement.counter).await?.state.card_systems();
        let holder = work.load::<Passholder>(&passholder).await?.state.clone();
        let holder = holder.holder()?;
        let (card, card_system) = match replacement.card {
            Some(number) => {
                let card_system =
                    work.load::<Card>(&number).await?.state.assignable(&of_counter)?;
                (NewCard { number, digital: false }, card_system)
            }
            None => {
                let without_card =
                    holder.memberships.iter().find(|(_, membership)| membership.card.is_none());
                let card_system = replacement.card_system.or(without_card.map(|(id, _)| *id));
                let card_system = card_system.ok_or(Refused::from(CardRefused::HasCard))?;
                let membership = holder.memberships.get(&card_system);
                let status =
                    membership.is_some_and(|membership| membership.social_status.is_some());
                let number = app.new_digital_number(status || replacement.social_status.is_some());
                (NewCard { number, digital: true }, card_system)
            }
        };
        if replacement.card_system.is_some_and(|asked| asked != card_system) {
            return Err(Problem::from(uitpas_domain::card::Refused::ForeignCardSystem))?;
        }
        let system = work.load::<CardSystem>(&card_system).await?.state.clone();
        let social_status = replacement.social_status.clone();
        let command = ReplaceCard { by, card_system, system, card, social_status, at };
        let command = Command::ReplaceCard(Box::new(command));
        let events = decide::<Passholder>(&work, &passholder, command).await?;
        give(&work, card, card_system, &of_counter, CardHolder::Passholder(passholder), at).await?;
        Ok(Replaced { card: card.number, card_system, price: price_of(&events) })
    })
    .await
}

/// A KSB admin of its card system moves a card that has no holder, or takes it off the books.
pub async fn administer(
    app: &App,
    request: &Request,
    number: CardNumber,
    command: &CardCommand,
) -> Answer<()> {
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Card>(&number)]).await?;
        let known = work.load::<Card>(&number).await?.state.clone();
        let card_system = known.card_system.ok_or(uitpas_domain::card::Refused::NotFound)?;
        demand_ksb(&work, &request.caller, card_system).await?;
        if let CardCommand::Move { counter: Some(counter), .. } = command {
            let counter = work.load::<Counter>(counter).await?.state.clone();
            if !counter.card_systems().contains(&card_system) {
                return Err(uitpas_domain::card::Refused::ForeignCardSystem)?;
            }
        }
        decide::<Card>(&work, &number, command.clone()).await?;
        Ok(())
    })
    .await
}

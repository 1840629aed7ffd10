//! Bulk actions: one act for up to 200 passholders, each carried out or refused by itself
//! (R-BLK-01, R-BLK-02).

use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, stream};
use uitpas_domain::bulk::demand_list;
use uitpas_domain::card::{Card, Command as CardCommand};
use uitpas_domain::counter::{Authority, Task};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, PassholderId, SaleId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::cards::{Block, BlockCard, BlockKind, BlockReason, CardRefused};
use uitpas_domain::passholder::check_ins::CheckIn;
use uitpas_domain::passholder::ticket_sales::{Item, SellTickets, Tariff};
use uitpas_domain::passholder::{CardState, Command, Holder, Passholder, Refused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::place::Address;
use uitpas_domain::values::text::Text;
use uitpas_store::{StreamKey, Work};
use uuid::Uuid;

use super::passholders::change_details;
use super::social_status;
use super::{Outcome, Request, authority, card_systems_of, decide, execute_item, offering};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// Passholders that are acted on side by side: enough to fill a batch of the log.
const SIDE_BY_SIDE: usize = 32;

/// What to do for each of them.
#[derive(Debug, Clone)]
pub enum Act {
    ChangeAddress(Address),
    GrantTariff { activity: ActivityId, price: Price, price_name: Option<Text<120>> },
    SavePoint { activity: ActivityId },
    ExtendSocialStatus { until: NaiveDate },
    BlockCards { reason: BlockReason },
}

#[derive(Debug, Clone)]
pub struct Bulk {
    pub counter: CounterId,
    pub passholders: Vec<PassholderId>,
    pub act: Act,
}

/// Carries it out for each, in the order asked. The request has a key of its own: sent again, it
/// repeats nothing.
pub async fn carry_out(
    app: &App,
    request: &Request,
    bulk: &Bulk,
) -> Answer<Vec<(PassholderId, Answer<()>)>> {
    if request.key.is_none() {
        let why = "is required: a bulk action that is sent again repeats nothing".to_owned();
        return Err(Problem::Header("Idempotency-Key", why));
    }
    demand_list(&bulk.passholders)?;
    let may = app.store.preview(|work| async move {
        let by = authority(&work, &request.caller, &bulk.counter).await?;
        Ok(by.demand(Task::Bulk).map_err(Refused::from)?)
    });
    let () = may.await?;
    let at = app.now();
    let each = bulk.passholders.clone().into_iter().map(|passholder| async move {
        (passholder, carry_out_one(app, request, bulk, passholder, at).await)
    });
    Ok(stream::iter(each).buffered(SIDE_BY_SIDE).collect().await)
}

async fn carry_out_one(
    app: &App,
    request: &Request,
    bulk: &Bulk,
    id: PassholderId,
    at: DateTime<Utc>,
) -> Answer<()> {
    let ids = (SaleId(Uuid::now_v7()), CheckInId(Uuid::now_v7()));
    execute_item(app, request, &id.to_string(), Channel::Bulk, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        let by = authority(&work, &request.caller, &bulk.counter).await?;
        let state = work.load::<Passholder>(&id).await?.state.clone();
        let holder = state.holder()?;
        match &bulk.act {
            Act::ChangeAddress(address) => {
                let edit = |known: &_| with_address(known, address);
                change_details(&work, by, id, edit, at).await
            }
            Act::GrantTariff { activity, price, price_name } => {
                let ticket = (activity, *price, price_name);
                grant_tariff(&work, by, (id, holder), ticket, ids, at).await
            }
            Act::SavePoint { activity } => {
                save_point(&work, by, (id, holder), activity, ids.1, at).await
            }
            Act::ExtendSocialStatus { until } => {
                social_status::extend(&work, by, id, *until, at).await
            }
            Act::BlockCards { reason } => block_cards(&work, by, (id, holder), *reason, at).await,
        }
    })
    .await
}

fn with_address(
    known: &uitpas_domain::passholder::registration::PersonalDetails,
    address: &Address,
) -> uitpas_domain::passholder::registration::PersonalDetails {
    uitpas_domain::passholder::registration::PersonalDetails {
        address: address.clone(),
        ..known.clone()
    }
}

fn card_of(holder: &Holder) -> Outcome<CardNumber> {
    Ok(holder.current_card().ok_or(Refused::from(CardRefused::NoActiveMembership))?)
}

async fn grant_tariff(
    work: &Work,
    by: Authority,
    (id, holder): (PassholderId, &Holder),
    (activity, price, price_name): (&ActivityId, Price, &Option<Text<120>>),
    (sale, check_in): (SaleId, CheckInId),
    at: DateTime<Utc>,
) -> Outcome<()> {
    let offering = offering_of(work, &by, activity).await?;
    let (card, price_name) = (card_of(holder)?, price_name.clone());
    let (tariff, age) = (Tariff::SocialTariff, None);
    let item = Item { sale, check_in, by, offering, card, price, price_name, tariff, age };
    let card_systems = card_systems_of(work, holder).await?;
    let sell = SellTickets { items: vec![item], card_systems, at };
    decide::<Passholder>(work, &id, Command::SellTickets(Box::new(sell))).await?;
    Ok(())
}

async fn save_point(
    work: &Work,
    by: Authority,
    (id, holder): (PassholderId, &Holder),
    activity: &ActivityId,
    check_in: CheckInId,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let offering = offering_of(work, &by, activity).await?;
    let card_systems = card_systems_of(work, holder).await?;
    let (card, channel) = (card_of(holder)?, Channel::Bulk);
    let command = CheckIn { check_in, by, offering, card, channel, card_systems, at };
    decide::<Passholder>(work, &id, Command::CheckIn(Box::new(command))).await?;
    Ok(())
}

/// An activity of the counter that acts: for another's it has no say.
async fn offering_of(
    work: &Work,
    by: &Authority,
    activity: &ActivityId,
) -> Outcome<std::sync::Arc<uitpas_domain::offering::Offering>> {
    let offering = offering(work, activity).await?;
    match offering.organizer() == Some(&by.counter) {
        true => Ok(offering),
        false => Err(Problem::Forbidden("the activity is of another organizer".to_owned()))?,
    }
}

/// All active cards of the passholder, for good.
async fn block_cards(
    work: &Work,
    by: Authority,
    (id, holder): (PassholderId, &Holder),
    reason: BlockReason,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let active = holder.cards.iter().filter(|(_, state)| matches!(state, CardState::Active));
    let active: Vec<CardNumber> = active.map(|(card, _)| *card).collect();
    if active.is_empty() {
        return Err(Refused::from(CardRefused::Blocked))?;
    }
    let block = Block { kind: BlockKind::Definitive, reason };
    for card in active {
        let command = BlockCard { by: by.clone(), card, block, at };
        decide::<Passholder>(work, &id, Command::BlockCard(command)).await?;
        decide::<Card>(work, &card, CardCommand::Block { at }).await?;
    }
    Ok(())
}

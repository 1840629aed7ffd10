//! From what a scanner reads to a passholder (R-ID-04, R-ID-05). Always from the streams, so that a
//! check-in right after a registration works. Identifying registers nothing (R-ID-07).

use std::sync::Arc;

use uitpas_domain::card::{Card, Holder as CardHolder, Unidentified};
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::Passholder;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::identifier::Identifier;
use uitpas_domain::values::insz::Insz;
use uitpas_store::{Loaded, StreamKey, Unsuccessful, Work};

use super::Outcome;
use crate::app::App;
use crate::problem::{Answer, CardNotActive, Problem};

/// Kinds of claims: what belongs to at most one passholder or card (R-ID-06).
pub const INSZ: &str = "insz";
pub const CHIP: &str = "chip";

/// A pass that was shown: the card, and whose it is.
pub struct Pass {
    pub card: CardNumber,
    pub passholder: PassholderId,
    pub state: Arc<Loaded<Passholder>>,
}

/// Whose card an identifier points at, a passholder's or a group pass.
pub async fn holder(work: &Work, identifier: &Identifier) -> Outcome<(CardNumber, CardHolder)> {
    let card = match identifier {
        Identifier::Card(number) => *number,
        Identifier::Chip(chip) => card_of_chip(work, &chip.to_string()).await?,
        Identifier::Insz(_) => {
            let pass = pass(work, identifier).await?;
            return Ok((pass.card, CardHolder::Passholder(pass.passholder)));
        }
    };
    Ok((card, holder_of_card(work, card).await?))
}

/// Whose card this is, if it is in use.
pub async fn holder_of_card(work: &Work, card: CardNumber) -> Outcome<CardHolder> {
    let known = work.load::<Card>(&card).await?;
    Ok(known.state.identify().map_err(not_active)?)
}

/// The passholder that an identifier points at, and the card to act with.
pub async fn pass(work: &Work, identifier: &Identifier) -> Outcome<Pass> {
    let card = match identifier {
        Identifier::Card(number) => *number,
        Identifier::Chip(chip) => card_of_chip(work, &chip.to_string()).await?,
        Identifier::Insz(insz) => {
            let passholder = holder_of_insz(work, &insz.to_string()).await?;
            let passholder = passholder.ok_or(Problem::PassNotFound)?;
            let state = work.load::<Passholder>(&passholder).await?;
            let card = state.state.holder()?.current_card();
            let card = card.ok_or_else(|| {
                not_active(Unidentified::Blocked(CardHolder::Passholder(passholder)))
            })?;
            return Ok(Pass { card, passholder, state });
        }
    };
    of_card(work, card).await
}

/// The holder of a card that is in use.
pub async fn of_card(work: &Work, card: CardNumber) -> Outcome<Pass> {
    let holder = holder_of_card(work, card).await?;
    let passholder = holder.passholder().map_err(|_| Problem::GroupPass)?;
    let state = work.load::<Passholder>(&passholder).await?;
    Ok(Pass { card, passholder, state })
}

/// The same for a command that will write to the passholder: queues up behind other commands of
/// this process on the same passholder.
pub async fn of_card_to_write(work: &Work, card: CardNumber) -> Outcome<Pass> {
    let holder = holder_of_card(work, card).await?;
    let passholder = holder.passholder().map_err(|_| Problem::GroupPass)?;
    work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
    let state = work.load::<Passholder>(&passholder).await?;
    Ok(Pass { card, passholder, state })
}

pub async fn card_of_chip(work: &Work, chip: &str) -> Outcome<CardNumber> {
    let hash = work.store().master_key().claim_hash(CHIP, chip);
    let owner = work.claim_owner(CHIP, &hash).await?;
    let number = owner.and_then(|owner| owner.parse().ok());
    Ok(number.ok_or(Problem::PassNotFound)?)
}

async fn holder_of_insz(work: &Work, insz: &str) -> Outcome<Option<PassholderId>> {
    let hash = work.store().master_key().claim_hash(INSZ, insz);
    let owner = work.claim_owner(INSZ, &hash).await?;
    Ok(owner.and_then(|owner| owner.parse().ok()))
}

/// Who has this national number, if anybody.
pub async fn passholder_of_insz(app: &App, insz: &Insz) -> Answer<Option<PassholderId>> {
    let found =
        app.store.preview(|work| async move { holder_of_insz(&work, &insz.to_string()).await });
    Ok(found.await?)
}

/// What a counter is told of a card that shows no holder (R-ID-05).
fn not_active(unidentified: Unidentified) -> Problem {
    let (card_status, passholder) = match unidentified {
        Unidentified::NotRegistered => ("LOCAL_STOCK", None),
        Unidentified::NotInLocalStock => ("PROVISIONED", None),
        Unidentified::Blocked(holder) => ("BLOCKED", Some(holder.to_string())),
        Unidentified::NotFound => return Problem::PassNotFound,
    };
    Problem::CardNotActive(CardNotActive { unidentified, card_status, passholder })
}

/// Whom an identifier points at, whatever the state of the card.
pub async fn passholder(app: &App, identifier: &Identifier) -> Answer<Option<PassholderId>> {
    let found = app.store.preview(|work| async move {
        match pass(&work, identifier).await {
            Ok(pass) => Ok(Some(pass.passholder)),
            Err(Unsuccessful::Refused(Problem::PassNotFound | Problem::GroupPass)) => Ok(None),
            Err(Unsuccessful::Refused(Problem::CardNotActive(card))) => {
                Ok(card.passholder.and_then(|passholder| passholder.parse().ok()))
            }
            Err(other) => Err(other),
        }
    });
    Ok(found.await?)
}

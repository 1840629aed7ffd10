//! Rewards that are taken up online: a link, or one code of a list to each (R-RWD-07).

use uitpas_domain::ids::{RedemptionId, RewardId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::reward::{Command, Online, Reward, RewardCode, UploadedCode};
use uitpas_domain::values::digest::Digest;
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{Failed, Work};

use super::{Outcome, Request, decide, demand_ksb, execute};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A kind of keyed hash: codes of one reward that are equal.
const CODE: &str = "reward-code";

/// A KSB admin of the owning card system says what follows a redemption online; absent: nothing.
pub async fn set(
    app: &App,
    request: &Request,
    id: RewardId,
    online: Option<&Online>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_owner(&work, &request.caller, id).await?;
        let online = online.cloned();
        decide::<Reward>(&work, &id, Command::SetOnline { online, at }).await?;
        Ok(())
    })
    .await
}

/// Adds codes to those that can be handed out. Says how many are new: a code that was there, also
/// one that was handed out, is not added again.
pub async fn add_codes(
    app: &App,
    request: &Request,
    id: RewardId,
    codes: &[RewardCode],
) -> Answer<usize> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_owner(&work, &request.caller, id).await?;
        let person = person(id);
        let key = key_of(&work, &person).await?;
        let master = work.store().master_key();
        let upload = |code: &RewardCode| UploadedCode {
            digest: Digest::new(master.claim_hash(CODE, &format!("{id} {code}"))),
            code: sealing::seal(&key, &person, CODE, code),
        };
        let codes = codes.iter().map(upload).collect();
        let before = work.load::<Reward>(&id).await?.state.codes_known();
        decide::<Reward>(&work, &id, Command::AddCodes { codes, at }).await?;
        Ok(work.load::<Reward>(&id).await?.state.codes_known() - before)
    })
    .await
}

/// The reward, for a KSB admin of the owning card system.
pub async fn read(app: &App, caller: &Caller, id: RewardId) -> Answer<Reward> {
    let reward = app.store.preview(|work| async move {
        demand_owner(&work, caller, id).await?;
        Ok(Reward::clone(&work.load::<Reward>(&id).await?.state))
    });
    Ok(reward.await?)
}

/// The code that a redemption was answered with, if it was with one.
pub async fn code_of(
    app: &App,
    id: RewardId,
    reward: &Reward,
    redemption: RedemptionId,
) -> Answer<Option<RewardCode>> {
    let Some(sealed) = reward.given.get(&redemption) else { return Ok(None) };
    let person = person(id);
    let Some(wrapped) = app.store.wrapped_key(&person).await? else { return Ok(None) };
    let key = app.store.master_key().person_key(&person, &wrapped).map_err(Failed::new)?;
    Ok(Some(sealing::open(&key, &person, CODE, sealed).map_err(Failed::new)?))
}

async fn demand_owner(work: &Work, caller: &Caller, id: RewardId) -> Outcome<()> {
    let reward = work.load::<Reward>(&id).await?.state.clone();
    let definition = reward.definition.as_ref();
    let unknown = || Problem::from(uitpas_domain::reward::Refused::Unknown);
    demand_ksb(work, caller, definition.ok_or_else(unknown)?.owner).await
}

/// Under whose name the codes of a reward are sealed.
fn person(id: RewardId) -> String {
    format!("reward/{id}")
}

/// The key of a reward, made when it is first needed.
async fn key_of(work: &Work, person: &str) -> Outcome<PersonKey> {
    let master = work.store().master_key();
    if let Some(wrapped) = work.wrapped_key(person).await? {
        return Ok(master.person_key(person, &wrapped).map_err(Failed::new)?);
    }
    let (key, wrapped) = master.new_person_key(person);
    work.insert_key(person, wrapped);
    Ok(key)
}

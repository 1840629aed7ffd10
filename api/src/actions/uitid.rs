//! The UiTID of a passholder: linking the two, and finding the one by the other. Source: FAQ,
//! "UiTPAS-app"; UiTPAS API 4.0.

use chrono::{NaiveDate, TimeDelta};
use uitpas_domain::ids::{PassholderId, SubjectId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::passholder::{Command, Passholder};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::contact::Email;
use uitpas_store::{Unsuccessful, Work};

use super::passholders::{Known, read_own};
use super::{Outcome, Request, accounts, decide, execute};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// The kind of the claim by which a UiTID is one passholder's at most.
const UITID: &str = "uitid";

/// How long a registration token holds. Source: our choice; somebody who has to sign up for a UiTID first
/// takes a while.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(24);

/// A token that opens linking a UiTID to this passholder, and nothing else.
pub fn registration_token(app: &App, passholder: PassholderId) -> String {
    let expires = (app.now() + TOKEN_LIFE).timestamp();
    token(app, passholder, expires)
}

fn token(app: &App, passholder: PassholderId, expires: i64) -> String {
    let content = format!("{passholder}.{expires}");
    let mark = app.store.master_key().claim_hash("registration-token", &content);
    format!("{content}.{}", hex::encode(mark))
}

/// Whom a registration token is of.
pub fn holder_of(app: &App, given: &str) -> Answer<PassholderId> {
    const BAD: Problem = Problem::Unauthorized("the registration token does not hold");
    let mut parts = given.split('.');
    let passholder = parts.next().and_then(|id| id.parse().ok()).ok_or(BAD)?;
    let expires = parts.next().and_then(|at| at.parse().ok()).ok_or(BAD)?;
    // Hashes are compared, so that the time it takes tells nothing of the signature.
    let hash = |text: &str| app.store.master_key().request_hash(text.as_bytes());
    match hash(given) == hash(&token(app, passholder, expires)) && app.now().timestamp() < expires {
        true => Ok(passholder),
        false => Err(BAD),
    }
}

/// Whoever has this card and this date of birth. It is not told which of the two is wrong.
pub async fn shown_by(app: &App, card: CardNumber, born: NaiveDate) -> Answer<PassholderId> {
    const NOBODY: Problem = Problem::Unauthorized("nobody has this card and this date of birth");
    app.guesses.count_date(card)?;
    let passholder = app.passholder_of(card).await.map_err(|problem| match problem {
        Problem::LedgerUnavailable | Problem::Busy | Problem::Internal(_) => problem,
        _ => NOBODY,
    })?;
    let Known { details, .. } = read_own(app, passholder).await?;
    match details.is_some_and(|details| details.birth_date == born) {
        true => Ok(passholder),
        false => Err(NOBODY),
    }
}

/// The passholder to whom a UiTID is linked.
pub async fn passholder_of(app: &App, uitid: &SubjectId) -> Answer<Option<PassholderId>> {
    let hash = app.store.master_key().claim_hash(UITID, uitid.as_str());
    let owner = app.store.claim_owner(UITID, &hash).await?;
    Ok(owner.and_then(|owner| owner.parse().ok()))
}

/// Links the UiTID of whoever calls to the passholder of a registration token.
pub async fn link(app: &App, request: &Request, token: &str) -> Answer<()> {
    let (passholder, at) = (holder_of(app, token)?, app.now());
    let uitid = request.caller.uitid();
    let uitid =
        &uitid.ok_or_else(|| Problem::Forbidden("only a person, for himself".to_owned()))?;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::Passholder, None);
        let state = work.load::<Passholder>(&passholder).await?;
        state.state.holder()?;
        demand_free(&work, uitid, passholder).await?;
        claim(&work, uitid, passholder);
        decide::<Passholder>(&work, &passholder, Command::LinkUitid { at }).await?;
        Ok(())
    })
    .await
}

/// Told before anything else: a UiTID that is somebody else's.
async fn demand_free(work: &Work, uitid: &SubjectId, passholder: PassholderId) -> Outcome<()> {
    let hash = work.store().master_key().claim_hash(UITID, uitid.as_str());
    let owner = work.claim_owner(UITID, &hash).await?;
    match owner.is_none_or(|owner| owner == passholder.to_string()) {
        true => Ok(()),
        false => Err(Unsuccessful::ClaimTaken(UITID)),
    }
}

pub fn claim(work: &Work, uitid: &SubjectId, passholder: PassholderId) {
    let hash = work.store().master_key().claim_hash(UITID, uitid.as_str());
    work.claim(UITID, hash, &passholder.to_string());
}

/// What is known of an e-mail address, for somebody who wants to use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailState {
    /// Nobody has logged in with it: he signs up.
    Unknown,
    /// There is a UiTID: he logs in.
    OfUitid,
    /// It is linked to a passholder: he may not use it.
    Linked,
}

pub async fn email_state(app: &App, email: &Email) -> Answer<EmailState> {
    let Some(uitid) = accounts::by_email(app, email).await? else { return Ok(EmailState::Unknown) };
    Ok(match passholder_of(app, &uitid).await? {
        Some(_) => EmailState::Linked,
        None => EmailState::OfUitid,
    })
}

//! UiTIDs that have logged in: remembered with their e-mail address when a token first shows one
//! that was verified, so that staff can be appointed by it (R-CTR-02).

use uitpas_domain::account::{Account, Command};
use uitpas_domain::ids::{CommandId, SubjectId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::values::contact::Email;
use uitpas_store::sealing;
use uitpas_store::{Failed, Unsuccessful};
use uuid::Uuid;

use super::{Outcome, decide};
use crate::app::{App, CORRELATION};
use crate::auth::{Kind, Shown};
use crate::problem::{Answer, Problem};

/// The kind of the claim by which a UiTID is found.
const EMAIL: &str = "uitid-email";
/// The name under which the address is sealed.
const SEALED_EMAIL: &str = "email";

/// Under which the key of an account is kept.
fn person(subject: &SubjectId) -> String {
    format!("account/{subject}")
}

/// Remembers whose address it is, where a token shows one. Once known it costs nothing more.
pub async fn remember(app: &App, shown: &Shown) -> Answer<()> {
    let Some(email) = &shown.email else { return Ok(()) };
    if !matches!(shown.kind, Kind::User | Kind::Passholder | Kind::SystemOwner) {
        return Ok(());
    }
    let hash = app.store.master_key().claim_hash(EMAIL, &email.normalised());
    let subject = &shown.subject;
    if app.knows_address(subject, &hash) {
        return Ok(());
    }
    let owner = app.store.claim_owner(EMAIL, &hash).await?;
    if owner.as_deref() != Some(&person(subject)) {
        if let Some(other) = owner.and_then(|owner| owner.strip_prefix("account/")?.parse().ok()) {
            lose(app, subject, &other, hash).await?;
        }
        take(app, subject, email, hash).await?;
    }
    app.remember_address(subject, hash);
    Ok(())
}

/// The address is the newest one's who shows it: the issuer has verified it last.
async fn lose(app: &App, by: &SubjectId, other: &SubjectId, hash: [u8; 32]) -> Answer<()> {
    let at = app.now();
    by_itself(app, by, |work| async move {
        work.free_claim(EMAIL, hash, &person(other));
        decide::<Account>(&work, other, Command::LoseEmail { at }).await?;
        Ok(())
    })
    .await
}

async fn take(app: &App, subject: &SubjectId, email: &Email, hash: [u8; 32]) -> Answer<()> {
    let at = app.now();
    by_itself(app, subject, |work| async move {
        let person = person(subject);
        let key = match work.wrapped_key(&person).await? {
            Some(wrapped) => app.store.master_key().person_key(&person, &wrapped),
            None => {
                let (key, wrapped) = app.store.master_key().new_person_key(&person);
                work.insert_key(&person, wrapped);
                Ok(key)
            }
        };
        let key = key.map_err(Failed::new)?;
        if let Some(known) = &work.load::<Account>(subject).await?.state.email {
            let known: Email =
                sealing::open(&key, &person, SEALED_EMAIL, known).map_err(Failed::new)?;
            let former = app.store.master_key().claim_hash(EMAIL, &known.normalised());
            if former != hash {
                work.free_claim(EMAIL, former, &person);
            }
        }
        work.claim(EMAIL, hash, &person);
        let email = sealing::seal(&key, &person, SEALED_EMAIL, email);
        decide::<Account>(&work, subject, Command::ShowEmail { email, at }).await?;
        Ok(())
    })
    .await
}

/// A command that nobody asked for: it follows from a token.
async fn by_itself<F, Fut>(app: &App, actor: &SubjectId, decide: F) -> Answer<()>
where
    F: Fn(uitpas_store::Work) -> Fut,
    Fut: Future<Output = Outcome<()>>,
{
    let id = CommandId(Uuid::now_v7());
    let metadata = Metadata {
        actor: actor.clone(),
        role: Role::System,
        counter: None,
        channel: Channel::BackOffice,
        command_id: id,
        correlation_id: CORRELATION.try_with(|id| *id).unwrap_or(id),
    };
    let request = app.store.master_key().request_hash(&[]);
    let command = uitpas_store::Command { id, request, metadata };
    match app.store.execute(command, decide).await {
        // Somebody else was faster: the next token tells again.
        Ok(_) | Err(Unsuccessful::ClaimTaken(_)) => Ok(()),
        Err(why) => Err(Problem::from(why)),
    }
}

/// The UiTID with this address, if one has logged in with it.
pub async fn by_email(app: &App, email: &Email) -> Answer<Option<SubjectId>> {
    let hash = app.store.master_key().claim_hash(EMAIL, &email.normalised());
    let owner = app.store.claim_owner(EMAIL, &hash).await?;
    Ok(owner.and_then(|owner| owner.strip_prefix("account/")?.parse().ok()))
}

/// The address of a UiTID; absent where it never showed one.
pub async fn email_of(app: &App, subject: &SubjectId) -> Answer<Option<Email>> {
    let account = app.store.load::<Account>(subject).await?;
    let Some(sealed) = &account.state.email else { return Ok(None) };
    let person = person(subject);
    let Some(wrapped) = app.store.wrapped_key(&person).await? else { return Ok(None) };
    let key = app.store.master_key().person_key(&person, &wrapped).map_err(Failed::new)?;
    Ok(Some(sealing::open(&key, &person, SEALED_EMAIL, sealed).map_err(Failed::new)?))
}

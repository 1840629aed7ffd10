//! What staff keep of a person beside his details: a note among themselves, and a picture. Sealed
//! here on the way in, opened here on the way out.

use serde::{Deserialize, Serialize};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::private::{
    Note, PICTURE_BYTES_MAX, Picture, PictureKind, PictureRefused, SetNote, SetPicture,
};
use uitpas_domain::passholder::{Command, Holder, Passholder, Refused};
use uitpas_domain::sealed::Sealed;
use uitpas_domain::values::digest::Digest;
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{Failed, StreamKey, Work};

use super::passholders::{authority_over, person_key};
use super::{Outcome, Request, decide, demand_version, execute, version_of};
use crate::app::App;
use crate::auth::{Caller, Someone};
use crate::problem::{Answer, Problem};

/// The names under which they are sealed.
const NOTE: &str = "note";
const PICTURE: &str = "picture";

/// A note, and its version for `If-Match`.
pub struct Noted {
    pub note: Option<Note>,
    pub version: u64,
}

/// The note that is kept of a person, if it can be read.
pub async fn open_note(work: &Work, id: PassholderId, holder: &Holder) -> Outcome<Option<Note>> {
    let Some(sealed) = &holder.note else { return Ok(None) };
    let Some(key) = person_key(work, id).await? else { return Ok(None) };
    Ok(Some(sealing::open(&key, &id.to_string(), NOTE, sealed).map_err(Failed::new)?))
}

pub fn seal_note(key: &PersonKey, id: PassholderId, note: &Note) -> Sealed<Note> {
    sealing::seal(key, &id.to_string(), NOTE, note)
}

pub async fn note(app: &App, caller: &Caller, id: PassholderId) -> Answer<Noted> {
    let counters = &app.counters_of(caller).await?;
    let noted = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        authority_over(&work, caller, counters, holder, Task::Edit).await?;
        let note = open_note(&work, id, holder).await?;
        Ok(Noted { note, version: version_of(&holder.note) })
    });
    Ok(noted.await?)
}

/// Replaces the note; nothing to say takes it away.
pub async fn set_note(
    app: &App,
    request: &Request,
    id: PassholderId,
    note: Option<&Note>,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    let counters = &app.counters_of(&request.caller).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        let by = authority_over(&work, &request.caller, counters, holder, Task::Edit).await?;
        // Sealed anew each time: every note that was ever written has a version of its own.
        demand_version(version, &holder.note)?;
        if open_note(&work, id, holder).await?.as_ref() == note {
            return Ok(());
        }
        let key = person_key(&work, id).await?.ok_or(Refused::Removed)?;
        let note = note.map(|note| seal_note(&key, id, note));
        decide::<Passholder>(&work, &id, Command::SetNote(SetNote { by, note, at })).await?;
        Ok(())
    })
    .await
}

/// What sort of picture these bytes are.
pub fn checked(bytes: &[u8]) -> Answer<PictureKind> {
    match bytes.len() <= PICTURE_BYTES_MAX {
        true => PictureKind::of(bytes).ok_or(Problem::FileOfOtherType),
        false => Err(Problem::FileTooLarge(PICTURE_BYTES_MAX)),
    }
}

/// Lays down a picture, sealed; no event names it yet.
pub async fn lay_down(
    app: &App,
    id: PassholderId,
    key: &PersonKey,
    bytes: &[u8],
) -> Answer<Picture> {
    let kind = checked(bytes)?;
    let person = id.to_string();
    let sealed = sealing::seal_bytes(key, &person, PICTURE, bytes);
    let digest = Digest::new(app.store.keep_file(&person, &sealed).await?);
    Ok(Picture { digest, kind, bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX) })
}

/// Takes away a picture that no event names, or not any more.
pub async fn take_away(app: &App, id: PassholderId, picture: Digest) -> Answer<()> {
    Ok(app.store.drop_file(&id.to_string(), picture.as_bytes()).await?)
}

/// What became of a picture that was laid down: which one is kept, and which one it took the place of.
#[derive(Serialize, Deserialize)]
struct Kept {
    picture: Option<Digest>,
    instead_of: Option<Digest>,
}

/// Replaces the picture.
pub async fn set_picture(
    app: &App,
    request: &Request,
    id: PassholderId,
    bytes: &[u8],
) -> Answer<()> {
    checked(bytes)?;
    let counters = &app.counters_of(&request.caller).await?;
    let key = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&id).await?;
        authority_over(&work, &request.caller, counters, state.state.holder()?, Task::Edit).await?;
        person_key(&work, id).await?.ok_or_else(|| Problem::from(Refused::Removed).into())
    });
    let picture = lay_down(app, id, &key.await?, bytes).await?;
    match put(app, request, counters, id, Some(picture)).await {
        Ok(kept) => {
            let again = kept.picture != Some(picture.digest);
            for unnamed in again.then_some(picture.digest).into_iter().chain(kept.instead_of) {
                take_away(app, id, unnamed).await?;
            }
            Ok(())
        }
        Err(problem) => {
            // Whether it happened is known only where it was refused.
            if problem.status().is_client_error() {
                take_away(app, id, picture.digest).await?;
            }
            Err(problem)
        }
    }
}

pub async fn remove_picture(app: &App, request: &Request, id: PassholderId) -> Answer<()> {
    let counters = &app.counters_of(&request.caller).await?;
    if let Some(removed) = put(app, request, counters, id, None).await?.instead_of {
        take_away(app, id, removed).await?;
    }
    Ok(())
}

async fn put(
    app: &App,
    request: &Request,
    counters: &[CounterId],
    id: PassholderId,
    picture: Option<Picture>,
) -> Answer<Kept> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        let by = authority_over(&work, &request.caller, counters, holder, Task::Edit).await?;
        let command = Command::SetPicture(SetPicture { by, picture, at });
        decide::<Passholder>(&work, &id, command).await?;
        let digest = |picture: Picture| picture.digest;
        Ok(Kept { picture: picture.map(digest), instead_of: holder.picture.map(digest) })
    })
    .await
}

/// The picture that is kept of a person, for staff and for himself.
pub async fn picture(app: &App, someone: &Someone, id: PassholderId) -> Answer<Picture> {
    if someone.oneself.is_some() {
        someone.demand_oneself(id)?;
    }
    let counters = &match someone.oneself {
        Some(_) => vec![],
        None => app.counters_of(&someone.caller).await?,
    };
    let found = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        if someone.oneself.is_none() {
            authority_over(&work, &someone.caller, counters, holder, Task::Edit).await?;
        }
        Ok(holder.picture.ok_or(Refused::from(PictureRefused::None))?)
    });
    Ok(found.await?)
}

/// The bytes of a picture, for whoever holds a link to it. One that was replaced or whose person was
/// removed is nowhere.
pub async fn picture_bytes(
    app: &App,
    id: PassholderId,
    digest: Digest,
) -> Answer<(PictureKind, Vec<u8>)> {
    let opened = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&id).await?;
        let picture = state.state.holder()?.picture.filter(|picture| picture.digest == digest);
        let picture = picture.ok_or(Refused::from(PictureRefused::None))?;
        let bytes = open_picture(&work, id, &picture).await?;
        Ok((picture.kind, bytes.ok_or(Refused::from(PictureRefused::None))?))
    });
    Ok(opened.await?)
}

/// The picture itself; absent once its person was removed.
pub async fn open_picture(
    work: &Work,
    id: PassholderId,
    picture: &Picture,
) -> Outcome<Option<Vec<u8>>> {
    let person = id.to_string();
    let Some(key) = person_key(work, id).await? else { return Ok(None) };
    let Some(sealed) = work.store().file(&person, picture.digest.as_bytes()).await? else {
        return Ok(None);
    };
    let bytes = sealing::open_bytes(&key, &person, PICTURE, &sealed).map_err(Failed::new)?;
    Ok(Some(bytes.to_vec()))
}

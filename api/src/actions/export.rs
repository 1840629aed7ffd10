//! All that is held about a passholder, for himself and for whoever answers him: what is sealed is
//! opened, the picture too, and every event is there.

use serde_json::Value;
use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::Passholder;
use uitpas_domain::passholder::private::{Note, PictureKind};
use uitpas_projections::check_ins::CheckIn;
use uitpas_projections::redemptions::Redemption;
use uitpas_projections::ticket_sales::TicketSale;
use uitpas_projections::{Paging, check_ins, families, redemptions, ticket_sales};
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{Failed, Raw, Unsuccessful};

use super::audit::{self, Subject};
use super::passholders::{Known, authority_over, known, person_key};
use super::private::{open_note, open_picture};
use crate::app::App;
use crate::auth::Someone;
use crate::problem::{Answer, Problem};

/// All that is held about somebody.
pub struct Held {
    /// Up to here the log was looked at.
    pub position: u64,
    pub known: Known,
    pub note: Option<Note>,
    pub picture: Option<(PictureKind, Vec<u8>)>,
    /// The families that he was added to.
    pub families: Vec<families::Link>,
    pub check_ins: Vec<CheckIn>,
    pub sales: Vec<TicketSale>,
    pub redemptions: Vec<Redemption>,
    pub events: Vec<Told>,
}

/// An event with what was sealed in it opened, and how it came about.
pub struct Told {
    pub entry: Raw,
    pub content: Value,
    pub metadata: Value,
}

/// For the passholder himself, and for the KSB of one of his card systems.
pub async fn demand_may_export(app: &App, someone: &Someone, id: PassholderId) -> Answer<()> {
    if someone.oneself.is_some() {
        return someone.demand_oneself(id);
    }
    let counters = &app.counters_of(&someone.caller).await?;
    let asked = app.store.preview(|work| async move {
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        let by = authority_over(&work, &someone.caller, counters, holder, Task::Edit).await?;
        match holder.memberships.keys().any(|card_system| by.is_ksb_of(*card_system)) {
            true => Ok(()),
            false => Err(Problem::from(NotAllowed::OnlyKsb).into()),
        }
    });
    Ok(asked.await?)
}

pub async fn held(app: &App, id: PassholderId) -> Answer<Held> {
    let position = app.store.head().await?.position;
    let opened = app.store.preview(|work| async move {
        let known = known(&work, id).await?;
        let note = open_note(&work, id, &known.holder).await?;
        let picture = match &known.holder.picture {
            Some(picture) => {
                let bytes = open_picture(&work, id, picture).await?;
                bytes.map(|bytes| (picture.kind, bytes))
            }
            None => None,
        };
        let key = person_key(&work, id).await?;
        let key = key.ok_or(uitpas_domain::passholder::Refused::Removed)?;
        Ok::<_, Unsuccessful<Problem>>((known, note, picture, key))
    });
    let (known, note, picture, key) = opened.await?;
    let projections = [&check_ins::PROJECTION, &ticket_sales::PROJECTION, &redemptions::PROJECTION];
    for view in projections.into_iter().chain([&families::PROJECTION]) {
        app.wait_for(view.name, position).await?;
    }
    let (pool, passholder) = (app.pool(), Some(id));
    // One person has some hundreds in a lifetime.
    let paging = Paging { start: 0, limit: i64::MAX };
    let given = check_ins::Filter { passholder, paging, ..Default::default() };
    let buyer = Some(id.0);
    let sold = ticket_sales::Filter { buyer, paging, ..Default::default() };
    let redeemed = redemptions::Filter { passholder, paging, ..Default::default() };
    let trail = audit::trail(app, &Subject::Passholder(id), position).await?;
    let events = trail.steps.into_iter().map(|step| told(step.entry, id, &key));
    Ok(Held {
        position,
        known,
        note,
        picture,
        families: families::of_member(pool, id).await?,
        check_ins: check_ins::list(pool, &given).await?.rows,
        sales: ticket_sales::list(pool, &sold).await?.rows,
        redemptions: redemptions::list(pool, &redeemed).await?.rows,
        events: events.collect::<Answer<_>>()?,
    })
}

/// What is sealed in events stands under the name under which it was sealed.
const SEALED: [&str; 3] = ["details", "note", "reason"];

fn told(entry: Raw, id: PassholderId, key: &PersonKey) -> Answer<Told> {
    let mut content: Value = serde_json::from_str(&entry.payload).map_err(Failed::new)?;
    // An event is an object with its type for name. Those of cards hold nothing sealed.
    let event = content.as_object_mut().filter(|_| entry.aggregate_id == id.to_string());
    let fields = event.and_then(|event| event.values_mut().next());
    if let Some(fields) = fields.and_then(Value::as_object_mut) {
        for name in SEALED {
            let Some(sealed) = fields.get_mut(name).filter(|value| value.is_string()) else {
                continue;
            };
            let ciphertext = serde_json::from_value(sealed.take()).map_err(Failed::new)?;
            let opened = sealing::open::<Value>(key, &id.to_string(), name, &ciphertext);
            *sealed = opened.map_err(Failed::new)?;
        }
    }
    let metadata = serde_json::from_str(&entry.metadata).map_err(Failed::new)?;
    Ok(Told { entry, content, metadata })
}

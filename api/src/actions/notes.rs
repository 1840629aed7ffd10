//! Expense notes: issuing, answering, and looking them up (R-NOTE).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::card::Holder as Buyer;
use uitpas_domain::counter::notes::{
    Closing, IssueNote, NoteIssued, NoteRefused, ObjectToNote, Reply, SettleObjection,
};
use uitpas_domain::counter::{Command, Counter, Event, Profile, Refused};
use uitpas_domain::group_pass;
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::passholder::ticket_sales::{CancelSale, SaleRefused};
use uitpas_domain::passholder::{self, Reason};
use uitpas_domain::sealed::Sealed;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::iban::Iban;
use uitpas_projections::counters as view;
use uitpas_projections::settlement::lines::NoteLine;
use uitpas_projections::settlement::note::{Note, drawn, notes};
use uitpas_projections::settlement::{self, IssuedNote, note_lines, sales};
use uitpas_projections::ticket_sales as overview;
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{Failed, NoteFiles, StreamKey, Unsuccessful, Work};

use super::ticket_sales::{cancel_of, stream_of};
use super::{Outcome, Request, audit, authority, decide, execute, recorded};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::files::{Document, RENDERER};
use crate::problem::{Answer, Problem};

/// A note that the KSB wants.
#[derive(Debug, Clone)]
pub struct NewNote {
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// Absent: after the usual number of days.
    pub deadline: Option<NaiveDate>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Issued {
    pub note: u32,
}

/// Issues a note over a wholly past period, from the log as it stands now.
pub async fn issue(
    app: &App,
    request: &Request,
    counter: &CounterId,
    new: &NewNote,
) -> Answer<Issued> {
    let at = app.now();
    let issued = execute(app, request, Channel::BackOffice, |work| async move {
        let by = role_at(&work, &request.caller, counter).await?;
        let mut closings = work.load::<Counter>(counter).await?.state.closings();
        // Read after the counter: an earlier note is then within what this one takes in.
        let head = app.store.head().await?;
        let (from, until, position) = (new.from, new.until, head.position);
        app.wait_for(settlement::PROJECTION.name, position).await?;
        let note = closings.last().map_or(1, |last| last.note + 1);
        closings.push(Closing { note, from, until, position });
        let lines = note_lines(app.pool(), counter, &closings).await.map_err(Problem::from)?;
        let issue = IssueNote {
            from,
            until,
            position,
            head: Digest::new(head.hash),
            drawn: drawn(&notes(lines)).ok_or_else(nameless)?,
            deadline: new.deadline,
            by,
            at,
        };
        let events = decide::<Counter>(&work, counter, Command::IssueNote(Box::new(issue))).await?;
        let note = events.iter().find_map(|event| match event {
            Event::NoteIssued(issued) => Some(issued.note),
            _ => None,
        });
        Ok(Issued { note: note.unwrap_or_default() })
    })
    .await?;
    // The note stands, whatever becomes of its files: who asks for them first makes them otherwise.
    if let Err(error) = files_of(app, counter, issued.note).await {
        tracing::error!(%error, "the files of a note were not made at its issue");
    }
    Ok(issued)
}

fn nameless() -> Problem {
    Problem::Internal("a line names no municipality".into())
}

pub async fn approve(app: &App, request: &Request, counter: &CounterId, note: u32) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        let by = role_at(&work, &request.caller, counter).await?;
        decide::<Counter>(&work, counter, Command::ApproveNote { note, by, at }).await?;
        Ok(())
    })
    .await
}

/// A counter admin objects, with a reason and the sales concerned.
pub async fn object(
    app: &App,
    request: &Request,
    counter: &CounterId,
    note: u32,
    reason: &Reason,
    sales_concerned: &BTreeSet<SaleId>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        let by = role_at(&work, &request.caller, counter).await?;
        let known = work.load::<Counter>(counter).await?;
        let object = ObjectToNote {
            note,
            reason: seal(&counter_key(&work, counter).await?, counter, reason),
            sales: sales_concerned.clone(),
            on_note: sales(&lines_on(app, counter, &known.state, note).await?),
            by,
            at,
        };
        decide::<Counter>(&work, counter, Command::ObjectToNote(object)).await?;
        Ok(())
    })
    .await
}

/// The KSB upholds an objection, which cancels the sales concerned, or rejects it.
pub async fn settle(
    app: &App,
    request: &Request,
    counter: &CounterId,
    note: u32,
    upheld: bool,
    reason: &Reason,
) -> Answer<()> {
    let at = app.now();
    let concerned = match upheld {
        true => concerned(app, counter, note).await?,
        false => BTreeMap::new(),
    };
    let concerned = &concerned;
    execute(app, request, Channel::BackOffice, |work| async move {
        let mut streams: Vec<_> = concerned.values().map(|buyer| stream_of(*buyer)).collect();
        streams.push(StreamKey::of::<Counter>(counter));
        work.lock(&streams).await?;
        let by = role_at(&work, &request.caller, counter).await?;
        let reason = seal(&counter_key(&work, counter).await?, counter, reason);
        let settle = SettleObjection { note, upheld, reason, by, at };
        decide::<Counter>(&work, counter, Command::SettleObjection(settle)).await?;
        for (sale, buyer) in concerned {
            let by = authority(&work, &request.caller, counter).await?;
            match cancel_of(&work, *buyer, CancelSale { sale: *sale, by, at }).await {
                Ok(()) => {}
                // Someone was first: the line is off the note already.
                Err(Unsuccessful::Refused(
                    Problem::Passholder(passholder::Refused::Sale(SaleRefused::AlreadyCancelled))
                    | Problem::OfGroupPass(group_pass::Refused::Sale(
                        SaleRefused::AlreadyCancelled,
                    )),
                )) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    })
    .await
}

/// The sales that an objection is about, with whose they are.
async fn concerned(app: &App, counter: &CounterId, note: u32) -> Answer<BTreeMap<SaleId, Buyer>> {
    let known = app.store.load::<Counter>(counter).await?;
    let Some(Reply::Objected(sales)) = known.state.notes.get(&note).map(|note| &note.reply) else {
        return Ok(BTreeMap::new());
    };
    app.wait_for_head(overview::PROJECTION.name).await?;
    let mut concerned = BTreeMap::new();
    for sale in sales {
        let row = overview::by_id(app.pool(), *sale).await?.ok_or(Problem::SaleNotFound)?;
        concerned.insert(*sale, row.buyer());
    }
    Ok(concerned)
}

/// The system owner, or what the caller is at this counter.
async fn role_at(work: &Work, caller: &Caller, counter: &CounterId) -> Outcome<Role> {
    if caller.kind != Kind::SystemOwner {
        return Ok(authority(work, caller, counter).await?.role);
    }
    if !work.load::<Counter>(counter).await?.exists() {
        return Err(Problem::from(Refused::Unknown))?;
    }
    work.act_as(Role::SystemOwner, Some(counter.clone()));
    Ok(Role::SystemOwner)
}

/// The notes of a counter up to this one, for those who ask which lines it has.
fn closings_up_to(counter: &Counter, note: u32) -> Result<Vec<Closing>, NoteRefused> {
    counter.note(note)?;
    Ok(counter.closings().into_iter().filter(|closing| closing.note <= note).collect())
}

async fn lines_on(
    app: &App,
    counter: &CounterId,
    state: &Counter,
    note: u32,
) -> Answer<Vec<NoteLine>> {
    let closings = closings_up_to(state, note).map_err(Refused::from)?;
    let position = closings.last().map_or(0, |last| last.position);
    app.wait_for(settlement::PROJECTION.name, position).await?;
    Ok(note_lines(app.pool(), counter, &closings).await?)
}

/// The lines of an issued note, made again from its position (R-NOTE-04), per municipality.
pub async fn notes_of(app: &App, counter: &CounterId, note: u32) -> Answer<Vec<Note>> {
    let known = app.store.load::<Counter>(counter).await?;
    Ok(notes(lines_on(app, counter, &known.state, note).await?))
}

/// Who may see the notes of a counter: its admins, its integrations and its KSB (R-NOTE-01).
fn may_see(role: Role) -> bool {
    match role {
        Role::CounterAdmin | Role::Ksb | Role::Client | Role::SystemOwner => true,
        Role::CounterMember | Role::Kiosk | Role::Passholder | Role::System => false,
    }
}

async fn demand_sight(app: &App, caller: &Caller, counter: &CounterId) -> Answer<()> {
    let sees = app.store.preview(|work| async move {
        if audit::audits(&work, caller, counter).await? {
            return Ok(true);
        }
        Ok(may_see(role_at(&work, caller, counter).await?))
    });
    match sees.await? {
        true => Ok(()),
        false => Err(Refused::ReportOnlyForAdmin.into()),
    }
}

/// One note, for whoever may see it.
pub async fn one(app: &App, caller: &Caller, counter: &CounterId, note: u32) -> Answer<IssuedNote> {
    demand_sight(app, caller, counter).await?;
    app.wait_for_head(settlement::PROJECTION.name).await?;
    let found = settlement::by_number(app.pool(), counter, note).await?;
    found.ok_or_else(|| Refused::from(NoteRefused::Unknown).into())
}

/// The notes of these counters, or of all that the caller may see; newest first.
pub async fn list(app: &App, caller: &Caller, asked: &[CounterId]) -> Answer<Vec<IssuedNote>> {
    let mut counters = asked.to_vec();
    for counter in asked {
        demand_sight(app, caller, counter).await?;
    }
    if asked.is_empty() && caller.kind != Kind::SystemOwner {
        let own = app.authorities(caller).await?;
        let has_role = !own.is_empty();
        counters.extend(own.into_iter().filter(|(_, _, by)| may_see(by.role)).map(|(id, ..)| id));
        let audited = audit::audited(app, caller).await?;
        if !has_role && audited.is_empty() {
            return Err(Problem::Forbidden("no role at any counter".to_owned()));
        }
        let audited = view::counters_in(app.pool(), &audited).await?;
        counters.extend(audited.iter().filter_map(|counter| counter.id.parse().ok()));
    }
    app.wait_for_head(settlement::PROJECTION.name).await?;
    let all = asked.is_empty() && caller.kind == Kind::SystemOwner;
    let counters = (!all).then_some(counters);
    let filter = settlement::Filter { counters, ..Default::default() };
    Ok(settlement::issued_notes(app.pool(), &filter).await?)
}

/// What was said about a note: the objection, and the settlement of it.
pub async fn reasons(app: &App, note: &IssuedNote) -> Answer<(Option<String>, Option<String>)> {
    let person = person(&note.counter);
    let Some(wrapped) = app.store.wrapped_key(&person).await? else { return Ok((None, None)) };
    let key = app.store.master_key().person_key(&person, &wrapped).map_err(Failed::new)?;
    let open = |sealed: &Option<String>| -> Answer<Option<String>> {
        let Some(text) = sealed else { return Ok(None) };
        let sealed: Sealed<Reason> =
            serde_json::from_value(text.as_str().into()).map_err(Failed::new)?;
        let reason = sealing::open(&key, &person, REASON, &sealed).map_err(Failed::new)?;
        Ok(Some(reason.to_string()))
    };
    Ok((open(&note.objection_reason)?, open(&note.settlement_reason)?))
}

const REASON: &str = "reason";

/// Under whose name what is said about a counter's notes is sealed.
fn person(counter: &str) -> String {
    format!("counter/{counter}")
}

/// The key of a counter, made when it is first needed.
async fn counter_key(work: &Work, counter: &CounterId) -> Outcome<PersonKey> {
    let person = person(counter.as_str());
    let master = work.store().master_key();
    if let Some(wrapped) = work.wrapped_key(&person).await? {
        return Ok(master.person_key(&person, &wrapped).map_err(Failed::new)?);
    }
    let (key, wrapped) = master.new_person_key(&person);
    work.insert_key(&person, wrapped);
    Ok(key)
}

fn seal(key: &PersonKey, counter: &CounterId, reason: &Reason) -> Sealed<Reason> {
    sealing::seal(key, &person(counter.as_str()), REASON, reason)
}

/// The files of an issued note, in a zip, as they were laid down when it was issued.
pub async fn files_of(app: &App, counter: &CounterId, note: u32) -> Answer<Vec<u8>> {
    if let Some(kept) = app.store.note_files(counter, note).await? {
        return Ok(kept.content);
    }
    let content = files_again(app, counter, note).await?;
    let files = NoteFiles { renderer: RENDERER, content };
    app.store.keep_note_files(counter, note, &files).await?;
    // Somebody else may have been first.
    let kept = app.store.note_files(counter, note).await?;
    Ok(kept.unwrap_or(files).content)
}

/// The same files, made from the log once more: by the same renderer, to the byte (R-NOTE-04).
pub async fn files_again(app: &App, counter: &CounterId, note: u32) -> Answer<Vec<u8>> {
    let issued = issued(app, counter, note).await?;
    let notes = notes_of(app, counter, note).await?;
    let (profile, account) = heading(app, counter, issued.position).await?;
    let document = Document {
        counter: profile,
        account,
        from: issued.from,
        until: issued.until,
        position: issued.position,
        at: issued.at,
        issued: Some(issued),
        notes,
    };
    document.zip().map_err(Problem::Internal)
}

/// The files that a note has now and would not get again, though the same renderer made them: counter
/// and number. `progress` is told how many of how many were looked at.
pub async fn altered_files(
    app: &App,
    progress: impl Fn(usize, usize),
) -> Answer<Vec<(CounterId, u32)>> {
    let notes = settlement::issued_notes(app.pool(), &settlement::Filter::default()).await?;
    let mut altered = Vec::new();
    for (done, note) in notes.iter().enumerate() {
        progress(done, notes.len());
        let counter: CounterId = note.counter.parse().map_err(Failed::new)?;
        let number = note.number.cast_unsigned();
        let Some(kept) = app.store.note_files(&counter, number).await? else { continue };
        if kept.renderer == RENDERER && kept.content != files_again(app, &counter, number).await? {
            altered.push((counter, number));
        }
    }
    Ok(altered)
}

/// A note as it was issued, from the log.
pub async fn issued(app: &App, counter: &CounterId, note: u32) -> Answer<NoteIssued> {
    let found = recorded::<Counter, _>(app, counter, "NoteIssued", |event| match event {
        Event::NoteIssued(issued) if issued.note == note => Some(*issued),
        _ => None,
    });
    found.await?.ok_or_else(|| Refused::from(NoteRefused::Unknown).into())
}

/// What the files say of a counter, as it was at a position.
pub async fn heading(
    app: &App,
    counter: &CounterId,
    position: u64,
) -> Answer<(Profile, Option<Iban>)> {
    let known = app.store.load_as_of::<Counter>(counter, position).await?;
    let profile = known.state.profile.clone().ok_or(Problem::from(Refused::Unknown))?;
    Ok((profile, known.state.iban.clone()))
}

//! For the auditor: what happened to a passholder, group pass, counter, card, note or line, and how
//! it stood as of any position of the log (R-AUD-01).

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use uitpas_domain::calendar::end_of_day;
use uitpas_domain::card::{Card, Holder as Buyer};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::notes::{Closing, Lines, NoteRefused, lines_of};
use uitpas_domain::counter::{self, Counter, Refused};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::{CardSystemId, CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::passholder::{self, Passholder};
use uitpas_domain::root::Root;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::counters;
use uitpas_projections::settlement::{self, IssuedNote, Line};
use uitpas_projections::ticket_sales as overview;
use uitpas_store::{Failed, Raw, Work};

use super::difference::{Change, differences};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// What is looked into.
#[derive(Debug, Clone)]
pub enum Subject {
    Passholder(PassholderId),
    GroupPass(GroupPassId),
    Counter(CounterId),
    Card(CardNumber),
    Note(CounterId, u32),
    /// The lines of a ticket sale.
    Line(SaleId),
}

/// As of when: a position of the log, an instant, or the end of a day in Brussels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    Position(u64),
    Instant(DateTime<Utc>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position, an instant (2026-03-31T12:00:00+02:00) or a day (2026-03-31)")]
pub struct InvalidAsOf;

impl FromStr for AsOf {
    type Err = InvalidAsOf;

    fn from_str(text: &str) -> Result<Self, InvalidAsOf> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(at.to_utc()));
        }
        let day: NaiveDate = text.parse().map_err(|_| InvalidAsOf)?;
        Ok(Self::Instant(end_of_day(day)))
    }
}

/// The history of something, and how it stood after it.
pub struct Trail {
    /// Up to here the log was looked at.
    pub position: u64,
    pub steps: Vec<Step>,
    /// As the rules know it; what is personal in it is sealed.
    pub state: Value,
}

/// An event of a history.
pub struct Step {
    /// Who did it, and when it was known.
    pub entry: Raw,
    /// When it happened.
    pub at: Option<DateTime<Utc>>,
    /// What it made different in the state that its stream, the note or the line had before.
    pub changes: Vec<Change>,
}

/// What lies between two positions.
pub struct Between {
    pub from: u64,
    /// What happened after the first position, and how it stands at the second.
    pub trail: Trail,
    /// What the state at the second has otherwise than that at the first.
    pub changes: Vec<Change>,
}

/// The last position that counts.
pub async fn position(app: &App, as_of: Option<AsOf>) -> Answer<u64> {
    let head = app.store.head().await?.position;
    Ok(match as_of {
        None => head,
        Some(AsOf::Position(position)) => position.min(head),
        Some(AsOf::Instant(at)) => app.store.position_at(at).await?,
    })
}

/// What happened to the subject up to a position, and how it stood then.
pub async fn trail(app: &App, subject: &Subject, position: u64) -> Answer<Trail> {
    let (steps, state) = found(app, subject, position).await?;
    if let (Subject::Note(..), Value::Null) = (subject, &state) {
        return Err(Refused::from(NoteRefused::Unknown).into());
    }
    Ok(Trail { position, steps, state })
}

/// What happened to the subject after one position, up to another, and what that made different.
pub async fn between(app: &App, subject: &Subject, from: u64, to: u64) -> Answer<Between> {
    if from > to {
        let why = format!("position {from} comes after position {to}");
        return Err(Problem::Query("from".to_owned(), why));
    }
    let mut trail = trail(app, subject, to).await?;
    let (_, before) = found(app, subject, from).await?;
    let changes = differences(&before, &trail.state);
    trail.steps.retain(|step| step.entry.position > from);
    Ok(Between { from, trail, changes })
}

async fn found(app: &App, subject: &Subject, position: u64) -> Answer<Found> {
    match subject {
        Subject::Passholder(id) => passholder(app, *id, position).await,
        Subject::GroupPass(id) => group_pass(app, *id, position).await,
        Subject::Counter(id) => steps::<Counter>(app, id, position, as_value).await,
        Subject::Card(number) => steps::<Card>(app, number, position, as_value).await,
        Subject::Note(counter, number) => note(app, counter, *number, position).await,
        Subject::Line(sale) => line(app, *sale, position).await,
    }
}

/// The entries of a stream with what each made different, and how it stood after them.
async fn steps<A: Root>(
    app: &App,
    id: &A::Id,
    position: u64,
    view: impl Fn(&A) -> Answer<Value>,
) -> Answer<Found> {
    let mut state = view(&A::default())?;
    let mut steps = Vec::new();
    for (entry, after) in app.store.states::<A>(id, position).await? {
        let after = view(&after)?;
        let changes = differences(&state, &after);
        steps.push(Step { at: happened(&entry)?, entry, changes });
        state = after;
    }
    Ok((steps, state))
}

/// When an event happened: every one says so, in the same place.
fn happened(entry: &Raw) -> Answer<Option<DateTime<Utc>>> {
    let payload: BTreeMap<String, Value> =
        serde_json::from_str(&entry.payload).map_err(unreadable)?;
    let at = payload.values().next().and_then(|event| event.get("at")).cloned();
    Ok(at.map(serde_json::from_value).transpose().map_err(unreadable)?)
}

fn as_value(state: &impl Serialize) -> Answer<Value> {
    Ok(serde_json::to_value(state).map_err(Failed::new)?)
}

type Found = (Vec<Step>, Value);

/// The passholder's own stream and those of all cards he ever had.
async fn passholder(app: &App, id: PassholderId, position: u64) -> Answer<Found> {
    let (mut steps, state) = self::steps::<Passholder>(app, &id, position, as_value).await?;
    let mut cards = BTreeSet::new();
    for step in &steps {
        match read_passholder(&step.entry)? {
            passholder::Event::Registered(registered) => cards.insert(registered.card),
            passholder::Event::CardGiven { card, .. } => cards.insert(card),
            passholder::Event::WelcomeRewardGranted { .. }
            | passholder::Event::DetailsChanged { .. }
            | passholder::Event::PreferencesSet { .. }
            | passholder::Event::UitidLinked { .. }
            | passholder::Event::CardBlocked { .. }
            | passholder::Event::CardCharged { .. }
            | passholder::Event::MembershipSuperseded { .. }
            | passholder::Event::SocialStatusGranted { .. }
            | passholder::Event::SocialStatusExtended { .. }
            | passholder::Event::SocialStatusRenewed { .. }
            | passholder::Event::RenewalWithheld { .. }
            | passholder::Event::SocialStatusSuspended { .. }
            | passholder::Event::SuspensionLifted { .. }
            | passholder::Event::SocialStatusEnded { .. }
            | passholder::Event::MembershipBlocked { .. }
            | passholder::Event::AssociationJoined { .. }
            | passholder::Event::AssociationLeft { .. }
            | passholder::Event::CheckedIn(_)
            | passholder::Event::CheckInCorrected { .. }
            | passholder::Event::TicketSold(_)
            | passholder::Event::CouponUsed(_)
            | passholder::Event::TicketSaleCancelled { .. }
            | passholder::Event::RewardRedeemed(_)
            | passholder::Event::RedemptionCancelled { .. }
            | passholder::Event::FamilyMemberAdded { .. }
            | passholder::Event::FamilyIconChanged { .. }
            | passholder::Event::FamilyMemberRemoved { .. }
            | passholder::Event::PrivateNoteSet { .. }
            | passholder::Event::PictureSet { .. }
            | passholder::Event::PictureRemoved { .. }
            | passholder::Event::Removed { .. } => false,
        };
    }
    for card in cards {
        steps.extend(self::steps::<Card>(app, &card, position, as_value).await?.0);
    }
    steps.sort_by_key(|step| step.entry.position);
    Ok((steps, state))
}

/// Its own stream and that of its card.
async fn group_pass(app: &App, id: GroupPassId, position: u64) -> Answer<Found> {
    let (mut steps, state) = self::steps::<GroupPass>(app, &id, position, as_value).await?;
    let made = app.store.load_as_of::<GroupPass>(&id, position).await?;
    if let Ok(pass) = made.state.known() {
        steps.extend(self::steps::<Card>(app, &pass.card, position, as_value).await?.0);
    }
    steps.sort_by_key(|step| step.entry.position);
    Ok((steps, state))
}

fn read_passholder(entry: &Raw) -> Answer<passholder::Event> {
    Ok(serde_json::from_str(&entry.payload).map_err(unreadable)?)
}

/// The message of serde may quote the payload; where and of what kind is enough.
fn unreadable(error: serde_json::Error) -> Failed {
    Failed::new(format!("unreadable: {:?} at column {}", error.classify(), error.column()))
}

/// The state is null while the note is not issued.
async fn note(app: &App, counter: &CounterId, number: u32, position: u64) -> Answer<Found> {
    let view = |counter: &Counter| as_value(&counter.note(number).ok());
    let (all, state) = steps::<Counter>(app, counter, position, view).await?;
    let mut own = Vec::new();
    for step in all {
        let event: counter::Event =
            serde_json::from_str(&step.entry.payload).map_err(unreadable)?;
        let is_own = match event {
            counter::Event::NoteIssued(issued) => issued.note == number,
            counter::Event::NoteApproved { note, .. }
            | counter::Event::NoteObjected { note, .. }
            | counter::Event::ObjectionSettled { note, .. } => note == number,
            counter::Event::Created { .. }
            | counter::Event::TermsSet { .. }
            | counter::Event::IbanSet { .. }
            | counter::Event::StaffAdded { .. }
            | counter::Event::StaffRemoved { .. }
            | counter::Event::StepCompleted { .. }
            | counter::Event::StepReopened { .. }
            | counter::Event::ReportRequested { .. } => false,
        };
        if is_own {
            own.push(step);
        }
    }
    Ok((own, state))
}

/// The sale, its point, its cancellation, and the notes that its lines are on.
async fn line(app: &App, sale: SaleId, position: u64) -> Answer<Found> {
    app.wait_for_head(overview::PROJECTION.name).await?;
    let row = overview::by_id(app.pool(), sale).await?.ok_or(Problem::SaleNotFound)?;
    let passholder = match row.buyer() {
        Buyer::Passholder(id) => id,
        Buyer::GroupPass(id) => return line_of_group(app, id, sale, position).await,
    };
    let mut entries = Vec::new();
    let mut check_in = None;
    for entry in app.store.history::<Passholder>(&passholder, position).await? {
        let is_own = match read_passholder(&entry)? {
            passholder::Event::TicketSold(sold) => sold.sale == sale,
            passholder::Event::CouponUsed(used) => used.sale == sale,
            passholder::Event::TicketSaleCancelled { sale: of, .. } => of == sale,
            passholder::Event::CheckedIn(given) if given.sale == Some(sale) => {
                check_in = Some(given.check_in);
                true
            }
            passholder::Event::CheckInCorrected { check_in: of, .. } => check_in == Some(of),
            passholder::Event::Registered(_)
            | passholder::Event::WelcomeRewardGranted { .. }
            | passholder::Event::DetailsChanged { .. }
            | passholder::Event::PreferencesSet { .. }
            | passholder::Event::UitidLinked { .. }
            | passholder::Event::CardBlocked { .. }
            | passholder::Event::CardGiven { .. }
            | passholder::Event::CardCharged { .. }
            | passholder::Event::MembershipSuperseded { .. }
            | passholder::Event::SocialStatusGranted { .. }
            | passholder::Event::SocialStatusExtended { .. }
            | passholder::Event::SocialStatusRenewed { .. }
            | passholder::Event::RenewalWithheld { .. }
            | passholder::Event::SocialStatusSuspended { .. }
            | passholder::Event::SuspensionLifted { .. }
            | passholder::Event::SocialStatusEnded { .. }
            | passholder::Event::MembershipBlocked { .. }
            | passholder::Event::AssociationJoined { .. }
            | passholder::Event::AssociationLeft { .. }
            | passholder::Event::CheckedIn(_)
            | passholder::Event::RewardRedeemed(_)
            | passholder::Event::RedemptionCancelled { .. }
            | passholder::Event::FamilyMemberAdded { .. }
            | passholder::Event::FamilyIconChanged { .. }
            | passholder::Event::FamilyMemberRemoved { .. }
            | passholder::Event::PrivateNoteSet { .. }
            | passholder::Event::PictureSet { .. }
            | passholder::Event::PictureRemoved { .. }
            | passholder::Event::Removed { .. } => false,
        };
        if is_own {
            entries.push(entry);
        }
    }
    with_notes(app, entries, sale, position).await
}

async fn line_of_group(app: &App, id: GroupPassId, sale: SaleId, position: u64) -> Answer<Found> {
    let mut entries = Vec::new();
    for entry in app.store.history::<GroupPass>(&id, position).await? {
        let event: group_pass::Event = serde_json::from_str(&entry.payload).map_err(unreadable)?;
        let is_own = match event {
            group_pass::Event::TicketSold(sold) => sold.sale == sale,
            group_pass::Event::CouponUsed(used) => used.sale == sale,
            group_pass::Event::TicketSaleCancelled { sale: of, .. } => of == sale,
            group_pass::Event::Made { .. }
            | group_pass::Event::Changed { .. }
            | group_pass::Event::Blocked { .. } => false,
        };
        if is_own {
            entries.push(entry);
        }
    }
    with_notes(app, entries, sale, position).await
}

/// The events of a sale, and those of the notes that its lines are on.
async fn with_notes(
    app: &App,
    mut entries: Vec<Raw>,
    sale: SaleId,
    position: u64,
) -> Answer<Found> {
    let Some(placed) = Placed::of(app, sale).await? else { return Ok((vec![], Value::Null)) };
    for note in placed.at(position).map(notes_of).unwrap_or_default() {
        let (steps, _) = self::note(app, &placed.counter, note, position).await?;
        entries.extend(steps.into_iter().map(|step| step.entry));
    }
    entries.sort_by_key(|entry| entry.position);
    let state = |position| match placed.at(position) {
        None => Value::Null,
        Some(lines) => serde_json::json!({ "lines": describe(lines) }),
    };
    let step = |entry: Raw| {
        let (before, after) = (state(entry.position - 1), state(entry.position));
        Ok(Step { at: happened(&entry)?, entry, changes: differences(&before, &after) })
    };
    let steps = entries.into_iter().map(step).collect::<Answer<_>>()?;
    Ok((steps, state(position)))
}

/// A sale and the notes of its counter, for those who ask where its lines stood.
pub struct Placed {
    pub counter: CounterId,
    pub row: Line,
    pub issued: Vec<IssuedNote>,
}

impl Placed {
    /// Absent where there is no such sale.
    pub async fn of(app: &App, sale: SaleId) -> Answer<Option<Self>> {
        app.wait_for_head(settlement::PROJECTION.name).await?;
        let Some(row) = settlement::line(app.pool(), sale).await? else { return Ok(None) };
        let counter: CounterId = row.counter.parse().map_err(|_| Problem::SaleNotFound)?;
        let issued = settlement::of_counter(app.pool(), &counter).await?;
        Ok(Some(Self { counter, row, issued }))
    }

    /// The notes that were issued up to a position.
    pub fn closings(&self, position: u64) -> Vec<Closing> {
        let issued = self.issued.iter();
        let issued = issued.filter(|note| note.issued_position.cast_unsigned() <= position);
        issued.map(IssuedNote::closing).collect()
    }

    /// Where its lines stood at a position; absent where it was not sold by then.
    pub fn at(&self, position: u64) -> Option<Lines> {
        let sold = self.row.sold();
        let cancelled = self.row.cancelled(position);
        (sold.position <= position).then(|| lines_of(&self.closings(position), sold, cancelled))
    }
}

fn notes_of(lines: Lines) -> Vec<u32> {
    match lines {
        Lines::None => vec![],
        Lines::Sale(note) => note.into_iter().collect(),
        Lines::Corrected { note, by } => [Some(note), by].into_iter().flatten().collect(),
    }
}

/// Where the lines of a sale stand, in a few words each.
pub fn describe(lines: Lines) -> Vec<String> {
    let on = |note: Option<u32>| match note {
        Some(note) => format!("note {note}"),
        None => "no note yet".to_owned(),
    };
    match lines {
        Lines::None => vec!["no line: cancelled before it was issued".to_owned()],
        Lines::Sale(note) => vec![format!("line of the sale: on {}", on(note))],
        Lines::Corrected { note, by } => vec![
            format!("line of the sale: on note {note}"),
            format!("negative line that corrects note {note}: on {}", on(by)),
        ],
    }
}

/// Who may look into it: the system owner, and the KSB and the auditors of a card system that it
/// belongs to.
pub async fn demand_auditor(app: &App, caller: &Caller, subject: &Subject) -> Answer<()> {
    if caller.kind == Kind::SystemOwner {
        return Ok(());
    }
    let counter = match subject {
        Subject::Passholder(id) => {
            let known = app.store.load::<Passholder>(id).await?;
            let systems = known.state.holder()?.memberships.keys().copied().collect();
            return demand_reader(app, caller, systems).await;
        }
        Subject::GroupPass(id) => {
            let pass = app.store.load::<GroupPass>(id).await?;
            return demand_reader(app, caller, vec![pass.state.known()?.card_system]).await;
        }
        Subject::Card(number) => {
            let card = app.store.load::<Card>(number).await?;
            let system = card.state.card_system.ok_or(Problem::PassNotFound)?;
            return demand_reader(app, caller, vec![system]).await;
        }
        Subject::Counter(counter) | Subject::Note(counter, _) => counter.clone(),
        Subject::Line(sale) => {
            app.wait_for_head(overview::PROJECTION.name).await?;
            let row = overview::by_id(app.pool(), *sale).await?.ok_or(Problem::SaleNotFound)?;
            row.counter.parse().map_err(|_| Problem::SaleNotFound)?
        }
    };
    let known = app.store.load::<Counter>(&counter).await?;
    if !known.exists() {
        return Err(Refused::Unknown.into());
    }
    demand_reader(app, caller, known.state.card_systems()).await
}

async fn demand_reader(app: &App, caller: &Caller, systems: Vec<CardSystemId>) -> Answer<()> {
    for system in systems {
        let known = app.store.load::<CardSystem>(&system).await?;
        let is_ksb = caller.kind == Kind::User && known.state.ksb_admins.contains(&caller.subject);
        if is_ksb || is_auditor(caller, &known.state) {
            return Ok(());
        }
    }
    Err(Problem::Forbidden("neither KSB admin nor auditor of its card system".to_owned()))
}

/// Whether the caller reads everything of this card system, and writes nothing.
fn is_auditor(caller: &Caller, system: &CardSystem) -> bool {
    caller.kind == Kind::User && system.auditors.contains(&caller.subject)
}

/// Whether the caller is an auditor of one of a counter's card systems.
pub async fn audits(work: &Work, caller: &Caller, counter: &CounterId) -> Result<bool, Failed> {
    for system in work.load::<Counter>(counter).await?.state.card_systems() {
        if is_auditor(caller, &work.load::<CardSystem>(&system).await?.state) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The card systems of which the caller is an auditor.
pub async fn audited(app: &App, caller: &Caller) -> Answer<Vec<CardSystemId>> {
    app.caught_up(caller, counters::PROJECTION.name).await?;
    let mut audited = Vec::new();
    for row in counters::card_systems(app.pool(), None).await? {
        let id = counters::card_system_id(row.id);
        if is_auditor(caller, &app.store.load::<CardSystem>(&id).await?.state) {
            audited.push(id);
        }
    }
    Ok(audited)
}

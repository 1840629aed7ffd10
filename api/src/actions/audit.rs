//! For the auditor: what happened to a passholder, group pass, counter, card, note or line, and how
//! it stood as of any position of the log (R-AUD-01).

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use uitpas_domain::calendar::end_of_day;
use uitpas_domain::card::{Card, Holder as Buyer};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::notes::{Lines, NoteRefused, lines_of};
use uitpas_domain::counter::{self, Counter, Refused};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::ids::{CardSystemId, CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::metadata::Role;
use uitpas_domain::passholder::{self, Passholder};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::settlement;
use uitpas_projections::settlement::IssuedNote;
use uitpas_projections::ticket_sales as overview;
use uitpas_store::{Failed, Raw, Work};

use super::{Outcome, authority, demand_ksb};
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
    pub entries: Vec<Raw>,
    /// As the rules know it; what is personal in it is sealed.
    pub state: Value,
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
    let (entries, state) = match subject {
        Subject::Passholder(id) => passholder(app, *id, position).await?,
        Subject::GroupPass(id) => group_pass(app, *id, position).await?,
        Subject::Counter(id) => {
            let state = app.store.load_as_of::<Counter>(id, position).await?;
            (app.store.history::<Counter>(id, position).await?, as_value(&state.state)?)
        }
        Subject::Card(number) => {
            let state = app.store.load_as_of::<Card>(number, position).await?;
            (app.store.history::<Card>(number, position).await?, as_value(&state.state)?)
        }
        Subject::Note(counter, number) => note(app, counter, *number, position).await?,
        Subject::Line(sale) => line(app, *sale, position).await?,
    };
    Ok(Trail { position, entries, state })
}

fn as_value(state: &impl Serialize) -> Answer<Value> {
    Ok(serde_json::to_value(state).map_err(Failed::new)?)
}

type Found = (Vec<Raw>, Value);

/// The passholder's own stream and those of all cards he ever had.
async fn passholder(app: &App, id: PassholderId, position: u64) -> Answer<Found> {
    let mut entries = app.store.history::<Passholder>(&id, position).await?;
    let mut cards = BTreeSet::new();
    for entry in &entries {
        match read_passholder(entry)? {
            passholder::Event::Registered(registered) => cards.insert(registered.card),
            passholder::Event::CardGiven { card, .. } => cards.insert(card),
            passholder::Event::WelcomeRewardGranted { .. }
            | passholder::Event::DetailsChanged { .. }
            | passholder::Event::PreferencesSet { .. }
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
            | passholder::Event::CheckedIn(_)
            | passholder::Event::CheckInCorrected { .. }
            | passholder::Event::TicketSold(_)
            | passholder::Event::CouponUsed(_)
            | passholder::Event::TicketSaleCancelled { .. }
            | passholder::Event::RewardRedeemed(_)
            | passholder::Event::RedemptionCancelled { .. }
            | passholder::Event::Removed { .. } => false,
        };
    }
    for card in cards {
        entries.extend(app.store.history::<Card>(&card, position).await?);
    }
    entries.sort_by_key(|entry| entry.position);
    let state = app.store.load_as_of::<Passholder>(&id, position).await?;
    Ok((entries, as_value(&state.state)?))
}

/// Its own stream and that of its card.
async fn group_pass(app: &App, id: GroupPassId, position: u64) -> Answer<Found> {
    let state = app.store.load_as_of::<GroupPass>(&id, position).await?;
    let mut entries = app.store.history::<GroupPass>(&id, position).await?;
    entries.extend(app.store.history::<Card>(&state.state.known()?.card, position).await?);
    entries.sort_by_key(|entry| entry.position);
    Ok((entries, as_value(&state.state)?))
}

fn read_passholder(entry: &Raw) -> Answer<passholder::Event> {
    Ok(serde_json::from_str(&entry.payload).map_err(unreadable)?)
}

/// The message of serde may quote the payload; where and of what kind is enough.
fn unreadable(error: serde_json::Error) -> Failed {
    Failed::new(format!("unreadable: {:?} at column {}", error.classify(), error.column()))
}

async fn note(app: &App, counter: &CounterId, number: u32, position: u64) -> Answer<Found> {
    let mut entries = Vec::new();
    for entry in app.store.history::<Counter>(counter, position).await? {
        let event: counter::Event = serde_json::from_str(&entry.payload).map_err(unreadable)?;
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
            | counter::Event::ReportRequested { .. } => false,
        };
        if is_own {
            entries.push(entry);
        }
    }
    let state = app.store.load_as_of::<Counter>(counter, position).await?;
    let note = state.state.note(number).map_err(Refused::from)?;
    Ok((entries, as_value(note)?))
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
            | passholder::Event::CheckedIn(_)
            | passholder::Event::RewardRedeemed(_)
            | passholder::Event::RedemptionCancelled { .. }
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
    let placed = place(app, sale, position).await?;
    if let Some((counter, lines)) = &placed {
        for note in notes_of(*lines) {
            entries.extend(self::note(app, counter, note, position).await?.0);
        }
    }
    entries.sort_by_key(|entry| entry.position);
    let state = match placed {
        None => Value::Null,
        Some((_, lines)) => serde_json::json!({ "lines": describe(lines) }),
    };
    Ok((entries, state))
}

/// The counter of a sale and where its lines stood; absent where it was not sold by then.
pub async fn place(app: &App, sale: SaleId, position: u64) -> Answer<Option<(CounterId, Lines)>> {
    app.wait_for_head(settlement::PROJECTION.name).await?;
    let Some(row) = settlement::line(app.pool(), sale).await? else { return Ok(None) };
    if row.sold().position > position {
        return Ok(None);
    }
    let counter: CounterId = row.counter.parse().map_err(|_| Problem::SaleNotFound)?;
    let issued = settlement::of_counter(app.pool(), &counter).await?;
    let issued = issued.iter().filter(|note| note.issued_position.cast_unsigned() <= position);
    let closings: Vec<_> = issued.map(IssuedNote::closing).collect();
    Ok(Some((counter, lines_of(&closings, row.sold(), row.cancelled(position)))))
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

/// Who may look into it: the system owner, and the KSB of a card system that it belongs to.
pub async fn demand_auditor(app: &App, caller: &Caller, subject: &Subject) -> Answer<()> {
    if caller.kind == Kind::SystemOwner {
        return Ok(());
    }
    let counter = match subject {
        Subject::Passholder(id) => return of_passholder(app, caller, *id).await,
        Subject::GroupPass(id) => {
            let pass = app.store.load::<GroupPass>(id).await?;
            return of_systems(app, caller, vec![pass.state.known()?.card_system]).await;
        }
        Subject::Card(number) => {
            let card = app.store.load::<Card>(number).await?;
            let system = card.state.card_system.ok_or(Problem::PassNotFound)?;
            return of_systems(app, caller, vec![system]).await;
        }
        Subject::Counter(counter) | Subject::Note(counter, _) => counter.clone(),
        Subject::Line(sale) => {
            app.wait_for_head(overview::PROJECTION.name).await?;
            let row = overview::by_id(app.pool(), *sale).await?.ok_or(Problem::SaleNotFound)?;
            row.counter.parse().map_err(|_| Problem::SaleNotFound)?
        }
    };
    let counter = &counter;
    let role = app.store.preview(|work: Work| async move {
        let role: Outcome<Role> = Ok(authority(&work, caller, counter).await?.role);
        role
    });
    match role.await? {
        Role::Ksb => Ok(()),
        Role::CounterMember
        | Role::CounterAdmin
        | Role::Client
        | Role::Kiosk
        | Role::Passholder
        | Role::SystemOwner
        | Role::System => Err(Refused::from(NoteRefused::OnlyKsb).into()),
    }
}

async fn of_passholder(app: &App, caller: &Caller, id: PassholderId) -> Answer<()> {
    let known = app.store.load::<Passholder>(&id).await?;
    let systems = known.state.holder()?.memberships.keys().copied().collect();
    of_systems(app, caller, systems).await
}

async fn of_systems(app: &App, caller: &Caller, systems: Vec<CardSystemId>) -> Answer<()> {
    let mut refused = Problem::Forbidden("no KSB admin of its card system".to_owned());
    for system in systems {
        let asked = app.store.preview(|work: Work| async move {
            work.load::<CardSystem>(&system).await?;
            demand_ksb(&work, caller, system).await
        });
        match asked.await {
            Ok(()) => return Ok(()),
            Err(why) => refused = why.into(),
        }
    }
    Err(refused)
}

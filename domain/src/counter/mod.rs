//! A counter: an organizer and its staff, what it may do in which card system, and on what terms.
//! Source: KSB manual, "Balies"; counter manual, "Wie mag wat".
//!
//! - expense notes: [`notes`]
//! - taking up a new organizer: [`onboarding`]

pub mod notes;
pub mod onboarding;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::day_in_belgium;
use crate::ids::{CardSystemId, CounterId, DistributionKeyId, SaleId, SubjectId};
use crate::limit::Limit;
use crate::metadata::Role;
use crate::passholder::Reason;
use crate::permission::{HeldBy, Permission};
use crate::sealed::Sealed;
use crate::values::iban::Iban;
use crate::values::place::{Address, Municipality};
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    Create {
        profile: Profile,
        at: DateTime<Utc>,
    },
    /// By a KSB admin of that card system (R-CTR-03).
    SetTerms {
        card_system: CardSystemId,
        terms: Terms,
        at: DateTime<Utc>,
    },
    SetIban {
        iban: Iban,
        at: DateTime<Utc>,
    },
    AddStaff(AddStaff),
    RemoveStaff {
        subject: SubjectId,
        by: Role,
        at: DateTime<Utc>,
    },
    CompleteStep {
        step: onboarding::Step,
        at: DateTime<Utc>,
    },
    ReopenStep {
        step: onboarding::Step,
        at: DateTime<Utc>,
    },
    RequestReport(RequestReport),
    IssueNote(Box<notes::IssueNote>),
    ApproveNote {
        note: u32,
        by: Role,
        at: DateTime<Utc>,
    },
    ObjectToNote(notes::ObjectToNote),
    SettleObjection(notes::SettleObjection),
}

#[derive(Debug, Clone)]
pub struct AddStaff {
    /// Absent: no UiTID with that e-mail address has ever logged in (R-CTR-02).
    pub subject: Option<SubjectId>,
    pub kind: StaffKind,
    pub by: Role,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct RequestReport {
    /// Both ends inclusive, Brussels days of the registration of the sales.
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The last position of the log that the report looks at (R-NOTE-04).
    pub position: u64,
    pub by: Role,
    pub at: DateTime<Utc>,
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Created {
        profile: Profile,
        at: DateTime<Utc>,
    },
    TermsSet {
        card_system: CardSystemId,
        terms: Terms,
        at: DateTime<Utc>,
    },
    IbanSet {
        iban: Iban,
        at: DateTime<Utc>,
    },
    StaffAdded {
        subject: SubjectId,
        kind: StaffKind,
        at: DateTime<Utc>,
    },
    StaffRemoved {
        subject: SubjectId,
        at: DateTime<Utc>,
    },
    StepCompleted {
        step: onboarding::Step,
        at: DateTime<Utc>,
    },
    StepReopened {
        step: onboarding::Step,
        at: DateTime<Utc>,
    },
    ReportRequested {
        report: u32,
        from: NaiveDate,
        until: NaiveDate,
        position: u64,
        at: DateTime<Utc>,
    },
    NoteIssued(Box<notes::NoteIssued>),
    NoteApproved {
        note: u32,
        at: DateTime<Utc>,
    },
    NoteObjected {
        note: u32,
        /// Sealed under the key of the counter.
        reason: Sealed<Reason>,
        sales: BTreeSet<SaleId>,
        at: DateTime<Utc>,
    },
    ObjectionSettled {
        note: u32,
        upheld: bool,
        reason: Sealed<Reason>,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this counter is not known")]
    Unknown,
    #[error("this counter exists already")]
    AlreadyExists,
    #[error("a counter works for at least one card system")]
    NoCardSystem,
    #[error("this counter does not work for that card system")]
    ForeignCardSystem,
    #[error("no one with that e-mail address has logged in yet")]
    UnknownUitid,
    #[error("only a KSB admin adds and removes counter admins")]
    OnlyKsb,
    #[error("only a counter admin adds and removes members")]
    OnlyAdmin,
    #[error("this person is not on the staff of this counter")]
    NotOnStaff,
    #[error("only a counter admin or the KSB asks for an expense note")]
    ReportOnlyForAdmin,
    #[error("the period ends before it begins")]
    ReversedPeriod,
    #[error("the period has not begun yet")]
    PeriodNotBegun,
    #[error(transparent)]
    Note(#[from] notes::NoteRefused),
}

/// What a counter is called and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub name: Text<200>,
    pub address: Address,
    pub card_systems: BTreeSet<CardSystemId>,
}

/// On what terms a counter works for a card system (R-CTR-01, -03).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub groups: BTreeSet<PermissionGroup>,
    /// The right "passholders of other municipalities".
    pub other_municipalities: bool,
    /// Its own distribution keys; empty: the card system's default ones (R-TAR-06).
    pub keys: BTreeSet<DistributionKeyId>,
    /// How many tickets a person may buy over all activities of this counter (R-TAR-05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_limit: Option<Limit>,
}

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PermissionGroup {
    CheckInAndTicket,
    UnauthorisedRegistration,
    AuthorisedRegistration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StaffKind {
    Member,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub position: u64,
    pub requested_at: DateTime<Utc>,
}

/// The counter as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// Absent until it is created.
    pub profile: Option<Profile>,
    pub terms: BTreeMap<CardSystemId, Terms>,
    pub iban: Option<Iban>,
    pub staff: BTreeMap<SubjectId, StaffKind>,
    /// Those that no other setting shows (R-CTR-07).
    pub steps: BTreeSet<onboarding::Step>,
    /// By number, from 1.
    pub reports: BTreeMap<u32, Report>,
    /// By number, from 1, in the order of issue.
    pub notes: BTreeMap<u32, notes::ExpenseNote>,
    pub overpaid: Vec<notes::Overpaid>,
}

aggregate!(Counter, "counter", CounterId, Command, Event, Refused);

impl Counter {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        if let Command::Create { profile, at } = command {
            return match self.profile {
                Some(_) => Err(Refused::AlreadyExists),
                None if profile.card_systems.is_empty() => Err(Refused::NoCardSystem),
                None => Ok(vec![Event::Created { profile, at }]),
            };
        }
        let profile = self.profile.as_ref().ok_or(Refused::Unknown)?;
        match command {
            Command::Create { .. } => Err(Refused::AlreadyExists),
            Command::SetTerms { card_system, terms, at } => {
                if !profile.card_systems.contains(&card_system) {
                    return Err(Refused::ForeignCardSystem);
                }
                let news = self.terms.get(&card_system) != Some(&terms);
                Ok(if news { vec![Event::TermsSet { card_system, terms, at }] } else { vec![] })
            }
            Command::SetIban { iban, at } => {
                let news = self.iban.as_ref() != Some(&iban);
                Ok(if news { vec![Event::IbanSet { iban, at }] } else { vec![] })
            }
            Command::AddStaff(AddStaff { subject, kind, by, at }) => {
                may_change_staff(by, kind)?;
                let subject = subject.ok_or(Refused::UnknownUitid)?;
                let known = self.staff.get(&subject).copied();
                if known == Some(StaffKind::Admin) {
                    may_change_staff(by, StaffKind::Admin)?;
                }
                let news = known != Some(kind);
                Ok(if news { vec![Event::StaffAdded { subject, kind, at }] } else { vec![] })
            }
            Command::RemoveStaff { subject, by, at } => {
                let kind = *self.staff.get(&subject).ok_or(Refused::NotOnStaff)?;
                may_change_staff(by, kind)?;
                Ok(vec![Event::StaffRemoved { subject, at }])
            }
            Command::CompleteStep { step, at } => Ok(self.complete_step(step, at)),
            Command::ReopenStep { step, at } => Ok(self.reopen_step(step, at)),
            Command::RequestReport(request) => self.request_report(request),
            Command::IssueNote(issue) => self.issue_note(*issue),
            Command::ApproveNote { note, by, at } => self.approve_note(note, by, at),
            Command::ObjectToNote(object) => self.object_to_note(object),
            Command::SettleObjection(settle) => self.settle_objection(settle),
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Created { profile, .. } => self.profile = Some(profile),
            Event::TermsSet { card_system, terms, .. } => {
                self.terms.insert(card_system, terms);
            }
            Event::IbanSet { iban, .. } => self.iban = Some(iban),
            Event::StaffAdded { subject, kind, .. } => {
                self.staff.insert(subject, kind);
            }
            Event::StaffRemoved { subject, .. } => {
                self.staff.remove(&subject);
            }
            Event::StepCompleted { step, .. } => {
                self.steps.insert(step);
            }
            Event::StepReopened { step, .. } => {
                self.steps.remove(&step);
            }
            Event::ReportRequested { report, from, until, position, at } => {
                self.reports.insert(report, Report { from, until, position, requested_at: at });
            }
            Event::NoteIssued(issued) => self.on_note_issued(*issued),
            Event::NoteApproved { note, .. } => self.on_reply(note, notes::Reply::Approved),
            Event::NoteObjected { note, sales, .. } => {
                self.on_reply(note, notes::Reply::Objected(sales));
            }
            Event::ObjectionSettled { note, .. } => self.on_reply(note, notes::Reply::Settled),
        }
    }

    /// R-NOTE-01: over any period that has begun; it closes nothing.
    fn request_report(&self, request: RequestReport) -> Result<Vec<Event>, Refused> {
        let RequestReport { from, until, position, by, at } = request;
        if !matches!(by, Role::CounterAdmin | Role::Ksb | Role::Client) {
            return Err(Refused::ReportOnlyForAdmin);
        }
        if until < from {
            return Err(Refused::ReversedPeriod);
        }
        if from > day_in_belgium(at) {
            return Err(Refused::PeriodNotBegun);
        }
        let report = self.reports.keys().next_back().map_or(1, |last| last + 1);
        Ok(vec![Event::ReportRequested { report, from, until, position, at }])
    }

    /// The card systems it works for.
    pub fn card_systems(&self) -> Vec<CardSystemId> {
        self.profile.iter().flat_map(|profile| profile.card_systems.iter().copied()).collect()
    }

    /// Where it stands, for passholders without a Belgian address (R-TAR-04).
    pub fn municipality(&self) -> Option<Municipality> {
        self.profile.as_ref().and_then(|profile| profile.address.municipality())
    }

    /// What someone may do at this counter; absent for a person without a role there (R-CTR-05).
    /// `ksb_of` are the card systems that this person administers (R-KSB-06).
    pub fn authority(
        &self,
        counter: &CounterId,
        subject: &SubjectId,
        ksb_of: &BTreeSet<CardSystemId>,
    ) -> Option<Authority> {
        let profile = self.profile.as_ref()?;
        let ksb_here: BTreeSet<_> = profile.card_systems.intersection(ksb_of).copied().collect();
        let role = match self.staff.get(subject) {
            _ if !ksb_here.is_empty() => Role::Ksb,
            Some(StaffKind::Admin) => Role::CounterAdmin,
            Some(StaffKind::Member) => Role::CounterMember,
            None => return None,
        };
        let of_staff =
            if self.staff.contains_key(subject) { self.terms.clone() } else { BTreeMap::new() };
        Some(Authority { role, counter: counter.clone(), terms: of_staff, ksb_of: ksb_here })
    }
}

/// Only a KSB admin adds and removes counter admins; an admin, or a client with that permission, the
/// members (R-CTR-02).
fn may_change_staff(by: Role, kind: StaffKind) -> Result<(), Refused> {
    match (by, kind) {
        (Role::Ksb | Role::SystemOwner, _)
        | (Role::CounterAdmin | Role::Client, StaffKind::Member) => Ok(()),
        (_, StaffKind::Admin) => Err(Refused::OnlyKsb),
        (_, StaffKind::Member) => Err(Refused::OnlyAdmin),
    }
}

/// What a person may do at a counter: the rights of the counter per card system, which add up
/// (R-CTR-01), and every counter task in the card systems he administers (R-KSB-06).
#[derive(Debug, Clone, PartialEq)]
pub struct Authority {
    pub role: Role,
    pub counter: CounterId,
    pub terms: BTreeMap<CardSystemId, Terms>,
    pub ksb_of: BTreeSet<CardSystemId>,
}

/// Why someone may not do what he asks (R-CTR-01, R-REG-04, R-SOC-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("this counter may not do that")]
    Task(Task),
    #[error("this counter registers no passholders with social status")]
    RegisterWithSocialStatus,
    #[error("this counter registers passholders only with their national number")]
    RegisterWithoutInsz,
    #[error("this counter may not register passholders of other municipalities")]
    OtherMunicipality,
    #[error("only a KSB admin may do that")]
    OnlyKsb,
}

/// The tasks of a counter, as the permission groups name them (R-CTR-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Task {
    Identify,
    CheckIn,
    Redeem,
    GrantTariff,
    Register,
    Search,
    Edit,
    Block,
    Replace,
    Bulk,
    SocialStatus,
    /// Changing the digit of a card, that is granting or ending social status.
    ReplaceOtherDigit,
}

impl PermissionGroup {
    /// The tasks of a permission group: each next one has all of the one before (R-CTR-01).
    pub fn may(self, task: Task) -> bool {
        let needed = match task {
            Task::Identify | Task::CheckIn | Task::Redeem | Task::GrantTariff => {
                PermissionGroup::CheckInAndTicket
            }
            Task::Register
            | Task::Search
            | Task::Edit
            | Task::Block
            | Task::Replace
            | Task::Bulk => PermissionGroup::UnauthorisedRegistration,
            Task::SocialStatus | Task::ReplaceOtherDigit => PermissionGroup::AuthorisedRegistration,
        };
        self >= needed
    }
}

impl Authority {
    /// Of someone who checks himself in at an activity of this counter: that, and nothing else, and
    /// only where the counter saves points (R-CHK-10).
    pub fn of_oneself(counter: CounterId, known: &Counter) -> Self {
        let with_groups = known.terms.iter().filter(|(_, terms)| !terms.groups.is_empty());
        let to_check_in =
            || Terms { groups: [PermissionGroup::CheckInAndTicket].into(), ..Terms::default() };
        Self {
            role: Role::Passholder,
            counter,
            terms: with_groups.map(|(card_system, _)| (*card_system, to_check_in())).collect(),
            ksb_of: BTreeSet::new(),
        }
    }

    /// Of someone who registers himself with this counter: that, where the counter has the card system
    /// (R-REG-08).
    pub fn to_register_oneself(counter: CounterId, known: &Counter) -> Self {
        let register = || Terms {
            groups: [PermissionGroup::UnauthorisedRegistration].into(),
            ..Terms::default()
        };
        Self {
            role: Role::Passholder,
            counter,
            terms: known.card_systems().into_iter().map(|id| (id, register())).collect(),
            ksb_of: BTreeSet::new(),
        }
    }

    /// Whether the task may be done in this card system.
    pub fn may_in(&self, card_system: CardSystemId, task: Task) -> bool {
        self.ksb_of.contains(&card_system)
            || self
                .terms
                .get(&card_system)
                .is_some_and(|terms| terms.groups.iter().any(|group| group.may(task)))
    }

    /// Whether the task may be done in some card system of the counter: enough where the region
    /// does not matter, as for points (R-CHK-05).
    pub fn may(&self, task: Task) -> bool {
        !self.ksb_of.is_empty()
            || self.terms.values().any(|terms| terms.groups.iter().any(|group| group.may(task)))
    }

    pub fn demand(&self, task: Task) -> Result<(), NotAllowed> {
        if self.may(task) { Ok(()) } else { Err(NotAllowed::Task(task)) }
    }

    pub fn demand_in(&self, card_system: CardSystemId, task: Task) -> Result<(), NotAllowed> {
        if self.may_in(card_system, task) { Ok(()) } else { Err(NotAllowed::Task(task)) }
    }

    /// Who may register whom (R-REG-04).
    pub fn demand_registration(
        &self,
        card_system: CardSystemId,
        with_social_status: bool,
        with_insz: bool,
    ) -> Result<(), NotAllowed> {
        self.demand_in(card_system, Task::Register)?;
        if self.may_in(card_system, Task::SocialStatus) {
            return Ok(());
        }
        if with_social_status {
            return Err(NotAllowed::RegisterWithSocialStatus);
        }
        if !with_insz {
            return Err(NotAllowed::RegisterWithoutInsz);
        }
        Ok(())
    }

    /// Whether this permission holds in a card system of the counter; of a client, who holds his own,
    /// the client is asked.
    pub fn holds_in(&self, card_system: CardSystemId, permission: Permission) -> bool {
        match permission.held_by() {
            HeldBy::Group(group) => {
                let groups = self.terms.get(&card_system).map(|terms| &terms.groups);
                self.is_ksb_of(card_system)
                    || groups.is_some_and(|groups| groups.iter().any(|held| *held >= group))
            }
            HeldBy::OtherMunicipalities => self.may_serve_other_municipalities(card_system),
            HeldBy::AnyStaff => {
                matches!(self.role, Role::CounterMember | Role::CounterAdmin | Role::Ksb)
            }
            HeldBy::CounterAdmin => matches!(self.role, Role::CounterAdmin | Role::Ksb),
            HeldBy::Ksb => self.is_ksb_of(card_system),
            HeldBy::Oneself | HeldBy::Client => false,
        }
    }

    pub fn is_ksb_of(&self, card_system: CardSystemId) -> bool {
        self.ksb_of.contains(&card_system)
    }

    /// The right "passholders of other municipalities", which is one of its own (R-CTR-01).
    pub fn may_serve_other_municipalities(&self, card_system: CardSystemId) -> bool {
        self.is_ksb_of(card_system)
            || self.terms.get(&card_system).is_some_and(|terms| terms.other_municipalities)
    }
}

//! Golden files: one per event type and version, in `tests/golden`. What was once written to the
//! log must stay readable, and a changed shape without a new version fails here. A new event needs
//! a new file; a file that is there is never edited.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cqrs_es::{Aggregate, DomainEvent};
use uitpas_domain::account::{self, Account};
use uitpas_domain::activity::{self, Activity};
use uitpas_domain::association::{self, Association};
use uitpas_domain::card::{self, Card};
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::client::{self, Client};
use uitpas_domain::counter::{self, Counter};
use uitpas_domain::coupon::{self, Coupon};
use uitpas_domain::group_pass::{self, GroupPass};
use uitpas_domain::kiosk::{self, Kiosk};
use uitpas_domain::order::{self, Order};
use uitpas_domain::passholder::{self, Passholder};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::reward::{self, Reward};

/// Lists the variants of an event enum. The match makes a new variant fail to compile until it
/// stands in the list, and the list makes it fail until it has a file.
macro_rules! variants {
    ($aggregate:ty, $event:path, [$($variant:ident),* $(,)?]) => {{
        #[expect(dead_code, reason = "it is there to be compiled, not to be called")]
        fn all_are_listed(event: &$event) {
            use $event as E;
            match event {
                $(E::$variant { .. } => {})*
            }
        }
        (<$aggregate>::TYPE, vec![$(stringify!($variant)),*])
    }};
}

fn event_types() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        variants!(
            Passholder,
            passholder::Event,
            [
                Registered,
                WelcomeRewardGranted,
                DetailsChanged,
                PreferencesSet,
                UitidLinked,
                CardBlocked,
                CardGiven,
                CardCharged,
                MembershipSuperseded,
                SocialStatusGranted,
                SocialStatusExtended,
                SocialStatusRenewed,
                RenewalWithheld,
                SocialStatusSuspended,
                SuspensionLifted,
                SocialStatusEnded,
                MembershipBlocked,
                AssociationJoined,
                AssociationLeft,
                CheckedIn,
                CheckInCorrected,
                TicketSold,
                CouponUsed,
                TicketSaleCancelled,
                RewardRedeemed,
                RedemptionCancelled,
                FamilyMemberAdded,
                FamilyIconChanged,
                FamilyMemberRemoved,
                PrivateNoteSet,
                PictureSet,
                PictureRemoved,
                Removed,
            ]
        ),
        variants!(Card, card::Event, [TakenIn, Moved, Assigned, CreatedDigital, Blocked, Deleted,]),
        variants!(
            CardSystem,
            card_system::Event,
            [
                Created,
                KsbAdminAdded,
                KsbAdminRemoved,
                AuditorAdded,
                AuditorRemoved,
                ContactSet,
                AccountSet,
                PaymentOrdered,
                PaymentWithdrawn,
                KeyDefined,
                DefaultKeysChosen,
                PricesSet,
                AdministrativePricesSet,
                SettingsChanged,
                RenewalAgreed,
                RenewalAgreementEnded,
                VoucherIssued,
                VoucherSpent,
            ]
        ),
        variants!(
            Counter,
            counter::Event,
            [
                Created,
                TermsSet,
                IbanSet,
                StaffAdded,
                StaffRemoved,
                StepCompleted,
                StepReopened,
                ReportRequested,
                NoteIssued,
                NoteApproved,
                NoteObjected,
                ObjectionSettled,
            ]
        ),
        variants!(
            Activity,
            activity::Event,
            [Published, Revised, SettingsChanged, CardSystemsChosen,]
        ),
        variants!(Account, account::Event, [EmailShown, EmailLost,]),
        variants!(Order, order::Event, [Placed, PaymentConfirmed, Cancelled,]),
        variants!(Client, client::Event, [Registered, PermissionsSet,]),
        variants!(
            Reward,
            reward::Event,
            [
                Created,
                Changed,
                OnlineSet,
                CodesAdded,
                CodeGiven,
                FirstUsed,
                UnitTaken,
                UnitReturned,
            ]
        ),
        variants!(Coupon, coupon::Event, [Defined, Changed,]),
        variants!(Association, association::Event, [Defined, Changed,]),
        variants!(
            GroupPass,
            group_pass::Event,
            [Made, Changed, Blocked, TicketSold, CouponUsed, TicketSaleCancelled,]
        ),
        variants!(Kiosk, kiosk::Event, [Provisioned, Claimed, DeviceReleased, Fixed, Chosen,]),
    ]
}

#[test]
fn every_event_type_has_a_golden_file_and_every_file_an_event_type() {
    for (aggregate, variants) in event_types() {
        let expected: BTreeSet<String> = variants.into_iter().map(str::to_owned).collect();
        let found: BTreeSet<String> =
            files_of(aggregate).iter().map(|file| name_and_version(file).0).collect();
        assert_eq!(found, expected, "{aggregate}");
    }
}

#[test]
fn a_golden_file_is_read_and_written_again_byte_for_byte() {
    for (aggregate, _) in event_types() {
        for file in files_of(aggregate) {
            let (name, version) = name_and_version(&file);
            let stored = fs::read_to_string(&file).unwrap();
            let payload = stored.strip_suffix('\n').unwrap_or_else(|| panic!("{file:?}"));
            let read = AnyEvent::read(aggregate, id_of(aggregate), payload);
            let event = read.unwrap_or_else(|why| panic!("{file:?}: {why}"));
            let (written_as, written_version, written) = written(&event);
            assert_eq!(written_as, name, "{file:?}");
            // An older version is read only; the newest is the one that is written.
            if version == written_version {
                assert_eq!(written, payload, "{file:?}");
            }
        }
    }
}

#[test]
fn what_is_not_understood_stops_the_reader() {
    let read = |aggregate, id, payload| AnyEvent::read(aggregate, id, payload).is_ok();
    let (anna, removed) =
        (id_of(Passholder::TYPE), r#"{"Removed":{"points_lapsed":1,"at":"2026-06-15T07:00:00Z"}}"#);
    assert!(read("passholder", anna, removed));
    assert!(!read("passenger", anna, removed));
    assert!(!read("passholder", "anna", removed));
    assert!(!read("passholder", anna, r#"{"Vanished":{"at":"2026-06-15T07:00:00Z"}}"#));
    assert!(!read("passholder", anna, r#"{"Removed":{"at":"2026-06-15T07:00:00Z"}}"#));
    assert!(!read("counter", "bib-eeklo", removed));
}

/// A golden file shows one value of each enum in it; these are all the others.
#[test]
fn words_in_events_keep_their_spelling() {
    use uitpas_domain::activity::{After, Audience};
    use uitpas_domain::association::EndRule;
    use uitpas_domain::calendar::Period;
    use uitpas_domain::card::Stage;
    use uitpas_domain::card_system::Occasion;
    use uitpas_domain::counter::onboarding::Step;
    use uitpas_domain::counter::{PermissionGroup, StaffKind};
    use uitpas_domain::coupon::GrantedTo;
    use uitpas_domain::distribution::Region;
    use uitpas_domain::passholder::cards::{BlockKind, BlockReason};
    use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
    use uitpas_domain::reward::{Kind, Status};
    let at = "2026-06-15T07:00:00Z".parse().unwrap();
    spelled(&[
        (BlockReason::Fraud, "fraud"),
        (BlockReason::OwnWish, "own-wish"),
        (BlockReason::Theft, "theft"),
        (BlockReason::Loss, "loss"),
        (BlockReason::Defect, "defect"),
        (BlockReason::LostSocialStatus, "lost-social-status"),
        (BlockReason::GainedSocialStatus, "gained-social-status"),
    ]);
    spelled(&[(Occasion::Replacement, "replacement"), (Occasion::Upgrade, "upgrade")]);
    spelled(&[(BlockKind::Definitive, "definitive"), (BlockKind::Replace, "replace")]);
    spelled(&[
        (Stage::Provisioned, "provisioned"),
        (Stage::Stock, "stock"),
        (Stage::SentToCounter, "sent-to-counter"),
        (Stage::LocalStock, "local-stock"),
    ]);
    spelled(&[
        (PermissionGroup::CheckInAndTicket, "check-in-and-ticket"),
        (PermissionGroup::UnauthorisedRegistration, "unauthorised-registration"),
        (PermissionGroup::AuthorisedRegistration, "authorised-registration"),
    ]);
    spelled(&[
        (Step::InformationSheetSigned, "information-sheet-signed"),
        (Step::DeclarationOfHonourSigned, "declaration-of-honour-signed"),
        (Step::AgreementSigned, "agreement-signed"),
        (Step::ApprovedByMunicipality, "approved-by-municipality"),
        (Step::Informed, "informed"),
    ]);
    spelled(&[(StaffKind::Member, "member"), (StaffKind::Admin, "admin")]);
    spelled(&[(Region::Own, "own"), (Region::Any, "any")]);
    spelled(&[
        (Audience::Everyone, "everyone"),
        (Audience::Members, "members"),
        (Audience::Education, "education"),
    ]);
    spelled(&[
        (EndRule::ByHand, "by-hand"),
        (EndRule::MonthsFromRegistration(12), r#"{"months-from-registration":12}"#),
        (EndRule::DayBeforeBirthday(18), r#"{"day-before-birthday":18}"#),
    ]);
    spelled(&[(Kind::Points, "points"), (Kind::Welcome, "welcome")]);
    spelled(&[
        (Status::Active, "active"),
        (Status::Inactive, "inactive"),
        (Status::Deleted, "deleted"),
    ]);
    spelled(&[
        (Period::Absolute, "ABSOLUTE"),
        (Period::Day, "DAY"),
        (Period::Week, "WEEK"),
        (Period::Month, "MONTH"),
        (Period::Quarter, "QUARTER"),
        (Period::Year, "YEAR"),
    ]);
    spelled(&[(After::Minutes(60), r#"{"minutes":60}"#), (After::Months(3), r#"{"months":3}"#)]);
    spelled(&[
        (NoPoint::OpensAt(at), r#"{"opens-at":"2026-06-15T07:00:00Z"}"#),
        (NoPoint::Closed, "closed"),
        (NoPoint::GivenAlready(at), r#"{"given-already":"2026-06-15T07:00:00Z"}"#),
        (NoPoint::ActivityGivesNone, "activity-gives-none"),
        (NoPoint::StatusExpired, "status-expired"),
        (NoPoint::GroupPass, "group-pass"),
    ]);
    let group_pass = uitpas_domain::ids::GroupPassId(uuid::Uuid::nil());
    spelled(&[
        (GrantedTo::Everyone, "everyone"),
        (GrantedTo::SocialStatus, "social-status"),
        (
            GrantedTo::GroupPass(group_pass),
            r#"{"group-pass":"00000000-0000-0000-0000-000000000000"}"#,
        ),
    ]);
    for effect in [
        r#"{"percentages":{"passholder":"0","organizer":"0","municipality":"100"}}"#,
        r#"{"amount_off":{"amount":"1.50","organizer_part":0,"municipality_part":100}}"#,
    ] {
        let read: uitpas_domain::coupon::Effect = serde_json::from_str(effect).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), effect);
    }
    let check_in = uitpas_domain::ids::CheckInId(uuid::Uuid::nil());
    let given = r#"{"given":"00000000-0000-0000-0000-000000000000"}"#;
    spelled(&[
        (PointOfSale::Given(check_in), given),
        (PointOfSale::NotGiven(NoPoint::Closed), r#"{"not-given":"closed"}"#),
    ]);
    let occurrence = r#"{"start":"2026-06-15T18:00:00Z","available":true}"#;
    for calendar in [
        format!(r#"{{"single":{occurrence}}}"#),
        format!(r#"{{"multiple":[{occurrence}]}}"#),
        r#"{"periodic":{"from":"2026-07-01","until":"2026-08-31","hours":[]}}"#.to_owned(),
        r#"{"permanent":{"hours":[]}}"#.to_owned(),
    ] {
        let read: activity::Calendar = serde_json::from_str(&calendar).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), calendar);
    }
}

/// One event of each type.
pub fn events() -> Vec<AnyEvent> {
    let types = event_types();
    let files = types
        .iter()
        .flat_map(|(aggregate, _)| files_of(aggregate).into_iter().map(|file| (*aggregate, file)));
    let read = files.map(|(aggregate, file)| {
        let text = fs::read_to_string(file).unwrap();
        AnyEvent::read(aggregate, id_of(aggregate), text.trim_end()).unwrap()
    });
    read.collect()
}

/// A word, or what is more than a word in JSON.
#[track_caller]
fn spelled<T: serde::Serialize>(words: &[(T, &str)]) {
    for (value, word) in words {
        let written = serde_json::to_string(value).unwrap();
        assert_eq!(written.trim_matches('"'), *word);
    }
}

/// The name, the version and the text of an event as it would be stored now.
fn written(event: &AnyEvent) -> (String, String, String) {
    fn of(event: &impl DomainEvent) -> (String, String, String) {
        let text = serde_json::to_string(event).unwrap();
        (event.event_type(), event.event_version(), text)
    }
    match event {
        AnyEvent::Passholder(_, event) => of(event),
        AnyEvent::Counter(_, event) => of(event),
        AnyEvent::Card(_, event) => of(event),
        AnyEvent::CardSystem(_, event) => of(event),
        AnyEvent::Account(_, event) => of(event),
        AnyEvent::Client(_, event) => of(event),
        AnyEvent::Order(_, event) => of(event),
        AnyEvent::Activity(_, event) => of(event),
        AnyEvent::Reward(_, event) => of(event),
        AnyEvent::Coupon(_, event) => of(event),
        AnyEvent::GroupPass(_, event) => of(event),
        AnyEvent::Association(_, event) => of(event),
        AnyEvent::Kiosk(_, event) => of(event),
    }
}

/// An id that a stream of this aggregate may have.
fn id_of(aggregate: &str) -> &'static str {
    match aggregate {
        Card::TYPE => "0900000095902",
        CardSystem::TYPE | Coupon::TYPE => "1",
        Counter::TYPE => "bib-eeklo",
        Account::TYPE | Client::TYPE => "webshop",
        Activity::TYPE => "film",
        _ => "00000000-0000-0000-0000-000000000001",
    }
}

fn files_of(aggregate: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(aggregate);
    let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{folder:?}: {why}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// `CheckedIn.v1.json` is version 1 of the event type CheckedIn.
fn name_and_version(file: &Path) -> (String, String) {
    let file = file.file_name().and_then(|name| name.to_str()).unwrap();
    let parts = file.strip_suffix(".json").and_then(|name| name.split_once(".v"));
    let (name, version) = parts.unwrap_or_else(|| panic!("{file} is no <EventType>.v<N>.json"));
    (name.to_owned(), version.to_owned())
}

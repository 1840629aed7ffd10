//! R-PRV: the note and the picture of a person, as far as they are no secret; who is removed; what
//! shows nobody; and which messages one gets.

use uitpas_domain::account::{self, Account};
use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::ids::CheckInId;
use uitpas_domain::passholder::cards::{Block, BlockReason};
use uitpas_domain::passholder::private::{
    Picture, PictureKind, PictureRefused, SetNote, SetPicture,
};
use uitpas_domain::passholder::registration::{PersonalDetails, Preferences, Remove};
use uitpas_domain::passholder::{Command, Event, Refused};
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::contact::{Email, Phone};
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::insz::Insz;

use crate::given::*;
use crate::registration::{changes, details};

/// R-PRV-01
#[test]
fn a_note_is_kept_by_registration_counters_only_and_only_where_it_is_news() {
    let set = |by, note: Option<&str>| {
        Command::SetNote(SetNote { by, note: note.map(sealed), at: now() })
    };
    let noted = Event::PrivateNoteSet { note: Some(sealed("c2VhbGVk")), at: now() };
    let anna = given([registered(anna())]);
    anna.when(set(desk(), Some("c2VhbGVk"))).then([noted.clone()]);
    anna.when(set(unauthorised_desk(), Some("c2VhbGVk"))).again().then([]);
    anna.when(set(desk(), None)).then([]);
    for by in [box_office(), nobody()] {
        anna.when(set(by, Some("c2VhbGVk"))).refused(NotAllowed::Task(Task::Edit));
    }
    let with_note = given([registered(crate::given::anna()), noted]);
    with_note.when(set(ksb(), None)).then([Event::PrivateNoteSet { note: None, at: now() }]);
}

/// R-PRV-01
#[test]
fn a_picture_is_replaced_and_taken_away_by_registration_counters_only() {
    let set = |by, picture| Command::SetPicture(SetPicture { by, picture, at: now() });
    let first = picture(1);
    let anna = given([registered(anna())]);
    anna.when(set(desk(), Some(first))).then([Event::PictureSet { picture: first, at: now() }]);
    anna.when(set(desk(), None)).refused(PictureRefused::None);
    anna.when(set(box_office(), Some(first))).refused(NotAllowed::Task(Task::Edit));
    let known = anna.when(set(desk(), Some(first))).happens();
    let second = picture(2);
    known.when(set(ksb(), Some(second))).then([Event::PictureSet { picture: second, at: now() }]);
    known.when(set(desk(), None)).then([Event::PictureRemoved { at: now() }]);
    known.when(set(desk(), None)).again().refused(PictureRefused::None);
    known.when(set(box_office(), None)).refused(NotAllowed::Task(Task::Edit));
}

/// R-PRV-01
#[test]
fn what_a_picture_is_shows_in_its_first_bytes() {
    let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00";
    for (bytes, expected) in [
        (&[0xff, 0xd8, 0xff, 0xe0, 0x00][..], Some(PictureKind::Jpeg)),
        (&[0xff, 0xd8, 0xff][..], Some(PictureKind::Jpeg)),
        (&[0xff, 0xd8][..], None),
        (&png[..], Some(PictureKind::Png)),
        (&png[..15], None),
        (b"GIF89a", None),
        (b"<svg xmlns", None),
        (b"\x00\xff\xd8\xff", None),
        (b"", None),
    ] {
        assert_eq!(PictureKind::of(bytes), expected, "{bytes:?}");
    }
}

/// R-PRV-01
#[test]
fn removing_blocks_every_card_in_use_once_and_lets_any_balance_lapse() {
    let block = Block::of(BlockReason::OwnWish);
    let (card_system, at, digital) = (GENT, now(), false);
    let second = Event::CardGiven { card_system, card: other_regular_card(), digital, at };
    let in_two_regions = given([registered(bram()), second]);
    in_two_regions.when(removes()).then([
        Event::CardBlocked { card: regular_card(), block, at },
        Event::CardBlocked { card: other_regular_card(), block, at },
        Event::Removed { points_lapsed: 0, at },
    ]);
    let lost = in_two_regions.when(blocks(regular_card(), BlockReason::Loss, desk())).happens();
    lost.when(removes()).then([
        Event::CardBlocked { card: other_regular_card(), block, at },
        Event::Removed { points_lapsed: 0, at },
    ]);
    // A point that was spent before it was taken back.
    let (activity, points) = (of("film"), 3);
    let (check_in, reason) = (CheckInId(uuid(1)), None);
    let taken_back = Event::CheckInCorrected { check_in, activity, points, reason, at };
    let in_debt = given([registered(bram()), taken_back]);
    in_debt.when(removes()).then([
        Event::CardBlocked { card: regular_card(), block, at },
        Event::Removed { points_lapsed: -3, at },
    ]);
}

/// R-PRV-01
#[test]
fn of_whoever_was_removed_nothing_is_asked_any_more_and_he_is_another_when_he_registers_anew() {
    let removed = given([registered(anna())]).when(removes()).happens();
    let evening = brussels("2026-06-15 20:00:00");
    for command in [
        removes(),
        changes(details(), details()),
        prefers(Preferences::default()),
        checks_in(check_in(1, &film(), social_card(), evening)),
        sells([ticket(1, &film(), "10.00")], evening),
        blocks(social_card(), BlockReason::Loss, ksb()),
        Command::SetNote(SetNote { by: ksb(), note: Some(sealed("bm90ZQ==")), at: now() }),
        Command::LinkUitid { at: now() },
    ] {
        let shown = format!("{command:?}");
        assert_eq!(removed.when(command).refusal(), Some(Refused::Removed), "{shown}");
    }
    assert_eq!(removed.state.holder(), Err(Refused::Removed));
}

/// R-PRV-02
#[test]
fn no_command_and_no_refusal_shows_whose_it_is() {
    let wolkenstein = PersonalDetails {
        name: of("Wolkenstein"),
        first_name: of("Hildegarde"),
        birth_date: day("1983-03-02"),
        insz: Some(of("83030201540")),
        address: address("9000", "Gent"),
        email: Some(of("wolkenstein@post.example")),
        phone: Some(of("0498 76 54 32")),
        nationality: Some(of("Andorrees")),
        gender: None,
    };
    let other = PersonalDetails { insz: None, ..wolkenstein.clone() };
    let changing = changes(wolkenstein, other);
    let mut shown = vec![format!("{changing:?}")];
    let refused = given([registered(anna())]).when(changing).refusal().expect("a reason");
    shown.extend([format!("{refused:?}"), refused.to_string()]);
    // What cannot be read is not repeated either.
    shown.extend([
        "83030201541".parse::<Insz>().unwrap_err().to_string(),
        "wolkenstein@post".parse::<Email>().unwrap_err().to_string(),
        "0498 Wolkenstein".parse::<Phone>().unwrap_err().to_string(),
        "BE68539007547035".parse::<Iban>().unwrap_err().to_string(),
    ]);
    for shown in shown {
        for word in ["olkenstein", "Hildegarde", "1983", "830302", "0498", "Andorrees", "5390"] {
            assert!(!shown.contains(word), "{word} in {shown}");
        }
    }
}

/// R-PRV-03
#[test]
fn preferences_are_changed_whatever_became_of_card_and_status() {
    let (yes, no) = (
        Preferences { info_mails: true, sms: true, ..Preferences::default() },
        Preferences::default(),
    );
    let set = Event::PreferencesSet { preferences: yes, at: now() };
    let expired = given([registered(anna_until("2026-01-31"))]);
    let (_, state) = expired.holder().social_status_on(day("2026-06-15"), &card_systems());
    assert_eq!(state, OnDay::Expired);
    let without_card = expired.when(blocks(social_card(), BlockReason::Fraud, desk())).happens();
    for story in [expired, without_card] {
        story.when(prefers(yes)).then([set.clone()]);
        story.when(prefers(yes)).again().then([]);
        // And back again: no consent is for good.
        let back = Event::PreferencesSet { preferences: no, at: now() };
        story.when(prefers(yes)).happens().when(prefers(no)).then([back]);
    }
}

/// R-PRV-01, R-CTR-02: the address of somebody of the staff is of his account until another shows it.
#[test]
fn an_address_of_an_account_is_replaced_and_lost() {
    let show = account::Command::ShowEmail { email: sealed("an"), at: now() };
    let shown = account::Event::EmailShown { email: sealed("an"), at: now() };
    let lose = account::Command::LoseEmail { at: now() };
    let decided = |account: &Account, command: &account::Command| account.decide(command.clone());
    let mut account = Account::default();
    assert_eq!(decided(&account, &lose), Err(account::Refused::NoEmail));
    assert_eq!(decided(&account, &show), Ok(vec![shown.clone()]));
    account.evolve(shown);
    let lost = account::Event::EmailLost { at: now() };
    assert_eq!(decided(&account, &lose), Ok(vec![lost.clone()]));
    account.evolve(lost);
    assert_eq!(account, Account::default());
}

fn removes() -> Command {
    Command::Remove(Remove { at: now() })
}

fn prefers(preferences: Preferences) -> Command {
    Command::SetPreferences { preferences, at: now() }
}

fn picture(number: u8) -> Picture {
    Picture { digest: Digest::new([number; 32]), kind: PictureKind::Png, bytes: 1_000 }
}

//! R-PRV: the note and the picture of a person, as far as they are no secret.

use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::passholder::private::{
    Picture, PictureKind, PictureRefused, SetNote, SetPicture,
};
use uitpas_domain::passholder::{Command, Event};
use uitpas_domain::values::digest::Digest;

use crate::given::*;

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

fn picture(number: u8) -> Picture {
    Picture { digest: Digest::new([number; 32]), kind: PictureKind::Png, bytes: 1_000 }
}

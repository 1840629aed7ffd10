//! R-KSB-05: who is written to, and what is told of the others.

use uitpas_domain::insight::Shown::{Exactly, Few, Many};
use uitpas_domain::passholder::registration::Preferences;
use uitpas_domain::segment::*;

const ALL: [Message; 5] =
    [Message::ServiceMail, Message::MilestoneMail, Message::InfoMail, Message::Sms, Message::Post];

/// R-KSB-05
#[test]
fn a_message_is_wanted_by_whoever_opted_in_to_that_kind() {
    let none = Preferences::default();
    for (message, wanted) in [
        (Message::ServiceMail, Preferences { service_mails: true, ..none }),
        (Message::MilestoneMail, Preferences { milestone_mails: true, ..none }),
        (Message::InfoMail, Preferences { info_mails: true, ..none }),
        (Message::Sms, Preferences { sms: true, ..none }),
        (Message::Post, Preferences { post: true, ..none }),
    ] {
        let by = |preferences: &Preferences| {
            ALL.iter().filter(|kind| kind.is_wanted_by(preferences)).count()
        };
        assert!(message.is_wanted_by(&wanted) && !message.is_wanted_by(&none));
        assert_eq!((by(&wanted), by(&none)), (1, 0), "{message}");
    }
}

/// R-KSB-05, R-KSB-04: neither a small segment nor a small rest of it is told.
#[test]
fn the_size_of_a_segment_tells_of_no_few() {
    for (all, recipients, shown) in [
        (0, vec![0, 0], Exactly(0)),
        (4, vec![0, 4], Few),
        (5, vec![0, 5], Exactly(5)),
        (5, vec![0, 4], Many),
        (5, vec![1, 5], Many),
        (9, vec![4, 0], Exactly(9)),
        (9, vec![5, 0], Many),
        (9, vec![8, 0], Many),
        (9, vec![9, 9], Exactly(9)),
    ] {
        assert_eq!(size(all, &recipients), shown, "{all} {recipients:?}");
    }
}

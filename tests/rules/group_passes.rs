//! What a group pass does not do. Its own chapter, R-GRP, comes with its aggregate.

use uitpas_domain::card::{Card, Command, Event, Holder, IsGroupPass};
use uitpas_domain::ids::{GroupPassId, PassholderId};

use crate::given::*;

/// R-CHK-06
#[test]
fn a_group_pass_saves_no_points_and_redeems_none() {
    let group_pass = Holder::GroupPass(GroupPassId(uuid(1)));
    let reason = group_pass.passholder().unwrap_err();
    assert_eq!(reason, IsGroupPass);
    assert_eq!(reason.to_string(), "a group pass saves no points and redeems none");
    let anna = PassholderId(uuid(2));
    assert_eq!(Holder::Passholder(anna).passholder(), Ok(anna));
}

/// R-TAR-05
#[test]
fn a_card_tells_whether_a_person_or_a_group_shows_it() {
    let group_pass = Holder::GroupPass(GroupPassId(uuid(1)));
    let create = Command::CreateDigital { card_system: MEETJESLAND, holder: group_pass, at: now() };
    let card = Story { state: Card::default() }.when(create.clone()).happens();
    assert_eq!(card.state.identify(), Ok(group_pass));
    let created = Event::CreatedDigital { card_system: MEETJESLAND, holder: group_pass, at: now() };
    Story { state: Card::default() }.when(create).then([created]);
}

//! R-CRD: cards, from the factory to being blocked, and giving another one; R-ID: who shows one.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::card::{Card, Command as CardCommand, Event as CardEvent, Refused as No};
use uitpas_domain::card::{Holder, Stage, TakeIn, Unidentified};
use uitpas_domain::counter::{Authority, NotAllowed, Task};
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::cards::*;
use uitpas_domain::passholder::check_ins::CheckInRefused;
use uitpas_domain::passholder::redemptions::RedemptionRefused;
use uitpas_domain::passholder::registration::{AskedSocialStatus, NewCard, RegistrationRefused};
use uitpas_domain::passholder::status::StatusRefused;
use uitpas_domain::passholder::ticket_sales::Item;
use uitpas_domain::passholder::{CardState, Command, Event, Passholder, Refused, Registered};
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;

use crate::given::*;

const EVERY_STAGE: [Stage; 4] =
    [Stage::Provisioned, Stage::Stock, Stage::SentToCounter, Stage::LocalStock];

/// R-CRD-01
#[test]
fn only_a_card_in_local_stock_gets_a_holder() {
    let assigned = CardEvent::Assigned { holder: anna_holds(), at: now() };
    given([taken_in(Stage::LocalStock)]).when(assign()).then([assigned]);
    for stage in [Stage::Provisioned, Stage::Stock, Stage::SentToCounter] {
        given([taken_in(stage)]).when(assign()).refused(No::NotInLocalStock);
    }
    in_no_book().when(assign()).refused(No::NotFound);
    active().when(assign()).refused(No::AlreadyAssigned);
    blocked().when(assign()).refused(No::Blocked);
    deleted().when(assign()).refused(No::NotFound);
}

/// R-CRD-01
#[test]
fn a_card_is_of_a_card_system_that_the_counter_works_for() {
    let waiting = given([taken_in(Stage::LocalStock)]);
    for (counter_systems, refused) in [
        (vec![MEETJESLAND], false),
        (vec![GENT, MEETJESLAND], false),
        (vec![GENT], true),
        (vec![], true),
    ] {
        let shown = format!("{counter_systems:?}");
        let assign = CardCommand::Assign { holder: anna_holds(), counter_systems, at: now() };
        let expected = refused.then_some(No::ForeignCardSystem);
        assert_eq!(waiting.when(assign).refusal(), expected, "{shown}");
    }
}

/// R-CRD-01, R-ID-06
#[test]
fn a_number_has_one_holder_at_most() {
    given([taken_in(Stage::LocalStock)]).when(assign()).again().refused(No::AlreadyAssigned);
    let digital =
        CardCommand::CreateDigital { card_system: MEETJESLAND, holder: anna_holds(), at: now() };
    let created =
        CardEvent::CreatedDigital { card_system: MEETJESLAND, holder: anna_holds(), at: now() };
    in_no_book().when(digital.clone()).then([created]);
    in_no_book().when(digital.clone()).again().refused(No::AlreadyKnown);
    for known in [given([taken_in(Stage::LocalStock)]), active(), blocked(), deleted()] {
        known.when(digital.clone()).refused(No::AlreadyKnown);
    }
}

/// R-CRD-01
#[test]
fn a_digital_card_is_active_from_the_start() {
    let created =
        CardEvent::CreatedDigital { card_system: MEETJESLAND, holder: anna_holds(), at: now() };
    assert_eq!(given([created]).state.identify(), Ok(anna_holds()));
}

/// R-CRD-01
#[test]
fn a_card_enters_the_books_once_and_moves_until_it_has_a_holder() {
    for stage in EVERY_STAGE {
        in_no_book().when(take_in(stage)).then([taken_in(stage)]);
        in_no_book().when(take_in(stage)).again().refused(No::AlreadyKnown);
        let to_counter = CardCommand::Move { stage, counter: Some(library()), at: now() };
        let moved = CardEvent::Moved { stage, counter: Some(library()), at: now() };
        let waiting = given([taken_in(Stage::Provisioned)]);
        waiting.when(to_counter.clone()).then([moved]);
        waiting.when(to_counter.clone()).again().then([]);
        in_no_book().when(to_counter.clone()).refused(No::NotFound);
        active().when(to_counter.clone()).refused(No::AlreadyAssigned);
        blocked().when(to_counter.clone()).refused(No::Blocked);
        deleted().when(to_counter).refused(No::NotFound);
    }
}

/// R-CRD-01
#[test]
fn a_card_is_deleted_unless_someone_uses_it() {
    let delete = CardCommand::Delete { at: now() };
    for state in [given([taken_in(Stage::Stock)]), blocked()] {
        state.when(delete.clone()).then([CardEvent::Deleted { at: now() }]);
        state.when(delete.clone()).again().refused(No::NotFound);
    }
    active().when(delete.clone()).refused(No::AlreadyAssigned);
    in_no_book().when(delete).refused(No::NotFound);
}

/// R-ID-05
#[test]
fn every_state_of_a_card_has_its_own_answer() {
    let answers = [
        (in_no_book(), Err(Unidentified::NotFound)),
        (given([taken_in(Stage::Provisioned)]), Err(Unidentified::NotInLocalStock)),
        (given([taken_in(Stage::Stock)]), Err(Unidentified::NotInLocalStock)),
        (given([taken_in(Stage::SentToCounter)]), Err(Unidentified::NotInLocalStock)),
        (given([taken_in(Stage::LocalStock)]), Err(Unidentified::NotRegistered)),
        (active(), Ok(anna_holds())),
        (blocked(), Err(Unidentified::Blocked(anna_holds()))),
        (deleted(), Err(Unidentified::NotFound)),
    ];
    for (card, answer) in answers {
        assert_eq!(card.state.identify(), answer, "{:?}", card.state);
    }
}

/// R-CRD-02
#[test]
fn blocking_is_final() {
    let block = CardCommand::Block { at: now() };
    active().when(block.clone()).then([CardEvent::Blocked { at: now() }]);
    active().when(block.clone()).again().refused(No::Blocked);
    in_no_book().when(block.clone()).refused(No::NotFound);
    given([taken_in(Stage::LocalStock)]).when(block).refused(No::NotInLocalStock);
    // No command makes it active again, nor can anyone be given it.
    for command in [
        assign(),
        take_in(Stage::LocalStock),
        CardCommand::Move { stage: Stage::LocalStock, counter: None, at: now() },
        CardCommand::CreateDigital { card_system: MEETJESLAND, holder: anna_holds(), at: now() },
    ] {
        assert!(blocked().when(command.clone()).refusal().is_some(), "{command:?}");
    }
    given([registered(bram())])
        .when(blocks(regular_card(), BlockReason::Loss, desk()))
        .happens()
        .when(gives(regular_card(), desk()))
        .refused(CardRefused::Blocked);
}

/// R-CRD-02
#[test]
fn a_block_takes_the_card_from_every_membership_that_points_at_it() {
    let anna_in_both = given([registered(anna()), given_in_gent(social_card())]);
    let after = anna_in_both.when(blocks(social_card(), BlockReason::Theft, desk())).happens();
    let holder = after.holder();
    assert!(holder.memberships.values().all(|membership| membership.card.is_none()));
    let block = Block { kind: BlockKind::Replace, reason: BlockReason::Theft };
    assert_eq!(holder.cards[&social_card()], CardState::Blocked(block));
    assert_eq!(holder.current_card(), None);
}

/// R-CRD-03
#[test]
fn a_block_records_its_kind_and_the_reason_that_belongs_to_it() {
    use BlockKind::{Definitive, Replace};
    for (reason, kind) in [
        (BlockReason::Fraud, Definitive),
        (BlockReason::OwnWish, Definitive),
        (BlockReason::Theft, Replace),
        (BlockReason::Loss, Replace),
        (BlockReason::Defect, Replace),
        (BlockReason::GainedSocialStatus, Replace),
        (BlockReason::LostSocialStatus, Replace),
    ] {
        let bram_is_known = given([registered(bram())]);
        let recorded =
            Event::CardBlocked { card: regular_card(), block: Block { kind, reason }, at: now() };
        bram_is_known.when(blocks(regular_card(), reason, desk())).then([recorded]);
        let other = if kind == Definitive { Replace } else { Definitive };
        let block = Block { kind: other, reason };
        bram_is_known
            .when(Command::BlockCard(BlockCard {
                by: desk(),
                card: regular_card(),
                block,
                at: now(),
            }))
            .refused(CardRefused::ReasonOfOtherKind);
    }
}

/// R-CRD-03
#[test]
fn a_card_is_blocked_once_and_only_one_of_this_passholder() {
    let bram_is_known = given([registered(bram())]);
    let block = blocks(regular_card(), BlockReason::Loss, desk());
    bram_is_known.when(block).again().refused(CardRefused::Blocked);
    bram_is_known
        .when(blocks(other_regular_card(), BlockReason::Loss, desk()))
        .refused(CardRefused::NotOfThisPassholder);
}

/// R-CRD-03, R-CTR-01, R-KSB-03
#[test]
fn a_registration_counter_of_the_card_s_own_region_blocks_it() {
    let no_right = Some(NotAllowed::Task(Task::Block));
    let of_gent = |mut by: Authority| {
        by.terms = by.terms.into_values().map(|terms| (GENT, terms)).collect();
        by.ksb_of = by.ksb_of.iter().map(|_| GENT).collect();
        by
    };
    let anna_in_both = given([registered(anna()), given_in_gent(regular_card())]);
    for (by, card, refused) in [
        (desk(), social_card(), None),
        (unauthorised_desk(), social_card(), None),
        (ksb(), social_card(), None),
        (box_office(), social_card(), no_right),
        (nobody(), social_card(), no_right),
        (of_gent(desk()), social_card(), no_right),
        (of_gent(ksb()), social_card(), no_right),
        (of_gent(ksb()), regular_card(), None),
        (ksb(), regular_card(), no_right),
    ] {
        let shown = format!("{by:?} {card:?}");
        let refusal = anna_in_both.when(blocks(card, BlockReason::Loss, by)).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{shown}");
    }
}

/// R-CRD-03, R-SOC-01
#[test]
fn a_block_that_changes_the_social_status_is_for_authorised_counters() {
    for (reason, by, refused) in [
        (BlockReason::GainedSocialStatus, desk(), false),
        (BlockReason::GainedSocialStatus, unauthorised_desk(), true),
        (BlockReason::LostSocialStatus, ksb(), false),
        (BlockReason::LostSocialStatus, unauthorised_desk(), true),
        (BlockReason::Loss, unauthorised_desk(), false),
    ] {
        let refusal = given([registered(anna())]).when(blocks(social_card(), reason, by)).refusal();
        let expected = refused.then_some(NotAllowed::Task(Task::ReplaceOtherDigit).into());
        assert_eq!(refusal, expected, "{reason}");
    }
}

/// R-CRD-04
#[test]
fn a_replacement_keeps_points_rewards_and_history() {
    let before = given([registered(anna())])
        .when(checks_in(check_in(1, &film(), social_card(), brussels("2026-06-15 20:00:00"))))
        .happens();
    let after = before
        .when(blocks(social_card(), BlockReason::Defect, desk()))
        .happens()
        .when(gives(other_social_card(), desk()))
        .happens();
    let (before, after) = (before.holder(), after.holder());
    assert_eq!(after.points, 1);
    assert_eq!(after.check_ins, before.check_ins);
    assert_eq!(after.welcome_rewards, before.welcome_rewards);
    let membership = &after.memberships[&MEETJESLAND];
    assert_eq!(membership.social_status, before.memberships[&MEETJESLAND].social_status);
    assert_eq!(after.current_card(), Some(other_social_card()));
    assert_eq!(after.cards.len(), 2);
}

/// R-CRD-04
#[test]
fn the_digit_of_the_new_card_follows_the_social_status() {
    use RegistrationRefused::{NeedsRegularCard, NeedsSocialStatusCard};
    for (who, card, refused) in [
        (anna(), other_social_card(), None),
        (anna(), other_regular_card(), Some(NeedsSocialStatusCard)),
        (bram(), other_regular_card(), None),
        (bram(), other_social_card(), Some(NeedsRegularCard)),
    ] {
        let refusal = without_card(who, BlockReason::Loss).when(gives(card, desk())).refusal();
        assert_eq!(refusal, refused.map(Refused::from), "{card:?}");
    }
}

/// R-CRD-05
#[test]
fn a_replacement_that_was_broken_off_is_finished_at_any_later_time() {
    let broken_off = without_card(bram(), BlockReason::Loss);
    assert_eq!(broken_off.holder().current_card(), None);
    let years_later = brussels("2029-01-01 09:00:00");
    let given_card = Event::CardGiven {
        card_system: MEETJESLAND,
        card: other_regular_card(),
        digital: false,
        at: years_later,
    };
    broken_off.when(gives_at(other_regular_card(), desk(), years_later)).then([given_card]);
    broken_off.when(gives(other_regular_card(), desk())).again().refused(CardRefused::HasCard);
    broken_off.when(gives(other_regular_card(), box_office())).refused(no_replacing());
}

/// R-CRD-05
#[test]
fn a_new_card_is_given_only_to_a_member_without_one_whose_membership_is_in_use() {
    given([registered(bram())])
        .when(gives(other_regular_card(), desk()))
        .refused(CardRefused::HasCard);
    let Command::ReplaceCard(in_gent) = gives(other_regular_card(), ksb()) else { unreachable!() };
    let in_gent = ReplaceCard { card_system: GENT, system: Arc::new(gent()), ..*in_gent };
    given([registered(bram())])
        .when(Command::ReplaceCard(Box::new(in_gent)))
        .refused(CardRefused::NoMembership);
    let reason = sealed("reason");
    let blocked = Event::MembershipBlocked { card_system: MEETJESLAND, reason, at: now() };
    let taken = Event::CardBlocked { card: regular_card(), block: lost(), at: now() };
    given([registered(bram()), blocked, taken])
        .when(gives(other_regular_card(), ksb()))
        .refused(StatusRefused::MembershipBlocked);
}

/// R-CRD-06
#[test]
fn after_a_definitive_block_only_a_ksb_admin_gives_a_new_card() {
    for (reason, by, refused) in [
        (BlockReason::Fraud, desk(), true),
        (BlockReason::OwnWish, desk(), true),
        (BlockReason::Fraud, ksb(), false),
        (BlockReason::OwnWish, ksb(), false),
        (BlockReason::Loss, desk(), false),
        (BlockReason::Loss, ksb(), false),
    ] {
        let refusal = without_card(bram(), reason).when(gives(other_regular_card(), by)).refusal();
        let expected = refused.then_some(CardRefused::DefinitivelyBlocked.into());
        assert_eq!(refusal, expected, "{reason}");
    }
}

/// R-CRD-06
#[test]
fn the_last_block_decides_who_gives_the_next_card() {
    let third = of("0930000420206");
    let by_ksb =
        without_card(bram(), BlockReason::Fraud).when(gives(other_regular_card(), ksb())).happens();
    by_ksb
        .when(blocks(other_regular_card(), BlockReason::Loss, desk()))
        .happens()
        .when(gives(third, desk()))
        .happens();
    by_ksb
        .when(blocks(other_regular_card(), BlockReason::Fraud, desk()))
        .happens()
        .when(gives(third, desk()))
        .refused(CardRefused::DefinitivelyBlocked);
}

/// R-CRD-07
#[test]
fn granting_social_status_replaces_the_card() {
    let at = now();
    let without = without_card(bram(), BlockReason::GainedSocialStatus);
    without.when(grants(social_card(), desk())).then([
        Event::CardGiven { card_system: MEETJESLAND, card: social_card(), digital: false, at },
        Event::SocialStatusGranted {
            card_system: MEETJESLAND,
            until: day("2027-04-30"),
            proof: Proof::LivingWage,
            at,
        },
    ]);
    without.when(grants(social_card(), desk())).again().refused(CardRefused::HasCard);
    without
        .when(grants(other_regular_card(), desk()))
        .refused(RegistrationRefused::NeedsSocialStatusCard);
}

/// R-CRD-07, R-SOC-01, R-SOC-05
#[test]
fn social_status_is_granted_with_a_card_by_those_who_may_to_an_inhabitant_who_has_none() {
    let without = without_card(bram(), BlockReason::Loss);
    without
        .when(grants(social_card(), unauthorised_desk()))
        .refused(NotAllowed::Task(Task::ReplaceOtherDigit));
    let of_ghent = Registered { home: Some(ghent()), ..bram() };
    without_card(of_ghent, BlockReason::Loss)
        .when(grants(social_card(), desk()))
        .refused(RegistrationRefused::OutsideCardSystem);
    without_card(anna(), BlockReason::Loss)
        .when(grants(other_social_card(), desk()))
        .refused(StatusRefused::NotLater(day("2027-04-30")));
    for (until, proof, reason) in [
        (Some(day("2026-06-15")), Some(Proof::LivingWage), RegistrationRefused::StatusEndsInPast),
        (None, None, RegistrationRefused::NoProof),
    ] {
        let Command::ReplaceCard(replace) = grants(social_card(), desk()) else { unreachable!() };
        let social_status = Some(AskedSocialStatus { until, proof });
        let replace = ReplaceCard { social_status, ..*replace };
        without.when(Command::ReplaceCard(Box::new(replace))).refused(reason);
    }
}

/// R-CRD-07
#[test]
fn ending_social_status_replaces_the_card() {
    let block = Block { kind: BlockKind::Replace, reason: BlockReason::LostSocialStatus };
    let at = now();
    let anna_is_known = given([registered(anna())]);
    let lose = blocks(social_card(), BlockReason::LostSocialStatus, desk());
    anna_is_known.when(lose.clone()).then([
        Event::CardBlocked { card: social_card(), block, at },
        Event::SocialStatusEnded { card_system: MEETJESLAND, at },
    ]);
    let ended = anna_is_known.when(lose).happens();
    assert_eq!(ended.holder().social_status(), None);
    ended.when(gives(other_social_card(), desk())).refused(RegistrationRefused::NeedsRegularCard);
    ended.when(gives(regular_card(), desk())).happens();
}

/// R-CRD-11
#[test]
fn a_blocked_card_does_nothing_and_the_other_active_ones_do() {
    let evening = brussels("2026-06-15 20:00:00");
    let anna_in_both = given([registered(anna()), given_in_gent(regular_card())]);
    let lost = anna_in_both.when(blocks(social_card(), BlockReason::Loss, desk())).happens();
    let ticket_by = |card| sells([ticket_of(card)], evening);
    for (card, refused) in [
        (social_card(), Some(CardRefused::Blocked)),
        (regular_card(), None),
        (other_regular_card(), Some(CardRefused::NotOfThisPassholder)),
    ] {
        let refused = refused.map(Refused::from);
        let check_in = check_in(1, &film(), card, evening);
        assert_eq!(lost.when(checks_in(check_in)).refusal(), refused, "point, {card:?}");
        assert_eq!(lost.when(ticket_by(card)).refusal(), refused, "ticket, {card:?}");
        let redeems = crate::rewards::redeems(1, card, &crate::rewards::mug());
        let without_points = RedemptionRefused::NotEnoughPoints { cost: 3, balance: 0 };
        let refusal = lost.when(redeems).refusal();
        assert_eq!(refusal, refused.or(Some(without_points.into())), "reward, {card:?}");
    }
}

/// R-CRD-11
#[test]
fn limits_are_judged_on_the_passholder_whichever_card_is_shown() {
    let evening = brussels("2026-06-15 20:00:00");
    let anna_in_both = given([registered(anna()), given_in_gent(regular_card())]);
    anna_in_both
        .when(checks_in(check_in(1, &film(), social_card(), evening)))
        .happens()
        .when(checks_in(check_in(2, &film(), regular_card(), evening)))
        .refused(CheckInRefused::AlreadyGiven(evening));
}

/// R-CRD-11
#[test]
fn a_card_of_blocked_memberships_alone_does_nothing() {
    let block =
        |card_system| Event::MembershipBlocked { card_system, reason: sealed("reason"), at: now() };
    let evening = brussels("2026-06-15 20:00:00");
    let both = [registered(anna()), given_in_gent(social_card())];
    let check_in = checks_in(check_in(1, &film(), social_card(), evening));
    given([&both[..], &[block(MEETJESLAND)]].concat()).when(check_in.clone()).happens();
    given([&both[..], &[block(MEETJESLAND), block(GENT)]].concat())
        .when(check_in)
        .refused(CardRefused::NoActiveMembership);
}

fn anna_holds() -> Holder {
    Holder::Passholder(PassholderId(uuid(1)))
}

fn in_no_book() -> Story<Card> {
    Story { state: Card::default() }
}

fn take_in(stage: Stage) -> CardCommand {
    let (chip, counter) = (Some(of("04A1B2C3D4E5F6")), None);
    CardCommand::TakeIn(TakeIn { card_system: MEETJESLAND, chip, stage, counter, at: now() })
}

fn taken_in(stage: Stage) -> CardEvent {
    let (chip, counter) = (Some(of("04a1b2c3d4e5f6")), None);
    CardEvent::TakenIn { card_system: MEETJESLAND, chip, stage, counter, at: now() }
}

fn assign() -> CardCommand {
    let counter_systems = vec![MEETJESLAND];
    CardCommand::Assign { holder: anna_holds(), counter_systems, at: now() }
}

fn active() -> Story<Card> {
    let assigned = CardEvent::Assigned { holder: anna_holds(), at: now() };
    given([taken_in(Stage::LocalStock), assigned])
}

fn blocked() -> Story<Card> {
    active().when(CardCommand::Block { at: now() }).happens()
}

fn deleted() -> Story<Card> {
    blocked().when(CardCommand::Delete { at: now() }).happens()
}

fn lost() -> Block {
    Block { kind: BlockKind::Replace, reason: BlockReason::Loss }
}

/// A membership of Gent as well, on this card.
fn given_in_gent(card: CardNumber) -> Event {
    Event::CardGiven { card_system: GENT, card, digital: false, at: now() }
}

/// A passholder whose only card was blocked.
fn without_card(who: Registered, reason: BlockReason) -> Story<Passholder> {
    let card = who.card;
    given([registered(who)]).when(blocks(card, reason, desk())).happens()
}

pub fn gives(card: CardNumber, by: Authority) -> Command {
    gives_at(card, by, now())
}

fn gives_at(number: CardNumber, by: Authority, at: DateTime<Utc>) -> Command {
    Command::ReplaceCard(Box::new(ReplaceCard {
        by,
        card_system: MEETJESLAND,
        system: Arc::new(meetjesland()),
        card: NewCard { number, digital: false },
        social_status: None,
        at,
    }))
}

/// A card together with social status, until 30 April of the next year.
fn grants(card: CardNumber, by: Authority) -> Command {
    let Command::ReplaceCard(replace) = gives(card, by) else { unreachable!() };
    let social_status = Some(AskedSocialStatus { until: None, proof: Some(Proof::LivingWage) });
    Command::ReplaceCard(Box::new(ReplaceCard { social_status, ..*replace }))
}

fn no_replacing() -> NotAllowed {
    NotAllowed::Task(Task::Replace)
}

fn ticket_of(card: CardNumber) -> Item {
    Item { card, ..ticket(1, &film(), "10.00") }
}

//! A passholder: memberships, cards and social status; points, tickets and rewards. These guard
//! each other, so they are one stream. Names and addresses are no state: no rule needs them.
//!
//! - registering and changing details: [`registration`]
//! - blocking and replacing cards: [`cards`]
//! - joining another card system, granting and ending social status: [`memberships`]
//! - social status: [`social_status`](self::status), and its yearly [`renewal`]
//! - saving points: [`check_ins`]
//! - the social tariff: [`ticket_sales`]
//! - coupons: [`coupons`]
//! - taking up rewards: [`redemptions`]
//! - memberships of associations: [`associations`]
//! - his UiTID: [`uitid`]
//! - families: [`family`]
//! - a note and a picture: [`private`]

pub mod associations;
pub mod cards;
pub mod check_ins;
pub mod coupons;
pub mod family;
pub mod memberships;
pub mod private;
pub mod redemptions;
pub mod registration;
pub mod renewal;
pub mod status;
pub mod ticket_sales;
pub mod uitid;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::{Period, day_in_belgium};
use crate::card_system::{CardSystem, Occasion, VoucherCode};
use crate::counter::NotAllowed;
use crate::distribution::{DefinedKey, Shares};
use crate::ids::{
    ActivityId, AssociationId, CardSystemId, CheckInId, CounterId, CouponId, PassholderId,
    RedemptionId, RewardId, SaleId,
};
use crate::metadata::Channel;
use crate::reward;
use crate::sealed::Sealed;
use crate::social_status::{OnDay, Proof, SocialStatus};
use crate::values::card_number::CardNumber;
use crate::values::euro::Price;
use crate::values::place::Municipality;
use crate::values::text::{Lines, Text};

/// Why something was done, in a person's own words; sealed, as it may tell of the person.
pub type Reason = Lines<1000>;

#[derive(Debug, Clone)]
pub enum Command {
    Register(Box<registration::Register>),
    /// By himself, without a counter (R-REG-08).
    RegisterOneself(Box<registration::Register>),
    LinkUitid {
        at: DateTime<Utc>,
    },
    ChangeDetails(Box<registration::ChangeDetails>),
    SetPreferences {
        preferences: registration::Preferences,
        at: DateTime<Utc>,
    },
    Remove(registration::Remove),
    BlockCard(cards::BlockCard),
    ReplaceCard(Box<cards::ReplaceCard>),
    TakeUpMembership(Box<memberships::TakeUpMembership>),
    ExtendSocialStatus(status::Extend),
    RenewSocialStatus(renewal::Renew),
    SuspendSocialStatus(status::Suspend),
    LiftSuspension(status::LiftSuspension),
    BlockMembership(status::BlockMembership),
    CheckIn(Box<check_ins::CheckIn>),
    CorrectCheckIn(check_ins::CorrectCheckIn),
    SellTickets(Box<ticket_sales::SellTickets>),
    CancelSale(ticket_sales::CancelSale),
    Redeem(Box<redemptions::Redeem>),
    JoinAssociation(Box<associations::JoinAssociation>),
    LeaveAssociation(Box<associations::LeaveAssociation>),
    CancelRedemption(redemptions::CancelRedemption),
    AddFamilyMember(Box<family::AddFamilyMember>),
    ChangeFamilyIcon {
        member: PassholderId,
        icon: Option<family::Icon>,
        at: DateTime<Utc>,
    },
    EndFamilyLink {
        member: PassholderId,
        at: DateTime<Utc>,
    },
    SetNote(private::SetNote),
    SetPicture(private::SetPicture),
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Registered(Box<Registered>),
    WelcomeRewardGranted {
        reward: RewardId,
        title: Text<200>,
        at: DateTime<Utc>,
    },
    DetailsChanged {
        details: Sealed<registration::PersonalDetails>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        home: Option<Municipality>,
        with_insz: bool,
        at: DateTime<Utc>,
    },
    PreferencesSet {
        preferences: registration::Preferences,
        at: DateTime<Utc>,
    },
    /// Whose it is, a keyed hash beside the log tells.
    UitidLinked {
        at: DateTime<Utc>,
    },
    CardBlocked {
        card: CardNumber,
        block: cards::Block,
        at: DateTime<Utc>,
    },
    CardGiven {
        card_system: CardSystemId,
        card: CardNumber,
        digital: bool,
        at: DateTime<Utc>,
    },
    /// What a replacement or an upgrade cost, where it cost something (R-CRD-10).
    CardCharged {
        card_system: CardSystemId,
        occasion: Occasion,
        price: Price,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        voucher: Option<VoucherCode>,
        at: DateTime<Utc>,
    },
    /// The social status went to another card system: this membership is to be blocked (R-CRD-09).
    MembershipSuperseded {
        card_system: CardSystemId,
        by: CardSystemId,
        at: DateTime<Utc>,
    },
    SocialStatusGranted {
        card_system: CardSystemId,
        until: NaiveDate,
        proof: Proof,
        at: DateTime<Utc>,
    },
    SocialStatusExtended {
        card_system: CardSystemId,
        until: NaiveDate,
        at: DateTime<Utc>,
    },
    /// By the yearly run (R-SOC-03).
    SocialStatusRenewed {
        card_system: CardSystemId,
        until: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The yearly run left it as it was.
    RenewalWithheld {
        card_system: CardSystemId,
        why: renewal::Withheld,
        at: DateTime<Utc>,
    },
    SocialStatusSuspended {
        card_system: CardSystemId,
        until: NaiveDate,
        reason: Sealed<Reason>,
        at: DateTime<Utc>,
    },
    SuspensionLifted {
        card_system: CardSystemId,
        reason: Sealed<Reason>,
        at: DateTime<Utc>,
    },
    SocialStatusEnded {
        card_system: CardSystemId,
        at: DateTime<Utc>,
    },
    MembershipBlocked {
        card_system: CardSystemId,
        reason: Sealed<Reason>,
        at: DateTime<Utc>,
    },
    /// A membership of an association was granted or renewed, until and with this day.
    AssociationJoined {
        association: AssociationId,
        until: NaiveDate,
        at: DateTime<Utc>,
    },
    AssociationLeft {
        association: AssociationId,
        at: DateTime<Utc>,
    },
    CheckedIn(Box<CheckedIn>),
    CheckInCorrected {
        check_in: CheckInId,
        activity: ActivityId,
        points: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Sealed<Reason>>,
        at: DateTime<Utc>,
    },
    TicketSold(Box<TicketSold>),
    /// A ticket was sold with a coupon.
    CouponUsed(Box<CouponUsed>),
    /// Of a sale at the social tariff, or with a coupon.
    TicketSaleCancelled {
        sale: SaleId,
        at: DateTime<Utc>,
    },
    RewardRedeemed(Box<RewardRedeemed>),
    RedemptionCancelled {
        redemption: RedemptionId,
        reward: RewardId,
        points: u32,
        at: DateTime<Utc>,
    },
    /// Somebody for whom this passholder may save points (R-FAM-01).
    FamilyMemberAdded {
        member: PassholderId,
        /// On that day.
        adult: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<family::Icon>,
        at: DateTime<Utc>,
    },
    FamilyIconChanged {
        member: PassholderId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<family::Icon>,
        at: DateTime<Utc>,
    },
    FamilyMemberRemoved {
        member: PassholderId,
        at: DateTime<Utc>,
    },
    PrivateNoteSet {
        /// Absent: there is none any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Sealed<private::Note>>,
        at: DateTime<Utc>,
    },
    PictureSet {
        picture: private::Picture,
        at: DateTime<Utc>,
    },
    PictureRemoved {
        at: DateTime<Utc>,
    },
    Removed {
        points_lapsed: i64,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub card_system: CardSystemId,
    pub counter: CounterId,
    pub card: CardNumber,
    pub digital: bool,
    pub details: Sealed<registration::PersonalDetails>,
    /// Absent for a passholder abroad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Municipality>,
    /// Who pays for a passholder abroad (R-TAR-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_municipality: Option<Municipality>,
    /// Years, on the day of registration.
    pub age: u16,
    pub with_insz: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub social_status: Option<registration::NewSocialStatus>,
    pub price: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<VoucherCode>,
    pub terms: registration::Terms,
    pub preferences: registration::Preferences,
    pub parental_consent: bool,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedIn {
    pub check_in: CheckInId,
    pub activity: ActivityId,
    pub title: Text<300>,
    pub counter: CounterId,
    pub card: CardNumber,
    pub points: u32,
    pub channel: Channel,
    /// The ticket sale that gave it (R-CHK-07).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<SaleId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Municipality>,
    pub at: DateTime<Utc>,
}

/// A granted tariff with everything the expense note prints, so that no later change of settings
/// changes history (R-TAR-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSold {
    pub sale: SaleId,
    pub activity: ActivityId,
    pub title: Text<300>,
    pub counter: CounterId,
    pub card_system: CardSystemId,
    pub card: CardNumber,
    pub price: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_name: Option<Text<120>>,
    /// Not one of the activity's prices (R-TAR-08).
    pub deviating: bool,
    pub key: DefinedKey,
    pub shares: Shares,
    /// The municipality that pays its share (R-TAR-04).
    pub payer: Municipality,
    /// What a turn is for the point of this activity (R-CHK-07).
    pub point_limit_period: Period,
    /// The check-in this sale gave, or why it gave none (R-CHK-07).
    pub point: check_ins::PointOfSale,
    pub at: DateTime<Utc>,
}

/// A ticket sold with a coupon, with everything the expense note prints (R-TAR-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponUsed {
    pub sale: SaleId,
    pub coupon: CouponId,
    pub coupon_name: Text<200>,
    pub activity: ActivityId,
    pub title: Text<300>,
    pub counter: CounterId,
    pub card_system: CardSystemId,
    pub card: CardNumber,
    pub price: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_name: Option<Text<120>>,
    /// Not one of the activity's prices (R-TAR-08).
    pub deviating: bool,
    pub shares: Shares,
    /// The municipality that pays its share (R-CPN-05).
    pub payer: Municipality,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRedeemed {
    pub redemption: RedemptionId,
    pub reward: RewardId,
    pub title: Text<200>,
    pub kind: reward::Kind,
    pub points: u32,
    pub counter: CounterId,
    pub card: CardNumber,
    pub at: DateTime<Utc>,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this passholder is not known")]
    Unknown,
    #[error("this passholder was removed")]
    Removed,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Card(#[from] cards::CardRefused),
    #[error(transparent)]
    Registration(#[from] registration::RegistrationRefused),
    #[error(transparent)]
    Status(#[from] status::StatusRefused),
    #[error(transparent)]
    Renewal(#[from] renewal::RenewalRefused),
    #[error(transparent)]
    CheckIn(#[from] check_ins::CheckInRefused),
    #[error(transparent)]
    Sale(#[from] ticket_sales::SaleRefused),
    #[error(transparent)]
    Association(#[from] associations::AssociationRefused),
    #[error(transparent)]
    Redemption(#[from] redemptions::RedemptionRefused),
    #[error(transparent)]
    Uitid(#[from] uitid::UitidRefused),
    #[error(transparent)]
    Family(#[from] family::FamilyRefused),
    #[error(transparent)]
    Picture(#[from] private::PictureRefused),
}

/// The passholder as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Passholder {
    #[default]
    Unregistered,
    Registered(Box<Holder>),
    /// Of what was sold a line can still be taken off a note (R-NOTE-06, R-PRV-01).
    Removed {
        sales: OrdMap<SaleId, ticket_sales::Sold>,
    },
}

/// A registered passholder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Opaque here; a change of details is compared with them by the caller.
    pub details: Sealed<registration::PersonalDetails>,
    /// Absent: lives abroad.
    pub home: Option<Municipality>,
    /// Of the counter that registered; pays for a passholder abroad.
    pub counter_municipality: Option<Municipality>,
    pub registered_by: CounterId,
    pub registered_at: DateTime<Utc>,
    pub with_insz: bool,
    pub preferences: registration::Preferences,
    /// Whether a UiTID is linked.
    pub with_uitid: bool,
    /// May be negative after a correction (R-CHK-08).
    pub points: i64,
    pub memberships: BTreeMap<CardSystemId, Membership>,
    pub cards: BTreeMap<CardNumber, CardState>,
    pub check_ins: OrdMap<CheckInId, check_ins::Given>,
    pub sales: OrdMap<SaleId, ticket_sales::Sold>,
    pub redemptions: OrdMap<RedemptionId, redemptions::Redeemed>,
    pub welcome_rewards: BTreeSet<RewardId>,
    /// Memberships of associations that were not stopped, with their last day.
    pub associations: BTreeMap<AssociationId, NaiveDate>,
    /// For whom he may save points.
    pub family: BTreeMap<PassholderId, family::FamilyMember>,
    /// What staff noted; opaque here.
    pub note: Option<Sealed<private::Note>>,
    pub picture: Option<private::Picture>,
}

/// Membership of a card system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    pub since: DateTime<Utc>,
    pub blocked: bool,
    /// The current card; absent between a block and a replacement (R-CRD-05).
    pub card: Option<CardNumber>,
    /// The block that took the last card away (R-CRD-06).
    pub card_taken: Option<cards::Block>,
    pub social_status: Option<SocialStatus>,
    /// The year of the last renewal, and what it came to.
    pub renewal: Option<(i32, renewal::Renewal)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    Active,
    /// Final (R-CRD-02).
    Blocked(cards::Block),
}

/// The card systems of a passholder's memberships, looked up by the caller.
pub type CardSystems = BTreeMap<CardSystemId, std::sync::Arc<CardSystem>>;

aggregate!(Passholder, "passholder", PassholderId, Command, Event, Refused);

impl Passholder {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        if let Command::Register(register) = command {
            return self.register(*register);
        }
        if let (Command::CancelSale(cancel), Passholder::Removed { sales }) = (&command, self) {
            ticket_sales::cancellable::<Refused>(sales, cancel)?;
            return Ok(vec![Event::TicketSaleCancelled { sale: cancel.sale, at: cancel.at }]);
        }
        if let Command::RegisterOneself(register) = command {
            return self.register_oneself(*register);
        }
        let holder = self.holder()?;
        match command {
            Command::Register(register) => self.register(*register),
            Command::RegisterOneself(register) => self.register_oneself(*register),
            Command::LinkUitid { at } => holder.link_uitid(at),
            Command::ChangeDetails(change) => holder.change_details(*change),
            Command::SetPreferences { preferences, at } => {
                Ok(holder.set_preferences(preferences, at))
            }
            Command::Remove(remove) => holder.remove(remove),
            Command::BlockCard(block) => holder.block_card(block),
            Command::ReplaceCard(replace) => holder.replace_card(*replace),
            Command::TakeUpMembership(take) => holder.take_up_membership(*take),
            Command::ExtendSocialStatus(extend) => holder.extend_social_status(extend),
            Command::RenewSocialStatus(renew) => holder.renew_social_status(renew),
            Command::SuspendSocialStatus(suspend) => holder.suspend_social_status(suspend),
            Command::LiftSuspension(lift) => holder.lift_suspension(lift),
            Command::BlockMembership(block) => holder.block_membership(block),
            Command::CheckIn(check_in) => holder.check_in(*check_in),
            Command::CorrectCheckIn(correct) => holder.correct_check_in(correct),
            Command::SellTickets(sell) => holder.sell_tickets(*sell),
            Command::CancelSale(cancel) => holder.cancel_sale(cancel),
            Command::Redeem(redeem) => holder.redeem(*redeem),
            Command::JoinAssociation(join) => holder.join_association(&join),
            Command::LeaveAssociation(leave) => holder.leave_association(&leave),
            Command::CancelRedemption(cancel) => holder.cancel_redemption(cancel),
            Command::AddFamilyMember(add) => holder.add_family_member(*add),
            Command::ChangeFamilyIcon { member, icon, at } => {
                holder.change_family_icon(member, icon, at)
            }
            Command::EndFamilyLink { member, at } => holder.end_family_link(member, at),
            Command::SetNote(set) => holder.set_note(set),
            Command::SetPicture(set) => holder.set_picture(set),
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match (event, &mut *self) {
            (Event::Registered(registered), _) => {
                *self = Passholder::Registered(Box::new(Holder::new(*registered)));
            }
            (Event::Removed { .. }, Passholder::Registered(holder)) => {
                *self = Passholder::Removed { sales: std::mem::take(&mut holder.sales) };
            }
            (event, Passholder::Registered(holder)) => holder.evolve(event),
            (Event::TicketSaleCancelled { sale, .. }, Passholder::Removed { sales }) => {
                ticket_sales::cancel_in(sales, sale);
            }
            (_, Passholder::Unregistered | Passholder::Removed { .. }) => {}
        }
    }

    /// The registered passholder, or why there is none.
    pub fn holder(&self) -> Result<&Holder, Refused> {
        match self {
            Passholder::Unregistered => Err(Refused::Unknown),
            Passholder::Removed { .. } => Err(Refused::Removed),
            Passholder::Registered(holder) => Ok(holder),
        }
    }
}

impl Holder {
    fn new(registered: Registered) -> Self {
        let social_status = registered
            .social_status
            .map(|status| SocialStatus { until: status.until, suspended_until: None });
        let membership = Membership {
            since: registered.at,
            blocked: false,
            card: Some(registered.card),
            card_taken: None,
            social_status,
            renewal: None,
        };
        Self {
            details: registered.details,
            home: registered.home,
            counter_municipality: registered.counter_municipality,
            registered_by: registered.counter,
            registered_at: registered.at,
            with_insz: registered.with_insz,
            preferences: registered.preferences,
            with_uitid: false,
            points: 0,
            memberships: BTreeMap::from([(registered.card_system, membership)]),
            cards: BTreeMap::from([(registered.card, CardState::Active)]),
            check_ins: OrdMap::new(),
            sales: OrdMap::new(),
            redemptions: OrdMap::new(),
            welcome_rewards: BTreeSet::new(),
            associations: BTreeMap::new(),
            family: BTreeMap::new(),
            note: None,
            picture: None,
        }
    }

    fn evolve(&mut self, event: Event) {
        match event {
            Event::Registered(_)
            | Event::CardCharged { .. }
            | Event::MembershipSuperseded { .. }
            | Event::Removed { .. } => {}
            Event::WelcomeRewardGranted { reward, .. } => {
                self.welcome_rewards.insert(reward);
            }
            Event::DetailsChanged { details, home, with_insz, .. } => {
                self.details = details;
                self.home = home;
                self.with_insz = with_insz;
            }
            Event::PreferencesSet { preferences, .. } => self.preferences = preferences,
            Event::UitidLinked { .. } => self.with_uitid = true,
            Event::CardBlocked { card, block, .. } => self.on_card_blocked(card, block),
            Event::CardGiven { card_system, card, at, .. } => {
                self.cards.insert(card, CardState::Active);
                let membership = self.memberships.entry(card_system).or_insert(Membership {
                    since: at,
                    blocked: false,
                    card: None,
                    card_taken: None,
                    social_status: None,
                    renewal: None,
                });
                membership.card = Some(card);
            }
            Event::SocialStatusGranted { card_system, until, .. } => {
                self.set_social_status(
                    card_system,
                    Some(SocialStatus { until, suspended_until: None }),
                );
            }
            Event::SocialStatusExtended { card_system, until, .. } => {
                self.edit_social_status(card_system, |status| status.until = until);
            }
            Event::SocialStatusRenewed { card_system, until, at } => {
                self.edit_social_status(card_system, |status| status.until = until);
                self.on_renewal(card_system, renewal::Renewal::Renewed, at);
            }
            Event::RenewalWithheld { card_system, why, at } => {
                self.on_renewal(card_system, renewal::Renewal::Withheld(why), at);
            }
            Event::SocialStatusSuspended { card_system, until, .. } => {
                self.edit_social_status(card_system, |status| status.suspended_until = Some(until));
            }
            Event::SuspensionLifted { card_system, .. } => {
                self.edit_social_status(card_system, |status| status.suspended_until = None);
            }
            Event::SocialStatusEnded { card_system, .. } => {
                self.set_social_status(card_system, None);
            }
            Event::MembershipBlocked { card_system, .. } => {
                if let Some(membership) = self.memberships.get_mut(&card_system) {
                    membership.blocked = true;
                }
            }
            Event::AssociationJoined { association, until, .. } => {
                self.associations.insert(association, until);
            }
            Event::AssociationLeft { association, .. } => {
                self.associations.remove(&association);
            }
            Event::CheckedIn(checked_in) => self.on_checked_in(&checked_in),
            Event::CheckInCorrected { check_in, points, .. } => {
                self.on_check_in_corrected(check_in, points);
            }
            Event::TicketSold(sold) => self.on_ticket_sold(&sold),
            Event::CouponUsed(used) => self.on_coupon_used(&used),
            Event::TicketSaleCancelled { sale, .. } => self.on_sale_cancelled(sale),
            Event::RewardRedeemed(redeemed) => self.on_redeemed(&redeemed),
            Event::RedemptionCancelled { redemption, points, .. } => {
                self.on_redemption_cancelled(redemption, points);
            }
            Event::FamilyMemberAdded { member, adult, icon, at } => {
                self.family.insert(member, family::FamilyMember { adult, icon, since: at });
            }
            Event::FamilyIconChanged { member, icon, .. } => {
                if let Some(known) = self.family.get_mut(&member) {
                    known.icon = icon;
                }
            }
            Event::FamilyMemberRemoved { member, .. } => {
                self.family.remove(&member);
            }
            Event::PrivateNoteSet { note, .. } => self.note = note,
            Event::PictureSet { picture, .. } => self.picture = Some(picture),
            Event::PictureRemoved { .. } => self.picture = None,
        }
    }

    fn set_social_status(&mut self, card_system: CardSystemId, status: Option<SocialStatus>) {
        if let Some(membership) = self.memberships.get_mut(&card_system) {
            membership.social_status = status;
        }
    }

    fn edit_social_status(
        &mut self,
        card_system: CardSystemId,
        edit: impl FnOnce(&mut SocialStatus),
    ) {
        let membership = self.memberships.get_mut(&card_system);
        if let Some(status) = membership.and_then(|membership| membership.social_status.as_mut()) {
            edit(status);
        }
    }

    /// The membership with social status, if any: at most one has it (R-CRD-09).
    pub fn social_status(&self) -> Option<(CardSystemId, &Membership, &SocialStatus)> {
        self.memberships.iter().find_map(|(card_system, membership)| {
            let status = membership.social_status.as_ref()?;
            Some((*card_system, membership, status))
        })
    }

    /// What the social status comes down to on a day, and in which card system.
    pub fn social_status_on(
        &self,
        day: NaiveDate,
        card_systems: &CardSystems,
    ) -> (Option<CardSystemId>, OnDay) {
        match self.social_status() {
            None => (None, OnDay::None),
            Some((card_system, membership, status)) => {
                let grace_days = grace_days(card_system, card_systems);
                (Some(card_system), status.on(day, grace_days, membership.blocked))
            }
        }
    }

    /// The number to show for a passholder: of the oldest membership in use with an active card.
    pub fn current_card(&self) -> Option<CardNumber> {
        let in_use = self.memberships.values().filter(|membership| !membership.blocked);
        in_use
            .filter_map(|membership| Some((membership.since, membership.card?)))
            .min()
            .map(|(_, card)| card)
    }

    /// Refuses a card that is blocked, another's, or without any membership in use (R-CRD-11).
    pub fn demand_active(&self, card: CardNumber) -> Result<(), cards::CardRefused> {
        match self.cards.get(&card) {
            None => return Err(cards::CardRefused::NotOfThisPassholder),
            Some(CardState::Blocked(_)) => return Err(cards::CardRefused::Blocked),
            Some(CardState::Active) => {}
        }
        let memberships =
            self.memberships.values().filter(|membership| membership.card == Some(card));
        let mut with_this_card = memberships.peekable();
        if with_this_card.peek().is_none() || with_this_card.all(|membership| membership.blocked) {
            return Err(cards::CardRefused::NoActiveMembership);
        }
        Ok(())
    }

    /// Refuses points and rewards to someone whose social status expired, where the card system
    /// says so and no other membership is in use (R-SOC-04).
    pub fn demand_open_for_points(
        &self,
        at: DateTime<Utc>,
        card_systems: &CardSystems,
    ) -> Result<(), status::StatusRefused> {
        let day = day_in_belgium(at);
        let state =
            |card_system: CardSystemId, membership: &Membership| match &membership.social_status {
                None if membership.blocked => OnDay::Blocked,
                None => OnDay::None,
                Some(status) => {
                    status.on(day, grace_days(card_system, card_systems), membership.blocked)
                }
            };
        let closes = |card_system: &CardSystemId| {
            card_systems
                .get(card_system)
                .is_some_and(|system| system.settings.expired_closes_points)
        };
        let closed = self.memberships.iter().find_map(|(card_system, membership)| {
            let expired = state(*card_system, membership) == OnDay::Expired;
            (expired && closes(card_system)).then_some(membership.social_status.as_ref()?.until)
        });
        let open_elsewhere = self.memberships.iter().any(|(card_system, membership)| {
            !matches!(state(*card_system, membership), OnDay::Expired | OnDay::Blocked)
        });
        match closed {
            Some(until) if !open_elsewhere => Err(status::StatusRefused::Expired(until)),
            _ => Ok(()),
        }
    }
}

fn grace_days(card_system: CardSystemId, card_systems: &CardSystems) -> u16 {
    card_systems.get(&card_system).map_or_else(
        || crate::card_system::Settings::default().grace_days,
        |system| system.settings.grace_days,
    )
}

/// Whether an authority corrects what was recorded at a counter: it must hold there (R-CHK-08,
/// R-TAR-09). A KSB admin acts at that counter too, which only its own card systems let him
/// (R-KSB-03, R-KSB-06).
fn may_correct(by: &crate::counter::Authority, recorded_at: &CounterId) -> bool {
    by.counter == *recorded_at
}

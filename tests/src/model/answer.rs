//! What a step comes to, in words that belong neither to the rules nor to the simple model.

use std::collections::BTreeMap;

use chrono::NaiveDate;

/// Facts that follow from a step, or the class of reason why it was refused.
pub type Answer = Result<Vec<Fact>, Why>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Of a membership, in cents.
    Price(i64),
    /// Given or taken.
    Points(u32),
    Welcome(usize),
    Sold {
        id: u128,
        /// Passholder, organizer and municipality, in cents.
        shares: (i64, i64, i64),
        payer: String,
        system: u32,
        key: Option<u32>,
        deviating: bool,
        /// The points it gave, or why none; absent with a coupon.
        point: Option<Result<(), Why>>,
    },
    /// A sale that was cancelled, and the points that went along.
    Cancelled {
        id: u128,
        points: u32,
    },
    /// What a municipality owes: lines, total, deducted, payable.
    Part {
        payer: String,
        lines: u32,
        total: i64,
        deducted: i64,
        payable: i64,
    },
    /// One of many, each by itself.
    Each(Answer),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    // Rights.
    NoRole,
    NoRight,
    RegistersWithoutStatusOnly,
    RegistersWithInszOnly,
    OtherMunicipality,
    OnlyKsb,
    OnlyAdmin,
    OtherCounter,
    // Passholders and cards.
    UnknownPerson,
    RemovedPerson,
    AlreadyRegistered,
    NoEmail,
    NotTold,
    NoConsent,
    WrongDigit,
    WrongDetails,
    CardUnknown,
    CardNotRegistered,
    CardNotInStock,
    CardHasHolder,
    CardBlocked,
    ForeignSystem,
    NotHisCard,
    NoActiveMembership,
    WrongKindOfBlock,
    // Memberships and social status.
    NoMembership,
    MembershipBlocked,
    HasCard,
    DefinitivelyBlocked,
    NeedsNewCard,
    IdenticalMembership,
    OutsideRegion,
    UpgradeNeeded,
    EndsInPast,
    NoProof,
    NoStatus,
    NotLater,
    NotInFuture,
    NotSuspended,
    StatusExpired,
    StatusSuspended,
    Voucher,
    // Points and tickets.
    NotOffered,
    TooEarly,
    TooLate,
    AlreadyGiven,
    NoPoints,
    Free,
    NotAPrice,
    NoKey,
    NoPayer,
    ActivityLimit,
    CounterLimit,
    SecondEqualItem,
    CouponUnknown,
    CouponNotYet,
    CouponOver,
    CouponElsewhere,
    CouponNotGranted,
    CouponUsedUp,
    UnknownThing,
    Already,
    // Rewards.
    RewardInactive,
    RewardNotYet,
    RewardOver,
    RewardElsewhere,
    SoldOut,
    RewardOfOtherSystem,
    RewardOfOtherMunicipality,
    RewardNotGranted,
    RewardLimit,
    NotEnoughPoints,
    // Notes and bulk.
    NotOver,
    Overlaps,
    Nothing,
    NotOnNote,
    NothingToSettle,
    Other,
    BadList,
}

/// Where everything stands after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub people: Vec<Portrait>,
    /// Holder, and whether blocked, of each slot.
    pub cards: Vec<(Option<usize>, bool)>,
    /// Units out, of each reward that counts them.
    pub units: Vec<u32>,
    /// What is on each note of each counter: lines and total.
    pub notes: Vec<Vec<(usize, i64)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Portrait {
    pub is_known: bool,
    pub is_removed: bool,
    pub home: Option<String>,
    pub points: i64,
    pub memberships: BTreeMap<u32, Membership>,
    /// Slot, and whether blocked.
    pub cards: BTreeMap<usize, bool>,
    pub welcome: Vec<usize>,
    /// Check-ins that count, uncancelled sales and redemptions.
    pub counts: (usize, usize, usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub blocked: bool,
    pub card: Option<usize>,
    pub status: Option<(NaiveDate, Option<NaiveDate>)>,
}

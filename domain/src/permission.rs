//! The permissions of the HTTP contract, and whose they are. A client holds its own, per counter; a
//! person has them by what his counter may do and what he is there. Source: UiTPAS API 4.0; KSB
//! manual, "Soorten balies" (R-CTR-01).

use serde::{Deserialize, Serialize};

use crate::counter::PermissionGroup;

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    TariffsRead,
    TicketsalesSearch,
    TicketsalesRegister,
    EventsUpdate,
    EventsRead,
    EventSettingsRead,
    EventSettingsUpdate,
    EventsUpdateAll,
    EventsReadAll,
    EventSettingsReadAll,
    EventSettingsUpdateAll,
    EventsQrCheckincode,
    CheckinsRead,
    CheckinsWrite,
    OrganizersSearch,
    OrganizersReports,
    OrganizersAdminsRead,
    OrganizersAdminsWrite,
    PassholdersPictureRead,
    PassholdersPictureWrite,
    PassholdersPrivateRead,
    PassholdersPrivateWrite,
    PassholdersSearch,
    PassholdersSearchAll,
    PassholdersSearchById,
    GrouppassesSearch,
    PassholdersWrite,
    PassholdersWriteSocialtariffFullCardsystem,
    PassholdersWriteForeignCountry,
    PassholdersWriteSocialtariff,
    PassholdersUpdate,
    PassholdersDelete,
    PassholderCouponsRead,
    GrouppassCouponsRead,
    MembershipPricesRead,
    PassesRead,
    PassesInsznumbersRead,
    PassesChipnumbersRead,
    RewardsWrite,
    RewardsRead,
    RewardsRedeem,
    RewardsPassholdersRead,
    PassholdersSelfRegistration,
    PassholdersSelfCheckin,
    PassholdersSelfRead,
    PassholdersRegisterUitid,
    PassholdersTransactionHistory,
    PassholdersFamilyMembers,
    OrdersRead,
    OrdersCreate,
    PermissionsRead,
    PermissionsWrite,
    CardsRead,
    Associations,
    SocialtariffExport,
    KiosksRead,
    KiosksWrite,
}

/// Which persons have a permission at a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// The staff of a counter with this group, or with one that has more.
    Group(PermissionGroup),
    /// The staff of a counter with the right "passholders of other municipalities".
    OtherMunicipalities,
    AnyStaff,
    CounterAdmin,
    Ksb,
    /// A passholder, for himself.
    Oneself,
    /// Nobody: it is for clients.
    Client,
}

impl Permission {
    pub fn held_by(self) -> HeldBy {
        use PermissionGroup::{AuthorisedRegistration, CheckInAndTicket, UnauthorisedRegistration};
        match self {
            Self::TariffsRead
            | Self::TicketsalesSearch
            | Self::TicketsalesRegister
            | Self::EventsRead
            | Self::EventSettingsRead
            | Self::EventsQrCheckincode
            | Self::CheckinsRead
            | Self::CheckinsWrite
            | Self::PassholdersSearchById
            | Self::GrouppassesSearch
            | Self::PassholderCouponsRead
            | Self::GrouppassCouponsRead
            | Self::PassesRead
            | Self::PassesInsznumbersRead
            | Self::PassesChipnumbersRead
            | Self::RewardsRead
            | Self::RewardsRedeem
            | Self::RewardsPassholdersRead => HeldBy::Group(CheckInAndTicket),
            Self::PassholdersPictureRead
            | Self::PassholdersPictureWrite
            | Self::PassholdersPrivateRead
            | Self::PassholdersPrivateWrite
            | Self::PassholdersSearch
            | Self::PassholdersWrite
            | Self::PassholdersUpdate
            | Self::PassholdersFamilyMembers
            | Self::MembershipPricesRead
            | Self::CardsRead
            | Self::Associations => HeldBy::Group(UnauthorisedRegistration),
            Self::PassholdersWriteSocialtariff => HeldBy::Group(AuthorisedRegistration),
            Self::PassholdersWriteSocialtariffFullCardsystem
            | Self::PassholdersWriteForeignCountry => HeldBy::OtherMunicipalities,
            Self::OrganizersSearch
            | Self::OrganizersAdminsRead
            | Self::KiosksRead
            | Self::KiosksWrite => HeldBy::AnyStaff,
            Self::OrganizersReports | Self::OrganizersAdminsWrite | Self::EventsUpdate => {
                HeldBy::CounterAdmin
            }
            Self::EventSettingsUpdate
            | Self::PassholdersDelete
            | Self::RewardsWrite
            | Self::SocialtariffExport => HeldBy::Ksb,
            Self::PassholdersSelfRegistration
            | Self::PassholdersSelfCheckin
            | Self::PassholdersSelfRead
            | Self::PassholdersRegisterUitid
            | Self::PassholdersTransactionHistory => HeldBy::Oneself,
            Self::EventsUpdateAll
            | Self::EventsReadAll
            | Self::EventSettingsReadAll
            | Self::EventSettingsUpdateAll
            | Self::PassholdersSearchAll
            | Self::OrdersRead
            | Self::OrdersCreate
            | Self::PermissionsRead
            | Self::PermissionsWrite => HeldBy::Client,
        }
    }
}

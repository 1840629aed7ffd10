//! The refusals of the domain in the words of the answers.

use uitpas_domain::card::{self, Unidentified};
use uitpas_domain::counter::notes::NoteRefused;
use uitpas_domain::counter::{self, NotAllowed};
use uitpas_domain::coupon::Unusable;
use uitpas_domain::offering::NotOffered;
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::{CheckInRefused, NoPoint};
use uitpas_domain::passholder::coupons::CouponRefused;
use uitpas_domain::passholder::redemptions::RedemptionRefused;
use uitpas_domain::passholder::registration::RegistrationRefused;
use uitpas_domain::passholder::status::StatusRefused;
use uitpas_domain::passholder::ticket_sales::SaleRefused;
use uitpas_domain::reward::{self, Unavailable};

use super::answer::Why;

impl From<Refused> for Why {
    fn from(refused: Refused) -> Why {
        match refused {
            Refused::Unknown => Why::UnknownPerson,
            Refused::Removed => Why::RemovedPerson,
            Refused::NotAllowed(why) => why.into(),
            Refused::Card(why) => why.into(),
            Refused::Registration(why) => why.into(),
            Refused::Status(why) => why.into(),
            Refused::Renewal(_)
            | Refused::Association(_)
            | Refused::Uitid(_)
            | Refused::Family(_)
            | Refused::Picture(_) => Why::Other,
            Refused::CheckIn(why) => why.into(),
            Refused::Sale(why) => why.into(),
            Refused::Redemption(why) => why.into(),
        }
    }
}

impl From<NotAllowed> for Why {
    fn from(why: NotAllowed) -> Why {
        match why {
            NotAllowed::Task(_) => Why::NoRight,
            NotAllowed::RegisterWithSocialStatus => Why::RegistersWithoutStatusOnly,
            NotAllowed::RegisterWithoutInsz => Why::RegistersWithInszOnly,
            NotAllowed::OtherMunicipality => Why::OtherMunicipality,
            NotAllowed::OnlyKsb => Why::OnlyKsb,
        }
    }
}

impl From<CardRefused> for Why {
    fn from(why: CardRefused) -> Why {
        match why {
            CardRefused::Blocked => Why::CardBlocked,
            CardRefused::NotOfThisPassholder => Why::NotHisCard,
            CardRefused::NoActiveMembership => Why::NoActiveMembership,
            CardRefused::ReasonOfOtherKind => Why::WrongKindOfBlock,
            CardRefused::NoMembership => Why::NoMembership,
            CardRefused::HasCard => Why::HasCard,
            CardRefused::DefinitivelyBlocked => Why::DefinitivelyBlocked,
            CardRefused::NeedsNewCard => Why::NeedsNewCard,
        }
    }
}

impl From<RegistrationRefused> for Why {
    fn from(why: RegistrationRefused) -> Why {
        match why {
            RegistrationRefused::AlreadyRegistered => Why::AlreadyRegistered,
            RegistrationRefused::NeedsSocialStatusCard | RegistrationRefused::NeedsRegularCard => {
                Why::WrongDigit
            }
            RegistrationRefused::NoEmail => Why::NoEmail,
            RegistrationRefused::TermsNotTold => Why::NotTold,
            RegistrationRefused::NoParentalConsent => Why::NoConsent,
            RegistrationRefused::StatusEndsInPast => Why::EndsInPast,
            RegistrationRefused::NoProof => Why::NoProof,
            RegistrationRefused::OutsideCardSystem => Why::OutsideRegion,
            RegistrationRefused::UpgradeNeeded => Why::UpgradeNeeded,
            RegistrationRefused::Voucher(_) => Why::Voucher,
            _ => Why::WrongDetails,
        }
    }
}

impl From<StatusRefused> for Why {
    fn from(why: StatusRefused) -> Why {
        match why {
            StatusRefused::NoMembership => Why::NoMembership,
            StatusRefused::MembershipBlocked => Why::MembershipBlocked,
            StatusRefused::None => Why::NoStatus,
            StatusRefused::NotLater(_) => Why::NotLater,
            StatusRefused::NotInFuture => Why::NotInFuture,
            StatusRefused::NotSuspended => Why::NotSuspended,
            StatusRefused::Expired(_) => Why::StatusExpired,
            StatusRefused::Suspended(_) => Why::StatusSuspended,
            StatusRefused::IdenticalMembership => Why::IdenticalMembership,
        }
    }
}

impl From<NotOffered> for Why {
    fn from(_: NotOffered) -> Why {
        Why::NotOffered
    }
}

impl From<CheckInRefused> for Why {
    fn from(why: CheckInRefused) -> Why {
        match why {
            CheckInRefused::NotOffered(why) => why.into(),
            CheckInRefused::TooEarly(_) => Why::TooEarly,
            CheckInRefused::TooLate(_) => Why::TooLate,
            CheckInRefused::AlreadyGiven(_) => Why::AlreadyGiven,
            CheckInRefused::NoPoints => Why::NoPoints,
            CheckInRefused::Unknown => Why::UnknownThing,
            CheckInRefused::AlreadyCorrected => Why::Already,
            CheckInRefused::OtherCounter => Why::OtherCounter,
            CheckInRefused::OnlyKsb => Why::OnlyKsb,
        }
    }
}

impl From<NoPoint> for Why {
    fn from(why: NoPoint) -> Why {
        match why {
            NoPoint::OpensAt(_) => Why::TooEarly,
            NoPoint::Closed => Why::TooLate,
            NoPoint::GivenAlready(_) => Why::AlreadyGiven,
            NoPoint::ActivityGivesNone => Why::NoPoints,
            NoPoint::StatusExpired => Why::StatusExpired,
            NoPoint::GroupPass => Why::Other,
        }
    }
}

impl From<SaleRefused> for Why {
    fn from(why: SaleRefused) -> Why {
        match why {
            SaleRefused::NotOffered(why) => why.into(),
            SaleRefused::Free => Why::Free,
            SaleRefused::NotAPrice(_) => Why::NotAPrice,
            SaleRefused::NoSocialStatus => Why::NoStatus,
            SaleRefused::Expired(_) => Why::StatusExpired,
            SaleRefused::Suspended(_) => Why::StatusSuspended,
            SaleRefused::MembershipBlocked => Why::MembershipBlocked,
            SaleRefused::NoKey => Why::NoKey,
            SaleRefused::NoPayer => Why::NoPayer,
            SaleRefused::Coupon(why) => why.into(),
            SaleRefused::LimitReached { of_counter: true, .. } => Why::CounterLimit,
            SaleRefused::LimitReached { of_counter: false, .. } => Why::ActivityLimit,
            SaleRefused::SecondEqualItem => Why::SecondEqualItem,
            SaleRefused::Unknown => Why::UnknownThing,
            SaleRefused::AlreadyCancelled => Why::Already,
            SaleRefused::OtherCounter => Why::OtherCounter,
        }
    }
}

impl From<CouponRefused> for Why {
    fn from(why: CouponRefused) -> Why {
        match why {
            CouponRefused::Unusable(Unusable::Unknown) => Why::CouponUnknown,
            CouponRefused::Unusable(Unusable::NotYet(_)) => Why::CouponNotYet,
            CouponRefused::Unusable(Unusable::Over(_)) => Why::CouponOver,
            CouponRefused::Unusable(Unusable::OtherActivity) => Why::CouponElsewhere,
            CouponRefused::NotGranted => Why::CouponNotGranted,
            CouponRefused::UsedUp { .. } => Why::CouponUsedUp,
        }
    }
}

impl From<RedemptionRefused> for Why {
    fn from(why: RedemptionRefused) -> Why {
        match why {
            RedemptionRefused::Unavailable(why) => match why {
                Unavailable::Unknown => Why::UnknownThing,
                Unavailable::Inactive => Why::RewardInactive,
                Unavailable::NotYet(_) => Why::RewardNotYet,
                Unavailable::Over(_) => Why::RewardOver,
                Unavailable::OtherCounter => Why::RewardElsewhere,
                Unavailable::SoldOut => Why::SoldOut,
            },
            RedemptionRefused::OtherCardSystem => Why::RewardOfOtherSystem,
            RedemptionRefused::OtherMunicipality => Why::RewardOfOtherMunicipality,
            RedemptionRefused::NotGranted => Why::RewardNotGranted,
            RedemptionRefused::LimitReached => Why::RewardLimit,
            RedemptionRefused::NotEnoughPoints { .. } => Why::NotEnoughPoints,
            RedemptionRefused::Unknown => Why::UnknownThing,
            RedemptionRefused::AlreadyCancelled => Why::Already,
            RedemptionRefused::OnlyKsb => Why::OnlyKsb,
        }
    }
}

impl From<card::Refused> for Why {
    fn from(why: card::Refused) -> Why {
        match why {
            card::Refused::NotFound => Why::CardUnknown,
            card::Refused::NotInLocalStock => Why::CardNotInStock,
            card::Refused::AlreadyKnown | card::Refused::AlreadyAssigned => Why::CardHasHolder,
            card::Refused::Blocked => Why::CardBlocked,
            card::Refused::ForeignCardSystem => Why::ForeignSystem,
        }
    }
}

impl From<Unidentified> for Why {
    fn from(why: Unidentified) -> Why {
        match why {
            Unidentified::NotRegistered => Why::CardNotRegistered,
            Unidentified::NotInLocalStock => Why::CardNotInStock,
            Unidentified::Blocked(_) => Why::CardBlocked,
            Unidentified::NotFound => Why::CardUnknown,
        }
    }
}

impl From<reward::Refused> for Why {
    fn from(why: reward::Refused) -> Why {
        match why {
            reward::Refused::SoldOut => Why::SoldOut,
            _ => Why::Other,
        }
    }
}

impl From<counter::Refused> for Why {
    fn from(why: counter::Refused) -> Why {
        match why {
            counter::Refused::Note(why) => match why {
                NoteRefused::OnlyKsb => Why::OnlyKsb,
                NoteRefused::OnlyAdmin => Why::OnlyAdmin,
                NoteRefused::PeriodNotOver => Why::NotOver,
                NoteRefused::Overlaps(_) => Why::Overlaps,
                NoteRefused::Nothing => Why::Nothing,
                NoteRefused::Unknown => Why::UnknownThing,
                NoteRefused::AlreadyApproved | NoteRefused::AlreadyObjected => Why::Already,
                NoteRefused::NothingToSettle => Why::NothingToSettle,
                NoteRefused::NoSales | NoteRefused::NotOnNote => Why::NotOnNote,
                NoteRefused::DeadlineInPast => Why::Other,
            },
            _ => Why::Other,
        }
    }
}

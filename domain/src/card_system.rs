//! A card system, that is a UiTPAS region: its municipalities, prices, keys, settings and the KSB
//! admins who run it. Source: KSB manual.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::activity::{Margins, WITHOUT_STAFF};
use crate::aggregate;
use crate::calendar::day_in_belgium;
use crate::distribution::DefinedKey;
use crate::ids::{CardSystemId, DistributionKeyId, SubjectId};
use crate::payment::{Account, OrderPayment, Payment, PaymentOrdered, PaymentRefused};
use crate::values::contact::Email;
use crate::values::euro::{Euro, Price};
use crate::values::place::{Municipality, PostalCode};
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    Create {
        name: Text<80>,
        municipalities: Vec<Municipality>,
        at: DateTime<Utc>,
    },
    AddKsbAdmin {
        admin: SubjectId,
        at: DateTime<Utc>,
    },
    RemoveKsbAdmin {
        admin: SubjectId,
        at: DateTime<Utc>,
    },
    /// Somebody who reads everything of this card system, and writes nothing.
    AddAuditor {
        auditor: SubjectId,
        at: DateTime<Utc>,
    },
    RemoveAuditor {
        auditor: SubjectId,
        at: DateTime<Utc>,
    },
    /// Where the people of the region turn to.
    SetContact {
        email: Email,
        at: DateTime<Utc>,
    },
    /// From where a municipality pays what it owes to counters.
    SetAccount {
        account: Account,
        at: DateTime<Utc>,
    },
    OrderPayment(OrderPayment),
    /// A payment that the bank did not carry out.
    WithdrawPayment {
        payment: u32,
        at: DateTime<Utc>,
    },
    DefineKey {
        key: DefinedKey,
        at: DateTime<Utc>,
    },
    /// The keys that hold wherever neither activity nor counter has any.
    ChooseDefaultKeys {
        keys: BTreeSet<DistributionKeyId>,
        at: DateTime<Utc>,
    },
    SetPrices {
        brackets: Vec<PriceBracket>,
        at: DateTime<Utc>,
    },
    SetAdministrativePrices {
        prices: AdministrativePrices,
        at: DateTime<Utc>,
    },
    ChangeSettings {
        settings: Settings,
        at: DateTime<Utc>,
    },
    /// A municipality agreed to the yearly renewal of social status, for one of its postal codes.
    AgreeToRenewal {
        postal_code: PostalCode,
        agreed_on: NaiveDate,
        at: DateTime<Utc>,
    },
    EndRenewalAgreement {
        postal_code: PostalCode,
        at: DateTime<Utc>,
    },
    IssueVoucher {
        code: VoucherCode,
        voucher: Voucher,
        at: DateTime<Utc>,
    },
    SpendVoucher {
        code: VoucherCode,
        at: DateTime<Utc>,
    },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Created {
        name: Text<80>,
        municipalities: Vec<Municipality>,
        at: DateTime<Utc>,
    },
    KsbAdminAdded {
        admin: SubjectId,
        at: DateTime<Utc>,
    },
    KsbAdminRemoved {
        admin: SubjectId,
        at: DateTime<Utc>,
    },
    AuditorAdded {
        auditor: SubjectId,
        at: DateTime<Utc>,
    },
    AuditorRemoved {
        auditor: SubjectId,
        at: DateTime<Utc>,
    },
    /// In clear: it is the region's, and nobody's own.
    ContactSet {
        email: Email,
        at: DateTime<Utc>,
    },
    AccountSet {
        account: Account,
        at: DateTime<Utc>,
    },
    PaymentOrdered(Box<PaymentOrdered>),
    PaymentWithdrawn {
        payment: u32,
        at: DateTime<Utc>,
    },
    KeyDefined {
        key: DefinedKey,
        at: DateTime<Utc>,
    },
    DefaultKeysChosen {
        keys: BTreeSet<DistributionKeyId>,
        at: DateTime<Utc>,
    },
    PricesSet {
        brackets: Vec<PriceBracket>,
        at: DateTime<Utc>,
    },
    AdministrativePricesSet {
        prices: AdministrativePrices,
        at: DateTime<Utc>,
    },
    SettingsChanged {
        settings: Settings,
        at: DateTime<Utc>,
    },
    RenewalAgreed {
        postal_code: PostalCode,
        agreed_on: NaiveDate,
        at: DateTime<Utc>,
    },
    RenewalAgreementEnded {
        postal_code: PostalCode,
        at: DateTime<Utc>,
    },
    VoucherIssued {
        code: VoucherCode,
        voucher: Voucher,
        at: DateTime<Utc>,
    },
    VoucherSpent {
        code: VoucherCode,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this card system is not known")]
    Unknown,
    #[error("this card system exists already")]
    AlreadyExists,
    #[error("a card system needs at least one municipality")]
    NoMunicipality,
    #[error("distribution key {0} is not defined in this card system")]
    UnknownKey(DistributionKeyId),
    #[error("distribution key {0} is defined already; define another")]
    KeyExists(DistributionKeyId),
    #[error(transparent)]
    Prices(#[from] InvalidBrackets),
    #[error("no municipality of this card system has postal code {0}")]
    OtherPostalCode(PostalCode),
    #[error("this voucher code exists already")]
    VoucherExists,
    #[error(transparent)]
    Voucher(#[from] VoucherRefused),
    #[error(transparent)]
    Payment(#[from] PaymentRefused),
}

/// What is wrong with price brackets (R-REG-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrackets {
    #[error("no price covers age {0}")]
    Gap(u16),
    #[error("two prices cover age {0}")]
    Overlap(u16),
    #[error("a price bracket ends before it begins, at age {0}")]
    Reversed(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VoucherRefused {
    #[error("this voucher is not known")]
    Unknown,
    #[error("this voucher was used already")]
    Spent,
    #[error("this voucher was valid until {0}")]
    Expired(NaiveDate),
}

/// The price of a membership for one age bracket (R-REG-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBracket {
    /// Years, inclusive.
    pub from_age: u16,
    /// Years, inclusive; absent = no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_age: Option<u16>,
    pub regular: Price,
    pub with_social_status: Price,
}

/// What a card costs someone who is a passholder already; nothing unless set (R-CRD-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdministrativePrices {
    /// Of another card in this card system.
    pub replacement: Price,
    /// Of joining it as a member of another one.
    pub upgrade: Price,
}

/// For what an administrative price is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Occasion {
    Replacement,
    Upgrade,
}

/// What a passholder hands over for a lower membership price.
pub type VoucherCode = Text<40>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Taken off the price, never below 0.00.
    pub off: Price,
    /// Last day of validity.
    pub until: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Days after its end date that a social status still counts (R-SOC-02).
    pub grace_days: u16,
    /// Whether an expired social status also closes points and rewards (R-SOC-04).
    pub expired_closes_points: bool,
    /// When points can be saved without staff (R-CHK-10).
    pub without_staff: Margins,
}

impl Default for Settings {
    fn default() -> Self {
        Self { grace_days: 30, expired_closes_points: false, without_staff: WITHOUT_STAFF }
    }
}

/// The card system as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CardSystem {
    /// Absent until it is created.
    pub name: Option<Text<80>>,
    pub municipalities: Vec<Municipality>,
    pub ksb_admins: BTreeSet<SubjectId>,
    pub auditors: BTreeSet<SubjectId>,
    pub contact: Option<Email>,
    /// One per municipality.
    pub accounts: Vec<Account>,
    /// By number, from 1.
    pub payments: BTreeMap<u32, Payment>,
    pub keys: BTreeMap<DistributionKeyId, DefinedKey>,
    pub default_keys: BTreeSet<DistributionKeyId>,
    pub prices: Vec<PriceBracket>,
    pub administrative_prices: AdministrativePrices,
    pub settings: Settings,
    /// Postal codes whose municipality agreed to the yearly renewal of social status, with the day of
    /// the agreement: from then on they are enrolled (R-SOC-03).
    pub renewal_agreements: BTreeMap<PostalCode, NaiveDate>,
    pub vouchers: BTreeMap<VoucherCode, IssuedVoucher>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuedVoucher {
    pub voucher: Voucher,
    pub spent: bool,
}

aggregate!(CardSystem, "card-system", CardSystemId, Command, Event, Refused);

impl CardSystem {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        if let Command::Create { name, municipalities, at } = command {
            if self.name.is_some() {
                return Err(Refused::AlreadyExists);
            }
            if municipalities.is_empty() {
                return Err(Refused::NoMunicipality);
            }
            return Ok(vec![Event::Created { name, municipalities, at }]);
        }
        if self.name.is_none() {
            return Err(Refused::Unknown);
        }
        match command {
            Command::Create { .. } => Err(Refused::AlreadyExists),
            Command::AddKsbAdmin { admin, at } => Ok(match self.ksb_admins.contains(&admin) {
                true => vec![],
                false => vec![Event::KsbAdminAdded { admin, at }],
            }),
            Command::RemoveKsbAdmin { admin, at } => Ok(match self.ksb_admins.contains(&admin) {
                true => vec![Event::KsbAdminRemoved { admin, at }],
                false => vec![],
            }),
            Command::AddAuditor { auditor, at } => Ok(match self.auditors.contains(&auditor) {
                true => vec![],
                false => vec![Event::AuditorAdded { auditor, at }],
            }),
            Command::RemoveAuditor { auditor, at } => Ok(match self.auditors.contains(&auditor) {
                true => vec![Event::AuditorRemoved { auditor, at }],
                false => vec![],
            }),
            Command::SetContact { email, at } => {
                let news = self.contact.as_ref() != Some(&email);
                Ok(if news { vec![Event::ContactSet { email, at }] } else { vec![] })
            }
            Command::SetAccount { account, at } => Ok(self.set_account(account, at)),
            Command::OrderPayment(order) => self.order_payment(order),
            Command::WithdrawPayment { payment, at } => self.withdraw_payment(payment, at),
            Command::DefineKey { key, at } => match self.keys.get(&key.id) {
                Some(known) if *known == key => Ok(vec![]),
                // Keys stand in recorded sales: a changed key is a new key.
                Some(_) => Err(Refused::KeyExists(key.id)),
                None => Ok(vec![Event::KeyDefined { key, at }]),
            },
            Command::ChooseDefaultKeys { keys, at } => {
                self.knows_keys(&keys)?;
                let news = keys != self.default_keys;
                Ok(if news { vec![Event::DefaultKeysChosen { keys, at }] } else { vec![] })
            }
            Command::SetPrices { brackets, at } => {
                covers_all_ages(&brackets)?;
                let news = brackets != self.prices;
                Ok(if news { vec![Event::PricesSet { brackets, at }] } else { vec![] })
            }
            Command::SetAdministrativePrices { prices, at } => {
                let news = prices != self.administrative_prices;
                Ok(if news { vec![Event::AdministrativePricesSet { prices, at }] } else { vec![] })
            }
            Command::ChangeSettings { settings, at } => {
                let news = settings != self.settings;
                Ok(if news { vec![Event::SettingsChanged { settings, at }] } else { vec![] })
            }
            Command::AgreeToRenewal { postal_code, agreed_on, at } => {
                if !self.has_inhabitants_of(&postal_code) {
                    return Err(Refused::OtherPostalCode(postal_code));
                }
                let news = self.renewal_agreements.get(&postal_code) != Some(&agreed_on);
                Ok(match news {
                    true => vec![Event::RenewalAgreed { postal_code, agreed_on, at }],
                    false => vec![],
                })
            }
            Command::EndRenewalAgreement { postal_code, at } => {
                Ok(match self.renewal_agreements.contains_key(&postal_code) {
                    true => vec![Event::RenewalAgreementEnded { postal_code, at }],
                    false => vec![],
                })
            }
            Command::IssueVoucher { code, voucher, at } => match self.vouchers.get(&code) {
                Some(_) => Err(Refused::VoucherExists),
                None => Ok(vec![Event::VoucherIssued { code, voucher, at }]),
            },
            Command::SpendVoucher { code, at } => {
                self.valid_voucher(&code, day_in_belgium(at))?;
                Ok(vec![Event::VoucherSpent { code, at }])
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Created { name, municipalities, .. } => {
                self.name = Some(name);
                self.municipalities = municipalities;
            }
            Event::KsbAdminAdded { admin, .. } => {
                self.ksb_admins.insert(admin);
            }
            Event::KsbAdminRemoved { admin, .. } => {
                self.ksb_admins.remove(&admin);
            }
            Event::AuditorAdded { auditor, .. } => {
                self.auditors.insert(auditor);
            }
            Event::AuditorRemoved { auditor, .. } => {
                self.auditors.remove(&auditor);
            }
            Event::ContactSet { email, .. } => self.contact = Some(email),
            Event::AccountSet { account, .. } => self.on_account(account),
            Event::PaymentOrdered(ordered) => self.on_payment(*ordered),
            Event::PaymentWithdrawn { payment, .. } => self.on_withdrawal(payment),
            Event::KeyDefined { key, .. } => {
                self.keys.insert(key.id, key);
            }
            Event::DefaultKeysChosen { keys, .. } => self.default_keys = keys,
            Event::PricesSet { brackets, .. } => self.prices = brackets,
            Event::AdministrativePricesSet { prices, .. } => self.administrative_prices = prices,
            Event::SettingsChanged { settings, .. } => self.settings = settings,
            Event::RenewalAgreed { postal_code, agreed_on, .. } => {
                self.renewal_agreements.insert(postal_code, agreed_on);
            }
            Event::RenewalAgreementEnded { postal_code, .. } => {
                self.renewal_agreements.remove(&postal_code);
            }
            Event::VoucherIssued { code, voucher, .. } => {
                self.vouchers.insert(code, IssuedVoucher { voucher, spent: false });
            }
            Event::VoucherSpent { code, .. } => {
                if let Some(issued) = self.vouchers.get_mut(&code) {
                    issued.spent = true;
                }
            }
        }
    }

    /// Refuses keys that this card system does not define.
    pub fn knows_keys(&self, keys: &BTreeSet<DistributionKeyId>) -> Result<(), Refused> {
        match keys.iter().find(|id| !self.keys.contains_key(id)) {
            Some(unknown) => Err(Refused::UnknownKey(*unknown)),
            None => Ok(()),
        }
    }

    /// Whether someone who lives there is an inhabitant of this region (R-SOC-05).
    pub fn has_inhabitants_of(&self, postal_code: &PostalCode) -> bool {
        self.municipalities.iter().any(|municipality| municipality.postal_code == *postal_code)
    }

    /// The postal codes enrolled in the yearly renewal on a day (R-SOC-03).
    pub fn enrolled_on(&self, day: NaiveDate) -> impl Iterator<Item = PostalCode> + '_ {
        let agreed =
            self.renewal_agreements.iter().filter(move |(_, agreed_on)| **agreed_on <= day);
        agreed.map(|(postal_code, _)| *postal_code)
    }

    /// The price of a membership, less the voucher, never below 0.00 (R-REG-06).
    pub fn membership_price(
        &self,
        age: u16,
        with_social_status: bool,
        voucher: Option<&VoucherCode>,
        today: NaiveDate,
    ) -> Result<Price, VoucherRefused> {
        let bracket = self.prices.iter().find(|bracket| bracket.holds(age));
        let price = bracket.map_or(Price::FREE, |bracket| match with_social_status {
            true => bracket.with_social_status,
            false => bracket.regular,
        });
        self.reduced(price, voucher, today)
    }

    /// What a card costs someone who is a passholder already, less the voucher (R-CRD-10).
    pub fn administrative_price(
        &self,
        occasion: Occasion,
        voucher: Option<&VoucherCode>,
        today: NaiveDate,
    ) -> Result<Price, VoucherRefused> {
        let price = match occasion {
            Occasion::Replacement => self.administrative_prices.replacement,
            Occasion::Upgrade => self.administrative_prices.upgrade,
        };
        self.reduced(price, voucher, today)
    }

    fn reduced(
        &self,
        price: Price,
        voucher: Option<&VoucherCode>,
        today: NaiveDate,
    ) -> Result<Price, VoucherRefused> {
        let off = match voucher {
            Some(code) => self.valid_voucher(code, today)?.off.euro(),
            None => Euro::ZERO,
        };
        let reduced = (price.euro() - off).max(Euro::ZERO);
        Ok(Price::try_from(reduced).expect("a price less something, not below zero, is a price"))
    }

    fn valid_voucher(
        &self,
        code: &VoucherCode,
        today: NaiveDate,
    ) -> Result<&Voucher, VoucherRefused> {
        let issued = self.vouchers.get(code).ok_or(VoucherRefused::Unknown)?;
        if issued.spent {
            return Err(VoucherRefused::Spent);
        }
        if today > issued.voucher.until {
            return Err(VoucherRefused::Expired(issued.voucher.until));
        }
        Ok(&issued.voucher)
    }
}

impl PriceBracket {
    fn holds(&self, age: u16) -> bool {
        age >= self.from_age && self.until_age.is_none_or(|until| age <= until)
    }
}

/// Brackets cover all ages without gap or overlap, else they are refused (R-REG-06).
fn covers_all_ages(brackets: &[PriceBracket]) -> Result<(), InvalidBrackets> {
    let mut sorted: Vec<&PriceBracket> = brackets.iter().collect();
    sorted.sort_by_key(|bracket| bracket.from_age);
    // The first age not yet covered; absent once a bracket without upper bound was seen.
    let mut uncovered = Some(0);
    for bracket in sorted {
        match uncovered {
            Some(age) if bracket.from_age > age => return Err(InvalidBrackets::Gap(age)),
            Some(age) if bracket.from_age == age => {}
            _ => return Err(InvalidBrackets::Overlap(bracket.from_age)),
        }
        if bracket.until_age.is_some_and(|until| until < bracket.from_age) {
            return Err(InvalidBrackets::Reversed(bracket.from_age));
        }
        uncovered = bracket.until_age.and_then(|until| until.checked_add(1));
    }
    match uncovered {
        Some(age) => Err(InvalidBrackets::Gap(age)),
        None => Ok(()),
    }
}

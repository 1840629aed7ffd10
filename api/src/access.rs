//! Who may do what: the one table of all operations, with what each of them takes. What stands not in
//! it, no client does. Source: UiTPAS API 4.0, and RULES "counters" for what the contract lacks.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use uitpas_domain::permission::Permission;

/// What an operation takes of whoever calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A token, of anybody.
    Token,
    /// One of these permissions, for the counter that it is about.
    One(&'static [Permission]),
    /// It is about whoever calls.
    Oneself(Permission),
    /// A client with this permission, and no person.
    Client(Permission),
    /// A role, where the contract has no operation and so no permission.
    Role(Roles),
    /// The id of a kiosk device, or its configuration code.
    Device,
    /// To be a known client: there is no token.
    ClientId,
    /// A signature in the address, which was given to whoever may.
    SignedLink,
}

/// Whoever has one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Roles {
    /// Any work at the counter, or the KSB of one of its card systems.
    Staff,
    /// Staff of a registration counter, or the KSB.
    RegistrationCounter,
    CounterAdmin,
    Ksb,
    /// An auditor of the card system, or its KSB.
    Auditor,
    SystemOwner,
}

#[derive(Debug)]
pub struct Operation {
    /// In capitals.
    pub method: &'static str,
    /// With where its part of the API stands.
    pub path: &'static str,
    pub needs: Needs,
    /// Whether a client may also merely say who it is.
    pub or_client_id: bool,
    /// Whether another token of its own opens it too (`x-custom-token`).
    pub or_custom_token: bool,
    /// What some of its parameters take of a client.
    pub in_part: &'static [Permission],
}

impl Operation {
    /// The permissions of which it takes one.
    pub fn permissions(&self) -> &[Permission] {
        match &self.needs {
            Needs::One(permissions) => permissions,
            Needs::Oneself(permission) | Needs::Client(permission) => {
                std::slice::from_ref(permission)
            }
            Needs::Token => self.in_part,
            Needs::Role(_) | Needs::Device | Needs::ClientId | Needs::SignedLink => &[],
        }
    }

    pub fn is_about_oneself(&self) -> bool {
        matches!(self.needs, Needs::Oneself(_))
    }

    const fn or_client_id(self) -> Self {
        Self { or_client_id: true, ..self }
    }

    const fn in_part(self, in_part: &'static [Permission]) -> Self {
        Self { in_part, ..self }
    }

    const fn or_custom_token(self) -> Self {
        Self { or_custom_token: true, ..self }
    }
}

const fn get(path: &'static str, needs: Needs) -> Operation {
    operation("GET", path, needs)
}

const fn put(path: &'static str, needs: Needs) -> Operation {
    operation("PUT", path, needs)
}

const fn post(path: &'static str, needs: Needs) -> Operation {
    operation("POST", path, needs)
}

const fn delete(path: &'static str, needs: Needs) -> Operation {
    operation("DELETE", path, needs)
}

const fn operation(method: &'static str, path: &'static str, needs: Needs) -> Operation {
    Operation { method, path, needs, or_client_id: false, or_custom_token: false, in_part: &[] }
}

use Needs::{Client, ClientId, Device, One, Oneself, Role, SignedLink, Token};
use Permission as P;
use Roles::{Auditor, CounterAdmin, Ksb, RegistrationCounter, Staff, SystemOwner};

const SEARCH: &[P] = &[P::PassholdersSearch, P::PassholdersSearchById, P::PassholdersSearchAll];
const SETTINGS: &[P] = &[P::EventSettingsRead, P::EventSettingsReadAll];
const SET_SETTINGS: &[P] = &[P::EventSettingsUpdate, P::EventSettingsUpdateAll];

/// Names in braces do not matter.
pub static OPERATIONS: &[Operation] = &[
    // Tariffs and ticket sales
    get("/v4/tariffs", One(&[P::TariffsRead])),
    get("/v4/tariffs/static", One(&[P::TariffsRead])),
    post("/v4/ticket-sales", One(&[P::TicketsalesRegister])),
    get("/v4/ticket-sales", One(&[P::TicketsalesSearch])),
    delete("/v4/ticket-sales/{}", One(&[P::TicketsalesRegister])),
    // Check-ins
    post("/v4/checkins", One(&[P::CheckinsWrite])),
    get("/v4/checkins", One(&[P::CheckinsRead])),
    delete("/v4/checkins/{}", One(&[P::CheckinsWrite])),
    get("/v4/checkin-status", One(&[P::CheckinsWrite])),
    post("/v4/passholders/{}/checkins", Oneself(P::PassholdersSelfCheckin)),
    // Passes and cards
    get("/v4/passes", One(&[P::PassesRead])),
    get("/v4/passes/{}", One(&[P::PassesRead])),
    get("/v4/insz-numbers/{}", One(&[P::PassesInsznumbersRead])),
    get("/v4/chip-numbers/{}", One(&[P::PassesChipnumbersRead])),
    get("/v4/cards", One(&[P::CardsRead])),
    // Passholders and memberships
    get("/v4/passholders", One(SEARCH)),
    post("/v4/passholders", One(&[P::PassholdersWrite])),
    get("/v4/passholders/{}", One(SEARCH)),
    put("/v4/passholders/{}", One(&[P::PassholdersWrite])),
    delete("/v4/passholders/{}", One(&[P::PassholdersDelete])),
    get("/v4/passholders/{}/private", One(&[P::PassholdersPrivateRead])),
    put("/v4/passholders/{}/private", One(&[P::PassholdersPrivateWrite])),
    get("/v4/passholders/{}/picture", One(&[P::PassholdersPictureRead])),
    put("/v4/passholders/{}/picture", One(&[P::PassholdersPictureWrite])),
    get("/v4/passholders/{}/picture/{}", SignedLink),
    delete("/v4/passholders/{}/picture", One(&[P::PassholdersPictureWrite])),
    get("/v4/passholders/{}/memberships/{}", One(&[P::PassholdersWrite])),
    post("/v4/passholders/{}/memberships/{}", One(&[P::PassholdersWrite])),
    get("/v4/passholders/membership-prices/{}", One(&[P::MembershipPricesRead])).or_client_id(),
    get("/v4/passholders/{}/membership-prices/{}", One(&[P::MembershipPricesRead])),
    get("/v4/passholders/status/insz-numbers/{}", Token).or_client_id(),
    // What a passholder has: associations, coupons, family
    get("/v4/associations", One(&[P::Associations])),
    get("/v4/passholders/{}/association-memberships", One(&[P::Associations])),
    post("/v4/passholders/{}/association-memberships", One(&[P::Associations])),
    delete("/v4/passholders/{}/association-memberships/{}", One(&[P::Associations])),
    get("/v4/passholders/{}/coupons", One(&[P::PassholderCouponsRead])),
    get("/v4/passholders/{}/family-members", One(&[P::PassholdersFamilyMembers])),
    post("/v4/passholders/{}/family-members", One(&[P::PassholdersFamilyMembers])),
    put("/v4/passholders/{}/family-members/{}", One(&[P::PassholdersFamilyMembers])),
    delete("/v4/passholders/{}/family-members/{}", One(&[P::PassholdersFamilyMembers]))
        .or_custom_token(),
    get("/v4/passholders/{}/families", One(&[P::PassholdersFamilyMembers])),
    // Group passes
    get("/v4/grouppasses", One(&[P::GrouppassesSearch])).or_client_id(),
    get("/v4/grouppasses/{}", One(&[P::GrouppassesSearch])),
    get("/v4/grouppasses/{}/coupons", One(&[P::GrouppassCouponsRead])),
    // Rewards
    get("/v4/rewards", Token).or_client_id().in_part(&[P::RewardsPassholdersRead]),
    post("/v4/rewards", One(&[P::RewardsWrite])),
    get("/v4/rewards/{}", One(&[P::RewardsRead])),
    put("/v4/rewards/{}", One(&[P::RewardsWrite])),
    get("/v4/rewards/{}/redeem-status", One(&[P::RewardsRedeem])),
    post("/v4/rewards/redeemed", One(&[P::RewardsRedeem])),
    get("/v4/rewards/redeemed", One(&[P::RewardsRead])),
    delete("/v4/rewards/redeemed/{}", One(&[P::RewardsRedeem])),
    // Events
    put("/v4/events/{}/card-systems", One(&[P::EventsUpdate, P::EventsUpdateAll])),
    get("/v4/events/{}/card-systems", Token),
    put("/v4/events/{}/settings", One(SET_SETTINGS)),
    get("/v4/events/{}/settings", One(SETTINGS)),
    get("/v4/events/{}/qr-checkincodes/download-link", One(&[P::EventsQrCheckincode])),
    get("/v4/events/{}/qr-checkincodes/{}", SignedLink),
    get("/v4/events/{}/checkin-code", One(&[P::EventsQrCheckincode])),
    // Organizers, staff, permissions
    get("/v4/organizers", One(&[P::OrganizersSearch])),
    get("/v4/organizers/{}", One(&[P::OrganizersSearch])),
    get("/v4/organizers/{}/admins", One(&[P::OrganizersAdminsRead])),
    post("/v4/organizers/{}/admins", One(&[P::OrganizersAdminsWrite])),
    delete("/v4/organizers/{}/admins/{}", One(&[P::OrganizersAdminsWrite])),
    get("/v4/permissions", Token),
    get("/v4/permissions/{}", Client(P::PermissionsRead)),
    put("/v4/permissions/{}", Client(P::PermissionsWrite)),
    // Financial reports
    get("/v4/organizers/{}/financial-reports/periods", One(&[P::OrganizersReports])),
    post("/v4/organizers/{}/financial-reports", One(&[P::OrganizersReports])),
    get("/v4/organizers/{}/financial-reports", One(&[P::OrganizersReports])),
    get("/v4/organizers/{}/financial-reports/{}", One(&[P::OrganizersReports])),
    get("/v4/organizers/{}/financial-reports/{}/download-link", One(&[P::OrganizersReports])),
    // Kiosks
    get("/v4/kiosks", One(&[P::KiosksRead])),
    get("/v4/kiosks/{}/fixed-event", One(&[P::KiosksRead])),
    put("/v4/kiosks/{}/fixed-event", One(&[P::KiosksWrite])),
    delete("/v4/kiosks/{}/fixed-event", One(&[P::KiosksWrite])),
    put("/v4/kiosk-devices/setup", Device),
    get("/v4/kiosk-devices", Device),
    get("/v4/kiosk-devices/events", Device),
    put("/v4/kiosk-devices/events", Device),
    delete("/v4/kiosk-devices/events", Device),
    post("/v4/kiosk-devices/checkins", Device),
    get("/v4/kiosk-devices/checkins", Device),
    get("/v4/kiosk-devices/chip-numbers/{}", Device),
    // Card systems
    get("/v4/card-systems", Token).or_client_id(),
    get("/v4/card-systems/{}", Token).or_client_id(),
    get("/v4/card-systems/{}/city-settings", Token).or_client_id(),
    get("/v4/card-systems/{}/membership-prices", Token).or_client_id(),
    // Whoever is logged in, and orders
    get("/v4/passholders/me/uitid/registration-token", ClientId),
    get("/v4/passholders/me/uitid/status", ClientId),
    get("/v4/uitid/emails/{}", Token).or_client_id(),
    put("/v4/passholders/me/uitid", Oneself(P::PassholdersRegisterUitid)),
    get("/v4/passholders/me", Oneself(P::PassholdersSelfRead)),
    post("/v4/passholders/me", Oneself(P::PassholdersSelfRegistration)),
    delete("/v4/passholders/me", Oneself(P::PassholdersSelfRead)),
    put("/v4/passholders/me/preferences", Oneself(P::PassholdersSelfRead)),
    get("/v4/passholders/me/transactions", Oneself(P::PassholdersTransactionHistory)),
    get("/v4/passholders/{}/transactions", One(&[P::PassholdersTransactionHistory])),
    post("/v4/orders", One(&[P::OrdersCreate])).or_client_id(),
    get("/v4/orders/{}", One(&[P::OrdersRead])).or_custom_token(),
    // Beyond the contract
    put("/admin/v1/card-systems/{}", Role(SystemOwner)),
    put("/admin/v1/card-systems/{}/admins/{}", Role(SystemOwner)),
    delete("/admin/v1/card-systems/{}/admins/{}", Role(SystemOwner)),
    post("/admin/v1/card-systems/{}/distribution-keys", Role(Ksb)),
    put("/admin/v1/card-systems/{}/default-keys", Role(Ksb)),
    put("/admin/v1/card-systems/{}/prices", Role(Ksb)),
    put("/admin/v1/card-systems/{}/administrative-prices", Role(Ksb)),
    get("/admin/v1/card-systems/{}/settings", Role(Ksb)),
    put("/admin/v1/card-systems/{}/settings", Role(Ksb)),
    post("/admin/v1/card-systems/{}/vouchers", Role(Ksb)),
    get("/admin/v1/card-systems/{}/memberships-to-block", Role(Ksb)),
    get("/admin/v1/card-systems/{}/coupons", Role(Ksb)),
    post("/admin/v1/coupons", Role(Ksb)),
    get("/admin/v1/coupons/{}", Role(Ksb)),
    put("/admin/v1/coupons/{}", Role(Ksb)),
    put("/admin/v1/card-systems/{}/auditors/{}", Role(Ksb)),
    delete("/admin/v1/card-systems/{}/auditors/{}", Role(Ksb)),
    put("/admin/v1/card-systems/{}/contact", Role(Ksb)),
    get("/admin/v1/card-systems/{}/renewal-agreements", Role(Ksb)),
    put("/admin/v1/card-systems/{}/renewal-agreements/{}", Role(Ksb)),
    delete("/admin/v1/card-systems/{}/renewal-agreements/{}", Role(Ksb)),
    post("/admin/v1/card-systems/{}/renewal", Role(Ksb)),
    get("/admin/v1/card-systems/{}/renewal", Role(Ksb)),
    get("/admin/v1/card-systems/{}/renewal/{}", Role(Ksb)),
    get("/admin/v1/card-systems/{}/cards", Role(Ksb)),
    get("/admin/v1/card-systems/{}/card-stock", Role(Ksb)),
    put("/admin/v1/cards/{}/place", Role(Ksb)),
    delete("/admin/v1/cards/{}", Role(Ksb)),
    get("/admin/v1/passholders/{}/cards", Role(RegistrationCounter)),
    post("/admin/v1/card-systems/{}/voucher-list", Role(Ksb)),
    get("/admin/v1/card-systems/{}/insight", Role(Ksb)),
    get("/admin/v1/card-systems/{}/segment", Role(Ksb)),
    get("/admin/v1/rewards/{}/online", Role(Ksb)),
    put("/admin/v1/rewards/{}/online", Role(Ksb)),
    delete("/admin/v1/rewards/{}/online", Role(Ksb)),
    post("/admin/v1/rewards/{}/codes", Role(Ksb)),
    post("/admin/v1/associations", Role(Ksb)),
    put("/admin/v1/associations/{}", Role(Ksb)),
    get("/admin/v1/card-systems/{}/associations", Role(Ksb)),
    get("/admin/v1/counters/{}/ending-association-memberships", Role(Staff)),
    post("/admin/v1/group-passes", Role(Ksb)),
    put("/admin/v1/group-passes/{}", Role(Ksb)),
    post("/admin/v1/group-passes/{}/block", Role(Ksb)),
    get("/admin/v1/card-systems/{}/group-passes", Role(Ksb)),
    get("/admin/v1/audit/group-passes/{}", Role(Auditor)),
    put("/admin/v1/clients/{}", Role(Ksb)),
    get("/admin/v1/onboarding", Role(Ksb)),
    put("/admin/v1/orders/{}/payment", Role(Ksb)),
    delete("/admin/v1/orders/{}", Role(Ksb)),
    put("/admin/v1/counters/{}/onboarding/{}", Role(Ksb)),
    delete("/admin/v1/counters/{}/onboarding/{}", Role(Ksb)),
    put("/admin/v1/counters/{}", Role(SystemOwner)),
    get("/admin/v1/counters/{}/terms/{}", Role(Ksb)),
    put("/admin/v1/counters/{}/terms/{}", Role(Ksb)),
    put("/admin/v1/counters/{}/iban", Role(Ksb)),
    put("/admin/v1/counters/{}/staff/{}", Role(Ksb)),
    delete("/admin/v1/counters/{}/staff/{}", Role(CounterAdmin)),
    get("/admin/v1/counters/{}/activities", Role(Staff)),
    get("/admin/v1/counters/{}/view", Role(Staff)),
    get("/admin/v1/counters/{}/totals", Role(Staff)),
    get("/admin/v1/counters/{}/statistics", Role(Staff)),
    get("/admin/v1/checkins", Role(Staff)),
    post("/admin/v1/checkins/{}/correction", Role(Ksb)),
    get("/admin/v1/granted-tariffs", Role(Staff)),
    get("/admin/v1/used-coupons", Role(Staff)),
    get("/admin/v1/redeemed-rewards", Role(Staff)),
    get("/admin/v1/activities", Role(Staff)),
    get("/admin/v1/passholders", Role(RegistrationCounter)),
    get("/admin/v1/passholders/{}/export", Role(Ksb)),
    put("/admin/v1/activities/{}/settings", Role(Ksb)),
    put("/admin/v1/activities/{}/card-systems", Role(Ksb)),
    post("/admin/v1/cards", Role(Ksb)),
    post("/admin/v1/passholders/{}/cards", Role(RegistrationCounter)),
    post("/admin/v1/passholders/{}/cards/{}/block", Role(RegistrationCounter)),
    post("/admin/v1/passholders/{}/memberships/{}", Role(Ksb)),
    post("/admin/v1/bulk", Role(RegistrationCounter)),
    post("/admin/v1/kiosks", Role(Ksb)),
    get("/admin/v1/kiosks/{}", Role(Ksb)),
    put("/admin/v1/kiosks/{}", Role(Ksb)),
    delete("/admin/v1/kiosks/{}/device", Role(Ksb)),
    get("/admin/v1/notes", Role(Auditor)),
    get("/admin/v1/counters/{}/notes", Role(CounterAdmin)),
    post("/admin/v1/counters/{}/notes", Role(Ksb)),
    get("/admin/v1/counters/{}/notes/{}", Role(CounterAdmin)),
    put("/admin/v1/counters/{}/notes/{}/approval", Role(CounterAdmin)),
    post("/admin/v1/counters/{}/notes/{}/objection", Role(CounterAdmin)),
    post("/admin/v1/counters/{}/notes/{}/settlement", Role(Ksb)),
    put("/admin/v1/card-systems/{}/accounts/{}", Role(Ksb)),
    get("/admin/v1/card-systems/{}/payments", Role(Auditor)),
    post("/admin/v1/card-systems/{}/payments", Role(Ksb)),
    get("/admin/v1/card-systems/{}/payments/{}", Role(Auditor)),
    delete("/admin/v1/card-systems/{}/payments/{}", Role(Ksb)),
    get("/admin/v1/audit/passholders/{}", Role(Auditor)),
    get("/admin/v1/audit/counters/{}", Role(Auditor)),
    get("/admin/v1/audit/cards/{}", Role(Auditor)),
    get("/admin/v1/audit/counters/{}/notes/{}", Role(Auditor)),
    get("/admin/v1/audit/lines/{}", Role(Auditor)),
    get("/admin/v1/audit/lines/{}/explanation", Role(Auditor)),
];

/// By method and path, the names in braces left out.
static BY_PATH: LazyLock<HashMap<(&str, &str), &Operation>> = LazyLock::new(|| {
    OPERATIONS.iter().map(|operation| ((operation.method, operation.path), operation)).collect()
});

/// The operation of a method at a path as it was routed.
pub fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    BY_PATH.get(&(method.as_str(), nameless(path).as_str())).copied()
}

fn nameless(path: &str) -> String {
    let mut nameless = String::with_capacity(path.len());
    let mut within = false;
    for c in path.chars() {
        match c {
            '}' => within = false,
            _ if within => continue,
            '{' => within = true,
            _ => {}
        }
        nameless.push(c);
    }
    nameless
}

tokio::task_local! {
    static OPERATION: Option<&'static Operation>;
}

/// Remembers which operation the request is of.
pub async fn operation_of(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let operation = path.and_then(|path| find(request.method(), path));
    OPERATION.scope(operation, next.run(request)).await
}

/// The operation at hand; none outside of a request, and none where the table has no row for it.
pub fn at_hand() -> Option<&'static Operation> {
    OPERATION.try_with(|operation| *operation).ok().flatten()
}

//! Every error of every door, as problem+json. The only place that knows slugs and status codes.
//!
//! A type URI is the contract's where the contract has one; our own are `urn:uitpas:problem:...`.
//! `endUserMessage.nl` is what the person at the counter should read.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Brussels;
use serde_json::{Map, Value, json};
use uitpas_domain::bulk::ListRefused;
use uitpas_domain::calendar::Period;
use uitpas_domain::card::{self, Unidentified};
use uitpas_domain::card_system::VoucherRefused;
use uitpas_domain::counter::notes::NoteRefused;
use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::coupon::Unusable;
use uitpas_domain::kiosk::ScanRefused;
use uitpas_domain::offering::NotOffered;
use uitpas_domain::passholder::associations::AssociationRefused;
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::CheckInRefused;
use uitpas_domain::passholder::coupons::CouponRefused;
use uitpas_domain::passholder::family::{ADULTS_MAX, FamilyRefused, PERSONS_MAX};
use uitpas_domain::passholder::private::PictureRefused;
use uitpas_domain::passholder::redemptions::RedemptionRefused;
use uitpas_domain::passholder::registration::RegistrationRefused;
use uitpas_domain::passholder::renewal::RenewalRefused;
use uitpas_domain::passholder::status::StatusRefused;
use uitpas_domain::passholder::ticket_sales::SaleRefused;
use uitpas_domain::passholder::uitid::UitidRefused;
use uitpas_domain::payment::PaymentRefused;
use uitpas_domain::reward::Unavailable;
use uitpas_domain::values::identifier::InvalidIdentifier;
use uitpas_domain::{
    account, activity, association, card_system, client, counter, coupon, group_pass, kiosk, order,
    passholder, reward,
};
use uitpas_store::Unsuccessful;

use crate::import::rows::Broken;

/// Nothing in the period of a report or note (R-NOTE-02).
pub const NOTHING_IN_PERIOD: &str =
    "Er is geen financieel rapport beschikbaar voor de opgegeven periode.";

/// What a handler answers.
pub type Answer<T> = Result<T, Problem>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Unauthorized(&'static str),
    #[error("{0}")]
    Forbidden(String),
    #[error("there is nothing at this address")]
    NoSuchUrl,
    #[error("this address knows another method")]
    MethodNotAllowed,
    #[error("a body is required")]
    BodyMissing,
    #[error("the body cannot be read: {0}")]
    BodySyntax(String),
    /// JSON pointer and reason.
    #[error("{0}: {1}")]
    BodyData(String, String),
    #[error("the body may have at most {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body must be {0}")]
    UnsupportedMediaType(&'static str),
    /// Parameter and reason.
    #[error("query parameter {0}: {1}")]
    Query(String, String),
    #[error("limit is at most {0}")]
    QueryLimit(u32),
    #[error("header {0}: {1}")]
    Header(&'static str, String),

    #[error(transparent)]
    Identifier(#[from] InvalidIdentifier),
    #[error(transparent)]
    Unidentified(#[from] Unidentified),
    #[error("no passholder has that identifier")]
    PassNotFound,
    #[error("the card is blocked")]
    CardBlocked,
    #[error("the card is not active")]
    CardNotActive(CardNotActive),
    #[error(transparent)]
    Passholder(#[from] passholder::Refused),
    #[error(transparent)]
    Card(#[from] card::Refused),
    #[error(transparent)]
    Counter(#[from] counter::Refused),
    #[error(transparent)]
    CardSystem(#[from] card_system::Refused),
    #[error(transparent)]
    Order(#[from] order::Refused),
    #[error("no social-tariff validation is trusted here")]
    NoSocialTariffValidation,
    #[error(transparent)]
    Client(#[from] client::Refused),
    #[error(transparent)]
    Account(#[from] account::Refused),
    #[error(transparent)]
    Activity(#[from] activity::Refused),
    #[error(transparent)]
    Reward(#[from] reward::Refused),
    #[error(transparent)]
    Bulk(#[from] ListRefused),
    #[error(transparent)]
    Kiosk(#[from] kiosk::Refused),
    #[error(transparent)]
    Scan(#[from] ScanRefused),
    #[error("no kiosk has that name")]
    KioskNotFound,
    #[error("the kiosk has no activity at that moment")]
    NoActivityNow,
    #[error("no passholder has this chip")]
    ScanOfNobody,
    #[error("the card is blocked")]
    ScanOfBlockedCard,
    #[error("the point was saved already, at {0}")]
    SavedAlready(DateTime<Utc>),
    #[error(transparent)]
    Coupon(#[from] coupon::Refused),
    #[error("a group pass saves no points and redeems none")]
    GroupPass,
    #[error(transparent)]
    Association(#[from] association::Refused),
    #[error("this association is not known")]
    AssociationNotFound,
    #[error(transparent)]
    OfGroupPass(#[from] group_pass::Refused),
    #[error("{0} belongs to another passholder")]
    Taken(&'static str),
    #[error("this activity is not known")]
    EventNotFound,
    #[error("tickets of this activity were sold already")]
    EventHasSales,
    #[error("there is no such card system, or the organizer does not work for it")]
    InvalidCardSystem,
    #[error("there are no schools here")]
    SchoolNotFound,
    #[error("there are no groups of organizers here")]
    GroupNotFound,
    #[error("sorting by postal code takes one to be near to")]
    PostalCodeRequired,
    #[error("the token names no national number")]
    InszInTokenRequired,
    #[error("this check-in code is of no activity")]
    CheckInCodeUnknown,
    #[error("this check-in code gives no more points")]
    CheckInCodeExpired,
    #[error("no passholder has this number and this date of birth")]
    FamilyMemberNotFound,
    #[error("the form has no part named file")]
    FileMissing,
    #[error("a picture is a JPEG or a PNG")]
    FileOfOtherType,
    #[error("a picture has at most {0} bytes")]
    FileTooLarge(usize),
    #[error("this check-in is not known")]
    CheckInNotFound,
    #[error("this ticket sale is not known")]
    SaleNotFound,
    #[error("this redemption is not known")]
    RedemptionNotFound,
    #[error("this report is not known")]
    ReportNotFound,
    #[error("there is no report to download")]
    ReportEmpty,
    #[error("an empty list")]
    NoItems,
    #[error("at most {0} items")]
    TooManyItems(usize),
    #[error("this tariff is not offered")]
    UnknownTariff,
    #[error("a Belgian postal code has 4 digits, 1000 to 9992; 0000 is abroad")]
    InvalidPostalCode,
    #[error("no municipality of the card system has this postal code")]
    PostalCodeElsewhere,

    #[error("this Idempotency-Key was used for another request")]
    OtherRequest,
    #[error("this request is being carried out")]
    UnderWay,
    #[error("busy; try again")]
    Busy,
    #[error("too many tries; wait {retry_after_s} seconds")]
    RateLimited { retry_after_s: u64 },
    #[error("changed since it was read; read it again")]
    ChangedMeanwhile,
    #[error("the ledger cannot be reached; try again")]
    LedgerUnavailable,
    #[error("something went wrong here")]
    Internal(Cause),
}

/// A card that was found and cannot be used, as `GET /passes` tells it.
#[derive(Debug, Clone)]
pub struct CardNotActive {
    pub unidentified: Unidentified,
    pub card_status: &'static str,
    pub passholder: Option<String>,
}

impl From<Unsuccessful<Problem>> for Problem {
    fn from(unsuccessful: Unsuccessful<Problem>) -> Self {
        match unsuccessful {
            Unsuccessful::Refused(problem) => problem,
            Unsuccessful::OtherRequest => Problem::OtherRequest,
            Unsuccessful::UnderWay => Problem::UnderWay,
            Unsuccessful::Busy => Problem::Busy,
            Unsuccessful::Unavailable => Problem::LedgerUnavailable,
            Unsuccessful::ClaimTaken(kind) => Problem::Taken(kind),
            Unsuccessful::Failed(cause) => Problem::Internal(cause),
        }
    }
}

impl From<uitpas_store::Failed> for Problem {
    fn from(failed: uitpas_store::Failed) -> Self {
        match failed.is_unavailable() {
            true => Problem::LedgerUnavailable,
            false => Problem::Internal(failed.into()),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        uitpas_projections::Failed::from(error).into()
    }
}

impl From<uitpas_projections::Failed> for Problem {
    fn from(failed: uitpas_projections::Failed) -> Self {
        match failed.is_passing() {
            true => Problem::LedgerUnavailable,
            false => Problem::Internal(failed.into()),
        }
    }
}

impl From<NotAllowed> for Problem {
    fn from(refused: NotAllowed) -> Self {
        Problem::Passholder(refused.into())
    }
}

/// What went out, beside the answer: an operation may have another word for it.
#[derive(Clone)]
pub struct Refusal(pub Value);

/// A problem as it goes out.
struct Printed {
    status: StatusCode,
    kind: String,
    title: String,
    nl: Option<String>,
    extra: Map<String, Value>,
}

/// Of the contract, general part.
fn general(status: StatusCode, slug: &str, title: &str) -> Printed {
    printed(status, format!("https://api.publiq.be/probs/{slug}"), title)
}

/// Of the contract, about UiTPAS.
fn uitpas(status: StatusCode, slug: &str, title: &str, nl: impl Into<String>) -> Printed {
    let problem = printed(status, format!("https://api.publiq.be/probs/uitpas/{slug}"), title);
    Printed { nl: Some(nl.into()), ..problem }
}

/// Our own, where the contract has none.
fn own(status: StatusCode, slug: &str, title: &str, nl: impl Into<String>) -> Printed {
    Printed { nl: Some(nl.into()), ..printed(status, format!("urn:uitpas:problem:{slug}"), title) }
}

fn printed(status: StatusCode, kind: String, title: &str) -> Printed {
    Printed { status, kind, title: title.to_owned(), nl: None, extra: Map::new() }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

impl Problem {
    /// A CSV file of which no line can be read.
    pub fn csv(broken: Broken) -> Self {
        Problem::BodySyntax(broken.to_string())
    }

    pub fn status(&self) -> StatusCode {
        self.print().status
    }

    /// What the person at the counter should read, where there is something to tell.
    pub fn end_user_message(&self) -> Option<String> {
        self.print().nl
    }

    /// As it stands in an answer.
    pub fn to_json(&self) -> Value {
        let Printed { status, kind, title, nl, extra } = self.print();
        let mut body = Map::new();
        body.insert("type".into(), kind.into());
        body.insert("title".into(), title.into());
        body.insert("status".into(), status.as_u16().into());
        if !matches!(self, Problem::Internal(_)) {
            body.insert("detail".into(), self.to_string().into());
        }
        let nl = nl.unwrap_or_else(|| words_of(status).to_owned());
        body.insert("endUserMessage".into(), json!({ "nl": nl }));
        body.extend(extra);
        Value::Object(body)
    }

    fn print(&self) -> Printed {
        match self {
            Problem::Unauthorized(_) => {
                general(StatusCode::UNAUTHORIZED, "auth/unauthorized", "Unauthorized")
            }
            Problem::Forbidden(_) => Printed {
                nl: Some("Je hebt geen rechten om dit te doen.".to_owned()),
                ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
            },
            Problem::NoSuchUrl => general(NOT_FOUND, "url/not-found", "Not Found"),
            Problem::MethodNotAllowed => {
                general(StatusCode::METHOD_NOT_ALLOWED, "method/not-allowed", "Method not allowed")
            }
            Problem::BodyMissing => general(BAD, "body/missing", "Body missing"),
            Problem::BodySyntax(_) => general(BAD, "body/invalid-syntax", "Invalid body syntax"),
            Problem::BodyData(pointer, error) => {
                let problem = invalid_body(pointer, error);
                let field = pointer.rsplit('/').next().unwrap_or_default();
                match invalid_number(field, error) {
                    Some(of_number) => Printed { extra: problem.extra, ..of_number },
                    None => problem,
                }
            }
            Problem::BodyTooLarge(_) => own(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "Body too large",
                "Dit is te groot om te verwerken. Verdeel het in kleinere stukken.",
            ),
            Problem::UnsupportedMediaType(_) => general(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "header/unsupported-media-type",
                "Unsupported Media Type",
            ),
            // The contract has none, and leaves these to the program that calls.
            Problem::Query(name, error) => invalid_number(name, error).unwrap_or_else(|| {
                let kind = "urn:uitpas:problem:invalid-query".to_owned();
                printed(BAD, kind, "Invalid query parameter")
            }),
            Problem::QueryLimit(_) => {
                general(BAD, "url/query-limit-exceeded", "Query limit exceeded")
            }
            Problem::Header(..) => general(BAD, "header/invalid", "Header invalid"),
            Problem::Identifier(_) => invalid_uitpas_number(),
            Problem::Unidentified(why) => unidentified(*why),
            Problem::PassNotFound => uitpas(
                NOT_FOUND,
                "pass-not-found",
                "Pass not found",
                "We vinden geen UiTPAS met dit nummer.",
            ),
            Problem::CardBlocked => {
                uitpas(BAD, "card-blocked", "Card blocked", "Deze kaart is geblokkeerd.")
            }
            Problem::CardNotActive(card) => {
                let mut problem = unidentified(card.unidentified);
                problem.extra.insert("cardStatus".into(), card.card_status.into());
                let pass_type = match card.unidentified {
                    Unidentified::Blocked(card::Holder::GroupPass(_)) => "GROUP",
                    _ => "INDIVIDUAL",
                };
                problem.extra.insert("passType".into(), pass_type.into());
                if let Some(passholder) = &card.passholder {
                    problem.extra.insert("passholderId".into(), passholder.clone().into());
                }
                problem
            }
            Problem::Passholder(refused) => of_passholder(refused),
            Problem::Card(refused) => of_card(*refused),
            Problem::Counter(refused) => of_counter(*refused),
            Problem::CardSystem(refused) => of_card_system(refused),
            Problem::Order(refused) => of_order(*refused),
            Problem::NoSocialTariffValidation => uitpas(
                BAD,
                "invalid-social-tariff-validation-token",
                "Invalid social tariff validation token",
                "Kansentarief kun je hier niet online aanvragen. Kom langs aan een balie.",
            ),
            Problem::Client(client::Refused::Unknown) => uitpas(
                NOT_FOUND,
                "client-not-found",
                "Client not found",
                "We kennen deze toepassing niet.",
            ),
            Problem::Account(account::Refused::NoEmail) => unknown_uitid(),
            Problem::Activity(refused) => match refused {
                activity::Refused::Unknown => event_not_found(),
                activity::Refused::TooManyPoints => {
                    invalid_body("/checkinPoints", &refused.to_string())
                }
            },
            Problem::Reward(refused) => of_reward(*refused),
            Problem::Bulk(refused) => Printed {
                nl: Some(match refused {
                    ListRefused::Empty => "Kies minstens één pashouder.".to_owned(),
                    ListRefused::TooMany => "Kies hoogstens 200 pashouders tegelijk.".to_owned(),
                    ListRefused::Duplicate(place) => {
                        format!("De pashouder op plaats {place} staat twee keer in de lijst.")
                    }
                }),
                ..invalid_body("/passholders", &refused.to_string())
            },
            Problem::Kiosk(refused) => of_kiosk(*refused),
            Problem::Scan(refused) => uitpas(
                BAD,
                "checkin-not-allowed",
                "Check-in not allowed",
                match refused {
                    ScanRefused::InTheFuture => "De klok van deze zuil loopt voor.",
                    ScanRefused::TooOld => "Dit punt werd meer dan drie maanden geleden gescand.",
                },
            ),
            Problem::KioskNotFound => {
                uitpas(BAD, "kiosk-not-found", "Kiosk not found", "Er is geen zuil met deze naam.")
            }
            Problem::NoActivityNow => uitpas(
                BAD,
                "event-not-found",
                "Event not found",
                "Er is nu geen activiteit waarvoor je hier punten kunt sparen.",
            ),
            Problem::ScanOfNobody => uitpas(
                BAD,
                "passholder-not-found",
                "Passholder not found",
                "We kennen deze kaart niet. Vraag raad aan de balie.",
            ),
            Problem::ScanOfBlockedCard => uitpas(
                BAD,
                "card-blocked",
                "Card blocked",
                "Deze kaart is geblokkeerd. Vraag raad aan de balie.",
            ),
            Problem::SavedAlready(at) => uitpas(
                BAD,
                "maximum-reached",
                "Maximum reached",
                format!("Je spaarde dit punt al op {}.", moment(*at)),
            ),
            Problem::Coupon(refused) => of_coupon(*refused),
            Problem::GroupPass => uitpas(
                BAD,
                "invalid-card",
                "Invalid card",
                "Dit is een groepspas. Daarmee kun je geen punten sparen of omruilen.",
            ),
            Problem::OfGroupPass(refused) => of_group_pass(refused),
            Problem::Association(refused) => of_association(*refused),
            Problem::AssociationNotFound => association_not_found(BAD),
            Problem::Taken("insz") => uitpas(
                BAD,
                "insz-already-used",
                "INSZ already used",
                "Er is al een pashouder met dit rijksregisternummer.",
            ),
            Problem::Taken("uitid") => uitpas(
                BAD,
                "uitid-already-registered",
                "UiTID already registered",
                "Aan dit UiTiD is al een andere UiTPAS gekoppeld.",
            ),
            Problem::Taken("kiosk-device") => uitpas(
                BAD,
                "kiosk-device-already-in-use",
                "Kiosk device already in use",
                "Dit toestel is al een andere zuil.",
            ),
            Problem::Taken("kiosk-name") => invalid_body("/name", "is the name of another kiosk"),
            Problem::Taken(_) => uitpas(
                BAD,
                "invalid-card",
                "Invalid card",
                "Deze kaart of chip is al van iemand anders.",
            ),
            Problem::EventNotFound => uitpas(
                NOT_FOUND,
                "event-not-found",
                "Event not found",
                "We vinden deze activiteit niet.",
            ),
            Problem::EventHasSales => uitpas(
                BAD,
                "event-already-has-ticketsales",
                "Event already has ticket sales",
                "Er zijn al tickets verkocht voor deze activiteit. Vraag de kaartsysteembeheerder om \
                 raad.",
            ),
            Problem::InvalidCardSystem => uitpas(
                BAD,
                "invalid-card-system",
                "Invalid card system",
                "Dit kaartsysteem bestaat niet, of de organisator werkt er niet voor.",
            ),
            Problem::SchoolNotFound => {
                uitpas(BAD, "school-not-found", "School not found", "We vinden deze school niet.")
            }
            Problem::GroupNotFound => uitpas(
                BAD,
                "group-not-found",
                "Group not found",
                "We vinden deze groep van organisatoren niet.",
            ),
            Problem::PostalCodeRequired => uitpas(
                BAD,
                "postal-code-required",
                "Postal code required",
                "Kies een postcode om van dichtbij naar veraf te sorteren.",
            ),
            Problem::InszInTokenRequired => insz_in_token_required(),
            Problem::PostalCodeElsewhere => uitpas(
                BAD,
                "postal-code-not-in-card-system",
                "Postal code not in card system",
                "Deze gemeente hoort niet bij dit kaartsysteem.",
            ),
            Problem::CheckInCodeUnknown => uitpas(
                BAD,
                "checkin-code-invalid",
                "Check-in code invalid",
                "We herkennen deze QR-code niet. Vraag ernaar aan de balie.",
            ),
            Problem::CheckInCodeExpired => uitpas(
                BAD,
                "checkin-code-expired",
                "Check-in code expired",
                "Deze activiteit is voorbij. Met deze QR-code spaar je geen punten meer.",
            ),
            Problem::FamilyMemberNotFound => uitpas(
                BAD,
                "passholder-not-found",
                "Passholder not found",
                "We vinden geen pashouder met dit nummer en deze geboortedatum.",
            ),
            Problem::FileMissing => Printed {
                nl: Some("Kies een foto.".to_owned()),
                ..general(BAD, "body/file-missing", "File missing")
            },
            Problem::FileOfOtherType => Printed {
                nl: Some("Kies een foto in JPEG of PNG.".to_owned()),
                ..general(BAD, "body/file-invalid-type", "Invalid file type")
            },
            Problem::FileTooLarge(most) => Printed {
                nl: Some(format!(
                    "Deze foto is te groot. Kies er een van hoogstens {} kB.",
                    most / 1000
                )),
                ..general(BAD, "body/file-invalid-size", "Invalid file size")
            },
            Problem::CheckInNotFound => own(
                NOT_FOUND,
                "checkin-not-found",
                "Check-in not found",
                "We vinden dit gespaarde punt niet.",
            ),
            Problem::SaleNotFound => uitpas(
                NOT_FOUND,
                "ticket-sale-not-found",
                "Ticket sale not found",
                "We vinden deze toegekende korting niet.",
            ),
            Problem::RedemptionNotFound => own(
                NOT_FOUND,
                "redeemed-reward-not-found",
                "Redeemed reward not found",
                "We vinden dit opgenomen voordeel niet.",
            ),
            Problem::ReportNotFound => uitpas(
                NOT_FOUND,
                "report-not-found",
                "Report not found",
                "We vinden dit financieel rapport niet.",
            ),
            Problem::ReportEmpty => {
                uitpas(BAD, "report-invalid-status", "Invalid report status", NOTHING_IN_PERIOD)
            }
            Problem::NoItems => invalid_body("/", "an empty list"),
            Problem::TooManyItems(most) => invalid_body("/", &format!("at most {most} items")),
            Problem::InvalidPostalCode => uitpas(
                BAD,
                "invalid-postal-code",
                "Invalid postal code",
                "Dit is geen geldige postcode.",
            ),
            Problem::UnknownTariff => invalid_body("/tariff/id", "this tariff is not offered"),
            Problem::OtherRequest => own(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "Idempotency key reused",
                "Deze aanvraag botst met een eerdere. Vernieuw de pagina en probeer opnieuw.",
            ),
            Problem::UnderWay => own(
                StatusCode::CONFLICT,
                "under-way",
                "Request under way",
                "Deze aanvraag wordt al verwerkt.",
            ),
            Problem::RateLimited { .. } => uitpas(
                StatusCode::TOO_MANY_REQUESTS,
                "rate-limited",
                "Rate limited",
                "Er werd te vaak na elkaar geprobeerd. Wacht even en probeer dan opnieuw.",
            ),
            Problem::ChangedMeanwhile => own(
                StatusCode::PRECONDITION_FAILED,
                "changed-meanwhile",
                "Changed meanwhile",
                "Iemand anders heeft deze gegevens intussen gewijzigd. Bekijk ze opnieuw.",
            ),
            Problem::Busy | Problem::LedgerUnavailable => own(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Service unavailable",
                "Even geduld: het is nu te druk. Probeer het zo meteen opnieuw.",
            ),
            Problem::Internal(_) => printed(
                StatusCode::INTERNAL_SERVER_ERROR,
                "about:blank".into(),
                "Internal Server Error",
            ),
        }
    }
}

/// For whoever stands before a program that asked for something odd.
fn words_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => {
            "Je bent niet aangemeld, of al te lang geleden. Meld je aan en probeer opnieuw."
        }
        StatusCode::NOT_FOUND => "We vinden niet wat je zoekt. Ga terug en probeer opnieuw.",
        StatusCode::INTERNAL_SERVER_ERROR => {
            "Er ging bij ons iets mis. Probeer het straks opnieuw."
        }
        BAD => "Niet alles is juist ingevuld. Kijk de gegevens na en probeer opnieuw.",
        _ => "Dit programma vraagt iets wat niet kan. Laat het weten aan wie het maakt.",
    }
}

/// What is said of a field or parameter that is not there.
pub const REQUIRED: &str = "is required";

/// Numbers that people type have problems of their own in the contract.
fn invalid_number(field: &str, error: &str) -> Option<Printed> {
    match field {
        _ if error == REQUIRED => None,
        "uitpasNumber" | "registrationUitpasNumber" => Some(invalid_uitpas_number()),
        "inszNumber" => Some(uitpas(
            BAD,
            "invalid-insz-number",
            "Invalid insz number",
            "Dit is geen geldig rijksregisternummer.",
        )),
        _ => None,
    }
}

fn invalid_uitpas_number() -> Printed {
    uitpas(
        BAD,
        "invalid-uitpas-number",
        "Invalid uitpas number",
        "Dit is geen geldig nummer. Kijk het na op de kaart en probeer opnieuw.",
    )
}

fn invalid_body(pointer: &str, error: &str) -> Printed {
    let mut problem = general(BAD, "body/invalid-data", "Invalid body data");
    let errors = json!([{ "jsonPointer": pointer, "error": error }]);
    problem.extra.insert("schemaErrors".into(), errors);
    problem
}

fn unidentified(why: Unidentified) -> Printed {
    let (slug, title) = ("invalid-card-status", "Invalid card status");
    match why {
        Unidentified::NotRegistered => uitpas(
            BAD,
            slug,
            title,
            "Deze UiTPAS is nog niet geregistreerd. Je kunt er een nieuwe pashouder mee registreren.",
        ),
        Unidentified::NotInLocalStock => {
            uitpas(BAD, slug, title, "Deze UiTPAS zit niet in de lokale stock.")
        }
        Unidentified::Blocked(_) => uitpas(BAD, slug, title, "Deze UiTPAS is geblokkeerd."),
        Unidentified::NotFound => uitpas(
            NOT_FOUND,
            "pass-not-found",
            "Pass not found",
            "We vinden geen UiTPAS met dit nummer.",
        ),
    }
}

fn event_not_found() -> Printed {
    uitpas(BAD, "event-not-found", "Event not found", "We vinden deze activiteit niet.")
}

fn of_passholder(refused: &passholder::Refused) -> Printed {
    use passholder::Refused;
    match refused {
        Refused::Unknown | Refused::Removed => uitpas(
            NOT_FOUND,
            "passholder-not-found",
            "Passholder not found",
            "We vinden deze pashouder niet.",
        ),
        Refused::NotAllowed(why) => not_allowed(*why),
        Refused::Card(why) => of_passholders_card(*why),
        Refused::Registration(why) => of_registration(why),
        Refused::Status(why) => of_status(*why),
        Refused::Renewal(why) => of_renewal(*why),
        Refused::CheckIn(why) => of_check_in(why),
        Refused::Sale(why) => of_sale(why),
        Refused::Association(why) => of_association_membership(*why),
        Refused::Redemption(why) => of_redemption(why),
        Refused::Uitid(UitidRefused::AlreadyLinked) => uitpas(
            BAD,
            "passholder-already-registered",
            "Passholder already registered",
            "Deze UiTPAS is al aan een UiTiD gekoppeld. Meld je daarmee aan.",
        ),
        Refused::Family(why) => of_family(*why),
        Refused::Picture(PictureRefused::None) => own(
            NOT_FOUND,
            "picture-not-found",
            "Picture not found",
            "Van deze pashouder is er geen foto.",
        ),
    }
}

fn of_family(why: FamilyRefused) -> Printed {
    match why {
        FamilyRefused::AlreadyAdded => uitpas(
            BAD,
            "family-member-already-added",
            "Family member already added",
            "Deze pashouder zit al in dit gezin.",
        ),
        FamilyRefused::TooManyPersons => uitpas(
            BAD,
            "too-many-family-members",
            "Too many family members",
            format!("Een gezin telt hier hoogstens {PERSONS_MAX} personen."),
        ),
        FamilyRefused::TooManyAdults => uitpas(
            BAD,
            "too-many-adults-in-family",
            "Too many adults in family",
            format!("Een gezin telt hier hoogstens {ADULTS_MAX} volwassenen."),
        ),
        FamilyRefused::NotInFamily => own(
            NOT_FOUND,
            "family-member-not-found",
            "Family member not found",
            "Deze pashouder zit niet in dit gezin.",
        ),
        FamilyRefused::Main => own(
            BAD,
            "main-family-member",
            "Main family member",
            "Van wie het gezin is, kan er niet uit.",
        ),
    }
}

fn not_allowed(why: NotAllowed) -> Printed {
    let nl = match why {
        NotAllowed::Task(Task::SocialStatus | Task::ReplaceOtherDigit)
        | NotAllowed::RegisterWithSocialStatus => {
            "Deze balie mag geen kansenstatuut toekennen of verlengen. Neem contact op met je regio."
        }
        NotAllowed::RegisterWithoutInsz => {
            "Deze balie registreert alleen pashouders met hun rijksregisternummer."
        }
        NotAllowed::OtherMunicipality => {
            "Deze balie mag geen pashouders van andere gemeentes registreren."
        }
        NotAllowed::OnlyKsb => "Alleen de kaartsysteembeheerder kan dit.",
        NotAllowed::Task(_) => "Deze balie heeft geen rechten om dit te doen.",
    };
    Printed {
        nl: Some(nl.to_owned()),
        ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
    }
}

fn of_passholders_card(why: CardRefused) -> Printed {
    match why {
        CardRefused::Blocked => {
            uitpas(BAD, "invalid-card-status", "Invalid card status", "Deze UiTPAS is geblokkeerd.")
        }
        CardRefused::NotOfThisPassholder => {
            uitpas(BAD, "invalid-card", "Invalid card", "Deze UiTPAS is niet van deze pashouder.")
        }
        CardRefused::NoActiveMembership => uitpas(
            BAD,
            "passholder-no-active-cardsystems",
            "Passholder has no active cardsystem memberships",
            "Deze pashouder is in geen enkele regio nog actief lid.",
        ),
        CardRefused::ReasonOfOtherKind => own(
            BAD,
            "block-reason",
            "Reason of another kind of block",
            "Deze reden hoort niet bij deze manier van blokkeren.",
        ),
        CardRefused::NoMembership => own(
            BAD,
            "no-membership",
            "No member of this card system",
            "Deze pashouder is geen lid van dit kaartsysteem.",
        ),
        CardRefused::HasCard => own(
            BAD,
            "has-card",
            "Has an active card",
            "Deze pashouder heeft nog een actieve kaart. Blokkeer die eerst.",
        ),
        CardRefused::DefinitivelyBlocked => own(
            StatusCode::FORBIDDEN,
            "definitively-blocked",
            "Definitively blocked",
            "De kaart is definitief geblokkeerd. Alleen de kaartsysteembeheerder kan een nieuwe geven.",
        ),
        CardRefused::NeedsNewCard => uitpas(
            BAD,
            "invalid-card",
            "Invalid card",
            "Neem een nieuwe kaart: deze heeft de pashouder al.",
        ),
    }
}

fn of_registration(why: &RegistrationRefused) -> Printed {
    use RegistrationRefused as R;
    let required = |pointer: &str, nl: &str| Printed {
        nl: Some(nl.to_owned()),
        ..invalid_body(pointer, &why.to_string())
    };
    match why {
        R::AlreadyRegistered => own(
            BAD,
            "already-registered",
            "Already registered",
            "Deze pashouder is al geregistreerd.",
        ),
        R::NeedsSocialStatusCard => uitpas(
            BAD,
            "invalid-card",
            "Invalid card",
            "Neem voor kansenstatuut een kaart waarvan het voorlaatste cijfer 1 is.",
        ),
        R::NeedsRegularCard => uitpas(
            BAD,
            "invalid-card",
            "Invalid card",
            "Neem zonder kansenstatuut een kaart waarvan het voorlaatste cijfer 0 is.",
        ),
        R::NoEmail => required("/email", "Vul een e-mailadres in of vink 'geen e-mail' aan."),
        R::TermsNotTold => required(
            "/legalTermsPaper",
            "Vink aan dat de pashouder de privacy- en gebruiksvoorwaarden kreeg.",
        ),
        R::NoPreferences => {
            required("/optInPreferences", "Vraag welke berichten de pashouder wil ontvangen.")
        }
        R::BornInFuture => required("/dateOfBirth", "De geboortedatum ligt in de toekomst."),
        R::NoParentalConsent => required(
            "/parentalConsent",
            "Onder 16 jaar is de toestemming van een ouder of voogd nodig.",
        ),
        R::TooYoungAlone => uitpas(
            BAD,
            "forbidden-underaged",
            "Forbidden Underaged",
            "Onder 16 jaar kun je jezelf niet registreren. Kom langs aan een balie.",
        ),
        R::InszNotVerified => insz_in_token_required(),
        R::LivesElsewhere => uitpas(
            BAD,
            "invalid-city",
            "Invalid city",
            "Deze UiTPAS-regio is niet die van je gemeente.",
        ),
        R::InszDisagrees | R::InszIsFixed => uitpas(
            BAD,
            "invalid-insz-number",
            "Invalid insz number",
            match why {
                R::InszIsFixed => "Het rijksregisternummer staat al vast.",
                _ => "Het rijksregisternummer past niet bij de geboortedatum.",
            },
        ),
        R::StatusEndsInPast => required(
            "/registrationSocialTariffEndDate",
            "De einddatum van het kansenstatuut moet in de toekomst liggen.",
        ),
        R::NoProof => required(
            "/socialTariffProof",
            "Geef aan met welk bewijs het kansenstatuut is aangetoond.",
        ),
        R::OutsideCardSystem => uitpas(
            BAD,
            "invalid-city",
            "Invalid city",
            "Kansenstatuut is er alleen voor inwoners van deze UiTPAS-regio.",
        ),
        R::UpgradeNeeded => own(
            BAD,
            "upgrade-needed",
            "Upgrade needed",
            "Met kansenstatuut kan dit adres buiten de regio niet. Maak de pashouder lid van de nieuwe regio.",
        ),
        R::Voucher(why) => uitpas(
            BAD,
            "invalid-voucher-code",
            "Invalid voucher code",
            match why {
                VoucherRefused::Unknown => "We kennen deze voucher niet.".to_owned(),
                VoucherRefused::Spent => "Deze voucher is al gebruikt.".to_owned(),
                VoucherRefused::Expired(until) => {
                    format!("Deze voucher was geldig tot en met {}.", day(*until))
                }
            },
        ),
    }
}

fn of_status(why: StatusRefused) -> Printed {
    let (slug, title) = ("social-status", "Social status");
    match why {
        StatusRefused::Expired(until) => social_tariff_expired(until),
        StatusRefused::NoMembership => {
            own(BAD, slug, title, "Deze pashouder is geen lid van dit kaartsysteem.")
        }
        StatusRefused::MembershipBlocked => {
            own(BAD, slug, title, "Dit lidmaatschap is geblokkeerd.")
        }
        StatusRefused::None => own(
            BAD,
            slug,
            title,
            "Deze pashouder heeft geen kansenstatuut. Vervang de kaart om het toe te kennen.",
        ),
        StatusRefused::NotLater(until) => {
            own(BAD, slug, title, format!("Het kansenstatuut loopt al tot en met {}.", day(until)))
        }
        StatusRefused::NotInFuture => own(BAD, slug, title, "De datum moet in de toekomst liggen."),
        StatusRefused::NotSuspended => {
            own(BAD, slug, title, "Het kansenstatuut is niet geschorst.")
        }
        StatusRefused::Suspended(until) => social_tariff_suspended(until),
        StatusRefused::IdenticalMembership => uitpas(
            BAD,
            "passholder-new-membership-error",
            "Passholder has this membership already",
            "Deze pashouder is al op deze manier lid van de UiTPAS-regio.",
        ),
    }
}

fn of_renewal(why: RenewalRefused) -> Printed {
    let nl = match why {
        RenewalRefused::OutsideSeason { from, until } => format!(
            "De jaarlijkse verlenging van kansenstatuten kan van {} tot en met {}.",
            day(from),
            day(until)
        ),
        RenewalRefused::NoAgreement => "Geen enkele gemeente van dit kaartsysteem heeft een \
            afspraak over automatische verlenging. Leg die eerst vast."
            .to_owned(),
        RenewalRefused::NoCandidate => {
            "Dit kansenstatuut komt niet in aanmerking voor automatische verlenging.".to_owned()
        }
    };
    own(BAD, "renewal", "Renewal of social status", nl)
}

fn social_tariff_expired(until: NaiveDate) -> Printed {
    let nl = format!(
        "Het kansenstatuut is verlopen sinds {}. Laat het verlengen aan een balie van je gemeente.",
        day(until)
    );
    uitpas(BAD, "social-tariff-expired", "Social tariff expired", nl)
}

fn social_tariff_suspended(until: NaiveDate) -> Printed {
    let nl = format!("Het kansenstatuut is geschorst tot {}.", day(until));
    uitpas(BAD, "social-tariff-suspended", "Social tariff suspended", nl)
}

fn not_offered(why: NotOffered) -> Printed {
    let nl = match why {
        NotOffered::Unknown => return event_not_found(),
        NotOffered::Cancelled => "Deze activiteit gaat niet door.",
        NotOffered::NoCounter => "De organisator van deze activiteit doet niet mee met UiTPAS.",
        NotOffered::NoPrice => {
            "Deze activiteit heeft geen prijs in UiTdatabank. Vul er een in, of kies 'gratis'."
        }
        NotOffered::NoCardSystem => "Geen enkele UiTPAS-regio doet mee aan deze activiteit.",
    };
    uitpas(BAD, "checkin-not-allowed", "Activity takes no part", nl)
}

fn of_kiosk(why: kiosk::Refused) -> Printed {
    let not_acceptable =
        |nl: &str| uitpas(BAD, "event-not-acceptable", "Event not acceptable", nl.to_owned());
    match why {
        kiosk::Refused::Unknown => general(NOT_FOUND, "url/not-found", "Not Found"),
        kiosk::Refused::NoCounter => invalid_body("/organizers", &why.to_string()),
        kiosk::Refused::OtherCardSystem => invalid_body("/cardSystemId", &why.to_string()),
        kiosk::Refused::AlreadyClaimed => uitpas(
            BAD,
            "kiosk-already-configured",
            "Kiosk already configured",
            "Deze zuil is al in gebruik. De kaartsysteembeheerder kan ze vrijgeven.",
        ),
        kiosk::Refused::NotClaimed => own(
            NOT_FOUND,
            "kiosk-not-configured",
            "Kiosk not configured",
            "Er is geen toestel verbonden met deze zuil.",
        ),
        kiosk::Refused::NotOffered(why) => Printed {
            nl: not_offered(why).nl,
            ..not_acceptable("Deze activiteit doet niet mee aan UiTPAS.")
        },
        kiosk::Refused::OtherCounter => {
            not_acceptable("Deze activiteit is niet van een balie van deze zuil.")
        }
        kiosk::Refused::Over => not_acceptable("Deze activiteit is voorbij."),
        kiosk::Refused::TooFarAhead => not_acceptable(
            "Deze activiteit begint pas later. Kies een activiteit van vandaag of de volgende drie dagen.",
        ),
        kiosk::Refused::NothingSet => Problem::EventNotFound.print(),
    }
}

fn of_check_in(why: &CheckInRefused) -> Printed {
    let not_allowed = |nl: String| uitpas(BAD, "checkin-not-allowed", "Check-in not allowed", nl);
    match why {
        CheckInRefused::NotOffered(why) => not_offered(*why),
        CheckInRefused::TooEarly(opens) => {
            not_allowed(format!("Punten sparen kan vanaf {}.", moment(*opens)))
        }
        CheckInRefused::TooLate(Some(closed)) => {
            not_allowed(format!("Punten sparen kon tot {}.", moment(*closed)))
        }
        CheckInRefused::TooLate(None) => {
            not_allowed("Punten sparen kan niet meer voor deze activiteit.".to_owned())
        }
        CheckInRefused::AlreadyGiven(at) => {
            not_allowed(format!("Het punt voor deze activiteit is al gespaard op {}.", moment(*at)))
        }
        CheckInRefused::NoPoints => not_allowed("Deze activiteit geeft geen punten.".to_owned()),
        CheckInRefused::Unknown => Problem::CheckInNotFound.print(),
        CheckInRefused::AlreadyCorrected => own(
            StatusCode::NOT_FOUND,
            "checkin-already-corrected",
            "Check-in already corrected",
            "Dit punt is al teruggenomen.",
        ),
        CheckInRefused::OtherCounter | CheckInRefused::OnlyKsb => Printed {
            nl: Some(match why {
                CheckInRefused::OnlyKsb => {
                    "Een punt van een zuil of QR-code neemt alleen de kaartsysteembeheerder terug."
                        .to_owned()
                }
                _ => "Dit punt is aan een andere balie gespaard.".to_owned(),
            }),
            ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
        },
    }
}

fn of_sale(why: &SaleRefused) -> Printed {
    let no_tariff =
        |nl: String| uitpas(BAD, "social-tariff-not-available", "Social tariff not available", nl);
    match why {
        SaleRefused::NotOffered(NotOffered::Unknown) => event_not_found(),
        SaleRefused::NotOffered(why) => no_tariff(not_offered(*why).nl.unwrap_or_default()),
        SaleRefused::Free => {
            no_tariff("Deze activiteit is gratis: er is geen kansentarief, wel een punt.".to_owned())
        }
        SaleRefused::NotAPrice(price) => {
            no_tariff(format!("{price} euro is geen prijs van deze activiteit."))
        }
        SaleRefused::NoSocialStatus => {
            no_tariff("Deze pashouder heeft geen kansenstatuut.".to_owned())
        }
        SaleRefused::Expired(until) => social_tariff_expired(*until),
        SaleRefused::Suspended(until) => social_tariff_suspended(*until),
        SaleRefused::MembershipBlocked => uitpas(
            BAD,
            "passholder-no-active-cardsystems",
            "Passholder has no active cardsystem memberships",
            "Het lidmaatschap met kansenstatuut is geblokkeerd.",
        ),
        SaleRefused::NoKey => no_tariff(
            "Voor deze pashouder is er hier geen kansentarief: hij woont in een andere UiTPAS-regio, of \
             de prijs valt buiten de lokale afspraken."
                .to_owned(),
        ),
        SaleRefused::NoPayer => no_tariff(
            "Er is geen gemeente die het kansentarief voor deze pashouder betaalt.".to_owned(),
        ),
        SaleRefused::LimitReached { volume, period, of_counter } => uitpas(
            BAD,
            "maximum-reached",
            "Maximum reached",
            format!(
                "Het maximum van {volume} {} {} is bereikt{}.",
                if *volume == 1 { "ticket aan kansentarief" } else { "tickets aan kansentarief" },
                period_in_words(*period),
                if *of_counter { " bij deze organisator" } else { "" },
            ),
        ),
        SaleRefused::Coupon(why) => of_coupon_use(*why),
        SaleRefused::SecondEqualItem => uitpas(
            BAD,
            "invalid-number-of-tickets",
            "Invalid number of tickets",
            "Een pashouder kan per keer één ticket van elke soort kopen.",
        ),
        SaleRefused::Unknown => Problem::SaleNotFound.print(),
        SaleRefused::AlreadyCancelled => uitpas(
            NOT_FOUND,
            "ticket-sale-not-found",
            "Ticket sale not found",
            "Deze korting is al ongedaan gemaakt.",
        ),
        SaleRefused::OtherCounter => Printed {
            nl: Some("Deze korting is aan een andere balie toegekend.".to_owned()),
            ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
        },
    }
}

fn association_not_found(status: StatusCode) -> Printed {
    uitpas(
        status,
        "association-not-found",
        "Association not found",
        "We vinden deze vereniging niet.",
    )
}

fn of_association(refused: association::Refused) -> Printed {
    use association::Refused as R;
    match refused {
        R::Unknown => association_not_found(NOT_FOUND),
        R::AlreadyExists => own(
            StatusCode::CONFLICT,
            "association-exists",
            "Association exists",
            "Deze vereniging bestaat al.",
        ),
        R::OwnerIsFixed => invalid_body("/cardSystemId", &refused.to_string()),
        R::RuleOutOfRange => invalid_body("/endRule", &refused.to_string()),
    }
}

fn of_association_membership(why: AssociationRefused) -> Printed {
    match why {
        AssociationRefused::Unknown => association_not_found(BAD),
        AssociationRefused::OtherCounter => Printed {
            nl: Some(
                "Deze balie kan lidmaatschappen van deze vereniging niet toekennen.".to_owned(),
            ),
            ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
        },
        AssociationRefused::OtherCardSystem => uitpas(
            BAD,
            "association-passholder-cardsystem-mismatch",
            "Passholder is no member of the association's card system",
            "Deze pashouder is geen actief lid van de UiTPAS-regio van deze vereniging.",
        ),
        AssociationRefused::NoEndDate => Printed {
            nl: Some("Vul in tot wanneer het lidmaatschap loopt.".to_owned()),
            ..invalid_body("/endDate", REQUIRED)
        },
        AssociationRefused::Past(until) => own(
            BAD,
            "association-membership-past",
            "End date is past",
            format!("Dit lidmaatschap zou lopen tot en met {}. Dat is al voorbij.", day(until)),
        ),
        AssociationRefused::NotLater(until) => uitpas(
            BAD,
            "association-membership-renew-not-possible",
            "Renewing is not possible",
            format!(
                "Dit lidmaatschap loopt al tot en met {}. Verlengen kan alleen tot een latere dag.",
                day(until)
            ),
        ),
        AssociationRefused::NoMember => own(
            NOT_FOUND,
            "association-membership-not-found",
            "Association membership not found",
            "Deze pashouder heeft dit lidmaatschap niet.",
        ),
    }
}

fn of_group_pass(why: &group_pass::Refused) -> Printed {
    use group_pass::Refused as R;
    let field = |pointer: &str, nl: &str| Printed {
        nl: Some(nl.to_owned()),
        ..invalid_body(pointer, &why.to_string())
    };
    match why {
        R::Unknown => own(
            NOT_FOUND,
            "group-pass-not-found",
            "Group pass not found",
            "We vinden deze groepspas niet.",
        ),
        R::AlreadyExists => own(
            StatusCode::CONFLICT,
            "group-pass-exists",
            "Group pass exists",
            "Deze groepspas bestaat al.",
        ),
        R::Blocked => uitpas(
            BAD,
            "passholder-no-active-cardsystems",
            "Group pass is blocked",
            "Deze groepspas is geblokkeerd.",
        ),
        R::EndsInPast => field("/endDate", "De einddatum ligt in het verleden."),
        R::NoMunicipality => {
            field("/address", "Geef een adres in België: die gemeente betaalt het kansentarief.")
        }
        R::OutsideCardSystem => uitpas(
            BAD,
            "invalid-city",
            "Invalid city",
            "Een groepspas met kansentarief heeft een adres in deze UiTPAS-regio.",
        ),
        R::NoTickets => field(
            "/ticketsPerYear",
            "Geef aan hoeveel tickets aan kansentarief de groep per jaar kan kopen.",
        ),
        R::TicketsWithoutStatus => field(
            "/ticketsPerYear",
            "Met dit nummer is er geen kansentarief. Neem een kaart waarvan het voorlaatste cijfer 1 is.",
        ),
        R::Ended(until) => uitpas(
            BAD,
            "social-tariff-expired",
            "Social tariff expired",
            format!(
                "Deze groepspas was geldig tot en met {}. Vraag je regio om ze te verlengen.",
                day(*until)
            ),
        ),
        R::NoSocialStatus => uitpas(
            BAD,
            "social-tariff-not-available",
            "Social tariff not available",
            "Deze groepspas geeft geen kansentarief, alleen kortingsbonnen.",
        ),
        R::YearSpent { volume, year } => uitpas(
            BAD,
            "maximum-reached",
            "Maximum reached",
            format!(
                "Met deze groepspas kunnen in {year} {volume} tickets aan kansentarief gekocht worden. \
                 Zoveel zijn er niet meer over."
            ),
        ),
        R::NotAllowed(why) => not_allowed(*why),
        R::Card(why) => of_passholders_card(*why),
        R::Sale(SaleRefused::NoKey) => uitpas(
            BAD,
            "social-tariff-not-available",
            "Social tariff not available",
            "Voor deze groepspas is er hier geen kansentarief: ze is van een andere UiTPAS-regio, of de \
             prijs valt buiten de lokale afspraken.",
        ),
        R::Sale(SaleRefused::Coupon(CouponRefused::NotGranted)) => uitpas(
            BAD,
            "invalid-coupon",
            "Invalid coupon",
            "Deze groepspas heeft deze kortingsbon niet.",
        ),
        R::Sale(why) => of_sale(why),
    }
}

fn of_coupon_use(why: CouponRefused) -> Printed {
    let invalid = |nl: String| uitpas(BAD, "invalid-coupon", "Invalid coupon", nl);
    match why {
        CouponRefused::Unusable(Unusable::Unknown) => {
            invalid("We kennen deze kortingsbon niet.".to_owned())
        }
        CouponRefused::Unusable(Unusable::NotYet(from)) => {
            invalid(format!("Deze kortingsbon is geldig vanaf {}.", day(from)))
        }
        CouponRefused::Unusable(Unusable::Over(until)) => {
            invalid(format!("Deze kortingsbon was geldig tot en met {}.", day(until)))
        }
        CouponRefused::Unusable(Unusable::OtherActivity) => {
            invalid("Deze kortingsbon geldt niet voor deze activiteit.".to_owned())
        }
        CouponRefused::NotGranted => {
            invalid("Deze pashouder heeft deze kortingsbon niet.".to_owned())
        }
        CouponRefused::UsedUp { volume, period } => uitpas(
            BAD,
            "maximum-reached",
            "Maximum reached",
            match period {
                Period::Absolute => {
                    format!("Deze kortingsbon is op: hij kon {volume} keer gebruikt worden.")
                }
                Period::Day | Period::Week | Period::Month | Period::Quarter | Period::Year => {
                    format!(
                        "Deze kortingsbon kan {volume} keer {} gebruikt worden, en dat is gebeurd.",
                        period_in_words(period)
                    )
                }
            },
        ),
    }
}

fn of_coupon(refused: coupon::Refused) -> Printed {
    use coupon::Refused as R;
    match refused {
        R::Unknown => own(
            NOT_FOUND,
            "coupon-not-found",
            "Coupon not found",
            "We vinden deze kortingsbon niet.",
        ),
        R::AlreadyExists => own(
            StatusCode::CONFLICT,
            "coupon-exists",
            "Coupon exists",
            "Deze kortingsbon bestaat al.",
        ),
        R::ReversedPeriod => invalid_body("/validityPeriod/end", &refused.to_string()),
        R::ReversedAges => invalid_body("/grantedTo/untilAge", &refused.to_string()),
        R::OwnerIsFixed => invalid_body("/owningCardSystem/id", &refused.to_string()),
    }
}

fn of_redemption(why: &RedemptionRefused) -> Printed {
    match why {
        RedemptionRefused::Unavailable(why) => unavailable(why),
        RedemptionRefused::OtherCardSystem => uitpas(
            BAD,
            "reward-passholder-no-applicable-cardsystems",
            "Reward Passholder No Applicable Cardsystems",
            "Dit voordeel is voor leden van een andere UiTPAS-regio.",
        ),
        RedemptionRefused::OtherMunicipality => own(
            BAD,
            "reward-municipality",
            "Reward for inhabitants of other municipalities",
            "Dit voordeel is alleen voor inwoners van andere gemeentes.",
        ),
        RedemptionRefused::NotGranted => own(
            BAD,
            "reward-not-granted",
            "Welcome reward not granted",
            "Dit welkomstvoordeel is niet aan deze pashouder toegekend.",
        ),
        RedemptionRefused::LimitReached => uitpas(
            BAD,
            "reward-passholder-volume-constraint",
            "Reward Passholder Volume Constraint",
            "Deze pashouder heeft dit voordeel al zo vaak opgenomen als mag.",
        ),
        RedemptionRefused::NotEnoughPoints { cost, balance } => uitpas(
            BAD,
            "reward-passholder-points-constraint",
            "Reward Passholder Points Constraint",
            format!("Dit voordeel kost {cost} punten. Het saldo is {balance}."),
        ),
        RedemptionRefused::Unknown => Problem::RedemptionNotFound.print(),
        RedemptionRefused::AlreadyCancelled => own(
            StatusCode::NOT_FOUND,
            "redemption-already-cancelled",
            "Redemption already cancelled",
            "Dit voordeel is al teruggegeven.",
        ),
        RedemptionRefused::OnlyKsb => not_allowed(NotAllowed::OnlyKsb),
    }
}

fn unavailable(why: &Unavailable) -> Printed {
    let period =
        |nl: String| uitpas(BAD, "reward-period-constraint", "Reward Period Constraint", nl);
    match why {
        Unavailable::Unknown => reward_not_found(),
        Unavailable::Inactive => period("Dit voordeel is niet actief.".to_owned()),
        Unavailable::NotYet(from) => period(format!("Dit voordeel kan vanaf {}.", day(*from))),
        Unavailable::Over(until) => period(format!("Dit voordeel kon tot en met {}.", day(*until))),
        Unavailable::OtherCounter => own(
            BAD,
            "reward-counter",
            "Reward of other counters",
            "Dit voordeel is er niet aan deze balie.",
        ),
        Unavailable::SoldOut => sold_out(),
    }
}

fn reward_not_found() -> Printed {
    uitpas(NOT_FOUND, "reward-not-found", "Reward not found", "We vinden dit voordeel niet.")
}

fn sold_out() -> Printed {
    uitpas(BAD, "reward-volume-constraint", "Reward Volume Constraint", "Dit voordeel is op.")
}

fn of_card(refused: card::Refused) -> Printed {
    let (status, nl) = match refused {
        card::Refused::NotFound => (BAD, "We kennen deze kaart niet."),
        card::Refused::NotInLocalStock => (BAD, "Deze UiTPAS zit niet in de lokale stock."),
        card::Refused::AlreadyKnown => (BAD, "Deze kaart is al opgenomen in de stock."),
        card::Refused::AlreadyAssigned => (BAD, "Deze kaart is al van iemand. Neem een andere."),
        card::Refused::Blocked => (BAD, "Deze UiTPAS is geblokkeerd."),
        card::Refused::ForeignCardSystem => {
            (BAD, "Deze kaart is van een UiTPAS-regio waarvoor deze balie niet werkt.")
        }
    };
    match refused {
        card::Refused::NotFound | card::Refused::ForeignCardSystem => {
            uitpas(status, "invalid-card", "Invalid card", nl)
        }
        _ => uitpas(status, "invalid-card-status", "Invalid card status", nl),
    }
}

fn insz_in_token_required() -> Printed {
    uitpas(
        BAD,
        "insz-in-token-required",
        "INSZ in token required",
        "Log in met je rijksregisternummer, bijvoorbeeld met itsme of je eID.",
    )
}

fn of_order(refused: order::Refused) -> Printed {
    use order::Refused as R;
    let conflict = |slug, title, nl: &str| own(StatusCode::CONFLICT, slug, title, nl);
    match refused {
        R::Unknown => {
            own(NOT_FOUND, "order-not-found", "Order not found", "We vinden deze bestelling niet.")
        }
        R::AlreadyPlaced => conflict("order-exists", "Order exists", "Deze bestelling bestaat al."),
        R::NumberOfPeople => invalid_body("/extraPassholderRegistrations", &refused.to_string()),
        R::AlreadyPaid => conflict("order-paid", "Order paid", "Deze bestelling is al betaald."),
        R::Cancelled => {
            conflict("order-cancelled", "Order cancelled", "Deze bestelling is geannuleerd.")
        }
        R::PriceChanged => conflict(
            "order-price-changed",
            "Price changed",
            "De prijs is veranderd sinds de bestelling. Annuleer ze en laat opnieuw bestellen.",
        ),
    }
}

fn unknown_uitid() -> Printed {
    own(
        BAD,
        "uitid-unknown",
        "Unknown UiTID",
        "Met dit e-mailadres heeft nog niemand zich aangemeld met UiTiD.",
    )
}

fn of_counter(refused: counter::Refused) -> Printed {
    use counter::Refused as R;
    let forbidden = |nl: &str| Printed {
        nl: Some(nl.to_owned()),
        ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
    };
    match refused {
        R::Unknown => uitpas(
            NOT_FOUND,
            "organizer-not-found",
            "Organizer not found",
            "We vinden deze balie niet.",
        ),
        R::AlreadyExists => {
            own(StatusCode::CONFLICT, "counter-exists", "Counter exists", "Deze balie bestaat al.")
        }
        R::NoCardSystem => {
            invalid_body("/cardSystems", "a counter works for at least one card system")
        }
        R::ForeignCardSystem => own(
            BAD,
            "counter-card-system",
            "Counter of other card systems",
            "Deze balie werkt niet voor dat kaartsysteem.",
        ),
        R::UnknownUitid => unknown_uitid(),
        R::OnlyKsb => {
            forbidden("Alleen de kaartsysteembeheerder kan beheerders toevoegen of verwijderen.")
        }
        R::OnlyAdmin => forbidden("Alleen een beheerder kan medewerkers toevoegen of verwijderen."),
        R::NotOnStaff => own(
            NOT_FOUND,
            "not-on-staff",
            "Not on staff",
            "Deze persoon werkt niet aan deze balie.",
        ),
        R::ReportOnlyForAdmin => forbidden("Alleen een beheerder kan een onkostennota maken."),
        R::ReversedPeriod => invalid_body("/endDate", "the period ends before it begins"),
        R::PeriodNotBegun => invalid_body("/startDate", "the period has not begun yet"),
        R::Note(why) => of_note(why),
    }
}

fn of_note(why: NoteRefused) -> Printed {
    use NoteRefused as N;
    let forbidden = |nl: &str| Printed {
        nl: Some(nl.to_owned()),
        ..general(StatusCode::FORBIDDEN, "auth/forbidden", "Forbidden")
    };
    let conflict = |slug, title, nl: &str| own(StatusCode::CONFLICT, slug, title, nl);
    match why {
        N::OnlyKsb => forbidden(
            "Alleen de kaartsysteembeheerder kan een onkostennota opmaken of over een bezwaar beslissen.",
        ),
        N::OnlyAdmin => forbidden(
            "Alleen een beheerder van deze balie kan een onkostennota goedkeuren of er bezwaar tegen maken.",
        ),
        N::PeriodNotOver => invalid_body("/endDate", &why.to_string()),
        N::DeadlineInPast => invalid_body("/deadline", &why.to_string()),
        N::NoSales => invalid_body("/sales", &why.to_string()),
        N::NotOnNote => own(
            BAD,
            "sale-not-on-note",
            "Sale not on this note",
            "Niet alle gekozen tickets staan op deze onkostennota.",
        ),
        N::Overlaps(number) => conflict(
            "note-overlaps",
            "Overlapping period",
            &format!("Een deel van deze periode staat al op onkostennota {number}."),
        ),
        N::Nothing => own(BAD, "note-empty", "Nothing in the period", NOTHING_IN_PERIOD),
        N::Unknown => {
            own(NOT_FOUND, "note-not-found", "Note not found", "We vinden deze onkostennota niet.")
        }
        N::AlreadyApproved => {
            conflict("note-approved", "Note approved", "Deze onkostennota is al goedgekeurd.")
        }
        N::AlreadyObjected => conflict(
            "note-objected",
            "Note objected to",
            "Tegen deze onkostennota is al bezwaar gemaakt.",
        ),
        N::NothingToSettle => conflict(
            "no-objection",
            "No objection",
            "Tegen deze onkostennota is er geen bezwaar om over te beslissen.",
        ),
    }
}

fn of_card_system(refused: &card_system::Refused) -> Printed {
    use card_system::Refused as R;
    match refused {
        R::Unknown => uitpas(
            NOT_FOUND,
            "cardsystem-not-found",
            "Card system not found",
            "We vinden dit kaartsysteem niet.",
        ),
        R::AlreadyExists => own(
            StatusCode::CONFLICT,
            "card-system-exists",
            "Card system exists",
            "Dit kaartsysteem bestaat al.",
        ),
        R::NoMunicipality => invalid_body("/municipalities", "at least one municipality"),
        R::UnknownKey(_) => uitpas(
            BAD,
            "distributionkey-not-found",
            "Distribution key not found",
            "We vinden deze verdeelsleutel niet.",
        ),
        R::KeyExists(_) => uitpas(
            BAD,
            "invalid-distributionkey",
            "Invalid distribution key",
            "Deze verdeelsleutel bestaat al. Maak een nieuwe met een ander nummer.",
        ),
        R::Prices(why) => invalid_body("/brackets", &why.to_string()),
        R::OtherPostalCode(_) => own(
            BAD,
            "other-postal-code",
            "Postal code of another card system",
            "Deze postcode is van geen gemeente van dit kaartsysteem.",
        ),
        R::VoucherExists => {
            own(BAD, "voucher-exists", "Voucher exists", "Deze voucher bestaat al.")
        }
        R::Voucher(why) => of_registration(&RegistrationRefused::Voucher(*why)),
        R::Payment(why) => of_payment(why),
    }
}

fn of_payment(refused: &PaymentRefused) -> Printed {
    use PaymentRefused as P;
    match refused {
        P::NoAccount(whose) => own(
            StatusCode::CONFLICT,
            "no-account",
            "No account",
            format!("Van {whose} is nog geen rekeningnummer gekend."),
        ),
        P::NothingToPay => own(
            StatusCode::CONFLICT,
            "nothing-to-pay",
            "Nothing to pay",
            "In deze periode is er niets meer te betalen.",
        ),
        P::PaidAlready { note, payment, .. } => own(
            StatusCode::CONFLICT,
            "paid-already",
            "Paid already",
            format!("Nota {note} wordt al betaald door betaling {payment}."),
        ),
        P::DayInPast => invalid_body("/executionDate", &refused.to_string()),
        P::Unknown => own(
            NOT_FOUND,
            "payment-not-found",
            "Payment not found",
            "We vinden deze betaling niet.",
        ),
    }
}

fn of_reward(refused: reward::Refused) -> Printed {
    use reward::Refused as R;
    match refused {
        R::Unknown => reward_not_found(),
        R::AlreadyExists => {
            own(StatusCode::CONFLICT, "reward-exists", "Reward exists", "Dit voordeel bestaat al.")
        }
        R::SoldOut => sold_out(),
        R::NeitherLinkNorCodes => invalid_body("/link", "give a link, or withCodes"),
        R::FixedAfterFirstUse => uitpas(
            BAD,
            "reward-not-editable",
            "Reward not editable",
            "Na de eerste opname liggen de punten en de begindata vast.",
        ),
        R::KindIsFixed => uitpas(
            BAD,
            "reward-not-editable",
            "Reward not editable",
            "Een omruilvoordeel wordt geen welkomstvoordeel of omgekeerd.",
        ),
        R::NoPoints | R::WelcomeWithPoints => invalid_body("/points", &refused.to_string()),
        R::GrantsInRetrospect => invalid_body("/grantingPeriod/begin", &refused.to_string()),
        R::ReversedPeriod => invalid_body("/redeemPeriod/end", &refused.to_string()),
        R::FewerUnitsThanTaken(_) => invalid_body("/maxAvailableUnits", &refused.to_string()),
    }
}

/// A day as people at the counter write it.
fn day(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// A moment on the clock of Brussels.
fn moment(at: DateTime<Utc>) -> String {
    at.with_timezone(&Brussels).format("%d/%m/%Y om %H:%M").to_string()
}

fn period_in_words(period: Period) -> &'static str {
    match period {
        Period::Absolute => "voor deze activiteit",
        Period::Day => "per dag",
        Period::Week => "per week",
        Period::Month => "per maand",
        Period::Quarter => "per kwartaal",
        Period::Year => "per jaar",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Problem::Internal(cause) = &self {
            tracing::error!(error = %cause, "a request failed");
        }
        let status = self.status();
        let body = self.to_json();
        let mut response = (status, body.to_string()).into_response();
        response.extensions_mut().insert(Refusal(body));
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if let Problem::RateLimited { retry_after_s } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

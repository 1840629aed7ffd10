//! Why a line says what it says, and why a ticket is not on a note: from the events, the key in
//! force and the notes, as of any position.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::{Closing, Lines};
use uitpas_domain::coupon::Coupon;
use uitpas_domain::distribution::{Shares, Terms};
use uitpas_domain::group_pass;
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::{CouponUsed, Event, TicketSold};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::place::PostalCode;
use uitpas_domain::values::text::Text;
use uitpas_store::Failed;

use super::audit::{self, Placed, Step, Subject};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// A line, taken back to where it comes from.
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub sale: SaleId,
    pub position: u64,
    /// What was granted, where, and of what.
    pub sold: String,
    /// The key in force, as it stands in the sale.
    pub key: String,
    /// How each amount came about.
    pub amounts: Vec<String>,
    /// Whether the key or the coupon, applied again, gives the amounts that were recorded.
    pub amounts_hold: bool,
    /// The same in words.
    pub check: &'static str,
    pub payer: String,
    /// Where its lines stand.
    pub lines: Vec<String>,
    /// The events, in their order.
    pub chain: Vec<String>,
}

pub async fn explain(app: &App, sale: SaleId, position: u64) -> Answer<Explanation> {
    let trail = audit::trail(app, &Subject::Line(sale), position).await?;
    let mut granted = None;
    for Step { entry, .. } in &trail.steps {
        let event = AnyEvent::read(&entry.aggregate_type, &entry.aggregate_id, &entry.payload);
        let found = Granted::by(app, event.map_err(Failed::new)?, entry.position).await?;
        granted = granted.or(found);
    }
    let granted = granted.ok_or(Problem::SaleNotFound)?;
    let placed = Placed::of(app, sale).await?.and_then(|placed| placed.at(position));
    let chain = trail.steps.iter().map(|Step { entry, .. }| {
        let stream = format!("{}/{}", entry.aggregate_type, entry.aggregate_id);
        format!("{}: {} of {stream}", entry.position, entry.event_type)
    });
    Ok(Explanation {
        sale,
        position,
        sold: granted.sold,
        key: granted.key,
        amounts: granted.amounts,
        amounts_hold: granted.amounts_hold,
        check: granted.check,
        payer: granted.payer,
        lines: placed.map(audit::describe).unwrap_or_default(),
        chain: chain.collect(),
    })
}

/// A granted tariff in words.
struct Granted {
    sold: String,
    key: String,
    amounts: Vec<String>,
    amounts_hold: bool,
    check: &'static str,
    payer: String,
}

impl Granted {
    /// What the event at a position granted; all but these grant nothing.
    async fn by(app: &App, event: AnyEvent, position: u64) -> Answer<Option<Self>> {
        Ok(match event {
            AnyEvent::Passholder(_, Event::TicketSold(sold))
            | AnyEvent::GroupPass(_, group_pass::Event::TicketSold(sold)) => {
                Some(Self::at_social_tariff(*sold))
            }
            AnyEvent::Passholder(_, Event::CouponUsed(used))
            | AnyEvent::GroupPass(_, group_pass::Event::CouponUsed(used)) => {
                let coupon = app.store.load_as_of::<Coupon>(&used.coupon, position).await?;
                Some(Self::with_coupon(*used, &coupon.state))
            }
            _ => None,
        })
    }

    fn at_social_tariff(sold: TicketSold) -> Self {
        let price_name = sold.price_name.as_ref().map(Text::as_str);
        let mut amounts = amounts(sold.price, sold.key.key.terms(), sold.shares);
        amounts.push(sum(sold.shares));
        let amounts_hold = sold.key.key.split(sold.price) == sold.shares;
        Self {
            sold: ticket(sold.title.as_str(), sold.at, (sold.price, price_name), &sold.counter),
            key: key(&sold),
            amounts,
            amounts_hold,
            check: match amounts_hold {
                true => "The key, applied again, gives these amounts.",
                false => "The key, applied again, gives OTHER amounts.",
            },
            payer: sold.payer.to_string(),
        }
    }

    /// The amounts are those of the coupon as it was when it was used.
    fn with_coupon(used: CouponUsed, coupon: &Coupon) -> Self {
        let again = coupon.definition.as_ref().map(|defined| defined.effect.split(used.price));
        let amounts_hold = again == Some(used.shares);
        let price_name = used.price_name.as_ref().map(Text::as_str);
        let Shares { passholder, organizer, municipality } = used.shares;
        Self {
            sold: ticket(used.title.as_str(), used.at, (used.price, price_name), &used.counter),
            key: format!("coupon {}: {}", used.coupon, used.coupon_name),
            amounts: vec![
                format!(
                    "passholder {passholder}, organizer {organizer}, municipality {municipality}: by the coupon as it was then"
                ),
                sum(used.shares),
            ],
            amounts_hold,
            check: match again {
                Some(_) if amounts_hold => {
                    "The coupon as it was then, applied again, gives these amounts."
                }
                Some(_) => "The coupon as it was then, applied again, gives OTHER amounts.",
                None => "The coupon was NOT defined then: nothing gives these amounts.",
            },
            payer: used.payer.to_string(),
        }
    }
}

fn ticket(
    title: &str,
    at: DateTime<Utc>,
    (price, price_name): (Price, Option<&str>),
    counter: &CounterId,
) -> String {
    let price_name = price_name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{title} on {}, price {price}{price_name}, at counter {counter}", day_in_belgium(at))
}

fn key(sold: &TicketSold) -> String {
    let terms = match sold.key.key.terms() {
        Terms::Percentages { passholder, organizer, municipality } => {
            format!("{passholder}-{organizer}-{municipality}")
        }
        Terms::Fixed { passholder, organizer_part, municipality_part } => {
            format!("{passholder} fixed, the rest {organizer_part}:{municipality_part}")
        }
    };
    format!("key {} of card system {}, {}: {terms}", sold.key.id, sold.card_system, sold.key.name)
}

/// The parts, together.
fn sum(Shares { passholder, organizer, municipality }: Shares) -> String {
    let price = passholder + organizer + municipality;
    format!("together {passholder} + {organizer} + {municipality} = {price}")
}

/// R-TAR-02, in figures.
fn amounts(price: Price, terms: Terms, shares: Shares) -> Vec<String> {
    let price = price.euro().to_decimal();
    let quarter = (price * Decimal::new(25, 2)).normalize();
    let (asked, municipality) = match terms {
        Terms::Percentages { passholder, municipality, .. } => {
            let of = |percent: Decimal| (price * percent / Decimal::ONE_HUNDRED).normalize();
            (
                format!("{price} x {passholder}% = {}, half up to the cent", of(passholder)),
                format!("{price} x {municipality}% = {}, half up to the cent", of(municipality)),
            )
        }
        Terms::Fixed { passholder, organizer_part, municipality_part } => {
            let parts = organizer_part.saturating_add(municipality_part);
            let rest = price - shares.passholder.to_decimal();
            let words =
                format!("{municipality_part}/{parts} of the rest {rest}, half up to the cent");
            (format!("{passholder} fixed"), words)
        }
    };
    vec![
        format!(
            "passholder {}: {asked}; at most a quarter, {quarter} rounded down; at least 0.01",
            shares.passholder
        ),
        format!("municipality {}: {municipality}; at most what is left", shares.municipality),
        format!(
            "organizer {}: what is left, {price} - {} - {}",
            shares.organizer, shares.passholder, shares.municipality
        ),
    ]
}

/// Which note somebody expected a ticket on; what is absent may be any.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Expected {
    /// Of this counter.
    #[arg(long, requires = "why_not")]
    counter: Option<CounterId>,
    /// With this number.
    #[arg(long, requires = "why_not")]
    note: Option<u32>,
    /// For the municipality with this postal code.
    #[arg(long, value_name = "POSTAL CODE", requires = "why_not")]
    municipality: Option<PostalCode>,
}

/// Why a ticket is not on a note as of a position, or on which it is.
pub async fn why_not(
    app: &App,
    sale: SaleId,
    expected: &Expected,
    position: u64,
) -> Answer<Vec<String>> {
    let placed = Placed::of(app, sale).await?;
    let placed = placed.and_then(|placed| placed.at(position).map(|lines| (placed, lines)));
    let Some((placed, lines)) = placed else {
        return Ok(vec![format!(
            "no ticket with this id was registered up to position {position}: what is not registered is on no note"
        )]);
    };
    let mut reasons = elsewhere(&placed, expected);
    let closings = placed.closings(position);
    if let Some(note) = expected.note {
        reasons.extend(not_on(&placed, closings.iter().find(|known| known.note == note), note));
    }
    let sold = placed.row.sold();
    match lines {
        Lines::None => reasons.push(format!(
            "it was cancelled at position {} before a note took it in",
            placed.row.cancelled(position).map_or(0, |cancelled| cancelled.position)
        )),
        Lines::Sale(None) => {
            reasons.push(format!(
                "no note of {} takes in {} and position {} yet",
                placed.counter, sold.day, sold.position
            ));
            for closing in &closings {
                reasons.push(match closing.until < sold.day {
                    true => format!("note {} ends on {}", closing.note, closing.until),
                    false => format!(
                        "note {} was made at position {}, before it was registered; it comes on the next one",
                        closing.note, closing.position
                    ),
                });
            }
        }
        Lines::Sale(Some(_)) | Lines::Corrected { .. } => reasons.extend(audit::describe(lines)),
    }
    Ok(reasons)
}

/// It is sold or paid elsewhere than expected.
fn elsewhere(placed: &Placed, expected: &Expected) -> Vec<String> {
    let row = &placed.row;
    let counter = expected.counter.as_ref().filter(|counter| **counter != placed.counter);
    let counter = counter
        .map(|counter| format!("it was sold at {}: no note of {counter} has it", placed.counter));
    let payer = expected.municipality.as_ref().map(ToString::to_string);
    let payer = payer.filter(|code| *code != row.postal_code).map(|code| {
        format!("{} {} pays for it, and not {code}", row.postal_code, row.municipality)
    });
    counter.into_iter().chain(payer).collect()
}

/// Why one note does not take it in, as far as that is a matter of its period and position.
fn not_on(placed: &Placed, note: Option<&Closing>, number: u32) -> Vec<String> {
    let Some(closing) = note else {
        return vec![format!("{} has no note {number} yet", placed.counter)];
    };
    let sold = placed.row.sold();
    let mut reasons = Vec::new();
    if closing.until < sold.day {
        reasons.push(format!(
            "its day, {}, is after note {number}, which runs from {} until {}",
            sold.day, closing.from, closing.until
        ));
    }
    if closing.position < sold.position {
        reasons.push(format!(
            "it was registered at position {}, after note {number} was made at position {}",
            sold.position, closing.position
        ));
    }
    reasons
}

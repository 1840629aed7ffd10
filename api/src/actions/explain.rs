//! Why a line says what it says, and why a ticket is not on a note: from the events, the key in
//! force and the notes, as of any position.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::Lines;
use uitpas_domain::distribution::{Shares, Terms};
use uitpas_domain::group_pass;
use uitpas_domain::ids::{CounterId, SaleId};
use uitpas_domain::passholder::{CouponUsed, Event, TicketSold};
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::text::Text;
use uitpas_projections::settlement;
use uitpas_store::Failed;

use super::audit::{self, Subject};
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
    /// Whether the key, applied again, gives the amounts that were recorded.
    pub amounts_hold: bool,
    pub payer: String,
    /// Where its lines stand.
    pub lines: Vec<String>,
    /// The events, in their order.
    pub chain: Vec<String>,
}

pub async fn explain(app: &App, sale: SaleId, position: u64) -> Answer<Explanation> {
    let trail = audit::trail(app, &Subject::Line(sale), position).await?;
    let first = trail.entries.first().ok_or(Problem::SaleNotFound)?;
    let event = AnyEvent::read(&first.aggregate_type, &first.aggregate_id, &first.payload);
    let granted = match event.map_err(Failed::new)? {
        AnyEvent::Passholder(_, Event::TicketSold(sold))
        | AnyEvent::GroupPass(_, group_pass::Event::TicketSold(sold)) => {
            Granted::at_social_tariff(*sold)
        }
        AnyEvent::Passholder(_, Event::CouponUsed(used))
        | AnyEvent::GroupPass(_, group_pass::Event::CouponUsed(used)) => {
            Granted::with_coupon(*used)
        }
        _ => return Err(Failed::new(format!("a line begins with {}", first.event_type)).into()),
    };
    let placed = audit::place(app, sale, position).await?;
    let chain = trail.entries.iter().map(|entry| {
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
        payer: granted.payer,
        lines: placed.map(|(_, lines)| audit::describe(lines)).unwrap_or_default(),
        chain: chain.collect(),
    })
}

/// A granted tariff in words.
struct Granted {
    sold: String,
    key: String,
    amounts: Vec<String>,
    amounts_hold: bool,
    payer: String,
}

impl Granted {
    fn at_social_tariff(sold: TicketSold) -> Self {
        let price_name = sold.price_name.as_ref().map(Text::as_str);
        Self {
            sold: ticket(sold.title.as_str(), sold.at, (sold.price, price_name), &sold.counter),
            key: key(&sold),
            amounts: amounts(sold.price, sold.key.key.terms(), sold.shares),
            amounts_hold: sold.key.key.split(sold.price) == sold.shares,
            payer: sold.payer.to_string(),
        }
    }

    /// The amounts are those that stood in the coupon when it was used.
    fn with_coupon(used: CouponUsed) -> Self {
        let price_name = used.price_name.as_ref().map(Text::as_str);
        let Shares { passholder, organizer, municipality } = used.shares;
        let sum = passholder.to_decimal() + organizer.to_decimal() + municipality.to_decimal();
        Self {
            sold: ticket(used.title.as_str(), used.at, (used.price, price_name), &used.counter),
            key: format!("coupon {}: {}", used.coupon, used.coupon_name),
            amounts: vec![format!(
                "passholder {passholder}, organizer {organizer}, municipality {municipality}: by the coupon as it was then"
            )],
            amounts_hold: sum == used.price.euro().to_decimal(),
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

/// Why a ticket is not on a note as of a position, or on which it is.
pub async fn why_not(app: &App, sale: SaleId, position: u64) -> Answer<Vec<String>> {
    let Some((counter, lines)) = audit::place(app, sale, position).await? else {
        return Ok(vec![format!(
            "no ticket with this id was registered up to position {position}: what is not registered is on no note"
        )]);
    };
    let row = settlement::line(app.pool(), sale).await?.ok_or(Problem::SaleNotFound)?;
    let sold = row.sold();
    match lines {
        Lines::None => Ok(vec![format!(
            "it was cancelled at position {} before a note took it in",
            row.cancelled(position).map_or(0, |cancelled| cancelled.position)
        )]),
        Lines::Sale(None) => {
            let issued = settlement::of_counter(app.pool(), &counter).await?;
            let mut reasons = vec![format!(
                "no note of {counter} takes in {} and position {} yet",
                sold.day, sold.position
            )];
            for note in
                issued.iter().filter(|note| note.issued_position.cast_unsigned() <= position)
            {
                let closing = note.closing();
                reasons.push(match closing.until < sold.day {
                    true => format!("note {} ends on {}", closing.note, closing.until),
                    false => format!(
                        "note {} was made at position {}, before it was registered; it comes on the next one",
                        closing.note, closing.position
                    ),
                });
            }
            Ok(reasons)
        }
        Lines::Sale(Some(_)) | Lines::Corrected { .. } => Ok(audit::describe(lines)),
    }
}

//! Why a line says what it says, and why a ticket is not on a note: from the events, the key in
//! force and the notes, as of any position.

use rust_decimal::Decimal;
use serde::Serialize;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::Lines;
use uitpas_domain::distribution::{Shares, Terms};
use uitpas_domain::ids::SaleId;
use uitpas_domain::passholder::{Event, TicketSold};
use uitpas_domain::values::euro::Price;
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
    let event: Event = serde_json::from_str(&first.payload).map_err(Failed::new)?;
    let Event::TicketSold(sold) = event else { return Err(Problem::SaleNotFound) };
    let placed = audit::place(app, sale, position).await?;
    let chain = trail.entries.iter().map(|entry| {
        let stream = format!("{}/{}", entry.aggregate_type, entry.aggregate_id);
        format!("{}: {} of {stream}", entry.position, entry.event_type)
    });
    Ok(Explanation {
        sale,
        position,
        sold: format!(
            "{} on {}, price {}{}, at counter {}",
            sold.title,
            day_in_belgium(sold.at),
            sold.price,
            sold.price_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default(),
            sold.counter,
        ),
        key: key(&sold),
        amounts: amounts(sold.price, sold.key.key.terms(), sold.shares),
        amounts_hold: sold.key.key.split(sold.price) == sold.shares,
        payer: sold.payer.to_string(),
        lines: placed.map(|(_, lines)| audit::describe(lines)).unwrap_or_default(),
        chain: chain.collect(),
    })
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

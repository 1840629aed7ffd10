//! A list of cards in CSV: `uitpasNumber,chipNumber,cardSystem,stage,counter`. The header says in
//! which order; only the number and the card system must be there.

use std::io::BufRead;

use uitpas_domain::card::Stage;
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;

use super::rows::{self, Broken, Cells, Columns, Reason};

/// A card to take into the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file, from 1.
    pub line: u64,
    pub number: CardNumber,
    pub chip: Option<ChipNumber>,
    pub card_system: CardSystemId,
    /// In local stock where the file does not say.
    pub stage: Stage,
    pub counter: Option<CounterId>,
}

const NUMBER: &str = "uitpasNumber";
const CHIP: &str = "chipNumber";
const CARD_SYSTEM: &str = "cardSystem";
const STAGE: &str = "stage";
const COUNTER: &str = "counter";
const COLUMNS: Columns =
    Columns { names: &[NUMBER, CHIP, CARD_SYSTEM, STAGE, COUNTER], needed: &[NUMBER, CARD_SYSTEM] };

/// Reads the header now and the rows one at a time.
pub fn read(source: impl BufRead) -> Result<impl Iterator<Item = Result<Row, Broken>>, Broken> {
    let rows = rows::read(source, COLUMNS)?;
    Ok(rows.map(|cells| {
        let cells = cells?;
        row(&cells).map_err(|reason| Broken { line: cells.line, reason })
    }))
}

fn row(cells: &Cells) -> Result<Row, Reason> {
    Ok(Row {
        line: cells.line,
        number: cells.must(NUMBER)?,
        chip: cells.optional(CHIP)?,
        card_system: cells.must(CARD_SYSTEM)?,
        stage: stage(cells.text(STAGE))?,
        counter: cells.optional(COUNTER)?,
    })
}

fn stage(text: &str) -> Result<Stage, Reason> {
    let why = "is none of provisioned, stock, sent-to-counter, local-stock".to_owned();
    match text {
        "" => Ok(Stage::LocalStock),
        text => text.parse().map_err(|_| Reason::Cell { column: STAGE, why }),
    }
}

//! Verdicts on the right to social status, in CSV: `inszNumber,verdict`, where a verdict is
//! `positive` or `negative` (R-SOC-03).

use std::collections::HashMap;
use std::io::BufRead;

use uitpas_domain::passholder::renewal::Verdict;
use uitpas_domain::values::insz::Insz;

use super::rows::{self, Broken, Cells, Columns, Reason};

const INSZ: &str = "inszNumber";
const VERDICT: &str = "verdict";
const COLUMNS: Columns = Columns { names: &[INSZ, VERDICT], needed: &[INSZ, VERDICT] };

/// What a list says, each INSZ once.
#[derive(Debug, Default)]
pub struct Verdicts {
    pub known: Vec<(Insz, Verdict)>,
    /// What could not be read, with its line and never with what stood there.
    pub broken: Vec<Broken>,
}

/// Only a header that cannot be read is an error: of a broken line the others go on. An INSZ with
/// two different verdicts has none.
pub fn read(source: impl BufRead) -> Result<Verdicts, Broken> {
    let mut verdicts = Verdicts::default();
    let mut found: HashMap<Insz, (u64, Option<Verdict>)> = HashMap::new();
    let mut order = Vec::new();
    for cells in rows::read(source, COLUMNS)? {
        let row = cells.and_then(|cells| {
            row(&cells)
                .map_err(|reason| Broken { line: cells.line, reason })
                .map(|row| (cells.line, row))
        });
        let (line, (insz, verdict)) = match row {
            Ok(row) => row,
            Err(broken) => {
                verdicts.broken.push(broken);
                continue;
            }
        };
        match found.get_mut(&insz) {
            None => {
                found.insert(insz, (line, Some(verdict)));
                order.push(insz);
            }
            Some((_, known)) if *known == Some(verdict) => {}
            Some((first, known)) => {
                *known = None;
                let why = format!("the verdict on line {first} is another");
                let reason = Reason::Cell { column: VERDICT, why };
                verdicts.broken.push(Broken { line, reason });
            }
        }
    }
    let agreed = order.into_iter().filter_map(|insz| {
        let (_, verdict) = found[&insz];
        Some((insz, verdict?))
    });
    verdicts.known = agreed.collect();
    Ok(verdicts)
}

fn row(cells: &Cells) -> Result<(Insz, Verdict), Reason> {
    let verdict = cells.text(VERDICT).parse().map_err(|_| {
        let why = "is neither positive nor negative".to_owned();
        Reason::Cell { column: VERDICT, why }
    })?;
    Ok((cells.must(INSZ)?, verdict))
}

//! Codes that are handed out with a reward, in CSV with a column `code` (R-RWD-07).

use std::io::BufRead;

use uitpas_domain::reward::RewardCode;

use super::rows::{self, Broken, Columns};

const CODE: &str = "code";
const COLUMNS: Columns = Columns { names: &[CODE], needed: &[CODE] };

#[derive(Debug, Default)]
pub struct Codes {
    pub codes: Vec<RewardCode>,
    pub broken: Vec<Broken>,
}

/// Only a header that cannot be read is an error: of a broken line the others go on.
pub fn read(source: impl BufRead) -> Result<Codes, Broken> {
    let mut codes = Codes::default();
    for cells in rows::read(source, COLUMNS)? {
        let code = cells.and_then(|cells| {
            cells.must(CODE).map_err(|reason| Broken { line: cells.line, reason })
        });
        match code {
            Ok(code) => codes.codes.push(code),
            Err(broken) => codes.broken.push(broken),
        }
    }
    Ok(codes)
}

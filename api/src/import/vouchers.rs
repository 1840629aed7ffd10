//! Vouchers for a lower membership price, in CSV: `code,off,until`, in euro and by their last day.

use std::io::BufRead;

use uitpas_domain::calendar;
use uitpas_domain::card_system::{Voucher, VoucherCode};

use super::rows::{self, Broken, Cells, Columns, Reason};

const CODE: &str = "code";
const OFF: &str = "off";
const UNTIL: &str = "until";
const COLUMNS: Columns = Columns { names: &[CODE, OFF, UNTIL], needed: &[CODE, OFF, UNTIL] };

#[derive(Debug, Default)]
pub struct Vouchers {
    pub vouchers: Vec<(VoucherCode, Voucher)>,
    pub broken: Vec<Broken>,
}

/// Only a header that cannot be read is an error: of a broken line the others go on.
pub fn read(source: impl BufRead) -> Result<Vouchers, Broken> {
    let mut vouchers = Vouchers::default();
    for cells in rows::read(source, COLUMNS)? {
        let voucher = cells
            .and_then(|cells| row(&cells).map_err(|reason| Broken { line: cells.line, reason }));
        match voucher {
            Ok(voucher) => vouchers.vouchers.push(voucher),
            Err(broken) => vouchers.broken.push(broken),
        }
    }
    Ok(vouchers)
}

fn row(cells: &Cells) -> Result<(VoucherCode, Voucher), Reason> {
    let until = calendar::date(cells.must(UNTIL)?);
    let until = until.map_err(|why| Reason::Cell { column: UNTIL, why: why.to_string() })?;
    Ok((cells.must(CODE)?, Voucher { off: cells.must(OFF)?, until }))
}

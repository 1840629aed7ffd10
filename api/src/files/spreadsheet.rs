//! The note as a spreadsheet: amounts and days are numbers and dates, to be reckoned with.

use chrono::Datelike;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};
use uitpas_domain::values::euro::Euro;
use uitpas_projections::settlement::note::Note;

use super::{Document, day, remarks, sums};

const COLUMNS: [(&str, f64); 11] = [
    ("Datum", 11.0),
    ("Activiteit", 36.0),
    ("Prijs", 16.0),
    ("Verdeelsleutel", 16.0),
    ("Normale prijs", 13.0),
    ("Pashouder", 11.0),
    ("Organisator", 11.0),
    ("Gemeente", 11.0),
    ("Opmerking", 34.0),
    ("Cdbid", 38.0),
    ("Ticket", 38.0),
];

/// The column of what the municipality pays.
const MUNICIPALITY: u16 = 7;

pub fn workbook(document: &Document, note: &Note) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::from_timestamp(document.at.timestamp())?;
    let properties = DocProperties::new().set_title(document.title()).set_creation_datetime(&made);
    workbook.set_properties(&properties);
    let sheet = workbook.add_worksheet();
    sheet.set_name("Nota")?.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    let row = heading(sheet, document, note)?;
    lines(sheet, document, note, row)?;
    workbook.save_to_buffer()
}

fn bold() -> Format {
    Format::new().set_bold()
}

fn amount() -> Format {
    Format::new().set_num_format("#,##0.00")
}

/// Who asks what of whom; gives the row after it.
fn heading(sheet: &mut Worksheet, document: &Document, note: &Note) -> Result<u32, XlsxError> {
    sheet.write_with_format(0, 0, document.title(), &bold().set_font_size(14))?;
    let account = document.account.as_ref().map_or_else(String::new, |iban| iban.grouped());
    let mut facts = vec![
        ("Balie", document.counter.name.to_string()),
        ("IBAN", account),
        ("Gemeente", format!("{} {}", note.postal_code, note.municipality)),
        ("Periode", format!("{} tot en met {}", day(document.from), day(document.until))),
        ("Positie in het logboek", document.position.to_string()),
        ("Controlegetal van deze regels", note.digest().to_string()),
    ];
    if let Some(issued) = &document.issued {
        facts.push(("Controlegetal van de hele nota", issued.digest.to_string()));
        facts.push(("Bezwaar mogelijk tot en met", day(issued.deadline)));
    }
    let mut row = 1;
    for (name, fact) in facts {
        sheet.write(row, 0, name)?.write(row, 2, fact)?;
        row += 1;
    }
    Ok(row + 1)
}

fn lines(
    sheet: &mut Worksheet,
    document: &Document,
    note: &Note,
    first: u32,
) -> Result<(), XlsxError> {
    for ((name, width), column) in COLUMNS.iter().zip(0..) {
        sheet.set_column_width(column, *width)?;
        let is_amount = (4..=MUNICIPALITY).contains(&column);
        let align = if is_amount { FormatAlign::Right } else { FormatAlign::Left };
        sheet.write_with_format(first, column, *name, &bold().set_align(align))?;
    }
    sheet.set_freeze_panes(first + 1, 0)?;
    let date = Format::new().set_num_format("dd/mm/yyyy").set_align(FormatAlign::Left);
    let mut row = first;
    for line in &note.lines {
        row += 1;
        // Days of the log lie between 1900 and 2200.
        let (year, month, day) = (line.day.year(), line.day.month(), line.day.day());
        let on = ExcelDateTime::from_ymd(
            u16::try_from(year).unwrap_or_default(),
            u8::try_from(month).unwrap_or_default(),
            u8::try_from(day).unwrap_or_default(),
        )?;
        sheet.write_with_format(row, 0, &on, &date)?;
        sheet.write(row, 1, &line.title)?;
        sheet.write(row, 2, line.price_name.as_deref().unwrap_or_default())?;
        sheet.write(row, 3, &line.key_name)?;
        let shares =
            [line.price, line.passholder_share, line.organizer_share, line.municipality_share];
        for (cents, column) in shares.into_iter().zip(4..) {
            sheet.write_with_format(row, column, euro(Euro::cents(cents)), &amount())?;
        }
        sheet.write(row, 8, remarks(line))?;
        sheet.write(row, 9, &line.activity)?;
        sheet.write(row, 10, line.sale.to_string())?;
    }
    row += 1;
    for (name, sum) in sums(document, note) {
        row += 1;
        sheet.write_with_format(row, 1, name, &bold())?;
        sheet.write_with_format(row, MUNICIPALITY, euro(sum), &amount().set_bold())?;
    }
    Ok(())
}

/// A spreadsheet knows no decimals: the double nearest to the amount shows as it.
fn euro(amount: Euro) -> f64 {
    amount.as_cents() as f64 / 100.0
}

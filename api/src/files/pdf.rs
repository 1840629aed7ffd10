//! The note as a page that can be sent: A4, in the standard fonts that every reader has.

use chrono::{Datelike, Timelike};
use chrono_tz::Europe::Brussels;
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use uitpas_domain::values::euro::Euro;
use uitpas_projections::settlement::lines::NoteLine;
use uitpas_projections::settlement::note::Note;

use super::winansi::{encoded, fitted, width};
use super::{Document, day, remarks, sums};

// Points, from the lower left corner.
const PAGE: (f32, f32) = (595.0, 842.0);
const LEFT: f32 = 45.0;
const RIGHT: f32 = 550.0;
const TOP: f32 = 790.0;
/// Below this begins the foot of the page.
const BOTTOM: f32 = 75.0;

const REGULAR: Name = Name(b"F1");
const BOLD: Name = Name(b"F2");

const TEXT: f32 = 9.0;
const SMALL: f32 = 7.0;
const LEADING: f32 = 13.0;

/// Where the texts of a line begin, and where its amounts end.
const DATE: f32 = LEFT;
const TITLE: f32 = 100.0;
const KEY: f32 = 290.0;
const AMOUNTS: [f32; 4] = [385.0, 440.0, 497.0, RIGHT];

/// Over the amounts, with their widths in thousandths of the size: letters are wider in bold. Source:
/// Adobe's metrics of Helvetica-Bold.
const HEADINGS: [(&str, f32); 4] =
    [("Prijs", 2_168.0), ("Pashouder", 5_168.0), ("Organisator", 5_668.0), ("Gemeente", 4_835.0)];

/// What is on the pages so far.
struct Pages {
    done: Vec<Content>,
    page: Content,
    /// The base line of the next text.
    y: f32,
}

impl Pages {
    fn text(&mut self, x: f32, font: Name, size: f32, text: &[u8]) {
        self.page.begin_text();
        self.page.set_font(font, size).set_text_matrix([1.0, 0.0, 0.0, 1.0, x, self.y]);
        self.page.show(Str(text)).end_text();
    }

    fn left(&mut self, x: f32, font: Name, size: f32, text: &str) {
        self.text(x, font, size, &encoded(text));
    }

    /// For figures, which are as wide in bold.
    fn right(&mut self, x: f32, font: Name, size: f32, text: &str) {
        let text = encoded(text);
        self.text(x - width(&text, size), font, size, &text);
    }

    fn rule(&mut self) {
        let y = self.y + LEADING - 3.0;
        self.page.set_line_width(0.5).move_to(LEFT, y).line_to(RIGHT, y).stroke();
    }

    fn down(&mut self, by: f32) {
        self.y -= by;
    }

    /// A new page where this one has no room for so much.
    fn room(&mut self, needed: f32) -> bool {
        if self.y - needed >= BOTTOM {
            return false;
        }
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.y = TOP;
        true
    }
}

pub fn page(document: &Document, note: &Note) -> Vec<u8> {
    let mut pages = Pages { done: Vec::new(), page: Content::new(), y: TOP };
    head(&mut pages, document, note);
    columns(&mut pages);
    for line in &note.lines {
        if pages.room(2.0 * LEADING) {
            columns(&mut pages);
        }
        one(&mut pages, line);
    }
    foot(&mut pages, document, note);
    pages.done.push(pages.page);
    written(document, note, pages.done)
}

fn head(pages: &mut Pages, document: &Document, note: &Note) {
    pages.left(LEFT, BOLD, 18.0, &document.title());
    pages.down(2.2 * LEADING);
    let address = &document.counter.address;
    let street = address.street.as_ref().map(ToString::to_string).unwrap_or_default();
    let account = document.account.as_ref().map(|iban| iban.grouped());
    let from = [
        document.counter.name.to_string(),
        street,
        format!("{} {}", address.postal_code, address.city),
        format!("IBAN: {}", account.as_deref().unwrap_or("nog niet gekend")),
    ];
    let made = document.at.with_timezone(&Brussels).format("%d/%m/%Y").to_string();
    let mut facts = vec![
        ("Aan", format!("{} {}", note.postal_code, note.municipality)),
        ("Periode", format!("{} tot en met {}", day(document.from), day(document.until))),
        ("Opgemaakt op", made),
    ];
    if let Some(issued) = &document.issued {
        facts.push(("Bezwaar tot en met", day(issued.deadline)));
    }
    let top = pages.y;
    for (index, text) in from.iter().filter(|text| !text.is_empty()).enumerate() {
        let font = if index == 0 { BOLD } else { REGULAR };
        let fitting = fitted(text, TEXT, KEY - LEFT - 10.0);
        pages.text(LEFT, font, TEXT, &fitting);
        pages.down(LEADING);
    }
    let below = pages.y;
    pages.y = top;
    for (name, fact) in &facts {
        pages.left(KEY, REGULAR, TEXT, name);
        let fitting = fitted(fact, TEXT, RIGHT - AMOUNTS[0]);
        pages.text(AMOUNTS[0], BOLD, TEXT, &fitting);
        pages.down(LEADING);
    }
    pages.y = below.min(pages.y);
    pages.down(LEADING);
    let words = "Terugbetaling van kansentarief: de gemeente betaalt haar deel van elk ticket terug aan de organisator.";
    pages.left(LEFT, REGULAR, TEXT, words);
    pages.down(2.0 * LEADING);
}

fn columns(pages: &mut Pages) {
    for (x, name) in [(DATE, "Datum"), (TITLE, "Activiteit"), (KEY, "Sleutel")] {
        pages.left(x, BOLD, TEXT, name);
    }
    for (x, (name, width)) in AMOUNTS.into_iter().zip(HEADINGS) {
        pages.left(x - width * TEXT / 1_000.0, BOLD, TEXT, name);
    }
    pages.down(LEADING);
    pages.rule();
}

fn one(pages: &mut Pages, line: &NoteLine) {
    pages.left(DATE, REGULAR, TEXT, &day(line.day));
    let title = match &line.price_name {
        Some(name) => format!("{} ({name})", line.title),
        None => line.title.clone(),
    };
    pages.text(TITLE, REGULAR, TEXT, &fitted(&title, TEXT, KEY - TITLE - 8.0));
    let room = AMOUNTS[0] - 32.0 - KEY;
    pages.text(KEY, REGULAR, TEXT, &fitted(&line.key_name, TEXT, room));
    let shares = [line.price, line.passholder_share, line.organizer_share, line.municipality_share];
    for (x, cents) in AMOUNTS.into_iter().zip(shares) {
        pages.right(x, REGULAR, TEXT, &euro(Euro::cents(cents)));
    }
    let remarks = remarks(line);
    if !remarks.is_empty() {
        pages.down(LEADING - 3.0);
        pages.left(TITLE, REGULAR, SMALL, &remarks);
    }
    pages.down(LEADING);
}

/// The sums, and by what the note can be checked.
fn foot(pages: &mut Pages, document: &Document, note: &Note) {
    let sums = sums(document, note);
    pages.room((sums.len() as f32 + 7.0) * LEADING);
    pages.rule();
    let added = note.sums();
    let columns = [added.price, added.passholder, added.organizer, added.municipality];
    let tickets = match note.lines.len() {
        1 => "1 regel".to_owned(),
        lines => format!("{lines} regels"),
    };
    pages.left(LEFT, REGULAR, TEXT, &tickets);
    for (x, sum) in AMOUNTS.into_iter().zip(columns) {
        pages.right(x, REGULAR, TEXT, &euro(sum));
    }
    pages.down(1.5 * LEADING);
    for (name, sum) in sums {
        pages.left(TITLE, BOLD, TEXT + 1.0, name);
        pages.right(RIGHT, BOLD, TEXT + 1.0, &format!("\u{20ac} {}", euro(sum)));
        pages.down(LEADING + 1.0);
    }
    pages.down(LEADING);
    let mut proof = vec![
        format!("Opgemaakt uit het logboek tot en met positie {}.", document.position),
        format!("Controlegetal van deze regels (SHA-256 van het CSV-bestand): {}", note.digest()),
    ];
    if let Some(issued) = &document.issued {
        proof.push(format!("Controlegetal van de hele nota: {}", issued.digest));
        proof.push(format!("Logboek op die positie: {}", issued.head));
    }
    for text in proof {
        pages.left(LEFT, REGULAR, SMALL, &text);
        pages.down(LEADING - 3.0);
    }
}

/// 1.234,50
fn euro(amount: Euro) -> String {
    let cents = amount.as_cents();
    let whole = (cents.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{grouped},{:02}", cents.unsigned_abs() % 100)
}

fn written(document: &Document, note: &Note, pages: Vec<Content>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut numbers = (1..).map(Ref::new);
    let mut next = || numbers.next().expect("there is always another number");
    let (catalog, tree, regular, bold, about) = (next(), next(), next(), next(), next());
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (next(), next())).collect();
    pdf.catalog(catalog).pages(tree).lang(TextStr("nl-BE"));
    let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(count);
    for (font, name) in [(regular, "Helvetica"), (bold, "Helvetica-Bold")] {
        let mut font = pdf.type1_font(font);
        font.base_font(Name(name.as_bytes())).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let title = format!(
        "{} - {} - {} {}",
        document.title(),
        document.counter.name,
        note.postal_code,
        note.municipality
    );
    pdf.document_info(about).title(TextStr(&title)).creation_date(date(document));
    for (index, (content, (page, stream))) in pages.into_iter().zip(ids).enumerate() {
        let mut written = pdf.page(page);
        written.parent(tree).media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).contents(stream);
        let mut resources = written.resources();
        resources.fonts().pair(REGULAR, regular).pair(BOLD, bold);
        resources.finish();
        written.finish();
        let mut numbered = Pages { done: vec![], page: content, y: 45.0 };
        let fitting = fitted(&title, SMALL, 400.0);
        numbered.text(LEFT, REGULAR, SMALL, &fitting);
        let place = format!("pagina {} van {count}", index + 1);
        numbered.right(RIGHT, REGULAR, SMALL, &place);
        pdf.stream(stream, &numbered.page.finish());
    }
    pdf.finish()
}

/// The instant of the note, in UTC.
fn date(document: &Document) -> Date {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let at = document.at;
    Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
}

//! The QR code of an activity, to print and hang up: as an image, as a drawing, and as a page with
//! the name of the activity (R-CHK-10).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use qrcode::{Color, EcLevel, QrCode};

use super::winansi::{encoded, fitted, width};
use super::{Failure, ZIP, zipped};

/// What a code is printed as.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    utoipa::ToSchema,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    #[default]
    Pdf,
    /// The three others together.
    Zip,
    Png,
    Svg,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Pdf => "application/pdf",
            Format::Zip => ZIP,
            Format::Png => "image/png",
            Format::Svg => "image/svg+xml",
        }
    }
}

/// A poster of an activity.
pub struct Poster {
    pub title: String,
    pub organizer: String,
    /// What the QR code holds.
    pub code: String,
}

/// Modules left white around a code. Source: ISO/IEC 18004.
const MARGIN: usize = 4;
/// Pixels on a side of a module: about 500 on a side of the image, enough for a hand's breadth of
/// paper.
const PIXELS: usize = 12;

/// A code as squares, with its white margin.
struct Squares {
    /// On a side.
    count: usize,
    dark: Vec<(usize, usize)>,
}

impl Squares {
    fn of(code: &str) -> Result<Self, Failure> {
        // A quarter of it may be torn off or smudged.
        let made = QrCode::with_error_correction_level(code, EcLevel::Q)?;
        let side = made.width();
        let colours = made.to_colors();
        let dark = colours.iter().enumerate().filter(|(_, colour)| **colour == Color::Dark);
        let dark = dark.map(|(at, _)| (MARGIN + at % side, MARGIN + at / side)).collect();
        Ok(Self { count: side + 2 * MARGIN, dark })
    }
}

impl Poster {
    pub fn file(&self, format: Format) -> Result<Vec<u8>, Failure> {
        let squares = Squares::of(&self.code)?;
        match format {
            Format::Png => png(&squares),
            Format::Svg => Ok(svg(&squares).into_bytes()),
            Format::Pdf => Ok(self.page(&squares)),
            Format::Zip => zipped(BTreeMap::from([
                ("qr-spaarcode.pdf".to_owned(), self.page(&squares)),
                ("qr-spaarcode.png".to_owned(), png(&squares)?),
                ("qr-spaarcode.svg".to_owned(), svg(&squares).into_bytes()),
            ])),
        }
    }

    /// An A4 to hang up.
    fn page(&self, squares: &Squares) -> Vec<u8> {
        let mut page = Content::new();
        let mut y = 770.0;
        let mut line = |page: &mut Content, font, size: f32, text: &[u8]| {
            y -= 1.4 * size;
            centred(page, font, size, y, text);
        };
        line(&mut page, BOLD, 28.0, &encoded("Spaar hier je UiTPAS-punt"));
        for part in in_lines(&self.title, 18.0) {
            line(&mut page, BOLD, 18.0, &part);
        }
        line(&mut page, REGULAR, 14.0, &fitted(&self.organizer, 14.0, ROOM));
        let module = CODE / squares.count as f32;
        let left = (PAGE.0 - CODE) / 2.0;
        for (column, row) in &squares.dark {
            let (x, y) = (left + *column as f32 * module, TOP - (*row + 1) as f32 * module);
            page.rect(x, y, module, module);
        }
        page.fill_nonzero();
        let how = "Scan deze code met de UiTPAS-app. Dat kan zolang de activiteit bezig is.";
        centred(&mut page, REGULAR, 14.0, TOP - CODE - 30.0, &encoded(how));
        let else_how = "Geen app? Vraag je punt aan de balie.";
        centred(&mut page, REGULAR, 14.0, TOP - CODE - 50.0, &encoded(else_how));
        self.written(page)
    }

    fn written(&self, page: Content) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let [catalog, tree, id, stream, regular, bold, about] = [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
        pdf.catalog(catalog).pages(tree).lang(TextStr("nl-BE"));
        pdf.pages(tree).kids([id]).count(1);
        for (font, name) in [(regular, "Helvetica"), (bold, "Helvetica-Bold")] {
            let mut font = pdf.type1_font(font);
            font.base_font(Name(name.as_bytes())).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        pdf.document_info(about).title(TextStr(&format!("QR-spaarcode: {}", self.title)));
        let mut written = pdf.page(id);
        written.parent(tree).media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).contents(stream);
        let mut resources = written.resources();
        resources.fonts().pair(REGULAR, regular).pair(BOLD, bold);
        resources.finish();
        written.finish();
        pdf.stream(stream, &page.finish());
        pdf.finish()
    }
}

// Points, from the lower left corner.
const PAGE: (f32, f32) = (595.0, 842.0);
/// Width for text.
const ROOM: f32 = 500.0;
/// A side of the code with its margin, and where it begins.
const CODE: f32 = 420.0;
const TOP: f32 = 640.0;

const REGULAR: Name = Name(b"F1");
const BOLD: Name = Name(b"F2");

fn centred(page: &mut Content, font: Name, size: f32, y: f32, text: &[u8]) {
    let x = (PAGE.0 - width(text, size)) / 2.0;
    page.begin_text();
    page.set_font(font, size).set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
    page.show(Str(text)).end_text();
}

/// A title in two lines at most; the second one ends where there is no more room.
fn in_lines(title: &str, size: f32) -> Vec<Vec<u8>> {
    let mut first = String::new();
    let mut words = title.split_whitespace().peekable();
    while let Some(word) = words.peek() {
        let longer = if first.is_empty() { (*word).to_owned() } else { format!("{first} {word}") };
        if !first.is_empty() && width(&encoded(&longer), size) > ROOM {
            break;
        }
        first = longer;
        words.next();
    }
    let rest: Vec<_> = words.collect();
    let mut lines = vec![fitted(&first, size, ROOM)];
    if !rest.is_empty() {
        lines.push(fitted(&rest.join(" "), size, ROOM));
    }
    lines
}

fn png(squares: &Squares) -> Result<Vec<u8>, Failure> {
    let side = squares.count * PIXELS;
    let mut pixels = vec![0xff; side * side];
    for (column, row) in &squares.dark {
        for y in row * PIXELS..(row + 1) * PIXELS {
            let from = y * side + column * PIXELS;
            pixels[from..from + PIXELS].fill(0);
        }
    }
    let side = u32::try_from(side)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// One path of squares on a white ground.
fn svg(squares: &Squares) -> String {
    let side = squares.count;
    let mut path = String::new();
    for (column, row) in &squares.dark {
        write!(path, "M{column} {row}h1v1h-1z").expect("text grows");
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path d=\"{path}\"/></svg>\n"
    )
}

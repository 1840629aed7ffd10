//! The QR code of an activity on paper, and who tries codes at random.

use std::io::{Cursor, Read};

use chrono::{TimeDelta, Utc};
use serde_json::json;
use uitpas_api::guesses::GUESSES_MAX;

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, GYM, Region, THEATRE, text};

/// A drawing in black and white.
struct Drawing {
    side: usize,
    dark: Vec<bool>,
}

impl Drawing {
    fn new(side: usize) -> Self {
        Self { side, dark: vec![false; side * side] }
    }

    fn fill(&mut self, (x, y): (f32, f32), side: f32) {
        let range = |from: f32| from.round() as usize..(from + side).round() as usize;
        for row in range(y) {
            for column in range(x) {
                self.dark[row * self.side + column] = true;
            }
        }
    }

    /// What a phone would read.
    fn scanned(&self) -> String {
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(self.side, self.side, |x, y| {
                if self.dark[y * self.side + x] { 0 } else { 255 }
            });
        let found = image.detect_grids();
        assert_eq!(found.len(), 1, "one QR code");
        found[0].decode().expect("it is read").1
    }
}

fn read_png(bytes: &[u8]) -> String {
    let decoder = png::Decoder::new(Cursor::new(bytes));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let seen = reader.next_frame(&mut pixels).expect("a picture");
    assert_eq!(
        (seen.color_type, seen.bit_depth),
        (png::ColorType::Grayscale, png::BitDepth::Eight)
    );
    let side = seen.width as usize;
    let dark = pixels[..seen.buffer_size()].iter().map(|pixel| *pixel < 128).collect();
    Drawing { side, dark }.scanned()
}

/// The squares of the one path of the drawing.
fn read_svg(bytes: &[u8]) -> String {
    let svg = std::str::from_utf8(bytes).expect("text");
    let between = |from: &str, to: &str| {
        let rest = svg.split_once(from).expect(from).1;
        rest.split_once(to).expect(to).0.to_owned()
    };
    let modules: f32 = between("viewBox=\"0 0 ", " ").parse().expect("a number");
    let zoom = 8.0;
    let mut drawing = Drawing::new((modules * zoom) as usize);
    for square in between("<path d=\"M", "\"").split('M') {
        let at = square.strip_suffix("h1v1h-1z").expect("a square of one");
        let (x, y) = at.split_once(' ').expect("a point");
        let [x, y] = [x, y].map(|number| number.parse::<f32>().expect("a number") * zoom);
        drawing.fill((x, y), zoom);
    }
    drawing.scanned()
}

/// The rectangles on the page, which are filled together.
fn read_pdf(bytes: &[u8]) -> String {
    let page = String::from_utf8_lossy(bytes);
    assert!(page.starts_with("%PDF-"));
    let zoom = 2.0;
    let mut drawing = Drawing::new(1700);
    for line in page.lines().filter_map(|line| line.strip_suffix(" re")) {
        let numbers: Vec<f32> =
            line.split(' ').map(|part| part.parse().expect("a number")).collect();
        let [x, y, width, height] = numbers[..] else { panic!("a rectangle, not {line}") };
        assert_eq!(width, height);
        // A page counts from below.
        drawing.fill((x * zoom, (842.0 - y - height) * zoom), width * zoom);
    }
    drawing.scanned()
}

impl Desk {
    async fn prints(&self, activity: &str, format: &str) -> Answer {
        self.gets(&format!("/v4/events/{activity}/qr-checkincodes/download-link{format}")).await
    }
}

/// R-CHK-10: the code is printed as a page, an image and a drawing, by a link that works for a while
/// and leads nowhere else; whoever scans the print gets the point.
#[tokio::test]
async fn the_qr_code_is_printed_by_a_temporary_link_and_can_be_read_back() {
    let region = Region::new().await;
    let activity = region.activity(THEATRE, 5.0).await;
    let code = region.code_of(&activity).await;
    let (desk, stranger) = (region.desk(THEATRE), region.stranger());
    let open = async |format: &str| {
        let link = desk.prints(&activity, format).await.ok();
        let link = text(&link["downloadLink"]).to_owned();
        let path = link.strip_prefix(&region.base).expect("an address of this server").to_owned();
        (stranger.gets(&path).await, path)
    };
    let (pdf, path) = open("").await;
    assert_eq!((pdf.status, pdf.header("content-type")), (200, Some("application/pdf")));
    let name = format!("attachment; filename=\"qr-spaarcode-{activity}.pdf\"");
    assert_eq!(pdf.header("content-disposition"), Some(name.as_str()));
    assert!(pdf.text().contains("(Film in theater)"), "{}", pdf.text());
    assert_eq!(read_pdf(&pdf.bytes), code);
    let (png, _) = open("?format=png").await;
    assert_eq!(read_png(&png.bytes), code);
    let (svg, _) = open("?format=svg").await;
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    assert_eq!(read_svg(&svg.bytes), code);
    let (zip, _) = open("?format=zip").await;
    let mut zip = zip::ZipArchive::new(Cursor::new(&zip.bytes)).expect("a zip");
    let mut content = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).expect(name).read_to_end(&mut bytes).expect("its bytes");
        bytes
    };
    assert_eq!(content("qr-spaarcode.pdf"), pdf.bytes);
    assert_eq!(content("qr-spaarcode.png"), png.bytes);
    assert_eq!(content("qr-spaarcode.svg"), svg.bytes);

    let (_, nele) = region.someone_at_home().await;
    nele.scans(&read_png(&png.bytes)).await.created();

    let other = region.activity(THEATRE, 5.0).await;
    for tampered in [
        path.replace(&activity, &other),
        path.replace("/pdf?", "/png?"),
        path.replace("expires=", "expires=1"),
        path.replace("signature=", "signature=0"),
        path.split('?').next().expect("a path").to_owned(),
    ] {
        stranger.gets(&tampered).await.refused(401, "auth/unauthorized");
    }
    stranger.gets(&path.replace("/pdf?", "/gif?")).await.refused(404, "url/not-found");
    desk.prints(&activity, "?format=gif").await.refused(404, "url/not-found");
    desk.prints("nergens", "").await.refused(404, "uitpas/event-not-found");
    for elsewhere in [region.desk(GYM), region.desk(ELSEWHERE), nele] {
        elsewhere.prints(&activity, "").await.refused(403, "auth/forbidden");
    }
    region.ksb().prints(&activity, "").await.ok();
}

/// R-CHK-10: between two occurrences the code waits for the next one; after the last it is over.
#[tokio::test]
async fn a_qr_code_works_at_each_occurrence_and_not_in_between() {
    let region = Region::new().await;
    let (_, nele) = region.someone_at_home().await;
    let multiple = |hours: &[(i64, i64)]| {
        let at = |hour: &i64| (Utc::now() + TimeDelta::hours(*hour)).to_rfc3339();
        let parts = hours
            .iter()
            .map(|(from, until)| json!({ "startDate": at(from), "endDate": at(until) }));
        let (first, last) = (&hours[0].0, &hours[hours.len() - 1].1);
        json!({
            "calendarType": "multiple", "startDate": at(first), "endDate": at(last),
            "subEvent": parts.collect::<Vec<_>>(),
        })
    };
    for (hours, refusal) in [
        ([(-80, -78), (40, 42)], Some("uitpas/checkin-not-allowed")),
        ([(-80, -78), (-1, 1)], None),
        ([(-80, -78), (-40, -38)], Some("uitpas/checkin-code-expired")),
    ] {
        let activity = region.told(THEATRE, multiple(&hours), &[("Basistarief", 5.0)]).await;
        let scanned = nele.scans(&region.code_of(&activity).await).await;
        match refusal {
            None => drop(scanned.created()),
            Some(kind) => drop(scanned.refused(400, kind)),
        }
    }
}

/// R-CHK-10: codes are not to be found out by trying: who tries too many has to wait.
#[tokio::test]
async fn whoever_guesses_codes_has_to_wait() {
    let region = Region::new().await;
    let (_, nele) = region.someone_at_home().await;
    let activity = region.activity(THEATRE, 5.0).await;
    let mut guesses = 0;
    let waits = loop {
        let answer = nele.scans(&format!("{activity}.{guesses:020x}")).await;
        if answer.status == 429 {
            break answer;
        }
        answer.refused(400, "uitpas/checkin-code-invalid");
        guesses += 1;
    };
    waits.refused(429, "uitpas/rate-limited");
    assert!(
        waits.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok_and(|s| s > 0))
    );
    assert!((GUESSES_MAX.get()..2 * GUESSES_MAX.get()).contains(&guesses), "{guesses}");
}

//! The files of a report or note. From equal lines come equal bytes, whenever they are made.

use std::io::{Cursor, Write as _};

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use uitpas_projections::settlement::note::Note;

/// One CSV per municipality that pays: always the same bytes for the same lines.
pub fn zip(notes: &[Note]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for note in notes {
        let municipality = note.municipality.replace(['/', '\\'], "-");
        let name = format!("{}-{municipality}.csv", note.postal_code);
        zip.start_file(name, options)
            .and_then(|()| Ok(zip.write_all(note.csv().as_bytes())?))
            .expect("writing to memory does not fail");
    }
    zip.finish().expect("writing to memory does not fail").into_inner()
}

/// A zip as an attachment of this name, which is printable ASCII.
pub fn download(name: &str, zip: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-zip-compressed"));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .expect("ids of counters are printable ASCII");
    headers.insert(CONTENT_DISPOSITION, name);
    (headers, zip).into_response()
}

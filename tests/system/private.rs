//! The note and the picture that staff keep of a person.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use uitpas_domain::passholder::private::PICTURE_BYTES_MAX;

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, text};

impl Desk {
    async fn writes_note(&self, holder: &Holder, note: &str) -> Answer {
        self.puts(&format!("/v4/passholders/{}/private", holder.id), json!({ "note": note })).await
    }

    async fn reads_note(&self, holder: &Holder) -> Answer {
        self.gets(&format!("/v4/passholders/{}/private", holder.id)).await
    }

    pub async fn uploads_picture(
        &self,
        holder: &Holder,
        part: &'static str,
        bytes: &[u8],
    ) -> Answer {
        let path = format!("/v4/passholders/{}/picture", holder.id);
        // What it is called says nothing.
        let file = Part::bytes(bytes.to_vec()).file_name("foto.gif");
        let form = Form::new().text("wat", "anders").part(part, file);
        self.send(self.request(Method::PUT, &path).multipart(form)).await
    }

    async fn picture_of(&self, holder: &Holder) -> Answer {
        self.gets(&format!("/v4/passholders/{}/picture", holder.id)).await
    }
}

/// What looks like a JPEG, and says who is on it.
pub fn jpeg(who: &str) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0][..], who.as_bytes(), &[0xff, 0xd9]].concat()
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, 1, 1);
    let mut writer = encoder.write_header().expect("a head");
    writer.write_image_data(&[7]).expect("a pixel");
    drop(writer);
    bytes
}

impl Region {
    /// How many files lie beside the log, and whether one of them holds these bytes in clear.
    async fn files(&self, clear: &[u8]) -> (usize, bool) {
        let mut connection = self.superuser().await;
        let files: Vec<Vec<u8>> = sqlx::query_scalar("select content from log.files")
            .fetch_all(&mut connection)
            .await
            .expect("rows");
        let holds = |file: &Vec<u8>| file.windows(clear.len()).any(|part| part == clear);
        (files.len(), files.iter().any(holds))
    }

    /// The address behind a link to a picture.
    fn path(&self, picture: &Answer) -> String {
        let url = picture.ok()["pictureUrl"].clone();
        text(&url).strip_prefix(&self.base).expect("an address of this server").to_owned()
    }
}

/// R-PRV-01: a note is for registration counters and the KSB, stands in the log sealed, and of two
/// who edit it the second is told.
#[tokio::test]
async fn a_private_note_is_sealed_and_for_registration_counters() {
    let region = Region::new().await;
    let holder = region.passholder().await;
    let (desk, gym) = (region.desk(THEATRE), region.desk(GYM));
    assert_eq!(desk.reads_note(&holder).await.ok(), json!({ "id": holder.id }));
    desk.writes_note(&holder, "Komt altijd met krukken").await.done();
    let read = gym.reads_note(&holder).await;
    assert_eq!(read.ok()["note"], "Komt altijd met krukken");
    let before = region.position().await;
    gym.writes_note(&holder, "Komt altijd met krukken ").await.done();
    assert_eq!(region.position().await, before, "the same note is no news");
    for who in [region.desk(YOUTH), region.desk(ELSEWHERE), region.ksb_of(2)] {
        who.reads_note(&holder).await.refused(403, "auth/forbidden");
        who.writes_note(&holder, "iets").await.refused(403, "auth/forbidden");
    }
    assert!(!region.whole_log().await.contains("krukken"));

    let path = format!("/v4/passholders/{}/private", holder.id);
    let tag = read.header("etag").expect("a tag").to_owned();
    let edits = async |who: &Desk, tag: &str, note: &str| {
        let request = who.request(Method::PUT, &path).header("if-match", tag);
        who.send(request.json(&json!({ "note": note }))).await
    };
    edits(&gym, &tag, "Liften gebruiken").await.done();
    edits(&desk, &tag, "Trap gebruiken").await.refused(412, "own/changed-meanwhile");
    assert_eq!(desk.reads_note(&holder).await.ok()["note"], "Liften gebruiken");
    desk.writes_note(&holder, &"x".repeat(2001)).await.wrong("/note");
    desk.writes_note(&holder, "  ").await.done();
    assert_eq!(desk.reads_note(&holder).await.ok(), json!({ "id": holder.id }));
    region.ksb().writes_note(&holder, "Van de regio").await.done();
    region.ksb().erases(&holder).await.done();
    desk.reads_note(&holder).await.refused(404, "uitpas/passholder-not-found");
    desk.writes_note(&holder, "iets").await.refused(404, "uitpas/passholder-not-found");
}

/// R-PRV-01: a picture is known by its content, lies sealed, is seen by a link that works for a
/// while, and goes when it is replaced, taken away, or its person is removed.
#[tokio::test]
async fn a_picture_lies_sealed_is_seen_by_a_temporary_link_and_goes_with_its_person() {
    let region = Region::new().await;
    let (holder, nele) = region.someone_at_home().await;
    let (desk, stranger) = (region.desk(THEATRE), region.stranger());
    desk.picture_of(&holder).await.refused(404, "own/picture-not-found");
    let first = jpeg("Nele Vandermeer");
    desk.uploads_picture(&holder, "file", &first).await.done();
    assert_eq!(region.files(b"Nele").await, (1, false));
    let path = region.path(&desk.picture_of(&holder).await);
    let seen = stranger.gets(&path).await;
    assert_eq!((seen.status, &seen.bytes), (200, &first));
    assert_eq!(seen.header("content-type"), Some("image/jpeg"));
    assert_eq!(seen.header("cache-control"), Some("private, no-store"));
    assert_eq!(seen.header("x-content-type-options"), Some("nosniff"));
    let own = region.path(&nele.gets("/v4/passholders/me/picture").await);
    assert_eq!(stranger.gets(&own).await.bytes, first);
    for tampered in [
        path.replace("expires=", "expires=1"),
        path.replace("signature=", "signature=0"),
        path.split('?').next().expect("a path").to_owned(),
    ] {
        stranger.gets(&tampered).await.refused(401, "auth/unauthorized");
    }

    // A PNG takes its place, and a wrong file changes nothing.
    desk.uploads_picture(&holder, "file", &png()).await.done();
    assert_eq!(region.files(b"IHDR").await, (1, false));
    stranger.gets(&path).await.refused(404, "own/picture-not-found");
    let path = region.path(&desk.picture_of(&holder).await);
    let seen = stranger.gets(&path).await;
    assert_eq!((&seen.bytes, seen.header("content-type")), (&png(), Some("image/png")));
    desk.uploads_picture(&holder, "foto", &first).await.refused(400, "body/file-missing");
    desk.uploads_picture(&holder, "file", b"GIF89a...")
        .await
        .refused(400, "body/file-invalid-type");
    let mut large = jpeg("groot");
    large.resize(PICTURE_BYTES_MAX, 0);
    desk.uploads_picture(&holder, "file", &large).await.done();
    large.push(0);
    desk.uploads_picture(&holder, "file", &large).await.refused(400, "body/file-invalid-size");
    large.resize(2 * 1024 * 1024, 0);
    desk.uploads_picture(&holder, "file", &large).await.refused(413, "own/body-too-large");
    let json = desk.puts(&format!("/v4/passholders/{}/picture", holder.id), json!({})).await;
    json.refused(415, "header/unsupported-media-type");
    assert_eq!(region.files(b"groot").await, (1, false));

    for who in [region.desk(YOUTH), region.desk(ELSEWHERE)] {
        who.uploads_picture(&holder, "file", &first).await.refused(403, "auth/forbidden");
        who.picture_of(&holder).await.refused(403, "auth/forbidden");
        let path = format!("/v4/passholders/{}/picture", holder.id);
        who.deletes(&path).await.refused(403, "auth/forbidden");
    }
    let other = region.passholder().await;
    nele.picture_of(&other).await.refused(403, "auth/forbidden");
    assert_eq!(region.files(b"Nele").await.0, 1, "what was refused lies nowhere");

    let path = format!("/v4/passholders/{}/picture", holder.id);
    desk.deletes(&path).await.done();
    desk.deletes(&path).await.refused(404, "own/picture-not-found");
    assert_eq!(region.files(b"Nele").await.0, 0);
    desk.uploads_picture(&holder, "file", &first).await.done();
    let link = region.path(&desk.picture_of(&holder).await);
    region.app.store.verify_chain(|_, _| {}).await.expect("a look").expect("a sound chain");
    region.ksb().erases(&holder).await.done();
    assert_eq!(region.files(b"Nele").await.0, 0, "it went with the key");
    stranger.gets(&link).await.refused(404, "uitpas/passholder-not-found");
    region.app.store.verify_chain(|_, _| {}).await.expect("a look").expect("a sound chain");
}

/// R-PRV-01, R-REG-02: a picture and a note may come with the registration; of a refused one nothing
/// is left.
#[tokio::test]
async fn a_picture_and_a_note_come_along_with_a_registration() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let mut person = region.person(THEATRE, &region.card(false).await);
    for wrong in ["geen base64!", &STANDARD.encode("GIF89a")] {
        person["registrationPicture"] = wrong.into();
        desk.registers(&person).await.wrong("/registrationPicture");
    }
    person["registrationPicture"] = STANDARD.encode(jpeg("Nele")).into();
    person["registrationNote"] = "Liever geen post".into();
    let key = "met-foto";
    let holder = desk.posts_once(key, "/v4/passholders", person.clone()).await.holder();
    assert_eq!(desk.reads_note(&holder).await.ok()["note"], "Liever geen post");
    let path = region.path(&desk.picture_of(&holder).await);
    assert_eq!(region.stranger().gets(&path).await.bytes, jpeg("Nele"));
    let again = desk.posts_once(key, "/v4/passholders", person.clone()).await.holder();
    assert_eq!(again.id, holder.id);
    desk.registers(&person).await.refused(400, "uitpas/invalid-card-status");
    assert_eq!(region.files(b"Nele").await, (1, false));
    assert!(!region.whole_log().await.contains("Liever"));
}

//! Files that lie beside the log: those of persons, sealed, and those of issued notes.
//!
//! Whoever names a file of a person in an event lays it down before; it goes with the key of its
//! person. The files of a note are laid down once and stay as they are.

use sha2::{Digest, Sha256};
use uitpas_domain::ids::CounterId;

use crate::failure::Failed;
use crate::store::{Store, patiently};

/// The files of an issued note, as they were laid down.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NoteFiles {
    /// The number of what made them.
    #[sqlx(try_from = "i32")]
    pub renderer: u32,
    /// A zip.
    pub content: Vec<u8>,
}

impl Store {
    /// Lays down what was sealed under the key of this person. Says by which digest it is found.
    pub async fn keep_file(&self, person: &str, sealed: &[u8]) -> Result<[u8; 32], Failed> {
        patiently(|| {
            sqlx::query("select log.keep_file($1, $2)")
                .bind(person)
                .bind(sealed)
                .execute(self.readers())
        })
        .await?;
        Ok(Sha256::digest(sealed).into())
    }

    /// Takes away a file that no event names any more.
    pub async fn drop_file(&self, person: &str, digest: &[u8; 32]) -> Result<(), Failed> {
        patiently(|| {
            sqlx::query("select log.drop_file($1, $2)")
                .bind(person)
                .bind(&digest[..])
                .execute(self.readers())
        })
        .await?;
        Ok(())
    }

    /// A file as it was laid down; absent once its person was removed.
    pub async fn file(&self, person: &str, digest: &[u8; 32]) -> Result<Option<Vec<u8>>, Failed> {
        patiently(|| {
            sqlx::query_scalar("select content from log.files where person_id = $1 and digest = $2")
                .bind(person)
                .bind(&digest[..])
                .fetch_optional(self.readers())
        })
        .await
    }

    /// Lays down the files of a note. What lies there already stays.
    pub async fn keep_note_files(
        &self,
        counter: &CounterId,
        note: u32,
        files: &NoteFiles,
    ) -> Result<(), Failed> {
        patiently(|| {
            sqlx::query("select log.keep_note_files($1, $2, $3, $4)")
                .bind(counter.as_str())
                .bind(note.cast_signed())
                .bind(files.renderer.cast_signed())
                .bind(&files.content)
                .execute(self.readers())
        })
        .await?;
        Ok(())
    }

    /// The files of a note as they were laid down; absent if nobody has done so yet.
    pub async fn note_files(
        &self,
        counter: &CounterId,
        note: u32,
    ) -> Result<Option<NoteFiles>, Failed> {
        patiently(|| {
            sqlx::query_as(
                "select renderer, content from log.note_files where counter = $1 and note = $2",
            )
            .bind(counter.as_str())
            .bind(note.cast_signed())
            .fetch_optional(self.readers())
        })
        .await
    }
}

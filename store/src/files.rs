//! Files of persons that lie, sealed, beside the log. Whoever names one in an event lays it down
//! before; it goes with the key of its person.

use sha2::{Digest, Sha256};

use crate::failure::Failed;
use crate::store::{Store, patiently};

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
}

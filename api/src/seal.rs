//! A sealed head: where the log ended, and what it came down to there, signed. A superuser of the
//! database can write the whole chain of hashes anew, or cut off its end; whoever keeps a seal
//! elsewhere can tell (R-AUD-02).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use uitpas_domain::values::digest::Digest;
use uitpas_store::sealing::MasterKey;
use uuid::Uuid;

/// Stands in front of what is signed, so that no signature for something else passes for a seal.
const HEADING: &str = "uitpas seal 1";

/// What stands in the file of a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seal {
    #[serde(flatten)]
    pub head: SealedHead,
    /// Of whoever sealed. Whether he is trusted is for the reader to say.
    pub public_key: PublicKey,
    /// Ed25519 over the text of the head, in hexadecimal digits.
    pub signature: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedHead {
    /// The log's own name.
    pub log: Uuid,
    /// The last one that is sealed, from 1.
    pub position: u64,
    /// Of the log at that position.
    pub hash: Digest,
    /// When that entry was stored.
    pub recorded_at: DateTime<Utc>,
    pub sealed_at: DateTime<Utc>,
}

/// What the log says of itself, to hold a seal against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub log: Uuid,
    /// Where it ends.
    pub end: u64,
    /// Its hash at the sealed position, and when that entry was stored; absent where there is none.
    pub entry: Option<(Digest, DateTime<Utc>)>,
}

/// Why a seal and a log do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsSealed {
    #[error("it was sealed with the key {0}, which is not the one that is trusted")]
    OtherKey(PublicKey),
    #[error("the seal is forged: its signature is not one of the trusted key over what it says")]
    Forged,
    #[error("it is a seal of another log, {sealed}; this one is {found}")]
    OtherLog { sealed: Uuid, found: Uuid },
    #[error(
        "the end of the log was cut off: it ends at position {end}, and position {} is the first \
         one missing of those up to {sealed}", end + 1
    )]
    CutOff { end: u64, sealed: u64 },
    #[error(
        "the seal is of position {sealed}, beyond the kit, which ends at position {end}: it says \
         nothing about this kit"
    )]
    BeyondKit { end: u64, sealed: u64 },
    #[error("the entry at the sealed position {0} is missing")]
    Missing(u64),
    #[error(
        "the log was written anew: at position {0} its hash is not the one that was sealed, so that \
         entry or one before it was changed"
    )]
    WrittenAnew(u64),
    #[error("the entry at position {0} was not stored at the instant that was sealed")]
    OtherInstant(u64),
}

impl SealedHead {
    /// What is signed: a line for each thing that it says.
    fn text(&self) -> String {
        let instant = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let (recorded, sealed) = (instant(&self.recorded_at), instant(&self.sealed_at));
        let Self { log, position, hash, .. } = self;
        format!("{HEADING}\n{log}\n{position}\n{hash}\n{recorded}\n{sealed}\n")
    }
}

impl Seal {
    /// Whether it is genuine: of this key, and unchanged since.
    pub fn demand_genuine(&self, trusted: &PublicKey) -> Result<(), NotAsSealed> {
        if self.public_key != *trusted {
            return Err(NotAsSealed::OtherKey(self.public_key));
        }
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.signature, &mut signature).map_err(|_| NotAsSealed::Forged)?;
        let key = VerifyingKey::from_bytes(&trusted.0).map_err(|_| NotAsSealed::Forged)?;
        key.verify_strict(self.head.text().as_bytes(), &Signature::from_bytes(&signature))
            .map_err(|_| NotAsSealed::Forged)
    }

    /// Whether the log still holds what was sealed.
    pub fn demand_kept(&self, found: &Found) -> Result<(), NotAsSealed> {
        let SealedHead { log, position, hash, recorded_at, .. } = self.head;
        if log != found.log {
            return Err(NotAsSealed::OtherLog { sealed: log, found: found.log });
        }
        match found.entry {
            None if found.end < position => {
                Err(NotAsSealed::CutOff { end: found.end, sealed: position })
            }
            None => Err(NotAsSealed::Missing(position)),
            Some((other, _)) if other != hash => Err(NotAsSealed::WrittenAnew(position)),
            Some((_, at)) if at != recorded_at => Err(NotAsSealed::OtherInstant(position)),
            Some(_) => Ok(()),
        }
    }
}

/// The key that seals.
pub struct SealingKey(SigningKey);

#[derive(Debug, thiserror::Error)]
pub enum NoSealingKey {
    #[error("a key to seal with is 32 bytes as 64 hexadecimal digits")]
    Malformed,
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
}

impl SealingKey {
    /// Where it stands, unless a file is named.
    pub const VARIABLE: &str = "UITPAS_SEAL_KEY";

    /// The key of a file, else that of the environment, else one that is derived from the master
    /// key: enough for a demo, but whoever rewrites the log may well have that one.
    pub fn find(file: Option<&Path>, master: &MasterKey) -> Result<Self, NoSealingKey> {
        if let Some(file) = file {
            let unreadable = |why| NoSealingKey::Unreadable(file.display().to_string(), why);
            return std::fs::read_to_string(file).map_err(unreadable)?.parse();
        }
        match std::env::var(Self::VARIABLE) {
            Ok(text) => text.parse(),
            Err(std::env::VarError::NotUnicode(_)) => Err(NoSealingKey::Malformed),
            Err(std::env::VarError::NotPresent) => Ok(Self::derived(master)),
        }
    }

    fn derived(master: &MasterKey) -> Self {
        Self(SigningKey::from_bytes(&master.claim_hash("seal", "ed25519")))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub fn seal(&self, head: SealedHead) -> Seal {
        let signature = self.0.sign(head.text().as_bytes());
        let signature = hex::encode(signature.to_bytes());
        Seal { head, public_key: self.public(), signature }
    }
}

impl FromStr for SealingKey {
    type Err = NoSealingKey;

    fn from_str(text: &str) -> Result<Self, NoSealingKey> {
        let mut seed = [0; 32];
        hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| NoSealingKey::Malformed)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }
}

/// The other half, by which a seal is checked; 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 64 hexadecimal digits, of a point on the curve of Ed25519")]
pub struct InvalidPublicKey;

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidPublicKey)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| InvalidPublicKey)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidPublicKey;

    fn try_from(text: String) -> Result<Self, InvalidPublicKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

//! Keys of personal data, and what is done with them: sealing, opening, keyed hashes.
//!
//! Every person has a data key of his own, which lies in `log.keys` wrapped by the master key.
//! Destroying the wrapped key makes everything sealed under it unreadable for ever, in the log,
//! in its copies and in its backups. A caller that finds no wrapped key answers
//! [`Opened::Erased`](uitpas_domain::sealed::Opened::Erased); an [`Unsealable`] is a fault instead.
//!
//! A key is unwrapped for one request and dropped with it: [`PersonKey`] cannot be cloned.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use rand::RngCore;
use rand::rngs::OsRng;
use serde::Serialize;
use serde::de::value::Error as ValueError;
use serde::de::{Deserialize, DeserializeOwned, IntoDeserializer};
use sha2::Sha256;
use uitpas_domain::sealed::Sealed;
use zeroize::Zeroizing;

/// Bytes of the random number before each ciphertext.
const NONCE_BYTES: usize = 12;

type Secret = Zeroizing<[u8; 32]>;

/// The key above all others. Whoever holds it and the database reads everything.
pub struct MasterKey(Secret);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    #[error("a master key is 32 bytes, as 64 hexadecimal digits or 44 characters of base64")]
    Malformed,
    #[error("the master key {0} is missing beside its database; put it back or set it yourself")]
    Missing(String),
    #[error("the master key {path}: {why}")]
    File { path: String, why: io::Error },
}

/// Why something sealed does not open. Never for an erased person: then there is no key to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    #[error("what is sealed has not the form of a sealed value")]
    Malformed,
    #[error("sealed under another key, for another person or field, or changed since")]
    Foreign,
    #[error("what is sealed is of another type")]
    OtherType,
}

impl MasterKey {
    /// The environment variable that holds the key.
    pub const VARIABLE: &str = "UITPAS_MASTER_KEY";

    pub fn generate() -> Self {
        Self(random())
    }

    /// The key in the environment, if one is set.
    pub fn from_env() -> Result<Option<Self>, MasterKeyError> {
        match std::env::var(Self::VARIABLE) {
            Ok(text) => Ok(Some(Zeroizing::new(text).trim().parse()?)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(MasterKeyError::Malformed),
        }
    }

    /// The key in a file, which must be there.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text).trim().parse(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeyError::Missing(path.display().to_string()))
            }
            Err(why) => Err(MasterKeyError::File { path: path.display().to_string(), why }),
        }
    }

    /// Puts a new key in a file that only its owner can read, unless there is one already. It is
    /// on disk, whole, before anything can be sealed under it.
    pub fn ensure_file(path: &Path) -> Result<(), MasterKeyError> {
        let failed = |why| MasterKeyError::File { path: path.display().to_string(), why };
        if path.try_exists().map_err(failed)? {
            return Ok(());
        }
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .map_err(failed)?;
        let text = Zeroizing::new(STANDARD.encode(Self::generate().0.as_slice()) + "\n");
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(path) {
            Err(raced) if raced.error.kind() == io::ErrorKind::AlreadyExists => {}
            persisted => drop(persisted.map_err(|raced| failed(raced.error))?),
        }
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    /// A new data key for a person, and the same wrapped, to be stored by the append that
    /// registers the person.
    pub fn new_person_key(&self, person: &str) -> (PersonKey, Vec<u8>) {
        let key = random();
        let wrapped = encrypt(&self.wrapping_key(), &framed(&[person]), key.as_slice());
        (PersonKey(key), wrapped)
    }

    /// The data key of a person, unwrapped.
    pub fn person_key(&self, person: &str, wrapped: &[u8]) -> Result<PersonKey, Unsealable> {
        let key = decrypt(&self.wrapping_key(), &framed(&[person]), wrapped)?;
        let key = key.as_slice().try_into().map_err(|_| Unsealable::Malformed)?;
        Ok(PersonKey(Zeroizing::new(key)))
    }

    /// Stands for an INSZ or an e-mail address in `log.claims`: equal values hash alike, and
    /// without the master key nobody finds a value by trying them all.
    pub fn claim_hash(&self, kind: &str, normalised: &str) -> [u8; 32] {
        mac(&self.derived("claim"), &framed(&[kind, normalised]))
    }

    /// Stands for a request beside its idempotency key.
    pub fn request_hash(&self, request: &[u8]) -> [u8; 32] {
        mac(&self.derived("request"), request)
    }

    fn wrapping_key(&self) -> Secret {
        self.derived("wrap")
    }

    /// One key per purpose, so that no use of one weakens another.
    fn derived(&self, purpose: &str) -> Secret {
        Zeroizing::new(mac(&self.0, &framed(&["uitpas", "1", purpose])))
    }
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;
    fn from_str(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = match text.len() {
            64 => hex::decode(text).map_err(|_| MasterKeyError::Malformed)?,
            _ => STANDARD.decode(text).map_err(|_| MasterKeyError::Malformed)?,
        };
        let bytes = Zeroizing::new(bytes);
        let key = bytes.as_slice().try_into().map_err(|_| MasterKeyError::Malformed)?;
        Ok(Self(Zeroizing::new(key)))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The data key of one person.
pub struct PersonKey(Secret);

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey")
    }
}

/// Seals a value as this field of this person; it opens as nothing else.
pub fn seal<T: Serialize>(key: &PersonKey, person: &str, field: &str, value: &T) -> Sealed<T> {
    let json = serde_json::to_vec(value).expect("personal data is plain text and structs");
    let plaintext = Zeroizing::new(json);
    let text = STANDARD.encode(encrypt(&key.0, &framed(&[person, field]), &plaintext));
    let deserializer = IntoDeserializer::<ValueError>::into_deserializer(text);
    Sealed::deserialize(deserializer).expect("a sealed value reads as text")
}

/// Opens what was sealed as this field of this person.
pub fn open<T: DeserializeOwned>(
    key: &PersonKey,
    person: &str,
    field: &str,
    sealed: &Sealed<T>,
) -> Result<T, Unsealable> {
    let bytes = STANDARD.decode(sealed.as_str()).map_err(|_| Unsealable::Malformed)?;
    let plaintext = decrypt(&key.0, &framed(&[person, field]), &bytes)?;
    // The reason is left out: it could quote what was sealed.
    serde_json::from_slice(&plaintext).map_err(|_| Unsealable::OtherType)
}

/// Seals bytes that are too many for an event as this field of this person.
pub fn seal_bytes(key: &PersonKey, person: &str, field: &str, bytes: &[u8]) -> Vec<u8> {
    encrypt(&key.0, &framed(&[person, field]), bytes)
}

/// Opens bytes that were sealed as this field of this person.
pub fn open_bytes(
    key: &PersonKey,
    person: &str,
    field: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    decrypt(&key.0, &framed(&[person, field]), sealed)
}

/// Each part after its length, so that no two lists of parts give the same bytes.
fn framed(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        let length = u32::try_from(part.len()).expect("names of persons and fields are short");
        bytes.extend(length.to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

fn random() -> Secret {
    let mut key = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(key.as_mut_slice());
    key
}

fn mac(key: &Secret, message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice())
        .expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The nonce, then the ciphertext. Nonces are random: a person's key seals thousands of values at
/// most and the master key one value per person, far from where two nonces could meet.
fn encrypt(key: &Secret, aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    OsRng.fill_bytes(&mut nonce);
    let ciphertext = Aes256Gcm::new(key.as_slice().into())
        .encrypt(Nonce::from_slice(&nonce), Payload { msg, aad })
        .expect("only a message of more than 64 GiB is refused");
    [nonce.as_slice(), &ciphertext].concat()
}

fn decrypt(key: &Secret, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let (nonce, msg) = sealed.split_at_checked(NONCE_BYTES).ok_or(Unsealable::Malformed)?;
    Aes256Gcm::new(key.as_slice().into())
        .decrypt(Nonce::from_slice(nonce), Payload { msg, aad })
        .map(Zeroizing::new)
        .map_err(|_| Unsealable::Foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: &str = "0190a3f0-0000-7000-8000-000000000001";
    const BRAM: &str = "0190a3f0-0000-7000-8000-000000000002";

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Name {
        first: String,
        last: String,
    }

    fn name() -> Name {
        Name { first: "Anna".into(), last: "Peeters-D'Hôndt".into() }
    }

    fn sealed_as<U>(text: &str) -> Sealed<U> {
        serde_json::from_value(text.into()).expect("text")
    }

    #[test]
    fn what_is_sealed_opens_again_also_after_storage() {
        let master = MasterKey::generate();
        let (key, wrapped) = master.new_person_key(ANNA);
        let sealed = seal(&key, ANNA, "name", &name());
        assert!(!sealed.as_str().contains("Anna"));
        drop(key);

        let key = master.person_key(ANNA, &wrapped).expect("the same key");
        let stored = serde_json::to_string(&sealed).expect("json");
        let read: Sealed<Name> = serde_json::from_str(&stored).expect("sealed");
        assert_eq!(open(&key, ANNA, "name", &read), Ok(name()));
    }

    #[test]
    fn the_same_value_sealed_twice_looks_different() {
        let (key, _) = MasterKey::generate().new_person_key(ANNA);
        assert_ne!(seal(&key, ANNA, "name", &name()), seal(&key, ANNA, "name", &name()));
    }

    #[test]
    fn another_person_field_or_key_does_not_open_it() {
        let master = MasterKey::generate();
        let (key, wrapped) = master.new_person_key(ANNA);
        let (other_key, _) = master.new_person_key(ANNA);
        let sealed = seal(&key, ANNA, "name", &name());

        assert_eq!(open(&key, BRAM, "name", &sealed), Err(Unsealable::Foreign));
        assert_eq!(open(&key, ANNA, "address", &sealed), Err(Unsealable::Foreign));
        assert_eq!(open(&other_key, ANNA, "name", &sealed), Err(Unsealable::Foreign));
        assert_eq!(master.person_key(BRAM, &wrapped).unwrap_err(), Unsealable::Foreign);
        let other_master = MasterKey::generate();
        assert_eq!(other_master.person_key(ANNA, &wrapped).unwrap_err(), Unsealable::Foreign);
    }

    #[test]
    fn person_and_field_cannot_run_into_each_other() {
        let (key, _) = MasterKey::generate().new_person_key("ab");
        let sealed = seal(&key, "ab", "c", &name());
        assert_eq!(open(&key, "a", "bc", &sealed), Err(Unsealable::Foreign));
    }

    #[test]
    fn a_changed_byte_anywhere_does_not_open() {
        let (key, _) = MasterKey::generate().new_person_key(ANNA);
        let bytes = STANDARD.decode(seal(&key, ANNA, "name", &name()).as_str()).expect("base64");
        for changed in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[changed] ^= 1;
            let sealed = sealed_as::<Name>(&STANDARD.encode(bytes));
            assert_eq!(open(&key, ANNA, "name", &sealed), Err(Unsealable::Foreign));
        }
    }

    #[test]
    fn what_was_never_sealed_is_malformed_and_another_type_is_told_apart() {
        let (key, _) = MasterKey::generate().new_person_key(ANNA);
        for text in ["", "no base64!", "AAAA"] {
            let opened = open(&key, ANNA, "name", &sealed_as::<Name>(text));
            assert_eq!(opened, Err(Unsealable::Malformed), "{text}");
        }
        let number = sealed_as::<Name>(seal(&key, ANNA, "name", &7).as_str());
        assert_eq!(open(&key, ANNA, "name", &number), Err(Unsealable::OtherType));
    }

    #[test]
    fn a_master_key_is_read_from_hexadecimal_or_base64_and_never_printed() {
        let bytes = [0xa7; 32];
        let hexadecimal: MasterKey = hex::encode(bytes).parse().expect("hexadecimal");
        let base64: MasterKey = STANDARD.encode(bytes).parse().expect("base64");
        assert_eq!(hexadecimal.request_hash(b"x"), base64.request_hash(b"x"));
        assert_eq!(format!("{base64:?}"), "MasterKey");
        assert_eq!(format!("{:?}", base64.new_person_key(ANNA).0), "PersonKey");
        for text in ["", "a7", &"z".repeat(64), &STANDARD.encode([1; 31])] {
            assert!(matches!(text.parse::<MasterKey>(), Err(MasterKeyError::Malformed)), "{text}");
        }
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("master.key");
        assert!(matches!(MasterKey::from_file(&path), Err(MasterKeyError::Missing(_))));
        MasterKey::ensure_file(&path).expect("made");
        let first = MasterKey::from_file(&path).expect("a key");
        MasterKey::ensure_file(&path).expect("left alone");
        let second = MasterKey::from_file(&path).expect("a key");
        assert_eq!(first.request_hash(b"x"), second.request_hash(b"x"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1);
    }

    #[test]
    fn keyed_hashes_depend_on_key_kind_and_value_and_are_stable() {
        let master = MasterKey::generate();
        let hash = master.claim_hash("insz", "93051822361");
        assert_eq!(hash, master.claim_hash("insz", "93051822361"));
        assert_ne!(hash, master.claim_hash("insz", "93051822362"));
        assert_ne!(hash, master.claim_hash("email", "93051822361"));
        assert_ne!(hash, MasterKey::generate().claim_hash("insz", "93051822361"));
        // Stored hashes must stay findable: the derivation is part of the storage format.
        let known: MasterKey = "00".repeat(32).parse().expect("a key");
        let claim = "bbb056317873014eeddd72400e99a4b465cdd963a97b01cefe58517498ab53f9";
        assert_eq!(hex::encode(known.claim_hash("insz", "93051822361")), claim);
        let request = "f0f3c49d315a3ba41f2a9ff929025e1f8fcd54a02ccd0ca46e5dbdb55a0b1c51";
        assert_eq!(hex::encode(known.request_hash(b"{}")), request);
    }
}

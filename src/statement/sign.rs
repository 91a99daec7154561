//! The key, and what it signs.
//!
//! The key file holds `whsk_` and the 32 bytes of an Ed25519 seed in base64, as
//! receivers' keys are written; it is made at the first start, readable by its owner
//! only. The public key is `whpk_` and its 32 bytes.

use super::make::Document;
use crate::hotline::canonical;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error(
        "{path}: {source}; the daemon makes this file at its first start and must be able to read it"
    )]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is in the file is no key.
    #[error(
        "{path}: not `whsk_` followed by the 32 bytes of an Ed25519 seed in base64; put the right file there, or move this one away to have a new key made"
    )]
    NotAKey {
        /// Which.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a new key")]
    NoRandom,
}

/// A key that signs. It is never printed.
pub struct Key(Ed25519KeyPair);

/// A key that checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl Key {
    /// The key in a file, which is made with a new one if it is not there.
    ///
    /// # Errors
    /// If it can be neither read nor made, or holds something else.
    pub fn open(path: &Path) -> Result<Key, KeyError> {
        match Key::read(path) {
            Err(KeyError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                make(path)?;
                Key::read(path)
            }
            found => found,
        }
    }

    /// The key in a file.
    ///
    /// # Errors
    /// If it cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Key, KeyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        let seed = text.trim().strip_prefix("whsk_").and_then(|b| STANDARD.decode(b).ok());
        let pair = seed.and_then(|s| Ed25519KeyPair::from_seed_unchecked(&s).ok());
        pair.map(Key).ok_or(KeyError::NotAKey { path: path.to_owned() })
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().to_vec())
    }
}

impl PublicKey {
    /// From `whpk_…`; `None` for anything else.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let bytes = STANDARD.decode(text.trim().strip_prefix("whpk_")?).ok()?;
        (bytes.len() == 32).then_some(PublicKey(bytes))
    }

    pub(super) fn signed(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text.as_bytes(), &signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "whpk_{}", STANDARD.encode(&self.0))
    }
}

fn make(path: &Path) -> Result<(), KeyError> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandom)?;
    let write = || -> std::io::Result<()> {
        // All of it or nothing: a half-written key would never be read again.
        let half = path.with_extension("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        writeln!(file, "whsk_{}", STANDARD.encode(seed))?;
        file.sync_all()?;
        std::fs::rename(&half, path)?;
        match path.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|source| KeyError::Io { path: path.to_owned(), source })
}

/// The text that is hashed and signed: the canonical JSON (RFC 8785) of the document
/// without `hash` and `signature`; `None` if a number in it is not whole.
pub(super) fn text_of(document: &Document) -> Option<String> {
    let mut bare = document.clone();
    bare.remove("hash");
    bare.remove("signature");
    canonical(&Value::Object(bare))
}

/// SHA-256, 64 lower-case hexadecimal digits.
pub(super) fn hash_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// A document with `key`, `hash` and `signature`: its hash, and its canonical JSON;
/// `None` if a number in it is not whole.
pub fn sealed(mut document: Document, key: &Key) -> Option<(String, String)> {
    document.insert("key".to_owned(), json!(key.public().to_string()));
    let text = text_of(&document)?;
    let hash = hash_of(&text);
    let signature = STANDARD.encode(key.0.sign(text.as_bytes()));
    document.insert("hash".to_owned(), json!(hash));
    document.insert("signature".to_owned(), json!(signature));
    Some((hash, canonical(&Value::Object(document))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("statement.key");
        let public = Key::open(&path).unwrap().public();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Key::open(&path).unwrap().public(), public);
        assert_eq!(PublicKey::parse(&public.to_string()), Some(public));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_refused_by_name_and_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("statement.key");
        std::fs::write(&path, "whsk_short").unwrap();
        let Err(why) = Key::open(&path) else { panic!("taken") };
        assert!(why.to_string().contains("statement.key"), "{why}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whsk_short");
        assert!(Key::read(&dir.path().join("none")).is_err());
    }
}

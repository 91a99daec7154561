//! One-time links: with one a person acts for a party without a token, by opening
//! it in a browser and pressing a button.
//!
//! A [`Link`] is the right to do one thing ([`Deed`]) once, for one party, in one
//! incident, until it expires, and says which receiver it was sent to. What a
//! person gets is an address whose last part, the **ticket**, is the link and its
//! HMAC-SHA256 under the [`Key`] of this installation: nothing is kept of a link
//! until it is used. A ticket is a secret. It is made when a notice is sent, and
//! is in no log, answer or table; [`masked`] takes it out of what others say.

use crate::air::Stamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What comes before the ticket in the path of an address.
pub const PATH: &str = "/act/";
/// The file of the key in the data directory.
pub const KEY_FILE: &str = "links.key";

/// Bytes of a key: as many as HMAC-SHA256 uses (RFC 2104, section 3).
const KEY_BYTES: usize = 32;
/// Bytes of the HMAC that a ticket carries: half, the least that RFC 2104,
/// section 5, allows, so that an address stays short.
const SEAL_BYTES: usize = 16;
/// What the key is used for, before whatever is signed.
const PURPOSE: &[u8] = b"dustline link 1\0";

/// What can be done by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// The party says that it knows of the incident.
    Acknowledge,
    /// The party agrees to close it.
    Close,
}

impl Deed {
    /// Its name in notices.
    pub fn name(self) -> &'static str {
        match self {
            Deed::Acknowledge => "acknowledge",
            Deed::Close => "close",
        }
    }
}

/// The right to do one thing once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What may be done.
    pub deed: Deed,
    /// In which incident, by its id.
    pub incident: String,
    /// For which party, by its id.
    pub party: String,
    /// Which receiver it was sent to, by its id.
    pub receiver: String,
    /// When that was recorded of which the receiver was told.
    pub at: Stamp,
    /// From when on it can no longer be used.
    pub expires: Stamp,
}

impl Link {
    /// What it is kept under once it is used. Without the key it is of no use.
    pub fn id(&self) -> String {
        let Link { deed, incident, party, receiver, at, .. } = self;
        format!("{} {incident} {party} {receiver} {}", deed.name(), at.0)
    }

    /// Whether it can no longer be used.
    pub fn is_over(&self, now: Stamp) -> bool {
        now >= self.expires
    }
}

/// The key with which links are signed. It cannot be printed.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl Key {
    /// The key of these bytes.
    pub fn of(bytes: &[u8; KEY_BYTES]) -> Key {
        Key(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The key that is kept in a directory; made if there is none.
    ///
    /// # Errors
    /// If the file cannot be read or written, or holds something else.
    pub fn kept_in(dir: &Path) -> io::Result<Key> {
        let file = dir.join(KEY_FILE);
        let bytes = match std::fs::read(&file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => make(dir)?.to_vec(),
            read => read?,
        };
        let wrong = || {
            let said = format!("not a key of {KEY_BYTES} bytes; remove it to have one made");
            io::Error::new(io::ErrorKind::InvalidData, said)
        };
        Ok(Key::of(bytes.as_slice().try_into().map_err(|_| wrong())?))
    }

    /// The ticket of a link.
    pub fn ticket(&self, link: &Link) -> String {
        // Texts and numbers cannot fail to be encoded.
        let mut bytes = postcard::to_allocvec(link).unwrap_or_default();
        let seal = hmac::sign(&self.0, &[PURPOSE, &bytes].concat());
        bytes.extend(seal.as_ref().iter().take(SEAL_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The link of a ticket; `None` if it is none that this key has signed.
    pub fn link(&self, ticket: &str) -> Option<Link> {
        let bytes = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (link, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
        let expected = hmac::sign(&self.0, &[PURPOSE, link].concat());
        let differs = expected.as_ref().iter().zip(seal).fold(0, |all, (a, b)| all | (a ^ b));
        (differs == 0).then(|| postcard::from_bytes(link).ok()).flatten()
    }
}

/// Makes a key and keeps it: only whole, and readable by its owner only.
fn make(dir: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    let no_chance = |_| io::Error::other("the system gives no random numbers");
    SystemRandom::new().fill(&mut bytes).map_err(no_chance)?;
    let new = dir.join(format!("{KEY_FILE}.new"));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, dir.join(KEY_FILE))?;
    std::fs::File::open(dir)?.sync_all()?;
    Ok(bytes)
}

/// A text without the tickets in it: receivers may say what they were sent.
pub fn masked(text: &str) -> String {
    let mut parts = text.split(PATH);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ticket = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%');
        masked.push_str(PATH);
        masked.push('…');
        masked.push_str(part.trim_start_matches(ticket));
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> Key {
        Key::of(&[byte; KEY_BYTES])
    }

    fn link() -> Link {
        Link {
            deed: Deed::Acknowledge,
            incident: "01FRVFR800E1TGVBETPXF4TPS9".to_owned(),
            party: "KR".to_owned(),
            receiver: "kr-desk".to_owned(),
            at: Stamp(1_641_600_000_000),
            expires: Stamp(1_641_686_400_000),
        }
    }

    #[test]
    fn a_ticket_gives_back_the_link_that_it_was_made_of_and_fits_into_a_message() {
        let ticket = key(1).ticket(&link());
        assert_eq!(key(1).link(&ticket), Some(link()));
        assert!(ticket.len() < 120, "{} characters", ticket.len());
        assert_eq!(key(1).ticket(&link()), ticket, "every attempt says the same");
    }

    #[test]
    fn the_ticket_of_another_key_is_none() {
        assert_eq!(key(2).link(&key(1).ticket(&link())), None);
    }

    #[test]
    fn a_link_is_over_at_the_instant_at_which_it_expires() {
        let Link { expires, .. } = link();
        assert!(!link().is_over(Stamp(expires.0 - 1)) && link().is_over(expires));
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let ticket = Key::kept_in(dir.path()).unwrap().ticket(&link());
        assert_eq!(Key::kept_in(dir.path()).unwrap().link(&ticket), Some(link()));
        let file = dir.path().join(KEY_FILE);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(Key::kept_in(dir.path()).unwrap_err().to_string().contains("remove it"));
        assert_eq!(format!("{:?}", key(1)), "<secret>");
    }

    #[test]
    fn what_a_receiver_repeats_of_a_notice_has_no_ticket_in_it() {
        let ticket = key(1).ticket(&link());
        let said = format!("cannot parse \"https://a.example/act/{ticket}\" and /act/{ticket}.");
        assert_eq!(masked(&said), "cannot parse \"https://a.example/act/…\" and /act/….");
        assert_eq!(masked("nothing of the kind"), "nothing of the kind");
    }

    proptest! {
        #[test]
        fn whoever_changes_one_character_of_a_ticket_has_none(place in 0usize..200, by in 1u8..64) {
            const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mut ticket = key(1).ticket(&link()).into_bytes();
            let place = place % ticket.len();
            let old = LETTERS.iter().position(|l| *l == ticket[place]).unwrap();
            ticket[place] = LETTERS[(old + usize::from(by)) % LETTERS.len()];
            prop_assert_eq!(key(1).link(std::str::from_utf8(&ticket).unwrap()), None);
        }

        #[test]
        fn nothing_that_somebody_makes_up_is_a_ticket(text in "\\PC{0,200}") {
            prop_assert_eq!(key(1).link(&text), None);
        }
    }
}

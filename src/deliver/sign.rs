//! The headers of Standard Webhooks 1.0: which notice, when, and the proof.
//!
//! Every key of a receiver signs every notice, so that keys can be changed
//! without a notice being refused: `v1` is HMAC-SHA256 (`whsec_…`), `v1a` is
//! Ed25519 (`whsk_…`: the 32 bytes of its seed, or 64 with the public key behind
//! them). Both sign `<webhook-id>.<webhook-timestamp>.<body>`.

use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

/// The headers of one attempt. `at` is the attempt's time by the machine's own
/// clock in Unix seconds, since the receiver compares it with its own. Without a
/// secret there is no signature; with one that cannot sign it is an error, never
/// an unsigned request.
pub fn headers(
    secrets: &[Secret],
    uid: &str,
    at: i64,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, String> {
    let mut headers =
        vec![(HEADER_WEBHOOK_ID, uid.to_owned()), (HEADER_WEBHOOK_TIMESTAMP, at.to_string())];
    let signatures: Result<Vec<String>, String> =
        secrets.iter().map(|secret| Key::of(secret)?.sign(uid, at, body)).collect();
    let signatures = signatures?;
    if !signatures.is_empty() {
        headers.push((HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")));
    }
    Ok(headers)
}

/// Whether a secret can sign.
///
/// # Errors
/// In words, without the secret.
pub fn check(secret: &Secret) -> Result<(), String> {
    Key::of(secret).map(drop)
}

/// The public key of a `whsk_` secret as receivers are given it, `whpk_…`; none
/// for a secret of another kind.
pub fn public_key(secret: &Secret) -> Option<String> {
    match Key::of(secret).ok()? {
        Key::Symmetric(_) => None,
        Key::Ed25519(pair) => Some(format!("whpk_{}", STANDARD.encode(pair.public_key()))),
    }
}

enum Key {
    Symmetric(Webhook),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Key {
    fn of(secret: &Secret) -> Result<Key, String> {
        let text = secret.reveal().trim();
        let key = match text.strip_prefix("whsk_") {
            Some(base64) => ed25519(base64).map(|pair| Key::Ed25519(Box::new(pair))),
            None if text.starts_with("whsec_") => Webhook::new(text).ok().map(Key::Symmetric),
            None => None,
        };
        key.ok_or_else(|| {
            "the receiver's secret cannot sign; give `whsec_` followed by a key of 24 to 64 bytes \
             in base64, or `whsk_` followed by an Ed25519 key of 32 or 64"
                .to_owned()
        })
    }

    fn sign(&self, uid: &str, at: i64, body: &[u8]) -> Result<String, String> {
        match self {
            Key::Symmetric(key) => {
                key.sign(uid, at, body).map_err(|e| format!("cannot be signed: {e}"))
            }
            Key::Ed25519(pair) => {
                let signed = [format!("{uid}.{at}.").as_bytes(), body].concat();
                Ok(format!("v1a,{}", STANDARD.encode(pair.sign(&signed))))
            }
        }
    }
}

fn ed25519(base64: &str) -> Option<Ed25519KeyPair> {
    let bytes = STANDARD.decode(base64).ok()?;
    let pair = match bytes.split_at_checked(32)? {
        (seed, []) => Ed25519KeyPair::from_seed_unchecked(seed),
        (seed, public) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
    };
    pair.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const UID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const AT: i64 = 1_649_367_553;
    /// RFC 8032, section 7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];

    fn ed25519_secret() -> Secret {
        Secret::new(format!("whsk_{}", STANDARD.encode(SEED)))
    }

    fn signature(secrets: &[Secret]) -> String {
        headers(secrets, UID, AT, BODY).unwrap().remove(2).1
    }

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let headers = headers(&[Secret::new(OLD)], UID, AT, BODY).unwrap();
        assert_eq!(
            headers,
            [
                ("webhook-id", UID.to_owned()),
                ("webhook-timestamp", "1649367553".to_owned()),
                ("webhook-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=".to_owned()),
            ]
        );
    }

    #[test]
    fn an_ed25519_signature_is_verified_by_the_public_key_that_receivers_get() {
        let public = public_key(&ed25519_secret()).unwrap();
        assert_eq!(public, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let signature = signature(&[ed25519_secret()]);
        let signature = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        let signed = [format!("{UID}.{AT}.").as_bytes(), BODY].concat();
        assert!(key.verify(&signed, &signature).is_ok());
    }

    #[test]
    fn a_key_with_its_public_half_signs_as_its_seed_does() {
        let public = public_key(&ed25519_secret()).unwrap();
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let both = Secret::new(format!("whsk_{}", STANDARD.encode([&SEED[..], &public].concat())));
        assert_eq!(signature(&[both]), signature(&[ed25519_secret()]));
        let torn = Secret::new(format!("whsk_{}", STANDARD.encode([SEED, SEED].concat())));
        assert!(check(&torn).is_err());
    }

    #[test]
    fn while_keys_change_every_key_signs() {
        let new = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let old = Secret::new(OLD);
        let all = signature(&[new.clone(), old.clone(), ed25519_secret()]);
        let each = [new, old, ed25519_secret()].map(|s| signature(&[s]));
        assert_eq!(all, each.join(" "));
    }

    #[test]
    fn without_a_secret_there_is_no_signature_and_with_a_bad_one_no_request() {
        assert_eq!(headers(&[], "n", 1, b"{}").unwrap().len(), 2);
        for bad in ["whsec_!!!", "plain", "whsk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsk_AAAA"] {
            let secrets = [Secret::new(OLD), Secret::new(bad)];
            let said = headers(&secrets, "n", 1, b"{}").unwrap_err();
            assert!(said.contains("whsec_") && !said.contains(bad), "{said}");
        }
    }
}

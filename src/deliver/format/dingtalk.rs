//! DingTalk (钉钉): a group robot's JSON, and its signature in the address.

use super::{Request, Told, hmac_sha256, message};
use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The robot takes 20000 bytes in all; escaping needs some.
const TEXT_MAX: usize = 8_000;

/// With a secret, `timestamp` (ms) and `sign` are added to the address: the
/// base64 of HMAC-SHA256 over `<timestamp>\n<secret>` with the secret as the key.
/// The robot refuses what is an hour off.
pub(super) fn request(told: &Told<'_>, secret: Option<&Secret>) -> Request {
    let content = message(told, TEXT_MAX);
    let mut request = Request::json(&json!({
        "msgtype": "text", "text": { "content": content }, "at": { "isAtAll": false },
    }));
    if let Some(secret) = secret {
        let (at, key) = (told.now.0, secret.reveal());
        let signed = hmac_sha256(key.as_bytes(), format!("{at}\n{key}").as_bytes());
        request.query = vec![("timestamp", at.to_string()), ("sign", STANDARD.encode(signed))];
    }
    request
}

//! Feishu (飞书) and Lark: a group robot's JSON, with its signature inside.

use super::{Request, Told, cut, hmac_sha256, link, title, words};
use crate::air::place::Language;
use crate::config::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The robot takes 20 kB in all; escaping needs some.
const TEXT_MAX: usize = 8_000;

/// A post, because in it a text is nothing but text: the marks of a plain message
/// could call everybody. With a secret, `timestamp` (s) and `sign` prove whose it
/// is: the base64 of HMAC-SHA256 over nothing with `<timestamp>\n<secret>` as the
/// key. The robot refuses what is an hour off.
pub(super) fn request(told: &Told<'_>, secret: Option<&Secret>) -> Request {
    // A post has no Korean version; the client shows the one there is.
    let version = if told.language == Language::Zh { "zh_cn" } else { "en_us" };
    let text = cut(&words(told, told.language), TEXT_MAX);
    let mut lines = vec![json!([{ "tag": "text", "text": text }])];
    lines.extend(
        told.offer.map(|o| json!([{ "tag": "a", "text": o.label(told.language), "href": o.url }])),
    );
    lines.push(json!([{ "tag": "a", "text": link(told), "href": link(told) }]));
    let mut body = json!({
        "msg_type": "post",
        "content": { "post": { version: {
            "title": title(told),
            "content": lines,
        } } },
    });
    if let (Some(secret), Some(fields)) = (secret, body.as_object_mut()) {
        let at = told.now.0.div_euclid(1000);
        let signed = hmac_sha256(format!("{at}\n{}", secret.reveal()).as_bytes(), b"");
        fields.insert("timestamp".to_owned(), json!(at.to_string()));
        fields.insert("sign".to_owned(), json!(STANDARD.encode(signed)));
    }
    Request::json(&body)
}

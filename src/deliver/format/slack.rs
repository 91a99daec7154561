//! Slack: an incoming webhook's JSON.

use super::{Request, Told, link, words};
use serde_json::json;

/// Slack reads `&`, `<` and `>` as its own marks, nothing else.
pub(super) fn request(told: &Told<'_>) -> Request {
    let text = escape(&words(told, told.language));
    Request::json(&json!({ "text": format!("{text}\n<{}>", link(told)), "unfurl_links": false }))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

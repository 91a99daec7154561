//! Slack: an incoming webhook's JSON.

use super::{Request, Told, link, words};
use serde_json::json;

/// Slack reads `&`, `<` and `>` as its own marks, nothing else.
pub(super) fn request(told: &Told<'_>) -> Request {
    let text = escape(&words(told, told.language));
    let offer = told.offer.map(|o| format!("\n<{}|{}>", o.url, escape(&o.label(told.language))));
    let text = format!("{text}{}\n<{}>", offer.unwrap_or_default(), link(told));
    Request::json(&json!({ "text": text, "unfurl_links": false }))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

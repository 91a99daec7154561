//! Discord: a webhook's JSON.

use super::{Request, Told, message};
use serde_json::json;

/// Discord takes 2000 characters; bytes are never fewer.
const TEXT_MAX: usize = 2_000;

/// Nobody is called by what a text happens to contain.
pub(super) fn request(told: &Told<'_>) -> Request {
    let content = message(told, TEXT_MAX);
    Request::json(&json!({ "content": content, "allowed_mentions": { "parse": [] } }))
}

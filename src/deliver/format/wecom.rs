//! WeCom (企业微信): a group robot's JSON.

use super::{Request, Told, message};
use serde_json::json;

/// The robot takes 2048 bytes of text.
const TEXT_MAX: usize = 2_048;

pub(super) fn request(told: &Told<'_>) -> Request {
    let content = message(told, TEXT_MAX);
    Request::json(&json!({ "msgtype": "text", "text": { "content": content } }))
}

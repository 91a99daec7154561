//! A CAP `Error`: why a message in CAP was not taken, for a system that reads no
//! problem details.

use super::super::explain::escaped;
use super::super::problem::Problem;
use super::CAP_TYPE;
use super::ack::{NAMESPACE, child};
use crate::air::Stamp;
use crate::rules::stable_id;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use roxmltree::Document;

/// What the status of a message can be.
const STATUSES: [&str; 5] = ["Actual", "Exercise", "System", "Test", "Draft"];

/// A problem as its answer, with a CAP `Error` as the body.
pub(super) fn response(instance: &str, now: Stamp, message: &[u8], problem: Problem) -> Response {
    let document = document(instance, now, message, problem.detail());
    let mut response = problem.into_response();
    *response.body_mut() = Body::from(document);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CAP_TYPE));
    response
}

/// The `Error` for a message, of which it says what can be read.
fn document(instance: &str, now: Stamp, message: &[u8], wrong: &str) -> String {
    let text = String::from_utf8_lossy(message);
    let parsed = Document::parse(&text).ok();
    let field = |name: &str| {
        let alert = parsed.as_ref()?.root_element();
        child(alert, name).filter(|text| !text.is_empty())
    };
    let status = field("status").filter(|s| STATUSES.contains(s)).unwrap_or("System");
    let parts = ["sender", "identifier", "sent"].map(|name| field(name).filter(|t| is_word(t)));
    let references = match parts {
        [Some(sender), Some(identifier), Some(sent)] => {
            format!("<references>{}</references>\n", escaped(&[sender, identifier, sent].join(",")))
        }
        _ => String::new(),
    };
    let sender: String = instance.chars().filter(|c| is_word(&c.to_string())).collect();
    let sent = now.to_string();
    // A time in CAP has an offset, which of UTC is -00:00, and no fractions.
    let sent = format!("{}-00:00", sent.get(..19).unwrap_or(&sent));
    let note: String = wrong.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"{NAMESPACE}\">\n\
         <identifier>{}</identifier>\n<sender>dustline-{}</sender>\n<sent>{sent}</sent>\n\
         <status>{status}</status>\n<msgType>Error</msgType>\n<scope>Restricted</scope>\n\
         <restriction>the sender of the message</restriction>\n<note>{}</note>\n{references}</alert>\n",
        stable_id(now, &["cap error", &text, wrong]),
        escaped(&sender),
        escaped(&note),
    )
}

/// Whether a text can stand in references, between commas and spaces.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '&'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Stamp = Stamp(1_641_646_805_678);

    fn answered(message: &str) -> String {
        document("seoul 1", NOW, message.as_bytes(), "references: <none> & more")
    }

    #[test]
    fn an_error_refers_to_the_message_and_says_what_is_wrong() {
        let message = format!(
            "<alert xmlns=\"{NAMESPACE}\"><identifier>mee-7</identifier><sender>desk@cn</sender>\
             <sent>2026-03-16T10:00:00+08:00</sent><status>Exercise</status></alert>"
        );
        let error = answered(&message);
        for part in [
            "<sender>dustline-seoul1</sender>",
            "<sent>2022-01-08T13:00:05-00:00</sent>",
            "<status>Exercise</status>",
            "<msgType>Error</msgType>",
            "<note>references: &lt;none&gt; &amp; more</note>",
            "<references>desk@cn,mee-7,2026-03-16T10:00:00+08:00</references>",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn a_message_that_cannot_be_read_is_answered_without_references() {
        let error = answered("not XML");
        assert!(error.contains("<status>System</status>") && !error.contains("<references>"));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_the_answer_is_xml(body in "\\PC{0,200}", wrong in "\\PC{0,80}") {
            let error = document("a", NOW, body.as_bytes(), &wrong);
            prop_assert!(Document::parse(&error).is_ok(), "{}", error);
        }
    }
}

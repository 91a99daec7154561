//! E-mail: one message, plain text in UTF-8.
//!
//! The text is in the receiver's language first, then in the others, since mail
//! is passed on to people whose language is not known. Its `Message-ID` is the
//! same in every attempt, and messages of one subject refer to it by a common
//! name, so that programs show them together; `Auto-Submitted` (RFC 3834) keeps
//! automatic replies away.

use super::{Request, Told, link, title, words};
use crate::air::place::Language;
use crate::config::settings::{Mail, Receiver};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use std::time::{Duration, UNIX_EPOCH};

/// The media type of the whole message.
const MESSAGE: &str = "message/rfc822";
/// Between the languages.
const RULE: &str = "\n\n----------\n\n";

/// The message to a receiver. Without a body if its addresses are none, which
/// sending it says.
pub(super) fn request(told: &Told<'_>, receiver: &Receiver) -> Request {
    let mail = receiver.mail.as_ref();
    let body = mail.and_then(|mail| message(told, &receiver.id, mail)).unwrap_or_default();
    Request { content_type: MESSAGE, body, query: Vec::new() }
}

fn message(told: &Told<'_>, receiver: &str, mail: &Mail) -> Option<Vec<u8>> {
    let (event, instance) = (told.event, &told.world.instance);
    let thread = event.subject.replace(|c: char| !c.is_ascii_alphanumeric(), ".");
    let since_1970 = Duration::from_millis(u64::try_from(told.now.0).ok()?);
    let mut message = Message::builder()
        .from(mail.from.parse::<Mailbox>().ok()?)
        .date(UNIX_EPOCH + since_1970)
        .message_id(Some(format!("<{}.{receiver}@{instance}>", event.uid)))
        .references(format!("<{thread}@{instance}>"))
        .subject(title(told))
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        message = message.to(to.parse::<Mailbox>().ok()?);
    }
    Some(message.body(body(told)).ok()?.formatted())
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The text in every language, the reader's first, and the links.
fn body(told: &Told<'_>) -> String {
    let own = told.language;
    let offer = told.offer.map(|o| format!("{}\n{}\n\n", o.label(own), o.url));
    let links = format!("{}{}", offer.unwrap_or_default(), link(told));
    let mut parts = vec![format!("{}\n\n{links}", words(told, own))];
    let others = Language::ALL.into_iter().filter(|l| *l != own);
    parts.extend(others.map(|language| words(told, language)));
    format!("{}\n", parts.join(RULE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::format::fixture;

    fn mail() -> Mail {
        Mail {
            from: "Dustline <alerts@dust.example>".to_owned(),
            to: vec!["desk@kr.example".to_owned(), "night@kr.example".to_owned()],
            login: None,
        }
    }

    fn sent(language: Language) -> String {
        let event = fixture::change(1, "none", "advisory");
        let body = fixture::told(&event, language, |told| message(told, "kr-mail", &mail()));
        String::from_utf8(body.unwrap()).unwrap()
    }

    #[test]
    fn a_message_says_of_what_it_is_and_that_no_person_wrote_it() {
        let text = sent(Language::En);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: Dustline <alerts@dust.example>",
            "To: desk@kr.example, night@kr.example",
            "Message-ID: <01FRXY0000ABCDEFGHJKMNPQ01.kr-mail@seoul-1>",
            "References: <zone.seoul.kr.pm25@seoul-1>",
            "Auto-Submitted: auto-generated",
            "Date: Sat, 08 Jan 2022 13:00:05 +0000",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(head.contains(line), "{line} in {head}");
        }
        assert!(head.contains("Subject: Seoul: "), "{head}");
        assert!(text.is_ascii(), "any server takes it");
    }

    #[test]
    fn the_text_is_in_the_language_of_the_reader_and_then_in_the_others() {
        let event = fixture::change(1, "none", "advisory");
        let place = |body: &str, word: &str| body.find(word).unwrap();
        fixture::told(&event, Language::Zh, |told| {
            let body = body(told);
            assert!(place(&body, "首尔") < place(&body, "http://127.0.0.1:8080/changes/"));
            assert!(place(&body, "首尔") < place(&body, "서울"));
            assert!(place(&body, "서울") < place(&body, "hourly mean"));
        });
    }

    #[test]
    fn what_can_be_done_at_once_stands_below_the_text() {
        let event = fixture::incident(1, "acknowledgement");
        let offer = fixture::offers().of(&event, "kr-desk", fixture::NOW).unwrap();
        fixture::told(&event, Language::Ko, |told| {
            let body = body(&Told { offer: Some(&offer), ..*told });
            assert!(body.contains(&format!("까지)\n{}\n", offer.url)), "{body}");
        });
    }
}

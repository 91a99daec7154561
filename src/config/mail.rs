//! `[[receiver]]` with `format = "email"`: from whom, to whom, by which server.

use super::reader::{Item, Table};
use super::settings::{BodyFormat, Mail};
use super::url::Address;
use lettre::message::Mailbox;

/// What the address of a mail server begins with.
const SERVER: [&str; 2] = ["smtp", "smtps"];
/// Addresses in one message, at most: what a server must take (RFC 5321, 4.5.3.1.8).
const TO_MAX: usize = 100;

/// The server's address: nothing but scheme, host and port.
pub(super) fn server(item: &Item<'_>) -> Option<Address> {
    let address = item.secret_url(&SERVER, "write username = and password = below the url")?;
    if !matches!(address.url.path(), "" | "/") || address.url.query().is_some() {
        item.hidden_fault("a mail server has no path", Some("end it after the port".to_owned()));
        return None;
    }
    Some(address)
}

/// From whom to whom, if it is e-mail; for other formats that is a fault.
pub(super) fn read(table: &mut Table<'_>, format: BodyFormat) -> Option<Mail> {
    if format != BodyFormat::Email {
        for key in ["from", "to", "username", "password"] {
            if let Some(item) = table.get(key) {
                item.hidden_fault(format!("{key} is for format = \"email\""), None);
            }
        }
        return None;
    }
    let from = table.need("from", "the sender's address").and_then(|i| mailbox(&i));
    let to = table.need("to", "a list of addresses");
    let list = to.as_ref().map(|i| i.list("addresses")).unwrap_or_default();
    if let Some(to) = to.filter(|_| list.is_empty() || list.len() > TO_MAX) {
        to.wrong(&format!("1 to {TO_MAX} addresses"));
    }
    let (user, password) = (table.get("username"), table.get("password"));
    let login = match (user, password) {
        (Some(user), Some(password)) => {
            user.filled_text().map(str::to_owned).zip(password.secret())
        }
        (Some(alone), None) => {
            alone.fault("username without password", None);
            None
        }
        (None, Some(alone)) => {
            alone.hidden_fault("password without username", None);
            None
        }
        (None, None) => None,
    };
    Some(Mail { from: from?, to: list.iter().filter_map(mailbox).collect(), login })
}

/// An address, or `Name <address>`.
fn mailbox(item: &Item<'_>) -> Option<String> {
    let text = item.filled_text()?;
    if text.parse::<Mailbox>().is_err() {
        item.wrong("an address such as \"desk@a.example\" or \"Name <desk@a.example>\"");
        return None;
    }
    Some(text.to_owned())
}

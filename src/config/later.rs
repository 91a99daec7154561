//! `[[party]]` and `[hotline]`: their form is checked, but nothing acts on them
//! in this version.

use super::reader::{Item, Table};
use super::values::Unique;
use crate::air::place::Language;
use std::time::Duration;

/// Checks the parties and the hotline.
pub(super) fn check(root: &mut Table<'_>) {
    let mut ids = Unique::default();
    for mut party in root.tables("party") {
        party.own_name("id", &mut ids);
        party.get("name").map(|i| i.names());
        party.choice("language", &Language::ALL.map(|l| (l.code(), l)), Language::default());
        if let Some(item) = party.get("token") {
            item.secret_form();
        }
        for mut step in party.tables("escalation") {
            if let Some(item) = step.need("after", "a duration such as \"15m\"") {
                item.duration(Duration::ZERO);
            }
            texts(step.need("receivers", "a list of receiver ids"));
            step.finish();
        }
        inactive(&party);
        party.finish();
    }
    if !root.has("hotline") {
        return;
    }
    let mut hotline = root.table("hotline");
    texts(hotline.need("parties", "a list of party ids"));
    for mut opener in hotline.tables("open_on") {
        let ladder = opener.text("ladder");
        let level = opener.text("level");
        let threshold = opener.text("threshold");
        if ladder.is_some() != level.is_some() || ladder.is_some() == threshold.is_some() {
            opener.fault("expected ladder and level, or threshold".to_owned(), None);
        }
        opener.finish();
    }
    inactive(&hotline);
    hotline.finish();
}

fn inactive(table: &Table<'_>) {
    table.warn("not active in this version; its form is checked only".to_owned(), None);
}

fn texts(item: Option<Item<'_>>) {
    for entry in item.map(|i| i.list("names")).unwrap_or_default() {
        entry.filled_text();
    }
}

//! `main` of a subscription or preset: which series of a device is its main value,
//! where its messages bring none.

use super::reader::{Item, Table};
use crate::air::StandIn;
use crate::decode::{LABEL_MAX, MainValue};
use std::sync::Arc;
use toml::de::DeValue;

const SERIES: &str = "{ channels = [\"A\", \"B\"] }, { variant = \"cf1\" }, \"first\" or \"none\"";

/// Reads `main`; `otherwise` if it is not there.
pub(super) fn read(table: &mut Table<'_>, otherwise: Option<MainValue>) -> Option<MainValue> {
    let Some(item) = table.get("main") else { return otherwise };
    match item.value {
        DeValue::String(_) => {
            let first = item.choice(&[("first", true), ("none", false)]);
            first.filter(|first| *first).map(|_| MainValue::First)
        }
        DeValue::Table(_) => stand_in(&item).map(|s| MainValue::Of(Arc::new(s))),
        _ => {
            item.wrong(SERIES);
            None
        }
    }
}

fn stand_in(item: &Item<'_>) -> Option<StandIn> {
    let mut table = item.table()?;
    let channels = table.get("channels").map(|i| i.one_or_more("channels")).unwrap_or_default();
    let mut channels: Vec<String> = channels.iter().filter_map(label).collect();
    let variant = table.get("variant").and_then(|i| label(&i)).unwrap_or_default();
    table.finish();
    if channels.is_empty() && variant.is_empty() {
        item.wrong(SERIES);
        return None;
    }
    if channels.is_empty() {
        channels.push(String::new());
    }
    Some(StandIn { channels, variant })
}

fn label(item: &Item<'_>) -> Option<String> {
    let text = item.filled_text()?;
    if text.len() > LABEL_MAX {
        item.wrong(&format!("at most {LABEL_MAX} bytes"));
        return None;
    }
    Some(text.to_owned())
}

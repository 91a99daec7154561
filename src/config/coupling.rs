//! `[[coupling]]`: zones that decide together.

use super::reader::{Item, Table};
use super::settings::Coupling;
use super::values::Unique;
use crate::air::Names;

/// Reads every coupling.
pub(super) fn read(root: &mut Table<'_>, zones: &Unique) -> Vec<Coupling> {
    let mut ids = Unique::default();
    let mut couplings = Vec::new();
    for mut table in root.tables("coupling") {
        let id = table.own_name("id", &mut ids);
        let name = table.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
        let named = table.need("zones", "the ids of at least two zones");
        let (zones, written) = named.map(|item| members(&item, zones)).unwrap_or_default();
        let all = u32::try_from(written).unwrap_or(u32::MAX).max(1);
        let at_least = table.need("at_least", "in how many of them a level must be met");
        let at_least = at_least.and_then(|item| item.whole(1..=i64::from(all)));
        let at_least = at_least.and_then(|n| u32::try_from(n).ok()).unwrap_or(all);
        couplings.push(Coupling { id, name, zones, at_least });
        table.finish();
    }
    couplings
}

/// The zones of a coupling, and how many are written there.
fn members(item: &Item<'_>, zones: &Unique) -> (Vec<String>, usize) {
    let entries = item.list("zone ids");
    let mut members: Vec<String> = Vec::new();
    for entry in &entries {
        let Some(id) = entry.text() else { continue };
        if members.iter().any(|member| member == id) {
            entry.fault(format!("zone {id:?} is there twice"), None);
        } else if entry.zone_of(id, zones) {
            members.push(id.to_owned());
        }
    }
    if entries.len() < 2 {
        item.fault("fewer than two zones; a zone alone decides for itself", None);
    }
    (members, entries.len())
}

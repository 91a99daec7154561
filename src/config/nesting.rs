//! Zones that are made of zones: district, city, region.
//!
//! A zone's `zones` are put together from the bottom up: its stations are its own
//! and those of every zone below it, each counted once. Nothing here walks by
//! recursion, so that the depth is not limited.

use super::reader::Item;
use super::settings::Zone;
use super::values::Unique;
use std::collections::{BTreeMap, BTreeSet};

/// A zone with the places where it names others.
pub(super) struct Draft<'a> {
    pub(super) zone: Zone,
    /// The entries of its `zones`.
    pub(super) parts: Vec<Item<'a>>,
}

/// Checks what the zones are made of, and gives each the stations below it.
pub(super) fn settle(drafts: &mut [Draft<'_>], ids: &Unique) {
    let places: BTreeMap<String, usize> =
        drafts.iter().enumerate().rev().map(|(i, d)| (d.zone.id.clone(), i)).collect();
    for draft in drafts.iter_mut() {
        draft.zone.zones = known_parts(&draft.parts, ids);
    }
    let place = |id: &String| places.get(id).copied();
    let below: Vec<Vec<usize>> =
        drafts.iter().map(|d| d.zone.zones.iter().filter_map(place).collect()).collect();
    let (order, cycles) = bottom_up(&below);
    for cycle in cycles {
        tell_cycle(drafts, &cycle);
    }
    for zone in order {
        let parts = below.get(zone).map(Vec::as_slice).unwrap_or_default();
        let stations = together(zone, parts, drafts);
        if let Some(draft) = drafts.get_mut(zone) {
            draft.zone.stations = stations;
        }
    }
}

/// The zones that the entries name; those that do not exist are faults.
fn known_parts(entries: &[Item<'_>], ids: &Unique) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for entry in entries {
        let Some(id) = entry.text() else { continue };
        if parts.iter().any(|part| part == id) {
            entry.fault(format!("zone {id:?} is there twice"), None);
        } else if entry.zone_of(id, ids) {
            parts.push(id.to_owned());
        }
    }
    parts
}

impl Item<'_> {
    /// Whether there is a zone of this id; a fault here if not.
    pub(super) fn zone_of(&self, id: &str, zones: &Unique) -> bool {
        let known = zones.has(id);
        if !known {
            let hint = super::fault::did_you_mean(id, zones.names())
                .unwrap_or_else(|| format!("known zones: {}", zones.sentence()));
            self.fault(format!("there is no zone {id:?}"), Some(hint));
        }
        known
    }
}

/// A fault where the first zone of a cycle names the next.
fn tell_cycle(drafts: &[Draft<'_>], cycle: &[usize]) {
    let ids: Vec<&str> =
        cycle.iter().filter_map(|i| drafts.get(*i)).map(|d| d.zone.id.as_str()).collect();
    let (Some(first), Some(draft)) = (ids.first(), cycle.first().and_then(|i| drafts.get(*i)))
    else {
        return;
    };
    let next = ids.get(1).unwrap_or(first);
    let entry = draft.parts.iter().find(|e| e.text() == Some(next));
    if let Some(entry) = entry {
        let hint = Some("take one of these out of the other's zones".to_owned());
        entry.fault(format!("a zone inside itself: {} → {first}", ids.join(" → ")), hint);
    }
}

/// The stations of a zone and of those it is made of; `None`: all.
fn together(zone: usize, parts: &[usize], drafts: &[Draft<'_>]) -> Option<Vec<String>> {
    let mut stations: Vec<String> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for draft in std::iter::once(&zone).chain(parts).filter_map(|i| drafts.get(*i)) {
        for station in draft.zone.stations.as_ref()? {
            if seen.insert(station) {
                stations.push(station.clone());
            }
        }
    }
    Some(stations)
}

/// The nodes of a graph so that each comes after those below it, and the cycles
/// that keep the others out of that order.
fn bottom_up(below: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); below.len()];
    for (node, parts) in below.iter().enumerate() {
        for part in parts {
            above[*part].push(node);
        }
    }
    let mut waiting: Vec<usize> = below.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..below.len()).filter(|i| waiting[*i] == 0).collect();
    let mut order = Vec::with_capacity(below.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for parent in &above[node] {
            waiting[*parent] -= 1;
            if waiting[*parent] == 0 {
                ready.push(*parent);
            }
        }
    }
    let rest = (0..below.len()).filter(|i| waiting[*i] > 0).collect();
    (order, cycles(below, rest))
}

/// A cycle for each knot among these nodes: from the first of them on, what lies
/// below is followed until it comes round.
fn cycles(below: &[Vec<usize>], mut rest: BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    while let Some(start) = rest.first().copied() {
        let mut path = vec![start];
        let mut next = start;
        while let Some(part) = below[next].iter().find(|p| rest.contains(p)) {
            if let Some(begin) = path.iter().position(|node| node == part) {
                let mut cycle = path.split_off(begin);
                let first = cycle.iter().enumerate().min_by_key(|(_, node)| **node);
                let first = first.map_or(0, |(place, _)| place);
                cycle.rotate_left(first);
                path.extend(&cycle);
                found.push(cycle);
                break;
            }
            path.push(*part);
            next = *part;
        }
        for node in &path {
            rest.remove(node);
        }
    }
    found
}

/// A zone and all zones below it, by id, itself first.
pub(super) fn family(id: &str, zones: &[Zone]) -> Vec<String> {
    let mut family: Vec<String> = vec![id.to_owned()];
    let mut looked_at = 0;
    while let Some(next) = family.get(looked_at).cloned() {
        looked_at += 1;
        let parts = zones.iter().filter(|z| z.id == next).flat_map(|z| &z.zones);
        for part in parts {
            if !family.contains(part) {
                family.push(part.clone());
            }
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_of_a_hundred_thousand_zones_is_put_in_order() {
        let below: Vec<Vec<usize>> =
            (0..100_000).map(|i| if i == 0 { Vec::new() } else { vec![i - 1] }).collect();
        let (order, cycles) = bottom_up(&below);
        assert_eq!((order.len(), cycles.len()), (100_000, 0));
        assert_eq!((order[0], order[99_999]), (0, 99_999));
    }

    proptest! {
        #[test]
        fn each_node_is_in_order_after_those_below_or_kept_out_by_a_cycle(
            edges in proptest::collection::btree_set((0usize..12, 0usize..12), 0..30),
        ) {
            let mut below = vec![Vec::new(); 12];
            edges.iter().for_each(|(a, b)| below[*a].push(*b));
            let (order, cycles) = bottom_up(&below);
            for (place, node) in order.iter().enumerate() {
                prop_assert!(below[*node].iter().all(|p| order[..place].contains(p)));
            }
            prop_assert_eq!(order.len() == 12, cycles.is_empty());
            for cycle in &cycles {
                let next = cycle.iter().cycle().skip(1);
                prop_assert!(cycle.iter().zip(next).all(|(a, b)| below[*a].contains(b)));
            }
        }
    }
}

//! The lanes of one source: how each is, and what its session at the broker holds.
//! Together they are one source to everyone else.

use crate::config::settings::Source;
use crate::flow::{Lane, SourceState};

/// The lanes of one source.
#[derive(Debug)]
pub(super) struct Lanes {
    /// How each is that the configuration has.
    states: Vec<SourceState>,
    /// What the session of each lane may hold. Longer than `states` where an
    /// earlier configuration had more lanes: these are being given up.
    filters: Vec<Vec<String>>,
}

impl Lanes {
    /// The lanes of a source, with the filters kept for them.
    pub fn of(source: &Source, mut kept: Vec<Vec<String>>) -> Lanes {
        let lanes = usize::from(source.connections);
        kept.resize(lanes.max(kept.len()), Vec::new());
        let down = SourceState::Down("not connected yet".to_owned());
        Lanes { states: vec![down; lanes], filters: kept }
    }

    /// What the session of each lane may hold.
    pub fn filters(&self) -> &[Vec<String>] {
        &self.filters
    }

    /// Notes that every lane of the configuration will hold `wanted`; hands out
    /// what each may have held before.
    pub fn begin(&mut self, wanted: &[String]) -> Vec<Vec<String>> {
        let previous = self.filters.clone();
        for held in self.filters.iter_mut().take(self.states.len()) {
            held.extend_from_slice(wanted);
            held.sort_unstable();
            held.dedup();
        }
        previous
    }

    /// Notes how a lane is. One that is up holds `wanted` and nothing else, or
    /// nothing if the configuration no longer has it. Says whether what is held changed.
    pub fn heard(&mut self, lane: Lane, state: &SourceState, wanted: Vec<String>) -> bool {
        let lane = usize::from(lane);
        if let Some(known) = self.states.get_mut(lane) {
            *known = state.clone();
        }
        let Some(held) = self.filters.get_mut(lane).filter(|_| *state == SourceState::Up) else {
            return false;
        };
        *held = if lane < self.states.len() { wanted } else { Vec::new() };
        while self.filters.len() > self.states.len() && self.filters.last() == Some(&Vec::new()) {
            self.filters.pop();
        }
        true
    }

    /// How the source is: refused if any lane is, up if all are, else down, with
    /// how many lanes are and why the first of them is.
    pub fn together(&self) -> SourceState {
        let refused = self.states.iter().find(|s| matches!(s, SourceState::Refused(_)));
        if let Some(refused) = refused {
            return refused.clone();
        }
        let mut down = self.states.iter().filter_map(|s| match s {
            SourceState::Down(why) => Some(why),
            _ => None,
        });
        let (Some(why), of) = (down.next(), self.states.len()) else { return SourceState::Up };
        match 1 + down.count() {
            _ if of == 1 => SourceState::Down(why.clone()),
            lost => SourceState::Down(format!("{lost} of {of} connections: {why}")),
        }
    }

    /// Whether some lane is up.
    pub fn any_up(&self) -> bool {
        self.states.contains(&SourceState::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(all: &[&str]) -> Vec<String> {
        all.iter().map(|s| (*s).to_owned()).collect()
    }

    fn lanes(connections: usize, kept: &[&[&str]]) -> Lanes {
        let down = SourceState::Down("no broker".to_owned());
        let mut filters: Vec<_> = kept.iter().map(|l| strings(l)).collect();
        filters.resize(connections.max(kept.len()), Vec::new());
        Lanes { states: vec![down; connections], filters }
    }

    #[test]
    fn a_source_is_up_when_all_its_lanes_are() {
        let mut two = lanes(2, &[]);
        let why = SourceState::Down("2 of 2 connections: no broker".to_owned());
        assert_eq!((two.together(), two.any_up()), (why, false));
        two.heard(1, &SourceState::Up, strings(&["a"]));
        let why = SourceState::Down("1 of 2 connections: no broker".to_owned());
        assert_eq!((two.together(), two.any_up()), (why, true));
        two.heard(0, &SourceState::Up, strings(&["a"]));
        assert_eq!(two.together(), SourceState::Up);
    }

    #[test]
    fn a_source_is_refused_when_one_lane_is() {
        let mut two = lanes(2, &[]);
        let refused = SourceState::Refused(strings(&["a (not authorised)"]));
        two.heard(1, &refused, strings(&["a"]));
        assert_eq!(two.together(), refused);
    }

    #[test]
    fn what_a_lane_held_is_kept_until_the_lane_is_up() {
        let mut one = lanes(1, &[&["old"]]);
        assert_eq!(one.begin(&strings(&["new"])), [strings(&["old"])]);
        assert_eq!(one.filters(), [strings(&["new", "old"])]);
        assert!(!one.heard(0, &SourceState::Down(String::new()), strings(&["new"])));
        assert!(one.heard(0, &SourceState::Up, strings(&["new"])));
        assert_eq!(one.filters(), [strings(&["new"])]);
    }

    #[test]
    fn a_lane_that_the_configuration_no_longer_has_is_forgotten_once_it_holds_nothing() {
        let mut one = lanes(1, &[&["f"], &["f"], &["f"]]);
        let previous = one.begin(&strings(&["f"]));
        assert_eq!(previous.len(), 3, "all three are connected once more");
        one.heard(1, &SourceState::Up, strings(&["f"]));
        assert_eq!(one.filters(), [strings(&["f"]), vec![], strings(&["f"])]);
        one.heard(2, &SourceState::Up, strings(&["f"]));
        assert_eq!(one.filters(), [strings(&["f"])]);
    }
}

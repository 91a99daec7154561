//! Which parts of history go: the oldest, unless they are spared.

use super::needs::Needs;
use crate::air::Hour;
use crate::flow::Limit;

/// A part as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Old {
    /// The last journal row in it.
    pub upto: i64,
    /// The last hour that a row of it is of.
    pub last: Hour,
    /// Bytes of its block.
    pub bytes: u64,
}

/// One walk over the parts, in the order of their last hours.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    /// Parts that end before this hour are too old; the first hour of all: none is.
    pub before: Hour,
    /// Bytes that have to go; …
    pub excess: u64,
    /// … what they are beyond.
    pub beyond: Limit,
    /// What is spared.
    pub needs: Needs,
}

impl Sweep {
    /// Whether a part goes, and what it is beyond.
    pub fn takes(&mut self, part: &Old) -> Option<Limit> {
        if self.needs.spare(part) {
            return None;
        }
        let beyond = match (part.last < self.before, self.excess > 0) {
            (true, _) => Limit::Age,
            (false, true) => self.beyond,
            (false, false) => return None,
        };
        self.excess = self.excess.saturating_sub(part.bytes);
        Some(beyond)
    }

    /// Whether nothing goes any more, of this part and those behind it.
    pub fn is_over(&self, part: &Old) -> bool {
        part.last >= self.needs.from || (part.last >= self.before && self.excess == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = Old> {
        (1i64..1_000, 0i32..50, 1u64..100).prop_map(|(upto, last, bytes)| Old {
            upto,
            last: Hour(last),
            bytes,
        })
    }

    fn sweep() -> impl Strategy<Value = Sweep> {
        let hour = || prop_oneof![Just(i32::MIN), 0i32..50];
        let after = prop_oneof![Just(i64::MAX), 0i64..1_000];
        let from = prop_oneof![Just(i32::MAX), 0i32..50];
        (hour(), prop_oneof![Just(0u64), 0u64..3_000], after, from).prop_map(
            |(before, excess, after, from)| Sweep {
                before: Hour(before),
                excess,
                beyond: Limit::Size,
                needs: Needs { after, from: Hour(from) },
            },
        )
    }

    proptest! {
        #[test]
        fn what_goes_is_the_oldest_that_nobody_needs_and_no_more_of_it_than_must(
            mut parts in prop::collection::vec(part(), 0..40),
            rule in sweep(),
        ) {
            parts.sort_by_key(|p| (p.last, p.upto));
            let mut running = rule.clone();
            let (mut gone, mut stays) = (Vec::new(), Vec::new());
            for part in &parts {
                match running.is_over(part) {
                    true => stays.push(*part),
                    false => match running.takes(part) {
                        Some(beyond) => gone.push((*part, beyond)),
                        None => stays.push(*part),
                    },
                }
            }
            for (part, beyond) in &gone {
                prop_assert!(!rule.needs.spare(part), "needed: {part:?}");
                prop_assert_eq!(*beyond == Limit::Age, part.last < rule.before);
                let younger = |p: &&Old| p.last < part.last && !rule.needs.spare(p);
                prop_assert_eq!(stays.iter().find(younger), None);
            }
            for part in &stays {
                prop_assert!(rule.needs.spare(part) || part.last >= rule.before, "too old: {part:?}");
            }
            let bytes = |some: &[(Old, Limit)]| some.iter().map(|(p, _)| p.bytes).sum::<u64>();
            let all_spared = stays.iter().all(|p| rule.needs.spare(p));
            prop_assert!(bytes(&gone) >= rule.excess || all_spared);
            if let Some(((last, Limit::Size), others)) = gone.split_last() {
                prop_assert!(bytes(others) < rule.excess, "{last:?} need not go");
            }
        }

        #[test]
        fn without_a_limit_nothing_goes(part in part()) {
            let needs = Needs { after: i64::MAX, from: Hour(i32::MAX) };
            let mut rule = Sweep { before: Hour(i32::MIN), excess: 0, beyond: Limit::Size, needs };
            prop_assert!(rule.is_over(&part));
            prop_assert_eq!(rule.takes(&part), None);
        }
    }
}

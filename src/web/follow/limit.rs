//! How often one address may knock.
//!
//! A ticket cannot be guessed; what this bounds is the work that an address can
//! make. Each has a bucket of [`AT_ONCE`] requests, refilled one every [`EVERY`].

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests at once.
const AT_ONCE: u32 = 30;
/// Between requests in the long run.
pub const EVERY: Duration = Duration::from_secs(2);
/// Addresses that are remembered at most.
const ADDRESSES_MAX: usize = 10_000;

/// Who has knocked how often.
#[derive(Debug, Default)]
pub struct Limit {
    /// By address: when its bucket is full again.
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Limit {
    /// Whether an address may knock now.
    pub fn allows(&self, address: IpAddr, now: Instant) -> bool {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES_MAX {
            all.retain(|_, full| *full > now);
        }
        // So many at once that none is idle: the flood is let in rather than the
        // one kept out who must act.
        if all.len() >= ADDRESSES_MAX {
            all.clear();
        }
        let full = all.entry(network(address)).or_insert(now);
        let next = (*full).max(now) + EVERY;
        if next > now + EVERY * AT_ONCE {
            return false;
        }
        *full = next;
        true
    }
}

/// An address of version 6 stands for its network of 64 bits, which one host has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_may_knock_so_often_and_then_now_and_then() {
        let (limit, now) = (Limit::default(), Instant::now());
        let good = (0..100).filter(|_| limit.allows(ip("192.0.2.1"), now)).count();
        assert_eq!(good, AT_ONCE as usize);
        assert!(limit.allows(ip("192.0.2.2"), now), "another one");
        let later = now + 3 * EVERY;
        let good = (0..100).filter(|_| limit.allows(ip("192.0.2.1"), later)).count();
        assert_eq!(good, 3);
    }

    #[test]
    fn the_addresses_of_one_host_are_one() {
        let (limit, now) = (Limit::default(), Instant::now());
        let of = |n: u32| ip(&format!("2001:db8:1:1::{n:x}"));
        assert_eq!((1..100).filter(|n| limit.allows(of(*n), now)).count(), AT_ONCE as usize);
        assert!(limit.allows(ip("2001:db8:1:2::1"), now));
        let mapped = (1..100).filter(|_| limit.allows(ip("::ffff:192.0.2.1"), now)).count();
        assert_eq!(mapped, AT_ONCE as usize);
        assert!(!limit.allows(ip("192.0.2.1"), now), "the same address");
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_room_than_there_is() {
        let (limit, now) = (Limit::default(), Instant::now());
        for n in 0..3 * ADDRESSES_MAX as u32 {
            assert!(limit.allows(IpAddr::from(n.to_be_bytes()), now));
        }
        assert!(limit.full_at.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}

//! Which addresses notices may go to.
//!
//! Without `outgoing.allow`, every host may be called. With it, only the hosts
//! named there and those whose addresses lie in the networks named there. In both
//! cases addresses that lead to the machine's own surroundings (link-local, and
//! those at which clouds hand out credentials) are refused, unless a network of
//! the list contains them. The addresses themselves are looked at when the
//! connection is made, so that a name that changes its address changes nothing.

use crate::config::settings::{Allowed, Outgoing};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Addresses of cloud services inside the machine that are not link-local:
/// Alibaba Cloud, Azure, AWS over IPv6.
const SERVICES: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Decides where connections may go.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Outgoing>);

impl Guard {
    pub(super) fn new(outgoing: Outgoing) -> Guard {
        Guard(Arc::new(outgoing))
    }

    /// Checks a host that is an address itself; names are checked when resolved.
    pub(super) fn literal(&self, host: &str) -> Result<(), String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) => self.choose(bare, vec![SocketAddr::new(ip, 0)]).map(drop),
            Err(_) => Ok(()),
        }
    }

    /// Where a host is, as far as it may be connected to; at least one address.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|e| format!("{host} is not found: {e}"))?.collect();
        let good = self.choose(host, found)?;
        if good.is_empty() { Err(format!("{host} has no address")) } else { Ok(good) }
    }

    /// The addresses of a host that may be connected to; an error if there is none.
    fn choose(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
        let allow = &self.0.allow;
        let named = allow.is_empty() || allow.iter().any(|a| names(a, host));
        let open = |address: &SocketAddr| {
            let ip = address.ip().to_canonical();
            allow.iter().any(|a| contains(a, ip)) || (named && !is_inside(ip))
        };
        let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(open);
        match bad.first() {
            Some(bad) if good.is_empty() => {
                let ip = bad.ip();
                let why =
                    if named { "an address of the machine's surroundings" } else { "not listed" };
                Err(format!("not called: {ip} is {why}; outgoing.allow says what may be called"))
            }
            _ => Ok(good),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let good = guard.choose(name.as_str(), found)?;
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

/// Whether an entry of the list names a host.
fn names(allowed: &Allowed, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match allowed {
        Allowed::Host(name) => host == *name,
        Allowed::Below(domain) => {
            host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        Allowed::Network(..) => false,
    }
}

/// Whether an entry of the list is a network with this address.
fn contains(allowed: &Allowed, ip: IpAddr) -> bool {
    let Allowed::Network(network, bits) = allowed else { return false };
    let wide = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 4),
        IpAddr::V6(ip) => (ip.to_bits(), 6),
    };
    let ((a, of), (b, other)) = (wide(*network), wide(ip));
    of == other && (a ^ b).checked_shr(128 - u32::from(*bits)).unwrap_or(0) == 0
}

/// Whether an address leads to the machine's own surroundings, or to nobody.
fn is_inside(ip: IpAddr) -> bool {
    let local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => {
            // What a translator makes of an IPv4 address (RFC 6052) is that address.
            if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = ip.segments() {
                return is_inside(
                    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)).into(),
                );
            }
            ip.is_unicast_link_local()
        }
    };
    local || ip.is_unspecified() || ip.is_multicast() || SERVICES.contains(&ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(allow: &[Allowed], host: &str, ip: &str) -> bool {
        let guard = Guard::new(Outgoing { allow: allow.to_vec() });
        guard.choose(host, vec![SocketAddr::new(ip.parse().unwrap(), 443)]).is_ok()
    }

    fn network(ip: &str, bits: u8) -> Allowed {
        Allowed::Network(ip.parse().unwrap(), bits)
    }

    #[test]
    fn without_a_list_everything_but_the_surroundings_may_be_called() {
        for ip in ["93.184.216.34", "10.0.0.5", "127.0.0.1", "2606:2800::1", "fd12::1"] {
            assert!(says(&[], "a.example", ip), "{ip}");
        }
        for ip in [
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!says(&[], "a.example", ip), "{ip}");
        }
    }

    #[test]
    fn a_list_lets_its_hosts_and_networks_be_called_and_nothing_else() {
        let list = [
            Allowed::Host("a.example".to_owned()),
            Allowed::Below("b.example".to_owned()),
            network("10.1.0.0", 16),
            network("2001:db8::", 32),
        ];
        for (host, ip, good) in [
            ("a.example", "93.184.216.34", true),
            ("A.Example.", "93.184.216.34", true),
            ("x.a.example", "93.184.216.34", false),
            ("x.b.example", "93.184.216.34", true),
            ("b.example", "93.184.216.34", false),
            ("xb.example", "93.184.216.34", false),
            ("other", "10.1.255.1", true),
            ("other", "10.2.0.1", false),
            ("other", "2001:db8:1::1", true),
            ("other", "2001:db9::1", false),
            ("a.example", "169.254.169.254", false),
        ] {
            assert_eq!(says(&list, host, ip), good, "{host} at {ip}");
        }
        assert!(says(&[network("169.254.0.0", 16)], "other", "169.254.1.1"));
        assert!(says(&[network("0.0.0.0", 0)], "other", "8.8.8.8"));
        assert!(!says(&[network("0.0.0.0", 0)], "other", "2606::1"));
    }

    #[test]
    fn of_several_addresses_the_good_ones_stay() {
        let guard = Guard::new(Outgoing::default());
        let both = ["169.254.169.254:1", "93.184.216.34:1"].map(|a| a.parse().unwrap()).to_vec();
        assert_eq!(guard.choose("a", both.clone()).unwrap(), both[1..]);
    }

    #[test]
    fn an_address_in_the_url_is_looked_at_as_well() {
        let guard = Guard::new(Outgoing::default());
        assert!(guard.literal("169.254.169.254").unwrap_err().contains("outgoing.allow"));
        assert!(guard.literal("[fe80::1]").is_err());
        assert!(guard.literal("127.0.0.1").is_ok() && guard.literal("a.example").is_ok());
    }
}

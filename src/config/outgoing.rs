//! `[outgoing]`: where notices may go.

use super::reader::{Item, Table};
use super::settings::{Allowed, Outgoing};
use ::url::Host;
use std::net::IpAddr;

const EXPECTED: &str = "a host (\"alerts.example\"), all below a domain (\"*.example\"), an address or a \
                        network (\"10.0.0.0/8\")";

/// Reads `[outgoing]`.
pub(super) fn read(root: &mut Table<'_>) -> Outgoing {
    let mut table = root.table("outgoing");
    let entries = table.get("allow").map(|i| i.list("hosts and networks")).unwrap_or_default();
    table.finish();
    Outgoing { allow: entries.iter().filter_map(allowed).collect() }
}

fn allowed(item: &Item<'_>) -> Option<Allowed> {
    let text = item.filled_text()?;
    let found = parse(text);
    if found.is_none() {
        item.wrong(EXPECTED);
    }
    found
}

fn parse(text: &str) -> Option<Allowed> {
    if let Some((ip, bits)) = text.split_once('/') {
        let (ip, bits) = (ip.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
        let most = if ip.is_ipv4() { 32 } else { 128 };
        return (bits <= most).then_some(Allowed::Network(ip, bits));
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Allowed::Network(ip, if ip.is_ipv4() { 32 } else { 128 }));
    }
    let (domain, below) = match text.strip_prefix("*.") {
        Some(domain) => (domain, true),
        None => (text, false),
    };
    let Host::Domain(domain) = Host::parse(domain.trim_end_matches('.')).ok()? else {
        return None;
    };
    if domain.contains('*') {
        return None;
    }
    Some(if below { Allowed::Below(domain) } else { Allowed::Host(domain) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_domains_addresses_and_networks_are_told_apart() {
        let network = |ip: &str, bits| Some(Allowed::Network(ip.parse().unwrap(), bits));
        for (text, meant) in [
            ("Alerts.Example.", Some(Allowed::Host("alerts.example".to_owned()))),
            ("*.example", Some(Allowed::Below("example".to_owned()))),
            ("10.0.0.0/8", network("10.0.0.0", 8)),
            ("127.0.0.1", network("127.0.0.1", 32)),
            ("fd00::/8", network("fd00::", 8)),
            ("::1", network("::1", 128)),
            ("10.0.0.0/33", None),
            ("10.0.0/8", None),
            ("*", None),
            ("a.*.example", None),
            ("https://a.example", None),
            ("a b", None),
        ] {
            assert_eq!(parse(text), meant, "{text}");
        }
    }
}

//! Addresses: their parts, and what has no place in them.

use super::reader::Item;
use ::url::{Host, Url};
use toml::de::DeValue;

/// An address without user information.
pub(super) struct Address {
    pub(super) url: Url,
    /// The host, IPv6 without brackets.
    pub(super) host: String,
}

impl Address {
    /// Whether whatever is sent there stays on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let name = self.host.trim_end_matches('.');
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl Item<'_> {
    /// The value as a URL of one of `schemes`. `secrets_go` says where user
    /// name and password belong, since they have no place in a URL.
    pub(super) fn url(&self, schemes: &[&str], secrets_go: &str) -> Option<Address> {
        let wrong = |expected: &str, hint: Option<String>| self.wrong_with(expected, hint);
        self.address(self.filled_text()?, schemes, secrets_go, wrong)
    }

    /// The value as a URL that may hold a token: also given like a secret, and
    /// never quoted.
    pub(super) fn secret_url(&self, schemes: &[&str], secrets_go: &str) -> Option<Address> {
        let wrong = |expected: &str, hint: Option<String>| {
            self.hidden_fault(format!("found something else, expected {expected}"), hint);
        };
        match self.value {
            DeValue::Table(_) => self.address(self.secret()?.reveal(), schemes, secrets_go, wrong),
            _ => self.address(self.filled_text()?, schemes, secrets_go, wrong),
        }
    }

    fn address(
        &self,
        text: &str,
        schemes: &[&str],
        secrets_go: &str,
        wrong: impl Fn(&str, Option<String>),
    ) -> Option<Address> {
        let starts: Vec<String> = schemes.iter().map(|s| format!("{s}://")).collect();
        let expected = format!("a URL that begins with {}", starts.join(" or "));
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) if text.contains('@') => {
                self.hidden_fault(format!("{error}; expected {expected}"), None);
                return None;
            }
            Err(error) => {
                wrong(&expected, Some(error.to_string()));
                return None;
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.hidden_fault(
                "a user name or password inside a URL would be seen in logs",
                Some(secrets_go.to_owned()),
            );
            return None;
        }
        if !schemes.contains(&url.scheme()) {
            wrong(&expected, None);
            return None;
        }
        let host = match url.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            wrong(&format!("{expected} and names a host"), None);
            return None;
        }
        if url.fragment().is_some() {
            wrong("a URL without `#…`", None);
            return None;
        }
        Some(Address { url, host })
    }
}

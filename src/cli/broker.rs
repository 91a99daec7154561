//! The broker that a command talks to.

use super::{Code, Failure};
use crate::config::Secret;
use std::path::Path;
use url::{Host, Url};

/// The password in a file, without its line's end.
pub(super) fn password(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        Failure::new(Code::Usage, format!("--password-file {}: {e}", file.display()))
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broker {
    pub host: String,
    pub port: u16,
    pub tls: bool,
}

/// Reads `mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`.
pub(super) fn parse(text: &str) -> Result<Broker, String> {
    let url = Url::parse(text).map_err(|e| format!("{e}; write mqtt://HOST or mqtts://HOST"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password inside a URL is seen by every user of this machine; use --username and --password-file".to_owned());
    }
    let tls = match url.scheme() {
        "mqtt" => false,
        "mqtts" => true,
        other => return Err(format!("{other}:// is not known; write mqtt:// or mqtts://")),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("nothing may follow host and port".to_owned());
    }
    let host = match url.host() {
        Some(Host::Ipv6(ip)) => ip.to_string(),
        Some(host) => host.to_string(),
        None => return Err("it names no host".to_owned()),
    };
    Ok(Broker { host, port: url.port().unwrap_or(if tls { 8883 } else { 1883 }), tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_with_the_usual_ports() {
        let is = |host: &str, port, tls| Ok(Broker { host: host.to_owned(), port, tls });
        assert_eq!(parse("mqtt://127.0.0.1"), is("127.0.0.1", 1883, false));
        assert_eq!(parse("mqtts://b.example.kr/"), is("b.example.kr", 8883, true));
        assert_eq!(parse("mqtt://[::1]:1884"), is("::1", 1884, false));
    }

    #[test]
    fn credentials_in_the_address_and_other_schemes_are_refused() {
        for (text, words) in [
            ("mqtt://me@host", "--username"),
            ("mqtt://me:secret@host", "--password-file"),
            ("http://host", "mqtt://"),
            ("host:1883", "mqtt://"),
            ("mqtt://host/path", "follow"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(words) && !said.contains("secret"), "{text}: {said}");
        }
    }
}

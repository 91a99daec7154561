//! Why a connection ended, in words that help: what, where, what to do next.
//! No text here ever contains a user name or password.

use rumqttc::tokio_rustls::rustls;
use std::io;
use std::path::PathBuf;

/// The end of a connection, or of an attempt at one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot find the address of {host}: {error}; check the host name and the resolver")]
    Unresolved { host: String, error: io::Error },
    #[error("{at} refused the connection: no broker listens there")]
    NobodyListens { at: String },
    #[error("cannot reach {at}: {error}")]
    Unreachable { at: String, error: io::Error },
    #[error("no answer from {at} within {seconds} s")]
    TimedOut { at: String, seconds: u64 },
    #[error("{what} {}: {why}", path.display())]
    File { what: &'static str, path: PathBuf, why: String },
    #[error("{0} is no name or address that a certificate can be checked against")]
    ServerName(String),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("the broker refused us: {0}")]
    Refused(&'static str),
    #[error("the broker ended the connection: {0}")]
    Goodbye(&'static str),
    #[error(
        "the broker closed the connection without a word: it ended, it does not want us, or \
         another client has the same client_id"
    )]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the broker did not answer a ping within half the keep alive")]
    Silent,
    #[error("the broker sent what cannot be read: {0}")]
    Malformed(String),
    #[error("cannot write a packet: {0}")]
    Unsendable(String),
}

impl Fault {
    /// The fault behind an error of an open connection. TLS errors travel
    /// inside I/O errors, some only with the first bytes after the handshake.
    pub fn of_stream(error: io::Error) -> Fault {
        if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            return Fault::Tls(tls_words(tls));
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Closed,
            _ => Fault::Broken(error),
        }
    }

    /// The fault behind a failed TCP connect.
    pub fn of_connect(at: String, error: io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Fault::NobodyListens { at },
            _ => Fault::Unreachable { at, error },
        }
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the broker's certificate is not signed by an authority we trust: set ca_file".into()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the broker's certificate is for another host name".into(),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the broker's certificate has expired".into(),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the broker wants a client certificate: set client_cert and client_key".into()
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown,
        ) => "the broker does not accept our client certificate".into(),
        Error::InvalidMessage(_) => "the broker does not speak TLS on this port".into(),
        other => other.to_string(),
    }
}

//! TLS towards a broker: whom we trust, and who we are.

use super::fault::Fault;
use crate::config::settings::Tls;
use rumqttc::tokio_rustls::rustls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Reads the files that the settings name. They are read for every attempt, so
/// that a renewed certificate is used without a restart.
pub(super) fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, Fault> {
    let roots = match &tls.ca_file {
        Some(path) => authorities_in(path)?,
        None => authorities_of_the_system()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::Tls(e.to_string()))?
        .with_root_certificates(roots);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates_in(certificate)?;
            let secret = PrivateKeyDer::from_pem_file(key)
                .map_err(|e| file_fault("cannot read the client's key", key, e))?;
            builder.with_client_auth_cert(chain, secret).map_err(|e| {
                file_fault("the client's key does not fit its certificate", certificate, e)
            })?
        }
    };
    Ok(Arc::new(config))
}

fn authorities_in(path: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_in(path)? {
        roots
            .add(certificate)
            .map_err(|e| file_fault("not an authority's certificate", path, e))?;
    }
    Ok(roots)
}

fn authorities_of_the_system() -> Result<RootCertStore, Fault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Fault::Tls(
            "the system has no trusted authorities: install ca-certificates or set ca_file"
                .to_owned(),
        ));
    }
    Ok(roots)
}

fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    const WHAT: &str = "cannot read the certificates in";
    let all = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| file_fault(WHAT, path, e))?;
    if all.is_empty() {
        return Err(file_fault(WHAT, path, "no PEM certificate in it"));
    }
    Ok(all)
}

fn file_fault(what: &'static str, path: &Path, why: impl ToString) -> Fault {
    Fault::File { what, path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let tls = Tls { ca_file: Some("/nonexistent/ca.pem".into()), client: None };
        let fault = client_config(&tls).unwrap_err().to_string();
        assert!(fault.contains("/nonexistent/ca.pem"), "{fault}");
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no certificate").unwrap();
        let tls = Tls { ca_file: Some(file.path().into()), client: None };
        let fault = client_config(&tls).unwrap_err().to_string();
        assert!(fault.contains(&file.path().display().to_string()), "{fault}");
    }
}

//! Reads certificate authorities that are trusted besides the platform's.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::proxy_error::{CertificateFault, NetworkError};
use super::variables::NetworkVariables;
use crate::bounded::{self, FileFault, Links};
use crate::net::Network;

/// The largest file of authorities. Mozilla's list has 0.2 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// Where Linux distributions and BSDs have the platform's authorities in one file. The
/// library that reads them reads `SSL_CERT_FILE` instead if that is set, so it is given these.
const PLATFORM_FILES: [&str; 9] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
];

/// The authorities of `ca_file` and of `SSL_CERT_FILE`, and the platform's where the latter
/// would hide them.
///
/// Every certificate of `ca_file` must be usable, since its author chose each. Of
/// `SSL_CERT_FILE` one is enough: it is often a list of all authorities, of which some may be
/// obsolete.
pub(super) fn additional(
    network: &Network,
    variables: &NetworkVariables,
) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let mut all = Vec::new();
    if let Some(path) = &network.ca_file {
        all.extend(named(path, "`ca_file` in `[network]`", true)?);
    }
    if let Some(path) = variables.certificates() {
        all.extend(named(
            path,
            "the environment variable `SSL_CERT_FILE`",
            false,
        )?);
        if cfg!(all(unix, not(target_vendor = "apple"))) {
            let platform = PLATFORM_FILES.iter().map(Path::new);
            let found = platform.filter_map(|path| usable(&read(path).ok()?, false).ok());
            all.extend(found.take(1).flatten());
        }
    }
    Ok(all)
}

fn named(
    path: &Path,
    setting: &'static str,
    strict: bool,
) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let found = read(path).and_then(|content| usable(&content, strict));
    found.map_err(|source| NetworkError::Certificates {
        path: path.to_owned(),
        setting,
        source,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateFault> {
    match bounded::read(path, Links::Followed, MOST_BYTES) {
        Ok(content) => Ok(content.bytes),
        Err(FileFault::NotRegular) => Err(CertificateFault::NotAFile),
        Err(FileFault::TooLong { limit }) => Err(CertificateFault::TooLong(limit)),
        Err(fault) => Err(CertificateFault::Read(fault.into_io())),
    }
}

/// The certificates that can be authorities; an error if there is none, or if `strict` and
/// one of them cannot be.
fn usable(content: &[u8], strict: bool) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    // Windows editors write a byte-order mark.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut usable = Vec::new();
    let mut damaged = None;
    for (index, certificate) in CertificateDer::pem_slice_iter(content).enumerate() {
        let certificate = certificate.ok().filter(|certificate| {
            let mut store = RootCertStore::empty();
            store.add(certificate.clone()).is_ok()
        });
        match certificate {
            Some(certificate) => usable.push(certificate),
            None => damaged = damaged.or(Some(index + 1)),
        }
    }
    match damaged {
        Some(number) if strict || usable.is_empty() => Err(CertificateFault::Damaged { number }),
        _ if usable.is_empty() => Err(CertificateFault::Empty),
        _ => Ok(usable),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tls::AUTHORITY;
    use super::super::variables::tests::variables;
    use super::*;
    use crate::error::chain;

    /// The result for a `ca_file` with this content.
    fn of_ca_file(content: &[u8]) -> Result<usize, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("company-ca.pem");
        std::fs::write(&path, content).expect("a file");
        let network = Network {
            ca_file: Some(path),
            ..Network::default()
        };
        match additional(&network, &NetworkVariables::default()) {
            Ok(certificates) => Ok(certificates.len()),
            Err(error) => {
                let text = chain(&error);
                assert!(
                    text.contains("company-ca.pem") && text.contains("ca_file"),
                    "{text}"
                );
                let (_, fault) = text.split_once("cannot be used: ").expect("a fault");
                Err(fault.to_owned())
            }
        }
    }

    #[test]
    fn ca_file_with_several_certificates_is_read() {
        let twice = format!("a comment\n{AUTHORITY}\n\n{AUTHORITY}");
        assert_eq!(of_ca_file(twice.as_bytes()), Ok(2));
        assert_eq!(of_ca_file(format!("\u{feff}{AUTHORITY}").as_bytes()), Ok(1));
        assert_eq!(
            of_ca_file(AUTHORITY.replace('\n', "\r\n").as_bytes()),
            Ok(1)
        );
    }

    #[test]
    fn ca_file_that_is_empty_damaged_or_no_certificate_is_an_error_that_names_it() {
        let none = "it contains no certificate in PEM (`-----BEGIN CERTIFICATE-----`)";
        for content in [
            &b""[..],
            b"\n",
            b"\x30\x82\x01\x0a\x00\xff",
            b"<html></html>",
        ] {
            assert_eq!(of_ca_file(content), Err(none.into()));
        }
        let second = Err("certificate 2 in it cannot be read".into());
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(of_ca_file(format!("{AUTHORITY}{text}").as_bytes()), second);
    }

    #[test]
    fn ca_file_that_is_absent_or_a_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, expected) in [
            (folder.path().to_owned(), "it is not a regular file"),
            (folder.path().join("gone"), "it cannot be read"),
        ] {
            let network = Network {
                ca_file: Some(path.clone()),
                ..Network::default()
            };
            let error = additional(&network, &NetworkVariables::default());
            let text = chain(&error.expect_err("an error"));
            assert!(text.contains(expected), "{text}");
            assert!(text.contains(&*path.to_string_lossy()), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn ca_file_that_is_a_pipe_is_an_error_and_does_not_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        crate::bounded::testing::make_pipe(&path);
        assert!(matches!(read(&path), Err(CertificateFault::NotAFile)));
    }

    #[test]
    fn ssl_cert_file_adds_to_ca_file_and_the_platform() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("all.pem");
        // One obsolete certificate does not spoil a list of all authorities.
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, format!("{damaged}{AUTHORITY}")).expect("a file");
        let set = variables(&[("SSL_CERT_FILE", path.to_str().expect("a path"))]);
        let own = folder.path().join("own.pem");
        std::fs::write(&own, AUTHORITY).expect("a file");
        let network = Network {
            ca_file: Some(own),
            ..Network::default()
        };
        let both = additional(&network, &set).expect("certificates");
        assert!(both.len() >= 2);
        assert_eq!(additional(&network, &variables(&[])).expect("one").len(), 1);

        std::fs::write(&path, "nothing").expect("a file");
        let error = additional(&network, &set).expect_err("an error");
        let text = chain(&error);
        assert!(
            text.contains("SSL_CERT_FILE") && text.contains("all.pem"),
            "{text}"
        );
    }
}

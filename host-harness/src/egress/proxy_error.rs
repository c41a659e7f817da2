//! The errors of proxies and certificate files.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;

use crate::net::ProxyUrlError;
use crate::net::addresses::AddressKind;

/// Why a proxy gave no connection. Nothing was sent to the provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Its name has no address.
    #[error("its name could not be resolved")]
    Resolve(#[source] io::Error),
    /// Its name is that of a metadata service, or it has an address that no proxy has.
    #[error("it is at a {} address, which is refused", .0.as_str())]
    Address(AddressKind),
    /// It is unreachable, or no server listens on the port.
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    /// The TLS handshake with an `https` proxy failed.
    #[error("the TLS connection to it is not trusted")]
    Tls(#[source] io::Error),
    /// The connection was not ready in time.
    #[error("the connection was not ready within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// Status 407.
    #[error(
        "it requires a valid user and password (HTTP status 407); \
         they belong into the proxy's URL: http://USER:PASSWORD@HOST:PORT"
    )]
    Authentication,
    /// A redirect, which is not followed.
    #[error("it redirects (HTTP status {}), which is not followed", .0.as_u16())]
    Redirect(StatusCode),
    /// Another status that is no success.
    #[error("it refused the connection (HTTP status {})", .0.as_u16())]
    Refused(StatusCode),
    /// A web page instead of a connection, like a network's login page.
    #[error("it answered with a web page; the network may require a login")]
    Page,
    /// The reply's header is too long.
    #[error("the header of its reply is longer than {0} bytes")]
    HeaderTooLong(usize),
    /// The reply does not follow HTTP.
    #[error("its reply is not HTTP")]
    Protocol(#[source] hyper::Error),
    /// It sent bytes after its reply, before this side sent any.
    #[error("it sent data before anything was sent through it")]
    EarlyBytes,
    /// It closed the connection without a reply, or before TLS with the provider was ready.
    #[error("it closed the connection")]
    Closed,
}

/// Why the network settings cannot be used. No error shows a variable's value or a proxy's
/// user and password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A variable's value is not Unicode.
    #[error("the environment variable `{name}` is not valid Unicode")]
    NotUnicode {
        /// The variable.
        name: &'static str,
    },
    /// A variable's value is not the URL of a proxy.
    #[error("the environment variable `{name}` names no usable proxy")]
    Variable {
        /// The variable.
        name: &'static str,
        /// The fault.
        source: ProxyUrlError,
    },
    /// A proxy's URL has characters that a request cannot use.
    #[error("the URL of the proxy `{proxy}` cannot be used; percent-encode its user and password")]
    Proxy {
        /// The proxy, without user and password.
        proxy: String,
    },
    /// A file of certificate authorities cannot be used.
    #[error("the certificate file `{}`, named by {setting}, cannot be used", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// The fault.
        source: CertificateFault,
    },
}

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than any list of authorities.
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    /// It is empty or another kind of file.
    #[error("it contains no certificate in PEM (`-----BEGIN CERTIFICATE-----`)")]
    Empty,
    /// A part of it is damaged.
    #[error("certificate {number} in it cannot be read")]
    Damaged {
        /// Counted from 1.
        number: usize,
    },
}

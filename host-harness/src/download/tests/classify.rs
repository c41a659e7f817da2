use std::io;
use std::time::Duration;

use super::*;
use crate::download::DownloadFailure::{self, Forbidden, Permanent, Transient, UrlExpired};
use crate::egress::{Denial, EgressError, NotSent};
use crate::net::addresses::AddressKind;

fn of_egress(source: impl Into<EgressError>) -> DownloadFailure {
    let error = FetchError::Egress {
        url: String::new(),
        source: source.into(),
    };
    DownloadError::from(error).failure()
}

#[test]
fn status_decides_whether_a_fresh_url_is_needed() {
    for (status, expected) in [
        (206, UrlExpired),
        (400, UrlExpired),
        (401, UrlExpired),
        (403, UrlExpired),
        (404, UrlExpired),
        (408, Transient),
        (410, UrlExpired),
        (416, UrlExpired),
        (425, Transient),
        (429, Transient),
        (500, Transient),
        (503, Transient),
        (599, Transient),
    ] {
        let url = String::new();
        let error = DownloadError::from(FetchError::Status { url, status });
        assert_eq!(error.failure(), expected, "{status}");
    }
}

#[test]
fn network_errors_are_transient_and_denied_hosts_take_a_fresh_url() {
    let host = || "cdn".to_owned();
    let source = || io::Error::other("x");
    let after = Duration::ZERO;
    assert_eq!(of_egress(NotSent::Denied(Denial::Userinfo)), UrlExpired);
    let kind = AddressKind::Private;
    assert_eq!(
        of_egress(NotSent::Address { host: host(), kind }),
        UrlExpired
    );
    let (host, source) = (host(), source());
    assert_eq!(of_egress(NotSent::Resolve { host, source }), UrlExpired);
    let (host, source) = ("cdn".to_owned(), io::Error::other("x"));
    assert_eq!(of_egress(NotSent::Tls { host, source }), UrlExpired);
    let (host, source) = ("cdn".to_owned(), io::Error::other("x"));
    assert_eq!(of_egress(NotSent::Connect { host, source }), Transient);
    let host = "cdn".to_owned();
    assert_eq!(
        of_egress(NotSent::ConnectTimeout { host, after }),
        Transient
    );
    assert_eq!(of_egress(ReplyLost::Timeout { after }), Transient);
    assert_eq!(of_egress(ReplyLost::HeaderTooLong { limit: 1 }), UrlExpired);
    let encoding = "gzip".to_owned();
    assert_eq!(of_egress(ReplyLost::Encoded { encoding }), UrlExpired);
    for source in [
        ReplyLost::Damaged { encoding: "gzip" },
        ReplyLost::Truncated { encoding: "gzip" },
    ] {
        let url = String::new();
        assert_eq!(DownloadError::Broken { url, source }.failure(), Transient);
    }
    let (announced, actual) = (2, 1);
    let source = ReplyLost::Length { announced, actual };
    let url = String::new();
    assert_eq!(DownloadError::Broken { url, source }.failure(), Transient);
}

#[test]
fn errors_of_the_reply_and_of_local_files_are_classified() {
    let url = String::new;
    let path = PathBuf::new;
    let source = || io::Error::from(io::ErrorKind::StorageFull);
    let kind = AddressKind::Loopback;
    let refused = NotSent::Address { host: url(), kind };
    let result_origin = FetchError::ResultOrigin {
        url: url(),
        connection: "mine".parse().expect("an id"),
        line: String::new(),
        cause: Box::new(refused.into()),
    };
    for (error, expected) in [
        (FetchError::Url.into(), UrlExpired),
        (result_origin.into(), Forbidden),
        (FetchError::Redirect { url: url() }.into(), UrlExpired),
        (
            DownloadError::Digest {
                url: url(),
                kept: "/clips/a.unverified".into(),
            },
            UrlExpired,
        ),
        (
            DownloadError::TooLong {
                url: url(),
                limit: 1,
            },
            UrlExpired,
        ),
        (
            DownloadError::WrongKind {
                url: url(),
                expected: "video",
                what: String::new(),
            },
            UrlExpired,
        ),
        (TargetError::Exists { path: path() }.into(), Permanent),
        (
            DownloadError::Write {
                path: path(),
                source: source(),
            },
            Permanent,
        ),
        (
            DownloadError::Read {
                path: path(),
                source: source(),
            },
            Permanent,
        ),
        (DownloadError::Busy { path: path() }, Transient),
        (DownloadError::Gone { path: path() }, Transient),
        (DownloadError::Altered { path: path() }, Transient),
    ] {
        assert_eq!(DownloadError::failure(&error), expected, "{error:?}");
    }
}

use std::io;
use std::time::Duration;

use super::*;
use crate::download::DownloadVerdict::{self, Passing, Stale, Stopped};
use crate::egress::{Denial, EgressError, NotSent};
use crate::net::addresses::AddressKind;

fn of_egress(source: impl Into<EgressError>) -> DownloadVerdict {
    let error = FetchError::Egress {
        url: String::new(),
        source: source.into(),
    };
    DownloadError::from(error).verdict()
}

#[test]
fn a_status_says_whether_a_fresh_url_is_needed() {
    for (status, expected) in [
        (206, Stale),
        (400, Stale),
        (401, Stale),
        (403, Stale),
        (404, Stale),
        (408, Passing),
        (410, Stale),
        (416, Stale),
        (425, Passing),
        (429, Passing),
        (500, Passing),
        (503, Passing),
        (599, Passing),
    ] {
        let url = String::new();
        let error = DownloadError::from(FetchError::Status { url, status });
        assert_eq!(error.verdict(), expected, "{status}");
    }
}

#[test]
fn what_the_network_says_passes_and_what_the_place_says_does_not() {
    let host = || "cdn".to_owned();
    let source = || io::Error::other("x");
    let after = Duration::ZERO;
    assert_eq!(of_egress(NotSent::Denied(Denial::Userinfo)), Stale);
    let kind = AddressKind::Private;
    assert_eq!(of_egress(NotSent::Address { host: host(), kind }), Stale);
    let (host, source) = (host(), source());
    assert_eq!(of_egress(NotSent::Resolve { host, source }), Stale);
    let (host, source) = ("cdn".to_owned(), io::Error::other("x"));
    assert_eq!(of_egress(NotSent::Tls { host, source }), Stale);
    let (host, source) = ("cdn".to_owned(), io::Error::other("x"));
    assert_eq!(of_egress(NotSent::Connect { host, source }), Passing);
    let host = "cdn".to_owned();
    assert_eq!(of_egress(NotSent::ConnectTimeout { host, after }), Passing);
    assert_eq!(of_egress(Lost::Timeout { after }), Passing);
    assert_eq!(of_egress(Lost::HeaderTooLong { limit: 1 }), Stale);
    let encoding = "gzip".to_owned();
    assert_eq!(of_egress(Lost::Encoded { encoding }), Stale);
    let (announced, actual) = (2, 1);
    let source = Lost::Length { announced, actual };
    let url = String::new();
    assert_eq!(DownloadError::Broken { url, source }.verdict(), Passing);
}

#[test]
fn what_came_and_what_is_here_have_their_verdicts() {
    let url = String::new;
    let path = PathBuf::new;
    let source = || io::Error::from(io::ErrorKind::StorageFull);
    for (error, expected) in [
        (FetchError::Url.into(), Stale),
        (FetchError::Redirect { url: url() }.into(), Stale),
        (DownloadError::Digest { url: url() }, Stale),
        (
            DownloadError::TooLong {
                url: url(),
                limit: 1,
            },
            Stale,
        ),
        (
            DownloadError::WrongKind {
                url: url(),
                expected: "video",
                what: String::new(),
            },
            Stale,
        ),
        (TargetError::Exists { path: path() }.into(), Stopped),
        (
            DownloadError::Write {
                path: path(),
                source: source(),
            },
            Stopped,
        ),
        (
            DownloadError::Read {
                path: path(),
                source: source(),
            },
            Stopped,
        ),
        (DownloadError::Busy { path: path() }, Passing),
        (DownloadError::Gone { path: path() }, Passing),
        (DownloadError::Altered { path: path() }, Passing),
    ] {
        assert_eq!(DownloadError::verdict(&error), expected, "{error:?}");
    }
}

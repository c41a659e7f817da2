use std::future::ready;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::super::testing::network::Network as Names;
use super::super::testing::proxy::{Answer, ESTABLISHED, Proxy as Server};
use super::super::testing::tls::AUTHORITY;
use super::super::testing::{Act, Server as Provider, connection, reply, uploading};
use super::super::variables::tests::variables;
use super::super::{
    AddressRule, Egress, EgressError, FetchAddresses, FetchError, HttpLimits, NotSent, Wanted,
};
use super::*;
use crate::connections::Connection;
use crate::digest::Sha256Digest;
use crate::error::chain;
use crate::net::{FetchUrl, Network, ProxySetting};

mod attacks;
mod early;

static PICTURE_DIGEST: LazyLock<Sha256Digest> = LazyLock::new(|| Sha256Digest::of(b"png"));

const API: &str = "https://api.example.com";
const PROXY: &str = "http://user:hunter2@proxy.corp:3128";

/// An egress behind a proxy at a private address, and the names that it can resolve.
struct Behind {
    egress: Egress,
    names: Names,
    proxy: Server,
}

impl Behind {
    /// With the proxy's URL, further variables and settings.
    async fn with(url: &str, answer: Answer, more: &[(&str, &str)], network: Network) -> Self {
        let proxy = Server::start(answer, url.starts_with("https")).await;
        let names = Names::default();
        names.name("proxy.corp", "10.0.0.1");
        names.name("proxy.example.com", "10.0.0.1");
        names.name("api.example.com", "93.184.216.34");
        names.detour("10.0.0.1", proxy.address);
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("ca.pem");
        std::fs::write(&authority, AUTHORITY).expect("a file");
        let network = Network {
            ca_file: Some(authority),
            ..network
        };
        let set = [&[("ALL_PROXY", url)][..], more].concat();
        let egress = Egress::builder()
            .limits(HttpLimits {
                connect: Duration::from_secs(30),
                ..HttpLimits::default()
            })
            .resolver(names.clone())
            .connector(names.clone())
            .build(&network, &variables(&set))
            .expect("an egress");
        Self {
            egress,
            names,
            proxy,
        }
    }

    async fn new(answer: Answer) -> Self {
        Self::with(PROXY, answer, &[], Network::default()).await
    }

    async fn fetch(&self, url: &str, rule: AddressRule) -> Result<Bytes, NotSent> {
        match self.egress.fetch_bytes(url, rule, 1 << 10).await {
            Ok(fetched) => Ok(fetched.bytes),
            Err(FetchError::Egress {
                source: EgressError::NotSent(error),
                ..
            }) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The fault of the proxy, and the whole text of the error.
    async fn fault(&self) -> (ProxyFault, String) {
        let error = self
            .fetch(API, AddressRule::PUBLIC)
            .await
            .expect_err("no connection");
        let text = chain(&error);
        for secret in ["hunter2", "user:", "dXNlcjpodW50ZXIy"] {
            assert!(
                !text.contains(secret) && !format!("{error:?}").contains(secret),
                "{text}"
            );
        }
        match error {
            NotSent::Proxy { source, .. } => (source, text),
            other => panic!("{other:?}"),
        }
    }
}

fn own(url: &str) -> AddressRule {
    AddressRule::of_connection(&origin(url))
}

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().expect(url)).expect(url)
}

#[tokio::test]
async fn https_request_goes_through_the_proxy_by_name_and_ends_at_the_provider() {
    for url in [PROXY, "https://user:hunter2@proxy.example.com:3128"] {
        let provider = Provider::start_secure([Act::ok("one"), Act::ok("two")]).await;
        let answer = Answer::Connect(provider.address);
        let behind = Behind::with(url, answer, &[], Network::default()).await;
        let body = behind
            .fetch(API, AddressRule::PUBLIC)
            .await
            .expect("a reply");
        assert_eq!(body, "one");
        let body = behind
            .fetch(API, AddressRule::PUBLIC)
            .await
            .expect("a reply");
        assert_eq!(body, "two");
        // The second request uses the pooled connection.
        let [head] = &behind.proxy.heads()[..] else {
            panic!("one connection")
        };
        assert!(
            head.starts_with("connect api.example.com:443 http/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("host: api.example.com:443\r\n"), "{head}");
        // `user:hunter2`
        assert!(
            head.contains("proxy-authorization: basic dxnlcjpodw50zxiy\r\n"),
            "{head}"
        );
        assert_eq!(behind.names.dialled(), ["10.0.0.1:3128"]);
        let seen = provider.seen();
        assert_eq!(seen.len(), 2);
        assert!(
            seen.iter()
                .all(|seen| !seen.head.contains("proxy-authorization"))
        );
        assert!(seen[0].head.starts_with("get / http/1.1\r\n"));
    }
}

#[tokio::test]
async fn submit_through_a_proxy_has_the_credential_for_the_provider_alone() {
    let provider = Provider::start_secure([Act::ok("{}")]).await;
    let behind = Behind::new(Answer::Connect(provider.address)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, plan, path) = upload(folder.path());
    let quota = uploading(&["POST /files"], 600);
    let uploaded = behind
        .egress
        .upload(&connection, &quota, &plan, part(&path), ready(true));
    let replied = uploaded.await;
    assert_eq!(replied.expect("a reply").status, 200);
    let seen = provider.seen();
    assert!(
        seen[0]
            .head
            .contains("authorization: bearer sk-hunter2\r\n")
    );
    assert!(!behind.proxy.heads()[0].contains("sk-hunter2"));
}

/// A file to upload over a connection to [`API`].
fn upload(
    folder: &std::path::Path,
) -> (
    Arc<crate::connections::OpenConnection>,
    crate::contract::Upload,
    std::path::PathBuf,
) {
    let path = folder.join("a.png");
    std::fs::write(&path, "png").expect("a file");
    let plan = crate::contract::Upload {
        method: "POST".into(),
        path: "/files".into(),
        body: crate::contract::Body::Raw(Vec::new()),
    };
    (connection(API), plan, path)
}

fn part(path: &std::path::Path) -> super::super::LocalPart<'_> {
    super::super::LocalPart {
        path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &PICTURE_DIGEST,
    }
}

#[tokio::test]
async fn http_request_is_tunnelled_too() {
    let provider = Provider::start([Act::ok("plain")]).await;
    let behind = Behind::new(Answer::Connect(provider.address)).await;
    behind.names.name("cdn.example.com", "93.184.216.35");
    let fetched = behind
        .fetch("http://cdn.example.com/a?b=c", AddressRule::PUBLIC)
        .await;
    assert_eq!(fetched.expect("a reply"), "plain");
    let heads = behind.proxy.heads();
    assert!(heads[0].starts_with("connect cdn.example.com:80 http/1.1\r\n"));
    let seen = provider.seen();
    assert!(seen[0].head.starts_with("get /a?b=c http/1.1\r\n"));
    assert!(seen[0].head.contains("host: cdn.example.com\r\n"));
}

#[tokio::test]
async fn loopback_and_excepted_destinations_bypass_the_proxy() {
    let provider = Provider::start([Act::ok("1"), Act::ok("2"), Act::ok("3")]).await;
    let excepted = [("NO_PROXY", "10.9.0.0/16,.corp.example")];
    let answer = Answer::Last(ESTABLISHED.to_vec());
    let behind = Behind::with(PROXY, answer, &excepted, Network::default()).await;
    behind.names.detour("10.9.0.1", provider.address);
    behind.names.detour("93.184.216.40", provider.address);
    behind.names.name("cdn.corp.example", "93.184.216.40");
    for (url, rule) in [
        (provider.url("/"), own(&provider.url("/"))),
        ("http://10.9.0.1".into(), own("https://10.9.0.1")),
        ("http://cdn.corp.example".into(), AddressRule::PUBLIC),
    ] {
        assert!(behind.fetch(&url, rule).await.is_ok(), "{url}");
    }
    assert!(behind.proxy.heads().is_empty());

    let off = Network {
        proxy: ProxySetting::Off,
        ..Network::default()
    };
    let behind = Behind::with(PROXY, Answer::Connect(provider.address), &[], off).await;
    let refused = behind.fetch(API, AddressRule::PUBLIC).await;
    assert!(matches!(refused, Err(NotSent::Connect { .. })));
    assert!(behind.proxy.heads().is_empty());
    assert_eq!(behind.names.dialled(), ["93.184.216.34:443"]);
}

#[tokio::test]
async fn forbidden_destination_is_refused_before_the_proxy_is_asked() {
    let network = Network {
        proxy_resolves: true,
        ..Network::default()
    };
    let answer = Answer::Wait(ESTABLISHED.to_vec());
    let behind = Behind::with(PROXY, answer, &[], network).await;
    for (name, address) in [
        ("private.example", "10.0.0.7"),
        ("metadata.example", "169.254.169.254"),
        ("loopback.example", "127.0.0.1"),
        ("link.example", "fe80::1"),
    ] {
        behind.names.name(name, address);
    }
    for url in [
        "https://private.example",
        "https://metadata.example",
        "https://loopback.example",
        "https://link.example",
        "https://169.254.169.254",
        "https://10.0.0.7",
        "https://[::ffff:a9fe:a9fe]",
        "https://2852039166",
    ] {
        let refused = behind.fetch(url, AddressRule::PUBLIC).await;
        assert!(
            matches!(refused, Err(NotSent::Address { .. })),
            "{url}: {refused:?}"
        );
        // A connection to a name may have public addresses only, behind a proxy too.
        if url.ends_with(".example") {
            let refused = behind.fetch(url, own(url)).await;
            assert!(
                matches!(refused, Err(NotSent::Address { .. })),
                "{url}: {refused:?}"
            );
        }
    }
    for url in [
        "https://metadata.google.internal",
        "https://router",
        "https://vault.corp",
    ] {
        for rule in [AddressRule::PUBLIC, own(url)] {
            let refused = behind.fetch(url, rule).await;
            assert!(
                matches!(refused, Err(NotSent::Name { .. })),
                "{url}: {refused:?}"
            );
        }
    }
    assert!(behind.names.dialled().is_empty());
}

#[tokio::test]
async fn name_without_an_address_here_passes_for_a_connection_or_with_proxy_resolves() {
    let provider = Provider::start(std::iter::repeat_n(Act::ok("ok"), 9)).await;
    let answer = || Answer::Connect(provider.address);
    let url = "http://unknown.example/clip.mp4";

    let behind = Behind::new(answer()).await;
    let refused = behind.fetch(url, AddressRule::PUBLIC).await;
    let text = chain(&refused.expect_err("no address"));
    assert!(
        text.contains("`unknown.example`") && text.contains("proxy_resolves"),
        "{text}"
    );
    assert!(behind.proxy.heads().is_empty() && behind.names.dialled().is_empty());

    // The origin of the connection itself, by a request and by a URL of a medium.
    assert!(behind.fetch(url, own(url)).await.is_ok());
    let of_result = |connection| Wanted {
        url: FetchUrl::parse(url).expect(url),
        addresses: FetchAddresses::of_connection(connection),
        credential: None,
        from: 0,
    };
    let to = |base: &str| {
        let base = base.parse().expect("a base");
        Connection::new("mine".parse().expect("an id"), "pixelml", base)
    };
    let provider_itself = to("https://unknown.example:80");
    assert!(
        behind
            .egress
            .fetch(of_result(&provider_itself))
            .await
            .is_ok()
    );
    let other = to(API);
    assert!(behind.egress.fetch(of_result(&other)).await.is_err());
    let named = to(API).with_result_origins(vec![origin(url)]);
    assert!(behind.egress.fetch(of_result(&named)).await.is_ok());

    let network = Network {
        proxy_resolves: true,
        ..Network::default()
    };
    let behind = Behind::with(PROXY, answer(), &[], network).await;
    assert!(behind.fetch(url, AddressRule::PUBLIC).await.is_ok());

    // Without a proxy, the name of a connection needs an address too.
    let excepted = [("NO_PROXY", "unknown.example")];
    let behind = Behind::with(PROXY, answer(), &excepted, Network::default()).await;
    let refused = behind.fetch(url, own(url)).await;
    assert!(matches!(refused, Err(NotSent::Resolve { .. })));
}

#[tokio::test]
async fn certificate_of_another_name_or_an_unknown_authority_is_refused_in_the_tunnel() {
    let provider = Provider::start_secure([Act::ok("")]).await;
    let behind = Behind::new(Answer::Connect(provider.address)).await;
    behind.names.name("other.example.com", "93.184.216.35");
    let refused = behind
        .fetch("https://other.example.com", AddressRule::PUBLIC)
        .await;
    assert!(matches!(refused, Err(NotSent::Tls { .. })), "{refused:?}");

    // Without `ca_file`.
    let names = Names::default();
    names.name("api.example.com", "93.184.216.34");
    names.detour("93.184.216.34", provider.address);
    let untrusting = Egress::with_parts(HttpLimits::default(), names.clone(), names);
    let refused = untrusting.fetch_bytes(API, AddressRule::PUBLIC, 9).await;
    let is_untrusted = matches!(
        refused,
        Err(FetchError::Egress {
            source: EgressError::NotSent(NotSent::Tls { .. }),
            ..
        })
    );
    assert!(is_untrusted, "{refused:?}");
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn authority_of_ca_file_is_trusted_without_a_proxy() {
    let provider = Provider::start_secure([Act::ok("trusted")]).await;
    let off = Network {
        proxy: ProxySetting::Off,
        ..Network::default()
    };
    let behind = Behind::with(PROXY, Answer::Last(Vec::new()), &[], off).await;
    behind.names.detour("93.184.216.34", provider.address);
    let fetched = behind.fetch(API, AddressRule::PUBLIC).await;
    assert_eq!(fetched.expect("a reply"), "trusted");
}

#[tokio::test]
async fn proxy_at_a_metadata_or_link_local_address_is_not_dialled() {
    for url in [
        "http://169.254.169.254:3128",
        "http://169.254.7.7:3128",
        "http://[fe80::1]:3128",
        "http://[fd00:ec2::254]",
        "http://0.0.0.0:3128",
        "http://metadata.google.internal",
        "http://bad.example",
    ] {
        let behind = Behind::with(url, Answer::Last(Vec::new()), &[], Network::default()).await;
        behind.names.name("bad.example", "169.254.169.254");
        let (fault, text) = behind.fault().await;
        assert!(matches!(fault, ProxyFault::Address(_)), "{text}");
        assert!(behind.names.dialled().is_empty());
    }
}

#[tokio::test]
async fn unreachable_proxy_is_named_and_nothing_is_dialled_instead() {
    let behind = Behind::with(
        "http://10.7.7.7:1",
        Answer::Last(Vec::new()),
        &[],
        Network::default(),
    );
    let behind = behind.await;
    let (fault, text) = behind.fault().await;
    assert!(matches!(fault, ProxyFault::Connect(_)));
    assert!(
        text.contains("nothing was sent to `api.example.com`"),
        "{text}"
    );
    assert!(text.contains("`http://10.7.7.7:1`"), "{text}");
    assert_eq!(behind.names.dialled(), ["10.7.7.7:1"]);

    let gone = "http://user:hunter2@gone.corp:3128";
    let behind = Behind::with(gone, Answer::Last(Vec::new()), &[], Network::default()).await;
    let (fault, _) = behind.fault().await;
    assert!(matches!(fault, ProxyFault::Resolve(_)));
    assert!(behind.names.dialled().is_empty());
}

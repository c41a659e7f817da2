use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::error::{EgressError, NotSent, ReplyLost};
use super::super::testing::{Act, Seen, Server, connection, narrow, reply};
use super::*;
use crate::connections::Connection;
use crate::net::addresses::AddressKind;

fn wanted<'a>(url: &str, credential: Option<&'a OpenConnection>) -> Wanted<'a> {
    let url = FetchUrl::parse(url).expect(url);
    // All servers of these tests are on this machine.
    let rule = AddressRule::of_connection(url.origin());
    Wanted {
        url,
        addresses: FetchAddresses::of_rule(rule),
        credential,
        from: 0,
    }
}

#[tokio::test]
async fn redirect_to_another_origin_is_followed_without_the_credential() {
    let storage = Server::start([Act::ok("clip")]).await;
    let there = storage.url("/clip.mp4?sig=1");
    let server = Server::start([Act::redirect("/b"), Act::redirect(&there)]).await;
    let connection = connection(&server.url(""));
    let reply = narrow()
        .fetch(wanted(&server.url("/a"), Some(&connection)))
        .await
        .expect("reply");
    let (_, body) = reply
        .collect(100, Duration::from_secs(1))
        .await
        .expect("body");
    assert_eq!(body, "clip");
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.head.contains("sk-hunter2"))
    );
    assert!(!storage.seen()[0].head.contains("sk-hunter2"));
}

#[tokio::test]
async fn credential_is_sent_below_the_base_path_alone_for_each_hop() {
    let with_credential = |seen: &Seen| seen.head.contains("sk-hunter2");
    for (path, expected) in [
        ("/v1/clips/a", true),
        ("/v1", true),
        ("/v1/../clips/a", false),
        ("/clips/a", false),
        ("/v1x/a", false),
        ("/v1/..%2fclips/a", false),
        ("/v1/%252e%252e/a", false),
        ("//v1/a", false),
    ] {
        let server = Server::start([Act::ok("clip")]).await;
        let connection = connection(&server.url("/v1"));
        let wanted = wanted(&server.url(path), Some(&connection));
        assert!(narrow().fetch(wanted).await.is_ok(), "{path}");
        assert_eq!(with_credential(&server.seen()[0]), expected, "{path}");
    }
    let hops = ["/v1/b", "../clips/c", "/v1/d"].map(Act::redirect);
    let server = Server::start(hops.into_iter().chain([Act::ok("clip")])).await;
    let connection = connection(&server.url("/v1"));
    let wanted = wanted(&server.url("/v1/a"), Some(&connection));
    assert!(narrow().fetch(wanted).await.is_ok());
    let seen: Vec<_> = server.seen().iter().map(with_credential).collect();
    assert_eq!(seen, [true, true, false, false]);
}

#[tokio::test]
async fn another_port_of_this_machine_is_reached_only_if_the_connection_names_it() {
    let storage = Server::start([Act::ok("clip")]).await;
    let there = storage.url("/clip.mp4?signature=secret");
    let server = Server::start([Act::redirect(&there)]).await;
    let own = connection(&server.url(""));
    let result = |url: &str| Wanted {
        addresses: FetchAddresses::of_connection(own.connection()),
        ..wanted(url, None)
    };
    // At the first hop, and after a redirect.
    for url in [&there, &server.url("/a")] {
        let refused = narrow().fetch(result(url)).await.map(drop);
        let error = refused.expect_err("a refusal");
        let FetchError::ResultOrigin {
            connection, line, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(connection.as_str(), "test");
        assert_eq!(line, &format!("result_origins = [\"{}\"]", storage.url("")));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(storage.seen().len(), 0);
    let named = Connection::new(
        "test".parse().expect("an id"),
        "pixelml",
        own.base_url().clone(),
    )
    .with_result_origins(vec![storage.url("").parse().expect("an origin")]);
    let wanted = Wanted {
        addresses: FetchAddresses::of_connection(&named),
        ..wanted(&there, Some(&own))
    };
    assert!(narrow().fetch(wanted).await.is_ok());
    assert!(!storage.seen()[0].head.contains("sk-hunter2"));
}

#[tokio::test]
async fn redirect_is_sent_as_it_is_written_and_non_ascii_is_encoded() {
    let server = Server::start([
        Act::redirect("/a/../b'{x}|^?s='{y}'&n=\u{fc}#t"),
        Act::ok("clip"),
    ])
    .await;
    let reply = narrow().fetch(wanted(&server.url("/a"), None)).await;
    assert!(reply.is_ok());
    let there = &server.seen()[1].head;
    let line = "get /b'{x}|^?s='{y}'&n=%c3%bc http/1.1\r\n";
    assert!(there.starts_with(line), "{there}");
}

#[tokio::test]
async fn redirect_back_to_the_own_origin_gets_no_credential() {
    let server = Server::start([]).await;
    let elsewhere = Server::start([Act::redirect(&server.url("/delete-all"))]).await;
    server.then([Act::redirect(&elsewhere.url("/b")), Act::ok("clip")]);
    let connection = connection(&server.url(""));
    let reply = narrow()
        .fetch(wanted(&server.url("/a"), Some(&connection)))
        .await;
    assert!(reply.is_ok());
    let with_credential = |seen: &Seen| seen.head.contains("sk-hunter2");
    let [first, back] = &server.seen()[..] else {
        panic!("two requests")
    };
    assert!(with_credential(first) && !with_credential(back));
}

#[tokio::test]
async fn redirects_to_forbidden_addresses_or_in_a_loop_are_denied() {
    for location in [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        let server = Server::start([Act::redirect(location)]).await;
        let outcome = narrow().fetch(wanted(&server.url("/a"), None)).await;
        let Err(FetchError::Egress { source, .. }) = outcome.map(drop) else {
            panic!("{location} was fetched")
        };
        assert!(
            matches!(source, EgressError::NotSent(NotSent::Address { .. })),
            "{source:?}"
        );
    }
    let circle = Server::start((0..9).map(|_| Act::redirect("/a"))).await;
    let outcome = narrow().fetch(wanted(&circle.url("/a"), None)).await;
    assert!(matches!(
        outcome.map(drop),
        Err(FetchError::Redirect { .. })
    ));
    assert_eq!(circle.seen().len(), 6);
}

#[test]
fn redirect_from_https_to_http_is_not_followed() {
    let next = |url: &str, location: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().expect("a header"));
        let next = next_hop(&FetchUrl::parse(url).expect(url), &headers, None);
        next.ok().flatten().map(|next| next.to_string())
    };
    let here = "https://cdn.example/a/b";
    for location in [
        "http://cdn.example/a",
        "http://other.example/",
        "ftp://cdn.example/",
    ] {
        assert_eq!(next(here, location), None, "{location}");
    }
    for (location, there) in [
        ("c", "https://cdn.example/a/c"),
        ("//other.example/", "https://other.example/"),
        ("HTTPS://other.example", "https://other.example/"),
    ] {
        assert_eq!(next(here, location).as_deref(), Some(there));
    }
    let open = next("http://cdn.example/", "https://cdn.example/");
    assert_eq!(open.as_deref(), Some("https://cdn.example/"));
}

#[tokio::test]
async fn redirect_with_the_credential_in_its_url_is_not_followed() {
    for key in ["sk-hunter2", "sk%2dhunter2", "QmVhcmVyIHNrLWh1bnRlcjI="] {
        let thief = Server::start([Act::ok("clip")]).await;
        let there = thief.url(&format!("/clip.mp4?key={key}"));
        let server = Server::start([Act::redirect(&there)]).await;
        let connection = connection(&server.url(""));
        let wanted = wanted(&server.url("/a"), Some(&connection));
        let outcome = narrow().fetch(wanted).await;
        let error = outcome.map(drop).expect_err("no clip");
        assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
        assert_eq!(thief.seen().len(), 0);
    }
}

#[tokio::test]
async fn fetch_bytes_returns_the_media_type_and_denies_forbidden_addresses() {
    let picture = reply("200 OK", "Content-Type: image/PNG; x=1\r\n", b"png");
    let server = Server::start([
        Act::Reply(picture),
        Act::Reply(reply("404 Not Found", "", b"")),
    ])
    .await;
    let egress = narrow();
    let url = server.url("/a.png?key=secret");
    let local = AddressRule::of_connection(FetchUrl::parse(&url).expect("a URL").origin());
    let fetched = egress.fetch_bytes(&url, local, 100).await.expect("picture");
    assert_eq!(fetched.media_type.as_deref(), Some("image/png"));
    assert_eq!(fetched.bytes, "png");
    let gone = egress.fetch_bytes(&url, local, 100).await;
    assert!(
        matches!(&gone, Err(FetchError::Status { status: 404, url }) if !url.contains("secret"))
    );
    let public = egress.fetch_bytes(&url, AddressRule::PUBLIC, 100).await;
    let Err(FetchError::Egress { source, .. }) = public else {
        panic!("fetched from loopback")
    };
    let EgressError::NotSent(NotSent::Address { kind, .. }) = source else {
        panic!("{source:?}")
    };
    assert_eq!(kind, AddressKind::Loopback);
}

#[tokio::test]
async fn encoded_picture_is_decoded_up_to_the_limit() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[b'x'; 2000]).expect("write");
    let body = encoder.finish().expect("gzip");
    let act = Act::Reply(reply("200 OK", "content-encoding: gzip\r\n", &body));
    let server = Server::start([act.clone(), act]).await;
    let url = server.url("/a.png");
    let rule = AddressRule::of_connection(FetchUrl::parse(&url).expect("a URL").origin());
    let fetched = narrow().fetch_bytes(&url, rule, 2000).await;
    assert_eq!(fetched.expect("picture").bytes, vec![b'x'; 2000]);
    let bomb = narrow().fetch_bytes(&url, rule, 1999).await;
    let Err(FetchError::Egress { source, .. }) = bomb else {
        panic!("{bomb:?}")
    };
    assert!(
        matches!(
            source,
            EgressError::ReplyLost(ReplyLost::BodyTooLong { limit: 1999 })
        ),
        "{source:?}"
    );
}

#[tokio::test]
async fn range_survives_redirects_and_an_unrequested_206_is_no_small_file() {
    let part = || {
        Act::Reply(reply(
            "206 Partial Content",
            "content-range: bytes 5-8/9\r\n",
            b"clip",
        ))
    };
    let storage = Server::start([part(), part(), part()]).await;
    let server = Server::start([Act::redirect(&storage.url("/b"))]).await;
    let mut wanted_part = wanted(&server.url("/a"), None);
    wanted_part.from = 5;
    let egress = narrow();
    let reply = egress.fetch(wanted_part).await.expect("reply");
    assert_eq!(reply.parts.status, StatusCode::PARTIAL_CONTENT);
    for seen in [&server.seen()[0], &storage.seen()[0]] {
        assert!(seen.head.contains("\r\nrange: bytes=5-\r\n"));
    }
    let unasked = egress.fetch(wanted(&storage.url("/b"), None)).await;
    unasked.expect("its range is checked by the caller");
    let private =
        AddressRule::of_connection(FetchUrl::parse(&storage.url("/b")).expect("a URL").origin());
    let small = egress.fetch_bytes(&storage.url("/b"), private, 100).await;
    assert!(!storage.seen()[1].head.contains("\r\nrange:"));
    assert!(matches!(small, Err(FetchError::Status { status: 206, .. })));
}

//! Plans of an upload to a URL outside of the connection. A component names the path of an upload
//! below its connection's base URL.

use std::sync::{Arc, OnceLock};

use serde_json::json;
use zoetrope_host::component::{CallContext, Pack};
use zoetrope_host::egress::{Denial, EgressError, HttpLimits, NotSent};
use zoetrope_host::ledger::Ledger;
use zoetrope_host::media::{JobUploads, MediaError, Picture, hand_over};

use super::Family;
use super::fixture::{NODE, connection, engine};
use crate::support::guests::policy;
use crate::support::hostile::hostile_asking;
use crate::support::network::{Network, wait_for};
use crate::support::raw_http::{Answer, Raw};

/// Refused paths and their refusals.
const REFUSED: [(&str, Denial); 25] = [
    ("", Denial::Path),
    ("evil", Denial::Path),
    ("@evil.example/", Denial::Path),
    (":80@evil.example/", Denial::Path),
    (".evil.example/", Denial::Path),
    ("?x", Denial::Path),
    ("\\\\evil.example\\", Denial::Path),
    ("http://evil.example/", Denial::Path),
    ("/\\evil.example/", Denial::Path),
    ("/..", Denial::Path),
    ("/../x", Denial::Path),
    ("/./x", Denial::Path),
    ("/a/../../x", Denial::Path),
    ("/..\\x", Denial::Path),
    ("/%2e%2e/x", Denial::Path),
    ("/%2E./x", Denial::Path),
    ("/..%2fx", Denial::Path),
    ("/..%5cx", Denial::Path),
    ("/%252e%252e/x", Denial::Path),
    ("/x HTTP/1.1", Denial::Url),
    ("/x\r\nhost: evil.example", Denial::Url),
    ("/x\nx", Denial::Url),
    ("/x\0", Denial::Url),
    ("/x\ty", Denial::Url),
    // The HTTP library drops a fragment.
    ("/x#@evil.example/", Denial::Url),
];

/// Suspicious paths that stay below the connection's base URL.
const HARMLESS: [(&str, &str); 4] = [
    ("//evil.example/", "/v1//evil.example/"),
    ("/@evil.example/", "/v1/@evil.example/"),
    ("/http://evil.example/", "/v1/http://evil.example/"),
    (
        "/x?url=http://169.254.169.254/",
        "/v1/x?url=http://169.254.169.254/",
    ),
];

/// Headers reserved for the host.
const HEADERS: [&str; 10] = [
    "host",
    "authorization",
    "proxy-authorization",
    "cookie",
    "X-Canary",
    "transfer-encoding",
    "connection",
    "upgrade",
    "x y",
    "x\r\nhost",
];

/// Methods that no upload has.
const METHODS: [&str; 7] = [
    "GET",
    "DELETE",
    "CONNECT",
    "TRACE",
    "put",
    "PUT /x HTTP/1.1\r\nx:",
    "",
];

pub(super) fn family() -> Family {
    let mut family = Family::new("uploads");
    for (path, expected) in REFUSED {
        family.attack(format!("to {path:?}"), move || {
            let (outcome, server) = uploaded("PUT", path, "x-a", Answer::reply("200 OK", "", "{}"));
            assert_eq!(denied(outcome), expected);
            assert_eq!(server.heard().len(), 0);
        });
    }
    for (path, arrives) in HARMLESS {
        family.attack(format!("to {path:?}, below the base"), move || {
            let (outcome, server) = uploaded("PUT", path, "x-a", Answer::reply("200 OK", "", "{}"));
            assert!(outcome.is_ok(), "{outcome:?}");
            let heard = server.heard();
            let line = format!("put {arrives} http/1.1\r\n");
            assert!(heard[0].head.starts_with(&line), "{}", heard[0].head);
            assert!(
                heard[0]
                    .head
                    .contains(&format!("host: {}\r\n", server.address()))
            );
        });
    }
    for method in METHODS {
        family.attack(format!("with the method {method:?}"), move || {
            let (outcome, server) =
                uploaded(method, "/x", "x-a", Answer::reply("200 OK", "", "{}"));
            assert_eq!(denied(outcome), Denial::Method);
            assert_eq!(server.heard().len(), 0);
        });
    }
    for header in HEADERS {
        family.attack(format!("with the header {header:?}"), move || {
            let (outcome, server) =
                uploaded("PUT", "/x", header, Answer::reply("200 OK", "", "{}"));
            let Denial::Header(named) = denied(outcome) else {
                panic!("another denial")
            };
            assert!(named.eq_ignore_ascii_case(header), "{named}");
            assert_eq!(server.heard().len(), 0);
        });
    }
    for status in [301, 302, 303, 307, 308] {
        family.attack(format!("that is redirected with {status}"), move || {
            let stranger = Raw::start([]);
            let location = format!("location: {}\r\n", stranger.url("/x"));
            let reply = Answer::reply(&format!("{status} Elsewhere"), &location, "{}");
            let (outcome, server) = uploaded("PUT", "/x", "x-a", reply);
            assert!(outcome.is_ok(), "the component's to judge: {outcome:?}");
            assert_eq!((server.heard().len(), stranger.heard().len()), (1, 0));
        });
    }
    family
}

/// Hands a picture over by the component's plan, to a server with this answer. The file's name is
/// the instruction, so its slashes are escaped.
fn uploaded(
    method: &str,
    path: &str,
    header: &str,
    answer: Answer,
) -> (Result<(), MediaError>, Raw) {
    let server = Raw::start([answer]);
    let network = Network::default();
    let plan =
        json!({"then": {"upload": {"method": method, "path": path, "headers": [[header, "y"]]}}});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(plan.to_string().replace('/', "\\u002f"));
    std::fs::write(&file, b"\x89PNG\r\n\x1a\n----").expect("a file");
    let picture = Picture::open(&file).expect("a picture");
    let egress = network.egress(HttpLimits::default());
    let context = CallContext::online(&egress, connection(&server.url("/v1")));
    let ledger = Arc::new(Ledger::open(folder.path()).expect("a ledger"));
    let uploads = JobUploads::new(ledger, "scripted", "key-1", || 0);
    let handed = hand_over(pack(), &context, NODE, "/image", &picture, &uploads);
    let outcome = wait_for(handed);
    assert_eq!(network.asked(), [""; 0]);
    let own = |address: &std::net::SocketAddr| *address == server.address();
    assert!(network.dialled().iter().all(own));
    (outcome.map(drop), server)
}

/// The hostile component with the harmless paths as routes of uploads.
fn pack() -> &'static Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    PACK.get_or_init(|| {
        let manifest = json!({
            "format": 1, "name": "hostile", "version": "1", "connections": ["pixelml"],
            "uploads": ["PUT /x", "PUT //evil.example/", "PUT /@evil.example/", "PUT /http://evil.example/"],
        });
        let component = hostile_asking(&manifest.to_string());
        Pack::load(engine(), &component, &policy(&component)).expect("a pack")
    })
}

#[track_caller]
fn denied(outcome: Result<(), MediaError>) -> Denial {
    match outcome {
        Err(MediaError::Upload(EgressError::NotSent(NotSent::Denied(denial)))) => denial,
        other => panic!("{other:?}"),
    }
}

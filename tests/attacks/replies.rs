//! Replies that are too long, endless or ambiguous. Each ends in its own error, and the broker's
//! next request succeeds.

use std::time::Duration;

use serde_json::json;
use zoetrope_host::component::CallContext;
use zoetrope_host::egress::{AddressRule, Egress, EgressError, FetchError, HttpLimits, ReplyLost};

mod table;

use super::Family;
use super::addresses::seen_by;
use super::fixture::connection;
use crate::support::network::wait_for;
use crate::support::raw_http::{Answer, GOOD, Raw};

/// The limits on header and body in these attacks.
const HEADER: usize = 16 << 10;
const BODY: usize = 64 << 10;

/// The most bytes that a server can write after the client stops reading: the socket buffers of
/// both ends, which Linux lets grow to 32 MiB at the reader. Only bytes that are discarded on arrival are read until the time limit.
pub(super) const BUFFERED: u64 = 40 << 20;

/// The expected end of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Header,
    Body,
    Encoded,
    /// Not in the encoding that its header names.
    Undecodable,
    Protocol,
    Terminated,
    Timeout,
    Status(u16),
    /// Success with this body; the surplus is not read as the next reply.
    Success(&'static str),
}

pub(super) fn family() -> Family {
    let mut family = Family::new("replies");
    for (name, answer, end) in table::replies() {
        let picture = answer.clone();
        family.attack(name, move || as_a_picture(picture, end));
        family.attack(format!("{name}, to a component"), move || {
            to_a_component(answer, end);
        });
    }
    family
}

/// Low limits. The time limit is short only where it ends the attack, so that the other attacks
/// end the same way on a busy machine.
fn egress(end: End) -> Egress {
    let patience = Duration::from_secs(if end == End::Timeout { 2 } else { 30 });
    Egress::new(HttpLimits {
        first_byte: patience,
        idle: patience,
        total: patience,
        reply_header: HEADER as u64,
        reply_body: BODY as u64,
        ..HttpLimits::default()
    })
}

fn as_a_picture(answer: Answer, end: End) {
    let server = Raw::start([answer]);
    let egress = egress(end);
    let base = connection(&server.url(""));
    let rule = AddressRule::of_connection(base.base_url().origin());
    let fetch = || wait_for(egress.fetch_bytes(&server.url("/a.png"), rule, BODY as u64));
    match (fetch(), end) {
        (Ok(fetched), End::Success(body)) => assert_eq!(fetched.bytes, body),
        (Err(FetchError::Status { status, .. }), End::Status(expected)) => {
            assert_eq!(status, expected);
        }
        (Err(FetchError::Egress { source, .. }), _) => {
            assert_eq!(end_of(&source), end, "{source:?}");
            assert!(
                server.bytes_taken() < BUFFERED || end == End::Timeout,
                "reading stopped"
            );
        }
        (other, _) => panic!("{other:?}"),
    }
    let good = fetch();
    assert_eq!(good.expect("a good reply").bytes, GOOD);
}

fn to_a_component(answer: Answer, end: End) {
    let server = Raw::start([answer]);
    let egress = egress(end);
    let context = CallContext::online(&egress, connection(&server.url("")));
    let request = || {
        let seen = seen_by(&context, &json!([{"request": {"method": "GET"}}]));
        seen.into_iter().next().expect("a line")
    };
    let said = request();
    match end {
        End::Success(body) => {
            let whole = said.starts_with("answered 200 ") && said.ends_with(&format!("] {body}"));
            assert!(whole, "{said}");
        }
        End::Status(status) => assert!(said.starts_with(&format!("answered {status} ")), "{said}"),
        _ => {
            assert!(said.starts_with("no reply: ErrorCode::"), "{said}");
            assert!(
                server.bytes_taken() < BUFFERED || end == End::Timeout,
                "reading stopped"
            );
        }
    }
    let good = request();
    assert!(
        good.starts_with("answered 200 ") && good.ends_with(GOOD),
        "{good}"
    );
}

#[track_caller]
fn end_of(error: &EgressError) -> End {
    match error {
        EgressError::ReplyLost(ReplyLost::HeaderTooLong { .. }) => End::Header,
        EgressError::ReplyLost(ReplyLost::BodyTooLong { .. }) => End::Body,
        EgressError::ReplyLost(ReplyLost::Encoded { .. }) => End::Encoded,
        EgressError::ReplyLost(ReplyLost::Damaged { .. } | ReplyLost::Truncated { .. }) => {
            End::Undecodable
        }
        EgressError::ReplyLost(ReplyLost::Protocol(_)) => End::Protocol,
        EgressError::ReplyLost(ReplyLost::Terminated(_)) => End::Terminated,
        EgressError::ReplyLost(ReplyLost::Timeout { .. }) => End::Timeout,
        other => panic!("{other:?}"),
    }
}

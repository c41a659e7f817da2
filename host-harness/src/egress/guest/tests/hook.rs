//! What the submit hook decides.

use futures::future::{BoxFuture, pending, ready};

use super::*;
use crate::contract::{Charge, ErrorCause, NextStep, NodeError};
use crate::egress::{Decision, Submission, SubmitHook};

/// A hook with this decision, or one that waits for the ledger.
struct Decides(Option<Decision>);

impl SubmitHook for Decides {
    fn before_submit<'a>(&'a self, _: Submission<'a>) -> BoxFuture<'a, Decision> {
        match self.0 {
            Some(decision) => Box::pin(ready(decision)),
            None => Box::pin(pending()),
        }
    }
}

#[tokio::test]
async fn submit_reuses_a_connection_only_if_its_key_is_in_its_place() {
    for (is_keyed, expected) in [(false, [0, 1]), (true, [0, 0])] {
        let server = Server::start((0..2).map(|_| Act::ok("{}"))).await;
        let egress = narrow();
        for _ in 0..2 {
            let guest = GuestHttp {
                egress: Some(egress.clone()),
                connection: Some(keyed_connection(&server.url(""))),
                submit_hook: Some(Arc::new(Decides(Some(Decision::Send { is_keyed })))),
                ..guest(&server.url(""), Sends::OneSubmit)
            };
            post(&guest, &server.url("/v1/jobs")).await.expect("reply");
            // Lets the connection's task complete the exchange.
            tokio::task::yield_now().await;
        }
        let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!(connections, expected);
    }
}

#[tokio::test]
async fn submit_that_waits_for_the_ledger_until_its_deadline_is_not_sent() {
    let server = Server::start([Act::ok("{}")]).await;
    let guest = GuestHttp {
        egress: Some(Egress::new(HttpLimits {
            total: Duration::from_millis(50),
            ..HttpLimits::default()
        })),
        submit_hook: Some(Arc::new(Decides(None))),
        ..guest(&server.url(""), Sends::OneSubmit)
    };
    let error = post(&guest, &server.url("/v1/jobs")).await;
    let error = error.expect_err("held up");
    assert!(matches!(error, Error::ConnectionTimeout), "{error:?}");
    let mut reported = NodeError {
        cause: ErrorCause::NotSent(String::new()),
        charge: Charge::No,
        next: NextStep::Retry,
        retry_after_ms: None,
    };
    guest.transmission.explain(&mut reported);
    assert!(
        matches!(&reported.cause, ErrorCause::NotSent(why) if why.ends_with("nothing was sent")),
        "{reported:?}"
    );
    assert_eq!(guest.transmission.close(), Sent::Nothing);
    assert_eq!(server.seen().len(), 0);
}

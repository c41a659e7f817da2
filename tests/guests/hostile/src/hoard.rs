//! Resources that are never given back.

use std::mem::forget;

use wasip2::cli::stdout;
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{Fields, OutgoingRequest};

use crate::order::Hoarded;

/// Opens `count` of them and drops none.
///
/// # Panics
///
/// When the host gives no more, if it has not ended the component by then.
pub fn hoard(what: Hoarded, count: usize) {
    for _ in 0..count {
        one(what);
    }
}

fn one(what: Hoarded) {
    let request = || OutgoingRequest::new(Fields::new());
    match what {
        Hoarded::Fields => forget(Fields::new()),
        Hoarded::Requests => forget(request()),
        Hoarded::Pollables => forget(monotonic_clock::subscribe_duration(u64::MAX)),
        Hoarded::StandardStreams => forget(stdout::get_stdout()),
        Hoarded::Bodies => {
            let request = request();
            forget(request.body());
            forget(request);
        }
        Hoarded::Streams => {
            let request = request();
            let body = request.body().expect("a body");
            forget((body.write(), body, request));
        }
    }
}

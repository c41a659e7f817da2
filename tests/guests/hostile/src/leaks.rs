//! Host resources that are opened and never dropped.

use std::mem::forget;

use wasip2::cli::stdout;
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{Fields, OutgoingRequest};

use crate::instructions::Resource;

/// Opens `count` resources of one kind and drops none.
///
/// # Panics
///
/// When the host refuses another resource without ending the component.
pub fn leak(what: Resource, count: usize) {
    for _ in 0..count {
        leak_one(what);
    }
}

fn leak_one(what: Resource) {
    let request = || OutgoingRequest::new(Fields::new());
    match what {
        Resource::Fields => forget(Fields::new()),
        Resource::Requests => forget(request()),
        Resource::Pollables => forget(monotonic_clock::subscribe_duration(u64::MAX)),
        Resource::StandardStreams => forget(stdout::get_stdout()),
        Resource::Bodies => {
            let request = request();
            forget(request.body());
            forget(request);
        }
        Resource::Streams => {
            let request = request();
            let body = request.body().expect("a body");
            forget((body.write(), body, request));
        }
    }
}

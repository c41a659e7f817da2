//! Bounds the method and the authority that a component sets in a request.
//!
//! `wasi:http` bounds headers, path and scheme, and keeps a method and an authority of any length
//! in the host's memory, one for each request that the component opens.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;

use super::state::CallState;

/// The interface, in the version that `wasmtime` links.
const TYPES: &str = "wasi:http/types@0.2.12";

/// Longest method in bytes. The longest registered one has 17 (`UPDATEREDIRECTREF`).
const LONGEST_METHOD: usize = 64;

/// Longest authority in bytes: a user, a name of at most 253 and a port.
const LONGEST_AUTHORITY: usize = 1 << 10;

/// Replaces the two functions in `linker`.
pub(super) fn bound(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store, (request, method): (Resource<HostOutgoingRequest>, Method)| {
            let is_long = matches!(&method, Method::Other(name) if name.len() > LONGEST_METHOD);
            if is_long {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_method(request, method)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| {
            let length = authority.as_ref().map_or(0, String::len);
            if length > LONGEST_AUTHORITY {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_authority(request, authority)?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

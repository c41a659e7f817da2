//! The component's side of the broker: `wasi:http` without its default client.
//!
//! A request goes through four stages. Each takes the type that the stage before it returns,
//! and no other code can make that type:
//!
//! 1. `authorize`: the request's head becomes [`Authorized`](authorize::Authorized), or is
//!    denied
//! 2. `body`: the whole body, compared with its announced length and counted in the byte budget,
//!    makes it [`Collected`](body::Collected)
//! 3. `exchange`: a request that changes nothing is sent as a read, any other is submitted
//!    once; `receive` decodes the reply and takes pictures and clips out of it, which makes it
//!    [`Unredacted`](redact::Unredacted)
//! 4. `redact`: the reply without the credential, which is returned to the component

mod attachments;
mod authorize;
mod body;
mod call;
mod exchange;
mod hooks;
mod memory;
mod outgoing;
mod receive;
mod redact;
mod submit;

pub(crate) use attachments::Attachments;
pub(crate) use call::{GuestHttp, Sends};

#[cfg(test)]
pub(super) mod tests;

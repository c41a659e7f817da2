//! The broker: every request of this process is sent by this module.
//!
//! A component's request is handled in this order, and nothing is sent before the last
//! check has passed:
//!
//! 1. the call may send at all, and has a connection;
//! 2. method, scheme, host, port and path against the policy, and those of an upload or a
//!    cancellation against the granted routes ([`Denial`]);
//! 3. the whole body, bounded and compared with its `content-length`, so that a body that the
//!    component left unfinished is not sent;
//! 4. the host's name ([`hostnames`](crate::net::hostnames)) and every one of its addresses
//!    ([`AddressRule`]), then dialling one of the checked addresses, or a proxy;
//! 5. TLS, with the name verified;
//! 6. the credential, for the connection's own origin only;
//! 7. the record that bytes are sent (`transmission`), then the bytes, of a large body after the
//!    server asked for it or a second has passed (`expect`);
//! 8. the reply: header and body bounded, no redirect followed, content encodings and charset
//!    decoded, pictures and clips taken out of it, an echoed credential redacted.
//!
//! Each stage of `guest` takes a type that only the stage before it makes: 1 and 2 are its
//! `authorize`, 3 its `body`, 4 to 7 and the limits of 8 its `exchange`, the rest of 8 its
//! `redact`.
//!
//! The host's own transfers (uploads, downloads, pictures) pass the same checks with their
//! own limits. Only downloads and pictures follow redirects, and each redirect is checked.
//!
//! A proxy is asked for a connection after the checks of stage 4, and TLS with the provider
//! begins at the provider: `proxy` chooses one, `tunnel` asks it, and `opener` is stages 4 and
//! 5 with and without it. `docs/reference/network.md` says what a proxy changes.

mod broker;
mod budget;
mod certificates;
mod charset;
mod client;
mod content_encoding;
mod destination;
mod dial;
mod error;
mod expect;
mod fetch;
mod fetch_addresses;
mod guest;
mod header;
mod limits;
mod opener;
#[cfg(feature = "otlp")]
mod otlp;
mod policy;
mod pool;
mod proxy;
mod proxy_error;
mod reach;
mod read_on;
mod redact;
mod reply_capacity;
mod request_count;
mod resolver;
mod routes;
mod spans;
mod submit_hook;
mod tls;
mod transmission;
mod tunnel;
mod upload;
mod variables;
mod yielding;

pub use broker::{Egress, EgressBuilder};
pub(crate) use client::Reply;
pub(crate) use content_encoding::ContentDecoder;
pub use dial::{Connect, SystemConnector};
pub use error::{BodyFault, Denial, EgressError, NotSent, ReplyLost};
pub(crate) use fetch::Wanted;
pub use fetch::{FetchError, Fetched};
pub(crate) use fetch_addresses::FetchAddresses;
pub(crate) use guest::{Attachments, GuestHttp, Sends};
pub use limits::HttpLimits;
pub use proxy_error::{CertificateFault, NetworkError, ProxyFault};
pub use resolver::{AddressRule, Resolve, SystemResolver};
pub use submit_hook::{Decision, Submission, SubmitHook};
pub(crate) use transmission::Transmission;
pub use transmission::{Sent, SubmitReply};
pub use upload::UploadReply;
pub(crate) use upload::{LocalPart, check_upload};
pub use variables::{CERTIFICATES_VARIABLE, NetworkVariables};

#[cfg(test)]
pub(crate) mod testing;

//! Places on the network, as plain data: nothing here resolves or sends anything.
//!
//! - [`addresses`]: which addresses are this machine's, private or special
//! - [`hostnames`]: which names never mean a host on the internet
//! - [`Origin`], [`BaseUrl`]: a URL's place, parsed once

pub mod addresses;
pub mod hostnames;
mod urls;

pub(crate) use urls::may_climb;
pub use urls::{BaseUrl, BaseUrlError, Origin, shown};

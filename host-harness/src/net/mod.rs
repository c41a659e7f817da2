//! Addresses, names, URLs and the network settings as plain data: nothing here resolves or sends anything.
//!
//! - [`addresses`]: which addresses are this machine's, private or special
//! - [`hostnames`]: which names are never a host on the internet
//! - [`Origin`], [`BaseUrl`]: a URL's origin and base path, parsed once
//! - [`Network`]: the proxy and further certificate authorities

pub mod addresses;
mod fetch_url;
pub mod hostnames;
mod network;
mod normal_form;
mod origin_text;
mod urls;

pub(crate) use fetch_url::{FetchUrl, FetchUrlError};
pub use network::{Network, ProxySetting, ProxyUrl, ProxyUrlError};
pub(crate) use normal_form::is_normal;
pub use origin_text::OriginError;
pub(crate) use urls::may_climb;
pub use urls::{BaseUrl, BaseUrlError, Origin, shown};

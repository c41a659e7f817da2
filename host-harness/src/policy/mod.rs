//! What a pack may do: what its manifest asks for, as far as the operator grants it.
//!
//! - [`Manifest`]: what a component asks for, written into it by its author
//! - [`Grant`]: what the operator lets it do, a table of `zoetrope.toml`
//! - [`Permissions`]: what both say, which is what holds
//! - [`Policy`]: the grants by component digest; a digest without one runs nothing
//! - [`HostRule`], [`PackLimits`]: what manifests and grants are made of
//!
//! The connection that a call is given, and the host of its base URL, need no host rule:
//! being granted the connection is being granted its provider. Nothing here sends
//! anything; the broker ([`egress`](crate::egress)) asks before it does.

mod denial;
mod grant;
mod grants;
mod hosts;
mod limits;
mod manifest;
mod permissions;
mod quota;
mod upgrade;

pub use denial::{Missing, NotAllowed};
pub use grant::{Connections, Grant};
pub use grants::Policy;
pub use hosts::{HostRule, HostRuleError};
pub use limits::{Bounds, PackLimit, PackLimits};
pub use manifest::{Manifest, ManifestError, SECTION};
pub use permissions::Permissions;
pub(crate) use quota::Quota;
pub use upgrade::AdditionalPermissions;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

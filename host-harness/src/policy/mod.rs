//! The permissions of a pack: what its manifest asks for and the operator grants.
//!
//! - [`Manifest`]: the permissions that a component asks for, written into it by its author
//! - [`Grant`]: the permissions that the operator grants, a table of `zoetrope.toml`
//! - [`Permissions`]: the intersection of both
//! - [`Policy`]: the grants by component digest; a component without one does not run
//! - [`HostRule`], [`Route`], [`CredentialPlace`], [`KeyPlace`], [`PackLimits`]: parts of manifests
//!   and grants
//! - `quota`: the use of a loaded pack's limits; `upgrade`: a manifest compared with a grant
//!
//! Requests to the base URL of a granted connection need no host rule. Nothing in this module
//! sends requests; [`egress`](crate::egress) checks the permissions before it sends one.

mod denial;
mod grant;
mod grants;
mod hosts;
mod limits;
mod manifest;
mod permissions;
mod placement;
mod quota;
mod route;
mod upgrade;

pub use denial::{Missing, NotAllowed};
pub use grant::{Connections, Grant};
pub use grants::Policy;
pub use hosts::{HostRule, HostRuleError};
pub use limits::{Bounds, PackLimit, PackLimits};
pub use manifest::{Manifest, ManifestError, SECTION};
pub use permissions::Permissions;
pub use placement::{CredentialPlace, CredentialPlaceError, KeyPlace, KeyPlaceError};
pub(crate) use quota::Quota;
pub use route::{Route, RouteError};
pub use upgrade::AdditionalPermissions;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

//! The operator's grants, and the permissions that follow from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AdditionalPermissions, Grant, Manifest, NotAllowed, Permissions};
use crate::digest::Sha256Digest;

/// The grants of an operator, by component digest. The default allows no component.
///
/// # Example
///
/// ```
/// use zoetrope_host::digest::Sha256Digest;
/// use zoetrope_host::policy::Policy;
///
/// let (own, other) = (Sha256Digest::of(b"own"), Sha256Digest::of(b"other"));
/// let policy = Policy::default().trusting(own);
/// assert!(policy.trusts(&own));
/// assert!(!policy.trusts(&other) && policy.grant(&other).is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    grants: BTreeMap<Sha256Digest, Arc<Grant>>,
    trusted: Option<Sha256Digest>,
}

impl Policy {
    /// This policy with the component of this digest trusted. Without a grant of its own it may
    /// do everything that its manifest asks for, and it may use all of the driver's concurrent
    /// calls. For the pack that is bundled with the program.
    #[must_use]
    pub fn trusting(self, digest: impl Into<Sha256Digest>) -> Self {
        Self {
            trusted: Some(digest.into()),
            ..self
        }
    }

    /// Whether the component of this digest is trusted.
    #[must_use]
    pub fn trusts(&self, digest: &Sha256Digest) -> bool {
        self.trusted.as_ref() == Some(digest)
    }

    /// This policy with a grant for the component of this digest.
    #[must_use]
    pub fn with(mut self, digest: Sha256Digest, grant: Grant) -> Self {
        self.grants.insert(digest, Arc::new(grant));
        self
    }

    /// Every grant by digest. It includes the trusted component only if the operator wrote a
    /// grant for it.
    pub fn grants(&self) -> impl Iterator<Item = (&Sha256Digest, &Grant)> {
        self.grants
            .iter()
            .map(|(digest, grant)| (digest, grant.as_ref()))
    }

    /// The grant of the component with this digest.
    #[must_use]
    pub fn grant(&self, digest: &Sha256Digest) -> Option<&Grant> {
        self.grants.get(digest).map(Arc::as_ref)
    }

    /// The permissions of the component with this digest and manifest.
    ///
    /// # Errors
    ///
    /// When it has no grant and is not trusted.
    pub fn permissions(
        &self,
        digest: Sha256Digest,
        manifest: Manifest,
    ) -> Result<Permissions, NotAllowed> {
        let grant = match self.grants.get(&digest) {
            Some(grant) => Arc::clone(grant),
            None if self.trusts(&digest) => Arc::new(Grant::as_asked(&manifest)),
            None => {
                let more = self.additional_permissions(&manifest).map(Box::new);
                return Err(NotAllowed { digest, more });
            }
        };
        let is_trusted = self.trusts(&digest);
        Ok(Permissions::new(digest, manifest, grant, is_trusted))
    }

    /// What a component with this manifest asks for beyond a grant of the same name; empty if
    /// one of several grants covers it. `None` if no grant has its name.
    #[must_use]
    pub fn additional_permissions(&self, manifest: &Manifest) -> Option<AdditionalPermissions> {
        let namesakes = self
            .grants
            .values()
            .filter(|grant| !grant.name.is_empty() && grant.name == manifest.name);
        let additional = namesakes.map(|grant| AdditionalPermissions::of(manifest, grant));
        additional.min_by_key(|permissions| !permissions.is_empty())
    }
}

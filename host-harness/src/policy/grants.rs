//! The operator's grants, and the permissions that follow from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AdditionalPermissions, Grant, Manifest, NotAllowed, Permissions};
use crate::digest::Sha256Digest;

/// The grants of an operator, by component digest. The default allows no component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    grants: BTreeMap<Sha256Digest, Arc<Grant>>,
    trusted: Option<Sha256Digest>,
}

impl Policy {
    /// The same, with the component of this digest trusted: without a grant of its own it may
    /// do everything that its manifest asks for, and no share of the driver's calls is kept
    /// from it. For the pack that comes with the program.
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

    /// The same with a grant for the component of this digest.
    #[must_use]
    pub fn with(mut self, digest: Sha256Digest, grant: Grant) -> Self {
        self.grants.insert(digest, Arc::new(grant));
        self
    }

    /// Every grant by digest; the trusted component's is not among them unless the
    /// operator has written one.
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

    /// What the component with this digest and manifest may do.
    ///
    /// # Errors
    ///
    /// When nobody has allowed it.
    pub fn permissions(
        &self,
        digest: Sha256Digest,
        manifest: Manifest,
    ) -> Result<Permissions, NotAllowed> {
        let grant = match self.grants.get(&digest) {
            Some(grant) => Arc::clone(grant),
            None if self.trusts(&digest) => Arc::new(Grant::as_asked(&manifest)),
            None => {
                let more = self.additional_permissions(&manifest);
                return Err(NotAllowed { digest, more });
            }
        };
        Ok(Permissions::new(digest, manifest, grant))
    }

    /// What a component with this manifest asks for beyond an allowed one of its name; of
    /// several, beyond one that covers it. `None` where there is none of its name.
    #[must_use]
    pub fn additional_permissions(&self, manifest: &Manifest) -> Option<AdditionalPermissions> {
        let namesakes = self
            .grants
            .values()
            .filter(|grant| !grant.name.is_empty() && grant.name == manifest.name);
        let excesses = namesakes.map(|grant| AdditionalPermissions::of(manifest, grant));
        excesses.min_by_key(|additional_permissions| !additional_permissions.is_empty())
    }
}

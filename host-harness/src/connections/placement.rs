//! Where the requests of a pack carry a connection's credential.

/// The header that carries the credential in the requests of a pack, and the text before the
/// credential, where the connection itself does not set them. The default is
/// `authorization: Bearer …`.
///
/// [`Permissions::credential_placement`](crate::policy::Permissions::credential_placement) returns
/// it for a pack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialPlacement {
    header: String,
    prefix: String,
    conflict: Option<Conflict>,
}

/// The catalog of the pack declares another placement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Conflict {
    has_other_header: bool,
    has_other_prefix: bool,
    fault: PlacementFault,
}

/// Why the credential is not sent as the pack declares: the rule that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0}")]
pub struct PlacementFault(String);

impl Default for CredentialPlacement {
    fn default() -> Self {
        Self::new("authorization", "Bearer ")
    }
}

impl CredentialPlacement {
    /// This header and this text before the credential.
    #[must_use]
    pub fn new(header: &str, prefix: &str) -> Self {
        Self {
            header: header.to_owned(),
            prefix: prefix.to_owned(),
            conflict: None,
        }
    }

    /// For a pack whose catalog declares this header and prefix. Where they differ, a connection
    /// opens only if its own settings decide; `fault` is the reason otherwise.
    #[must_use]
    pub fn declared(mut self, header: &str, prefix: &str, fault: impl FnOnce() -> String) -> Self {
        let has_other_header = !self.header.eq_ignore_ascii_case(header);
        let has_other_prefix = self.prefix != prefix;
        self.conflict = (has_other_header || has_other_prefix).then(|| Conflict {
            has_other_header,
            has_other_prefix,
            fault: PlacementFault(fault()),
        });
        self
    }

    /// The header and the prefix, given those that the connection sets.
    pub(super) fn resolve<'a>(
        &'a self,
        header: Option<&'a str>,
        prefix: Option<&'a str>,
    ) -> Result<(&'a str, &'a str), PlacementFault> {
        if let Some(conflict) = &self.conflict
            && (conflict.has_other_header && header.is_none()
                || conflict.has_other_prefix && prefix.is_none())
        {
            return Err(conflict.fault.clone());
        }
        Ok((
            header.unwrap_or(&self.header),
            prefix.unwrap_or(&self.prefix),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_placement_is_never_used() {
        let fault = || "a line is missing".to_owned();
        let standard = CredentialPlacement::default();
        let same = standard.clone().declared("Authorization", "Bearer ", fault);
        assert_eq!(same.resolve(None, None), Ok(("authorization", "Bearer ")));
        for (header, prefix) in [
            ("content-type", "Bearer "),
            ("authorization", ""),
            ("x-api-key", ""),
        ] {
            let other = standard.clone().declared(header, prefix, fault);
            assert!(other.resolve(None, None).is_err(), "{header} {prefix}");
            // The settings of the connection are the operator's.
            let settings = other.resolve(Some("x-key"), Some("Key "));
            assert_eq!(settings, Ok(("x-key", "Key ")));
        }
        let other = standard.declared("x-api-key", "", fault);
        assert!(other.resolve(Some("x-api-key"), None).is_err());
    }
}

//! Names that lead nowhere but to this machine, to its network or to a cloud's metadata
//! service, known without asking a resolver.
//!
//! Their addresses would be refused as well. But a resolver tells whoever listens what is
//! looked for, and a service at a public address (Equinix) is found only by its name.

/// What kind of place a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// This machine.
    Loopback,
    /// Where clouds answer their machines with credentials.
    Metadata,
    /// The local network or a cluster: a name without a dot, or below a domain that
    /// nobody on the internet has.
    Local,
}

impl NameKind {
    /// The kind in words, for an error message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "this machine",
            Self::Metadata => "a cloud's metadata service",
            Self::Local => "the local network",
        }
    }
}

/// What common hosts files call this machine, besides `localhost` and what is below it
/// (RFC 6761).
const LOOPBACK: &[&str] = &[
    "ip6-localhost",
    "ip6-loopback",
    "localhost4",
    "localhost6",
    "localhost4.localdomain4",
    "localhost6.localdomain6",
    "loopback",
];

/// AWS, Google, Azure, IBM, Tencent, Equinix and its former name.
const METADATA: &[&str] = &[
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.azure.com",
    "metadata.azure.internal",
    "api.metadata.cloud.ibm.com",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "metadata.packet.net",
];

/// Domains of local networks (RFC 6762 with its appendix G, RFC 8375, hosts files), and the
/// ends of a Kubernetes service's short names.
const LOCAL: &[&str] = &[
    "corp",
    "default",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "private",
    "svc",
];

/// What kind of place `name` is for: in lower case, without a trailing dot. `None` where
/// only its addresses tell.
#[must_use]
pub fn classify(name: &str) -> Option<NameKind> {
    let is_below = |domain: &str| {
        name.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if is_below("localhost") || is_below("localhost.localdomain") || LOOPBACK.contains(&name) {
        Some(NameKind::Loopback)
    } else if METADATA.iter().copied().any(is_below) {
        Some(NameKind::Metadata)
    } else if !name.contains('.') || LOCAL.iter().copied().any(is_below) {
        Some(NameKind::Local)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_they_are_for() {
        use NameKind::{Local, Loopback, Metadata};
        for (name, expected) in [
            ("localhost", Some(Loopback)),
            ("a.b.localhost", Some(Loopback)),
            ("localhost.localdomain", Some(Loopback)),
            ("ip6-localhost", Some(Loopback)),
            ("metadata", Some(Metadata)),
            ("metadata.google.internal", Some(Metadata)),
            ("x.metadata.goog", Some(Metadata)),
            ("router", Some(Local)),
            ("vault.internal", Some(Local)),
            ("kubernetes.default", Some(Local)),
            ("kubernetes.default.svc.cluster.local", Some(Local)),
            ("nas.home.arpa", Some(Local)),
            ("localhost.example.com", None),
            ("notlocalhost.com", None),
            ("xlocal.example", None),
            ("mymetadata.goog", None),
            ("api.example.com", None),
        ] {
            assert_eq!(classify(name), expected, "{name}");
        }
    }
}

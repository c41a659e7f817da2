//! Names that are reserved for this machine, its network or a cloud's metadata service,
//! classified without a lookup.
//!
//! Most of their addresses would be denied as well. But a DNS query reveals the name to the
//! network, and a metadata service at a public address (Equinix) is detected only by name.

/// What a name is reserved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// This machine.
    Loopback,
    /// A cloud's metadata service, which serves credentials to its machines.
    Metadata,
    /// The local network or a cluster: a name without a dot, or below a domain that does not
    /// exist on the internet.
    Local,
}

impl NameKind {
    /// The kind as text for an error message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "this machine",
            Self::Metadata => "a cloud's metadata service",
            Self::Local => "the local network",
        }
    }
}

/// Names of this machine in common hosts files, besides `localhost` and the names below it
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

/// What `name`, in lower case and without a trailing dot, is reserved for. `None` if it must
/// be resolved to be classified.
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
    fn reserved_names_are_classified() {
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

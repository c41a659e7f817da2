//! Classifies IP addresses, including IPv6 addresses that embed an IPv4 address.
//!
//! Follows the IANA special-purpose registries (RFC 6890 and its updates). An IPv6 address
//! that maps to or translates into an IPv4 address is classified by the latter; obsolete forms
//! are reserved. Loopback and private addresses may be permitted, so only addresses that stay
//! on this machine or in its network are classified as such.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A public address.
    Public,
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, unique local IPv6 addresses (RFC 4193), and the
    /// space that carriers and overlay networks share (RFC 6598).
    Private,
    /// Link-local: the network segment only.
    LinkLocal,
    /// A cloud's metadata service, which serves credentials to its machines.
    Metadata,
    /// Multicast and broadcast.
    Multicast,
    /// The unspecified address.
    Unspecified,
    /// Reserved for documentation.
    Documentation,
    /// Reserved for benchmarks.
    Benchmarking,
    /// Any other address that no provider can have.
    Reserved,
}

impl AddressKind {
    /// The kind as text for an error message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Reserved => "reserved",
        }
    }
}

/// The kind of `address`.
#[must_use]
pub fn classify(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        // AWS, Google and most others; Azure; Alibaba; Oracle.
        [169, 254, 169, 254] | [168, 63, 129, 16] | [100, 100, 100, 200] | [192, 0, 0, 192] => {
            AddressKind::Metadata
        }
        [0, 0, 0, 0] => AddressKind::Unspecified,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            AddressKind::Private
        }
        [169, 254, ..] => AddressKind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressKind::Documentation,
        [198, 18..=19, ..] => AddressKind::Benchmarking,
        [224..=239, ..] | [255, 255, 255, 255] => AddressKind::Multicast,
        // "This network", protocol assignments, the 6to4 relay, the old class E; AS112
        // (RFC 7534, 7535) and multicast relays (RFC 7450), which are anycast.
        [0 | 240..=255, ..]
        | [192, 0, 0, _]
        | [192, 88, 99, _]
        | [192, 31, 196, _]
        | [192, 175, 48, _]
        | [192, 52, 193, _] => AddressKind::Reserved,
        _ => AddressKind::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressKind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        // AWS (all its services for machines), Google, Oracle, Scaleway, Linode, Alibaba.
        [0xfd00, 0x0ec2, ..]
        | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254]
        | [0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042]
        | [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 0x0001]
        | [0xfd00, 0x0100, 0, 0, 0, 0, 0x0100, 0x0200] => AddressKind::Metadata,
        // Mapped (RFC 4291): the IPv4 address itself.
        [0, 0, 0, 0, 0, 0xffff, high, low] => classify_v4(embedded(high, low)),
        // NAT64 (RFC 6052): the IPv4 address as seen from another machine, whose loopback and
        // private network are not those of this one.
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => match classify_v4(embedded(high, low)) {
            AddressKind::Loopback | AddressKind::Private => AddressKind::Reserved,
            kind => kind,
        },
        // Compatible and translated (deprecated), 6to4 (RFC 7526: no longer relayed), and
        // ISATAP (RFC 5214), a tunnel below any prefix.
        [0, 0, 0, 0, 0 | 0xffff, 0, _, _]
        | [0x2002, ..]
        | [_, _, _, _, 0x0000 | 0x0200, 0x5efe, _, _] => AddressKind::Reserved,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => AddressKind::Documentation,
        [0x2001, 0x0002, 0, ..] => AddressKind::Benchmarking,
        // Teredo, ORCHID and the rest of the protocol assignments (RFC 2928); AS112; the
        // 6bone's, returned (RFC 3701).
        [0x2001, 0x0000..=0x01ff, ..] | [0x2620, 0x004f, 0x8000, ..] | [0x3ffe, ..] => {
            AddressKind::Reserved
        }
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::AddressKind::{
        Benchmarking, Documentation, LinkLocal, Loopback, Metadata, Multicast, Private, Public,
        Reserved, Unspecified,
    };
    use super::*;

    const NOTATIONS: [(&str, AddressKind); 80] = [
        ("8.8.8.8", Public),
        ("100.63.255.255", Public),
        ("172.15.0.1", Public),
        ("172.32.0.1", Public),
        ("2606:4700::1111", Public),
        ("::ffff:8.8.8.8", Public),
        ("64:ff9b::8.8.8.8", Public),
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("64:ff9b::127.0.0.1", Reserved),
        ("::127.0.0.1", Reserved),
        ("::ffff:0:127.0.0.1", Reserved),
        ("2001:470:1f0b::5efe:7f00:1", Reserved),
        ("2002:7f00:1::", Reserved),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("192.168.1.1", Private),
        ("100.64.0.1", Private),
        ("100.127.255.255", Private),
        ("fc00::1", Private),
        ("fdff::1", Private),
        ("::ffff:10.0.0.1", Private),
        ("2002:0a00:0001::1", Reserved),
        ("169.254.0.1", LinkLocal),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("168.63.129.16", Metadata),
        ("100.100.100.200", Metadata),
        ("::ffff:169.254.169.254", Metadata),
        ("64:ff9b::169.254.169.254", Metadata),
        ("2002:a9fe:a9fe::", Reserved),
        ("::ffff:0:169.254.169.254", Reserved),
        ("2001:470:1f0b::5efe:a9fe:a9fe", Reserved),
        ("fd12::5efe:a00:1", Reserved),
        ("fd00:ec2::254", Metadata),
        ("fd00:ec2::23", Metadata),
        ("fd20:ce::254", Metadata),
        ("fd00:c1::a9fe:a9fe", Metadata),
        ("fd00:42::42", Metadata),
        ("fd00:a9fe:a9fe::1", Metadata),
        ("fd00:100::100:200", Metadata),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("255.255.255.255", Multicast),
        ("ff02::1", Multicast),
        ("0.0.0.0", Unspecified),
        ("::", Unspecified),
        ("::ffff:0.0.0.0", Unspecified),
        ("192.0.2.1", Documentation),
        ("198.51.100.1", Documentation),
        ("203.0.113.1", Documentation),
        ("2001:db8::1", Documentation),
        ("3fff::1", Documentation),
        ("198.18.0.1", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("2001:2::1", Benchmarking),
        ("0.1.2.3", Reserved),
        ("192.0.0.1", Reserved),
        ("192.88.99.1", Reserved),
        ("240.0.0.1", Reserved),
        ("2001::1", Reserved),
        ("2001:20::1", Reserved),
        ("2002:808:808::1", Reserved),
        ("::8.8.8.8", Reserved),
        ("::ffff:0:8.8.8.8", Reserved),
        ("2001:470:1f0b::200:5efe:808:808", Reserved),
        ("192.31.196.1", Reserved),
        ("192.52.193.1", Reserved),
        ("192.175.48.1", Reserved),
        ("2620:4f:8000::1", Reserved),
        ("3ffe::1", Reserved),
        ("64:ff9b:1::1", Reserved),
        ("100::1", Reserved),
        ("5f00::1", Reserved),
        ("4000::1", Reserved),
        ("fec0::1", Reserved),
    ];

    fn kind(address: &str) -> AddressKind {
        classify(address.parse().expect(address))
    }

    #[test]
    fn address_is_classified_the_same_in_every_notation() {
        for (address, expected) in NOTATIONS {
            assert_eq!(kind(address), expected, "{address}");
        }
    }
}

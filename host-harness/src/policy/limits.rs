//! Resource limits of a pack.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// A resource that is limited for a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PackLimit {
    /// Linear memory of one call in bytes, all its memories together.
    MemoryBytes,
    /// Concurrent calls; further ones wait.
    Instances,
    /// Time of one call in seconds, including its waits.
    CallSeconds,
    /// Body of one request in bytes.
    RequestBytes,
    /// Body of one reply in bytes, decoded, without the pictures and clips inside it.
    ReplyBytes,
    /// Pictures and clips inside the replies to one call, decoded, in bytes.
    ClipBytes,
    /// Header of one request, and of one reply, in bytes.
    HeaderBytes,
    /// Requests of one call.
    RequestsPerCall,
    /// Requests a minute, all calls together.
    RequestsPerMinute,
}

impl PackLimit {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::MemoryBytes,
        Self::Instances,
        Self::CallSeconds,
        Self::RequestBytes,
        Self::ReplyBytes,
        Self::ClipBytes,
        Self::HeaderBytes,
        Self::RequestsPerCall,
        Self::RequestsPerMinute,
    ];

    /// Its name in manifests and in the configuration: `memory_bytes`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memory_bytes",
            Self::Instances => "instances",
            Self::CallSeconds => "call_seconds",
            Self::RequestBytes => "request_bytes",
            Self::ReplyBytes => "reply_bytes",
            Self::ClipBytes => "clip_bytes",
            Self::HeaderBytes => "header_bytes",
            Self::RequestsPerCall => "requests_per_call",
            Self::RequestsPerMinute => "requests_per_minute",
        }
    }

    /// The limit where the manifest or the grant states none.
    #[must_use]
    pub fn default_amount(self) -> u64 {
        match self {
            Self::MemoryBytes => 256 << 20,
            Self::Instances => 64,
            Self::CallSeconds => 60,
            // An input with a picture of 32 MiB in base64.
            Self::RequestBytes => 48 << 20,
            Self::ReplyBytes => 8 << 20,
            Self::ClipBytes => 32 << 20,
            // Less than the 128 KiB that a component can read; more would trap.
            Self::HeaderBytes => 64 << 10,
            Self::RequestsPerCall => 32,
            Self::RequestsPerMinute => 6_000,
        }
    }

    /// An amount of it, as text.
    pub(super) fn amount(self, amount: u64) -> String {
        match self {
            Self::MemoryBytes => format!("{amount} bytes of memory"),
            Self::Instances => format!("{amount} calls at once"),
            Self::CallSeconds => format!("{amount} s for a call"),
            Self::RequestBytes => format!("{amount} bytes in a request"),
            Self::ReplyBytes => format!("{amount} bytes in a reply"),
            Self::ClipBytes => format!("{amount} bytes of pictures and clips in replies"),
            Self::HeaderBytes => format!("{amount} bytes in a header"),
            Self::RequestsPerCall => format!("{amount} requests in a call"),
            Self::RequestsPerMinute => format!("{amount} requests in a minute"),
        }
    }
}

/// The limits that a manifest or a grant states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PackLimits(BTreeMap<PackLimit, NonZeroU64>);

impl PackLimits {
    /// These limits with one more; 0 counts as 1.
    #[must_use]
    pub fn with(mut self, limit: PackLimit, amount: u64) -> Self {
        let amount = NonZeroU64::new(amount).unwrap_or(NonZeroU64::MIN);
        self.0.insert(limit, amount);
        self
    }

    /// The stated limits.
    pub fn stated(&self) -> impl Iterator<Item = (PackLimit, u64)> {
        self.0.iter().map(|(limit, amount)| (*limit, amount.get()))
    }

    /// The stated limit, else the default.
    #[must_use]
    pub fn or_default(&self, limit: PackLimit) -> u64 {
        self.0
            .get(&limit)
            .map_or_else(|| limit.default_amount(), |amount| amount.get())
    }

    /// The limit that a manifest asks for. A manifest that does not state
    /// [`PackLimit::ClipBytes`] asks for any: providers decide the size of their clips, so the
    /// operator can raise the default without the author.
    #[must_use]
    pub fn asked(&self, limit: PackLimit) -> u64 {
        let is_stated = self.0.contains_key(&limit);
        if limit == PackLimit::ClipBytes && !is_stated {
            return u64::MAX;
        }
        self.or_default(limit)
    }

    /// The limits as a line of TOML.
    #[must_use]
    pub fn line(&self) -> String {
        let stated: Vec<_> = self
            .stated()
            .map(|(limit, amount)| format!("{} = {amount}", limit.name()))
            .collect();
        format!("limits = {{ {} }}", stated.join(", "))
    }
}

/// The effective limits: of each, the lower of the asked and the granted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds([u64; PackLimit::ALL.len()]);

impl Bounds {
    pub(super) fn of(asked: &PackLimits, granted: &PackLimits) -> Self {
        Self(PackLimit::ALL.map(|limit| asked.asked(limit).min(granted.or_default(limit))))
    }

    /// The effective limit.
    #[must_use]
    pub fn of_one(&self, limit: PackLimit) -> u64 {
        self.0[limit as usize]
    }

    /// The effective limit as a `usize`.
    #[must_use]
    pub fn size(&self, limit: PackLimit) -> usize {
        usize::try_from(self.of_one(limit)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_names_are_the_same_in_json_and_toml() {
        for (index, limit) in PackLimit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, index);
            let text = format!("{{\"{}\": 5}}", limit.name());
            let read: PackLimits = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read, PackLimits::default().with(limit, 5));
            let read: PackLimits = toml::from_str(&format!("{} = 5", limit.name())).expect("TOML");
            assert_eq!(read.or_default(limit), 5);
        }
        assert!(serde_json::from_str::<PackLimits>(r#"{"memory": 5}"#).is_err());
        assert!(serde_json::from_str::<PackLimits>(r#"{"instances": 0}"#).is_err());
    }

    #[test]
    fn lower_of_asked_and_granted_limit_applies() {
        let low = PackLimits::default().with(PackLimit::Instances, 2);
        let high = PackLimits::default()
            .with(PackLimit::Instances, 1_000)
            .with(PackLimit::RequestsPerCall, 1_000);
        let none = PackLimits::default();
        let instances = |asked, granted| Bounds::of(asked, granted).of_one(PackLimit::Instances);
        assert_eq!(instances(&low, &high), 2);
        assert_eq!(instances(&high, &low), 2);
        assert_eq!(instances(&high, &none), 64);
        assert_eq!(instances(&none, &high), 64);
        assert_eq!(instances(&high, &high), 1_000);
    }

    #[test]
    fn clip_bytes_are_raised_by_the_grant_alone_unless_the_manifest_states_them() {
        let with = |amount| PackLimits::default().with(PackLimit::ClipBytes, amount);
        let none = PackLimits::default();
        for (asked, granted, expected) in [
            (&none, &none, 32 << 20),
            (&none, &with(64 << 20), 64 << 20),
            (&with(16), &none, 16),
            (&with(16), &with(64), 16),
        ] {
            let bounds = Bounds::of(asked, granted);
            assert_eq!(bounds.of_one(PackLimit::ClipBytes), expected);
        }
    }
}

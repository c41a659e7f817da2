//! How much a driver does at once.

/// How much a driver does at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverSettings {
    /// Calls into components.
    pub calls: usize,
    /// Downloads.
    pub downloads: usize,
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            calls: 64,
            downloads: 4,
        }
    }
}

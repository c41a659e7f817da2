//! The driver's limits on concurrent work.

/// Limits on a driver's concurrent work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverSettings {
    /// The most concurrent calls into components. The last eighth is for components on a
    /// connection without a running call.
    pub calls: usize,
    /// The most concurrent downloads. A component on a connection without one starts one beyond
    /// it.
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

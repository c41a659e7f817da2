//! The arguments of `zoetrope costs`.

use std::time::Duration;

use clap::Args;

/// List what jobs have cost, by day, connection and node.
///
/// Adds up what the providers report. Charges of unknown amount and uncertain charges are counted
/// apart, and amounts in different units are never added. Days are local days.
///
/// Example: zoetrope costs --since 30d
#[derive(Args)]
pub(crate) struct Costs {
    /// Only charges of this time until now, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) since: Option<Duration>,
}

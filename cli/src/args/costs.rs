//! The arguments of `zoetrope costs`.

use clap::Args;
use zoetrope_host::ledger::Millis;

use super::values::since;

/// List what jobs have cost, by day, connection and node.
///
/// Adds up what the providers report. Charges of unknown amount and uncertain charges are counted
/// apart, and amounts in different units are never added. Days are local days.
#[derive(Args)]
#[command(after_help = "Example: zoetrope costs --since 30d")]
pub(crate) struct Costs {
    /// Only charges since: 30d, 12h, 2026-11-01 (UTC)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<Millis>,
}

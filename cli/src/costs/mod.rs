//! `zoetrope costs`.

mod entries;
mod table;

use std::process::ExitCode;

use jiff::tz::TimeZone;
use serde_json::json;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::Millis;

use super::args::Costs;
use super::context::Context;
use super::report::{Failure, of_ledger};
use entries::Entries;

impl Costs {
    /// Lists the charges of the ledger.
    pub(super) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let since = self.since.map_or(0, |since| {
            let since = Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX);
            now().saturating_sub(since)
        });
        let charges = context.ledger()?.charges(since);
        let charges = charges.map_err(|error| of_ledger(&error, &context.options()))?;
        let zone = TimeZone::system();
        let entries = Entries::of(&charges, &zone);
        let zone = zone.iana_name().unwrap_or("the system");
        let document = json!({
            "ok": true,
            "time_zone": zone,
            "entries": entries.documents(),
            "total": entries.total().document(),
            "practice": entries.practice().document(),
        });
        context.answer(&document, &table::text(&entries, zone))?;
        Ok(ExitCode::SUCCESS)
    }
}

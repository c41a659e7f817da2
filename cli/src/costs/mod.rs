//! `zoetrope costs`.

mod entries;
mod table;

use std::process::ExitCode;

use jiff::tz::TimeZone;
use serde_json::json;

use super::args::Costs;
use super::context::Context;
use super::report::{Failure, of_ledger};
use super::table::width;
use entries::Entries;

impl Costs {
    /// Lists the charges of the ledger.
    pub(super) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let charges = context.ledger()?.charges(self.since.unwrap_or(0));
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
        if context.json() {
            context.answer(&document, "")?;
        } else {
            let text = table::text(&entries, zone, width());
            context.printer().styled(&text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! The table of `zoetrope costs`, at most 80 columns wide.

use std::fmt::Write as _;

use zoetrope_host::money::Sums;
use zoetrope_host::sanitize::{excerpt, line};

use super::entries::{Charges, Entries};

/// The widths of the columns with texts of others, in characters.
const CONNECTION: usize = 12;
const NODE: usize = 25;
const COST: usize = 22;

/// The table, then the totals. `zone`: the name of the time zone of the days.
pub(super) fn text(entries: &Entries, zone: &str) -> String {
    if entries.by_key.is_empty() {
        return "no charges".into();
    }
    let mut text = row("DAY", "CONNECTION", "NODE", "RUNS", "COST");
    for (key, charges) in &entries.by_key {
        for (runs, cost) in costs(charges) {
            let runs = runs.map_or_else(String::new, |runs| runs.to_string());
            text.push_str(&row(&key.day, &key.connection, &key.node, &runs, &cost));
        }
    }
    let _ = write!(text, "\ntotal: {}", sentence(entries.total()));
    if *entries.practice() != Charges::default() {
        let practice = sentence(entries.practice());
        let _ = write!(text, "\npractice provider, no real money: {practice}");
    }
    let _ = write!(text, "\nDays are those of the time zone {}.", line(zone));
    text
}

/// A row of the table, without blanks at its end.
fn row(day: &str, connection: &str, node: &str, runs: &str, cost: &str) -> String {
    let cell = |text: &str, most| excerpt(&line(text), most).into_owned();
    let (connection, node, cost) = (
        cell(connection, CONNECTION),
        cell(node, NODE),
        cell(cost, COST),
    );
    let row = format!("{day:10}  {connection:CONNECTION$}  {node:NODE$}  {runs:>4}  {cost}");
    format!("{}\n", row.trim_end())
}

/// The rows of an entry: the number of runs, which is in the first row of a kind, and a cost.
fn costs(charges: &Charges) -> Vec<(Option<usize>, String)> {
    let mut rows = Vec::new();
    let certain = charges.charged - charges.unknown;
    for (index, cost) in each(&charges.costs).into_iter().enumerate() {
        rows.push(((index == 0).then_some(certain), cost));
    }
    if charges.unknown > 0 {
        rows.push((Some(charges.unknown), "amount unknown".into()));
    }
    if charges.uncertain > 0 {
        rows.push((Some(charges.uncertain), "uncertain".into()));
        let known = each(&charges.uncertain_costs).into_iter();
        rows.extend(known.map(|cost| (None, format!("  {cost}?"))));
    }
    rows
}

fn each(sums: &Sums) -> Vec<String> {
    sums.iter()
        .map(|(unit, sum)| format!("{sum} {unit}"))
        .collect()
}

/// `0.30 USD; 2 charged with an unknown amount; 1 uncertain, up to 7 USD of it known`.
fn sentence(charges: &Charges) -> String {
    let mut parts = Vec::new();
    if !charges.costs.is_empty() {
        parts.push(line(&charges.costs.to_string()).into_owned());
    }
    if charges.unknown > 0 {
        parts.push(format!("{} charged, amount unknown", charges.unknown));
    }
    if charges.uncertain > 0 {
        let known = if charges.uncertain_costs.is_empty() {
            String::new()
        } else {
            format!(" ({})", line(&charges.uncertain_costs.to_string()))
        };
        parts.push(format!("{} uncertain{known}", charges.uncertain));
    }
    if parts.is_empty() {
        parts.push("nothing".into());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use zoetrope_host::contract::Charge;

    use super::super::entries::tests::record;
    use super::*;

    fn table(records: &[zoetrope_host::ledger::ChargeRecord]) -> String {
        text(&Entries::of(records, &TimeZone::UTC), "UTC")
    }

    const NOON: &str = "2026-11-29T12:00:00Z";

    #[test]
    fn table_has_a_row_for_each_kind_of_charge() {
        let records = [
            record(NOON, "pixelml", Charge::Yes, Some(("0.10", "USD"))),
            record(NOON, "pixelml", Charge::Yes, Some(("0.10", "USD"))),
            record(NOON, "pixelml", Charge::Yes, None),
            record(NOON, "pixelml", Charge::Unknown, Some(("7", "USD"))),
            record(NOON, "practice", Charge::Yes, Some(("0.192", "USD"))),
        ];
        let expected = "\
DAY         CONNECTION    NODE                       RUNS  COST
2026-11-29  pixelml       image_to_video                2  0.20 USD
2026-11-29  pixelml       image_to_video                1  amount unknown
2026-11-29  pixelml       image_to_video                1  uncertain
2026-11-29  pixelml       image_to_video                     7 USD?
2026-11-29  practice      image_to_video                1  0.192 USD

total: 0.20 USD; 1 charged, amount unknown; 1 uncertain (7 USD)
practice provider, no real money: 0.192 USD
Days are those of the time zone UTC.";
        assert_eq!(table(&records), expected);
        assert_eq!(table(&[]), "no charges");
    }

    #[test]
    fn table_fits_80_columns_whatever_a_pack_reports() {
        let (digits, unit) = ("9".repeat(28), "US\u{1b}[2J\nD".repeat(20));
        let mut records = vec![record(
            NOON,
            &"c".repeat(64),
            Charge::Yes,
            Some((&digits, &unit)),
        )];
        records[0].node = "n\n".repeat(100);
        let table = table(&records);
        assert!(!table.contains('\u{1b}'), "{table}");
        let rows: Vec<_> = table.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), 2, "{table}");
        assert!(rows.iter().all(|row| row.chars().count() <= 80), "{table}");
    }
}

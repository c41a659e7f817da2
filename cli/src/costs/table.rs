//! The table of `zoetrope costs`, and the totals.

use std::fmt::Write as _;

use zoetrope_host::money::Sums;
use zoetrope_host::sanitize::{excerpt, line};

use super::entries::{Charges, Entries};
use crate::style::{Style, StyledText};
use crate::table::{Cell, Column, Cut, table};

const COLUMNS: [Column; 5] = [
    Column {
        heading: "DAY",
        cut: Cut::Never,
        dispensable: 0,
    },
    Column {
        heading: "CONNECTION",
        cut: Cut::End(6),
        dispensable: 2,
    },
    Column {
        heading: "NODE",
        cut: Cut::End(6),
        dispensable: 1,
    },
    Column {
        heading: "RUNS",
        cut: Cut::Never,
        dispensable: 0,
    },
    Column {
        heading: "COST",
        cut: Cut::Never,
        dispensable: 0,
    },
];

/// The columns of a day and of a number of runs, with the space after each.
const OTHERS: usize = 18;

/// The longest sums of a sentence, in characters.
const SUMS: usize = 60;

/// The table, then the totals. `zone`: the name of the time zone of the days; `width`: that of the
/// terminal, if there is one.
pub(super) fn text(entries: &Entries, zone: &str, width: Option<usize>) -> StyledText {
    if entries.by_key.is_empty() {
        let mut text = StyledText::default();
        text.plain("no charges\n");
        return text;
    }
    let mut rows = Vec::new();
    for (key, charges) in &entries.by_key {
        for (runs, cost) in costs(charges) {
            let runs = runs.map_or_else(String::new, |runs| runs.to_string());
            let cost = line(&cost).into_owned();
            let cost = match width {
                Some(width) => excerpt(&cost, width.saturating_sub(OTHERS).max(1)).into_owned(),
                None => cost,
            };
            let texts = [&*key.day, &key.connection, &key.node];
            let mut row: Vec<Cell> = texts.map(cell).into();
            row.push(cell(&format!("{runs:>4}")));
            row.push((Style::Plain, cost));
            rows.push(row);
        }
    }
    let mut text = table(&COLUMNS, &rows, width);
    let mut totals = format!("\ntotal: {}", sentence(entries.total()));
    if *entries.practice() != Charges::default() {
        let practice = sentence(entries.practice());
        let _ = write!(totals, "\npractice provider, no real money: {practice}");
    }
    let _ = writeln!(totals, "\nDays are those of the time zone {}.", line(zone));
    text.plain(totals);
    text
}

fn cell(text: &str) -> Cell {
    (Style::Plain, line(text).into_owned())
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

/// Sums on one line; a pack chooses the text of a unit.
fn sums(sums: &Sums) -> String {
    excerpt(&line(&sums.to_string()), SUMS).into_owned()
}

/// `0.30 USD; 2 charged with an unknown amount; 1 uncertain, up to 7 USD of it known`.
fn sentence(charges: &Charges) -> String {
    let mut parts = Vec::new();
    if !charges.costs.is_empty() {
        parts.push(sums(&charges.costs));
    }
    if charges.unknown > 0 {
        parts.push(format!("{} charged, amount unknown", charges.unknown));
    }
    if charges.uncertain > 0 {
        let known = if charges.uncertain_costs.is_empty() {
            String::new()
        } else {
            format!(" ({})", sums(&charges.uncertain_costs))
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

    fn shown(records: &[zoetrope_host::ledger::ChargeRecord], width: Option<usize>) -> String {
        text(&Entries::of(records, &TimeZone::UTC), "UTC", width).rendered(false)
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
DAY         CONNECTION  NODE            RUNS  COST
2026-11-29  pixelml     image_to_video     2  0.20 USD
2026-11-29  pixelml     image_to_video     1  amount unknown
2026-11-29  pixelml     image_to_video     1  uncertain
2026-11-29  pixelml     image_to_video          7 USD?
2026-11-29  practice    image_to_video     1  0.192 USD

total: 0.20 USD; 1 charged, amount unknown; 1 uncertain (7 USD)
practice provider, no real money: 0.192 USD
Days are those of the time zone UTC.
";
        assert_eq!(shown(&records, None), expected);
        assert_eq!(shown(&records, Some(200)), expected);
        assert_eq!(shown(&[], None), "no charges\n");
        let narrow = shown(&records, Some(40));
        let mut rows = narrow.lines();
        assert_eq!(
            rows.next(),
            Some("DAY         NODE    RUNS  COST"),
            "{narrow}"
        );
        assert_eq!(
            rows.next(),
            Some("2026-11-29  image…     2  0.20 USD"),
            "{narrow}"
        );
    }

    #[test]
    fn names_are_cut_on_a_terminal_alone() {
        let (connection, node) = ("c".repeat(64), "n".repeat(100));
        let mut records = [record(NOON, &connection, Charge::Yes, Some(("1", "USD")))];
        records[0].node = node.clone();
        let piped = shown(&records, None);
        assert!(
            piped.contains(&connection) && piped.contains(&node),
            "{piped}"
        );
    }

    #[test]
    fn table_fits_the_terminal_whatever_a_pack_reports() {
        let (digits, unit) = ("9".repeat(28), "US\u{1b}[2J\nD".repeat(20));
        let mut records = vec![record(
            NOON,
            &"c".repeat(64),
            Charge::Yes,
            Some((&digits, &unit)),
        )];
        records[0].node = "n\n".repeat(100);
        for width in [40, 80, 200] {
            let table = shown(&records, Some(width));
            assert!(!table.contains('\u{1b}'), "{table}");
            let rows: Vec<_> = table.lines().take_while(|line| !line.is_empty()).collect();
            assert_eq!(rows.len(), 2, "{table}");
            let fits = |row: &&str| row.chars().count() <= width;
            assert!(rows.iter().all(fits), "{table}");
        }
    }
}

//! Charges added up by day, connection and node.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use zoetrope_host::contract::Charge;
use zoetrope_host::ledger::ChargeRecord;
use zoetrope_host::money::Sums;

use crate::practice_jobs::PRACTICE_ORIGIN;

/// What an entry is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The local day: `2026-11-29`.
    pub(super) day: String,
    pub(super) connection: String,
    pub(super) node: String,
    /// Whether the practice provider served it, which charges no real money.
    pub(super) is_practice: bool,
}

/// The charges of some attempts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Charges {
    /// The attempts that were charged.
    pub(super) charged: usize,
    /// Their known costs.
    pub(super) costs: Sums,
    /// Those of them whose amount is not known, or has too many digits to be added.
    pub(super) unknown: usize,
    /// The attempts that may have been charged.
    pub(super) uncertain: usize,
    /// Their known costs.
    pub(super) uncertain_costs: Sums,
}

impl Charges {
    fn add(&mut self, record: &ChargeRecord) {
        let cost = record.cost.as_ref();
        let cost = cost.and_then(|cost| Some((cost.number()?, cost.unit.as_str())));
        if record.charge == Charge::Yes {
            self.charged += 1;
            let added = cost.and_then(|(amount, unit)| self.costs.add(amount, unit));
            self.unknown += usize::from(added.is_none());
        } else {
            self.uncertain += 1;
            // One that is not added is in the number alone.
            let _ = cost.and_then(|(amount, unit)| self.uncertain_costs.add(amount, unit));
        }
    }

    /// As JSON.
    pub(super) fn document(&self) -> Value {
        json!({
            "charged": self.charged,
            "costs": sums(&self.costs),
            "unknown_amounts": self.unknown,
            "uncertain": self.uncertain,
            "uncertain_costs": sums(&self.uncertain_costs),
        })
    }
}

fn sums(sums: &Sums) -> Value {
    let sums = sums.iter();
    sums.map(|(unit, sum)| json!({ "amount": sum.to_string(), "unit": unit }))
        .collect()
}

/// All charges.
pub(super) struct Entries {
    pub(super) by_key: BTreeMap<Key, Charges>,
    total: Charges,
    practice: Charges,
}

impl Entries {
    pub(super) fn of(records: &[ChargeRecord], zone: &TimeZone) -> Self {
        let mut entries = Self {
            by_key: BTreeMap::new(),
            total: Charges::default(),
            practice: Charges::default(),
        };
        for record in records {
            let at = Timestamp::from_millisecond(record.at).unwrap_or_default();
            let key = Key {
                day: at.to_zoned(zone.clone()).date().to_string(),
                connection: record.connection.clone(),
                node: record.node.clone(),
                is_practice: record.provider_origin == PRACTICE_ORIGIN,
            };
            if key.is_practice {
                entries.practice.add(record);
            } else {
                entries.total.add(record);
            }
            entries.by_key.entry(key).or_default().add(record);
        }
        entries
    }

    /// All charges but those of the practice provider.
    pub(super) fn total(&self) -> &Charges {
        &self.total
    }

    /// Those of the practice provider.
    pub(super) fn practice(&self) -> &Charges {
        &self.practice
    }

    /// An entry for each day, connection and node, oldest first.
    pub(super) fn documents(&self) -> Vec<Value> {
        let entries = self.by_key.iter().map(|(key, charges)| {
            let mut document = charges.document();
            document["day"] = key.day.as_str().into();
            document["connection"] = key.connection.as_str().into();
            document["node"] = key.node.as_str().into();
            document["practice"] = key.is_practice.into();
            document
        });
        entries.collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use zoetrope_host::ledger::Cost;

    use super::*;

    /// A charge at this time over this connection.
    pub(in crate::costs) fn record(
        at: &str,
        connection: &str,
        charge: Charge,
        cost: Option<(&str, &str)>,
    ) -> ChargeRecord {
        let at: Timestamp = at.parse().expect("a time");
        let is_practice = connection == PRACTICE_ORIGIN;
        ChargeRecord {
            at: at.as_millisecond(),
            connection: connection.into(),
            provider_origin: if is_practice {
                PRACTICE_ORIGIN.into()
            } else {
                "https://p.example".into()
            },
            node: "image_to_video".into(),
            charge,
            cost: cost.map(|(amount, unit)| Cost {
                amount: amount.into(),
                unit: unit.into(),
            }),
        }
    }

    const NOON: &str = "2026-11-29T12:00:00Z";

    #[test]
    fn uncertain_and_unknown_amounts_are_counted_apart_and_units_are_not_mixed() {
        let huge = "9".repeat(40);
        let records = [
            record(NOON, "a", Charge::Yes, Some(("0.10", "USD"))),
            record(NOON, "a", Charge::Yes, Some(("0.2", "USD"))),
            record(NOON, "a", Charge::Yes, Some(("10", "credits"))),
            record(NOON, "a", Charge::Yes, None),
            record(NOON, "a", Charge::Yes, Some((&huge, "USD"))),
            record(NOON, "a", Charge::Yes, Some(("-5", "USD"))),
            record(NOON, "a", Charge::Unknown, Some(("7", "USD"))),
            record(NOON, "a", Charge::Unknown, None),
        ];
        let entries = Entries::of(&records, &TimeZone::UTC);
        let total = entries.total();
        assert_eq!((total.charged, total.unknown, total.uncertain), (6, 3, 2));
        assert_eq!(total.costs.to_string(), "0.30 USD and 10 credits");
        assert_eq!(total.uncertain_costs.to_string(), "7 USD");
        assert_eq!(entries.documents().len(), 1);
    }

    #[test]
    fn day_is_the_local_one() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let late = record("2026-11-29T23:30:00Z", "a", Charge::Yes, None);
        let entries = Entries::of(&[late], &zone);
        assert_eq!(entries.documents()[0]["day"], "2026-11-30");
    }

    #[test]
    fn practice_money_is_not_in_the_total() {
        let records = [
            record(NOON, PRACTICE_ORIGIN, Charge::Yes, Some(("0.192", "USD"))),
            record(NOON, "a", Charge::Yes, Some(("1", "USD"))),
        ];
        let entries = Entries::of(&records, &TimeZone::UTC);
        assert_eq!(entries.total().costs.to_string(), "1 USD");
        assert_eq!(entries.practice().costs.to_string(), "0.192 USD");
        assert_eq!(entries.documents().len(), 2);
    }
}

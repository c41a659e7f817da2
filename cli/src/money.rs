//! Amounts of money as text, and their sums by unit.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use zoetrope_host::ledger::Cost;
use zoetrope_host::sanitize::line;

/// Sums by unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, Decimal>);

impl Sums {
    /// Adds a cost. Whether its amount is a number.
    pub(crate) fn add(&mut self, cost: &Cost) -> bool {
        let amount = Decimal::from_str_exact(&cost.amount).ok();
        let sum = self.0.get(&cost.unit).copied().unwrap_or_default();
        let sum = amount.and_then(|amount| sum.checked_add(amount));
        if let Some(sum) = sum {
            self.0.insert(cost.unit.clone(), sum);
        }
        sum.is_some()
    }

    /// Takes a cost back that was added.
    pub(crate) fn subtract(&mut self, cost: &Cost) {
        if let Some(sum) = self.0.get_mut(&cost.unit)
            && let Ok(amount) = Decimal::from_str_exact(&cost.amount)
        {
            *sum -= amount;
        }
    }

    /// `$1.92`, `30 credits`: the sums that are not zero.
    pub(crate) fn texts(&self) -> Vec<String> {
        let sums = self.0.iter().filter(|(_, sum)| !sum.is_zero());
        sums.map(|(unit, sum)| shown(*sum, unit)).collect()
    }
}

/// `$0.40` for USD, `30 credits` for other units.
fn shown(amount: Decimal, unit: &str) -> String {
    let mut amount = amount.normalize();
    if unit != "USD" {
        return format!("{amount} {}", line(unit));
    }
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    format!("${amount}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(amount: &str, unit: &str) -> Cost {
        Cost {
            amount: amount.into(),
            unit: unit.into(),
        }
    }

    #[test]
    fn sums_are_by_unit_and_dollars_have_cents() {
        let mut sums = Sums::default();
        for (amount, unit) in [
            ("0.240", "USD"),
            ("1.68", "USD"),
            ("30", "credits"),
            ("0", "EUR"),
        ] {
            assert!(sums.add(&cost(amount, unit)), "{amount} {unit}");
        }
        assert_eq!(sums.texts(), ["$1.92", "30 credits"]);
        assert!(!sums.add(&cost("much", "USD")));
        sums.subtract(&cost("1.68", "USD"));
        assert_eq!(sums.texts(), ["$0.24", "30 credits"]);
        assert!(sums.add(&cost("0.165", "USD")) && sums.add(&cost("0.095", "USD")));
        assert_eq!(sums.texts(), ["$0.50", "30 credits"]);
        assert!(sums.add(&cost("0.0025", "USD")));
        assert_eq!(sums.texts(), ["$0.5025", "30 credits"]);
    }
}

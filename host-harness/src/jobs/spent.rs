//! What jobs have cost until now.

use std::collections::BTreeMap;
use std::fmt;

use crate::contract::Charge;
use crate::ledger::Cost;

/// The costs of jobs that were or may have been charged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The number of these jobs.
    pub jobs: usize,
    /// The known costs by unit, added up.
    pub costs: Vec<Cost>,
    /// The number of these jobs with a charge of unknown cost.
    pub unknown: usize,
}

impl Spent {
    /// Adds the attempts at a job.
    pub(super) fn add<'a>(&mut self, attempts: impl Iterator<Item = (Charge, Option<&'a Cost>)>) {
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for cost in self.costs.drain(..) {
            let amount = Decimal::of(&cost.amount).unwrap_or_default();
            sums.insert(cost.unit, amount);
        }
        self.jobs += 1;
        let mut has_unknown = false;
        for (charge, cost) in attempts {
            let known = cost.and_then(|cost| Some((&cost.unit, Decimal::of(&cost.amount)?)));
            let added = known.and_then(|(unit, amount)| {
                let sum = sums.get(unit).copied().unwrap_or_default();
                Some((unit.clone(), sum.plus(amount)?))
            });
            match added {
                Some((unit, sum)) => drop(sums.insert(unit, sum)),
                None => has_unknown |= charge != Charge::No,
            }
        }
        self.unknown += usize::from(has_unknown);
        self.costs = sums
            .into_iter()
            .map(|(unit, sum)| Cost {
                amount: sum.to_string(),
                unit,
            })
            .collect();
    }
}

/// `0.48 USD, and an unknown amount for 2 of them`.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs = self.costs.iter();
        let costs: Vec<_> = costs
            .map(|cost| format!("{} {}", cost.amount, cost.unit))
            .collect();
        let unknown = match (self.jobs, self.unknown) {
            (_, 0) => None,
            (jobs, unknown) if unknown == jobs => Some("an unknown amount".to_owned()),
            (_, unknown) => Some(format!("an unknown amount for {unknown} of them")),
        };
        let parts: Vec<_> = costs.into_iter().chain(unknown).collect();
        f.write_str(&parts.join(" and "))
    }
}

/// A decimal number that is not negative.
#[derive(Clone, Copy, Default)]
struct Decimal {
    digits: u128,
    /// How many of the digits are after the point.
    places: u32,
}

impl Decimal {
    /// `None` for another text, or for one of more digits than amounts have.
    fn of(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = !whole.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        Some(Self {
            digits: digits.parse().ok().filter(|_| is_number)?,
            places: u32::try_from(fraction.len()).ok()?,
        })
    }

    /// `None` if the sum has too many digits.
    fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let scaled = |one: Self| {
            let by = 10_u128.checked_pow(places - one.places)?;
            one.digits.checked_mul(by)
        };
        Some(Self {
            digits: scaled(self)?.checked_add(scaled(other)?)?,
            places,
        })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::try_from(self.places).unwrap_or_default();
        let digits = format!("{:0>width$}", self.digits, width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        f.write_str(whole)?;
        if fraction.is_empty() {
            return Ok(());
        }
        write!(f, ".{fraction}")
    }
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
    fn costs_are_added_by_unit_and_unknown_ones_are_counted() {
        let mut spent = Spent::default();
        for (charge, cost) in [
            (Charge::Yes, Some(cost("0.240", "USD"))),
            (Charge::Unknown, Some(cost("1", "USD"))),
            (Charge::Yes, Some(cost("7", "credits"))),
            (Charge::Unknown, None),
            (Charge::Yes, Some(cost("much", "USD"))),
        ] {
            spent.add([(charge, cost.as_ref())].into_iter());
        }
        let expected = Spent {
            jobs: 5,
            costs: vec![cost("1.240", "USD"), cost("7", "credits")],
            unknown: 2,
        };
        assert_eq!(spent, expected);
        let text = "1.240 USD and 7 credits and an unknown amount for 2 of them";
        assert_eq!(spent.to_string(), text);
    }

    #[test]
    fn unknown_amount_for_all_jobs_has_no_count() {
        let spent = Spent {
            jobs: 3,
            costs: Vec::new(),
            unknown: 3,
        };
        assert_eq!(spent.to_string(), "an unknown amount");
    }

    #[test]
    fn attempts_at_one_job_are_one_job() {
        let mut spent = Spent::default();
        let paid = cost("0.24", "USD");
        let attempts = [
            (Charge::Yes, Some(&paid)),
            (Charge::Yes, Some(&paid)),
            (Charge::No, None),
        ];
        spent.add(attempts.into_iter());
        assert_eq!((spent.jobs, spent.unknown), (1, 0));
        assert_eq!(spent.to_string(), "0.48 USD");
    }
}

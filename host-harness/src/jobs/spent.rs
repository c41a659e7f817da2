//! What jobs have cost until now.

use std::fmt;

use crate::contract::Charge;
use crate::ledger::Cost;
use crate::money::Sums;

/// The costs of jobs that were or may have been charged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The number of these jobs.
    pub jobs: usize,
    /// The known costs by unit, added up.
    pub costs: Sums,
    /// The number of these jobs with a charge of unknown cost.
    pub unknown: usize,
}

impl Spent {
    /// Adds the attempts at a job.
    pub(super) fn add<'a>(&mut self, attempts: impl Iterator<Item = (Charge, Option<&'a Cost>)>) {
        self.jobs += 1;
        let mut has_unknown = false;
        for (charge, cost) in attempts {
            let known = cost.and_then(|cost| Some((cost.number()?, cost.unit.as_str())));
            let added = known.and_then(|(amount, unit)| self.costs.add(amount, unit));
            has_unknown |= added.is_none() && charge != Charge::No;
        }
        self.unknown += usize::from(has_unknown);
    }
}

/// `0.48 USD, and an unknown amount for 2 of them`.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs = (!self.costs.is_empty()).then(|| self.costs.to_string());
        let unknown = match (self.jobs, self.unknown) {
            (_, 0) => None,
            (jobs, unknown) if unknown == jobs => Some("an unknown amount".to_owned()),
            (_, unknown) => Some(format!("an unknown amount for {unknown} of them")),
        };
        let parts: Vec<_> = costs.into_iter().chain(unknown).collect();
        f.write_str(&parts.join(" and "))
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
            (Charge::Yes, Some(cost("-5", "USD"))),
        ] {
            spent.add([(charge, cost.as_ref())].into_iter());
        }
        assert_eq!((spent.jobs, spent.unknown), (6, 3));
        let text = "1.240 USD and 7 credits and an unknown amount for 3 of them";
        assert_eq!(spent.to_string(), text);
    }

    #[test]
    fn unknown_amount_for_all_jobs_has_no_count() {
        let spent = Spent {
            jobs: 3,
            costs: Sums::default(),
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

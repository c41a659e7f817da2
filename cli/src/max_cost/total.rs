//! The upper bound of several runs together.

use std::fmt;

use serde_json::{Value, json};
use zoetrope_host::money::Sums;

use super::bound::{Bound, Source};

/// What several runs cost at most.
#[derive(Debug, Default)]
pub(crate) struct Total {
    runs: usize,
    sums: Sums,
    /// The runs without a known bound.
    unknown: usize,
    /// Who states the bounds.
    sources: Vec<Source>,
}

impl Total {
    pub(crate) fn of<'a>(bounds: impl IntoIterator<Item = &'a Bound>) -> Self {
        let mut total = Self::default();
        for bound in bounds {
            total.runs += 1;
            match bound {
                Bound::Nothing => {}
                Bound::AtMost { most, source } => {
                    if total.sums.add(most.amount, &most.unit).is_none() {
                        total.unknown += 1;
                    } else if !total.sources.contains(source) {
                        total.sources.push(*source);
                    }
                }
                Bound::Unknown => total.unknown += 1,
            }
        }
        total
    }

    /// As JSON: `{"runs", "at_most": [{"amount", "unit"}], "without_bound"}`.
    pub(crate) fn document(&self) -> Value {
        let sums = self.sums.iter();
        let sums: Vec<_> = sums
            .map(|(unit, sum)| json!({ "amount": sum.to_string(), "unit": unit }))
            .collect();
        json!({ "runs": self.runs, "at_most": sums, "without_bound": self.unknown })
    }
}

/// `at most 2.00 USD by the connection's max_cost`.
impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.runs - self.unknown;
        if self.runs == 0 {
            return f.write_str("nothing");
        }
        if known == 0 {
            return f.write_str("no known upper bound");
        }
        if self.sums.is_empty() {
            write!(f, "{}", Bound::Nothing)?;
        } else {
            write!(f, "at most {}", self.sums)?;
            if let [source] = self.sources.as_slice() {
                write!(f, " {}", source.by())?;
            }
        }
        if self.unknown > 0 {
            let unknown = self.unknown;
            write!(
                f,
                " for {known} of them; no known upper bound for {unknown}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(text: &str, source: Source) -> Bound {
        let most = text.parse().expect("an amount");
        Bound::AtMost { most, source }
    }

    #[test]
    fn sum_names_its_source_and_the_runs_without_a_bound() {
        let half = || most("0.50 USD", Source::MaxCost);
        let credits = || most("3 credits", Source::Published);
        for (bounds, expected) in [
            (vec![], "nothing"),
            (vec![Bound::Unknown; 2], "no known upper bound"),
            (
                vec![Bound::Nothing; 2],
                "nothing: the practice provider charges no money",
            ),
            (
                vec![half(), half()],
                "at most 1.00 USD by the connection's max_cost",
            ),
            (
                vec![half(), credits(), Bound::Nothing],
                "at most 0.50 USD and 3 credits",
            ),
            (
                vec![half(), Bound::Unknown],
                "at most 0.50 USD by the connection's max_cost for 1 of them; no known upper bound for 1",
            ),
        ] {
            assert_eq!(Total::of(&bounds).to_string(), expected);
        }
    }

    #[test]
    fn sum_that_is_not_exact_is_no_bound() {
        let huge = most(&format!("{} USD", "9".repeat(28)), Source::MaxCost);
        let total = Total::of(&vec![huge; 10]);
        assert_eq!(total.document()["without_bound"], 3, "{total}");
    }

    #[test]
    fn sum_is_a_document() {
        let bounds = [most("0.50 USD", Source::MaxCost), Bound::Unknown];
        let expected = json!({
            "runs": 2,
            "at_most": [{ "amount": "0.50", "unit": "USD" }],
            "without_bound": 1,
        });
        assert_eq!(Total::of(&bounds).document(), expected);
    }
}

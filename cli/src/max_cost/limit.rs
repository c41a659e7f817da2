//! `--max-cost`: refuses to submit what may cost more.

use zoetrope_host::error::ErrorKind;
use zoetrope_host::money::{Money, Sums};

use super::bound::Bound;
use crate::report::{Failure, Phase};
use crate::shell::quoted_text;

/// Checks that these runs, each with the id of its connection, cost no more than `limit` together.
/// Nothing was sent for them.
pub(crate) fn check(limit: &Money, runs: &[(String, Bound)]) -> Result<(), Failure> {
    let mut sums = Sums::default();
    for (connection, bound) in runs {
        let most = match bound {
            Bound::Nothing => continue,
            Bound::AtMost { most, .. } => most,
            Bound::Unknown => return Err(without_bound(limit, connection)),
        };
        if !limit.is_in(&most.unit) {
            return Err(other_unit(limit, connection, most));
        }
        if sums.add(most.amount, &limit.unit).is_none() {
            return Err(without_bound(limit, connection));
        }
    }
    let sum = sums.iter().next().map(|(_, sum)| sum).unwrap_or_default();
    if sum <= limit.amount {
        return Ok(());
    }
    let what = match runs {
        [_] => "the run may cost".to_owned(),
        runs => format!("these {} runs may cost", runs.len()),
    };
    let unit = &limit.unit;
    let message = format!("{what} {sum} {unit}, and --max-cost is {limit}; nothing was sent");
    let raised = quoted_text(&format!("{sum} {unit}"));
    Err(refused(message).then(format!(
        "To allow that, run the same command with --max-cost {raised}"
    )))
}

fn refused(message: String) -> Failure {
    Failure::new(ErrorKind::OverMaxCost, Phase::Setup, message)
}

fn without_bound(limit: &Money, connection: &str) -> Failure {
    let message = format!(
        "the cost of a run over connection `{connection}` has no known upper bound, so it may \
         exceed --max-cost {limit}; nothing was sent"
    );
    let unit = &limit.unit;
    refused(message).then(format!(
        "State the most that a run costs there: max_cost = \"AMOUNT {unit}\" in \
         [connections.{connection}] of the configuration; or run the same command without --max-cost"
    ))
}

fn other_unit(limit: &Money, connection: &str, most: &Money) -> Failure {
    let unit = &most.unit;
    let message = format!(
        "a run over connection `{connection}` costs at most {most}, which cannot be compared with \
         --max-cost {limit}; nothing was sent"
    );
    let example = quoted_text(&format!("AMOUNT {unit}"));
    refused(message).then(format!(
        "Run the same command with a limit in that unit: --max-cost {example}"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::bound::Source;
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().expect("an amount")
    }

    fn runs(bounds: &[Option<&str>]) -> Vec<(String, Bound)> {
        let of = |most: Option<&str>| {
            let bound = most.map_or(Bound::Unknown, |most| Bound::AtMost {
                most: money(most),
                source: Source::MaxCost,
            });
            ("pixelml".to_owned(), bound)
        };
        bounds.iter().copied().map(of).collect()
    }

    #[test]
    fn sum_up_to_the_limit_is_allowed() {
        let half = Some("0.50 USD");
        for (limit, bounds) in [
            ("1.00 USD", &[half, half][..]),
            ("1 usd", &[half, half]),
            ("0.5 USD", &[half]),
            ("0 USD", &[]),
        ] {
            assert!(check(&money(limit), &runs(bounds)).is_ok(), "{limit}");
        }
        let practice = [("practice".to_owned(), Bound::Nothing)];
        assert!(check(&money("0 EUR"), &practice).is_ok());
    }

    #[test]
    fn more_than_the_limit_no_bound_and_another_unit_are_refused_before_anything_is_sent() {
        let half = Some("0.50 USD");
        let over = "these 2 runs may cost 1.00 USD, and --max-cost is 0.99 USD; nothing was sent";
        for (limit, bounds, message) in [
            ("0.99 USD", &[half, half][..], over),
            ("9 USD", &[half, None], "has no known upper bound"),
            ("9 EUR", &[half], "cannot be compared with --max-cost 9 EUR"),
        ] {
            let refused = check(&money(limit), &runs(bounds)).expect_err("a refusal");
            assert_eq!(refused.kind(), ErrorKind::OverMaxCost);
            assert_eq!(refused.code(), 5);
            assert!(refused.message().contains(message), "{refused:?}");
            assert!(refused.message().ends_with("nothing was sent"));
            assert!(refused.next().contains("--max-cost"), "{refused:?}");
        }
    }
}

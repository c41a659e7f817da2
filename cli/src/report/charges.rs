//! What many jobs cost together, in sentences.

use zoetrope_host::contract::Charge;
use zoetrope_host::ledger::Job;
use zoetrope_host::money::Sums;
use zoetrope_host::sanitize::{excerpt, line};

use crate::practice_jobs::is_practice;

/// The longest sums, in characters.
const SUMS: usize = 60;

/// `3 charged (once each, after 7 attempts), 1 uncertain. Total: 0.58 USD.` Jobs of the practice provider, which
/// charges no real money, are counted apart. `damaged`: the charges of the rows that cannot be read.
pub(super) fn sentences(jobs: &[Job], damaged: impl Iterator<Item = Charge>) -> String {
    let (practice, paid): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| is_practice(job));
    let charges = paid.iter().map(|job| job.charge());
    let charges: Vec<_> = charges.chain(damaged).collect();
    let practice = practice.len();
    if practice > 0 && charges.is_empty() {
        return "The practice provider charges no real money.".into();
    }
    let count = |charge| charges.iter().filter(|of_job| **of_job == charge).count();
    let attempts = attempts(paid.iter().copied());
    let attempts = (attempts, paid.iter().any(|job| is_repaid(job)));
    let mut text = counted(count(Charge::Yes), attempts, count(Charge::Unknown));
    text.push_str(&total(&paid));
    if practice > 0 {
        text = format!("{text} {practice} by the practice provider, no real money.");
    }
    text
}

/// The attempts at the charged jobs. The charge of a job is that of all its attempts.
pub(super) fn attempts<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> usize {
    let jobs = jobs.into_iter();
    let charged = jobs.filter(|job| job.charge() == Charge::Yes);
    let attempts = charged.map(|job| usize::try_from(job.retries).unwrap_or(usize::MAX));
    attempts.fold(0, |sum, retries| {
        sum.saturating_add(retries).saturating_add(1)
    })
}

/// Whether a charged job has an earlier attempt that was or may have been charged as well.
fn is_repaid(job: &Job) -> bool {
    let earlier = job.billing.earlier;
    job.charge() == Charge::Yes && earlier.is_some_and(|earlier| earlier != Charge::No)
}

/// `is_repaid`: whether earlier attempts were or may have been charged as well.
fn counted(jobs: usize, (attempts, is_repaid): (usize, bool), uncertain: usize) -> String {
    let attempts = match (jobs, is_repaid) {
        _ if attempts <= jobs => String::new(),
        (_, true) => {
            format!(" ({attempts} attempts, of which earlier ones are or may be charged too)")
        }
        (1, false) => format!(" (once, after {attempts} attempts)"),
        (_, false) => format!(" (once each, after {attempts} attempts)"),
    };
    format!("{jobs} charged{attempts}, {uncertain} uncertain.")
}

/// The sum of the known costs of the charged jobs, if it is not zero.
fn total(jobs: &[&Job]) -> String {
    let mut sums = Sums::default();
    for job in jobs.iter().filter(|job| job.charge() == Charge::Yes) {
        let known = job.cost().and_then(|cost| Some((cost.number()?, cost)));
        if let Some((amount, cost)) = known.filter(|(amount, _)| !amount.is_zero()) {
            // One that is not added has too many digits.
            let _ = sums.add(amount, &cost.unit);
        }
    }
    if sums.is_empty() {
        return String::new();
    }
    format!(" Total: {}.", excerpt(&line(&sums.to_string()), SUMS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice_jobs::PRACTICE_ORIGIN;
    use crate::report::cost::tests::{job, over};

    #[test]
    fn charged_jobs_name_their_attempts() {
        let text = "3 charged (once each, after 7 attempts), 1 uncertain.";
        assert_eq!(counted(3, (7, false), 1), text);
        let text = "1 charged (once, after 2 attempts), 0 uncertain.";
        assert_eq!(counted(1, (2, false), 0), text);
        let text =
            "1 charged (2 attempts, of which earlier ones are or may be charged too), 0 uncertain.";
        assert_eq!(counted(1, (2, true), 0), text);
        // Rows that cannot be read have no attempts.
        assert_eq!(counted(3, (2, false), 0), "3 charged, 0 uncertain.");
    }

    #[test]
    fn costs_of_the_practice_provider_are_no_money_and_a_negative_amount_is_none() {
        let of = |origin, amount| over(job(Charge::Yes, Some((amount, "USD")), None), origin);
        let paid = || of("https://p.example", "0.192");
        let free = || of(PRACTICE_ORIGIN, "0.192");
        let negative = of("https://p.example", "-5");
        for (jobs, expected) in [
            (vec![], "0 charged, 0 uncertain."),
            (
                vec![paid(), paid(), negative],
                "3 charged, 0 uncertain. Total: 0.384 USD.",
            ),
            (
                vec![free(), free()],
                "The practice provider charges no real money.",
            ),
            (
                vec![paid(), free()],
                "1 charged, 0 uncertain. Total: 0.192 USD. 1 by the practice provider, no real money.",
            ),
        ] {
            assert_eq!(sentences(&jobs, std::iter::empty()), expected);
        }
        let damaged = sentences(&[free()], [Charge::Unknown].into_iter());
        assert!(damaged.starts_with("0 charged, 1 uncertain. "), "{damaged}");
    }
}

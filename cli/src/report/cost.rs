//! The cost of a job as a short text.

use zoetrope_host::contract::Charge;
use zoetrope_host::ledger::Job;
use zoetrope_host::sanitize::{excerpt, line};

use crate::practice_jobs::is_practice;

/// The longest text of a cost, in characters.
const LONGEST: usize = 24;

/// The text in a column: `free` for the practice provider, which charges no money; `0.192 USD`;
/// `unknown` if it was charged and its cost is not known; `uncertain` or `0.192 USD?` if it may have been charged; `-` if it was not charged. A `+` says
/// that earlier attempts at the job were or may have been charged as well.
pub(crate) fn text(job: &Job) -> String {
    if is_practice(job) {
        return "free".to_owned();
    }
    let cost = job.cost();
    let known = cost.map(|cost| {
        let text = format!("{} {}", cost.amount, cost.unit);
        excerpt(line(&text).trim_end(), LONGEST).into_owned()
    });
    let present = match (job.billing.charge, known) {
        (Charge::No, _) => "-".to_owned(),
        (Charge::Yes, Some(cost)) => cost,
        (Charge::Yes, None) => "unknown".to_owned(),
        (Charge::Unknown, Some(cost)) => format!("{cost}?"),
        (Charge::Unknown, None) => "uncertain".to_owned(),
    };
    match (job.billing.earlier, job.billing.charge) {
        (None, _) => present,
        (Some(Charge::Yes), Charge::No) => "unknown".to_owned(),
        (Some(_), Charge::No) => "uncertain".to_owned(),
        (Some(_), _) => format!("{present}+"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use zoetrope_host::ledger::{Cost, JobSpec, Target};

    use super::*;
    use crate::practice_jobs::PRACTICE_ORIGIN;

    /// A queued job over the connection `pixelml` with this billing.
    pub(crate) fn job(charge: Charge, cost: Option<(&str, &str)>, earlier: Option<Charge>) -> Job {
        let spec = JobSpec {
            id: "j".into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "k".into(),
            idempotency_ms: 0,
            created_at: 0,
        };
        let target = Target::Stem("/clips/a".into());
        let mut job = Job::new(spec, target, "r".into(), 0);
        job.billing.charge = charge;
        job.billing.earlier = earlier;
        job.billing.cost = cost.map(|(amount, unit)| Cost {
            amount: amount.into(),
            unit: unit.into(),
        });
        job
    }

    /// The same job over a connection `practice` to this origin.
    pub(crate) fn over(mut job: Job, provider_origin: &str) -> Job {
        let mut spec = JobSpec::clone(&job.spec);
        spec.connection = "practice".into();
        spec.provider_origin = provider_origin.into();
        job.spec = spec.into();
        job
    }

    #[test]
    fn cost_says_whether_it_is_known_and_certain() {
        let known = Some(("0.192", "USD"));
        for (charge, cost, earlier, expected) in [
            (Charge::Yes, known, None, "0.192 USD"),
            (Charge::Yes, None, None, "unknown"),
            (Charge::Unknown, known, None, "0.192 USD?"),
            (Charge::Unknown, None, None, "uncertain"),
            (Charge::No, known, None, "-"),
            (Charge::Yes, known, Some(Charge::Yes), "0.192 USD+"),
            (Charge::No, None, Some(Charge::Yes), "unknown"),
            (Charge::No, None, Some(Charge::Unknown), "uncertain"),
        ] {
            let text = text(&job(charge, cost, earlier));
            assert_eq!(text, expected, "{charge:?} {cost:?} {earlier:?}");
        }
    }

    #[test]
    fn practice_provider_is_free_whatever_it_reports() {
        let known = Some(("0.192", "USD"));
        let paid = over(job(Charge::Yes, known, None), "https://p.example");
        assert_eq!(text(&paid), "0.192 USD", "a configured connection");
        let free = over(job(Charge::Yes, known, None), PRACTICE_ORIGIN);
        assert_eq!(text(&free), "free");
    }

    #[test]
    fn amount_and_unit_of_a_hostile_pack_fit_a_line() {
        let huge = "9".repeat(40);
        for (amount, unit) in [(&*huge, "USD"), ("1", "US\u{1b}[2J\nD"), ("1", &huge)] {
            let text = text(&job(Charge::Yes, Some((amount, unit)), None));
            assert!(text.chars().count() <= LONGEST, "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

//! The last line about a job that has its result: how long the clip is, how large, what it cost, and
//! how long the command took.

use std::time::Duration;

use indicatif::HumanBytes;
use zoetrope_host::clip;
use zoetrope_host::contract::Charge;
use zoetrope_host::ledger::{ClipFile, Job};
use zoetrope_host::sanitize::line;

use super::outcome;

/// `2.0 s, 1.3 MiB, 0.50 USD, took 34 s`. `is_practice`: the practice provider made the result, whose
/// charges cost nothing. `took`: the time of the command.
pub(crate) fn closing_line(job: &Job, is_practice: bool, took: Duration) -> String {
    let mut parts = Vec::new();
    if let Some(file) = job.file() {
        let others = file.others.len();
        if others > 0 {
            parts.push(format!("{} files", others + 1));
        } else if let Some(duration) = clip::duration(&file.path, &file.media_type) {
            parts.push(clip_seconds(duration));
        }
        let bytes = file.all().map(|file: &ClipFile| file.bytes).sum();
        parts.push(HumanBytes(bytes).to_string());
    }
    let charge = if is_practice {
        Charge::No
    } else {
        job.charge()
    };
    parts.push(cost(charge, outcome::price(job).as_deref()));
    parts.push(format!("took {}", time(took)));
    parts.join(", ")
}

/// What a job cost.
fn cost(charge: Charge, price: Option<&str>) -> String {
    match (charge, price.map(line)) {
        (Charge::No, _) => "free".into(),
        (Charge::Yes, Some(price)) => price.into_owned(),
        (Charge::Yes, None) => "charged at an unknown price".into(),
        (Charge::Unknown, Some(price)) => format!("{price} may be charged"),
        (Charge::Unknown, None) => "may be charged".into(),
    }
}

fn clip_seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// `34 s`, `2 min 5 s`.
pub(crate) fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_says_what_was_charged_or_may_be() {
        let price = Some("0.50 USD");
        assert_eq!(cost(Charge::No, price), "free");
        assert_eq!(cost(Charge::Yes, price), "0.50 USD");
        assert_eq!(cost(Charge::Yes, None), "charged at an unknown price");
        assert_eq!(cost(Charge::Unknown, price), "0.50 USD may be charged");
        assert_eq!(cost(Charge::Unknown, None), "may be charged");
    }

    #[test]
    fn times_are_in_two_units_at_most() {
        for (seconds, text) in [(34, "34 s"), (125, "2 min 5 s"), (7_500, "2 h 5 min")] {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
        assert_eq!(clip_seconds(Duration::from_millis(2_040)), "2.0 s");
    }
}

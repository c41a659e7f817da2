//! Times relative to now, as people say them.

use jiff::Timestamp;
use zoetrope_host::ledger::Millis;

const MINUTE: Millis = 60;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

/// After this, the date says more.
const LONGEST: Millis = 30 * DAY;

/// `3 min ago`, `in 2 h`, or the date (UTC) of a time that is far away.
pub(crate) fn relative(time: Millis, now: Millis) -> String {
    let seconds = (now - time) / 1_000;
    let distance = seconds.abs();
    let text = match distance {
        0 => return "now".to_owned(),
        distance if distance < MINUTE => format!("{distance} s"),
        distance if distance < HOUR => format!("{} min", distance / MINUTE),
        distance if distance < DAY => format!("{} h", distance / HOUR),
        distance if distance < 2 * DAY => "1 day".to_owned(),
        distance if distance < LONGEST => format!("{} days", distance / DAY),
        _ => return date(time),
    };
    if seconds > 0 {
        format!("{text} ago")
    } else {
        format!("in {text}")
    }
}

/// `2026-11-01 12:00:00 UTC`
pub(crate) fn absolute(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(
        |_| time.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

fn date(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(
        |_| time.to_string(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_up_to_a_month() {
        // 2026-11-29 02:00:00
        let now = 1_795_917_600_000;
        for (seconds_ago, expected) in [
            (0, "now"),
            (59, "59 s ago"),
            (180, "3 min ago"),
            (7_200, "2 h ago"),
            (100_000, "1 day ago"),
            (200_000, "2 days ago"),
            (90 * 86_400, "2026-08-31"),
            (-120, "in 2 min"),
        ] {
            assert_eq!(relative(now - seconds_ago * 1_000, now), expected);
        }
        assert_eq!(absolute(now), "2026-11-29 02:00:00 UTC");
    }
}

//! Times relative to now and lengths of time, as people say them.

use std::time::Duration;

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

/// `24 h`, `1 h 30 min`, `7 days`: the two largest units of a length of time.
pub(crate) fn duration(time: Duration) -> String {
    let mut rest = time.as_secs();
    if rest == 0 {
        return format!("{} ms", time.as_millis());
    }
    let units = [(86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")];
    // One day is 24 h, as in the configuration.
    let first = usize::from(rest < 2 * 86_400);
    let mut parts = Vec::new();
    for (seconds, unit) in &units[first..] {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    parts.join(" ")
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
    fn length_of_time_has_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0 ms"),
            (45, "45 s"),
            (300, "5 min"),
            (5_400, "1 h 30 min"),
            (3_605, "1 h"),
            (86_400, "24 h"),
            (90_000, "25 h"),
            (7 * 86_400, "7 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(duration(Duration::from_millis(500)), "500 ms");
    }

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

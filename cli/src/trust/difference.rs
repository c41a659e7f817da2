//! How a file differs from the text that was trusted.

use std::time::Duration;

use similar::TextDiff;

/// After this time, the rest is shown as one replacement.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The unified difference of two texts.
pub(super) fn of(trusted: &str, now: &str) -> String {
    let mut settings = TextDiff::configure();
    settings.timeout(TIMEOUT);
    let difference = settings.diff_lines(trusted, now);
    let mut unified = difference.unified_diff();
    unified.header("trusted", "now").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_line_is_shown_with_its_surroundings() {
        let before = "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\n";
        let after = before.replace("a.example", "evil.example");
        assert_eq!(
            of(before, &after),
            "--- trusted\n+++ now\n@@ -1,3 +1,3 @@\n [connections.a]\n category = \"x\"\n\
             -base_url = \"https://a.example\"\n+base_url = \"https://evil.example\"\n"
        );
        assert_eq!(of(before, before), "");
    }
}

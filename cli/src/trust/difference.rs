//! How a file differs from the text that was trusted.

use std::time::Duration;

use similar::TextDiff;

/// After this time, the rest is shown as one replacement.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The unified difference of two texts, without the users and passwords of URLs. If nothing else
/// differs, a sentence says so.
pub(super) fn of(trusted: &str, now: &str) -> String {
    let (without, with) = (unified(&masked(trusted), &masked(now)), trusted != now);
    if without.is_empty() && with {
        return "the user or the password of a URL changed\n".into();
    }
    without
}

/// A text without the users and passwords of its URLs.
fn masked(text: &str) -> String {
    let mut parts = text.split("://");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("://");
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, '/' | '"' | '\'');
        let (authority, rest) = part.split_at(part.find(ends).unwrap_or(part.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                masked.push_str("…@");
                masked.push_str(host);
            }
            None => masked.push_str(authority),
        }
        masked.push_str(rest);
    }
    masked
}

fn unified(trusted: &str, now: &str) -> String {
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

    #[test]
    fn user_and_password_of_a_proxy_are_not_shown() {
        let before = "[network]\nproxy = \"http://u:hunter2@proxy.example:3128\"\n";
        let shown = of(before, &format!("{before}proxy_resolves = true\n"));
        assert!(shown.contains("http://…@proxy.example:3128"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let shown = of(before, &before.replace("hunter2", "hunter3"));
        assert_eq!(shown, "the user or the password of a URL changed\n");
    }
}

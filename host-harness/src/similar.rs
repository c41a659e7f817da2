//! Names that a user may have meant.

/// The longest name that is compared, in bytes.
const LONGEST: usize = 64;

/// The name with the least distance to `written`, if that is at most a third of its letters:
/// `categroy`, `base-url`, `credentials`, `connection`.
#[must_use]
pub fn most_similar<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = comparable(written)?;
    let names = names.filter(|name| name.len() <= LONGEST);
    let names = names.map(|name| (strsim::osa_distance(&written, name), name));
    let (distance, name) = names.min()?;
    (distance * 3 <= name.len().max(3)).then_some(name)
}

/// A written name as it is compared; `None` if it is too long.
pub(crate) fn comparable(written: &str) -> Option<String> {
    (written.len() <= LONGEST).then(|| written.to_ascii_lowercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_name_is_recognized_and_another_one_is_not() {
        let names = ["nodes", "check", "run", "jobs"];
        for (written, expected) in [
            ("rnu", Some("run")),
            ("job", Some("jobs")),
            ("NODES", Some("nodes")),
            ("bogus", None),
            ("", None),
        ] {
            let found = most_similar(written, names.into_iter());
            assert_eq!(found, expected, "{written}");
        }
    }
}

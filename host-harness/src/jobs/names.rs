//! The names of jobs in commands, as texts.

/// The name of the job that was made last.
pub const LAST: &str = "last";

/// The shortest beginning of an id that names a job.
pub const SHORTEST: usize = 4;

/// The shortest beginning of `id` that names no other one of these ids, which are sorted: of
/// `least` characters at least, and without a hyphen at its end.
#[must_use]
pub fn short_id<'a>(id: &'a str, sorted: &[String], least: usize) -> &'a str {
    let at = sorted.partition_point(|other| other.as_str() < id);
    let before = at.checked_sub(1).and_then(|before| sorted.get(before));
    let after = sorted[at.min(sorted.len())..].iter();
    let after = after.map(String::as_str).find(|other| *other != id);
    let neighbours = before.map(String::as_str).into_iter().chain(after);
    let common = neighbours.map(|other| common(id, other)).max();
    let mut length = common.map_or(least, |common| (common + 1).max(least));
    while length < id.len() && (!id.is_char_boundary(length) || id[..length].ends_with('-')) {
        length += 1;
    }
    id.get(..length).unwrap_or(id)
}

/// The length of the common beginning.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Whether the id begins with the name but for a few characters, or the name is too short.
pub(super) fn is_near(name: &str, id: &str) -> bool {
    let Some(beginning) = id.get(..name.len()).filter(|_| !name.is_empty()) else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let pairs = name.bytes().zip(beginning.bytes());
    let different = pairs.filter(|(one, other)| one != other).count();
    different <= name.len() / SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_id_is_the_shortest_beginning_that_no_other_id_has() {
        let ids = ["0a1b2c3d-1", "5aaaaaaa-1", "5aaaaaaa-2", "9"].map(str::to_owned);
        assert_eq!(short_id(&ids[0], &ids, 8), "0a1b2c3d");
        assert_eq!(short_id(&ids[0], &ids, 4), "0a1b");
        assert_eq!(short_id(&ids[1], &ids, 8), "5aaaaaaa-1");
        assert_eq!(short_id(&ids[3], &ids, 8), "9", "all of it");
        let twice = ["ab-c", "ab1c"].map(str::to_owned);
        assert_eq!(short_id("ab-c", &twice, 2), "ab-c", "no hyphen at its end");
        assert_eq!(short_id("abcd", &[], 2), "ab");
    }

    #[test]
    fn name_with_a_wrong_character_is_near() {
        assert!(is_near("5aab", "5aaa-1"));
        assert!(is_near("5A", "5aaa-1"), "too short");
        assert!(!is_near("6b", "5aaa-1"));
        assert!(!is_near("5bbb", "5aaa-1"));
        assert!(!is_near("", "5aaa-1"));
    }
}

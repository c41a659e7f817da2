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

/// The shortest name, and the shortest word of one, that is compared as a part.
const SHORTEST: usize = 3;

/// The only name that begins with what is written, else the one that shares most words with it, else
/// the only one that has it as a part, or is a part of it: `guidance`, `frames`, `image_url`.
#[must_use]
pub fn only_part<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = comparable(written).filter(|written| written.len() >= SHORTEST)?;
    let names: Vec<_> = names.filter(|name| name.len() >= SHORTEST).collect();
    let most_words = names
        .iter()
        .map(|name| shared_words(&written, name))
        .max()?;
    let shares_most = |name: &str| most_words > 0 && shared_words(&written, name) == most_words;
    let only = |is_one: &dyn Fn(&str) -> bool| {
        let mut found = names.iter().filter(|name| is_one(name));
        found.next().filter(|_| found.next().is_none()).copied()
    };
    only(&|name| name.starts_with(&*written))
        .or_else(|| only(&shares_most))
        .or_else(|| only(&|name| name.contains(&*written)))
        .or_else(|| only(&|name| written.contains(name)))
}

/// How many words of a name are written, possibly with another ending: `frames`.
fn shared_words(written: &str, name: &str) -> usize {
    let words = |text: &str| -> Vec<String> {
        let words = text.split('_').filter(|word| word.len() >= SHORTEST);
        words.map(str::to_owned).collect()
    };
    let written = words(written);
    let is_written = |word: &String| {
        let mut written = written.iter();
        written.any(|other| other.starts_with(&**word) || word.starts_with(&**other))
    };
    words(name).iter().filter(|word| is_written(word)).count()
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

    #[test]
    fn part_of_one_name_is_recognized() {
        let names = [
            "prompt",
            "negative_prompt",
            "guidance_scale",
            "frame_rate",
            "image",
        ];
        for (written, expected) in [
            ("guidance", Some("guidance_scale")),
            ("negative", Some("negative_prompt")),
            ("scale", Some("guidance_scale")),
            ("Frame", Some("frame_rate")),
            ("frames", Some("frame_rate")),
            ("prompt_negative", Some("negative_prompt")),
            ("my_prompt", Some("prompt")),
            ("image_url", Some("image")),
            ("im", None),
            ("e", None),
            ("qwertz", None),
        ] {
            let found = only_part(written, names.into_iter());
            assert_eq!(found, expected, "{written}");
        }
    }
}

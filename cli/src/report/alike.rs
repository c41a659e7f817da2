//! The failed jobs of a report: those that failed alike are in one line.

use std::collections::HashMap;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::sanitize::line;

use super::failure::Failure;

/// The most names in a line.
const MAX_NAMES: usize = 20;

/// The longest list of names, in bytes: an id is longer than a key or the number of a line.
const MAX_LENGTH: usize = 200;

/// The word in a command that stands for the id of each job.
const ID: &str = "ID";

/// How a job failed: its error, and its next step with [`ID`] for its own id.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    kind: ErrorKind,
    message: String,
    next: String,
}

struct Group {
    way: Way,
    /// The first names, in a list.
    names: String,
    named: usize,
    count: usize,
    /// The name of the first job, and its next step.
    first: (String, String),
}

/// The failed jobs, in the order in which they were added.
#[derive(Default)]
pub(super) struct Alike {
    groups: Vec<Group>,
    places: HashMap<Way, usize>,
}

impl Alike {
    /// Adds a job: its name alone, and its name among others.
    pub(super) fn add(&mut self, (name, short): (&str, &str), id: &str, failure: &Failure) {
        let generic = |text: &str| match id {
            "" => text.to_owned(),
            id => text.replace(id, ID),
        };
        let way = Way {
            kind: failure.kind(),
            message: generic(failure.message()),
            next: generic(failure.next()),
        };
        let place = *self.places.entry(way.clone()).or_insert_with(|| {
            self.groups.push(Group {
                way,
                names: String::new(),
                named: 0,
                count: 0,
                first: (name.to_owned(), failure.next().to_owned()),
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        group.count += 1;
        let length = group.names.len() + short.len();
        if group.named < MAX_NAMES && (group.named == 0 || length < MAX_LENGTH) {
            if group.named > 0 {
                group.names.push_str(", ");
            }
            group.names.push_str(short);
            group.named += 1;
        }
    }

    /// A line for each of the first groups.
    pub(super) fn lines(&self, most: usize) -> impl Iterator<Item = String> {
        let groups = self.groups.iter().take(most);
        groups.map(|group| line(&group.text()).into_owned())
    }

    /// How many jobs are not named in those lines.
    pub(super) fn unnamed(&self, most: usize) -> usize {
        let groups = self.groups.iter().enumerate();
        let unnamed = groups.map(|(place, group)| {
            if place < most {
                group.count - group.named
            } else {
                group.count
            }
        });
        unnamed.sum()
    }
}

impl Group {
    fn text(&self) -> String {
        let Way {
            kind,
            message,
            next,
        } = &self.way;
        if self.count == 1 {
            let (name, next) = &self.first;
            return format!("{name} ({kind}): {message}; next: {next}");
        }
        let more = if self.count > self.named { ", …" } else { "" };
        let next = if next.starts_with("zoetrope jobs resume ") {
            // The next step of the report resumes them.
            String::new()
        } else {
            format!("; next: {next}")
        };
        format!("{}{more} ({kind}): {message}{next}", self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Phase;

    fn add(alike: &mut Alike, name: &str, id: &str, message: &str, next: &str) {
        let failure = Failure::new(ErrorKind::Interrupted, Phase::Submit, message);
        alike.add((name, name), id, &failure.then(next.replace(ID, id)));
    }

    #[test]
    fn jobs_that_failed_alike_are_in_one_line() {
        let mut alike = Alike::default();
        let resume = "zoetrope jobs resume ID";
        add(&mut alike, "night-2", "j2", "not submitted", resume);
        add(&mut alike, "night-3", "j3", "no answer", resume);
        add(&mut alike, "night-4", "j4", "not submitted", resume);
        let lines: Vec<_> = alike.lines(20).collect();
        assert_eq!(
            lines,
            [
                "night-2, night-4 (interrupted): not submitted",
                "night-3 (interrupted): no answer; next: zoetrope jobs resume j3",
            ]
        );
        assert_eq!((alike.lines(1).count(), alike.unnamed(1)), (1, 1));
    }

    #[test]
    fn step_of_each_job_has_a_word_for_its_id_and_names_are_bounded() {
        let mut alike = Alike::default();
        for number in 0..MAX_NAMES + 3 {
            let id = format!("j-{number:02}");
            add(&mut alike, &id, &id, "no", "zoetrope jobs retry ID --again");
        }
        let text: String = alike.lines(20).collect();
        assert_eq!(alike.unnamed(20), 3);
        let end = "j-19, … (interrupted): no; next: zoetrope jobs retry ID --again";
        assert!(
            text.starts_with("j-00, j-01") && text.ends_with(end),
            "{text}"
        );
    }
}

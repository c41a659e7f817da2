//! The harness of all fuzz targets of this workspace.
//!
//! A target is a test that passes a function of bytes to [`Target::run`]. The function panics when
//! a property does not hold, and otherwise returns the kind of outcome. Every target first gets
//! each file of its folder in `corpus/`, then generated inputs: half of them are changed files of
//! the corpus, the others are words of the corpus in any order, any text and any bytes.
//!
//! A test run has a fixed number of inputs and takes about a second. With `ZOETROPE_FUZZ=10m` it
//! runs for that long, and the current input is kept in `target/fuzzing/` in case the process
//! dies. A failing input is shrunk and added to the corpus, where later runs try it again.
//! `docs/reference/fuzzing.md` has the commands.
//!
//! # Layout
//!
//! - `corpus`: the files
//! - `parts`: inputs of several parts
//! - `change`: changes of a file; `tree`: changes of a JSON document

#![expect(
    clippy::print_stdout,
    reason = "test runs print the results of fuzzing"
)]
#![deny(missing_docs)]

mod change;
mod corpus;
mod parts;
mod tree;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::corpus::Corpus;

pub use crate::parts::{SEPARATOR, parts};

/// The environment variable for the duration of each target.
const DURATION_VARIABLE: &str = "ZOETROPE_FUZZ";

/// Inputs between two reads of the clock.
const BATCH: u32 = 256;

/// The most attempts to shrink a failing input.
const SHRINKS: u32 = 2_000;

/// A fuzz target: a reader of untrusted input.
pub struct Target {
    name: &'static str,
    cases: u32,
    grammar: Option<BoxedStrategy<Vec<u8>>>,
}

impl Target {
    /// A target with the corpus `fuzzing/corpus/<name>` and this many generated inputs in a test
    /// run.
    #[must_use]
    pub fn new(name: &'static str, cases: u32) -> Self {
        Self {
            name,
            cases,
            grammar: None,
        }
    }

    /// Adds the target's own inputs, as many as changed files.
    #[must_use]
    pub fn with_grammar(mut self, grammar: impl Strategy<Value = Vec<u8>> + 'static) -> Self {
        self.grammar = Some(grammar.boxed());
        self
    }

    /// Tries the corpus, then generated inputs, and prints the number of each kind of outcome.
    ///
    /// # Panics
    ///
    /// When `check` panics, with the smallest failing input, which is added to the corpus.
    pub fn run(self, check: impl Fn(&[u8]) -> &'static str) {
        let corpus = Corpus::read(self.name);
        for (file, input) in corpus.files() {
            // A panic does not name the file.
            println!("{}: {file}", self.name);
            check(input);
        }
        let inputs = self.inputs(&corpus);
        let time = time();
        let config = Config {
            cases: if time.is_some() { BATCH } else { self.cases },
            max_shrink_iters: SHRINKS,
            // The corpus keeps the input itself, which stays valid when the generator changes.
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new(config.clone());
        let current_input = time.map(|_| corpus.current_input());
        let begun = Instant::now();
        let kinds = RefCell::new(BTreeMap::<_, u64>::new());
        loop {
            let outcome = runner.run(&inputs, |input| {
                if let Some(current_input) = &current_input {
                    current_input.write(&input);
                }
                *kinds.borrow_mut().entry(check(&input)).or_default() += 1;
                Ok(())
            });
            if let Err(TestError::Fail(why, input)) = outcome {
                let file = corpus.keep(&input);
                panic!("{}: {why}\nthe input is kept as {file}", self.name);
            }
            if time.is_none_or(|time| begun.elapsed() >= time) {
                break;
            }
            // A runner can run once, since it counts its cases.
            let random = runner.new_rng();
            runner = TestRunner::new_with_rng(config.clone(), random);
        }
        println!(
            "{}",
            summary(self.name, begun.elapsed(), &kinds.into_inner())
        );
    }

    fn inputs(&self, corpus: &Corpus) -> BoxedStrategy<Vec<u8>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..300);
        let text = ".{0,120}".prop_map(String::into_bytes);
        let others = prop_oneof![bytes, text];
        let words = change::words(corpus);
        let changed = change::changed(corpus);
        match &self.grammar {
            Some(grammar) => {
                prop_oneof![2 => changed, 1 => words, 1 => others, 2 => grammar.clone()].boxed()
            }
            None => prop_oneof![2 => changed, 1 => words, 1 => others].boxed(),
        }
    }
}

/// The duration of each target, if it is set.
fn time() -> Option<Duration> {
    let value = std::env::var(DURATION_VARIABLE).ok()?;
    let time = humantime::parse_duration(&value);
    Some(time.unwrap_or_else(|error| panic!("{DURATION_VARIABLE}: {error}")))
}

fn summary(name: &str, time: Duration, kinds: &BTreeMap<&str, u64>) -> String {
    let cases: u64 = kinds.values().sum();
    let mut kinds: Vec<_> = kinds.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let seconds = time.as_secs();
    format!("{name}: {cases} cases in {seconds} s: {}", kinds.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_lists_outcomes_by_count() {
        let kinds = BTreeMap::from([("accepted", 2), ("refused", 5)]);
        assert_eq!(
            summary("tickets", Duration::from_secs(3), &kinds),
            "tickets: 7 cases in 3 s: 5 refused, 2 accepted"
        );
    }
}

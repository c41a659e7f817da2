//! The one form of all fuzz targets of this workspace.
//!
//! A target is a test that hands [`Target::run`] a function of bytes. The function panics where
//! something does not hold, and else says in a word or two what became of the bytes. Every target
//! first gets each file of its folder in `corpus/`, then generated inputs: half of them are files of the
//! corpus that were changed, the others are words of the corpus in any order, any text and any bytes.
//!
//! In a test run that is a fixed number of inputs, a second or so. With `ZOETROPE_FUZZ=10m` it goes
//! on for that long, and the input at hand is kept in `target/fuzzing/`, should it end the process.
//! What fails is made small and put into the corpus, so that it fails until it is mended and is
//! tried for ever after. `docs/fuzzing.md` has the commands.
//!
//! # Layout
//!
//! - `corpus`: the files
//! - `parts`: inputs of several parts
//! - `change`: what is done to a file; `tree`: the same inside a JSON document

#![expect(clippy::print_stdout, reason = "test runs print what fuzzing came to")]
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

/// The variable that says how long each target runs.
const DURATION_VARIABLE: &str = "ZOETROPE_FUZZ";

/// Inputs between two looks at the clock.
const BATCH: u32 = 256;

/// How often a failing input is tried smaller.
const SHRINKS: u32 = 2_000;

/// Something that reads what strangers write.
pub struct Target {
    name: &'static str,
    cases: u32,
    grammar: Option<BoxedStrategy<Vec<u8>>>,
}

impl Target {
    /// A target whose corpus is `fuzzing/corpus/<name>`, with so many generated inputs in a test
    /// run.
    #[must_use]
    pub fn new(name: &'static str, cases: u32) -> Self {
        Self {
            name,
            cases,
            grammar: None,
        }
    }

    /// With inputs of its own, as many as changed files.
    #[must_use]
    pub fn with_grammar(mut self, grammar: impl Strategy<Value = Vec<u8>> + 'static) -> Self {
        self.grammar = Some(grammar.boxed());
        self
    }

    /// Tries the corpus, then generated inputs, and prints how many became what.
    ///
    /// # Panics
    ///
    /// Where `check` does, with the smallest input that was found; it is in the corpus then.
    pub fn run(self, check: impl Fn(&[u8]) -> &'static str) {
        let corpus = Corpus::read(self.name);
        for (file, input) in corpus.files() {
            // A panic tells what and where, but not of which file.
            println!("{}: {file}", self.name);
            check(input);
        }
        let inputs = self.inputs(&corpus);
        let time = time();
        let config = Config {
            cases: if time.is_some() { BATCH } else { self.cases },
            max_shrink_iters: SHRINKS,
            // The corpus keeps the input itself, which outlives a change of the generator.
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new(config.clone());
        let hand = time.map(|_| corpus.hand());
        let begun = Instant::now();
        let kinds = RefCell::new(BTreeMap::<_, u64>::new());
        loop {
            let outcome = runner.run(&inputs, |input| {
                if let Some(hand) = &hand {
                    hand.hold(&input);
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
            // A runner counts its cases and is done once.
            let random = runner.new_rng();
            runner = TestRunner::new_with_rng(config.clone(), random);
        }
        println!("{}", told(self.name, begun.elapsed(), &kinds.into_inner()));
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

/// How long targets run, if somebody said so.
fn time() -> Option<Duration> {
    let given = std::env::var(DURATION_VARIABLE).ok()?;
    let time = humantime::parse_duration(&given);
    Some(time.unwrap_or_else(|error| panic!("{DURATION_VARIABLE}: {error}")))
}

fn told(name: &str, time: Duration, kinds: &BTreeMap<&str, u64>) -> String {
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
            told("tickets", Duration::from_secs(3), &kinds),
            "tickets: 7 cases in 3 s: 5 refused, 2 accepted"
        );
    }
}

//! Where the jobs are that a command waits for, how many are in each place, and what they cost.

use std::collections::HashMap;

use rust_decimal::Decimal;
use zoetrope_host::contract::Charge;
use zoetrope_host::ledger::{Job, State};
use zoetrope_host::money::Sums;
use zoetrope_host::sanitize::line;

use super::practice_jobs::is_practice;
use super::report::is_held;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Its result is complete.
    Done,
    /// It has ended without a result.
    Failed,
    /// It has no next step until it is resumed.
    Stopped,
    /// It is being submitted, at the provider, or downloaded.
    Running,
    /// It waits for its submit.
    Waiting,
    /// It stays queued because the provider refuses the account.
    Held,
}

impl Place {
    /// The places in the order of their counts.
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Failed,
        Self::Stopped,
        Self::Running,
        Self::Waiting,
        Self::Held,
    ];

    pub(super) fn of(job: &Job) -> Self {
        match job.state() {
            State::Succeeded if job.is_finalized() => Self::Done,
            State::Failed | State::Cancelled => Self::Failed,
            _ if is_held(job) => Self::Held,
            _ if job.is_settled() => Self::Stopped,
            State::Queued => Self::Waiting,
            _ => Self::Running,
        }
    }

    /// The words after its count: the whole ones, and short ones.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Done => ["done", "done"],
            Self::Failed => ["failed", "fail"],
            Self::Stopped => ["stopped", "stop"],
            Self::Running => ["running", "run"],
            Self::Waiting => ["waiting", "wait"],
            Self::Held => ["held by the account", "held"],
        }
    }
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) place: Place,
    /// The amount that was charged, and its unit.
    cost: Option<(Decimal, String)>,
    billed: Billed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Billed {
    /// Nothing was charged, or the job still runs.
    None,
    /// Its cost was charged.
    Charged,
    /// It was charged, and its cost is not known.
    Unpriced,
    /// It has stopped, and may have been charged.
    Uncertain,
}

impl Known {
    pub(super) fn of(job: &Job) -> Self {
        let is_practice = is_practice(job);
        let cost = job.cost();
        let cost = cost.filter(|_| job.charge() == Charge::Yes && !is_practice);
        let cost = cost.and_then(|cost| Some((cost.number()?, cost.unit.clone())));
        let billed = match (job.charge(), &cost) {
            // The practice provider's charges cost nothing.
            _ if is_practice => Billed::None,
            (Charge::Yes, Some(_)) => Billed::Charged,
            (Charge::Yes, None) => Billed::Unpriced,
            (Charge::Unknown, _) if job.is_settled() => Billed::Uncertain,
            _ => Billed::None,
        };
        Self {
            place: Place::of(job),
            cost,
            billed,
        }
    }

    /// A job in this place of which nothing else is known.
    pub(super) fn at(place: Place) -> Self {
        Self {
            place,
            cost: None,
            billed: Billed::None,
        }
    }
}

/// The jobs of a command.
#[derive(Default)]
pub(super) struct Places {
    known: HashMap<String, Known>,
    counts: [usize; Place::ALL.len()],
    sums: Sums,
    unpriced: usize,
    uncertain: usize,
}

impl Places {
    /// Adds a job, or replaces what was known of it.
    pub(super) fn put(&mut self, id: &str, known: Known) {
        if let Some(before) = self.known.get(id) {
            if *before == known {
                return;
            }
            let before = before.clone();
            self.counts[before.place as usize] -= 1;
            match before.billed {
                Billed::Unpriced => self.unpriced -= 1,
                Billed::Uncertain => self.uncertain -= 1,
                Billed::Charged | Billed::None => {}
            }
            if let Some((amount, unit)) = &before.cost {
                self.sums.subtract(*amount, unit);
            }
        }
        let mut known = known;
        self.counts[known.place as usize] += 1;
        if let Some((amount, unit)) = &known.cost
            && self.sums.add(*amount, unit).is_none()
        {
            known.cost = None;
            known.billed = Billed::Unpriced;
        }
        match known.billed {
            Billed::Unpriced => self.unpriced += 1,
            Billed::Uncertain => self.uncertain += 1,
            Billed::Charged | Billed::None => {}
        }
        self.known.insert(id.to_owned(), known);
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The ids of the jobs that have not ended.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let known = self.known.iter();
        let unfinished = known.filter(|(_, known)| known.place > Place::Failed);
        unfinished.map(|(id, _)| id.clone()).collect()
    }

    /// The part of the jobs that has ended.
    pub(super) fn fraction(&self) -> f32 {
        let ended = [Place::Done, Place::Failed, Place::Stopped, Place::Held];
        let ended: usize = ended.iter().map(|place| self.count(*place)).sum();
        #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
        let fraction = ended as f32 / self.len().max(1) as f32;
        fraction
    }

    /// `12 of 40 done, 3 running, 25 waiting, $1.92`, and two short forms, of which the last one leaves
    /// out jobs that go on.
    pub(super) fn texts(&self) -> Vec<String> {
        let all = self.len();
        let texts = [0, 1, 2].map(|form| {
            let word_form = form.min(1);
            let done = self.count(Place::Done);
            let word = Place::Done.words()[word_form];
            let mut parts = vec![match form {
                0 => format!("{done} of {all} {word}"),
                _ => format!("{done}/{all} {word}"),
            }];
            for place in &Place::ALL[1..] {
                match self.count(*place) {
                    0 => {}
                    _ if form == 2 && *place != Place::Failed => {}
                    count => parts.push(format!("{count} {}", place.words()[word_form])),
                }
            }
            let sums = self.sums.iter().filter(|(_, sum)| !sum.is_zero());
            parts.extend(sums.map(|(unit, sum)| brief(sum, unit)));
            if self.unpriced > 0 {
                parts.push(format!("{} at an unknown price", self.unpriced));
            }
            if self.uncertain > 0 {
                parts.push(format!("{} uncertain", self.uncertain));
            }
            parts.join(", ")
        });
        texts.into()
    }

    fn count(&self, place: Place) -> usize {
        self.counts[place as usize]
    }
}

/// `$0.40` for USD, `30 credits` for other units.
fn brief(amount: Decimal, unit: &str) -> String {
    let mut amount = amount.normalize();
    if unit != "USD" {
        return format!("{amount} {}", line(unit));
    }
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    format!("${amount}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice_jobs::PRACTICE_ORIGIN;
    use crate::report::cost::tests::{job, over};

    fn charged(amount: &str, unit: &str) -> Known {
        Known {
            cost: Some((amount.parse().expect("a number"), unit.into())),
            billed: Billed::Charged,
            ..Known::at(Place::Done)
        }
    }

    #[test]
    fn many_jobs_are_one_line_with_their_money() {
        let mut places = Places::default();
        for job in 0..40 {
            places.put(&job.to_string(), Known::at(Place::Waiting));
        }
        assert_eq!(places.texts()[0], "0 of 40 done, 40 waiting");
        for job in 0..12 {
            places.put(&job.to_string(), Known::at(Place::Running));
            places.put(&job.to_string(), charged("0.16", "USD"));
        }
        for job in 12..15 {
            places.put(&job.to_string(), Known::at(Place::Running));
        }
        let line = "12 of 40 done, 3 running, 25 waiting, $1.92";
        assert_eq!(places.texts()[0], line);
        assert_eq!(places.texts()[1], "12/40 done, 3 run, 25 wait, $1.92");
        assert_eq!(places.texts()[2], "12/40 done, $1.92");
        assert!((places.fraction() - 0.3).abs() < 0.001);
        assert_eq!(places.unfinished().len(), 28);
    }

    #[test]
    fn practice_provider_costs_nothing_and_a_configured_connection_of_its_name_does() {
        let known = |origin, amount| {
            let cost = Some((amount, "USD"));
            Known::of(&over(job(Charge::Yes, cost, None), origin))
        };
        assert_eq!(known(PRACTICE_ORIGIN, "0.192").billed, Billed::None);
        let mut places = Places::default();
        places.put("a", known("https://p.example", "0.192"));
        places.put("b", known("https://p.example", "-5"));
        places.put("c", known(PRACTICE_ORIGIN, "7"));
        let line = "0 of 3 done, 3 waiting, $0.192, 1 at an unknown price";
        assert_eq!(places.texts()[0], line);
        places.put("a", known("https://p.example", "0.40"));
        assert!(places.texts()[0].contains("waiting, $0.40, 1"));
    }

    #[test]
    fn failures_uncertain_charges_and_unknown_prices_are_marked() {
        let mut places = Places::default();
        let known = |place, billed| Known {
            billed,
            ..Known::at(place)
        };
        places.put("a", known(Place::Failed, Billed::None));
        places.put("b", known(Place::Stopped, Billed::Uncertain));
        places.put("c", known(Place::Held, Billed::None));
        places.put("d", known(Place::Done, Billed::Unpriced));
        places.put("e", charged("30", "credits"));
        places.put("f", charged("79228162514264337593543950335", "credits"));
        let line = "3 of 6 done, 1 failed, 1 stopped, 1 held by the account, 30 credits, \
             2 at an unknown price, 1 uncertain";
        assert_eq!(places.texts()[0], line);
        assert!((places.fraction() - 1.0).abs() < f32::EPSILON);
        places.put("b", known(Place::Running, Billed::None));
        places.put("e", known(Place::Done, Billed::None));
        let line = "3 of 6 done, 1 failed, 1 running, 1 held by the account, \
             2 at an unknown price";
        assert_eq!(places.texts()[0], line);
    }
}

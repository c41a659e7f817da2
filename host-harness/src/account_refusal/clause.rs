//! The patterns of an account's refusal in one clause.
//!
//! A pattern is a thing and its lack with nothing but words such as `your` or `has been` between. So
//! `your balance is empty` is one, and `the subject loses balance in an empty room` is none.

use super::lists::{
    ACCOUNT_FILL, AMBIGUOUS, BILLS, BOUGHT, BUY, BUY_FILL, FILL, HOLDERS, INPUT, LACK_AFTER,
    LACK_BEFORE, LIMIT_HOLDERS, LIMITS, MEASURES, MORE, NEEDED, NEGATIONS, OPTIONS, PERIODS, PLANS,
    QUOTED, REACHED, REASONS, SUSPENDED, SUSPENDED_USERS, UNPAID, USERS, WITHOUT,
};

/// The most words between a thing and its lack.
const GAP: usize = 6;

pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

fn is_zero(word: &str) -> bool {
    word.parse() == Ok(0.0)
}

/// Words without a punctuation mark between.
#[derive(Clone, Copy)]
pub(super) struct Clause<'a>(pub(super) &'a [String]);

impl Clause<'_> {
    fn has(self, of: &[&str]) -> bool {
        self.0.iter().any(|word| of.contains(&word.as_str()))
    }

    /// The places of a word of one list and the next one of another, with fillers between.
    fn pair(
        self,
        first: impl Fn(&str) -> bool,
        fill: &[&str],
        then: impl Fn(&str) -> bool,
    ) -> Option<(usize, usize)> {
        let places = self.0.iter().enumerate();
        places.filter(|(_, word)| first(word)).find_map(|(at, _)| {
            let after = self.0.iter().enumerate().skip(at + 1).take(GAP);
            for (place, word) in after {
                if then(word) {
                    return Some((at, place));
                }
                if !fill.contains(&word.as_str()) && !is_number(word) {
                    return None;
                }
            }
            None
        })
    }

    fn follows(self, first: &[&str], fill: &[&str], then: &[&str]) -> bool {
        let pair = self.pair(
            |word| first.contains(&word),
            fill,
            |word| then.contains(&word),
        );
        pair.is_some()
    }

    /// Whether the word at a place is one of these things, of which the account can have too little.
    fn is_thing(self, at: usize, things: &[&str]) -> bool {
        let word = |at: usize| self.0.get(at).map(String::as_str);
        let Some(thing) = word(at).filter(|thing| things.contains(thing)) else {
            return false;
        };
        if thing == "credit" && word(at + 1) == Some("card") {
            return false;
        }
        // Of tokens and control points, an input has mostly too many.
        if matches!(thing, "point" | "points" | "tokens")
            && !self.has(&[
                "insufficient",
                "enough",
                "sufficient",
                "no",
                "out",
                "your",
                "you",
            ])
        {
            return false;
        }
        let before = at.checked_sub(1).and_then(word);
        let is_the_users = before == Some("your") || self.has(&["you", "account"]);
        !AMBIGUOUS.contains(&thing) || is_the_users || !self.has(&INPUT)
    }

    /// Whether one of these things is lacking.
    pub(super) fn lacks(self, things: &[&str]) -> bool {
        self.lacks_before(things) || self.lacks_afterwards(things) || self.needs_more(things)
    }

    /// `insufficient credits`, `not enough credits`, `no credits`, `used all your credits`.
    fn lacks_before(self, things: &[&str]) -> bool {
        let places = 0..self.0.len();
        places.filter(|at| self.is_thing(*at, things)).any(|at| {
            let before = &self.0[at.saturating_sub(GAP)..at];
            let mut nearest = before.iter().enumerate().rev();
            let lack = nearest.find(|(_, word)| {
                let is_filler = FILL.contains(&word.as_str()) || is_number(word);
                !is_filler || is_zero(word)
            });
            let Some((place, lack)) = lack else {
                return false;
            };
            let before = &before[place.saturating_sub(4)..place];
            match lack.as_str() {
                "enough" | "sufficient" => {
                    before.iter().any(|word| NEGATIONS.contains(&word.as_str()))
                }
                // `You don't have any credits`.
                "not" | "dont" | "doesnt" => self.has(&["have", "has"]),
                lack => LACK_BEFORE.contains(&lack) || WITHOUT.contains(&lack) || is_zero(lack),
            }
        })
    }

    /// `credits are exhausted`, `balance: 0`.
    pub(super) fn lacks_afterwards(self, things: &[&str]) -> bool {
        let places = 0..self.0.len();
        places.filter(|at| self.is_thing(*at, things)).any(|at| {
            let after = Clause(&self.0[at..]);
            let lack = |word: &str| LACK_AFTER.contains(&word) || is_zero(word);
            let fill: Vec<_> = FILL.iter().chain(&NEGATIONS).copied().collect();
            let is_lacking = after
                .pair(|_| true, &FILL, lack)
                .is_some_and(|(first, _)| first == 0);
            let enough = |word: &str| matches!(word, "enough" | "sufficient");
            let is_not_enough =
                after
                    .pair(|_| true, &fill, enough)
                    .is_some_and(|(first, place)| {
                        first == 0 && Clause(&after.0[..place]).has(&NEGATIONS)
                    });
            let is_run_out = after.follows(&["run", "ran", "runs"], &[], &["out"])
                && after
                    .pair(
                        |_| true,
                        &FILL,
                        |word| matches!(word, "run" | "ran" | "runs"),
                    )
                    .is_some_and(|(first, _)| first == 0);
            is_lacking || is_not_enough || is_run_out
        })
    }

    /// `you need 20 more credits`, `more credits are required`.
    fn needs_more(self, things: &[&str]) -> bool {
        let is_needed = self.has(&NEEDED);
        let mut places = 0..self.0.len();
        is_needed
            && places.any(|at| {
                let before = at.checked_sub(1).and_then(|before| self.0.get(before));
                self.is_thing(at, things)
                    && before.is_some_and(|word| MORE.contains(&word.as_str()))
            })
    }

    /// Whether it says what a prompt is about: `a prompt about a failed payment`.
    fn is_quoted(self, at: usize) -> bool {
        let before = Clause(&self.0[..at]);
        before.has(&QUOTED) && !before.has(&REASONS)
    }

    pub(super) fn is_suspended(self, holders: &[&str]) -> bool {
        let is_holder = |at: usize, word: &str| {
            let before = at.checked_sub(1).and_then(|before| self.0.get(before));
            let is_yours = before.is_some_and(|before| before == "your");
            holders.contains(&word) || is_yours && HOLDERS.contains(&word)
        };
        let mut places = self.0.iter().enumerate();
        let is_suspended = places.any(|(at, word)| {
            is_holder(at, word)
                && !self.is_quoted(at)
                && Clause(&self.0[at..])
                    .pair(
                        |_| true,
                        &ACCOUNT_FILL,
                        |word| match word {
                            // `access is blocked` may be said of one address.
                            _ if self.0[at] == "access" => word == "suspended",
                            word => SUSPENDED.contains(&word),
                        },
                    )
                    .is_some_and(|(first, _)| first == 0)
        });
        let is_any = holders.len() == HOLDERS.len();
        let before = if is_any {
            &SUSPENDED_USERS[..]
        } else {
            &SUSPENDED_USERS[..3]
        };
        is_suspended || self.follows(before, &["user", "your", "this"], &USERS)
    }

    /// Whether a payment is due or has failed.
    pub(super) fn is_unpaid(self) -> bool {
        if self.is_quoted(self.0.len()) {
            return false;
        }
        self.follows(&BILLS, &ACCOUNT_FILL, &UNPAID)
            || self.follows(&["card"], &ACCOUNT_FILL, &["declined", "expired", "failed"])
            || self.follows(&UNPAID, &BUY_FILL, &BILLS)
            || self.has_pair("payment", "method")
            || self.has_pair("non", "payment")
            || self.has(&["nonpayment"])
    }

    fn has_pair(self, first: &str, second: &str) -> bool {
        self.0
            .windows(2)
            .any(|pair| pair[0] == first && pair[1] == second)
    }

    /// The user is to buy something, for no model or option alone.
    pub(super) fn is_to_pay(self) -> bool {
        let is_of_one_option = self.has(&INPUT) || self.has(&MEASURES) || self.has(&OPTIONS);
        let is_bought = self.follows(&BUY, &BUY_FILL, &BOUGHT)
            || self.has_pair("top", "up")
            || self.follows(&["recharge"], &BUY_FILL, &["account"]);
        let is_upgraded = self.follows(&["upgrade"], &BUY_FILL, &PLANS)
            || self.follows(
                &["subscription", "membership"],
                &ACCOUNT_FILL,
                &["required"],
            );
        !is_of_one_option && (is_bought || is_upgraded)
    }

    fn limit(self) -> Option<(usize, &'static str)> {
        let mut places = self.0.iter().enumerate();
        places.find_map(|(at, word)| {
            if !matches!(word.as_str(), "limit" | "limits" | "cap") {
                return None;
            }
            let is_adverb = |word: &&String| !matches!(word.as_str(), "hard" | "soft" | "reached");
            let before = self.0[..at].iter().rev().find(is_adverb);
            let kind = LIMITS
                .into_iter()
                .find(|kind| before.is_some_and(|word| word == kind));
            // `the limit of your plan`.
            let of = || {
                let pair = Clause(&self.0[at..]).pair(
                    |_| true,
                    &["of", "for", "your", "the", "on", "this"],
                    |word| LIMIT_HOLDERS.contains(&word),
                );
                pair.filter(|(first, _)| *first == 0).map(|_| "plan")
            };
            let is_of_an_input = Clause(&self.0[..at]).has(&INPUT) || self.has(&MEASURES);
            Some((at, kind.or_else(of)?)).filter(|_| !is_of_an_input)
        })
    }

    pub(super) fn is_limit_reached(self) -> bool {
        self.limit().is_some() && self.has(&REACHED)
    }

    /// The same, where it cannot be a limit of one input.
    pub(super) fn is_limit_surely_reached(self) -> bool {
        let is_of_an_input = |kind| matches!(kind, "plan" | "free" | "tier" | "trial" | "usage");
        let limit = self
            .limit()
            .filter(|(_, kind)| !is_of_an_input(kind) || !self.has(&INPUT));
        limit.is_some() && self.has(&REACHED)
    }

    pub(super) fn is_limit_of_a_period(self) -> bool {
        self.limit().is_some_and(|(_, kind)| {
            PERIODS.contains(&kind) || matches!(kind, "spend" | "spending")
        })
    }
}

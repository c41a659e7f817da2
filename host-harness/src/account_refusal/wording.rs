//! The words of a provider's error, in clauses, and whether they refuse the account.

use super::clause::{Clause, is_number};
use super::lists::{ALONE, COSTS, COUNTED, HOLDERS, OTHER_SCRIPTS, STRONG_HOLDERS};

/// The words of a text, in lower case.
pub(super) struct Words {
    clauses: Vec<Vec<String>>,
    /// The text as it is, in lower case.
    original: String,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let mut clauses = vec![Vec::new()];
        let mut word = String::new();
        let mut is_lower = false;
        for (at, letter) in letters.iter().copied().enumerate() {
            let next = letters[at + 1..].iter().find(|next| **next != ' ');
            let is_before_digit = next.is_some_and(char::is_ascii_digit);
            let is_in_number = matches!(letter, '.' | ',')
                && word.ends_with(|last: char| last.is_ascii_digit())
                && letters.get(at + 1).is_some_and(char::is_ascii_digit);
            if letter.is_alphanumeric() || is_in_number {
                // `QuotaExceeded` is two words.
                if letter.is_uppercase() && is_lower {
                    push(&mut clauses, &mut word);
                }
                is_lower = letter.is_lowercase();
                word.extend(letter.to_lowercase());
                continue;
            }
            is_lower = false;
            if matches!(letter, '\'' | '’') {
                continue;
            }
            push(&mut clauses, &mut word);
            match letter {
                // `Credits: 0`.
                ':' | '=' if is_before_digit => push(&mut clauses, &mut "is".to_owned()),
                '.' | ',' | ':' | ';' | '!' | '?' | '(' | ')' | '"' | '\n' => {
                    clauses.push(Vec::new());
                }
                _ => {}
            }
        }
        push(&mut clauses, &mut word);
        Self {
            clauses,
            original: text.to_lowercase(),
        }
    }

    /// All words, with blanks between.
    pub(super) fn joined(&self) -> String {
        self.all().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn has_any(&self, of: &[&str]) -> bool {
        self.all().any(|word| of.contains(&word))
    }

    pub(super) fn has_phrase(&self, phrase: &str) -> bool {
        format!(" {} ", self.joined()).contains(&format!(" {phrase} "))
    }

    /// Whether they refuse the account, and no picture or prompt.
    pub(super) fn refuse_surely(&self) -> bool {
        self.are_of_money()
            || self.any(|clause| clause.lacks(&["quota", "quotas", "allowance", "generations"]))
            || self.any(Clause::is_limit_surely_reached)
            || self.any(|clause| clause.lacks_afterwards(&["spend", "spending"]))
    }

    /// Whether they refuse the account, where a refusal of a picture or a prompt is unlikely.
    pub(super) fn refuse(&self) -> bool {
        self.refuse_surely()
            || self.are_of_a_holder()
            || self.any(|clause| clause.is_limit_reached() || clause.is_limit_of_a_period())
            || ["额度", "配额"]
                .iter()
                .any(|text| self.original.contains(text))
    }

    /// Whether money is lacking, or the account is suspended: no rate is limited so.
    pub(super) fn are_of_money(&self) -> bool {
        self.any(|clause| clause.lacks(&COUNTED))
            || self.cost_more_than_there_is()
            || self.any(|clause| clause.is_suspended(&STRONG_HOLDERS))
            || self.any(Clause::is_unpaid)
            || OTHER_SCRIPTS
                .iter()
                .any(|(thing, lack)| self.original.contains(thing) && self.original.contains(lack))
    }

    /// Whether a holder is suspended, or is to pay.
    pub(super) fn are_of_a_holder(&self) -> bool {
        self.has_any(&ALONE)
            || self.any(|clause| clause.is_suspended(&HOLDERS))
            || self.any(Clause::is_to_pay)
    }

    /// `This run costs 40 credits but you only have 3`.
    fn cost_more_than_there_is(&self) -> bool {
        let words: Vec<_> = self.all().collect();
        let costs = words.iter().any(|word| COSTS.contains(word));
        let counts = words.windows(2).any(|pair| {
            is_number(pair[0]) && ["credits", "coins", "points", "funds"].contains(&pair[1])
        });
        let is_left = |word: &str| matches!(word, "left" | "remaining" | "available");
        let has = words.windows(2).any(|pair| {
            let is_had = matches!(pair[0], "have" | "has" | "only") && is_number(pair[1]);
            is_had || is_number(pair[0]) && is_left(pair[1])
        });
        let is_left = words
            .windows(3)
            .any(|three| is_left(three[0]) && three[1] == "is" && is_number(three[2]));
        costs && counts && (has || is_left)
    }

    fn any<'a>(&'a self, is_one: impl Fn(Clause<'a>) -> bool) -> bool {
        self.clauses.iter().any(|words| is_one(Clause(words)))
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().flatten().map(String::as_str)
    }
}

fn push(clauses: &mut [Vec<String>], word: &mut String) {
    if let Some(clause) = clauses.last_mut().filter(|_| !word.is_empty()) {
        clause.push(std::mem::take(word));
    }
}

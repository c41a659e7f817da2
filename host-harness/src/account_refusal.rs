//! Recognizes a provider's refusal of the account: no credit, a used quota, an open bill, a
//! suspended account. Every further submit of the account would be refused as well.
//!
//! Pure functions of the provider's status, code and words. A pack says it by status 402, or by a
//! code: the provider's own, or `account_refused`. Other statuses and codes are read by their
//! words, which must name both the thing and its lack: a message about a picture of a credit card
//! is no such refusal, and a limited rate is none either.

use crate::contract::{ErrorCause, ProviderFault};

/// Payment Required.
const PAYMENT_REQUIRED: u16 = 402;

/// The shortest delay after which a used quota is no limited rate.
const LONG_DELAY_MS: u64 = 3_600_000;

/// Codes without words that say it. `charge_failed` is `AgenticFlow`'s.
const CODES: [&str; 3] = ["402", "account refused", "charge failed"];

/// What an account can lack, other than a quota.
const MONEY: [&str; 8] = [
    "credit", "credits", "balance", "fund", "funds", "budget", "payment", "payments",
];

/// What an account can lack, or a rate can exceed.
const QUOTA: [&str; 3] = ["quota", "quotas", "allowance"];

/// Words of a lack, near what is lacking.
const LACK: [&str; 28] = [
    "add",
    "buy",
    "insufficient",
    "enough",
    "exhausted",
    "exceeded",
    "exceed",
    "exceeds",
    "depleted",
    "lack",
    "lacks",
    "lacking",
    "negative",
    "zero",
    "reached",
    "out",
    "used",
    "consumed",
    "low",
    "empty",
    "over",
    "expired",
    "required",
    "declined",
    "overdue",
    "purchase",
    "recharge",
    "top",
];

/// The most words between a thing and its lack.
const NEAR: usize = 5;

/// What can be suspended.
const HOLDERS: [&str; 8] = [
    "account",
    "organization",
    "organisation",
    "workspace",
    "subscription",
    "plan",
    "trial",
    "license",
];

/// Words of a suspension, near what is suspended.
const SUSPENDED: [&str; 18] = [
    "suspended",
    "suspension",
    "disabled",
    "deactivated",
    "locked",
    "blocked",
    "frozen",
    "closed",
    "banned",
    "terminated",
    "inactive",
    "overdue",
    "arrears",
    "delinquent",
    "expired",
    "ended",
    "cancelled",
    "canceled",
];

/// Words before `limit` that make it one of the account.
const LIMITS: [&str; 13] = [
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "usage",
    "spending",
    "spend",
    "plan",
    "account",
    "subscription",
    "trial",
    "tier",
    "free",
];

/// Words that say it alone.
const ALONE: [&str; 5] = ["billing", "arrears", "arrearage", "unpaid", "overdue"];

/// Texts in other scripts that say it alone.
const OTHER_SCRIPTS: [&str; 5] = ["余额不足", "积分不足", "额度", "配额", "欠费"];

/// Words of a limited rate.
const RATE: [&str; 12] = [
    "minute",
    "minutes",
    "second",
    "seconds",
    "concurrent",
    "concurrency",
    "simultaneous",
    "rpm",
    "rps",
    "qps",
    "rate",
    "requests",
];

/// Words of a period after which a quota is renewed.
const PERIODS: [&str; 9] = [
    "daily", "day", "weekly", "week", "monthly", "month", "yearly", "hour", "hourly",
];

/// Phrases with such words that mean something else.
const OTHERS: [&str; 7] = [
    " white balance ",
    " color balance ",
    " colour balance ",
    " tonal balance ",
    " load balance ",
    " load balancer ",
    " credit card ",
];

/// Whether the error of a submit refuses the account, and with it every further submit. A limited
/// rate, which ends by itself, does not.
pub(crate) fn is_of_account(cause: &ErrorCause, retry_after_ms: Option<u64>) -> bool {
    match cause {
        ErrorCause::Rejected(fault) | ErrorCause::Unauthorized(fault) => is_of_fault(fault),
        ErrorCause::Throttled(fault) => {
            fault.status == Some(PAYMENT_REQUIRED)
                || is_more_than_a_rate(&Words::of_fault(fault), retry_after_ms)
        }
        _ => false,
    }
}

/// Whether an error's text says that the account is refused: its words, or the status and code at
/// its end.
pub(crate) fn is_in_text(text: &str) -> bool {
    let words = Words::of(text);
    words.text.contains(" http status 402 ")
        || CODES[1..].iter().any(|code| words.has_phrase(code))
        || words.refuse()
}

fn is_of_fault(fault: &ProviderFault) -> bool {
    fault.status == Some(PAYMENT_REQUIRED) || has_code(fault) || Words::of_fault(fault).refuse()
}

fn has_code(fault: &ProviderFault) -> bool {
    let code = Words::of(fault.code.as_deref().unwrap_or_default());
    let code = code.text.trim();
    CODES.contains(&code.strip_suffix(" 0").unwrap_or(code))
}

/// Whether a request that the provider put off is refused for longer than a rate is limited.
fn is_more_than_a_rate(words: &Words, retry_after_ms: Option<u64>) -> bool {
    if words.lack(&MONEY) || words.suspended() || words.has_any(&ALONE) {
        return true;
    }
    if !words.refuse() {
        return false;
    }
    if words.has_any(&PERIODS) || words.has_phrase("insufficient quota") {
        return true;
    }
    let is_short = retry_after_ms.is_some_and(|delay| delay < LONG_DELAY_MS);
    !is_short && !words.has_any(&RATE)
}

/// A text as words in lower case, each between two spaces.
struct Words {
    text: String,
    /// The text as it is, in lower case.
    original: String,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut words = String::with_capacity(text.len() + 2);
        words.push(' ');
        let mut is_lower = false;
        for letter in text.chars() {
            if !letter.is_alphanumeric() {
                is_lower = false;
                if !words.ends_with(' ') && letter != '\'' {
                    words.push(' ');
                }
                continue;
            }
            // `QuotaExceeded` is two words.
            if letter.is_uppercase() && is_lower {
                words.push(' ');
            }
            is_lower = letter.is_lowercase();
            words.extend(letter.to_lowercase());
        }
        if !words.ends_with(' ') {
            words.push(' ');
        }
        for other in OTHERS {
            words = words.replace(other, " ");
        }
        Self {
            text: words,
            original: text.to_lowercase(),
        }
    }

    /// The code and the message of a provider's error.
    fn of_fault(fault: &ProviderFault) -> Self {
        let code = fault.code.as_deref().unwrap_or_default();
        // A full stop in between keeps their words apart in the original.
        Self::of(&format!("{code}. {}", fault.message))
    }

    /// Whether they refuse the account.
    fn refuse(&self) -> bool {
        self.lack(&MONEY)
            || self.lack(&QUOTA)
            || self.suspended()
            || self.limited()
            || self.has_any(&ALONE)
            || OTHER_SCRIPTS
                .iter()
                .any(|text| self.original.contains(text))
    }

    /// Whether one of these things is lacking.
    fn lack(&self, things: &[&str]) -> bool {
        let without = ["no", "without", "zero", "0"];
        let words = self.list();
        let is_without = words
            .windows(2)
            .any(|pair| without.contains(&pair[0]) && things.contains(&pair[1]));
        is_without || self.near(things, &LACK)
    }

    fn suspended(&self) -> bool {
        self.near(&HOLDERS, &SUSPENDED)
    }

    /// Whether a limit of the account is named.
    fn limited(&self) -> bool {
        let mut pairs = self.list().into_iter();
        let mut before = pairs.next();
        pairs.any(|word| {
            let is_limit = matches!(word, "limit" | "limits")
                && before.is_some_and(|before| LIMITS.contains(&before));
            before = Some(word);
            is_limit
        })
    }

    /// Whether a word of one list is near a word of the other.
    fn near(&self, one: &[&str], other: &[&str]) -> bool {
        let words = self.list();
        let mut places = words.iter().enumerate();
        places.any(|(at, word)| {
            let from = at.saturating_sub(NEAR);
            let to = words.len().min(at + NEAR + 1);
            one.contains(word) && words[from..to].iter().any(|near| other.contains(near))
        })
    }

    fn has_any(&self, of: &[&str]) -> bool {
        self.list().iter().any(|word| of.contains(word))
    }

    fn has_phrase(&self, phrase: &str) -> bool {
        self.text.contains(&format!(" {phrase} "))
    }

    fn list(&self) -> Vec<&str> {
        self.text.split_whitespace().collect()
    }
}

#[cfg(test)]
mod tests;

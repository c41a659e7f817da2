//! Recognizes errors about money: the account's credit, quota or billing.

use crate::account_refusal::is_in_text;
use crate::contract::Charge;
use crate::error::ErrorKind;
use crate::ledger::Job;

const UNCHARGED: &str = "nothing was charged";

/// Whether an error's message says that credit, quota or a payment is missing.
#[must_use]
pub fn lacks_credit(message: &str) -> bool {
    is_in_text(message)
}

/// The text of a job's error, if it has one: see [`JobError::described`]. An error about credit
/// says that nothing was charged, where that is known.
///
/// [`JobError::described`]: crate::ledger::JobError::described
#[must_use]
pub fn error_text(job: &Job) -> Option<String> {
    let error = job.last_error.as_ref()?;
    Some(with_charge(error.kind, error.described(), job.charge()))
}

/// The message of a provider's error, with the addition that nothing was charged if it is about
/// the account and that is known.
#[must_use]
pub fn with_charge(kind: ErrorKind, message: String, charge: Charge) -> String {
    let is_of_provider = matches!(
        kind,
        ErrorKind::Rejected
            | ErrorKind::Failed
            | ErrorKind::Unauthorized
            | ErrorKind::Throttled
            | ErrorKind::AccountRefused
            | ErrorKind::Deadline
    );
    if is_of_provider
        && charge == Charge::No
        && (kind == ErrorKind::AccountRefused || lacks_credit(&message))
        && !message.contains(UNCHARGED)
    {
        format!("{message}; {UNCHARGED}")
    } else {
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_about_credit_is_recognized_by_its_words_or_its_status() {
        for message in [
            "no (HTTP status 402)",
            "HTTP status 402",
            "Not enough credits",
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient funds",
            "no (HTTP status 429, code insufficient_quota)",
            "the account's BALANCE is too low",
            "Payment Required",
        ] {
            assert!(lacks_credit(message), "{message}");
        }
    }

    #[test]
    fn uncharged_error_about_credit_says_that_nothing_was_charged() {
        let of = |message: &str, charge| with_charge(ErrorKind::Rejected, message.into(), charge);
        assert_eq!(
            of("no credits (HTTP status 402)", Charge::No),
            "no credits (HTTP status 402); nothing was charged"
        );
        let twice = "no credits; nothing was charged";
        assert_eq!(of(twice, Charge::No), twice);
        let path = || "`/a/credits.png` exists already".to_owned();
        assert_eq!(with_charge(ErrorKind::Usage, path(), Charge::No), path());
        for (message, charge) in [
            ("no credits", Charge::Unknown),
            ("no credits", Charge::Yes),
            ("too dark", Charge::No),
        ] {
            assert_eq!(of(message, charge), message);
        }
    }

    #[test]
    fn message_about_something_else_is_not_about_credit() {
        for message in [
            "no (HTTP status 422)",
            "the picture is too dark",
            "the white balance of the picture is off",
            "an accredited account is needed",
            "unbalanced braces",
            "the load balancer is overloaded",
            "",
        ] {
            assert!(!lacks_credit(message), "{message}");
        }
    }
}

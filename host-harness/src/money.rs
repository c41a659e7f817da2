//! Amounts of money, each in a unit, and their sums.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// The longest unit, in characters.
const MAX_UNIT: usize = 20;

/// An amount in a unit: `0.50 USD`, `12 credits`. It is not negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount.
    pub amount: Decimal,
    /// The unit.
    pub unit: String,
}

impl Money {
    /// Parses an amount and a unit. An amount alone is in `unit`.
    ///
    /// # Errors
    ///
    /// When it is something else, or negative.
    pub fn parse(text: &str, unit: &str) -> Result<Self, NotMoney> {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let (amount, word) = text.split_at(end.unwrap_or(text.len()));
        let word = word.trim_start();
        let unit = if word.is_empty() { unit } else { word };
        let amount = decimal(amount).ok_or(NotMoney)?;
        let is_word = |unit: &str| {
            (1..=MAX_UNIT).contains(&unit.len())
                && unit.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        if !is_word(unit) {
            return Err(NotMoney);
        }
        let unit = unit.to_owned();
        Ok(Self { amount, unit })
    }

    /// Whether this unit is that of the amount: `usd` is `USD`.
    #[must_use]
    pub fn is_in(&self, unit: &str) -> bool {
        self.unit.eq_ignore_ascii_case(unit)
    }
}

/// With a unit.
impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        Self::parse(text, "")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.unit)
    }
}

/// A text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount of money is a number and a unit, like \"0.50 USD\"")]
pub struct NotMoney;

/// A decimal number: digits with an optional fraction, no sign and no exponent. `None` for another
/// text, and for one of more digits than can be kept exactly.
#[must_use]
pub fn decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_digits(whole) && is_digits(fraction);
    Decimal::from_str_exact(text).ok().filter(|_| is_number)
}

/// Sums of money by unit. Amounts in different units are never added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, Decimal>);

impl Sums {
    /// Adds an amount. `None`, and nothing is added, if the sum has too many digits.
    #[must_use]
    pub fn add(&mut self, amount: Decimal, unit: &str) -> Option<()> {
        let before = self.0.get(unit).copied().unwrap_or_default();
        let sum = before.checked_add(amount)?;
        // A sum of too many digits is rounded.
        let places = before.scale().max(amount.scale());
        if sum.scale() < places && !before.is_zero() && !amount.is_zero() {
            return None;
        }
        self.0.insert(unit.to_owned(), sum);
        Some(())
    }

    /// Takes an amount back that was added.
    pub fn subtract(&mut self, amount: Decimal, unit: &str) {
        if let Some(sum) = self.0.get_mut(unit) {
            *sum = sum.checked_sub(amount).unwrap_or_default();
        }
    }

    /// The sums, by unit.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0.iter().map(|(unit, sum)| (unit.as_str(), *sum))
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `0.48 USD and 7 credits`.
impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sums: Vec<_> = self
            .iter()
            .map(|(unit, sum)| format!("{sum} {unit}"))
            .collect();
        f.write_str(&sums.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_has_a_unit_of_its_own_or_the_usual_one() {
        for (text, expected) in [
            ("0.50 USD", "0.50 USD"),
            (" 12credits ", "12 credits"),
            ("2", "2 EUR"),
            ("2.00", "2.00 EUR"),
            ("0", "0 EUR"),
        ] {
            let money = Money::parse(text, "EUR").expect("an amount");
            assert_eq!(money.to_string(), expected, "{text}");
        }
        assert_eq!("2".parse::<Money>(), Err(NotMoney));
    }

    #[test]
    fn other_texts_are_no_amounts() {
        let digits = "9".repeat(30);
        for text in [
            "",
            "USD",
            "-1 USD",
            "+1 USD",
            "1e3",
            "1,50 USD",
            "$2",
            "2 $",
            ".5 USD",
            "5. USD",
            "1.2.3 USD",
            "1 US D",
            "NaN USD",
            "inf",
            "1 unreasonablylongunits",
            &digits,
        ] {
            assert_eq!(Money::parse(text, "USD"), Err(NotMoney), "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_not_made_and_units_stay_apart() {
        let mut sums = Sums::default();
        for (amount, unit) in [("0.1", "USD"), ("0.20", "USD"), ("7", "credits")] {
            let added = sums.add(decimal(amount).expect("a number"), unit);
            assert_eq!(added, Some(()));
        }
        assert_eq!(sums.to_string(), "0.30 USD and 7 credits");
        let most = Decimal::MAX;
        assert_eq!(sums.add(most, "USD"), None, "it would be rounded");
        assert_eq!(sums.add(most, "yen"), Some(()));
        assert_eq!(sums.add(most, "yen"), None, "it would overflow");
        assert_eq!(sums.iter().count(), 3);
        sums.subtract(Decimal::new(1, 1), "USD");
        sums.subtract(Decimal::ONE, "pounds");
        let dollars = sums.iter().next();
        assert_eq!(dollars, Some(("USD", Decimal::new(20, 2))));
    }

    #[test]
    fn number_that_cannot_be_kept_exactly_is_none() {
        for text in ["0.12345678901234567890123456789", "1_000", "٣", "1e2", "-0"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(decimal("0.048"), Some(Decimal::new(48, 3)));
    }
}

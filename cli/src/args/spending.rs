//! The options about what a command may spend.

use clap::Args;
use zoetrope_host::money::Money;

/// The unit of an amount without one.
const UNIT: &str = "USD";

/// What a command may submit.
#[derive(Args)]
pub(crate) struct Submits {
    /// Submit nothing: such jobs stay as they are
    #[arg(long, conflicts_with = "yes")]
    pub(crate) no_submit: bool,
    /// Submit without the question on a terminal
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) limit: Limit,
}

/// What a command may spend.
#[derive(Args)]
pub(crate) struct Limit {
    /// Send nothing if it may cost more: 2.00 (USD), "2 EUR"
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub(crate) max_cost: Option<Money>,
}

fn amount(text: &str) -> Result<Money, &'static str> {
    Money::parse(text, UNIT).map_err(|_| "expected an amount, like 2.00 or \"2.00 EUR\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_without_a_unit_is_in_dollars() {
        for (text, expected) in [
            ("2.00", "2.00 USD"),
            ("2.00 EUR", "2.00 EUR"),
            ("300credits", "300 credits"),
            ("0", "0 USD"),
        ] {
            let amount = amount(text).expect("an amount");
            assert_eq!(amount.to_string(), expected);
        }
        assert!(amount("-1").is_err() && amount("$2").is_err());
    }
}

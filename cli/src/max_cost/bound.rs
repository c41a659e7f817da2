//! The most that one run costs, as far as it is known.

use std::fmt;

use serde_json::{Value, json};
use zoetrope_bundled_pack::DIGEST;
use zoetrope_emulator::Protocol;
use zoetrope_host::contract::{NodeType, Plan};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::ledger::Job;
use zoetrope_host::money::{Money, decimal};

use crate::context::Context;
use crate::practice_jobs::is_practice;
use crate::report::{Failure, plan};

/// The upper bound of a run's cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The run costs nothing: the practice provider serves it.
    Nothing,
    /// It costs at most this.
    AtMost { most: Money, source: Source },
    /// Nothing is known.
    Unknown,
}

/// Who states a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The operator, by `max_cost` of the connection.
    MaxCost,
    /// The provider, by its published price. Of the built-in pack alone.
    Published,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::MaxCost => "max_cost",
            Self::Published => "published",
        }
    }

    /// The clause after an amount.
    pub(super) fn by(self) -> &'static str {
        match self {
            Self::MaxCost => "by the connection's max_cost",
            Self::Published => "by the published price",
        }
    }
}

impl Bound {
    /// As JSON: `{"amount", "unit", "source"}`, with the amount "0" and no unit for nothing; null if
    /// nothing is known.
    pub(crate) fn document(&self) -> Value {
        match self {
            Self::Nothing => {
                json!({ "amount": "0", "unit": null, "source": "practice" })
            }
            Self::AtMost { most, source } => json!({
                "amount": most.amount.to_string(),
                "unit": most.unit,
                "source": source.as_str(),
            }),
            Self::Unknown => Value::Null,
        }
    }

    /// The bound of a run that is served by the practice provider.
    fn of_practice(category: &str) -> Self {
        // What it states as a cost is no real money.
        Protocol::of_category(category).map_or(Self::Unknown, |_| Self::Nothing)
    }

    /// The higher one of a published price and the operator's statement. In different units, the
    /// statement.
    fn higher(published: Option<Money>, stated: Option<&Money>) -> Self {
        match (published, stated) {
            (Some(most), stated)
                if stated.is_none_or(|stated| {
                    stated.is_in(&most.unit) && most.amount > stated.amount
                }) =>
            {
                let source = Source::Published;
                Self::AtMost { most, source }
            }
            (_, Some(stated)) => Self::AtMost {
                most: stated.clone(),
                source: Source::MaxCost,
            },
            (_, None) => Self::Unknown,
        }
    }
}

/// `at most 0.50 USD by the connection's max_cost`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing: the practice provider charges no money"),
            Self::AtMost { most, source } => write!(f, "at most {most} {}", source.by()),
            Self::Unknown => f.write_str("no known upper bound"),
        }
    }
}

impl Context {
    /// The most that a run of a node costs. `id`: its connection, as
    /// [`connection_id`](Self::connection_id) names it; `plan`: that of its input, if it is checked.
    pub(crate) async fn bound(
        &self,
        node: &NodeType,
        id: &str,
        plan: Option<&Plan>,
    ) -> Result<Bound, Failure> {
        let Some(configured) = self.chosen(node, Some(id)).await? else {
            let category = node.connection.as_ref();
            let category = category.map_or("", |requirement| &requirement.category);
            return Ok(Bound::of_practice(category));
        };
        // What another pack says about a price is no bound.
        let is_built_in = *self.pack().await?.digest() == Sha256Digest::from(DIGEST);
        let published = plan.filter(|_| is_built_in).and_then(published);
        Ok(Bound::higher(published, configured.max_cost()))
    }

    /// The most that one further attempt at a job costs.
    pub(crate) async fn bound_of_job(&self, job: &Job) -> Result<Bound, Failure> {
        let id = &job.spec.connection;
        if is_practice(job) {
            return Ok(Bound::Nothing);
        }
        let config = self.config().await?;
        let stated = config.connection(id).and_then(|found| found.max_cost());
        Ok(Bound::higher(None, stated))
    }
}

/// The published price of a whole run.
fn published(plan: &Plan) -> Option<Money> {
    let estimate = plan.estimate.as_ref()?;
    let amount = decimal(&plan::total(estimate)?)?;
    let unit = estimate.price.unit.clone();
    Some(Money { amount, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().expect("an amount")
    }

    #[test]
    fn practice_provider_costs_nothing_in_each_category() {
        for category in ["pixelml", "popiart", "shortapi"] {
            assert_eq!(Bound::of_practice(category), Bound::Nothing, "{category}");
        }
        assert_eq!(Bound::of_practice("another"), Bound::Unknown);
    }

    #[test]
    fn bound_is_the_higher_one_of_a_published_and_a_stated_price() {
        let of = |most: &str, source| Bound::AtMost {
            most: money(most),
            source,
        };
        let stated = money("0.50 USD");
        for (published, stated, expected) in [
            (None, None, Bound::Unknown),
            (None, Some(&stated), of("0.50 USD", Source::MaxCost)),
            (Some("0.20 USD"), None, of("0.20 USD", Source::Published)),
            (
                Some("0.20 USD"),
                Some(&stated),
                of("0.50 USD", Source::MaxCost),
            ),
            (
                Some("0.70 usd"),
                Some(&stated),
                of("0.70 usd", Source::Published),
            ),
            (
                Some("9 credits"),
                Some(&stated),
                of("0.50 USD", Source::MaxCost),
            ),
        ] {
            assert_eq!(Bound::higher(published.map(money), stated), expected);
        }
    }

    #[test]
    fn bound_is_a_clause_and_a_document() {
        let bound = Bound::higher(None, Some(&money("2.00 EUR")));
        let text = "at most 2.00 EUR by the connection's max_cost";
        assert_eq!(bound.to_string(), text);
        let expected = json!({ "amount": "2.00", "unit": "EUR", "source": "max_cost" });
        assert_eq!(bound.document(), expected);
        assert_eq!(Bound::Unknown.document(), Value::Null);
        assert_eq!(Bound::Nothing.document()["amount"], "0");
    }
}

//! What runs may cost: the upper bound of one run, and the limit of `--max-cost`.

mod bound;
mod limit;
mod total;

pub(crate) use bound::Bound;
pub(crate) use limit::check;
pub(crate) use total::Total;

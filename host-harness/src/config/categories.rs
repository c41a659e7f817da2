//! Connections whose category no node uses: mostly a misspelled one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::connections::{Connection, ConnectionId};
use crate::similar::most_similar;

/// A connection whose category no node uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedConnection {
    /// The connection.
    pub id: ConnectionId,
    /// Its category.
    pub category: String,
    /// The known category that it is most similar to.
    pub did_you_mean: Option<String>,
}

/// The connections whose category is none of `known`.
pub(super) fn unused<'a>(
    connections: impl Iterator<Item = &'a Arc<Connection>>,
    known: &BTreeSet<String>,
) -> Vec<UnusedConnection> {
    let unused = connections.filter(|connection| !known.contains(connection.category()));
    unused
        .map(|connection| {
            let category = connection.category();
            let near = most_similar(category, known.iter().map(String::as_str));
            UnusedConnection {
                id: connection.id().clone(),
                category: category.to_owned(),
                did_you_mean: near.map(str::to_owned),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn connection_of_an_unknown_category_is_unused_and_the_similar_category_is_named() {
        let table = |id: &str, category: &str| {
            format!(
                "[connections.{id}]\ncategory = \"{category}\"\nbase_url = \"https://a.example\"\n"
            )
        };
        let text = [
            table("a", "PixelML"),
            table("b", "music"),
            table("c", "pixelml"),
        ]
        .concat();
        let config = Config::parse(&text, Path::new("zoetrope.toml")).expect("a configuration");
        let known = BTreeSet::from(["pixelml".to_owned(), "popiart".to_owned()]);
        let found = config.unused_connections(&known).into_iter();
        let found: Vec<_> = found
            .map(|one| (one.id.to_string(), one.did_you_mean))
            .collect();
        let near = Some("pixelml".to_owned());
        assert_eq!(found, [("a".to_owned(), near), ("b".to_owned(), None)]);
        assert_eq!(Config::default().unused_connections(&known), []);
    }
}

//! Changes of a JSON document whose result is JSON, or nearly.

use proptest::prelude::*;
use serde_json::Value;

/// A change of one node of a document.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The number of the node, counted from the root, modulo the number of nodes.
    pub(crate) node: u8,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Removes it from its parent.
    Drop,
    /// Doubles it in its parent, under the same name.
    Double,
    /// Replaces it by this text, which is JSON, or nearly.
    Become(String),
    /// Nests it this deep in arrays, or in objects.
    Nest { depth: u16, in_objects: bool },
    /// Replaces it by another node.
    Like(u8),
    /// Renames it.
    Rename(String),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let other = prop_oneof![
        4 => prop::sample::select(&REPLACEMENTS[..]).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => ".{0,40}".prop_map(|text| Value::from(text).to_string()),
        1 => (100_usize..3000).prop_map(|length| Value::from("x".repeat(length)).to_string()),
    ];
    let depth = prop_oneof![1_u16..4, 100_u16..140, 1000_u16..8000];
    let what = prop_oneof![
        3 => Just(What::Drop),
        1 => Just(What::Double),
        4 => other.prop_map(What::Become),
        1 => (depth, any::<bool>())
            .prop_map(|(depth, in_objects)| What::Nest { depth, in_objects }),
        2 => any::<u8>().prop_map(What::Like),
        1 => ".{0,12}".prop_map(What::Rename),
    ];
    (any::<u8>(), what).prop_map(|(node, what)| Change { node, what })
}

/// Replacements of a value.
const REPLACEMENTS: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.0",
    "-0.0",
    "1e308",
    "1e309",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "0.1e-400",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u202e\\u001b[2J\"",
    "\"\u{1f3a5}\"",
    "[]",
    "{}",
    "[[]]",
];

/// A document whose objects may have a name twice, and whose leaves may be any text.
#[derive(Clone)]
enum Node {
    Leaf(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Change {
    /// The changed document; `None` if the text is not JSON.
    pub(crate) fn apply(&self, text: &str) -> Option<String> {
        let document: Value = serde_json::from_str(text).ok()?;
        let mut tree = Node::from(&document);
        let count = tree.count();
        let like = match &self.what {
            What::Like(other) => tree.nth(usize::from(*other) % count).cloned(),
            _ => None,
        };
        let mut left = usize::from(self.node) % count;
        tree.change(&mut left, &self.what, like.as_ref());
        let mut changed = String::new();
        tree.write(&mut changed);
        Some(changed)
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(values) => Self::Array(values.iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.into()))
                    .collect(),
            ),
            leaf => Self::Leaf(leaf.to_string()),
        }
    }
}

impl Node {
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::Array(nodes) => nodes.iter().collect(),
            Self::Object(fields) => fields.iter().map(|(_, node)| node).collect(),
        }
    }

    /// The number of nodes, including this one.
    fn count(&self) -> usize {
        1 + self.children().into_iter().map(Self::count).sum::<usize>()
    }

    /// The node with this number; this node has number 0.
    fn nth(&self, number: usize) -> Option<&Self> {
        let Some(mut left) = number.checked_sub(1) else {
            return Some(self);
        };
        for child in self.children() {
            let count = child.count();
            if left < count {
                return child.nth(left);
            }
            left -= count;
        }
        None
    }

    /// Changes the node that comes after `left` others, and counts `left` down to it.
    fn change(&mut self, left: &mut usize, what: &What, like: Option<&Self>) {
        if *left == 0 {
            return self.become_other(what, like);
        }
        *left -= 1;
        let of_this = |node: &Self, left: &mut usize| {
            let count = node.count();
            let is_here = *left < count;
            if !is_here {
                *left -= count;
            }
            is_here
        };
        match self {
            Self::Leaf(_) => {}
            Self::Array(nodes) => {
                let Some(at) = nodes.iter().position(|node| of_this(node, left)) else {
                    return;
                };
                match (*left, what) {
                    (0, What::Drop) => drop(nodes.remove(at)),
                    (0, What::Double) => nodes.insert(at, nodes[at].clone()),
                    _ => nodes[at].change(left, what, like),
                }
            }
            Self::Object(fields) => {
                let Some(at) = fields.iter().position(|(_, node)| of_this(node, left)) else {
                    return;
                };
                match (*left, what) {
                    (0, What::Drop) => drop(fields.remove(at)),
                    (0, What::Double) => fields.insert(at, fields[at].clone()),
                    (0, What::Rename(name)) => fields[at].0.clone_from(name),
                    _ => fields[at].1.change(left, what, like),
                }
            }
        }
    }

    fn become_other(&mut self, what: &What, like: Option<&Self>) {
        match what {
            What::Become(text) => *self = Self::Leaf(text.clone()),
            What::Nest { depth, in_objects } => {
                let (open, close) = if *in_objects {
                    ("{\"a\":", "}")
                } else {
                    ("[", "]")
                };
                let mut text = open.repeat(usize::from(*depth));
                self.write(&mut text);
                text.push_str(&close.repeat(usize::from(*depth)));
                *self = Self::Leaf(text);
            }
            What::Like(_) => {
                if let Some(like) = like {
                    *self = like.clone();
                }
            }
            // These change a parent, and the root has none.
            What::Drop | What::Double | What::Rename(_) => {}
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Leaf(leaf) => text.push_str(leaf),
            Self::Array(nodes) => {
                text.push('[');
                for (index, node) in nodes.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    node.write(text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (index, (name, node)) in fields.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    text.push_str(&Value::from(name.as_str()).to_string());
                    text.push(':');
                    node.write(text);
                }
                text.push('}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_gives_the_expected_document() {
        let document = r#"{"a":[1,{"b":2}],"c":"x"}"#;
        for (node, what, expected) in [
            (0, What::Drop, document),
            (1, What::Drop, r#"{"c":"x"}"#),
            (2, What::Drop, r#"{"a":[{"b":2}],"c":"x"}"#),
            (4, What::Double, r#"{"a":[1,{"b":2,"b":2}],"c":"x"}"#),
            (
                5,
                What::Become("1e309".into()),
                r#"{"a":[1,{"b":2}],"c":1e309}"#,
            ),
            (5, What::Like(3), r#"{"a":[1,{"b":2}],"c":{"b":2}}"#),
            (3, What::Rename("n".into()), document),
            (4, What::Rename("n".into()), r#"{"a":[1,{"n":2}],"c":"x"}"#),
            (
                7,
                What::Nest {
                    depth: 2,
                    in_objects: false,
                },
                r#"{"a":[[[1,{"b":2}]]],"c":"x"}"#,
            ),
        ] {
            let change = Change { node, what };
            assert_eq!(
                change.apply(document).as_deref(),
                Some(expected),
                "{change:?}"
            );
        }
        let change = Change {
            node: 0,
            what: What::Drop,
        };
        assert_eq!(change.apply("{"), None);
    }
}

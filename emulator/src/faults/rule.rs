//! A rule of the script, parsed from its JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::fault::Fault;
use super::schedule::{Matching, Schedule};
use super::written::Written;

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) matching: Matching,
    pub(crate) schedule: Schedule,
    pub(crate) fault: Fault,
}

/// Checks the rule inside its object, so that an error has the position of the rule's end.
/// `serde(try_from)` would check after the object and give the end of the list.
impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct RuleVisitor;

        impl<'de> Visitor<'de> for RuleVisitor {
            type Value = Rule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                Rule::try_from(written).map_err(A::Error::custom)
            }
        }

        from.deserialize_map(RuleVisitor)
    }
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(Self {
            matching: written.matching()?,
            schedule: written.schedule(),
            fault: written.into_fault()?,
        })
    }
}

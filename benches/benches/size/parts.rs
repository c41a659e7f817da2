//! A component's bytes by kind of section.

use std::ops::Range;

use wasmparser::{Parser, Payload};
use zoetrope_benches::Failure;

/// Bytes of a component and its modules, without the names that the build script drops.
#[derive(Clone, Copy, PartialEq, Default)]
pub(crate) struct Parts {
    pub(crate) total: i64,
    /// The code of functions.
    pub(crate) code: i64,
    /// Initial memory.
    pub(crate) data: i64,
    /// Custom sections: the manifest and the toolchain's metadata.
    pub(crate) custom: i64,
}

impl Parts {
    pub(crate) fn of(component: &[u8]) -> Result<Self, Failure> {
        let mut parts = Self {
            total: component.len().try_into()?,
            ..Self::default()
        };
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::CodeSectionStart { range, .. } => parts.code += length(&range)?,
                Payload::DataSection(section) => parts.data += length(&section.range())?,
                Payload::CustomSection(section) if section.name() == "component-name" => {
                    parts.total -= with_head(length(&section.range())?);
                }
                Payload::CustomSection(section) => parts.custom += length(&section.range())?,
                _ => {}
            }
        }
        Ok(parts)
    }

    /// The difference to `other`.
    pub(crate) fn less(self, other: Self) -> Self {
        Self {
            total: self.total - other.total,
            code: self.code - other.code,
            data: self.data - other.data,
            custom: self.custom - other.custom,
        }
    }
}

fn length(content: &Range<u64>) -> Result<i64, Failure> {
    Ok(i64::try_from(content.end - content.start)?)
}

/// A section's bytes with its id and its length in LEB128.
fn with_head(content: i64) -> i64 {
    let bits = i64::BITS - content.leading_zeros();
    1 + i64::from(bits.div_ceil(7)).max(1) + content
}

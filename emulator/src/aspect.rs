//! The aspect ratio of a frame or picture.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Width to height in whole numbers from 1 to 1000, written as `16:9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Aspect {
    width: u32,
    height: u32,
}

impl Aspect {
    /// 16:9.
    pub(crate) const WIDE: Self = Self {
        width: 16,
        height: 9,
    };
}

/// The error of a text that is not an aspect.
#[derive(Debug, thiserror::Error)]
#[error("not an aspect such as 16:9")]
pub(crate) struct NotAnAspect;

impl FromStr for Aspect {
    type Err = NotAnAspect;

    fn from_str(text: &str) -> Result<Self, NotAnAspect> {
        let side = |digits: &str| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let side = digits.parse().ok().filter(|side| (1..=1000).contains(side));
            side.filter(|_| is_plain).ok_or(NotAnAspect)
        };
        let (width, height) = text.split_once(':').ok_or(NotAnAspect)?;
        Ok(Self {
            width: side(width)?,
            height: side(height)?,
        })
    }
}

impl TryFrom<String> for Aspect {
    type Error = NotAnAspect;

    fn try_from(text: String) -> Result<Self, NotAnAspect> {
        text.parse()
    }
}

impl From<Aspect> for String {
    fn from(aspect: Aspect) -> Self {
        aspect.to_string()
    }
}

/// Width and height.
impl From<Aspect> for (u32, u32) {
    fn from(aspect: Aspect) -> Self {
        (aspect.width, aspect.height)
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aspect_is_parsed_and_written_the_same() {
        for text in ["16:9", "1:1000"] {
            assert_eq!(text.parse::<Aspect>().expect("an aspect").to_string(), text);
        }
        for wrong in ["", "16", "16:", "0:1", "+1:1", "1:1001", "2.39:1", "1:1:1"] {
            assert!(wrong.parse::<Aspect>().is_err(), "{wrong}");
        }
    }
}

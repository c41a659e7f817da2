//! The moves of the virtual camera, read from the motion words of a prompt.
//!
//! [`MOTION_WORDS`] lists all motion words.

use serde::{Deserialize, Serialize};

/// How the camera moves during a clip; several moves may combine.
///
/// Without any move the camera gently pushes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Camera {
    /// Towards the middle of the picture, or away from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zoom: Option<Zoom>,
    /// To the left or the right side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pan: Option<Pan>,
    /// Up or down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tilt: Option<Tilt>,
    /// Around the line of sight, as seen on the screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roll: Option<Roll>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Zoom {
    In,
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pan {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tilt {
    Up,
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Roll {
    Clockwise,
    Counterclockwise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Zoom(Zoom),
    Pan(Pan),
    Tilt(Tilt),
    Roll(Roll),
}

/// One row of the table: any of the verbs, then any of the directions.
///
/// Without directions, the verb alone is the move.
struct MotionWords {
    verbs: &'static [&'static str],
    directions: &'static [&'static str],
    motion: Move,
}

const PAN: &[&str] = &["pan", "pans", "panning"];
const TILT: &[&str] = &["tilt", "tilts", "tilting"];
const CLOSER: &[&str] = &[
    "push", "pushes", "pushing", "zoom", "zooms", "zooming", "dolly", "dollies", "dollying",
];
const AWAY: &[&str] = &[
    "pull", "pulls", "pulling", "zoom", "zooms", "zooming", "dolly", "dollies", "dollying",
];
const ROLL: &[&str] = &[
    "rotate", "rotates", "rotating", "rotation", "spin", "spins", "spinning", "orbit", "orbits",
    "orbiting",
];

/// The motion words, matched case-insensitively as whole words.
///
/// [`is_filler`] words may stand between verb and direction ("pan slowly to the left"). Of two
/// opposite moves the first one is used; different kinds of move combine. The direction of a roll
/// may stand anywhere after its verb, see [`roll_direction`].
const MOTION_WORDS: &[MotionWords] = &[
    MotionWords {
        verbs: CLOSER,
        directions: &["in", "closer"],
        motion: Move::Zoom(Zoom::In),
    },
    MotionWords {
        verbs: AWAY,
        directions: &["out", "back", "away"],
        motion: Move::Zoom(Zoom::Out),
    },
    MotionWords {
        verbs: PAN,
        directions: &["left"],
        motion: Move::Pan(Pan::Left),
    },
    MotionWords {
        verbs: PAN,
        directions: &["right"],
        motion: Move::Pan(Pan::Right),
    },
    MotionWords {
        verbs: TILT,
        directions: &["up"],
        motion: Move::Tilt(Tilt::Up),
    },
    MotionWords {
        verbs: TILT,
        directions: &["down"],
        motion: Move::Tilt(Tilt::Down),
    },
    MotionWords {
        verbs: ROLL,
        directions: &[],
        motion: Move::Roll(Roll::Clockwise),
    },
];

impl Camera {
    /// Reads the motion words of a prompt.
    pub(crate) fn from_prompt(prompt: &str) -> Self {
        let words = words(prompt);
        let mut camera = Self::default();
        for at in 0..words.len() {
            if let Some(motion) = motion_at(&words[at..]) {
                camera.add(motion);
            }
        }
        camera
    }

    fn add(&mut self, motion: Move) {
        match motion {
            Move::Zoom(zoom) => self.zoom = self.zoom.or(Some(zoom)),
            Move::Pan(pan) => self.pan = self.pan.or(Some(pan)),
            Move::Tilt(tilt) => self.tilt = self.tilt.or(Some(tilt)),
            Move::Roll(roll) => self.roll = self.roll.or(Some(roll)),
        }
    }
}

/// The prompt's words in lower case; "counter-clockwise" is one word.
pub(crate) fn words(prompt: &str) -> Vec<String> {
    prompt
        .to_lowercase()
        .replace("counter-clockwise", "counterclockwise")
        .replace("anti-clockwise", "anticlockwise")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The move that starts with the first of these words.
fn motion_at(words: &[String]) -> Option<Move> {
    let (verb, rest) = words.split_first()?;
    let rows = MOTION_WORDS
        .iter()
        .filter(|row| row.verbs.contains(&verb.as_str()));
    let direction = direction(rest);
    for row in rows {
        if let Move::Roll(_) = row.motion {
            return Some(Move::Roll(roll_direction(rest)));
        }
        if direction.is_some_and(|direction| row.directions.contains(&direction)) {
            return Some(row.motion);
        }
    }
    None
}

/// The first word that is not filler. "from left to" is filler.
fn direction(words: &[String]) -> Option<&str> {
    let mut words = words.iter().map(String::as_str);
    loop {
        match words.next()? {
            "from" => {
                words.next();
            }
            word if is_filler(word) => {}
            word => return Some(word),
        }
    }
}

/// Words that may stand between a verb and its direction.
fn is_filler(word: &str) -> bool {
    word.ends_with("ly")
        || matches!(
            word,
            "to" | "the" | "towards" | "toward" | "very" | "camera"
        )
}

/// The direction of a roll: the first direction word after the verb, or clockwise without one.
fn roll_direction(words: &[String]) -> Roll {
    words
        .iter()
        .find_map(|word| match word.as_str() {
            "clockwise" => Some(Roll::Clockwise),
            "counterclockwise" | "anticlockwise" => Some(Roll::Counterclockwise),
            _ => None,
        })
        .unwrap_or(Roll::Clockwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(moves: &[Move]) -> Camera {
        let mut camera = Camera::default();
        for motion in moves {
            camera.add(*motion);
        }
        camera
    }

    #[test]
    fn every_motion_word_of_the_table_is_recognized() {
        for row in MOTION_WORDS {
            for verb in row.verbs {
                for direction in row.directions {
                    let prompt = format!("A storm. {} SLOWLY {direction}!", verb.to_uppercase());
                    assert_eq!(
                        Camera::from_prompt(&prompt),
                        camera(&[row.motion]),
                        "{prompt}"
                    );
                }
                if row.directions.is_empty() {
                    assert_eq!(Camera::from_prompt(verb), camera(&[row.motion]), "{verb}");
                }
            }
        }
    }

    #[test]
    fn prompts_give_the_expected_moves() {
        let cases: &[(&str, &[Move])] = &[
            ("", &[]),
            ("A lighthouse in the evening", &[]),
            ("zoom on the man in the boat", &[]),
            (
                "expand leftovers, a Spinning-wheel's shadow",
                &[Move::Roll(Roll::Clockwise)],
            ),
            ("a panther left of the tilted span", &[]),
            ("rotating", &[Move::Roll(Roll::Clockwise)]),
            ("Slowly ZOOM IN on the door", &[Move::Zoom(Zoom::In)]),
            (
                "pull back and pan to the left",
                &[Move::Zoom(Zoom::Out), Move::Pan(Pan::Left)],
            ),
            ("pan from left to right", &[Move::Pan(Pan::Right)]),
            (
                "orbit counter-clockwise, tilt up",
                &[Move::Roll(Roll::Counterclockwise), Move::Tilt(Tilt::Up)],
            ),
            (
                "spin around the tower, anticlockwise",
                &[Move::Roll(Roll::Counterclockwise)],
            ),
            ("push in, then pull out", &[Move::Zoom(Zoom::In)]),
        ];
        for (prompt, moves) in cases {
            assert_eq!(Camera::from_prompt(prompt), camera(moves), "{prompt}");
        }
    }
}

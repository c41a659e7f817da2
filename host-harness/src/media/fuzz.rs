//! The fuzz target for the structure of pictures; see `docs/reference/fuzzing.md`.

use zoetrope_fuzzing::Target;

use super::picture::accepted;
use crate::structure::Structure;

#[test]
fn damage_of_a_picture_does_not_depend_on_how_it_is_read() {
    Target::new("picture-structure", 4000).run(|input| {
        let Ok(media_type) = accepted(input) else {
            return "another format";
        };
        let damage = |length: usize| {
            let mut structure = Structure::of(media_type).expect("a known format");
            input.chunks(length).for_each(|piece| structure.take(piece));
            structure.end()
        };
        let found = damage(usize::MAX);
        for length in [1, 3, 64] {
            assert_eq!(damage(length), found);
        }
        match found {
            Some(_) => "damaged",
            None => "whole",
        }
    });
}

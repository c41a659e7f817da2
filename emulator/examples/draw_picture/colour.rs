//! Colours and their mixtures.

use image::Rgb;

/// A colour; 1 is full light.
#[derive(Clone, Copy, Default)]
pub(crate) struct Colour([f32; 3]);

pub(crate) fn rgb(red: u8, green: u8, blue: u8) -> Colour {
    Colour([red, green, blue].map(|part| f32::from(part) / 255.0))
}

impl Colour {
    fn with(mut self, other: Self, each: impl Fn(f32, f32) -> f32) -> Self {
        for (one, other) in self.0.iter_mut().zip(other.0) {
            *one = each(*one, other);
        }
        self
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }

    pub(crate) fn tint(self, other: Self) -> Self {
        self.with(other, |one, other| one * other)
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        Self(self.0.map(|part| part * factor))
    }

    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        self.with(other, |one, other| {
            one + (other - one) * share.clamp(0.0, 1.0)
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion from float to integer saturates"
    )]
    pub(crate) fn pixel(self) -> Rgb<u8> {
        Rgb(self.0.map(|part| (part * 255.0).round() as u8))
    }
}

pub(crate) fn gradient(at: f32, stops: &[(f32, Colour)]) -> Colour {
    let mut colour = stops[0].1;
    for pair in stops.windows(2) {
        colour = colour.mix(pair[1].1, (at - pair[0].0) / (pair[1].0 - pair[0].0));
    }
    colour
}

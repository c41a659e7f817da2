//! How long a movie plays, by the description of its boxes.

use std::io::{self, Read, Seek};
use std::time::Duration;

use super::inner::{Header, header};
use crate::structure::ending::Reader;

/// The most boxes that are read: a file with more tells no duration here.
const MAX_BOXES: usize = 1_000;

/// The duration that the description of the movie (`mvhd`, or `mehd` of one in fragments) names.
pub(in crate::structure) fn duration(
    file: &mut (impl Read + Seek),
    length: u64,
) -> io::Result<Option<Duration>> {
    let mut reader = Reader::new(file);
    let mut timescale = None;
    for _ in 0..MAX_BOXES {
        if reader.position() >= length {
            break;
        }
        let Some(Header {
            name,
            content,
            end: Some(end),
        }) = header(&mut reader)?
        else {
            break;
        };
        if end < content || end > length {
            break;
        }
        match &name {
            // What is inside follows.
            b"moov" | b"mvex" => continue,
            b"mvhd" => {
                let Some((per_second, ticks)) = movie_header(&mut reader)? else {
                    break;
                };
                if let Some(duration) = of_ticks(ticks, per_second) {
                    return Ok(Some(duration));
                }
                timescale = Some(per_second);
            }
            b"mehd" => {
                let ticks = times::<_, 0>(&mut reader)?.map(|(ticks, _)| ticks);
                let duration = ticks.zip(timescale);
                return Ok(duration.and_then(|(ticks, per_second)| of_ticks(ticks, per_second)));
            }
            _ => {}
        }
        reader.skip_to(end)?;
    }
    Ok(None)
}

/// The ticks in a second, and the ticks of the movie.
fn movie_header<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<(u32, u64)>> {
    // The times of its creation and its last change come first.
    let Some((_, is_long)) = times::<_, 1>(reader)? else {
        return Ok(None);
    };
    let Some(per_second) = reader.take::<4>()? else {
        return Ok(None);
    };
    let ticks = one_time(reader, is_long)?;
    Ok(ticks.map(|ticks| (u32::from_be_bytes(per_second), ticks)))
}

/// The version and flags of a box, and the time after `SKIPPED` ones; whether its times are long.
fn times<R: Read + Seek, const SKIPPED: usize>(
    reader: &mut Reader<R>,
) -> io::Result<Option<(u64, bool)>> {
    let Some([version, ..]) = reader.take::<4>()? else {
        return Ok(None);
    };
    let is_long = version == 1;
    for _ in 0..SKIPPED {
        if one_time(reader, is_long)?.is_none() {
            return Ok(None);
        }
    }
    let time = one_time(reader, is_long)?;
    Ok(time.map(|time| (time, is_long)))
}

/// A time of 64 or 32 bits; one that is not known is 0.
fn one_time<R: Read + Seek>(reader: &mut Reader<R>, is_long: bool) -> io::Result<Option<u64>> {
    if is_long {
        let time = reader.take::<8>()?.map(u64::from_be_bytes);
        return Ok(time.map(|time| if time == u64::MAX { 0 } else { time }));
    }
    let time = reader.take::<4>()?.map(u32::from_be_bytes);
    Ok(time.map(|time| if time == u32::MAX { 0 } else { time.into() }))
}

fn of_ticks(ticks: u64, per_second: u32) -> Option<Duration> {
    if ticks == 0 || per_second == 0 {
        return None;
    }
    let milliseconds = u128::from(ticks) * 1_000 / u128::from(per_second);
    Some(Duration::from_millis(u64::try_from(milliseconds).ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 8).expect("short");
        [&length.to_be_bytes()[..], &name, content].concat()
    }

    fn short_header(per_second: u32, ticks: u32) -> Vec<u8> {
        let numbers = [0, 1, 2, per_second, ticks].map(u32::to_be_bytes).concat();
        boxed(*b"mvhd", &[numbers, vec![0; 80]].concat())
    }

    fn seconds(movie: &[u8]) -> Option<f64> {
        let file = [
            boxed(*b"ftyp", b"isom"),
            boxed(*b"mdat", &[7; 40]),
            boxed(*b"moov", movie),
        ]
        .concat();
        let length = file.len() as u64;
        let duration = duration(&mut Cursor::new(file), length).expect("read");
        duration.map(|duration| duration.as_secs_f64())
    }

    #[test]
    fn duration_is_that_of_the_movie_in_both_versions_of_its_header() {
        assert_eq!(seconds(&short_header(600, 1_500)), Some(2.5));
        let mut long = vec![1, 0, 0, 0];
        long.extend([0_u64, 1].map(u64::to_be_bytes).concat());
        long.extend(90_000_u32.to_be_bytes());
        long.extend(180_000_u64.to_be_bytes());
        assert_eq!(seconds(&boxed(*b"mvhd", &long)), Some(2.0));
    }

    #[test]
    fn movie_in_fragments_has_the_duration_of_its_extension() {
        let fragments = [0_u32, 4_000].map(u32::to_be_bytes).concat();
        let extension = boxed(*b"mvex", &boxed(*b"mehd", &fragments));
        let movie = [short_header(1_000, 0), extension].concat();
        assert_eq!(seconds(&movie), Some(4.0));
    }

    #[test]
    fn unknown_duration_and_damaged_boxes_tell_none() {
        for movie in [
            short_header(0, 100),
            short_header(600, 0),
            short_header(600, u32::MAX),
            boxed(*b"mvhd", &[0; 3]),
            boxed(*b"trak", &[0; 3]),
            vec![0, 0, 0, 1, b'm', b'v'],
            vec![0xff; 40],
            Vec::new(),
        ] {
            assert_eq!(seconds(&movie), None, "{movie:?}");
        }
    }
}

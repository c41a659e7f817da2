//! Files that are cut at every byte.

use std::io::Cursor;

use super::*;

fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).expect("a short box");
    [&length.to_be_bytes()[..], &name[..], content].concat()
}

/// A box with a length of eight bytes.
fn long_box(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64 + 16).to_be_bytes();
    [&1_u32.to_be_bytes()[..], &name[..], &length[..], content].concat()
}

fn brand(name: [u8; 4]) -> Vec<u8> {
    boxed(*b"ftyp", &[&name[..], &[0; 4], b"mp42"].concat())
}

/// An element of Matroska with a size of this many bytes.
fn element(id: &[u8], width: usize, data: &[u8]) -> Vec<u8> {
    let mut size = u64::try_from(data.len()).expect("short").to_be_bytes()[8 - width..].to_vec();
    size[0] |= 1_u8 << (8 - width);
    [id, &size, data].concat()
}

/// The head of an element without a size.
fn open_element(id: &[u8]) -> Vec<u8> {
    [id, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()
}

const SEGMENT: &[u8] = b"\x18\x53\x80\x67";
const CLUSTER: &[u8] = b"\x1f\x43\xb6\x75";
const CUES: &[u8] = b"\x1c\x53\xbb\x6b";

fn matroska_head() -> Vec<u8> {
    element(b"\x1a\x45\xdf\xa3", 1, b"\x42\x82\x84webm")
}

fn cluster(width: usize) -> Vec<u8> {
    let blocks = [element(b"\xe7", 1, &[0]), element(b"\xa3", 2, &[7; 300])];
    element(CLUSTER, width, &blocks.concat())
}

fn riff(form: &[u8], size: u32) -> Vec<u8> {
    [&b"RIFF"[..], &size.to_le_bytes(), form].concat()
}

fn gif() -> Vec<u8> {
    [
        &b"GIF89a\x02\0\x01\0\x80\0\0"[..],
        &[0; 6],
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
        b"\x2c\0\0\0\0\x02\0\x01\0\x80",
        &[0; 6],
        b"\x02\x03abc\x01d\0",
        b"\x3b",
    ]
    .concat()
}

fn ends(media_type: &str, file: &[u8]) -> Ending {
    ending(&mut Cursor::new(file), media_type).expect("a file in memory")
}

/// Files with their types, and the lengths at which a shorter file is whole as well.
#[expect(clippy::too_many_lines, reason = "a table")]
fn files() -> Vec<(&'static str, Vec<u8>, Vec<usize>)> {
    let movie = boxed(*b"moov", &boxed(*b"mvhd", &[0; 20]));
    let fragments = boxed(
        *b"moov",
        &[boxed(*b"mvhd", &[0; 20]), boxed(*b"mvex", &[0; 4])].concat(),
    );
    let fragment = [boxed(*b"moof", &[0; 9]), boxed(*b"mdat", &[7; 90])].concat();
    let fragmented = [brand(*b"iso5"), fragments, fragment.clone()].concat();
    let index = boxed(*b"mfra", &[0; 16]);
    let data = boxed(*b"mdat", &[7; 300]);
    let head = matroska_head();
    let open = [head.clone(), open_element(SEGMENT), open_element(CLUSTER)].concat();
    let block = element(b"\xa3", 2, &[7; 300]);
    let cues = element(CUES, 1, &[0; 20]);
    vec![
        (
            "video/mp4",
            [brand(*b"isom"), movie.clone(), data.clone()].concat(),
            vec![],
        ),
        (
            "video/quicktime",
            [
                brand(*b"qt  "),
                long_box(*b"mdat", &[7; 300]),
                movie.clone(),
            ]
            .concat(),
            vec![],
        ),
        (
            "video/3gpp",
            [brand(*b"3gp4"), boxed(*b"free", &[]), movie, data.clone()].concat(),
            vec![],
        ),
        ("video/mp4", [fragmented, fragment, index].concat(), vec![]),
        (
            "image/avif",
            [brand(*b"avif"), data, boxed(*b"meta", &[0; 30])].concat(),
            vec![],
        ),
        (
            "video/webm",
            [
                head.clone(),
                element(SEGMENT, 8, &[cluster(2), cluster(4)].concat()),
            ]
            .concat(),
            vec![],
        ),
        (
            "video/x-matroska",
            [head, open_element(SEGMENT), cluster(8), cues.clone()].concat(),
            vec![],
        ),
        (
            "video/webm",
            [open, block.clone(), block, cues].concat(),
            vec![],
        ),
        (
            "video/x-msvideo",
            [riff(b"AVI ", 44), vec![7; 40]].concat(),
            vec![],
        ),
        ("image/gif", gif(), vec![]),
        ("image/png", picture(ImageFormat::Png), vec![]),
        ("image/jpeg", picture(ImageFormat::Jpeg), vec![]),
        ("image/webp", picture(ImageFormat::WebP), vec![]),
    ]
}

#[test]
fn file_that_is_cut_at_any_byte_is_not_whole() {
    for (media_type, file, others) in files() {
        assert_eq!(ends(media_type, &file), Ending::Whole, "{media_type}");
        for length in 0..file.len() {
            let is_whole = ends(media_type, &file[..length]) == Ending::Whole;
            // A JPEG ends with its marker, wherever that is; an AVI of no chunk is no AVI.
            let is_other =
                others.contains(&length) || media_type == "video/x-msvideo" && length == 0;
            assert_eq!(is_whole, is_other, "{media_type} of {length} bytes");
        }
    }
}

#[test]
fn file_whose_format_does_not_say_where_it_ends_is_unknown() {
    let to_the_end = [&0_u32.to_be_bytes()[..], b"mdat", &[7; 50]].concat();
    let movie = boxed(*b"moov", &[]);
    let fragments = boxed(*b"moov", &boxed(*b"mvex", &boxed(*b"mehd", &[0; 8])));
    let fragment = [boxed(*b"moof", &[0; 9]), boxed(*b"mdat", &[7; 90])].concat();
    // Further fragments and clusters may follow.
    let fragmented = [brand(*b"iso5"), fragments, fragment].concat();
    let clusters = [matroska_head(), open_element(SEGMENT), cluster(8)].concat();
    let cues = element(CUES, 1, &[0; 20]);
    let indexed = [matroska_head(), open_element(SEGMENT), cues, cluster(8)].concat();
    for (media_type, file) in [
        ("video/mp4", fragmented),
        ("video/webm", clusters),
        ("video/webm", indexed),
        ("video/mp4", [brand(*b"isom"), movie, to_the_end].concat()),
        ("video/x-msvideo", [riff(b"AVI ", 0), vec![7; 40]].concat()),
        ("video/ogg", b"OggS".to_vec()),
        ("video/mpeg", b"\0\0\x01\xba".to_vec()),
        ("image/tiff", b"II*\0".to_vec()),
    ] {
        assert_eq!(ends(media_type, &file), Ending::Unknown, "{media_type}");
    }
}

#[test]
fn impossible_lengths_are_cut_and_end() {
    let huge = [&1_u32.to_be_bytes()[..], b"mdat", &[0xff; 8]].concat();
    let small = [&1_u32.to_be_bytes()[..], b"mdat", &[0; 8]].concat();
    let element = [&b"\x1a\x45\xdf\xa3"[..], b"\x01", &[0xfe; 7]].concat();
    for (media_type, file) in [
        ("video/mp4", [brand(*b"isom"), huge].concat()),
        ("video/mp4", [brand(*b"isom"), small].concat()),
        (
            "video/mp4",
            [brand(*b"isom"), b"\0\0\0\x04mdat".to_vec()].concat(),
        ),
        ("video/webm", element),
        ("video/webm", vec![0; 20]),
        ("video/x-msvideo", riff(b"AVI ", u32::MAX - 1)),
        ("image/gif", [&b"GIF89a"[..], &[0; 7], b"\x99"].concat()),
    ] {
        assert!(
            matches!(ends(media_type, &file), Ending::Cut(_)),
            "{media_type}"
        );
    }
}

/// An index of pieces of these lengths, right before the first of them.
fn piece_index(lengths: &[usize]) -> Vec<u8> {
    let mut content = vec![0; 22];
    content.extend_from_slice(&u16::try_from(lengths.len()).expect("few").to_be_bytes());
    for length in lengths {
        let length = u32::try_from(*length).expect("a short piece");
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(&[0; 8]);
    }
    boxed(*b"sidx", &content)
}

#[test]
fn fragments_that_the_index_names_are_awaited() {
    let fragment = [boxed(*b"moof", &[0; 9]), boxed(*b"mdat", &[7; 90])].concat();
    let movie = boxed(*b"moov", &boxed(*b"mvex", &[]));
    let index = piece_index(&[fragment.len(); 4]);
    let file = |came: usize| {
        [
            brand(*b"iso5"),
            movie.clone(),
            index.clone(),
            fragment.repeat(came),
        ]
    };
    for came in 1..4 {
        let ending = ends("video/mp4", &file(came).concat());
        assert!(matches!(ending, Ending::Cut(_)), "{came}: {ending:?}");
    }
    assert_eq!(ends("video/mp4", &file(4).concat()), Ending::Whole);
    // An index before each fragment names one piece.
    let own = [piece_index(&[fragment.len()]), fragment].concat();
    for came in 1..4 {
        let file = [brand(*b"iso5"), movie.clone(), own.repeat(came)].concat();
        assert_eq!(ends("video/mp4", &file), Ending::Unknown);
    }
}

/// A movie whose track has its data at these offsets.
fn movie_of(name: [u8; 4], offsets: &[u64]) -> Vec<u8> {
    let mut table = vec![0; 4];
    table.extend_from_slice(&u32::try_from(offsets.len()).expect("few").to_be_bytes());
    for offset in offsets {
        let offset = offset.to_be_bytes();
        table.extend_from_slice(if name == *b"co64" {
            &offset
        } else {
            &offset[4..]
        });
    }
    let tables = boxed(
        *b"stbl",
        &[boxed(*b"stsd", &[0; 8]), boxed(name, &table)].concat(),
    );
    let media = boxed(*b"minf", &[boxed(*b"vmhd", &[0; 12]), tables].concat());
    let track = boxed(*b"trak", &boxed(*b"mdia", &media));
    boxed(*b"moov", &[boxed(*b"mvhd", &[0; 100]), track].concat())
}

#[test]
fn data_that_the_description_names_are_awaited() {
    for name in [*b"stco", *b"co64"] {
        let head = brand(*b"isom");
        let begin = (head.len() + movie_of(name, &[0; 3]).len() + 8) as u64;
        let movie = movie_of(name, &[begin, begin + 50, begin + 108]);
        let data = boxed(*b"mdat", &[7; 100]);
        let half = [head, movie, data.clone()].concat();
        let ending = ends("video/mp4", &half);
        assert!(matches!(ending, Ending::Cut(_)), "{ending:?}");
        let whole = [half, data].concat();
        assert_eq!(ends("video/mp4", &whole), Ending::Whole);
    }
}

/// A chunk of RIFF.
fn riff_chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).expect("a short chunk");
    [&name[..], &size.to_le_bytes(), content].concat()
}

#[test]
fn further_chunks_that_the_index_of_an_avi_names_are_awaited() {
    let first = |further: u64| {
        let mut index = vec![4, 0, 0, 0, 2, 0, 0, 0];
        index.extend_from_slice(&[0; 16]);
        for (offset, size) in [(20_u64, 30_u32), (further, 10)] {
            index.extend_from_slice(&offset.to_le_bytes());
            index.extend_from_slice(&size.to_le_bytes());
            index.extend_from_slice(&[0; 4]);
        }
        let stream = [&b"strl"[..], &riff_chunk(*b"indx", &index)].concat();
        let header = [
            &b"hdrl"[..],
            &riff_chunk(*b"avih", &[0; 56]),
            &riff_chunk(*b"LIST", &stream),
        ]
        .concat();
        let frames = [&b"movi"[..], &[7; 200]].concat();
        let content = [
            &b"AVI "[..],
            &riff_chunk(*b"LIST", &header),
            &riff_chunk(*b"LIST", &frames),
        ]
        .concat();
        riff_chunk(*b"RIFF", &content)
    };
    let further = riff_chunk(*b"RIFF", &[&b"AVIX"[..], &[7; 100]].concat());
    let half = first(first(0).len() as u64 + 20);
    let ending = ends("video/x-msvideo", &half);
    assert!(matches!(ending, Ending::Cut(_)), "{ending:?}");
    let whole = [half, further].concat();
    assert_eq!(ends("video/x-msvideo", &whole), Ending::Whole);
}

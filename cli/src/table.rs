//! A table for people: columns that fit a width.

use std::path::Path;

use textwrap::core::display_width;

use super::style::{Style, StyledText};

/// The space between columns.
const GAP: usize = 2;

/// A column.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    /// Where a long value is cut.
    pub(crate) cut: Cut,
    /// Of columns that do not fit, the one with the largest number is left out first; one with 0
    /// never is.
    pub(crate) dispensable: u8,
}

/// Where a value that is too wide is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Never,
    /// At its end, down to this width.
    End(usize),
    /// Down to this width: a path at its beginning, since its end says more, and other texts at
    /// their end.
    Path(usize),
}

/// A value with its style. It has no line end.
pub(crate) type Cell = (Style, String);

/// The table with its headings; `width`: the width that it must fit, if there is one.
pub(crate) fn table(columns: &[Column], rows: &[Vec<Cell>], width: Option<usize>) -> StyledText {
    let natural = columns.iter().enumerate().map(|(index, column)| {
        let values = rows.iter().map(|row| display_width(&row[index].1));
        values
            .chain([display_width(column.heading)])
            .max()
            .unwrap_or(0)
    });
    let shown = fit(columns, &natural.collect::<Vec<_>>(), width);
    let mut text = StyledText::default();
    let headings = columns
        .iter()
        .map(|column| (Style::Strong, column.heading.to_owned()));
    let headings: Vec<_> = headings.collect();
    for row in [&headings].into_iter().chain(rows) {
        line(&mut text, columns, row, &shown);
    }
    text
}

/// The shown columns, each with its width.
fn fit(columns: &[Column], natural: &[usize], width: Option<usize>) -> Vec<(usize, usize)> {
    let mut shown: Vec<_> = natural.iter().copied().enumerate().collect();
    let Some(width) = width else {
        return shown;
    };
    loop {
        let mut missing = total(&shown).saturating_sub(width);
        for (index, width) in shown.iter_mut().rev() {
            let least = columns[*index].cut.least().unwrap_or(*width).min(*width);
            let taken = missing.min(*width - least);
            *width -= taken;
            missing -= taken;
        }
        let dispensable = |(index, _): &&(usize, usize)| columns[*index].dispensable;
        let next = shown
            .iter()
            .filter(|it| dispensable(it) > 0)
            .max_by_key(dispensable);
        match next.map(|(index, _)| *index) {
            Some(index) if missing > 0 => {
                shown.retain(|(kept, _)| *kept != index);
                for (index, width) in &mut shown {
                    *width = natural[*index];
                }
            }
            _ => return shown,
        }
    }
}

fn total(shown: &[(usize, usize)]) -> usize {
    let widths: usize = shown.iter().map(|(_, width)| width).sum();
    widths + GAP * shown.len().saturating_sub(1)
}

fn line(text: &mut StyledText, columns: &[Column], row: &[Cell], shown: &[(usize, usize)]) {
    let last = shown
        .iter()
        .rposition(|(index, _)| !row[*index].1.is_empty());
    for (place, (index, width)) in shown.iter().enumerate() {
        if last.is_none_or(|last| place > last) {
            break;
        }
        let (style, value) = &row[*index];
        let value = columns[*index].cut.applied(value, *width);
        let rest = width.saturating_sub(display_width(&value));
        text.push(*style, value);
        if last != Some(place) {
            text.plain(" ".repeat(rest + GAP));
        }
    }
    text.plain("\n");
}

impl Cut {
    fn least(self) -> Option<usize> {
        match self {
            Self::Never => None,
            Self::End(least) | Self::Path(least) => Some(least),
        }
    }

    /// The value in this many columns at most.
    fn applied(self, value: &str, width: usize) -> String {
        if display_width(value) <= width || self == Self::Never {
            return value.to_owned();
        }
        let room = width.saturating_sub(1);
        match self {
            Self::Path(_) if Path::new(value).has_root() => {
                let kept: Vec<_> = within(value.chars().rev(), room).collect();
                format!("…{}", kept.into_iter().rev().collect::<String>())
            }
            _ => {
                let kept: String = within(value.chars(), room).collect();
                format!("{}…", kept.trim_end())
            }
        }
    }
}

/// The first characters that fit this width. Some take two columns, and some none.
fn within(letters: impl Iterator<Item = char>, width: usize) -> impl Iterator<Item = char> {
    letters.scan(0, move |used, letter| {
        *used += display_width(letter.encode_utf8(&mut [0; 4]));
        (*used <= width).then_some(letter)
    })
}

/// The width of the terminal on standard output, or that of `COLUMNS`. `None`: a pipe or a file,
/// for which nothing is cut.
pub(crate) fn width() -> Option<usize> {
    if let Some((terminal_size::Width(width), _)) =
        terminal_size::terminal_size_of(std::io::stdout())
        && width > 0
    {
        return Some(width.into());
    }
    let columns = std::env::var("COLUMNS").ok()?;
    columns.parse().ok().filter(|width| *width > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column {
            heading: "ID",
            cut: Cut::Never,
            dispensable: 0,
        },
        Column {
            heading: "NODE",
            cut: Cut::End(6),
            dispensable: 2,
        },
        Column {
            heading: "COST",
            cut: Cut::Never,
            dispensable: 1,
        },
        Column {
            heading: "RESULT",
            cut: Cut::Path(8),
            dispensable: 3,
        },
    ];

    fn shown(width: Option<usize>) -> String {
        let row = |cells: [&str; 4]| {
            let cells = cells.iter().map(|cell| (Style::Plain, (*cell).to_owned()));
            cells.collect::<Vec<_>>()
        };
        let rows = [
            row([
                "0a1b2c3d",
                "image_to_video",
                "0.24 USD",
                "/clips/波と海.mp4",
            ]),
            row(["4e5f6a7b", "image", "", ""]),
        ];
        table(&COLUMNS, &rows, width).rendered(false)
    }

    #[test]
    fn columns_are_aligned_and_nothing_is_cut_without_a_width() {
        let expected = "\
ID        NODE            COST      RESULT
0a1b2c3d  image_to_video  0.24 USD  /clips/波と海.mp4
4e5f6a7b  image
";
        assert_eq!(shown(None), expected);
        assert_eq!(shown(Some(200)), expected);
    }

    #[test]
    fn values_are_cut_and_columns_left_out_until_the_table_fits() {
        let expected = "\
ID        NODE         COST      RESULT
0a1b2c3d  image_to_v…  0.24 USD  …海.mp4
4e5f6a7b  image
";
        assert_eq!(shown(Some(41)), expected);
        let expected = "\
ID        NODE          COST
0a1b2c3d  image_to_vi…  0.24 USD
4e5f6a7b  image
";
        assert_eq!(shown(Some(32)), expected);
        assert_eq!(shown(Some(3)), "ID\n0a1b2c3d\n4e5f6a7b\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 8..80 {
            let text = shown(Some(width));
            let widest = text.lines().map(display_width).max();
            assert!(widest <= Some(width), "{width}:\n{text}");
        }
    }
}

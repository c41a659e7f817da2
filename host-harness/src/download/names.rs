//! Names that Windows gives another meaning than that of a file.

/// Names of devices, with any extension.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Why Windows makes no file of this name, after "the name"; `None` if it does. Of the names of
/// folders in a path, the same holds.
#[must_use]
pub fn windows_fault(name: &str) -> Option<&'static str> {
    if name == "." || name == ".." {
        return None;
    }
    if name.ends_with(['.', ' ']) {
        return Some("ends with a dot or a blank, which Windows removes");
    }
    if name.contains(':') {
        return Some("contains `:`, which on Windows names a stream inside another file");
    }
    if name.contains(['<', '>', '"', '|', '?', '*', '/', '\\']) || name.chars().any(|c| c < ' ') {
        return Some("contains a character that Windows permits in no name");
    }
    // `nul.mp4` and `nul .mp4` are the device too.
    let base = name.split('.').next().unwrap_or_default();
    let base = base.trim_end_matches(' ').to_ascii_uppercase();
    let is_port = |port: &str| {
        let number = base.strip_prefix(port);
        number.is_some_and(|number| {
            let mut digits = number.chars();
            let digit = digits.next();
            let is_one = digit.is_some_and(|digit| "123456789¹²³".contains(digit));
            is_one && digits.next().is_none()
        })
    };
    (DEVICES.contains(&base.as_str()) || is_port("COM") || is_port("LPT"))
        .then_some("is that of a device on Windows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_of_windows_are_recognized_on_every_system() {
        for name in [
            "CON",
            "nul",
            "NUL.mp4",
            "nul .mp4",
            "aux.tar.gz",
            "prn",
            "COM1",
            "com9.mp4",
            "LPT1.",
            "lpt¹.mp4",
            "COM²",
            "CONIN$",
            "conout$.mp4",
            "clip.mp4.",
            "clip ",
            "clip. .",
            "...",
            "a:b.mp4",
            "C:",
            "a?.mp4",
            "a*",
            "a<b",
            "a|b",
            "a\"b",
            "a\tb",
            "a/b",
            "a\\b",
        ] {
            assert!(windows_fault(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn other_names_are_files_on_windows() {
        for name in [
            "clip.mp4",
            "CONSOLE.mp4",
            "null.mp4",
            "COM.mp4",
            "COM0",
            "COM10.mp4",
            "LPTX",
            "my nul.mp4",
            "a.nul",
            ".hidden",
            "ä clip.mp4",
            ".",
            "..",
            "",
        ] {
            assert_eq!(windows_fault(name), None, "{name:?}");
        }
    }
}

//! Command lines in documents.

/// The words of a command line. Quotes of both kinds are removed; nothing else is read.
pub(crate) fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.trim().chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(character),
        }
    }
    words
}

#[test]
fn words_of_a_command_are_split_outside_of_quotes() {
    let expected = ["run", "a", "--input", r#"{"b": "c's"}"#, "--set", "d='e f'"];
    let command = r#"run a --input '{"b": "c'"'"'s"}' --set "d='e f'""#;
    assert_eq!(words(command), expected);
}

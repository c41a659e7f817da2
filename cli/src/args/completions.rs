//! The arguments of `zoetrope completions`.

use clap::{Args, ValueEnum};

/// Print a script that completes commands, options and values.
///
/// The shell asks the program for each completion: it completes node types,
/// jobs and connections too. Load the script when the shell starts, so that it
/// fits the installed version:
///
///   bash        source <(zoetrope completions bash)       # in ~/.bashrc
///   zsh         source <(zoetrope completions zsh)        # in ~/.zshrc
///   fish        zoetrope completions fish | source        # in config.fish
///   elvish      eval (zoetrope completions elvish | slurp)
///   powershell  zoetrope completions powershell | Out-String | Invoke-Expression
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    about = "Print a script that completes commands, options and values",
    after_help = "Example: zoetrope completions bash"
)]
pub(crate) struct Completions {
    /// Shell that reads the script
    pub(crate) shell: Shell,
}

/// A shell whose completions are known.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// Its name, which `clap_complete` knows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

//! Colors on a terminal. What they say stands in the words too.

use std::io::IsTerminal as _;

use clap::Args;

/// When to use colors.
#[derive(Debug, Clone, Args)]
pub struct ColorArgument {
    /// Use colors in tables: on a terminal unless `NO_COLOR` is set, always or never.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    color: When,
    /// <https://no-color.org>
    #[arg(long, hide = true, env = "NO_COLOR", default_value = "", hide_env = true)]
    no_color: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorArgument {
    /// How to write to standard output.
    pub fn style(&self) -> Style {
        let is_colored = match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => self.no_color.is_empty() && std::io::stdout().is_terminal(),
        };
        if is_colored { Style::Colored } else { Style::Plain }
    }
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without colors.
    Plain,
    /// With colors.
    Colored,
}

impl Style {
    /// Something that is in order.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something that is not.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Something in between.
    pub fn worth_a_look(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A title.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

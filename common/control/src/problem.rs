//! What is wrong with a setting, said to the person who can repair it.

use std::fmt;

/// What is wrong with a text, without where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub advice: String,
}

impl Mistake {
    /// A mistake with what would be right instead.
    #[must_use]
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// The mistake at its place.
    #[must_use]
    pub fn at(self, file: &str, line: usize) -> Problem {
        Problem {
            file: file.to_owned(),
            line,
            message: self.message,
            advice: self.advice,
            is_unreadable: false,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.advice)
    }
}

impl std::error::Error for Mistake {}

/// One thing that is wrong with a file of settings. Whatever needs that file or line has its default; the rest works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, relative to the directory of the settings.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// The file is there and could not be read: what it says is unknown, rather than wrong.
    pub is_unreadable: bool,
}

impl Problem {
    /// Writes the problem to the log.
    pub fn log(&self) {
        let line = self.line.to_string();
        let fields: [(&str, &[u8]); 4] = [
            ("file", self.file.as_bytes()),
            ("line", line.as_bytes()),
            ("problem", self.message.as_bytes()),
            ("advice", self.advice.as_bytes()),
        ];
        stafette_log::event(stafette_log::Event::SettingBad, None, &fields);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}; {}", self.message, self.advice)
    }
}

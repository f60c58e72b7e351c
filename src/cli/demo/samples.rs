//! The sample mails and what should become of them: files beside this one, part of the program.

use serde::Deserialize;

use crate::language::Language;
use crate::time::Timestamp;

/// Stands where the Date of a sample belongs.
const DATE: &str = "@DATE@";
/// Stands, with the beginning of a sample's name, where the Message-ID of our answer to it belongs.
const ANSWER_TO: &str = "@ANSWER-TO:";

/// One sample mail.
pub struct Sample {
    pub file: &'static str,
    content: &'static [u8],
    pub expect: Expect,
}

/// What a newcomer is told of a sample, and what should become of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    file: String,
    about: About,
    /// human, auto-reply, bounce, report, list, own or junk.
    pub kind: String,
    /// The template it is answered with; empty: not answered.
    pub answered: String,
    pub handoff: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    mail: Vec<Expect>,
}

impl Expect {
    pub fn about(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.about.zh,
            Language::En | Language::Ja => &self.about.en,
        }
    }
}

macro_rules! mails {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_bytes!(concat!("mails/", $file)))),*]
    };
}

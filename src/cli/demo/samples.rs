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

const MAILS: &[(&str, &[u8])] = mails![
    "01-554-dt-spm.eml",
    "02-550-form.eml",
    "03-502-screenshot.eml",
    "04-human.eml",
    "05-no-human.eml",
    "06-stolen.eml",
    "07-password-ja.eml",
    "08-gb18030.eml",
    "09-cancel-big5.eml",
    "10-outlook-html.eml",
    "11-bounce.eml",
    "12-newsletter.eml",
    "13-vacation-header.eml",
    "14-vacation-subject.eml",
    "15-precedence-bulk.eml",
    "16-quoted-footer.eml",
    "17-unknown.eml",
    "18-follow-up.eml",
    "19-broken.eml",
    "20-advert.eml",
    "21-bcc.eml",
    "22-contact-ja.eml",
];

/// All samples, each with its expectation.
pub fn all() -> anyhow::Result<Vec<Sample>> {
    let expectations: Expectations = toml::from_str(include_str!("mails/expect.toml"))?;
    let expect_of = |file: &str| expectations.mail.iter().find(|expect| expect.file == file).cloned();
    MAILS
        .iter()
        .map(|(file, content)| {
            let expect = expect_of(file).ok_or_else(|| anyhow::anyhow!("expect.toml says nothing of {file}"))?;
            Ok(Sample { file, content, expect })
        })
        .collect()
}

impl Sample {
    /// The beginning of the name of the sample whose answer this one answers.
    pub fn answers(&self) -> Option<&str> {
        let text = std::str::from_utf8(self.content).ok()?;
        let rest = &text[text.find(ANSWER_TO)? + ANSWER_TO.len()..];
        rest.split('@').next()
    }

    /// The mail as it would come in now. `answer` is the Message-ID of the answer that it answers.
    pub fn bytes(&self, now: Timestamp, answer: Option<&str>) -> Vec<u8> {
        let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
        let bytes = replace(self.content, DATE.as_bytes(), date.as_bytes());
        match (self.answers(), answer) {
            (Some(file), Some(answer)) => replace(&bytes, format!("{ANSWER_TO}{file}@").as_bytes(), answer.as_bytes()),
            _ => bytes,
        }
    }
}

/// The samples are bytes in many charsets, so this works on bytes.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

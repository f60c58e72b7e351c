//! The tests that stand beside a rule: a small mail, and what shall come of it.
//!
//! A test is judged by all rules as they are, but for its own rule, which counts as stable whatever its status:
//! a draft is tested before it is let loose. A test marked `xfail` documents a gap; when the gap is closed, a
//! warning says so.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::time::Duration;

use super::Rules;
use super::engine::{self, Depth, Supposing};
use super::judgement::{CaseMoment, Input, Judgement, Proofs, Wish};
use super::rule::Rule;
use super::taxonomy::{Priority, UNCLASSIFIED};
use crate::ids::{CategoryId, RuleId};
use crate::language::Language;
use crate::message::Message;
use crate::problem::{Problem, Problems, SourceText};
use crate::time::Timestamp;

/// How the tests went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TestSummary {
    pub passed: usize,
    pub failed: usize,
    /// Failed, as they were expected to.
    pub expected_failures: usize,
    /// Passed, and were expected to fail.
    pub surprises: usize,
}

/// One test, and how it went.
#[derive(Debug, Clone)]
pub struct TestRun {
    pub rule: RuleId,
    /// As the admin named it, else the first line of its mail.
    pub name: String,
    pub source: SourceText,
    pub span: Range<usize>,
    pub outcome: TestOutcome,
    /// Whether its rule held; none if the mail it names is not there.
    pub held: Option<bool>,
    /// Where what came of the mail is not what was wanted; empty where all is.
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TestOutcome {
    Passed,
    Failed,
    /// It failed, as `xfail` says it must.
    ExpectedFailure,
    /// It passed, and `xfail` says it must not.
    Surprise,
}

/// One thing that came out differently than was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    pub got: String,
    pub wanted: String,
}

#[derive(Debug)]
pub(super) struct InlineTest {
    pub(super) name: Option<String>,
    pub(super) source: SourceText,
    pub(super) span: Range<usize>,
    pub(super) mail: SyntheticMail,
    pub(super) language: Option<Language>,
    pub(super) case: CaseMoment,
    pub(super) now: Option<Timestamp>,
    pub(super) exchanges: u32,
    pub(super) answers: u32,
    pub(super) subject_unchanged: bool,
    pub(super) tier: Option<String>,
    pub(super) age: Duration,
    pub(super) open_cases: u32,
    pub(super) proofs: Proofs,
    pub(super) want: Want,
    pub(super) xfail: bool,
}

/// The mail of a test, before it is written out.
#[derive(Debug, Default)]
pub(super) struct SyntheticMail {
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) attachments: Vec<SyntheticAttachment>,
    /// The mail is this file, named from the folder of the rules; then nothing else is said of it.
    pub(super) eml: Option<(String, Range<usize>)>,
}

#[derive(Debug, Default)]
pub(super) struct SyntheticAttachment {
    pub(super) name: String,
    pub(super) media_type: Option<String>,
    pub(super) text: Option<String>,
    /// Octets it shall count as.
    pub(super) size: Option<usize>,
}

/// What shall come of it; what is not said is not looked at.
#[derive(Debug, Default)]
pub(super) struct Want {
    pub(super) matches: Option<bool>,
    pub(super) category: Option<String>,
    pub(super) not_category: Option<String>,
    pub(super) reply: Option<Option<String>>,
    pub(super) group: Option<String>,
    pub(super) priority: Option<Priority>,
    /// These are among them; if none is given, there is none.
    pub(super) tags: Option<Vec<String>>,
    /// As with tags.
    pub(super) ask: Option<Vec<String>>,
    pub(super) handoff: Option<bool>,
    pub(super) suppress: Option<bool>,
    /// `none` for no wish.
    pub(super) wish: Option<String>,
    /// As with tags: the stretches that are masked, and who is told.
    pub(super) redact: Option<Vec<String>>,
    pub(super) notify: Option<Vec<String>>,
    /// `None` for a field that shall not be found.
    pub(super) fields: BTreeMap<String, Option<String>>,
    pub(super) score_min: Option<f64>,
}

/// A test that does not say when: Wednesday 7 January 2026, 14:30 in Shanghai, an hour like any other.
const ORDINARY_HOUR: i64 = 1_767_767_400;

/// `mails` are the files that tests name with `eml`.
pub(super) fn run(
    rules: &Rules,
    read: &dyn Fn(&[u8]) -> Message,
    mails: &BTreeMap<String, Vec<u8>>,
) -> (TestSummary, Problems) {
    let (mut summary, mut problems) = (TestSummary::default(), Problems::default());
    for (place, rule) in rules.rules.iter().enumerate() {
        let (mut held, mut stood_back) = (false, false);
        for test in &rule.tests {
            let run = test.run(rules, place, read, mails);
            summary.count(run.outcome);
            // Of a rule that weighs a keyword is soon there: it stands back where its category does not win.
            let outweighed = test.want.not_category.is_some()
                && test.want.not_category.as_deref() == rule.category.as_ref().map(CategoryId::as_str);
            if !test.xfail {
                held |= run.held == Some(true) && !outweighed;
                stood_back |= run.held == Some(false) || (run.held.is_some() && outweighed);
            }
            problems.0.extend(run.problem().filter(|_| run.outcome != TestOutcome::Surprise || !rule.allows("W20")));
        }
        let lacks = match (held, stood_back) {
            (true, true) => None,
            (true, false) => Some("no test shows where this rule does not hold"),
            (false, true) => Some("no test shows where this rule holds"),
            (false, false) => Some("this rule has no test"),
        };
        if let Some(what) = lacks.filter(|_| rule.enabled && !rule.allows("W01")) {
            let problem = rule.source.warning(rule.span.clone(), format!("`{}`: {what}", rule.id)).code("W01");
            problems.push(problem.help("add a `[[rule.test]]`"));
        }
    }
    (summary, problems)
}

/// Runs the tests of all rules, or of one, each when it is asked for.
pub(super) fn each<'a>(
    rules: &'a Rules,
    only: Option<&'a RuleId>,
    read: &'a dyn Fn(&[u8]) -> Message,
    mails: &'a BTreeMap<String, Vec<u8>>,
) -> impl Iterator<Item = TestRun> + 'a {
    let wanted = rules.rules.iter().enumerate().filter(move |(_, rule)| only.is_none_or(|only| *only == rule.id));
    wanted.flat_map(move |(place, rule)| rule.tests.iter().map(move |test| test.run(rules, place, read, mails)))
}

impl TestSummary {
    pub fn count(&mut self, outcome: TestOutcome) {
        match outcome {
            TestOutcome::Passed => self.passed += 1,
            TestOutcome::Failed => self.failed += 1,
            TestOutcome::ExpectedFailure => self.expected_failures += 1,
            TestOutcome::Surprise => self.surprises += 1,
        }
    }
}

impl TestRun {
    /// The fault of a test that failed, or that passed although it was expected to fail.
    pub fn problem(&self) -> Option<Problem> {
        let label = format!("test `{}` of `{}`", self.name, self.rule);
        match self.outcome {
            _ if self.held.is_none() => {
                let what =
                    self.differences.iter().map(|difference| format!("there is no mail `{}`", difference.wanted));
                let problem = self.source.error(self.span.clone(), what.collect::<String>()).code("E03");
                Some(problem.help("name the file from the folder of the rules, with its ending .eml"))
            }
            TestOutcome::Passed | TestOutcome::ExpectedFailure => None,
            TestOutcome::Failed => {
                let differences: Vec<String> = self.differences.iter().map(Difference::to_string).collect();
                let what = format!("{label} fails: {}", differences.join("; "));
                Some(self.source.error(self.span.clone(), what))
            }
            TestOutcome::Surprise => {
                let what = format!("{label} was expected to fail and passes");
                let problem = self.source.warning(self.span.clone(), what).code("W20");
                Some(problem.help("take `xfail` away"))
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, wanted {}", self.what, self.got, self.wanted)
    }
}

impl InlineTest {
    fn run(
        &self,
        rules: &Rules,
        place: usize,
        read: &dyn Fn(&[u8]) -> Message,
        mails: &BTreeMap<String, Vec<u8>>,
    ) -> TestRun {
        let rule = &rules.rules[place];
        let run = TestRun {
            rule: rule.id.clone(),
            name: self.label().to_owned(),
            source: self.source.clone(),
            span: self.span.clone(),
            outcome: TestOutcome::Failed,
            held: None,
            differences: Vec::new(),
        };
        let message = match self.mail.read(read, mails) {
            Ok(message) => message,
            Err((file, span)) => {
                let missing = Difference { what: "the mail".into(), got: "not there".into(), wanted: file };
                return TestRun { span, differences: vec![missing], ..run };
            }
        };
        let judgement = engine::judge(rules, &self.input(&message), Supposing::InForce(place), Depth::Whole);
        let differences = self.want.differences(rule, &judgement);
        TestRun {
            outcome: match (differences.is_empty(), self.xfail) {
                (true, false) => TestOutcome::Passed,
                (false, false) => TestOutcome::Failed,
                (false, true) => TestOutcome::ExpectedFailure,
                (true, true) => TestOutcome::Surprise,
            },
            held: Some(judgement.hit(&rule.id).is_some()),
            differences,
            ..run
        }
    }

    /// What the rules are asked about the mail, which has been read.
    pub(super) fn input<'m>(&'m self, message: &'m Message) -> Input<'m> {
        let language = self.language.or(message.language.language()).unwrap_or(Language::Zh);
        let now = self.now.unwrap_or_else(|| Timestamp::from_second(ORDINARY_HOUR).unwrap_or_default());
        Input {
            case: self.case,
            subject_unchanged: self.subject_unchanged,
            exchanges: self.exchanges,
            answers: self.answers,
            tier: self.tier.as_deref(),
            age: self.age,
            open_cases: self.open_cases,
            proofs: self.proofs,
            ..Input::first(message, language, now)
        }
    }

    pub(super) fn label(&self) -> &str {
        let file = || self.mail.eml.as_ref().map(|(file, _)| file.as_str());
        let first_line = || self.mail.body.lines().next().unwrap_or(&self.mail.subject);
        self.name.as_deref().or_else(file).unwrap_or_else(first_line)
    }
}

impl SyntheticMail {
    /// The mail, read. `Err` is a file that is not there, and where it is named.
    pub(super) fn read(
        &self,
        read: &dyn Fn(&[u8]) -> Message,
        mails: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Message, (String, Range<usize>)> {
        if let Some((file, span)) = &self.eml {
            return mails.get(file).map(|raw| read(raw)).ok_or((file.clone(), span.clone()));
        }
        let mut message = read(&self.write());
        // Nobody wants to wait for thirty megabytes.
        for (attachment, synthetic) in message.attachments.iter_mut().zip(&self.attachments) {
            attachment.size = synthetic.size.unwrap_or(attachment.size);
        }
        Ok(message)
    }

    /// The mail as it would come: RFC 5322, the text in UTF-8, header fields in UTF-8 as well (RFC 6532).
    fn write(&self) -> Vec<u8> {
        let mut mail = String::new();
        let mut field = |name: &str, value: &str| {
            let line = value.replace(['\r', '\n'], " ");
            // Writing to a String does not fail.
            let _ = write!(mail, "{name}: {line}\r\n");
        };
        let given = |name: &str| self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        for (name, value) in [
            ("From", self.from.as_deref().unwrap_or("customer@example.com")),
            ("To", self.to.as_deref().unwrap_or("support@example.com")),
            ("Subject", self.subject.as_str()),
            ("Date", "Wed, 7 Jan 2026 14:30:00 +0800"),
            ("Message-ID", "<test@example.com>"),
        ] {
            if !given(name) {
                field(name, value);
            }
        }
        for (name, value) in &self.headers {
            field(name, value);
        }
        if !given("Content-Type") {
            self.write_body(&mut mail);
        } else {
            let _ = write!(mail, "\r\n{}", crlf(&self.body));
        }
        mail.into_bytes()
    }

    fn write_body(&self, mail: &mut String) {
        const BOUNDARY: &str = "=_test";
        const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
        let body = crlf(&self.body);
        mail.push_str("MIME-Version: 1.0\r\n");
        if self.attachments.is_empty() {
            let _ = write!(mail, "{TEXT}{body}\r\n");
            return;
        }
        let _ = write!(
            mail,
            "Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\r\n\r\n--{BOUNDARY}\r\n{TEXT}{body}\r\n"
        );
        for attachment in &self.attachments {
            // RFC 2231 §4: names in any script.
            let encoded: String = attachment.name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let media_type = attachment.media_type.as_deref().unwrap_or("application/octet-stream");
            let _ = write!(
                mail,
                "--{BOUNDARY}\r\nContent-Type: {media_type}\r\n\
                 Content-Disposition: attachment; filename*=UTF-8''{encoded}\r\n\
                 Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
                crlf(attachment.text.as_deref().unwrap_or("x"))
            );
        }
        let _ = write!(mail, "--{BOUNDARY}--\r\n");
    }
}

impl Want {
    /// What was got and what was wanted, where the two part.
    fn differences(&self, rule: &Rule, got: &Judgement) -> Vec<Difference> {
        let mut differences = Vec::new();
        let difference =
            |what: &str, got: &str, wanted: String| Difference { what: what.to_owned(), got: got.to_owned(), wanted };
        let mut compare = |what: &str, got: &str, want: &str| {
            if got != want {
                differences.push(difference(what, got, want.to_owned()));
            }
        };
        let category = got.category.as_ref().map_or(UNCLASSIFIED, |won| won.category.as_str());
        if let Some(want) = self.matches {
            let hit = got.hit(&rule.id).is_some();
            compare("match", &hit.to_string(), &want.to_string());
        }
        if let Some(want) = &self.category {
            compare("category", &told(category, got), &told_if(want, category, got));
        }
        if let Some(want) = &self.reply {
            let reply = got.reply.as_ref().map_or("none", |reply| reply.as_str());
            compare("reply", reply, want.as_deref().unwrap_or("none"));
        }
        if let Some(want) = &self.group {
            compare("group", got.group.as_ref().map_or("none", |group| group.as_str()), want);
        }
        if let Some(want) = self.priority {
            compare("priority", got.priority.as_str(), want.as_str());
        }
        if let Some(want) = self.handoff {
            compare("handoff", &got.handoff.is_some().to_string(), &want.to_string());
        }
        if let Some(want) = &self.wish {
            compare("wish", got.wish.map_or("none", Wish::as_str), want);
        }
        if let Some(want) = self.suppress {
            compare("suppress", &got.suppressed_by.is_some().to_string(), &want.to_string());
        }
        for (field, want) in &self.fields {
            let value = got.fields.get(field).map_or("none", String::as_str);
            compare(&format!("field {field}"), value, want.as_deref().unwrap_or("none"));
        }
        if let Some(not) = &self.not_category
            && not == category
        {
            differences.push(difference("category", category, format!("anything but {not}")));
        }
        let notified = got.notify.iter().map(ToString::to_string).collect();
        for (what, got, want) in [
            ("tags", &got.tags, &self.tags),
            ("ask", &got.ask, &self.ask),
            ("redact", &got.redact, &self.redact),
            ("notify", &notified, &self.notify),
        ] {
            let Some(want) = want else { continue };
            let there = if want.is_empty() { got.is_empty() } else { want.iter().all(|one| got.contains(one)) };
            if !there {
                differences.push(difference(what, &format!("{got:?}"), format!("{want:?}")));
            }
        }
        if let Some(least) = self.score_min {
            let score = got.scores.first().map_or(0.0, |best| best.score);
            if score < least {
                differences.push(difference("the best score", &score.to_string(), format!("at least {least}")));
            }
        }
        differences
    }
}

/// The category with what came near it, for the eye.
fn told(category: &str, got: &Judgement) -> String {
    let scores: Vec<String> =
        got.scores.iter().take(3).map(|score| format!("{} {:.2}", score.category, score.score)).collect();
    match scores.is_empty() {
        true => category.to_owned(),
        false => format!("{category} ({})", scores.join(", ")),
    }
}

/// The wanted category, told like the one that was got where they are the same.
fn told_if(want: &str, category: &str, got: &Judgement) -> String {
    if want == category { told(category, got) } else { want.to_owned() }
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

//! What the agents read: a sheet with everything the bot knows about a case, before the customer's text.
//!
//! The words are in `handoff/sheet.<lang>.txt`, so that they can be translated and rearranged; this module
//! hands them the values. What a stranger wrote stands on lines of its own, each behind a bar, so nothing
//! in it can pass for the bot's words.

use super::clean::Block;
use super::executable::is_executable;
use super::template::{RenderError, Templates};
use super::values::Values;
use super::written::Written;
use crate::address::Address;
use crate::ids::{CaseNumber, TemplateName};
use crate::language::Language;
use crate::message::Attachment;

/// The values a sheet may name.
pub const SHEET_VARIABLES: &[&str] = &[
    "sheet.case",
    "sheet.group",
    "sheet.name",
    "sheet.requester",
    "sheet.authentication",
    "sheet.subject",
    "sheet.language",
    "sheet.category",
    "sheet.verdict",
    "sheet.score",
    "sheet.margin",
    "sheet.evidence",
    "sheet.fields",
    "sheet.known",
    "sheet.answer_subject",
    "sheet.answer_body",
    "sheet.why",
    "sheet.attachments",
    "sheet.original",
    "sheet.withheld",
    "sheet.warnings",
    "sheet.text",
    "sheet.cut",
    "sheet.draft",
    "sheet.relays",
    "sheet.note_to",
    "sheet.suggested",
    "sheet.transcript",
];

/// Characters of the customer's text in a sheet; a mail of more is read in the original.
const MAX_CUSTOMER_TEXT: usize = 10_000;
/// Lines of it: a column of single letters is as tiresome as a long text.
const MAX_CUSTOMER_LINES: usize = 500;
/// Characters and lines of each earlier mail that is told again.
const MAX_TOLD_TEXT: usize = 1_500;
const MAX_TOLD_LINES: usize = 40;
/// Octets of a whole sheet. Far above what its parts, each limited, can add up to: a forward must not fail.
const MAX_SHEET: usize = 512 * 1024;
/// Stands before every line that a stranger wrote.
const BAR: &str = "| ";
/// Stands before every line that the bot has already sent.
const QUOTE: &str = "> ";

/// What the agents are told about a case.
#[derive(Debug, Clone)]
pub struct ForwardSheet {
    pub case: CaseNumber,
    /// The group's name as people say it.
    pub group: String,
    /// The requester's name as they wrote it; trusted by nobody.
    pub name: String,
    pub requester: Option<Address>,
    /// Whether the domain of the requester is proven, in words.
    pub authentication: String,
    /// The subject of the customer's mail.
    pub subject: String,
    /// The language the mail was found to be in, such as `zh`.
    pub language: String,
    /// What the case is about, as people say it; empty where that is not known.
    pub category: String,
    /// What this mail is about, if a rule was sure.
    pub verdict: Option<Verdict>,
    /// What was read out of this mail.
    pub fields: Vec<Field>,
    /// Label and value of what earlier mails said and this one does not.
    pub known: Vec<(String, String)>,
    /// What the requester has been sent automatically to this mail.
    pub answered: Option<Written>,
    /// It has not been sent, and may never be.
    pub draft: bool,
    /// Who wrote what before, and when, oldest first.
    pub transcript: Vec<(String, String)>,
    /// An answer to the sheet goes to the requester.
    pub relays: bool,
    /// What is written there is for colleagues only; none: there is no such address.
    pub note_to: Option<Address>,
    /// The entry of the knowledge base that might answer it; empty where none is known.
    pub suggested: String,
    /// Why humans get it.
    pub why: Vec<String>,
    pub attachments: Vec<Attachment>,
    /// Shall the customer's own mail go along? It does not when it carries something executable.
    pub send_original: bool,
    /// What the screening found: a look-alike domain, a forged sender, ….
    pub warnings: Vec<String>,
    /// What the customer wrote.
    pub text: String,
}

/// Something that was read out of a mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub label: String,
    pub value: String,
    /// What an earlier mail said; empty where it said the same or nothing.
    pub before: String,
}

/// What the rules made of the mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The category's name as people say it.
    pub category: String,
    pub score: f64,
    /// The lead over the next category.
    pub margin: f64,
    /// The spans of the mail that made the rules hold.
    pub evidence: Vec<String>,
}

impl ForwardSheet {
    /// Does the customer's own mail go along? Ask before handing its name to [`super::forward`].
    pub fn carries_original(&self) -> bool {
        self.send_original && !self.attachments.iter().any(runs)
    }

    /// The sheet in words.
    pub fn write(
        &self,
        templates: &Templates,
        template: &TemplateName,
        language: Language,
    ) -> Result<Written, RenderError> {
        templates.render_within(MAX_SHEET, template, language, &self.values())
    }

    fn values(&self) -> Values {
        let mut values = Values::new();
        let requester = self.requester.as_ref().map(ToString::to_string);
        values
            .text("sheet.case", &self.case.to_string())
            .text("sheet.group", &self.group)
            .text("sheet.name", &self.name)
            .text("sheet.requester", requester.as_deref().unwrap_or_default())
            .text("sheet.authentication", &self.authentication)
            .text("sheet.subject", &self.subject)
            .text("sheet.language", &self.language);
        let verdict = self.verdict.as_ref();
        values
            .text("sheet.category", &self.category)
            .text("sheet.verdict", verdict.map_or("", |verdict| &verdict.category))
            .text("sheet.score", &number(verdict.map(|verdict| verdict.score)))
            .text("sheet.margin", &number(verdict.map(|verdict| verdict.margin)))
            .list("sheet.evidence", verdict.iter().flat_map(|verdict| verdict.evidence.iter().map(String::as_str)));
        let row = |pairs: &[(&str, &str)]| {
            let mut row = Values::new();
            for (name, text) in pairs {
                row.text(name, text);
            }
            row
        };
        let fields = self.fields.iter();
        let fields =
            fields.map(|field| row(&[("label", &field.label), ("value", &field.value), ("before", &field.before)]));
        values.rows("sheet.fields", fields);
        let known = self.known.iter().map(|(label, value)| row(&[("label", label), ("value", value)]));
        values.rows("sheet.known", known);
        let answered = self.answered.as_ref();
        values
            .text("sheet.answer_subject", answered.map_or("", Written::subject))
            .block("sheet.answer_body", &behind(QUOTE, answered.map_or("", Written::body)))
            .list("sheet.why", self.why.iter().map(String::as_str))
            .list("sheet.warnings", self.warnings.iter().map(String::as_str));
        let attachments = self.attachments.iter().map(|attachment| {
            let mut row =
                row(&[("name", &attachment.name), ("type", &attachment.media_type), ("size", &size(attachment.size))]);
            row.flag("withheld", runs(attachment));
            row
        });
        values.rows("sheet.attachments", attachments);
        let (text, cut) = cut(&self.text);
        values
            .flag("sheet.original", self.carries_original())
            .flag("sheet.withheld", self.attachments.iter().any(runs))
            .block("sheet.text", &behind(BAR, &text))
            .flag("sheet.cut", cut)
            .rows("sheet.transcript", transcript_rows(&self.transcript))
            .flag("sheet.draft", self.draft)
            .flag("sheet.relays", self.relays)
            .text("sheet.note_to", &self.note_to.as_ref().map(Address::to_string).unwrap_or_default())
            .text("sheet.suggested", &self.suggested);
        values
    }
}

/// Rows with `who` and `text`, for templates that tell what was written before.
pub fn transcript_rows(transcript: &[(String, String)]) -> Vec<Values> {
    let row = |(who, text): &(String, String)| {
        let text = Block::new(text);
        let whole = text.lines().count() <= MAX_TOLD_LINES && text.as_str().chars().count() <= MAX_TOLD_TEXT;
        let start: String = text.as_str().chars().take(MAX_TOLD_TEXT).collect();
        let lines: Vec<&str> = start.lines().take(MAX_TOLD_LINES).collect();
        let mut row = Values::new();
        row.text("who", who).block("text", &behind(BAR, &lines.join("\n"))).flag("cut", !whole);
        row
    };
    transcript.iter().map(row).collect()
}

fn runs(attachment: &Attachment) -> bool {
    let sniffed = attachment.sniffed.is_some_and(|sniffed| is_executable("", sniffed));
    sniffed || attachment.names().any(|name| is_executable(name, &attachment.media_type))
}

/// The customer's text up to the limits, and whether something was left out.
fn cut(text: &str) -> (String, bool) {
    // Cleaned first, so that what looks like a line break to anybody is one before it is counted.
    let block = Block::new(text);
    let whole = block.as_str();
    let end = whole.char_indices().nth(MAX_CUSTOMER_TEXT).map_or(whole.len(), |(end, _)| end);
    let lines: Vec<&str> = whole[..end].lines().take(MAX_CUSTOMER_LINES).collect();
    let cut = end < whole.len() || block.lines().count() > lines.len();
    (lines.join("\n"), cut)
}

/// `text` with `mark` before each of its lines.
fn behind(mark: &str, text: &str) -> Block {
    let lines: Vec<String> =
        Block::new(text).lines().map(|line| format!("{mark}{line}").trim_end().to_owned()).collect();
    Block::new(&lines.join("\n"))
}

fn number(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| format!("{number:.2}"))
}

fn size(octets: usize) -> String {
    match octets {
        0..1024 => format!("{octets} B"),
        1024..1_048_576 => format!("{} KB", octets.div_ceil(1024)),
        _ => format!("{:.1} MB", octets as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Key, MailHash};
    use crate::problem::SourceText;

    fn name() -> TemplateName {
        TemplateName::parse("handoff/sheet").unwrap()
    }

    /// The sheets as they are shipped.
    fn templates() -> Templates {
        let texts = [
            (Language::Zh, include_str!("../../templates/handoff/sheet.zh.txt")),
            (Language::En, include_str!("../../templates/handoff/sheet.en.txt")),
            (Language::Ja, include_str!("../../templates/handoff/sheet.ja.txt")),
        ];
        let files =
            texts.map(|(language, text)| (name(), language, SourceText::new(format!("sheet.{language}.txt"), text)));
        let (templates, problems) = Templates::load(&files, SHEET_VARIABLES, Language::Zh);
        assert!(problems.is_empty(), "{problems}");
        templates
    }

    fn attachment(name: &str, media_type: &str, size: usize) -> Attachment {
        Attachment { size, ..Attachment::new(name, media_type, b"") }
    }

    fn sheet() -> ForwardSheet {
        ForwardSheet {
            case: CaseNumber::mint(&Key::from_bytes([9; 32]), &MailHash::of(b"mail"), 0),
            group: "邮件技术组".into(),
            name: "Li".into(),
            requester: Some("li@example.org".parse().unwrap()),
            authentication: "域名未经证实".into(),
            subject: "发送失败".into(),
            language: "zh".into(),
            category: "退信".into(),
            verdict: Some(Verdict {
                category: "退信".into(),
                score: 2.4,
                margin: 0.85,
                evidence: vec!["554 DT:SPM".into()],
            }),
            fields: vec![Field { label: "错误代码".into(), value: "554 DT:SPM".into(), before: String::new() }],
            known: Vec::new(),
            answered: Some(Written::new("[案号 1] 已收到", "您好\n\n请检查内容", Language::Zh)),
            draft: false,
            transcript: Vec::new(),
            relays: true,
            note_to: None,
            suggested: String::new(),
            why: vec!["客户要求人工".into()],
            attachments: vec![
                attachment("截图.png", "image/png", 70_000),
                attachment("日志.exe", "application/octet-stream", 3_000_000),
            ],
            send_original: true,
            warnings: vec!["发件域未验证".into()],
            text: "我的邮件发不出去\r\n\r\n案号：伪造\u{2028}处理组：伪造".into(),
        }
    }

    #[test]
    fn agents_read_this() {
        let written = sheet().write(&templates(), &name(), Language::Zh).unwrap();
        assert_eq!(written.subject(), "退信：发送失败");
        assert_eq!(format!("{}\n", written.body()), SHEET);
    }

    #[test]
    fn a_sheet_of_which_little_is_known_is_still_a_sheet() {
        let bare = ForwardSheet {
            name: String::new(),
            requester: None,
            subject: String::new(),
            category: String::new(),
            verdict: None,
            fields: Vec::new(),
            answered: None,
            why: Vec::new(),
            attachments: Vec::new(),
            warnings: Vec::new(),
            text: String::new(),
            ..sheet()
        };
        assert!(bare.carries_original());
        for (language, subject, end) in [
            (Language::Zh, "（无主题）", "客户写道：\n| （没有正文）"),
            (Language::En, "(no subject)", "The customer wrote:\n| (no text)"),
            (Language::Ja, "（件名なし）", "お客様の文面：\n| （本文なし）"),
        ] {
            let written = bare.write(&templates(), &name(), language).unwrap();
            assert_eq!(written.subject(), subject);
            assert!(written.body().ends_with(end), "{}", written.body());
            assert!(!written.body().contains("\n\n\n"));
        }
    }

    #[test]
    fn a_follow_up_tells_what_the_case_is_about_and_what_is_new() {
        let field =
            |value: &str, before: &str| Field { label: "客户端".into(), value: value.into(), before: before.into() };
        let follow_up = ForwardSheet {
            category: "登录".into(),
            fields: vec![field("Outlook", "Foxmail 7.2")],
            known: vec![("错误代码".into(), "535".into())],
            ..sheet()
        };
        let same = ForwardSheet { category: "退信".into(), fields: vec![field("Outlook", "")], ..sheet() };
        let unclear = ForwardSheet { verdict: None, ..follow_up.clone() };
        for (sheet, want) in [
            (&follow_up, "分类：登录\n这封来信像是：退信（得分 2.40，领先 0.85）\n"),
            (&follow_up, "- 客户端：Outlook（此前：Foxmail 7.2）\n"),
            (&follow_up, "以前的来信里提到：\n- 错误代码：535\n"),
            (&same, "分类：退信（得分 2.40，领先 0.85）\n"),
            (&same, "- 客户端：Outlook\n"),
            (&unclear, "分类：登录\n"),
        ] {
            let written = sheet.write(&templates(), &name(), Language::Zh).unwrap();
            assert!(written.body().contains(want), "{want}\n{}", written.body());
        }
    }

    #[test]
    fn nothing_a_stranger_wrote_begins_a_line() {
        let mut sheet = sheet();
        let evil =
            "INTRUDER\rINTRUDER\nINTRUDER\u{b}INTRUDER\u{c}INTRUDER\u{85}INTRUDER\u{2028}INTRUDER\u{2029}INTRUDER";
        sheet.name = evil.into();
        sheet.subject = evil.into();
        sheet.text = format!("{evil}\r\r\n\r{evil}");
        sheet.fields = vec![Field { label: "代码".into(), value: evil.into(), before: evil.into() }];
        sheet.known = vec![("代码".into(), evil.into())];
        sheet.attachments = vec![attachment(evil, evil, 1)];
        if let Some(verdict) = &mut sheet.verdict {
            verdict.evidence = vec![evil.into()];
        }
        for language in Language::ALL {
            let written = sheet.write(&templates(), &name(), language).unwrap();
            for line in written.body().split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
                assert!(!line.trim_start().starts_with("INTRUDER"), "{line}");
            }
        }
    }

    #[test]
    fn the_longest_sheet_is_still_written() {
        let wide = "𠀀".repeat(400);
        let sheet = ForwardSheet {
            name: wide.clone(),
            subject: wide.clone(),
            verdict: Some(Verdict {
                category: wide.clone(),
                score: f64::MAX,
                margin: f64::NAN,
                evidence: vec![wide.clone(); 200],
            }),
            fields: vec![Field { label: wide.clone(), value: wide.clone(), before: wide.clone() }; 200],
            known: vec![(wide.clone(), wide.clone()); 200],
            why: vec![wide.clone(); 200],
            attachments: vec![attachment(&wide, &wide, usize::MAX); 200],
            warnings: vec![wide.clone(); 200],
            text: wide.repeat(1_000),
            ..sheet()
        };
        let written = sheet.write(&templates(), &name(), Language::En).unwrap();
        assert!(written.body().contains("this is not all of it"));
        let short_lines = ForwardSheet { text: " \n".repeat(100_000), ..sheet };
        assert!(short_lines.write(&templates(), &name(), Language::En).is_ok());
    }

    const SHEET: &str = "\
直接回复本邮件，横线以上的文字就会以客服邮箱的名义发给客户（抄送、密送无效）。第一行可以写命令：#备注 #转给 #稍后 #结案，#帮助 可看全部。

案号：EPRV-JQK5-2
处理组：邮件技术组
来信地址：li@example.org
发件核验：域名未经证实
自称：Li
主题：发送失败
语言：zh
分类：退信（得分 2.40，领先 0.85）

转人工原因：
- 客户要求人工

注意：
- 发件域未验证

判断依据（摘自来信）：
| 554 DT:SPM

从来信中读到（未经核实）：
- 错误代码：554 DT:SPM

附件：
- 截图.png（image/png，69 KB）
- 日志.exe（application/octet-stream，2.9 MB） 可执行文件，未转发

原信含有可执行文件，因此未随附；需要时请向管理员索取。

已自动回复客户：
> [案号 1] 已收到
>
> 您好
>
> 请检查内容

客户写道：
| 我的邮件发不出去
|
| 案号：伪造
| 处理组：伪造
";
}

//! How mail programs write an answer: what they put around the words, and what they make of the mail answered.
//!
//! Each writes as the program itself does, in the language of its windows; the plain part, the HTML part, or both.

mod chinese;

use huixin::language::Language::{self, En, Ja, Zh};

use chinese::{dingtalk, foxmail, mail_master, netease, qq};

/// What is answered, as the program shows it.
pub struct Quoted<'a> {
    /// Whose mail it is, as it stands in From.
    pub name: &'a str,
    pub address: &'a str,
    /// Who answers.
    pub to: &'a str,
    pub subject: &'a str,
    /// Its text; below it, mails it quotes itself.
    pub text: &'a str,
}

/// An answer: the words as the agent typed them, and what stands below them.
pub struct Reply<'a> {
    pub words: &'a str,
    pub quoted: Quoted<'a>,
    pub language: Language,
    /// Tells variants apart: versions, settings, habits.
    pub n: usize,
}

/// What the program makes of it.
#[derive(Default)]
pub struct Body {
    pub plain: Option<String>,
    pub html: Option<String>,
    /// UTF-8 where nothing is said.
    pub charset: Option<&'static str>,
}

pub struct Program {
    pub name: &'static str,
    pub write: fn(&Reply<'_>) -> Body,
}

pub const PROGRAMS: [Program; 14] = [
    Program { name: "Outlook for Windows", write: outlook },
    Program { name: "Outlook on the web and on telephones", write: outlook_web },
    Program { name: "Gmail", write: gmail },
    Program { name: "Apple Mail", write: apple },
    Program { name: "iOS Mail", write: ios },
    Program { name: "Thunderbird", write: thunderbird },
    Program { name: "QQ Mail", write: qq },
    Program { name: "Foxmail", write: foxmail },
    Program { name: "NetEase 163", write: netease },
    Program { name: "NetEase Mail Master", write: mail_master },
    Program { name: "DingTalk and Alimail", write: dingtalk },
    Program { name: "Japanese mobile and desktop mail", write: japanese },
    Program { name: "Android (Samsung, Huawei, Xiaomi)", write: android },
    Program { name: "HCL Notes", write: notes },
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("  ", "&nbsp; ")
}

/// Each line in an element of its own; an empty one has a break in it, as editors write it.
fn each(text: &str, open: &str, close: &str) -> String {
    let line = |line: &str| match line.trim().is_empty() {
        true => format!("{open}<br>{close}"),
        false => format!("{open}{}{close}", escaped(line)),
    };
    text.lines().map(line).collect()
}

fn broken(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("<br>\r\n")
}

fn behind(mark: &str, text: &str) -> String {
    text.lines().map(|line| format!("{mark}{line}").trim_end().to_owned() + "\n").collect()
}

/// Plain, HTML, or both, in turn.
fn parts(n: usize, plain: String, html: String) -> Body {
    match n % 3 {
        0 => Body { plain: Some(plain), html: Some(html), charset: None },
        1 => Body { html: Some(html), ..Body::default() },
        _ => Body { plain: Some(plain), ..Body::default() },
    }
}

/// The header block of a quoted mail, in these words, with these marks between name and value.
fn block(labels: [&str; 4], colon: &str, date: &str, quoted: &Quoted<'_>) -> String {
    let Quoted { name, address, to, subject, .. } = quoted;
    let values = [format!("{name} <{address}>"), date.to_owned(), format!("<{to}>"), (*subject).to_owned()];
    labels.iter().zip(values).map(|(label, value)| format!("{label}{colon}{value}\n")).collect()
}

fn outlook(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let (labels, date) = match language {
        Zh => (["发件人", "发送时间", "收件人", "主题"], "2026年11月24日 10:00"),
        En => (["From", "Sent", "To", "Subject"], "Tuesday, November 24, 2026 10:00 AM"),
        Ja if n % 2 == 0 => (["差出人", "送信日時", "宛先", "件名"], "2026年11月24日 11:00"),
        Ja => (["From", "Sent", "To", "Subject"], "Tuesday, November 24, 2026 11:00 AM"),
    };
    let block = block(labels, ": ", date, quoted);
    // Older versions draw a line with words.
    let divider = match (n % 4, language) {
        (3, Zh) => "-----邮件原件-----\n",
        (3, _) => "-----Original Message-----\n",
        _ => "",
    };
    let plain = format!("{words}\n\n{divider}{block}\n{}\n", quoted.text);
    let head: String = block
        .lines()
        .map(|line| {
            let (label, value) = line.split_once(':').unwrap();
            format!("<b><span lang=ZH-CN>{label}</span>:</b>{}<br>", escaped(value))
        })
        .collect();
    let normal =
        |text: &str| each(text, "<p class=MsoNormal><span style='font-size:10.5pt'>", "<o:p></o:p></span></p>\r\n");
    let html = format!(
        "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><style><!-- p.MsoNormal {{margin:0cm}} --></style>\
         </head><body lang=ZH-CN><div class=WordSection1>{}<p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div \
         style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>{head}<o:p></o:p>\
         </p></div></div><p class=MsoNormal><o:p>&nbsp;</o:p></p>{}</div></body></html>",
        normal(words),
        normal(quoted.text)
    );
    parts(*n, plain, html)
}

fn outlook_web(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let (labels, date) = match language {
        Zh => (["发件人", "发送时间", "收件人", "主题"], "2026年11月24日 10:00"),
        En => (["From", "Sent", "To", "Subject"], "Tuesday, November 24, 2026 10:00 AM"),
        Ja => (["差出人", "送信日時", "宛先", "件名"], "2026年11月24日 11:00"),
    };
    let signed = match (n % 4, language) {
        (1, Zh) => "\n\n获取 Outlook for iOS<https://aka.ms/o0ukef>",
        (1, En) => "\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>",
        (1, Ja) => "\n\niOS 版 Outlook を入手<https://aka.ms/o0ukef>",
        _ => "",
    };
    let block = block(labels, ": ", date, quoted);
    let line = "________________________________";
    let plain = format!("{words}{signed}\n{line}\n{block}\n{}\n", quoted.text);
    let head: String = block
        .lines()
        .map(|line| {
            let (label, value) = line.split_once(':').unwrap();
            format!("<b>{label}:</b>{}<br>\r\n", escaped(value))
        })
        .collect();
    let html = format!(
        "<html><body dir=\"ltr\">{}<div id=\"Signature\">{}</div><div id=\"appendonsend\"></div><hr \
         style=\"display:inline-block;width:98%\" tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><font \
         face=\"Calibri, sans-serif\" style=\"font-size:11pt\" color=\"#000000\">{head}</font><div>&nbsp;</div></div>\
         <div class=\"BodyFragment\"><font size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">{}</div>\
         </span></font></div></body></html>",
        each(words, "<div class=\"elementToProof\" style=\"font-family: Aptos\">", "</div>\r\n"),
        broken(signed.trim()),
        broken(quoted.text)
    );
    parts(*n, plain, html)
}

fn gmail(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, .. } = quoted;
    let attribution = match (language, n % 3) {
        (Zh, 0) => format!("{name} <{address}> 于2026年11月24日周二 10:00写道："),
        (Zh, _) => format!("{name} <{address}> 於 2026年11月24日週二 上午10:00寫道："),
        (En, 0) => format!("On Tue, Nov 24, 2026 at 10:00 AM {name} <{address}> wrote:"),
        // Gmail breaks it at 72 columns.
        (En, _) => format!("On Tue, Nov 24, 2026 at 10:00\u{202f}AM {name} <\n{address}> wrote:"),
        (Ja, _) => format!("2026年11月24日(火) 11:00 {name} <{address}>:"),
    };
    let plain = format!("{words}\n\n{attribution}\n\n{}", behind("> ", quoted.text));
    let html = format!(
        "<div dir=\"ltr\">{}</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" \
         class=\"gmail_attr\">{}<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px \
         solid rgb(204,204,204);padding-left:1ex\">{}</blockquote></div>\r\n",
        each(words, "<div>", "</div>"),
        escaped(&attribution.replace('\n', "")),
        broken(quoted.text)
    );
    parts(*n, plain, html)
}

fn apple_attribution(reply: &Reply<'_>) -> String {
    let Quoted { name, address, .. } = &reply.quoted;
    match reply.language {
        Zh => format!("2026年11月24日 10:00，{name} <{address}> 写道："),
        En => format!("On Nov 24, 2026, at 10:00\u{202f}AM, {name} <{address}> wrote:"),
        Ja => format!("2026/11/24 11:00、{name} <{address}>のメール:"),
    }
}

fn apple(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, n, .. } = reply;
    let attribution = apple_attribution(reply);
    let plain = format!("{words}\n\n{}", behind("> ", &format!("{attribution}\n\n{}", quoted.text)));
    let html = format!(
        "<html><head><meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\"></head><body \
         style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">{}<br \
         id=\"lineBreakAtBeginningOfMessage\"><div><br><blockquote type=\"cite\"><div>{}</div><br \
         class=\"Apple-interchange-newline\"><div><div>{}</div></div></blockquote></div><br></body></html>",
        each(words, "<div>", "</div>"),
        escaped(&attribution),
        broken(quoted.text)
    );
    parts(*n, plain, html)
}

fn ios(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let attribution = apple_attribution(reply);
    let signed = match (language, n % 2) {
        (Zh, 0) => "发自我的 iPhone",
        (Zh, _) => "从我的iPad发送",
        (En, 0) => "Sent from my iPhone",
        (En, _) => "Sent from my iPad",
        (Ja, 0) => "iPhoneから送信",
        (Ja, _) => "私のiPadから送信",
    };
    let plain = format!("{words}\n\n{signed}\n\n{}", behind("> ", &format!("{attribution}\n> \n{}", quoted.text)));
    let html = format!(
        "<html><head></head><body dir=\"auto\">{}<br id=\"lineBreakAtBeginningOfSignature\"><div dir=\"ltr\">{signed}</div>\
         <div dir=\"ltr\"><br><blockquote type=\"cite\">{}<br><br></blockquote></div><blockquote type=\"cite\"><div \
         dir=\"ltr\">\u{feff}{}</div></blockquote></body></html>",
        each(words, "<div dir=\"ltr\">", "</div>"),
        escaped(&attribution),
        broken(quoted.text)
    );
    parts(*n, plain, html)
}

fn thunderbird(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let name = quoted.name;
    let attribution = match language {
        Zh => format!("在 2026/11/24 10:00, {name} 写道:"),
        En => format!("On 24/11/2026 10:00, {name} wrote:"),
        Ja => format!("On 2026/11/24 11:00, {name} wrote:"),
    };
    let quote = behind("> ", quoted.text);
    // By default the answer stands below.
    let plain = match n % 6 {
        5 => format!("{attribution}\n{quote}\n{words}\n"),
        _ => format!("{words}\n\n{attribution}\n{quote}"),
    };
    let html = format!(
        "<!DOCTYPE html><html><head></head><body>{}<br><div class=\"moz-cite-prefix\">{}<br></div><blockquote type=\"cite\" \
         cite=\"mid:forward@example.com\"><pre wrap=\"\" class=\"moz-quote-pre\">{}</pre></blockquote></body></html>",
        each(words, "<p>", "</p>"),
        escaped(&attribution),
        escaped(quoted.text)
    );
    parts(*n, plain, html)
}

/// docomo, Yahoo! メール, Becky!, Shuriken, LINE-style mail on telephones.
fn japanese(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, to, subject, text } = quoted;
    let quote = behind("> ", text);
    let charset = (*language == Ja && n % 2 == 0).then_some("iso-2022-jp");
    let plain = match n % 5 {
        0 => format!("{words}\n\nOn Tue, 24 Nov 2026 11:00:00 +0900\n{name} <{address}> wrote:\n\n{quote}"),
        1 => format!(
            "{words}\n\n----- Original Message -----\nFrom: {name} <{address}>\nTo: {to}\nDate: 2026/11/24 Tue 11:00\n\
             Subject: {subject}\n\n{quote}"
        ),
        2 => format!("{words}\n\n2026年11月24日(火) 11:00 {name} <{address}>:\n{quote}"),
        3 => format!(
            "{words}\n\n-----元のメッセージ-----\n差出人: {name} <{address}>\n送信日時: 2026年11月24日 11:00\n宛先: {to}\n\
             件名: {subject}\n\n{text}\n"
        ),
        _ => format!("{words}\n\n{name}さんは書きました:\n{quote}"),
    };
    Body { plain: Some(plain), charset, ..Body::default() }
}

fn android(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, to, subject, text } = quoted;
    let (signed, divider, labels, date) = match (language, n % 3) {
        (Zh, 0) => (
            "从我的 Galaxy 发送",
            "-------- 原始信息 --------",
            ["发件人： ", "日期： ", "收件人： ", "主题： "],
            "26/11/24 10:00 (GMT+08:00)",
        ),
        (Zh, 1) => (
            "发自我的华为手机",
            "-------- 原始邮件 --------",
            ["发件人：", "日期：", "收件人：", "主题："],
            "2026年11月24日周二 10:00",
        ),
        (Zh, _) => ("发自我的小米手机", "在 2026年11月24日", ["", "", "", ""], ""),
        (En, _) => (
            "Sent from my Galaxy",
            "-------- Original message --------",
            ["From: ", "Date: ", "To: ", "Subject: "],
            "24/11/2026 10:00 (GMT+08:00)",
        ),
        (Ja, _) => (
            "Galaxyから送信",
            "-------- 元のメッセージ --------",
            ["差出人: ", "日付: ", "宛先: ", "件名: "],
            "2026/11/24 11:00 (GMT+09:00)",
        ),
    };
    let head = match labels[0] {
        "" => format!("在 2026年11月24日 10:00，{name} <{address}> 写道："),
        _ => {
            let values = [format!("{name} <{address}>"), date.into(), (*to).to_owned(), (*subject).to_owned()];
            let lines: Vec<String> =
                labels.iter().zip(&values).map(|(label, value)| format!("{label}{value}")).collect();
            format!("{divider}\n{}", lines.join(" \n"))
        }
    };
    let plain = format!("{words}\n\n\n{signed}\n\n\n{head}\n\n{text}\n");
    let html = format!(
        "<html><head></head><body dir=\"auto\">{}<div dir=\"auto\"><br></div><div id=\"composer_signature\" dir=\"auto\"><div \
         dir=\"auto\">{signed}</div></div><div dir=\"auto\"><br></div><div dir=\"auto\" style=\"font-size:100%;color:#000000\">\
         {}</div><div><br></div>{}</body></html>",
        each(words, "<div dir=\"auto\">", "</div>"),
        each(&format!("<!-- originalMessage -->\n{head}"), "<div>", "</div>")
            .replace("<div>&lt;!-- originalMessage --&gt;</div>", ""),
        each(text, "<div>", "</div>")
    );
    parts(*n, plain, html)
}

fn notes(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, to, subject, text } = quoted;
    let attribution = match (language, n % 2) {
        (Zh, 0) => format!("{name} <{address}> 写于 2026-11-24 10:00:00:"),
        (Ja, 0) => format!("{name} <{address}> wrote on 2026/11/24 11:00:00:"),
        (En, 0) => format!("\"{name}\" <{address}> wrote on 11/24/2026 10:00:00 AM:"),
        (Zh, _) => format!("发件人:\t{name} <{address}>\n收件人:\t{to}\n日期:\t2026-11-24 10:00\n主题:\t{subject}"),
        (Ja, _) => format!("差出人:\t{name} <{address}>\n宛先:\t{to}\n日付:\t2026/11/24 11:00\n件名:\t{subject}"),
        (En, _) => format!("From:\t{name} <{address}>\nTo:\t{to}\nDate:\t11/24/2026 10:00 AM\nSubject:\t{subject}"),
    };
    let below = if n % 2 == 0 { behind("> ", text) } else { text.to_string() };
    let plain = format!("{words}\n\n\n\n{attribution}\n\n{below}\n");
    let font = "<font size=2 face=\"sans-serif\">";
    let head: String = attribution
        .lines()
        .map(|line| {
            format!("<font size=1 color=#5f5f5f face=\"sans-serif\">{}</font><br>", escaped(&line.replace('\t', " ")))
        })
        .collect();
    let html = format!(
        "{}<br><br>{head}{}<hr noshade><br><br><br><tt><font size=2>{}</font></tt><br>",
        each(words, font, "</font><br>\r\n"),
        if n % 2 == 0 { "" } else { "<br>" },
        each(text, "", "<br>\r\n")
    );
    parts(*n, plain, html)
}

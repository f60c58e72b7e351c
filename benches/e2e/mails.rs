//! A backlog of support mail, the same for every run of one seed.
//!
//! The questions are those of the gold set, so rules and templates do with them what they do with real ones. Around
//! each stands what stands around a question: a greeting, a signature, the mail that is answered, the same again as
//! HTML. A mail has 2 to 10 KB, the attachments of 6 % not counted; every mail has a sender of its own.

use std::fs;
use std::path::Path;

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Message, MultiPart, SinglePart};
use serde::Deserialize;

const SMALLEST: u64 = 2 << 10;
const LARGEST: u64 = 10 << 10;
const ATTACHED_PERCENT: u8 = 6;
/// Octets of an attachment before base64: a screenshot or a short document.
const ATTACHMENT: std::ops::Range<u64> = 10_000..60_000;

#[derive(Deserialize)]
struct Gold {
    mail: Vec<Question>,
}

#[derive(Deserialize, Clone)]
struct Question {
    lang: String,
    subject: String,
    body: String,
    #[serde(default)]
    html: bool,
}

pub struct Mails {
    questions: Vec<Question>,
    seed: u64,
}

impl Mails {
    pub fn new(root: &Path, seed: u64) -> Mails {
        let text = fs::read_to_string(root.join("tests/gold/development.toml")).expect("the gold set");
        let gold: Gold = toml::from_str(&text).expect("a gold set");
        let asked = |question: &Question| matches!(question.lang.as_str(), "zh" | "en") && !question.html;
        Mails { questions: gold.mail.into_iter().filter(asked).collect(), seed }
    }

    /// The `n`-th mail, from `c<n>@example.org`.
    pub fn mail(&self, n: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(self.seed.wrapping_add(n as u64));
        let question = &self.questions[random.usize(..self.questions.len())];
        let words = if question.lang == "zh" { &ZH } else { &EN };
        let mut text = format!("{}\r\n\r\n{}\r\n\r\n{} {n}\r\n", words.greeting, question.body.trim(), words.farewell);
        let wanted = random.u64(SMALLEST..LARGEST);
        let both = random.bool();
        // base64 makes four octets of three; the HTML says the same once more.
        let room = (wanted.saturating_sub(900) * 3 / 4 / if both { 2 } else { 1 }) as usize;
        if text.len() < room {
            text += &format!("\r\n{}\r\n", words.before);
        }
        while text.len() < room {
            text += &format!("> {}\r\n", words.filling[random.usize(..words.filling.len())]);
        }
        let plain = SinglePart::plain(text.clone());
        let body = match both {
            true => MultiPart::alternative().singlepart(plain).singlepart(SinglePart::html(html(&text))),
            false => MultiPart::mixed().singlepart(plain),
        };
        let body = match random.u8(..100) < ATTACHED_PERCENT {
            true => MultiPart::mixed().multipart(body).singlepart(attachment(&mut random)),
            false => body,
        };
        let subject = if question.subject.is_empty() { "." } else { &question.subject };
        Message::builder()
            .from(format!("c{n}@example.org").parse().unwrap())
            .to("support@example.com".parse().unwrap())
            .subject(subject)
            .message_id(Some(format!("<{:x}.{n}@example.org>", self.seed)))
            .multipart(body)
            .unwrap()
            .formatted()
    }
}

fn attachment(random: &mut fastrand::Rng) -> SinglePart {
    let content: Vec<u8> = (0..random.u64(ATTACHMENT)).map(|_| random.u8(..)).collect();
    Attachment::new("screen.png".into()).body(content, ContentType::parse("image/png").unwrap())
}

fn html(text: &str) -> String {
    let lines = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("\r\n", "<br>\r\n");
    format!("<html><body><div style=\"font-size:14px\">{lines}</div></body></html>")
}

struct Words {
    greeting: &'static str,
    farewell: &'static str,
    before: &'static str,
    filling: [&'static str; 4],
}

const ZH: Words = Words {
    greeting: "您好，",
    farewell: "谢谢！\r\n客户",
    before: "在 2026年11月20日，示例企业邮箱 <news@example.net> 写道：",
    filling: [
        "本周五下午两点在三楼会议室开会，请各部门准时参加，并带上本月的工作小结。",
        "附上上次讨论的纪要，如有不同意见请在周三之前回复，逾期视为同意。",
        "新的办公地点交通方便，地铁二号线出站步行五分钟即到，楼下有停车场。",
        "感谢大家一直以来的支持与配合，祝工作顺利，身体健康。",
    ],
};

const EN: Words = Words {
    greeting: "Hello,",
    farewell: "Kind regards,\r\ncustomer",
    before: "On Fri, 20 Nov 2026 at 10:02, Example News <news@example.net> wrote:",
    filling: [
        "The meeting is on Friday at two in the room on the third floor; please bring the notes of this month.",
        "These are the minutes of our last talk. Tell me by Wednesday if anything in them is not as you remember it.",
        "Our new office is five minutes on foot from the station, and there is a place to park in the basement.",
        "Thank you all for the good work of this year, and have a quiet week.",
    ],
};

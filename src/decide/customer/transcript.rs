//! All that was said in a case, for its requester: what they wrote and what they were answered, as files.
//!
//! It goes to the case's own address, and only that address can ask for it. Notes, forwards and other people's mails are
//! no part of it, and secrets are masked as they are everywhere.

use std::borrow::Cow;

use crate::case::Case;
use crate::compose::{self, Enclosure, Values};
use crate::decide::{self, heard};
use crate::language::Language;
use crate::message::Message;
use crate::outgoing::{Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::thread;
use crate::time::Timestamp;

use crate::decide::told::by_language;

/// Pieces in a transcript, the newest; and characters of one. A case with more is copied out by a human.
const MOST_PIECES: usize = 200;
const MOST_CHARS: usize = 20_000;
/// Octets of the whole text: with the PDF of it the mail stays below what any host takes.
const MOST_TEXT: usize = 256 * 1024;

/// Something that was said in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    pub at: Timestamp,
    pub by: Speaker,
    pub subject: String,
    pub text: String,
    /// Names of attachments.
    pub files: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    Requester,
    Bot,
    Agent,
}

/// What the requester said in this mail; none if it is somebody else's.
pub fn heard_from(message: &Message, case: &Case, playbook: &Playbook, at: Timestamp) -> Option<Utterance> {
    if !thread::is_requester(message, case) {
        return None;
    }
    let heard = heard::heard(message, &case.said);
    let message = decide::shown_alone(&heard, playbook, at);
    Some(Utterance {
        at,
        by: Speaker::Requester,
        subject: message.subject.clone(),
        text: message.segments.fresh.clone(),
        files: message.attachments.iter().map(|file| file.name.clone()).filter(|name| !name.is_empty()).collect(),
    })
}

/// What was said to the requester, by the bot or by an agent; none for any other mail of ours.
pub fn said_to(message: &Message, purpose: Purpose, playbook: &Playbook, at: Timestamp) -> Option<Utterance> {
    let (by, message) = match purpose {
        Purpose::Answer => (Speaker::Bot, Cow::Borrowed(message)),
        // An agent may have told them a password that they were to change.
        Purpose::Relay => (Speaker::Agent, decide::shown_alone(message, playbook, at)),
        Purpose::Forward | Purpose::Receipt | Purpose::Notice => return None,
    };
    Some(Utterance { at, by, subject: message.subject.clone(), text: message.text.clone(), files: Vec::new() })
}

/// The mail to the requester, with the transcript as text and as PDF.
pub(in crate::decide) fn transcript(
    case: &Case,
    said: &[Utterance],
    playbook: &Playbook,
    now: Timestamp,
) -> Option<Outgoing> {
    let to = case.requester.as_ref()?;
    let mailbox = playbook.config().mailbox(&case.mailbox)?;
    let language = case.language;
    let mut values: Values = playbook.values(&case.group, language, now);
    values.text("case.number", &case.number.to_string());
    let written = playbook.templates().render(&own(OwnTemplates::TRANSCRIPT), language, &values).ok()?;
    let text = text(case, said, playbook, now);
    let title = by_language(language, "案件往来记录", "Case record", "お問い合わせの記録");
    let pdf = compose::pdf(&format!("{title} {}", case.number), &text, language);
    let files = [
        Enclosure::text(&format!("{}.txt", case.number), &text),
        Enclosure::new(&format!("{}.pdf", case.number), "application/pdf", pdf),
    ];
    let voice = playbook.voice(mailbox, language);
    let (key, name) = (playbook.key(), format!("transcript {now}"));
    Some(compose::enclosing(key, &voice, case.number, to, &case.work.thread, &written, &files, &name, now))
}

fn text(case: &Case, said: &[Utterance], playbook: &Playbook, now: Timestamp) -> String {
    let language = case.language;
    let calendar = playbook.rules().taxonomy().calendar(&case.group);
    let moment = |at: Timestamp| match calendar {
        Some(calendar) => compose::describe_moment_for_good(calendar, at, language),
        None => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    };
    let left_out = said.len().saturating_sub(MOST_PIECES);
    let mut text = head(case, &moment(now), language, playbook);
    if left_out > 0 {
        text += &by_language(
            language,
            format!("（较早的 {left_out} 封未列出）\n"),
            format!("(the {left_out} earliest emails are left out)\n"),
            format!("（古い{left_out}通は省略しております）\n"),
        );
    }
    for piece in &said[left_out..] {
        let by = match piece.by {
            Speaker::Requester => by_language(language, "您写道", "You wrote", "お客様より").to_owned(),
            Speaker::Bot => by_language(language, "自动答复", "Automatic reply", "自動返信").to_owned(),
            Speaker::Agent => playbook.group_label(&case.group, language),
        };
        text += &format!("\n{}\n{}  {by}\n", "─".repeat(30), moment(piece.at));
        if !piece.subject.is_empty() {
            text += &format!("{}{}\n", by_language(language, "主题：", "Subject: ", "件名："), piece.subject);
        }
        if !piece.files.is_empty() {
            let label = by_language(language, "附件：", "Attachments: ", "添付：");
            text += &format!("{label}{}\n", piece.files.join(by_language(language, "、", ", ", "、")));
        }
        let chars: String = piece.text.trim().chars().take(MOST_CHARS).collect();
        text += &format!("\n{chars}\n");
        if text.len() > MOST_TEXT {
            text += by_language(
                language,
                "\n（内容过长，到此为止）\n",
                "\n(cut here: too long)\n",
                "\n（長いため、ここまで）\n",
            );
            break;
        }
    }
    text
}

fn head(case: &Case, now: &str, language: Language, playbook: &Playbook) -> String {
    let (number, group) = (case.number, playbook.group_label(&case.group, language));
    by_language(
        language,
        format!(
            "案号：{number}\n负责：{group}\n制作时间：{now}\n\n以下是本案中您与我们的全部往来。密码等敏感信息已遮盖（▮▮▮▮）。\n"
        ),
        format!(
            "Case number: {number}\nTeam: {group}\nRecord made: {now}\n\nThis is everything that you and we wrote in this case. Passwords and other secrets are masked (▮▮▮▮).\n"
        ),
        format!(
            "受付番号：{number}\n担当：{group}\n作成：{now}\n\n本件でお客様と当窓口の間で交わされたメールの全文です。パスワードなどの機密情報は伏せ字（▮▮▮▮）にしております。\n"
        ),
    )
}

//! Automatic mail that no header gives away, told by its text.
//!
//! The phrases count only where a program puts them: at the beginning of what was written now, footers also
//! at the end. A person who quotes one tells first what it is about, or asks something of us; then it
//! proves nothing.

use std::cell::LazyCell;
use std::sync::LazyLock;

use regex::Regex;

use super::plain::plain;
use super::{Reason, phrases, robots, subject};
use crate::message::Message;
use crate::patterns::Patterns;

/// Makes the patterns now, instead of while the first mail waits.
pub(super) fn prepare() {
    let phrases = [
        &BOUNCE,
        &TROUBLE,
        &AWAY,
        &ABSENT,
        &REPLYING,
        &NOTICE,
        &FOOTER,
        &BULK,
        &ASKING,
        &TELLING,
        &ANYWHERE,
        &TRANSCRIPT,
    ];
    for phrases in phrases {
        phrases.is_match("");
    }
    LINK.is_match("");
}

/// Characters of a text looked at.
const LOOKED_AT: usize = 20_000;
/// Characters in which a program has said what it is.
const OPENING: usize = 700;
/// Characters in which a person has said what they want.
const FIRST_WORDS: usize = 250;
/// Characters at the end in which a footer stands.
const CLOSING: usize = 1_500;
/// Lines a mail system may write (a logo, a greeting, a rule) before it says that it is one.
const BANNER: usize = 6;
/// Characters of a phrase, however it is broken into lines.
const PHRASE: usize = 320;

static BOUNCE: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::BOUNCE]));
static TROUBLE: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::TROUBLE]));
static AWAY: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::AWAY]));
static ABSENT: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::ABSENT]));
static REPLYING: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::REPLYING]));
static NOTICE: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::NOTICE]));
static FOOTER: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::FOOTER]));
static BULK: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::BULK]));
static ASKING: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::ASKING]));
static TELLING: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::TELLING]));

/// All that may stand anywhere near the beginning or the end.
static ANYWHERE: LazyLock<Patterns> =
    LazyLock::new(|| said(&[phrases::AWAY, phrases::ABSENT, phrases::FOOTER, phrases::BULK]));

/// What the other host said, in the middle of a report: `550 5.1.1`, `RCPT TO:<a@b>`.
static TRANSCRIPT: LazyLock<Patterns> = LazyLock::new(|| said(&[phrases::TRANSCRIPT]));

/// Web addresses: the `?` in them asks nothing.
static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\w+://\S+").expect("the pattern is tested with the program"));

fn said(lists: &[&'static [&'static str]]) -> Patterns {
    Patterns::new(lists.concat())
}

/// Finds what the text says.
pub fn look(message: &Message, found: &mut Vec<Reason>) {
    let text = own_words(message);
    let unwrapped = unwrap(&text);
    let (opening, closing) = (head(&unwrapped, OPENING), tail(&unwrapped, CLOSING));
    let asks = LazyCell::new(|| ASKING.is_match(&unwrapped));
    let asks_at_once = LazyCell::new(|| ASKING.is_match(head(&unwrapped, FIRST_WORDS)));
    // `Fwd:` and `Re:` are a person's, unless a mail system writes them.
    let system = message.is_from_mail_system();
    let passed_on = LazyCell::new(|| subject::is_passed_on(message) && !system);
    // Most mail has nothing of it.
    let anything = ANYWHERE.words_in(&unwrapped);

    if is_bounce(message, system, &text, &asks, &asks_at_once) && !*passed_on {
        found.push(Reason::BounceText);
    }
    let away = || AWAY.is_match(opening) || (ABSENT.is_match(opening) && REPLYING.is_match(&unwrapped));
    if anything && away() && !*asks {
        found.push(Reason::AutoReplyText);
    }
    let begins_as_notice = paragraphs(opening).take(2).any(|paragraph| NOTICE.is_match(paragraph));
    let ends_as_notice = || FOOTER.is_match(opening) || FOOTER.is_match(closing);
    if begins_as_notice && !*passed_on && !*asks_at_once || anything && ends_as_notice() && !*asks {
        found.push(Reason::NoticeText);
    }
    if anything && (BULK.is_match(opening) || BULK.is_match(closing)) && !*asks_at_once {
        found.push(Reason::BulkText);
    }
}

/// Is the text a mail system's? A formula at the beginning is enough where nothing is asked. What people say
/// too needs something that points the same way. A postmaster who asks nothing and speaks of trouble is one.
fn is_bounce(
    message: &Message,
    system: bool,
    text: &str,
    asks: &LazyCell<bool, impl FnOnce() -> bool>,
    asks_at_once: &LazyCell<bool, impl FnOnce() -> bool>,
) -> bool {
    let robot = || message.from.iter().any(|person| robots::sender(&person.written).is_some());
    let original = carries_original(message);
    let troubled = LazyCell::new(|| subject::speaks_of_trouble(message));
    let likely = LazyCell::new(|| system || robot() || subject::is_bounce(message) || (original && *troubled));

    let first_lines = FirstLines::of(text);
    let begins_with = |phrases: &Patterns| first_lines.begin_with(phrases, system);
    let formula = || begins_with(&BOUNCE) && (*likely || !**asks);
    let trouble = || *likely && !**asks_at_once && begins_with(&TROUBLE);
    let nothing_else = || system && (text.is_empty() || subject::is_bounce(message));
    let postmaster = || system && !**asks && (original || *troubled || TRANSCRIPT.is_match(text));
    formula() || trouble() || nothing_else() || postmaster()
}

/// The beginning of a text without its line breaks, and where in it the first lines begin.
struct FirstLines {
    joined: String,
    starts: Vec<usize>,
}

impl FirstLines {
    fn of(text: &str) -> FirstLines {
        let (mut joined, mut starts) = (String::new(), Vec::with_capacity(BANNER));
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !joined.is_empty() {
                joined.push(' ');
            }
            if starts.len() < BANNER {
                starts.push(joined.len());
            } else if starts.last().is_some_and(|last| joined.len() - last > 4 * PHRASE) {
                break;
            }
            joined.push_str(line);
        }
        FirstLines { joined, starts }
    }

    /// Does a phrase begin with one of the lines, before somebody begins to tell something? A mail system may say
    /// "I'm sorry" without being somebody.
    fn begin_with(&self, phrases: &Patterns, system: bool) -> bool {
        let beginnings = || self.starts.iter().map(|start| head(&self.joined[*start..], PHRASE));
        if !beginnings().any(|beginning| phrases.words_in(beginning)) {
            return false;
        }
        let telling = |at: usize| {
            let end = self.starts.get(at + 1).map_or(self.joined.len(), |next| next - 1);
            !system && TELLING.is_match(&self.joined[self.starts[at]..end])
        };
        let told = (0..self.starts.len()).find(|at| telling(*at)).unwrap_or(BANNER);
        beginnings().take(told + 1).any(|beginning| phrases.is_match(beginning))
    }
}

/// The mail somebody wrote to somebody else hangs below, or its header.
fn carries_original(message: &Message) -> bool {
    message
        .types
        .iter()
        .any(|media| matches!(media.as_str(), "message/rfc822" | "text/rfc822-headers" | "message/rfc822-headers"))
}

/// What stands in the mail as the sender's own, plain: no quotes, no forwarded mail, no web addresses.
fn own_words(message: &Message) -> String {
    let lines = message.segments.fresh.lines().chain(message.segments.signature.lines());
    let own: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with('>')).collect();
    let text = plain(&own.join("\n"), LOOKED_AT);
    let text = if text.contains("://") { LINK.replace_all(&text, "link") } else { text.as_str().into() };
    text.trim().to_owned()
}

/// Lines of one paragraph joined: phrases are broken anywhere.
fn unwrap(text: &str) -> String {
    let (mut unwrapped, mut open) = (String::with_capacity(text.len()), false);
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            if open {
                unwrapped.push('\n');
            }
            open = false;
        } else {
            if open {
                unwrapped.push(' ');
            }
            unwrapped.push_str(line);
            open = true;
        }
    }
    unwrapped
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

/// The first `most` characters.
fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = text.char_indices().nth(most).map_or(text.len(), |(i, _)| i);
    &text[..end]
}

/// The last `most` characters.
fn tail(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let start = text.char_indices().rev().nth(most.saturating_sub(1)).map_or(0, |(i, _)| i);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::screen;
    use crate::screen::specimen::{from_ann, mail};

    fn codes(message: &Message) -> Vec<&'static str> {
        screen(message, None).reasons.iter().map(|reason| reason.code()).collect()
    }

    /// Every text is silenced when Ann sends it, by `code` before all.
    fn silenced_by(code: &str, texts: &[&str]) {
        let missed: Vec<_> = texts
            .iter()
            .map(|text| (text, codes(&from_ann("Subject: Hello", text))))
            .filter(|(_, codes)| codes.first() != Some(&code))
            .collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn v21_somebody_who_is_away_is_not_answered() {
        silenced_by(
            "auto-reply-text",
            &[
                "Thank you for your e-mail. I am out of the office until May 23 and will reply then.",
                "Hello,\n\nI’m currently on annual leave and will be back\non Monday.\n\nAnn",
                "I will have limited access to e-mail this week.",
                "This is an automatic reply. I will answer soon.",
                "Vielen Dank für Ihre Nachricht. Ich bin bis zum 5. Mai nicht im Büro.\n\nIhre E-Mail wird nicht weitergeleitet.",
                "Bonjour, je suis absente du bureau jusqu'au 5 mai. En cas d'urgence, écrivez à Jean.",
                "Estoy de vacaciones hasta el lunes. Responderé a mi regreso.",
                "Sono in ferie fino a lunedì, risponderò al rientro.",
                "Ik ben tot maandag afwezig en lees uw bericht daarna.",
                "Jag är på semester och svarar på måndag.",
                "您好，我正在休假，有事请联系我的同事。",
                "您好，我现在有事，无法及时回复您的邮件。",
                "这是一封自动回复邮件。您的来信已收到，我会尽快回复。",
                "您发给我的信件已经收到。",
                "您的邮件我已收到，会尽快给您回复。謝謝",
                "我目前不在辦公室，急事請聯絡王小姐。",
                "お世話になっております。夏季休業中のため、8月16日以降にご返信いたします。",
                "ただいま不在にしております。月曜日にご連絡いたします。",
                "休暇をいただいております。月曜日に対応いたします。",
            ],
        );
    }

    #[test]
    fn d01_a_bounce_in_plain_words_is_not_answered() {
        silenced_by(
            "bounce-text",
            &[
                "Hi. This is the qmail-send program at example.org.\nI'm afraid I wasn't able to deliver your message.",
                "This is the mail system at host mx.example.org.\n\nI'm sorry to have to inform you that your message could not\nbe delivered.",
                "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered.",
                "Your message\n\n  To: b@example.net\n  Subject: Hello\n\ndid not reach the following recipient(s):",
                "Delivery to the following recipient failed permanently:\n\n     b@example.net",
                "** Address not found **\n\nYour message wasn't delivered to b@example.net",
                "Delivery has failed to these recipients or groups:\n\nb@example.net",
                "The original message was received at Thu, 29 Apr 2027 23:45:01 +0900",
                "Ihre Nachricht konnte nicht zugestellt werden.",
                "Votre message n'a pas pu être remis à b@example.net.",
                "抱歉，您的邮件被退回来了…… 收件人 b@example.net 不存在",
                "很抱歉您发送的邮件被退回，以下是该邮件的相关信息：",
                "您收到的是来自 Coremail 专业邮件系统的信件。以下是被退回的邮件",
                "您发往 b@example.net 的邮件未能送达。",
                "次のあて先へのメッセージはエラーのため送信できませんでした。",
                "お客様が送信したメールは配信できませんでした。",
            ],
        );
    }

    #[test]
    fn d01_what_people_also_say_needs_a_mail_system_behind_it() {
        let text = "550 5.1.1 user unknown\nb@example.net";
        assert!(codes(&from_ann("Subject: Hello", text)).is_empty());
        let from = |header: &str, text: &str| codes(&mail(&format!("{header}\nTo: support@example.com"), text));
        assert_eq!(from("From: postmaster@example.org", text), ["bounce-text"]);
        assert_eq!(from("From: \"Mail Delivery System\" <mds@example.org>", text), ["bounce-text"]);
        assert_eq!(from("From: postmaster@example.org", ""), ["bounce-text"]);
        let trouble = "From: postmaster@example.org\nSubject: Mail delivery failed";
        assert_eq!(from(trouble, "No luck with b@example.net."), ["bounce-text"]);
        assert_eq!(from("From: noreply@example.org", text), ["bounce-text", "robot-sender"]);
        let human = "Hello, you reject our mail with 550 5.7.1. How can we fix this?";
        assert!(from("From: postmaster@example.org", human).is_empty(), "postmasters ask, too");
    }

    #[test]
    fn v21_the_notices_of_programs_are_not_answered() {
        silenced_by(
            "notice-text",
            &[
                "Thank you for contacting Example. We have received your request and will answer soon.",
                "Dear customer,\n\nyour ticket 4711 has been created.",
                "## Please type your reply above this line ##\n\nHello Ann",
                "Ihre Anfrage ist bei uns eingegangen.",
                "Nous avons bien reçu votre demande.",
                "感谢您的来信，您的问题已受理，工单号 4711。",
                "您好！我们已收到您的邮件。",
                "この度はお問い合わせいただきありがとうございます。",
                "Your order is on its way.\n\nThis is an automatically generated message, please do not reply to this e-mail.",
                "Your invoice is attached.\n\nPlease do not reply to this\nmessage.",
                "您的账单已出。此邮件由系统自动发出，请勿直接回复。",
                "ご注文を承りました。\n\n※本メールは送信専用のため、返信いただけません。",
                "Your message to b@example.net is being held until you confirm that you sent it.",
                "Your message was read on Monday.",
                "A fax has arrived from remote ID 12.",
                "<?xml version=\"1.0\"?><lead/>",
                "{\"type\": \"Notification\"}",
            ],
        );
    }

    #[test]
    fn a07_mass_mail_is_known_by_its_frame() {
        silenced_by(
            "bulk-text",
            &[
                "Great offers this week!\n\nTo unsubscribe click here: https://example.org/u?id=1",
                "Great offers!\nYou are receiving this email because you registered.",
                "Having trouble viewing this email: view it in your browser\n\nGreat offers!",
                "本周特价。\n\n如不想再收到此类邮件，请点击退订。",
                "今週のお知らせ\n\n配信停止はこちら",
            ],
        );
    }

    #[test]
    fn whoever_asks_is_answered_whatever_they_quote() {
        let questions = [
            "My out-of-office reply does not work.",
            "I set the text \"I am out of the office until Monday\". Why do people not get it?",
            "Hello,\n\nwhen I write to b@example.net, I get:\n\nThis is the mail system at host mx.example.org.\nI'm sorry to have to inform you that your message could not be delivered.",
            "My message to b@example.net could not be delivered.",
            "The message to b@example.net could not be delivered since Monday.",
            "Mail delivery failed again, with error 550 5.1.1.",
            "550 User unknown",
            "> This is the mail system at host mx.example.org.\n\nWhat does this mean?",
            "-----Original Message-----\nFrom: Mail Delivery System\n\nThis is the mail system at host x.",
            "I got this, is it real?\n\nYour account is locked. Please do not reply to this e-mail.",
            "How do I unsubscribe from your newsletter?",
            "I have trouble viewing my mail in the browser.",
            "I cannot read this email you sent me.",
            "Your e-mail was not clear to me.",
            "Your message did not help.",
            "We received your invoice, thank you.",
            "I am on leave and need access to my mailbox.",
            "My account is not active. I cannot log in.",
            "I'll be travelling from 1 to 20 April, tell my bank.",
            "I am on vacation in Spain and need to change my PIN.",
            "Ich bin im Urlaub und kann meine E-Mails nicht abrufen.",
            "我在休假，手机上登录不了邮箱",
            "Please send me a read receipt when you get this.",
            "自动回复设置后不生效",
            "自动回复怎么关闭？",
            "我的邮件发送失败，提示收件人不存在。",
            "我的邮箱已满，无法接收邮件",
            "给客户发邮件被退回，提示：您的邮件被退回，为什么？",
            "我在外地出差，手机收不到验证码",
            "客户说收不到我的邮件",
            "我要退订会员服务",
            "メールが送信できません。",
            "自動返信メールが届きません。",
            "宛先が存在しないというエラーが出ます。",
            "出張先でメールが読めません。",
            "お問い合わせフォームが動きません。",
            "Ich kann keine E-Mails senden.",
            "Je ne reçois pas la réponse automatique.",
            "test",
            "",
        ];
        let silenced: Vec<_> = questions
            .iter()
            .map(|text| (text, codes(&from_ann("Subject: Hello", text))))
            .filter(|(_, codes)| !codes.is_empty())
            .collect();
        assert!(silenced.is_empty(), "{silenced:#?}");
    }

    #[test]
    fn whoever_passes_a_bounce_on_is_answered() {
        let bounce = "This is the mail system at host mx.example.org.\n\nYour message could not be delivered.";
        for subject in ["Fwd: Undelivered Mail Returned to Sender", "Re: Hello", "转发：系统退信"] {
            assert!(codes(&from_ann(&format!("Subject: {subject}"), bounce)).is_empty(), "{subject}");
        }
    }

    #[test]
    fn a_long_text_costs_no_more_than_its_limit() {
        let long = "我的邮件 I am not sure, あ ".repeat(200_000);
        assert!(codes(&from_ann("", &long)).is_empty());
        assert!(own_words(&from_ann("", &long)).chars().count() <= LOOKED_AT);
    }
}

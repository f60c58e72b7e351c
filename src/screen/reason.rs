//! Why a mail is not answered automatically, from the most telling reason to the least.

use super::Kind;
use crate::language::Language;

/// Why a mail is not answered automatically. Never why a mail is dropped: every mail is read by somebody.
///
/// The order is that of how much a reason tells about the mail; [`Kind`] is taken from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    OwnMail,
    OwnAddress,
    DeliveryReport,
    MailSystemSender,
    BounceText,
    Report,
    Junk,
    ListHeader,
    AutoSubmitted,
    AutomaticHeader,
    AutoReplyText,
    NullReturnPath,
    Precedence,
    BulkHeader,
    BulkText,
    NoticeText,
    AutomaticSubject,
    RobotSender,
    LookAlike,
    AuthenticationFailed,
    ListedAddress,
    Robot,
    LoopMark,
    DeliveredToLoop,
    TooManyHops,
    ResponseSuppressed,
    Malformed,
    NoSenderAddress,
    SeveralAuthors,
    NotAddressed,
    ManyOrganisations,
    NotAuthenticated,
    Stale,
    Baseline,
}

/// What there is to say about a reason.
struct Entry {
    code: &'static str,
    /// The row of docs/standards.md it comes from.
    row: &'static str,
    /// What the reason tells about the mail; `None` where it tells nothing.
    kind: Option<Kind>,
    en: &'static str,
    zh: &'static str,
}

impl Reason {
    pub const ALL: [Reason; 34] = [
        Reason::OwnMail,
        Reason::OwnAddress,
        Reason::DeliveryReport,
        Reason::MailSystemSender,
        Reason::BounceText,
        Reason::Report,
        Reason::Junk,
        Reason::ListHeader,
        Reason::AutoSubmitted,
        Reason::AutomaticHeader,
        Reason::AutoReplyText,
        Reason::NullReturnPath,
        Reason::Precedence,
        Reason::BulkHeader,
        Reason::BulkText,
        Reason::NoticeText,
        Reason::AutomaticSubject,
        Reason::RobotSender,
        Reason::LookAlike,
        Reason::AuthenticationFailed,
        Reason::ListedAddress,
        Reason::Robot,
        Reason::LoopMark,
        Reason::DeliveredToLoop,
        Reason::TooManyHops,
        Reason::ResponseSuppressed,
        Reason::Malformed,
        Reason::NoSenderAddress,
        Reason::SeveralAuthors,
        Reason::NotAddressed,
        Reason::ManyOrganisations,
        Reason::NotAuthenticated,
        Reason::Stale,
        Reason::Baseline,
    ];

    /// The stable code, as `explain`, `inspect` and the journal write it.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// The row of the requirement behind it.
    pub fn row(self) -> &'static str {
        self.entry().row
    }

    /// The kind of mail this reason shows, if it shows one.
    pub fn kind(self) -> Option<Kind> {
        self.entry().kind
    }

    /// One line for a person who asks why nothing was answered.
    pub fn explanation(self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.entry().zh,
            Language::En | Language::Ja => self.entry().en,
        }
    }

    pub fn parse(code: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    fn entry(self) -> Entry {
        let entry = |code, row, kind, en, zh| Entry { code, row, kind, en, zh };
        match self {
            Reason::OwnMail => entry(
                "own-mail",
                "A12",
                Some(Kind::Own),
                "the bot wrote this mail itself: it carries our proof",
                "这是机器人自己发出的邮件：带有本机的证明",
            ),
            Reason::OwnAddress => entry(
                "own-address",
                "A12",
                // Anyone can write our address into From: people decide what such a mail is.
                None,
                "the sender is one of our own support addresses",
                "发件人是我们自己的支持地址",
            ),
            Reason::DeliveryReport => entry(
                "delivery-report",
                "A11",
                Some(Kind::Bounce),
                "a delivery report of a mail system",
                "这是邮件系统的投递报告",
            ),
            Reason::MailSystemSender => entry(
                "mail-system-sender",
                "A05",
                Some(Kind::Bounce),
                "the sender is a mail system such as MAILER-DAEMON",
                "发件人是邮件系统（如 MAILER-DAEMON）",
            ),
            Reason::BounceText => {
                entry("bounce-text", "D01", Some(Kind::Bounce), "the text is that of a bounce", "正文是退信内容")
            }
            Reason::Report => entry(
                "report",
                "A11",
                Some(Kind::Report),
                "a report: read receipt, abuse, DMARC or TLS report",
                "这是报告类邮件：已读回执、滥用投诉、DMARC 或 TLS 报告",
            ),
            Reason::Junk => {
                entry("junk", "A16", Some(Kind::Junk), "the mail host says it is spam", "邮件服务器判定为垃圾邮件")
            }
            Reason::ListHeader => entry(
                "list-header",
                "A06",
                Some(Kind::List),
                "a List-* field says it came by a mailing list",
                "List-* 标头表明它来自邮件列表",
            ),
            Reason::AutoSubmitted => entry(
                "auto-submitted",
                "A01",
                Some(Kind::AutoReply),
                "Auto-Submitted says that a program wrote it",
                "Auto-Submitted 标头表明由程序发出",
            ),
            Reason::AutomaticHeader => entry(
                "automatic-header",
                "A01",
                Some(Kind::AutoReply),
                "a field that only programs write, such as X-Autoreply",
                "带有只有程序才会写的标头（如 X-Autoreply）",
            ),
            Reason::AutoReplyText => entry(
                "auto-reply-text",
                "V21",
                Some(Kind::AutoReply),
                "the text is that of an automatic reply",
                "正文是自动回复内容",
            ),
            Reason::NullReturnPath => entry(
                "null-return-path",
                "A02",
                Some(Kind::AutoReply),
                "the envelope sender is empty: no reply is wanted",
                "信封发件人为空，表示不希望收到回复",
            ),
            Reason::Precedence => entry(
                "precedence",
                "A07",
                Some(Kind::List),
                "Precedence says bulk, junk, list or auto_reply",
                "Precedence 标头为 bulk、junk、list 或 auto_reply",
            ),
            Reason::BulkHeader => entry(
                "bulk-header",
                "A07",
                Some(Kind::List),
                "fields or an envelope sender that mass mailings have",
                "带有群发邮件的标头或信封发件人",
            ),
            Reason::BulkText => {
                entry("bulk-text", "A07", Some(Kind::List), "the text tells how to unsubscribe", "正文带有退订说明")
            }
            Reason::NoticeText => entry(
                "notice-text",
                "V21",
                Some(Kind::AutoReply),
                "the text is that of a notice written by a program",
                "正文是程序发出的通知",
            ),
            Reason::AutomaticSubject => entry(
                "automatic-subject",
                "A19",
                None,
                "the subject looks like that of an automatic mail",
                "主题像自动邮件",
            ),
            Reason::RobotSender => entry(
                "robot-sender",
                "A05",
                None,
                "the sender's address is one nobody reads, such as noreply@",
                "发件地址无人查看（如 noreply@）",
            ),
            Reason::LookAlike => entry(
                "look-alike",
                "X03",
                None,
                "the sender's domain only looks like one of ours",
                "发件域名与我们的域名形似而不同，谨防冒充",
            ),
            Reason::AuthenticationFailed => entry(
                "authentication-failed",
                "A18",
                None,
                "the sender's domain does not vouch for this mail: From may be forged",
                "发件域名的身份核验未通过，发件人可能是伪造的",
            ),
            Reason::ListedAddress => entry(
                "listed-address",
                "A05",
                None,
                "the sender is an agent, a group, another bot or on the never-answer list",
                "发件人是客服、客服组、其他机器人或在不回复名单中",
            ),
            Reason::Robot => entry(
                "robot",
                "V21",
                None,
                "the sender answered our mails within seconds, several times: a program",
                "发件人多次在数秒内回复我们的邮件，应为程序",
            ),
            Reason::LoopMark => entry(
                "loop-mark",
                "A12",
                None,
                "a loop mark (X-Loop) that is not proven to be ours",
                "带有无法证明属于本机的循环标记（X-Loop）",
            ),
            Reason::DeliveredToLoop => entry(
                "delivered-to-loop",
                "V21",
                None,
                "it passed through the same mailbox several times",
                "多次经过同一个邮箱",
            ),
            Reason::TooManyHops => entry(
                "too-many-hops",
                "A13",
                None,
                "it went through more than 50 mail servers",
                "经过了超过 50 个邮件服务器",
            ),
            Reason::ResponseSuppressed => entry(
                "response-suppressed",
                "A08",
                None,
                "X-Auto-Response-Suppress asks for no automatic reply",
                "X-Auto-Response-Suppress 要求不要自动回复",
            ),
            Reason::Malformed => {
                entry("malformed", "A14", None, "too broken to be answered safely", "邮件格式损坏，无法安全回复")
            }
            Reason::NoSenderAddress => entry(
                "no-sender-address",
                "A03",
                None,
                "there is no address in From that we would write to",
                "From 中没有可以写信的地址",
            ),
            Reason::SeveralAuthors => entry(
                "several-authors",
                "A04",
                None,
                "From names several people or stands twice",
                "From 有多个发件人或出现两次",
            ),
            Reason::NotAddressed => entry(
                "not-addressed",
                "A09",
                None,
                "none of our addresses stands in To or Cc",
                "收件人和抄送中没有我们的地址",
            ),
            Reason::ManyOrganisations => entry(
                "many-organisations",
                "A07",
                None,
                "written to many organisations at once",
                "同时发给许多不同的单位",
            ),
            Reason::NotAuthenticated => entry(
                "not-authenticated",
                "A18",
                None,
                "nothing confirms the sender's domain, and only confirmed senders are answered",
                "发件域名未经证实，按设置只自动答复已证实的发件人",
            ),
            Reason::Stale => entry("stale", "A17", None, "it came too long ago", "邮件到达已久，答复只会让人困惑"),
            Reason::Baseline => entry(
                "baseline",
                "A17",
                None,
                "it was in the mailbox before the bot was first started",
                "机器人首次启动前已在邮箱中",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_an_entry_for_the_admin() {
        let manual = include_str!("../../docs/screening.md");
        for (i, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(Reason::parse(reason.code()), Some(reason), "{reason:?}");
            assert_eq!(Reason::ALL.iter().position(|r| *r == reason), Some(i));
            assert!(
                manual.contains(&format!("\n### `{}` ({})\n", reason.code(), reason.row())),
                "docs/screening.md has no entry for {}",
                reason.code()
            );
            for language in Language::ALL {
                let text = reason.explanation(language);
                assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'));
            }
        }
        assert_eq!(manual.matches("\n### ").count(), Reason::ALL.len());
        assert!(Reason::ALL.is_sorted());
    }
}

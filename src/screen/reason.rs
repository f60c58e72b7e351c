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
    ja: &'static str,
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
            Language::En => self.entry().en,
            Language::Ja => self.entry().ja,
        }
    }

    pub fn parse(code: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    fn entry(self) -> Entry {
        let entry = |code, row, kind, en, zh, ja| Entry { code, row, kind, en, zh, ja };
        match self {
            Reason::OwnMail => entry(
                "own-mail",
                "A12",
                Some(Kind::Own),
                "the bot wrote this mail itself: it carries our proof",
                "这是机器人自己发出的邮件：带有本机的证明",
                "この窓口のシステム自身が送ったメールです（当方の証明付き）",
            ),
            Reason::OwnAddress => entry(
                "own-address",
                "A12",
                // Anyone can write our address into From: people decide what such a mail is.
                None,
                "the sender is one of our own support addresses",
                "发件人是我们自己的支持地址",
                "差出人が当方のサポート用アドレスです",
            ),
            Reason::DeliveryReport => entry(
                "delivery-report",
                "A11",
                Some(Kind::Bounce),
                "a delivery report of a mail system",
                "这是邮件系统的投递报告",
                "メールシステムの配信レポートです",
            ),
            Reason::MailSystemSender => entry(
                "mail-system-sender",
                "A05",
                Some(Kind::Bounce),
                "the sender is a mail system such as MAILER-DAEMON",
                "发件人是邮件系统（如 MAILER-DAEMON）",
                "差出人がメールシステム（MAILER-DAEMON など）です",
            ),
            Reason::BounceText => entry(
                "bounce-text",
                "D01",
                Some(Kind::Bounce),
                "the text is that of a bounce",
                "正文是退信内容",
                "本文が不達通知です",
            ),
            Reason::Report => entry(
                "report",
                "A11",
                Some(Kind::Report),
                "a report: read receipt, abuse, DMARC or TLS report",
                "这是报告类邮件：已读回执、滥用投诉、DMARC 或 TLS 报告",
                "開封確認、迷惑行為の通報、DMARC、TLS などのレポートです",
            ),
            Reason::Junk => entry(
                "junk",
                "A16",
                Some(Kind::Junk),
                "the mail host says it is spam",
                "邮件服务器判定为垃圾邮件",
                "メールサーバーが迷惑メールと判定しました",
            ),
            Reason::ListHeader => entry(
                "list-header",
                "A06",
                Some(Kind::List),
                "a List-* field says it came by a mailing list",
                "List-* 标头表明它来自邮件列表",
                "List-* ヘッダーがあり、メーリングリスト経由です",
            ),
            Reason::AutoSubmitted => entry(
                "auto-submitted",
                "A01",
                Some(Kind::AutoReply),
                "Auto-Submitted says that a program wrote it",
                "Auto-Submitted 标头表明由程序发出",
                "Auto-Submitted ヘッダーにより、プログラムが送ったメールです",
            ),
            Reason::AutomaticHeader => entry(
                "automatic-header",
                "A01",
                Some(Kind::AutoReply),
                "a field that only programs write, such as X-Autoreply",
                "带有只有程序才会写的标头（如 X-Autoreply）",
                "プログラムだけが付けるヘッダー（X-Autoreply など）があります",
            ),
            Reason::AutoReplyText => entry(
                "auto-reply-text",
                "V21",
                Some(Kind::AutoReply),
                "the text is that of an automatic reply",
                "正文是自动回复内容",
                "本文が自動返信です",
            ),
            Reason::NullReturnPath => entry(
                "null-return-path",
                "A02",
                Some(Kind::AutoReply),
                "the envelope sender is empty: no reply is wanted",
                "信封发件人为空，表示不希望收到回复",
                "エンベロープの差出人が空で、返信を求めていません",
            ),
            Reason::Precedence => entry(
                "precedence",
                "A07",
                Some(Kind::List),
                "Precedence says bulk, junk, list or auto_reply",
                "Precedence 标头为 bulk、junk、list 或 auto_reply",
                "Precedence ヘッダーが bulk、junk、list、auto_reply のいずれかです",
            ),
            Reason::BulkHeader => entry(
                "bulk-header",
                "A07",
                Some(Kind::List),
                "fields or an envelope sender that mass mailings have",
                "带有群发邮件的标头或信封发件人",
                "一斉配信のヘッダーまたはエンベロープ差出人があります",
            ),
            Reason::BulkText => entry(
                "bulk-text",
                "A07",
                Some(Kind::List),
                "the text tells how to unsubscribe",
                "正文带有退订说明",
                "本文に配信停止の案内があります",
            ),
            Reason::NoticeText => entry(
                "notice-text",
                "V21",
                Some(Kind::AutoReply),
                "the text is that of a notice written by a program",
                "正文是程序发出的通知",
                "本文がプログラムによる通知です",
            ),
            Reason::AutomaticSubject => entry(
                "automatic-subject",
                "A19",
                None,
                "the subject looks like that of an automatic mail",
                "主题像自动邮件",
                "件名が自動送信メールのようです",
            ),
            Reason::RobotSender => entry(
                "robot-sender",
                "A05",
                None,
                "the sender's address is one nobody reads, such as noreply@",
                "发件地址无人查看（如 noreply@）",
                "差出人が誰も読まないアドレス（noreply@ など）です",
            ),
            Reason::LookAlike => entry(
                "look-alike",
                "X03",
                None,
                "the sender's domain only looks like one of ours",
                "发件域名与我们的域名形似而不同，谨防冒充",
                "差出人のドメインが当方のものに似せてあります",
            ),
            Reason::AuthenticationFailed => entry(
                "authentication-failed",
                "A18",
                None,
                "the sender's domain does not vouch for this mail: From may be forged",
                "发件域名的身份核验未通过，发件人可能是伪造的",
                "差出人ドメインの認証に失敗しました。なりすましの可能性があります",
            ),
            Reason::ListedAddress => entry(
                "listed-address",
                "A05",
                None,
                "the sender is an agent, a group, another bot or on the never-answer list",
                "发件人是客服、客服组、其他机器人或在不回复名单中",
                "差出人が担当者、グループ、他のシステム、または返信しないリストのアドレスです",
            ),
            Reason::Robot => entry(
                "robot",
                "V21",
                None,
                "the sender answered our mails within seconds, several times: a program",
                "发件人多次在数秒内回复我们的邮件，应为程序",
                "差出人が数秒以内の返信を繰り返しており、プログラムとみられます",
            ),
            Reason::LoopMark => entry(
                "loop-mark",
                "A12",
                None,
                "a loop mark (X-Loop) that is not proven to be ours",
                "带有无法证明属于本机的循环标记（X-Loop）",
                "当方のものと証明できないループ印（X-Loop）があります",
            ),
            Reason::DeliveredToLoop => entry(
                "delivered-to-loop",
                "V21",
                None,
                "it passed through the same mailbox several times",
                "多次经过同一个邮箱",
                "同じメールボックスを何度も通過しています",
            ),
            Reason::TooManyHops => entry(
                "too-many-hops",
                "A13",
                None,
                "it went through more than 50 mail servers",
                "经过了超过 50 个邮件服务器",
                "50 を超えるメールサーバーを経由しています",
            ),
            Reason::ResponseSuppressed => entry(
                "response-suppressed",
                "A08",
                None,
                "X-Auto-Response-Suppress asks for no automatic reply",
                "X-Auto-Response-Suppress 要求不要自动回复",
                "X-Auto-Response-Suppress により自動返信が不要とされています",
            ),
            Reason::Malformed => entry(
                "malformed",
                "A14",
                None,
                "too broken to be answered safely",
                "邮件格式损坏，无法安全回复",
                "メールが壊れており、安全に返信できません",
            ),
            Reason::NoSenderAddress => entry(
                "no-sender-address",
                "A03",
                None,
                "there is no address in From that we would write to",
                "From 中没有可以写信的地址",
                "From に返信できるアドレスがありません",
            ),
            Reason::SeveralAuthors => entry(
                "several-authors",
                "A04",
                None,
                "From names several people or stands twice",
                "From 有多个发件人或出现两次",
                "From に複数の差出人があるか、From が二つあります",
            ),
            Reason::NotAddressed => entry(
                "not-addressed",
                "A09",
                None,
                "none of our addresses stands in To or Cc",
                "收件人和抄送中没有我们的地址",
                "宛先にも Cc にも当方のアドレスがありません",
            ),
            Reason::ManyOrganisations => entry(
                "many-organisations",
                "A07",
                None,
                "written to many organisations at once",
                "同时发给许多不同的单位",
                "多くの組織に一斉に送られています",
            ),
            Reason::NotAuthenticated => entry(
                "not-authenticated",
                "A18",
                None,
                "nothing confirms the sender's domain, and only confirmed senders are answered",
                "发件域名未经证实，按设置只自动答复已证实的发件人",
                "差出人ドメインが確認できません（確認できた差出人にのみ自動返信する設定です）",
            ),
            Reason::Stale => entry(
                "stale",
                "A17",
                None,
                "it came too long ago",
                "邮件到达已久，答复只会让人困惑",
                "届いてから時間が経ちすぎています",
            ),
            Reason::Baseline => entry(
                "baseline",
                "A17",
                None,
                "it was in the mailbox before the bot was first started",
                "机器人首次启动前已在邮箱中",
                "初回起動前からメールボックスにありました",
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
            assert_ne!(reason.explanation(Language::Ja), reason.explanation(Language::En), "{reason:?}");
            for language in Language::ALL {
                let text = reason.explanation(language);
                assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'));
            }
        }
        assert_eq!(manual.matches("\n### ").count(), Reason::ALL.len());
        assert!(Reason::ALL.is_sorted());
    }
}

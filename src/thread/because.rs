//! Why a mail was taken for a follow-up.

use crate::language::Language;

/// See the module text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It is written to the address that stands in our mails for answers, with the proof that its writer was given.
    SignedAddress,
    /// It names a Message-ID of ours, and the requester wrote it.
    OwnReference,
    /// One of these two: journals did not always say which. Nothing is written down so any more.
    OwnMail,
    /// It names a Message-ID of ours, but someone else wrote it: they are heard, never answered.
    OwnMessageIdFromOther,
    /// It answers an earlier mail of the same requester.
    EarlierMail,
    /// It names the case, and the requester wrote it.
    Number,
    /// The requester wrote a new mail with the subject of an open case.
    SameSubject,
    /// The requester wrote a new mail about what an open case is about.
    SameMatter,
    /// The requester has an open case and asks for nothing but how it stands.
    Chaser,
    /// It carries the token of an agent.
    AgentsToken,
    /// Its sender is taken for a program, whose mails are kept in one case.
    Robot,
}

impl Because {
    pub const ALL: [Because; 11] = [
        Because::SignedAddress,
        Because::OwnReference,
        Because::OwnMail,
        Because::OwnMessageIdFromOther,
        Because::EarlierMail,
        Because::Number,
        Because::SameSubject,
        Because::SameMatter,
        Because::Chaser,
        Because::AgentsToken,
        Because::Robot,
    ];

    /// The word in the journal. It stays what it is: journals are read for years.
    pub fn as_str(self) -> &'static str {
        match self {
            Because::SignedAddress => "signed-address",
            Because::OwnReference => "own-reference",
            Because::OwnMail => "own-message-id",
            Because::OwnMessageIdFromOther => "own-message-id-from-other",
            Because::EarlierMail => "earlier-mail",
            Because::Number => "number",
            Because::SameSubject => "same-subject",
            Because::SameMatter => "same-matter",
            Because::Chaser => "chaser",
            Because::AgentsToken => "agents-token",
            Because::Robot => "robot",
        }
    }

    pub fn parse(text: &str) -> Option<Because> {
        Because::ALL.into_iter().find(|because| because.as_str() == text)
    }

    /// One sentence for whoever asks.
    pub fn explanation(self, language: Language) -> &'static str {
        let (zh, en, ja) = match self {
            Because::SignedAddress => (
                "寄到了我们给客户的专用回信地址（地址里的凭证属实，且只发给了这位客户）",
                "it is written to the address for answers that only the requester was given, and the proof in it holds",
                "お客様だけにお渡しした返信用アドレス宛てです（アドレス内の証明も有効）",
            ),
            Because::OwnReference => (
                "客户回复了我们发出的邮件（凭其 Message-ID 认出）",
                "it answers a mail of ours, known by its Message-ID, and the requester wrote it",
                "お客様が当方のメールに返信しました（Message-ID で確認）",
            ),
            Because::OwnMail => (
                "客户回复了我们发出的邮件（凭其 Message-ID 或专用回信地址认出）",
                "it answers a mail of ours, by its Message-ID or by the address for answers, and the requester wrote it",
                "お客様が当方のメールに返信しました（Message-ID または返信用アドレスで確認）",
            ),
            Because::OwnMessageIdFromOther => (
                "回复的是我们发出的邮件，但来信人不是本案客户",
                "it answers a mail of ours, but someone other than the requester wrote it",
                "当方のメールへの返信ですが、差出人はこの案件のお客様ではありません",
            ),
            Because::EarlierMail => (
                "回复的是同一客户先前的来信",
                "it answers an earlier mail of the same requester",
                "同じお客様の以前のメールへの返信です",
            ),
            Because::Number => (
                "信中写明了案号，且来信人就是本案客户",
                "it names the case number, and the requester wrote it",
                "案件番号が書かれており、差出人はこの案件のお客様です",
            ),
            Because::SameSubject => (
                "客户近期有一件主题相同的未结案件，这是另写的新邮件",
                "the requester has an open case with the same subject that moved lately, and wrote a new mail",
                "お客様に同じ件名の最近の未完了案件があり、新規のメールが届きました",
            ),
            Because::SameMatter => (
                "客户近期有一件同类事项的未结案件，这是另写的新邮件",
                "the requester has an open case about the same thing that moved lately, and wrote a new mail",
                "お客様に同じ用件の最近の未完了案件があり、新規のメールが届きました",
            ),
            Because::Chaser => (
                "客户有未结案件，这封信只是询问进度",
                "the requester has an open case, and the mail only asks how it stands",
                "お客様に未完了の案件があり、メールは進捗のお尋ねのみです",
            ),
            Because::AgentsToken => {
                ("带有发给同事的凭证", "it carries the token of an agent", "担当者のトークンが付いています")
            }
            Because::Robot => (
                "来信人被认定为程序，其来信都收在同一案件里",
                "its sender is taken for a program, whose mails are kept in one case",
                "差出人はプログラムとみなされ、そのメールは一つの案件にまとめています",
            ),
        };
        match language {
            Language::Zh => zh,
            Language::En => en,
            Language::Ja => ja,
        }
    }

    /// Does it prove that its writer has had a mail of ours to the requester? The others are what anybody may know.
    pub fn is_proof(self) -> bool {
        matches!(self, Because::SignedAddress | Because::OwnReference | Because::OwnMail)
    }

    /// Was the mail written anew, and not as an answer? Then its author does not know yet where it went.
    pub fn is_new_mail(self) -> bool {
        matches!(self, Because::Number | Because::SameSubject | Because::SameMatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_where_agents_read() {
        let guides = [include_str!("../../docs/agents.md"), include_str!("../../docs/zh/agents.md")];
        for because in Because::ALL {
            let row = format!("| `{}` |", because.as_str());
            assert!(guides.iter().all(|guide| guide.contains(&row)), "{row}");
        }
        assert_eq!(Because::parse("own-message-id"), Some(Because::OwnMail), "what journals said first");
    }
}

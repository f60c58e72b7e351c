//! What of an agent's mail must not leave without a second look.
//!
//! Fresh text is what the agent wrote, as far as a program can tell; where it may not be, the mail is held and the
//! agent is asked. A held mail costs a minute, a leaked note a customer.

use crate::case::Prints;
use crate::ids::Token;
#[cfg(test)]
use crate::outgoing::ABOVE_THIS_LINE;

/// What remains of [`ABOVE_THIS_LINE`] in every mail program.
const LINE_MARKS: [&str; 3] = ["请在此线以上回复", "Reply above this line", "この線より上に返信"];
/// Labels of the shipped sheets, one of which may be an agent's own words and two of which are not.
const SHEET_LABELS: [&str; 25] = [
    "案号：",
    "处理组：",
    "来信地址：",
    "发件核验：",
    "自称：",
    "分类：",
    "转人工原因：",
    "判断依据",
    "客户写道：",
    "Case:",
    "Group:",
    "Sender:",
    "Calling themselves:",
    "Category:",
    "Why it comes to you:",
    "What it was judged by",
    "The customer wrote:",
    "受付番号：",
    "担当グループ：",
    "差出人アドレス：",
    "差出人の確認：",
    "差出人の名乗り：",
    "担当者に引き継ぐ理由：",
    "判定の根拠",
    "お客様の文面：",
];
const LABELS_OF_A_SHEET: usize = 2;

/// Why a mail to the requester is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// It repeats a note, the sheet, or what `#why` told.
    Internal,
    /// It has lines of the sheet in it.
    Sheet,
    /// It has a token of ours in it, which whoever gets it could use.
    Token,
    /// It quotes a mail in a form that is not known for sure.
    Quoted(String),
}

/// The text above our line.
pub(super) fn above_the_line(text: &str) -> &str {
    let is_ours = |line: &str| LINE_MARKS.iter().any(|mark| line.contains(mark));
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if is_ours(line) {
            return &text[..end];
        }
        end += line.len();
    }
    text
}

/// Why `text` must not go to the requester as it is; none if it may.
pub fn hold(text: &str, internal: &Prints) -> Option<Hold> {
    if text.split_whitespace().any(has_token) {
        return Some(Hold::Token);
    }
    if internal.are_found_in(text) {
        return Some(Hold::Internal);
    }
    let labels = text.lines().filter(|line| SHEET_LABELS.iter().any(|label| line.trim_start().starts_with(label)));
    if labels.count() >= LABELS_OF_A_SHEET {
        return Some(Hold::Sheet);
    }
    quoted(text).map(|line| Hold::Quoted(line.chars().take(80).collect()))
}

/// Is there a token of an agent in this word, as the subaddress of an address or alone? That of a requester is theirs.
fn has_token(word: &str) -> bool {
    let parts = word.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    parts.filter_map(Token::from_detail).any(|token| token.right.is_agents())
}

/// A line that begins somebody else's mail, if there are such lines.
fn quoted(text: &str) -> Option<&str> {
    // "发件人:" or "From:" alone may be the agent's words; with a second line of a header below it is a mail.
    let header = |line: &str| {
        let line = line.trim_start_matches(['>', '|', '*', ' ', '\u{3000}']);
        [
            "From",
            "Sent",
            "Date",
            "To",
            "Subject",
            "发件人",
            "发送时间",
            "日期",
            "收件人",
            "主题",
            "寄件者",
            "收件者",
            "差出人",
            "送信日時",
            "宛先",
            "件名",
        ]
        .iter()
        .any(|label| {
            // Agents ask for these as well: a label that nothing stands behind is a question.
            let value = line.strip_prefix(label).and_then(|rest| rest.trim_start().strip_prefix([':', '：']));
            value.is_some_and(|value| !value.trim().is_empty())
        })
    };
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.windows(2).find(|pair| pair.iter().all(|line| header(line))).map(|pair| pair[0]);
    begins.or_else(|| lines.iter().find(|line| line.trim_start().starts_with('>')).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CaseNumber, Key, MailHash, Right};

    #[test]
    fn what_stands_below_our_line_is_never_said() {
        for text in
            [format!("您好\n{ABOVE_THIS_LINE}\n案号"), "您好\n> == Reply above this line ==\nx".into(), "您好\n".into()]
        {
            assert_eq!(above_the_line(&text), "您好\n");
        }
    }

    #[test]
    fn the_labels_are_those_of_the_shipped_sheets() {
        let sheets = [
            include_str!("../../templates/handoff/sheet.zh.txt"),
            include_str!("../../templates/handoff/sheet.en.txt"),
            include_str!("../../templates/handoff/sheet.ja.txt"),
        ];
        let stands = |label: &str| sheets.iter().any(|sheet| sheet.lines().any(|line| line.starts_with(label)));
        let missing: Vec<&&str> = SHEET_LABELS.iter().filter(|label| !stands(label)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_mail_that_may_give_something_away_is_held() {
        let note = "客户的合同下月到期，销售希望先不要告诉他我们已经发现是机房交换机的问题，等财务确认赔付方案之后再统一答复，务必不要在任何邮件里提到赔付二字，也不要承诺时间。";
        let internal = Prints::of(note);
        let key = Key::from_bytes([1; 32]);
        let case = CaseNumber::mint(&key, &MailHash::of(b"mail"), 0);
        let token = crate::ids::Token::grant(&key, case, Right::Reply, "li@example.com", 20_000);
        for (text, want) in [
            ("您好，请重启客户端后再试。".to_owned(), None),
            (format!("您好，\n{note}\n"), Some(Hold::Internal)),
            (format!("请写信到 support+{}@example.com。", token.detail()), Some(Hold::Token)),
            (format!("案号：{case}\n处理组：邮件技术组\n"), Some(Hold::Sheet)),
            (format!("您的案号：{case}"), None),
            (
                "好的\n\n发件人: a@example.org\n收件人: b@example.org\n内容".into(),
                Some(Hold::Quoted("发件人: a@example.org".into())),
            ),
            ("请把 From: 一行发给我们".into(), None),
            ("请补充：\n发件人：\n收件人：\n发送时间：".into(), None),
            ("主题：请按以下步骤操作\n1. 重启".into(), None),
            ("> 原来的话".into(), Some(Hold::Quoted("> 原来的话".into()))),
        ] {
            assert_eq!(hold(&text, &internal), want, "{text}");
        }
    }
}

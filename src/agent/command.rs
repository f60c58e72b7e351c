//! Commands on the first lines of an agent's mail, in three languages.

use std::time::Duration;

use super::hold::above_the_line;
use crate::case::Priority;
use crate::fold;
use crate::ids::CaseNumber;
use crate::language::Language;
use crate::time::of_days;

/// Commands in one mail; more is a mistake, or no list of commands at all.
const MOST_COMMANDS: usize = 10;
/// Characters of a word that may be a command; a longer one begins a sentence.
const LONGEST_WORD: usize = 20;
/// The longest time a case can be put aside.
const LONGEST_WAIT: Duration = of_days(90);

/// What an agent orders. Names of groups, agents, categories and entries are as written; who knows the playbook
/// resolves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Close,
    Reopen,
    Claim,
    /// The text below is for colleagues only.
    Note,
    /// To a group or to an agent.
    Assign(String),
    Priority(Priority),
    /// Put aside for this long, or until the requester writes.
    Wait(Duration),
    Category(String),
    /// Answer with an entry of the knowledge base.
    Entry(String),
    /// What was answered from the knowledge base was right, or wrong.
    Praise(bool),
    Merge(CaseNumber),
    Why,
    Undo,
    /// What was held, or drafted, shall leave as it is.
    Send,
    /// What was held, or drafted, shall not leave.
    Drop,
    Help,
}

/// A mail of an agent, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orders {
    pub commands: Vec<Command>,
    /// What stands below the commands.
    pub text: String,
    /// Lines that look like commands and are none, or not whole.
    pub unclear: Vec<Unclear>,
}

/// A line that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    pub line: String,
    pub why: Fault,
}

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such word; the nearest one there is, if it is near.
    Unknown(Option<&'static str>),
    /// What must follow the word; the word itself is told with an example.
    Wants(Wanted),
    /// Nothing follows the word: what stands behind it on its line belongs on the next one, or is a sentence.
    Follows,
    TooMany,
}

/// What a command wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    GroupOrAgent,
    Level,
    Duration,
    Category,
    Entry,
    CaseNumber,
}

/// A kind of command, by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Close,
    Reopen,
    Claim,
    Note,
    Assign,
    Priority,
    Wait,
    Category,
    Entry,
    Merge,
    Why,
    Undo,
    Send,
    Drop,
    Help,
}

/// The words for a kind of command in Chinese, English and Japanese, the first of each being the one we teach.
type Words = (Verb, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const WORDS: [Words; 15] = [
    (Verb::Close, &["结案", "关闭", "完成"], &["close", "done", "resolve", "resolved"], &["完了", "クローズ", "解決"]),
    (Verb::Reopen, &["重开", "重新打开"], &["reopen"], &["再開"]),
    (Verb::Claim, &["认领", "接手"], &["claim", "take", "mine"], &["担当", "引き受け"]),
    (Verb::Note, &["备注", "内部", "笔记"], &["note", "internal", "comment"], &["メモ", "社内"]),
    (
        Verb::Assign,
        &["转给", "转", "转派", "转交", "指派"],
        &["assign", "group", "to", "transfer"],
        &["引き継ぎ", "転送", "担当変更"],
    ),
    (Verb::Priority, &["优先级", "优先"], &["priority", "prio"], &["優先度", "優先"]),
    (Verb::Wait, &["稍后", "暂缓", "等待"], &["wait", "snooze", "later"], &["保留", "待ち"]),
    (Verb::Category, &["归类", "分类"], &["category", "classify"], &["分類", "カテゴリ"]),
    (Verb::Entry, &["话术", "知识库"], &["kb", "entry", "answer"], &["定型文", "テンプレート"]),
    (Verb::Merge, &["合并"], &["merge"], &["統合"]),
    (Verb::Why, &["为什么", "原因"], &["why"], &["理由", "なぜ"]),
    (Verb::Undo, &["撤回", "撤销", "取消"], &["undo", "recall", "cancel"], &["取り消し"]),
    (Verb::Send, &["发送", "同意", "通过"], &["send", "ok", "approve", "yes"], &["送信", "承認"]),
    (Verb::Drop, &["放弃", "不发", "不同意"], &["drop", "discard", "no"], &["破棄", "却下"]),
    (Verb::Help, &["帮助"], &["help"], &["ヘルプ", "使い方"]),
];

/// What people put behind a command that wants nothing, and that says nothing.
const MEANINGLESS: [&str; 17] = [
    "",
    "了",
    "吧",
    "一下",
    "本案",
    "案件",
    "please",
    "now",
    "it",
    "case",
    "this case",
    "します",
    "お願いします",
    "してください",
    "谢谢",
    "thanks",
    "thank you",
];

/// Reads the commands on the first lines of a text, and what stands below them down to our line.
pub fn read(fresh: &str) -> Orders {
    let mut orders = Orders::default();
    let mut rest = above_the_line(fresh).trim_start_matches(['\u{feff}', '\n', '\r', ' ', '\t', '\u{3000}']);
    while let Some(order) = first_line(rest).and_then(ordered) {
        match order {
            Err(why) => orders.unclear.push(Unclear { line: first_line(rest).unwrap_or_default().trim().into(), why }),
            Ok((Command::Note, said)) => {
                orders.commands.push(Command::Note);
                // `#note the text` on one line is meant as often as the text below it.
                if !said.is_empty() {
                    orders.text = said;
                }
            }
            Ok((command, _)) => orders.commands.push(command),
        }
        if orders.commands.len() + orders.unclear.len() > MOST_COMMANDS {
            let line = first_line(rest).unwrap_or_default().trim().into();
            orders.unclear = vec![Unclear { line, why: Fault::TooMany }];
            break;
        }
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        rest = rest.trim_start_matches(['\n', '\r', ' ', '\t', '\u{3000}']);
    }
    let below = rest.trim();
    match (orders.text.is_empty(), below.is_empty()) {
        (true, _) => orders.text = below.to_owned(),
        (false, false) => orders.text = format!("{}\n{below}", orders.text),
        (false, true) => {}
    }
    orders
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().next()
}

/// The command of a line; none if it is not meant as one. `#1`, `# heading` and a `#` alone are text.
fn ordered(line: &str) -> Option<Result<(Command, String), Fault>> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || fold::is_ignorable(c));
    let after = line.strip_prefix(['#', '＃'])?.trim_start_matches(fold::is_ignorable);
    if after.starts_with(char::is_whitespace) {
        // `# Steps` is a heading; `# note he has not paid` is meant otherwise, and must not go to the customer.
        let (_, word, _) = begun(after.trim_start())?;
        return Some(Err(Fault::Unknown(Some(word))));
    }
    if !after.chars().next()?.is_alphabetic() {
        return None;
    }
    let Some((verb, _, said)) = begun(after) else {
        let (word, _) = first_word(after);
        let is_word = word.chars().count() <= LONGEST_WORD;
        return is_word.then(|| Err(Fault::Unknown(nearest(word))));
    };
    Some(command(verb, said).map(|command| (command, said.to_owned())))
}

/// The command that a text begins with: its kind, its word as we know it, and what stands behind it.
fn begun(text: &str) -> Option<(Verb, &'static str, &str)> {
    let (word, said) = first_word(text);
    let word = word.trim_end_matches(['.', '!', '！', '?', '？', '；', ';']);
    match all_words().find(|(_, known)| written_alike(known, word)) {
        Some((verb, known)) => Some((verb, known, said)),
        // Chinese and Japanese write no blank between a word and what follows: `#稍后2天`, `#转给邮件技术组`.
        None => joined(text),
    }
}

/// The first word of a text, and what stands behind it.
fn first_word(text: &str) -> (&str, &str) {
    let ends = |c: char| c.is_whitespace() || matches!(c, ':' | '：' | ',' | '，' | '。' | '=');
    let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
    (word, rest.trim_start_matches(ends).trim_end())
}

fn all_words() -> impl Iterator<Item = (Verb, &'static str)> {
    WORDS.iter().flat_map(|(verb, zh, en, ja)| zh.iter().chain(*en).chain(*ja).map(|word| (*verb, *word)))
}

/// The same words, in whatever width, case and script: Japanese is typed with `＃ｃｌｏｓｅ`, and `２日` as often as `2日`.
fn written_alike(known: &str, words: &str) -> bool {
    fold::fold_words(known) == fold::fold_words(words)
}

/// The longest word that a text without blanks begins with, and the rest. Each character folds to one.
fn joined(text: &str) -> Option<(Verb, &'static str, &str)> {
    let behind = |known: &str| {
        let end = text.char_indices().nth(known.chars().count()).map_or(text.len(), |(end, _)| end);
        (!known.is_ascii() && written_alike(known, &text[..end])).then_some(text[end..].trim())
    };
    let begun = all_words().filter_map(|(verb, known)| Some((verb, known, behind(known)?)));
    begun.max_by_key(|(_, known, _)| known.len())
}

fn nearest(word: &str) -> Option<&'static str> {
    let word = fold::fold_words(word);
    let likeness = |known| strsim::normalized_damerau_levenshtein(&word, &fold::fold_words(known));
    let near = all_words().map(|(_, known)| (likeness(known), known));
    near.filter(|(likeness, _)| *likeness >= 0.5).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

fn command(verb: Verb, said: &str) -> Result<Command, Fault> {
    let alone = |command| match says_nothing(said) {
        true => Ok(command),
        false => Err(Fault::Follows),
    };
    let named = |wanted| match said.is_empty() {
        true => Err(Fault::Wants(wanted)),
        false => Ok(said.to_owned()),
    };
    match verb {
        Verb::Close => alone(Command::Close),
        Verb::Reopen => alone(Command::Reopen),
        Verb::Claim => alone(Command::Claim),
        Verb::Note => Ok(Command::Note),
        Verb::Assign => named(Wanted::GroupOrAgent).map(Command::Assign),
        Verb::Priority => level(said).map(Command::Priority).ok_or(Fault::Wants(Wanted::Level)),
        Verb::Wait => duration(said).map(Command::Wait).ok_or(Fault::Wants(Wanted::Duration)),
        Verb::Category => named(Wanted::Category).map(Command::Category),
        Verb::Entry => match praise(said) {
            Some(good) => Ok(Command::Praise(good)),
            None => named(Wanted::Entry).map(Command::Entry),
        },
        Verb::Merge => CaseNumber::parse(said).map(Command::Merge).ok_or(Fault::Wants(Wanted::CaseNumber)),
        Verb::Why => alone(Command::Why),
        Verb::Undo => alone(Command::Undo),
        Verb::Send => alone(Command::Send),
        Verb::Drop => alone(Command::Drop),
        Verb::Help => alone(Command::Help),
    }
}

fn says_nothing(said: &str) -> bool {
    let said = said.trim_end_matches(['.', '!', '。', '！', '~', '～', '?', '？', ' ', '\u{3000}']);
    MEANINGLESS.iter().any(|known| written_alike(known, said))
}

// The words below are spelled as `fold` spells them: 紧急 is 緊急 as well, 时间 is 時間.

fn praise(said: &str) -> Option<bool> {
    match fold::fold_words(said).as_str() {
        "好" | "对" | "正确" | "good" | "right" | "良い" | "良" => Some(true),
        "差" | "错" | "不对" | "bad" | "wrong" | "悪い" | "悪" => Some(false),
        _ => None,
    }
}

fn level(said: &str) -> Option<Priority> {
    match fold::fold_words(said).as_str() {
        "低" | "low" => Some(Priority::Low),
        "中" | "普通" | "一般" | "normal" | "medium" | "通常" => Some(Priority::Normal),
        "高" | "high" => Some(Priority::High),
        "紧急" | "急" | "加急" | "urgent" | "至急" => Some(Priority::Urgent),
        _ => None,
    }
}

/// `2d`, `3 天`, `4小时`, `30 min`, `2日`, `5時間`.
fn duration(said: &str) -> Option<Duration> {
    let said = fold::fold_words(said);
    let end = said.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = said.split_at(end);
    let seconds = match unit.trim().trim_end_matches('后') {
        "m" | "min" | "mins" | "minutes" | "minute" | "分" | "分钟" => 60,
        "h" | "hour" | "hours" | "小时" | "时" | "时间" => 60 * 60,
        "d" | "day" | "days" | "天" | "日" | "日间" => 24 * 60 * 60,
        "w" | "week" | "weeks" | "周" | "星期" | "周间" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let wait = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    (!wait.is_zero() && wait <= LONGEST_WAIT).then_some(wait)
}

impl Command {
    /// The word we teach for it.
    pub fn word(&self, language: Language) -> &'static str {
        let verb = match self {
            Command::Close => Verb::Close,
            Command::Reopen => Verb::Reopen,
            Command::Claim => Verb::Claim,
            Command::Note => Verb::Note,
            Command::Assign(_) => Verb::Assign,
            Command::Priority(_) => Verb::Priority,
            Command::Wait(_) => Verb::Wait,
            Command::Category(_) => Verb::Category,
            Command::Entry(_) | Command::Praise(_) => Verb::Entry,
            Command::Merge(_) => Verb::Merge,
            Command::Why => Verb::Why,
            Command::Undo => Verb::Undo,
            Command::Send => Verb::Send,
            Command::Drop => Verb::Drop,
            Command::Help => Verb::Help,
        };
        let words = WORDS.iter().find(|(known, ..)| *known == verb);
        words.map_or("", |(_, zh, en, ja)| match language {
            Language::Zh => zh[0],
            Language::En => en[0],
            Language::Ja => ja[0],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 60 * 60)
    }

    #[test]
    fn a_command_is_known_in_three_languages() {
        let number = CaseNumber::from_bits(7);
        for (line, want) in [
            ("#close", Command::Close),
            ("#Close.", Command::Close),
            ("＃结案", Command::Close),
            ("#完了", Command::Close),
            ("  #认领  ", Command::Claim),
            ("#claim", Command::Claim),
            ("#备注", Command::Note),
            ("#assign mail-tech", Command::Assign("mail-tech".into())),
            ("#转给 邮件技术组", Command::Assign("邮件技术组".into())),
            ("#转给邮件技术组", Command::Assign("邮件技术组".into())),
            ("#group: billing-sales", Command::Assign("billing-sales".into())),
            ("#priority high", Command::Priority(Priority::High)),
            ("#优先级：紧急", Command::Priority(Priority::Urgent)),
            ("#優先度 低", Command::Priority(Priority::Low)),
            ("#wait 2d", Command::Wait(hours(48))),
            ("#稍后2天", Command::Wait(hours(48))),
            ("#稍后 3 小时", Command::Wait(hours(3))),
            ("#保留 5時間", Command::Wait(hours(5))),
            ("#归类 deliver.bounce", Command::Category("deliver.bounce".into())),
            ("#kb 554-dt-spm", Command::Entry("554-dt-spm".into())),
            ("#话术 好", Command::Praise(true)),
            ("#kb bad", Command::Praise(false)),
            ("#why?", Command::Why),
            ("#发送，谢谢！", Command::Send),
            ("#为什么", Command::Why),
            ("#undo", Command::Undo),
            ("#撤回", Command::Undo),
            ("#send", Command::Send),
            ("#help", Command::Help),
            (&format!("#合并 {number}"), Command::Merge(number)),
            ("＃ｃｌｏｓｅ", Command::Close),
            ("＃保留　２日", Command::Wait(hours(48))),
            ("#優先度：ｈｉｇｈ", Command::Priority(Priority::High)),
            ("#结案了", Command::Close),
            ("#完了します", Command::Close),
            ("#close, please!", Command::Close),
            ("#close Thanks!", Command::Close),
            ("#结案，謝謝～", Command::Close),
            ("＃ｃｌｏｓｅ　ＴＨＡＮＫＳ", Command::Close),
            ("#完了　お願いします。", Command::Close),
            ("#優先級 緊急", Command::Priority(Priority::Urgent)),
            ("#稍後2天", Command::Wait(hours(48))),
            ("#轉給郵件技術組", Command::Assign("郵件技術組".into())),
            ("#稍後 3 分鐘後", Command::Wait(Duration::from_secs(180))),
            ("#保留 2週間", Command::Wait(hours(2 * 7 * 24))),
            ("#定型文 悪い", Command::Praise(false)),
            ("#話術 正確", Command::Praise(true)),
        ] {
            let orders = read(line);
            assert_eq!(
                (orders.commands.as_slice(), orders.unclear.as_slice()),
                ([want].as_slice(), [].as_slice()),
                "{line}"
            );
        }
    }

    #[test]
    fn commands_stand_above_and_the_text_below() {
        let orders = read("\u{feff}\n#claim\n#priority high\n\n您好：\n请重启客户端。\n#close\n");
        assert_eq!(orders.commands, [Command::Claim, Command::Priority(Priority::High)]);
        assert_eq!(orders.text, "您好：\n请重启客户端。\n#close");
        let note = read("#note called him\nhe is fine");
        assert_eq!((note.commands, note.text.as_str()), (vec![Command::Note], "called him\nhe is fine"));
    }

    #[test]
    fn what_only_looks_like_a_command_is_text() {
        for text in [
            "#1 请先重启",
            "# 步骤",
            "# Steps to follow",
            "# 1. 步骤",
            "#",
            "您好 #close",
            "##",
            "#-",
            "",
            "#2号机房已恢复",
        ] {
            let orders = read(text);
            assert!(orders.commands.is_empty() && orders.unclear.is_empty(), "{text}: {orders:?}");
            assert_eq!(orders.text, text.trim());
        }
    }

    #[test]
    fn a_mistake_is_told_with_what_was_probably_meant() {
        let fault = |line: &str| read(line).unclear.into_iter().next().map(|unclear| unclear.why);
        assert_eq!(fault("#clsoe"), Some(Fault::Unknown(Some("close"))));
        assert_eq!(fault("#qqqqq"), Some(Fault::Unknown(None)));
        assert_eq!(fault("# close"), Some(Fault::Unknown(Some("close"))));
        assert_eq!(fault("＃　结案"), Some(Fault::Unknown(Some("结案"))));
        assert_eq!(fault("＃ｃｌｓｏｅ"), Some(Fault::Unknown(Some("close"))));
        // What was meant for colleagues does not go to the customer for a blank.
        for (line, word) in [
            ("# 备注 这个客户欠费两个月，别答应延期", "备注"),
            ("# 备注这个客户欠费两个月，别答应延期", "备注"),
            ("# 备注：欠费", "备注"),
            ("# note he has not paid", "note"),
            ("#\u{a0}Note: he has not paid", "note"),
            ("#\u{200b} note he has not paid", "note"),
            ("# 转给 X", "转给"),
            ("# close thanks", "close"),
        ] {
            assert_eq!(fault(line), Some(Fault::Unknown(Some(word))), "{line}");
        }
        // What stands behind such a word would be lost, or it is a heading of what the customer shall read.
        for line in
            ["#结案 端口已经改好，请再试一次。", "#解決方法", "#送信できない場合", "#通过网页登录", "#send it tomorrow"]
        {
            assert_eq!(fault(line), Some(Fault::Follows), "{line}");
        }
        assert_eq!(fault("#assign"), Some(Fault::Wants(Wanted::GroupOrAgent)));
        assert_eq!(fault("#priority soon"), Some(Fault::Wants(Wanted::Level)));
        for wait in ["#wait", "#wait long", "#wait 0d", "#wait 2", "#wait 99999999999999999999d", "#wait 200d"] {
            assert_eq!(fault(wait), Some(Fault::Wants(Wanted::Duration)), "{wait}");
        }
        assert_eq!(fault("#merge 12"), Some(Fault::Wants(Wanted::CaseNumber)));
        assert_eq!(fault(&"#close\n".repeat(50)), Some(Fault::TooMany));
    }

    #[test]
    fn no_word_means_two_things() {
        let means_another = |(verb, word): &(Verb, &str)| {
            all_words().any(|(other, known)| other != *verb && written_alike(known, word))
        };
        let twice: Vec<_> = all_words().filter(means_another).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}

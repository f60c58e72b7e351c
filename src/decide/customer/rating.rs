//! The one question after closing, and its answer: a digit from 1 to 5, as many stars, or the word beside the digit.

use crate::case::{Case, CaseState};
use crate::fold::fold;

/// An answer to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decide) struct Rating {
    /// 1 to 5, the best.
    pub stars: u8,
    /// Something was written beside it that a human should read.
    pub says_more: bool,
}

/// Below this somebody was not helped, and a human should know.
pub(in crate::decide) const POOR: u8 = 3;

/// What people put before a mark, and before nothing else.
const NAMES: &[&str] = &[
    "我给",
    "我打",
    "给你们",
    "给个",
    "打个",
    "星",
    "评分",
    "打分",
    "满意度",
    "评价",
    "分数",
    "rating",
    "score",
    "i give you",
    "i give",
    "my rating is",
    "評価",
    "点数",
    "満足度",
];
/// What stands before a mark, and before much else.
const BEFORE: &[&str] = &["给", "打"];
const THANKS: &[&str] = &["谢谢", "感谢", "thank you", "thanks", "ありがとうございました", "ありがとうございます"];
/// What makes it a mark beyond doubt; the longest first.
const UNITS: &[&str] = &["out of 5", "/ 5", "/5", "颗星", "stars", "star", "つ星", "星", "分", "☆", "★"];
/// Units of marks and of other things: 1点確認です, 3つ質問があります.
const UNITS_OF_MUCH: &[&str] = &["points", "point", "つ", "点"];
/// With these the unit is another one: 5 分钟, 三分之一, 2 星期.
const OTHER_UNITS: [char; 4] = ['钟', '鐘', '之', '期'];
/// Marks in words: those that the question teaches, and others that people use; none begins with one before it.
const WORDS: &[(&str, u8)] = &[
    ("满分", 5),
    ("好评", 5),
    ("差评", 1),
    ("很不满意", 1),
    ("非常不满意", 1),
    ("很满意", 5),
    ("非常满意", 5),
    ("十分满意", 5),
    ("不满意", 2),
    ("满意", 4),
    ("一般", 3),
    ("five", 5),
    ("four", 4),
    ("three", 3),
    ("two", 2),
    ("one", 1),
    ("very good", 5),
    ("very satisfied", 5),
    ("excellent", 5),
    ("great", 5),
    ("good", 4),
    ("satisfied", 4),
    ("fair", 3),
    ("very poor", 1),
    ("poor", 2),
    ("とても満足", 5),
    ("大変満足", 5),
    ("満足", 4),
    ("ふつう", 3),
    ("普通", 3),
    ("とても不満", 1),
    ("大変不満", 1),
    ("不満", 2),
];
/// Words behind a mark that say nothing further, as thanks and other marks do.
const PLEASANTRIES: &[&str] =
    &["です", "でした", "service", "support", "job", "非常", "服务", "很好", "不错", "辛苦了", "とても"];
/// Whom a digit counts that is no mark: 5 封邮件.
const COUNTED: &[&str] = &[
    "封", "个", "天", "次", "号", "月", "年", "小时", "分钟", "人", "条", "台", "mail", "day", "time", "user", "hour",
    "minute", "more", "of", "通", "件", "日", "回", "時", "名",
];

/// The mark in a mail to a closed case whose requester has been asked, and has not said it yet.
pub(in crate::decide) fn read(case: &Case, fresh: &str) -> Option<Rating> {
    let asked = case.state == CaseState::Closed && case.work.surveyed && case.work.rating.is_none();
    asked.then(|| mark(fresh))?
}

/// May this requester be asked? Only once, and only who has been answered by more than a receipt.
pub(in crate::decide) fn may_be_asked(case: &Case) -> bool {
    let work = &case.work;
    !work.surveyed && work.rating.is_none() && (work.relays > 0 || case.solutions() > 0)
}

/// A mark as it is read, and the text behind it.
struct Mark<'t> {
    stars: u8,
    /// Whatever else is said. Else it is one only where nothing else is: 满意，但今天又不行了.
    sure: bool,
    behind: &'t str,
}

/// What stood before a mark; the last says most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lead {
    Nothing,
    Words,
    /// One of [`NAMES`].
    Name,
}

fn mark(fresh: &str) -> Option<Rating> {
    let folded = fold(fresh);
    let text = folded.text().trim();
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let (mut rest, mut lead) = (trim(first), Lead::Nothing);
    loop {
        let (after, found) = match (without(rest, NAMES), without(rest, BEFORE).or_else(|| without(rest, THANKS))) {
            (Some(after), _) => (after, Lead::Name),
            (None, Some(after)) => (after, Lead::Words),
            (None, None) => break,
        };
        (rest, lead) = (trim(after), lead.max(found));
    }
    let Mark { mut stars, sure, behind } = digit(rest, lead).or_else(|| drawn(rest)).or_else(|| word(rest))?;
    let mut said = trim(behind);
    loop {
        if let Some(after) = without(said, PLEASANTRIES).or_else(|| without(said, THANKS)) {
            said = trim(after);
        } else if let Some(Mark { behind, .. }) = word(said) {
            said = trim(behind);
        } else if let Some(more) = digit(said, Lead::Words).filter(|_| !sure) {
            // 满意，3分: the digit is what was asked for.
            (stars, said) = (more.stars, trim(more.behind));
        } else {
            break;
        }
    }
    let says_more = said.chars().any(char::is_alphanumeric) || below.chars().any(char::is_alphanumeric);
    (sure || !says_more).then_some(Rating { stars, says_more })
}

/// A digit with what makes it a mark.
fn digit(rest: &str, lead: Lead) -> Option<Mark<'_>> {
    let digit = rest.chars().next()?;
    let stars = match digit {
        '1'..='5' => digit as u8 - b'0',
        '一' | '二' | '三' | '四' | '五' => 1 + "一二三四五".chars().position(|known| known == digit)? as u8,
        _ => return None,
    };
    let rest = &rest[digit.len_utf8()..];
    let unit = |units| without(rest.trim_start(), units).filter(|after| !after.starts_with(OTHER_UNITS));
    let named = lead == Lead::Name;
    if let Some(behind) = unit(UNITS) {
        return Some(Mark { stars, sure: true, behind });
    }
    if let Some(behind) = unit(UNITS_OF_MUCH) {
        return Some(Mark { stars, sure: named, behind });
    }
    let goes_on = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let is_another = digit as u32 > 127 || rest.starts_with(goes_on) || without(trim(rest), COUNTED).is_some();
    (!is_another).then_some(Mark { stars, sure: named || lead == Lead::Nothing, behind: rest })
}

/// So many stars.
fn drawn(rest: &str) -> Option<Mark<'_>> {
    let behind = rest.trim_start_matches(['⭐', '🌟', '★']);
    let stars = rest[..rest.len() - behind.len()].chars().count();
    let behind = behind.trim_start_matches('☆');
    (1..=5).contains(&stars).then_some(Mark { stars: stars as u8, sure: true, behind })
}

/// A mark in a word.
fn word(rest: &str) -> Option<Mark<'_>> {
    let (behind, stars) = WORDS.iter().find_map(|(word, stars)| Some((without(rest, &[word])?, *stars)))?;
    // `good` is none in `goodbye`.
    let ends = !behind.starts_with(|c: char| c.is_ascii_alphanumeric());
    let behind = without(behind.trim_start(), UNITS).unwrap_or(behind);
    ends.then_some(Mark { stars, sure: false, behind })
}

/// The text behind the first of these words that it begins with. The text is folded, so the words must be.
fn without<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    words.iter().find_map(|word| text.strip_prefix(fold(word).text()))
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ",.!?:;~。，！？：；、-—\"“”「」()#".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_however_people_write_it() {
        for (text, stars) in [
            ("5", 5),
            ("５", 5),
            ("4分", 4),
            ("五分！", 5),
            ("5 很满意", 5),
            ("评分：3", 3),
            ("我给 5 分，谢谢", 5),
            ("4/5", 4),
            ("5 stars, thank you", 5),
            ("評価：2", 2),
            ("1.\n", 1),
            ("给个5分", 5),
            ("星5つ", 5),
            ("5点です", 5),
            ("4 です", 4),
            ("3：普通", 3),
            ("2 不满意", 2),
            ("非常满意！", 5),
            ("很满意，谢谢", 5),
            ("谢谢，很满意", 5),
            ("满意", 4),
            ("很不满意", 1),
            ("五星好评", 5),
            ("⭐⭐⭐⭐⭐", 5),
            ("★★★☆☆", 3),
            ("five stars", 5),
            ("Very good, thank you", 5),
            ("Great service", 5),
            ("very poor", 1),
            ("とても満足です", 5),
            ("満足です。ありがとうございました。", 4),
            ("非常满意，5分！", 5),
            ("满意 3分", 3),
            ("Very good (5)", 5),
            ("谢谢，5", 5),
            ("星5つです", 5),
        ] {
            let want = Rating { stars, says_more: false };
            assert_eq!(mark(text), Some(want), "{text}");
        }
        for (text, stars) in [
            ("2 等了三天才有人回", 2),
            ("5 分，王工很耐心", 5),
            ("1\n还是没有解决", 1),
            ("五星好评，王工很耐心", 5),
            ("谢谢，5分，王工很耐心", 5),
            ("星5つ、対応が早かった", 5),
            ("评分：2，等了三天", 2),
        ] {
            assert_eq!(mark(text), Some(Rating { stars, says_more: true }), "{text}");
        }
    }

    #[test]
    fn what_is_no_mark_is_read_as_a_mail() {
        for text in [
            "",
            "还是不行",
            "5 封邮件都退回来了",
            "5封邮件",
            "550",
            "1.2.3.4 连不上",
            "5 分钟前又断了",
            "0",
            "6",
            "10",
            "2 users cannot log in",
            "一直不行",
            "3月5日又出现了",
            "满意，但是今天又发不出去了",
            "good morning, it fails again",
            "goodbye",
            "one more question: where is the port?",
            "普通に使えません",
            "一般几天能好？",
            "谢谢",
            "3つ質問があります。端末が動きません。",
            "1つ確認させてください",
            "1点確認です",
            "Thanks. 1 more question: where is the port?",
            "1 more question: where is the port?",
            "Thank you, 2 of our colleagues still cannot log in",
            "谢谢，2 楼的同事还是登录不了",
            "三分之一的同事登录不了",
            "2星期了还没好",
        ] {
            let read = mark(text);
            assert!(read.is_none(), "{text}: {read:?}");
        }
    }
}

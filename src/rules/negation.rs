//! Is a word meant, or is it denied? 不用转人工 asks for no human.
//!
//! Only the few words right beside a hit are looked at, and no further than the next mark: 不知道。转人工 denies
//! nothing. A rule asks for it with `neg = "drop"`; `except` is the exact tool where this guess is too coarse.

/// Characters before a hit in which a word denies it.
const REACH: usize = 4;
/// Words before a hit in which an English word denies it: `do not need a human`.
const WORDS: usize = 3;

const BEFORE: [&str; 11] = ["不", "无需", "无须", "别", "没有", "没", "勿", "未", "非", "免", "莫"];
/// A 不 in these asks, or says the opposite: 能不能转人工 is a wish.
const NOT_DENYING: [&str; 8] = ["能不能", "可不可以", "是不是", "要不要", "不得不", "不如", "不然", "别的"];
const WORDS_BEFORE: [&str; 12] =
    ["not", "no", "never", "without", "don't", "don’t", "doesn't", "doesn’t", "didn't", "didn’t", "won't", "won’t"];
/// Japanese denies behind: 有人対応は不要です.
const BEHIND: [&str; 6] = ["不要", "ない", "なく", "ません", "ありません", "要らな"];

/// Characters of the longest of them.
const LONGEST_BEHIND: usize = 5;

/// Is what stands between these two texts denied? Both are folded.
pub(super) fn is_denied(before: &str, hit: &str, behind: &str) -> bool {
    let is_mark = |c: char| !c.is_alphanumeric() && !matches!(c, ' ' | '\'' | '’');
    let clause = before.rsplit(is_mark).next().unwrap_or_default();
    let begin = clause.char_indices().rev().nth(REACH - 1).map_or(0, |(at, _)| at);
    let near = &clause[begin..];
    if BEFORE.iter().any(|word| near.contains(word)) && !NOT_DENYING.iter().any(|word| near.contains(word)) {
        return true;
    }
    if clause.split(' ').rev().filter(|word| !word.is_empty()).take(WORDS).any(|word| WORDS_BEFORE.contains(&word)) {
        return true;
    }
    // Behind, a denial is Japanese only: in 转人工不要机器人 it is about the next word.
    let clause = behind.split(is_mark).next().unwrap_or_default();
    let end = clause.char_indices().nth(REACH).map_or(clause.len(), |(at, _)| at);
    let is_kana = |c: char| ('\u{3041}'..='\u{30FF}').contains(&c);
    let is_japanese = hit.contains(is_kana) || clause[..end].starts_with(is_kana);
    let reach = clause.char_indices().nth(REACH + LONGEST_BEHIND).map_or(clause.len(), |(at, _)| at);
    is_japanese && BEHIND.iter().any(|word| clause[..reach].find(word).is_some_and(|at| at <= end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::fold;

    #[test]
    fn a_word_with_a_denial_beside_it_is_not_meant() {
        let cases = [
            ("不用转人工", "转人工", true),
            ("无需再转人工", "转人工", true),
            ("別轉人工", "转人工", true),
            ("能不能转人工", "转人工", false),
            ("我解决不了。转人工", "转人工", false),
            ("这个问题一直没有解决，转人工", "转人工", false),
            ("I do not need a human agent", "human agent", true),
            ("no human agent please", "human agent", true),
            ("It does not work at all today, human agent", "human agent", false),
            ("有人対応は不要です", "有人対応", true),
            ("有人対応は必要ありません", "有人対応", true),
            ("有人対応をお願いします", "有人対応", false),
            ("转人工不要机器人", "转人工", false),
        ];
        for (text, word, want) in cases {
            let (text, word) = (fold(text), fold(word));
            let at = text.text().find(word.text()).unwrap();
            let (before, behind) = (&text.text()[..at], &text.text()[at + word.text().len()..]);
            assert_eq!(is_denied(before, word.text(), behind), want, "{}", text.text());
        }
    }
}

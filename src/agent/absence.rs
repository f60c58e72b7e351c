//! When is an agent back? Read out of an out-of-office note as people write them, in Chinese, English and Japanese.
//!
//! A day that is named is the day of return (`10月8日回来`, `back on 8 October`, `10月8日より出社`) or the last day of the
//! absence (`休假至10月7日`, `until 7 October`, `10月7日まで`, and one that nothing is said of). What cannot be told, such as
//! `8/10` in a text of letters, is not guessed.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::fold::fold;
use crate::time::{Date, weekday};

/// Characters that are looked at: a note says it at once, and what is quoted below it says nothing.
const MOST_CHARS: usize = 2_000;
/// Days of the longest absence that is believed: beyond it, something was misread more likely than not.
const LONGEST: i64 = 92;
/// Characters around a day in which a word says what it is.
const NEAR: usize = 30;

/// A day in words, in folded text (a word of Latin letters ends before 前): with month and day, and the end of a run of days where one follows.
static DAYS: LazyLock<Regex> = LazyLock::new(|| {
    const MONTH: &str = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?";
    const RUN: &str = r"(?:\s*(?:-|~|–|—|到|至|から|to)\s*(\d{1,2})";
    let forms = [
        r"(20\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*[日号])?".to_owned(),
        format!(r"(\d{{1,2}})\s*月\s*(\d{{1,2}})\s*[日号]?{RUN}\s*[日号])?"),
        format!(r"(?-u:\b)(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH}(?:,?\s+(20\d\d))?(?-u:\b)"),
        format!(
            r"(?-u:\b){MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?(?-u:\b){RUN}(?:st|nd|rd|th)?(?-u:\b))?(?:,?\s+(20\d\d)(?-u:\b))?"
        ),
        r"(?-u:\b)(\d{1,2})/(\d{1,2})(?-u:\b)".to_owned(),
    ];
    Regex::new(&forms.join("|")).expect("a pattern of ours is right")
});

/// A day of the week, or one near.
static NEAR_DAYS: LazyLock<Regex> = LazyLock::new(|| {
    let han = r"(下个?|来)?(?:周|星期|礼拜)的?([一二三四五六日天月火水木金土])";
    let others =
        r"(?-u:\b)(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sun)day(?-u:\b)|(明天|明日|tomorrow)|(后天|明后日)";
    Regex::new(&format!("{han}|([月火水木金土日])曜|{others}")).expect("a pattern of ours is right")
});

/// What stands before or behind a day, folded.
static WORDS: LazyLock<[Vec<String>; 4]> = LazyLock::new(|| {
    let folded = |words: &[&str]| words.iter().map(|word| fold(word).text().to_owned()).collect();
    [
        // Behind a day after which somebody is back.
        folded(&["后", "之后", "以后", "结束", "为止", "まで", "终了"]),
        // Behind a day on which they are.
        folded(&[
            "回",
            "返",
            "上班",
            "到岗",
            "复工",
            "恢复",
            "开始处理",
            "前",
            "より",
            "以降",
            "に出社",
            "から出社",
            "復帰",
            "戻",
        ]),
        folded(&["after", "until", "till", "through", "thru", "至", "到"]),
        folded(&["back", "return", "resume", "again", "回来", "返回", "返岗", "恢复", "上班", "戻り", "復帰", "出社"]),
    ]
});

/// The first day on which they are there again, if the note says so: after today, and not too long from now.
pub fn back(text: &str, today: Date) -> Option<Date> {
    let text: String = text.chars().take(MOST_CHARS).collect();
    let folded = fold(&text);
    let text = folded.text();
    let named = found(&DAYS, text, |day| named(day, text, today));
    // A day of the week beside a date says nothing new.
    let days = if named.is_empty() { found(&NEAR_DAYS, text, |day| near(day, today)) } else { named };
    let returns = days.iter().filter_map(|(day, role)| (*role == Role::Return).then_some(*day)).max();
    let last = days.iter().filter_map(|(day, role)| (*role != Role::Return).then_some(*day)).max();
    let back = returns.or_else(|| last?.tomorrow().ok())?;
    let away = (back - today).get_days();
    (1..=LONGEST).contains(&i64::from(away)).then_some(back)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Return,
    Last,
}

/// The days that a pattern finds, each with what stands around it.
fn found(pattern: &Regex, text: &str, read: impl Fn(&Captures<'_>) -> Option<Date>) -> Vec<(Date, Role)> {
    let spots: Vec<_> =
        pattern.captures_iter(text).filter_map(|day| Some((day.get(0)?.range(), read(&day)?))).collect();
    let role = |at: usize| {
        let (range, _) = &spots[at];
        let from = at.checked_sub(1).map_or(0, |before| spots[before].0.end);
        let to = spots.get(at + 1).map_or(text.len(), |(next, _)| next.start);
        let before: Vec<char> = text[from..range.start].chars().rev().take(NEAR).take_while(|c| !ends(*c)).collect();
        let before: String = before.into_iter().rev().collect();
        let behind: String = text[range.end..to].chars().take(NEAR).take_while(|c| !ends(*c) && *c != ',').collect();
        role(&before, behind.trim_start())
    };
    (0..spots.len()).map(|at| (spots[at].1, role(at))).collect()
}

fn ends(c: char) -> bool {
    matches!(c, '\n' | '.' | '。' | '!' | '?' | ';')
}

fn role(before: &str, behind: &str) -> Role {
    let [last_behind, back_behind, last_before, back_before] = &*WORDS;
    let begins = |words: &[String]| words.iter().any(|word| behind.starts_with(word.as_str()));
    let ends = |words: &[String]| words.iter().any(|word| before.trim_end().ends_with(word.as_str()));
    let has = |text: &str, words: &[String]| words.iter().any(|word| text.contains(word.as_str()));
    if begins(last_behind) || ends(last_before) {
        return Role::Last;
    }
    match has(behind, back_behind) || has(before, back_before) {
        true => Role::Return,
        false => Role::Last,
    }
}

/// A day with its month.
fn named(day: &Captures<'_>, text: &str, today: Date) -> Option<Date> {
    let number = |group: usize| day.get(group).and_then(|part| part.as_str().parse::<i16>().ok());
    let (year, month, day) = if let (Some(year), Some(month), Some(day)) = (number(1), number(2), number(3)) {
        (Some(year), month, day)
    } else if let (Some(month), Some(day)) = (number(4), number(5)) {
        (None, month, number(6).unwrap_or(day))
    } else if let (Some(first), Some(name)) = (number(7), day.get(8)) {
        (number(9), month(name.as_str())?, first)
    } else if let (Some(name), Some(first)) = (day.get(10), number(11)) {
        (number(13), month(name.as_str())?, number(12).unwrap_or(first))
    } else {
        let (first, second) = (number(14)?, number(15)?);
        // Han and kana write the month first; elsewhere both orders are in use.
        match text.chars().any(|c| c >= '\u{3040}') {
            true => (None, first, second),
            false if first > 12 => (None, second, first),
            false if second > 12 => (None, first, second),
            false => return None,
        }
    };
    let date = |year: i16| Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok();
    match year {
        Some(year) => date(year),
        // The day that is nearest: in December, January is the next.
        None => [-1, 0, 1]
            .into_iter()
            .filter_map(|years| date(today.year() + years))
            .min_by_key(|date| (*date - today).get_days().abs()),
    }
}

fn month(name: &str) -> Option<i16> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    MONTHS.find(name).map(|at| at as i16 / 3 + 1)
}

/// A day without its month.
fn near(day: &Captures<'_>, today: Date) -> Option<Date> {
    let ahead = |days: i64| today.checked_add(jiff::Span::new().days(days)).ok();
    if day.get(5).is_some() {
        return ahead(1);
    }
    if day.get(6).is_some() {
        return ahead(2);
    }
    let han = day.get(2).or(day.get(3)).and_then(|day| day.as_str().chars().next());
    let wanted = match han {
        Some(han) => {
            ["一月", "二火", "三水", "四木", "五金", "六土", "日天"].iter().position(|day| day.contains(han))?
        }
        None => weekday(day.get(4)?.as_str().get(..3)?)?,
    };
    let now = today.weekday().to_monday_zero_offset() as i64;
    match day.get(1) {
        Some(_) => ahead(7 - now + wanted as i64),
        None => ahead((wanted as i64 - now - 1).rem_euclid(7) + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_return_is_read_as_people_write_it() {
        // A Tuesday.
        let today: Date = "2026-09-29".parse().unwrap();
        for (text, want) in [
            ("我在休假，10月8日回来。", "2026-10-08"),
            ("我正在休假，10 月 8 日回来。急事请找张经理，电话 138-0000-0000。", "2026-10-08"),
            ("本人于10月1日至10月7日休假，期间无法及时回复邮件。", "2026-10-08"),
            ("10月1日-7日休假", "2026-10-08"),
            ("国庆放假至10月7日，10月8日恢复上班。", "2026-10-08"),
            ("您好，我出差到2026年10月12日，回来后回复。", "2026-10-13"),
            ("返岗日期：2026-10-09", "2026-10-09"),
            ("我將於１０月８號返回辦公室", "2026-10-08"),
            ("10/8前无法回复", "2026-10-08"),
            ("本周休假，下周一回来。", "2026-10-05"),
            ("今天请假，明天回来处理", "2026-09-30"),
            ("休假到周五", "2026-10-03"),
            ("年假到1月4日", ""),
            ("I am out of the office and will be back on Thursday, 8 October.", "2026-10-08"),
            ("I am away until Wednesday 7 October 2026 and will answer then.", "2026-10-08"),
            ("Out of office 1-7 October.", "2026-10-08"),
            ("On leave October 1 to 7, 2026", "2026-10-08"),
            ("I will return to work on October 8th.", "2026-10-08"),
            ("I'll reply after 7 October", "2026-10-08"),
            ("Away 29/09 - 13/10, back on 14/10.", "2026-10-14"),
            ("Back on Monday", "2026-10-05"),
            ("I will be back tomorrow", "2026-09-30"),
            ("10月7日まで休暇をいただいております。10月8日より出社いたします。", "2026-10-08"),
            ("10月1日から7日まで不在です。", "2026-10-08"),
            ("来週月曜に戻ります。", "2026-10-05"),
            ("夏季休業のため不在にしております。10/8以降にご返信いたします。", "2026-10-08"),
            // Nothing that could be told.
            ("我在休假，急事请找张经理。", ""),
            ("I am out of the office.", ""),
            ("Back on 8/10.", ""),
            ("I was away until 1 September.", ""),
            ("休假至2031年10月7日", ""),
            ("2月31日回来", ""),
            ("", ""),
        ] {
            let back = back(text, today).map(|day| day.to_string()).unwrap_or_default();
            assert_eq!(back, want, "{text}");
        }
    }

    #[test]
    fn the_turn_of_the_year_is_no_riddle() {
        let today: Date = "2026-12-24".parse().unwrap();
        assert_eq!(back("元旦假期，1月4日回来", today).map(|day| day.to_string()).as_deref(), Some("2027-01-04"));
        assert_eq!(back("back on January 4", today).map(|day| day.to_string()).as_deref(), Some("2027-01-04"));
    }
}

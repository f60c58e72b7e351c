//! Working hours and moments in words.

use crate::language::Language;
use crate::time::{Calendar, Span, Timestamp};

/// The working hours in a few words: `工作日 9:00–18:00`, `Mon–Fri 9:00–18:00`, `平日 9:00–18:00`.
pub fn describe(calendar: &Calendar, language: Language) -> String {
    let whole_day = [Span::DAY];
    if calendar.week.iter().all(|hours| *hours == whole_day) {
        return by_language(language, "每天 24 小时", "around the clock", "24時間").to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    let mut day = 0;
    while day < 7 {
        let hours = &calendar.week[day];
        let last = (day..7).take_while(|other| calendar.week[*other] == *hours).last().unwrap_or(day);
        if !hours.is_empty() {
            let times: Vec<String> = hours.iter().map(Span::to_string).collect();
            parts.push(format!(
                "{} {}",
                days(day, last, language),
                times.join(by_language(language, "、", ", ", "、"))
            ));
        }
        day = last + 1;
    }
    parts.join(by_language(language, "，", "; ", "、"))
}

/// A moment of this calendar as people say it: `10月8日（周四）9:00`, `Thu 8 Oct, 9:00`, `10月8日（木）9:00`.
pub fn describe_moment(calendar: &Calendar, moment: Timestamp, language: Language) -> String {
    let local = moment.to_zoned(calendar.zone.clone());
    let (month, day, hour, minute) = (local.month(), local.day(), local.hour(), local.minute());
    let weekday = weekday(usize::from(local.weekday().to_monday_zero_offset() as u8), language);
    match language {
        Language::Zh => format!("{month}月{day}日（{weekday}）{hour}:{minute:02}"),
        Language::Ja => format!("{month}月{day}日（{weekday}）{hour}:{minute:02}"),
        Language::En => format!("{weekday} {day} {}, {hour}:{minute:02}", local.strftime("%b")),
    }
}

fn by_language<'a>(language: Language, zh: &'a str, en: &'a str, ja: &'a str) -> &'a str {
    match language {
        Language::Zh => zh,
        Language::En => en,
        Language::Ja => ja,
    }
}

fn weekday(day: usize, language: Language) -> &'static str {
    let names = match language {
        Language::Zh => ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
        Language::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        Language::Ja => ["月", "火", "水", "木", "金", "土", "日"],
    };
    names[day]
}

/// A run of days of the week, Monday first.
fn days(first: usize, last: usize, language: Language) -> String {
    match (first, last, language) {
        (0, 6, _) => by_language(language, "每天", "daily", "毎日").to_owned(),
        (0, 4, Language::Zh) => "工作日".to_owned(),
        (0, 4, Language::Ja) => "平日".to_owned(),
        (first, last, _) if first == last => weekday(first, language).to_owned(),
        (first, last, Language::Zh) => format!("{}至{}", weekday(first, language), weekday(last, language)),
        (first, last, Language::En) => format!("{}–{}", weekday(first, language), weekday(last, language)),
        (first, last, Language::Ja) => {
            format!("{}～{}曜日", weekday(first, language), weekday(last, language))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::zone;

    #[test]
    fn hours_are_told_as_people_tell_them() {
        let mut calendar = Calendar::always();
        assert_eq!(Language::ALL.map(|l| describe(&calendar, l)), ["每天 24 小时", "around the clock", "24時間"]);
        calendar.zone = zone("Asia/Shanghai").unwrap();
        let work = vec![Span::parse("09:00-18:00").unwrap()];
        calendar.week = std::array::from_fn(|day| if day < 5 { work.clone() } else { Vec::new() });
        let want = ["工作日 9:00–18:00", "Mon–Fri 9:00–18:00", "平日 9:00–18:00"];
        assert_eq!(Language::ALL.map(|l| describe(&calendar, l)), want);
        calendar.week[5] = vec![Span::parse("10:00-12:00").unwrap(), Span::parse("13:00-15:30").unwrap()];
        assert_eq!(describe(&calendar, Language::En), "Mon–Fri 9:00–18:00; Sat 10:00–12:00, 13:00–15:30");
        let moment: Timestamp = "2026-10-08T01:00:00Z".parse().unwrap();
        let want = ["10月8日（周四）9:00", "Thu 8 Oct, 9:00", "10月8日（木）9:00"];
        assert_eq!(Language::ALL.map(|l| describe_moment(&calendar, moment, l)), want);
    }
}

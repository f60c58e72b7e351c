//! Working hours and moments in words.

use jiff::Zoned;

use crate::language::Language;
use crate::time::{Calendar, Span, Timestamp};

/// The working hours in a few words: `工作日 9:00–18:00`, `Mon–Fri 9:00–18:00 GMT+8`, `平日 9:00–18:00`.
pub fn describe(calendar: &Calendar, now: Timestamp, language: Language) -> String {
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
    let hours = parts.join(by_language(language, "，", "; ", "、"));
    hours + &zone_told(&now.to_zoned(calendar.zone.clone()), language)
}

/// A moment of this calendar as colleagues say it: `10月8日（周四）9:00`, `Thu 8 Oct, 9:00`, `10月8日（木）9:00`.
pub fn describe_moment(calendar: &Calendar, moment: Timestamp, language: Language) -> String {
    let local = moment.to_zoned(calendar.zone.clone());
    format!("{}{}", day(&local, language), clock(&local, language))
}

/// The same for a requester, with the zone where they would take it for a time of another: `Thu 8 Oct, 9:00 GMT+8`.
pub fn describe_moment_abroad(calendar: &Calendar, moment: Timestamp, language: Language) -> String {
    let local = moment.to_zoned(calendar.zone.clone());
    describe_moment(calendar, moment, language) + &zone_told(&local, language)
}

/// The same for what is kept: `2026年10月8日（周四）9:00`, `Thu 8 Oct 2026, 9:00 GMT+8`, `2026年10月8日（木）9:00`.
pub fn describe_moment_for_good(calendar: &Calendar, moment: Timestamp, language: Language) -> String {
    let local = moment.to_zoned(calendar.zone.clone());
    let (year, day, clock) = (local.year(), day(&local, language), clock(&local, language));
    let told = match language {
        Language::Zh | Language::Ja => format!("{year}年{day}{clock}"),
        Language::En => format!("{day} {year}{clock}"),
    };
    told + &zone_told(&local, language)
}

fn day(local: &Zoned, language: Language) -> String {
    let (month, day) = (local.month(), local.day());
    let weekday = weekday(usize::from(local.weekday().to_monday_zero_offset() as u8), language);
    match language {
        Language::Zh | Language::Ja => format!("{month}月{day}日（{weekday}）"),
        Language::En => format!("{weekday} {day} {}", local.strftime("%b")),
    }
}

fn clock(local: &Zoned, language: Language) -> String {
    format!("{}{}:{:02}", by_language(language, "", ", ", ""), local.hour(), local.minute())
}

/// The zone, but for whom it goes without saying: times in Chinese are those of China and times in Japanese those of
/// Japan, and whoever reads English may be anywhere.
fn zone_told(local: &Zoned, language: Language) -> String {
    let minutes = local.offset().seconds() / 60;
    let at_home = match language {
        Language::Zh => Some(8 * 60),
        Language::Ja => Some(9 * 60),
        Language::En => None,
    };
    if at_home == Some(minutes) {
        return String::new();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    let zone = match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "GMT".to_owned(),
        (hours, 0) => format!("GMT{sign}{hours}"),
        (hours, minutes) => format!("GMT{sign}{hours}:{minutes:02}"),
    };
    match language {
        Language::Zh | Language::Ja => format!("（{zone}）"),
        Language::En => format!(" {zone}"),
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
        let moment: Timestamp = "2026-10-08T01:00:00Z".parse().unwrap();
        let hours = |calendar: &Calendar| Language::ALL.map(|language| describe(calendar, moment, language));
        assert_eq!(hours(&calendar), ["每天 24 小时", "around the clock", "24時間"]);
        calendar.zone = zone("Asia/Shanghai").unwrap();
        let work = vec![Span::parse("09:00-18:00").unwrap()];
        calendar.week = std::array::from_fn(|day| if day < 5 { work.clone() } else { Vec::new() });
        assert_eq!(hours(&calendar), ["工作日 9:00–18:00", "Mon–Fri 9:00–18:00 GMT+8", "平日 9:00–18:00（GMT+8）"]);
        calendar.week[5] = vec![Span::parse("10:00-12:00").unwrap(), Span::parse("13:00-15:30").unwrap()];
        assert_eq!(hours(&calendar)[1], "Mon–Fri 9:00–18:00; Sat 10:00–12:00, 13:00–15:30 GMT+8");
    }

    #[test]
    fn a_moment_is_told_with_its_zone_and_year_where_they_do_not_go_without_saying() {
        let in_zone = |name: &str| Calendar { zone: zone(name).unwrap(), ..Calendar::always() };
        let moment: Timestamp = "2026-10-08T01:00:00Z".parse().unwrap();
        type Tell = fn(&Calendar, Timestamp, Language) -> String;
        let cases: [(Tell, &str, [&str; 3]); 6] = [
            (describe_moment, "Asia/Shanghai", ["10月8日（周四）9:00", "Thu 8 Oct, 9:00", "10月8日（木）9:00"]),
            (
                describe_moment_abroad,
                "Asia/Shanghai",
                ["10月8日（周四）9:00", "Thu 8 Oct, 9:00 GMT+8", "10月8日（木）9:00（GMT+8）"],
            ),
            (
                describe_moment_abroad,
                "Asia/Tokyo",
                ["10月8日（周四）10:00（GMT+9）", "Thu 8 Oct, 10:00 GMT+9", "10月8日（木）10:00"],
            ),
            (
                describe_moment_abroad,
                "America/St_Johns",
                ["10月7日（周三）22:30（GMT-2:30）", "Wed 7 Oct, 22:30 GMT-2:30", "10月7日（水）22:30（GMT-2:30）"],
            ),
            (
                describe_moment_for_good,
                "Asia/Shanghai",
                ["2026年10月8日（周四）9:00", "Thu 8 Oct 2026, 9:00 GMT+8", "2026年10月8日（木）9:00（GMT+8）"],
            ),
            (
                describe_moment_for_good,
                "Europe/London",
                [
                    "2026年10月8日（周四）2:00（GMT+1）",
                    "Thu 8 Oct 2026, 2:00 GMT+1",
                    "2026年10月8日（木）2:00（GMT+1）",
                ],
            ),
        ];
        for (tell, zone, want) in cases {
            assert_eq!(Language::ALL.map(|language| tell(&in_zone(zone), moment, language)), want, "{zone}");
        }
    }
}

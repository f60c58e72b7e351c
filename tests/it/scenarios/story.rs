//! How a story is written: its parts, its moments, its spans of time.

use std::time::Duration;

use huixin::time::{self, Timestamp};

/// The parts of a story: their sign, what stands behind it, and the lines below.
pub(super) fn parts(story: &str) -> Vec<(char, &str, Vec<&str>)> {
    let mut parts: Vec<(char, &str, Vec<&str>)> = Vec::new();
    for line in story.lines().filter(|line| !line.starts_with("# ") && *line != "#") {
        let sign = ["@@", "%%", ">>", "<<", "=="].iter().find(|sign| line.starts_with(&format!("{sign} ")));
        let sign = sign.and_then(|sign| sign.chars().next());
        match (sign, parts.last_mut()) {
            (Some(sign), _) => parts.push((sign, line[3..].trim(), Vec::new())),
            (None, Some(part)) => part.2.push(line),
            (None, None) => assert!(line.trim().is_empty(), "before the first sign: {line}"),
        }
    }
    for part in &mut parts {
        while part.2.last().is_some_and(|line| line.trim().is_empty()) {
            part.2.pop();
        }
    }
    parts
}

pub(super) fn moment(text: &str) -> Timestamp {
    let civil: jiff::civil::DateTime = text.replace(' ', "T").parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    civil.to_zoned(time::zone("Asia/Shanghai").unwrap()).unwrap().timestamp()
}

pub(super) fn span(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => panic!("no unit: {other}"),
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * unit)
}

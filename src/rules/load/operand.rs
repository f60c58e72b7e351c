//! What a condition compares with, as it is written in a rule.

use super::condition::Reading;
use super::length_of_time;
use super::reader::{Table, Text};
use super::taxonomy::pattern;
use crate::address::{Address, parse_domain};
use crate::fold::fold_words;
use crate::problem::Problems;
use crate::rules::attachment::AttachmentTest;
use crate::rules::judgement::{CaseMoment, Proof};
use crate::rules::operand::{Comparison, DomainName, Method, Relation, Test};

pub(super) fn case_moment(text: &Text<'_>, faults: &mut Problems) -> Option<CaseMoment> {
    CaseMoment::parse(text.text)
        .or_else(|| text.one_of("moment of a case", &CaseMoment::ALL, CaseMoment::as_str, faults))
}

/// One of `is`, `contains`, `re` and `present`; without any of them, `present`.
pub(super) fn test(rule: &mut Reading, table: &mut Table<'_>, faults: &mut Problems) -> Option<Test> {
    let folded = |texts: Vec<Text<'_>>| texts.iter().map(|text| fold_words(text.text)).collect();
    let given = ["is", "contains", "re", "present"].into_iter().filter(|key| table.has(key)).count();
    if given > 1 {
        faults.push(table.error("more than one of `is`, `contains`, `re` and `present`").code("E09"));
    }
    let (is, contains) = (table.take("is"), table.take("contains"));
    let (re, present) = (table.text("re", faults), table.boolean("present", faults));
    if let Some(is) = is {
        return Some(Test::Is(folded(is.texts(faults))));
    }
    if let Some(contains) = contains {
        return Some(Test::Contains(folded(contains.texts(faults))));
    }
    if let Some(re) = re {
        let parsed = pattern(&re, faults)?;
        rule.captures.extend(parsed.names);
        return Some(Test::Matches(parsed.regex.now()));
    }
    Some(Test::Present(present.unwrap_or(true)))
}

pub(super) fn words_of<T>(
    table: &mut Table<'_>,
    key: &'static str,
    what: &str,
    faults: &mut Problems,
    read: impl Fn(&Text<'_>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let texts = table.texts(key, faults);
    if texts.is_empty() {
        faults.push(table.error(format!("there is no {what} in `{key}`")).code("E09"));
        return None;
    }
    Some(texts.iter().filter_map(|text| read(text, faults)).collect())
}

pub(super) fn addresses(table: &mut Table<'_>, key: &'static str, faults: &mut Problems) -> Option<Vec<Address>> {
    words_of(table, key, "address", faults, |text, faults| {
        Address::parse(text.text)
            .map_err(|error| {
                let problem = text.error(format!("`{}` is no address", text.text)).code("E09");
                faults.push(problem.help(error.to_string()));
            })
            .ok()
    })
}

pub(super) fn domains(table: &mut Table<'_>, faults: &mut Problems) -> Option<Vec<DomainName>> {
    words_of(table, "from_domain", "domain", faults, |text, faults| {
        let (below, name) = match text.text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text.text),
        };
        let Some(domain) = parse_domain(name) else {
            let problem = text.error(format!("`{}` is no domain", text.text)).code("E09");
            faults.push(problem.help("write `example.com`, or `*.example.com` for the hosts below it"));
            return None;
        };
        Some(match below {
            true => DomainName::Below(format!(".{domain}")),
            false => DomainName::Exactly(domain),
        })
    })
}

/// `">=3"`, or a number alone.
pub(super) fn comparison(table: &mut Table<'_>, key: &'static str, faults: &mut Problems) -> Option<Comparison> {
    let value = table.take(key)?;
    let written = value.literal(faults)?;
    let parsed = Comparison::parse(&written);
    if parsed.is_none() {
        let problem = value.error(format!("`{written}` is no comparison")).code("E09");
        faults.push(problem.help("write `\">=3\"`, `\"<2\"` or `1`"));
    }
    parsed
}

/// `">=3d"`: a comparison with a length of time.
pub(super) fn age(table: &mut Table<'_>, faults: &mut Problems) -> Option<Comparison> {
    let text = table.text("age", faults)?;
    let seconds = |number: &str| Some(length_of_time(number)?.as_secs_f64());
    let parsed = Comparison::parse_with(text.text, seconds);
    if parsed.is_none() {
        let problem = text.error(format!("`{}` is no comparison of times", text.text)).code("E09");
        faults.push(problem.help("write `\">=15m\"`, `\"<4h\"` or `\">3d\"`"));
    }
    parsed
}

/// `dkim:pass`.
pub(super) fn proof(text: &Text<'_>, faults: &mut Problems) -> Option<(Method, Proof)> {
    let part = |range: std::ops::Range<usize>| Text {
        text: &text.text[range.clone()],
        span: text.part(range),
        ..text.clone()
    };
    let Some(colon) = text.text.find(':') else {
        let problem = text.error(format!("`{}` is no result", text.text)).code("E09");
        faults.push(problem.help("write a method and what it says, such as `dkim:pass`"));
        return None;
    };
    let method = part(0..colon).one_of("method", &Method::ALL, Method::as_str, faults);
    let proof = part(colon + 1..text.text.len()).one_of("result", &Proof::ALL, Proof::as_str, faults);
    Some((method?, proof?))
}

/// `{ ext = ["png"], mime = "image/*", name_re = '…', min_mb = 1, max_mb = 20, count = ">=1" }`.
pub(super) fn attachment(table: &mut Table<'_>, faults: &mut Problems) -> Option<AttachmentTest> {
    const MB: f64 = 1024.0 * 1024.0;
    let mut inner = table.table("attachment", faults)?;
    let types = inner.texts("mime", faults).iter().map(|text| text.text.to_lowercase()).collect();
    let name = inner.text("name_re", faults).and_then(|text| pattern(&text, faults)).map(|pattern| pattern.regex.now());
    let (least, most) = (inner.number("min_mb", faults), inner.number("max_mb", faults));
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        faults.push(inner.error("`min_mb` is more than `max_mb`: no attachment is of such a size").code("E09"));
    }
    let extensions = inner.texts("ext", faults);
    let count = if inner.has("count") {
        comparison(&mut inner, "count", faults)
    } else {
        Some(Comparison { relation: Relation::AtLeast, number: 1.0 })
    };
    inner.finish(faults);
    Some(AttachmentTest {
        extensions: extensions.iter().map(|text| text.text.trim_start_matches('.').to_lowercase()).collect(),
        types,
        name,
        at_least: least.map_or(0.0, |least| least * MB),
        at_most: most.map_or(f64::INFINITY, |most| most * MB),
        count: count?,
    })
}

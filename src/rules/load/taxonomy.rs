//! `[[category]]`, `[[group]]`, `[[calendar]]` and `[[field]]`.

use super::reader::{Table, Text};
use super::{Loader, Named, dangling, duration, keyword_texts, label};
use crate::fold::fold_words;
use crate::ids::{CategoryId, GroupId};
use crate::problem::Problems;
use crate::rules::field::Field;
use crate::rules::pattern::Pattern;
use crate::rules::taxonomy::{Category, Group, MARGIN, Priority, THRESHOLD};
use crate::time::{self, Calendar, Date, Holidays, Span, Year, weekday, zone};

impl<'t> Loader<'t> {
    pub(super) fn category(&mut self, mut table: Table<'t>, faults: &mut Problems) {
        let Some(id) = table.require("id", faults).and_then(|id| id.text(faults)) else {
            return;
        };
        let label = label(table.take("label"), faults);
        let group = table.text("group", faults);
        let priority = table
            .text("priority", faults)
            .and_then(|text| text.one_of("priority", &Priority::ALL, Priority::as_str, faults));
        let (mut first_response, mut follow_up) = (None, None);
        if let Some(sla) = table.take("sla") {
            if let Some(text) = sla.as_text() {
                first_response = duration(&text, faults);
            } else if let Some(mut clocks) = sla.table(faults) {
                first_response = clocks.text("first", faults).and_then(|text| duration(&text, faults));
                follow_up = clocks.text("follow_up", faults).and_then(|text| duration(&text, faults));
                clocks.finish(faults);
            }
        }
        let threshold = table.number("threshold", faults).unwrap_or(THRESHOLD);
        let margin = table.number("margin", faults).unwrap_or(MARGIN);
        let answer_threshold = table.number("answer_threshold", faults).unwrap_or(threshold);
        let answer_margin = table.number("answer_margin", faults).unwrap_or(margin);
        let bot_may_answer = table.boolean("bot_may_answer", faults).unwrap_or(false);
        table.finish(faults);
        let Some(parsed) = name(&id, CategoryId::parse, faults) else {
            return;
        };
        let category = Category {
            id: parsed.clone(),
            label,
            group: group.as_ref().and_then(|group| GroupId::parse(group.text).ok()),
            priority: priority.unwrap_or_default(),
            threshold,
            margin,
            answer_threshold,
            answer_margin,
            first_response,
            follow_up,
            bot_may_answer,
        };
        self.pending.extend(group.map(|group| (Named::Group, group)));
        self.categories.push((id.clone(), parsed.clone()));
        if self.taxonomy.categories.insert(parsed, category).is_some() {
            twice("category", &id, faults);
        }
    }

    pub(super) fn group(&mut self, mut table: Table<'t>, faults: &mut Problems) {
        let Some(id) = table.require("id", faults).and_then(|id| id.text(faults)) else {
            return;
        };
        let label = label(table.take("label"), faults);
        let calendar = table.text("calendar", faults);
        table.finish(faults);
        let Some(parsed) = name(&id, GroupId::parse, faults) else {
            return;
        };
        let group =
            Group { id: parsed.clone(), label, calendar: calendar.as_ref().map(|calendar| calendar.text.to_owned()) };
        self.pending.extend(calendar.map(|calendar| (Named::Calendar, calendar)));
        if self.taxonomy.groups.insert(parsed, group).is_some() {
            twice("group", &id, faults);
        }
    }

    pub(super) fn calendar(&mut self, mut table: Table<'t>, faults: &mut Problems) {
        let Some(id) = table.require("id", faults).and_then(|id| id.text(faults)) else {
            return;
        };
        let zone = table.require("zone", faults).and_then(|name| {
            let name = name.text(faults)?;
            let zone = zone(name.text);
            if zone.is_none() {
                let problem = name.error(format!("there is no time zone `{}`", name.text)).code("E09");
                faults.push(problem.help("use a name of the IANA database, such as `Asia/Shanghai`"));
            }
            zone
        });
        let mut days = Vec::new();
        for day in table.texts("days", faults) {
            match weekday(day.text) {
                Some(day) => days.push(day),
                None => faults.push(
                    day.error(format!("`{}` is no day of the week", day.text))
                        .code("E09")
                        .help("use mon, tue, wed, thu, fri, sat and sun"),
                ),
            }
        }
        let hours = time::in_order(spans(table.texts("hours", faults), faults));
        let peak = time::in_order(spans(table.texts("peak", faults), faults));
        let own = Holidays {
            off: dates(&mut table, "holidays", faults).into_iter().collect(),
            make_up: dates(&mut table, "make_up_days", faults).into_iter().collect(),
        };
        let region = table.text("region", faults);
        table.finish(faults);
        let Some(zone) = zone else { return };
        let calendar = Calendar {
            zone,
            week: std::array::from_fn(|day| if days.contains(&day) { hours.clone() } else { Vec::new() }),
            holidays: own,
            peak,
        };
        self.regional.extend(region.map(|region| (id.text.to_owned(), region)));
        if self.taxonomy.calendars.insert(id.text.to_owned(), calendar).is_some() {
            twice("calendar", &id, faults);
        }
    }

    /// The holidays of one country in one year.
    pub(super) fn holidays(&mut self, mut table: Table<'t>, faults: &mut Problems) {
        let region = table.require("region", faults).and_then(|region| region.text(faults));
        let written = table.require("year", faults);
        let year = written.and_then(|year| year.integer(faults));
        // By whom and when is for people.
        let announced = table.text("announced", faults).is_some();
        let days = Holidays {
            off: dates(&mut table, "off", faults).into_iter().collect(),
            make_up: dates(&mut table, "make_up", faults).into_iter().collect(),
        };
        let (file, span) = (table.file(), table.span());
        table.finish(faults);
        let (Some(region), Some(written), Some(year)) = (region, written, year) else { return };
        let Some(year) = i16::try_from(year).ok().filter(|year| (1970..=2999).contains(year)) else {
            faults.push(written.error(format!("{year} is no year")).code("E09"));
            return;
        };
        if let Some(day) = days.off.iter().chain(&days.make_up).find(|day| day.year() != year) {
            faults.push(
                file.error(span.clone(), format!("{day} is not in {year}"))
                    .code("E09")
                    .help("write each year as a table of its own"),
            );
        }
        if let Some(day) = days.off.intersection(&days.make_up).next() {
            faults.push(file.error(span.clone(), format!("{day} is both a day off and a make-up day")).code("E09"));
        }
        let years = &mut self.taxonomy.regions.entry(region.text.to_owned()).or_default().years;
        if years.insert(year, Year { days, announced }).is_some() {
            faults.push(
                region.error(format!("the holidays of {year} are there twice for `{}`", region.text)).code("E02"),
            );
        }
    }

    /// Gives each calendar the holidays of its country.
    fn settle_regions(&mut self, faults: &mut Problems) {
        for (calendar, region) in std::mem::take(&mut self.regional) {
            let Some(found) = self.taxonomy.regions.get(region.text) else {
                let known = self.taxonomy.regions.keys().map(String::as_str);
                faults.push(dangling("region", &region).did_you_mean(region.text, known));
                continue;
            };
            if let Some(calendar) = self.taxonomy.calendars.get_mut(&calendar) {
                calendar.holidays.extend(&found.holidays());
            }
            self.taxonomy.regional.push((region.text.to_owned(), region.file.clone(), region.span.clone()));
        }
    }

    pub(super) fn field(&mut self, mut table: Table<'t>, faults: &mut Problems) {
        let Some(id) = table.require("id", faults).and_then(|id| id.text(faults)) else {
            return;
        };
        let label = label(table.take("label"), faults);
        let names = table.take("names").map_or(Vec::new(), |value| keyword_texts(&value, faults));
        let patterns = table.texts("re", faults);
        table.finish(faults);
        let patterns = patterns.iter().filter_map(|text| pattern(text, faults)).map(|pattern| pattern.regex.now());
        let field = Field {
            id: id.text.to_owned(),
            label,
            names: names.iter().map(|name| fold_words(name.text)).filter(|name| !name.is_empty()).collect(),
            patterns: patterns.collect(),
        };
        if self.taxonomy.field(id.text).is_some() {
            return twice("field", &id, faults);
        }
        self.taxonomy.fields.push(field);
    }

    /// What the taxonomy's own names refer to is there.
    pub(super) fn check_taxonomy(&mut self, faults: &mut Problems) {
        self.settle_regions(faults);
        for (named, text) in &self.pending {
            match named {
                Named::Group => {
                    self.known_group(text, faults);
                }
                Named::Calendar if !self.taxonomy.calendars.contains_key(text.text) => {
                    let known = self.taxonomy.calendars.keys().map(String::as_str);
                    faults.push(dangling("calendar", text).did_you_mean(text.text, known));
                }
                Named::Calendar => {}
            }
        }
    }
}

/// Compiles a regex, or says why not, at the place in the file.
pub(super) fn pattern(text: &Text<'_>, faults: &mut Problems) -> Option<Pattern> {
    match Pattern::parse(text.text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let span = error.at.map_or(text.span.clone(), |at| text.part(at));
            let problem = text.file.error(span, error.what).code("E04");
            faults.push(match error.help {
                Some(help) => problem.help(help),
                None => problem,
            });
            None
        }
    }
}

/// Reads a name of `crate::ids`.
pub(super) fn name<T>(
    text: &Text<'_>,
    parse: impl Fn(&str) -> Result<T, crate::ids::NameError>,
    faults: &mut Problems,
) -> Option<T> {
    parse(text.text)
        .map_err(|error| {
            faults.push(text.error(format!("`{}` is no name", text.text)).code("E09").help(error.to_string()))
        })
        .ok()
}

fn twice(what: &str, id: &Text<'_>, faults: &mut Problems) {
    faults.push(id.error(format!("the {what} `{}` is there twice", id.text)).code("E02"));
}

fn spans(texts: Vec<Text<'_>>, faults: &mut Problems) -> Vec<Span> {
    let mut spans = Vec::new();
    for text in texts {
        match Span::parse(text.text) {
            Some(span) => spans.push(span),
            None => faults.push(
                text.error(format!("`{}` are no hours of a day", text.text))
                    .code("E09")
                    .help("write `09:00-18:00`; hours over midnight are two, `22:00-24:00` and `00:00-06:00`"),
            ),
        }
    }
    spans
}

fn dates(table: &mut Table<'_>, key: &'static str, faults: &mut Problems) -> Vec<Date> {
    let mut dates = Vec::new();
    for item in table.take(key).map_or(Vec::new(), |value| value.items(faults)) {
        let Some(written) = item.literal(faults) else {
            continue;
        };
        match time::days(&written) {
            Some(days) => dates.extend(days),
            None => {
                let problem = item.error(format!("`{written}` is no day")).code("E09");
                faults.push(problem.help("write it as 2026-10-01, or 2026-10-01..2026-10-07 with the last day"));
            }
        }
    }
    dates
}

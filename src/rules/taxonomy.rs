//! What a mail can be about, who takes care of it, and when they are there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::field::Field;
pub use crate::case::Priority;
use crate::ids::{CategoryId, GroupId};
use crate::language::Language;
use crate::problem::{Problems, SourceText};
use crate::time::{Calendar, Date, Hours, Region, Timestamp};

/// The category that stands for "no rule was sure". It wins no score; it says who gets such mail.
pub const UNCLASSIFIED: &str = "other";

/// Points a category needs, unless it says otherwise.
pub(super) const THRESHOLD: f64 = 5.0;
/// Lead over the second best that a category needs, unless it says otherwise.
pub(super) const MARGIN: f64 = 1.5;

/// Categories, groups, calendars and fields, as all rules share them.
#[derive(Debug, Clone, Default)]
pub struct Taxonomy {
    pub(super) categories: BTreeMap<CategoryId, Category>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) calendars: BTreeMap<String, Calendar>,
    /// Countries whose holidays are written down.
    pub(super) regions: BTreeMap<String, Region>,
    /// The country of each calendar that has one, and where the calendar names it.
    pub(super) regional: Vec<(String, SourceText, Range<usize>)>,
    /// In the order of their files, which is the order in which a form asks for them.
    pub(super) fields: Vec<Field>,
}

/// What a mail can be about.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    pub id: CategoryId,
    pub label: Label,
    /// Who takes care of it.
    pub group: Option<GroupId>,
    pub priority: Priority,
    /// Points it needs at least.
    pub threshold: f64,
    /// The lead it needs over the second best.
    pub margin: f64,
    /// Points and lead from which its rules may answer; below them it only says who gets the mail.
    pub answer_threshold: f64,
    pub answer_margin: f64,
    /// How soon the requester shall hear, first and then after each mail.
    pub first_response: Option<Duration>,
    pub follow_up: Option<Duration>,
    /// The bot's answer is enough; else humans get the mail as well.
    pub bot_may_answer: bool,
}

/// People who answer. Their address is in bot.toml.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub id: GroupId,
    pub label: Label,
    /// When they are there; without a calendar, always.
    pub calendar: Option<String>,
}

/// A name in the languages an admin gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    pub(super) by_language: BTreeMap<Language, String>,
}

impl Taxonomy {
    pub fn category(&self, id: &CategoryId) -> Option<&Category> {
        self.categories.get(id)
    }

    /// All categories, by id.
    pub fn categories(&self) -> impl Iterator<Item = &Category> {
        self.categories.values()
    }

    /// What is known of mail that no category won.
    pub fn unclassified(&self) -> Option<&Category> {
        self.categories.values().find(|category| category.id.as_str() == UNCLASSIFIED)
    }

    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// All groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// All fields, in the order in which a form asks for them.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// When this group is there; none: always.
    pub fn calendar(&self, group: &GroupId) -> Option<&Calendar> {
        self.calendars.get(self.groups.get(group)?.calendar.as_ref()?)
    }

    /// Is there a calendar of this name?
    pub fn has_calendar(&self, name: &str) -> bool {
        self.calendars.contains_key(name)
    }

    pub fn calendar_named(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    /// Years whose holidays ought to be known by now and are not: what nobody announced is not guessed.
    pub fn missing_years(&self, today: Date) -> Problems {
        let mut problems = Problems::default();
        for (region, source, span) in &self.regional {
            let Some(known) = self.regions.get(region) else { continue };
            for year in known.missing(today) {
                let what = match known.years.contains_key(&year) {
                    true => format!("of {year} only the holidays that the law of `{region}` fixes are known"),
                    false => {
                        format!("no holidays of {year} are known for `{region}`: its weekdays would count as worked")
                    }
                };
                let problem = source.warning(span.clone(), what).code("W22");
                problems.push(problem.help(format!(
                    "write them into the table [[holidays]] with region = \"{region}\" and year = {year}, with `announced`"
                )));
            }
        }
        problems
    }

    /// Whether this group is there now. A group without a calendar, and no group, are always there.
    pub fn hours(&self, group: Option<&GroupId>, now: Timestamp) -> Hours {
        group.and_then(|group| self.calendar(group)).map_or(Hours::Open, |calendar| calendar.moment(now))
    }
}

impl Label {
    /// The name in this language, else in Chinese, else in any.
    pub fn in_language(&self, language: Language) -> &str {
        self.by_language
            .get(&language)
            .or_else(|| self.by_language.get(&Language::Zh))
            .or_else(|| self.by_language.values().next())
            .map_or("", String::as_str)
    }

    /// Is there a name of its own in this language?
    pub fn has(&self, language: Language) -> bool {
        self.by_language.contains_key(&language)
    }
}

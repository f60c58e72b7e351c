//! What an agent's mail teaches about the rules: kept in the journal with the case it is about, and counted by
//! `huixin rules stats`, `backtest` and `suggest`.

use std::fmt;

use crate::ids::CategoryId;

/// What was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// The case is about this.
    Category(CategoryId),
    /// The automatic answer was right, or wrong.
    Answer {
        good: bool,
    },
    Draft(DraftFate),
}

/// What became of an answer that waited for an agent's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DraftFate {
    /// It left as it was.
    Sent,
    Dropped,
    /// The agent wrote something else.
    Replaced,
}

impl DraftFate {
    pub const ALL: [DraftFate; 3] = [DraftFate::Sent, DraftFate::Dropped, DraftFate::Replaced];

    pub fn as_str(self) -> &'static str {
        match self {
            DraftFate::Sent => "sent",
            DraftFate::Dropped => "dropped",
            DraftFate::Replaced => "replaced",
        }
    }
}

impl Lesson {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Lesson> {
        match text.split_once(' ')? {
            ("category", name) => CategoryId::parse(name).ok().map(Lesson::Category),
            ("answer", "good") => Some(Lesson::Answer { good: true }),
            ("answer", "bad") => Some(Lesson::Answer { good: false }),
            ("draft", fate) => DraftFate::ALL.into_iter().find(|known| known.as_str() == fate).map(Lesson::Draft),
            _ => None,
        }
    }
}

/// `category deliver.bounce`, `answer good`, `draft sent`.
impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lesson::Category(category) => write!(f, "category {category}"),
            Lesson::Answer { good: true } => f.write_str("answer good"),
            Lesson::Answer { good: false } => f.write_str("answer bad"),
            Lesson::Draft(fate) => write!(f, "draft {}", fate.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_read_back() {
        let category = CategoryId::parse("deliver.bounce").unwrap();
        let lessons = [Lesson::Category(category), Lesson::Answer { good: true }, Lesson::Answer { good: false }];
        for lesson in lessons.into_iter().chain(DraftFate::ALL.map(Lesson::Draft)) {
            assert_eq!(Lesson::parse(&lesson.to_string()), Some(lesson));
        }
        for wrong in ["", "category", "category A b", "answer", "draft lost", "draft  sent"] {
            assert_eq!(Lesson::parse(wrong), None, "{wrong}");
        }
    }
}

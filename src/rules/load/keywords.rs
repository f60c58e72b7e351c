//! Keywords as they are written in conditions: `kw`, `except` and `seq`.

use super::condition::Reading;
use super::lint::{Item, Keyword, KeywordSet, Words, lists_in};
use super::reader::{Table, Text, Value};
use super::{Loader, keyword_texts};
use crate::fold::{fold, fold_words};
use crate::language::Language;
use crate::problem::Problems;
use crate::rules::condition::Condition;
use crate::rules::segment::Segment;
use crate::rules::sequence::SequenceIn;
use crate::rules::vocabulary::{Look, Needle};
use crate::rules::words::{Edges, WordsIn};

/// Characters between the words of a sequence, unless it says otherwise, and at most: what is further apart belongs to
/// another sentence.
const DEFAULT_GAP: i64 = 20;
const MAX_GAP: i64 = 200;
/// Characters of a keyword. What is longer is a sentence, and nobody writes the same sentence twice.
const MAX_KEYWORD: usize = 200;

impl<'t> Loader<'t> {
    pub(super) fn item(&self, value: &Value<'t>) -> Item {
        // What is wrong with it is told when it is read in earnest.
        let mut silent = Problems::default();
        let words = value.as_table().and_then(|mut table| {
            let keywords = keyword_texts(&table.take("kw")?, &mut silent);
            let own = keywords.iter().filter(|text| !text.text.starts_with('@')).cloned();
            let listed = lists_in(&keywords).into_iter().filter_map(|list| self.lists.get(list)).flatten().cloned();
            let folded = own.chain(listed).filter_map(Keyword::of).map(|word| word.folded).collect();
            let squeeze = table.boolean("squeeze", &mut silent).unwrap_or(false);
            let edges = table.text("word", &mut silent);
            let segments = table.texts("in", &mut silent);
            let segments: Vec<Segment> = segments.iter().filter_map(|text| Segment::parse(text.text)).collect();
            Some(Words {
                folded,
                look: if squeeze { Look::Squeezed } else { Look::Folded },
                edges: edges
                    .and_then(|text| Edges::ALL.into_iter().find(|edges| edges_word(*edges) == text.text))
                    .unwrap_or(Edges::Auto),
                min: table.integer("min", &mut silent).unwrap_or(1).max(1) as usize,
                segments: (!segments.is_empty()).then(|| segments.into_iter().collect()),
                drop_denied: table.has("neg"),
            })
        });
        Item { source: without_blanks(value.source().text), words }
    }

    /// `{ kw = …, in = …, min = …, squeeze = …, word = … }`.
    pub(super) fn words(&mut self, rule: &Reading, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let keywords = table.take("kw")?;
        let squeeze = table.boolean("squeeze", faults).unwrap_or(false);
        let look = if squeeze { Look::Squeezed } else { Look::Folded };
        let segments = self.segments_in(table, faults);
        let edges = match table.text("word", faults) {
            Some(text) => text.one_of("kind of word edge", &Edges::ALL, edges_word, faults)?,
            None => Edges::Auto,
        };
        let drop_denied = match table.text("neg", faults) {
            Some(text) => {
                let drop = text.one_of(
                    "way with denied words",
                    &[true, false],
                    |drop| if drop { "drop" } else { "keep" },
                    faults,
                );
                drop.unwrap_or(false)
            }
            None => false,
        };
        let faults_before = faults.0.len();
        let needles = self.needles(&keywords, look, faults);
        let without_fault = faults.0.len() == faults_before;
        let min = table.take("min").and_then(|value| Some((value, value.integer(faults)?)));
        if let Some((value, min)) = min
            && !(1..=needles.len().max(1) as i64).contains(&min)
        {
            let count = needles.len();
            faults.push(value.error(format!("`min` is {min}, of {count} keywords")).code("E09"));
        }
        if needles.is_empty() {
            if without_fault {
                faults.push(keywords.error("there is no keyword in it").code("E09"));
            }
            return None;
        }
        self.note(rule, &keywords, edges, min.map_or(1, |(_, min)| min.max(1) as usize));
        Some(Condition::Words(WordsIn {
            needles,
            look,
            edges,
            min: min.map_or(1, |(_, min)| min.max(1) as usize),
            segments,
            drop_denied,
        }))
    }

    /// Keeps the keywords of a condition, to be looked at when all is loaded.
    fn note(&mut self, rule: &Reading, keywords: &Value<'t>, edges: Edges, min: usize) {
        let mut silent = Problems::default();
        let texts = keyword_texts(keywords, &mut silent);
        let listed = lists_in(&texts).into_iter().filter_map(|list| self.lists.get(list)).flatten().cloned();
        let listed: Vec<Keyword<'t>> = listed.filter_map(Keyword::of).collect();
        let (mut own, mut languages): (Vec<Keyword<'t>>, _) = (Vec::new(), None);
        match keywords.as_table() {
            None => own.extend(texts.into_iter().filter_map(Keyword::of)),
            Some(mut table) => {
                let given = Language::ALL.into_iter().filter(|language| table.has(language.as_str()));
                let given: Vec<Language> = given.collect();
                for language in &given {
                    let texts = table.texts(language.as_str(), &mut silent);
                    let words = texts.into_iter().filter_map(Keyword::of);
                    own.extend(words.map(|word| Keyword { language: Some(*language), ..word }));
                }
                languages = Some(given);
            }
        }
        self.keyword_sets.push(KeywordSet {
            place: rule.place,
            whole: keywords.source(),
            all: own.iter().cloned().chain(listed).collect(),
            own,
            edges,
            min,
            vetoing: rule.vetoing,
            top: (rule.depth == 1).then_some(rule.group),
            boost: rule.boost,
            languages,
        });
    }

    pub(super) fn needles(&mut self, keywords: &Value<'t>, look: Look, faults: &mut Problems) -> Vec<Needle> {
        let mut needles = Vec::new();
        for text in keyword_texts(keywords, faults) {
            match text.text.strip_prefix('@') {
                None => needles.extend(self.needle(&text, look, faults)),
                Some(list) => match self.lists.get_key_value(list).map(|(name, words)| (*name, words.clone())) {
                    Some((name, words)) => {
                        self.used_lists.insert(name);
                        needles.extend(words.iter().filter_map(|word| self.needle(word, look, faults)));
                    }
                    None => {
                        let known: Vec<&str> = self.lists.keys().copied().collect();
                        faults.push(
                            text.error(format!("there is no list `{list}`")).code("E03").did_you_mean(list, known),
                        );
                    }
                },
            }
        }
        needles.sort_unstable();
        needles.dedup();
        needles
    }

    pub(super) fn needle(&mut self, keyword: &Text<'t>, look: Look, faults: &mut Problems) -> Option<Needle> {
        let folded = match look {
            Look::Folded => fold_words(keyword.text),
            Look::Squeezed => fold(keyword.text).squeeze().text().trim().to_owned(),
        };
        // Broken over two lines or not, it is the same phrase.
        let folded = folded.replace('\n', " ");
        let problem = if folded.is_empty() {
            "nothing that can be seen is in this keyword"
        } else if folded.chars().count() > MAX_KEYWORD {
            "this keyword is too long to be found in any mail"
        } else {
            return Some(self.words.needle(look, &folded));
        };
        faults.push(keyword.error(problem).code("E09"));
        None
    }

    /// Keywords as in `kw`, a condition with `kw` or `re`, or a list of such conditions. Looked for in both
    /// views: 不 用 转 人 工 is a no as well.
    pub(super) fn except(&mut self, rule: &mut Reading, value: &Value<'t>, faults: &mut Problems) -> Vec<Condition> {
        if let Some(items) = value.as_items()
            && items.iter().any(|item| item.as_table().is_some())
        {
            return items.iter().flat_map(|item| self.except(rule, item, faults)).collect();
        }
        let mut keywords = *value;
        if let Some(mut table) = value.as_table()
            && (table.has("kw") || table.has("re"))
        {
            if table.has("re") {
                let condition = self.pattern(rule, &mut table, faults);
                table.finish(faults);
                return condition.into_iter().collect();
            }
            if let Some(kw) = table.take("kw") {
                keywords = kw;
            }
            table.finish(faults);
        }
        [Look::Folded, Look::Squeezed]
            .into_iter()
            .map(|look| {
                // A fault in a keyword is told once.
                let mut silent = Problems::default();
                let faults = if look == Look::Folded { &mut *faults } else { &mut silent };
                Condition::Words(WordsIn {
                    needles: self.needles(&keywords, look, faults),
                    look,
                    edges: Edges::Auto,
                    min: 1,
                    segments: None,
                    drop_denied: false,
                })
            })
            .collect()
    }

    /// `{ seq = ["A", ["B", "C"]], within = 20, squeeze, word, in }`: a step is a text, a list of them, or a `"@list"`.
    pub(super) fn sequence(&mut self, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let value = table.take("seq")?;
        let squeeze = table.boolean("squeeze", faults).unwrap_or(false);
        let look = if squeeze { Look::Squeezed } else { Look::Folded };
        let edges = match table.text("word", faults) {
            Some(text) => text.one_of("kind of word edge", &Edges::ALL, edges_word, faults)?,
            None => Edges::Auto,
        };
        let segments = self.segments_in(table, faults);
        let within = table.take("within").and_then(|value| Some((value, value.integer(faults)?)));
        if let Some((value, within)) = within
            && !(0..=MAX_GAP).contains(&within)
        {
            faults.push(value.error(format!("a gap is of 0 to {MAX_GAP} characters")).code("E09"));
        }
        let steps: Vec<Vec<Needle>> = value.items(faults).iter().map(|step| self.needles(step, look, faults)).collect();
        if steps.len() < 2 || steps.iter().any(Vec::is_empty) {
            let problem = value.error("a sequence has two steps or more, each with a word").code("E09");
            faults.push(problem.help("write `seq = [\"发送\", [\"失败\", \"不成功\"]]`"));
            return None;
        }
        let within = within.map_or(DEFAULT_GAP, |(_, within)| within.clamp(0, MAX_GAP)) as usize;
        Some(Condition::Sequence(SequenceIn { steps, within, look, edges, segments }))
    }
}

pub(super) fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

fn edges_word(edges: Edges) -> &'static str {
    match edges {
        Edges::Auto => "auto",
        Edges::Start => "start",
        Edges::Word => "on",
        Edges::Off => "off",
    }
}

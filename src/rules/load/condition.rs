//! `[rule.when]` and the conditions in it.

use std::ops::Range;

use super::lint::{Item, Keyword, KeywordSet, Shape, Words, lists_in};
use super::reader::{Table, Text, Value};
use super::taxonomy::pattern;
use super::{Loader, dangling, keyword_texts, length_of_time};
use crate::address::{Address, parse_domain};
use crate::fold::{fold, fold_words};
use crate::language::Language;
use crate::problem::Problems;
use crate::rules::attachment::AttachmentTest;
use crate::rules::code::CodePattern;
use crate::rules::condition::{
    CodeIn, Comparison, Condition, DomainName, Edges, Method, PatternIn, Relation, SecretIn, Test, When, WordsIn,
};
use crate::rules::judgement::{CaseMoment, Proof};
use crate::rules::rule::Phase;
use crate::rules::secrets::SecretKind;
use crate::rules::segment::{Segment, Segments};
use crate::rules::sequence::SequenceIn;
use crate::rules::taxonomy::UNCLASSIFIED;
use crate::rules::vocabulary::{Look, Needle};
use crate::time::Hours;

/// The key that says what kind a condition is. `header` and `field` come first: they may have a `re` beside.
const KINDS: [&str; 28] = [
    "header",
    "field",
    "kw",
    "re",
    "from",
    "from_domain",
    "to",
    "rcpt_tag",
    "tier",
    "age",
    "open_cases",
    "auth",
    "code",
    "seq",
    "secret",
    "lang",
    "hours",
    "case",
    "exchanges",
    "bot_replies",
    "attachment",
    "category",
    "score",
    "rule",
    "all",
    "any",
    "none",
    "except",
];

/// Characters between the words of a sequence, unless it says otherwise, and at most: what is further apart belongs to
/// another sentence.
const DEFAULT_GAP: i64 = 20;
const MAX_GAP: i64 = 200;
/// Characters of a keyword. What is longer is a sentence, and nobody writes the same sentence twice.
const MAX_KEYWORD: usize = 200;

/// The rule whose conditions are being read.
pub(super) struct Reading {
    pub(super) place: usize,
    pub(super) phase: Phase,
    /// Names that its regexes capture.
    pub(super) captures: Vec<String>,
    /// What is read stands in a `none`, which is asked last.
    pub(super) vetoing: bool,
    /// It has a `secret` condition.
    pub(super) finds_secrets: bool,
    /// It asks for a header field that only automatic mail has; where it does.
    pub(super) automatic: Option<Range<usize>>,
    /// The group that is being read, and how deep it is; 1 at the top.
    group: &'static str,
    depth: usize,
    /// What is read is a boost of this weight.
    pub(super) boost: Option<f64>,
}

/// Fields that mail of robots has (RFC 3834 §5, RFC 2369, RFC 2919).
const AUTOMATIC: [&str; 6] =
    ["auto-submitted", "precedence", "list-id", "list-unsubscribe", "x-auto-response-suppress", "x-autoreply"];

impl Reading {
    pub(super) fn of(place: usize, phase: Phase) -> Reading {
        Reading {
            place,
            phase,
            captures: Vec::new(),
            vetoing: false,
            finds_secrets: false,
            automatic: None,
            group: "",
            depth: 0,
            boost: None,
        }
    }
}

impl<'t> Loader<'t> {
    /// The groups `all`, `any`, `none` and `except` of a table.
    pub(super) fn when(&mut self, rule: &mut Reading, table: &mut Table<'t>, faults: &mut Problems) -> When {
        let mut group = |loader: &mut Self, key| {
            // Within a veto everything is asked late, and so is what stands in it.
            let vetoing = rule.vetoing;
            rule.vetoing |= key == "none";
            let outer = std::mem::replace(&mut rule.group, key);
            rule.depth += 1;
            let items = table.take(key).map_or(Vec::new(), |value| value.items(faults));
            let conditions = items.iter().filter_map(|item| loader.condition(rule, item, faults));
            let conditions: Vec<Condition> = conditions.collect();
            rule.depth -= 1;
            rule.group = outer;
            rule.vetoing = vetoing;
            conditions
        };
        let (all, any, none) = (group(self, "all"), group(self, "any"), group(self, "none"));
        let except = match table.take("except") {
            Some(value) => self.except(rule, &value, faults),
            None => Vec::new(),
        };
        When { all, any, none, except }
    }

    /// The groups of a whole rule, and their shape, by which rules are compared.
    pub(super) fn top(&mut self, rule: &mut Reading, table: &mut Table<'t>, faults: &mut Problems) -> (When, Shape) {
        let items = |key| {
            let items = table.peek(key).and_then(|value| value.as_items()).unwrap_or_default();
            items.iter().map(|item| self.item(item)).collect()
        };
        let (all, any, none) = (items("all"), items("any"), items("none"));
        let except = table.peek("except").map(|value| without_blanks(value.source().text));
        (self.when(rule, table, faults), Shape { all, any, none, except })
    }

    fn item(&self, value: &Value<'t>) -> Item {
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

    fn condition(&mut self, rule: &mut Reading, value: &Value<'t>, faults: &mut Problems) -> Option<Condition> {
        let mut table = value.table(faults)?;
        let kind = KINDS.into_iter().find(|kind| table.has(kind));
        let condition = match kind {
            Some("header") => self.header(rule, &mut table, faults),
            Some("field") => self.field_condition(rule, &mut table, faults),
            Some("kw") => self.words(rule, &mut table, faults),
            Some("re") => self.pattern(rule, &mut table, faults),
            Some("from") => addresses(&mut table, "from", faults).map(Condition::From),
            Some("from_domain") => domains(&mut table, faults).map(Condition::FromDomain),
            Some("to") => addresses(&mut table, "to", faults).map(Condition::To),
            Some("rcpt_tag") => {
                let tags = table.texts("rcpt_tag", faults);
                Some(Condition::RecipientTag(tags.iter().map(|tag| fold_words(tag.text)).collect()))
            }
            Some("tier") => {
                let tiers = table.texts("tier", faults);
                self.tiers
                    .extend(tiers.iter().map(|tier| (tier.text.to_owned(), tier.file.clone(), tier.span.clone())));
                Some(Condition::Tier(tiers.iter().map(|tier| tier.text.to_owned()).collect()))
            }
            Some("age") => age(&mut table, faults).map(Condition::Age),
            Some("open_cases") => comparison(&mut table, "open_cases", faults).map(Condition::OpenCases),
            Some("auth") => words_of(&mut table, "auth", "result", faults, proof).map(Condition::Auth),
            Some("code") => self.code(rule, &mut table, faults),
            Some("seq") => self.sequence(&mut table, faults),
            Some("secret") => {
                rule.finds_secrets |= !rule.vetoing;
                self.secret(&mut table, faults)
            }
            Some("lang") => words_of(&mut table, "lang", "language", faults, |text, faults| {
                text.one_of("language", &Language::ALL, Language::as_str, faults)
            })
            .map(Condition::Language),
            Some("hours") => words_of(&mut table, "hours", "hours", faults, |text, faults| {
                text.one_of("hours", &Hours::ALL, Hours::as_str, faults)
            })
            .map(Condition::Hours),
            Some("case") => words_of(&mut table, "case", "moment of a case", faults, case_moment).map(Condition::Case),
            Some("exchanges") => comparison(&mut table, "exchanges", faults).map(Condition::Exchanges),
            Some("bot_replies") => comparison(&mut table, "bot_replies", faults).map(Condition::Answers),
            Some("attachment") => attachment(&mut table, faults).map(Condition::Attachment),
            Some("category") => self.category_condition(rule, &mut table, faults),
            Some("score") => {
                only_when_routing(rule, "score", &table, faults);
                comparison(&mut table, "score", faults).map(Condition::Score)
            }
            Some("rule") => self.other_rule(rule, &mut table, faults),
            Some(_) => {
                if rule.group == "any" && table.has("none") && !table.has("all") && !table.has("any") {
                    let problem =
                        table.file().warning(value.span(), "a `none` in `any`: it holds for nearly every mail");
                    self.findings.of_rule(
                        rule.place,
                        problem
                            .code("W10")
                            .help("a veto stands in the rule's own `none`; beside it nothing else counts"),
                    );
                }
                let when = self.when(rule, &mut table, faults);
                Some(Condition::Group(Box::new(when)))
            }
            None => {
                if table.is_empty() {
                    faults.push(value.error("a condition without anything in it").code("E09"));
                }
                // Asked for, so that they are known when a key is told to be unknown.
                table.skip(&KINDS);
                None
            }
        };
        let others = KINDS.into_iter().filter(|other| table.has(other));
        if let Some(other) = others.collect::<Vec<_>>().first() {
            faults.push(
                value
                    .error(format!("`{}` and `{other}` stand in one condition", kind.unwrap_or_default()))
                    .code("E01")
                    .help("make two conditions of it; in `all`, both must hold"),
            );
            table.skip(&KINDS);
        }
        table.finish(faults);
        condition
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

    /// `{ re = …, in = … }`.
    pub(super) fn pattern(
        &mut self,
        rule: &mut Reading,
        table: &mut Table<'t>,
        faults: &mut Problems,
    ) -> Option<Condition> {
        let text = table.text("re", faults);
        let segments = self.segments_in(table, faults);
        let (text, parsed) = (text.clone()?, pattern(&text?, faults)?);
        rule.captures.extend(parsed.names);
        let found = |what| text.file.warning(text.span.clone(), what);
        if parsed.literals.is_empty() && !rule.vetoing {
            self.findings.of_rule(
                rule.place,
                found("this regex has no word in it that it cannot do without")
                    .code("W11")
                    .help("it is tried on every mail; add a word that always stands there, of two octets or more"),
            );
        }
        if parsed.edge_beside_han {
            self.findings.of_rule(
                rule.place,
                found("`\\b` beside a Han character or kana asks for an ASCII letter or digit on the other side")
                    .code("W04")
                    .help("take the `\\b` out: Chinese and Japanese words have no edges"),
            );
        }
        // In the text that is searched a line break is a blank.
        let mut needle = |word: &String| self.words.needle(Look::Folded, &word.replace('\n', " "));
        let literals = parsed.literals.iter().map(|words| words.iter().map(&mut needle).collect()).collect();
        Some(Condition::Pattern(PatternIn { regex: parsed.regex, literals, segments }))
    }

    pub(super) fn segments_in(&mut self, table: &mut Table<'t>, faults: &mut Problems) -> Option<Segments> {
        let value = table.take("in")?;
        Some(self.segments_of(&value, faults))
    }

    pub(super) fn segments_of(&mut self, value: &Value<'t>, faults: &mut Problems) -> Segments {
        let texts = value.texts(faults);
        let found = texts.iter().filter_map(|text| text.one_of("segment", &Segment::ALL, Segment::as_str, faults));
        let segments: Segments = found.collect();
        self.segments = self.segments.union(segments);
        segments
    }

    fn needles(&mut self, keywords: &Value<'t>, look: Look, faults: &mut Problems) -> Vec<Needle> {
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
    fn except(&mut self, rule: &mut Reading, value: &Value<'t>, faults: &mut Problems) -> Vec<Condition> {
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

    /// `{ code = "smtp:55x", in = … }`. What it finds can be used in `set` as `{code}`.
    fn code(&mut self, rule: &mut Reading, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let segments = self.segments_in(table, faults);
        // Where nothing is said, delivery reports and logs speak as well.
        self.segments.insert(Segment::Report);
        rule.captures.push("code".into());
        let patterns = words_of(table, "code", "code", faults, |text, faults| {
            let pattern = CodePattern::parse(text.text);
            if pattern.is_none() {
                let problem = text.error(format!("`{}` is no code", text.text)).code("E09");
                faults.push(problem.help("write `smtp:550`, `smtp:55x` or `smtp:5.7.1`"));
            }
            pattern
        })?;
        Some(Condition::Code(CodeIn { patterns, segments }))
    }

    /// `{ seq = ["A", ["B", "C"]], within = 20, squeeze, word, in }`: a step is a text, a list of them, or a `"@list"`.
    fn sequence(&mut self, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
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

    /// `{ secret = ["password", "bank-card"], in = … }`.
    fn secret(&mut self, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let segments = self.segments_in(table, faults);
        let kinds = words_of(table, "secret", "kind of secret", faults, |text, faults| {
            text.one_of("kind of secret", &SecretKind::ALL, SecretKind::as_str, faults)
        })?;
        Some(Condition::Secret(SecretIn { kinds, segments }))
    }

    fn header(&mut self, rule: &mut Reading, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let name = table.text("header", faults);
        let test = test(rule, table, faults);
        if let (Some(name), Some(test), false) = (&name, &test, rule.vetoing)
            && AUTOMATIC.contains(&name.text.to_lowercase().as_str())
            && !matches!(test, Test::Present(false))
        {
            rule.automatic = Some(name.span.clone());
        }
        Some(Condition::Header { name: name?.text.to_owned(), test: test? })
    }

    fn field_condition(
        &mut self,
        rule: &mut Reading,
        table: &mut Table<'t>,
        faults: &mut Problems,
    ) -> Option<Condition> {
        let field = table.text("field", faults);
        let missing = table.boolean("missing", faults);
        let test = test(rule, table, faults);
        let field = field?;
        self.asked_fields.push(field.clone());
        Some(Condition::Field {
            id: field.text.to_owned(),
            test: match missing {
                Some(missing) => Test::Present(!missing),
                None => test?,
            },
        })
    }

    fn category_condition(
        &mut self,
        rule: &Reading,
        table: &mut Table<'t>,
        faults: &mut Problems,
    ) -> Option<Condition> {
        only_when_routing(rule, "category", table, faults);
        let patterns = table.texts("category", faults);
        for text in &patterns {
            match text.text.strip_suffix('*') {
                Some(begin) => {
                    let known = self.taxonomy.categories().any(|category| category.id.as_str().starts_with(begin));
                    if !known {
                        faults.push(text.error(format!("no category begins with `{begin}`")).code("E03"));
                    }
                }
                None if text.text == UNCLASSIFIED => {}
                None => {
                    self.known_category(text, faults);
                }
            }
        }
        let patterns = patterns.iter().map(|text| text.text.to_owned());
        Some(Condition::Category(patterns.collect()))
    }

    fn other_rule(&mut self, rule: &Reading, table: &mut Table<'t>, faults: &mut Problems) -> Option<Condition> {
        let text = table.text("rule", faults)?;
        let Some(place) = self.places.get(text.text).copied() else {
            let known: Vec<&str> = self.places.keys().copied().collect();
            faults.push(dangling("rule", &text).did_you_mean(text.text, known));
            return None;
        };
        self.edges.push((rule.place, place, text));
        Some(Condition::Rule(place))
    }
}

fn without_blanks(text: &str) -> String {
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

pub(super) fn case_moment(text: &Text<'_>, faults: &mut Problems) -> Option<CaseMoment> {
    CaseMoment::parse(text.text)
        .or_else(|| text.one_of("moment of a case", &CaseMoment::ALL, CaseMoment::as_str, faults))
}

fn only_when_routing(rule: &Reading, key: &str, table: &Table<'_>, faults: &mut Problems) {
    if rule.phase != Phase::Route {
        faults.push(
            table
                .error(format!("`{key}` is not yet known in the phase `{}`", rule.phase.as_str()))
                .code("E09")
                .help("only rules with `phase = \"route\"` can ask for it"),
        );
    }
}

/// One of `is`, `contains`, `re` and `present`; without any of them, `present`.
fn test(rule: &mut Reading, table: &mut Table<'_>, faults: &mut Problems) -> Option<Test> {
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

fn words_of<T>(
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

fn addresses(table: &mut Table<'_>, key: &'static str, faults: &mut Problems) -> Option<Vec<Address>> {
    words_of(table, key, "address", faults, |text, faults| {
        Address::parse(text.text)
            .map_err(|error| {
                let problem = text.error(format!("`{}` is no address", text.text)).code("E09");
                faults.push(problem.help(error.to_string()));
            })
            .ok()
    })
}

fn domains(table: &mut Table<'_>, faults: &mut Problems) -> Option<Vec<DomainName>> {
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
fn comparison(table: &mut Table<'_>, key: &'static str, faults: &mut Problems) -> Option<Comparison> {
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
fn age(table: &mut Table<'_>, faults: &mut Problems) -> Option<Comparison> {
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
fn attachment(table: &mut Table<'_>, faults: &mut Problems) -> Option<AttachmentTest> {
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

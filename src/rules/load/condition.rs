//! `[rule.when]` and the conditions in it.

use std::ops::Range;

use super::keywords::without_blanks;
use super::lint::Shape;
use super::operand::{addresses, age, attachment, case_moment, comparison, domains, proof, test, words_of};
use super::reader::{Table, Value};
use super::taxonomy::pattern;
use super::{Loader, dangling};
use crate::fold::fold_words;
use crate::language::Language;
use crate::problem::Problems;
use crate::rules::code::CodePattern;
use crate::rules::condition::{CodeIn, Condition, PatternIn, SecretIn, When};
use crate::rules::operand::Test;
use crate::rules::rule::Phase;
use crate::rules::secrets::SecretKind;
use crate::rules::segment::{Segment, Segments};
use crate::rules::taxonomy::UNCLASSIFIED;
use crate::rules::vocabulary::Look;
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
    pub(super) group: &'static str,
    pub(super) depth: usize,
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
        if parsed.skeleton.telling().is_none() && !rule.vetoing {
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
        let skeleton = parsed.skeleton.named(|word| self.words.needle(Look::Folded, &word.replace('\n', " ")));
        Some(Condition::Pattern(PatternIn { regex: parsed.regex, skeleton, segments }))
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

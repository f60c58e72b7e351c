//! The texts the bot sends: one file a language, written like a mail.
//!
//! ```text
//! Subject: 我们已收到您的来信
//!
//! 您好，案号 {{ case.number }} …
//! {% include "part/footer" %}
//! ```
//!
//! Files under `part/` have no subject; `{% include "part/footer" %}` takes the one in the language of the
//! text it stands in. A tag alone on its line takes the line with it. Asking for a value that is not there
//! is allowed (`{% if fields.code %}`), printing it is an error. Values are data: what is in them is never
//! read as a template again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use minijinja::{Environment, Value};

use super::engine::{PART, Variants, engine, is_part, key, subject_key};
use super::tags;
use super::values::Values;
use super::written::Written;
use crate::ids::TemplateName;
use crate::language::Language;
use crate::problem::{Problems, SourceText};

/// Octets of an answer's text: RFC 3834 §2 asks automatic replies to stay within a few kilobytes.
pub const MAX_ANSWER_TEXT: usize = 4 * 1024;

/// All templates, checked. Each is compiled again when it is first rendered: compiled, those of a bot that has nothing to
/// say would take ten times their text.
#[derive(Debug, Clone)]
pub struct Templates {
    engine: Environment<'static>,
    variants: Arc<Variants>,
    /// Every value a template may ask for, by its dotted name.
    variables: BTreeSet<String>,
}

/// Why a template gave no text. Trying again does not help; the playbook has a fault that its tests missed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("there is no template `{0}`")]
    Unknown(TemplateName),
    #[error("the template `{name}` ({language}) failed: {why}")]
    Failed { name: TemplateName, language: Language, why: String },
    #[error("the template `{name}` ({language}) gave {size} octets, more than the {limit} allowed")]
    TooLong { name: TemplateName, language: Language, size: usize, limit: usize },
}

impl Templates {
    /// Compiles and checks all files. `variables` are the dotted names of the values that renderings will be
    /// given; `default` is the language of a mail in a language that a template does not have.
    pub fn load(
        files: &[(TemplateName, Language, SourceText)],
        variables: &[&str],
        default: Language,
    ) -> (Templates, Problems) {
        let mut languages = BTreeMap::<TemplateName, BTreeSet<Language>>::new();
        for (name, language, _) in files {
            languages.entry(name.clone()).or_default().insert(*language);
        }
        let variants = Arc::new(Variants { languages, default });
        let mut templates = Templates {
            engine: engine(variants.clone()),
            variants,
            variables: variables.iter().map(|name| (*name).to_owned()).collect(),
        };
        let (mut problems, mut texts) = (Problems::default(), HashMap::new());
        let mut includes = BTreeMap::<&str, BTreeSet<String>>::new();
        for (name, language, source) in files {
            // An editor's byte order mark and CRLF are not the admin's fault; lines and columns stay the same.
            let text = source.text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
            let source = SourceText::new(source.name.clone(), text);
            for (key, range) in parts(name, *language, &source, &mut problems) {
                templates.check(&key, range.clone(), &source, &mut problems);
                texts.insert(key, tags::keep_line_ends(&source.text[range]));
            }
            includes.entry(name.as_str()).or_default().extend(templates.check_includes(&source, &mut problems));
        }
        templates.check_languages(files, &mut problems);
        check_cycles(files, &includes, &mut problems);
        templates.engine.set_loader(move |key| Ok(texts.get(key).cloned()));
        (templates, problems)
    }

    /// Every template that can be rendered: all but the parts.
    pub fn names(&self) -> impl Iterator<Item = &TemplateName> {
        self.variants.languages.keys().filter(|name| !is_part(name))
    }

    pub fn contains(&self, name: &TemplateName) -> bool {
        !is_part(name) && self.variants.languages.contains_key(name)
    }

    /// The text of an answer or a notice, in `language` or else in the default language.
    pub fn render(&self, name: &TemplateName, language: Language, values: &Values) -> Result<Written, RenderError> {
        self.render_within(MAX_ANSWER_TEXT, name, language, values)
    }

    /// The same with another limit on the octets of the body.
    pub(super) fn render_within(
        &self,
        limit: usize,
        name: &TemplateName,
        language: Language,
        values: &Values,
    ) -> Result<Written, RenderError> {
        let language = self
            .variants
            .resolve(name.as_str(), language)
            .filter(|_| !is_part(name))
            .ok_or_else(|| RenderError::Unknown(name.clone()))?;
        let values = self.context(values);
        let render = |key: String| {
            let template = self.engine.get_template(&key);
            template.and_then(|template| template.render(values.clone())).map_err(|error| RenderError::Failed {
                name: name.clone(),
                language,
                why: error.to_string(),
            })
        };
        let (subject, body) = (render(subject_key(name, language))?, render(key(name.as_str(), language))?);
        let written = Written::new(&subject, &body, language);
        let size = written.body().len();
        if size > limit {
            return Err(RenderError::TooLong { name: name.clone(), language, size, limit });
        }
        Ok(written)
    }

    fn context(&self, values: &Values) -> Value {
        let mut values = values.clone();
        for name in &self.variables {
            values.make_tables(name);
        }
        values.into_value()
    }

    /// Compiles one text, and complains about what it asks for that is not there.
    fn check(&self, key: &str, range: Range<usize>, source: &SourceText, problems: &mut Problems) {
        let text = &source.text[range.clone()];
        let kept = tags::keep_line_ends(text);
        let template = match self.engine.template_from_named_str(key, &kept) {
            Ok(template) => template,
            Err(error) => {
                let span = error.range().unwrap_or(0..0);
                let what = error.detail().unwrap_or("this is not a template").to_owned();
                problems.push(source.error(range.start + span.start..range.start + span.end, what));
                return;
            }
        };
        let tags = tags::tags(text);
        for fault in tags::faults(&tags) {
            let span = range.start + fault.span.start..range.start + fault.span.end;
            let problem = source.error(span, fault.what);
            problems.push(problem.did_you_mean(&fault.written, fault.known.iter().copied()));
        }
        let asked: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
        for variable in asked.iter().filter(|variable| !self.knows(variable)) {
            let span = tags::place_of(variable, &tags);
            let span = range.start + span.start..range.start + span.end;
            let problem = source.error(span, format!("there is no value `{variable}`")).code("E06");
            problems.push(problem.did_you_mean(variable, self.variables.iter().map(String::as_str)));
        }
    }

    /// Is this a known value, or a table of them?
    fn knows(&self, variable: &str) -> bool {
        let table = format!("{variable}.");
        self.variables.contains(variable)
            || self.variables.range(table.clone()..).next().is_some_and(|name| name.starts_with(&table))
    }

    /// Names the parts that a file includes, and complains about those that are not there.
    fn check_includes(&self, source: &SourceText, problems: &mut Problems) -> Vec<String> {
        let tags = tags::tags(&source.text);
        let mut names = Vec::new();
        for (span, name) in tags::includes(&source.text, &tags) {
            match name {
                Some(name) if name.starts_with(PART) && self.variants.resolve(name, Language::Zh).is_some() => {
                    names.push(name.to_owned());
                }
                Some(name) => {
                    let parts = self.variants.languages.keys().filter(|name| is_part(name));
                    let problem = source.error(span, format!("there is no part `{name}`")).code("E03");
                    problems.push(problem.did_you_mean(name, parts.map(TemplateName::as_str)));
                }
                None => problems.push(
                    source.error(span, "a part is included by its name alone").help("write `{% include \"part/…\" %}`"),
                ),
            }
        }
        names
    }

    /// W13: a template that lacks a language which other templates have.
    fn check_languages(&self, files: &[(TemplateName, Language, SourceText)], problems: &mut Problems) {
        let spoken: BTreeSet<Language> = files.iter().map(|(_, language, _)| *language).collect();
        for (name, have) in &self.variants.languages {
            let missing: Vec<&str> = spoken.difference(have).map(|language| language.as_str()).collect();
            let first = files.iter().find(|(file, _, _)| file == name);
            if let (Some((_, language, source)), false) = (first, missing.is_empty()) {
                let what = format!("the template `{name}` is missing in {}", missing.join(", "));
                let taken = self.variants.resolve(name.as_str(), self.variants.default).unwrap_or(*language);
                let problem = source.warning(0..0, what).code("W13");
                problems.push(problem.help(format!("until it is written, the text in {taken} is sent")));
            }
        }
    }
}

/// What of a file is rendered by itself, under which key.
fn parts(
    name: &TemplateName,
    language: Language,
    source: &SourceText,
    problems: &mut Problems,
) -> Vec<(String, Range<usize>)> {
    let text = &source.text;
    if is_part(name) {
        return vec![(key(name.as_str(), language), 0..text.len())];
    }
    match split_subject(text) {
        Ok((subject, body)) => vec![(subject_key(name, language), subject), (key(name.as_str(), language), body)],
        Err(what) => {
            let problem = source.error(0..text.find('\n').unwrap_or(text.len()), what);
            problems.push(problem.help("begin the file with `Subject: …`, then an empty line, then the text"));
            Vec::new()
        }
    }
}

/// Where the subject and where the body of a template file stand.
fn split_subject(text: &str) -> Result<(Range<usize>, Range<usize>), &'static str> {
    const FIELD: &str = "subject:";
    let line = text.split('\n').next().unwrap_or_default();
    if !line.get(..FIELD.len()).is_some_and(|field| field.eq_ignore_ascii_case(FIELD)) {
        return Err("a template begins with its subject");
    }
    if line[FIELD.len()..].trim().is_empty() {
        return Err("the subject is empty");
    }
    let after = text.get(line.len() + 1..).unwrap_or_default();
    let gap = after.split('\n').next().unwrap_or_default();
    if !gap.trim().is_empty() || after.trim().is_empty() {
        return Err("an empty line and the text come after the subject");
    }
    let body = line.len() + 1 + gap.len() + 1;
    Ok((FIELD.len()..line.len(), body.min(text.len())..text.len()))
}

/// A part that includes itself, over however many others, would never end.
fn check_cycles(
    files: &[(TemplateName, Language, SourceText)],
    includes: &BTreeMap<&str, BTreeSet<String>>,
    problems: &mut Problems,
) {
    for name in includes.keys() {
        let (mut reached, mut open) = (BTreeSet::<&str>::new(), vec![*name]);
        while let Some(from) = open.pop() {
            for next in includes.get(from).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        let file = files.iter().find(|(file, _, _)| file.as_str() == *name);
        if let (true, Some((_, _, source))) = (reached.contains(name), file) {
            problems.push(source.error(0..0, format!("the part `{name}` includes itself")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: &[&str] = &["case.number", "org.phone", "fields.code", "missing", "hours.open"];

    fn name(text: &str) -> TemplateName {
        TemplateName::parse(text).unwrap()
    }

    /// Loads files given as (`kb/a.zh`, text).
    fn load(files: &[(&str, &str)]) -> (Templates, Vec<String>) {
        let files: Vec<_> = files
            .iter()
            .map(|(file, text)| {
                let (template, language) = file.rsplit_once('.').unwrap();
                let source = SourceText::new(format!("templates/{file}.txt"), *text);
                (name(template), Language::parse(language).unwrap(), source)
            })
            .collect();
        let (templates, problems) = Templates::load(&files, VARIABLES, Language::Zh);
        (templates, problems.0.iter().map(ToString::to_string).collect())
    }

    fn values() -> Values {
        let mut values = Values::new();
        values.text("case.number", "K7F3-9QD2-X").list("missing", ["时间", "错误代码"]);
        values
    }

    #[test]
    fn a_text_is_written_like_a_mail() {
        let (templates, problems) = load(&[
            (
                "kb/a.zh",
                "\u{feff}Subject: 已收到（{{ case.number }}）\r\n\r\n您好{% if fields.code %}，代码 {{ fields.code }}{% endif %}\r\n还缺：\r\n{% for item in missing %}\r\n- {{ item }}\r\n{% endfor %}\r\n{% include \"part/footer\" %}\r\n再见\r\n",
            ),
            ("part/footer.zh", "— 客服\n"),
            ("part/footer.en", "— support\n"),
            (
                "kb/a.en",
                "Subject: Received\n\nHello\n\n{% if fields.code %}\nCode\n{% endif %}\n\n{% include 'part/footer' %}\n",
            ),
        ]);
        assert_eq!(problems, [""; 0]);
        let written = templates.render(&name("kb/a"), Language::Zh, &values()).unwrap();
        assert_eq!(written.subject(), "已收到（K7F3-9QD2-X）");
        assert_eq!(written.body(), "您好\n还缺：\n- 时间\n- 错误代码\n— 客服\n再见");
        let mut values = values();
        let written = templates.render(&name("kb/a"), Language::Zh, values.code("fields.code", "554")).unwrap();
        assert!(written.body().starts_with("您好，代码 554\n还缺"), "{}", written.body());
        let written = templates.render(&name("kb/a"), Language::En, &Values::new()).unwrap();
        assert_eq!(written.body(), "Hello\n\n— support");
    }

    #[test]
    fn a_missing_variant_is_told_and_the_default_is_sent() {
        let (templates, problems) = load(&[
            ("kb/a.zh", "Subject: 甲\n\n{% include \"part/f\" %}\n"),
            ("kb/b.en", "Subject: B\n\n{% include \"part/f\" %}\n"),
            ("part/f.zh", "脚"),
        ]);
        assert_eq!(
            problems,
            [
                "templates/kb/a.zh.txt:1:1: warning[W13]: the template `kb/a` is missing in en; until it is written, the text in zh is sent",
                "templates/kb/b.en.txt:1:1: warning[W13]: the template `kb/b` is missing in zh; until it is written, the text in en is sent",
                "templates/part/f.zh.txt:1:1: warning[W13]: the template `part/f` is missing in en; until it is written, the text in zh is sent",
            ]
        );
        let render = |template, language| templates.render(&name(template), language, &Values::new()).unwrap();
        assert_eq!(render("kb/a", Language::En), Written::new("甲", "脚", Language::Zh));
        assert_eq!(render("kb/b", Language::Ja), Written::new("B", "脚", Language::En));
        assert_eq!(templates.names().count(), 2);
        assert!(!templates.contains(&name("part/f")));
        assert_eq!(
            templates.render(&name("part/f"), Language::Zh, &Values::new()),
            Err(RenderError::Unknown(name("part/f")))
        );
    }

    #[test]
    fn a_fault_is_found_before_the_first_mail_with_its_place() {
        let cases = [
            (
                "kb/a.zh",
                "您好\n",
                "1:1: error: a template begins with its subject; begin the file with `Subject: …`, then an empty line, then the text",
            ),
            ("kb/a.zh", "Subject:  \n\nx", "1:1: error: the subject is empty"),
            ("kb/a.zh", "Subject: a\nb\n", "1:1: error: an empty line and the text come after the subject"),
            ("kb/a.zh", "Subject: a\n\n \n", "1:1: error: an empty line and the text come after the subject"),
            (
                "kb/a.zh",
                "Subject: a\n\n甲\n{{ case.numbr }}",
                "4:4: error[E06]: there is no value `case.numbr`; did you mean `case.number`?",
            ),
            ("kb/a.zh", "Subject: {{ name }}\n\nx", "1:13: error[E06]: there is no value `name`"),
            ("kb/a.zh", "Subject: a\n\n{{ range(9) }}", "3:4: error[E06]: there is no value `range`"),
            (
                "kb/a.zh",
                "Subject: a\n\n乙 {{ org.phone | uper }}",
                "3:18: error: a template has no filter `uper`; did you mean `upper`?",
            ),
            ("kb/a.zh", "Subject: a\n\n{% macro x() %}{% endmacro %}", "3:4: error: unknown statement macro"),
            ("kb/a.zh", "Subject: a\n\n甲\n  {% if %}", "4:9: error: "),
            (
                "kb/a.zh",
                "Subject: a\n\n{% for x in missing %}",
                "3:21: error: unexpected end of input, expected end of block",
            ),
            ("kb/a.zh", "Subject: a\n\n{% include \"part/foter\" %}", "3:1: error[E03]: there is no part `part/foter`"),
            ("kb/a.zh", "Subject: a\n\n{% include \"kb/a\" %}", "3:1: error[E03]: there is no part `kb/a`"),
            ("kb/a.zh", "Subject: a\n\n{% include missing %}", "3:1: error: a part is included by its name alone"),
            ("part/a.zh", "{% include \"part/a\" %}", "1:1: error: the part `part/a` includes itself"),
        ];
        for (file, text, want) in cases {
            let (_, problems) = load(&[(file, text)]);
            assert!(problems.iter().any(|problem| problem.contains(want)), "{text:?}: {problems:#?}");
        }
    }

    #[test]
    fn what_a_stranger_wrote_is_never_a_template() {
        let (templates, problems) = load(&[("kb/a.zh", "Subject: {{ org.phone }}\n\n{{ org.phone }}")]);
        assert_eq!(problems, [""; 0]);
        for payload in [
            "{{ 7*7 }}",
            "{{ case.number }}",
            "{% include \"part/footer\" %}",
            "{{ '{{ case.number }}' }}",
            "${7*7} #{7*7} <%= 7*7 %> {{=it}}",
            "{{ ''.__class__.__mro__ }}",
            "{# comment #}",
            "{% for i in range(999999999) %}x{% endfor %}",
            "&lt;script&gt; <b>",
        ] {
            let mut values = Values::new();
            let written = templates.render(&name("kb/a"), Language::Zh, values.text("org.phone", payload)).unwrap();
            assert_eq!((written.subject(), written.body()), (payload, payload));
        }
    }

    #[test]
    fn a_rendering_is_bounded() {
        let item = "|{% for e in missing %}x{% endfor %}";
        let loops = format!("Subject: a\n\n{}{item}{}", "{% for a in missing %}".repeat(6), "{% endfor %}".repeat(6));
        let (templates, problems) = load(&[
            ("kb/loops.zh", loops.as_str()),
            ("kb/times.zh", "Subject: a\n\n{{ case.number * 1000000000 }}"),
            ("kb/long.zh", "Subject: a\n\n{{ case.number * 400 }}"),
            ("kb/unset.zh", "Subject: a\n\n{{ hours.open }}"),
        ]);
        assert_eq!(problems, [""; 0]);
        let mut values = values();
        values.list("missing", ["x"; 50]);
        let render = |template| templates.render(&name(template), Language::Zh, &values).unwrap_err();
        for template in ["kb/loops", "kb/times"] {
            assert!(render(template).to_string().contains("fuel"), "{}", render(template));
        }
        assert!(matches!(render("kb/long"), RenderError::TooLong { size: 4400, limit: 4096, .. }));
        assert!(render("kb/unset").to_string().contains("undefined value"), "{}", render("kb/unset"));
    }
}

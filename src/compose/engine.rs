//! The template engine, with nothing in it but what [`super::tags`] lists.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, filters, tests};

use crate::ids::TemplateName;
use crate::language::Language;

/// What one rendering may cost: about so many instructions, or 64 octets of text each. A sheet with the
/// longest customer text takes a tenth of it; a loop that runs away is stopped in a millisecond.
const FUEL: u64 = 50_000;
/// The folder of the parts.
pub(super) const PART: &str = "part/";
/// What tells the compiled subject of a template from its body; no name has a `#`.
const SUBJECT: &str = "#subject";

/// Which template there is in which language, and the one to take where one is missing.
#[derive(Debug)]
pub(super) struct Variants {
    pub languages: BTreeMap<TemplateName, BTreeSet<Language>>,
    pub default: Language,
}

impl Variants {
    /// The language in which `name` is sent to someone who reads `language`.
    pub fn resolve(&self, name: &str, language: Language) -> Option<Language> {
        let have = self.languages.get(&TemplateName::parse(name).ok()?)?;
        [language, self.default].into_iter().find(|language| have.contains(language)).or_else(|| have.first().copied())
    }
}

/// An engine without templates. An include takes the variant in the language of the text it stands in.
pub(super) fn engine(variants: Arc<Variants>) -> Environment<'static> {
    let mut engine = Environment::empty();
    engine.add_filter("default", filters::default);
    engine.add_filter("first", filters::first);
    engine.add_filter("join", filters::join);
    engine.add_filter("last", filters::last);
    engine.add_filter("length", filters::length);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("replace", filters::replace);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("upper", filters::upper);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("undefined", tests::is_undefined);
    // Text/plain: an `&` is an `&`.
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    engine.set_fuel(Some(FUEL));
    // Errors bring the byte range they speak of.
    engine.set_debug(true);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    if let Ok(syntax) = syntax {
        engine.set_syntax(syntax);
    }
    engine.set_path_join_callback(move |name, parent| {
        let language = parent
            .trim_end_matches(SUBJECT)
            .rsplit_once('.')
            .and_then(|(_, language)| Language::parse(language))
            .unwrap_or(variants.default);
        match variants.resolve(name, language) {
            Some(language) => Cow::Owned(key(name, language)),
            None => Cow::Borrowed(name),
        }
    });
    engine
}

/// The name under which the engine knows the body of a template.
pub(super) fn key(name: &str, language: Language) -> String {
    format!("{name}.{language}")
}

/// The name under which the engine knows the subject of a template.
pub(super) fn subject_key(name: &TemplateName, language: Language) -> String {
    format!("{}{SUBJECT}", key(name.as_str(), language))
}

pub(super) fn is_part(name: &TemplateName) -> bool {
    name.as_str().starts_with(PART)
}

//! What agents call groups, colleagues, categories and entries: by id, or by label in any language, in whatever width, case
//! and script; and what is nearest to a name that is nobody's.

use crate::address::Address;
use crate::fold::fold_words;
use crate::ids::{CategoryId, GroupId, TemplateName};
use crate::language::Language;
use crate::playbook::Playbook;
use crate::problem;
use crate::rules::Label;

/// Where the entries of the knowledge base stand among the templates.
const ENTRIES: &str = "kb/";

pub(super) fn group(name: &str, playbook: &Playbook) -> Option<GroupId> {
    let mut groups = playbook.rules().taxonomy().groups();
    groups.find(|group| is_called(name, group.id.as_str(), &group.label)).map(|group| group.id.clone())
}

/// A colleague, by address or by what stands before the @.
pub(super) fn agent<'a>(name: &str, playbook: &'a Playbook) -> Option<&'a Address> {
    let name = fold_words(name);
    let name = name.trim_matches(['@', '<', '>', ' ']);
    let is_meant = |agent: &&Address| [&agent.to_string(), agent.local()].iter().any(|known| fold_words(known) == name);
    playbook.agents().find(is_meant)
}

/// An entry of the knowledge base, with `kb/` before its name or not.
pub(super) fn entry<'a>(name: &str, playbook: &'a Playbook) -> Option<&'a TemplateName> {
    let name = fold_words(name);
    let name = name.strip_prefix(ENTRIES).unwrap_or(&name);
    entries(playbook).find(|entry| entry.as_str().strip_prefix(ENTRIES).is_some_and(|known| fold_words(known) == name))
}

pub(super) fn category(name: &str, playbook: &Playbook) -> Option<CategoryId> {
    let mut categories = playbook.rules().taxonomy().categories();
    categories.find(|category| is_called(name, category.id.as_str(), &category.label)).map(|found| found.id.clone())
}

/// The group or the colleague whose name is nearest.
pub(super) fn near_holder(name: &str, playbook: &Playbook) -> Option<String> {
    let groups = playbook.rules().taxonomy().groups().flat_map(|group| names(group.id.as_str(), &group.label));
    nearest(name, groups.chain(playbook.agents().map(|agent| agent.local().to_owned())))
}

pub(super) fn near_category(name: &str, playbook: &Playbook) -> Option<String> {
    let categories = playbook.rules().taxonomy().categories();
    nearest(name, categories.flat_map(|category| names(category.id.as_str(), &category.label)))
}

pub(super) fn near_entry(name: &str, playbook: &Playbook) -> Option<String> {
    let name = if name.starts_with(ENTRIES) { name.to_owned() } else { format!("{ENTRIES}{name}") };
    nearest(&name, entries(playbook).map(|entry| entry.as_str().to_owned()))
}

fn entries(playbook: &Playbook) -> impl Iterator<Item = &TemplateName> {
    playbook.templates().names().filter(|name| is_entry(name))
}

pub(super) fn is_entry(name: &TemplateName) -> bool {
    name.as_str().starts_with(ENTRIES)
}

fn is_called(name: &str, id: &str, label: &Label) -> bool {
    let name = fold_words(name);
    names(id, label).any(|known| fold_words(&known) == name)
}

fn names(id: &str, label: &Label) -> impl Iterator<Item = String> {
    let labels = Language::ALL.map(|language| label.in_language(language).to_owned());
    std::iter::once(id.to_owned()).chain(labels)
}

fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let mut known: Vec<(String, String)> = known.map(|known| (fold_words(&known), known)).collect();
    let near = problem::closest(&fold_words(name), known.iter().map(|(folded, _)| folded.as_str()))?;
    let at = known.iter().position(|(folded, _)| folded == near)?;
    Some(known.swap_remove(at).1)
}

//! What agents call groups, colleagues and categories: by id, or by label in any language, small or large; and what is
//! nearest to a name that is nobody's.

use crate::address::Address;
use crate::ids::{CategoryId, GroupId};
use crate::language::Language;
use crate::playbook::Playbook;
use crate::problem;
use crate::rules::Label;

pub(super) fn group(name: &str, playbook: &Playbook) -> Option<GroupId> {
    let mut groups = playbook.rules().taxonomy().groups();
    groups.find(|group| is_called(name, group.id.as_str(), &group.label)).map(|group| group.id.clone())
}

/// A colleague, by address or by what stands before the @.
pub(super) fn agent<'a>(name: &str, playbook: &'a Playbook) -> Option<&'a Address> {
    let name = name.trim_matches(['@', '<', '>', ' ']);
    let is_meant = |agent: &&Address| {
        [agent.to_string().as_str(), agent.local()].iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    playbook.agents().find(is_meant)
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

fn is_called(name: &str, id: &str, label: &Label) -> bool {
    let name = name.trim().to_lowercase();
    names(id, label).any(|known| known.to_lowercase() == name)
}

fn names(id: &str, label: &Label) -> impl Iterator<Item = String> {
    let labels = Language::ALL.map(|language| label.in_language(language).to_owned());
    std::iter::once(id.to_owned()).chain(labels)
}

fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let known: Vec<String> = known.collect();
    problem::closest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

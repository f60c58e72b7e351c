//! How answers are let loose: at once, after an agent's word, or only as a draft that agents see.

use std::collections::BTreeMap;

use crate::ids::{CategoryId, RuleId};

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Rollout {
    #[default]
    Send,
    /// It waits until an agent says that it may leave.
    Approve,
    /// It never leaves; agents see what would have.
    Shadow,
}

/// What is said of it, the nearest word first: the rule's, its category's, everybody's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollouts {
    pub all: Rollout,
    pub categories: BTreeMap<CategoryId, Rollout>,
    pub rules: BTreeMap<RuleId, Rollout>,
}

impl Rollout {
    pub const ALL: [Rollout; 3] = [Rollout::Send, Rollout::Approve, Rollout::Shadow];

    pub fn as_str(self) -> &'static str {
        match self {
            Rollout::Send => "send",
            Rollout::Approve => "approve",
            Rollout::Shadow => "shadow",
        }
    }
}

impl Rollouts {
    /// For an answer that a rule gives about a category; of categories the nearest counts (`deliver.bounce` before
    /// `deliver`).
    pub fn of(&self, rule: Option<&RuleId>, category: Option<&CategoryId>) -> Rollout {
        let by_rule = rule.and_then(|rule| self.rules.get(rule));
        let by_category = || {
            let category = category?.as_str();
            let above = |known: &CategoryId| {
                let rest = category.strip_prefix(known.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let known = self.categories.iter().filter(|(known, _)| above(known));
            known.max_by_key(|(known, _)| known.as_str().len()).map(|(_, rollout)| rollout)
        };
        by_rule.or_else(by_category).copied().unwrap_or(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_counts() {
        let (rule, category) = (|name| RuleId::parse(name).unwrap(), |name| CategoryId::parse(name).unwrap());
        let rollouts = Rollouts {
            all: Rollout::Send,
            categories: [(category("deliver"), Rollout::Shadow), (category("deliver.bounce"), Rollout::Approve)].into(),
            rules: [(rule("a"), Rollout::Send)].into(),
        };
        for (by, about, want) in [
            (None, None, Rollout::Send),
            (None, Some("deliver"), Rollout::Shadow),
            (None, Some("deliver.delay"), Rollout::Shadow),
            (None, Some("deliver.bounce"), Rollout::Approve),
            (None, Some("delivery"), Rollout::Send),
            (Some("b"), Some("deliver.bounce"), Rollout::Approve),
            (Some("a"), Some("deliver.bounce"), Rollout::Send),
        ] {
            assert_eq!(rollouts.of(by.map(rule).as_ref(), about.map(category).as_ref()), want, "{by:?} {about:?}");
        }
    }
}

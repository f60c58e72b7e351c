//! How much the groups have to do.

use std::collections::BTreeMap;
use std::fmt;

use crate::ids::GroupId;

/// How many requesters wait for an answer of each group; a group that nobody waits for is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Load(BTreeMap<GroupId, u32>);

impl Load {
    pub fn of(&self, group: &GroupId) -> u32 {
        self.0.get(group).copied().unwrap_or_default()
    }

    /// One more waits for this group.
    pub fn comes(&mut self, group: &GroupId) {
        *self.0.entry(group.clone()).or_default() += 1;
    }

    /// One waits no more.
    pub fn goes(&mut self, group: &GroupId) {
        if let Some(waiting) = self.0.get_mut(group) {
            *waiting = waiting.saturating_sub(1);
        }
        self.0.retain(|_, waiting| *waiting > 0);
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Load> {
        let one = |entry: &str| {
            let (group, waiting) = entry.split_once('=')?;
            Some((GroupId::parse(group).ok()?, waiting.parse().ok()?))
        };
        text.split(' ').filter(|entry| !entry.is_empty()).map(one).collect::<Option<_>>().map(Load)
    }
}

/// `mail-tech=3 triage=1`
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> = self.0.iter().map(|(group, waiting)| format!("{group}={waiting}")).collect();
        f.write_str(&entries.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_and_goes_is_counted() {
        let [tech, triage] = ["mail-tech", "triage"].map(|group| GroupId::parse(group).unwrap());
        let mut load = Load::default();
        assert_eq!((load.of(&tech), load.to_string()), (0, String::new()));
        (0..3).for_each(|_| load.comes(&tech));
        load.comes(&triage);
        assert_eq!(load.to_string(), "mail-tech=3 triage=1");
        assert_eq!(Load::parse("mail-tech=3 triage=1"), Some(load.clone()));
        load.goes(&triage);
        load.goes(&triage);
        assert_eq!(load.to_string(), "mail-tech=3");
        assert_eq!(Load::parse(""), Some(Load::default()));
        for wrong in ["mail-tech", "mail-tech=x", "=1", "Mail Tech=1"] {
            assert_eq!(Load::parse(wrong), None, "{wrong}");
        }
    }
}

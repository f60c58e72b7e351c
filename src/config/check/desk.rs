//! What bot.toml says of the desk: groups, agents, kinds of customers, notices.

use std::collections::BTreeMap;

use super::{Check, hours};
use crate::address::{Address, parse_domain};
use crate::config::file::{AgentTable, GroupTable, NoticeTable, RolloutTable, TierTable};
use crate::config::{Agent, Group, Network, Notice, Rollout, Rollouts, Sharing, Tier};
use crate::ids::{CategoryId, GroupId, RuleId};

impl Check<'_> {
    pub(super) fn networks(&mut self, texts: &[String]) -> Vec<Network> {
        let mut networks = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match Network::parse(text) {
                Some(network) => networks.push(network),
                None => {
                    let what = format!("`{text}` is no network of an organisation: write it as 10.1.0.0/16");
                    self.wrong(&["handoff", "internal_networks", &i.to_string()], what);
                }
            }
        }
        networks
    }

    pub(super) fn group(&mut self, name: &str, table: &GroupTable) -> Option<(GroupId, Group)> {
        let group = self.name(&["group", name], name, GroupId::parse)?;
        if table.to.is_empty() {
            self.wrong(&["group", name, "to"], "needs at least one address, or leave the table out");
        }
        let to = self.addresses(&["group", name, "to"], &table.to);
        let leads = self.addresses(&["group", name, "leads"], &table.leads);
        let ways = Sharing::ALL.map(|sharing| (sharing.as_str(), sharing));
        let sharing = self.one_of(&["group", name, "share"], &table.share, &ways)?;
        Some((group, Group { to, sharing, leads }))
    }

    pub(super) fn agent(&mut self, name: String, table: &AgentTable, known: &[&Address]) -> Option<Agent> {
        let at = |key| ["agent", name.as_str(), key];
        let address = self.address(&at("address"), &table.address)?;
        if !known.contains(&&address) {
            self.wrong(
                &at("address"),
                format!("{address} is in no group and leads none: nothing is ever sent to them"),
            );
        }
        let mut languages = Vec::new();
        for language in &table.languages {
            languages.extend(self.language(&at("languages"), language));
        }
        Some(Agent { address, languages, calendar: table.calendar.clone(), name })
    }

    pub(super) fn rollout(&mut self, table: &RolloutTable) -> Option<Rollouts> {
        let ways = Rollout::ALL.map(|rollout| (rollout.as_str(), rollout));
        let mut rollouts =
            Rollouts { all: self.one_of(&["rollout", "answers"], &table.answers, &ways)?, ..Rollouts::default() };
        for (name, word) in &table.categories {
            let at = ["rollout", "categories", name.as_str()];
            let category = self.name(&at, name, CategoryId::parse)?;
            rollouts.categories.insert(category, self.one_of(&at, word, &ways)?);
        }
        for (name, word) in &table.rules {
            let at = ["rollout", "rules", name.as_str()];
            let rule = self.name(&at, name, RuleId::parse)?;
            rollouts.rules.insert(rule, self.one_of(&at, word, &ways)?);
        }
        Some(rollouts)
    }

    pub(super) fn tiers(&mut self, tables: BTreeMap<String, TierTable>) -> BTreeMap<String, Tier> {
        let mut tiers = BTreeMap::new();
        for (name, table) in tables {
            let addresses = self.addresses(&["tier", &name, "addresses"], &table.addresses);
            let mut domains = Vec::new();
            for text in &table.domains {
                match parse_domain(text) {
                    Some(domain) => domains.push(domain),
                    None => self.wrong(&["tier", &name, "domains"], format!("`{text}` is no domain")),
                }
            }
            if table.addresses.is_empty() && table.domains.is_empty() {
                self.wrong(&["tier", &name], "names nobody: give `domains` or `addresses`");
            }
            let group =
                table.group.as_ref().and_then(|group| self.name(&["tier", &name, "group"], group, GroupId::parse));
            let copy = table.copy.as_ref().and_then(|copy| self.name(&["tier", &name, "copy"], copy, GroupId::parse));
            let first_response = table.first_response_hours.map(hours);
            let follow_up = table.follow_up_hours.map(hours);
            let tier = Tier { domains, addresses, group, copy, raise: table.raise, first_response, follow_up };
            tiers.insert(name, tier);
        }
        tiers
    }

    pub(super) fn notices(&mut self, tables: BTreeMap<String, NoticeTable>) -> BTreeMap<String, Notice> {
        let mut notices = BTreeMap::new();
        for (name, table) in tables {
            match Notice::read(&table) {
                Ok(notice) => drop(notices.insert(name, notice)),
                Err((key, what)) => self.wrong(&["notice", &name, key], what),
            }
        }
        notices
    }
}

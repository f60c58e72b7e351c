//! The playbook: configuration, rules, templates, groups and calendars, checked together, one immutable value.
//!
//! What one of them names the others must have: a rule's template, a category's group, a template's value. A
//! playbook with an error does not exist; the one that runs stays until a better one is whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, ReversePath};
use crate::compose::{self, SHEET_VARIABLES, Templates, Values, Voice};
use crate::config::{self, Config, Mailbox, Wording};
use crate::ids::{CaseNumber, CategoryId, GroupId, Key, MailHash, Right, TemplateName, Token};
use crate::language::Language;
use crate::message::Message;
use crate::problem::{Problem, Problems, Severity, SourceText};
use crate::rules::{self, Rules, TestSummary};
use crate::screen::Desk;
use crate::time::{self, Timestamp};

/// The texts a playbook is made of.
#[derive(Debug, Clone)]
pub struct Texts {
    pub rules: Vec<SourceText>,
    pub templates: Vec<(TemplateName, Language, SourceText)>,
    /// Mails that tests of rules name, by their path from the folder of the rules.
    pub mails: BTreeMap<String, Vec<u8>>,
}

/// See the module text.
#[derive(Debug)]
pub struct Playbook {
    config: Config,
    rules: Rules,
    templates: Templates,
    key: Key,
    desk: Desk,
    colleagues: BTreeSet<String>,
    revision: String,
}

/// What the code itself asks of the templates, beside what the rules name.
pub struct OwnTemplates;

impl OwnTemplates {
    /// To a requester: no rule was sure, a human will read it.
    pub const RECEIVED: &str = "ack/received";
    /// To a requester: how the case stands.
    pub const STATUS: &str = "status/state";
    /// To a requester who wrote a new mail about a case that humans have.
    pub const APPENDED: &str = "added/appended";
    /// To a requester who wrote secrets into a case that humans have.
    pub const SECRET: &str = "added/secret";
    /// To a requester, around all that was said in the case.
    pub const TRANSCRIPT: &str = "status/transcript";
    /// To a requester whose case is closed: the one question.
    pub const SURVEY: &str = "close/survey";
    /// To a requester whose case humans had, and have again.
    pub const REOPENED: &str = "added/reopened";
    /// To a requester: humans have it; now, or when they are there again.
    pub const HANDOFF_OPEN: &str = "handoff/open";
    pub const HANDOFF_CLOSED: &str = "handoff/closed";
    /// To a group: the sheet around a case.
    pub const SHEET: &str = "handoff/sheet";
    /// To the operator.
    pub const UNDELIVERED: &str = "notice/undelivered";
    pub const QUARANTINED: &str = "notice/quarantined";
    pub const BOUNCED: &str = "notice/bounced";
    pub const UNUSABLE: &str = "notice/unusable";
    pub const BREAKER: &str = "notice/breaker";
    /// To agents, about mails that would have buried them.
    pub const DIGEST: &str = "handoff/digest";
    /// To the lead of a group: how the day was.
    pub const REPORT: &str = "handoff/report";
    /// To whom a rule notifies.
    pub const NOTIFIED: &str = "notice/notified";
    /// To the operator: a mail in an agent's name that lacks a proof.
    pub const REFUSED: &str = "notice/refused";
    /// Around an agent's words to a requester: the subject and the signature.
    pub const RELAY: &str = "agent/relay";
    /// To an agent: what came of their mail, and why it is held.
    pub const RECEIPT: &str = "agent/receipt";
    pub const HELD: &str = "agent/held";
    /// To an agent: a case is theirs now.
    pub const HANDOVER: &str = "agent/handover";
    /// To an agent: a time is near, has passed, or has come.
    pub const REMINDER: &str = "agent/reminder";
    /// To a requester who has been silent.
    pub const SILENT: &str = "close/silent";

    const ALL: [&str; 25] = [
        Self::RECEIVED,
        Self::STATUS,
        Self::APPENDED,
        Self::REOPENED,
        Self::TRANSCRIPT,
        Self::SECRET,
        Self::SURVEY,
        Self::HANDOFF_OPEN,
        Self::HANDOFF_CLOSED,
        Self::SHEET,
        Self::UNDELIVERED,
        Self::QUARANTINED,
        Self::BOUNCED,
        Self::UNUSABLE,
        Self::BREAKER,
        Self::DIGEST,
        Self::REPORT,
        Self::NOTIFIED,
        Self::REFUSED,
        Self::RELAY,
        Self::RECEIPT,
        Self::HELD,
        Self::HANDOVER,
        Self::REMINDER,
        Self::SILENT,
    ];
}

/// The values every template may name, beside `org.*` and `fields.*`.
const VARIABLES: [&str; 50] = [
    "case.number",
    "group.label",
    "hours.text",
    "hours.next_opening",
    "missing",
    "notice.what",
    "notice.case",
    "notice.to",
    "notice.why",
    "notice.file",
    "notice.revision",
    "notice.problems",
    "receipt.lines",
    "receipt.text",
    "receipt.transcript",
    "notice.figures",
    "notice.senders",
    "notice.acts",
    "digest.count",
    "digest.cases",
    "digest.lines",
    "report.day",
    "report.groups",
    "report.rules",
    "report.other_rules",
    "report.answers",
    "report.relays",
    "report.failed",
    "report.decided",
    "report.opened",
    "report.appended",
    "report.duplicate",
    "report.own",
    "report.quarantined",
    "report.open",
    "report.vanished",
    "status.state",
    "status.due",
    "status.late",
    "status.closed",
    "status.reminded",
    "status.asked_before",
    "status.steps",
    "close.survey",
    "mail.secrets",
    "mail.by_hand",
    "case.offers",
    "promise.due",
    "promise.expected",
    "promise.busy",
];

impl Playbook {
    /// Checks everything against everything. Warnings come with the playbook, errors instead of it.
    pub fn assemble(
        config: Config,
        texts: &Texts,
        key: Key,
        read: &dyn Fn(&[u8]) -> Message,
    ) -> Result<(Playbook, Problems, TestSummary), Problems> {
        let (mut rules, mut problems) = rules::load(&texts.rules);
        let variables = variables(&config, &rules);
        let known: Vec<&str> = variables.iter().map(String::as_str).collect();
        let (templates, found) = Templates::load(&texts.templates, &known, config.handoff.language);
        problems.extend(found);
        problems.extend(cross_check(&config, &rules, &templates));
        if problems.has_errors() {
            return Err(problems);
        }
        let (summary, failed) = rules.run_tests(read, &texts.mails);
        problems.extend(failed);
        if problems.has_errors() {
            return Err(problems);
        }
        rules.drop_tests();
        let colleagues = colleagues(&config).map(Address::counting_key).collect();
        let revision = revision(texts);
        let desk = desk(&config, key.clone());
        Ok((Playbook { config, rules, templates, key, desk, colleagues, revision }, problems, summary))
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What screening must know of the organisation.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// A short name for exactly these rules and templates.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// An agent or the operator: their mail is recorded, not treated as a customer's.
    pub fn is_colleague(&self, address: &Address) -> bool {
        self.colleagues.contains(&address.counting_key())
    }

    /// Do answers of agents come back to us, to be sent from the support address?
    pub fn relays(&self) -> bool {
        self.config.handoff.replies == config::Replies::Relay
    }

    /// The language in which an agent is written to: the first they are said to speak, else that of the house.
    pub fn agent_language(&self, agent: &Address) -> Language {
        let handoff = &self.config.handoff;
        handoff.agent(agent).and_then(|agent| agent.languages.first()).copied().unwrap_or(handoff.language)
    }

    /// May this address give orders? To the letter: what grants authority is compared exactly.
    pub fn is_agent(&self, address: &Address) -> bool {
        self.agents().any(|agent| agent == address)
    }

    /// Everybody whom cases are handed to, and the leads.
    pub fn agents(&self) -> impl Iterator<Item = &Address> {
        agents(&self.config)
    }

    /// What an agent must present to act on a case.
    pub fn token(&self, case: CaseNumber, right: Right, agent: &Address, now: Timestamp) -> Token {
        let last_day = time::day_number(now).saturating_add(self.config.handoff.token_days);
        Token::grant(&self.key, case, right, &agent.to_string(), last_day)
    }

    /// Where an agent answers to: the address with the token in it, or where hosts know no subaddresses, our own.
    pub fn reply_address(&self, mailbox: &Mailbox, token: &Token) -> Address {
        self.address_of(token).unwrap_or_else(|| mailbox.addresses[0].clone())
    }

    /// The address with an agent's token in it; none where hosts know no subaddresses.
    pub fn address_of(&self, token: &Token) -> Option<Address> {
        self.config.handoff.reply_address.as_ref()?.with_detail('+', &token.detail())
    }

    /// Everybody of the house whom mails are counted by that go to them one by one.
    pub fn humans(&self) -> impl Iterator<Item = &Address> {
        colleagues(&self.config).chain(self.rules.notified())
    }

    pub fn may_answer_alone(&self, category: &CategoryId) -> bool {
        self.rules.taxonomy().category(category).is_some_and(|category| category.bot_may_answer)
    }

    pub fn category_group(&self, category: &CategoryId) -> Option<GroupId> {
        self.rules.taxonomy().category(category).and_then(|category| category.group.clone())
    }

    pub fn category_label(&self, category: &CategoryId, language: Language) -> String {
        let found = self.rules.taxonomy().category(category);
        found.map_or(category.as_str(), |found| found.label.in_language(language)).to_owned()
    }

    pub fn group_label(&self, group: &GroupId, language: Language) -> String {
        let found = self.rules.taxonomy().group(group);
        found.map_or(group.as_str(), |found| found.label.in_language(language)).to_owned()
    }

    pub fn field_label(&self, field: &str, language: Language) -> String {
        let found = self.rules.taxonomy().field(field);
        found.map_or(field, |found| found.label.in_language(language)).to_owned()
    }

    /// Octets of the largest original that goes along with a forward: what the relay takes, less the sheet.
    pub fn largest_original(&self) -> u64 {
        const SHEET: u64 = 512 * 1024;
        match &self.config.relay {
            config::Relay::Maildir { .. } => u64::MAX,
            config::Relay::Smtp(smtp) => smtp.largest.saturating_sub(SHEET),
        }
    }

    /// The words that tell a requester that a human will take over, as the group's hours are.
    pub fn handoff_template(&self, group: &GroupId, now: Timestamp) -> TemplateName {
        let open = self.rules.taxonomy().hours(Some(group), now).is_open();
        own(if open { OwnTemplates::HANDOFF_OPEN } else { OwnTemplates::HANDOFF_CLOSED })
    }

    /// In whose name a mail about this mailbox leaves.
    pub fn voice(&self, mailbox: &Mailbox, language: Language) -> Voice {
        let address = mailbox.addresses[0].clone();
        Voice {
            display_name: mailbox.display_name.as_ref().map(|wording| worded(wording, language)).unwrap_or_default(),
            answered_at: self.config.reply.signed_address.clone(),
            domain: address.domain().to_owned(),
            envelope_from: self.config.bounce_address.clone().unwrap_or(ReversePath::Address(address.clone())),
            bot_id: self.config.id.clone(),
            site: address.domain().to_owned(),
            address,
        }
    }

    /// The values that all templates may name, for one language and group.
    pub fn values(&self, group: &GroupId, language: Language, now: Timestamp) -> Values {
        let mut values = Values::new();
        for (key, wording) in &self.config.organisation {
            values.text(&format!("org.{key}"), &worded(wording, language));
        }
        values.text("group.label", &self.group_label(group, language));
        let calendar = self.rules.taxonomy().calendar(group);
        let hours = calendar.map(|calendar| compose::describe(calendar, now, language));
        values.text("hours.text", &hours.unwrap_or_default());
        let next = calendar.filter(|calendar| !calendar.moment(now).is_open()).and_then(|calendar| {
            let opening = calendar.next_opening(now)?;
            Some(compose::describe_moment_abroad(calendar, opening, language))
        });
        values.text("hours.next_opening", &next.unwrap_or_default());
        values
    }
}

/// A template the code itself names; `cross_check` makes sure that it is there.
pub fn own(name: &str) -> TemplateName {
    TemplateName::parse(name).expect("the names in OwnTemplates are names")
}

/// The wording in a language, else in Chinese, else in any.
pub fn worded(wording: &Wording, language: Language) -> String {
    match wording {
        Wording::Same(text) => text.clone(),
        Wording::Each(each) => {
            let wanted = each.get(language.as_str()).or_else(|| each.get("zh")).or_else(|| each.values().next());
            wanted.cloned().unwrap_or_default()
        }
    }
}

/// Everybody who answers, and who hears when nobody does.
fn agents(config: &Config) -> impl Iterator<Item = &Address> {
    let handoff = &config.handoff;
    let leads = handoff.groups.values().flat_map(|group| &group.leads).chain(&handoff.leads);
    handoff.groups.values().flat_map(|group| &group.to).chain(&handoff.to).chain(leads)
}

/// The agents and the operator.
fn colleagues(config: &Config) -> impl Iterator<Item = &Address> {
    agents(config).chain(&config.operator)
}

/// What screening must know, from the configuration alone.
pub fn desk(config: &Config, key: Key) -> Desk {
    Desk {
        addresses: config.mailboxes.iter().flat_map(|mailbox| mailbox.addresses.clone()).collect(),
        never: colleagues(config).chain(&config.reply.never).cloned().collect(),
        trusted_forms: config.reply.trusted_forms.clone(),
        servers: config.reply.authentication_servers.clone(),
        sealers: config.reply.trusted_arc_sealers.clone(),
        policy: config.reply.senders,
        bot_id: config.id.clone(),
        stale_after: config.reply.stale,
        key,
    }
}

fn variables(config: &Config, rules: &Rules) -> BTreeSet<String> {
    let organisation = config.organisation.keys().map(|key| format!("org.{key}"));
    let fields = rules.taxonomy().fields().iter().map(|field| format!("fields.{}", field.id));
    let fixed = VARIABLES.iter().chain(SHEET_VARIABLES).map(|name| (*name).to_owned());
    organisation.chain(fields).chain(fixed).collect()
}

fn cross_check(config: &Config, rules: &Rules, templates: &Templates) -> Problems {
    let mut problems = Problems::default();
    let names: Vec<&str> = templates.names().map(TemplateName::as_str).collect();
    for (name, source, span) in rules.templates() {
        if !templates.contains(&name) {
            let problem = source.error(span, format!("there is no template `{name}`")).code("E03");
            problems.push(problem.did_you_mean(name.as_str(), names.iter().copied()));
        }
    }
    for name in OwnTemplates::ALL.iter().filter(|name| !templates.contains(&own(name))) {
        let help = format!("write {}/{name}.zh.txt", config.templates);
        problems.push(Problem::outside(format!("the template `{name}` is missing")).code("E03").help(help));
    }
    let tiers: Vec<&str> = config.tiers.keys().map(String::as_str).collect();
    for (tier, source, span) in rules.tiers().iter().filter(|(tier, ..)| !config.tiers.contains_key(tier)) {
        let problem = source.error(span.clone(), format!("there is no tier `{tier}` in bot.toml")).code("E03");
        problems.push(match tiers.is_empty() {
            true => problem.help(format!("write a table [tier.{tier}] with `domains` or `addresses`")),
            false => problem.did_you_mean(tier, tiers.iter().copied()),
        });
    }
    let is_category = |name: &str| {
        let below = |id: &str| id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        rules.taxonomy().categories().any(|category| below(category.id.as_str()))
    };
    for (name, notice) in &config.notices {
        for category in notice.categories.iter().filter(|category| !is_category(category.as_str())) {
            let what = format!("there is no category `{category}`");
            let problem = config.error_at(&["notice", name, "categories"], what).code("E03");
            let known = rules.taxonomy().categories().map(|category| category.id.as_str());
            problems.push(problem.did_you_mean(category.as_str(), known));
        }
    }
    let rollout = &config.rollout;
    let mut ways = rollout.categories.values().chain(rollout.rules.values()).chain([&rollout.all]);
    if config.handoff.replies == config::Replies::Direct && ways.any(|way| *way == config::Rollout::Approve) {
        let what = "\"approve\" needs handoff.replies = \"relay\": agents approve by answering us";
        problems.push(config.error_at(&["rollout"], what));
    }
    for category in rollout.categories.keys().filter(|category| !is_category(category.as_str())) {
        let what = format!("there is no category `{category}`");
        let problem = config.error_at(&["rollout", "categories", category.as_str()], what).code("E03");
        let known = rules.taxonomy().categories().map(|category| category.id.as_str());
        problems.push(problem.did_you_mean(category.as_str(), known));
    }
    for rule in rollout.rules.keys().filter(|rule| rules.rule(rule).is_none()) {
        let problem = config.error_at(&["rollout", "rules", rule.as_str()], format!("there is no rule `{rule}`"));
        let known = rules.rules().iter().map(|rule| rule.id.as_str());
        problems.push(problem.code("E03").did_you_mean(rule.as_str(), known));
    }
    if !config.handoff.internal_networks.is_empty() {
        let what = "agents are believed by the network their mail comes from: anybody in it can write their names";
        let at = config.error_at(&["handoff", "internal_networks"], what).code("W23");
        let problem = Problem { severity: Severity::Warning, ..at };
        problems.push(
            problem.help("better let the server sign (DKIM), or name one that checks in reply.authentication_servers"),
        );
    }
    for agent in &config.handoff.agents {
        for calendar in agent.calendar.iter().filter(|calendar| !rules.taxonomy().has_calendar(calendar)) {
            let what = format!("there is no calendar `{calendar}` in the taxonomy");
            problems.push(config.error_at(&["agent", &agent.name, "calendar"], what).code("E03"));
        }
    }
    let groups: Vec<&str> = rules.taxonomy().groups().map(|group| group.id.as_str()).collect();
    let used = config.mailboxes.iter().map(|mailbox| (&mailbox.group, vec!["mailbox", mailbox.name.as_str(), "group"]));
    let tables = config.handoff.groups.keys().map(|group| (group, vec!["group", group.as_str()]));
    let tiers = config.tiers.iter().flat_map(|(name, tier)| {
        let group = tier.group.iter().map(move |group| (group, vec!["tier", name, "group"]));
        group.chain(tier.copy.iter().map(move |copy| (copy, vec!["tier", name, "copy"])))
    });
    for (group, path) in used.chain(tables).chain(tiers).filter(|(group, _)| rules.taxonomy().group(group).is_none()) {
        let problem = config.error_at(&path, format!("there is no group `{group}` in the taxonomy")).code("E03");
        problems.push(problem.did_you_mean(group.as_str(), groups.iter().copied()));
    }
    problems
}

/// A short name for exactly these rules and templates, wherever they lie: of a rule file its own name counts, not its
/// folder's.
pub fn revision(texts: &Texts) -> String {
    let own_name = |source: &SourceText| source.name.rsplit('/').next().unwrap_or_default().to_owned();
    let rules = texts.rules.iter().map(|source| (own_name(source), &source.text));
    let templates = texts.templates.iter().map(|(name, language, source)| (format!("{name}.{language}"), &source.text));
    let mut files: Vec<_> = rules.chain(templates).collect();
    files.sort();
    let hashes: Vec<String> =
        files.iter().map(|(name, text)| format!("{name}\0{}", MailHash::of(text.as_bytes()))).collect();
    MailHash::of(hashes.join("\n").as_bytes()).short()
}

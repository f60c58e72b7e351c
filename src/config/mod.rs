//! bot.toml: what an admin sets, read strictly.
//!
//! Two readings: once by `toml` alone, which knows line and column, once by `config`, which lays the
//! environment (`HUIXIN__TABLE__KEY`) over the file. Unknown keys, wrong types and values without sense are
//! [`Problem`]s; nothing is guessed. The result holds no secret, only where to find it.

mod check;
mod desk;
mod file;
mod network;
mod notice;
mod place;
mod rollout;
mod server;

pub use desk::{Agent, Group, Sharing};
pub use file::{BreakerTable as Breaker, BudgetTable as Budget, CaseTable as Cases, KeepTable as Keep, Wording};
pub use network::Network;
pub use notice::Notice;
pub use place::variable;
pub use rollout::{Rollout, Rollouts};
pub use server::{Auth, Imap, Login, Relay, Secret, Server, Smtp, Source, Tls};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::{Address, ReversePath};
use crate::ids::{GroupId, MailboxName};
use crate::language::Language;
use crate::problem::{Problem, Problems, SourceText};

/// What the environment variables of the bot begin with.
pub const ENVIRONMENT_PREFIX: &str = "HUIXIN";

/// A checked configuration. Paths are as written: relative to the folder of bot.toml.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names this bot in its X-Loop mark and its logs.
    pub id: String,
    pub data: String,
    pub rules: String,
    pub templates: String,
    /// Who is told of trouble; none means: the log only.
    pub operator: Option<Address>,
    /// `huixin rules apply` asks for `--yes` if more than this share of recent mail would be decided otherwise.
    pub apply_percent: u8,
    /// What templates may say about the organisation.
    pub organisation: BTreeMap<String, Wording>,
    pub mailboxes: Vec<Mailbox>,
    pub relay: Relay,
    /// The reverse-path of what leaves; none means the mailbox's own address.
    pub bounce_address: Option<ReversePath>,
    pub handoff: Handoff,
    /// Kinds of customers, by name.
    pub tiers: BTreeMap<String, Tier>,
    /// What is put above automatic answers for a time, by name.
    pub notices: BTreeMap<String, Notice>,
    pub reply: Reply,
    pub rollout: Rollouts,
    pub cases: Cases,
    pub budget: Budget,
    pub breaker: Breaker,
    pub keep: Keep,
    pub delivery: Delivery,
    pub log: Log,
    /// bot.toml itself, so that a fault found later still points at its line.
    source: SourceText,
    overridden: Vec<String>,
}

/// One mailbox we watch.
#[derive(Debug, Clone)]
pub struct Mailbox {
    pub name: MailboxName,
    /// Its own addresses; the first is the one we write from. At least one.
    pub addresses: Vec<Address>,
    /// What stands before the address in From.
    pub display_name: Option<Wording>,
    /// Spoken where the customer's own language is none of ours.
    pub language: Language,
    /// Gets what no rule resolves.
    pub group: GroupId,
    /// What becomes of mail that lay there before the first start.
    pub existing: Existing,
    /// Larger mails are read by their head and their first octets only.
    pub largest: u64,
    pub source: Source,
}

/// Mail that was in the mailbox before the first start is never answered automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It becomes cases that nobody is told of.
    Case,
    /// It is left alone.
    Leave,
}

#[derive(Debug, Clone)]
pub struct Handoff {
    /// Gets what is for a group that has no address of its own.
    pub to: Vec<Address>,
    /// Groups that are more than an entry of the taxonomy.
    pub groups: BTreeMap<GroupId, Group>,
    /// What is known of single agents.
    pub agents: Vec<Agent>,
    /// The language of the words around a forward.
    pub language: Language,
    pub attach_original: bool,
    /// Show automatic mail that belongs to no case to the mailbox's group.
    pub automatic: bool,
    pub replies: Replies,
    /// Agents answer to this address with a token as its subaddress; none: to the mailbox's own address.
    pub reply_address: Option<Address>,
    /// How long an agent's reply waits in which it can be called back.
    pub undo: Duration,
    /// How long the token of a forward holds.
    pub token_days: u32,
    /// Agents are believed by these networks where nothing else speaks for their mail.
    pub internal_networks: Vec<Network>,
    pub clocks: Clocks,
    /// Working time that an agent needs for a case, by and large, in minutes: what people are told to expect is reckoned
    /// with it. Zero: nothing is expected, only promised.
    pub case_minutes: u16,
    /// Who hears when a group without leads of its own has let a time pass.
    pub leads: Vec<Address>,
    /// The group that hears when the leads have let a time pass too.
    pub emergency: Option<GroupId>,
    /// When the leads are told how the day was, in minutes after midnight; none: never.
    pub report_at: Option<u16>,
}

/// By when a human must have written, in working time. Zero: no such clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    pub first_response: Duration,
    pub follow_up: Duration,
    /// The part of the time after which the group is reminded, in percent.
    pub warn_percent: u8,
    /// From the breach to the next step up.
    pub escalate: Duration,
    /// How long a requester may be silent before a case that waits for them closes; not in working time.
    pub silence: Duration,
}

/// What becomes of an agent's answer to a forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    /// It comes to us, and we send it to the requester from the support address.
    Relay,
    /// It goes to the requester from the agent's own address, past us.
    Direct,
}

impl Handoff {
    /// Where mail for a group goes.
    pub fn addresses(&self, group: &GroupId) -> &[Address] {
        self.groups.get(group).map_or(&self.to, |group| &group.to)
    }

    /// How a group shares its cases.
    pub fn sharing(&self, group: &GroupId) -> Sharing {
        self.groups.get(group).map_or(Sharing::Everybody, |group| group.sharing)
    }

    /// Who hears when this group has let a time pass; nobody named: nobody.
    pub fn leads(&self, group: &GroupId) -> &[Address] {
        let own = self.groups.get(group).map(|group| &group.leads).filter(|leads| !leads.is_empty());
        own.unwrap_or(&self.leads)
    }

    pub fn agent(&self, address: &Address) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.address == *address)
    }
}

/// The customers of one kind.
#[derive(Debug, Clone, Default)]
pub struct Tier {
    /// `example.com`, in lower case as A-labels; with the hosts below them.
    pub domains: Vec<String>,
    pub addresses: Vec<Address>,
    /// Has its cases, unless a rule says otherwise.
    pub group: Option<GroupId>,
    /// Gets every forward as well.
    pub copy: Option<GroupId>,
    /// Steps by which its cases are more urgent.
    pub raise: u8,
    /// Outranks the category's time.
    pub first_response: Option<Duration>,
    pub follow_up: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub enabled: bool,
    /// Customers answer to this address with a token as its subaddress; none: to the mailbox's own address.
    pub signed_address: Option<Address>,
    pub stale: Duration,
    pub trusted_forms: Vec<Address>,
    pub never: Vec<Address>,
    pub senders: SenderPolicy,
    /// The names our own mail servers give themselves in `Authentication-Results`, in lower case.
    pub authentication_servers: Vec<String>,
    /// Domains whose ARC seals are believed about mail they pass on, as A-labels.
    pub trusted_arc_sealers: Vec<String>,
    /// Check the DKIM signatures of mail ourselves, which asks the domain name system.
    pub verify_dkim: bool,
}

/// Who is answered, as far as From can be believed. Humans see every mail, whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderPolicy {
    /// Who fails is not answered; those of whom nothing is known share a small budget.
    Budgeted,
    /// Only who is authenticated is answered.
    Strict,
    /// Everybody is answered; agents are warned of who fails.
    Off,
}

#[derive(Debug, Clone)]
pub struct Delivery {
    pub give_up: Duration,
    /// How old an automatic answer may be that a crash left in doubt, to be sent again.
    pub answer_in_doubt: Duration,
}

#[derive(Debug, Clone)]
pub struct Log {
    pub level: String,
    pub json: bool,
}

impl Config {
    pub fn mailbox(&self, name: &MailboxName) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.name == *name)
    }

    /// What kind of customer an address belongs to: an address that is named outranks its domain, and of domains the
    /// longest, which is the nearest.
    pub fn tier(&self, address: &Address) -> Option<&str> {
        self.tier_of(address).map(|(name, _)| name)
    }

    /// As [`Config::tier`], with what is said of it.
    pub fn tier_of(&self, address: &Address) -> Option<(&str, &Tier)> {
        let named = self.tiers.iter().find(|(_, tier)| tier.addresses.iter().any(|one| one.matches(address)));
        let below = |domain: &&String| {
            let rest = address.domain().strip_suffix(domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let by_domain = || {
            let nearest = |tier: &Tier| tier.domains.iter().filter(below).map(String::len).max();
            self.tiers.iter().filter(|(_, tier)| nearest(tier).is_some()).max_by_key(|(_, tier)| nearest(tier))
        };
        named.or_else(by_domain).map(|(name, tier)| (name.as_str(), tier))
    }

    /// A fault of the value at `path`, found when other files were held against it.
    pub fn error_at(&self, path: &[&str], what: impl Into<String>) -> Problem {
        place::Places::new(&self.source, self.overridden.clone()).error(path, what)
    }
}

/// Reads bot.toml with `environment` laid over it.
pub fn load(source: &SourceText, environment: &[(String, String)]) -> Result<Config, Problems> {
    toml::from_str::<file::BotFile>(&source.text).map_err(|error| spelling(source, &error))?;
    let ours: Vec<(String, String)> = environment
        .iter()
        .filter(|(name, _)| name.to_uppercase().starts_with(&format!("{ENVIRONMENT_PREFIX}__")))
        .cloned()
        .collect();
    let layered = layer(source, &ours)?;
    let keys = ours.iter().map(|(name, _)| name[ENVIRONMENT_PREFIX.len() + 2..].to_lowercase().replace("__", "."));
    check::check(layered, &place::Places::new(source, keys.collect()))
}

/// The file with the environment over it. Values of the environment stay as they are written where a text is
/// wanted (`try_parsing` would turn the password `007` into `7`).
fn layer(source: &SourceText, ours: &[(String, String)]) -> Result<file::BotFile, Problems> {
    let environment = ::config::Environment::with_prefix(ENVIRONMENT_PREFIX)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(false)
        .source(Some(ours.iter().cloned().collect()));
    ::config::Config::builder()
        .add_source(::config::File::from_str(&source.text, ::config::FileFormat::Toml))
        .add_source(environment)
        .build()
        .and_then(::config::Config::try_deserialize)
        .map_err(|error| Problem::outside(format!("in the environment: {error}")).into())
}

/// A fault that `toml` found, with its place and, for an unknown key, the key that was probably meant.
fn spelling(source: &SourceText, error: &toml::de::Error) -> Problems {
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let problem = source.error(error.span().unwrap_or(0..0), message.lines().next().unwrap_or(message));
    match quoted.split_first() {
        Some((written, known)) if message.starts_with("unknown field") => {
            problem.did_you_mean(written, known.iter().copied()).into()
        }
        _ => problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../bot.toml");

    fn load_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment: Vec<_> = environment.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        load(&SourceText::new("bot.toml", text), &environment).map_err(|problems| problems.to_string())
    }

    /// The shipped file with one piece replaced.
    fn with(from: &str, to: &str) -> Result<Config, String> {
        assert!(SHIPPED.contains(from), "{from}");
        load_text(&SHIPPED.replacen(from, to, 1), &[])
    }

    #[test]
    fn the_shipped_file_runs_as_it_is() {
        let config = load_text(SHIPPED, &[]).unwrap();
        assert_eq!(config.mailboxes[0].addresses[0].to_string(), "support@example.com");
        assert!(matches!(config.relay, Relay::Maildir { .. }));
    }

    /// Turns every `# key = value` line of the file into an option that is set; what they then say must be
    /// accepted, and be the default wherever one is claimed.
    #[test]
    fn the_shipped_file_shows_every_option() {
        let mut shown: Vec<(String, String)> = Vec::new();
        let mut table = String::new();
        for line in SHIPPED.lines() {
            let line = line.strip_prefix("# ").unwrap_or(line).trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                table = name.to_owned();
            } else if let Some((key, _)) = line.split_once(" = ") {
                shown.push((table.clone(), key.to_owned()));
            }
        }
        // `toml` names the keys it would have accepted when it meets one it does not know.
        let tables = [
            ("bot", "[bot]"),
            ("mailbox.support", "[mailbox.support]"),
            ("mailbox.support.maildir", "[mailbox.support.maildir]"),
            ("mailbox.support.imap", "[mailbox.support.imap]"),
            ("relay", "[relay]"),
            ("relay.maildir", "[relay.maildir]"),
            ("relay.smtp", "[relay.smtp]"),
            ("handoff", "[handoff]"),
            ("group.mail-tech", "[group.mail-tech]"),
            ("agent.wang", "[agent.wang]"),
            ("tier.vip", "[tier.vip]"),
            ("notice.maintenance", "[notice.maintenance]"),
            ("reply", "[reply]"),
            ("rollout", "[rollout]"),
            ("case", "[case]"),
            ("budget", "[budget]"),
            ("delivery", "[delivery]"),
            ("log", "[log]"),
        ];
        for (table, head) in tables {
            let error = toml::from_str::<file::BotFile>(&format!("{head}\nzzz = 1\n")).unwrap_err();
            let message = error.message().to_owned();
            for key in message.split('`').skip(3).step_by(2) {
                let is_table = tables.iter().any(|(name, _)| *name == format!("{table}.{key}"));
                let is_secret = key == "password";
                let is_shown = shown.iter().any(|(t, k)| t == table && k == key);
                assert!(is_table || is_secret || is_shown, "bot.toml does not show [{table}] {key}");
            }
        }
    }

    #[test]
    fn a_fault_is_named_with_its_place_and_a_suggestion() {
        // The place of what stands so far behind the beginning of a line of the shipped file.
        let at = |line: &str, column: usize| {
            let number = SHIPPED.lines().position(|text| text.starts_with(line)).unwrap() + 1;
            format!("bot.toml:{number}:{}", column + 1)
        };
        let cases = [
            (with("sender_hour = 3", "sender_huor = 3"), "bot.toml:", "did you mean `sender_hour`?"),
            (with("sender_hour = 3", "sender_hour = \"3\""), "bot.toml:", "invalid type: string"),
            (with("language = \"zh\"", "language = \"cn\""), &at("language = ", 11), "`cn` is none of zh, en, ja"),
            (with("level = \"info\"", "level = \"wran\""), "bot.toml:", "did you mean `warn`?"),
            (
                with("[\"support@example.com\"]", "[\"support@\"]"),
                &at("addresses = ", 13),
                "`support@` is not a mail address",
            ),
            (with("existing = \"case\"", "existing = \"answer\""), "bot.toml:", "is none of case, leave"),
            (with("[relay.maildir]\npath = \"var/sent\"", ""), "bot.toml:", "exactly one of [relay.smtp]"),
            (with("to = [\"agents@example.com\"]", "to = []"), "bot.toml:", "handoff.to: needs at least one address"),
            (with("[bot]", "[bot"), &at("[bot]", 0)[..11], ""),
        ];
        for (result, place, what) in cases {
            let error = result.unwrap_err();
            assert!(error.contains(place) && error.contains(what), "{error}");
        }
    }

    const IMAP: &str = "[mailbox.support.imap]\nhost = \"imap.example.com\"\nuser = \"u\"\n";

    fn imap(extra: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let text =
            SHIPPED.replacen("[mailbox.support.maildir]\npath = \"var/mail/support\"", &format!("{IMAP}{extra}"), 1);
        load_text(&text, environment)
    }

    #[test]
    fn a_secret_is_in_a_file_a_command_or_the_environment_and_never_shown() {
        use secrecy::ExposeSecret;
        let secret = |config: Config| match config.mailboxes[0].source.clone() {
            Source::Imap(imap) => imap.login.secret,
            Source::Maildir { .. } => unreachable!("the mailbox is on a server"),
        };
        assert!(matches!(secret(imap("password_file = \"p\"", &[]).unwrap()), Secret::File(file) if file == "p"));
        let given = secret(imap("", &[("HUIXIN__MAILBOX__SUPPORT__IMAP__PASSWORD", "007")]).unwrap());
        assert!(!format!("{given:?}").contains("007"));
        assert!(matches!(given, Secret::Given(given) if given.expose_secret() == "007"));
        let error = imap("password = \"hunter2\"", &[]).unwrap_err();
        assert!(error.contains("password_file") && !error.contains("hunter2"), "{error}");
        assert!(imap("", &[]).unwrap_err().contains("needs exactly one of"));
    }

    #[test]
    fn the_environment_is_read_as_strictly_as_the_file() {
        let config = load_text(SHIPPED, &[("HUIXIN__BUDGET__SENDER_HOUR", "9"), ("HUIXIN__BOT__ID", "b2")]).unwrap();
        assert_eq!((config.budget.sender_hour, config.id.as_str()), (9, "b2"));
        let error = load_text(SHIPPED, &[("HUIXIN__BOT__IDD", "x")]).unwrap_err();
        assert!(error.contains("idd"), "{error}");
        let error = load_text(SHIPPED, &[("HUIXIN__BOT__OPERATOR", "nobody")]).unwrap_err();
        assert!(error.contains("HUIXIN__BOT__OPERATOR") && error.contains("not a mail address"), "{error}");
    }

    #[test]
    fn a_password_never_crosses_the_network_in_the_open() {
        let plain = |host: &str| {
            imap(
                &format!("password_file = \"p\"\ntls = \"plain\"\n#{host}"),
                &[("HUIXIN__MAILBOX__SUPPORT__IMAP__HOST", host)],
            )
        };
        assert!(plain("127.0.0.1").is_ok());
        assert!(plain("imap.example.com").unwrap_err().contains("in the open"));
    }

    #[test]
    fn t01_tls_from_the_first_octet_is_the_default() {
        let config = imap("password_file = \"p\"", &[]).unwrap();
        match &config.mailboxes[0].source {
            Source::Imap(imap) => assert_eq!((imap.server.tls, imap.server.port), (Tls::Implicit, 993)),
            Source::Maildir { .. } => unreachable!("the mailbox is on a server"),
        }
        let smtp = "[relay.smtp]\nhost = \"smtp.example.com\"";
        let config = with("[relay.maildir]\npath = \"var/sent\"", smtp).unwrap();
        match &config.relay {
            Relay::Smtp(smtp) => assert_eq!((smtp.server.tls, smtp.server.port), (Tls::Implicit, 465)),
            Relay::Maildir { .. } => unreachable!("the relay is a server"),
        }
    }
}

//! From what is written to what is meant: every value checked, every fault at its place.

mod desk;

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::file::{
    AgentTable, BotFile, GroupTable, ImapTable, MailboxTable, RelayTable, ReplyTable, SmtpTable, Wording,
};
use super::place::{Places, variable};
use super::{
    Agent, Auth, Clocks, Config, Delivery, Existing, Group, Handoff, Imap, Log, Login, Mailbox, Relay, Replies, Reply,
    Secret, SenderPolicy, Server, Smtp, Source, Tls,
};
use crate::address::{Address, ReversePath, parse_domain};
use crate::ids::{GroupId, MailboxName, NameError};
use crate::language::Language;
use crate::problem::{Problems, closest};

const MB: u64 = 1024 * 1024;
/// A mail is held in memory while it is read.
const MAX_MAIL_MB: u32 = 128;
/// Connections to one relay; more would be taken for an attack by most hosts.
const MAX_CONNECTIONS: usize = 64;
/// Characters of a token and its separator (see `ids::Token::detail`).
const TOKEN_LENGTH: usize = 35;
/// A safety poll at the least every five minutes (a dead NAT entry is silent).
const MAX_POLL_SECONDS: u64 = 300;

pub(super) fn check(file: BotFile, places: &Places<'_>) -> Result<Config, Problems> {
    let mut check = Check { places, problems: Problems::default() };
    let config = check.all(file);
    match config {
        Some(config) if check.problems.is_empty() => Ok(config),
        _ => Err(check.problems),
    }
}

/// Collects faults; a value that has one is `None`.
struct Check<'a> {
    places: &'a Places<'a>,
    problems: Problems,
}

impl Check<'_> {
    fn all(&mut self, file: BotFile) -> Option<Config> {
        let bot = file.bot;
        if bot.id.is_empty() || !bot.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.') {
            self.wrong(&["bot", "id"], "an id has letters, digits, `-` and `.` only");
        }
        let operator = match bot.operator.as_str() {
            "" => None,
            text => self.address(&["bot", "operator"], text),
        };
        self.organisation(&file.organisation);
        if file.mailbox.is_empty() {
            self.wrong(&["mailbox"], "no mailbox is configured: add a table [mailbox.support]");
        }
        let mailboxes: Vec<Mailbox> =
            file.mailbox.into_iter().filter_map(|(name, table)| self.mailbox(&name, table)).collect();
        self.shared_addresses(&mailboxes);
        self.shared_folders(&mailboxes, &file.relay);
        let bounce_address = match file.relay.bounce_address.as_deref() {
            None => None,
            Some("<>") => Some(ReversePath::Null),
            Some(text) => self.address(&["relay", "bounce_address"], text).map(ReversePath::Address),
        };
        let relay = self.relay(file.relay);
        let handoff = self.handoff(file.handoff, file.group, file.agent);
        let tiers = self.tiers(file.tier);
        let notices = self.notices(file.notice);
        let reply = self.reply(file.reply);
        let rollout = self.rollout(&file.rollout);
        let level = file.log.level;
        let levels = ["error", "warn", "info", "debug", "trace"];
        self.one_of(&["log", "level"], &level, &levels.map(|level| (level, ())));
        let json = self.one_of(&["log", "format"], &file.log.format, &[("human", false), ("json", true)]);
        Some(Config {
            id: bot.id,
            data: bot.data,
            rules: bot.rules,
            templates: bot.templates,
            operator,
            apply_percent: bot.apply_percent,
            organisation: file.organisation,
            mailboxes,
            relay: relay?,
            bounce_address,
            handoff: handoff?,
            tiers,
            notices,
            reply: reply?,
            rollout: rollout?,
            cases: file.case,
            budget: file.budget,
            breaker: file.breaker,
            keep: file.keep,
            delivery: Delivery {
                give_up: hours(file.delivery.give_up_hours),
                answer_in_doubt: hours(file.delivery.answer_in_doubt_hours),
            },
            log: Log { level, json: json? },
            source: self.places.source().clone(),
            overridden: self.places.overridden().to_vec(),
        })
    }

    fn organisation(&mut self, organisation: &std::collections::BTreeMap<String, Wording>) {
        for (key, wording) in organisation {
            if !key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                self.wrong(&["organisation", key], "a key has lower-case letters, digits and `_` only");
            }
            self.wording(&["organisation", key], wording);
        }
    }

    fn wording(&mut self, path: &[&str], wording: &Wording) {
        if let Wording::Each(each) = wording {
            for language in each.keys().filter(|key| Language::parse(key).is_none()) {
                self.wrong(&[path, &[language]].concat(), "the languages are zh, en and ja");
            }
            if each.is_empty() {
                self.wrong(path, "is empty: give a text, or one for each language");
            }
        }
    }

    fn mailbox(&mut self, name: &str, table: MailboxTable) -> Option<Mailbox> {
        let at = |key| ["mailbox", name, key];
        let parsed = MailboxName::parse(name).map_err(|error| self.wrong(&["mailbox", name], error.to_string()));
        let addresses = self.addresses(&at("addresses"), &table.addresses);
        if table.addresses.is_empty() {
            self.wrong(&at("addresses"), "needs at least one address: the one customers write to");
        }
        if !(1..=MAX_MAIL_MB).contains(&table.largest_mb) {
            self.wrong(&at("largest_mb"), format!("must be 1 to {MAX_MAIL_MB}"));
        }
        if let Some(wording) = &table.display_name {
            self.wording(&at("display_name"), wording);
        }
        let language = self.language(&at("language"), &table.language);
        let group = self.name(&at("group"), &table.group, GroupId::parse);
        let existing =
            self.one_of(&at("existing"), &table.existing, &[("case", Existing::Case), ("leave", Existing::Leave)]);
        let source = match (table.maildir, table.imap) {
            (Some(maildir), None) => {
                self.path(&["mailbox", name, "maildir", "path"], maildir.path).map(|path| Source::Maildir { path })
            }
            (None, Some(imap)) => self.imap(name, imap).map(|imap| Source::Imap(Box::new(imap))),
            _ => {
                let what = format!("needs exactly one of [mailbox.{name}.imap] and [mailbox.{name}.maildir]");
                self.wrong(&["mailbox", name], what);
                None
            }
        };
        Some(Mailbox {
            name: parsed.ok()?,
            addresses,
            display_name: table.display_name,
            language: language?,
            group: group?,
            existing: existing?,
            largest: u64::from(table.largest_mb) * MB,
            source: source?,
        })
    }

    /// One address in two mailboxes would make two cases of one mail.
    fn shared_addresses(&mut self, mailboxes: &[Mailbox]) {
        for (i, mailbox) in mailboxes.iter().enumerate() {
            for other in &mailboxes[..i] {
                if let Some(shared) = mailbox.addresses.iter().find(|a| other.addresses.iter().any(|b| a.matches(b))) {
                    let what = format!("{shared} is an address of mailbox `{}` as well", other.name);
                    self.wrong(&["mailbox", mailbox.name.as_str(), "addresses"], what);
                }
            }
        }
    }

    /// A folder read by two mailboxes gives two cases for one mail; one the relay writes into is never empty.
    fn shared_folders(&mut self, mailboxes: &[Mailbox], relay: &RelayTable) {
        let plain = |path: &str| std::path::Path::new(path).components().collect::<std::path::PathBuf>();
        let mut seen: Vec<(std::path::PathBuf, String)> = Vec::new();
        seen.extend(relay.maildir.iter().map(|maildir| (plain(&maildir.path), "relay.maildir".to_owned())));
        for mailbox in mailboxes {
            let Source::Maildir { path } = &mailbox.source else { continue };
            if let Some((_, other)) = seen.iter().find(|(folder, _)| *folder == plain(path)) {
                let what = format!("is the folder of {other} as well");
                self.wrong(&["mailbox", mailbox.name.as_str(), "maildir", "path"], what);
            }
            seen.push((plain(path), format!("mailbox.{}", mailbox.name)));
        }
    }

    fn imap(&mut self, mailbox: &str, table: ImapTable) -> Option<Imap> {
        let at = |key| ["mailbox", mailbox, "imap", key];
        let tls = self.tls(&at("tls"), &table.tls);
        let server = self.server(&at(""), table.host, table.port, tls, table.ca_file, |tls| match tls {
            Tls::Implicit => 993,
            Tls::StartTls | Tls::Plain => 143,
        });
        if table.user.is_empty() {
            self.wrong(&at("user"), "is missing: the name to log in with, often the whole address");
        }
        let auth = self.auth(&at("auth"), &table.auth);
        let secret = self.secret(&at(""), table.password, table.password_file, table.password_command);
        if !(1..=MAX_POLL_SECONDS).contains(&table.poll_seconds) {
            self.wrong(&at("poll_seconds"), format!("must be 1 to {MAX_POLL_SECONDS}"));
        }
        if let Some(keyword) = &table.keyword {
            // RFC 9051 §9 `flag-keyword = atom`.
            if keyword.is_empty() || !keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b"$_-.".contains(&b)) {
                self.wrong(&at("keyword"), "an IMAP keyword has letters, digits, `$`, `_`, `-` and `.` only");
            }
        }
        if table.move_to.as_ref().is_some_and(|folder| *folder == table.folder) {
            self.wrong(&at("move_to"), "is the watched folder itself: every mail would come again");
        }
        Some(Imap {
            server: server?,
            login: Login { user: table.user, auth: auth?, secret: secret? },
            folder: table.folder,
            keyword: table.keyword,
            move_to: table.move_to,
            poll: Duration::from_secs(table.poll_seconds),
        })
    }

    fn relay(&mut self, table: RelayTable) -> Option<Relay> {
        match (table.maildir, table.smtp) {
            (Some(maildir), None) => {
                Some(Relay::Maildir { path: self.path(&["relay", "maildir", "path"], maildir.path)? })
            }
            (None, Some(smtp)) => Some(Relay::Smtp(Box::new(self.smtp(smtp)?))),
            _ => {
                self.wrong(&["relay"], "needs exactly one of [relay.smtp] and [relay.maildir]");
                None
            }
        }
    }

    fn smtp(&mut self, table: SmtpTable) -> Option<Smtp> {
        let at = |key| ["relay", "smtp", key];
        let tls = self.tls(&at("tls"), &table.tls);
        let server = self.server(&at(""), table.host, table.port, tls, table.ca_file, |tls| match tls {
            Tls::Implicit => 465,
            Tls::StartTls => 587,
            Tls::Plain => 25,
        });
        let login = match table.user {
            None => None,
            Some(user) => {
                let auth = self.auth(&at("auth"), &table.auth);
                let secret = self.secret(&at(""), table.password, table.password_file, table.password_command);
                Some(Login { user, auth: auth?, secret: secret? })
            }
        };
        if table.largest_mb == 0 {
            self.wrong(&at("largest_mb"), "must be at least 1");
        }
        if table.final_dot_seconds == 0 {
            self.wrong(&at("final_dot_seconds"), "must be at least 1; RFC 5321 asks for 600");
        }
        if !(1..=MAX_CONNECTIONS).contains(&table.connections) {
            self.wrong(&at("connections"), format!("must be 1 to {MAX_CONNECTIONS}"));
        }
        Some(Smtp {
            server: server?,
            login,
            hello: table.hello.unwrap_or_else(|| "localhost".into()),
            connections: table.connections,
            largest: u64::from(table.largest_mb) * MB,
            final_dot: Duration::from_secs(table.final_dot_seconds),
        })
    }

    fn handoff(
        &mut self,
        table: super::file::HandoffTable,
        groups: BTreeMap<String, GroupTable>,
        agents: BTreeMap<String, AgentTable>,
    ) -> Option<Handoff> {
        if table.to.is_empty() {
            self.wrong(&["handoff", "to"], "needs at least one address: who gets what the bot cannot resolve");
        }
        let to = self.addresses(&["handoff", "to"], &table.to);
        let groups: BTreeMap<GroupId, Group> =
            groups.into_iter().filter_map(|(name, table)| self.group(&name, &table)).collect();
        let leads = self.addresses(&["handoff", "leads"], &table.leads);
        let of_groups = groups.values().flat_map(|group| group.to.iter().chain(&group.leads));
        let known: Vec<&Address> = of_groups.chain(&to).chain(&leads).collect();
        let agents: Vec<Agent> =
            agents.into_iter().filter_map(|(name, table)| self.agent(name, &table, &known)).collect();
        let report_at = match table.report_at.as_str() {
            "" => None,
            text => crate::time::minute_of_day(text).or_else(|| {
                self.wrong(&["handoff", "report_at"], format!("`{text}` is no time of day: write it as 09:00"));
                None
            }),
        };
        let emergency = match table.emergency.as_str() {
            "" => None,
            text => self.name(&["handoff", "emergency"], text, GroupId::parse),
        };
        let language = self.language(&["handoff", "language"], &table.language);
        let replies = [("relay", Replies::Relay), ("direct", Replies::Direct)];
        let replies = self.one_of(&["handoff", "replies"], &table.replies, &replies);
        Some(Handoff {
            replies: replies?,
            reply_address: self.with_room_for_token(&["handoff", "reply_address"], table.reply_address.as_deref()),
            undo: Duration::from_secs(table.undo_seconds.into()),
            token_days: table.token_days,
            internal_networks: self.networks(&table.internal_networks),
            clocks: Clocks {
                first_response: hours(table.first_response_hours),
                follow_up: hours(table.follow_up_hours),
                warn_percent: table.warn_percent.min(100),
                escalate: hours(table.escalate_hours),
                silence: hours(table.silence_hours),
            },
            case_minutes: table.case_minutes,
            leads,
            emergency,
            report_at,
            agents,
            to,
            groups,
            language: language?,
            attach_original: table.attach_original,
            automatic: table.automatic,
        })
    }

    /// An address that is given a token as its subaddress.
    fn with_room_for_token(&mut self, at: &[&str], text: Option<&str>) -> Option<Address> {
        let address = self.address(at, text?)?;
        if address.with_detail('+', &"x".repeat(TOKEN_LENGTH)).is_none() {
            self.wrong(at, "is too long: a token of 35 characters must fit before the @");
        }
        Some(address)
    }

    fn reply(&mut self, table: ReplyTable) -> Option<Reply> {
        let at = |key| ["reply", key];
        let policies =
            [("budgeted", SenderPolicy::Budgeted), ("strict", SenderPolicy::Strict), ("off", SenderPolicy::Off)];
        let senders = self.one_of(&at("authentication"), &table.authentication, &policies);
        for (i, server) in table.authentication_servers.iter().enumerate() {
            // RFC 8601 §2.5: whatever a server calls itself, often its host name, without blanks.
            if server.is_empty() || server.contains(|c: char| c.is_whitespace() || c == ';') {
                let what = "is not the name of a server: copy what stands first in its Authentication-Results";
                self.wrong(&["reply", "authentication_servers", &i.to_string()], what);
            }
        }
        let mut sealers = Vec::new();
        for (i, sealer) in table.trusted_arc_sealers.iter().enumerate() {
            let at = ["reply", "trusted_arc_sealers", &i.to_string()];
            match parse_domain(sealer) {
                Some(sealer) if table.verify_dkim => sealers.push(sealer),
                Some(_) => self.wrong(&at, "needs verify_dkim = true: seals are checked like signatures"),
                None => self.wrong(&at, "is not a domain: copy what stands behind d= in its ARC-Seal"),
            }
        }
        Some(Reply {
            enabled: table.enabled,
            signed_address: self.with_room_for_token(&at("signed_address"), table.signed_address.as_deref()),
            stale: hours(table.stale_hours),
            trusted_forms: self.addresses(&at("trusted_forms"), &table.trusted_forms),
            never: self.addresses(&at("never"), &table.never),
            senders: senders?,
            authentication_servers: table.authentication_servers.iter().map(|server| server.to_lowercase()).collect(),
            trusted_arc_sealers: sealers,
            verify_dkim: table.verify_dkim,
        })
    }

    fn server(
        &mut self,
        table: &[&str],
        host: String,
        port: Option<u16>,
        tls: Option<Tls>,
        ca_file: Option<String>,
        usual_port: impl Fn(Tls) -> u16,
    ) -> Option<Server> {
        let at = sibling(table, "host");
        if host.is_empty() || !host.chars().all(|c| c.is_alphanumeric() || ".-:".contains(c)) {
            self.wrong(&at, "is missing or is not a host name");
            return None;
        }
        let tls = tls?;
        if tls == Tls::Plain && !is_loopback(&host) {
            self.wrong(&sibling(table, "tls"), "`plain` is for this machine itself (localhost, 127.0.0.1, ::1): a password would cross the network in the open");
        }
        Some(Server { port: port.unwrap_or_else(|| usual_port(tls)), host, tls, ca_file })
    }

    fn secret(
        &mut self,
        table: &[&str],
        given: Option<String>,
        file: Option<String>,
        command: Option<Vec<String>>,
    ) -> Option<Secret> {
        let at = sibling(table, "password");
        if self.places.is_in_file(&at) {
            let key = at.join(".");
            let what = format!(
                "a password does not belong into bot.toml: use password_file, password_command or the variable {}",
                variable(&key)
            );
            self.wrong(&at, what);
            return None;
        }
        match (given, file, command) {
            (Some(given), _, _) => Some(Secret::Given(SecretString::from(given))),
            (None, Some(file), None) if !file.is_empty() => Some(Secret::File(file)),
            (None, None, Some(command)) if !command.is_empty() => Some(Secret::Command(command)),
            _ => {
                let what = format!(
                    "needs exactly one of password_file, password_command and the variable {}",
                    variable(&at.join("."))
                );
                self.wrong(&at, what);
                None
            }
        }
    }

    fn tls(&mut self, path: &[&str], text: &str) -> Option<Tls> {
        self.one_of(path, text, &[("implicit", Tls::Implicit), ("starttls", Tls::StartTls), ("plain", Tls::Plain)])
    }

    fn auth(&mut self, path: &[&str], text: &str) -> Option<Auth> {
        self.one_of(path, text, &[("login", Auth::Login), ("plain", Auth::Plain), ("xoauth2", Auth::XOAuth2)])
    }

    fn language(&mut self, path: &[&str], text: &str) -> Option<Language> {
        self.one_of(path, text, &Language::ALL.map(|language| (language.as_str(), language)))
    }

    fn path(&mut self, path: &[&str], text: String) -> Option<String> {
        if text.is_empty() {
            self.wrong(path, "is missing: the folder");
            return None;
        }
        Some(text)
    }

    fn addresses(&mut self, path: &[&str], texts: &[String]) -> Vec<Address> {
        let parse = |(i, text): (usize, &String)| self.address(&[path, &[&i.to_string()]].concat(), text);
        texts.iter().enumerate().filter_map(parse).collect()
    }

    fn address(&mut self, path: &[&str], text: &str) -> Option<Address> {
        Address::parse(text).map_err(|error| self.wrong(path, format!("`{text}` is not a mail address: {error}"))).ok()
    }

    fn name<T>(&mut self, path: &[&str], text: &str, parse: impl Fn(&str) -> Result<T, NameError>) -> Option<T> {
        parse(text).map_err(|error| self.wrong(path, error.to_string())).ok()
    }

    fn one_of<T: Clone>(&mut self, path: &[&str], text: &str, choices: &[(&str, T)]) -> Option<T> {
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(value.clone());
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let problem = self.places.error(path, format!("`{text}` is none of {}", words.join(", ")));
        self.problems.push(match closest(text, words) {
            Some(word) => problem.help(format!("did you mean `{word}`?")),
            None => problem,
        });
        None
    }

    fn wrong(&mut self, path: &[&str], what: impl Into<String>) {
        self.problems.push(self.places.error(path, what));
    }
}

/// `[…table, ""]` with its last part replaced.
fn sibling<'a>(table: &[&'a str], key: &'a str) -> Vec<&'a str> {
    let mut path = table[..table.len() - 1].to_vec();
    path.push(key);
    path
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn hours(hours: u32) -> Duration {
    Duration::from_secs(u64::from(hours) * 3600)
}

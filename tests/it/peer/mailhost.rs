//! An IMAP server with mail in it, small enough to be read at a glance. What it does not do, the bot never asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::host::{Host, Moment, Server, Way};

/// The mailbox that the bot watches, and where it moves mail to.
pub const INBOX: &str = "INBOX";
pub const DONE: &str = "Done";
pub const PASSWORD: &str = "hunter2 is long";

/// An account, shared by all connections and by the test.
#[derive(Clone)]
pub struct MailHost(Arc<Mutex<Account>>);

pub struct Account {
    pub capabilities: &'static str,
    pub folders: BTreeMap<String, Folder>,
    /// SELECT answers `[READ-ONLY]`, and nothing may be changed.
    pub read_only: bool,
    /// A MOVE or COPY takes so many mails and then has no room.
    pub room: Option<usize>,
    /// What somebody at another program does before each command.
    #[allow(clippy::type_complexity, reason = "said once")]
    pub meanwhile: Option<Box<dyn FnMut(&mut Account, &str) + Send>>,
}

#[derive(Debug, Clone)]
pub struct Folder {
    pub uid_validity: u32,
    pub next: u32,
    pub mails: Vec<Mail>,
}

#[derive(Debug, Clone)]
pub struct Mail {
    pub uid: u32,
    pub flags: BTreeSet<String>,
    pub octets: Vec<u8>,
    /// What it says RFC822.SIZE is, where that is not true.
    pub size: Option<u64>,
}

impl Folder {
    pub fn new(uid_validity: u32) -> Folder {
        Folder { uid_validity, next: 1, mails: Vec::new() }
    }

    pub fn lay(&mut self, octets: &[u8]) -> &mut Mail {
        let mail = Mail { uid: self.next, flags: BTreeSet::new(), octets: octets.to_vec(), size: None };
        self.next += 1;
        self.mails.push(mail);
        self.mails.last_mut().unwrap()
    }
}

impl MailHost {
    /// An empty INBOX. Without a capability, a server of RFC 3501.
    pub fn new(capabilities: &'static str) -> MailHost {
        let folders = BTreeMap::from([(INBOX.to_owned(), Folder::new(7))]);
        MailHost(Arc::new(Mutex::new(Account { capabilities, folders, read_only: false, room: None, meanwhile: None })))
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap()
    }

    pub fn lay(&self, octets: &[u8]) {
        self.account().folder(INBOX).lay(octets);
    }

    /// The mails of a folder, octet by octet, in the order of their UIDs.
    pub fn mails(&self, folder: &str) -> Vec<Vec<u8>> {
        let account = self.account();
        account
            .folders
            .get(folder)
            .into_iter()
            .flat_map(|folder| &folder.mails)
            .map(|mail| mail.octets.clone())
            .collect()
    }

    pub async fn serve(&self, fault: impl Fn(Moment<'_>, &[u8]) -> Way + Send + Sync + 'static) -> Host {
        let account = self.0.clone();
        Host::start(move || Session { account: account.clone(), selected: None, idles: None }, fault).await
    }
}

impl Account {
    pub fn folder(&mut self, name: &str) -> &mut Folder {
        self.folders.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Moves mails as far as there is room, or copies them; false if there was not room for all.
    fn take_over(&mut self, from: &str, uids: &BTreeSet<u32>, to: &str, moved: bool) -> bool {
        let (mut room, mut all) = (self.room.unwrap_or(usize::MAX), true);
        let mut taken = Vec::new();
        let source = self.folder(from);
        for mail in &source.mails {
            if uids.contains(&mail.uid) {
                if room == 0 {
                    all = false;
                    break;
                }
                room -= 1;
                taken.push(mail.clone());
            }
        }
        // RFC 9051 §6.4.7: a COPY is done whole or not at all; a MOVE may be done in part (RFC 6851 §3.3).
        if !moved && !all {
            return false;
        }
        if moved {
            source.mails.retain(|mail| taken.iter().all(|taken| taken.uid != mail.uid));
        }
        let target = self.folder(to);
        for mail in taken {
            let flags = mail.flags;
            target.lay(&mail.octets).flags = flags;
        }
        all
    }
}

struct Session {
    account: Arc<Mutex<Account>>,
    selected: Option<String>,
    idles: Option<String>,
}

impl Server for Session {
    fn greeting(&mut self) -> Vec<u8> {
        b"* OK ready\r\n".to_vec()
    }

    fn hear(&mut self, line: &str) -> Vec<Vec<u8>> {
        if let Some(tag) = self.idles.take() {
            assert_eq!(line, "DONE", "RFC 2177 §3: nothing but DONE ends an IDLE");
            return vec![format!("{tag} OK done\r\n").into_bytes()];
        }
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        let account = self.account.clone();
        let mut account = account.lock().unwrap();
        if let Some(mut meanwhile) = account.meanwhile.take() {
            meanwhile(&mut account, command);
            account.meanwhile = Some(meanwhile);
        }
        let mut said = Vec::new();
        let done = self.answer(&mut account, command, &mut said);
        match done {
            Some(done) => said.push(format!("{tag} {done}").into_bytes()),
            None => {
                self.idles = Some(tag.to_owned());
                said.push(b"+ idling".to_vec());
            }
        }
        said.iter_mut().for_each(|response| response.extend(b"\r\n"));
        said
    }
}

impl Session {
    /// The text behind the tag; `None` when an IDLE begins. Untagged responses go to `said`.
    fn answer(&mut self, account: &mut Account, command: &str, said: &mut Vec<Vec<u8>>) -> Option<String> {
        let mut say = |text: String| said.push(text.into_bytes());
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let ok = || Some("OK done".to_owned());
        match verb {
            "CAPABILITY" => {
                say(format!("* CAPABILITY IMAP4rev1 {}", account.capabilities));
                ok()
            }
            "LOGIN" if rest == format!("\"support\" \"{PASSWORD}\"") => ok(),
            "LOGIN" => Some("NO [AUTHENTICATIONFAILED] no".to_owned()),
            "ID" | "NOOP" => ok(),
            "IDLE" => None,
            "CREATE" => {
                let name = rest.trim_matches('"').to_owned();
                match account.folders.contains_key(&name) {
                    true => Some("NO [ALREADYEXISTS] there".to_owned()),
                    false => {
                        account.folders.insert(name, Folder::new(1));
                        ok()
                    }
                }
            }
            "SELECT" => {
                let name = rest.trim_matches('"');
                self.selected = None;
                let Some(folder) = account.folders.get(name) else {
                    return Some("NO [NONEXISTENT] no such folder".to_owned());
                };
                self.selected = Some(name.to_owned());
                say("* FLAGS (\\Seen \\Deleted)".to_owned());
                say(format!("* {} EXISTS", folder.mails.len()));
                say("* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] kept".to_owned());
                say(format!("* OK [UIDVALIDITY {}] valid", folder.uid_validity));
                say(format!("* OK [UIDNEXT {}] next", folder.next));
                Some(format!("OK [READ-{}] done", if account.read_only { "ONLY" } else { "WRITE" }))
            }
            "UID" => {
                let Some(selected) = self.selected.clone().filter(|name| account.folders.contains_key(name)) else {
                    return Some("BAD nothing is selected".to_owned());
                };
                let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (set, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let uids = members(set, account.folder(&selected));
                Some(uid_command(account, &selected, verb, &uids, rest, said))
            }
            _ => Some(format!("BAD {verb}?")),
        }
    }
}

fn uid_command(
    account: &mut Account,
    selected: &str,
    verb: &str,
    uids: &BTreeSet<u32>,
    rest: &str,
    said: &mut Vec<Vec<u8>>,
) -> String {
    if account.read_only && verb != "FETCH" {
        return "NO [READ-ONLY] look, do not touch".to_owned();
    }
    let ok = "OK done".to_owned();
    match verb {
        "FETCH" => {
            for (number, mail) in (1..).zip(&account.folder(selected).mails) {
                if uids.contains(&mail.uid) {
                    said.push(fetched(number, mail, rest));
                }
            }
            ok
        }
        "STORE" => {
            let flag = rest.strip_prefix("+FLAGS.SILENT (").and_then(|rest| rest.strip_suffix(')'));
            let flag = flag.unwrap_or_else(|| panic!("a strange STORE: {rest}")).to_owned();
            for mail in account.folder(selected).mails.iter_mut().filter(|mail| uids.contains(&mail.uid)) {
                mail.flags.insert(flag.clone());
            }
            ok
        }
        "MOVE" | "COPY" => {
            let target = rest.trim_matches('"');
            if !account.folders.contains_key(target) {
                return "NO [TRYCREATE] no such folder".to_owned();
            }
            match account.take_over(selected, uids, target, verb == "MOVE") {
                true => ok,
                false => "NO [OVERQUOTA] no room".to_owned(),
            }
        }
        "EXPUNGE" => {
            let folder = account.folder(selected);
            folder.mails.retain(|mail| !(uids.contains(&mail.uid) && mail.flags.contains("\\Deleted")));
            ok
        }
        _ => format!("BAD {verb}?"),
    }
}

fn fetched(number: usize, mail: &Mail, items: &str) -> Vec<u8> {
    let mut response = format!("* {number} FETCH (UID {}", mail.uid).into_bytes();
    if items.contains("FLAGS") {
        let flags: Vec<&str> = mail.flags.iter().map(String::as_str).collect();
        response.extend(format!(" FLAGS ({})", flags.join(" ")).into_bytes());
    }
    if items.contains("RFC822.SIZE") {
        let size = mail.size.unwrap_or(mail.octets.len() as u64);
        response.extend(format!(" INTERNALDATE \"24-Nov-2026 02:00:00 +0000\" RFC822.SIZE {size}").into_bytes());
    }
    if let Some((_, part)) = items.split_once("BODY.PEEK[]") {
        let cut = part.strip_prefix("<0.").and_then(|part| part.split('>').next()?.parse().ok());
        let octets = &mail.octets[..mail.octets.len().min(cut.unwrap_or(usize::MAX))];
        let origin = if cut.is_some() { "<0>" } else { "" };
        response.extend(format!(" BODY[]{origin} {{{}}}\r\n", octets.len()).into_bytes());
        response.extend(octets);
    }
    response.push(b')');
    response
}

/// The mails of a folder that a set names (RFC 9051 §9 `sequence-set`); `*` is the last, below or above `n` (I03).
fn members(set: &str, folder: &Folder) -> BTreeSet<u32> {
    let last = folder.mails.last().map_or(0, |mail| mail.uid);
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap() };
    let ranges = set.split(',').map(|range| match range.split_once(':') {
        Some((a, b)) => (number(a).min(number(b)), number(a).max(number(b))),
        None => (number(range), number(range)),
    });
    let ranges: Vec<(u32, u32)> = ranges.collect();
    let named = |uid: &u32| ranges.iter().any(|(first, last)| (first..=last).contains(&uid));
    folder.mails.iter().map(|mail| mail.uid).filter(named).collect()
}

//! F23, A14, F47: mail that is broken, and attachments with names that want to be somewhere else.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use huixin::app;
use huixin::case::Facts;
use huixin::decide::{Decision, Effect, Mail, decide};
use huixin::ids::{MailHash, MailboxName};
use huixin::maildir::MaildirSource;
use huixin::outgoing::Purpose;
use huixin::screen::Reason;
use huixin::thread;

use crate::doses::dose;
use crate::office::{Office, beginning, playbook};

/// Every mail of the project, by the name of its file.
pub fn all_mails() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/cli/demo/mails", "tests/fixtures/mails"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
    files.sort();
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), fs::read(file).unwrap())).collect()
}

fn decision(bytes: &[u8]) -> Decision {
    let playbook = playbook();
    let (message, hash) = (app::read(bytes), MailHash::of(bytes));
    let clues = thread::clues(&message, &hash, playbook.key());
    let facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
    let mailbox = &playbook.config().mailboxes[0];
    let (delivered, findings) = (beginning(), None);
    let mail = Mail { mailbox, hash, message: &message, findings, delivered, junk: false, baseline: false };
    decide(&mail, &facts, &playbook, beginning())
}

fn is_answered(decision: &Decision) -> bool {
    decision.outgoing().any(|outgoing| outgoing.purpose == Purpose::Answer)
}

/// A way to break a mail; true where nobody may take what is left for a letter (RFC 3834 §2, "extremely malformed").
type Break = (&'static str, bool, fn(&[u8], &mut Rng) -> Vec<u8>);

const BREAKS: [Break; 14] = [
    ("cut in the header", false, |mail, random| mail[..random.usize(..=head(mail))].to_vec()),
    ("cut anywhere", false, |mail, random| mail[..random.usize(..=mail.len())].to_vec()),
    ("cut at the end", false, |mail, _| mail[..mail.len() * 9 / 10].to_vec()),
    ("flipped bits", false, |mail, random| {
        let mut mail = mail.to_vec();
        for _ in 0..=mail.len() / 200 {
            let at = random.usize(..mail.len());
            mail[at] ^= 1 << random.u8(..8);
        }
        mail
    }),
    ("other octets", false, |mail, random| {
        let (at, many) = (random.usize(..mail.len()), random.usize(1..400));
        let noise: Vec<u8> = (0..many).map(|_| random.u8(..)).collect();
        [&mail[..at], &noise, &mail[at..]].concat()
    }),
    ("lines that end in LF", false, |mail, _| mail.iter().copied().filter(|octet| *octet != b'\r').collect()),
    ("lines that end in CR", false, |mail, _| mail.iter().copied().filter(|octet| *octet != b'\n').collect()),
    ("null octets", false, |mail, _| mail.iter().flat_map(|octet| [*octet, 0]).collect()),
    ("twice", false, |mail, _| mail.repeat(2)),
    ("the header twice", false, |mail, _| [&mail[..head(mail)], mail].concat()),
    ("no header", true, |mail, _| [b"\r\n", &mail[head(mail)..]].concat()),
    ("no From", true, |mail, _| without_from(mail)),
    ("a thousand levels", true, |mail, _| {
        let level = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
        [&b"From: ann@example.org\r\nTo: support@example.com\r\n"[..], &level.repeat(1_000), mail].concat()
    }),
    ("a header without end", true, |mail, _| [&b"X-A: b\r\n".repeat(20_000)[..], mail].concat()),
];

/// Where the body begins.
fn head(mail: &[u8]) -> usize {
    let end = |line: &[u8]| mail.windows(line.len()).position(|window| window == line).map(|at| at + line.len());
    end(b"\r\n\r\n").or(end(b"\n\n")).unwrap_or(mail.len())
}

fn without_from(mail: &[u8]) -> Vec<u8> {
    let (header, body) = mail.split_at(head(mail));
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in header.split_inclusive(|octet| *octet == b'\n') {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let names = |name: &[u8]| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name);
        skipping = if folded { skipping } else { names(b"From:") || names(b"From ") || names(b"Sender:") };
        if !skipping {
            kept.extend(line);
        }
    }
    [kept.as_slice(), body].concat()
}

/// F23, A14: every one has its case and its reason; what is broken beyond a letter is never answered.
#[test]
fn f23_broken_mail_ends_in_a_case_and_what_is_no_letter_any_more_is_not_answered() {
    let (mut read, mut malformed, mut answered) = (0, 0, 0);
    for (n, (name, mail)) in all_mails().into_iter().enumerate() {
        for (m, (way, extreme, damage)) in BREAKS.iter().enumerate() {
            // In a short run each mail is broken in two ways.
            if (n + m) % 7 != dose(0, (n + m) % 7) {
                continue;
            }
            let mut random = Rng::with_seed((n * 100 + m) as u64);
            let decision = decision(&damage(&mail, &mut random));
            let ends = decision.effects.iter().filter(|effect| matches!(effect, Effect::Open(_) | Effect::Append(_)));
            assert_eq!(ends.count(), 1, "{name}, {way}: one case");
            let seen = decision.why.screening.reasons.contains(&Reason::Malformed);
            assert!(seen || !extreme, "{name}, {way}: {:?}", decision.why.screening.reasons);
            assert!(!(seen && is_answered(&decision)), "{name}, {way}: answered");
            read += 1;
            malformed += usize::from(seen);
            answered += usize::from(is_answered(&decision));
        }
    }
    println!(
        "{read} broken mails, {malformed} of them malformed and unanswered, {answered} still letters and answered"
    );
}

const STARTS: [&str; 20] = [
    "../",
    "..\\",
    "/etc/",
    "C:\\",
    "\\\\host\\share\\",
    "./.",
    "....//",
    "%2e%2e%2f",
    "‥/",
    "／",
    "\u{200b}.",
    "~/",
    "evil\0/",
    "-rf ",
    "|",
    "file:///",
    "CON.",
    "a/../../",
    "\u{202e}",
    ".",
];
const ENDS: [&str; 5] = ["evil", "evil.txt", ".evil", "evil/..", "evil."];

/// A part with an attachment of this name, written in one of three ways (RFC 2183, RFC 2231, RFC 2047).
fn attached(name: &str, way: usize) -> String {
    let percent: String = name.bytes().map(|octet| format!("%{octet:02X}")).collect();
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let field = match way {
        0 => {
            format!("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{quoted}\"")
        }
        1 => format!("Content-Type: text/plain\r\nContent-Disposition: attachment; filename*=utf-8''{percent}"),
        _ => format!("Content-Type: text/plain; name=\"=?utf-8?q?{}?=\"", percent.replace('%', "=")),
    };
    format!("--b\r\n{field}\r\n\r\nx\r\n")
}

/// F47, C10: 300 names, none of which names a file anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn f47_no_name_of_a_stranger_becomes_a_path() {
    let office = Office::new();
    let folder = office.folder().join("mail");
    for part in ["tmp", "new", "cur"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    let source = || MaildirSource::new(MailboxName::parse("support").unwrap(), folder.clone(), 1 << 20);
    office.ingest(source()).step().await.unwrap();
    let mut names = 0;
    for (n, start) in STARTS.iter().enumerate() {
        let mut mail = format!(
            "From: c{n}@example.org\r\nTo: support@example.com\r\nMessage-ID: <m{n}@example.org>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplease look\r\n"
        );
        for end in ENDS {
            for way in 0..3 {
                mail += &attached(&format!("{start}{end}"), way);
                names += 1;
            }
        }
        mail += "--b--\r\n";
        for attachment in app::read(mail.as_bytes()).attachments {
            let name = attachment.name;
            let bad =
                name.contains(['/', '\\', '\0', ':', '|']) || name.starts_with(['.', '~', ' ']) || name.len() > 100;
            assert!(!bad && !name.contains(char::is_control) && !name.ends_with('.'), "{start:?}: {name:?}");
        }
        fs::write(folder.join(format!("new/{n}")), mail).unwrap();
    }
    assert_eq!(names, 300);
    assert_eq!(office.ingest(source()).step().await.unwrap().committed, STARTS.len());
    let mut files = Vec::new();
    walk(office.folder(), &mut files);
    assert!(files.len() > STARTS.len());
    assert!(files.iter().all(|file| !file.to_string_lossy().contains("evil")), "{files:?}");
    assert!(files.iter().all(|file| file.starts_with(office.data()) || file.starts_with(&folder)), "{files:?}");
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

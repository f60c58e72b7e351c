//! The mail that strangers, customers, robots and colleagues send.

use huixin::ids::MailHash;

use super::playbook::{AGENTS, KNOWN, SUPPORT, UNKNOWN};

/// A mail on its way to the bot.
#[derive(Debug, Clone)]
pub struct Letter {
    pub bytes: Vec<u8>,
    pub hash: MailHash,
    pub kind: Kind,
    pub from: String,
    /// The letter that this one is a copy of, by another way.
    pub twin_of: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person asks; somebody must hear of it.
    Human,
    /// A person answers a mail of ours.
    FollowUp,
    /// An absence note and the like.
    Robot,
    /// A report that a mail of ours did not arrive. `proves` that an answer is dead, and whose.
    Bounce { proves: bool },
    /// From a colleague.
    Agent,
    /// Kills the process that reads it.
    Poison,
    /// Its sender is proven false.
    Forged,
}

/// A mail of ours that somebody answers or reports.
#[derive(Debug, Clone)]
pub struct Ours {
    pub message_id: String,
    pub to: String,
    pub is_answer: bool,
}

pub const PEOPLE: [&str; 7] = [
    "ann@example.org",
    "bob@example.org",
    "cy@example.org",
    "dora@example.net",
    "eve@example.net",
    "fay@qq.com",
    // The relay refuses whatever is for this one.
    "dead@example.org",
];

/// Writes the `n`-th letter of a seed.
pub fn write(seed: u64, n: usize, dice: &mut fastrand::Rng, earlier: &[Letter], ours: &[Ours], poison: bool) -> Letter {
    let of_dead = |letter: &&Letter| letter.kind == Kind::Bounce { proves: true };
    let from = match earlier.iter().rfind(of_dead) {
        // Who does not get our answers asks again.
        Some(bounce) if dice.u8(..3) == 0 => bounce.from.as_str(),
        _ => PEOPLE[dice.usize(..PEOPLE.len())],
    };
    let text = if dice.bool() { KNOWN } else { UNKNOWN };
    let known = |kind| (kind, String::new(), String::new());
    let (kind, head, body) = match dice.u8(..100) {
        0..=8 if !earlier.is_empty() => return again(dice, earlier, true),
        9..=13 if !earlier.is_empty() => return again(dice, earlier, false),
        14..=34 if !ours.is_empty() => return follow_up(seed, n, dice, ours),
        35..=46 if !ours.is_empty() => return bounce(seed, n, dice, ours),
        47..=53 => (Kind::Robot, "Auto-Submitted: auto-replied\r\n".into(), "I am away.".into()),
        54..=58 => return letter(seed, n, AGENTS[0], Kind::Agent, "", "Noted, thank you all."),
        59..=61 if poison => known(Kind::Poison),
        62..=67 => (
            Kind::Forged,
            "Authentication-Results: mx.example.com; dmarc=fail header.from=example.org\r\n\
             Received: from x.example by mx.example.com; Tue, 24 Nov 2026 02:00:00 +0000\r\n"
                .into(),
            String::new(),
        ),
        _ => known(Kind::Human),
    };
    letter(seed, n, from, kind, &head, if body.is_empty() { text } else { &body })
}

fn letter(seed: u64, n: usize, from: &str, kind: Kind, head: &str, text: &str) -> Letter {
    let bytes = format!(
        "{head}From: {from}\r\nTo: {SUPPORT}\r\nSubject: question {n}\r\nMessage-ID: <m{n}.{seed:x}@sender.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\nNumber {n}.\r\n"
    );
    finished(bytes, kind, from, None)
}

/// The same bytes, or the same mail by another way.
fn again(dice: &mut fastrand::Rng, earlier: &[Letter], same: bool) -> Letter {
    let of = dice.usize(..earlier.len());
    let letter = &earlier[of];
    if same || letter.kind == Kind::Forged {
        return letter.clone();
    }
    let bytes = format!(
        "Received: from list{}.example by mx.example.com; Tue, 24 Nov 2026 02:00:00 +0000\r\n{}",
        dice.u16(..),
        String::from_utf8_lossy(&letter.bytes)
    );
    let of = letter.twin_of.unwrap_or(of);
    finished(bytes, letter.kind, &letter.from, Some(of))
}

fn follow_up(seed: u64, n: usize, dice: &mut fastrand::Rng, ours: &[Ours]) -> Letter {
    let answered = &ours[dice.usize(..ours.len())];
    // Mostly the requester; a stranger who got hold of the mail now and then; an agent who answers a forward.
    let from = if dice.u8(..10) == 0 { PEOPLE[0] } else { &answered.to };
    let kind = if from.ends_with("@example.com") { Kind::Agent } else { Kind::FollowUp };
    let head = format!("In-Reply-To: <{0}>\r\nReferences: <{0}>\r\n", answered.message_id);
    letter(seed, n, from, kind, &head, if dice.bool() { KNOWN } else { UNKNOWN })
}

fn bounce(seed: u64, n: usize, dice: &mut fastrand::Rng, ours: &[Ours]) -> Letter {
    let failed = &ours[dice.usize(..ours.len())];
    let hard = dice.bool();
    let status = if hard { "5.1.1" } else { "4.2.2" };
    // Whoever forges one does not know our Message-ID.
    let forged = dice.u8(..4) == 0;
    let about = if forged { format!("made.up.{n}@example.com") } else { failed.message_id.clone() };
    let from = "mailer-daemon@mx.example.net";
    let bytes = format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <{from}>\r\nTo: {SUPPORT}\r\nSubject: Undelivered Mail {n}\r\n\
         Message-ID: <b{n}.{seed:x}@mx.example.net>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nIt did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\n\
         Status: {status}\r\nDiagnostic-Code: smtp; 550 {status} no\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         Message-ID: <{about}>\r\nFrom: {SUPPORT}\r\nTo: {to}\r\n\r\n--b--\r\n",
        to = failed.to,
    );
    let proves = hard && !forged && failed.is_answer;
    let mut letter = finished(bytes, Kind::Bounce { proves }, from, None);
    if proves {
        letter.from = failed.to.clone();
    }
    letter
}

fn finished(bytes: String, kind: Kind, from: &str, twin_of: Option<usize>) -> Letter {
    let hash = MailHash::of(bytes.as_bytes());
    Letter { bytes: bytes.into_bytes(), hash, kind, from: from.to_owned(), twin_of }
}

/// The Message-ID of a mail that left.
pub fn message_id(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("Message-ID:")?;
    Some(rest.split_once('<')?.1.split_once('>')?.0.to_owned())
}

//! Mail made to be broken, slow or large: it is read and screened like any other, within the limits, the same way
//! each time.

use std::path::Path;
use std::time::Instant;

use huixin::message::{self, Defect, Limits, Message, Report};
use huixin::screen::{Screening, screen};

use crate::hostile_mails::{self, html, nested, parts, plain};

fn read(mail: &[u8]) -> (Message, Screening) {
    let message = message::read(mail, &Limits::default());
    let screening = screen(&message, None);
    (message, screening)
}

/// The demo mails, by name.
fn demo_mails() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/mails");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut mails: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|ending| ending == "eml"))
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap()))
        .collect();
    mails.sort();
    assert!(mails.len() > 20);
    mails
}

#[test]
fn a_mail_cut_anywhere_is_read_the_same_way_each_time() {
    for (name, mail) in demo_mails() {
        for part in 0..=64 {
            let cut = &mail[..mail.len() * part / 64];
            assert_eq!(read(cut), read(cut), "{name}, {part}/64 of it");
        }
    }
}

#[test]
fn a_mail_with_flipped_bits_is_read_the_same_way_each_time() {
    for (name, mail) in demo_mails() {
        for seed in 0..64 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut flipped = mail.clone();
            for _ in 0..=mail.len() / 100 {
                flipped[random.usize(..mail.len())] ^= 1 << random.u8(..8);
            }
            assert_eq!(read(&flipped), read(&flipped), "{name}, seed {seed}");
        }
    }
}

/// One limit: how it is set, what mail has `n` of what it counts, and what shows that there was too much.
struct Limit {
    name: &'static str,
    most: usize,
    limits: Limits,
    mail: fn(usize) -> String,
    defect: Defect,
}

#[test]
fn a_limit_is_reached_without_a_defect_and_passed_with_one() {
    let few = Limits::default();
    let limits = [
        Limit {
            name: "header_octets",
            most: 1_000,
            limits: Limits { header_octets: 1_000, ..few },
            // Names and values count, and the blanks around values.
            mail: |n| plain(&format!("X-A: {}\n", "x".repeat(n - "From a@example.org\r\nX-A \r\n".len())), "x"),
            defect: Defect::HeaderTooLong,
        },
        Limit {
            name: "fields",
            most: 20,
            limits: Limits { fields: 20, ..few },
            mail: |n| plain(&"X-A: b\n".repeat(n - 1), "x"),
            defect: Defect::HeaderTooLong,
        },
        Limit {
            name: "addresses",
            most: 20,
            limits: Limits { addresses: 20, ..few },
            mail: |n| plain(&format!("To: {}\n", vec!["b@example.org"; n].join(", ")), "x"),
            defect: Defect::TooManyAddresses,
        },
        Limit { name: "depth", most: 6, limits: Limits { depth: 6, ..few }, mail: nested, defect: Defect::TooDeep },
        Limit {
            name: "the deepest nesting of all",
            most: Limits::MAX_DEPTH,
            limits: Limits { depth: usize::MAX, ..few },
            mail: nested,
            defect: Defect::TooDeep,
        },
        Limit {
            name: "parts",
            most: 20,
            limits: Limits { parts: 20, ..few },
            mail: parts,
            defect: Defect::TooManyParts,
        },
        Limit {
            name: "text",
            most: 1_000,
            limits: Limits { text: 1_000, ..few },
            mail: |n| format!("From: a@example.org\n\n{}", "x".repeat(n)),
            defect: Defect::TextTooLong,
        },
        Limit {
            name: "lines",
            most: 20,
            limits: Limits { lines: 20, ..few },
            mail: |n| format!("From: a@example.org\n\n{}x", "x\n".repeat(n - 1)),
            defect: Defect::TextTooLong,
        },
        Limit {
            name: "html",
            most: 1_000,
            limits: Limits { html: 1_000, ..few },
            mail: |n| html(&"x".repeat(n - 1)),
            defect: Defect::HtmlTooLong,
        },
        Limit {
            name: "html_depth",
            most: 20,
            limits: Limits { html_depth: 20, ..few },
            mail: |n| html(&format!("{}x{}", "<div>".repeat(n), "</div>".repeat(n))),
            defect: Defect::HtmlTooLong,
        },
    ];
    for limit in limits {
        let read = |n: usize| message::read((limit.mail)(n).replace('\n', "\r\n").as_bytes(), &limit.limits);
        let (within, beyond) = (read(limit.most), read(limit.most + 1));
        assert_eq!(within.defects, [], "{}: reached", limit.name);
        assert_eq!(beyond.defects, [limit.defect], "{}: passed", limit.name);
        assert!(beyond.sender().is_some(), "{}: the rest is read", limit.name);
    }
}

#[test]
fn what_is_kept_within_a_limit_is_cut_without_a_defect() {
    let limits = Limits { references: 10, subject: 10, display_name: 10, outcomes: 10, ..Limits::default() };
    let read = |mail: String| message::read(mail.replace('\n', "\r\n").as_bytes(), &limits);
    let report = |head: &str, n: usize| {
        let groups = "Final-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.1.1\n\n".repeat(n);
        let parts = format!("--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n{head}{groups}\n--b--\n");
        read(plain("MIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n", &parts))
    };
    for n in [9, 10, 11, 500] {
        let ids: Vec<String> = (0..n).map(|i| format!("<{i}@example.org>")).collect();
        let message = read(plain(&format!("References: {}\n", ids.join(" ")), "x"));
        let kept: Vec<String> = message.references.iter().map(|id| format!("<{id}>")).collect();
        assert_eq!(kept.len(), n.min(10));
        assert_eq!(kept.first().map(|id| id.contains("0@")), Some(true), "the first began the thread");
        assert!(kept.last().unwrap().contains(&format!("{}@", n - 1)), "the newest is what it answers");

        let message = read(plain(&format!("Subject: {}\n", "题".repeat(n)), "x"));
        assert_eq!(message.subject.chars().count(), n.min(10));

        let message = read(format!("From: {} <a@example.org>\n\nx\n", "名".repeat(n)));
        assert_eq!(message.from[0].name.chars().count(), n.min(10));

        for head in ["", "Reporting-MTA: dns; example.org\n\n"] {
            match report(head, n).report {
                Some(Report::Delivery { outcomes, .. }) => assert_eq!(outcomes.len(), n.min(10), "{head:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn hostile_mail_is_read_to_its_end() {
    for (name, write) in hostile_mails::MAILS {
        let mail = write();
        let start = Instant::now();
        let (message, _) = read(&mail);
        let (took, peak) = (start.elapsed(), peak_memory());
        println!("{name:40} {:>9} octets {took:>12.1?}  peak {peak}  {:?}", mail.len(), message.defects);
        let limits = Limits::default();
        assert_eq!(message.size, mail.len());
        assert!(message.text.len() <= limits.text && message.fields.len() <= limits.fields, "{name}");
        assert!(message.to.len() <= limits.addresses && message.references.len() <= limits.references, "{name}");
    }
}

/// The most memory this process has had, as Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |peak| peak.trim().to_owned())
}

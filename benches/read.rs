//! What reading and screening a mail costs, beside what mail-parser alone costs on the same octets.
//!
//! `cargo bench --bench read` gives criterion's figures on one core for two sets: the *fixtures*, which are the demo mails
//! and tests/fixtures/mails, short and each with something that is hard to read; and *support mail*, the backlog of the
//! bench `e2e`, 2 to 10 KB a mail. After them stands a comparison of rounds taken in turn, so that what else the machine
//! does falls on all of them alike. `MAILS=folder` measures the files of another folder instead.
//!
//! mail-parser decodes when it is asked. *parse* is its work without a question; *parse and decode* also asks for
//! what every reader needs: sender, subject and the text.

#[path = "e2e/mails.rs"]
mod backlog;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use huixin::message::{self, Limits};
use huixin::screen::screen;
use mail_parser::MessageParser;

/// Mails taken from the backlog.
const BACKLOG: usize = 400;
/// Rounds over the whole set; the fastest of them is the least disturbed.
const ROUNDS: usize = 200;
/// Time of all rounds together.
const MOST: Duration = Duration::from_secs(20);

type Job = (&'static str, fn(&[u8]));

const JOBS: [Job; 4] =
    [("parse", parse), ("parse and decode", parse_and_decode), ("read", read), ("read and screen", read_and_screen)];

fn main() {
    let sets = sets();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    sets.iter().for_each(|(name, mails)| measure(&mut criterion, name, mails));
    criterion.final_summary();
    sets.iter().for_each(|(name, mails)| compare(name, mails));
}

fn parse(mail: &[u8]) {
    black_box(MessageParser::new().parse(mail));
}

fn parse_and_decode(mail: &[u8]) {
    let Some(message) = MessageParser::new().parse(mail) else {
        return;
    };
    black_box((message.from(), message.subject()));
    message.text_bodies().for_each(|text| {
        black_box(text);
    });
}

fn read(mail: &[u8]) {
    black_box(message::read(mail, &Limits::default()));
}

fn read_and_screen(mail: &[u8]) {
    black_box(screen(&message::read(mail, &Limits::default()), None));
}

fn measure(criterion: &mut Criterion, set: &str, mails: &[Vec<u8>]) {
    let mut group = criterion.benchmark_group(set);
    group.throughput(Throughput::Bytes(octets(mails)));
    for (name, job) in JOBS {
        group.bench_function(name, |bencher| bencher.iter(|| mails.iter().for_each(|mail| job(mail))));
    }
    group.finish();
}

/// Prints the fastest round of each job, and what it costs as a multiple of mail-parser's.
fn compare(set: &str, mails: &[Vec<u8>]) {
    let mut fastest = [Duration::MAX; JOBS.len()];
    let begin = Instant::now();
    for _ in (0..ROUNDS).take_while(|_| begin.elapsed() < MOST) {
        for ((_, job), fastest) in JOBS.iter().zip(&mut fastest) {
            let start = Instant::now();
            mails.iter().for_each(|mail| job(mail));
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let (parse, decode) = (fastest[0].as_secs_f64(), fastest[1].as_secs_f64());
    println!("{set}: {} mails, {} octets, one core", mails.len(), octets(mails));
    println!("{:18}{:>10}{:>10}{:>12}{:>18}", "", "mails/s", "MB/s", "to parse", "parse and decode");
    for ((name, _), fastest) in JOBS.iter().zip(fastest) {
        let seconds = fastest.as_secs_f64();
        println!(
            "{name:18}{:>10.0}{:>10.1}{:>12.2}{:>18.2}",
            mails.len() as f64 / seconds,
            octets(mails) as f64 / seconds / 1e6,
            seconds / parse,
            seconds / decode,
        );
    }
}

fn octets(mails: &[Vec<u8>]) -> u64 {
    mails.iter().map(|mail| mail.len() as u64).sum()
}

fn sets() -> Vec<(String, Vec<Vec<u8>>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(folder) = std::env::var_os("MAILS") {
        return vec![(folder.to_string_lossy().into_owned(), read_all(&[PathBuf::from(&folder)]))];
    }
    let backlog = backlog::Mails::new(root, 1);
    vec![
        ("fixtures".into(), read_all(&[root.join("src/cli/demo/mails"), root.join("tests/fixtures/mails")])),
        ("support mail".into(), (0..BACKLOG).map(|n| backlog.mail(n)).collect()),
    ]
}

fn read_all(folders: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| collect(folder, &mut files));
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a mail that was just found")).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|ending| ending != "toml") {
            files.push(path);
        }
    }
}

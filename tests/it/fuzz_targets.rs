//! The targets of fuzz/fuzz_targets, on what their fuzzer begins with and on that cut or with a bit turned: they build
//! with the program, and what they claim holds for what is nearest to the right thing. `make fuzz` goes further.

use std::fs;
use std::path::{Path, PathBuf};

/// Stands for libfuzzer-sys: here a target is a function of octets.
pub mod libfuzzer {
    macro_rules! fuzz_target {
        (init: $init:expr, |$input:ident: $kind:ty| $body:block) => {
            #[allow(dead_code, reason = "what the fuzzer does first; panics have the hook of the tests here")]
            pub fn init() {
                $init
            }

            $crate::fuzz_target!(|$input: $kind| $body);
        };
        (|$input:ident: $kind:ty| $body:block) => {
            pub fn run(octets: &[u8]) {
                let octets = arbitrary::Unstructured::new(octets);
                if let Ok($input) = <$kind as arbitrary::Arbitrary>::arbitrary_take_rest(octets) {
                    $body
                }
            }
        };
    }
    pub(crate) use fuzz_target;
}

/// A target and a test of its own, by its file's name, with what it is fed: what is put before each seed, and where
/// the seeds are.
macro_rules! targets {
    ($($target:ident: $file:literal on $before:literal, $seeds:literal;)+) => {
        $(
            #[path = $file]
            #[expect(unused_attributes, reason = "a target says of itself that it is a program without a main")]
            mod $target;
        )+

        mod holds {
            $(
                #[test]
                fn $target() {
                    super::feed(super::$target::run, $before, $seeds);
                }
            )+
        }
    };
}

targets! {
    address: "../../fuzz/fuzz_targets/address.rs" on b"", "tests/fixtures/mails";
    case_number: "../../fuzz/fuzz_targets/case_number.rs" on b"", "tests/fixtures/mails";
    config_load: "../../fuzz/fuzz_targets/config_load.rs" on b"", "bot.toml";
    decide: "../../fuzz/fuzz_targets/decide.rs" on b"", "src/cli/demo/mails";
    dsn: "../../fuzz/fuzz_targets/dsn.rs" on b"\0", "tests/fixtures/mails";
    fresh_text: "../../fuzz/fuzz_targets/fresh_text.rs" on b"", "tests/fixtures/mails";
    header: "../../fuzz/fuzz_targets/header.rs" on b"\0", "tests/fixtures/mails";
    html_to_text: "../../fuzz/fuzz_targets/html_to_text.rs" on b"", "tests/fixtures/mails";
    imap_session: "../../fuzz/fuzz_targets/imap_session.rs" on b"* OK ready\r\n", "tests/fixtures/mails";
    journal_frames: "../../fuzz/fuzz_targets/journal_frames.rs" on b"\0\0\0\0\0\0", "tests/fixtures";
    message: "../../fuzz/fuzz_targets/message.rs" on b"", "tests/fixtures/mails";
    rules_load: "../../fuzz/fuzz_targets/rules_load.rs" on b"", "rules";
    smtp_session: "../../fuzz/fuzz_targets/smtp_session.rs" on b"\x000220 hi\r\n", "tests/fixtures/mails";
    templates: "../../fuzz/fuzz_targets/templates.rs" on b"", "templates";
    tnef: "../../fuzz/fuzz_targets/tnef.rs" on b"", "tests/fixtures/mails";
}

/// What else a seed is fed as: so many pieces of its beginning, and so many times with bits turned.
const DAMAGES: usize = 4;

fn feed(target: fn(&[u8]), before: &[u8], seeds: &str) {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(seeds), &mut files);
    assert!(!files.is_empty(), "{seeds}");
    for file in files {
        let whole = [before, &fs::read(file).expect("a file that was just found")].concat();
        target(&whole);
        for damage in 0..DAMAGES {
            target(&whole[..whole.len() * damage / DAMAGES]);
            let mut random = fastrand::Rng::with_seed(damage as u64);
            let mut turned = whole.clone();
            for _ in 0..=damage {
                turned[random.usize(..whole.len())] ^= 1 << random.u8(..8);
            }
            target(&turned);
        }
    }
}

/// The files below a folder, or the file itself; without what the tests say of a mail.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut inside: Vec<_> =
            fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        inside.sort();
        inside.iter().for_each(|path| collect(path, files));
    } else if !(path.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        && path.extension().is_some_and(|end| end == "toml"))
    {
        files.push(path.to_owned());
    }
}

//! A mail of any octets and a store that says anything about it: one decision, the same again, and it writes to
//! nobody who has no part in it.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use huixin::address::Address;
use huixin::app;
use huixin::case::{Case, CaseState, Facts};
use huixin::decide::{Mail, decide};
use huixin::ids::{GroupId, Key, MailHash};
use huixin::language::Language;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::thread;
use huixin::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fn playbook() -> &'static Playbook {
    static PLAYBOOK: OnceLock<Playbook> = OnceLock::new();
    PLAYBOOK.get_or_init(|| {
        // Built by itself, the target lies a folder below the project; in the tests it is a part of it.
        let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("bot.toml"));
        let file = folders.find(|file| file.exists()).expect("bot.toml");
        let configured = app::files::configured(&file).unwrap_or_else(|_| panic!("the shipped configuration"));
        let playbook = app::playbook(&configured, Key::from_bytes([1; 32]));
        playbook.unwrap_or_else(|_| panic!("the shipped playbook")).0
    })
}

fuzz_target!(|input: &[u8]| {
    // What the store says hangs on the last octets.
    let Some((bytes, bits)) = input.split_last_chunk() else { return };
    let bits = u32::from_le_bytes(*bits);
    let bit = |n: u32| bits >> n & 1 == 1;
    let playbook = playbook();
    let now: Timestamp = "2026-11-24T02:00:00Z".parse().expect("a time");
    let (message, hash) = (app::read(bytes), MailHash::of(bytes));
    let clues = thread::clues(&message, &hash, playbook.key());
    let ann = Address::parse("ann@example.org").expect("an address");
    let requester = match bits >> 8 & 3 {
        0 => None,
        1 => Some(ann),
        _ => message.sender().cloned(),
    };
    let number = thread::candidates(&MailHash::of(b"an earlier mail"), playbook.key())[0];
    let (name, group) = (playbook.config().mailboxes[0].name.clone(), GroupId::parse("mail-tech").expect("a group"));
    let case = Case {
        state: CaseState::ALL[bits as usize % CaseState::ALL.len()],
        requester: requester.clone(),
        received: bits >> 10 & 7,
        answers: bits >> 13 & 3,
        acknowledgements: bits >> 22 & 3,
        statuses: bits >> 24 & 3,
        forwards: bits >> 15 & 3,
        ..Case::new(number, name, group, Language::Zh, now)
    };
    let mut facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
    facts.by_signed.extend(bit(3).then(|| case.clone()));
    facts.by_reference.extend(bit(4).then(|| case.clone()));
    facts.by_number.extend(bit(5).then(|| case.clone()));
    facts.twin = bit(6).then_some(case.number);
    facts.open_cases = bits >> 17 & 3;
    let mailbox = &playbook.config().mailboxes[0];
    let (junk, baseline) = (bit(20), bit(21));
    let mail = Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk, baseline };
    let decision = decide(&mail, &facts, playbook, now);
    assert_eq!(decision, decide(&mail, &facts, playbook, now), "the same again");

    let answers: Vec<_> = decision.outgoing().filter(|outgoing| outgoing.purpose == Purpose::Answer).collect();
    assert!(answers.len() <= 1, "one answer at most");
    assert!(answers.is_empty() || !(junk || baseline), "what lay there, and junk, is not answered");
    for outgoing in decision.outgoing() {
        let to = &outgoing.envelope.to;
        // All agents of the shipped configuration, and its operator, are of the house.
        let of_the_house = to.to_string().ends_with("@example.com");
        let participant =
            requester.as_ref() == Some(to) || message.from.iter().any(|one| one.address.as_ref() == Some(to));
        match outgoing.purpose {
            Purpose::Answer => assert!(participant, "an answer to {to}"),
            // No mail here proves that an agent wrote it.
            Purpose::Relay | Purpose::Receipt => panic!("{} to {to}", outgoing.purpose.as_str()),
            Purpose::Forward | Purpose::Notice => assert!(of_the_house, "{to}"),
        }
        let bytes = outgoing.content.bytes(Some(b""));
        assert!(bytes.windows(2).all(|pair| (pair[0] == b'\r') == (pair[1] == b'\n')), "CRLF only");
        assert!(bytes.split(|octet| *octet == b'\n').all(|line| line.len() <= 999), "RFC 5322 §2.1.1");
    }
});

//! Old journals stay readable. `REWRITE=1` writes the fixture anew: only ever for a version nobody has yet.

use super::*;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v1.log")
}

#[test]
fn a_journal_of_version_1_is_read() {
    if std::env::var_os("REWRITE").is_some() {
        let mut bytes = Vec::new();
        let mut before = 0;
        for record in samples() {
            let position = bytes.len();
            let payload = schema::encode(&record).unwrap();
            bytes.extend(frame::encode(position as u64, before, &payload));
            before = frame_at(&bytes, 0, position).unwrap().checksum;
        }
        std::fs::write(fixture(), bytes).unwrap();
    }
    let bytes = std::fs::read(fixture()).unwrap();
    let mut records = Vec::new();
    let end = walk(&bytes, 0, Some(0), |frame| {
        assert_eq!(frame.payload[0], 1);
        records.push(schema::decode(frame.payload).unwrap());
        Ok::<(), ()>(())
    });
    assert_eq!(end, Ok(End::Whole));
    assert_eq!(records, samples());
}

#[test]
fn a_record_of_a_newer_program_is_not_guessed_at() {
    for (payload, want) in [
        (&b"\x02{}"[..], "a newer one wrote it"),
        (b"", "empty"),
        (b"\x01{\"unheard-of\":{}}", "unknown variant"),
        (b"\x01", "EOF"),
    ] {
        let error = schema::decode(payload).unwrap_err();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_row_of_the_state_stays_under_4_kb() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let long = |n: usize| "x".repeat(n);
    let to = format!("{}@{}.{}.example", long(64), long(63), long(63));
    let mut big = case(1);
    big.requester = Some(address(&to));
    big.category = Some(CategoryId::parse(&long(80)).unwrap());
    let mid = format!("{}@x", long(248));
    let record = Record::Decided(Box::new(Decided {
        case: Some(big),
        place: Place::Maildir { file: long(255) },
        outgoing: vec![outgoing(&mid, Some(1), &to)],
        spent: vec![Scope::Global; 500],
        ..decided(1)
    }));
    store.append(record).unwrap();
    store.append(send_start(&mid, 1)).unwrap();
    let said =
        Record::Deferred { message_id: id(&mid), attempt: 1, at: at(1), until: at(2), why: "案\"".repeat(10_000) };
    store.append(said).unwrap();
    let largest = everything(&store).iter().map(|(_, v)| v.len()).max().unwrap();
    assert!(largest <= 4_096, "{largest}");
}

//! Compactions that are wrong on purpose: what the right one has left of a segment is written once more, sealed as it
//! should be, and says too little. The octets are told in src/store/thin.rs.

use std::path::Path;

use serde_json::Value;

use super::wrong::Wrong;

const HEAD: usize = 32;
const HEADER: usize = 36;

/// Does to every thinned segment of a journal what this bot does wrong.
pub fn thin_wrongly(wrong: Wrong, journal: &Path) {
    let Some(forgets) = forgets(wrong) else { return };
    let files = std::fs::read_dir(journal).unwrap().map(|file| file.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|name| name == "log")) {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.starts_with(b"hxs2") {
            std::fs::write(path, rewritten(&bytes, forgets)).unwrap();
        }
    }
}

/// What becomes of a record, by its kind: another, or none.
type Forgets = fn(&str, &mut Value) -> bool;

fn forgets(wrong: Wrong) -> Option<Forgets> {
    Some(match wrong {
        Wrong::DecisionsThinnedAway => |kind, _| kind != "decided",
        Wrong::ResultsThinnedAway => |kind, _| kind != "sent" && kind != "failed",
        Wrong::AttemptsThinnedAway => |kind, _| kind != "taken" && kind != "send-start",
        Wrong::BudgetsThinnedAway => |_, told| {
            if let Some(spent) = told.get_mut("spent") {
                *spent = Value::Array(Vec::new());
            }
            true
        },
        Wrong::LettersThinnedTooEarly => |_, told| {
            for letter in told.get_mut("outgoing").and_then(Value::as_array_mut).into_iter().flatten() {
                letter["content"]["head"] = "".into();
                letter["content"]["tail"] = "".into();
            }
            true
        },
        _ => return None,
    })
}

fn rewritten(bytes: &[u8], keeps: Forgets) -> Vec<u8> {
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (mut at, end) = (HEAD, number(20));
    let mut new = bytes[..HEAD].to_vec();
    while at < end {
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let (header, payload) = bytes[at..at + HEADER + length].split_at(HEADER);
        let payload = left(payload, keeps);
        let begin = new.len();
        new.extend_from_slice(&header[..4]);
        new.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        new.extend_from_slice(&header[8..HEADER - 4]);
        let seal = crc32fast::hash(&[&new[begin..], &payload].concat());
        new.extend_from_slice(&seal.to_be_bytes());
        new.extend_from_slice(&payload);
        at += HEADER + length;
    }
    // Without an index every frame is looked for from the first on.
    let frames_end = new.len() as u64;
    new[20..28].copy_from_slice(&frames_end.to_be_bytes());
    let checksum = crc32fast::hash(&new[..HEAD - 4]);
    new[HEAD - 4..HEAD].copy_from_slice(&checksum.to_be_bytes());
    new
}

/// What is left of a payload: a version, and an object with one key, the kind of the record. One that is empty has left.
fn left(payload: &[u8], keeps: Forgets) -> Vec<u8> {
    let Some((version, json)) = payload.split_first() else { return Vec::new() };
    let mut record: Value = serde_json::from_slice(json).unwrap();
    let stays = record.as_object_mut().unwrap().iter_mut().all(|(kind, told)| keeps(kind, told));
    if stays { [&[*version][..], &serde_json::to_vec(&record).unwrap()].concat() } else { Vec::new() }
}

//! The names of the files in a Maildir: what flags they carry, and how they are written down.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::mailbox::Place;

/// Where the flags begin in the name of a mail in `cur/`.
const FLAGS: &str = ":2,";

/// The name in `cur/` of a mail that is read: what flags it has, and `S`, in ASCII order.
pub(super) fn seen(name: &OsStr) -> OsString {
    let bytes = name.as_bytes();
    let at = bytes.windows(FLAGS.len()).position(|window| window == FLAGS.as_bytes());
    let (base, flags) = match at {
        Some(at) => (&bytes[..at], &bytes[at + FLAGS.len()..]),
        None => (bytes, &b""[..]),
    };
    let mut flags = flags.to_vec();
    flags.push(b'S');
    flags.sort_unstable();
    flags.dedup();
    OsString::from_vec([base, FLAGS.as_bytes(), &flags].concat())
}

/// A file name as text that can be read back: what is not UTF-8, a control character or `%` becomes `%XX`.
pub(super) fn escape(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' || c.is_control() {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| push_escaped(&mut text, byte));
            } else {
                text.push(c);
            }
        }
        chunk.invalid().iter().for_each(|byte| push_escaped(&mut text, *byte));
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    text.push_str(&format!("%{byte:02X}"));
}

/// The file of a place, which lies in `new/` and nowhere else.
pub(super) fn name_of(place: &Place) -> Result<OsString, String> {
    let Place::Maildir { file } = place else {
        return Err("it is a place in an IMAP mailbox".into());
    };
    let name = unescape(file).ok_or("the file name is not one of ours")?;
    match name.as_slice() {
        b"" | b"." | b".." => Err("the file name leads to a folder".into()),
        name if name.contains(&b'/') || name.contains(&0) => Err("the file name leads out of the folder".into()),
        name => Ok(OsString::from_vec(name.to_vec())),
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

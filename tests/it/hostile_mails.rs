//! Mails made to be slow or large, by name. A test reads them all to their end; a bench measures what each of them costs.

/// What the mail is, and how it is made.
pub type Hostile = (&'static str, fn() -> Vec<u8>);

/// As many as a stranger likes.
const MANY: usize = 100_000;

pub const MAILS: &[Hostile] = &[
    ("multiparts in multiparts", || nested(50_000).into_bytes()),
    ("multiparts with one boundary", || {
        let level = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
        format!("From: a@example.org\r\n{}", level.repeat(50_000)).into_bytes()
    }),
    ("messages in messages", || {
        format!("From: a@example.org\r\n{}", "Content-Type: message/rfc822\r\n\r\n".repeat(50_000)).into_bytes()
    }),
    ("encoded messages in messages", || {
        let level = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
        format!("From: a@example.org\r\n{}", level.repeat(50_000)).into_bytes()
    }),
    ("parts", || parts(10_000).into_bytes()),
    ("empty parts", || plain("Content-Type: multipart/mixed; boundary=b\n", &"--b\n".repeat(MANY)).into_bytes()),
    ("a boundary that never comes", || {
        plain("Content-Type: multipart/mixed; boundary=b\n", &"--a\nContent-\n".repeat(MANY)).into_bytes()
    }),
    ("addresses", || field("To", "b@example.org", ", b@example.org", 500_000)),
    ("addresses within the header's limit", || field("To", "b@example.org", ",b@x.org", MANY)),
    ("groups", || field("Cc", "", "g:;", MANY)),
    ("bare names before commas", || field("Reply-To", "", "a,", MANY)),
    ("open comments", || field("Reply-To", "", "(", 1_000_000)),
    ("open angles", || field("Reply-To", "", "<", 1_000_000)),
    ("quoted pairs", || field("Reply-To", "\"", "\\\"", 500_000)),
    ("encoded-words", || field("Subject", "", "=?utf-8?q?a?= ", 1_000_000)),
    ("encoded-words within the header's limit", || field("Subject", "", "=?utf-8?b?5oI=?= ", 50_000)),
    ("open encoded-words", || field("Subject", "", "=?a?q?", 150_000)),
    ("raw octets in encoded-words", || {
        let mut mail = b"From: a@example.org\r\nSubject: ".to_vec();
        mail.extend(b"=?gb2312?q?\xc4\xe3".repeat(50_000));
        mail
    }),
    ("identifiers", || {
        let ids: String = (0..50_000).map(|n| format!("<{n}@x>")).collect();
        field("References", "", &ids, 1)
    }),
    ("fields", || field("X-A", "", "\r\nX-A: b", 500_000)),
    ("folds", || field("Subject", "a", "\r\n b", 200_000)),
    ("Received", || field("Received", "a", "\r\nReceived: b", MANY)),
    ("Delivered-To", || field("Delivered-To", "a", "\r\nDelivered-To: b", MANY)),
    ("parameters (RFC 2231)", || {
        let pieces: String = (0..MANY).map(|n| format!(";\r\n filename*{n}*=%41")).collect();
        part(&format!("Content-Disposition: attachment{pieces}"), "x")
    }),
    ("parameters with one name", || part(&format!("Content-Type: a/b{}", "; name=x".repeat(MANY)), "x")),
    ("elements in elements", || markup("", "<div>", 100_000)),
    ("elements in hidden elements", || markup("<div hidden>", "<div style='display:none'>", 20_000)),
    ("end tags", || markup("", "</div>", 80_000)),
    ("attributes", || markup("<div ", "a=b ", 120_000)),
    ("entities", || markup("", "&amp", 1_000_000)),
    ("pictures written into HTML", || markup("", "<img src=\"data:x;base64,AAAA\">", MANY)),
    ("blank lines", || text("\r\n", 1_000_000)),
    ("lines of one letter", || text("x\n", 1_000_000)),
    ("lines of one quote mark", || text(">\n", 1_000_000)),
    ("lines that end softly", || {
        let lines = "a \r\n".repeat(600_000);
        plain("Content-Type: text/plain; format=flowed\n", &lines).into_bytes()
    }),
    ("broken UTF-8", || {
        let head = b"From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".to_vec();
        [head, b"\xe6\x82\xc4\xe3".repeat(500_000)].concat()
    }),
    ("octets of no charset", || {
        let head = b"From: a@example.org\r\n\r\n".to_vec();
        [head, (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()].concat()
    }),
    ("attributions", || text("On Mon, 2 Nov 2026, Ann <ann@example.org> wrote:\r\n", 40_000)),
    ("half an attribution", || text("On Mon, 2 Nov 2026\r\n", MANY)),
    ("header blocks", || text("From: a\r\nSent: 2026\r\n", 80_000)),
    ("rulers", || text("-----\r\nAnn, Ltd.\r\n", MANY)),
    ("marks", || text("-- \r\nAnn\r\n> a\r\n", MANY)),
    ("quote marks", || text(">", 2_000_000)),
    ("one line", || text("mein 账号 550 5.7.1 ", 100_000)),
    ("a report on everybody", || {
        let group = "Final-Recipient: rfc822; b@example.org\r\nAction: failed\r\n\r\n";
        part("Content-Type: message/delivery-status", &group.repeat(20_000))
    }),
    ("50 MB of text", || text("您好，邮件发不出去。\r\n", 1_560_000)),
    ("50 MB of HTML", || markup("", "<p>您好</p>", 3_800_000)),
    ("50 MB of lines of one letter", || text("x\r\n", 16_700_000)),
    ("50 MB of base64 text", || {
        let line = "5oKo5aW977yM6YKu5Lu25Y+R5LiN5Ye65Y6744CC\r\n";
        plain("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", &line.repeat(1_200_000))
            .into_bytes()
    }),
    ("50 MB attached", || {
        part("Content-Type: image/png\r\nContent-Transfer-Encoding: base64", &"QUJD\r\n".repeat(8_700_000))
    }),
];

pub fn plain(header: &str, body: &str) -> String {
    format!("From: a@example.org\n{header}\n{body}\n")
}

pub fn html(body: &str) -> String {
    plain("Content-Type: text/html; charset=utf-8\n", body)
}

/// Multiparts around multiparts and a text in the innermost, `n` levels together.
pub fn nested(n: usize) -> String {
    let n = n - 1;
    let mut mail = "From: a@example.org\nMIME-Version: 1.0\n".to_owned();
    for level in 0..n {
        mail += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    mail += "\nx\n";
    for level in (0..n).rev() {
        mail += &format!("--b{level}--\n");
    }
    mail
}

/// A multipart and its parts, `n` together.
pub fn parts(n: usize) -> String {
    let parts = "--b\n\nx\n".repeat(n - 1);
    plain("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", &format!("{parts}--b--"))
}

/// A mail with one field of the header made `n` times as long as it need be.
fn field(name: &str, before: &str, again: &str, n: usize) -> Vec<u8> {
    format!("From: a@example.org\r\n{name}: {before}{}\r\n\r\nx\r\n", again.repeat(n)).into_bytes()
}

fn text(line: &str, n: usize) -> Vec<u8> {
    format!("From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}", line.repeat(n)).into_bytes()
}

fn markup(before: &str, again: &str, n: usize) -> Vec<u8> {
    html(&format!("{before}{}", again.repeat(n))).into_bytes()
}

/// A mail with one part after the text.
fn part(header: &str, body: &str) -> Vec<u8> {
    format!(
        "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nx\r\n--b\r\n{header}\r\n\r\n{body}\r\n--b--\r\n"
    )
    .into_bytes()
}

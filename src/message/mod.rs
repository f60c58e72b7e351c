//! A received mail, read.
//!
//! Reading never fails: it gives a [`Message`] and the [`Defect`]s it was read in spite of. Broken mail is
//! ordinary mail. Only what the rest of the house asks for is kept; the bytes stay in the archive.

mod attachment;
mod cause;
mod defect;
mod field;
mod fresh;
mod header;
mod html;
mod hz;
mod limits;
mod line;
mod mail_system;
mod parse;
mod people;
mod prose_report;
mod quote;
mod repair;
mod report;
mod rtf;
mod signature;
mod signed;
mod sniff;
#[cfg(test)]
mod specimen;
mod text;
mod tnef;
mod uuencode;
mod words;

pub use attachment::Attachment;
pub use defect::Defect;
pub use field::Field;
pub use limits::Limits;
pub use mail_system::{is_mail_system, is_postmaster};
pub use parse::read;
pub use report::{Action, Outcome, Report, Status};

use crate::address::{Address, ReversePath};
use crate::ids::MessageId;
use crate::language::Detected;
use crate::time::Timestamp;

/// A received mail, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Octets of the mail.
    pub size: usize,
    /// All header fields of the mail itself, in order, up to [`Limits::fields`].
    pub fields: Vec<Field>,
    /// The topmost Return-Path; a second one was written by a stranger (RFC 5321 §4.4).
    pub return_path: Option<ReversePath>,
    /// Everyone in From. More than one, or none, is never answered.
    pub from: Vec<Person>,
    pub reply_to: Vec<Person>,
    pub to: Vec<Person>,
    /// Cc, Resent-To and Resent-Cc together: where else a support address may stand (RFC 5230 §4.5).
    pub also_to: Vec<Person>,
    /// Decoded, without line breaks; empty when there is none.
    pub subject: String,
    pub message_id: Option<MessageId>,
    /// References and then In-Reply-To, each once, oldest first, at most [`Limits::references`].
    pub references: Vec<MessageId>,
    pub date: Option<Timestamp>,
    /// `Received` fields: the hops the mail has made.
    pub hops: usize,
    /// The whole decoded text: text/plain, else text made of the HTML.
    pub text: String,
    /// What this person wrote now, and what they did not.
    pub segments: Segments,
    /// The language of the fresh text, or of the subject where there is no text.
    pub language: Detected,
    pub attachments: Vec<Attachment>,
    /// The media types of all parts in document order, lower case: `multipart/report`, `text/plain`, ….
    pub types: Vec<String>,
    /// A delivery report, abuse report, disposition notification or the like.
    pub report: Option<Report>,
    /// What was wrong with the mail.
    pub defects: Vec<Defect>,
}

/// Someone named in an address field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Decoded, without control characters; may be empty. Never trusted.
    pub name: String,
    /// What stands between the angle brackets, as written.
    pub written: String,
    /// The address, if it is one that we would write to.
    pub address: Option<Address>,
}

/// The text, taken apart: the pieces of [`Message::text`] by who wrote them when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segments {
    /// What this person wrote now. When cutting would leave nothing, nothing is cut.
    pub fresh: String,
    /// Earlier mails of the thread.
    pub quoted: String,
    /// A mail passed on for us to look at.
    pub forwarded: String,
    pub signature: String,
    /// Cutting would have left nothing: what is fresh may be anybody's.
    pub uncut: bool,
}

impl Message {
    /// All values of a header field, in order, unfolded and undecoded; the name in any case.
    pub fn field<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
    }

    /// The one person in From, if there is exactly one with an address we would write to.
    pub fn sender(&self) -> Option<&Address> {
        match self.from.as_slice() {
            [person] => person.address.as_ref(),
            _ => None,
        }
    }

    /// Everyone the mail is visibly addressed to.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.also_to).filter_map(|person| person.address.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::specimen::mail;
    use super::*;

    fn with_limits(text: &str, limits: &Limits) -> Message {
        read(text.replace('\n', "\r\n").as_bytes(), limits)
    }

    #[test]
    fn a02_only_the_topmost_return_path_counts() {
        for path in ["<>", "< >", "<> (x)", "\n <>"] {
            let mail = mail(&format!("Return-Path: {path}\nFrom: a@example.org\n\nx\n"));
            assert_eq!(mail.return_path, Some(ReversePath::Null), "{path:?}");
        }
        let forged = mail("Return-Path: <a@example.org>\nReturn-Path: <>\nFrom: a@example.org\n\nx\n");
        assert!(matches!(forged.return_path, Some(ReversePath::Address(_))));
    }

    #[test]
    fn a04_a_group_or_a_second_from_is_nobody_to_answer() {
        for from in [
            "From: g: a@example.org;",
            "From: a@example.org, b@example.org",
            "From: a@example.org\nFrom: b@example.org",
        ] {
            let mail = mail(&format!("{from}\n\nx\n"));
            assert_eq!((mail.sender(), mail.from.len()), (None, 2), "{from}");
        }
    }

    #[test]
    fn c02_an_encoded_word_never_names_somebody_else() {
        let from = |written: &str| mail(&format!("From: {written}\n\nx\n"));
        let hidden = from("=?utf-8?q?agent=40example.com=3e?=@evil.example");
        assert_eq!(hidden.sender().map(Address::domain), Some("evil.example"));
        let named = from("=?utf-8?q?Agent_=3Cagent=40example=2Ecom=3E?= <eve@evil.example>");
        assert_eq!(named.from[0].name, "Agent <agent@example.com>");
        assert_eq!(named.sender().map(Address::domain), Some("evil.example"));
    }

    #[test]
    fn c03_a_name_in_pieces_is_put_together_however_many_there_are() {
        let attached = |parameters: &str| {
            let mail = mail(&format!(
                "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
                 --b\n\nx\n--b\nContent-Type: image/png\nContent-Disposition: attachment{parameters}\n\nx\n--b--\n"
            ));
            mail.attachments[0].name.clone()
        };
        let name = attached(";\n filename*1*=%BE.png;\n filename*0*=utf-8'zh'%E6%88%AA%E5%9B");
        assert_eq!(name, "截图.png");
        let many: String = (0..20_000).map(|n| format!(";\n filename*{n}=x")).collect();
        assert!(attached(&many).len() <= 100);
    }

    #[test]
    fn c10_of_two_names_for_one_file_each_is_judged() {
        let names = |content_type: &str, disposition: &str| {
            let mail = mail(&format!(
                "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
                 --b\n\nx\n--b\nContent-Type: application/pdf{content_type}\n\
                 Content-Disposition: attachment{disposition}\n\nMZ\0\n--b--\n"
            ));
            assert!(mail.attachments[0].is_disguised() != mail.attachments[0].names().all(|name| name == "a.exe"));
            mail.attachments[0].names().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("; name=a.exe", "; filename=a.exe"), "a.exe");
        assert_eq!(names("; name=a.exe", "; filename=b.pdf"), "b.pdf a.exe");
        assert_eq!(names("; name=a.exe", "; filename=\"\""), "a.exe");
        assert_eq!(names("; name=a.pdf", "; filename=a.exe; filename=b.png"), "a.exe b.png a.pdf");
        assert_eq!(names("", "; filename=price.zip; filename*=utf-8''%E4%BB%B7.zip"), "价.zip price.zip");
        assert_eq!(names("", "; filename*=utf-8''%E4%BB%B7.zip; filename=price.zip"), "价.zip price.zip");
    }

    #[test]
    fn c05_junk_in_base64_and_soft_line_breaks_are_read_over() {
        let text = |encoding: &str, body: &str| {
            mail(&format!(
                "From: a@example.org\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
                 Content-Transfer-Encoding: {encoding}\n\n{body}\n"
            ))
            .text
        };
        assert_eq!(text("base64", "5oKo*\n5aW9 !"), "您好");
        assert_eq!(text("quoted-printable", "=E6=82=A8=\n=E5=A5=BD=\n!"), "您好!");
    }

    #[test]
    fn c06_what_lies_elsewhere_is_named_and_not_fetched() {
        let mail = mail(
            "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n\
             --b\nContent-Type: message/external-body; access-type=URL; URL=\"https://example.org/x\"\n\n\
             Content-Type: image/png\n\n--b\nContent-Type: message/partial; number=1; total=2; id=\"a\"\n\ny\n--b--\n",
        );
        assert!(mail.types.iter().any(|media| media == "message/external-body"));
        assert!(mail.types.iter().any(|media| media == "message/partial"));
        assert_eq!(mail.text, "x");
    }

    #[test]
    fn c07_a_limit_is_reached_without_a_defect_and_passed_with_one() {
        let limits = Limits { fields: 10, addresses: 5, depth: 4, parts: 6, text: 100, ..Limits::default() };
        let fields = |n: usize| format!("From: a@example.org\n{}\nx\n", "X-A: b\n".repeat(n - 1));
        let addresses = |n: usize| {
            let list = vec!["a@example.org"; n].join(", ");
            format!("From: a@example.org\nTo: {list}\n\nx\n")
        };
        let multipart = |inside: &str, boundary: usize| {
            format!("Content-Type: multipart/mixed; boundary=b{boundary}\n\n--b{boundary}\n{inside}\n--b{boundary}--\n")
        };
        let depth = |n: usize| {
            let nested = (0..n).fold("\nx".to_owned(), |inside, level| multipart(&inside, level));
            format!("From: a@example.org\nMIME-Version: 1.0\n{nested}")
        };
        let parts = |n: usize| {
            let siblings = vec!["\nx"; n].join("\n--b0\n");
            format!("From: a@example.org\nMIME-Version: 1.0\n{}", multipart(&siblings, 0))
        };
        let text = |n: usize| format!("From: a@example.org\n\n{}\n", "x".repeat(n));
        type Write<'a> = &'a dyn Fn(usize) -> String;
        let cases: [(Defect, usize, Write<'_>); 5] = [
            (Defect::HeaderTooLong, 10, &fields),
            (Defect::TooManyAddresses, 5, &addresses),
            (Defect::TooDeep, 3, &depth),
            (Defect::TooManyParts, 5, &parts),
            (Defect::TextTooLong, 98, &text),
        ];
        for (defect, most, write) in cases {
            let found = |n: usize| with_limits(&write(n), &limits).defects.contains(&defect);
            let first = (1..=3 * most).find(|n| found(*n));
            assert_eq!(first, Some(most + 1), "{defect:?}");
        }
    }

    #[test]
    fn c09_a_field_that_stands_twice_is_a_defect() {
        for field in ["From", "Sender", "Subject", "Date", "Message-ID", "Content-Type", "To"] {
            let twice = |name: &str| {
                let mail = mail(&format!("From: a@example.org\n{name}: x\n{field}: x\n{field}: y\n\nx\n"));
                mail.defects.contains(&Defect::DuplicateField)
            };
            assert!(twice("X-A"), "{field}");
        }
        let once = mail("From: a@example.org\nReceived: x\nReceived: y\nSubject: z\n\nx\n");
        assert!(!once.defects.contains(&Defect::DuplicateField));
    }
}

//! From octets to a [`Message`]: the one door to mail-parser.
//!
//! mail-parser finds the fields, the parts, their parameters (RFC 2231) and their transfer encodings. What octets
//! above 127 mean, who is named in an address field, and which of the text is fresh is
//! decided by our own neighbours in this folder.

mod body;
mod parts;
mod report;

use std::sync::LazyLock;

use mail_parser::{DateTime, HeaderForm, HeaderName, MessageParser, MessagePart};

use self::body::Body;
use self::parts::{attachments, media_type, types};
use super::defect::Defects;
use super::header::Header;
use super::{Defect, Limits, Message};
use super::{fresh, prose_report, repair, signed};
use crate::language::{self, Detected};
use crate::time::Timestamp;

/// Reads a mail. Never fails.
pub fn read(raw: &[u8], limits: &Limits) -> Message {
    let mut defects = Defects::default();
    let repaired = repair::repaired(raw);
    let parsed = parser(limits).parse(&repaired).unwrap_or_default();
    let fields = parsed.root().headers();
    let fields = fields.iter().map(|field| (field.raw_name(), field.raw_value()));
    let header = Header::keep(fields, first_charset(&parsed), limits, &mut defects);
    let unwrapped = unwrapped(&parsed, &mut defects);
    let inner = unwrapped.as_deref().and_then(|octets| parser(limits).parse(octets));
    let content = inner.as_ref().unwrap_or(&parsed);
    let body = Body::read(content, raw, limits, &mut defects);
    let segments = fresh::segments(&body.lines);
    let subject = header.subject(limits, &mut defects);
    let from = header.people(&["from"], limits, &mut defects);
    defects.add_if(from.iter().all(|person| person.written.is_empty()), Defect::NoFrom);
    let message_id = header.message_id(&mut defects);
    let references = header.references(limits, &mut defects);
    let parts: Vec<(String, MessagePart)> = content.root().parts().map(|part| (media_type(&part), part)).collect();
    let mut message = Message {
        size: raw.len(),
        return_path: header.return_path(),
        reply_to: header.people(&["reply-to"], limits, &mut defects),
        to: header.people(&["to"], limits, &mut defects),
        also_to: header.people(&["cc", "resent-to", "resent-cc"], limits, &mut defects),
        from,
        message_id,
        references,
        date: date(&header, &mut defects),
        hops: header.count("received"),
        language: match language::detect(&segments.fresh) {
            Detected::Unknown => language::detect(&subject),
            detected => detected,
        },
        subject,
        text: body.text(),
        segments,
        attachments: attachments(content, &body),
        types: types(&parsed, inner.as_ref()),
        report: report::read(&parts, limits),
        fields: header.fields(),
        defects: defects.0,
    };
    if message.report.is_none() {
        message.report = prose_report::read(&message, report::returned_ids(&parts, limits), limits);
    }
    message
}

/// All fields stay as written but those that say how the body is built; each is read once, where it is used.
fn parser(limits: &Limits) -> MessageParser {
    const READ_HERE: [HeaderName<'static>; 24] = [
        HeaderName::From,
        HeaderName::To,
        HeaderName::Cc,
        HeaderName::Bcc,
        HeaderName::ReplyTo,
        HeaderName::Sender,
        HeaderName::ResentTo,
        HeaderName::ResentFrom,
        HeaderName::ResentBcc,
        HeaderName::ResentCc,
        HeaderName::ResentSender,
        HeaderName::ListArchive,
        HeaderName::ListHelp,
        HeaderName::ListId,
        HeaderName::ListOwner,
        HeaderName::ListPost,
        HeaderName::ListSubscribe,
        HeaderName::ListUnsubscribe,
        HeaderName::Subject,
        HeaderName::References,
        HeaderName::InReplyTo,
        HeaderName::Received,
        HeaderName::Keywords,
        HeaderName::Comments,
    ];
    static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
        READ_HERE.into_iter().fold(MessageParser::new(), |parser, name| parser.header(name, HeaderForm::Ignore))
    });
    PARSER.clone().max_depth(limits.depth.min(Limits::MAX_DEPTH)).max_parts(limits.parts)
}

fn first_charset(parsed: &mail_parser::Message<'_>) -> Option<String> {
    let mut parts = parsed.root().parts();
    parts.find_map(|part| part.content_type()?.attribute("charset").map(str::to_owned))
}

/// RFC 5322 §3.3, and what else mail programs write.
fn date(header: &Header, defects: &mut Defects) -> Option<Timestamp> {
    let written = header.written("date")?;
    let date = DateTime::parse_rfc822(&written)
        .filter(DateTime::is_valid)
        .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    defects.add_if(date.is_none(), Defect::BrokenDate);
    date
}

/// The mail inside a mail that mail-parser leaves closed: signed in one block, or a multipart that no delimiter
/// opens.
fn unwrapped(parsed: &mail_parser::Message<'_>, defects: &mut Defects) -> Option<Vec<u8>> {
    let root = parsed.root().root_part();
    let kind = media_type(&root);
    if matches!(kind.as_str(), "application/pkcs7-mime" | "application/x-pkcs7-mime") {
        return signed::signed_content(&root.decoded());
    }
    if !kind.starts_with("multipart/") || root.children().len() > 0 || root.raw_body().trim_ascii().is_empty() {
        return None;
    }
    defects.add(Defect::BrokenStructure);
    let (body, mut unwrapped) = (root.raw_body(), Vec::new());
    unwrapped.extend_from_slice(b"Content-Type: ");
    match repair::boundary_inside(body) {
        Some(boundary) => {
            unwrapped.extend_from_slice(kind.as_bytes());
            unwrapped.extend_from_slice(b"; boundary=\"");
            unwrapped.extend_from_slice(boundary);
            unwrapped.extend_from_slice(b"\"");
        }
        None => unwrapped.extend_from_slice(b"text/plain"),
    }
    unwrapped.extend_from_slice(b"\r\n\r\n");
    unwrapped.extend_from_slice(body);
    Some(unwrapped)
}

#[cfg(test)]
mod tests {
    use super::super::specimen::read;
    use super::*;
    use crate::address::{Address, ReversePath};
    use crate::ids::MessageId;

    #[test]
    fn fields_are_kept_as_written_and_read_as_meant() {
        let message = read(
            "Return-Path: < >\r\nReturn-Path: <second@example.org>\r\nReceived: a\r\nReceived: b\r\n\
             From: =?gb2312?B?1cXI/Q==?= <zhang@example.org>\r\nTo: \"Li, Si\" <li@example.com>,\r\n g: a@example.com;\r\n\
             Cc: b@example.com\r\nResent-To: c@example.com\r\nReply-To: r@example.org\r\n\
             Subject: =?utf-8?B?6YCA?=\r\n\t=?utf-8?B?5L+h?=\u{202E}\r\nX-Odd: a\r\n  b\r\n\
             Date: Mon, 2 Nov 2026 10:00:00 +0800\r\nMessage-ID: <m@x>\r\n\
             References: <r1@x> <broken id> <r2@x>\r\nIn-Reply-To: Your mail <r2@x>\r\n <r3@x>\r\n\r\n您好"
                .as_bytes(),
        );
        assert_eq!(message.return_path, Some(ReversePath::Null));
        assert_eq!(message.hops, 2);
        let [person] = message.from.as_slice() else { panic!("{:?}", message.from) };
        assert_eq!((person.name.as_str(), person.written.as_str()), ("张三", "zhang@example.org"));
        assert_eq!(message.sender(), Address::parse("zhang@example.org").as_ref().ok());
        let written: Vec<&str> = message.to.iter().map(|person| person.written.as_str()).collect();
        assert_eq!(written, ["li@example.com", "", "a@example.com"]);
        assert_eq!(message.recipients().count(), 4);
        assert_eq!(message.reply_to.len(), 1);
        assert_eq!(message.subject, "退信");
        assert_eq!(message.field("x-odd").collect::<Vec<_>>(), ["a  b"]);
        assert_eq!(message.date, "2026-11-02T02:00:00Z".parse().ok());
        assert_eq!(message.message_id, MessageId::parse("m@x"));
        let references: Vec<&str> = message.references.iter().map(MessageId::as_str).collect();
        assert_eq!(references, ["r1@x", "r2@x", "r3@x"]);
        assert_eq!(message.language.as_str(), "zh");
        assert_eq!(message.defects, [Defect::UndeclaredCharset, Defect::BrokenMessageId]);
    }

    #[test]
    fn whoever_writes_in_two_names_is_seen_to() {
        let twice = read(b"From: a@example.org\r\nFrom: b@example.org\r\n\r\nx");
        assert_eq!((twice.from.len(), twice.sender()), (2, None));
        assert_eq!(twice.defects, [Defect::DuplicateField]);
        for from in ["a@x.org, b@x.org", "g: a@x.org;", "g:;", "", "MAILER-DAEMON"] {
            let mail = format!("From: {from}\r\n\r\nx");
            assert_eq!(read(mail.as_bytes()).sender(), None, "{from}");
        }
        for path in ["<>", "< >", "<> (x)", "\r\n <>"] {
            let mail = format!("Return-Path: {path}\r\nFrom: a@example.org\r\n\r\nx");
            assert_eq!(read(mail.as_bytes()).return_path, Some(ReversePath::Null), "{path}");
        }
    }

    #[test]
    fn octets_without_a_name_are_explained() {
        let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
        let mail = [
            b"From: \"".to_vec(),
            gbk("张三"),
            b"\" <zhang@example.org>\r\nSubject: ".to_vec(),
            gbk("邮件被退回"),
            b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n".to_vec(),
            gbk("请看附件，朱镕基"),
            b"\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"".to_vec(),
            gbk("../退信报告.pdf"),
            b"\"\r\n\r\n%PDF\r\n--b--\r\n".to_vec(),
        ]
        .concat();
        let message = read(&mail);
        assert_eq!(message.from[0].name, "张三");
        assert_eq!(message.subject, "邮件被退回");
        assert_eq!(message.text, "请看附件，朱镕基");
        assert_eq!(message.attachments[0].name, "退信报告.pdf");
        assert_eq!((message.attachments[0].size, message.attachments.len()), (4, 1));
        assert_eq!(message.types, ["multipart/mixed", "text/plain", "application/pdf"]);
        assert_eq!(message.defects, [Defect::RawHeader]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            failure_persistence: None,
            ..proptest::test_runner::Config::with_cases(300)
        })]

        /// Pieces of mail in any order, with any octets between them.
        #[test]
        fn reading_never_fails(
            pieces in proptest::collection::vec((0..PIECES.len(), proptest::collection::vec(proptest::num::u8::ANY, 0..6)), 0..40)
        ) {
            let mut mail = Vec::new();
            for (piece, octets) in pieces {
                mail.extend_from_slice(PIECES[piece].as_bytes());
                mail.extend_from_slice(&octets);
            }
            let message = read(&mail);
            proptest::prop_assert_eq!(message.size, mail.len());
            proptest::prop_assert!(message.text.trim().is_empty() || !message.segments.fresh.is_empty());
            proptest::prop_assert!(message.attachments.iter().all(|attachment| attachment.name.len() <= 100));
        }
    }

    const PIECES: [&str; 40] = [
        "From: ",
        "To: ",
        "Subject: ",
        "References: ",
        "Date: ",
        "Return-Path: ",
        "Message-ID: ",
        "\r\n",
        "\r\n\r\n",
        "\n ",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "Content-Type: text/html\r\n\r\n",
        "--b\r\n",
        "--b--\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: message/delivery-status\r\n\r\n",
        "; charset=gb2312",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Type: application/pkcs7-mime\r\n\r\n0\u{80}",
        "; filename*0*=utf-8''%E6",
        "=?utf-8?B?5oKo",
        "?=",
        "=?gbk?Q?=C4",
        "<",
        ">",
        "\"",
        "(",
        ":",
        ";",
        "@",
        "<div style='display:none'>",
        "<blockquote>",
        "</div>",
        "<br>",
        "> ",
        "On 1 May 2026, a@b.org wrote:\n",
        "-- \n",
        "发件人：",
        "您好",
        "\u{1B}$B",
    ];

    /// V13: each is read far below a second even without optimisation, and the mail is still a mail.
    #[test]
    fn hostile_mail_is_read_to_its_limits() {
        let head = "From: a@example.org\r\n";
        let nested: String =
            (0..50_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
        let cases = [
            (format!("{head}{nested}\r\nx"), Defect::TooDeep),
            (format!("{head}{}\r\nx", "Content-Type: message/rfc822\r\n\r\n".repeat(50_000)), Defect::TooDeep),
            (
                format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(10_000)),
                Defect::TooManyParts,
            ),
            (format!("{head}To: {}\r\n\r\nx", "a@example.com, ".repeat(500_000)), Defect::HeaderTooLong),
            (format!("{head}To: {}\r\n\r\nx", "a@example.com, ".repeat(1_000)), Defect::TooManyAddresses),
            (format!("{head}{}\r\nx", "X: y\r\n".repeat(5_000)), Defect::HeaderTooLong),
            (format!("{head}Content-Type: text/html\r\n\r\n{}", "<div>".repeat(100_000)), Defect::HtmlTooLong),
            (format!("{head}\r\n{}", "x\r\n".repeat(1_500_000)), Defect::TextTooLong),
        ];
        for (mail, defect) in cases {
            let message = read(mail.as_bytes());
            assert!(message.defects.contains(&defect), "{:?}", message.defects);
            assert_eq!(message.from.len(), 1);
        }
    }
}

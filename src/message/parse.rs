//! From octets to a [`Message`]: the one door to mail-parser.
//!
//! mail-parser finds the fields, the parts, their parameters (RFC 2231) and their transfer encodings. What octets
//! above 127 mean, who is named in an address field, and which of the text is fresh is
//! decided by our own neighbours in this folder.

use std::collections::HashSet;
use std::sync::LazyLock;

use mail_parser::{DateTime, DecodeProblems, HeaderForm, HeaderName, MessageParser, MessagePart, PartFlags, PartKind};

use super::defect::Defects;
use super::fresh::{self, Line};
use super::header::{Header, identifiers};
use super::report::Groups;
use super::{Attachment, Defect, Limits, Message, Report};
use super::{html, prose_report, repair, signed, text, tnef, uuencode};
use crate::ids::MessageId;
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
        text: joined(&body.lines),
        segments,
        attachments: attachments(content, &body),
        types: types(&parsed, inner.as_ref()),
        report: report(&parts, limits),
        fields: header.fields(),
        defects: defects.0,
    };
    if message.report.is_none() {
        message.report = prose_report::read(&message, returned_ids(&parts, limits), limits);
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

/// The text of a mail, in lines.
struct Body {
    lines: Vec<Line>,
    /// Octets of all lines.
    octets: usize,
    /// The parts it was made of.
    parts: HashSet<u32>,
    /// Files that are no part of their own: enclosed in a `winmail.dat`, or written into the text.
    files: Vec<Attachment>,
}

impl Body {
    fn read(parsed: &mail_parser::Message<'_>, raw: &[u8], limits: &Limits, defects: &mut Defects) -> Body {
        let root = parsed.root();
        for part in parsed.parts() {
            note_flags(&part, defects);
        }
        let mut body = Body { lines: Vec::new(), octets: 0, parts: HashSet::new(), files: Vec::new() };
        if parsed.raw().is_empty() {
            // Neither a field nor an empty line: all of it is text.
            let decoded = text::decode(raw, None);
            body.push_plain(&decoded.text, limits, defects);
            return body;
        }
        let plain: Vec<MessagePart> = root.text_body().collect();
        body.push_parts(&plain, limits, defects);
        if body.is_blank() {
            // An empty text beside HTML that says something.
            let html: Vec<MessagePart> = root.html_body().collect();
            body.push_parts(&html, limits, defects);
        }
        if body.is_blank() {
            // The only text calls itself an attachment, but has no name to be saved under.
            let unnamed: Vec<MessagePart> =
                root.attachments().filter(|part| part.is_text() && part.attachment_name().is_none()).take(1).collect();
            body.push_parts(&unnamed, limits, defects);
        }
        for part in root.parts().filter(encloses) {
            body.push_enclosed(tnef::open(&part.decoded(), limits), limits, defects);
        }
        body
    }

    /// What Outlook has put into one block; its text counts where the mail has no other.
    fn push_enclosed(&mut self, enclosed: tnef::Enclosed, limits: &Limits, defects: &mut Defects) {
        defects.add_if(enclosed.damaged, Defect::BrokenStructure);
        defects.add_if(enclosed.too_many, Defect::TooManyParts);
        self.files.extend(enclosed.files);
        if self.is_blank() {
            match enclosed.text {
                Some(tnef::Text::Plain(text)) => self.push_plain(&text, limits, defects),
                Some(tnef::Text::Html(html)) => self.push_html(&html, limits, defects),
                None => {}
            }
        }
    }

    fn push_parts(&mut self, parts: &[MessagePart], limits: &Limits, defects: &mut Defects) {
        for part in parts {
            match part.kind() {
                PartKind::Text => {
                    let text = decoded_text(part, limits.text, defects);
                    self.push_plain(&reflowed(part, text), limits, defects);
                }
                PartKind::Html => {
                    let text = decoded_text(part, limits.html, defects);
                    self.push_html(&text, limits, defects);
                }
                _ => continue,
            }
            self.parts.insert(part.id());
        }
    }

    fn push_html(&mut self, text: &str, limits: &Limits, defects: &mut Defects) {
        let rendered = html::render(&text::tidy(text), limits);
        defects.add_if(rendered.cut, Defect::HtmlTooLong);
        self.push(rendered.lines, limits, defects);
    }

    fn push_plain(&mut self, text: &str, limits: &Limits, defects: &mut Defects) {
        let text = &*uuencode::taken_out(text, limits, &mut self.files);
        defects.add_if(text.len() > limits.text, Defect::TextTooLong);
        let text = text::tidy(text::cut(text, limits.text));
        let text = signed::without_armour(&text);
        self.push(fresh::plain_lines(&text), limits, defects);
    }

    fn push(&mut self, lines: impl IntoIterator<Item = Line>, limits: &Limits, defects: &mut Defects) {
        if self.is_blank() {
            self.lines.clear();
        } else {
            self.lines.push(Line::default());
        }
        for mut line in lines {
            let room = limits.text.saturating_sub(self.octets);
            if room == 0 || self.lines.len() >= limits.lines {
                return defects.add(Defect::TextTooLong);
            }
            let end = text::cut(&line.text, room).len();
            defects.add_if(end < line.text.len(), Defect::TextTooLong);
            line.text.truncate(end);
            self.octets += end + 1;
            self.lines.push(line);
        }
    }

    fn is_blank(&self) -> bool {
        self.lines.iter().all(Line::is_blank)
    }
}

fn note_flags(part: &MessagePart, defects: &mut Defects) {
    let flags = part.flags();
    let deep = flags.contains(PartFlags::LIMIT_REACHED) && !part.is_multipart();
    let named_container =
        part.content_type().is_some_and(|content_type| matches!(content_type.ctype(), "multipart" | "message"));
    defects.add_if(flags.contains(PartFlags::NESTING_LIMIT) || deep && named_container, Defect::TooDeep);
    defects.add_if(flags.contains(PartFlags::LIMIT_REACHED) && !(deep && named_container), Defect::TooManyParts);
    defects.add_if(
        flags.intersects(PartFlags::MISSING_DELIMITER | PartFlags::FALLBACK_DELIMITER | PartFlags::UNTERMINATED),
        Defect::BrokenStructure,
    );
}

/// The text of a part: transfer encoding by mail-parser, charset by ourselves.
fn decoded_text(part: &MessagePart, most: usize, defects: &mut Defects) -> String {
    let (octets, problems) = part.decoded_checked();
    defects.add_if(
        problems.intersects(DecodeProblems::MALFORMED_TRANSFER_ENCODING | DecodeProblems::UNKNOWN_TRANSFER_ENCODING),
        Defect::BrokenEncoding,
    );
    let declared = part.content_type().and_then(|content_type| content_type.attribute("charset")).map(str::to_owned);
    let (octets, label) = if matches!(part.kind(), PartKind::Html) {
        let label = declared.or_else(|| text::html_charset(&octets));
        (html::without_embedded(octets), label)
    } else {
        (octets, declared)
    };
    // No charset in use needs more than two octets for what is one octet in UTF-8.
    let octets = &octets[..octets.len().min(2 * most + 4)];
    // UTF-7 and a few code pages are known to mail-parser only.
    let only_there = label.as_deref().is_some_and(|label| {
        text::encoding(label).is_none() && mail_parser::Charset::from_label(label.as_bytes()).is_some()
    });
    if only_there && let Some(text) = part.text().filter(|text| !text.contains('\u{FFFD}')) {
        return text.into_owned();
    }
    let decoded = text::decode(octets, label.as_deref());
    if let Some(defect) = decoded.defect {
        defects.add(defect);
    }
    decoded.text
}

/// `format=flowed` (RFC 3676).
fn reflowed(part: &MessagePart, text: String) -> String {
    let attribute = |name: &str| part.content_type().and_then(|content_type| content_type.attribute(name));
    let is = |name: &str, value: &str| attribute(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
    if is("format", "flowed") { text::unflow(&text::tidy(&text), is("delsp", "yes")) } else { text }
}

fn joined(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines.iter().skip_while(|line| line.is_blank()) {
        text.push_str(&line.text);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// What is not the text: all parts but containers, the text itself, and the same text in another form.
fn attachments(parsed: &mail_parser::Message<'_>, body: &Body) -> Vec<Attachment> {
    parsed
        .root()
        .parts()
        .filter(|part| !part.is_multipart() && !body.parts.contains(&part.id()))
        .filter(|part| part.is_attachment() || !part.is_text())
        .map(|part| Attachment::named(&file_names(&part), &media_type(&part), &part.decoded()))
        .chain(body.files.iter().cloned())
        .collect()
}

/// A `winmail.dat`, by its type or its name.
fn encloses(part: &MessagePart) -> bool {
    match media_type(part).as_str() {
        "application/ms-tnef" | "application/vnd.ms-tnef" => true,
        "application/octet-stream" => {
            part.attachment_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
        }
        _ => false,
    }
}

/// The name of a part that people see (RFC 2183 §2.3, RFC 2231).
fn file_name(part: &MessagePart) -> String {
    file_names(part).swap_remove(0)
}

/// All names that a part is given, the one that people see first, which may be empty. Mail programs do not agree which
/// of several is meant, and senders know it. Of a `filename` and a `filename*` in one field the second is (RFC 6266
/// §4.3): it stands there because it needs more than ASCII.
fn file_names(part: &MessagePart) -> Vec<String> {
    /// More are a stranger's joke.
    const MOST_NAMES: usize = 4;
    let given = [(part.content_disposition(), "filename"), (part.content_type(), "name")];
    let mut names: Vec<String> = Vec::new();
    for (field, parameter) in given {
        let values = field.into_iter().flat_map(|field| field.attributes()).filter(|(name, _)| *name == parameter);
        let mut values: Vec<&str> = values.map(|(_, value)| value).take(MOST_NAMES).collect();
        values.sort_by_key(|value| value.is_ascii());
        names.extend(values.into_iter().map(|value| match value.contains('\u{FFFD}') {
            true => raw_name(part, parameter).unwrap_or_default(),
            false => value.to_owned(),
        }));
    }
    names.retain(|name| !name.trim().is_empty());
    names.truncate(MOST_NAMES);
    if names.is_empty() {
        names.push(String::new());
    }
    names
}

/// A name written with octets above 127 that nothing explains.
fn raw_name(part: &MessagePart, parameter: &str) -> Option<String> {
    let header = if parameter == "name" { HeaderName::ContentType } else { HeaderName::ContentDisposition };
    let value = text::decode_header(part.headers().get(header)?.raw_value(), None).text;
    let parsed = HeaderForm::ContentType.parse(value.as_bytes());
    parsed.value().as_content_type()?.attribute(parameter).map(str::to_owned)
}

/// The media types of all parts, of those in the opened wrapping after the wrapping itself.
fn types(parsed: &mail_parser::Message<'_>, inner: Option<&mail_parser::Message<'_>>) -> Vec<String> {
    let all = parsed.root().parts().chain(inner.into_iter().flat_map(|inner| inner.root().parts()));
    all.map(|part| media_type(&part)).collect()
}

/// The declared media type in lower case; what has none is text (RFC 2045 §5.2).
fn media_type(part: &MessagePart) -> String {
    match part.content_type() {
        Some(content_type) => match content_type.subtype() {
            Some(subtype) => format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase(),
            None => content_type.ctype().to_ascii_lowercase(),
        },
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    }
}

/// A report, if a part of the mail is one.
fn report(parts: &[(String, MessagePart)], limits: &Limits) -> Option<Report> {
    let groups = |wanted: &[&str]| -> Option<Groups> {
        let (_, part) = parts.iter().find(|(kind, _)| wanted.contains(&kind.as_str()))?;
        // Exchange nests the fields in a message of their own; mail-parser then has no body for the part itself.
        let octets = part.decoded();
        let fields = String::from_utf8_lossy(text_octets(&octets, limits)).into_owned();
        Some(Groups::parse(&fields, limits.outcomes + 1))
    };
    if let Some(groups) = groups(&["message/delivery-status", "message/global-delivery-status"]) {
        return Some(Report::Delivery {
            outcomes: groups.outcomes(limits.outcomes),
            about: returned_ids(parts, limits),
        });
    }
    if let Some(groups) = groups(&["message/feedback-report"]) {
        return Some(Report::Abuse {
            kind: groups.value("feedback-type").unwrap_or_default().to_ascii_lowercase(),
            about: returned_ids(parts, limits),
        });
    }
    if let Some(groups) = groups(&["message/disposition-notification", "message/global-disposition-notification"]) {
        let disposition = groups.value("disposition").unwrap_or_default();
        let kind = disposition.rsplit(';').next().unwrap_or_default();
        let mut about = returned_ids(parts, limits);
        let original = groups.value("original-message-id").and_then(MessageId::parse);
        about.extend(original.filter(|id| !about.contains(id)));
        return Some(Report::Disposition {
            kind: kind.split('/').next().unwrap_or_default().trim().to_ascii_lowercase(),
            about,
        });
    }
    let is_tls = |kind: &str| kind.starts_with("application/tlsrpt");
    if parts.iter().any(|(kind, _)| is_tls(kind)) {
        return Some(Report::Tls);
    }
    parts.iter().any(|(_, part)| is_dmarc_name(&file_name(part))).then_some(Report::Dmarc)
}

/// RFC 9990 names the file `receiver!domain!begin!end[!id].xml[.gz]`.
fn is_dmarc_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let fields: Vec<&str> = name.split('!').collect();
    let is_time = |text: &str| text.len() >= 9 && text.bytes().take(9).all(|octet| octet.is_ascii_digit());
    let packed = [".xml", ".xml.gz", ".zip", ".gz"].iter().any(|end| name.ends_with(end));
    matches!(fields.as_slice(), [_, _, begin, end, ..] if is_time(begin) && is_time(end)) && packed
}

/// The Message-IDs in the returned mail, or in its returned header (RFC 3462 §1, §2).
fn returned_ids(parts: &[(String, MessagePart)], limits: &Limits) -> Vec<MessageId> {
    let mut ids: Vec<MessageId> = Vec::new();
    for (kind, part) in parts {
        let found = match kind.as_str() {
            "message/rfc822"
            | "message/global"
            | "text/rfc822-headers"
            | "message/rfc822-headers"
            | "message/global-headers" => match part.nested() {
                Some(message) => message.headers().get("Message-ID").map(|header| identifiers(header.raw_value()).0),
                None => {
                    let octets = part.decoded();
                    let header = String::from_utf8_lossy(text_octets(&octets, limits)).into_owned();
                    Groups::parse(&header, 1).value("message-id").map(|value| identifiers(value.as_bytes()).0)
                }
            },
            _ => None,
        };
        for id in found.into_iter().flatten() {
            if !ids.contains(&id) && ids.len() < limits.references {
                ids.push(id);
            }
        }
    }
    ids
}

fn text_octets<'a>(octets: &'a [u8], limits: &Limits) -> &'a [u8] {
    &octets[..octets.len().min(limits.header_octets)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, ReversePath};

    fn read(mail: &[u8]) -> Message {
        super::read(mail, &Limits::default())
    }

    /// A mail with these fields and this body, line ends made right.
    fn mail(rest: &str) -> Message {
        let mail = format!("From: Ann <ann@example.org>\nTo: support@example.com\nSubject: x\n{rest}");
        read(mail.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn the_text_is_found_in_any_tree() {
        let cases = [
            ("\n您好", "您好"),
            ("Content-Type: text/html\n\n<p>您好</p>", "您好"),
            (
                "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nplain\n\
                 --b\nContent-Type: text/html\n\n<p>html</p>\n--b--\n",
                "plain",
            ),
            (
                "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n\
                 --b\nContent-Type: text/html\n\n<p>html</p>\n--b--\n",
                "html",
            ),
            (
                "Content-Type: multipart/signed; boundary=s\n\n--s\nContent-Type: multipart/mixed; boundary=m\n\n\
                 --m\n\n一\n--m\nContent-Type: text/html\n\n二\n--m--\n--s\nContent-Type: \
                 application/pgp-signature\n\nxx\n--s--\n",
                "一\n\n二",
            ),
            (
                "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n您好\n- -- \nAnn\n\
                 -----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n",
                "您好\n--\nAnn",
            ),
            ("Content-Type: multipart/mixed; boundary=b\n\nno delimiter", "no delimiter"),
            (
                "Content-Type: multipart/mixed; boundary=wrong\n\n--right\nContent-Type: text/html\n\n<b>您好</b>\n--right--\n",
                "您好",
            ),
            ("Content-Type: multipart/mixed;\nboundary=\"b\"\n\n--b\n\n您好\n--b--\n", "您好"),
            ("Content-Type: text/plain; format=flowed\n\na \nb", "a b"),
            ("Content-Type: text/plain\nContent-Disposition: attachment\n\n您好", "您好"),
            ("Content-Type: application/pdf; name=a.pdf\n\n%PDF", ""),
        ];
        for (rest, text) in cases {
            assert_eq!(mail(rest).text, text, "{rest}");
        }
        assert_eq!(read(b"no mail at all").text, "no mail at all");
        assert_eq!(read(b"no mail at all").defects, [Defect::NoHeader, Defect::NoFrom]);
        assert_eq!(read(b"").text, "");
    }

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

    #[test]
    fn reports_are_known_by_their_structure() {
        let delivery = mail(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; li@example.com\n\
             Action: failed\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <sent@example.com>\n\nhi\n--b--\n",
        );
        let Some(Report::Delivery { outcomes, about }) = &delivery.report else { panic!("{:?}", delivery.report) };
        assert_eq!((outcomes.len(), about.as_slice()), (1, [MessageId::parse("sent@example.com").unwrap()].as_slice()));
        assert_eq!(delivery.text, "Sorry.");
        let abuse = mail(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/feedback-report\n\n\
             Feedback-Type: Abuse\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID:\n <sent@example.com>\n--b--\n",
        );
        let about = vec![MessageId::parse("sent@example.com").unwrap()];
        let kind = "abuse".to_owned();
        assert_eq!(abuse.report, Some(Report::Abuse { kind, about: about.clone() }));
        let disposition = mail(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/disposition-notification\n\n\
             Disposition: manual-action/MDN-sent-manually; Displayed\nOriginal-Message-ID: <sent@example.com>\n--b--\n",
        );
        let kind = "displayed".to_owned();
        assert_eq!(disposition.report, Some(Report::Disposition { kind, about }));
        let tls = mail("Content-Type: application/tlsrpt+gzip\n\nx");
        assert_eq!(tls.report, Some(Report::Tls));
        let dmarc =
            mail("Content-Type: application/gzip; name=\"r.example!d.example!1762000000!1762086400.xml.gz\"\n\nx");
        assert_eq!(dmarc.report, Some(Report::Dmarc));
        assert_eq!(mail("\nyour mail was not delivered").report, None);
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

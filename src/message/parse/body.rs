//! The text of a mail, found in whatever tree of parts it stands in, line by line.

use std::collections::HashSet;

use mail_parser::{DecodeProblems, MessagePart, PartFlags, PartKind};

use super::parts;
use crate::message::defect::Defects;
use crate::message::line::{Line, plain_lines};
use crate::message::{Attachment, Defect, Limits};
use crate::message::{html, signed, text, tnef, uuencode};

/// The text of a mail, in lines.
pub(super) struct Body {
    pub(super) lines: Vec<Line>,
    /// Octets of all lines.
    octets: usize,
    /// The parts it was made of.
    pub(super) parts: HashSet<u32>,
    /// Files that are no part of their own: enclosed in a `winmail.dat`, or written into the text.
    pub(super) files: Vec<Attachment>,
}

impl Body {
    pub(super) fn read(parsed: &mail_parser::Message<'_>, raw: &[u8], limits: &Limits, defects: &mut Defects) -> Body {
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
        for part in root.parts().filter(parts::encloses) {
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
        self.push(plain_lines(&text), limits, defects);
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

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines.iter().skip_while(|line| line.is_blank()) {
            text.push_str(&line.text);
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::specimen::{from_ann, read};

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
            assert_eq!(from_ann(rest).text, text, "{rest}");
        }
        assert_eq!(read(b"no mail at all").text, "no mail at all");
        assert_eq!(read(b"no mail at all").defects, [Defect::NoHeader, Defect::NoFrom]);
        assert_eq!(read(b"").text, "");
    }
}

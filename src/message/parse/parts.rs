//! The parts of a mail: their types, their names, and which of them are attachments.

use mail_parser::{HeaderForm, HeaderName, MessagePart};

use super::body::Body;
use crate::message::{Attachment, text};

/// What is not the text: all parts but containers, the text itself, and the same text in another form.
pub(super) fn attachments(parsed: &mail_parser::Message<'_>, body: &Body) -> Vec<Attachment> {
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
pub(super) fn encloses(part: &MessagePart) -> bool {
    match media_type(part).as_str() {
        "application/ms-tnef" | "application/vnd.ms-tnef" => true,
        "application/octet-stream" => {
            part.attachment_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
        }
        _ => false,
    }
}

/// The name of a part that people see (RFC 2183 §2.3, RFC 2231).
pub(super) fn file_name(part: &MessagePart) -> String {
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
pub(super) fn types(parsed: &mail_parser::Message<'_>, inner: Option<&mail_parser::Message<'_>>) -> Vec<String> {
    let all = parsed.root().parts().chain(inner.into_iter().flat_map(|inner| inner.root().parts()));
    all.map(|part| media_type(&part)).collect()
}

/// The declared media type in lower case; what has none is text (RFC 2045 §5.2).
pub(super) fn media_type(part: &MessagePart) -> String {
    match part.content_type() {
        Some(content_type) => match content_type.subtype() {
            Some(subtype) => format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase(),
            None => content_type.ctype().to_ascii_lowercase(),
        },
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    }
}

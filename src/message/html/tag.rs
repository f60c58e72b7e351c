//! What the tags of HTML mean to a reader, and which of them mail programs put around quotes and signatures.

use super::StartTag;

/// What an element does to the text inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    Hidden,
    Quote,
    Signature,
    Preformatted,
}

pub(super) fn effect(tag: &StartTag) -> Effect {
    let name = tag.name.as_slice();
    let attribute = |name: &[u8]| {
        tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase()).unwrap_or_default()
    };
    if is_unread(name) || tag.attributes.contains_key(b"hidden".as_slice()) {
        return Effect::Hidden;
    }
    if tag.attributes.is_empty() {
        return match name {
            b"blockquote" => Effect::Quote,
            b"pre" => Effect::Preformatted,
            _ => Effect::Nothing,
        };
    }
    let style: String = attribute(b"style").split_whitespace().collect();
    if hides(&style) {
        return Effect::Hidden;
    }
    let names = [attribute(b"class"), attribute(b"id"), attribute(b"name")];
    let named = |known: fn(&str) -> bool| names.iter().flat_map(|names| names.split_whitespace()).any(known);
    if named(is_quote_name) {
        return Effect::Quote;
    }
    if named(is_signature_name) {
        return Effect::Signature;
    }
    match name {
        // The "indent more" button of Gmail and Outlook makes a blockquote without a border.
        b"blockquote" if !style.contains("border:none") && !style.contains("border:0") => Effect::Quote,
        b"blockquote" if attribute(b"type") == "cite" => Effect::Quote,
        b"pre" => Effect::Preformatted,
        _ if style.contains("white-space:pre") => Effect::Preformatted,
        _ => Effect::Nothing,
    }
}

/// `font-size:0` is not here: newsletters set it on tables and undo it inside.
fn hides(style: &str) -> bool {
    style.contains("display:none")
        || style.contains("visibility:hidden")
        || style.contains("mso-hide:all")
        || (style.contains("max-height:0") && style.contains("overflow:hidden"))
}

/// Classes and ids that mail programs give to the mail they answer.
fn is_quote_name(name: &str) -> bool {
    // Outlook puts `x_` before the names it finds in a mail that it quotes.
    let name = name.trim_start_matches("x_");
    matches!(
        name,
        "gmail_quote"
            | "gmail_quote_container"
            | "yahoo_quoted"
            | "protonmail_quote"
            | "tutanota_quote"
            | "zmail_extra"
            | "isreplycontent"
            | "isforwardcontent"
            | "olk_src_body_section"
            | "mail-editor-reference-message-container"
            | "qmail_quote"
            | "xmail_quote"
            | "ntes-mailmaster-quote"
            | "original-content"
            | "messagereplysection"
            | "email_quote"
            | "mail_quote"
            | "moz-forward-container"
            | "__aliyun_previous_email_wrap"
    )
}

/// Outlook names the block of header fields; the mail it belongs to follows without a container.
pub(super) fn begins_earlier_mail(tag: &StartTag) -> bool {
    let id = tag.attributes.get(b"id".as_slice());
    id.is_some_and(|id| id.eq_ignore_ascii_case(b"divRplyFwdMsg"))
}

fn is_signature_name(name: &str) -> bool {
    let name = name.trim_start_matches("x_");
    matches!(
        name,
        "gmail_signature"
            | "gmail_signature_prefix"
            | "moz-signature"
            | "signature"
            | "applemailsignature"
            | "applemailsignatureatbeginning"
            | "ms-outlook-mobile-signature"
            | "ms-outlook-mobile-body-separator-line"
            | "protonmail_signature_block"
            | "__aliyun_signature_wrap"
            | "mail-signature"
            | "email-signature"
            | "foxmail_signature"
            | "xm_write_signature"
            | "xm_write_card"
            | "qm_signature"
            | "ntes_signature"
            | "ntes-pcmac-signature"
            | "ntes-pcmail-signature"
            | "netease-signature"
            | "spnetease-signature"
    )
}

/// Elements whose content is not the text of the mail.
fn is_unread(name: &[u8]) -> bool {
    matches!(
        name,
        b"title"
            | b"style"
            | b"script"
            | b"template"
            | b"object"
            | b"applet"
            | b"iframe"
            | b"noframes"
            | b"svg"
            | b"math"
            | b"select"
            | b"textarea"
            | b"button"
            | b"xml"
            | b"audio"
            | b"video"
    )
}

/// Elements without an end tag (HTML §13.1.2).
pub(super) fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"br"
            | b"hr"
            | b"img"
            | b"input"
            | b"meta"
            | b"link"
            | b"area"
            | b"base"
            | b"col"
            | b"embed"
            | b"source"
            | b"track"
            | b"wbr"
            | b"param"
            | b"keygen"
            | b"basefont"
            | b"bgsound"
            | b"frame"
    )
}

/// Elements whose end tag is often left out; they are not kept open unless they change the text inside.
pub(super) fn is_closed_by_its_like(name: &[u8]) -> bool {
    matches!(
        name,
        b"p" | b"li"
            | b"tr"
            | b"td"
            | b"th"
            | b"dt"
            | b"dd"
            | b"option"
            | b"thead"
            | b"tbody"
            | b"tfoot"
            | b"colgroup"
            | b"html"
            | b"head"
            | b"body"
    )
}

pub(super) fn is_block(name: &[u8]) -> bool {
    is_paragraph(name)
        || matches!(
            name,
            b"div"
                | b"tr"
                | b"li"
                | b"dt"
                | b"dd"
                | b"table"
                | b"tbody"
                | b"thead"
                | b"tfoot"
                | b"section"
                | b"article"
                | b"header"
                | b"footer"
                | b"main"
                | b"nav"
                | b"aside"
                | b"address"
                | b"center"
                | b"form"
                | b"fieldset"
                | b"figure"
                | b"figcaption"
                | b"caption"
                | b"body"
                | b"html"
                | b"head"
        )
}

/// Blocks with an empty line around them.
pub(super) fn is_paragraph(name: &[u8]) -> bool {
    matches!(
        name,
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"dl" | b"pre" | b"blockquote"
    )
}

/// Word writes every line as a paragraph without margins.
pub(super) fn is_tight(tag: &StartTag) -> bool {
    let is = |name: &[u8], found: fn(&str) -> bool| {
        tag.attributes.get(name).is_some_and(|value| found(&String::from_utf8_lossy(value)))
    };
    is(b"class", |class| class.contains("Mso")) || is(b"style", |style| style.contains("margin:0"))
}

//! Reports by their structure: a part of the mail says in fields what it reports (RFC 3462).

use mail_parser::MessagePart;

use super::parts::file_name;
use crate::ids::MessageId;
use crate::message::header::identifiers;
use crate::message::report::Groups;
use crate::message::{Limits, Report};

/// A report, if a part of the mail is one.
pub(super) fn read(parts: &[(String, MessagePart)], limits: &Limits) -> Option<Report> {
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
pub(super) fn returned_ids(parts: &[(String, MessagePart)], limits: &Limits) -> Vec<MessageId> {
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
    use crate::message::specimen::from_ann;

    #[test]
    fn reports_are_known_by_their_structure() {
        let delivery = from_ann(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; li@example.com\n\
             Action: failed\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <sent@example.com>\n\nhi\n--b--\n",
        );
        let Some(Report::Delivery { outcomes, about }) = &delivery.report else { panic!("{:?}", delivery.report) };
        assert_eq!((outcomes.len(), about.as_slice()), (1, [MessageId::parse("sent@example.com").unwrap()].as_slice()));
        assert_eq!(delivery.text, "Sorry.");
        let abuse = from_ann(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/feedback-report\n\n\
             Feedback-Type: Abuse\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID:\n <sent@example.com>\n--b--\n",
        );
        let about = vec![MessageId::parse("sent@example.com").unwrap()];
        let kind = "abuse".to_owned();
        assert_eq!(abuse.report, Some(Report::Abuse { kind, about: about.clone() }));
        let disposition = from_ann(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/disposition-notification\n\n\
             Disposition: manual-action/MDN-sent-manually; Displayed\nOriginal-Message-ID: <sent@example.com>\n--b--\n",
        );
        let kind = "displayed".to_owned();
        assert_eq!(disposition.report, Some(Report::Disposition { kind, about }));
        let tls = from_ann("Content-Type: application/tlsrpt+gzip\n\nx");
        assert_eq!(tls.report, Some(Report::Tls));
        let dmarc =
            from_ann("Content-Type: application/gzip; name=\"r.example!d.example!1762000000!1762086400.xml.gz\"\n\nx");
        assert_eq!(dmarc.report, Some(Report::Dmarc));
        assert_eq!(from_ann("\nyour mail was not delivered").report, None);
    }
}

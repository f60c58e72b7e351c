//! What a rule asks of the attachments of a mail.

use regex::Regex;

use super::judgement::Evidence;
use super::operand::Comparison;
use super::reason::{MAX_EVIDENCE, Reason};
use super::segment::Segment;
use crate::fold::fold;
use crate::message::Attachment;

/// `{ attachment = { ext, mime, name_re, min_mb, max_mb, count } }`: so many attachments are all of this.
#[derive(Debug)]
pub(super) struct AttachmentTest {
    /// In lower case, without the dot; empty: any.
    pub(super) extensions: Vec<String>,
    /// Media types; `image/*` for all that begin so. Empty: any.
    pub(super) types: Vec<String>,
    pub(super) name: Option<Regex>,
    /// Octets.
    pub(super) at_least: f64,
    pub(super) at_most: f64,
    pub(super) count: Comparison,
}

impl AttachmentTest {
    pub(super) fn holds(&self, attachments: &[Attachment], reason: &mut Reason) -> bool {
        let (mut counted, mut start, mut evidence) = (0_u32, 0, Vec::new());
        for attachment in attachments {
            if self.is_one(attachment) {
                counted += 1;
                if evidence.len() < MAX_EVIDENCE {
                    evidence.push(Evidence {
                        segment: Segment::AttachmentName,
                        range: start..start + attachment.name.len(),
                        text: attachment.name.clone(),
                    });
                }
            }
            start += attachment.name.len() + 1;
        }
        let holds = self.count.holds(f64::from(counted));
        if holds {
            reason.evidence.extend(evidence);
        }
        holds
    }

    fn is_one(&self, attachment: &Attachment) -> bool {
        // Of two names for one file either may be the one it is opened by.
        let ends = |name: &str| {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            self.extensions.iter().any(|wanted| wanted.eq_ignore_ascii_case(extension))
        };
        let size = attachment.size as f64;
        (self.extensions.is_empty() || attachment.names().any(ends))
            && (self.types.is_empty() || self.types.iter().any(|wanted| is_of_type(attachment, wanted)))
            && self.name.as_ref().is_none_or(|name| attachment.names().any(|one| name.is_match(fold(one).text())))
            && (self.at_least..=self.at_most).contains(&size)
    }
}

/// By what it says and by what it is: a picture may come as application/octet-stream.
fn is_of_type(attachment: &Attachment, wanted: &str) -> bool {
    let is = |media_type: &str| match wanted.strip_suffix('*') {
        Some(begin) => media_type.starts_with(begin),
        None => media_type == wanted,
    };
    is(&attachment.media_type) || attachment.sniffed.is_some_and(is)
}

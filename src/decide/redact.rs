//! What nobody shall read of a mail: masked as soon as the rules have said so.
//!
//! Everything that is written after that — the answer, the forward, the notices, the journal and the log — is made of
//! the masked mail, so no writer can forget it. The archive keeps the mail as it came, and the original does not go
//! along with a forward.

use crate::fold::fold;
use crate::message::Message;
use crate::rules::Judgement;

/// Stands for a secret, whatever its length: the length would help to guess it.
const MASK: &str = "▮▮▮▮";

/// The mail without the secrets; none where there is nothing to mask.
pub(super) fn redacted(message: &Message, judgement: &Judgement) -> Option<Message> {
    let mut message = (!judgement.redact.is_empty()).then(|| message.clone())?;
    let mask = |text: &mut String| *text = masked(text, &judgement.redact);
    mask(&mut message.subject);
    mask(&mut message.text);
    let segments = &mut message.segments;
    for text in [&mut segments.fresh, &mut segments.quoted, &mut segments.forwarded, &mut segments.signature] {
        mask(text);
    }
    message.attachments.iter_mut().for_each(|attachment| {
        mask(&mut attachment.name);
        mask(&mut attachment.text);
    });
    message.from.iter_mut().for_each(|person| mask(&mut person.name));
    Some(message)
}

/// The judgement without the secrets. That there were some is still known: each is a mask.
pub(super) fn judged(mut judgement: Judgement) -> Judgement {
    if judgement.redact.is_empty() {
        return judgement;
    }
    let secrets = std::mem::take(&mut judgement.redact);
    let in_scores = judgement.scores.iter_mut().flat_map(|score| &mut score.contributions);
    let evidence = in_scores
        .flat_map(|contribution| &mut contribution.evidence)
        .chain(judgement.hits.iter_mut().flat_map(|hit| &mut hit.evidence));
    for evidence in evidence {
        evidence.text = masked(&evidence.text, &secrets);
    }
    for value in judgement.fields.values_mut() {
        *value = masked(value, &secrets);
    }
    judgement.redact = vec![MASK.to_owned(); secrets.len()];
    judgement
}

/// The text with every secret masked, in whatever width, case or script it stands there.
fn masked(text: &str, secrets: &[String]) -> String {
    let folded = fold(text);
    // A line break of the mail program takes no secret apart; it is as wide as a blank.
    let line = folded.text().replace('\n', " ");
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for secret in secrets {
        let wanted = fold(secret).text().replace('\n', " ");
        let wanted = wanted.trim();
        let found = line.match_indices(wanted).filter(|_| !wanted.is_empty());
        hidden.extend(found.map(|(at, _)| {
            let range = folded.original(at..at + wanted.len());
            (range.start, range.end)
        }));
    }
    hidden.sort_unstable();
    let (mut out, mut end) = (String::with_capacity(text.len()), 0);
    for (from, to) in hidden {
        if from >= end {
            out.push_str(&text[end..from]);
            out.push_str(MASK);
        }
        end = end.max(to);
    }
    out.push_str(&text[end..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_however_it_is_written() {
        let secrets = ["Abc12345".to_owned(), "4111 1111 1111 1111".to_owned(), "1111".to_owned()];
        for (text, want) in [
            ("密码 Abc12345，再说一遍：ＡＢＣ１２３４５。", "密码 ▮▮▮▮，再说一遍：▮▮▮▮。"),
            ("card 4111 1111\n1111 1111!", "card ▮▮▮▮!"),
            ("card 4111 1111 1111 1111 1111", "card ▮▮▮▮ ▮▮▮▮"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(masked(text, &secrets), want);
        }
    }
}

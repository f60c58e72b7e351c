//! What nobody shall read of a mail: masked as soon as the rules have said so.
//!
//! Everything that is written after that — the answer, the forward, the notices, the journal and the log — is made of
//! the masked mail, so no writer can forget it. The archive keeps the mail as it came, and the original does not go
//! along with a forward.

use aho_corasick::AhoCorasick;

use crate::fold::fold;
use crate::message::{Message, Report};
use crate::rules::{Asked, Evidence, Judgement, Trace};

/// Stands for a secret, whatever its length: the length would help to guess it.
const MASK: &str = "▮▮▮▮";

/// The mail without the secrets; none where there is nothing to mask.
pub(super) fn redacted(message: &Message, judgement: &Judgement) -> Option<Message> {
    let secrets = Secrets::of(judgement)?;
    let mut message = message.clone();
    let mask = |text: &mut String| *text = secrets.masked(text);
    mask(&mut message.subject);
    mask(&mut message.text);
    let segments = &mut message.segments;
    for text in [&mut segments.fresh, &mut segments.quoted, &mut segments.forwarded, &mut segments.signature] {
        mask(text);
    }
    for attachment in &mut message.attachments {
        mask(&mut attachment.name);
        mask(&mut attachment.text);
        attachment.other_names.iter_mut().for_each(mask);
    }
    message.from.iter_mut().chain(&mut message.reply_to).for_each(|person| mask(&mut person.name));
    if let Some(Report::Delivery { outcomes, .. }) = &mut message.report {
        outcomes.iter_mut().for_each(|outcome| mask(&mut outcome.diagnostic));
    }
    Some(message)
}

/// The judgement without the secrets. That there were some is still known: each is a mask.
pub(super) fn judged(mut judgement: Judgement) -> Judgement {
    let Some(secrets) = Secrets::of(&judgement) else { return judgement };
    let in_scores = judgement.scores.iter_mut().flat_map(|score| &mut score.contributions);
    let evidence = in_scores
        .flat_map(|contribution| &mut contribution.evidence)
        .chain(judgement.hits.iter_mut().flat_map(|hit| &mut hit.evidence));
    secrets.mask_evidence(evidence);
    for value in judgement.fields.values_mut() {
        *value = secrets.masked(value);
    }
    judgement.redact.fill(MASK.to_owned());
    judgement
}

/// What is told of how a rule fared with a mail, without the secrets that its judgement found.
pub(super) fn traced(mut trace: Trace, judgement: &Judgement) -> Trace {
    let Some(secrets) = Secrets::of(judgement) else { return trace };
    match &mut trace.asked {
        Asked::Held(evidence) => secrets.mask_evidence(evidence),
        Asked::Failed(failure) => {
            secrets.mask_evidence(&mut failure.evidence);
            failure.found = secrets.masked(&failure.found);
        }
        Asked::StoppedBy(_) => {}
    }
    trace
}

/// What is to be masked in a mail, searched for all at once: a mail may hold thousands.
struct Secrets(AhoCorasick);

impl Secrets {
    /// None where there is nothing to mask.
    fn of(judgement: &Judgement) -> Option<Secrets> {
        let folded: Vec<String> = judgement.redact.iter().map(|secret| one_line(fold(secret).text())).collect();
        let wanted: Vec<&str> = folded.iter().map(|secret| secret.trim()).filter(|secret| !secret.is_empty()).collect();
        // It is built of what a mail of bounded size holds, far below the limits of the crate.
        (!wanted.is_empty()).then(|| Secrets(AhoCorasick::new(wanted).expect("the secrets of one mail are few")))
    }

    fn mask_evidence<'e>(&self, evidence: impl IntoIterator<Item = &'e mut Evidence>) {
        for evidence in evidence {
            evidence.text = self.masked(&evidence.text);
        }
    }

    /// The text with every secret masked, in whatever width, case or script it stands there.
    fn masked(&self, text: &str) -> String {
        let folded = fold(text);
        let line = one_line(folded.text());
        let mut hidden: Vec<(usize, usize)> = self
            .0
            .find_overlapping_iter(&line)
            .map(|found| folded.original(found.range()))
            .map(|range| (range.start, range.end))
            .collect();
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
}

/// A line break of the mail program takes no secret apart; it is as wide as a blank.
fn one_line(folded: &str) -> String {
    folded.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_however_it_is_written() {
        let redact = ["Abc12345", "4111 1111 1111 1111", "1111", "4111"].map(str::to_owned).to_vec();
        let secrets = Secrets::of(&Judgement { redact, ..Judgement::default() }).unwrap();
        for (text, want) in [
            ("密码 Abc12345，再说一遍：ＡＢＣ１２３４５。", "密码 ▮▮▮▮，再说一遍：▮▮▮▮。"),
            ("card 4111 1111\n1111 1111!", "card ▮▮▮▮!"),
            ("card 4111 1111 1111 1111 1111", "card ▮▮▮▮ ▮▮▮▮"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(secrets.masked(text), want);
        }
    }
}

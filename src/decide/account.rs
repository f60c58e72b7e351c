//! Why the bot did with the mails of a case what it did: the answer to `#why`.
//!
//! Where a mail went, what was shown and answered, and why not, was written down with the decision. The words that the
//! rules counted stand in the mail alone, and are found there again by judging it once more, with the case as it was when
//! it came. Where rules or templates are others than then, that is said, and what was decided then is told as it was.

use std::collections::BTreeSet;

use super::told::{self, by_language};
use super::{Mail, Recorded, Shown, Why, heard, mails, question, redact, screened};
use crate::case::{Account, Case, Facts, Prints};
use crate::compose::Line;
use crate::ids::{CategoryId, GroupId, RuleId};
use crate::language::Language;
use crate::playbook::Playbook;
use crate::rules::{CategoryScore, Contribution, Evidence, Hit, Judgement, Phase};
use crate::thread;
use crate::time::Timestamp;

/// A mail of the past, as journal and archive have it.
pub struct Remembered<'a> {
    pub mail: Mail<'a>,
    /// The case as the mail found it; none where it opened one.
    pub before: Option<&'a Case>,
    /// When it was decided.
    pub at: Timestamp,
    /// The reasons as they were written down.
    pub why: &'a [(String, String)],
}

/// The key of the line that names the rules and templates by which it was decided.
pub const REVISION: &str = "revision";

/// Points told for the category that won, and against it: the others are summed up.
const FOR: usize = 4;
const AGAINST: usize = 2;
/// Rules told beside those that score.
const RULES: usize = 6;
/// Pieces of evidence told of one rule.
const PIECES: usize = 3;
/// Characters of a subject.
const SUBJECT: usize = 40;

/// The mails of a case that this group has, oldest first: of the last one everything, of those before it a line.
pub fn account(past: &[Remembered<'_>], group: &GroupId, playbook: &Playbook, language: Language) -> Account {
    let Some((last, earlier)) = past.split_last() else { return Account::default() };
    let teller = |mail| Teller::of(mail, group, playbook, language);
    let mut lines = teller(last).whole();
    lines.extend(earlier.iter().rev().map(|mail| teller(mail).in_short()));
    let theirs = past.iter().flat_map(|past| [past.mail.message.subject.as_str(), past.mail.message.text.as_str()]);
    let internal = Prints::of(&lines.join("\n")).without(theirs);
    Account { lines, internal }
}

struct Teller<'a> {
    past: &'a Remembered<'a>,
    group: &'a GroupId,
    playbook: &'a Playbook,
    language: Language,
    subject: Line,
    /// What the rules of today say, secrets masked.
    judgement: Judgement,
    /// None: another version wrote it down in other words.
    why: Option<Why>,
}

impl<'a> Teller<'a> {
    fn of(past: &'a Remembered<'a>, group: &'a GroupId, playbook: &'a Playbook, language: Language) -> Teller<'a> {
        let heard = past.before.map(|case| heard::heard(past.mail.message, &case.said));
        let mail = Mail { message: heard.as_deref().unwrap_or(past.mail.message), ..past.mail };
        let screening = screened(&mail, playbook, past.at);
        let facts = Facts::default();
        let asked = question(&mail, past.before, &facts, &screening.authentication, playbook, past.at);
        let judgement = playbook.rules().judge(&asked);
        let message = redact::redacted(mail.message, &judgement);
        let subject = thread::own_subject(&message.as_ref().unwrap_or(mail.message).subject);
        let subject = Line::new(subject, SUBJECT);
        let judgement = redact::judged(judgement);
        let why = Why::recalled(past.why, past.before, screening, judgement.clone());
        Teller { past, group, playbook, language, subject, judgement, why }
    }

    /// Everything about one mail.
    fn whole(&self) -> Vec<String> {
        let mut lines = vec![self.named()];
        let Some(why) = &self.why else {
            lines.push(by_language(
                self.language,
                "当时记下的原因，本版本读不懂了".into(),
                "what was written down of its reasons is in words that this version does not know".into(),
                "当時の記録はこの版では読み取れません".into(),
            ));
            return lines;
        };
        lines.push(told::threading(&why.threading, self.language));
        lines.extend(self.other_rules());
        lines.extend(self.about());
        lines.extend(self.scores());
        let held: Vec<&Hit> =
            self.judgement.hits.iter().filter(|hit| hit.phase != Phase::Classify && !hit.shadow).collect();
        lines.extend(held.iter().take(RULES).map(|hit| self.held(hit)));
        lines.push(self.done(why));
        lines.extend(why.silence.as_ref().map(|silence| {
            let silence = told::silence(silence, &why.screening, self.language);
            by_language(
                self.language,
                format!("没有自动答复：{silence}"),
                format!("no automatic answer: {silence}"),
                format!("自動返信なし：{silence}"),
            )
        }));
        lines
    }

    fn in_short(&self) -> String {
        let mut parts = Vec::new();
        if let Some(why) = &self.why {
            parts.push(told::threading(&why.threading, self.language));
            parts.extend(self.category_then().map(|category| self.playbook.category_label(&category, self.language)));
            parts.push(told::shown(&why.shown, self.language));
        }
        format!("{}{}", self.named(), parts.join(by_language(self.language, "；", "; ", "；")))
    }

    /// Which mail is spoken of.
    fn named(&self) -> String {
        let at = told::moment_of(self.group, self.past.at, self.language, self.playbook);
        let subject = &self.subject;
        by_language(
            self.language,
            format!("{at} 的来信“{subject}”："),
            format!("the mail of {at}, “{subject}”: "),
            format!("{at} のメール「{subject}」："),
        )
    }

    /// That what follows is found by other rules than those of then.
    fn other_rules(&self) -> Option<String> {
        let now = self.playbook.revision();
        let then = self.line(REVISION).filter(|then| *then != now)?;
        Some(by_language(
            self.language,
            format!("规则或话术此后改过（当时 {then}，现在 {now}）：下面的依据按现在的规则重新核对，结果以当时为准"),
            format!(
                "rules or templates have changed since ({then} then, {now} now): the evidence below is by those of now, \
                 what came of it is of then"
            ),
            format!(
                "その後ルールか定型文が変わりました（当時 {then}、現在 {now}）。以下の根拠は現在のルールによるもの、結果は当時のものです"
            ),
        ))
    }

    /// What it was taken to be about, and where that differs from today, what it would be taken for.
    fn about(&self) -> Vec<String> {
        let language = self.language;
        let label = |category: &CategoryId| self.playbook.category_label(category, language);
        let now = match (&self.judgement.category, &self.judgement.why_not) {
            (Some(won), _) => {
                let needs = self.playbook.rules().taxonomy().category(&won.category);
                Some(told::won(won, needs, &label(&won.category), language))
            }
            (None, Some(why_not)) => Some(told::ambiguity(why_not, label, language)),
            (None, None) => None,
        };
        let same = self.category_then() == self.judgement.category.as_ref().map(|won| won.category.clone());
        let then = (!same).then(|| {
            let then = self.category_then().map(|category| label(&category));
            let then = then.unwrap_or_else(|| by_language(language, "未能确定", "not clear", "未確定").into());
            by_language(
                language,
                format!("当时的分类：{then}"),
                format!("category then: {then}"),
                format!("当時の分類：{then}"),
            )
        });
        let now = now.map(|now| {
            by_language(language, format!("分类：{now}"), format!("category: {now}"), format!("分類：{now}"))
        });
        then.into_iter().chain(now).collect()
    }

    /// What spoke for the best category and against it, and for the next one.
    fn scores(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(best) = self.judgement.scores.first().filter(|best| best.score > 0.0) else { return lines };
        lines.push(told::score(best, &self.playbook.category_label(&best.category, self.language), self.language));
        lines.extend(self.contributions(best, FOR, AGAINST));
        if let Some(next) = self.judgement.scores.get(1).filter(|next| next.score > 0.0) {
            let label = self.playbook.category_label(&next.category, self.language);
            let told = told::score(next, &label, self.language);
            lines.push(by_language(
                self.language,
                format!("第二名 {told}"),
                format!("next: {}", told.trim_start()),
                format!("次点 {told}"),
            ));
            lines.extend(self.contributions(next, 1, 1));
        }
        lines
    }

    /// The strongest points of a score; the others are summed up, so that they add up to it.
    fn contributions(&self, score: &CategoryScore, most_for: usize, most_against: usize) -> Vec<String> {
        let (speaking, against): (Vec<_>, Vec<_>) = score.contributions.iter().partition(|points| points.weight >= 0.0);
        // The strongest come first, and those against are the strongest at the end.
        let told = speaking.iter().take(most_for).chain(against.iter().rev().take(most_against));
        let mut lines = Vec::new();
        for points in told {
            let points = Contribution { evidence: telling(&points.evidence), ..(*points).clone() };
            lines.push(told::points(&points, false, self.language).trim_start().to_owned());
        }
        let rest: Vec<f64> =
            speaking.iter().skip(most_for).chain(against.iter().rev().skip(most_against)).map(|p| p.weight).collect();
        if !rest.is_empty() {
            let (count, sum) = (rest.len(), rest.iter().sum::<f64>());
            lines.push(by_language(
                self.language,
                format!("{sum:+.1}  另有 {count} 项"),
                format!("{sum:+.1}  {count} more"),
                format!("{sum:+.1}  ほか{count}件"),
            ));
        }
        lines
    }

    /// A rule that held and acts.
    fn held(&self, hit: &Hit) -> String {
        let found = told::evidence(&telling(&hit.evidence), false, self.language);
        let rule = rule(&hit.rule, self.language);
        match found.is_empty() {
            true => rule,
            false => format!("{rule}{}{found}", by_language(self.language, "：", ": ", "：")),
        }
    }

    /// What became of it, by whose word, and why humans have it.
    fn done(&self, why: &Why) -> String {
        let language = self.language;
        let mut done = told::shown(&why.shown, language);
        let replying =
            self.judgement.replying.as_ref().filter(|_| why.shown.template() == self.judgement.reply.as_ref());
        if let Some(replying) = replying.filter(|_| why.shown.template().is_some()) {
            let rule = rule(replying, language);
            done += &by_language(language, format!("（{rule}）"), format!(" ({rule})"), format!("（{rule}）"));
        }
        if matches!(why.shown, Shown::ToHumans | Shown::HandedOff(_)) {
            let matters = mails::matters(why, self.playbook, language);
            if !matters.is_empty() {
                done += by_language(language, "：", ": ", "：");
                done += &matters.join(by_language(language, "；", "; ", "；"));
            }
        }
        done
    }

    fn category_then(&self) -> Option<CategoryId> {
        Recorded::of(self.past.why).category
    }

    fn line(&self, wanted: &str) -> Option<&'a str> {
        self.past.why.iter().find(|(key, _)| key == wanted).map(|(_, text)| text.as_str())
    }
}

/// The first pieces, each once.
fn telling(evidence: &[Evidence]) -> Vec<Evidence> {
    let mut seen = BTreeSet::new();
    let new = evidence.iter().filter(|piece| seen.insert((piece.segment, &piece.text)));
    new.take(PIECES).cloned().collect()
}

fn rule(id: &RuleId, language: Language) -> String {
    by_language(language, format!("规则 {id}"), format!("rule {id}"), format!("ルール {id}"))
}

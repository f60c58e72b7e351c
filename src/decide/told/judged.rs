//! What the rules found in a mail, and what it was worth.

use super::by_language;
use crate::compose::Line;
use crate::language::Language;
use crate::rules::{Category, CategoryScore, Contribution, Evidence, Segment, Won};

/// Characters of one piece of evidence.
const PIECE: usize = 40;

/// Each piece of a mail that counted, and in which part of it; with `octets`, also which of them.
pub fn evidence(evidence: &[Evidence], octets: bool, language: Language) -> String {
    let piece = |found: &Evidence| {
        let (part, text) = (part(found.segment, language), Line::new(&found.text, PIECE));
        let text = if text.as_str().len() < found.text.trim().len() { format!("{text}…") } else { text.to_string() };
        match (octets, language) {
            (true, _) => format!("{part} {}..{} “{text}”", found.range.start, found.range.end),
            (false, Language::Zh) => format!("{part}“{text}”"),
            (false, Language::En) => format!("{part} “{text}”"),
            (false, Language::Ja) => format!("{part}「{text}」"),
        }
    };
    let between = if octets { ", " } else { by_language(language, "，", ", ", "、") };
    evidence.iter().map(piece).collect::<Vec<_>>().join(between)
}

/// What one rule added to a score, and for what.
pub fn points(contribution: &Contribution, octets: bool, language: Language) -> String {
    let Contribution { rule, weight, evidence: found } = contribution;
    format!("{weight:+5.1}  {rule}  {}", evidence(found, octets, language)).trim_end().to_owned()
}

/// What a category got of what it needs; `label` says how the reader calls it.
pub fn score(score: &CategoryScore, label: &str, language: Language) -> String {
    let CategoryScore { score, threshold, .. } = score;
    by_language(
        language,
        format!("{label}：{score:.1} 分，需要 {threshold:.1} 分"),
        format!("{score:5.1} of {threshold:.1}  {label}"),
        format!("{label}：{score:.1}点（基準は{threshold:.1}点）"),
    )
}

/// What a mail is about, by how much, and what its category needs for that.
pub fn won(won: &Won, needs: Option<&Category>, label: &str, language: Language) -> String {
    let (lead, margin) = (won.margin, needs.map_or(0.0, |needs| needs.margin));
    let mut told = by_language(
        language,
        format!("{label}，领先第二名 {lead:.1} 分（需要 {margin:.1} 分）"),
        format!("{label}, {lead:.1} ahead of the next (needs {margin:.1})"),
        format!("{label}、次点との差は{lead:.1}点（基準は{margin:.1}点）"),
    );
    if let Some(needs) = needs.filter(|_| !won.sure) {
        let (points, ahead) = (needs.answer_threshold, needs.answer_margin);
        told += &by_language(
            language,
            format!("；要自动答复须有 {points:.1} 分、领先 {ahead:.1} 分"),
            format!("; to answer by itself takes {points:.1}, and {ahead:.1} ahead"),
            format!("。自動返信には{points:.1}点、次点との差{ahead:.1}点が必要です"),
        );
    }
    told
}

/// A part of a mail, as people call it.
fn part(segment: Segment, language: Language) -> &'static str {
    let (zh, ja) = match segment {
        Segment::Subject => ("主题", "件名"),
        Segment::Body => ("正文", "本文"),
        Segment::Forwarded => ("转发的内容", "転送部分"),
        Segment::Quoted => ("引用的内容", "引用部分"),
        Segment::Signature => ("签名", "署名"),
        Segment::AttachmentName => ("附件名", "添付ファイル名"),
        Segment::AttachmentText => ("附件内容", "添付ファイル"),
        Segment::Report => ("退信报告", "配信レポート"),
        Segment::Headers => ("信头", "ヘッダー"),
        Segment::SenderName => ("发件人自称", "差出人の名乗り"),
    };
    by_language(language, zh, segment.as_str(), ja)
}

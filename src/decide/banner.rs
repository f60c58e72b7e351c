//! What stands above an answer for a time: an incident, or work that is announced (B-17).

use crate::case::Case;
use crate::compose::Written;
use crate::language::Language;
use crate::playbook::{Playbook, worded};
use crate::time::Timestamp;

/// The answer, below the notices that stand now.
pub(super) fn below_notices(written: Written, case: &Case, playbook: &Playbook, now: Timestamp) -> Written {
    let language = written.language();
    let standing = playbook.config().notices.values().filter(|notice| notice.stands(case.category.as_ref(), now));
    let notices: Vec<String> = standing.map(|notice| headed(&worded(&notice.text, language), language)).collect();
    match notices.is_empty() {
        true => written,
        false => Written::new(written.subject(), &format!("{}\n\n{}", notices.join("\n"), written.body()), language),
    }
}

fn headed(text: &str, language: Language) -> String {
    match language {
        Language::Zh => format!("【服务公告】{text}"),
        Language::En => format!("[Service notice] {text}"),
        Language::Ja => format!("【お知らせ】{text}"),
    }
}

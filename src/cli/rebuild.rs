//! `huixin rebuild`: the state made anew from the journal. The bot does so by itself when it has to; this is for
//! whoever wants to be sure.

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::figures::Figures;
use super::operator::{Folder, trouble};
use super::{Done, Exit};
use crate::store::StoreError;

pub fn run(config: &Path, options: Figures) -> Done {
    let folder = Folder::of(config)?;
    let (store, opened) = folder.open()?;
    let begun = Instant::now();
    // One that was of no use was made anew a moment ago.
    if opened.rebuilt.is_none() {
        store.rebuild().map_err(trouble)?;
    }
    let took = begun.elapsed();
    let count = || -> Result<_, StoreError> {
        let mut records = 0u64;
        store.records(|_, _| {
            records += 1;
            Ok(())
        })?;
        let mails = store.ledger()?.try_fold(0u64, |mails, mail| mail.map(|_| mails + 1))?;
        let cases = store.cases()?.try_fold(0u64, |cases, case| case.map(|_| cases + 1))?;
        Ok((records, mails, cases, store.outbox_len()?))
    };
    let (records, mails, cases, outbox) = count().map_err(trouble)?;
    let figures = json!({
        "records": records, "mails": mails, "cases": cases, "outbox": outbox, "ms": took.as_millis() as u64,
        "why": opened.rebuilt,
    });
    let why = opened.rebuilt.map(|why| format!("the state was of no use: {why}\n")).unwrap_or_default();
    let sentence = format!(
        "{why}state rebuilt from {records} records in {:.1} s: {mails} mails, {cases} cases, {outbox} in the outbox",
        took.as_secs_f64()
    );
    options.print(&figures, sentence);
    Ok(Exit::Ok)
}

//! `huixin compact`: what has been kept long enough leaves archive and journal now. The bot does so by itself once a month.

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::figures::Figures;
use super::operator::{Folder, trouble};
use super::{Done, Exit};
use crate::app;

pub fn run(config: &Path, options: Figures) -> Done {
    let folder = Folder::of(config)?;
    let (store, _) = folder.open()?;
    let (keep, now, begun) = (&folder.configured().config.keep, app::now(), Instant::now());
    let mails = store.forget(keep, now).map_err(trouble)?;
    let done = store.compact(keep, now).map_err(trouble)?;
    let took = begun.elapsed();
    let figures = json!({
        "mails": mails, "cases": done.erased, "segments": done.segments, "octets": done.octets, "left": done.left,
        "waiting": done.waiting, "ms": took.as_millis() as u64,
    });
    let sentence = format!(
        "{mails} mails have left the archive, {} cases are erased; {} segments of the journal have {} octets instead of \
         {}, in {:.1} s",
        done.erased,
        done.segments,
        done.left,
        done.octets,
        took.as_secs_f64()
    );
    options.print(&figures, sentence);
    Ok(Exit::Ok)
}

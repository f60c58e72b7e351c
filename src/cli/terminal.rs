//! How we speak on a terminal: faults, tables, progress.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::problem::Problems;

/// Columns of a drawing when nobody says how wide the terminal is.
const USUAL_WIDTH: u16 = 100;
/// A progress bar shows itself only on work longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The first trouble with our output that is not the reader's choice.
static UNWRITTEN: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes a text for whoever still reads it.
pub fn put(mut to: impl Write, text: fmt::Arguments<'_>) {
    written(to.write_fmt(text));
}

/// Writes octets as they are.
pub fn put_octets(octets: &[u8]) {
    written(io::stdout().write_all(octets).and_then(|()| io::stdout().flush()));
}

/// Notes how a writing of output went; a pipe that nobody reads any more is no trouble.
pub fn written(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
        && let Ok(mut unwritten) = UNWRITTEN.lock()
    {
        unwritten.get_or_insert(error);
    }
}

/// Why some output could not be written, if it could not.
pub fn unwritten() -> Option<io::Error> {
    UNWRITTEN.lock().ok()?.take()
}

/// Prints what went wrong to standard error, each cause on its own line.
pub fn report(error: &anyhow::Error) {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        draw(problems);
    } else {
        eprintln!("huixin: {error:#}");
    }
}

/// Draws faults with their lines on standard error.
pub fn draw(problems: &Problems) {
    let mut stderr = std::io::stderr();
    let colour = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for problem in &problems.0 {
        // Standard error may be closed; there is nobody left to tell.
        let _ = writeln!(stderr, "{}", problem.draw(colour, usize::from(USUAL_WIDTH)));
    }
}

/// A line of text for a person: control characters and line breaks shown as blanks, cut to `most` columns.
pub fn one_line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= most {
        return words;
    }
    words.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A progress bar on standard error, hidden unless that is a terminal and the work takes longer than a second.
pub struct Progress {
    bar: ProgressBar,
    started: std::time::Instant,
    length: u64,
}

impl Progress {
    pub fn new(length: usize, what: &'static str) -> Progress {
        let bar = ProgressBar::hidden();
        bar.set_message(what);
        Progress { bar, started: std::time::Instant::now(), length: length as u64 }
    }

    /// One more done.
    pub fn step(&mut self) {
        if self.bar.is_hidden() && std::io::stderr().is_terminal() && self.started.elapsed() > PATIENCE {
            let shown = ProgressBar::new(self.length).with_position(self.bar.position());
            if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}") {
                shown.set_style(style);
            }
            shown.set_message(self.bar.message());
            self.bar = shown;
        }
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! `huixin rules suggest`: rules out of texts that people have sorted.
//!
//! What is written are shadow rules: an admin reads them, corrects them, watches what they would have done, and
//! lets them loose. How good they are is measured on texts they were not learnt from, by judging those as mail
//! is judged. Labelled files are read here; mail of which agents have said something comes in by the same [`Example`]s.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use crate::app::{self, files};
use crate::cli::rules::labels;
use crate::cli::{Done, Exit, Trouble, terminal};
use crate::ids::CategoryId;
use crate::problem::SourceText;
use crate::rules::{self, Rules, Status};
use crate::suggest::{
    self, Aim, Bar, Columns, Example, Figures, FileNotes, Judge, Judged, Learner, Specimen, Suggestion, Wish,
};

#[derive(clap::Args)]
pub struct Options {
    /// Texts with labels to learn from: CSV, TSV, JSON or a JSON value a line. `FILE#PART,PART` takes lists out of a
    /// JSON file.
    #[arg(long, required_unless_present = "history", value_name = "FILE")]
    input: Vec<String>,
    /// Learn from the mails of this bot as well that agents put into a category (#category, #归类), or whose entry they
    /// called right or wrong (#kb good, #话术 差).
    #[arg(long)]
    history: bool,
    /// The column of the text, by name or number; default: found by looking.
    #[arg(long, value_name = "COLUMN")]
    text_column: Option<String>,
    /// The column of the label.
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// The label of texts that are about nothing the rules should know.
    #[arg(long, value_name = "LABEL")]
    out_of_scope: Option<String>,
    /// Keywords of a category, at most.
    #[arg(long, value_name = "NUMBER", default_value_t = suggest::USUAL_WEIGHTS)]
    weights: usize,
    /// Multiply all points by this: beside rules written by hand, whose points are large, they weigh more.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    loud: f64,
    /// Choose threshold and margin by these texts; default: by examples that are held out.
    #[arg(long, value_name = "FILE")]
    tune: Vec<String>,
    /// Of the texts that are answered, this share shall be right.
    #[arg(long, value_name = "SHARE", default_value_t = 0.96)]
    precision: f64,
    /// Of the texts out of scope, this share shall be left alone.
    #[arg(long, value_name = "SHARE", default_value_t = 0.88)]
    left_alone: f64,
    /// Judge these texts by the rules as written, and tell how it went.
    #[arg(long, value_name = "FILE")]
    evaluate: Vec<String>,
    /// Tell how each category did.
    #[arg(long)]
    each: bool,
    /// Write the rules here; default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Pairs of categories told as confused.
const CONFUSIONS: usize = 10;
/// Examples of a category that may become its tests are chosen among so many.
const CANDIDATES: usize = 12;
/// By how much an aim that cannot be met is lowered until it can.
const CONCESSION: f64 = 0.01;
/// What categories have by default. Points are scaled so that this threshold fits.
const USUAL: Bar = Bar { threshold: 5.0, margin: 1.5 };
/// Thresholds that weights are scaled by. Beyond them they would be all fractions, or all alike.
const SCALABLE: (f64, f64) = (1.0, 20.0);

pub fn run(config: &Path, options: Options) -> Done {
    if let Some(out) = options.out.as_ref().filter(|out| out.exists()) {
        // Somebody may have worked on it.
        return Err(Trouble::new(Exit::Usage, anyhow!("{} is there already; name another file", out.display())));
    }
    let columns = Columns { text: options.text_column.clone(), label: options.label_column.clone() };
    let started = Instant::now();
    let mut examples = read(&options.input, &columns)?;
    let mut refused = Vec::new();
    if options.history {
        let taught = labels::of(config)?;
        let (sorted, right, wrong) = (taught.sorted, taught.examples.len() - taught.sorted, taught.refused.len());
        eprintln!(
            "{sorted} mails were sorted by agents; of the entries of others {right} were called right, {wrong} wrong"
        );
        examples.extend(taught.examples);
        refused = taught.refused;
    }
    let (examples, refused) = (examples, refused);
    let (tuning, evaluation) = (read(&options.tune, &columns)?, read(&options.evaluate, &columns)?);
    let wish = Wish { weights: options.weights, out_of_scope: options.out_of_scope.clone() };

    let (learnt, mut trials) = std::thread::scope(|scope| {
        // What is measured has to be learnt without what it is measured by: on another core, meanwhile.
        let trials = tuning.is_empty().then(|| scope.spawn(|| Trial::of_splits(&examples, &refused, &wish)));
        let learnt = Learner::learn(&examples, &refused, &wish).map(|learner| (learner, started.elapsed()));
        (learnt, trials.and_then(|trials| trials.join().ok()).unwrap_or_default())
    });
    let (mut learner, took) = learnt.map_err(|error| Trouble::new(Exit::DataErr, anyhow::Error::new(error)))?;
    let by = match trials.len() {
        1 => "a tenth of the input, held out".to_owned(),
        2.. => "the input, each part by rules learnt from the others".to_owned(),
        0 if tuning.is_empty() => "the input itself, which is too little to hold any out".to_owned(),
        0 => options.tune.join(", "),
    };
    let own: Vec<&Example> = if tuning.is_empty() { &examples } else { &tuning }.iter().collect();

    let bench = Bench { categories: categories(&learner), out_of_scope: options.out_of_scope.clone() };
    let aim = Aim { precision: options.precision, left_alone: options.left_alone };
    // First the scale at which the usual threshold fits, then, since rounding shifts it a little, the threshold.
    let measured = bench.measure(&mut trials, &learner.exact(1.0), &own, |learner| learner.exact(1.0))?;
    let (natural, _) = tuned(&measured, aim);
    let scale = options.loud * USUAL.threshold / natural.threshold.clamp(SCALABLE.0, SCALABLE.1);
    let mut report = Report::new(&learner);
    let mut suggestions = learner.rounded(scale);
    let measured = bench.measure(&mut trials, &suggestions, &own, |learner| learner.rounded(scale))?;
    let (bar, met) = tuned(&measured, aim);
    let measured: Vec<Judged> = measured.into_iter().map(|judged| judged.under(bar)).collect();
    suggestions.retain(|suggestion| report.is_reachable(suggestion, bar));

    let head = told(&examples, &suggestions);
    let text = written(config, &suggestions, bar, &measured, &bench, &examples, &head)?;
    report.add(&format!("{head}, learnt in {}", seconds(took)));
    report.add(&format!("threshold {:?} and margin {:?}, chosen by {by}", bar.threshold, bar.margin));
    if met != aim {
        report
            .add(&format!("no threshold surely keeps what was asked for; these keep {} right", percent(met.precision)));
    }
    let each = options.each.then_some(&suggestions[..]);
    report.add(&figures(&by, &measured, each));
    if !evaluation.is_empty() {
        let judged = bench.judge(&suggestions, bar, &evaluation.iter().collect::<Vec<_>>())?;
        report.add(&figures(&options.evaluate.join(", "), &judged, each));
    }
    match &options.out {
        Some(out) => {
            let written = fs::write(out, text).with_context(|| format!("cannot write {}", out.display()));
            written.map_err(|error| Trouble::new(Exit::IoErr, error))?;
            report.add(&format!("written to {}; read it before you put it beside your rules", out.display()));
            print!("{}", report.text);
        }
        None => {
            eprint!("{}", report.text);
            terminal::put_octets(text.as_bytes());
        }
    }
    Ok(Exit::Ok)
}

/// The examples of several files.
fn read(names: &[String], columns: &Columns) -> Result<Vec<Example>, Trouble> {
    let mut examples = Vec::new();
    for name in names {
        let (path, parts) = match name.split_once('#') {
            Some((path, parts)) if !Path::new(name).exists() => (path, Some(parts)),
            _ => (name.as_str(), None),
        };
        let bytes = fs::read(path).with_context(|| format!("cannot read {path}"));
        let bytes = bytes.map_err(|error| Trouble::new(Exit::NoInput, error))?;
        let text = String::from_utf8(bytes).map_err(|_| anyhow!("{path} is not in UTF-8; save it as UTF-8"));
        let text = text.map_err(|error| Trouble::new(Exit::DataErr, error))?;
        let read = suggest::read_table(&text, parts, columns).with_context(|| path.to_owned());
        examples.extend(read.map_err(|error| Trouble::new(Exit::DataErr, error))?);
    }
    Ok(examples)
}

/// What was learnt without some of the examples, and those.
struct Trial<'e> {
    learner: Learner,
    held_out: Vec<&'e Example>,
}

impl Trial<'_> {
    /// None at all where one of the splits leaves too little to learn from.
    fn of_splits<'e>(examples: &'e [Example], refused: &[Example], wish: &Wish) -> Vec<Trial<'e>> {
        let trial =
            |(learning, held_out)| Learner::learn(learning, refused, wish).map(|learner| Trial { learner, held_out });
        suggest::splits(examples).into_iter().map(trial).collect::<Result<_, _>>().unwrap_or_default()
    }
}

/// Judges texts by suggestions.
struct Bench {
    /// What each label stands for.
    categories: BTreeMap<String, CategoryId>,
    out_of_scope: Option<String>,
}

impl Bench {
    /// Judges by the suggestions alone, as if they were in force.
    fn judge(&self, suggestions: &[Suggestion], bar: Bar, texts: &[&Example]) -> Result<Vec<Judged>, Trouble> {
        let notes =
            FileNotes { status: Status::Stable, bar, known: &|_| false, confusions: &[], specimens: &[], head: &[] };
        // Learnt from other examples, a label may have got another name.
        let mut suggestions = suggestions.to_vec();
        for suggestion in &mut suggestions {
            if let Some(category) = self.categories.get(&suggestion.label) {
                suggestion.category.clone_from(category);
            }
        }
        let rules = load(&[SourceText::new("suggested", suggest::rules_file(&suggestions, &notes))])?;
        let some = |texts: &[&Example]| -> Vec<Judged> {
            let mut judge = Judge::new(&rules, app::read(b"\r\n"));
            let one = |example: &&Example| {
                judge.judge(example, self.categories.get(&example.label), self.out_of_scope.as_deref())
            };
            texts.iter().map(one).collect()
        };
        let (first, second) = texts.split_at(texts.len() / 2);
        Ok(std::thread::scope(|scope| {
            let second = scope.spawn(|| some(second));
            let mut judged = some(first);
            judged.extend(second.join().unwrap_or_default());
            judged
        }))
    }

    /// Judges what was held out by what was learnt without it; where nothing was, `texts` by `suggestions`.
    fn measure(
        &self,
        trials: &mut [Trial<'_>],
        suggestions: &[Suggestion],
        texts: &[&Example],
        of: impl Fn(&mut Learner) -> Vec<Suggestion>,
    ) -> Result<Vec<Judged>, Trouble> {
        if trials.is_empty() {
            return self.judge(suggestions, USUAL, texts);
        }
        let mut judged = Vec::new();
        for trial in trials {
            judged.extend(self.judge(&of(&mut trial.learner), USUAL, &trial.held_out)?);
        }
        Ok(judged)
    }
}

fn categories(learner: &Learner) -> BTreeMap<String, CategoryId> {
    learner.exact(1.0).into_iter().map(|one| (one.label, one.category)).collect()
}

/// The file, with tests that pass among the rules there are.
fn written(
    config: &Path,
    suggestions: &[Suggestion],
    bar: Bar,
    measured: &[Judged],
    bench: &Bench,
    examples: &[Example],
    head: &str,
) -> Result<String, Trouble> {
    let present = Present::of(config);
    let confusions = suggest::confusions(measured);
    let head = [
        format!("Suggested by `huixin rules suggest`: {head}."),
        "They are shadow rules: asked, and told by `huixin explain`, without effect until you make them stable.".into(),
    ];
    let file = |specimens: &[Vec<Specimen>]| {
        let known = |category: &CategoryId| present.categories.contains(category);
        let status = Status::Shadow;
        let notes = FileNotes { status, bar, known: &known, confusions: &confusions, specimens, head: &head };
        suggest::rules_file(suggestions, &notes)
    };
    let mut specimens = specimens(suggestions, examples, bar, bench)?;
    let text = file(&specimens);
    let failing = present.failing_tests(&text, suggestions)?;
    if !failing.contains(&true) {
        return Ok(text);
    }
    specimens.iter_mut().zip(failing).filter(|(_, fails)| *fails).for_each(|(specimens, _)| specimens.clear());
    Ok(file(&specimens))
}

/// What we wrote ourselves has no fault.
fn load(files: &[SourceText]) -> Result<Rules, Trouble> {
    let (rules, problems) = rules::load(files);
    let faulty = problems.has_errors();
    if faulty { Err(Trouble::new(Exit::Software, problems)) } else { Ok(rules) }
}

/// The bar for an aim, and the aim it meets: the one wanted, or the nearest one that can be met.
fn tuned(judged: &[Judged], wanted: Aim) -> (Bar, Aim) {
    let mut aim = wanted;
    loop {
        match suggest::tune(judged, aim) {
            Some(bar) => return (bar, aim),
            None if aim.precision <= 0.0 => return (USUAL, aim),
            None => {
                aim.precision -= CONCESSION;
                aim.left_alone -= CONCESSION;
            }
        }
    }
}

fn specimens(
    suggestions: &[Suggestion],
    examples: &[Example],
    bar: Bar,
    bench: &Bench,
) -> Result<Vec<Vec<Specimen>>, Trouble> {
    let mut counts = BTreeMap::new();
    let fit = examples.iter().filter(|example| suggest::is_fit(&example.text));
    let candidates = fit.filter(|example| {
        let count = counts.entry(example.label.as_str()).or_insert(0);
        *count += 1;
        *count <= CANDIDATES
    });
    let candidates: Vec<&Example> = candidates.collect();
    let judged = bench.judge(suggestions, bar, &candidates)?;
    let judged: Vec<(&Example, Judged)> = candidates.into_iter().zip(judged).collect();
    Ok(suggestions.iter().map(|one| suggest::specimens(one, &judged, bar.threshold)).collect())
}

/// The rules that are there already, by the configuration; none where there is none.
#[derive(Default)]
struct Present {
    files: Vec<SourceText>,
    mails: BTreeMap<String, Vec<u8>>,
    categories: Vec<CategoryId>,
}

impl Present {
    fn of(config: &Path) -> Present {
        let Ok(texts) = files::configured(config).and_then(|configured| files::texts(&configured)) else {
            return Present::default();
        };
        let (rules, problems) = rules::load(&texts.rules);
        if problems.has_errors() {
            return Present::default();
        }
        let categories = rules.taxonomy().categories().map(|category| category.id.clone()).collect();
        Present { files: texts.rules, mails: texts.mails, categories }
    }

    /// Whether each suggestion has a test that fails among them.
    fn failing_tests(&self, text: &str, suggestions: &[Suggestion]) -> Result<Vec<bool>, Trouble> {
        let mut files = self.files.clone();
        files.push(SourceText::new("suggested", text));
        let (_, problems) = load(&files)?.run_tests(&app::read, &self.mails);
        let failed = |one: &Suggestion| {
            let of = format!("of `{}` fails", one.rule_name());
            problems.0.iter().any(|problem| problem.what.contains(&of))
        };
        Ok(suggestions.iter().map(failed).collect())
    }
}

/// What the person is told.
struct Report {
    text: String,
}

impl Report {
    fn new(learner: &Learner) -> Report {
        let mut report = Report { text: String::new() };
        for (label, count) in learner.too_few() {
            report.add(&format!("nothing for `{label}`: {count} examples are too few"));
        }
        report
    }

    fn add(&mut self, what: &str) {
        self.text.push_str(what.trim_end());
        self.text.push('\n');
    }

    /// A category that cannot reach its threshold gets no rule.
    fn is_reachable(&mut self, suggestion: &Suggestion, bar: Bar) -> bool {
        let reachable = suggestion.reach() >= bar.threshold;
        if !reachable {
            self.add(&format!("nothing for `{}`: all its keywords do not reach the threshold", suggestion.label));
        }
        reachable
    }
}

fn told(examples: &[Example], suggestions: &[Suggestion]) -> String {
    let weights = |wanted: fn(f64) -> bool| {
        let all = suggestions.iter().flat_map(|one| &one.keywords);
        all.filter(|(_, points)| wanted(*points)).count() as f64 / suggestions.len().max(1) as f64
    };
    format!(
        "{} categories from {} texts, each with {:.1} keywords for it and {:.1} against it",
        suggestions.len(),
        examples.len(),
        weights(|points| points > 0.0),
        weights(|points| points < 0.0)
    )
}

/// How a set of texts was judged, and if wanted how each category did.
fn figures(name: &str, judged: &[Judged], each: Option<&[Suggestion]>) -> String {
    let all: Figures = suggest::figures(judged);
    let mut text = format!("\n{}\n", terminal::one_line(name, 100));
    let mut line = |what: &str, value: String| {
        let _ = writeln!(text, "  {what:<22}{value}");
    };
    line("texts in scope", all.in_scope.to_string());
    line("best guess right", percent(all.accuracy()));
    line("answered", percent(all.answered_share()));
    line("answered right", format!("{} of the answered", percent(all.precision())));
    if all.out_of_scope > 0 {
        line("texts out of scope", all.out_of_scope.to_string());
        line("left alone", percent(all.left_alone_share()));
    }
    for (wanted, got, count) in suggest::confusions(judged).into_iter().take(CONFUSIONS) {
        line("confused", format!("{count:>3} × {wanted} taken for {got}"));
    }
    for suggestion in each.into_iter().flatten() {
        let own = judged.iter().filter(|one| one.wanted.as_deref() == Some(suggestion.category.as_str()));
        let own = suggest::figures(own);
        let keywords = format!("{} examples, {} keywords", suggestion.examples, suggestion.keywords.len());
        line("category", format!("{:<32} {keywords}, {} of {} right", suggestion.category, own.right, own.in_scope));
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

//! Reads mails on threads of their own, so that no mail can take the bot down.
//!
//! The reader has a large stack, and a panic in it ends the reading of one mail, not the process. All cores
//! read side by side; results come back in the order of the input. The bot's own readers stay for as long as it runs
//! ([`by_the_crew`]): what a pattern needs to search with is kept for each thread, and takes longer to make than a mail
//! takes to read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::thread;

use crate::message::{self, Limits, Message};
use crate::{caught, failpoint};

/// Octets of a reader's stack. Depth is limited long before (see [`Limits`]); this is the second wall.
const STACK: usize = 16 * 1024 * 1024;

/// Octets of a file given by hand.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Reads each of `mails`; the error of a mail says what happened to its reader.
pub fn read_all(mails: &[&[u8]], limits: &Limits) -> Vec<Result<Message, String>> {
    on_all_cores(mails, |bytes| {
        failpoint::swallow(bytes);
        Ok(message::read(bytes, limits))
    })
}

/// Reads each of `files`.
pub fn read_files(files: &[PathBuf], limits: Limits) -> Vec<Result<Message, String>> {
    on_all_cores(files, |file| {
        let bytes = read_file(file).map_err(|error| error.to_string())?;
        Ok(message::read(&bytes, &limits))
    })
}

/// Reads a plain file: a pipe or a device would never end.
pub fn read_file(file: &Path) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(file)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE} octets")));
    }
    std::fs::read(file)
}

/// Runs `work` on every item, on as many guarded threads as there are cores (one item needs one thread).
pub fn on_all_cores<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, String> + Sync,
) -> Vec<Result<T, String>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<T, String>>>> = Mutex::new(items.iter().map(|_| None).collect());
    let cores = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    thread::scope(|scope| {
        for _ in 0..cores {
            let reader = || {
                while let Some((index, item)) = take(items, &next) {
                    let result = guarded(|| work(item));
                    if let Ok(mut results) = results.lock() {
                        results[index] = Some(result);
                    }
                }
            };
            // Without a thread the others do its share; with none at all every item says so below.
            let _ = thread::Builder::new().name("reader".into()).stack_size(STACK).spawn_scoped(scope, reader);
        }
    });
    let results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err("no-reader: no thread could be started".into())))
        .collect()
}

/// The same on threads that stay.
pub fn by_the_crew<I, T, W>(items: Arc<Vec<I>>, work: W) -> Vec<Result<T, String>>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    W: Fn(&I) -> Result<T, String> + Send + Sync + 'static,
{
    let (work, next) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let (results, coming) = mpsc::channel();
    for _ in 0..CREW.hands.min(items.len()) {
        let (items, work, next, results) = (items.clone(), work.clone(), next.clone(), results.clone());
        CREW.ask(Box::new(move || {
            while let Some((index, item)) = take(&items, &next) {
                let result = guarded(|| work(item));
                let _ = results.send((index, result));
            }
        }));
    }
    drop(results);
    let mut all: Vec<Option<Result<T, String>>> = items.iter().map(|_| None).collect();
    for (index, result) in coming {
        all[index] = Some(result);
    }
    all.into_iter()
        .map(|result| result.unwrap_or_else(|| Err("no-reader: no thread could be started".into())))
        .collect()
}

/// Does something on one thread that stays; the error says what happened to it.
pub fn by_one_of_the_crew<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (result, coming) = mpsc::channel();
    CREW.ask(Box::new(move || {
        let _ = result.send(caught::or_words(work));
    }));
    coming.recv().unwrap_or_else(|_| Err("no thread could be started".into()))
}

type Task = Box<dyn FnOnce() + Send>;

/// The readers of the bot, one for each core.
struct Crew {
    tasks: Mutex<mpsc::Sender<Task>>,
    hands: usize,
}

static CREW: LazyLock<Crew> = LazyLock::new(|| {
    let (tasks, coming) = mpsc::channel::<Task>();
    let coming = Arc::new(Mutex::new(coming));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let hire = |_: &usize| {
        let coming = coming.clone();
        let hand = move || {
            loop {
                // The lock is held while it waits; whoever is next waits for the lock.
                let task = match coming.lock() {
                    Ok(coming) => coming.recv(),
                    Err(_) => return,
                };
                match task {
                    Ok(task) => task(),
                    Err(_) => return,
                }
            }
        };
        thread::Builder::new().name("reader".into()).stack_size(STACK).spawn(hand).is_ok()
    };
    let hands = (0..cores).filter(hire).count();
    Crew { tasks: Mutex::new(tasks), hands }
});

impl Crew {
    fn ask(&self, task: Task) {
        if let Ok(tasks) = self.tasks.lock() {
            let _ = tasks.send(task);
        }
    }
}

fn take<'a, I>(items: &'a [I], next: &AtomicUsize) -> Option<(usize, &'a I)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    caught::or_words(work).unwrap_or_else(|why| Err(stopped(&why)))
}

/// Why a mail is in quarantine whose reader, or who decided it, panicked and said this.
pub(super) fn stopped(why: &str) -> String {
    format!("reader-stopped: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_panics_harms_no_other_mail() {
        let numbers: Vec<u32> = (0..100).collect();
        let results = on_all_cores(&numbers, |n| if n % 10 == 3 { panic!("poison {n}") } else { Ok(n * 2) });
        assert_eq!(results.len(), 100);
        for (n, result) in numbers.iter().zip(results) {
            match n % 10 {
                3 => assert_eq!(result, Err(format!("reader-stopped: poison {n}"))),
                _ => assert_eq!(result, Ok(n * 2)),
            }
        }
    }

    #[test]
    fn the_crew_outlives_a_panic_and_keeps_the_order() {
        for _ in 0..3 {
            let numbers: Arc<Vec<u32>> = Arc::new((0..100).collect());
            let results = by_the_crew(numbers, |n| if n % 10 == 3 { panic!("poison {n}") } else { Ok(n * 2) });
            let want = |n: u32| if n % 10 == 3 { Err(format!("reader-stopped: poison {n}")) } else { Ok(n * 2) };
            assert_eq!(results, (0..100).map(want).collect::<Vec<_>>());
        }
        assert!(by_the_crew(Arc::new(Vec::<u32>::new()), |n| Ok(*n)).is_empty());
        assert_eq!(by_one_of_the_crew(|| -> u32 { panic!("poison") }), Err("poison".into()));
        assert_eq!(by_one_of_the_crew(|| 7), Ok(7));
    }

    #[test]
    fn a_deep_stack_is_there() {
        fn deep(n: u32) -> u32 {
            let frame = std::hint::black_box([n; 64]);
            if n == 0 { frame[0] } else { deep(n - 1) + 1 }
        }
        assert_eq!(on_all_cores(&[10_000], |n| Ok(deep(*n))), vec![Ok(10_000)]);
    }
}

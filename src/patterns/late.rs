//! A regex that is compiled when it is first asked: of the hundreds that could be asked, a mail asks a few, and each
//! takes tens of kilobytes, and as much again for every thread that has searched with it.
//!
//! A bot that runs for years meets a mail for each of them sooner or later. So no more than [`MOST`] are kept compiled
//! at a time, all patterns taken together; one that was not asked for long makes room, and is compiled again when it is.
//! Two sets of rules that have the same pattern have one regex.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use regex::{Regex, RegexBuilder};

/// Regexes kept compiled: those that ordinary mail asks, with room for what one person's mails ask.
const MOST: usize = 384;

/// Those that a command keeps which reads the mail of years and ends: what all that mail asks, with some hundred megabytes.
const MOST_OF_A_COMMAND: usize = 2048;

pub struct LateRegex {
    place: Arc<Place>,
}

/// Where a regex lies while it is compiled.
struct Place {
    pattern: String,
    /// Octets that it may take when it is compiled.
    most: usize,
    compiled: RwLock<Option<Arc<Regex>>>,
    /// Since somebody looked for what can make room.
    asked: AtomicBool,
    shelf: &'static Shelf,
}

/// All places.
struct Shelf {
    by_pattern: Mutex<BTreeMap<String, Weak<Place>>>,
    /// Those in which a regex lies, in the order in which they are looked at for what can make room.
    taken: Mutex<VecDeque<Weak<Place>>>,
    room: AtomicUsize,
}

/// That of all patterns.
static SHELF: Shelf = Shelf::with_room(MOST);

/// Takes all regexes off the shelf: what was asked so far says nothing of what will be. Each is compiled again when it
/// is asked.
pub fn put_away() {
    SHELF.clear();
}

/// Makes room for what mail of years asks, in a command that ends soon.
pub fn make_room() {
    SHELF.room.store(MOST_OF_A_COMMAND, Ordering::Relaxed);
}

impl LateRegex {
    /// A pattern that can be compiled in `most` octets, which is tried.
    pub fn new(pattern: String, most: usize) -> Result<LateRegex, regex::Error> {
        if SHELF.known(&pattern).is_none_or(|place| place.most > most) {
            compiled(&pattern, most)?;
        }
        Ok(LateRegex::trusted(pattern, most))
    }

    /// A pattern of the program itself, which its tests have compiled.
    pub fn trusted(pattern: String, most: usize) -> LateRegex {
        LateRegex { place: SHELF.place(pattern, most) }
    }

    /// # Panics
    ///
    /// If a trusted pattern is none.
    pub fn get(&self) -> Arc<Regex> {
        if let Some(regex) = self.place.regex() {
            return regex;
        }
        let Place { pattern, most, shelf, .. } = &*self.place;
        let regex = Arc::new(compiled(pattern, *most).expect("a pattern that was compiled before"));
        if self.place.put(&regex) {
            shelf.take(&self.place);
        }
        regex
    }

    /// The regex, for whoever asks it of every text.
    ///
    /// # Panics
    ///
    /// As [`LateRegex::get`].
    pub fn now(self) -> Regex {
        Regex::clone(&self.get())
    }

    pub fn as_str(&self) -> &str {
        &self.place.pattern
    }
}

fn compiled(pattern: &str, most: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(most).build()
}

impl Place {
    fn regex(&self) -> Option<Arc<Regex>> {
        let compiled = self.compiled.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        Some(compiled)
    }

    /// False if another thread was first: its regex does as well.
    fn put(&self, regex: &Arc<Regex>) -> bool {
        let mut compiled = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        let first = compiled.is_none();
        compiled.get_or_insert_with(|| regex.clone());
        first
    }

    fn clear(&self) {
        self.compiled.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = locked(&self.shelf.by_pattern);
        // Somebody may have asked for the pattern since, and have another place.
        if places.get(&self.pattern).is_some_and(|place| place.strong_count() == 0) {
            places.remove(&self.pattern);
        }
    }
}

impl Shelf {
    const fn with_room(regexes: usize) -> Shelf {
        Shelf {
            by_pattern: Mutex::new(BTreeMap::new()),
            taken: Mutex::new(VecDeque::new()),
            room: AtomicUsize::new(regexes),
        }
    }

    /// The place of a pattern that stands somewhere already.
    fn known(&self, pattern: &str) -> Option<Arc<Place>> {
        locked(&self.by_pattern).get(pattern)?.upgrade()
    }

    /// The place of a pattern; a new one takes up to `most` octets.
    fn place(&'static self, pattern: String, most: usize) -> Arc<Place> {
        let mut places = locked(&self.by_pattern);
        if let Some(place) = places.get(&pattern).and_then(Weak::upgrade) {
            return place;
        }
        let (compiled, asked) = Default::default();
        let place = Arc::new(Place { pattern: pattern.clone(), most, compiled, asked, shelf: self });
        places.insert(pattern, Arc::downgrade(&place));
        place
    }

    /// Takes a place on, and off what was not asked since the last look.
    fn take(&self, place: &Arc<Place>) {
        let mut places = locked(&self.taken);
        places.push_back(Arc::downgrade(place));
        while places.len() > self.room.load(Ordering::Relaxed) {
            let Some(oldest) = places.pop_front() else { return };
            match oldest.upgrade() {
                Some(place) if place.asked.swap(false, Ordering::Relaxed) => places.push_back(oldest),
                Some(place) => place.clear(),
                None => {}
            }
        }
    }

    fn clear(&self) {
        let places = std::mem::take(&mut *locked(&self.taken));
        places.iter().filter_map(Weak::upgrade).for_each(|place| place.clear());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for LateRegex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LateRegex({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl LateRegex {
        fn is_compiled(&self) -> bool {
            self.place.compiled.read().unwrap().is_some()
        }
    }

    /// Patterns on a shelf of their own.
    fn shelf() -> impl Fn(&str) -> LateRegex {
        let shelf: &'static Shelf = Box::leak(Box::new(Shelf::with_room(MOST)));
        move |pattern| LateRegex { place: shelf.place(pattern.to_owned(), 1 << 20) }
    }

    #[test]
    fn a_regex_is_refused_at_once_and_compiled_when_it_is_asked() {
        assert!(LateRegex::new("a(".into(), 1 << 20).is_err());
        assert!(LateRegex::new(r"\w{500}".into(), 1 << 10).is_err());
        let late = shelf()("a+b");
        for _ in 0..2 {
            assert!(!late.is_compiled());
            assert!(late.get().is_match("caab"));
            assert!(late.is_compiled());
            late.place.shelf.clear();
        }
    }

    #[test]
    fn what_is_not_asked_makes_room_and_what_is_asked_again_and_again_stays() {
        let on_shelf = shelf();
        let late = |n: usize| on_shelf(&format!("a{n}b"));
        let (often, seldom, others) = (late(0), late(1), (2..3 * MOST).map(late).collect::<Vec<_>>());
        assert!(seldom.get().is_match("a1b"));
        for (n, other) in (2..).zip(&others) {
            assert!(often.get().is_match("a0b") && other.get().is_match(&format!("a{n}b")));
        }
        assert!(often.is_compiled() && !seldom.is_compiled());
        assert!(others.iter().filter(|other| other.is_compiled()).count() <= MOST);
        assert!(seldom.get().is_match("a1b"), "it is compiled again");
    }
    #[test]
    fn a_pattern_that_stands_in_two_sets_of_rules_is_compiled_once_and_forgotten_with_the_last() {
        let on_shelf = shelf();
        let (one, other) = (on_shelf("a+b"), on_shelf("a+b"));
        assert!(Arc::ptr_eq(&one.get(), &other.get()));
        drop(one);
        assert!(other.is_compiled());
        let shelf = other.place.shelf;
        assert_eq!(locked(&shelf.by_pattern).len(), 1);
        drop(other);
        assert!(locked(&shelf.by_pattern).is_empty());
    }
}

//! A regex that is compiled when it is first asked: of the hundreds that could be asked, a mail asks a few, and each
//! takes tens of kilobytes, and as much again for every thread that has searched with it.
//!
//! A bot that runs for years meets a mail for each of them sooner or later. So no more than [`MOST`] are kept compiled
//! at a time, all patterns taken together; one that was not asked for long makes room, and is compiled again when it is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use regex::{Regex, RegexBuilder};

/// Regexes kept compiled: those that ordinary mail asks, with room for what one person's mails ask.
const MOST: usize = 384;

pub struct LateRegex {
    pattern: String,
    /// Octets that it may take when it is compiled.
    most: usize,
    place: Arc<Place>,
    shelf: &'static Shelf,
}

/// Where a regex lies while it is compiled.
#[derive(Default)]
struct Place {
    compiled: RwLock<Option<Arc<Regex>>>,
    /// Since somebody looked for what can make room.
    asked: AtomicBool,
}

/// The places in which a regex lies, in the order in which they are looked at for what can make room.
struct Shelf(Mutex<VecDeque<Weak<Place>>>);

/// That of all patterns.
static SHELF: Shelf = Shelf(Mutex::new(VecDeque::new()));

/// Takes all regexes off the shelf: what was asked so far says nothing of what will be. Each is compiled again when it
/// is asked.
pub fn put_away() {
    SHELF.clear();
}

impl LateRegex {
    /// A pattern that can be compiled in `most` octets, which is tried.
    pub fn new(pattern: String, most: usize) -> Result<LateRegex, regex::Error> {
        let late = LateRegex::trusted(pattern, most);
        late.compile()?;
        Ok(late)
    }

    /// A pattern of the program itself, which its tests have compiled.
    pub fn trusted(pattern: String, most: usize) -> LateRegex {
        LateRegex { pattern, most, place: Arc::default(), shelf: &SHELF }
    }

    /// # Panics
    ///
    /// If a trusted pattern is none.
    pub fn get(&self) -> Arc<Regex> {
        if let Some(regex) = self.place.regex() {
            return regex;
        }
        let regex = Arc::new(self.compile().expect("a pattern that was compiled before"));
        if self.place.put(&regex) {
            self.shelf.take(&self.place);
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
        &self.pattern
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.pattern).size_limit(self.most).build()
    }
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

impl Shelf {
    /// Takes a place on, and off what was not asked since the last look.
    fn take(&self, place: &Arc<Place>) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.push_back(Arc::downgrade(place));
        while places.len() > MOST {
            let Some(oldest) = places.pop_front() else { return };
            match oldest.upgrade() {
                Some(place) if place.asked.swap(false, Ordering::Relaxed) => places.push_back(oldest),
                Some(place) => place.clear(),
                None => {}
            }
        }
    }

    fn clear(&self) {
        let places = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        places.iter().filter_map(Weak::upgrade).for_each(|place| place.clear());
    }
}

impl std::fmt::Debug for LateRegex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LateRegex({:?})", self.pattern)
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
        let shelf: &'static Shelf = Box::leak(Box::new(Shelf(Mutex::default())));
        move |pattern| LateRegex { shelf, ..LateRegex::new(pattern.to_owned(), 1 << 20).unwrap() }
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
            late.shelf.clear();
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
}

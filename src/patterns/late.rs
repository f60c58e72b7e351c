//! A regex that is compiled when it is first asked: of the hundreds that could be asked, a mail asks a few, and each
//! takes tens of kilobytes, and as much again for every thread that has searched with it.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

pub struct LateRegex {
    pattern: String,
    /// Octets that it may take when it is compiled.
    most: usize,
    compiled: OnceLock<Regex>,
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
        LateRegex { pattern, most, compiled: OnceLock::new() }
    }

    /// # Panics
    ///
    /// If a trusted pattern is none.
    pub fn get(&self) -> &Regex {
        self.compiled.get_or_init(|| self.compile().expect("a pattern that was compiled before"))
    }

    /// The regex, for whoever asks it of every text.
    ///
    /// # Panics
    ///
    /// As [`LateRegex::get`].
    pub fn now(self) -> Regex {
        self.get().clone()
    }

    /// Gives back what it takes until it is asked again.
    pub fn rest(&mut self) {
        self.compiled.take();
    }

    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.pattern).size_limit(self.most).build()
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

    #[test]
    fn a_regex_is_refused_at_once_and_compiled_when_it_is_asked() {
        assert!(LateRegex::new("a(".into(), 1 << 20).is_err());
        assert!(LateRegex::new(r"\w{500}".into(), 1 << 10).is_err());
        let mut late = LateRegex::new("a+b".into(), 1 << 20).unwrap();
        for _ in 0..2 {
            assert!(late.compiled.get().is_none());
            assert!(late.get().is_match("caab"));
            assert!(late.compiled.get().is_some());
            late.rest();
        }
    }
}

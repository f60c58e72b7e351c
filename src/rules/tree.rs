//! Words looked for in a text in one pass, each place at which one stands.
//!
//! A tree of characters, into which one goes down from every character of the text. Words of rules are short, and in
//! Chinese a character begins few of them, so most ways end at the first or second step; an automaton over octets takes
//! three for a character, and follows a link back after each that fails. A text with the beginning of a long word at
//! every place costs its length times that of the word, and both have a limit.

use std::ops::Range;

/// See the module text.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// Where the way of each character up to U+FFFF begins; [`NOWHERE`] if no word begins with it.
    begins: Vec<u32>,
    nodes: Vec<Node>,
    /// From which node which character leads on, an open hash table of two to the power of something, and to which node.
    steps: Vec<Step>,
    to: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// A bit for every sixty-fourth character: none leads on whose bit is not set, and the table need not be asked.
    on: u64,
    /// One more than the number of the word that ends here, of each kind; 0: none.
    ends: [u32; KINDS],
}

/// A node and a character.
type Step = u64;

/// Kinds of words that are told apart, so that a text is read once for all kinds that are looked for in it.
pub(super) const KINDS: usize = 2;

const NOWHERE: u32 = 0;
const NO_STEP: Step = Step::MAX;
/// Characters whose way begins in the table of beginnings; that of the others in that of the steps.
const USUAL: u32 = 0x1_0000;

impl Tree {
    /// Of words that are told by a kind and a number. No word is empty, and none is there twice.
    pub(super) fn of<'w>(words: impl Iterator<Item = (usize, u32, &'w str)>) -> Tree {
        const FIRST: usize = 64;
        let (steps, to) = (vec![NO_STEP; FIRST], vec![NOWHERE; FIRST]);
        let mut tree = Tree { begins: Vec::new(), nodes: vec![Node::default()], steps, to };
        for (kind, number, word) in words {
            let end = word.chars().fold(0, |node, c| tree.led(node, c));
            tree.nodes[end as usize].ends[kind] = number + 1;
        }
        tree
    }

    /// Tells each word of these kinds wherever it stands: its number, and its octets. Line breaks count as blanks: a mail
    /// program may break a phrase over two lines.
    pub(super) fn read(&self, text: &str, kinds: [bool; KINDS], mut tell: impl FnMut(u32, Range<usize>)) {
        for (start, first) in text.char_indices() {
            let mut node = self.begin(as_read(first));
            let mut end = start + first.len_utf8();
            let mut rest = text[end..].chars();
            while node != NOWHERE {
                let here = &self.nodes[node as usize];
                for (number, _) in here.ends.iter().zip(kinds).filter(|(number, wanted)| **number > 0 && *wanted) {
                    tell(number - 1, start..end);
                }
                let Some(next) = rest.next() else { break };
                end += next.len_utf8();
                node = self.step(node, as_read(next));
            }
        }
    }

    fn begin(&self, c: char) -> u32 {
        match self.begins.get(c as usize) {
            Some(node) => *node,
            None if c as u32 >= USUAL => self.step(0, c),
            None => NOWHERE,
        }
    }

    fn step(&self, node: u32, c: char) -> u32 {
        if self.nodes[node as usize].on & bit(c) == 0 {
            return NOWHERE;
        }
        let (wanted, mut at) = (step(node, c), self.place(step(node, c)));
        loop {
            match self.steps[at] {
                found if found == wanted => return self.to[at],
                NO_STEP => return NOWHERE,
                _ => at = (at + 1) & (self.steps.len() - 1),
            }
        }
    }

    /// The node behind this one, made if there is none.
    fn led(&mut self, node: u32, c: char) -> u32 {
        let known = if node == 0 { self.begin(c) } else { self.step(node, c) };
        if known != NOWHERE {
            return known;
        }
        let new = self.nodes.len() as u32;
        self.nodes.push(Node::default());
        if node == 0 && (c as u32) < USUAL {
            let at = c as usize;
            self.begins.resize(self.begins.len().max(at + 1), NOWHERE);
            self.begins[at] = new;
            return new;
        }
        self.nodes[node as usize].on |= bit(c);
        // Half of the table stays free, so that what is not there is soon known.
        if self.nodes.len() * 2 > self.steps.len() {
            self.grow(self.steps.len() * 2);
        }
        self.put(step(node, c), new);
        new
    }

    fn grow(&mut self, size: usize) {
        let steps = std::mem::replace(&mut self.steps, vec![NO_STEP; size]);
        let to = std::mem::replace(&mut self.to, vec![NOWHERE; size]);
        steps.into_iter().zip(to).filter(|(step, _)| *step != NO_STEP).for_each(|(step, to)| self.put(step, to));
    }

    fn put(&mut self, step: Step, to: u32) {
        let mut at = self.place(step);
        while self.steps[at] != NO_STEP {
            at = (at + 1) & (self.steps.len() - 1);
        }
        (self.steps[at], self.to[at]) = (step, to);
    }

    /// Where in the table a step is looked for first.
    fn place(&self, step: Step) -> usize {
        // Fibonacci hashing: the upper bits of the product depend on all of the step.
        (step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (self.steps.len() - 1)
    }
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::of(std::iter::empty())
    }
}

fn step(node: u32, c: char) -> Step {
    u64::from(node) << 32 | u64::from(c)
}

fn bit(c: char) -> u64 {
    1 << (c as u32 % u64::BITS)
}

fn as_read(c: char) -> char {
    if c == '\n' { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, a text, and what is told of it.
    type Case = (&'static [&'static str], &'static str, &'static [(u32, Range<usize>)]);

    #[test]
    fn every_word_is_found_wherever_it_stands() {
        let cases: [Case; 6] = [
            (&["转人工", "人工", "工"], "转人工", &[(0, 0..9), (1, 3..9), (2, 6..9)]),
            (&["aa", "a"], "aaa", &[(1, 0..1), (0, 0..2), (1, 1..2), (0, 1..3), (1, 2..3)]),
            (&["keep the"], "keep\nthe", &[(0, 0..8)]),
            (&["😀!", "x"], "😀😀!x", &[(0, 4..9), (1, 9..10)]),
            (&["ab"], "a", &[]),
            (&[], "ab", &[]),
        ];
        for (words, text, want) in cases {
            let tree = Tree::of((0..).zip(words).map(|(number, word)| (0, number, *word)));
            let mut found = Vec::new();
            tree.read(text, [true, false], |number, range| found.push((number, range)));
            assert_eq!(found, want, "{words:?} in {text}");
        }
    }

    #[test]
    fn a_word_of_two_kinds_is_told_for_those_that_are_asked() {
        let tree = Tree::of([(0, 0, "ab"), (1, 1, "ab"), (1, 2, "b")].into_iter());
        for (kinds, want) in
            [([true, false], &[0][..]), ([false, true], &[1, 2]), ([true, true], &[0, 1, 2]), ([false, false], &[])]
        {
            let mut found = Vec::new();
            tree.read("ab", kinds, |number, _| found.push(number));
            assert_eq!(found, want, "{kinds:?}");
        }
    }

    #[test]
    fn of_thousands_of_words_each_is_found_and_nothing_else() {
        let word = |n: u32| -> String {
            // Words with common beginnings, of one to five characters.
            (0..=n % 5).filter_map(|at| char::from_u32(0x4E00 + (n >> at) % 700 + at)).collect()
        };
        let mut words: Vec<String> = (0..20_000).map(word).collect();
        words.sort();
        words.dedup();
        let (known, unknown): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.len() % 2 == 1);
        let tree = Tree::of((0..).zip(&known).map(|(number, word)| (0, number, word.as_str())));
        let is_whole = |word: &str| {
            let mut whole = None;
            tree.read(word, [true, false], |number, range| {
                if range == (0..word.len()) {
                    whole = Some(number);
                }
            });
            whole
        };
        for (number, word) in (0..).zip(&known) {
            assert_eq!(is_whole(word), Some(number), "{word}");
        }
        for word in unknown {
            assert_eq!(is_whole(word), None, "{word}");
        }
    }
}

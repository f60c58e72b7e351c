//! All words of all rules, looked for in one pass.
//!
//! Every keyword, and of every regex the literals without which it cannot match, is a needle of one tree of words. A
//! mail is read once; then a rule only asks which needles were seen. Measured on 3,000 rules this is four orders of
//! magnitude faster than a `RegexSet`, whose lazy DFA gives up.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::segment::View;
use super::tree::{KINDS, Tree};

/// A word that is looked for, in one of the two views of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Needle(u32);

/// Which view of a text a needle is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Look {
    Folded,
    Squeezed,
}

/// Collects the needles while rules are loaded.
#[derive(Debug, Default)]
pub(super) struct Words {
    ids: HashMap<(Look, String), Needle>,
}

/// The words, ready to read.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    tree: Tree,
    /// The word of each needle, and where it is looked for.
    words: Vec<(Look, String)>,
}

/// Where a needle was seen: the view by its place in [`super::segment::Views::all`], and the bytes in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) view: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What was seen in one mail, by the names that the needles have in one vocabulary.
pub(super) struct Sightings {
    /// The name of each needle where the mail was read; none if it was read by this vocabulary.
    names: Option<Arc<[Needle]>>,
    /// The needles that were seen.
    needles: Vec<Needle>,
    /// A bit for each of them: nearly every question is about one that was not seen, and a kilobyte of answers stays at
    /// hand.
    seen: Vec<u64>,
    lists: Rc<Lists>,
}

/// The places at which needles were seen, a list for each needle.
#[derive(Default)]
struct Lists {
    /// For each needle the place of its list in `lists`, counted from 1; 0: not seen.
    slots: Vec<u32>,
    lists: Vec<List>,
    /// Those of all needles, in the order of the text, each with where the next of its needle stands.
    places: Vec<(Seen, usize)>,
}

/// Where a list begins and ends among the places, and how many of it are in the view that was read last.
struct List {
    first: usize,
    last: usize,
    view: usize,
    in_view: usize,
}

/// Places of one needle that are kept. A word that stands here a hundred times is proven by thirty-two.
pub(super) const MAX_SEEN: usize = 32;

impl Words {
    /// The needle for a folded, non-empty word.
    pub(super) fn needle(&mut self, look: Look, word: &str) -> Needle {
        let next = Needle(self.ids.len() as u32);
        *self.ids.entry((look, word.to_owned())).or_insert(next)
    }

    pub(super) fn build(&self) -> Vocabulary {
        let mut words = vec![(Look::Folded, String::new()); self.ids.len()];
        for (word, needle) in &self.ids {
            words[needle.index()].clone_from(word);
        }
        let tree = Tree::of((0..).zip(&words).map(|(number, (look, word))| (*look as usize, number, word.as_str())));
        Vocabulary { tree, words }
    }
}

/// The words of two vocabularies in one, so that a mail is read once for both.
#[derive(Debug)]
pub(super) struct Union {
    all: Vocabulary,
    /// For each needle of both together, which it is in the one and in the other.
    needles: [Vec<Option<Needle>>; 2],
    /// And the other way round.
    names: [Arc<[Needle]>; 2],
}

impl Union {
    pub(super) fn of(one: &Vocabulary, other: &Vocabulary) -> Union {
        let mut words = Words::default();
        for (look, word) in one.words.iter().chain(&other.words) {
            words.needle(*look, word);
        }
        let all = words.build();
        let names = [one, other].map(|part| part.words.iter().map(|(look, word)| words.needle(*look, word)).collect());
        let needles = names.each_ref().map(|names: &Arc<[Needle]>| {
            let mut needles = vec![None; all.len()];
            (0..).zip(names.iter()).for_each(|(own, name)| needles[name.index()] = Some(Needle(own)));
            needles
        });
        Union { all, needles, names }
    }

    /// What each vocabulary would have seen.
    pub(super) fn read(&self, views: &[View<'_>]) -> [Sightings; 2] {
        let all = self.all.read(views);
        [0, 1].map(|at| all.told_as(&self.needles[at], &self.names[at]))
    }
}

impl Needle {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Vocabulary {
    /// How many needles there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The word of a needle, as it is looked for.
    pub(super) fn word(&self, needle: Needle) -> &str {
        self.words.get(needle.0 as usize).map_or("", |(_, word)| word.as_str())
    }

    /// Where the word of a needle is looked for.
    pub(super) fn look(&self, needle: Needle) -> Look {
        self.words.get(needle.0 as usize).map_or(Look::Folded, |(look, _)| *look)
    }

    /// Does any word stand in them?
    pub(super) fn is_in(&self, views: &[View<'_>]) -> bool {
        let mut is_in = false;
        views.iter().for_each(|view| self.read_view(view, |_, _, _| is_in = true));
        is_in
    }

    pub(super) fn read(&self, views: &[View<'_>]) -> Sightings {
        let mut sightings = Sightings::among(self.words.len());
        let mut lists = Lists { slots: vec![0; self.words.len()], ..Lists::default() };
        for (index, view) in views.iter().enumerate() {
            self.read_view(view, |needle, start, end| {
                let seen = Seen { view: index, start, end };
                if lists.add(needle, seen) {
                    sightings.add(needle);
                }
            });
        }
        sightings.lists = Rc::new(lists);
        sightings
    }

    /// Tells where each word stands.
    fn read_view(&self, view: &View<'_>, mut tell: impl FnMut(Needle, usize, usize)) {
        let mut read = |text: &str, looks: &[Look]| {
            let mut kinds = [false; KINDS];
            looks.iter().for_each(|look| kinds[*look as usize] = true);
            self.tree.read(text, kinds, |number, range| tell(Needle(number), range.start, range.end));
        };
        match &view.squeezed {
            None => read(view.folded.text(), &[Look::Folded, Look::Squeezed]),
            Some(squeezed) => {
                read(view.folded.text(), &[Look::Folded]);
                read(squeezed.text(), &[Look::Squeezed]);
            }
        }
    }
}

impl Sightings {
    /// Nothing was seen yet of so many needles.
    fn among(needles: usize) -> Sightings {
        let seen = vec![0; needles.div_ceil(u64::BITS as usize)];
        Sightings { names: None, needles: Vec::new(), seen, lists: Rc::default() }
    }

    fn add(&mut self, needle: Needle) {
        self.needles.push(needle);
        self.seen[needle.index() / u64::BITS as usize] |= 1 << (needle.0 % u64::BITS);
    }

    /// Where it was seen, view by view, in the order of the text.
    pub(super) fn of(&self, needle: Needle) -> impl Iterator<Item = &Seen> {
        let Lists { slots, lists, places } = &*self.lists;
        let name = self.names.as_ref().map_or(Some(needle), |names| names.get(needle.index()).copied());
        let slot = name.and_then(|name| slots.get(name.index()));
        let list = slot.and_then(|slot| lists.get((*slot as usize).wrapping_sub(1)));
        let first = list.and_then(|list| places.get(list.first));
        std::iter::successors(first, |(_, next)| places.get(*next)).map(|(seen, _)| seen)
    }

    pub(super) fn any(&self, needle: Needle) -> bool {
        self.seen.get(needle.index() / u64::BITS as usize).is_some_and(|word| word >> (needle.0 % u64::BITS) & 1 == 1)
    }

    /// All needles that were seen.
    pub(super) fn all(&self) -> &[Needle] {
        &self.needles
    }

    /// The same in another vocabulary: which needle is which there, and which of that is which here.
    fn told_as(&self, needles: &[Option<Needle>], names: &Arc<[Needle]>) -> Sightings {
        let among = Sightings::among(names.len());
        let mut told = Sightings { lists: self.lists.clone(), names: Some(names.clone()), ..among };
        self.needles.iter().filter_map(|needle| needles[needle.index()]).for_each(|needle| told.add(needle));
        told
    }
}

impl Lists {
    /// Adds a place of a needle. True for the first one.
    fn add(&mut self, needle: Needle, seen: Seen) -> bool {
        let (at, slot) = (self.places.len(), &mut self.slots[needle.index()]);
        let Some(list) = slot.checked_sub(1).map(|list| &mut self.lists[list as usize]) else {
            self.places.push((seen, NO_MORE));
            self.lists.push(List { first: at, last: at, view: seen.view, in_view: 1 });
            *slot = self.lists.len() as u32;
            return true;
        };
        if list.view != seen.view {
            (list.view, list.in_view) = (seen.view, 0);
        }
        if list.in_view < MAX_SEEN {
            list.in_view += 1;
            self.places[list.last].1 = at;
            list.last = at;
            self.places.push((seen, NO_MORE));
        }
        false
    }
}

/// The list ends here.
const NO_MORE: usize = usize::MAX;

//! Which keywords a category shall have.
//!
//! They are found in rounds. In each round every category takes the two keywords that would improve the fit
//! most, as it stands now: those its missed texts have, or those that texts wrongly taken for it have, which
//! get weights below zero. Then all weights are fitted again. In the end each category has some more than it
//! may keep, and gives back those it can best do without.

use super::fit::{Chosen, Fit};

/// Keywords a category takes in one round: two rarely say the same, five do.
const PER_ROUND: usize = 2;
/// Keywords above what it may keep, to choose from in the end, one in so many.
const SURPLUS: usize = 4;
/// Keywords given back at once, before the others are fitted again.
const PER_LEAVE: usize = 6;
/// Sweeps after a round: the next one needs directions, not results.
const SWEEPS: usize = 2;
/// Sweeps in the end.
const LAST_SWEEPS: usize = 20;
/// Texts judged so nearly right that they have nothing to say.
const NEARLY_RIGHT: f32 = 0.02;
/// Candidates that are looked at in a round before a category takes what it has.
const CANDIDATES: usize = 40;
/// Keywords of one category that share more than this of their texts say the same.
const ALIKE: f32 = 0.6;
/// Keywords of one round that share more of the rarer one's texts wait for each other.
const OVERLAPPING: f32 = 0.5;

impl Fit {
    /// Chooses at most `most` keywords for each category, and fits their weights.
    pub(super) fn select(&mut self, most: usize) {
        let surplus = most + most.div_ceil(SURPLUS);
        for _ in 0..surplus.div_ceil(PER_ROUND) {
            self.grow(surplus);
            self.fit(SWEEPS);
        }
        self.refresh();
        self.fit(LAST_SWEEPS);
        let mut kept = surplus;
        while kept > most {
            kept -= (kept - most).min(PER_LEAVE);
            self.prune(kept);
            self.refresh();
            self.fit(SWEEPS * 2);
        }
        self.fit(LAST_SWEEPS);
    }

    fn grow(&mut self, most: usize) {
        let mut gains = Gains::new(self.features.names.len());
        for category in 0..self.chosen.len() {
            for (text, (likely, truth)) in self.likelihoods(category).enumerate() {
                let error = truth - likely;
                if error.abs() > NEARLY_RIGHT {
                    gains.add(&self.features.texts[text], error, likely * (1.0 - likely));
                }
            }
            let candidates = gains.best(&self.chosen[category]);
            let before = self.chosen[category].len();
            for feature in candidates {
                let (known, taken) = self.chosen[category].split_at(before);
                if taken.len() == PER_ROUND || known.len() + taken.len() == most {
                    break;
                }
                let holders = |feature: u32| &self.features.holders[feature as usize];
                let shared = |other: &Chosen| common(holders(other.feature), holders(feature));
                let alike = |other: &Chosen| {
                    let (here, there) = (holders(feature).len(), holders(other.feature).len());
                    // Counting what they share takes long, and where one has far more texts cannot matter.
                    here.min(there) as f32 > ALIKE * here.max(there) as f32 && {
                        let both = shared(other);
                        both as f32 > ALIKE * (here + there - both) as f32
                    }
                };
                let overlapping = |other: &Chosen| {
                    let rarer = holders(other.feature).len().min(holders(feature).len());
                    shared(other) as f32 > OVERLAPPING * rarer as f32
                };
                if !known.iter().any(alike) && !taken.iter().any(overlapping) {
                    self.chosen[category].push(Chosen { feature, weight: 0.0 });
                }
            }
        }
    }

    fn prune(&mut self, most: usize) {
        for category in 0..self.chosen.len() {
            let chosen = &self.chosen[category];
            if chosen.len() > most {
                let mut worth: Vec<(f32, Chosen)> =
                    chosen.iter().map(|chosen| (self.worth(category, *chosen), *chosen)).collect();
                worth.sort_by(|a, b| b.0.total_cmp(&a.0));
                worth.truncate(most);
                self.chosen[category] = worth.into_iter().map(|(_, chosen)| chosen).collect();
            }
        }
    }
}

/// What each keyword would improve, to second order: slope² / bend.
struct Gains {
    slope: Vec<f32>,
    bend: Vec<f32>,
    touched: Vec<u32>,
}

/// Doubt about a bend that few texts tell of.
const DOUBT: f32 = 1.0;

impl Gains {
    fn new(features: usize) -> Gains {
        Gains { slope: vec![0.0; features], bend: vec![0.0; features], touched: Vec::new() }
    }

    fn add(&mut self, keywords: &[u32], slope: f32, bend: f32) {
        for &keyword in keywords {
            let index = keyword as usize;
            if self.bend[index] == 0.0 {
                self.touched.push(keyword);
                self.bend[index] = DOUBT;
            }
            self.slope[index] += slope;
            self.bend[index] += bend;
        }
    }

    /// The keywords that would improve most, the best first, and none that is known. Forgets all.
    fn best(&mut self, known: &[Chosen]) -> Vec<u32> {
        let mut gains: Vec<(f32, u32)> = Vec::with_capacity(self.touched.len());
        for keyword in self.touched.drain(..) {
            let index = keyword as usize;
            if known.iter().all(|chosen| chosen.feature != keyword) {
                gains.push((self.slope[index] * self.slope[index] / self.bend[index], keyword));
            }
            (self.slope[index], self.bend[index]) = (0.0, 0.0);
        }
        let better = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if gains.len() > CANDIDATES {
            gains.select_nth_unstable_by(CANDIDATES, better);
            gains.truncate(CANDIDATES);
        }
        gains.sort_unstable_by(better);
        gains.into_iter().map(|(_, keyword)| keyword).collect()
    }
}

/// How many texts are in both of two ordered lists.
fn common(one: &[u32], other: &[u32]) -> usize {
    let (mut a, mut b, mut both) = (0, 0, 0);
    while let (Some(left), Some(right)) = (one.get(a), other.get(b)) {
        both += usize::from(left == right);
        a += usize::from(left <= right);
        b += usize::from(right <= left);
    }
    both
}

#[cfg(test)]
mod tests {
    use super::super::feature::Features;
    use super::super::fit::Truth;
    use super::*;

    #[test]
    fn what_tells_categories_apart_is_chosen_and_what_all_have_is_not() {
        let texts = [
            "where is my card",
            "is my card lost",
            "my lost card",
            "card lost",
            "please block my lost card",
            "what is my pin",
            "change my pin",
            "pin wrong",
            "my pin please",
            "the pin is wrong",
        ];
        let wanted = (0..texts.len()).map(|text| Truth::Is(u32::from(text >= 5))).collect();
        let mut fit = Fit::new(Features::of(texts.into_iter(), 2), wanted, 2);
        fit.select(2);
        let names = |category: usize| -> Vec<&str> {
            let chosen = fit.chosen[category].iter();
            chosen.map(|chosen| fit.features.names[chosen.feature as usize].as_str()).collect()
        };
        assert!(names(0).contains(&"card") && names(1).contains(&"pin"), "{:?} {:?}", names(0), names(1));
        assert!(fit.chosen.iter().all(|chosen| chosen.len() <= 2));
    }

    #[test]
    fn texts_in_both_lists_are_counted() {
        assert_eq!(common(&[1, 3, 5, 9], &[0, 3, 4, 5, 6]), 2);
        assert_eq!(common(&[], &[1]), 0);
    }
}

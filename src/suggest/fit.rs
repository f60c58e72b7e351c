//! Weights for keywords, all categories at once.
//!
//! The score of a category is the sum of the weights of its keywords that a text has. Categories compete: the
//! weights are those under which the right one is likeliest (multinomial logistic regression), with the square
//! of each weight as its price, so that no weight is larger than its evidence. A text that belongs to none of
//! the categories competes as well, for a category whose score is always 0.
//!
//! Each category has few keywords of its own, which makes the fit quick: one weight after another takes a
//! Newton step. A step changes only `exp(score)` of the texts that have the keyword, all by the same factor.

use super::feature::Features;

/// What is learnt from, and the state of the fit.
pub(super) struct Fit {
    pub(super) features: Features,
    pub(super) wanted: Vec<Truth>,
    /// The keywords of each category.
    pub(super) chosen: Vec<Vec<Chosen>>,
    /// `exp(score)`, for each category a row of all texts.
    odds: Vec<Vec<f32>>,
    /// For each text the sum of them, and 1 for the category of none.
    total: Vec<f32>,
}

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// Its category.
    Is(u32),
    /// It is about none of them.
    Neither,
    /// It is not about this one. Whether it is about another nobody has said, so it says nothing of the others.
    IsNot(u32),
}

impl Truth {
    /// Is it about this category? None: that is not known.
    fn about(self, category: u32) -> Option<bool> {
        match self {
            Truth::Is(known) => Some(known == category),
            Truth::Neither => Some(false),
            Truth::IsNot(other) => (other == category).then_some(false),
        }
    }
}

/// A keyword of a category.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chosen {
    pub(super) feature: u32,
    pub(super) weight: f32,
}

/// Twice what the square of a weight costs. A third to three times as much makes little difference; without a
/// price, a keyword that two texts have would be certain.
const PRICE: f32 = 0.3;
/// The longest step: far from the goal a Newton step leads anywhere.
const MAX_STEP: f32 = 1.0;
/// A sweep without a longer step than this has arrived.
const ARRIVED: f32 = 0.01;

impl Fit {
    pub(super) fn new(features: Features, wanted: Vec<Truth>, categories: usize) -> Fit {
        let texts = wanted.len();
        Fit {
            features,
            wanted,
            chosen: vec![Vec::new(); categories],
            odds: vec![vec![1.0; texts]; categories],
            total: vec![categories as f32 + 1.0; texts],
        }
    }

    /// Fits all weights, in at most so many sweeps over them.
    pub(super) fn fit(&mut self, sweeps: usize) {
        for _ in 0..sweeps {
            let mut longest = 0.0_f32;
            for category in 0..self.chosen.len() {
                for place in 0..self.chosen[category].len() {
                    longest = longest.max(self.step(category, place).abs());
                }
            }
            if longest < ARRIVED {
                break;
            }
        }
    }

    /// One weight takes a step; tells how far.
    fn step(&mut self, category: usize, place: usize) -> f32 {
        let Chosen { feature, weight } = self.chosen[category][place];
        let odds = &self.odds[category];
        let (mut slope, mut bend) = (PRICE * weight, PRICE);
        for &text in &self.features.holders[feature as usize] {
            let text = text as usize;
            let Some(truth) = self.wanted[text].about(category as u32) else { continue };
            let likely = odds[text] / self.total[text];
            slope += likely - f32::from(truth);
            bend += likely * (1.0 - likely);
        }
        let step = (-slope / bend).clamp(-MAX_STEP, MAX_STEP);
        self.shift(category, place, step);
        step
    }

    fn shift(&mut self, category: usize, place: usize, by: f32) {
        let chosen = &mut self.chosen[category][place];
        chosen.weight += by;
        let factor = by.exp();
        for &text in &self.features.holders[chosen.feature as usize] {
            let odds = &mut self.odds[category][text as usize];
            let before = *odds;
            *odds *= factor;
            self.total[text as usize] += *odds - before;
        }
    }

    /// Works all scores out anew: after keywords were dropped, and because small errors add up.
    pub(super) fn refresh(&mut self) {
        self.total.fill(1.0);
        for (odds, chosen) in self.odds.iter_mut().zip(&self.chosen) {
            odds.fill(0.0);
            for Chosen { feature, weight } in chosen {
                let holders = &self.features.holders[*feature as usize];
                holders.iter().for_each(|text| odds[*text as usize] += weight);
            }
            for (odds, total) in odds.iter_mut().zip(&mut self.total) {
                *odds = odds.exp();
                *total += *odds;
            }
        }
    }

    /// How likely each text is of this category, as things stand, and whether it is; where that is not known, it is as
    /// likely as it seems.
    pub(super) fn likelihoods(&self, category: usize) -> impl Iterator<Item = (f32, f32)> {
        let texts = self.odds[category].iter().zip(&self.total).zip(&self.wanted);
        texts.map(move |((odds, total), wanted)| {
            let likely = odds / total;
            (likely, wanted.about(category as u32).map_or(likely, f32::from))
        })
    }

    /// What leaving this keyword out would cost.
    pub(super) fn worth(&self, category: usize, chosen: Chosen) -> f32 {
        let Chosen { feature, weight } = chosen;
        let factor = (-weight).exp();
        let mut cost = -0.5 * PRICE * weight * weight;
        for &text in &self.features.holders[feature as usize] {
            let Some(truth) = self.wanted[text as usize].about(category as u32) else { continue };
            let (odds, total) = (self.odds[category][text as usize], self.total[text as usize]);
            cost += (1.0 + odds * (factor - 1.0) / total).ln();
            if truth {
                cost += weight;
            }
        }
        cost
    }

    /// Makes every weight a multiple of `unit`. What one loses by it, those not yet rounded make good. The most
    /// frequent keywords come first: a text has several of them, and the rare ones can still correct them.
    pub(super) fn round(&mut self, unit: f32) {
        self.refresh();
        let holders = &self.features.holders;
        for chosen in &mut self.chosen {
            chosen.sort_by_key(|chosen| (std::cmp::Reverse(holders[chosen.feature as usize].len()), chosen.feature));
        }
        for category in 0..self.chosen.len() {
            for place in 0..self.chosen[category].len() {
                let weight = self.chosen[category][place].weight;
                let rounded = (weight / unit).round() * unit;
                self.shift(category, place, rounded - weight);
                self.chosen[category][place].weight = rounded;
                for later in place + 1..self.chosen[category].len() {
                    self.step(category, later);
                }
            }
            self.chosen[category].retain(|chosen| chosen.weight != 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two categories and texts about neither; each has two keywords.
    fn fitted() -> Fit {
        let texts = ["card lost", "card lost", "card pin", "card pin", "pin", "hello", "hello card"];
        let [first, second] = [0, 1].map(Truth::Is);
        let wanted = vec![first, first, second, second, second, Truth::Neither, Truth::Neither];
        let mut fit = Fit::new(Features::of(texts.into_iter(), 1), wanted, 2);
        let named = |name: &str| fit.features.names.iter().position(|one| one == name).unwrap() as u32;
        let (card, lost, pin) = (named("card"), named("lost"), named("pin"));
        let choose = |features: [u32; 2]| features.map(|feature| Chosen { feature, weight: 0.0 }).to_vec();
        fit.chosen = vec![choose([card, lost]), choose([card, pin])];
        fit.fit(100);
        fit
    }

    #[test]
    fn a_keyword_speaks_for_the_category_whose_texts_have_it() {
        let fit = fitted();
        let weight = |category: usize, place: usize| fit.chosen[category][place].weight;
        assert!(weight(0, 1) > 1.0 && weight(1, 1) > 1.0, "{:?}", fit.chosen);
        assert!(weight(0, 0).abs() < weight(0, 1) / 2.0, "card is in texts of all: {:?}", fit.chosen);
        assert!(fit.worth(0, fit.chosen[0][1]) > fit.worth(0, fit.chosen[0][0]));
    }

    #[test]
    fn a_text_that_is_not_about_a_category_says_nothing_of_the_others() {
        let texts = ["card lost", "card lost", "card pin", "card pin", "pin lost", "pin lost"];
        let weights = |last: Truth| {
            let [first, second] = [0, 1].map(Truth::Is);
            let mut fit =
                Fit::new(Features::of(texts.into_iter(), 1), vec![first, first, second, second, last, last], 2);
            let lost = fit.features.names.iter().position(|one| one == "lost").unwrap() as u32;
            fit.chosen = vec![vec![Chosen { feature: lost, weight: 0.0 }]; 2];
            fit.fit(100);
            [0, 1].map(|category| fit.chosen[category][0].weight)
        };
        let (neither, not_first) = (weights(Truth::Neither), weights(Truth::IsNot(0)));
        let without = weights(Truth::Is(0));
        assert!(not_first[0] < without[0] - 0.3, "lost speaks less for the first: {not_first:?} {without:?}");
        assert!(not_first[1] > neither[1] + 0.1, "and of the second they say nothing: {not_first:?} {neither:?}");
    }

    #[test]
    fn step_by_step_is_the_same_as_anew() {
        let mut fit = fitted();
        let before: Vec<(f32, f32)> = fit.likelihoods(0).collect();
        fit.refresh();
        for (was, is) in before.into_iter().zip(fit.likelihoods(0)) {
            assert!((was.0 - is.0).abs() < 1e-4 && was.1 == is.1, "{was:?} {is:?}");
        }
    }

    #[test]
    fn weights_are_rounded_and_those_of_nothing_dropped() {
        let mut fit = fitted();
        fit.round(0.5);
        for chosen in fit.chosen.iter().flatten() {
            assert!(chosen.weight != 0.0 && (chosen.weight * 2.0).fract() == 0.0, "{chosen:?}");
        }
        assert!(fit.chosen.iter().all(|chosen| !chosen.is_empty()));
    }
}

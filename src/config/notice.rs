//! `[notice.…]`: an incident, or work that is announced: what customers are told above every answer for a time.

use super::file::{NoticeTable, Wording};
use crate::ids::CategoryId;
use crate::time::Timestamp;

/// See the module text.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub text: Wording,
    /// None: from now on.
    pub from: Option<Timestamp>,
    /// None: until it is taken out.
    pub until: Option<Timestamp>,
    /// Whose answers it is put above, with the categories below each (`deliver` is `deliver.bounce` too); none named: all.
    pub categories: Vec<CategoryId>,
}

impl Notice {
    /// Does it stand above an answer about this at this moment?
    pub fn stands(&self, category: Option<&CategoryId>, now: Timestamp) -> bool {
        let begun = self.from.is_none_or(|from| from <= now);
        let lasts = self.until.is_none_or(|until| now < until);
        let below = |wanted: &CategoryId, category: &CategoryId| {
            let rest = category.as_str().strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let meant = self.categories.is_empty()
            || category.is_some_and(|category| self.categories.iter().any(|wanted| below(wanted, category)));
        begun && lasts && meant
    }

    /// What is written, or (key, what is wrong with it).
    pub(super) fn read(table: &NoticeTable) -> Result<Notice, (&'static str, String)> {
        let moment = |key, text: &Option<String>| match text.as_deref().map(str::parse::<Timestamp>) {
            None => Ok(None),
            Some(Ok(moment)) => Ok(Some(moment)),
            Some(Err(_)) => {
                Err((key, "is no moment: write it with its zone, such as 2026-12-01T22:00+08:00".to_owned()))
            }
        };
        let (from, until) = (moment("from", &table.from)?, moment("until", &table.until)?);
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(("until", "is not later than `from`".into()));
        }
        let text = table.text.clone().filter(|text| match text {
            Wording::Same(text) => !text.trim().is_empty(),
            Wording::Each(each) => !each.is_empty() && each.values().all(|text| !text.trim().is_empty()),
        });
        let text = text.ok_or(("text", "is missing: what customers are told".to_owned()))?;
        let categories = table
            .categories
            .iter()
            .map(|name| CategoryId::parse(name).map_err(|error| ("categories", format!("`{name}`: {error}"))));
        Ok(Notice { text, from, until, categories: categories.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_stands_for_its_time_and_what_it_is_about() {
        let table = NoticeTable {
            text: Some(Wording::Same("x".into())),
            from: Some("2026-12-01T22:00+08:00".into()),
            until: Some("2026-12-02T02:00+08:00".into()),
            categories: vec!["deliver".into()],
        };
        let notice = Notice::read(&table).unwrap();
        let category = |name: &str| CategoryId::parse(name).unwrap();
        for (at, about, stands) in [
            ("2026-12-01T13:59:59Z", Some("deliver.bounce"), false),
            ("2026-12-01T14:00:00Z", Some("deliver.bounce"), true),
            ("2026-12-01T14:00:00Z", Some("deliver"), true),
            ("2026-12-01T14:00:00Z", Some("delivery"), false),
            ("2026-12-01T14:00:00Z", None, false),
            ("2026-12-01T18:00:00Z", Some("deliver.bounce"), false),
        ] {
            let about = about.map(category);
            assert_eq!(notice.stands(about.as_ref(), at.parse().unwrap()), stands, "{at} {about:?}");
        }
        let always = Notice { from: None, until: None, categories: Vec::new(), ..notice };
        assert!(always.stands(None, Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_notice_that_says_nothing_or_never_stands_is_refused() {
        let good = NoticeTable { text: Some(Wording::Same("x".into())), ..NoticeTable::default() };
        let key = |table: NoticeTable| Notice::read(&table).err().map(|(key, _)| key);
        assert_eq!(key(good.clone()), None);
        assert_eq!(key(NoticeTable { text: Some(Wording::Same(" ".into())), ..good.clone() }), Some("text"));
        assert_eq!(key(NoticeTable { text: None, ..good.clone() }), Some("text"));
        assert_eq!(key(NoticeTable { from: Some("tomorrow".into()), ..good.clone() }), Some("from"));
        assert_eq!(key(NoticeTable { until: Some("2026-12-01 02:00".into()), ..good.clone() }), Some("until"));
        let (from, until) = (Some("2026-12-01T02:00Z".to_owned()), Some("2026-12-01T01:00Z".to_owned()));
        assert_eq!(key(NoticeTable { from, until, ..good.clone() }), Some("until"));
        assert_eq!(key(NoticeTable { categories: vec!["A b".into()], ..good }), Some("categories"));
    }
}

//! Names an admin gives to things: short, lower case, safe in a file name, a log line and a mail header.

use std::fmt;

/// Characters of a name.
const MAX_NAME: usize = 80;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to {MAX_NAME} characters out of a-z, 0-9, `.`, `-`, `_` and `/`, and begins with a letter or digit"
)]
pub struct NameError;

fn check(text: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '/');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    // `a/../b` would leave the folder of the templates.
    let fits = first && text.len() <= MAX_NAME && text.chars().all(allowed) && !text.contains("..");
    fits.then_some(()).ok_or(NameError)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<$name, NameError> {
                check(text).map(|()| $name(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A mailbox of bot.toml, such as `support`.
    MailboxName
}
name! {
    /// A set of humans who answer, such as `mail-tech` (邮件技术组).
    GroupId
}
name! {
    /// What a mail can be about, such as `deliver.bounce`.
    CategoryId
}
name! {
    /// A rule of rules/, such as `deliver.bounce.554-dt-spm`.
    RuleId
}
name! {
    /// A template of templates/ without language and ending, such as `kb/554-dt-spm`.
    TemplateName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_path() {
        for good in ["a", "kb/554-dt-spm", "deliver.bounce.554", "7x24"] {
            assert!(TemplateName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "../a", "a/../b", "/a", "a b", "案", "-a", &"a".repeat(81)] {
            assert!(TemplateName::parse(bad).is_err(), "{bad}");
        }
    }
}

//! The grammar of the header fields that say whether a mail was written by a program: comments and folding
//! white space (RFC 5322 §3.2.2), keywords and parameters (RFC 3834 §5). Never by looking for a string.

/// The value without its comments. They nest and may hold quoted pairs; inside a quoted string a
/// parenthesis is an ordinary character. A comment that is never closed reaches to the end.
pub fn without_comments(value: &str) -> String {
    let (mut bare, mut depth, mut quoted) = (String::with_capacity(value.len()), 0_usize, false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next();
                if depth == 0 {
                    bare.push(c);
                    bare.extend(next);
                }
            }
            '"' if depth == 0 => {
                quoted = !quoted;
                bare.push(c);
            }
            '(' if !quoted => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                // A comment stands for white space: it parts the words on its two sides.
                bare.push(' ');
            }
            _ if depth > 0 => {}
            c => bare.push(c),
        }
    }
    bare.trim().to_owned()
}

/// The keyword before the parameters, in lower case: `auto-replied` of `(x) Auto-Replied; owner-email="a"`.
pub fn keyword(value: &str) -> String {
    let bare = without_comments(value);
    bare.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// The words of a value that lists several, in lower case, whatever they are parted by.
pub fn words(value: &str) -> Vec<String> {
    without_comments(value)
        .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Does this value of `Auto-Submitted` say that a program wrote the mail? Everything but `no` does, also a
/// keyword unknown to us and an empty one (RFC 3834 §5).
pub fn says_automatic(value: &str) -> bool {
    keyword(value) != "no"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a01_auto_submitted_is_read_by_its_grammar() {
        let automatic = [
            "auto-replied",
            "Auto-Replied",
            "AUTO-GENERATED; x=1",
            "auto-notified",
            "auto-notified; owner-email=\"me@example.com\"",
            "(c) auto-replied (vacation)",
            "auto-replied(vacation)",
            "(no) auto-generated",
            "((no) no) auto-generated",
            "(\\) no) auto-replied",
            "  auto-replied\t",
            "x-foo",
            "",
            "   ",
            "(no)",
            "(no",
            "\"no\"",
            "no-reply",
            "nobody",
            "no no",
            "no, auto-replied",
            "yes",
        ];
        for value in automatic {
            assert!(says_automatic(value), "{value:?} is automatic");
        }
        for value in ["no", "No (human)", "NO", " no ", "(a)no(b)", "no; x-a=b", "no ;x=\"(\""] {
            assert!(!says_automatic(value), "{value:?} is not automatic");
        }
    }

    #[test]
    fn lists_of_words_are_read_with_any_separator() {
        assert_eq!(words("DR, RN,NRN; OOF (x) AutoReply"), ["dr", "rn", "nrn", "oof", "autoreply"]);
        assert!(words(" (nothing) ").is_empty());
        assert_eq!(without_comments("a \"(b)\" (c) e"), "a \"(b)\"   e");
    }
}

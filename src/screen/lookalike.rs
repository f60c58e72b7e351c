//! Domains that look like ours and are not: `exаmple.com` with a Cyrillic `а`, `examp1e.com` with a one.
//!
//! Two names look alike when their skeletons are the same (UTS #39 §4). Here too, a subdomain of a look-alike is one.

use unicode_security::confusable_detection::skeleton;

/// Does `domain` look like one of `ours`, or like something below one, without being it? All as A-labels.
pub fn imitates<'a>(domain: &str, ours: impl Iterator<Item = &'a str> + Clone) -> bool {
    if ours.clone().any(|own| is_or_is_below(domain, own)) {
        return false;
    }
    let seen = as_seen(domain);
    ours.into_iter().any(|own| is_or_is_below(&seen, &as_seen(own)))
}

fn is_or_is_below(domain: &str, own: &str) -> bool {
    domain.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// What the eye sees of a domain: decoded from Punycode, reduced to its skeleton. The skeleton of `0` is a capital
/// `O`, and nobody types a domain in capitals, so it is folded.
fn as_seen(domain: &str) -> String {
    // What cannot be decoded is shown as it is written.
    let (decoded, _) = idna::domain_to_unicode(domain);
    skeleton(&decoded).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::parse_domain;

    const OURS: [&str; 2] = ["example.com", "agents.example"];

    fn flagged(written: &str) -> bool {
        let domain = parse_domain(written).unwrap_or_else(|| panic!("{written} is a domain"));
        imitates(&domain, OURS.into_iter())
    }

    #[test]
    fn x03_every_look_alike_of_our_domain_is_flagged() {
        // Each letter of `example`, and what passes for it.
        let letters = ["eе", "xх", "aаɑ", "m", "pрρ", "l1ӏ", "eе"];
        let mut written = vec![String::new()];
        for choices in letters {
            written = written.iter().flat_map(|start| choices.chars().map(move |c| format!("{start}{c}"))).collect();
        }
        let with_rn = written.clone().into_iter().map(|name| name.replace('m', "rn"));
        let alike: Vec<String> = written.iter().cloned().chain(with_rn).filter(|name| name != "example").collect();
        assert!(alike.len() > 400, "{}", alike.len());
        let mut checked = 0;
        for name in alike {
            for domain in [format!("{name}.com"), format!("mail.{name}.com"), format!("{name}.cоm")] {
                assert!(flagged(&domain), "{domain}");
                checked += 1;
            }
        }
        assert!(checked >= 500);
        assert!(flagged("agents.examp1e"));
    }

    #[test]
    fn x03_our_own_and_plainly_different_domains_are_not() {
        for domain in [
            "example.com",
            "EXAMPLE.com",
            "mail.example.com",
            "example.org",
            "examples.com",
            "my-example.com",
            "notexample.com",
            "example.com.cn",
            "例子.中国",
            "пример.рф",
            "xn--mnchen-3ya.de",
        ] {
            assert!(!flagged(domain), "{domain}");
        }
    }
}

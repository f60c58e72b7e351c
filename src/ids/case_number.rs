//! The case number (案号) a customer reads in the subject and tells over the telephone: `K7F3-9QD2-X`.
//!
//! Eight digits of Crockford's base32 carry 40 bits of a keyed hash of the mail that opened the case: the
//! same mail decided again gets the same number, and nobody can guess the next one. The ninth is a check
//! digit over GF(32) that finds every wrong digit and every swap of two digits.

use std::fmt;

use super::{CROCKFORD, Key, MailHash};

/// The number of a case. Printed as `K7F3-9QD2-X`; read leniently (see [`CaseNumber::parse`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseNumber(u64);

/// Bits of a number without its check digit.
const BITS: u32 = 40;

impl CaseNumber {
    /// The number for the case that `mail` opens. `attempt` counts up only when the number before it is
    /// already another case's (one in a million cases with a million cases on file).
    pub fn mint(key: &Key, mail: &MailHash, attempt: u8) -> CaseNumber {
        let tag = key.tag("case-number", &[mail.as_bytes(), &[attempt]]);
        CaseNumber(tag[..5].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// Reads a number as people write it: any case, O for 0, I or L for 1, full-width, with hyphens, dots or
    /// blanks between, or nothing. `None` unless the check digit is right.
    pub fn parse(text: &str) -> Option<CaseNumber> {
        let mut digits = Vec::with_capacity(9);
        for c in text.chars() {
            match digit(c) {
                Some(value) if digits.len() < 9 => digits.push(value),
                Some(_) => return None,
                None if is_separator(c) => {}
                None => return None,
            }
        }
        let (check, digits) = digits.split_last()?;
        (digits.len() == 8 && check_digit(digits) == *check)
            .then(|| CaseNumber(digits.iter().fold(0, |bits, digit| bits << 5 | u64::from(*digit))))
    }

    /// All numbers in a text, in order, each once, at most `most`. A number is found where it stands in one
    /// of the groupings people keep (`K7F3-9QD2-X`, or its nine characters in a row), not inside a longer word.
    pub fn find_in(text: &str, most: usize) -> Vec<CaseNumber> {
        let mut found = Vec::new();
        let chars: Vec<char> = text.chars().collect();
        let mut start = 0;
        while start < chars.len() && found.len() < most {
            match read_at(&chars, start) {
                Some((number, end)) => {
                    if !found.contains(&number) {
                        found.push(number);
                    }
                    start = end;
                }
                None => start += 1,
            }
        }
        found
    }

    /// The nine digits without hyphens, as they stand in our Message-IDs and addresses.
    pub fn compact(&self) -> String {
        let mut digits: Vec<u8> = (0..8).rev().map(|i| (self.0 >> (5 * i)) as u8 & 31).collect();
        digits.push(check_digit(&digits));
        digits.iter().map(|digit| CROCKFORD[usize::from(*digit)] as char).collect()
    }

    /// The 40 bits, for the store.
    pub fn bits(&self) -> u64 {
        self.0
    }

    /// The number with these 40 bits; higher bits are dropped.
    pub fn from_bits(bits: u64) -> CaseNumber {
        CaseNumber(bits & ((1 << BITS) - 1))
    }
}

/// A number that begins exactly at `start`, and where it ends.
fn read_at(chars: &[char], start: usize) -> Option<(CaseNumber, usize)> {
    let inside_word = |c: char| c.is_ascii_alphanumeric() || digit(c).is_some();
    if start > 0 && inside_word(chars[start - 1]) {
        return None;
    }
    let (mut text, mut digits, mut end) = (String::new(), 0, start);
    while digits < 9 {
        let c = *chars.get(end)?;
        if digit(c).is_some() {
            digits += 1;
        } else if !(is_separator(c) && matches!(digits, 4 | 8) && digit(chars[end - 1]).is_some()) {
            return None;
        }
        text.push(c);
        end += 1;
    }
    if chars.get(end).is_some_and(|c| inside_word(*c)) {
        return None;
    }
    // Nine digits of an order number pass the check one time in 32: bare decimals must bring the hyphens.
    let grouped = text.chars().any(is_separator);
    if !grouped && text.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some((CaseNumber::parse(&text)?, end))
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '－' | '–' | '—' | '‑' | '‐' | '−' | ' ' | '\u{a0}' | '.' | '·')
}

/// The value of a digit as written, with the confusions Crockford allows for.
fn digit(c: char) -> Option<u8> {
    let c = match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(c as u32 - 0xFEE0)?,
        c => c,
    };
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    CROCKFORD.iter().position(|d| char::from(*d) == c).map(|value| value as u8)
}

/// Σ αⁱ⁺¹·dᵢ over GF(2⁵) with α a root of x⁵+x²+1. α has order 31, so all factors differ: a changed digit and
/// a swap of any two digits both change the sum.
fn check_digit(digits: &[u8]) -> u8 {
    let double = |x: u8| (x << 1) ^ if x & 16 != 0 { 0b10_0101 } else { 0 };
    // Horner's rule: ((d₀·α + d₁)·α + …)·α.
    digits.iter().fold(0, |sum, digit| double(sum ^ digit) & 31)
}

impl fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.compact();
        write!(f, "{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..])
    }
}

impl fmt::Debug for CaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u8) -> CaseNumber {
        CaseNumber::mint(&Key::from_bytes([7; 32]), &MailHash::of(&[n]), 0)
    }

    #[test]
    fn a_number_survives_the_telephone() {
        for n in 0..200 {
            let number = number(n);
            let shown = number.to_string();
            for heard in [
                shown.clone(),
                shown.to_lowercase(),
                shown.replace('-', ""),
                shown.replace('-', " "),
                shown.replace('-', "－"),
                shown.replace('0', "O").replace('1', "l"),
                shown.chars().map(|c| if c == '-' { c } else { char::from_u32(c as u32 + 0xFEE0).unwrap() }).collect(),
            ] {
                assert_eq!(CaseNumber::parse(&heard), Some(number), "{heard}");
            }
            assert_eq!(CaseNumber::from_bits(number.bits()), number);
        }
    }

    #[test]
    fn every_wrong_digit_and_every_swap_is_found() {
        let shown: Vec<char> = number(1).compact().chars().collect();
        for i in 0..9 {
            for other in CROCKFORD.iter().map(|d| char::from(*d)).filter(|d| *d != shown[i]) {
                let mut wrong = shown.clone();
                wrong[i] = other;
                assert_eq!(CaseNumber::parse(&String::from_iter(&wrong)), None);
            }
            for j in 0..i {
                let mut swapped = shown.clone();
                swapped.swap(i, j);
                if swapped != shown {
                    assert_eq!(CaseNumber::parse(&String::from_iter(&swapped)), None);
                }
            }
        }
    }

    #[test]
    fn numbers_are_found_in_running_text_and_nowhere_else() {
        let (a, b) = (number(1), number(2));
        let text = format!("Re: [案号 {a}] 已通过网页提交，案号{b}，另见{} X{}9", a.compact(), b.compact());
        assert_eq!(CaseNumber::find_in(&text, 10), vec![a, b]);
        assert_eq!(CaseNumber::find_in(&text, 1), vec![a]);
        for text in ["", "1234-5678-0", "K7F3-9QD2", "订单号 123456789 已付款", "发送失败的邮件"] {
            assert!(CaseNumber::find_in(text, 10).is_empty(), "{text}");
        }
    }
}

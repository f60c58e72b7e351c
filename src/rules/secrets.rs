//! Secrets that people write into mails: passwords, one-time codes, numbers of identity and bank cards, API keys.
//!
//! A number is taken for one of these only if its checksum says so, a password and a code only behind the word that
//! names it. What is found is evidence like any other; a rule with `redact` masks it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SecretKind {
    Password,
    /// Sent to a telephone, good for some minutes.
    OneTimeCode,
    /// The identity number of the People's Republic of China, GB 11643.
    IdentityNumber,
    /// ISO/IEC 7812.
    BankCard,
    ApiKey,
}

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:密码|口令|授权码|パスワード|(?-u:\b)(?:password|passwd|pwd|passcode)(?-u:\b)) ?(?:(?:就?是|为|は)? ?[:=]|就?是|[设改换]?[为成]了?|は|(?:is|was)(?-u:\b)) ?[\x22'“「]?(?P<value>[!-~]{6,64})",
    )
});
/// With nothing between but a blank: 密码 abc12345.
static BARE_PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:密码|口令|授权码|パスワード|(?-u:\b)(?:password|passwd|pwd|passcode)(?-u:\b)) ?[\x22'“「]?(?P<value>[!-~]{6,64})",
    )
});
static ONE_TIME_CODE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:验证码|校验码|动态码|認証コード|认证コード|確認コード|确认コード|(?-u:\b)(?:otp|verification code|security code|one-time code)(?-u:\b)) ?(?:就?是|为|は|is|was)? ?[:=]? ?[(\x22'“「]?(?P<value>[0-9]{4,8})(?-u:\b)",
    )
});
/// 483920 是验证码.
static CODE_BEFORE_ITS_NAME: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?-u:\b)(?P<value>[0-9]{4,8})[)\x22'”」]? ?(?:(?:就?是|为)(?:我的|短信|收到的)*(?:验证码|校验码|动态码)|が(?:認証|认证|確認|确认)コード|is (?:my|the|your) (?:otp|verification code|security code|one-time code))",
    )
});
static DIGITS: LazyLock<Regex> = LazyLock::new(|| compile(r"(?P<value>[0-9](?:[ -]?[0-9]){11,18}[0-9x]?)"));
static API_KEY: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?-u:\b)(?P<value>sk-[a-z0-9_-]{20,}|(?:akia|asia)[0-9a-z]{16}|gh[pousr]_[a-z0-9]{30,}|xox[abprs]-[a-z0-9-]{10,}|ltai[a-z0-9]{12,}|akid[a-z0-9]{13,}|aiza[a-z0-9_-]{30,}|eyj[a-z0-9_-]{10,}\.eyj[a-z0-9_-]{10,}\.[a-z0-9_-]{10,}|(?:api[ _-]?key|secret[ _-]?key|access[ _-]?token|appsecret) ?[:=] ?[a-z0-9_./+-]{16,})",
    )
});
/// The key in a PEM block (RFC 7468), and what stands in a URL before the host, or as a token behind it (RFC 3986 §3.2.1).
static KEY_IN_A_FORM: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"-----begin [a-z ]{0,20}private key-----(?P<block>[a-z0-9+/=:,\s-]{20,}?)-----end|://[^\s/:@]{1,64}:(?P<user>[^\s/@]{3,64})@|[?&](?:access_|auth_)?token=(?P<token>[a-z0-9_.%~-]{16,})",
    )
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern of a secret is a regex")
}

/// Characters that a password never ends with: they belong to the sentence.
const SENTENCE: &[char] = &[',', '.', ';', '!', '?', ')', '"', '\''];

impl SecretKind {
    pub(super) const ALL: [SecretKind; 5] = [
        SecretKind::Password,
        SecretKind::OneTimeCode,
        SecretKind::IdentityNumber,
        SecretKind::BankCard,
        SecretKind::ApiKey,
    ];

    /// The word in rule files.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            SecretKind::Password => "password",
            SecretKind::OneTimeCode => "otp",
            SecretKind::IdentityNumber => "cn-id",
            SecretKind::BankCard => "bank-card",
            SecretKind::ApiKey => "api-key",
        }
    }

    /// Where secrets of this kind stand in a folded text.
    pub(super) fn find(self, text: &str) -> Vec<Range<usize>> {
        let regex = match self {
            SecretKind::Password => &PASSWORD,
            SecretKind::OneTimeCode => &ONE_TIME_CODE,
            SecretKind::IdentityNumber | SecretKind::BankCard => &DIGITS,
            SecretKind::ApiKey => &API_KEY,
        };
        let values = regex.captures_iter(text).filter_map(|captures| captures.name("value"));
        let mut found: Vec<Range<usize>> = values.filter_map(|value| self.checked(text, value.range())).collect();
        match self {
            SecretKind::Password => {
                let values = BARE_PASSWORD.captures_iter(text).filter_map(|captures| captures.name("value"));
                let bare = values.filter_map(|value| self.checked(text, value.range()));
                let bare = bare.filter(|range| is_bare_password(&text[range.clone()])).collect::<Vec<_>>();
                found.extend(bare);
                found.sort_by_key(|range| (range.start, range.end));
                found.dedup();
            }
            SecretKind::OneTimeCode => {
                let values = CODE_BEFORE_ITS_NAME.captures_iter(text).filter_map(|captures| captures.name("value"));
                found.extend(values.map(|value| value.range()));
            }
            SecretKind::ApiKey => {
                let captures = KEY_IN_A_FORM.captures_iter(text);
                let value = |captures: regex::Captures<'_>| {
                    ["block", "user", "token"].iter().find_map(|name| Some(captures.name(name)?.range()))
                };
                found.extend(captures.filter_map(value));
            }
            SecretKind::IdentityNumber | SecretKind::BankCard => {}
        }
        found
    }

    fn checked(self, text: &str, range: Range<usize>) -> Option<Range<usize>> {
        let value = &text[range.clone()];
        match self {
            SecretKind::Password => {
                let kept = value.trim_end_matches(SENTENCE);
                // `password: reset it` names none; one has a digit or a mark in it, or is no word.
                let is_password = kept.len() >= 6 && kept.chars().any(|c| !c.is_ascii_alphabetic());
                (is_password && !kept.contains("://")).then_some(range.start..range.start + kept.len())
            }
            SecretKind::OneTimeCode | SecretKind::ApiKey => Some(range),
            SecretKind::IdentityNumber | SecretKind::BankCard => {
                let beside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                if beside(text[..range.start].chars().next_back()) || beside(text[range.end..].chars().next()) {
                    return None;
                }
                let number: Vec<u8> = value.bytes().filter(|c| c.is_ascii_alphanumeric()).collect();
                let right = if self == SecretKind::BankCard { is_bank_card(&number) } else { is_identity(&number) };
                right.then_some(range)
            }
        }
    }
}

/// What names no password stands behind the word as well: an address, a host, a version, an error code.
fn is_bare_password(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().any(|c| c.is_ascii_digit())
        && !value.contains(['.', '/', ':', '=', '@', '(', ',', ';'])
}

/// GB 11643: seventeen digits with a date of birth in them, and a check character modulo 11-2 (ISO 7064).
fn is_identity(number: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10x98765432";
    let Some((last, digits)) = number.split_last() else { return false };
    if digits.len() != WEIGHTS.len() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let part = |range: Range<usize>| digits[range].iter().fold(0, |all, digit| all * 10 + u32::from(digit - b'0'));
    let born =
        (1900..2100).contains(&part(6..10)) && (1..=12).contains(&part(10..12)) && (1..=31).contains(&part(12..14));
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    born && digits[0] != b'0' && CHECKS[sum as usize % 11] == *last
}

/// ISO/IEC 7812-1: the check digit of Luhn, behind the first digits that banks and card companies have.
fn is_bank_card(number: &[u8]) -> bool {
    if !(15..=19).contains(&number.len()) || !number.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // An identity number passes Luhn one time in ten; it is one all the same.
    if !matches!(number[0], b'3'..=b'6' | b'9') || is_identity(number) || number.iter().all(|digit| *digit == number[0])
    {
        return false;
    }
    let sum: u32 = (number.iter().rev().enumerate())
        .map(|(place, digit)| match u32::from(digit - b'0') << (place % 2) {
            doubled if doubled > 9 => doubled - 9,
            digit => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::fold;

    #[test]
    fn a_secret_is_known_by_its_checksum_or_by_the_word_before_it() {
        use SecretKind::*;
        let cases = [
            (IdentityNumber, "身份证号 11010519491231002X 请核对", "11010519491231002x"),
            (IdentityNumber, "身份证110105194912310021", ""),
            (IdentityNumber, "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002x"),
            (BankCard, "卡号 6222 0200 0000 0000 008", ""),
            (BankCard, "card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
            (BankCard, "card 4111111111111112", ""),
            (BankCard, "订单号 20260107143000123", ""),
            (Password, "我的密码是 Abc12345，登录不了", "abc12345"),
            (Password, "密码：hunter2!x。", "hunter2!x"),
            (Password, "账号 lilei 密码 abc12345 登录不了", "abc12345"),
            (Password, "密码abc12345", "abc12345"),
            (Password, "新密码改成了Xk39!fw2", "xk39!fw2"),
            (Password, "my password was hunter22, now it fails", "hunter22"),
            (Password, "password hunter22 does not work", "hunter22"),
            (Password, "パスワード Sakura2026 で入れません", "sakura2026"),
            (Password, "忘记密码 Outlook 提示 535", ""),
            (Password, "密码 smtp.example.com 要填哪个", ""),
            (Password, "密码 lilei@example.com", ""),
            (Password, "password reset link", ""),
            (Password, "password: reset", ""),
            (Password, "My password is correct", ""),
            (Password, "忘记密码了", ""),
            (OneTimeCode, "验证码：483920，五分钟内有效", "483920"),
            (OneTimeCode, "收不到验证码", ""),
            (OneTimeCode, "验证码（483920）五分钟内有效", "483920"),
            (OneTimeCode, "483920 是我的验证码", "483920"),
            (OneTimeCode, "483920が認証コードです", "483920"),
            (OneTimeCode, "收不到验证码，错误代码 5502", ""),
            (OneTimeCode, "your verification code is 1234", "1234"),
            (ApiKey, "key AKIAIOSFODNN7EXAMPLE fails", "akiaiosfodnn7example"),
            (ApiKey, "api_key=0123456789abcdef0123", "api_key=0123456789abcdef0123"),
            (ApiKey, "where do I get an api key?", ""),
            (
                ApiKey,
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nbVd2\n-----END RSA PRIVATE KEY-----",
                "\nmiiepaibaakcaqea7\nbvd2\n",
            ),
            (ApiKey, "git clone https://li:Xk39fw2@git.example.com/a.git", "xk39fw2"),
            (ApiKey, "https://x.example/verify?id=1&token=0123456789abcdef0", "0123456789abcdef0"),
            (ApiKey, "https://x.example/a?page=2", ""),
            (ApiKey, "li:wang@example.com", ""),
        ];
        for (kind, text, want) in cases {
            let folded = fold(text);
            let found: Vec<&str> = kind.find(folded.text()).into_iter().map(|range| &folded.text()[range]).collect();
            assert_eq!(found.join("|"), want, "{text}");
        }
    }
}

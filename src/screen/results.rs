//! `Authentication-Results` (RFC 8601): what a mail server of our own found out about a mail when it came in.
//!
//! Anybody can write such a field. It is believed only if it names a server of the configuration, and stands where
//! only our own servers write: above the `Received` of the server that took the mail from outside. Everything below
//! that line came with the mail.

use super::auth::Verdict;
use super::grammar::without_comments;
use crate::address;
use crate::message::{Field, Message};

/// What a server of ours says of one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub method: Method,
    pub verdict: Verdict,
    /// The domain it is about: that of From for DMARC, that of the signature for DKIM.
    pub domain: Option<String>,
}

/// The methods we know. SPF says who may use an envelope, and nothing of From: whoever can smuggle a mail through a
/// border (CVE-2023-51764) passes it too. Rules may ask for it; the verdict does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Dkim,
    Spf,
    Dmarc,
}

/// What the servers named in `servers` (lower case) say. Where one of them speaks twice, one of the two fields may be
/// a stranger's: then nothing that speaks for the mail counts (RFC 8601 §7.1), and what speaks against it does.
pub fn claims(message: &Message, servers: &[String]) -> Vec<Claim> {
    let (mut heard, mut twice, mut claims) = (Vec::new(), false, Vec::new());
    for (server, found) in topmost_block(&message.fields).iter().filter_map(|value| parse(value)) {
        if servers.contains(&server) {
            twice |= heard.contains(&server);
            heard.push(server);
            claims.extend(found);
        }
    }
    if twice {
        claims.retain(|claim| claim.verdict == Verdict::Fail);
    }
    claims
}

/// What a sealer found: an instance, and what stands in `Authentication-Results` too (RFC 8617 §4.1.1).
pub fn sealed_claims(value: &str) -> Vec<Claim> {
    let bare = without_comments(value);
    let Some((instance, results)) = bare.split_once(';') else { return Vec::new() };
    let is_instance = instance.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("i"));
    parse(results).filter(|_| is_instance).map(|(_, claims)| claims).unwrap_or_default()
}

/// The first unbroken run of `Authentication-Results` above the border; none where there is no border.
fn topmost_block(fields: &[Field]) -> Vec<&str> {
    let is = |field: &Field, name: &str| field.name.eq_ignore_ascii_case(name);
    let mut hops = fields.iter().enumerate().filter(|(_, field)| is(field, "Received"));
    let border = match hops.next() {
        // Delivery on the last host is a hop of its own, and always ours; a stranger's mail never comes by LMTP.
        Some((_, last)) if came_by_lmtp(&last.value) => hops.next(),
        first => first,
    };
    let Some((border, _)) = border else { return Vec::new() };
    let results = |field: &&Field| is(field, "Authentication-Results");
    let block = fields[..border].iter().skip_while(|field| !results(field)).take_while(results);
    block.map(|field| field.value.as_str()).collect()
}

/// RFC 3848 and RFC 4954: `with LMTP`, `LMTPA`, `LMTPS`, `LMTPSA`.
fn came_by_lmtp(received: &str) -> bool {
    let bare = without_comments(received).to_ascii_lowercase();
    let mut words = bare.split([' ', '\t', ';']).filter(|word| !word.is_empty());
    words.any(|word| word == "with") && words.next().is_some_and(|protocol| protocol.starts_with("lmtp"))
}

/// The server's name in lower case and what it says (RFC 8601 §2.2). A field of a version we do not know is left
/// alone, and so is every method, result and property we do not know (§4.1).
fn parse(value: &str) -> Option<(String, Vec<Claim>)> {
    let pieces = pieces(&without_comments(value));
    let (head, results) = pieces.split_first()?;
    let server = match head.as_slice() {
        [Token::Word(server)] => server,
        [Token::Word(server), Token::Word(version)] if version == "1" => server,
        _ => return None,
    };
    Some((server.to_lowercase(), results.iter().filter_map(|piece| claim(piece)).collect()))
}

fn claim(piece: &[Token]) -> Option<Claim> {
    let pairs = pairs(piece);
    let ((method, result), properties) = pairs.split_first()?;
    let method = match method.split_once('/').unwrap_or((method, "1")) {
        ("dkim", "1") => Method::Dkim,
        ("spf", "1") => Method::Spf,
        ("dmarc", "1") => Method::Dmarc,
        _ => return None,
    };
    let verdict = match result.to_ascii_lowercase().as_str() {
        "pass" => Verdict::Pass,
        "fail" => Verdict::Fail,
        "none" | "neutral" | "softfail" | "policy" | "temperror" | "permerror" => Verdict::Unknown,
        _ => return None,
    };
    // A property that stands twice says nothing.
    let property = |name: &str| {
        let mut values = properties.iter().filter(|(property, _)| property == name).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    };
    let identity = match method {
        Method::Dmarc => property("header.from"),
        Method::Spf => property("smtp.mailfrom"),
        Method::Dkim => property("header.d").or_else(|| property("header.i")),
    };
    let domain = identity.and_then(|identity| address::parse_domain(identity.rsplit('@').next()?));
    Some(Claim { method, verdict, domain })
}

/// `name = value` pairs, the names in lower case and without the blanks that may stand around `.` and `/`.
fn pairs(piece: &[Token]) -> Vec<(String, String)> {
    let (mut pairs, mut name) = (Vec::new(), String::new());
    let mut tokens = piece.iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => name.push_str(&word.to_ascii_lowercase()),
            Token::Equals => {
                if let Some(Token::Word(value)) = tokens.next() {
                    pairs.push((std::mem::take(&mut name), value.clone()));
                }
            }
        }
    }
    pairs
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Equals,
}

/// The value cut at its semicolons, each piece as tokens. A quoted string is part of the word it touches.
fn pieces(bare: &str) -> Vec<Vec<Token>> {
    let (mut pieces, mut word): (_, Option<String>) = (vec![Vec::new()], None);
    let mut chars = bare.chars();
    let end = |pieces: &mut Vec<Vec<Token>>, word: &mut Option<String>| {
        if let (Some(piece), Some(word)) = (pieces.last_mut(), word.take()) {
            piece.push(Token::Word(word));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    word.extend(if c == '\\' { chars.next() } else { Some(c) });
                }
            }
            ';' => {
                end(&mut pieces, &mut word);
                pieces.push(Vec::new());
            }
            '=' => {
                end(&mut pieces, &mut word);
                if let Some(piece) = pieces.last_mut() {
                    piece.push(Token::Equals);
                }
            }
            c if c.is_whitespace() => end(&mut pieces, &mut word),
            c => word.get_or_insert_default().push(c),
        }
    }
    end(&mut pieces, &mut word);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::specimen::mail;

    const OUTSIDE: &str = "Received: from stranger by mx.example.com with ESMTPS id 1; Tue, 24 Nov 2026 10:00:00 +0800";
    const DELIVERY: &str = "Received: from mx by store.example.com (Dovecot) with LMTP id 2 for <support@example.com>";
    const PASS: &str = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org";
    const FAIL: &str = "Authentication-Results: mx.example.com; dmarc=fail header.from=example.org";
    const OTHER: &str = "Authentication-Results: evil.example; dmarc=pass header.from=example.org";
    const SECOND: &str = "Authentication-Results: filter.example.com; dkim=pass header.d=example.org";
    const NONE: &str = "Authentication-Results: mx.example.com; none";
    const FOREIGN: &str = "X-Spam-Flag: NO";

    fn heard(fields: &[&str]) -> String {
        let message = mail(&format!("{}\nFrom: Ann <ann@example.org>", fields.join("\n")), "Hello");
        let servers = ["mx.example.com".to_owned(), "filter.example.com".to_owned()];
        let claims = claims(&message, &servers);
        claims
            .iter()
            .map(|claim| format!("{:?} {}", claim.method, claim.verdict.as_str()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn h02_only_the_topmost_block_above_the_border_counts() {
        let orderings: [(&[&str], &str); 18] = [
            (&[PASS, OUTSIDE], "Dmarc pass"),
            (&[FOREIGN, PASS, OUTSIDE], "Dmarc pass"),
            (&[OTHER, PASS, OUTSIDE], "Dmarc pass"),
            (&[PASS, OTHER, OUTSIDE], "Dmarc pass"),
            (&[PASS, SECOND, OUTSIDE], "Dmarc pass, Dkim pass"),
            (&[FAIL, OUTSIDE], "Dmarc fail"),
            (&[NONE, OUTSIDE], ""),
            (&[NONE, OUTSIDE, PASS], ""),
            (&[OUTSIDE, PASS], ""),
            (&[OUTSIDE, PASS, OUTSIDE], ""),
            (&[OTHER, OUTSIDE, PASS], ""),
            (&[OTHER, FOREIGN, PASS, OUTSIDE], ""),
            (&[PASS, FOREIGN, FAIL, OUTSIDE], "Dmarc pass"),
            (&[PASS, PASS, OUTSIDE], ""),
            (&[PASS, FAIL, OUTSIDE], "Dmarc fail"),
            (&[DELIVERY, PASS, OUTSIDE], "Dmarc pass"),
            (&[DELIVERY, OUTSIDE, PASS], ""),
            (&[DELIVERY, DELIVERY, PASS, OUTSIDE], ""),
        ];
        for (fields, want) in orderings {
            assert_eq!(heard(fields), want, "{fields:#?}");
        }
        assert_eq!(heard(&[PASS]), "", "without a border nobody knows who wrote it");
        assert_eq!(heard(&[DELIVERY, PASS]), "");
    }

    #[test]
    fn h04_the_grammar_is_read_and_what_is_unknown_is_left_alone() {
        let check = |value: &str, want: &[(Method, Verdict, Option<&str>)]| {
            let (server, claims) = parse(value).unwrap();
            assert_eq!(server, "mx.example.com", "{value}");
            let claims: Vec<_> = claims.iter().map(|c| (c.method, c.verdict, c.domain.as_deref())).collect();
            assert_eq!(claims, want, "{value}");
        };
        let pass = (Method::Dkim, Verdict::Pass, Some("example.org"));
        for value in [
            "mx.example.com; dkim=pass header.d=example.org",
            "MX.Example.COM 1; DKIM=Pass Header.D=EXAMPLE.org",
            "(a (nested) comment) mx.example.com (b) 1 (c); (d) dkim (e) = (f) pass (g) header (h) . d = example.org",
            "\"mx.example.com\"; dkim/1=pass reason=\"fine; dkim=fail\" header.d=\"example.org\"",
            "mx.example.com;dkim=pass header.i=\"a b\"@example.org header.s=s1 header.b=AbCdEf12",
            "mx.example.com; iprev=pass policy.iprev=192.0.2.1; dkim=pass header.d=example.org; x-tls=pass",
            "mx.example.com; dkim=pazz header.d=evil.example; dkim=pass header.d=example.org",
        ] {
            check(value, &[pass]);
        }
        let spf = (Method::Spf, Verdict::Pass, Some("evil.example"));
        check("mx.example.com; spf=pass smtp.mailfrom=x@evil.example; dkim=pass header.d=example.org", &[spf, pass]);
        check("mx.example.com; none", &[]);
        check("mx.example.com", &[]);
        check("mx.example.com; dkim=pazz header.d=example.org", &[]);
        check("mx.example.com; dkim/2=pass header.d=example.org", &[]);
        check("mx.example.com; dkim-atps=pass header.d=example.org; dmarc=bestguesspass header.from=example.org", &[]);
        check("mx.example.com; dkim=pass", &[(Method::Dkim, Verdict::Pass, None)]);
        check(
            "mx.example.com; dkim=pass header.d=example.org header.d=b.example",
            &[(Method::Dkim, Verdict::Pass, None)],
        );
        check("mx.example.com; dkim=pass (header.d=example.org)", &[(Method::Dkim, Verdict::Pass, None)]);
        check(
            "mx.example.com; dmarc=fail header.from=münchen.example",
            &[(Method::Dmarc, Verdict::Fail, Some("xn--mnchen-3ya.example"))],
        );
        for value in ["", ";", "mx.example.com 2; dkim=pass", "a b c; dkim=pass", "=; dkim=pass", "(never closed"] {
            assert_eq!(parse(value), None, "{value}");
        }
    }

    #[test]
    fn h04_no_field_is_too_odd_to_be_read() {
        for odd in ["\"", "\\", "=", "; = ; = \"", "a;b=c=d==;\"\\", "mx.example.com;;;=;dkim==pass;dkim=\"pass"] {
            let _ = parse(odd);
        }
    }
}

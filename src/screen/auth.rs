//! Who sent it: may the domain in From be believed?
//!
//! From is what anybody may write. Two things can speak for it: a mail server of ours that checked the mail when it
//! came in ([`super::results`]), and a DKIM signature of the domain itself, which can be checked at any later time.
//! Our server is heard first, since it alone has seen who delivered the mail (SPF cannot be asked again later); where
//! it says nothing, the signatures we have checked ourselves decide.
//!
//! Who passes a mail on breaks both: its signature no longer fits, and our server sees a stranger deliver it. A seal
//! (ARC, RFC 8617) says what was found before; the word of a sealer named by the admin is believed, nobody else's.
//!
//! No signature proves nothing: most mail that nothing speaks for is honest. A mail *fails* only where our server says
//! so, or where a signature of the domain is there and wrong, none is right, and the domain asks that such mail be
//! turned away. A pass proves a domain, not a person, and no good will (RFC 8601 §7.2).

use super::results::{self, Claim, Method};
use crate::message::{Defect, Message};

/// May From be believed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication {
    /// Of the signatures that belong to the domain in From: one is right, one is wrong and none right, or neither.
    pub dkim: Verdict,
    /// What a server of ours says of SPF; it is no part of the verdict.
    pub spf: Verdict,
    /// What a server of ours says of DMARC.
    pub dmarc: Verdict,
    pub verdict: Verdict,
    pub by: Witness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    Pass,
    Fail,
    #[default]
    Unknown,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    Nobody,
    /// A server named in `reply.authentication_servers`.
    Server,
    /// A signature that we have checked ourselves.
    Signature,
    /// A domain named in `reply.trusted_arc_sealers`, which has passed the mail on.
    Sealer,
}

/// Whose word is taken.
#[derive(Debug, Clone, Copy)]
pub struct Trusted<'a> {
    /// Mail servers of ours, in lower case.
    pub servers: &'a [String],
    /// Domains whose seals are believed, as A-labels.
    pub sealers: &'a [String],
}

/// What was found when the mail's own signatures were checked against the keys of their domains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    pub signatures: Vec<Signature>,
    /// The domain in From asks that mail which nothing speaks for be put aside or refused (RFC 9989 §4.7).
    pub enforced: bool,
    /// The seals of an unbroken chain (RFC 8617 §5.2), the newest first; none where one of them, or the newest
    /// signature of the chain, is wrong.
    pub seals: Vec<Seal>,
}

/// One seal of an unbroken chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Who sealed, as an A-label in lower case.
    pub domain: String,
    /// What the sealer found when the mail came in: the value of its `ARC-Authentication-Results`.
    pub results: String,
}

/// One DKIM signature, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed, as an A-label in lower case.
    pub domain: String,
    /// It is of the same organisation as the domain in From (RFC 9989 §4.10.2).
    pub aligned: bool,
    /// Unknown where it could not be checked, has expired, or leaves out what it must cover.
    pub verdict: Verdict,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
        }
    }

    /// One that is right outweighs any number that are wrong: mailing lists break the signatures they find, and what
    /// could not be checked might have been right.
    fn of_all(verdicts: impl Iterator<Item = Verdict> + Clone) -> Verdict {
        let has = |verdict| verdicts.clone().any(|other| other == verdict);
        match (has(Verdict::Pass), has(Verdict::Fail), has(Verdict::Unknown)) {
            (true, ..) => Verdict::Pass,
            (false, true, false) => Verdict::Fail,
            _ => Verdict::Unknown,
        }
    }
}

impl Authentication {
    /// Nothing is known.
    pub const UNKNOWN: Authentication = Authentication {
        dkim: Verdict::Unknown,
        spf: Verdict::Unknown,
        dmarc: Verdict::Unknown,
        verdict: Verdict::Unknown,
        by: Witness::Nobody,
    };
}

/// Judges From by what the servers of ours wrote into the mail, and by what was found of its signatures and seals;
/// `None` where nobody has looked.
pub fn authenticate(message: &Message, trusted: Trusted<'_>, findings: Option<&Findings>) -> Authentication {
    let Some(from) = only_domain(message) else {
        return Authentication::UNKNOWN;
    };
    let signatures = findings.map(|findings| findings.signatures.as_slice()).unwrap_or_default();
    let own: Vec<&Signature> = signatures.iter().filter(|signature| signature.aligned).collect();
    let claims = results::claims(message, trusted.servers);
    let aligned = |claim: &&Claim| {
        claim.domain.as_ref().is_some_and(|domain| domain == from || own.iter().any(|own| own.domain == *domain))
    };
    let said = |method| {
        let said = claims.iter().filter(move |claim| claim.method == method);
        // What speaks against the mail counts whatever it is about; what speaks for it must be about From.
        let against = said.clone().filter(|_| method == Method::Dmarc).any(|claim| claim.verdict == Verdict::Fail);
        let verdicts = said.filter(aligned).map(|claim| claim.verdict);
        if against { Verdict::Fail } else { Verdict::of_all(verdicts) }
    };
    let (dmarc, server, signature) =
        (said(Method::Dmarc), said(Method::Dkim), Verdict::of_all(own.iter().map(|own| own.verdict)));
    let dkim = match (server, signature) {
        (Verdict::Pass, _) | (_, Verdict::Pass) => Verdict::Pass,
        (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
        _ => Verdict::Unknown,
    };
    let enforced = findings.is_some_and(|findings| findings.enforced);
    // What a sealer saw must be about the very domain in From, or one that we know to belong to it.
    let sealed = sealed_claims(findings, trusted.sealers).iter().filter(aligned).any(|c| c.verdict == Verdict::Pass);
    let (verdict, by) = match (dmarc, dkim) {
        // That a mail which was passed on fails is why it is sealed (RFC 8617 §7.2.1).
        (Verdict::Fail | Verdict::Unknown, Verdict::Fail | Verdict::Unknown) if sealed => {
            (Verdict::Pass, Witness::Sealer)
        }
        (Verdict::Fail | Verdict::Pass, _) => (dmarc, Witness::Server),
        (_, Verdict::Pass) if server == Verdict::Pass => (Verdict::Pass, Witness::Server),
        (_, Verdict::Pass) => (Verdict::Pass, Witness::Signature),
        (_, Verdict::Fail) if enforced && signature == Verdict::Fail => (Verdict::Fail, Witness::Signature),
        _ => (Verdict::Unknown, Witness::Nobody),
    };
    // Of an envelope there is one, whatever domain it names.
    let spf = Verdict::of_all(claims.iter().filter(|claim| claim.method == Method::Spf).map(|claim| claim.verdict));
    Authentication { dkim, spf, dmarc, verdict, by }
}

/// What the sealers we trust say. A seal vouches for what stands below it, so the first one that we do not trust ends
/// the chain.
fn sealed_claims(findings: Option<&Findings>, sealers: &[String]) -> Vec<Claim> {
    let seals = findings.map(|findings| findings.seals.as_slice()).unwrap_or_default();
    let trusted = seals.iter().take_while(|seal| sealers.contains(&seal.domain));
    trusted.flat_map(|seal| results::sealed_claims(&seal.results)).collect()
}

/// The domain in From, where exactly one person stands in exactly one field: of two, nobody knows which one a
/// signature or a server means (RFC 6376 §8.15). In a header that was not read to its end there may be a second.
fn only_domain(message: &Message) -> Option<&str> {
    let one = message.field("From").count() == 1 && !message.defects.contains(&Defect::HeaderTooLong);
    message.sender().filter(|_| one).map(|sender| sender.domain())
}

impl std::fmt::Display for Authentication {
    /// `pass by signature (dkim pass, dmarc unknown)`: the line in the journal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = match self.by {
            Witness::Nobody => "",
            Witness::Server => " by server",
            Witness::Signature => " by signature",
            Witness::Sealer => " by sealer",
        };
        write!(f, "{}{by} (dkim {}, dmarc {})", self.verdict.as_str(), self.dkim.as_str(), self.dmarc.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::specimen::mail;

    fn judge(results: &[&str], findings: Option<&Findings>) -> String {
        judge_from("From: Ann <ann@example.org>", results, findings)
    }

    fn judge_from(from: &str, results: &[&str], findings: Option<&Findings>) -> String {
        let results = results.iter().map(|result| format!("Authentication-Results: mx.example.com; {result}\n"));
        let message = mail(&format!("{}Received: x\n{from}", results.collect::<String>()), "Hello");
        let trusted = Trusted { servers: &["mx.example.com".into()], sealers: &["list.example".into()] };
        authenticate(&message, trusted, findings).to_string()
    }

    fn found(enforced: bool, signatures: &[(&str, bool, Verdict)]) -> Findings {
        let signatures = signatures.iter().map(|(domain, aligned, verdict)| Signature {
            domain: (*domain).into(),
            aligned: *aligned,
            verdict: *verdict,
        });
        Findings { signatures: signatures.collect(), enforced, seals: Vec::new() }
    }

    const NOTHING: &str = "unknown (dkim unknown, dmarc unknown)";

    #[test]
    fn h01_a_server_of_ours_is_believed_about_the_domain_in_from_only() {
        let cases = [
            ("dmarc=pass header.from=example.org", "pass by server (dkim unknown, dmarc pass)"),
            ("dkim=pass header.d=example.org", "pass by server (dkim pass, dmarc unknown)"),
            ("dkim=pass header.i=@example.org; spf=fail", "pass by server (dkim pass, dmarc unknown)"),
            ("dkim=pass header.d=example.org; dmarc=fail", "fail by server (dkim pass, dmarc fail)"),
            ("dmarc=fail header.from=example.org", "fail by server (dkim unknown, dmarc fail)"),
            ("dmarc=pass header.from=evil.example", NOTHING),
            ("dmarc=pass", NOTHING),
            ("dkim=pass header.d=evil.example", NOTHING),
            ("dkim=pass header.d=example.org.evil.example", NOTHING),
            ("spf=pass smtp.mailfrom=ann@example.org", NOTHING),
            ("dkim=fail header.d=example.org", "unknown (dkim fail, dmarc unknown)"),
            ("dkim=temperror header.d=example.org; dmarc=temperror header.from=example.org", NOTHING),
            (
                "dkim=fail header.d=evil.example; dkim=pass header.d=example.org",
                "pass by server (dkim pass, dmarc unknown)",
            ),
        ];
        for (result, want) in cases {
            assert_eq!(judge(&[result], None), want, "{result}");
        }
        let pass = "dmarc=pass header.from=example.org";
        assert_eq!(judge(&[pass, pass], None), NOTHING, "one of the two may be a stranger's");
        assert_eq!(judge(&[pass, "dmarc=fail"], None), "fail by server (dkim unknown, dmarc fail)");
        let message =
            mail(&format!("Authentication-Results: mx.example.com; {pass}\nReceived: x\nFrom: a@example.org"), "");
        assert_eq!(
            authenticate(&message, Trusted { servers: &[], sealers: &[] }, None),
            Authentication::UNKNOWN,
            "no server is named by default"
        );
    }

    #[test]
    fn h05_our_own_check_decides_where_no_server_speaks() {
        use Verdict::{Fail, Pass, Unknown};
        type Signed<'a> = &'a [(&'a str, bool, Verdict)];
        let cases: [(bool, Signed<'_>, &str); 9] = [
            (true, &[("example.org", true, Pass)], "pass by signature (dkim pass, dmarc unknown)"),
            (true, &[("list.example", false, Pass)], NOTHING),
            (
                true,
                &[("example.org", true, Fail), ("m.example.org", true, Pass)],
                "pass by signature (dkim pass, dmarc unknown)",
            ),
            (true, &[("example.org", true, Fail)], "fail by signature (dkim fail, dmarc unknown)"),
            (
                true,
                &[("example.org", true, Fail), ("list.example", false, Pass)],
                "fail by signature (dkim fail, dmarc unknown)",
            ),
            (false, &[("example.org", true, Fail)], "unknown (dkim fail, dmarc unknown)"),
            (true, &[("example.org", true, Fail), ("example.org", true, Unknown)], NOTHING),
            (true, &[("list.example", false, Fail)], NOTHING),
            (true, &[], NOTHING),
        ];
        for (enforced, signatures, want) in cases {
            assert_eq!(judge(&[], Some(&found(enforced, signatures))), want, "{signatures:?}");
        }
        // A gateway that writes into the mails it lets through breaks their signatures, and says what it saw before.
        let broken = found(true, &[("example.org", true, Fail)]);
        assert!(judge(&["dmarc=pass header.from=example.org"], Some(&broken)).starts_with("pass by server"));
        // The server names a signer; that it is of the same organisation was found by us.
        let sister = found(true, &[("mail.example.org", true, Unknown)]);
        assert!(judge(&["dkim=pass header.d=mail.example.org"], Some(&sister)).starts_with("pass by server"));
    }

    #[test]
    fn h08_a_sealer_of_ours_is_believed_about_what_it_passed_on() {
        const PASSED: &str = "i=1; mx.list.example; dmarc=pass header.from=example.org";
        let sealed = |seals: &[(&str, &str)]| {
            let seals =
                seals.iter().map(|(domain, results)| Seal { domain: (*domain).into(), results: (*results).into() });
            Findings { seals: seals.collect(), ..found(true, &[("example.org", true, Verdict::Fail)]) }
        };
        let (pass, fail) =
            ("pass by sealer (dkim fail, dmarc unknown)", "fail by signature (dkim fail, dmarc unknown)");
        let dkim = "i=1; mx.list.example; spf=fail; dkim=pass header.d=example.org";
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[("list.example", PASSED)], pass),
            (&[("list.example", dkim)], pass),
            (&[("list.example", "i=2; mx.list.example; arc=pass; dmarc=fail"), ("list.example", PASSED)], pass),
            (&[("evil.example", PASSED)], fail),
            (&[("evil.example", PASSED), ("list.example", PASSED)], fail),
            (&[("list.example", "i=2; mx; none"), ("evil.example", PASSED), ("list.example", PASSED)], fail),
            (&[("list.example", "i=1; mx.list.example; dmarc=pass header.from=evil.example")], fail),
            (&[("list.example", "i=1; mx.list.example; spf=pass smtp.mailfrom=ann@example.org")], fail),
            (&[("list.example", "dmarc=pass header.from=example.org")], fail),
        ];
        for (seals, want) in cases {
            assert_eq!(judge(&[], Some(&sealed(seals))), want, "{seals:?}");
        }
        let forwarded = judge(&["dmarc=fail header.from=example.org"], Some(&sealed(&[("list.example", PASSED)])));
        assert_eq!(forwarded, "pass by sealer (dkim fail, dmarc fail)");
        let right = Findings {
            seals: sealed(&[("list.example", PASSED)]).seals,
            ..found(true, &[("example.org", true, Verdict::Pass)])
        };
        assert_eq!(judge(&[], Some(&right)), "pass by signature (dkim pass, dmarc unknown)");
    }

    #[test]
    fn h06_of_several_people_in_from_none_is_authenticated() {
        let right = found(true, &[("example.org", true, Verdict::Pass)]);
        for from in [
            "From: a@example.org, b@example.org",
            "From: a@example.org\nFrom: b@example.org",
            "From: a@example.org\nFrom: nobody",
            "From: a@example.org\nFrom:",
            "Sender: a@example.org",
        ] {
            assert_eq!(judge_from(from, &["dmarc=pass header.from=example.org"], Some(&right)), NOTHING, "{from}");
        }
    }
}

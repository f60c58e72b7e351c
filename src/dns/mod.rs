//! What the domain name system says of a mail: whether its DKIM signatures are right (RFC 6376), whose they are, and
//! what the domain in From asks of who receives its mail (DMARC, RFC 9989); and whether the seals of those who passed it
//! on are right (ARC, RFC 8617).
//!
//! Only a mail that carries a signature, or the seal of somebody we trust, costs a query. No mail waits longer than [`PATIENCE`]; what is not answered by
//! then is not known, and a mail of which nothing is known is treated as such. Nothing here is a verdict: `screen`
//! judges what was found.

mod zone;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use mail_auth::arc::{ChainLink, Seal as ArcSeal, Signature as ArcSignature};
use mail_auth::crypto::Algorithm;
use mail_auth::dkim::{DkimError, Signature as DkimSignature};
use mail_auth::dmarc::{Policy, verify::DmarcParameters};
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::system_conf::read_system_conf;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, Error, MessageAuthenticator, Parameters, SpfOutput,
};
use tokio::task::JoinSet;

use crate::address::{self, Address};
use crate::screen::{Findings, Seal, Signature, Verdict};
use zone::Zone;

/// How long a batch of mails waits for all its answers together. Mails are a batch long on their way already, and an
/// answer that a customer waits for is worth more than knowing who asked.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long one question waits, before it is asked once more.
const QUESTION: Duration = Duration::from_secs(2);
/// Answers kept for as long as their domains allow: the senders of a busy day.
const CACHED_ANSWERS: u64 = 4096;
/// Signatures of one mail that are checked. The sender, the provider and a list sign; more are somebody's joke.
const MAX_SIGNATURES: usize = 8;
/// Seals of one mail that are checked, each of which costs a question. RFC 8617 §4.2.1 allows 50; a list and the
/// provider of its members are three or four.
const MAX_SEALS: usize = 10;
/// Fields that one signature covers. Each is looked for in the whole header.
const MAX_SIGNED_FIELDS: usize = 256;
/// Octets of the smallest RSA key that proves something: 1024 bits (RFC 8301 §3.2).
const MIN_RSA_OCTETS: usize = 128;

/// Asks about signatures. Clones ask the same resolver and share its cache.
#[derive(Clone)]
pub struct Dns {
    authenticator: MessageAuthenticator,
    zone: Arc<Zone>,
    patience: Duration,
}

/// A mail whose signatures can be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// All of it, as it came.
    pub bytes: Vec<u8>,
    /// Who stands in From.
    pub from: Address,
    /// Domains whose seals are believed, as A-labels; a chain that ends with another is not looked at.
    pub sealers: Vec<String>,
}

/// There is nobody to ask. Trying again helps once the machine is configured.
#[derive(Debug, thiserror::Error)]
#[error("no resolver: {0}")]
pub struct NoResolver(String);

impl Dns {
    /// Asks the resolvers of this machine (`/etc/resolv.conf`).
    pub fn of_this_machine() -> Result<Dns, NoResolver> {
        let (config, options) = read_system_conf().map_err(|error| NoResolver(error.to_string()))?;
        Dns::new(config, options, Zone::asked())
    }

    /// Answers from these TXT records alone, and asks nobody: (name, record), or (name, none) for a name about which
    /// the servers are silent.
    pub fn of_records(records: &[(&str, Option<&str>)]) -> Result<Dns, NoResolver> {
        Dns::new(ResolverConfig::default(), ResolverOpts::default(), Zone::of_records(records))
    }

    fn new(config: ResolverConfig, mut options: ResolverOpts, zone: Zone) -> Result<Dns, NoResolver> {
        options.timeout = QUESTION;
        options.attempts = 1;
        options.cache_size = CACHED_ANSWERS;
        let authenticator =
            MessageAuthenticator::new(config, options).map_err(|error| NoResolver(error.to_string()))?;
        Ok(Dns { authenticator, zone: Arc::new(zone), patience: PATIENCE })
    }

    /// What is found out about a batch of mails, in their order, side by side and in [`PATIENCE`]. `None` for a mail
    /// that was not to be asked about, or that could not be looked at in time.
    pub async fn look(&self, mails: Vec<Option<Signed>>) -> Vec<Option<Findings>> {
        let mut found: Vec<Option<Findings>> = vec![None; mails.len()];
        let mut asked = JoinSet::new();
        for (index, mail) in mails.into_iter().enumerate() {
            let Some(mail) = mail else { continue };
            let dns = self.clone();
            // A task of its own: a mail that defeats the verifier is a mail of which nothing is known.
            asked.spawn(async move { (index, dns.findings(&mail).await) });
        }
        let collect = async {
            while let Some(answered) = asked.join_next().await {
                if let Ok((index, findings)) = answered {
                    found[index] = findings;
                }
            }
        };
        if tokio::time::timeout(self.patience, collect).await.is_err() {
            tracing::warn!("some DKIM signatures could not be checked within {:?}", self.patience);
        }
        found
    }

    /// What is found out about one mail; `None` if its From is not read as ours was.
    async fn findings(&self, mail: &Signed) -> Option<Findings> {
        let (octets, from) = (with_crlf(&mail.bytes), &mail.from);
        let mut message = AuthenticatedMessage::parse(&octets)?;
        // Two programs that read one field differently must not agree on whose signature it is.
        match message.from_addresses() {
            [only] if address::parse_domain(only.rsplit('@').next()?).as_deref() == Some(from.domain()) => {}
            _ => return None,
        }
        let mut kept = 0;
        message.retain_dkim_signatures(|signature| {
            let fit = kept < MAX_SIGNATURES && proves_from(signature);
            kept += usize::from(fit);
            if fit { Ok(()) } else { Err(DkimError::UnsupportedAlgorithm) }
        });
        let mut findings = Findings { seals: self.seals(&message, &mail.sealers).await, ..Findings::default() };
        if message.dkim_signatures().is_empty() {
            return Some(findings);
        }
        for output in self.authenticator.verify_dkim(Parameters::new(&message).with_cache(&*self.zone)).await {
            let Some(signature) = output.signature() else { continue };
            let Some(domain) = address::parse_domain(&signature.d) else { continue };
            let (aligned, enforced) = self.alignment(&message, signature).await;
            let aligned = aligned || domain == from.domain();
            findings.enforced |= enforced;
            findings.signatures.push(Signature { domain, aligned, verdict: verdict(output.result(), signature) });
        }
        Some(findings)
    }

    /// The seals of the mail, the newest first, if the newest is of somebody we trust and the whole chain is right.
    async fn seals(&self, message: &AuthenticatedMessage<'_>, sealers: &[String]) -> Vec<Seal> {
        let domain_of = |seal: &ArcSeal| address::parse_domain(&seal.d);
        let (seals, signatures) = (message.arc_seals(), message.arc_message_signatures());
        let (Some(seal), Some(signature)) = (seals.last(), signatures.last()) else { return Vec::new() };
        let trusted = domain_of(&seal.header).is_some_and(|domain| sealers.contains(&domain));
        if !trusted
            || seals.len() > MAX_SEALS
            || !covers_from(&signature.header)
            || !seals.iter().all(|s| is_long(&s.header))
        {
            return Vec::new();
        }
        let output = self.authenticator.verify_arc(Parameters::new(message).with_cache(&*self.zone)).await;
        if *output.result() != DkimResult::Pass {
            return Vec::new();
        }
        let seal = |link: &ChainLink<'_>| {
            let results = String::from_utf8_lossy(link.results.value).into_owned();
            domain_of(link.seal.header).map(|domain| Seal { domain, results })
        };
        // A name that is none ends what can be trusted.
        output.chain().iter().rev().map_while(seal).collect()
    }

    /// Is the signer of the same organisation as From (RFC 9989 §4.10.2), and does that organisation ask that mail
    /// which fails be turned away? Asked as if the signature were right, and the envelope said nothing.
    async fn alignment(&self, message: &AuthenticatedMessage<'_>, signature: &DkimSignature) -> (bool, bool) {
        let vouched = [DkimOutput::from(DkimResult::Pass).with_signature(signature)];
        let envelope = SpfOutput::new(String::new());
        let parameters = Parameters::new(DmarcParameters::new(message, &vouched, "", &envelope));
        let output = self.authenticator.verify_dmarc(parameters.with_cache(&*self.zone)).await;
        let enforced = matches!(output.policy(), Policy::Quarantine | Policy::Reject);
        (*output.dkim_result() == DmarcResult::Pass, enforced)
    }
}

/// A signature that leaves From out, or covers the beginning of the text only, proves nothing about what we read
/// (RFC 6376 §5.4, §8.2); SHA-1 proves nothing at all (RFC 8301 §3.1).
fn proves_from(signature: &DkimSignature) -> bool {
    signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"))
        && signature.h.len() <= MAX_SIGNED_FIELDS
        && signature.l == 0
        && signature.a != Algorithm::RsaSha1
}

/// The same of the newest signature of a chain.
fn covers_from(signature: &ArcSignature) -> bool {
    signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"))
        && signature.h.len() <= MAX_SIGNED_FIELDS
        && signature.l == 0
        && (signature.a != Algorithm::RsaSha256 || signature.b.len() >= MIN_RSA_OCTETS)
        && signature.a != Algorithm::RsaSha1
}

/// The seal is as long as its key.
fn is_long(seal: &ArcSeal) -> bool {
    (seal.a != Algorithm::RsaSha256 || seal.b.len() >= MIN_RSA_OCTETS) && seal.a != Algorithm::RsaSha1
}

/// Wrong is only what was held against its key and does not fit. A key that is not there or has been withdrawn, and a
/// signature that has expired, are what late reading brings.
fn verdict(result: &DkimResult, signature: &DkimSignature) -> Verdict {
    // The signature is as long as the key.
    let short = signature.a == Algorithm::RsaSha256 && signature.b.len() < MIN_RSA_OCTETS;
    match result {
        DkimResult::Pass if short => Verdict::Fail,
        DkimResult::Pass => Verdict::Pass,
        DkimResult::Fail(_) | DkimResult::Neutral(Error::Dkim(DkimError::BodyHashMismatch)) => Verdict::Fail,
        DkimResult::Neutral(_) | DkimResult::PermError(_) | DkimResult::TempError(_) | DkimResult::None => {
            Verdict::Unknown
        }
    }
}

/// The mail as it went over the wire: a Maildir keeps it with the line ends of its machine.
fn with_crlf(mail: &[u8]) -> Cow<'_, [u8]> {
    let first = mail.iter().position(|octet| *octet == b'\n').unwrap_or(0);
    if first > 0 && mail[first - 1] == b'\r' {
        return Cow::Borrowed(mail);
    }
    let mut wire = Vec::with_capacity(mail.len() + mail.len() / 32);
    for &octet in mail {
        if octet == b'\n' && wire.last() != Some(&b'\r') {
            wire.push(b'\r');
        }
        wire.push(octet);
    }
    Cow::Owned(wire)
}

#[cfg(test)]
mod tests;

//! Mails signed here, with keys of our own, against a zone that is written down. No packet leaves.

use mail_auth::crypto::{DkimKey, Ed25519Key, RsaKey, SigningKey};
use mail_auth::dkim::{Canonicalization, DkimSigner};
use mail_auth::headers::HeaderWriter;
use mail_auth::hickory_resolver::config::NameServerConfig;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};

use super::*;

/// A private key and the record that publishes it.
struct Keys {
    key: DkimKey,
    record: String,
}

fn rsa(pem: &str) -> Keys {
    let key = RsaKey::from_key_der(PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    Keys { record: format!("v=DKIM1; k=rsa; p={}", base64(&key.public_key())), key: key.into() }
}

fn rsa_2048() -> Keys {
    rsa(include_str!("../../tests/dkim/rsa-2048.pem"))
}

fn ed25519() -> Keys {
    let PrivateKeyDer::Pkcs8(der) =
        PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/dkim/ed25519.pem")).unwrap()
    else {
        unreachable!("openssl writes PKCS #8")
    };
    let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).unwrap();
    Keys { record: format!("v=DKIM1; k=ed25519; p={}", base64(&key.public_key())), key: key.into() }
}

fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let number =
            group.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let symbol = ALPHABET[(number >> (18 - 6 * digit)) as usize & 63] as char;
            text.push(if digit > group.len() { '=' } else { symbol });
        }
    }
    text
}

const FROM: &str = "From: Ann <ann@example.org>";
const BODY: &str = "Hello,\r\nplease help.\r\n";

/// Signs a mail, written in canonical form already, with just these tags: also as no honest signer would.
fn signed(keys: &Keys, tags: &str, covered: &[&str], fields: &[&str]) -> Vec<u8> {
    let value = |name: &str| {
        let field =
            fields.iter().rev().find_map(|field| field.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        field.map(|(name, value)| format!("{}:{value}\r\n", name.to_lowercase())).unwrap_or_default()
    };
    let hash = base64(&Sha256::digest(BODY.as_bytes()));
    let algorithm = keys.key.algorithm().name();
    let unsigned =
        format!("v=1; a={algorithm}; c=relaxed/relaxed; s=s1; {tags}; h={}; bh={hash}; b=", covered.join(":"));
    let data = covered.iter().map(|name| value(name)).collect::<String>() + "dkim-signature:" + &unsigned;
    let signature = base64(&keys.key.sign(data.as_bytes()).unwrap());
    format!("DKIM-Signature: {unsigned}{signature}\r\n{}\r\n\r\n{BODY}", fields.join("\r\n")).into_bytes()
}

/// Ann's mail, signed in the name of `domain`.
fn from_ann(keys: &Keys, domain: &str) -> Vec<u8> {
    signed(keys, &format!("d={domain}"), &["from", "subject"], &[FROM, "Subject: Help"])
}

fn changed(mail: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(mail.to_vec()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to).into_bytes()
}

const REJECT: (&str, Option<&str>) = ("_dmarc.example.org", Some("v=DMARC1; p=reject"));

/// The keys of `example.org` and others; DMARC as given.
fn zone(keys: &Keys, dmarc: &[(&str, Option<&str>)]) -> Dns {
    let record = Some(keys.record.as_str());
    let mut records = vec![
        ("s1._domainkey.example.org", record),
        ("s1._domainkey.mail.example.org", record),
        ("s1._domainkey.list.example", record),
        ("s1._domainkey.relay.example", record),
        ("s1._domainkey.evil.example", record),
        ("s1._domainkey.silent.example.org", None),
        ("s1._domainkey.gone.example.org", Some("v=DKIM1; p=")),
    ];
    records.extend(dmarc);
    Dns::of_records(&records).unwrap()
}

async fn found(dns: &Dns, mail: &[u8]) -> Option<Findings> {
    let sealers = vec!["list.example".to_owned(), "relay.example".to_owned()];
    let mail = Signed { bytes: mail.to_vec(), from: "ann@example.org".parse().unwrap(), sealers };
    dns.look(vec![None, Some(mail)]).await.pop().unwrap()
}

/// `domain: verdict`, in brackets where it is not aligned, and `!` where the domain enforces its policy.
async fn check(dns: &Dns, mail: &[u8], want: &str) {
    let findings = found(dns, mail).await.unwrap();
    let one = |signature: &Signature| {
        let (domain, verdict) = (&signature.domain, signature.verdict.as_str());
        if signature.aligned { format!("{domain} {verdict}") } else { format!("[{domain} {verdict}]") }
    };
    let told: Vec<String> = findings.signatures.iter().map(one).collect();
    let told = format!("{}{}", told.join(", "), if findings.enforced { "!" } else { "" });
    assert_eq!(told, want, "{}", String::from_utf8_lossy(mail));
}

#[tokio::test]
async fn h05_a_right_signature_of_the_senders_domain_is_found_right() {
    for keys in [rsa_2048(), rsa(include_str!("../../tests/dkim/rsa-1024.pem")), ed25519()] {
        let dns = zone(&keys, &[REJECT]);
        let mail = from_ann(&keys, "example.org");
        check(&dns, &mail, "example.org pass!").await;
        check(&dns, &changed(&mail, "please help", "please pay"), "example.org fail!").await;
        check(&dns, &changed(&mail, "Subject: Help", "Subject: Hell"), "example.org fail!").await;
        check(&dns, &changed(&mail, "Ann <ann@example.org>", "Eve <ann@example.org>"), "example.org fail!").await;
        // As a Maildir keeps it.
        check(&dns, &changed(&mail, "\r\n", "\n"), "example.org pass!").await;
    }
}

#[tokio::test]
async fn h05_mails_of_every_kind_are_found_right_and_with_one_letter_changed_wrong() {
    use Canonicalization::{Relaxed, Simple};
    let keys = ed25519();
    let dns = zone(&keys, &[]);
    for n in 0..200 {
        let (head, body) = ([Relaxed, Simple][n % 2], [Relaxed, Simple][n / 2 % 2]);
        let text = format!("第 {n} 封\r\n{}  x \t y\r\n{}", " \r\n".repeat(n % 5), "\r\n".repeat(n % 3));
        let mail = format!("From:  Ann\r\n <ann@example.org>\r\nSubject: mail {n} \r\nTo: b@example.com\r\n\r\n{text}");
        let PrivateKeyDer::Pkcs8(der) =
            PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/dkim/ed25519.pem")).unwrap()
        else {
            unreachable!("openssl writes PKCS #8")
        };
        let signature =
            DkimSigner::from_key(Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).unwrap())
                .domain("example.org")
                .selector("s1")
                .headers(["From", "Subject", "To", "Cc"])
                .header_canonicalization(head)
                .body_canonicalization(body)
                .sign(mail.as_bytes())
                .unwrap();
        let mail = format!("{}{mail}", signature.to_header()).into_bytes();
        check(&dns, &mail, "example.org pass").await;
        check(&dns, &changed(&mail, &format!("第 {n} 封"), "第 x 封"), "example.org fail").await;
        check(&dns, &changed(&mail, &format!("mail {n} "), "mail x "), "example.org fail").await;
        check(&dns, &changed(&mail, "To: b@", "Cc: eve@example.com\r\nTo: b@"), "example.org fail").await;
    }
}

#[tokio::test]
async fn h05_a_short_key_proves_nothing_and_sha1_is_not_looked_at() {
    let short = rsa(include_str!("../../tests/dkim/rsa-768.pem"));
    check(&zone(&short, &[]), &from_ann(&short, "example.org"), "example.org fail").await;
    let keys = rsa_2048();
    let sha1 = changed(&from_ann(&keys, "example.org"), "rsa-sha256", "rsa-sha1");
    check(&zone(&keys, &[]), &sha1, "").await;
}

#[tokio::test]
async fn h05_who_belongs_together_is_what_the_domains_say() {
    let keys = ed25519();
    let relaxed = zone(&keys, &[REJECT]);
    check(&relaxed, &from_ann(&keys, "mail.example.org"), "mail.example.org pass!").await;
    check(&relaxed, &from_ann(&keys, "list.example"), "[list.example pass]!").await;
    let strict = zone(&keys, &[("_dmarc.example.org", Some("v=DMARC1; p=quarantine; adkim=s"))]);
    check(&strict, &from_ann(&keys, "mail.example.org"), "[mail.example.org pass]!").await;
    check(&strict, &from_ann(&keys, "example.org"), "example.org pass!").await;
    // Without a record nobody knows where the organisation begins.
    check(&zone(&keys, &[]), &from_ann(&keys, "mail.example.org"), "[mail.example.org pass]").await;
    // A public suffix belongs to nobody: whoever has a name below it is a stranger to it.
    let public = zone(&keys, &[("_dmarc.example.org", Some("v=DMARC1; p=reject; psd=y"))]);
    check(&public, &from_ann(&keys, "mail.example.org"), "[mail.example.org pass]!").await;
    for mild in ["v=DMARC1; p=none", "v=DMARC1; p=quarantine; t=y", "v=spf1 -all"] {
        let dns = zone(&keys, &[("_dmarc.example.org", Some(mild))]);
        check(&dns, &from_ann(&keys, "example.org"), "example.org pass").await;
    }
}

#[tokio::test]
async fn h06_what_leaves_out_from_or_the_end_of_the_text_is_not_looked_at() {
    let keys = ed25519();
    let dns = zone(&keys, &[REJECT]);
    let sign = |tags: &str, covered: &[&str], fields: &[&str]| signed(&keys, tags, covered, fields);
    let plain = [FROM, "Subject: Help"];
    let part = format!("d=example.org; l={}", BODY.len());
    check(&dns, &sign(&part, &["from", "subject"], &plain), "").await;
    check(&dns, &sign("d=example.org", &["subject"], &plain), "").await;
    check(&dns, &sign("d=example.org", &["FROM"], &plain), "example.org pass!").await;
    let two = sign("d=example.org", &["from"], &["From: eve@evil.example", FROM]);
    assert_eq!(found(&dns, &two).await, None, "of two in From nobody is meant");
    let other = sign("d=example.org", &["from"], &["From: eve@evil.example"]);
    assert_eq!(found(&dns, &other).await, None, "not the sender whom we have read");
}

#[tokio::test]
async fn a_signature_that_cannot_be_checked_any_more_is_not_wrong() {
    let keys = ed25519();
    let dns = zone(&keys, &[REJECT]);
    let tags = |tags: &str| signed(&keys, tags, &["from"], &[FROM]);
    check(&dns, &tags("d=example.org; t=1000; x=2000"), "example.org unknown!").await;
    check(&dns, &tags("d=example.org; t=1000; x=99999999999"), "example.org pass!").await;
    check(&dns, &tags("d=gone.example.org"), "gone.example.org unknown!").await;
    check(&dns, &tags("d=silent.example.org"), "silent.example.org unknown!").await;
    check(&dns, &changed(&tags("d=example.org"), "s=s1", "s=s2"), "example.org unknown!").await;
    check(&dns, &tags("d=example.org; i=@evil.example"), "example.org fail!").await;
    let silent = zone(&keys, &[("_dmarc.example.org", None)]);
    check(&silent, &tags("d=example.org"), "example.org pass").await;
    check(&silent, &tags("d=mail.example.org"), "[mail.example.org pass]").await;
}

#[tokio::test]
async fn a_mail_without_a_signature_costs_no_question_and_no_mail_stops_the_others() {
    let keys = ed25519();
    let dns = zone(&keys, &[REJECT]);
    check(&dns, format!("{FROM}\r\n\r\nHello\r\n").as_bytes(), "").await;
    let right = from_ann(&keys, "example.org");
    let signature = String::from_utf8(right.clone()).unwrap().lines().next().unwrap().to_owned();
    let many = format!("{signature}\r\n").repeat(100);
    let broken = changed(&right, &signature, &(many + &signature));
    let found_many = found(&dns, &broken).await.unwrap();
    assert_eq!(found_many.signatures.len(), MAX_SIGNATURES);
    let wide = format!("d=example.org; z={}", "x".repeat(10_000));
    check(&dns, &signed(&keys, &wide, &["from"; MAX_SIGNED_FIELDS + 1], &[FROM]), "").await;
    for odd in ["", "\n", "DKIM-Signature:", "DKIM-Signature: ;;;=;b\r\nFrom: ann@example.org", "From: ann@example.org"]
    {
        let _ = found(&dns, odd.as_bytes()).await;
    }
}

#[tokio::test]
async fn no_mail_waits_longer_than_our_patience() {
    // A server on this machine that hears every question and never answers.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut server = NameServerConfig::udp(silent.local_addr().unwrap().ip());
    server.connections[0].port = silent.local_addr().unwrap().port();
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let dns = Dns::new(config, ResolverOpts::default(), Zone::asked()).unwrap();
    let dns = Dns { patience: Duration::from_millis(300), ..dns };
    assert_eq!(found(&dns, &from_ann(&ed25519(), "example.org")).await, None);
    let asked = tokio::time::timeout(Duration::from_secs(30), silent.recv(&mut [0; 512])).await;
    assert!(matches!(asked, Ok(Ok(1..))), "it was asked");
}

/// Seals a mail as who passes it on does (RFC 8617 §5.1), with just these tags in the signature: also as no honest
/// sealer would.
fn sealed_with(keys: &Keys, domain: &str, results: &str, tags: &str, covered: &[&str], mail: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(mail.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let canonical = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        format!("{}:{value}\r\n", name.to_lowercase())
    };
    // The sets before this one, oldest first: results, signature, seal.
    let earlier: Vec<&str> = head.lines().rev().filter(|line| line.starts_with("ARC-")).collect();
    let (instance, validation) = (earlier.len() / 3 + 1, if earlier.is_empty() { "none" } else { "pass" });
    let algorithm = keys.key.algorithm().name();
    let sign = |data: String| base64(&keys.key.sign(data.as_bytes()).unwrap());

    let results = format!("ARC-Authentication-Results: i={instance}; {results}");
    let hash = base64(&Sha256::digest(body.as_bytes()));
    let signature = format!(
        "ARC-Message-Signature: i={instance}; a={algorithm}; c=relaxed/relaxed; d={domain}; s=s1; {tags}h={}; bh={hash}; b=",
        covered.join(":")
    );
    let field = |name: &&str| head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
    let fields: String = covered.iter().filter_map(field).map(canonical).collect();
    let signature = format!("{signature}{}", sign(fields + canonical(&signature).trim_end()));
    let seal = format!("ARC-Seal: i={instance}; a={algorithm}; cv={validation}; d={domain}; s=s1; b=");
    let chain: String = earlier.iter().copied().chain([results.as_str(), &signature]).map(canonical).collect();
    let seal = format!("{seal}{}", sign(chain + canonical(&seal).trim_end()));
    format!("{seal}\r\n{signature}\r\n{results}\r\n{text}").into_bytes()
}

fn sealed(keys: &Keys, domain: &str, results: &str, mail: &[u8]) -> Vec<u8> {
    sealed_with(keys, domain, results, "", &["from", "subject"], mail)
}

/// `domain: results` of each seal that was found right, the newest first.
async fn seals(dns: &Dns, mail: &[u8]) -> Vec<String> {
    let seals = found(dns, mail).await.unwrap().seals;
    seals.iter().map(|seal| format!("{}: {}", seal.domain, seal.results.trim())).collect()
}

#[tokio::test]
async fn h08_an_unbroken_chain_of_a_sealer_of_ours_is_found_and_no_other() {
    const SAID: &str = "mx.list.example; dmarc=pass header.from=example.org";
    const FIRST: &str = "list.example: i=1; mx.list.example; dmarc=pass header.from=example.org";
    const SECOND: &str = "relay.example: i=2; mx.relay.example; arc=pass; dmarc=fail";
    for keys in [rsa_2048(), ed25519()] {
        let dns = zone(&keys, &[REJECT]);
        // A list puts its mark on the subject, and seals what it sends on.
        let marked = changed(&from_ann(&keys, "example.org"), "Subject: Help", "Subject: [list] Help");
        let once = sealed(&keys, "list.example", SAID, &marked);
        assert_eq!(seals(&dns, &once).await, [FIRST]);
        check(&dns, &once, "example.org fail!").await;
        let twice = sealed(&keys, "relay.example", "mx.relay.example; arc=pass; dmarc=fail", &once);
        assert_eq!(seals(&dns, &twice).await, [SECOND, FIRST]);

        let stranger = sealed(&keys, "evil.example", SAID, &marked);
        for (wrong, why) in [
            (changed(&once, "please help", "please pay"), "another text"),
            (changed(&once, "[list] Help", "[list] Hell"), "another subject"),
            (changed(&once, "dmarc=pass", "dmarc=none"), "other results"),
            (changed(&once, "d=list.example; s=s1; b=", "d=relay.example; s=s1; b="), "another sealer"),
            (changed(&twice, SAID, "mx.list.example; dmarc=pass header.from=evil.example"), "results of the first"),
            (changed(&once, "cv=none", "cv=pass"), "no chain before it"),
            (changed(&once, "ARC-Message-Signature: i=1", "ARC-Message-Signature: i=2"), "a set that is none"),
            (stranger.clone(), "nobody we know"),
            (sealed(&keys, "evil.example", SAID, &once), "the last is nobody we know"),
            (sealed_with(&keys, "list.example", SAID, "", &["subject"], &marked), "From is left out"),
            (sealed_with(&keys, "list.example", SAID, "l=5; ", &["from"], &marked), "the end of the text is left out"),
            (sealed_with(&keys, "list.example", SAID, "t=1000; x=2000; ", &["from"], &marked), "expired"),
            (sealed(&keys, "silent.example", SAID, &marked), "no key"),
        ] {
            assert_eq!(seals(&dns, &wrong).await, [""; 0], "{why}: {}", String::from_utf8_lossy(&wrong));
        }
        // Below a seal of ours a stranger's is told as what it is.
        let above = sealed(&keys, "list.example", "mx.list.example; arc=pass", &stranger);
        let domains: Vec<String> =
            found(&dns, &above).await.unwrap().seals.into_iter().map(|seal| seal.domain).collect();
        assert_eq!(domains, ["list.example", "evil.example"]);
    }
    let short = rsa(include_str!("../../tests/dkim/rsa-768.pem"));
    let plain = format!("{FROM}\r\nSubject: Help\r\n\r\n{BODY}").into_bytes();
    assert_eq!(seals(&zone(&short, &[]), &sealed(&short, "list.example", SAID, &plain)).await, [""; 0], "a short key");
    let keys = ed25519();
    let many = (0..=MAX_SEALS).fold(plain, |mail, _| sealed(&keys, "list.example", SAID, &mail));
    assert_eq!(seals(&zone(&keys, &[]), &many).await, [""; 0], "too long a chain");
}

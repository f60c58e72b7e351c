//! Logging in at scripted IMAP servers: where no password is sent, what TLS protects, what each answer means.

use huixin::imap::{Auth, Settings, Tls};
use huixin::mailbox::SourceError;

use crate::peer::AUTHORITY;
use crate::peer::imap::{LIST, LOGIN, SELECT, look};

#[tokio::test]
async fn no_password_is_sent_where_it_is_not_safe() {
    let capabilities =
        |words: &str| format!("S: * OK ready\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 {words}\nS: = OK done\n");
    let starttls = capabilities("STARTTLS LOGINDISABLED") + "C: STARTTLS\n";
    type Change = fn(&mut Settings);
    let start: Change = |s| s.tls = Tls::StartTls;
    let cases: Vec<(&str, String, Change)> = vec![
        ("goodbye", "S: * BYE full".to_owned(), |_| {}),
        ("PREAUTH", "S: * PREAUTH welcome".to_owned(), |_| {}),
        ("PREAUTH", "S: * PREAUTH welcome".to_owned(), start),
        ("LOGINDISABLED", capabilities("LOGINDISABLED"), |_| {}),
        ("does not offer AUTHENTICATE PLAIN", capabilities("AUTH=XOAUTH2"), |s| s.auth = Auth::Plain),
        ("offers no STARTTLS", capabilities(""), start),
        ("NO", starttls.clone() + "S: = NO not today", start),
        ("between STARTTLS and TLS", starttls.clone() + "S: = OK go on\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN", start),
        ("between STARTTLS and TLS", starttls.clone() + "S: = OK go on\nS> *", start),
        ("no TLS", starttls.clone() + "S: = OK go on\nTLS stranger", |s| {
            s.tls = Tls::StartTls;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }),
        // An authority nobody trusts.
        ("no TLS", "TLS localhost".to_owned(), |s| s.tls = Tls::Implicit),
        // A certificate for another host.
        ("no TLS", "TLS stranger".to_owned(), |s| {
            s.tls = Tls::Implicit;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }),
        ("cannot be read", "S: HTTP/1.1 400 Bad Request".to_owned(), |_| {}),
    ];
    for (why, script, change) in cases {
        let error = look(&script, change).await.unwrap_err();
        assert!(matches!(&error, SourceError::Trouble(text) if text.contains(why)), "{why}: {error}");
    }
}

#[tokio::test]
async fn tls_protects_from_the_first_octet_or_from_starttls_on() {
    let trusting = |tls: Tls| {
        move |s: &mut Settings| {
            s.tls = tls;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }
    };
    let implicit = ["TLS localhost", LOGIN, SELECT, LIST].concat();
    assert!(look(&implicit, trusting(Tls::Implicit)).await.is_ok());
    let upgrade = "
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN
S: = OK done
C: STARTTLS
S: = OK go on
TLS localhost
";
    // RFC 9051 §6.2.1: no greeting again, and the capabilities are asked for again.
    let behind = LOGIN.replace("S: * OK ready\n", "");
    let starttls = [upgrade, &behind, SELECT, LIST].concat();
    assert!(look(&starttls, trusting(Tls::StartTls)).await.is_ok());
}

#[tokio::test]
async fn every_way_to_log_in_ends_in_ok_or_refused() {
    let offer =
        |words: &str| format!("S: * OK ready\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 {words}\nS: = OK done\n");
    let welcome = "S: * CAPABILITY IMAP4rev1\nS: = OK [CAPABILITY IMAP4rev1] welcome\n";
    let rest = [welcome, SELECT, LIST].concat();
    let plain: fn(&mut Settings) = |s| s.auth = Auth::Plain;
    let token: fn(&mut Settings) = |s| s.auth = Auth::XOAuth2;
    let good = [
        (offer("AUTH=PLAIN SASL-IR") + "C: AUTHENTICATE PLAIN AHUAcA==\n", plain),
        (offer("AUTH=PLAIN") + "C: AUTHENTICATE PLAIN\nS: * OK wait\nS: + \nC> AHUAcA==\n", plain),
        (offer("AUTH=XOAUTH2 SASL-IR") + "C: AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\n", token),
    ];
    for (script, change) in good {
        let listing = look(&(script + &rest), change).await;
        assert!(listing.is_ok(), "{listing:?}");
    }
    let bad = [
        (offer("") + "C: LOGIN \"u\" \"p\"\nS: = NO [AUTHENTICATIONFAILED] no", (|_| {}) as fn(&mut Settings)),
        (offer("") + "C: LOGIN \"u\" \"p\"\nS: = BAD no", |_| {}),
        // The second challenge of XOAUTH2 waits for an empty line.
        (
            offer("AUTH=XOAUTH2")
                + "C: AUTHENTICATE XOAUTH2\nS: +\nC> dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\nS: + eyJzdGF0dXMiOiI0MDAifQ==\nC> \nS: = NO failed",
            token,
        ),
    ];
    for (script, change) in bad {
        let error = look(&script, change).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused(_)), "{error}");
    }
    // RFC 5530: the server's own trouble says nothing about our password.
    let script = offer("") + "C: LOGIN \"u\" \"p\"\nS: = NO [UNAVAILABLE] later";
    let error = look(&script, |_| {}).await.unwrap_err();
    assert!(matches!(error, SourceError::Trouble(_)), "{error}");
}

#[tokio::test]
async fn we_say_who_we_are_before_select_where_that_is_asked_for() {
    let login = LOGIN.replace("IDLE MOVE UIDPLUS", "ID");
    let version = env!("CARGO_PKG_VERSION");
    for answer in ["* ID (\"name\" \"x\")\nS: = OK done", "= NO no", "= BAD what"] {
        let id = format!("C: ID (\"name\" \"huixin\" \"version\" \"{version}\" \"vendor\" \"huixin\")\nS: {answer}\n");
        let script = [&login, id.as_str(), SELECT, LIST].concat();
        assert!(look(&script, |_| {}).await.is_ok(), "{answer}");
    }
}

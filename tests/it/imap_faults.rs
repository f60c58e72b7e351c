//! Whole days at the mailbox with a fault in them: whatever breaks, each mail is taken once, and none is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use huixin::ids::{MailHash, MessageId};
use huixin::imap::ImapSource;
use huixin::mailbox::{Fetched, Known, Source};
use huixin::store::{self, Fate};

use tokio::task::JoinSet;

use crate::doses::dose;
use crate::office::{Office, mailbox, question, step, take_all};
use crate::peer::host::{Host, Way};
use crate::peer::mailhost::{DONE, Folder, INBOX, MailHost};

/// What a common server offers, one with less, and one with nothing beyond RFC 3501.
const OFFERS: [&str; 3] = ["IDLE MOVE UIDPLUS ID", "UIDPLUS", ""];

/// What is left of a day.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    cases: usize,
    outbox: BTreeSet<MessageId>,
    done: BTreeSet<Vec<u8>>,
}

/// A bot that has looked into an empty mailbox, and then some mails have come.
async fn desk(host: &MailHost, mails: usize) -> Office {
    let office = Office::new();
    let quiet = host.serve(|_, _| Way::Whole).await;
    assert_eq!(take_all(&office, &mut office.ingest(mailbox(quiet.port, |_| {})), 5).await, 0);
    for n in 0..mails {
        host.lay(&question(n));
    }
    office
}

/// A day with a host whose sessions go past `fault`.
async fn day(
    offers: &'static str,
    fault: impl Fn(crate::peer::host::Moment<'_>, &[u8]) -> Way + Send + Sync + 'static,
) -> (Left, Host, usize) {
    const MAILS: usize = 3;
    let account = MailHost::new(offers);
    let office = desk(&account, MAILS).await;
    let host = account.serve(fault).await;
    let keyword = |s: &mut huixin::imap::Settings| s.after.keyword = Some("$Huixin".to_owned());
    let failed = take_all(&office, &mut office.ingest(mailbox(host.port, keyword)), 30).await;
    // Without MOVE a mail may stay, marked as deleted: without UIDPLUS, and where the cut came between the mark and
    // the EXPUNGE. For then nobody can tell our mark from a person's (I07).
    let there = account.account().folder(INBOX).mails.clone();
    let marked = there.iter().all(|mail| mail.flags.contains("\\Deleted"));
    assert!(there.is_empty() || (marked && !offers.contains("MOVE")), "{offers}: {there:?}");
    let done = account.mails(DONE).into_iter().collect();
    (Left { cases: office.cases(), outbox: office.outbox(), done }, host, failed)
}

/// F11: the connection is cut before, within and behind each response of a whole session.
#[tokio::test(flavor = "multi_thread")]
async fn f11_a_session_cut_at_any_place_loses_and_doubles_nothing() {
    let mut cuts = 0;
    for (n, offers) in OFFERS.into_iter().enumerate() {
        let (quiet, host, _) = day(offers, |_, _| Way::Whole).await;
        assert_eq!((quiet.cases, quiet.outbox.len(), quiet.done.len()), (3, 3, 3));
        assert!(host.responses() > 20, "{}", host.responses());
        for at in 0..host.responses() {
            for (place, part) in [(0, 0), (1, 2), (2, 1)] {
                // In a short run each response is cut on one of the three servers, at one of the three places.
                if dose(at % 3, n) != n || dose(at / 3 % 3, place) != place {
                    continue;
                }
                let (left, host, failed) = day(offers, move |moment, response| match moment {
                    _ if moment.connection > 0 || moment.response != at => Way::Whole,
                    _ => Way::Cut(response.len() * part / 2),
                })
                .await;
                assert_eq!(left, quiet, "{offers}: cut in response {at}, {part}/2 of it");
                assert!(host.connections() <= 2 && failed <= 1, "{offers} {at}");
                cuts += 1;
            }
        }
    }
    println!("{cuts} cuts: nothing lost, nothing twice");
}

/// F11: several cuts in one day, anywhere. Five at most, since a mail at which six connections break one after the
/// other may be given up (three times in a batch, three times alone).
#[tokio::test(flavor = "multi_thread")]
async fn f11_several_cuts_anywhere_lose_and_double_nothing() {
    let (quiet, ..) = day(OFFERS[0], |_, _| Way::Whole).await;
    for seed in 0..dose(10, 250) as u64 {
        let (left, ..) = day(OFFERS[0], move |moment, response| {
            let mut random = fastrand::Rng::with_seed(seed * 1_000 + moment.connection as u64);
            let (at, part) = (random.usize(..24), random.usize(..=response.len()));
            match moment.connection < 5 && moment.response == at {
                true if random.bool() => Way::Reset(part),
                true => Way::Cut(part),
                false => Way::Whole,
            }
        })
        .await;
        assert_eq!(left, quiet, "seed {seed}");
    }
}

/// F19, I05: a line that goes dead at any place of a session, without a word.
#[tokio::test(flavor = "multi_thread")]
async fn f19_a_line_that_goes_dead_anywhere_is_given_up_in_time() {
    let mut lines = JoinSet::new();
    for at in (0..24).step_by(dose(2, 1)) {
        lines.spawn(async move {
            let account = MailHost::new(OFFERS[0]);
            let office = desk(&account, 3).await;
            let host = account
                .serve(move |moment, response| match moment.connection == 0 && moment.response == at {
                    true => Way::Silence(response.len() / 2),
                    false => Way::Whole,
                })
                .await;
            let begun = Instant::now();
            let source = mailbox(host.port, |s| s.patience.answer = Duration::from_secs(1));
            take_all(&office, &mut office.ingest(source), 50).await;
            assert!(begun.elapsed() < Duration::from_secs(30), "{at}: {:?}", begun.elapsed());
            assert_eq!((office.cases(), account.mails(DONE).len()), (3, 3), "{at}");
        });
    }
    lines.join_all().await;
}

/// F19: a server that drips is left when its time is over, one that is merely slow is not.
#[tokio::test(flavor = "multi_thread")]
async fn f19_a_drip_ends_in_time_and_a_slow_server_is_borne() {
    let ways: [(&str, Way, Duration, bool); 2] = [
        ("an octet now and then", Way::Drip(Duration::from_millis(50)), Duration::from_millis(400), false),
        ("each response late", Way::Late(Duration::from_millis(60)), Duration::from_secs(60), true),
    ];
    for (name, way, answer, borne) in ways {
        let account = MailHost::new(OFFERS[0]);
        let office = desk(&account, 3).await;
        let host = account.serve(move |_, _| way.clone()).await;
        let mut ingest = office.ingest(mailbox(host.port, |s| s.patience.answer = answer));
        let begun = Instant::now();
        let taken = step(&mut ingest).await;
        assert_eq!(taken.is_some(), borne, "{name}");
        assert_eq!(office.cases(), if borne { 3 } else { 0 }, "{name}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{name}: {:?}", begun.elapsed());
        // On a good line all is well.
        let host = account.serve(|_, _| Way::Whole).await;
        take_all(&office, &mut office.ingest(mailbox(host.port, |_| {})), 5).await;
        assert_eq!((office.cases(), account.mails(DONE).len()), (3, 3), "{name}");
    }
}

/// I05: an IDLE whose line is dead is noticed when it is time to look: within `poll`, and the time of one answer.
/// With the longest of both that can be configured, that is six minutes.
#[tokio::test(flavor = "multi_thread")]
async fn i05_an_idle_on_a_dead_line_ends_at_the_next_look() {
    let account = MailHost::new("IDLE");
    let host = account
        .serve(|moment, _| match moment.connection == 0 && moment.to == "DONE" {
            true => Way::Silence(0),
            false => Way::Whole,
        })
        .await;
    let mut source = mailbox(host.port, |s| {
        (s.poll, s.patience.answer) = (Duration::from_millis(200), Duration::from_secs(3));
    });
    source.list(Known::default(), 10).await.unwrap();
    let begun = Instant::now();
    assert!(source.wait(Duration::from_secs(60)).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    account.lay(&question(1));
    assert_eq!(source.list(Known::default(), 10).await.unwrap().mails.len(), 1);
    let defaults = huixin::imap::Patience::default();
    assert!(huixin::imap::MAX_POLL + defaults.answer <= Duration::from_secs(6 * 60));
}

/// F15, I01: the folder was restored from a backup. Of the mails that were there none is new, and none is answered
/// again; those that came since are.
#[tokio::test(flavor = "multi_thread")]
async fn f15_a_reset_of_uidvalidity_makes_no_old_mail_new_and_loses_no_new_one() {
    let (old, new) = (dose(200, 10_000), dose(10, 50));
    for kept in [true, false] {
        let account = MailHost::new(OFFERS[0]);
        let office = desk(&account, old).await;
        let host = account.serve(|_, _| Way::Whole).await;
        let stays = |s: &mut huixin::imap::Settings| s.after.move_to = None;
        take_all(&office, &mut office.ingest(mailbox(host.port, stays)), 1_000).await;
        assert_eq!((office.cases(), office.outbox().len()), (old, old));
        let outbox = office.outbox();
        {
            let mut account = account.account();
            let mails = account.folder(INBOX).mails.clone();
            let mut restored = Folder::new(8);
            // In another order, and the new ones among them; UIDs begin anew, or go on above the old ones.
            restored.next = if kept { 1 } else { 100_000 };
            let each = old / new;
            for (n, mail) in mails.iter().rev().enumerate() {
                restored.lay(&mail.octets);
                if n % each == 0 && n / each < new {
                    restored.lay(&question(1_000_000 + n / each));
                }
            }
            account.folders.insert(INBOX.to_owned(), restored);
        }
        let begun = Instant::now();
        take_all(&office, &mut office.ingest(mailbox(host.port, stays)), 1_000).await;
        println!("{old} old and {new} new mails after a reset: {:?}", begun.elapsed());
        assert_eq!(office.cases(), old + new);
        assert!((0..new).all(|n| office.is_decided(&question(1_000_000 + n))));
        assert_eq!(office.outbox().difference(&outbox).count(), new, "only the new ones are answered");
    }
}

/// F16: what can become of a mailbox. The bot goes on when it is mended, and says what is wrong until then.
#[tokio::test(flavor = "multi_thread")]
async fn f16_a_mailbox_deleted_and_made_anew_is_watched_again() {
    let account = MailHost::new(OFFERS[0]);
    let office = desk(&account, 2).await;
    let host = account.serve(|_, _| Way::Whole).await;
    let mut ingest = office.ingest(mailbox(host.port, |_| {}));
    take_all(&office, &mut ingest, 5).await;
    let folder = account.account().folders.remove(INBOX).unwrap();
    for _ in 0..3 {
        assert_eq!(step(&mut ingest).await, None);
    }
    assert_eq!(office.cases(), 2);
    account.account().folders.insert(INBOX.to_owned(), Folder::new(folder.uid_validity + 1));
    account.lay(&question(2));
    take_all(&office, &mut ingest, 5).await;
    assert_eq!((office.cases(), account.mails(DONE).len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_the_folder_for_what_is_done_is_made_again_when_it_is_gone() {
    for offers in OFFERS {
        let account = MailHost::new(offers);
        let office = desk(&account, 2).await;
        let host = account.serve(|_, _| Way::Whole).await;
        let mut ingest = office.ingest(mailbox(host.port, |_| {}));
        take_all(&office, &mut ingest, 5).await;
        account.account().folders.remove(DONE);
        account.lay(&question(2));
        take_all(&office, &mut ingest, 5).await;
        assert_eq!((office.cases(), account.mails(DONE)), (3, vec![question(2)]), "{offers}");
    }
}

/// F16, I08: a quota that is full keeps mail in the mailbox and stops nobody; a MOVE done in part is finished later.
#[tokio::test(flavor = "multi_thread")]
async fn i08_a_full_quota_stops_nobody_and_a_move_done_in_part_is_finished_later() {
    for offers in OFFERS {
        let account = MailHost::new(offers);
        let office = desk(&account, 4).await;
        let host = account.serve(|_, _| Way::Whole).await;
        let mut ingest = office.ingest(mailbox(host.port, |_| {}));
        account.account().folders.insert(DONE.to_owned(), Folder::new(1));
        account.account().room = Some(2);
        for n in 0..3 {
            assert!(step(&mut ingest).await.is_some(), "{offers}");
            account.lay(&question(4 + n));
        }
        assert!(step(&mut ingest).await.is_some(), "{offers}");
        assert_eq!(office.cases(), 7, "{offers}: all are taken, moved or not");
        account.account().room = None;
        take_all(&office, &mut ingest, 5).await;
        let done = account.mails(DONE);
        assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 7, "{offers}");
        assert_eq!(done.len(), 7, "{offers}: and none of them twice");
        assert_eq!(office.cases(), 7);
    }
}

/// F16, I09: in a folder that may not be changed mail is taken and left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn i09_mail_of_a_read_only_folder_is_taken_once() {
    let account = MailHost::new(OFFERS[0]);
    let office = desk(&account, 3).await;
    let host = account.serve(|_, _| Way::Whole).await;
    account.account().read_only = true;
    for n in 3..6 {
        let mut ingest = office.ingest(mailbox(host.port, |_| {}));
        take_all(&office, &mut ingest, 5).await;
        account.lay(&question(n));
    }
    assert_eq!((office.cases(), account.mails(INBOX).len()), (5, 6));
    assert!(!host.lines().iter().any(|line| line.contains("STORE") || line.contains("MOVE")));
}

/// I07: what a person has marked as deleted, and not yet removed, is still there.
#[tokio::test(flavor = "multi_thread")]
async fn i07_what_a_person_has_marked_as_deleted_is_never_expunged_by_us() {
    for offers in OFFERS {
        let account = MailHost::new(offers);
        let office = desk(&account, 0).await;
        let host = account.serve(|_, _| Way::Whole).await;
        let mut ingest = office.ingest(mailbox(host.port, |_| {}));
        let theirs = [question(900), question(901)];
        for mail in &theirs {
            account.account().folder(INBOX).lay(mail).flags.insert("\\Deleted".to_owned());
        }
        // A mail of theirs that we have never seen is taken like any other; so they are taken first, unmoved.
        account.account().folders.insert(DONE.to_owned(), Folder::new(1));
        for n in 0..dose(20, 1_000) {
            account.lay(&question(n));
            take_all(&office, &mut ingest, 5).await;
        }
        assert!(!host.lines().iter().any(|line| line.ends_with(" EXPUNGE")), "{offers}");
        if !offers.contains("MOVE") {
            let left = account.mails(INBOX);
            assert!(theirs.iter().all(|mail| left.contains(mail)), "{offers}");
        }
    }
}

/// F17, I02: somebody else reads, flags, moves and removes mail before any command of ours. What was never there for
/// us is theirs; everything else has its end, under its own name.
#[tokio::test(flavor = "multi_thread")]
async fn f17_a_second_client_at_work_disturbs_nobody() {
    let mails = dose(150, 10_000);
    for (offers, seed) in [(OFFERS[0], 17), (OFFERS[1], 18)] {
        let account = MailHost::new(offers);
        let office = desk(&account, 0).await;
        let mut random = fastrand::Rng::with_seed(seed);
        let came = Arc::new(AtomicUsize::new(0));
        let laid = came.clone();
        account.account().folders.insert("Theirs".to_owned(), Folder::new(3));
        account.account().meanwhile = Some(Box::new(move |account, _| {
            for _ in 0..random.usize(..4) {
                let n = laid.load(Ordering::Relaxed);
                if n < mails {
                    account.folder(INBOX).lay(&question(n));
                    laid.store(n + 1, Ordering::Relaxed);
                }
            }
            let inbox = account.folder(INBOX);
            if inbox.mails.is_empty() {
                return;
            }
            let at = random.usize(..inbox.mails.len());
            match random.u8(..8) {
                0..4 => {
                    inbox.mails[at].flags.insert("\\Seen".to_owned());
                }
                4 => {
                    let mail = inbox.mails.remove(at);
                    account.folder("Theirs").lay(&mail.octets);
                }
                5 => drop(inbox.mails.remove(at)),
                6 => {
                    // And back again, under a new UID.
                    let mail = inbox.mails.remove(at);
                    inbox.lay(&mail.octets);
                }
                _ => {}
            }
        }));
        let host = account.serve(|_, _| Way::Whole).await;
        let mut ingest = office.ingest(mailbox(host.port, |_| {}));
        while came.load(Ordering::Relaxed) < mails {
            step(&mut ingest).await;
        }
        account.account().meanwhile = None;
        take_all(&office, &mut ingest, 200).await;
        // Those that are gone without us: vanished, or moved before we saw them.
        let decided = (0..mails).filter(|n| office.is_decided(&question(*n))).count();
        assert_eq!(office.cases(), decided, "{offers}: each mail that was taken is one case");
        let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
        store::ledger(&office.data(), |entry| {
            let fate = match entry.fate {
                Fate::Decided(_) => "decided",
                Fate::Again => "again",
                Fate::Vanished => "vanished",
                Fate::Pending(_) => "pending",
            };
            *fates.entry(fate).or_default() += 1;
        })
        .unwrap();
        println!("{mails} mails beside a second client: {decided} decided, {fates:?}");
        assert_eq!((fates["decided"], fates.get("pending")), (decided, None));
        for mail in account.mails(INBOX).iter().chain(&account.mails(DONE)) {
            assert!(office.is_decided(mail), "{offers}");
        }
        assert!(decided > mails / 3, "{decided}");
    }
}

/// F18: a server that says a mail is small and sends a large one gets no more memory than one large mail has.
#[tokio::test(flavor = "multi_thread")]
async fn f18_mails_larger_than_announced_are_held_one_batch_at_a_time() {
    const HELD: usize = 16 << 20;
    let account = MailHost::new(OFFERS[0]);
    for n in 0..50_u32 {
        let mut mail = question(n as usize);
        mail.resize(1 << 20, b'x');
        account.account().folder(INBOX).lay(&mail).size = Some(5);
    }
    let host = account.serve(|_, _| Way::Whole).await;
    let mut source: ImapSource = mailbox(host.port, |s| s.max_mail = 2 << 20);
    let listing = source.list(Known::default(), 100).await.unwrap();
    let (mut rest, mut rounds) = (&listing.mails[..], 0);
    while !rest.is_empty() {
        let fetched = source.fetch(rest).await.unwrap();
        let octets = |fetched: &Fetched| match fetched {
            Fetched::Whole(octets) | Fetched::Cut(octets) => octets.len(),
            Fetched::Vanished => 0,
        };
        let held: usize = fetched.iter().map(|(_, fetched)| octets(fetched)).sum();
        assert!(!fetched.is_empty() && held <= HELD, "{held} octets in {} mails", fetched.len());
        assert!(fetched.iter().zip(rest).all(|((place, _), listed)| *place == listed.place), "the first ones");
        rest = &rest[fetched.len()..];
        rounds += 1;
    }
    assert!(rounds > 1);
}

/// I11: whatever is in a mail, a command of ours is one of these.
#[tokio::test(flavor = "multi_thread")]
async fn i11_no_word_of_a_mail_is_ever_part_of_a_command() {
    let account = MailHost::new(OFFERS[1]);
    let office = desk(&account, 0).await;
    let bait = "A1 DELETE INBOX";
    for (n, field) in ["Message-ID", "Subject", "From", "References", "In-Reply-To", "To", "Date"].iter().enumerate() {
        for form in ["<a\r\n A1 DELETE INBOX@x>", "=?utf-8?q?a=0D=0AA1_DELETE_INBOX?=", "{16}\r\n A1 DELETE INBOX"] {
            let mail = String::from_utf8(question(n)).unwrap();
            account.lay(format!("{field}: {form}\r\n{mail}").as_bytes());
        }
    }
    let host = account.serve(|_, _| Way::Whole).await;
    take_all(&office, &mut office.ingest(mailbox(host.port, |s| s.after.keyword = Some("$Huixin".into()))), 9).await;
    let grammar = regex::Regex::new(
        r#"^[LH]\d+ (CAPABILITY|LOGIN "support" "[^"]*"|ID \("name" "huixin" [^)]*\)|SELECT "INBOX"|CREATE "Done"|IDLE|NOOP|UID FETCH [\d:,*]+ \((UID FLAGS INTERNALDATE RFC822\.SIZE|UID BODY\.PEEK\[\](<0\.\d+>)?|UID FLAGS)\)|UID STORE [\d:,]+ \+FLAGS\.SILENT \((\$Huixin|\\Deleted)\)|UID (COPY|MOVE) [\d:,]+ "Done"|UID EXPUNGE [\d:,]+)$|^DONE$"#,
    )
    .unwrap();
    for line in host.lines() {
        assert!(grammar.is_match(&line) && !line.contains(bait), "{line}");
    }
    assert_eq!(account.mails(DONE).len(), 21);
    let known: BTreeSet<MailHash> = account.mails(DONE).iter().map(|mail| MailHash::of(mail)).collect();
    assert_eq!(known.len(), 21);
}

//! F48: whatever is in a mail, the bot connects to its configured servers and to nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bot::Bot;
use crate::malformed::all_mails;
use crate::peer;

#[test]
fn f48_over_all_our_mails_the_bot_connects_to_its_relay_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut bot = Bot::local();
    let library = bot.folder().join("egress.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(root.join("tests/it/egress.c"))
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success());
    let log = bot.folder().join("egress.log");
    bot.set("LD_PRELOAD", &library);
    bot.set("EGRESS_LOG", &log);

    // A relay that nobody is at, so that every mail that should leave is tried.
    let (port, _nobody) = peer::nobody();
    let file = bot.folder().join("bot.toml");
    let smtp =
        format!("[relay.smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"plain\"\nhello = \"bot.example.com\"");
    let text = fs::read_to_string(&file).unwrap().replace("[relay]\nmaildir.path = \"out\"", &smtp);
    assert!(text.contains("relay.smtp"));
    fs::write(file, text).unwrap();

    bot.start_and_look();
    let new = bot.folder().join("in/new");
    let mails = all_mails();
    for (n, (_, mail)) in mails.iter().enumerate() {
        bot.lay(&format!("{n:04}"), mail);
    }
    bot.wait("all mails taken", |_| fs::read_dir(&new).unwrap().count() == 0);
    bot.wait("an attempt to send", |_| log.exists());
    assert_eq!(bot.stop(), Some(0));
    let met = fs::read_to_string(log).unwrap();
    let met: BTreeSet<&str> = met.lines().collect();
    let own = [format!("connect 127.0.0.1 {port}"), "lookup 127.0.0.1 0".to_owned()];
    println!("{} mails, and whom they made us meet: {met:?}", mails.len());
    assert!(met.contains(own[0].as_str()), "the relay is seen: {met:?}");
    assert!(met.iter().all(|one| own.iter().any(|own| own == one)), "{met:?}");
}

//! The record of a case as PDF, read by a reader of others: its text comes out as it went in.

use std::process::Command;

use huixin::compose;
use huixin::language::Language;

#[test]
fn the_text_of_a_pdf_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let long = "一行很长的文字，到了页边要换到下一行。".repeat(8);
    for (language, text) in [
        (Language::Zh, format!("案号：K7F3-9QD2-X\n您好，发信失败，提示 550 5.7.1 (x) \\ 。\n\n{long}\n")),
        (Language::En, "Case number: K7F3-9QD2-X\nIt's “fixed” now – thanks.\n".to_owned()),
        (Language::Ja, "受付番号：K7F3-9QD2-X\nお問い合わせいただき、駅の気温も確認しました。\n".to_owned()),
    ] {
        let file = folder.path().join("record.pdf");
        std::fs::write(&file, compose::pdf("record", &text, language)).unwrap();
        // tests/install.sh brings it; where it is missing, the unit tests of the module still hold.
        let Ok(read) = Command::new("pdftotext").args(["-enc", "UTF-8"]).arg(&file).arg("-").output() else { return };
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&String::from_utf8(read.stdout).unwrap()), letters(&text), "{language:?}");
    }
}

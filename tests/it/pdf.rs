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
        // Letters that only one of the fonts has, in whatever text they stand.
        (Language::En, "Zoë Müller, Straße 5, naïve café, Ångström, £5 • €100…\nŁódź\n".to_owned()),
        (Language::Zh, "客户 Zoë Müller（Straße 5）：“端口”改为 465……——‘好’，é字ß字。\nｶﾀｶﾅ Łódź\n".to_owned()),
        (Language::Ja, "José さんより「设为单位」と請求…—“了解”、ｶﾀｶﾅも。\n".to_owned()),
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

/// What a reader makes of a document, page by page, each as its lines.
fn pages(text: &str, language: Language) -> Option<Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.pdf");
    std::fs::write(&file, compose::pdf("record", text, language)).unwrap();
    let read = Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(&file).arg("-").output().ok()?;
    let read = String::from_utf8(read.stdout).unwrap();
    let pages = read.split_terminator('\u{c}');
    let lines = |page: &str| page.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    Some(pages.map(lines).collect())
}

/// The width of a one-line document as a reader sets it, in half widths of a line of text.
fn width(text: &str, language: Language) -> Option<f32> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.pdf");
    std::fs::write(&file, compose::pdf("record", text, language)).unwrap();
    let read = Command::new("pdftotext").args(["-bbox", "-enc", "UTF-8"]).arg(&file).arg("-").output().ok()?;
    let read = String::from_utf8(read.stdout).unwrap();
    let places = |name: &'static str| {
        let words = read.lines().filter(|line| line.contains("<word"));
        words.filter_map(move |line| line.split_once(name)?.1.split('"').next()?.parse::<f32>().ok())
    };
    Some((places("xMax=\"").fold(f32::MIN, f32::max) - places("xMin=\"").fold(f32::MAX, f32::min)) / 5.25)
}

#[test]
fn a_letter_is_half_as_wide_as_a_chinese_character() {
    for (language, text, want) in [
        (Language::En, "Zoë said: “WWW”, iii… — Straße", 30),
        (Language::Zh, "客户Zoë说：“端口” 465…… ——", 32),
        (Language::Ja, "Müller様、「ポート」 ｶﾀｶﾅ", 25),
    ] {
        let Some(width) = width(text, language) else { return };
        assert_eq!(width.round() as i32, want, "{language:?}");
    }
}

#[test]
fn a_long_record_goes_on_from_page_to_page_and_loses_no_line() {
    for (language, line) in [
        (Language::Zh, "请把 SMTP 端口改为 465，"),
        (Language::En, "Please change the port to 465"),
        (Language::Ja, "ポートを465に変更し、"),
    ] {
        let text: String = (1..=200).map(|n| format!("{line} {n}.\n")).collect();
        let Some(pages) = pages(&text, language) else { return };
        assert_eq!(pages.len(), 5, "{language:?}");
        let read: Vec<String> = pages.concat();
        let letters = |line: &String| line.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let want: Vec<String> = text.lines().map(|line| letters(&line.to_owned())).collect();
        assert_eq!(read.iter().map(letters).collect::<Vec<_>>(), want, "{language:?}");
    }
}

#[test]
fn a_line_of_a_record_is_broken_where_people_break_it() {
    for (language, text) in [
        (Language::Zh, "您好，发送失败（错误 550），请“检查”端口。".repeat(40)),
        (Language::Ja, "送信できません（エラー 550）。「設定」をご確認ください、".repeat(40)),
        (Language::En, "The mail program says that it could not sign in, and the port is right. ".repeat(40)),
    ] {
        let Some(pages) = pages(&text, language) else { return };
        let lines = pages.concat();
        assert!(lines.len() > 10, "{language:?}");
        for line in &lines {
            assert!(!line.starts_with(['。', '，', '、', '）', '”', '」']), "{line}");
            assert!(!line.ends_with(['（', '“', '「']), "{line}");
        }
        let words: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
        let whole = |word: &&&str| !text.split(' ').any(|other| other == **word);
        assert!(language != Language::En || words.iter().find(whole).is_none(), "{:?}", words.iter().find(whole));
    }
}

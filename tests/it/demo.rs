//! What a newcomer sees: the demo deals with every sample as it should, and the mails it writes read the same in
//! another program's parser.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use huixin::app;

/// Prints what another parser reads: fields separated by U+001F, mails by U+001E.
const PARSER: &str = r#"
import email, email.policy, sys
for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    body = mail.get_body(preferencelist=('plain',))
    # The parts of our own mail; a customer's original inside it may be as broken as it came.
    parts = list(mail.iter_parts()) if mail.is_multipart() else []
    defects = sum((list(part.defects) for part in [mail, *parts]), [])
    headers = [h for h in mail.keys()]
    once = all(headers.count(h) == 1 for h in ('From', 'To', 'Date', 'Message-ID', 'Subject', 'Auto-Submitted'))
    row = [path, mail['Subject'], mail['From'].addresses[0].addr_spec, mail['To'].addresses[0].addr_spec,
           mail['Auto-Submitted'], mail['X-Auto-Response-Suppress'] or '', mail['Message-ID'], str(len(defects)), str(once),
           body.get_content().replace('\r\n', '\n').rstrip()]
    sys.stdout.buffer.write(('\x1f'.join(row) + '\x1e').encode('utf-8'))
"#;

#[test]
fn every_sample_is_dealt_with_and_the_mails_read_the_same_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["rules", "templates"] {
        symlink(root.join(part), folder.path().join(part)).unwrap();
    }
    // Twice: no cleaning up in between.
    for language in ["en", "zh"] {
        let demo = Command::new(env!("CARGO_BIN_EXE_huixin"))
            .current_dir(folder.path())
            .args(["demo", "--language", language])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&demo.stdout);
        assert!(demo.status.success(), "{told}\n{}", String::from_utf8_lossy(&demo.stderr));
        assert!(told.contains("554-dt-spm") && told.contains("agents@example.com"), "{told}");
    }

    let sent = folder.path().join("var/demo/sent/new");
    let files: Vec<String> =
        fs::read_dir(sent).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
    assert!(files.len() > 20, "{}", files.len());
    let python = Command::new("python3").arg("-c").arg(PARSER).args(&files).output();
    let python = python.expect("python3 reads our mails with another parser; it is in the Debian package python3");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let rows = String::from_utf8(python.stdout).unwrap();
    let mut purposes: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.split_terminator('\x1e') {
        let [path, subject, from, to, automatic, suppress, id, defects, once, body] =
            <[&str; 10]>::try_from(row.split('\x1f').collect::<Vec<_>>()).unwrap();
        let ours = app::read(&fs::read(path).unwrap());
        assert_eq!(ours.subject, subject, "{path}");
        assert_eq!(ours.text.trim_end(), body, "{path}");
        assert_eq!(ours.sender().unwrap().to_string(), from);
        assert_eq!(ours.to[0].address.as_ref().unwrap().to_string(), to);
        assert_eq!(ours.message_id.as_ref().unwrap().to_string(), id);
        assert_eq!((from, suppress, defects, once), ("support@example.com", "All", "0", "True"), "{path}");
        assert!(subject.starts_with('['), "a case number stands in {subject}");
        *purposes.entry(automatic.to_owned()).or_default() += 1;
    }
    assert!(purposes["auto-replied"] >= 12 && purposes["auto-generated"] >= 10, "{purposes:?}");
}

//! Attachments that do something when they are opened: they are named in a forward, not sent along.

use unicode_normalization::UnicodeNormalization;

/// File endings that Windows, macOS, Linux or an office program runs, mounts or installs: programs and what
/// installs them, scripts, shortcuts and settings that start something, images that are mounted with a double
/// click, office files with macros. In lower case.
const ENDINGS: &[&str] = &[
    "apk app appimage appinstaller application appref-ms appx com cpl deb dll dmg drv exe gadget jar \
     jnlp msi msix msp mst ocx one pif pkg rpm scr sys xap",
    "bash bat cmd command csh hta js jse ksh pl ps1 ps1xml psc1 psd1 psm1 py pyc pyw pyz sct sh vb \
     vbe vbs ws wsc wsf wsh",
    "chm diagcab hlp inf library-ms lnk msc reg scf search-ms settingcontent-ms shb shs url",
    "img iso vhd vhdx",
    "accde ade adp docm dotm mdb mde potm ppam ppsm pptm sldm xla xlam xll xlsm xltm",
];

/// Declared media types of the same, whatever the file is called; in lower case.
const TYPES: &[&str] = &[
    "application/hta",
    "application/java-archive",
    "application/javascript",
    "application/vnd.android.package-archive",
    "application/vnd.microsoft.portable-executable",
    "application/x-apple-diskimage",
    "application/x-bat",
    "application/x-csh",
    "application/x-dosexec",
    "application/x-executable",
    "application/x-iso9660-image",
    "application/x-java-archive",
    "application/x-javascript",
    "application/x-mach-binary",
    "application/x-ms-shortcut",
    "application/x-msdos-program",
    "application/x-msdownload",
    "application/x-msi",
    "application/x-sh",
    "application/x-sharedlib",
    "text/javascript",
];

/// Office files with macros: `application/vnd.ms-excel.sheet.macroenabled.12` and its kin.
const MACRO_TYPE: &str = "macroenabled.12";

/// Would opening this attachment run something? Judged by what is said about it; nothing is unpacked.
pub fn is_executable(name: &str, media_type: &str) -> bool {
    let media_type = media_type.trim().to_lowercase();
    if TYPES.contains(&media_type.as_str()) || media_type.ends_with(MACRO_TYPE) {
        return true;
    }
    let name: String = name.nfkc().collect::<String>().to_lowercase();
    // `a.txt:b.exe` and `a.exe::$DATA` name streams of one file, also after the name was made safe with `_`; and
    // Windows drops dots and blanks at the end.
    name.split([':', '_']).any(|stream| {
        let stream = stream.trim_end_matches(|c: char| !c.is_alphanumeric());
        stream
            .rsplit_once('.')
            .is_some_and(|(_, ending)| ENDINGS.iter().any(|group| group.split(' ').any(|known| known == ending)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_when_opened_is_known_by_name_or_type() {
        for (name, media_type) in [
            ("setup.exe", "application/octet-stream"),
            ("SETUP.EXE", ""),
            ("发票.pdf.scr", "application/pdf"),
            ("a.exe. .", ""),
            ("ａ．ｅｘｅ", ""),
            ("a.txt:b.exe", "text/plain"),
            ("a.EXE__$DATA", "text/plain"),
            ("notes.one", ""),
            ("报表.xlsm", "application/vnd.ms-excel"),
            ("report", "application/vnd.ms-excel.sheet.macroEnabled.12"),
            ("notes.txt", "application/x-msdownload"),
        ] {
            assert!(is_executable(name, media_type), "{name} {media_type}");
        }
        for (name, media_type) in [
            ("", ""),
            ("截图.png", "image/png"),
            ("log.zip", "application/zip"),
            ("exe", "text/plain"),
            ("a.exe.txt", "text/plain"),
            ("合同.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("mail.eml", "message/rfc822"),
        ] {
            assert!(!is_executable(name, media_type), "{name} {media_type}");
        }
    }
}

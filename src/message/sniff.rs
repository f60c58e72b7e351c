//! What a file is by its first octets, whatever it calls itself.
//!
//! A table of the kinds that customers send and of those that harm. Nothing is unpacked: a text document is a ZIP
//! file like any other.

/// A kind of file.
struct Kind {
    media_type: &'static str,
    /// What such files are honestly called, in lower case.
    endings: &'static str,
    /// Octets and where they stand; all of them.
    magic: &'static [(usize, &'static [u8])],
}

const KINDS: &[Kind] = &[
    kind("application/pdf", "pdf ai", &[(0, b"%PDF-")]),
    kind("image/png", "png apng", &[(0, b"\x89PNG\r\n\x1a\n")]),
    kind("image/jpeg", "jpg jpeg jpe jfif", &[(0, b"\xff\xd8\xff")]),
    kind("image/gif", "gif", &[(0, b"GIF8")]),
    kind("image/webp", "webp", &[(0, b"RIFF"), (8, b"WEBP")]),
    kind("image/tiff", "tif tiff", &[(0, b"II*\0")]),
    kind("image/tiff", "tif tiff", &[(0, b"MM\0*")]),
    kind("image/heic", "heic heif", &[(4, b"ftyphei")]),
    kind("video/mp4", "mp4 m4v m4a mov 3gp", &[(4, b"ftyp")]),
    kind("audio/mpeg", "mp3", &[(0, b"ID3")]),
    kind("audio/vnd.wave", "wav", &[(0, b"RIFF"), (8, b"WAVE")]),
    kind("application/ogg", "ogg oga ogv opus", &[(0, b"OggS")]),
    kind("application/zip", ZIPPED, &[(0, b"PK\x03\x04")]),
    kind("application/zip", ZIPPED, &[(0, b"PK\x05\x06")]),
    kind("application/gzip", "gz tgz svgz emz", &[(0, b"\x1f\x8b\x08")]),
    kind("application/x-bzip2", "bz2 tbz", &[(0, b"BZh")]),
    kind("application/x-xz", "xz txz", &[(0, b"\xfd7zXZ\0")]),
    kind("application/zstd", "zst", &[(0, b"\x28\xb5\x2f\xfd")]),
    kind("application/x-7z-compressed", "7z", &[(0, b"7z\xbc\xaf\x27\x1c")]),
    kind("application/vnd.rar", "rar", &[(0, b"Rar!\x1a\x07")]),
    kind("application/vnd.ms-cab-compressed", "cab msu", &[(0, b"MSCF\0\0\0\0")]),
    // Word, Excel and PowerPoint of old, Outlook's mails, installers: one container for all.
    kind(
        "application/x-ole-storage",
        "doc dot xls xlt ppt pps pot msg vsd mpp wps et dps hwp",
        &[(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")],
    ),
    kind("application/rtf", "rtf doc", &[(0, b"{\\rtf")]),
    kind("application/postscript", "ps eps ai", &[(0, b"%!PS")]),
    kind("application/ms-tnef", "dat tnef", &[(0, b"\x78\x9f\x3e\x22")]),
    kind("application/onenote", "one onetoc2", &[(0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d")]),
    kind("application/x-executable", "", &[(0, b"\x7fELF")]),
    kind("application/x-mach-binary", "", &[(0, b"\xcf\xfa\xed\xfe")]),
    kind("application/x-mach-binary", "", &[(0, b"\xce\xfa\xed\xfe")]),
    kind("application/java-vm", "class", &[(0, b"\xca\xfe\xba\xbe")]),
    kind("application/x-ms-shortcut", "lnk", &[(0, b"L\0\0\0\x01\x14\x02\0")]),
    kind("application/vnd.ms-htmlhelp", "chm", &[(0, b"ITSF")]),
    kind("application/x-iso9660-image", "iso img", &[(0x8001, b"CD001")]),
    kind("application/x-rpm", "rpm", &[(0, b"\xed\xab\xee\xdb")]),
    kind("application/vnd.debian.binary-package", "deb", &[(0, b"!<arch>\ndebian")]),
];

/// Everything that is a ZIP file inside.
const ZIPPED: &str = "zip docx docm dotx xlsx xlsm xltx xlsb pptx pptm ppsx odt ods odp odg jar apk ipa epub xps vsdx \
                      pages numbers key kmz xpi appx msix ofd wpsx";

/// Endings of texts, which begin with anything but the octets above.
const TEXTS: &str = "txt csv log md htm html xml json eml ics vcf";

/// A program of Windows (the type that IANA knows for it).
const PROGRAM: &str = "application/vnd.microsoft.portable-executable";
const PROGRAM_ENDINGS: &str = "exe dll scr com sys cpl ocx drv efi";

const fn kind(media_type: &'static str, endings: &'static str, magic: &'static [(usize, &'static [u8])]) -> Kind {
    Kind { media_type, endings, magic }
}

/// The media type of a file by its octets; `None` for what the table does not know, such as text.
pub(super) fn sniff(octets: &[u8]) -> Option<&'static str> {
    // `MZ` alone may begin a text; a program has zeros behind it.
    let head = &octets[..octets.len().min(64)];
    if head.starts_with(b"MZ") && head.contains(&0) {
        return Some(PROGRAM);
    }
    let at = |(from, magic): &(usize, &[u8])| octets.get(*from..).is_some_and(|rest| rest.starts_with(magic));
    KINDS.iter().find(|kind| kind.magic.iter().all(at)).map(|kind| kind.media_type)
}

/// Is a file of this sniffed type called what only files of other kinds are called? An ending that nobody knows says
/// nothing.
pub(super) fn contradicts(sniffed: &str, name: &str) -> bool {
    let Some((_, ending)) = name.rsplit_once('.') else { return false };
    let ending = ending.to_lowercase();
    let is_in = |endings: &str| endings.split_whitespace().any(|known| known == ending);
    let honest = KINDS.iter().filter(|kind| kind.media_type == sniffed).any(|kind| is_in(kind.endings));
    if honest || (sniffed == PROGRAM && is_in(PROGRAM_ENDINGS)) {
        return false;
    }
    KINDS.iter().any(|kind| is_in(kind.endings)) || is_in(TEXTS) || is_in(PROGRAM_ENDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_octets() {
        let iso = [vec![0; 0x8001], b"CD001".to_vec()].concat();
        let cases: [(&[u8], Option<&str>); 14] = [
            (b"%PDF-1.7", Some("application/pdf")),
            (b"\x89PNG\r\n\x1a\n....", Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\0\0\0\0WEBPVP8", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVE", Some("audio/vnd.wave")),
            (b"\0\0\0\x18ftypheic", Some("image/heic")),
            (b"\0\0\0\x18ftypisom", Some("video/mp4")),
            (b"PK\x03\x04\x14\0", Some("application/zip")),
            (b"MZ\x90\0\x03", Some(PROGRAM)),
            (b"MZ is a nice pair of letters", None),
            (&iso, Some("application/x-iso9660-image")),
            ("您好".as_bytes(), None),
            (b"RIFF", None),
            (b"", None),
        ];
        for (octets, media_type) in cases {
            assert_eq!(sniff(octets), media_type, "{:?}", &octets[..octets.len().min(12)]);
        }
    }

    #[test]
    fn a_name_that_lies_is_seen_and_an_unknown_one_is_not_accused() {
        for (sniffed, name) in [
            (PROGRAM, "发票.pdf"),
            (PROGRAM, "photo.JPG"),
            ("application/zip", "report.pdf"),
            ("image/png", "log.txt"),
            ("application/pdf", "setup.exe"),
        ] {
            assert!(contradicts(sniffed, name), "{name}");
        }
        for (sniffed, name) in [
            (PROGRAM, "setup.exe"),
            (PROGRAM, "setup"),
            (PROGRAM, "setup.v2"),
            ("application/zip", "合同.docx"),
            ("application/rtf", "letter.doc"),
            ("image/jpeg", "a.jpeg"),
            ("application/ms-tnef", "winmail.dat"),
        ] {
            assert!(!contradicts(sniffed, name), "{name}");
        }
    }
}

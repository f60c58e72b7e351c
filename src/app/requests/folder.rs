//! The folder `requests/` of a data folder: how a command and the bot hand files to each other.
//!
//! ```text
//! <id>.json    wants to be done        (the command puts it there, whole, and may take it back)
//! <id>.taken   is being done           (the bot has renamed it)
//! <id>.answer  what came of it         (the command reads it and removes it)
//! ```
//!
//! Nothing here is made durable: what was done is in the journal, and who asks is still there to ask again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Answer, Posted, Request};
use crate::ids::RequestId;

/// See the module text.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// What nobody has collected after so long, nobody waits for.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Octets of a request.
const MAX_REQUEST: u64 = 64 * 1024;

const WAITS: &str = "json";
const TAKEN: &str = "taken";
const ANSWER: &str = "answer";
const HALF: &str = "new";

#[derive(Serialize, Deserialize)]
struct RequestFile {
    by: String,
    words: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnswerFile {
    Done(String),
    Refused(String),
    Later(String),
}

impl Folder {
    pub fn of(data: &Path) -> Folder {
        Folder { path: data.join("requests") }
    }

    // The command's side.

    /// Hands a request over.
    pub fn post(&self, posted: &Posted) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let file = RequestFile { by: posted.by.clone(), words: posted.request.words() };
        self.put(&posted.id, WAITS, &serde_json::to_vec(&file)?)
    }

    /// Takes a request back; `false` if the bot has it already.
    pub fn withdraw(&self, id: &RequestId) -> bool {
        fs::remove_file(self.file(id, WAITS)).is_ok()
    }

    /// The answer to a request, once.
    pub fn collect(&self, id: &RequestId) -> io::Result<Option<Answer>> {
        let path = self.file(id, ANSWER);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        fs::remove_file(path)?;
        Ok(Some(match serde_json::from_slice(&bytes)? {
            AnswerFile::Done(said) => Answer::Done(said),
            AnswerFile::Refused(why) => Answer::Refused(why),
            AnswerFile::Later(why) => Answer::Later(why),
        }))
    }

    // The bot's side.

    /// Is there anything in the folder, or trouble with it?
    pub fn has_something(&self) -> bool {
        let missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        fs::read_dir(&self.path).map_or_else(|error| !missing(error), |mut entries| entries.next().is_some())
    }

    /// Takes every request that waits, the oldest first, and those again that a crash kept from an answer.
    pub fn take(&self) -> io::Result<Vec<(RequestId, Result<Posted, String>)>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).and_then(RequestId::parse);
            let Some(id) = name else { continue };
            match path.extension().and_then(|ending| ending.to_str()) {
                // Whoever withdrew it at this moment has it.
                Some(WAITS) if fs::rename(&path, self.file(&id, TAKEN)).is_ok() => found.push(id),
                Some(TAKEN) => found.push(id),
                Some(ANSWER | HALF) if is_old(&path) => fs::remove_file(&path)?,
                _ => {}
            }
        }
        found.sort();
        Ok(found.into_iter().map(|id| (id.clone(), self.read(id))).collect())
    }

    /// Answers a request that was taken.
    pub fn answer(&self, id: &RequestId, answer: &Answer) -> io::Result<()> {
        let file = match answer.clone() {
            Answer::Done(said) => AnswerFile::Done(said),
            Answer::Refused(why) => AnswerFile::Refused(why),
            Answer::Later(why) => AnswerFile::Later(why),
        };
        self.put(id, ANSWER, &serde_json::to_vec(&file)?)?;
        fs::remove_file(self.file(id, TAKEN))
    }

    fn read(&self, id: RequestId) -> Result<Posted, String> {
        let path = self.file(&id, TAKEN);
        let read = || -> io::Result<RequestFile> {
            if fs::metadata(&path)?.len() > MAX_REQUEST {
                return Err(io::Error::other(format!("it has more than {MAX_REQUEST} octets")));
            }
            Ok(serde_json::from_slice(&fs::read(&path)?)?)
        };
        let file = read().map_err(|error| error.to_string())?;
        let words: Vec<&str> = file.words.iter().map(String::as_str).collect();
        let request = Request::parse(&words).ok_or("this bot knows no such request; a newer huixin wrote it")?;
        Ok(Posted { id, by: file.by, request })
    }

    /// The file is there whole or not at all.
    fn put(&self, id: &RequestId, ending: &str, bytes: &[u8]) -> io::Result<()> {
        let half = self.file(id, HALF);
        fs::write(&half, bytes)?;
        fs::rename(&half, self.file(id, ending))
    }

    fn file(&self, id: &RequestId, ending: &str) -> PathBuf {
        self.path.join(format!("{id}.{ending}"))
    }
}

fn is_old(path: &Path) -> bool {
    let age = fs::metadata(path).and_then(|file| file.modified()).map(|time| time.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MessageId;

    fn posted(millisecond: i64) -> Posted {
        Posted {
            id: RequestId::new(millisecond, 7),
            by: "li".into(),
            request: Request::DropMail { id: MessageId::parse("a@b").unwrap(), reason: "电话里说了".into() },
        }
    }

    #[test]
    fn a_request_is_taken_answered_and_the_answer_collected_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        assert_eq!(folder.take().unwrap(), []);
        let (second, first) = (posted(2_000), posted(1_000));
        folder.post(&second).unwrap();
        folder.post(&first).unwrap();
        let want: Vec<_> = [&first, &second].map(|posted| (posted.id.clone(), Ok(posted.clone()))).into();
        assert_eq!(folder.take().unwrap(), want);
        assert_eq!(folder.take().unwrap(), want, "a crash came between");
        assert!(!folder.withdraw(&first.id), "the bot has it");
        assert_eq!(folder.collect(&first.id).unwrap(), None);
        let answer = Answer::Done("it is done".into());
        folder.answer(&first.id, &answer).unwrap();
        assert_eq!(folder.collect(&first.id).unwrap(), Some(answer));
        assert_eq!(folder.collect(&first.id).unwrap(), None);
        assert_eq!(folder.take().unwrap(), want[1..]);
    }

    #[test]
    fn a_request_that_was_withdrawn_is_never_taken() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        let posted = posted(1);
        folder.post(&posted).unwrap();
        assert!(folder.withdraw(&posted.id));
        assert_eq!(folder.take().unwrap(), []);
    }

    #[test]
    fn a_file_that_is_no_request_is_answered_and_harms_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        let id = posted(1).id;
        fs::create_dir(&folder.path).unwrap();
        for text in
            ["", "{", r#"{"by":"li","words":["rm","-rf"]}"#, r#"{"by":"li","words":["outbox","retry","no id"]}"#]
        {
            fs::write(folder.file(&id, WAITS), text).unwrap();
            assert!(folder.take().unwrap()[0].1.is_err(), "{text}");
            folder.answer(&id, &Answer::Refused("no".into())).unwrap();
        }
        fs::write(folder.path.join("notes.json"), "x").unwrap();
        assert_eq!(folder.take().unwrap(), []);
    }
}

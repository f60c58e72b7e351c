//! Group commit, a full disk and a failing one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::*;

/// A disk with so many octets left that can refuse to fsync.
#[derive(Default)]
struct Weak {
    room: AtomicU64,
    no_sync: AtomicBool,
    broken: AtomicBool,
    /// Of one fdatasync the failure is told, as the kernel does, and of none after it.
    fails_once: AtomicBool,
    /// Held by a test to keep an fdatasync from ending.
    busy: Mutex<()>,
    /// Fdatasyncs that have begun.
    begun: AtomicU64,
}

impl Weak {
    fn with_room(room: u64) -> Arc<Weak> {
        Arc::new(Weak { room: AtomicU64::new(room), ..Weak::default() })
    }

    fn open(self: &Arc<Weak>, dir: &Path) -> (Store, Opened) {
        Store::open_on(dir, Box::new(Arc::clone(self)), SEGMENT).unwrap()
    }
}

impl Disk for Arc<Weak> {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.broken.load(SeqCst) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let room = self.room.load(SeqCst);
        let fits = bytes.len().min(room as usize);
        file.write_all_at(&bytes[..fits], offset)?;
        if fits < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.store(room - fits as u64, SeqCst);
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.begun.fetch_add(1, SeqCst);
        drop(self.busy.lock());
        match self.no_sync.load(SeqCst) || self.fails_once.swap(false, SeqCst) {
            true => Err(io::Error::from_raw_os_error(5)),
            false => file.sync_data(),
        }
    }
}

#[test]
fn many_who_wait_share_one_fdatasync() {
    let dir = folder();
    let disk = Weak::with_room(u64::MAX);
    let (store, _) = disk.open(dir.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let busy = disk.busy.lock().unwrap();
        let waiting: Vec<_> = (0..64)
            .map(|n| {
                let store = store.clone();
                let position = store.append(opens(n)).unwrap();
                tokio::spawn(async move { store.synced(position).await })
            })
            .collect();
        drop(busy);
        for task in waiting {
            task.await.unwrap().unwrap();
        }
    });
    let stats = store.stats().unwrap();
    assert_eq!(stats.records, 64);
    assert!(stats.fdatasyncs <= 3, "{stats:?}");
}

#[test]
fn a_full_disk_leaves_a_clean_end_and_work_goes_on_when_there_is_room() {
    let dir = folder();
    for room in (0..700).step_by(23) {
        let dir = dir.path().join(room.to_string());
        let disk = Weak::with_room(u64::MAX);
        let (store, _) = disk.open(&dir);
        store.append(opens(1)).unwrap();
        let end = store.inner.journal.mark().unwrap().end;
        disk.room.store(room, SeqCst);
        let error = store.append(opens(2)).unwrap_err();
        assert!(matches!(error, StoreError::Full) && error.is_temporary(), "{error}");
        assert_eq!(store.case(number(2)).unwrap(), None);
        let path = segments::path_of(&dir.join("journal"), 0);
        assert_eq!(path.metadata().unwrap().len(), end, "room {room}");
        disk.room.store(u64::MAX, SeqCst);
        store.append(opens(2)).unwrap();
        drop(store);
        let (store, opened) = open(&dir);
        assert_eq!(opened.torn, None);
        assert!(store.case(number(2)).unwrap().is_some());
    }
}

#[test]
fn results_find_room_in_the_reserve_and_new_work_waits_until_it_is_back() {
    let dir = folder();
    let disk = Weak::with_room(u64::MAX);
    let (store, _) = disk.open(dir.path());
    let mails = vec![outgoing("a@b", Some(1), "zhang@example.com")];
    store.append(decided_with(1, mails)).unwrap();
    store.append(send_start("a@b", 1)).unwrap();
    let reserve = dir.path().join("journal/reserve");
    assert!(reserve.metadata().unwrap().len() > 1_000_000);

    disk.room.store(10, SeqCst);
    assert!(matches!(store.append(opens(2)), Err(StoreError::Full)));
    assert!(reserve.exists(), "new work does not touch the reserve");
    assert!(matches!(store.append(sent("a@b")), Err(StoreError::Full)));
    assert!(!reserve.exists(), "a result does");

    // What the reserve gave free is room for results only.
    std::fs::create_dir(&reserve).unwrap();
    disk.room.store(u64::MAX, SeqCst);
    assert!(matches!(store.append(opens(2)), Err(StoreError::Full)));
    store.append(sent("a@b")).unwrap();
    std::fs::remove_dir(&reserve).unwrap();
    store.append(opens(2)).unwrap();
    assert!(reserve.is_file());
}

#[test]
fn an_error_of_write_or_fsync_ends_everything_for_good() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for fsync in [true, false] {
        let dir = folder();
        let disk = Weak::with_room(u64::MAX);
        let (store, _) = disk.open(dir.path());
        let position = store.append(opens(1)).unwrap();
        let first = match fsync {
            true => {
                disk.no_sync.store(true, SeqCst);
                runtime.block_on(store.synced(position))
            }
            false => {
                disk.broken.store(true, SeqCst);
                store.append(opens(2)).map(drop)
            }
        };
        assert!(first.unwrap_err().is_fatal());
        disk.no_sync.store(false, SeqCst);
        disk.broken.store(false, SeqCst);
        assert!(store.append(opens(3)).unwrap_err().is_fatal());
        assert!(runtime.block_on(store.synced(position)).unwrap_err().is_fatal());
        assert!(store.sync().unwrap_err().is_fatal());
        assert!(store.stats().unwrap().fdatasyncs <= 1, "none after the one that failed");
        // What was written can be looked up and replayed.
        assert_eq!(store.record(position).unwrap(), opens(1));
        let mut read = Vec::new();
        let mut keep = |record| {
            read.push(record);
            Ok(())
        };
        store.records_from(0, &mut keep).unwrap();
        store.records(|_, record| keep(record)).unwrap();
        assert_eq!(read, [opens(1), opens(1)]);
        drop(store);
        let (store, _) = open(dir.path());
        assert!(store.case(number(1)).unwrap().is_some());
        assert_eq!(store.case(number(3)).unwrap(), None);
    }
}

#[test]
fn nobody_waits_for_a_record_that_was_never_written() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let waited = runtime.block_on(store.synced(Position(0)));
    assert!(matches!(waited, Err(StoreError::Refused(_))));
}

#[test]
fn while_the_disk_is_too_full_for_a_state_results_are_written_and_the_rest_waits() {
    let dir = folder();
    let disk = Weak::with_room(u64::MAX);
    let (store, _) = disk.open(dir.path());
    let mails = vec![outgoing("a@b", Some(1), "zhang@example.com")];
    store.append(decided_with(1, mails)).unwrap();
    store.append(send_start("a@b", 1)).unwrap();

    // The room is gone: first for the journal, which gives up its reserve, then for the state.
    disk.room.store(0, SeqCst);
    assert!(store.append(sent("a@b")).is_err());
    let reserve = dir.path().join("journal/reserve");
    std::fs::create_dir(&reserve).unwrap();
    let broken = store.state().unwrap();
    assert!(matches!(store.mend(broken, "no room"), Err(StoreError::Full)));
    disk.room.store(u64::MAX, SeqCst);
    assert!(matches!(store.case(number(1)), Err(StoreError::Full)));
    assert!(matches!(store.append(opens(2)), Err(StoreError::Full)));
    assert!(matches!(store.decide(|_| Ok(opens(2))), Err(StoreError::Full)));
    store.append(sent("a@b")).unwrap();

    // There is room again, but the pause is not over.
    std::fs::remove_dir(&reserve).unwrap();
    assert!(matches!(store.case(number(1)), Err(StoreError::Full)));
    *store.inner.mend_after.lock().unwrap() = Instant::now();
    assert!(store.case(number(1)).unwrap().is_some());
    assert_eq!(store.outbox_len().unwrap(), 0);
    store.append(opens(2)).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.rebuilt, None);
}

#[test]
fn a_failure_that_is_told_once_is_told_to_all_who_wait() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = folder();
    let disk = Weak::with_room(u64::MAX);
    // Every record begins a segment of its own.
    let (store, _) = Store::open_on(dir.path(), Box::new(Arc::clone(&disk)), 1).unwrap();
    let first = store.append(opens(1)).unwrap();
    let busy = disk.busy.lock().unwrap();
    let begun = disk.begun.load(SeqCst);
    disk.fails_once.store(true, SeqCst);
    let waiting = std::thread::spawn({
        let store = store.clone();
        move || runtime.block_on(store.synced(first))
    });
    while disk.begun.load(SeqCst) == begun {
        std::thread::yield_now();
    }
    let next = std::thread::spawn({
        let store = store.clone();
        move || store.append(opens(2))
    });
    // Time to begin an fdatasync of its own, beside the one that fails.
    std::thread::sleep(std::time::Duration::from_millis(50));
    drop(busy);
    assert!(waiting.join().unwrap().unwrap_err().is_fatal());
    assert!(next.join().unwrap().unwrap_err().is_fatal());
    assert_eq!(disk.begun.load(SeqCst), begun + 1);
}

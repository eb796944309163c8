//! A progress bar on standard error for what takes longer than a second: on a terminal only, and not with `-q`.
//!
//! A process has one. It is gone before anything else is said: whoever writes for people calls [`end`] first.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What takes no longer shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);
const WIDTH: usize = 30;

static DONE: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);
static BAR: Mutex<Bar> = Mutex::new(Bar { shown: false, ended: false });

struct Bar {
    shown: bool,
    ended: bool,
}

/// From here on something is under way.
pub(crate) fn begin(quiet: bool) {
    if quiet || !stderr().is_terminal() {
        return;
    }
    let began = Instant::now();
    // Ends with the process.
    thread::spawn(move || {
        thread::sleep(PATIENCE);
        loop {
            {
                let mut bar = BAR.lock().expect("nothing panics while it is held");
                if bar.ended {
                    return;
                }
                bar.shown = true;
                let text = line(DONE.load(Ordering::Relaxed), TOTAL.load(Ordering::Relaxed), began.elapsed());
                let _ = write!(stderr(), "\r\x1b[2K{text}");
            }
            thread::sleep(REDRAW);
        }
    });
}

/// So many things are to do.
pub(crate) fn of(total: usize) {
    TOTAL.store(total, Ordering::Relaxed);
}

/// One of them is done.
pub(crate) fn step() {
    DONE.fetch_add(1, Ordering::Relaxed);
}

/// Takes the bar away, if there is one, for good.
pub(crate) fn end() {
    let mut bar = BAR.lock().expect("nothing panics while it is held");
    if bar.shown && !bar.ended {
        let _ = write!(stderr(), "\r\x1b[2K");
    }
    bar.ended = true;
}

/// `[#####     ] 3 of 6  2 s`; only the time while nobody knows how much there is.
fn line(done: usize, total: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if total == 0 {
        return format!("{seconds} s");
    }
    let done = done.min(total);
    let filled = done * WIDTH / total;
    format!("[{}{}] {done} of {total}  {seconds} s", "#".repeat(filled), " ".repeat(WIDTH - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let at = |done, total| line(done, total, Duration::from_millis(2900));
        assert_eq!(at(0, 0), "2 s");
        assert_eq!(at(0, 3), "[                              ] 0 of 3  2 s");
        assert_eq!(at(1, 3), "[##########                    ] 1 of 3  2 s");
        assert_eq!(at(3, 3), "[##############################] 3 of 3  2 s");
    }
}

//! How far a run has come: a bar with rate and time left on a terminal, elsewhere a plain line now
//! and then.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Common;
use crate::engine::Progress;

/// Time between plain lines.
const PAUSE: Duration = Duration::from_secs(10);
/// What a packet costs in a file beside its bytes: good enough for a bar.
const RECORD_HEADER: u64 = 16;

pub(super) struct Bar {
    bar: Option<ProgressBar>,
    plain: Option<Mutex<Instant>>,
    packets: AtomicU64,
    bytes: AtomicU64,
    total: u64,
}

impl Bar {
    /// `total` is the size of the inputs in bytes; 0 if it is not known.
    pub(super) fn new(common: &Common, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = (!common.quiet && terminal).then(|| {
            let template = if total > 0 {
                "{wide_bar} {percent:>3}%  {msg}  {eta} left"
            } else {
                "{spinner} {elapsed}  {msg}"
            };
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(
                (total > 0).then_some(total),
                ProgressDrawTarget::stderr(),
            );
            bar.set_style(style);
            bar
        });
        Self {
            bar,
            plain: (!common.quiet && !terminal).then(|| Mutex::new(Instant::now())),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total,
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn advance(&self, packets: u64, bytes: u64) {
        let all = self.packets.fetch_add(packets, Ordering::Relaxed) + packets;
        let step = bytes + packets * RECORD_HEADER;
        let read = self.bytes.fetch_add(step, Ordering::Relaxed) + step;
        if let Some(bar) = &self.bar {
            let seconds = bar.elapsed().as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
            let rate = all as f64 / seconds / 1e6;
            bar.set_message(format!("{} packets  {rate:.2} M/s", HumanCount(all)));
            bar.set_position(read.min(self.total.max(read)));
        }
        if let Some(Ok(mut last)) = self.plain.as_ref().map(Mutex::lock)
            && last.elapsed() >= PAUSE
        {
            *last = Instant::now();
            let share = (read * 100)
                .checked_div(self.total)
                .map_or(String::new(), |percent| format!(", {}%", percent.min(100)));
            let _ = writeln!(std::io::stderr(), "{} packets{share}", HumanCount(all));
        }
    }
}

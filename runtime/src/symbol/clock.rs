//! How the kernel's clocks relate to the wall clock, as measured once at start.

use lancet_manifest::Clock;

/// Differences between clocks in nanoseconds: what to add to get wall time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clocks {
    boot: i128,
    monotonic: i128,
    tai: i128,
}

impl Clocks {
    /// Measures the differences.
    pub fn now() -> Self {
        Self {
            boot: difference(libc::CLOCK_BOOTTIME),
            monotonic: difference(libc::CLOCK_MONOTONIC),
            tai: difference(libc::CLOCK_TAI),
        }
    }

    /// Nanoseconds since the epoch at a time of `clock`.
    pub fn wall(&self, clock: Clock, nanoseconds: u64) -> i128 {
        let time = i128::from(nanoseconds);
        match clock {
            Clock::Boot => time + self.boot,
            Clock::Monotonic => time + self.monotonic,
            Clock::Tai => time + self.tai,
            Clock::Realtime => time,
        }
    }
}

/// Nanoseconds since the epoch.
pub fn wall_time() -> i128 {
    read(libc::CLOCK_REALTIME)
}

/// Of several measurements the one that took the shortest is the most exact.
fn difference(clock: libc::clockid_t) -> i128 {
    (0..5)
        .map(|_| {
            let before = wall_time();
            let time = read(clock);
            let after = wall_time();
            (after - before, (before + after) / 2 - time)
        })
        .min()
        .map_or(0, |(_, difference)| difference)
}

fn read(clock: libc::clockid_t) -> i128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place to write to; a clock that does not exist leaves it zero.
    unsafe { libc::clock_gettime(clock, &mut time) };
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

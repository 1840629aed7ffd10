//! Tasks that send one command after another for some time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::region::Holder;

/// Streams that are written to by one task at a time, each so often and no more, so that they stay
/// as long as they were meant to be.
pub struct Streams {
    free: Mutex<VecDeque<(Holder, usize)>>,
    commands_max: usize,
}

impl Streams {
    pub fn new(holders: impl IntoIterator<Item = Holder>, commands_max: usize) -> Self {
        let free = holders.into_iter().map(|holder| (holder, 0)).collect();
        Self { free: Mutex::new(free), commands_max }
    }

    fn take(&self) -> Option<(Holder, usize)> {
        self.free.lock().expect("no task panics while it holds this").pop_front()
    }

    /// For another task, unless it had all its commands.
    fn give_back(&self, holder: Holder, commands: usize) {
        if commands < self.commands_max {
            let mut free = self.free.lock().expect("no task panics while it holds this");
            free.push_back((holder, commands));
        }
    }
}

/// Commands per second of so many tasks side by side. There must be streams for the whole time: the
/// rate of tasks that look for one would say nothing.
pub async fn rate<F, Fut>(tasks: usize, window: Duration, streams: &Arc<Streams>, command: F) -> f64
where
    F: Fn(Holder) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let (done, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (streams, command) = (streams.clone(), command.clone());
        let (done, is_over) = (done.clone(), is_over.clone());
        running.spawn(async move {
            loop {
                let next = streams.take();
                let (holder, mut commands) = next.expect("streams for the whole time");
                while commands < streams.commands_max && !is_over.load(Ordering::Relaxed) {
                    command(holder).await;
                    commands += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                    if began.elapsed() >= window {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
                streams.give_back(holder, commands);
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
    }
    running.join_all().await;
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

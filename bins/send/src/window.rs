//! How many jobs one destination may have at once: it grows while it goes well and falls when the host dies.

/// A window that opens and closes.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    size: u32,
    /// Successes since the window last grew.
    successes: u32,
    /// A success counts for a whole round: for what is under our own roof.
    steep: bool,
}

impl Window {
    /// A window of `initial` jobs; `steep` opens by one with each success, otherwise with each round of successes.
    pub(crate) fn new(initial: u32, steep: bool) -> Self {
        Self {
            size: initial.max(1),
            successes: 0,
            steep,
        }
    }

    /// How many jobs may be under way, never more than `limit`, never none.
    pub(crate) fn size(&self, limit: u32) -> u32 {
        self.size.min(limit).max(1)
    }

    /// A job went well.
    pub(crate) fn succeed(&mut self, limit: u32) {
        self.successes = self.successes.saturating_add(1);
        if self.steep || self.successes >= self.size {
            self.successes = 0;
            self.size = self.size.saturating_add(1).min(limit.max(1));
        }
    }

    /// A job did not reach the host: half of it.
    pub(crate) fn fail(&mut self) {
        self.size = (self.size / 2).max(1);
        self.successes = 0;
    }

    /// The host is dead: one job at a time when it lives again.
    pub(crate) fn collapse(&mut self) {
        self.size = 1;
        self.successes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_successes_opens_it_by_one_up_to_the_limit() {
        let mut window = Window::new(5, false);
        for _ in 0..4 {
            window.succeed(20);
        }
        assert_eq!(window.size(20), 5);
        window.succeed(20);
        assert_eq!(window.size(20), 6);
        for _ in 0..1000 {
            window.succeed(20);
        }
        assert_eq!(window.size(100), 20);
    }

    #[test]
    fn deaths_close_it_to_one_and_never_to_none() {
        let mut window = Window::new(5, true);
        window.succeed(20);
        assert_eq!(window.size(20), 6);
        for _ in 0..10 {
            window.fail();
        }
        assert_eq!(window.size(20), 1);
        assert_eq!(window.size(0), 1);
        let mut window = Window::new(20, false);
        window.collapse();
        assert_eq!(window.size(20), 1);
    }
}

//! Trials on disk: recorded once, in one order, never lost.

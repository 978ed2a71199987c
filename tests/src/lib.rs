//! Everything that runs the real programs.

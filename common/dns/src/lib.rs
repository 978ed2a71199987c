//! Questions to resolve, and the order of mail exchangers.

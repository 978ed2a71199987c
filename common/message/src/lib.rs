//! Header scan, trace fields, dates and the DSN composer.

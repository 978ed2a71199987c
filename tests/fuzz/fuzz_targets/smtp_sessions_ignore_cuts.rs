#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::sessions::smtp_sessions_ignore_cuts);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::messages::header_sections_ignore_cuts);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::replies::replies_ignore_cuts);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::replies::ehlo_replies_are_bounded);

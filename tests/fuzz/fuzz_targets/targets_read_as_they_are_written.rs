#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::tables::targets_read_as_they_are_written);

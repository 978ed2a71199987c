#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::addresses::addresses_print_what_they_read);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::messages::rewritten_headers_hold_the_new_addresses);

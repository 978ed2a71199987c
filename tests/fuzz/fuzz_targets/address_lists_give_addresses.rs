#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::messages::address_lists_give_addresses);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::packets::packets_have_one_reading);

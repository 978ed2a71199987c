#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::content::data_decoding_ignores_cuts);

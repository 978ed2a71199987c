#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::exchangers::exchangers_lead_somewhere_else);

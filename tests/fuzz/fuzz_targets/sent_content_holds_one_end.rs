#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::content::sent_content_holds_one_end);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::messages::header_fields_are_the_content);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::local::extensions_name_files_of_the_home);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::queue_files::queue_files_are_read_or_refused);

#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::local::tasks_and_answers_have_one_reading);

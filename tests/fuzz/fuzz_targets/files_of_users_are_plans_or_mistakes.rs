#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::local::files_of_users_are_plans_or_mistakes);

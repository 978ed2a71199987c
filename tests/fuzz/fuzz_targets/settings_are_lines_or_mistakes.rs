#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::settings::settings_are_lines_or_mistakes);

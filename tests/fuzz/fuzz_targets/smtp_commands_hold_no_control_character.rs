#![cfg_attr(fuzzing, no_main)]
stafette_fuzz::target!(stafette_fuzz::commands::smtp_commands_hold_no_control_character);

//! bot.toml: what an admin sets, read strictly.

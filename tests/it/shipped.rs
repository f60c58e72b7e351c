//! The configuration, rules and templates that are shipped, as they are or with another bot.toml.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use huixin::app::{self, files};
use huixin::config;
use huixin::ids::Key;
use huixin::playbook::Playbook;
use huixin::problem::SourceText;

/// The text of bot.toml.
pub fn bot_toml() -> String {
    fs::read_to_string(root().join("bot.toml")).unwrap()
}

/// This text in the place of bot.toml, beside the shipped rules and templates.
pub fn configured(bot_toml: String) -> files::Configured {
    let config = config::load(&SourceText::new("bot.toml", bot_toml), &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
    files::Configured { config, folder: root().to_owned() }
}

/// What is made of that.
pub fn playbook(bot_toml: String, key: Key) -> Playbook {
    app::playbook(&configured(bot_toml), key).unwrap().0
}

/// Everything as it is shipped. Made once: it takes a second.
pub fn unchanged() -> Arc<Playbook> {
    static UNCHANGED: OnceLock<Arc<Playbook>> = OnceLock::new();
    UNCHANGED.get_or_init(|| Arc::new(playbook(bot_toml(), Key::from_bytes([1; 32])))).clone()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

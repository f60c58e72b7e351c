# What a person runs; README.md names these. `make help` lists them.

# mail-parser declares a newer Rust than some machines have; it builds and passes with an older one, which
# cargo must be told. No other toolchain is fetched.
CARGO_FLAGS := --locked --ignore-rust-version

.PHONY: help demo build install check test peers deps fmt

help: ## Lists the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1 \t/'

demo: ## Shows the main job on sample mails, in folders under var/demo.
	cargo run $(CARGO_FLAGS) --quiet -- demo

build: ## Builds target/release/huixin.
	cargo build $(CARGO_FLAGS) --release

check: ## Checks bot.toml, rules and templates.
	cargo run $(CARGO_FLAGS) --quiet -- check

test: deps ## Formatting, clippy, licences, all tests, real Dovecot and Postfix.
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	cargo test $(CARGO_FLAGS)
	sh tests/licences.sh

deps: ## Installs what the tests need (Debian packages), if it is missing.
	sh tests/install.sh

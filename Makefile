# What a person runs; README.md names these. `make help` lists them.

# mail-parser declares a newer Rust than some machines have; it builds and passes with an older one, which
# cargo must be told. No other toolchain is fetched.
CARGO_FLAGS := --locked --ignore-rust-version

.PHONY: help demo build check test tour soak sim bench bench-e2e bench-growth hostile fuzz deps licences advisories fmt

help: ## Lists the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1 \t/'

demo: ## Shows the main job on sample mails, in folders under var/demo.
	cargo run $(CARGO_FLAGS) --quiet -- demo

build: ## Builds target/release/huixin.
	cargo build $(CARGO_FLAGS) --release

check: ## Checks bot.toml, rules and templates.
	cargo run $(CARGO_FLAGS) --quiet -- check

test: deps ## Formatting, clippy, all tests, real Dovecot and Postfix.
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	cargo test $(CARGO_FLAGS)

tour: ## Writes docs/tour.md and docs/tour.en.md from a run through real Dovecot and Postfix.
	TOUR=1 cargo test $(CARGO_FLAGS) --test it -- tour::

SEEDS := 100000
sim: ## Lives through SEEDS seeds of the simulator (tests/sim), or once more through one SEED. docs/faults.md
	SIM_SEED=$(SEED) SIM_START=$(START) SIM_SEEDS=$(SEEDS) \
		cargo test $(CARGO_FLAGS) --release --test sim -- --nocapture whatever_fails

FAULT :=
soak: ## The long doses of all faults of docs/faults.md, or of those with FAULT in their names (f01, c12); takes hours.
	sh tests/soak.sh "$(FAULT)"

bench: ## What reading, screening, judging and replaying a mail costs, beside other ways to do it.
	cargo bench $(CARGO_FLAGS) --bench read --bench classify --bench backtest

bench-e2e: deps ## A backlog of MAILS (10000) through real Dovecot and Postfix, beside what these reach alone; latency; idle.
	cargo bench $(CARGO_FLAGS) --profile release --bench e2e

hostile: ## Time and memory of each mail made to be slow or large, beside the bars of 200 ms and 256 MB.
	cargo bench $(CARGO_FLAGS) --bench hostile

CASES := 1000000
bench-growth: ## What CASES existing cases cost: speed, start, rebuild, disk.
	cargo bench $(CARGO_FLAGS) --bench growth -- $(CASES)

TARGET := message
SECONDS := 60
fuzz: ## Feeds damaged input to TARGET (fuzz/fuzz_targets) for SECONDS.
	sh fuzz/run.sh $(TARGET) $(SECONDS)

deps: ## Installs what the tests need (Debian packages), if it is missing.
	sh tests/install.sh

licences: ## Licences, bans and sources of all crates, by cargo-deny (installed if missing, which takes minutes).
	command -v cargo-deny >/dev/null || cargo install cargo-deny --version 0.20.2 --locked
	cargo deny --all-features check licenses bans sources

advisories: ## Known advisories against our crates; needs the network for the RustSec database.
	command -v cargo-deny >/dev/null || cargo install cargo-deny --version 0.20.2 --locked
	cargo deny --all-features check advisories

fmt: ## Formats the sources.
	cargo fmt

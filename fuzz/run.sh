#!/bin/sh
# Feeds a target damaged input for some seconds: fuzz/run.sh TARGET SECONDS.
#
# The seeds are the project's own mails, rules and templates. What is found new stays in fuzz/corpus, what breaks in
# fuzz/artifacts; run the target again with such a file as its argument to see the fault. Coverage counters are an
# ordinary option of the compiler, so a stable toolchain will do; the address sanitizer would need a nightly one and
# finds little in a program without unsafe code. `cargo fuzz run TARGET` works as well where it is installed.
set -eu
cd "$(dirname "$0")"
target=$1
seconds=${2:-60}

case $target in
    message | header | dsn | html_to_text | fresh_text | address | case_number) seeds="../src/cli/demo/mails" ;;
    rules_load) seeds="../rules" ;;
    templates) seeds="../templates" ;;
    *) seeds="" ;;
esac
if [ -n "$seeds" ] && [ -d ../tests/fixtures/mails ] && [ "${seeds%mails}" != "$seeds" ]; then
    seeds="$seeds ../tests/fixtures/mails"
fi
mkdir -p "corpus/$target" "artifacts/$target"
if [ "$target" = config_load ]; then
    cp ../bot.toml corpus/config_load/shipped
fi
if [ "$target" = tnef ]; then
    # What lies in the mails, without the signature that the target puts before it.
    for mail in ../tests/fixtures/mails/*-tnef-*.eml; do
        tr -d '\r' <"$mail" | awk '/^eJ8/ { inside = 1 } /^($|--)/ { inside = 0 } inside' | base64 -d | tail -c +7 \
            >"corpus/tnef/$(basename "$mail" .eml)"
    done
fi

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --locked --ignore-rust-version --quiet --release --target "$host" --bin "$target"
# shellcheck disable=SC2086 # several folders of seeds
exec nice -n 19 "${CARGO_TARGET_DIR:-target}/$host/release/$target" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "corpus/$target" $seeds

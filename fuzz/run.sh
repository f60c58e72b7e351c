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
    message | header | dsn | html_to_text | fresh_text | address | case_number | decide) seeds="../src/cli/demo/mails" ;;
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

if [ "$target" = journal_frames ]; then
    # A journal of each format, after the place where it is said to begin.
    for journal in ../tests/fixtures/journal-*.log; do
        { printf '\0\0\0\0\0\0' && cat "$journal"; } >"corpus/journal_frames/$(basename "$journal" .log)"
    done
fi
if [ "$target" = imap_session ]; then
    # A whole session, and one with a server that has no MOVE, no keywords and mail in quotes.
    head='* OK ready\r\n* CAPABILITY IMAP4rev1\r\nL1 OK\r\n'
    listed=' FLAGS ($Junk \\Seen) INTERNALDATE "17-Jul-2026 02:44:25 -0700" RFC822.SIZE 5)\r\n'
    select='* 2 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 3] n\r\n* OK [PERMANENTFLAGS (\\*)] k\r\nH1 OK [READ-WRITE]\r\n'
    list="* 1 FETCH (UID 1$listed* 2 FETCH (UID 2${listed}H2 OK\r\n"
    fetch='* 1 FETCH (UID 1 BODY[] {5}\r\nfirst)\r\n* 2 FETCH (BODY[] "2nd" UID 2)\r\nH3 OK\r\n'
    alone='* 2 FETCH (UID 2 BODY[]<0> {5}\r\n2nd..)\r\nH4 OK\r\n'
    # shellcheck disable=SC2059 # the texts are formats
    {
        printf "${head}L2 OK [CAPABILITY IMAP4rev1 MOVE IDLE ID] in\r\nL3 OK\r\n$select$list$fetch$alone" &&
            printf 'H5 OK\r\n* 1 EXPUNGE\r\nH6 OK [COPYUID 9 1:2 1:2] x\r\n+ idling\r\n* 3 EXISTS\r\nH7 OK\r\n'
    } >corpus/imap_session/whole
    # shellcheck disable=SC2059
    {
        printf "${head}L2 OK\r\n* CAPABILITY IMAP4rev1 UIDPLUS\r\nL3 OK\r\n$select$list$fetch$alone" &&
            printf 'H5 NO [LIMIT] x\r\n* 1 FETCH (UID 1 FLAGS ())\r\nH6 OK\r\nH7 NO [TRYCREATE] x\r\nH8 OK\r\n'
    } >corpus/imap_session/plain
fi
if [ "$target" = smtp_session ]; then
    # The first octet says how we log in; then an octet before each turn of the server's counts its lines.
    for way in 0 1 2; do
        {
            printf '%b' "\\0$way"
            printf '0220 hi\r\n4250-x\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 9\r\n'
            case $way in
                1) printf '0235 ok\r\n' ;;
                2) printf '0334 a\r\n0334 b\r\n0235 ok\r\n' ;;
            esac
            printf '0250 2.1.0 ok\r\n0250 2.1.5 ok\r\n0354 go\r\n0250 2.0.0 taken\r\n'
        } >"corpus/smtp_session/way$way"
    done
    printf '\0000220 hi\r\n1250-x\r\n250 8BITMIME\r\n0250 ok\r\n0550 5.1.1 \303\377\r\n0221 bye\r\n' >corpus/smtp_session/refused
fi

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --locked --ignore-rust-version --quiet --release --target "$host" --bin "$target"
# shellcheck disable=SC2086 # several folders of seeds
exec nice -n 19 "${CARGO_TARGET_DIR:-target}/$host/release/$target" \
    -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "corpus/$target" $seeds

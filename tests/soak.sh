#!/bin/sh
# Runs the long doses of the faults of docs/faults.md one after another and shows what came of each as a table.
# The argument is a part of a test's name, such as f01; without it all are run. HUIXIN_MINUTES is how long f30 lasts.
set -u
log=$(mktemp)
status=0
HUIXIN_DOSE=long
export HUIXIN_DOSE
for module in crash_points kills power_cut disk_faults poison soak authority leaks replies; do
    tests=$(cargo test --locked --ignore-rust-version --test it -- --list "$module::" 2>/dev/null | sed -n 's/: test$//p')
    for test in $tests; do
        case "$test" in *"${1:-}"*) ;; *) continue ;; esac
        echo "$test"
        cargo test --locked --ignore-rust-version --test it -- --exact "$test" --nocapture >"$log.one" 2>&1 \
            || { status=1; cat "$log.one"; echo "row | $test | long | FAILED" >>"$log"; }
        grep '^row | ' "$log.one" >>"$log"
    done
done
echo
printf 'row | fault | dose | result\n' | cat - "$log" | sed 's/^row | //' | column -t -s '|'
rm -f "$log" "$log.one"
exit $status

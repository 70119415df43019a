#!/bin/sh
# The main job on invented customers, against the embedded sandbox. `make demo` runs it.
set -eu

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

# Say a command, then run it. Exit code 7 tells of rejected records, which these files hold.
show() {
    printf '\n$ customer-sync %s\n' "$*"
    customer-sync "$@" --state "$state" || [ $? -eq 7 ]
}

show run samples/1-created.jsonl --dry-run
show run samples/1-created.jsonl
show run samples/2-changed.jsonl
printf '\nThe same again: there is nothing left to do.\n'
show run samples/2-changed.jsonl
show run samples/customers.csv
show sandbox show

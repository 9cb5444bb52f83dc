#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of layout that no compiler knows: format, licences, imports, and what Swift code does not use. Prints file:line of each
# breach and exits 1 if there is one.
set -uo pipefail
shopt -s lastpipe # so that the last command of a pipe can set the status

cd "$(dirname "$0")/.."
status=0

# breach: its input is the breaches of one rule, one a line.
breach() {
    local rule=$1 found
    found=$(cat)
    [[ -z $found ]] && return
    printf '%s\n' "$found" | sed "s|\$|: $rule|"
    status=1
}

# Files that git knows or would know, without those of others.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r file; do
        [[ -f $file && $file != BPF/Include/vmlinux.h ]] && printf '%s\n' "$file"
    done
}

# found_in PATTERN FILE...: file:line of each line that matches and is no comment.
found_in() {
    local pattern=$1
    shift
    (($# == 0)) && return
    grep -nHE "$pattern" "$@" | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//' | sed -E 's/^([^:]+:[0-9]+):[[:space:]]*/\1: /'
}

mapfile -t swift < <(files 'Sources/*.swift' 'Tests/*.swift' 'Benchmarks/*.swift')
mapfile -t product < <(files 'Sources/*.swift')
mapfile -t c < <(files 'BPF/*.c' 'BPF/*.h' 'Sources/*.c' 'Sources/*.h')
mapfile -t own < <(files '*.swift' '*.c' '*.h' '*.py' '*.sh' '*.go' Makefile Tests/VM/init .ci/run)

# Format
if command -v swift >/dev/null; then
    breach "run make fmt" < <(swift format lint --strict --recursive Sources Tests Package.swift 2>&1 |
        sed -nE "s|^$PWD/||; s/^([^:]+:[0-9]+):[0-9]+: (error|warning): /\1: /p")
else
    echo "no swift on the PATH: the format of Swift files is not checked" >&2
    status=1
fi
if command -v clang-format >/dev/null; then
    breach "run make fmt" < <(clang-format --dry-run -Werror "${c[@]}" 2>&1 |
        sed -nE "s|^$PWD/||; s/^([^:]+:[0-9]+):[0-9]+: error: .*/\1: not formatted/p" | sort -u)
else
    echo "no clang-format on the PATH (apt install clang-format): the format of C files is not checked" >&2
    status=1
fi

# The suite of attempts: the agent carries all of it, and its README has its table
for file in Tests/Bypass/*.py; do
    grep -q "#embed \"../../$file\"" Sources/CTrustRunAssets/attack.c || echo "$file:1: not in Sources/CTrustRunAssets/attack.c"
done | breach "attempts"
TRUSTRUN_WORKLOADS=/tmp python3 -B Tests/Bypass/run.py --table | while IFS= read -r line; do
    grep -qxF -- "$line" Tests/Bypass/README.md || echo "Tests/Bypass/README.md:1: $line"
done | breach "a row that Tests/Bypass/run.py --table has"

# Licences
for file in "${own[@]}"; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' || echo "$file:1: no SPDX-License-Identifier in the first two lines"
done | breach "licence"

# Imports: each door has one keeper.
# only MODULE KEEPER...: nothing but the folders of the keepers imports the module.
only() {
    local module=$1 file keeper others=()
    shift
    for file in "${swift[@]}"; do
        for keeper in "$@"; do [[ $file == "$keeper"/* ]] && continue 2; done
        others+=("$file")
    done
    found_in "^[^/]*\bimport $module\b" "${others[@]}" | breach "only $* may import $module"
}

only CLibBPF Sources/CTrustRunSensor Tests/TrustRunAgreementTests
only CTrustRunSensor Sources/TrustRunSensor Tests/TrustRunSensorTests Tests/Fuzz
only CTrustRunEnforcement Sources/TrustRunEnforcement Tests/TrustRunEnforcementTests
only CTrustRunAssets Sources/TrustRunAgent Sources/TrustRunOrganisations Sources/TrustRunPolicy
only CTrustRunSystem Sources/TrustRunAgent
only ArgumentParser Sources/trustrun-agent
only Yams Sources/TrustRunPolicy
only CIDN2 Sources/TrustRunPolicy
only CTrustRunYAML Sources/TrustRunPolicy
only Crypto Sources/TrustRunQUIC Tests
only CryptoExtras Sources/TrustRunQUIC Tests
only TrustRunQUIC Sources/TrustRunAgent Tests
only Foundation Tests Benchmarks
only FoundationEssentials Sources/TrustRunReplay Tests Benchmarks
for stage in TrustRunSensor TrustRunEnrichment TrustRunInventory TrustRunEnforcement TrustRunReplay TrustRunSinks; do
    only "$stage" Sources/TrustRunAgent Tests Benchmarks
done
only TrustRunPolicy Sources/TrustRunAgent Sources/TrustRunEnforcement Tests Benchmarks
only TrustRunAgent Sources/trustrun-agent Tests Benchmarks
only Testing Tests

# Swift that is not written here
found_in '\btry!' "${swift[@]}" | breach "no try!"
found_in '\bas! ' "${swift[@]}" | breach "no as!"
found_in '(: |-> |<)[A-Z][A-Za-z.]*!( |$|,|\))' "${product[@]}" | breach "no implicitly unwrapped optionals"
found_in '[])A-Za-z0-9_]!([].,) ]|$)' "${product[@]}" | grep -vE '"[^"]*!' | breach "no force unwrap"
found_in '@unchecked Sendable' "${product[@]}" | tail -n +2 | breach "one @unchecked Sendable at most"
found_in '^(public|open) ' "${product[@]}" | breach "package or less, never public"

# Sizes
wc -l "${swift[@]}" "${c[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ":600: " $1 " lines" }' | breach "600 at most"

exit "$status"

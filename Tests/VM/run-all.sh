#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the kernel test suite on every supported kernel, in emulated machines.
#
#   run-all.sh [-- COMMAND...]       another command than the suite: see run.sh
#
# Environment (and what run.sh reads):
#   VM_KERNELS   the kernels, separated by blanks (5.10 6.1 6.12 7.x)
#   VM_JOBS      how many at a time (1)
#   VM_WHOLE     not empty: every test on every kernel; otherwise they share
#                those that no kernel changes (see Tests/Kernel/run.py)
#
# The output of each is also in .build/vm/logs/LABEL.log. Ends with a table.
# Exit status: 0 only if the suite passed on every kernel; a kernel that could
# not be had counts as a failure.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
build=${VM_BUILD_DIR:-$repo/.build/vm}
logs=$build/logs

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '3,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
fi
read -r -a labels <<<"${VM_KERNELS:-5.10 6.1 6.12 7.x}"
jobs=${VM_JOBS:-1}
if [[ ${#labels[@]} -eq 0 || ! $jobs =~ ^[1-9][0-9]*$ ]]; then
    echo "run-all.sh: VM_KERNELS is empty or VM_JOBS is no number" >&2
    exit 2
fi

mkdir -p "$logs"
results=$(mktemp -d "$build/results.XXXXXX")
started=0
declare -A running=() # run.sh's process -> its kernel

cleanup() {
    trap '' INT TERM HUP
    local pid
    for pid in "${!running[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$results"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Copies its input to a log, and with the kernel before each line to stdout.
show() {
    local line
    : >"$2"
    while IFS= read -r line || [[ -n $line ]]; do
        printf '%s\n' "$line" >>"$2"
        printf '%-5s| %s\n' "$1" "$line"
    done
}

start() {
    local label=$1
    shift
    date +%s >"$results/$label.start"
    started=$((started + 1))
    local share=$started/${#labels[@]}
    [[ -z ${VM_WHOLE:-} ]] || share=1/1
    VM_SHARE=$share "$here/run.sh" "$label" "$@" > >(show "$label" "$logs/$label.log") 2>&1 </dev/null &
    running[$!]=$label
}

# Waits for whichever ends first and notes its result.
finish_one() {
    local pid='' status=0 label
    wait -n -p pid "${!running[@]}" || status=$?
    [[ -n ${pid:-} ]] || return 0
    label=${running[$pid]}
    unset "running[$pid]"
    echo "$status" >"$results/$label.status"
    echo $(($(date +%s) - $(<"$results/$label.start"))) >"$results/$label.seconds"
}

for label in "${labels[@]}"; do
    while [[ ${#running[@]} -ge $jobs ]]; do finish_one; done
    start "$label" "$@"
done
while [[ ${#running[@]} -gt 0 ]]; do finish_one; done
sleep 0.2 # the last lines are still on their way through show

# --- the table -------------------------------------------------------------

red=$'\033[1;31m' green=$'\033[32m' plain=$'\033[0m'
failed=0
printf '\n%-8s %-60s %-22s %7s\n' KERNEL VERSION RESULT SECONDS
for label in "${labels[@]}"; do
    status=$(<"$results/$label.status")
    seconds=$(<"$results/$label.seconds")
    version='-' colour=$red
    [[ ! -s $build/kernels/$label/version ]] || version=$(<"$build/kernels/$label/version")
    case $status in
        0) result=passed colour=$green ;;
        124) result='FAILED (timeout)' ;;
        125) result='FAILED (guest died)' ;;
        126) result='FAILED (not started)' ;;
        *) result="FAILED (status $status)" ;;
    esac
    # 3 may also be the command's own status: without a kernel it is not.
    if [[ $status -eq 3 && ! -s $build/kernels/$label/version ]]; then
        result=MISSING
    fi
    [[ $status -eq 0 ]] || failed=1
    printf '%s%-8s %-60s %-22s %7s%s\n' "$colour" "$label" "$version" "$result" "$seconds" "$plain"
done

# Who sees only the end of this must see which test it was, and why.
for label in "${labels[@]}"; do
    [[ $(<"$results/$label.status") -ne 0 ]] || continue
    printf '\n%s%s failed:%s\n' "$red" "$label" "$plain"
    sed 's/\x1b\[[0-9;]*m//g' "$logs/$label.log" |
        awk '/^FAIL /{ told = 1; lines = 0 } /^(ok|SKIP|NOTE) /{ told = 0 } told && lines++ < 30' | grep . || tail -n 15 "$logs/$label.log"
done
exit "$failed"

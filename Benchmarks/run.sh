#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [PART...]: builds what the benchmarks need, runs all parts or those named (pipeline policy gates https rate connect stream memory idle start),
# prints one table, and fails if a bar is missed. Needs root, and the agent from `make build`.
set -euo pipefail
cd "$(dirname "$0")"

out=../.build/benchmarks
swift=$(command -v swift) || { echo "run.sh: swift is not on the PATH" >&2; exit 69; }
clang=$(dirname "$(realpath "$swift")")/clang
machine=$(uname -m)
[ -x ../.build/release/trustrun-agent ] || { echo "run.sh: run make build first" >&2; exit 69; }

mkdir -p "$out"
for program in connect_away connect_loop stream; do
	cc -O2 -Wall -Wextra -Werror -pthread -o "$out/$program" "Programs/$program.c"
done
cc -O2 -Wall -Wextra -Werror -o "$out/https" Programs/https.c -lssl -lcrypto
cc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$out/allocations.so" Programs/allocations.c
if [ $# -eq 0 ] || [[ " $* " == *" pipeline "* ]]; then
	"$clang" -g -O2 -target bpf -mcpu=v3 -Wall -Werror -I../BPF/Include -idirafter "/usr/include/$machine-linux-gnu" \
		-c BPF/records.bpf.c -o "$out/records.bpf.o"
fi
for part in pipeline policy gates; do
	if [ $# -eq 0 ] || [[ " $* " == *" $part "* ]]; then
		swift build --disable-sandbox -c release --static-swift-stdlib --scratch-path "$out" --product "${part%s}-bench" > "$out/build.log" 2>&1 ||
			{ cat "$out/build.log" >&2; exit 1; }
	fi
done

[ "$(id -u)" -eq 0 ] && sudo= || sudo=sudo
exec $sudo /usr/bin/python3 -B driver/bench.py "$@"

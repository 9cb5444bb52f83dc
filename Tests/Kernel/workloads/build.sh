#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the workloads of the kernel tests: build.sh OUTDIR. Static, so that they run in a VM that holds nothing else.
set -eu

[ $# -eq 1 ] || { echo "usage: build.sh OUTDIR" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

for source in "$here"/*.c; do
	name=$(basename "$source" .c)
	if [ "$out/$name" -nt "$source" ] && [ "$out/$name" -nt "$here/endpoint.h" ] && [ "$out/$name" -nt "$here/ring.h" ]; then
		continue
	fi
	"${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -o "$out/$name" "$source"
done

if [ ! "$out/go_tls_client" -nt "$here/go/main.go" ]; then
	command -v go >/dev/null || { echo "build.sh: go is not installed: apt install golang-go" >&2; exit 69; }
	cd "$here/go"
	CGO_ENABLED=0 GOFLAGS=-mod=mod GOTOOLCHAIN=local go build -trimpath -ldflags '-s -w' -o "$out/go_tls_client" .
fi

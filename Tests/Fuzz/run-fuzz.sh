#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds each libFuzzer target and runs it for some seconds: Tests/Fuzz/run-fuzz.sh [seconds]
set -euo pipefail

cd "$(dirname "$0")/../.."
seconds=${1:-20}
here=Tests/Fuzz
out=.build/fuzz
rm -rf "$out/modules"
mkdir -p "$out/modules"

# The bare -sanitize=fuzzer counts no coverage in Swift 6.3, so the coverage is spelled out.
flags=(-O -sanitize=fuzzer -sanitize=address -use-ld=lld -parse-as-library -swift-version 6 -package-name trustrun
    -sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature NonisolatedNonsendingByDefault
    -enable-experimental-feature Lifetimes -I "$out/modules")
crashed=()

# build_module NAME [swiftc flags]: Sources/NAME as one object and its module, once; of the sensor the decoder, which needs no C.
build_module() {
    local name=$1 folder=Sources/$1 sources
    [[ -d $folder/Records ]] && folder+=/Records
    shift
    [[ -e $out/modules/$name.o ]] && return
    mapfile -t sources < <(find "$folder/" -name '*.swift' | sort)
    swiftc "${flags[@]}" "$@" -wmo -module-name "$name" \
        -emit-module -emit-module-path "$out/modules/$name.swiftmodule" \
        -c "${sources[@]}" -o "$out/modules/$name.o"
}

# build_yams: Yams and its parser in C from the checkout, as the modules that TrustRunPolicy needs besides its own C.
build_yams() {
    local yams=.build/checkouts/Yams/Sources file objects=()
    swift package --disable-sandbox resolve
    for file in "$yams"/CYaml/src/*.c Sources/CTrustRunYAML/*.c Sources/CTrustRunAssets/*.c; do
        objects+=("$out/modules/$(basename "$file").o")
        "$(dirname "$(realpath "$(command -v swiftc)")")/clang" -std=gnu2x -O1 -w -fsanitize=address,fuzzer-no-link -DYAML_DECLARE_STATIC \
            -I "$yams/CYaml/include" -I Sources/CTrustRunAssets/include -I Sources/CTrustRunYAML/include \
            -c "$file" -o "${objects[-1]}"
    done
    swiftc -O -suppress-warnings -sanitize=address -sanitize=fuzzer -sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table \
        -parse-as-library -swift-version 5 -D SWIFT_PACKAGE -wmo -module-name Yams -I "$yams/CYaml/include" -Xcc -DYAML_DECLARE_STATIC \
        -emit-module -emit-module-path "$out/modules/Yams.swiftmodule" -c "$yams"/Yams/*.swift -o "$out/modules/Yams.swift.o"
    ld -r -o "$out/modules/Yams.o" "$out/modules/Yams.swift.o" "${objects[@]}"
    rm "$out/modules/Yams.swift.o" "${objects[@]}"
}

# fuzz NAME "MODULES" [swiftc flags]: Tests/Fuzz/NAME.swift on these modules of Sources/, in the order they are built.
fuzz() {
    local name=$1 modules=$2 module objects=() status=0
    shift 2
    for module in $modules; do
        build_module "$module" "$@"
        objects+=("$out/modules/$module.o")
    done
    swiftc "${flags[@]}" "$@" -module-name "$name" "$here/$name.swift" "${objects[@]}" -o "$out/$name"
    mkdir -p "$out/corpus/$name"
    echo "== $name, $seconds s"
    SWIFT_BACKTRACE=enable=no "$out/$name" -max_total_time="$seconds" -max_len=20000 -len_control=20 -timeout=10 \
        -print_final_stats=1 -verbosity=1 -artifact_prefix="$out/$name-" "$out/corpus/$name" \
        <&- >"$out/$name.log" 2>&1 || status=$?
    grep -E 'number_of_executed_units|new_units_added' "$out/$name.log" || true
    if ((status != 0)); then
        tail -n 40 "$out/$name.log"
        crashed+=("$name")
    fi
}

fuzz FuzzDNSMessage "TrustRunEvents TrustRunWire"
fuzz FuzzClientHello "TrustRunEvents TrustRunWire"
fuzz FuzzQUIC "TrustRunEvents TrustRunWire"
fuzz FuzzRecords "TrustRunEvents TrustRunWire TrustRunSensor TrustRunEnrichment"

build_yams
mkdir -p "$out/corpus/FuzzPolicy"
cp Presets/*.yaml "$out/corpus/FuzzPolicy" # what chance would hardly write
fuzz FuzzPolicy "TrustRunEvents Yams TrustRunPolicy" -I .build/checkouts/Yams/Sources/CYaml/include -I Sources/CIDN2 \
    -I Sources/CTrustRunAssets/include -I Sources/CTrustRunYAML/include

if ((${#crashed[@]} > 0)); then
    echo "crashed: ${crashed[*]} (inputs and logs in $out)" >&2
    exit 1
fi

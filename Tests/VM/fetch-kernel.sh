#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches a Debian kernel to boot the test suite on, without installing it.
#
#   fetch-kernel.sh LABEL        LABEL: 5.10, 6.1, 6.12 or 7.x
#
# Leaves, in .build/vm/kernels/LABEL:
#   vmlinuz       the kernel image
#   modules/      the modules the suite needs, decompressed
#   load-order    their file names, each after what it depends on
#   version       one line: the kernel release and its package version
#
# A kernel that is already there is used as it is; delete its folder to look
# for a newer one. The archive's address is the one in the machine's own apt
# sources, only the suite differs. apt works in directories of its own under
# .build/vm/apt, so the machine's package state is neither used nor changed.
#
# Exit status: 0 fetched or already there, 2 wrong usage, 3 not to be had.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
build=${VM_BUILD_DIR:-$repo/.build/vm}

# A run without these is worth nothing; the others make more tests possible.
required_modules=(veth inet_diag tcp_diag udp_diag)
optional_modules=(dummy tun tls mptcp_diag raw_diag unix_diag
    vsock vsock_loopback sch_netem sch_ingress cls_bpf crc32c_generic nft_chain_nat nft_nat)

label=${1:-}

missing() {
    printf '\033[1;31mkernel %s could not be had: %s\033[0m\n' "$label" "$1" >&2
    exit 3
}

# The suites to look in, and the image package's name with its version left
# open. The newest that matches is taken.
case $label in
    5.10) suites='bullseye bullseye-security' version_re='5\.10\.[0-9.]+-[0-9]+' flavour=cloud-amd64 ;;
    6.1)  suites='bookworm bookworm-security' version_re='6\.1\.[0-9.]+-[0-9]+' flavour=amd64 ;;
    6.12) suites='bookworm bookworm-security bookworm-backports' version_re='6\.12\.[0-9.]+\+[a-z0-9.~]+' flavour=cloud-amd64 ;;
    7.x)  suites='sid' version_re='7\.[0-9.]+\+[a-z0-9.~]+' flavour=cloud-amd64 ;;
    *)
        echo "usage: fetch-kernel.sh 5.10|6.1|6.12|7.x" >&2
        exit 2
        ;;
esac

target=$build/kernels/$label
mkdir -p "$build/kernels" "$build/apt"

# One fetch of a kernel at a time; whoever waited finds it there.
exec 9>"$build/apt/$label.lock"
flock 9
wanted="${required_modules[*]} ${optional_modules[*]}"
if [[ -s $target/version && -s $target/vmlinuz && -f $target/wanted && $(<"$target/wanted") == "$wanted" ]]; then
    echo "kernel $label: $(<"$target/version") (already there)" >&2
    exit 0
fi
type apt-get dpkg-deb >/dev/null 2>&1 ||
    missing "this machine has no apt-get and dpkg-deb"

work=$build/apt/$label
rm -rf "$work"
mkdir -p "$work"/{lists/partial,archives/partial,root}
trap 'rm -rf "$work/root" "$target.new"' EXIT

# --- the archive, from the machine's own sources ---------------------------

# Prints "ADDRESS SUITE KEYRING" for every binary source of the machine.
machine_sources() {
    local file
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -f $file ]] || continue
        awk '
            function flush(   u, s, i, j, n, m) {
                if (types ~ /(^| )deb( |$)/ && enabled != "no") {
                    n = split(uris, u, " "); m = split(suites, s, " ")
                    for (i = 1; i <= n; i++) for (j = 1; j <= m; j++)
                        print u[i], s[j], (key ~ /^\// ? key : "-")
                }
                types = uris = suites = key = enabled = ""
            }
            /^[[:space:]]*#/ { next }
            /^[[:space:]]*$/ { flush(); next }
            {
                name = tolower($1); value = $0; sub(/^[^:]*:[[:space:]]*/, "", value)
                if (name == "types:") types = value
                else if (name == "uris:") uris = value
                else if (name == "suites:") suites = value
                else if (name == "signed-by:") key = $2
                else if (name == "enabled:") enabled = tolower(value)
            }
            END { flush() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -f $file ]] || continue
        awk '$1 == "deb" {
            key = "-"; i = 2
            if ($2 ~ /^\[/) {
                while (i <= NF) {
                    option = $i; gsub(/[][]/, "", option)
                    if (option ~ /^signed-by=\//) { key = option; sub(/^signed-by=/, "", key) }
                    if ($i ~ /\]$/) break
                    i++
                }
                i++
            }
            print $i, $(i + 1), key
        }' "$file"
    done
}

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
archive='' archive_key='' security='' security_key=''
while read -r address suite key; do
    case $suite in
        *-security | */updates)
            [[ -n $security ]] || { security=$address; security_key=$key; }
            ;;
        "$codename" | stable | testing | unstable | sid)
            [[ -n $archive ]] || { archive=$address; archive_key=$key; }
            ;;
    esac
done < <(machine_sources)
[[ -n $archive ]] || missing "the machine's apt sources name no Debian archive"

apt_options=(
    -q -o "Dir::Etc::sourceparts=-"
    -o "Dir::State=$work" -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status"
    -o "Dir::Cache=$work" -o "Dir::Cache::archives=$work/archives"
    -o "APT::Sandbox::User=$(id -un)" -o "APT::Architecture=amd64" -o "APT::Architectures=amd64"
    -o "Acquire::Languages=none" -o "Acquire::Retries=2" -o "Acquire::Check-Valid-Until=false"
    -o "Debug::NoLocking=1"
)
: >"$work/status"

# Each suite on its own first: one that the archive no longer carries must not
# spoil the others.
for suite in $suites; do
    address=$archive key=$archive_key
    if [[ $suite == *-security ]]; then
        [[ -n $security ]] || continue
        address=$security key=$security_key
    fi
    options=''
    [[ $key == - || -z $key ]] || options="[signed-by=$key] "
    printf 'deb %s%s %s main\n' "$options" "$address" "$suite" >"$work/$suite.list"
    if apt-get "${apt_options[@]}" -o "Dir::Etc::sourcelist=$work/$suite.list" \
        -o APT::Get::List-Cleanup=false -o APT::Update::Error-Mode=any \
        update >"$work/$suite.log" 2>&1; then
        cat "$work/$suite.list" >>"$work/sources.list"
    else
        echo "kernel $label: suite $suite is not available: $(grep -m1 '^[EW]:' "$work/$suite.log" || true)" >&2
    fi
done
[[ -s $work/sources.list ]] || missing "none of the suites ($suites) could be read"
apt_options+=(-o "Dir::Etc::sourcelist=$work/sources.list")

# --- the packages ----------------------------------------------------------

# The image may be in linux-image or, in newer packaging, in linux-binary with
# the modules in linux-modules: take whichever of them exist.
apt-cache "${apt_options[@]}" pkgnames linux- >"$work/names"
release=$(grep -E "^linux-(image|binary)-$version_re-$flavour\$" "$work/names" |
    sed -E 's/^linux-(image|binary)-//' | sort -uV | tail -n 1 || true)
[[ -n $release ]] || missing "no package linux-image-$label*-$flavour in $suites"

packages=()
for part in image binary modules; do
    if grep -qxF "linux-$part-$release" "$work/names"; then
        packages+=("linux-$part-$release")
    fi
done
echo "kernel $label: fetching ${packages[*]}" >&2
(cd "$work/archives" && apt-get "${apt_options[@]}" download "${packages[@]}") \
    >"$work/download.log" 2>&1 ||
    missing "the download of ${packages[*]} failed: $(grep -m1 '^E:' "$work/download.log" || true)"

package_version=''
for deb in "$work"/archives/*.deb; do
    dpkg-deb -x "$deb" "$work/root" || missing "$(basename "$deb") does not unpack"
    package_version=$(dpkg-deb -f "$deb" Version)
done

# --- image and modules -----------------------------------------------------

rm -rf "$target.new"
mkdir -p "$target.new/modules"
image=$(find "$work/root" -name 'vmlinuz*' -type f | head -n 1)
[[ -n $image ]] || missing "no kernel image in ${packages[*]}"
cp "$image" "$target.new/vmlinuz"
: >"$target.new/load-order"

find "$work/root" \( -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz' \) \
    -type f >"$work/modules"
builtin=$(find "$work/root" -name modules.builtin -type f | head -n 1)

# Copies a module, after the modules it depends on. Returns 1 if it is neither
# a file nor built in.
declare -A seen=()
add_module() {
    local name=$1 pattern file dependency depends
    [[ -z ${seen[$name]:-} ]] || return 0
    pattern=/${name//_/[-_]}
    if ! file=$(grep -m1 -E "$pattern\.ko(\.(xz|zst|gz))?\$" "$work/modules"); then
        [[ -n $builtin ]] && grep -qE "$pattern\.ko\$" "$builtin"
        return
    fi
    seen[$name]=1
    case $file in
        *.xz) xz -dc "$file" ;;
        *.zst) zstd -dcq "$file" ;;
        *.gz) gzip -dc "$file" ;;
        *) cat "$file" ;;
    esac >"$target.new/modules/$name.ko"
    depends=$(tr '\0' '\n' <"$target.new/modules/$name.ko" | grep -a '^depends=' | head -n 1 || true)
    for dependency in $(tr ',' ' ' <<<"${depends#depends=}"); do
        add_module "${dependency//-/_}" || return
    done
    echo "$name.ko" >>"$target.new/load-order"
}
for module in "${required_modules[@]}"; do
    add_module "$module" || missing "$release has no module $module (or not what it depends on)"
done
absent=()
for module in "${optional_modules[@]}"; do
    add_module "$module" || absent+=("$module")
done
[[ ${#absent[@]} -eq 0 ]] || echo "kernel $label: without the optional ${absent[*]}" >&2

echo "$wanted" >"$target.new/wanted"
echo "$release (package $package_version)" >"$target.new/version"
rm -rf "$target"
mv "$target.new" "$target"
rm -rf "$work"
echo "kernel $label: $(<"$target/version")" >&2

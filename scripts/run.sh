#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job: build the kernel without and with the feature, give both the
# same work in guests, and compare. Results go to results/TIME/.
#
#	RUNS=5		rounds; each boots both kernels anew
#	SIZES=...	MIBxPROCESSES, which MIB mebibytes are shared among
#	MEM=2048	MiB of the guests whose processes are killed; CPUS=2
set -euo pipefail
. "$(dirname "$0")/lib.sh"

: "${RUNS:=5}"
: "${SIZES:=64x1 64x4 256x1}"
: "${MEM:=2048}"
: "${CPUS:=2}"
kernels="unpatched on"

for n in "$RUNS" "$MEM" "$CPUS"; do
	[[ $n =~ ^[1-9][0-9]{0,5}$ ]] ||
		die "RUNS, MEM and CPUS are numbers from 1, not $n"
done
for size in $SIZES; do
	[[ $size =~ ^[1-9][0-9]*x[1-9][0-9]*$ ]] ||
		die "SIZES has $size, which is not MIBxPROCESSES"
done

lock_cache
tmp=$(mktemp -d)
image=''
trap 'end_children; rm -rf "$tmp" ${image:+"$image"}' EXIT
export ZSDEFER_TIMES=$tmp/times
: >"$ZSDEFER_TIMES"

# beside FILE COMMAND...: run it beside what comes next, its output in FILE; what
# it says comes as in a log. "finish" waits for it.
beside()
{
	local to=$1

	shift
	start "$@" >"$to" 2> >(cat >&2)
}

# Packages, download and unpacking beside each other; the image beside the
# compiler.
need_packages debian-archive-keyring xz-utils
beside "$tmp/source" "$here/scripts/kernel-source.sh"
source=$child
# shellcheck disable=SC2046 # a package a word
need_packages $(build_packages) $(guest_packages) $(report_packages)
finish "$source" || exit 1
beside "$tmp/image" "$here/scripts/image.sh"
packing=$child
start "$here/scripts/kernel-build.sh" unpatched off on >"$tmp/builds"
finish "$child" || exit 1
mapfile -t builds <"$tmp/builds"
finish "$packing" || exit 1
image=$(cat "$tmp/image")
declare -A build=([unpatched]=${builds[0]} [off]=${builds[1]} [on]=${builds[2]})
accel=$("$here/scripts/vm.sh" accel "${build[on]}" "$image")

results=${RESULTS:-$here/results/$(date -u +%Y%m%d-%H%M%S)}
# It gets its name only when it is whole.
out=$results.part
rm -rf "$out"
mkdir -p "$out"

guests=0 all=$((4 + 4 * RUNS))
last_word()
{
	sed -n 's/^\[[^]]*\] *//p' "$1" | tail -n 1
}

# guests WHAT COMMAND...: guests that run at the same time.
guests()
{
	local n=$1 what=$2

	shift 2
	guests=$((guests + n))
	step=guests how_far=last_word with_progress \
		"guest $guests of $all: $what" "$tmp/guest.log" "$@"
}

# What it costs, in instructions, which QEMU counts.
price()
{
	"$here/scripts/vm.sh" -i -m 512 -n "$2" "${build[$1]}" "$image" \
		"$out/price/$2" price "$2" 16
}

# Their guests are no slower for each other's company.
prices()
{
	price "$1" "$2" &
	price "$3" "$4"
	wait $!
}
guests 2 "instructions, unpatched and off" \
	prices unpatched unpatched off off
guests 2 "instructions, disabled and on" \
	prices on disabled on on

vm=("$here/scripts/vm.sh" -a "$accel" -c "$CPUS")
# The kernels take turns, so that a machine that slows down slows both.
for round in $(seq "$RUNS"); do
	for kernel in $kernels; do
		# shellcheck disable=SC2086 # a size a word
		guests 1 "round $round of $RUNS, $kernel, kills" \
			"${vm[@]}" -m "$MEM" "${build[$kernel]}" "$image" \
			"$out/$kernel/$round/kills" run 96 $SIZES
		guests 1 "round $round of $RUNS, $kernel, stress-ng" \
			"${vm[@]}" -m 160 "${build[$kernel]}" "$image" \
			"$out/$kernel/$round/stress" stress 76 vm mmap exit
	done
done

for kernel in unpatched off on; do
	cp "${build[$kernel]}/.config" "$out/config-$kernel"
	cp "${build[$kernel]}/size" "$out/size-$kernel"
done
{
	echo "commit $(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)"
	echo "kernel $(basename "${builds[0]}" -unpatched)"
	echo "compiler $(gcc --version | head -n 1)"
	echo "qemu $(qemu-system-x86_64 -version | head -n 1)"
	echo "accelerator $accel"
	echo "guest $CPUS CPUs, $MEM MiB (stress-ng: 160 MiB)"
	echo "host $(uname -srm), $(nproc) CPUs,$(sed -n 's/^model name[^:]*://p' /proc/cpuinfo | head -n 1)"
	echo "perf $(dpkg-query -W -f '${Version}' linux-perf)"
	echo "stress-ng $(dpkg-query -W -f '${Version}' stress-ng)"
	echo "command make run RUNS=$RUNS SIZES='$SIZES' MEM=$MEM CPUS=$CPUS WITHOUT='${WITHOUT:-}'"
} >"$out/machine"

/usr/bin/python3 "$here/scripts/run_report.py" "$out"
rm -rf "$results"
mv "$out" "$results"
say "$(times_spent)"
say "raw samples: $results/results.json, the table: $results/report.md"
echo "$results/index.html"

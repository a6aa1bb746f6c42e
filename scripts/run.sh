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
. "$(dirname "$0")/lib/common.sh"

: "${RUNS:=5}"
: "${SIZES:=64x1 64x4 256x1}"
. "$here/scripts/guest/rounds.sh"

# shellcheck disable=SC2046 # a package a word
fetch_beside $(build_packages) $(guest_packages) $(report_packages)
# The image is made beside the compiler.
beside "$tmp/image" "$here/scripts/guest/image.sh"
packing=$child
start "$here/scripts/kernel/build.sh" unpatched off on >"$tmp/builds"
finish "$child" || exit 1
mapfile -t builds <"$tmp/builds"
finish "$packing" || exit 1
image=$(cat "$tmp/image")
rubbish=("$image")
declare -A build=([unpatched]=${builds[0]} [off]=${builds[1]} [on]=${builds[2]})
accel=$("$here/scripts/guest/vm.sh" accel "${build[on]}" "$image")

# price KERNEL VARIANT SWAP: what it costs, in instructions, which QEMU counts.
price()
{
	"$here/scripts/guest/vm.sh" -i -m 512 -n "$2, $3" -e zram="$3" "${build[$1]}" \
		"$image" "$out/price/$2/$3" price "$2" 16
}

swaps=zram0
# On 6.12 it is no caller.
! compgen -G "$here/patches/$BASE/*zswap*" >/dev/null || swaps="zram0 zswap"
# shellcheck disable=SC2086 # a kind of swap a word
begin_results $((4 * $(printf '%s\n' $swaps | wc -l) + 4 * RUNS))
for swap in $swaps; do
	guests 2 "instructions, unpatched and off, $swap" \
		at_once "price unpatched unpatched $swap" "price off off $swap"
	guests 2 "instructions, disabled and on, $swap" \
		at_once "price on disabled $swap" "price on on $swap"
done

vm=("$here/scripts/guest/vm.sh" -a "$accel" -c "$CPUS")
# The kernels take turns, so that a machine that slows down slows both.
for round in $(seq "$RUNS"); do
	for kernel in unpatched on; do
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
end_results "kernel $(basename "${builds[0]}" -unpatched)" \
	"compiler $(gcc --version | head -n 1)" \
	"guest $CPUS CPUs, $MEM MiB (stress-ng: 160 MiB)" \
	"perf $(dpkg-query -W -f '${Version}' linux-perf)" \
	"stress-ng $(dpkg-query -W -f '${Version}' stress-ng)" \
	"command make run RUNS=$RUNS SIZES='$SIZES' MEM=$MEM CPUS=$CPUS WITHOUT='${WITHOUT:-}'"

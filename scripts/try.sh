#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The shortest way to a measured kill: Debian's own cloud kernel, with zram and
# zsmalloc as they are and with the deferred free, as modules of one compiler.
# Both are booted in turn. Results go to results/TIME/.
#
#	RUNS=5		rounds; each boots both anew
#	SIZES=...	MIBxPROCESSES, which MIB mebibytes are shared among; what is there
#			several times counts by its median
#	MEM=2048	MiB of the guests; CPUS=2
set -euo pipefail
: "${BASE:=6.12}"
. "$(dirname "$0")/lib/common.sh"

: "${RUNS:=5}"
: "${SIZES:=64x1 64x1 256x1}"
. "$here/scripts/guest/rounds.sh"
export SMALL=1

# shellcheck disable=SC2046 # a package a word
fetch_beside $(build_packages) $(guest_packages) $(report_packages)
start "$here/scripts/kernel/stock.sh" unpatched on >"$tmp/builds"
finish "$child" || exit 1
mapfile -t builds <"$tmp/builds"
declare -A build=([unpatched]=${builds[0]} [on]=${builds[1]}) image
for kernel in unpatched on; do
	image[$kernel]=$("$here/scripts/guest/image.sh" "${build[$kernel]}")
	rubbish+=("${image[$kernel]}")
done
accel=$("$here/scripts/guest/vm.sh" accel "${build[on]}" "${image[on]}")

# What it costs, in instructions, which QEMU counts.
price()
{
	"$here/scripts/guest/vm.sh" -i -m 512 -n "$1" "${build[$1]}" "${image[$1]}" \
		"$out/price/$1/zram0" price "$1" 16
}

begin_results $((2 + 2 * RUNS))
guests 2 "instructions, unpatched and on" at_once "price unpatched" "price on"
for round in $(seq "$RUNS"); do
	for kernel in unpatched on; do
		# shellcheck disable=SC2086 # a size a word
		guests 1 "round $round of $RUNS, $kernel, kills" \
			"$here/scripts/guest/vm.sh" -a "$accel" -c "$CPUS" -m "$MEM" \
			"${build[$kernel]}" "${image[$kernel]}" \
			"$out/$kernel/$round/kills" release 1 kill $SIZES
	done
done

for kernel in unpatched on; do
	cp "${build[$kernel]}/size" "$out/size-$kernel"
done
cp "${build[on]}/.config" "$out/config-on"
end_results "kernel $(cat "${build[on]}/include/config/kernel.release"), Debian's" \
	"compiler of the modules: $(cat "${build[on]}/compiler")" \
	"guest $CPUS CPUs, $MEM MiB" \
	"command make try BASE=$BASE RUNS=$RUNS SIZES='$SIZES' MEM=$MEM CPUS=$CPUS WITHOUT='${WITHOUT:-}'"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job: build the kernel without and with the feature, give both the
# same work in a guest, and compare. Results go to results/TIME/.
#
#	RUNS=5		runs of each release
#	SIZES=...	MIBxPROCESSES, which MIB mebibytes are shared among
#	MEM=2048	MiB of the guest; CPUS=2
set -euo pipefail
. "$(dirname "$0")/lib.sh"

: "${RUNS:=5}"
: "${SIZES:=64x1 64x2 64x4 128x1 256x1}"
: "${MEM:=2048}"
: "${CPUS:=2}"
: "${STRESS_SECONDS:=8}"
: "${STRESS_ROUNDS:=2}"

case "$RUNS$MEM$CPUS$STRESS_SECONDS$STRESS_ROUNDS" in
*[!0-9]*) die "RUNS, MEM, CPUS, STRESS_SECONDS and STRESS_ROUNDS are numbers" ;;
esac
for size in $SIZES; do
	[[ $size =~ ^[0-9]+x[0-9]+$ ]] || die "SIZES has $size, which is not MIBxPROCESSES"
done

need_packages python3
lock_cache
image=$("$here/scripts/image.sh")
trap 'rm -f "$image"' EXIT
mapfile -t builds < <("$here/scripts/kernel-build.sh" pristine on)
[ ${#builds[@]} -eq 2 ] || exit 1
accel=$("$here/scripts/vm.sh" accel "${builds[1]}" "$image")

out=${RESULTS:-$here/results/$(date -u +%Y%m%d-%H%M%S)}
mkdir -p "$out"
say "results go to $out"

vm()
{
	local flavour=$1 job=$2 mem=$3 i=0

	shift 3
	[ "$flavour" = off ] || i=1
	"$here/scripts/vm.sh" -a "$accel" -m "$mem" -c "$CPUS" -n "$flavour" \
		"${builds[$i]}" "$image" "$out/$flavour/$job" "$job" "$@"
}

# The kernels take turns, so that a machine that slows down slows both.
# shellcheck disable=SC2086
for flavour in off on; do
	say "kernel \"$flavour\": releases"
	vm $flavour release "$MEM" "$RUNS" munmap+kill $SIZES
done
for flavour in off on; do
	say "kernel \"$flavour\": stress-ng beyond memory"
	vm $flavour stress 320 "$STRESS_SECONDS" "$STRESS_ROUNDS"
done
for flavour in off on; do
	say "kernel \"$flavour\": perf record of kills"
	vm $flavour profile "$MEM" 256 2
done

for i in 0 1; do
	flavour=$([ $i = 0 ] && echo off || echo on)
	cp "${builds[$i]}/.config" "$out/$flavour/config"
done
{
	echo "commit $(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)"
	echo "kernel $(basename "${builds[0]}" -pristine)"
	echo "compiler $(gcc --version | head -n 1)"
	echo "qemu $(qemu-system-x86_64 -version | head -n 1)"
	echo "accelerator $accel"
	echo "guest $CPUS CPUs, $MEM MiB (stress-ng: 320 MiB)"
	echo "host $(uname -srm), $(nproc) CPUs,$(sed -n 's/^model name[^:]*://p' /proc/cpuinfo | head -n 1)"
	echo "perf $(dpkg-query -W -f '${Version}' linux-perf)"
	echo "stress-ng $(dpkg-query -W -f '${Version}' stress-ng)"
	echo "command make run RUNS=$RUNS SIZES='$SIZES' MEM=$MEM CPUS=$CPUS STRESS_SECONDS=$STRESS_SECONDS STRESS_ROUNDS=$STRESS_ROUNDS WITHOUT='${WITHOUT:-}'"
} >"$out/machine"

python3 "$here/scripts/report.py" "$out"
say "report: $out/report.md, raw samples: $out/results.json"

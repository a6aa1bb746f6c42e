#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a release, and the drain after it, cost on this machine's own CPU, in
# nanoseconds: instructions that are counted show no cache miss. The kernel runs
# as a process (User-mode Linux, with native/arch-um.patch), unpatched and ours
# side by side, each on a CPU of the host's, which they exchange at each boot; a
# time is the CPU time of the kernel, so that others' work is not in it.
#
#	BOOTS=4 RUNS=4	boots of both kernels, and runs of each row in a boot
#	NATIVE=profile	where the time is, by line, of 256 MiB: one boot of each
#			kernel with RUNS=30 runs, and perf beside it
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"

[ "${NATIVE:-}" = profile ] && : "${RUNS:=30}"
: "${BOOTS:=4}" "${RUNS:=4}"
for n in "$BOOTS" "$RUNS"; do
	[[ $n =~ ^[1-9][0-9]?$ ]] ||
		die "BOOTS and RUNS are numbers from 1 to 99, not $n"
done
[ "$(dpkg --print-architecture)" = amd64 ] ||
	die "User-mode Linux is for x86; here instructions can be counted"
free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
[ "$free" -ge 6000 ] || die "this needs 6000 MiB of memory, and $free are free"
out=${RESULTS:-$here/results/native-$(date -u +%Y%m%d-%H%M%S)}
lock_cache
tmp=$(mktemp -d)
image=''
clean_up()
{
	end_children
	umount "$tmp/memory" 2>/dev/null || true
	rm -rf "$tmp" "$image"
}
trap clean_up EXIT

# shellcheck disable=SC2046 # a package a word
need_packages $(report_packages)
source=$("$here/scripts/kernel/source.sh")
grep -q '^config SMP$' "$source/arch/um/Kconfig" ||
	die "Linux $BASE has no SMP as a process, and so no locked instructions"
image=$(SMALL=1 "$here/scripts/guest/image.sh")
start "$here/scripts/kernel/build.sh" um-unpatched um >"$tmp/builds"
finish "$child" || exit 1
mapfile -t builds <"$tmp/builds"
declare -A build=([unpatched]=${builds[0]} [on]=${builds[1]})

# A kernel's memory is mapped by huge pages, so that of these is, too.
mkdir "$tmp/memory"
if mount -t tmpfs -o huge=always,size=8g tmpfs "$tmp/memory" 2>/dev/null; then
	export TMPDIR=$tmp/memory
else
	say "no root, so no huge pages for the kernels' memory: more misses, for both"
fi

# boot KERNEL CPU N
boot()
{
	taskset -c $(($2 % $(nproc))) "$here/scripts/guest/vm.sh" -m 2560 -t 3600 \
		-n "$1, boot $3" "${build[$1]}" "$image" "$out/$1/$3" native "$RUNS"
}

# What others had of the host's CPUs, or took from them, and the time, both in
# hundredths of a second.
spent_by_others()
{
	local all ours up

	all=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat)
	ours=$(awk '{ print $14 + $15 + $16 + $17 }' /proc/$$/stat)
	up=$(awk '{ print int($1 * 100) }' /proc/uptime)
	echo "$((all - ours)) $up"
}

# perf_of KERNEL: its samples, without those of other processes.
perf_of()
{
	perf record -q -e cpu-clock:u -F 4000 --call-graph fp -o "$tmp/perf.data" -- \
		"$here/scripts/guest/vm.sh" -m 2560 -t 3600 -n "$1" "${build[$1]}" "$image" \
		"$out/$1/1" native "$RUNS" profile || die "a guest did not end well; see $out"
	perf script -i "$tmp/perf.data" --comms linux -F comm,ip,sym \
		>"$out/$1/1/samples" 2>/dev/null
}

mkdir -p "$out"
if [ "${NATIVE:-}" = profile ]; then
	need_packages linux-perf binutils
	for kernel in unpatched on; do
		perf_of $kernel
		/usr/bin/python3 "$here/scripts/report/native_profile.py" "$out/$kernel/1/samples" \
			"${build[$kernel]}/linux" | tee "$out/profile-$kernel"
	done
	exit
fi
{
	echo "commit $(revision)"
	echo "host $(host)"
	echo "kernel $(cat "${build[on]}/include/config/kernel.release")"
} >"$out/machine"
before=$(spent_by_others)
for n in $(seq "$BOOTS"); do
	say "boot $n of $BOOTS"
	start boot unpatched "$n" "$n"
	unpatched=$child
	start boot on $((n + 1)) "$n"
	finish "$child" || die "a guest did not end well; see $out"
	finish "$unpatched" || die "a guest did not end well; see $out"
done
echo "$before $(spent_by_others)" >"$out/others"
/usr/bin/python3 "$here/scripts/report/native_report.py" "$out"

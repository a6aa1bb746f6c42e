#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites on User-mode Linux: kunit.sh [OUT]. The kernel's own
# kunit.py builds the patched tree, runs it as a process, and shows the
# results; fails if a test does, if none ran, or if the kernel complained.
# OUT receives SUITE.tap for each suite, and console.log.
#
#	FILTER=*.NAME	only tests of that name (SUITE.TEST, * for any)
#	TIMEOUT=300	seconds that they may take
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

out=${1:-}

need_packages build-essential bc bison flex ccache python3 patch xz-utils
lock_cache
source=$("$here/scripts/kernel/source.sh")
build=$ZSDEFER_CACHE/build/$(basename "$source")-kunit
log=$build/test.log
mkdir -p "$(dirname "$build")"
rm -f "$log"

# One file for each suite, its lines a level less indented.
split_suites()
{
	awk -v out="$1" '
		/^    # Subtest: / { file = out "/" $3 ".tap" }
		/^(not )?ok / { file = "" }
		file && sub(/^    /, "") && !/^ / { print >file }
	' "$log"
}

# Threads that really run at once, where User-mode Linux can do that; and a bus less.
if grep -q '^config SMP$' "$source/arch/um/Kconfig"; then
	smp=1 kconfig=(SMP=y NR_CPUS=4 KUNIT_UML_PCI=n)
else
	smp='' kconfig=(UML_PCI_OVER_VIRTIO=n)
fi

# kunit.py ends with 0 only if tests ran, and none failed.
run_on()
{
	"$here/scripts/kernel/build.sh" in-tree tools/testing/kunit/kunit.py \
		run --build_dir="$build" --kunitconfig=mm/zsdefer/tests \
		"${kconfig[@]/#/--kconfig_add=CONFIG_}" \
		--jobs="$JOBS" --make_options="CC=ccache gcc" \
		--timeout="${TIMEOUT:-300}" --kernel_args=seccomp=auto \
		--kernel_args=ncpus="$1" ${FILTER:+"$FILTER"} </dev/null
}

say "building and running the KUnit suites on User-mode Linux, in $build"
status=0
run_on "${CPUS:-2}" || status=$?
if [ -z "$smp" ]; then
	say "Linux $BASE has no SMP there: threads only preempt each other"
elif grep -q 'SMP is not supported' "$log" 2>/dev/null; then
	say "no seccomp here, so no SMP: threads only preempt each other"
	status=0
	run_on 1 || status=$?
fi

[ -s "$log" ] || die "the kernel was not run (kunit.py: $status)"
if [ -n "$out" ]; then
	mkdir -p "$out"
	split_suites "$out"
	cp "$log" "$out/console.log"
	# What is printed is all that there is.
	cp "$log" "$out/dmesg"
fi
ran=$(grep -cE '^    (not )?ok ' "$log" || true)
[ "$ran" -gt 0 ] || die "no test ran; see $log"
if awk -f "$here/tools/testing/selftests/zsdefer/complaints.awk" "$log" |
	grep . >&2
then
	die "the kernel complained; see $log"
fi
[ $status -eq 0 ] || die "not all of $ran tests passed; see $log"
say "$ran tests passed"

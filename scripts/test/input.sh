# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What people give us.

test_input()
{
	mkdir -p "$tmp/not-a-kernel" "$tmp/readonly"
	check "an unknown BASE is refused" refuses 'BASE=5.99 is unknown' \
		env BASE=5.99 "$here/scripts/kernel/source.sh"
	check "a KSRC that is no kernel is refused" refuses 'not a kernel' \
		env KSRC="$tmp/not-a-kernel" "$here/scripts/kernel/source.sh"
	check "a KSRC that does not exist is refused" refuses 'does not exist' \
		env KSRC=/nonexistent "$here/scripts/kernel/source.sh"
	echo nonsense >"$tmp/tarball"
	check "a KSRC that is no tarball is refused" refuses 'neither a tree' \
		env KSRC="$tmp/tarball" "$here/scripts/kernel/source.sh"
	check "a cache that can't be written is refused" \
		refuses "can't be written" \
		env ZSDEFER_CACHE=/proc/cache "$here/scripts/kernel/source.sh"
	check "SIZES without a process count is refused" refuses 'MIBxPROC' \
		env SIZES=64 "$here/scripts/run.sh"
	check "SIZES of no processes is refused" refuses 'MIBxPROC' \
		env SIZES=64x0 "$here/scripts/run.sh"
	for v in RUNS MEM CPUS; do
		check "$v that is no number is refused" refuses 'are numbers' \
			env $v=2x "$here/scripts/run.sh"
		check "$v of nothing is refused" refuses 'are numbers' \
			env $v=0 "$here/scripts/run.sh"
	done
	check "a RUNS of try that is no number is refused" refuses 'are numbers' \
		env RUNS=0 "$here/scripts/try.sh"
	check "try of a kernel that modules can't be built for is refused" \
		refuses 'no way to build modules' \
		env BASE=7.3 "$here/scripts/kernel/stock.sh" on
	check "try of a KSRC is refused" refuses 'unset KSRC' \
		env KSRC=/nonexistent "$here/scripts/kernel/stock.sh" on
	check "a SIZE of bench that is no number is refused" \
		refuses 'are numbers' env SIZE=64M "$here/scripts/bench.sh"
	check "a NATIVE that is neither 1 nor profile is refused" \
		refuses 'NATIVE is' env NATIVE=0 "$here/scripts/bench.sh"
	check "a BOOTS that is no number is refused" \
		refuses 'are numbers' env NATIVE=1 BOOTS=0 "$here/scripts/bench.sh"
	check "a BASELINE that is no revision is refused" \
		refuses 'is no revision' env BASELINE=x "$here/scripts/bench.sh"
	check "a part that eval does not have is refused" \
		refuses 'PARTS has x' env PARTS=x "$here/scripts/eval.sh"
	check "a design that eval does not have is refused" \
		refuses 'DESIGNS has x' env DESIGNS=x "$here/scripts/eval.sh"
	check "a ROUNDS of eval that is no number is refused" \
		refuses 'are numbers' env ROUNDS=0 "$here/scripts/eval.sh"
	check "a SIZE of eval that others can't hold is refused" \
		refuses '128 at most' env SIZE=129 "$here/scripts/eval.sh"
	check "a kit is not made over something else" refuses 'no kit' \
		env KIT="$here/scripts" "$here/scripts/eval-target.sh"
	check "a report of no results is refused" refuses 'no results' \
		env PARTS=report RESULTS="$tmp/none" "$here/scripts/eval.sh"
	check "a ROUNDS of scenes that is no number is refused" \
		refuses 'is a number' env ROUNDS=2x "$here/scripts/scenes.sh"
	check "a mutant that does not exist is refused" \
		refuses 'there is no mutant' "$here/scripts/mutants.sh" x
	check "apply without KDIR is refused" bash -c \
		"! make -C '$here' apply"
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What people give us.

# bad WHAT WORDS SCRIPT NAME=VALUE...: a script refuses it in these words.
bad()
{
	check "$1 is refused" refuses "$2" env "${@:4}" "$here/scripts/$3.sh"
}

test_input()
{
	mkdir -p "$tmp/not-a-kernel"
	echo nonsense >"$tmp/tarball"
	bad "an unknown BASE" 'BASE=5.99 is unknown' kernel/source BASE=5.99
	bad "a KSRC that is no kernel" 'not a kernel' kernel/source \
		KSRC="$tmp/not-a-kernel"
	bad "a KSRC that does not exist" 'does not exist' kernel/source \
		KSRC=/nonexistent
	bad "a KSRC that is no tarball" 'neither a tree' kernel/source \
		KSRC="$tmp/tarball"
	bad "a cache that can't be written" "can't be written" kernel/source \
		ZSDEFER_CACHE=/proc/cache
	bad "SIZES without a process count" MIBxPROC run SIZES=64
	bad "SIZES of no processes" MIBxPROC run SIZES=64x0
	for v in RUNS MEM CPUS; do
		bad "$v that is no number" 'are numbers' run $v=2x
		bad "$v of nothing" 'are numbers' run $v=0
	done
	bad "a RUNS of try that is no number" 'are numbers' try RUNS=0
	check "try of a kernel that modules can't be built for is refused" \
		refuses 'no way to build modules' \
		env BASE=7.3 "$here/scripts/kernel/stock.sh" on
	check "try of a KSRC is refused" refuses 'unset KSRC' \
		env KSRC=/nonexistent "$here/scripts/kernel/stock.sh" on
	bad "a SIZE of bench that is no number" 'are numbers' bench SIZE=64M
	bad "a NATIVE that is neither 1 nor profile" 'NATIVE is' bench NATIVE=0
	bad "a BOOTS that is no number" 'are numbers' bench NATIVE=1 BOOTS=0
	bad "a BASELINE that is no revision" 'is no revision' bench BASELINE=x
	bad "a part that eval does not have" 'PARTS has x' eval PARTS=x
	bad "a design that eval does not have" 'DESIGNS has x' eval DESIGNS=x
	bad "a ROUNDS of eval that is no number" 'are numbers' eval ROUNDS=0
	bad "a SIZE of eval that others can't hold" '128 at most' eval SIZE=129
	bad "a KIT over something else" 'no kit' eval-target KIT="$here/scripts"
	bad "a report of no results" 'no results' eval PARTS=report \
		RESULTS="$tmp/none"
	bad "a ROUNDS of scenes that is no number" 'is a number' scenes ROUNDS=2x
	check "a mutant that does not exist is refused" \
		refuses 'there is no mutant' "$here/scripts/mutants.sh" x
	check "apply without KDIR is refused" bash -c \
		"! make -C '$here' apply"
}

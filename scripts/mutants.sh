#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the KUnit suites notice mistakes? mutants.sh [NAME...]: each patch in
# tools/testing/zsdefer/mutants/ is a mistake of a line or two in ours, and names
# the test that has to fail because of it. Each is built and run on User-mode
# Linux, one after the other. Fails if one is not noticed, or fits no more.
# Results are in KTAP.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

mutants=$here/tools/testing/zsdefer/mutants
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # names are words
	set -- $(cd "$mutants" && printf '%s\n' *.patch | sed 's/\.patch$//')
fi
for name in "$@"; do
	[ -f "$mutants/$name.patch" ] || die "there is no mutant $name"
done
lock_cache
tmp=$(mktemp -d)
trap 'end_children; rm -rf "$tmp"' EXIT

# A copy of ours to make mistakes in.
mkdir "$tmp/ours"
(cd "$here" && cp -a --parents Kconfig.zsdefer Documentation configs drivers \
	include mm patches scripts tools "$tmp/ours")

mutate()
{
	patch -d "$tmp/ours" -p1 -s --force --fuzz=0 --no-backup-if-mismatch \
		-r - "$@" <"$mutants/$name.patch"
}

# Prints why the mutant was not noticed, if it was not.
try()
{
	local status=0

	mutate || {
		echo "fits no more"
		return 1
	}
	FILTER="*.$1" TIMEOUT=60 start "$tmp/ours/scripts/kunit.sh" "$tmp/out" \
		>"$tmp/log" 2>&1
	finish "$child" || status=$?
	mutate -R
	if grep -q '^error: .*not run' "$tmp/log"; then
		echo "does not build: $(grep -m 1 error: "$tmp/log")"
	elif [ $status -eq 0 ]; then
		echo "$1 passes"
	else
		return 0
	fi
	return 1
}

echo "KTAP version 1"
echo "1..$#"
n=0 missed=0
for name in "$@"; do
	n=$((n + 1))
	wanted=$(sed -n 's/^Caught by: //p' "$mutants/$name.patch")
	grep -q "KUNIT_CASE[A-Z_]*(${wanted}[,)]" "$here"/mm/zsdefer/tests/*.h ||
		die "$name is caught by \"$wanted\", which is no test"
	if try "$wanted" >"$tmp/why"; then
		echo "ok $n $name: caught by $wanted"
	else
		echo "not ok $n $name: $(cat "$tmp/why")"
		missed=$((missed + 1))
	fi
done
[ $missed -eq 0 ] || die "$missed of $# mistakes are not noticed"
say "$# mistakes, all noticed"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that fit a quarter of an hour once everything is built, or those
# that TESTS= names; TESTS=all is all of them. Ends with what each group and each
# kernel took, and a line of counts.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

most="input apply litmus object zram swap pressure upstream checked faults distro run
	try"
slow="kunit mutants checked-more kcsan rt zswap arm64 i386 distro-more builds designs
	eval native series dkms 6.12"
: "${TESTS:=$most}"
[ "$TESTS" != all ] || TESTS="$most $slow"
again=''
. "$here/scripts/lib/tests.sh"
for t in "$here"/scripts/test/*.sh; do
	# shellcheck source=/dev/null
	. "$t"
done

for t in $TESTS; do
	[ "$(type -t "test_$t")" = function ] ||
		die "TESTS has $t; there are: all, or any of $most $slow"
done
need_packages debian-archive-keyring
# shellcheck disable=SC2046 # a package a word
need_packages $(build_packages) $(guest_packages) $(report_packages)
lock_cache
tmp=$(mktemp -d)
keep=${KEEP:-$here/results/failed}
rm -rf "$keep"
mkdir -p "$keep"
trap 'end_children; rm -rf "$tmp" ${plain_image:+"$plain_image"}' EXIT
export ZSDEFER_TIMES=$tmp/times
: >"$ZSDEFER_TIMES"
source_tree >/dev/null
# Those that share their objects, in the order that compiles least.
"$here/scripts/kernel/build.sh" unpatched off on >/dev/null
plain_image=$("$here/scripts/guest/image.sh")
image=$plain_image

for t in $TESTS; do
	say "tests: $t"
	before=$failed began=$(date +%s)
	"test_$t"
	spent "tests $t" "$began"
	[ "$failed" = "$before" ] || again="$again $t"
done

if [ $failed -gt 0 ]; then
	printf '\nfailed: %s\n' "${failures[@]}"
	echo "Only what failed again: make test TESTS=\"${again# }\"; consoles:" \
	     "results/failed/; a shell in such a kernel: make shell" \
	     "KERNEL=on, checked, ..."
else
	rmdir "$keep" 2>/dev/null || true
fi
say "$(times_spent); a kernel's time is in its group's, too"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ask the kernel's memory model about every place where ordering matters
# without a lock: herd7 on tools/testing/zsdefer/litmus/*.litmus. What each
# file asks for must never be seen, but be seen with the change of its line
# "Mistake:", which is for sed. "Code:" lines say what the test is a model of,
# and that must be there still: a file, a function, and what it has in this
# order, with " ... " between. Prints a line for each test: ok, not ok, or
# skip, with the reason.
set -euo pipefail
. "$(dirname "$0")/../../lib/common.sh"
. "$(dirname "$0")/../../lib/newer-debian.sh"

tests=$here/tools/testing/zsdefer/litmus
lock_cache
model=$("$here/scripts/kernel/source.sh")/tools/memory-model
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The system's herd7, or one from a newer Debian: 12 has none.
find_herd()
{
	local run

	if command -v herd7; then
		return
	fi
	run=$(newer_tool herd7 herdtools7 libc6 libgmp10) || return
	echo "$run"
	# It looks for its library where the package has it.
	echo -set-libdir
	echo "$(dirname "$run")/usr/share/herdtools7/herd"
}

no_herd=''
if ! find_herd 2>&1 >"$tmp/herd" | tee "$tmp/why" >&2; then
	no_herd="no herd7: $(sed -n 's/^error: //p' "$tmp/why")"
fi
mapfile -t herd <"$tmp/herd"

# seen FILE: what herd7 says of the bad outcome.
seen()
{
	(cd "$model" && "${herd[@]}" -conf linux-kernel.cfg "$1") \
		>"$tmp/out" 2>&1 || true
	awk '$1 == "Observation" { print $3 }' "$tmp/out" | grep . ||
		echo "not by herd7: $(grep -v '^$' "$tmp/out" | tail -n 1)"
}

# verdict FILE: nothing if it is never seen, but is with the mistake.
verdict()
{
	local broken seen

	# Not in the comment, which has it, too.
	sed "/^ \*/b; $(sed -n 's/^ \* Mistake: //p' "$1")" "$1" \
		>"$tmp/broken.litmus"
	broken=$(seen "$tmp/broken.litmus") seen=$(seen "$1")
	if [ "$broken/$seen" != Sometimes/Never ]; then
		echo "the bad outcome is seen: ${seen,}; with the mistake: ${broken,}"
	else
		grep '^Flag' "$tmp/out" || true
	fi
}

# What is not in the code, or not in this order, of what a test is a model of.
missing()
{
	sed -n 's/^ \* Code: //p' "$1" | while read -r file function texts; do
		awk -v function_name="${function%:}" -v texts="$texts" '
			BEGIN { n = split(texts, text, / \.\.\. /); i = 1 }
			/^-/ { next }
			/^@@/ { inside = 0 }
			# of a patch
			{ sub(/^[+ ]/, "") }
			# comments
			/^\t* ?\/?\* / { next }
			/^[a-z@]/ && index($0, function_name "(") { inside = 1 }
			/^}/ { inside = 0 }
			inside {
				while (i <= n && (at = index($0, text[i]))) {
					$0 = substr($0, at + length(text[i]))
					i++
				}
			}
			END {
				if (i > n) exit
				print "not in " function_name "() now: " text[i]
			}
		' "$here/$file"
	done
}

say "asking herd7"
status=0
for t in "$tests"/*.litmus; do
	name=$(basename "$t" .litmus)
	why=$(missing "$t" | sed -n 1p)
	[ -n "$why" ] || [ -n "$no_herd" ] || why=$(verdict "$t")
	if [ -n "$why" ]; then
		echo "not ok $name # $why"
		status=1
	elif [ -n "$no_herd" ]; then
		echo "skip $name # $no_herd"
	else
		echo "ok $name"
	fi
done
exit $status

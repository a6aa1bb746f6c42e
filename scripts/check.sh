#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a reviewer's tools say: shellcheck over all scripts, and the kernel's
# own checkpatch and kernel-doc over what is laid over it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_packages shellcheck python3 perl
cd "$here"
source=$(scripts/kernel-source.sh)
bad=0

report()
{
	if [ -n "$2" ]; then
		printf '%s\n' "$2"
		bad=1
	else
		say "$1: clean"
	fi
}

report shellcheck "$(shellcheck -f gcc scripts/*.sh .ci/run || true
	shellcheck -f gcc -s sh tools/testing/selftests/zsdefer/*.sh \
		tools/testing/zsdefer/guest/*.sh tools/testing/zsdefer/init || true)"

# Not asked of checkpatch: macros that define attributes reuse their name,
# and what two processes share in zsbench is volatile.
report checkpatch "$(for f in $(find mm include -type f) Kconfig.zsdefer \
	tools/testing/zsdefer/zsbench.c; do
	perl "$source/scripts/checkpatch.pl" --no-tree --no-summary --strict \
		--terse --ignore MACRO_ARG_REUSE,VOLATILE,CAMELCASE,EMBEDDED_FUNCTION_NAME \
		-f "$f" || true
done)"

kerneldoc=$(find "$source/scripts" "$source/tools/docs" \
	-maxdepth 1 -name 'kernel-doc*' 2>/dev/null | head -n 1)
report kernel-doc "$(if [ -z "$kerneldoc" ]; then
	echo "no kernel-doc in $source"
else
	find mm include -name '*.[ch]' -exec "$kerneldoc" -none {} + 2>&1 || true
fi)"
exit $bad

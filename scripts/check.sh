#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a reviewer's tools say: shellcheck over all scripts, the kernel's own
# checkpatch, kernel-doc and Sphinx over what is laid over it, checkpatch over
# the patches, and coccicheck and sparse over the code.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

need_packages shellcheck python3 perl python3-sphinx coccinelle
cd "$here"
source=$(scripts/kernel/source.sh)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
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

report shellcheck "$(find scripts -name '*.sh' -exec shellcheck -f gcc .ci/run {} + || true
	shellcheck -f gcc -s sh tools/testing/selftests/zsdefer/*.sh \
		tools/testing/zsdefer/guest/*.sh tools/testing/zsdefer/init \
		dkms/build-for dkms/check-kernel dkms/kernel-hook dkms/postinst dkms/prerm || true)"

# Not asked of checkpatch: macros that define attributes reuse their name and are
# told types, what two processes share in zsbench is volatile, and trace events look as
# they do everywhere.
report checkpatch "$(for f in $(find mm drivers include -type f) Kconfig.zsdefer dkms/*.h \
	tools/testing/zsdefer/zsbench/*.[ch]; do
	ignore=MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,VOLATILE,CAMELCASE,EMBEDDED_FUNCTION_NAME
	case $f in */trace/*)
		ignore=$ignore,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT ;;
	esac
	perl "$source/scripts/checkpatch.pl" --no-tree --no-summary --strict \
		--terse --ignore $ignore -f "$f" || true
done)"

# The patches have no sign-off, and their text may be as wide as this one.
# Where they look like the lines around them, those are not checkpatch's taste.
report "checkpatch of the patches" "$(for f in patches/*/*.patch \
	patches/*/optional/*.patch patches/*/dkms/*.patch \
	tools/testing/zsdefer/{designs,native}/*.patch; do
	ignore=MISSING_SIGN_OFF,COMMIT_MESSAGE,COMMIT_LOG_LONG_LINE
	case $f in
	*hear-of-a-range-of-slots*) ignore=$ignore,SPACING ;;
	*arch-um*) ignore=$ignore,COMPLEX_MACRO,MACRO_ARG_REUSE ;;
	*free-an-array-of-pages*) ignore=$ignore,PARENTHESIS_ALIGNMENT ;;
	esac
	# A file that git knows is not taken for a patch, but standard input is.
	perl "$source/scripts/checkpatch.pl" --root="$source" --no-summary \
		--strict --terse --ignore $ignore - <"$f" | sed "s|^-:|$f:|"
done)"

# Of the series as it would be mailed. Files come and go with it, and who sends it knows
# of MAINTAINERS.
for base in patches/*; do
	base=${base#patches/}
	report "series for $base" "$(BASE=$base scripts/series.sh "$tmp/$base" \
		>"$tmp/log" 2>&1 || tail -n 9 "$tmp/log"
	for f in "$tmp/$base"/*/*.patch; do
		ignore=FILE_PATH_CHANGES,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,VOLATILE
		ignore=$ignore,CAMELCASE,EMBEDDED_FUNCTION_NAME,OPEN_ENDED_LINE
		case $f in
		*/0000-*) continue ;;
		# Patches and scripts of its own.
		*-tools-testing-*) continue ;;
		*hear-of-a-range-of-slots*) ignore=$ignore,SPACING ;;
		*defer-frees* | *free-an-array-of-pages*)
			ignore=$ignore,PARENTHESIS_ALIGNMENT ;;
		esac
		perl "$source/scripts/checkpatch.pl" --no-tree --no-summary --strict \
			--terse --ignore $ignore "$f" || true
	done)"
done

report "figures in documents" "$(python3 scripts/report/cited.py 2>&1 || true)"

# Those that fit no more are told of by make mutants, too, which takes much longer.
report "mutants that fit" "$(for f in tools/testing/zsdefer/mutants/*.patch; do
	patch -p1 --dry-run --fuzz=0 -s -f <"$f" >/dev/null ||
		echo "$f does not apply"
done)"

kerneldoc=$(find "$source/scripts" "$source/tools/docs" \
	-maxdepth 1 -name 'kernel-doc*' 2>/dev/null | head -n 1)
report kernel-doc "$(if [ -z "$kerneldoc" ]; then
	echo "no kernel-doc in $source"
else
	find mm drivers include -name '*.[ch]' -exec "$kerneldoc" -none {} + 2>&1 || true
fi)"

# The kernel's documents have warnings of their own; ours may have none.
cp -al "$source" "$tmp/linux"
scripts/apply.sh apply "$tmp/linux" >/dev/null
report Sphinx "$(for dir in admin-guide/blockdev mm; do
	make -C "$tmp/linux" SPHINXDIRS=$dir htmldocs >"$tmp/log" 2>&1 ||
		tail -n 5 "$tmp/log"
	grep -i 'deferred.free\|zsdefer' "$tmp/log" || true
	page=$(find "$tmp/linux/Documentation/output" -path "*$dir*" \
		-name '*deferred-free.html')
	[ -n "$page" ] || echo "$dir: our page was not made"
done)"

# The kernel's semantic patches that report; a few want an OCaml compiler.
report coccicheck "$(grep -rl --include='*.cocci' '^virtual.*report' \
	"$tmp/linux/scripts/coccinelle" |
	xargs grep -LE '(script|initialize):ocaml' |
	xargs -P "$JOBS" -I '{}' make -s -C "$tmp/linux" coccicheck \
		COCCI='{}' MODE=report M=mm/zsdefer J=1 2>&1 |
	grep -E '^[^ ]+\.[ch]:[0-9]|^coccicheck failed|^Fatal error' || true)"

report sparse "$(JOBS=$JOBS scripts/builds.sh sparse 2>"$tmp/log" |
	grep -v '^ok ' && cat "$tmp/log" || true)"
# For information: what newer kernels will want.
scripts/kernel/drift.sh || say "so it is not known whether newer kernels take the patches"
exit $bad

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The patches as they would be sent: two folders for "git am", the second one on top of
# the first, each with a cover letter. What is in which is told in series/.
#
#	RESULTS=...	of a "make eval PARTS=patches": what each patch costs and saves
#			goes into its message, and all of it into the cover letter
#
# series.sh list tells the patches: a number, "base" or "optional", "code" if it changes
# any, and the subject. series.sh stage SOURCE N TO puts the files that the first N
# patches change into a folder.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# cut_up SOURCE: a folder for each patch in $tmp/trees, and a line for each.
cut_up()
{
	"$here/scripts/apply.sh" stage "$1" "$tmp/stage"
	python3 "$here/scripts/kernel/series.py" "$here/patches/$BASE" "$tmp/stage" \
		"$tmp/trees" >"$tmp/patches"
}

if [ "${1:-}" = list ]; then
	cut_up "$("$here/scripts/kernel/source.sh")"
	cat "$tmp/patches"
	exit
fi
if [ "${1:-}" = stage ]; then
	cut_up "$2"
	n=$(printf %02d "$3")
	[ -d "$tmp/trees/$n" ] || die "the series has $(wc -l <"$tmp/patches") patches, not $3"
	cp -a "$tmp/trees/$n/." "$4/"
	exit
fi

need_packages git patch python3
[ -z "${RESULTS:-}" ] || [ -d "$RESULTS/patches" ] ||
	die "RESULTS=$RESULTS has no figures of patches; make eval PARTS=patches"
source=$("$here/scripts/kernel/source.sh")
out=${1:-$here/results/series-$BASE}
cut_up "$source"

author=$(git var GIT_AUTHOR_IDENT 2>/dev/null | sed 's/>.*/>/') || author=''
[ -n "$author" ] || author=$(git -C "$here" log -1 --format='%an <%ae>')
export GIT_AUTHOR_NAME=${author% <*} GIT_AUTHOR_EMAIL=${author##*<}
GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL%>}
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
export GIT_CONFIG_GLOBAL=/dev/null

repo=$tmp/repo
in_repo() { git -C "$repo" "$@"; }

# In lines of a mail, with one space after a sentence.
wrap() { fmt -w 75 | sed 's/\.  /. /g'; }

# What the patches change, as it is in the unpatched kernel.
git init -q "$repo"
(cd "$tmp/stage" && find . -type f) |
	while read -r f; do
		[ ! -f "$source/$f" ] || (cd "$source" && cp --parents "$f" "$repo/")
	done
in_repo add -A
in_repo commit -qm "$(basename "$source")"
in_repo tag clean

while read -r n kind _; do
	cp -a "$tmp/trees/$n/." "$repo/"
	in_repo add -A
	{
		wrap <"$tmp/trees/$n.message"
		[ -z "${RESULTS:-}" ] || python3 "$here/scripts/report/series_figures.py" \
			patch "$RESULTS" "$n"
	} | in_repo commit -q -s -F -
	in_repo tag -f "$kind" >/dev/null
done <"$tmp/patches"

# mails KIND FROM: what is between two tags.
mails()
{
	rm -rf "${out:?}/$1"
	in_repo format-patch -q --cover-letter -o "$out/$1" "$2..$1"
	# Its subject is the first line.
	{
		sed 1,2d "$here/series/$1.cover" | wrap
		[ -z "${RESULTS:-}" ] || {
			echo
			python3 "$here/scripts/report/series_figures.py" all "$RESULTS"
		}
	} >"$tmp/text"
	sed -i -e "s|\*\*\* SUBJECT HERE \*\*\*|$(sed q "$here/series/$1.cover")|" \
		-e "/\*\*\* BLURB HERE \*\*\*/{r $tmp/text
			d
		}" "$out/$1/0000-cover-letter.patch"
}
mkdir -p "$out"
mails base clean
mails optional base

# As who gets them would do.
git clone -q "$repo" "$tmp/am"
git -C "$tmp/am" checkout -q clean
find "$out/base" "$out/optional" -name '*.patch' ! -name '0000-*' | LC_ALL=C sort |
	xargs -d '\n' git -C "$tmp/am" am -q --whitespace=nowarn ||
	die "git am does not take the series"
diff -rq -x .git "$tmp/stage" "$tmp/am" >&2 ||
	die "what the series leaves is not what make apply does"
say "$(wc -l <"$tmp/patches") patches for Linux $BASE in $out/base and $out/optional"

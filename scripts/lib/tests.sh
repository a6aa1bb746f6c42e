# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What groups of tests share: scripts/test/, which test.sh reads with this.

passed=0 failed=0 skipped=0 failures=()

result()
{
	local how=$1 what=$2

	case $how in
	ok) passed=$((passed + 1)) ;;
	skip) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) how='not ok' failures+=("$what") ;;
	esac
	printf '%s %s\n' "$how" "$what"
}

# check WHAT COMMAND...: passes if the command does.
check()
{
	local what=$1

	shift
	if "$@" >"$tmp/log" 2>&1; then
		result ok "$what"
	else
		result failed "$what"
		sed 's/^/    /' "$tmp/log" | tail -n 25
	fi
}

# refuses WORDS COMMAND...: it must fail, and say so in these words.
refuses()
{
	local words=$1 status=0

	shift
	"$@" >"$tmp/refused" 2>&1 || status=$?
	cat "$tmp/refused"
	[ $status -ne 0 ] && grep -q "^error: .*$words" "$tmp/refused"
}

source_tree()
{
	"$here/scripts/kernel/source.sh"
}

same_as_unpatched()
{
	diff -rq "$(source_tree)" "$tmp/linux"
}

apply() { "$here/scripts/apply.sh" "$@"; }

# guest BUILD NAME JOB ARG...: count the KTAP lines that the job left.
guest()
{
	local build=$1 name=$2 out=$tmp/out-$2

	shift 2
	"$here/scripts/guest/vm.sh" -t 900 -n "$name" "$build" "$image" "$out" "$@" ||
		true
	count "$name" "$out"
}

# with_image_of BUILD COMMAND...: guests that need what is made for that kernel.
with_image_of()
{
	image=$("$here/scripts/guest/image.sh" "$1")
	"${@:2}"
	rm -f "$image"
	image=$plain_image
}

# at_once BUILD NAME JOB...: guests called NAME-JOB that run selftests at the same
# time, each those of its JOB; what is slow there mostly waits, or has one CPU.
# One of them has the KUnit suites, too.
at_once()
{
	local build=$1 name=$2 job jobs=() suites=1

	shift 2
	for job in "$@"; do
		# shellcheck disable=SC2086 # a script a word
		start "$here/scripts/guest/vm.sh" -t 900 -k kunit.enable=$suites \
			-n "$name-${job%%.*}" "$build" "$image" \
			"$tmp/out-$name-${job%%.*}" selftest \
			SECONDS_EACH=3 SOAK_SECONDS=20 $job
		jobs+=("$child")
		suites=0
	done
	for child in "${jobs[@]}"; do
		finish "$child" || true
	done
	for job in "$@"; do
		count "$name-${job%%.*}" "$tmp/out-$name-${job%%.*}"
	done
}

# count_ktap NAME FILE
count_ktap()
{
	local name=$1 tap=$2 line note=''

	# shellcheck disable=SC2094 # only its name is used inside
	while IFS= read -r line; do
		case $line in
		'#'*) note=$line ;;
		'not ok '*) result failed "$name: ${line#not ok * }   $note" ;;
		ok*SKIP*) result skip "$name: ${line#ok * }   $note" ;;
		'ok '*) result ok "$name: ${line#ok * }" ;;
		'1..0 # SKIP '*) result skip "$name: $(basename "$tap") ${line#*SKIP }" ;;
		esac
	done <"$tap"
	check "$name: $(basename "$tap" .tap) ran to its end" \
		ran_to_its_end "$tap"
}

# count NAME OUT: the KTAP lines in OUT, and what its kernel had to say.
count()
{
	local name=$1 out=$2 before=$failed

	for tap in "$out"/*.tap; do
		[ ! -f "$tap" ] || count_ktap "$name" "$tap"
	done
	[ -d "$out" ] && ls "$out"/*.tap >/dev/null 2>&1 ||
		result failed "$name: the kernel left no results"
	check "$name: no warning from the kernel" quiet "$out"
	[ "$failed" = "$before" ] || cp -r "$out" "$keep/"
}

ran_to_its_end()
{
	local plan

	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1")
	[ -n "$plan" ] && [ "$(grep -cE '^(not )?ok ' "$1")" = "$plan" ]
}

quiet()
{
	! awk -f "$here/tools/testing/selftests/zsdefer/complaints.awk" \
		"$1/console.log" "$1/dmesg" | sed -n 1,25p | grep . &&
	[ -s "$1/dmesg" ]
}

built()
{
	"$here/scripts/kernel/build.sh" "$1"
}

# lines NAME [SCRIPT]: count what it prints; test.sh has more to say.
lines()
{
	local line status=0 before=$failed

	"$here/scripts/${2:-$1}.sh" >"$tmp/lines" || status=$?
	while IFS= read -r line; do
		case $line in
		'ok '*) result ok "$1: ${line#ok }" ;;
		'skip '*) result skip "$1: ${line#skip }" ;;
		'not ok '*) result failed "$1: ${line#not ok }" ;;
		*) [ "${2:-}" = test ] || result failed "$1: $line" ;;
		esac
	done <"$tmp/lines"
	[ -s "$tmp/lines" ] || status=1
	[ $status -eq 0 ] || [ "$failed" != "$before" ] ||
		result failed "$1: it did not run to its end"
}

# words_of NAME: what eval.sh has in a variable.
words_of()
{
	sed -n "s/^$1=\"\(.*\)\"/\1/p" "$here/scripts/eval.sh"
}

# whole_page FILE: valid markup, and nothing in it comes from elsewhere.
whole_page()
{
	python3 - "$1" <<-'EOF'
		import html.parser, sys
		stack = []
		class Parser(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        if tag not in ("meta", "img", "html"):
		            stack.append(tag)
		        for name, value in attrs:
		            assert name != "src" or value.startswith("data:"), value
		    def handle_endtag(self, tag):
		        assert tag == "html" or stack.pop() == tag, tag
		Parser().feed(open(sys.argv[1]).read())
		assert not stack
	EOF
}

# small run|try NAME=VALUE...: with little to do; what comes of it is in $out.
small()
{
	local job=$1 how=failed

	out=$tmp/small-$job
	shift
	! env "$@" RESULTS="$out" "$here/scripts/$job.sh" >"$tmp/run.log" ||
		how=ok
	result $how "make $job, small"
	check "make $job: its last line is the page" \
		[ "$(tail -n 1 "$tmp/run.log")" = "$out/index.html" ]
}

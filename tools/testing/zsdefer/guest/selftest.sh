# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh [NAME=VALUE...] SCRIPT...: run selftests in this environment;
# their KTAP goes to /out/SCRIPT.tap. Add what KUnit suites found at boot, if
# the kernel has them, and see that no memory was lost, if it can tell.
mkdir -p /etc
echo 'root:x:0:0::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
status=0

tell()
{
	while IFS= read -r line; do
		case $line in
		'#'*) note=$line ;;
		'not ok'*) echo "@@ $line   $note" ;;
		ok*) echo "@@ $line" ;;
		esac
	done <"$1"
	tail -n 1 "$1"
}

# Twice, as what is in motion during one scan is not in the next; only what
# is older than 5 s counts.
look_for_leaks()
{
	leaks=/sys/kernel/debug/kmemleak
	sleep 5
	for _ in 1 2; do
		echo scan >$leaks || return 1
	done
	echo "TAP version 13"
	echo "1..1"
	cat $leaks | sed 's/^/# /' | tee /tmp/leaks
	if [ -s /tmp/leaks ]; then
		echo "not ok 1 no memory is lost"
	else
		echo "ok 1 no memory is lost"
	fi
}

for script in "$@"; do
	case $script in
	*=*)
		# shellcheck disable=SC2163 # what it says is exported
		export "$script"
		continue
		;;
	esac
	echo "@@ $script"
	sh "/selftests/zsdefer/$script" >"/out/$script.tap" 2>&1 || status=1
	tell "/out/$script.tap"
done
if [ -d /sys/kernel/debug/kunit/zsdefer ]; then
	sh /job/kunit.sh || status=1
fi
if [ -e /sys/kernel/debug/kmemleak ]; then
	look_for_leaks >/out/kmemleak.tap 2>&1 || status=1
	tell /out/kmemleak.tap
fi
exit $status

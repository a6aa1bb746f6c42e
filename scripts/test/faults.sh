# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What goes wrong outside: each ends with a line that tells what to do, and the next
# run goes on.

test_faults()
{
	local cache=$tmp/empty

	if unshare -rn true 2>/dev/null || unshare -n true 2>/dev/null; then
		check "no network and an empty cache" without_network "$cache"
	else
		result skip "no network and an empty cache   # no namespaces here"
	fi
	if [ "$(id -u)" -eq 0 ] && mkdir -p "$tmp/full" &&
		mount -t tmpfs -o size=64M full "$tmp/full" 2>/dev/null
	then
		check "a full disk" refuses 'MiB left' \
			env ZSDEFER_CACHE="$tmp/full" KSRC='' \
			"$here/scripts/kernel/source.sh"
		umount "$tmp/full"
	else
		result skip "a full disk   # only root can make one"
	fi
	# shellcheck disable=SC2016 # the inner shell expands it
	check "a disk that fills up in the middle" refuses 'no space is left' \
		bash -c '. "$1/scripts/lib/common.sh" && with_progress step "$2" \
			sh -c "echo write: No space left on device; exit 1"' \
		- "$here" "$tmp/fills.log"
	check "a guest that hangs" refuses 'did not finish' \
		"$here/scripts/guest/vm.sh" -t 1 "$(built on)" "$image" "$tmp/hangs" \
		nothing
	check "an interrupted build leaves no kernel, and goes on" \
		interrupted_build
	check "an interrupted run leaves no result, and no guest" interrupted_run
	check "a second run waits for the first" second_run_waits
}

without_network()
{
	local unshare=(unshare -n)

	[ "$(id -u)" -eq 0 ] || unshare=(unshare -rn)
	refuses 'network' "${unshare[@]}" env ZSDEFER_CACHE="$1" \
		"$here/scripts/kernel/source.sh" &&
	! find "$1/src" -mindepth 1 | grep .
}

# stop_at WORDS COMMAND...: start it, and stop it when it says so. It must have a
# last word, and end as what is interrupted does.
stop_at()
{
	local words=$1 n=0 status=0

	shift
	: >"$tmp/stopped.log"
	start env ZSDEFER_STARTED='' "$@" >"$tmp/stopped.log" 2>&1
	while ! grep -q "$words" "$tmp/stopped.log"; do
		n=$((n + 1))
		[ $n -lt 600 ] && kill -0 "$child" || break
		sleep 0.2
	done
	sleep 1
	# Who was started in the background may be deaf to SIGINT.
	kill -TERM "$child"
	finish "$child" || status=$?
	cat "$tmp/stopped.log"
	[ $status = 130 ] && grep -q "$words" "$tmp/stopped.log" &&
	grep -q 'interrupted; the same command' "$tmp/stopped.log"
}

# What is being built is no kernel, whatever there was before.
interrupted_build()
{
	local kept key

	kept=$(built on)
	key=$(cat "$kept/key")
	echo another >"$kept/key"
	: >"$kept/.config"
	stop_at 'building the kernel' "$here/scripts/kernel/build.sh" on &&
	! pgrep -f "O=$ZSDEFER_CACHE/build/[^ ]*-guest" && grep -qx another "$kept/key" &&
	[ "$(built on)" = "$kept" ] && [ "$(cat "$kept/key")" = "$key" ] &&
	grep -q CONFIG_ZRAM=y "$kept/.config"
}

interrupted_run()
{
	stop_at kills env RUNS=1 SIZES=32x1 RESULTS="$tmp/stopped" \
		"$here/scripts/run.sh" && [ ! -e "$tmp/stopped" ] &&
	no_guest_is_left
}

# Who was told to end may take a moment to.
no_guest_is_left()
{
	local left

	for _ in $(seq 50); do
		left=$(pgrep -f "$tmp/stopped.part") || return 0
		sleep 0.1
	done
	echo "processes are left: $left"
	return 1
}

second_run_waits()
{
	stop_at 'waiting for another run' env ZSDEFER_LOCKED='' \
		"$here/scripts/kernel/build.sh" on
}

# SPDX-License-Identifier: GPL-2.0
#
# Run the kernel's own selftests of zram; KTAP. What they print goes to
# /out/NAME.txt, with every number made a #, to be compared between kernels.
# They end with status 0 whatever happens, so it is their words that count.
set -- zram01 zram02
n=0

cd /selftests/zram || exit 1
{
	echo "TAP version 13"
	echo "1..$#"
	for script; do
		n=$((n + 1))
		sh "./$script.sh" >/tmp/log 2>&1
		sed 's/^/# /' /tmp/log
		sed 's/[0-9][0-9.]*/#/g' /tmp/log >"/out/$script.txt"
		if grep -q "^$script : \[PASS\]" /tmp/log &&
			! grep -q FAIL /tmp/log; then
			echo "ok $n $script"
		else
			echo "not ok $n $script"
		fi
	done
} >/out/upstream.tap
cat /out/upstream.tap
! grep -q '^not ok' /out/upstream.tap

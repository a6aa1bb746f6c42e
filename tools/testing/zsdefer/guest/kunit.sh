# SPDX-License-Identifier: GPL-2.0
#
# Hand over what the KUnit suites found at boot: a SUITE.tap for each, its
# lines a level less indented. They are built in with CONFIG_KUNIT and
# CONFIG_ZSDEFER_KUNIT_TEST, and show in debugfs with CONFIG_KUNIT_DEBUGFS.
status=0 suites=0

for results in /sys/kernel/debug/kunit/zsdefer*/results; do
	[ -f "$results" ] || continue
	suite=$(basename "$(dirname "$results")")
	suites=$((suites + 1))
	# What is indented more is a subtest's; its result comes after it.
	sed -n 's/^    \([^ ].*\)/\1/p' "$results" >"/out/$suite.tap"
	echo "@@ KUnit suite $suite: $(grep -c '^ok ' "/out/$suite.tap") passed," \
	     "$(grep -c '^not ok ' "/out/$suite.tap") failed"
	# A suite that could not start has neither.
	grep -q '^ok ' "/out/$suite.tap" || status=1
	! grep '^not ok ' "/out/$suite.tap" || status=1
done

if [ $suites -eq 0 ]; then
	echo "@@ error: no KUnit suite ran in this kernel"
	status=1
fi
exit $status

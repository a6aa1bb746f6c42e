# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh SCRIPT...: run selftests; their KTAP goes to /out/SCRIPT.tap.
mkdir -p /etc
echo 'root:x:0:0::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
status=0
for script in "$@"; do
	sh "/selftests/zsdefer/$script" >"/out/$script.tap" 2>&1 || status=1
	while IFS= read -r line; do
		case $line in
		'#'*) note=$line ;;
		'not ok'*) echo "@@ $line   $note" ;;
		ok*) echo "@@ $line" ;;
		esac
	done <"/out/$script.tap"
	tail -n 1 "/out/$script.tap"
done
exit $status

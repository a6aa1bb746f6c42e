# SPDX-License-Identifier: GPL-2.0
#
# scenes.sh [NAME=VALUE...]: the selftest of that name, in this environment. Its
# KTAP goes to /out/scenes.sh.tap, what it measured to /out/scenes.tsv.
#
#	zs_scenes	some of them, with commas between
export SCENES=/out/scenes.tsv DISK=/dev/vda
ONLY=$(echo "${zs_scenes:-}" | tr , ' ')
export ONLY
exec sh /job/selftest.sh "$@" scenes.sh

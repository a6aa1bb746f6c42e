# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packages of Debian releases that are newer than the system's, or of another
# architecture. Source it after lib/common.sh. They come through an apt state of our
# own, which leaves the system's alone and takes the mirror from the system's
# configuration.

# Where Debian keeps kernels, and tools, that are newer than its stable ones.
suites="trixie-backports forky sid"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt_state=$ZSDEFER_CACHE/apt

# The system's own settings hold (a proxy, say), but its state is not used,
# and what it runs after an update is not run.
apt_configure()
{
	local state=$1 site=$2 suites=$3 machine=$4

	mkdir -p "$state"/{sources,state,lists/partial,cache/archives/partial}
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
		"$site" "$suites" "$keyring" >"$state/sources/debian.sources"
	cat >"$state/apt.conf" <<-EOF
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$state/sources";
		Dir::State "$state/state";
		Dir::State::Lists "$state/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$state/cache";
		Acquire::Languages "none";
		APT::Architecture "$machine";
		APT::Architectures { "$machine"; };
		APT::Sandbox::User "$(id -un)";
	EOF
}

# debian_site LABEL: where this machine has packages of that kind from, if any.
debian_site()
{
	# shellcheck disable=SC2016 # these are apt's, not the shell's
	apt-get indextargets --format '$(LABEL)|$(SITE)' \
		'Created-By: Packages' | sed -n "s/^$1|//p" | head -n 1
}

# read_lists STATE SUITES MACHINE ELSE: make an apt state of these, or die and
# say what else could be done.
read_lists()
{
	local state=$1 suites=$2 machine=$3 else=$4 site

	need_packages debian-archive-keyring xz-utils
	site=$(debian_site Debian)
	[ -n "$site" ] ||
		die "no Debian mirror in this machine's apt configuration" \
		    "(or no lists yet: apt-get update)$else"
	apt_configure "$state" "$site" "$suites" "$machine"
	step=fetch or_else="is there a network?$else" with_progress \
		"reading Debian's lists of $suites, $machine" \
		"$state/update.log" apt-get -q -c "$state/apt.conf" \
		-o APT::Update::Error-Mode=any update
}

newer_lists()
{
	read_lists "$apt_state" "$suites" "$(dpkg --print-architecture)" "$1"
}

# foreign_file MACHINE PACKAGE MEMBER TO: one file of a package of the system's
# own release for another architecture.
foreign_file()
{
	local machine=$1 package=$2 member=$3 to=$4 state=$apt_state-$1

	read_lists "$state" "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
		"$machine" ''
	rm -rf "$state/deb"
	mkdir -p "$state/deb"
	with_progress "fetching $package for $machine" "$state/fetch.log" \
		env -C "$state/deb" apt-get -q -c "$state/apt.conf" \
		download "$package"
	dpkg-deb --fsys-tarfile "$state/deb"/*.deb | tar -xO "$member" >"$to"
	chmod +x "$to"
	rm -rf "$state/deb"
}

# newer_tool COMMAND PACKAGE LIBRARY...: print the path of a command that the
# system does not have, or has too old. It is unpacked into the cache with the
# libraries' packages that it needs, libc6 among them, and runs with these.
newer_tool()
{
	local command=$1 to=$ZSDEFER_CACHE/tools/$1 deb ld

	shift
	if [ ! -x "$to/run" ]; then
		say "getting $1 from a newer Debian"
		# The lists may not be there, or too old for the mirror.
		(newer_download "$to.part" "$@") 2>/dev/null || {
			newer_lists ""
			newer_download "$to.part" "$@"
		}
		for deb in "$to.part"/*.deb; do
			dpkg-deb --fsys-tarfile "$deb" |
				tar -x -C "$to.part" --wildcards \
				"./usr/bin/$command" './usr/lib/*.so*' \
				'./usr/share/herdtools7/herd' 2>/dev/null ||
				true
			rm "$deb"
		done
		ld=$(find "$to.part/usr/lib" -name 'ld-linux*' | head -n 1)
		[ -n "$ld" ] && [ -x "$to.part/usr/bin/$command" ] ||
			die "Debian's $1 has no $command that runs here"
		cat >"$to.part/run" <<-EOF
			#!/bin/sh
			exec "$to${ld#"$to.part"}" --argv0 $command --library-path \\
				"$(dirname "$to${ld#"$to.part"}")" \\
				"$to/usr/bin/$command" "\$@"
		EOF
		chmod +x "$to.part/run"
		rm -rf "$to"
		mv "$to.part" "$to"
	fi
	echo "$to/run"
}

newer_download()
{
	local to=$1

	shift
	rm -rf "$to"
	mkdir -p "$to"
	[ -f "$apt_state/apt.conf" ] || return 1
	with_progress "fetching $1 of a newer Debian" "$to/fetch.log" \
		env -C "$to" apt-get -q -c "$apt_state/apt.conf" download "$@"
}

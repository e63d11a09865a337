#!/bin/sh
# Installs what the tests need and this machine lacks: MariaDB, Chromium and Node.js from Debian's packages, and the Node
# packages of the tests that use it. With the argument `node` only what is of Node.js. Fails when it cannot, for tests that do
# not run prove nothing.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

# need COMMAND PACKAGE... remembers the packages when the command is missing.
packages=
need() {
	command -v "$1" >/dev/null && return
	shift
	packages="$packages $*"
}
if [ "${1:-}" != node ]; then
	need mariadbd mariadb-server
	need mariadb-install-db mariadb-server
	[ -n "${CHROMIUM:-}" ] || need chromium chromium
fi
need node nodejs
need npm npm

fail() {
	echo "test-deps: $1" >&2
	echo "test-deps: the tests need mariadbd (10.11 or later), chromium, node and npm on PATH or in /usr/sbin" >&2
	exit 1
}
if [ -n "$packages" ]; then
	command -v apt-get >/dev/null || fail "these packages are missing, and so is apt-get:$packages"
	root=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || fail "installing these packages takes root or sudo:$packages"
		root=sudo
	fi
	echo "test-deps: installing$packages"
	apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
	apt update || echo "test-deps: the package lists could not be refreshed; trying with those that are here" >&2
	# shellcheck disable=SC2086 # one word for each package
	apt install -y --no-install-recommends $packages >/dev/null || fail "apt-get could not install:$packages"
fi

for folder in sheets/emulator/testdata/node tools/openapi server/testdata/console; do
	# npm writes the inner file last, so that an older one is of another package-lock.json, or of an install that broke off.
	if ! [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]; then
		echo "test-deps: installing the Node packages of $folder"
		(cd $folder && npm ci --no-audit --no-fund --silent) || fail "npm could not install the packages of $folder"
	fi
done

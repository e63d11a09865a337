#!/bin/sh
# Installs what the tests need and this machine lacks: MariaDB, from Debian's packages. Fails when it cannot,
# for tests that do not run prove nothing.
set -eu
PATH=$PATH:/usr/sbin:/sbin

if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null; then
	exit
fi
fail() {
	echo "test-deps: $1. The tests need mariadbd (MariaDB 10.11 or later) on PATH or in /usr/sbin:" >&2
	echo "test-deps: install it by hand, such as with: apt-get install mariadb-server" >&2
	exit 1
}
command -v apt-get >/dev/null || fail "mariadbd is missing, and so is apt-get"
root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || fail "mariadbd is missing, and installing it takes root or sudo"
	root=sudo
fi
echo "test-deps: installing mariadb-server"
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
apt update || echo "test-deps: the package lists could not be refreshed; trying with those that are here" >&2
apt install -y --no-install-recommends mariadb-server >/dev/null || fail "apt-get could not install mariadb-server"
command -v mariadbd >/dev/null || fail "mariadb-server is installed, but there is no mariadbd"

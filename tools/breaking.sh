#!/bin/sh
# Compares the contract with that of an earlier commit (AGAINST, by default main) and fails when a client of that one
# would break. Needs no network. Passes when there is no earlier contract.
set -eu
cd "$(dirname "$0")/.."

against=${AGAINST:-}
if [ -z "$against" ]; then
	against=main
	git rev-parse --verify --quiet main >/dev/null || against=origin/main
elif ! git rev-parse --verify --quiet "$against^{commit}" >/dev/null; then
	echo "breaking: there is no commit $against" >&2
	exit 1
fi
if ! git rev-parse --verify --quiet "$against:proto/tandem" >/dev/null; then
	echo "breaking: no contract in $against to compare with"
	exit
fi

old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$against" proto | tar -x -C "$old"
# What the contract imports is not in git; today's copy serves both.
cp -R third_party buf.yaml "$old"
go tool -modfile=tools/buf/go.mod buf breaking --against "$old"

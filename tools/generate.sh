#!/bin/sh
# Writes gen/ from proto/. With --check it changes nothing, and fails when gen/ is not what it would write.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

for template in buf.gen.yaml tools/gen/operations.gen.yaml tools/gen/openapi.gen.yaml; do
	go tool -modfile=tools/buf/go.mod buf generate --template "$template" -o "$fresh"
done

if [ "${1:-}" = --check ]; then
	if ! diff -ru gen "$fresh/gen"; then
		echo "gen/ is not what proto/ gives: run make generate, and commit gen/" >&2
		exit 1
	fi
	exit
fi
if ! diff -rq gen "$fresh/gen" >/dev/null 2>&1; then # untouched when equal, so that builds stay cached
	rm -rf gen
	cp -R "$fresh/gen" gen
fi

#!/bin/sh
# Copies the two libraries of the console, pinned, out of their npm packages into server/console/vendor. The copies are committed, so
# that neither building nor running needs this.
set -eu
cd "$(dirname "$0")/.."
preact=11.2.0 htm=3.1.1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for package in preact@$preact htm@$htm; do
	(cd "$scratch" && npm pack --silent "$package" >/dev/null && mkdir "${package%@*}" && tar xzf "${package%@*}"-*.tgz -C "${package%@*}")
done
into=server/console/vendor
copy() { # NAME VERSION LICENCE FILE TARGET
	{
		echo "// $1 $2, $3 licence (see LICENSES). Copied by tools/console-vendor.sh, never edited."
		sed 's|//# sourceMappingURL.*||; s|from"preact"|from"./preact.js"|' "$scratch/$4"
	} >"$into/$5"
}
copy preact $preact MIT preact/package/dist/preact.mjs preact.js
copy preact/hooks $preact MIT preact/package/hooks/dist/hooks.mjs hooks.js
copy htm $htm Apache-2.0 htm/package/dist/htm.module.js htm.js
{
	printf 'preact %s\n\n' $preact && cat "$scratch/preact/package/LICENSE"
	printf '\nhtm %s\n\n' $htm && cat "$scratch/htm/package/LICENSE"
} >"$into/LICENSES"

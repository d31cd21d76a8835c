#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Brings the ONNX Runtime shared library for this system into the user's cache
# and prints its path, alone, on standard output. Progress and errors go to
# standard error. A library that is there already is printed at once.
#
# The library is one file of the npm package onnxruntime-node. The package's
# digest is pinned here, and nothing is unpacked before it matches. npm's own
# configuration decides the registry. Where npm is missing, curl takes the
# project's official release archive, for which no digest is pinned; that has
# to be allowed with KDCOMPRESS_ALLOW_UNVERIFIED=1.
#
# usage: scripts/fetch-ort.sh
set -eu

version=1.30.0
sha512='twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw=='

say() { printf 'fetch-ort: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# os, arch, lib: as the package lays its files out. release: the same system in
# the name of a release archive, empty where there is none to take a file from.
case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
MINGW* | MSYS* | CYGWIN*) os=win32 ;;
*) die "no ONNX Runtime library is known for $(uname -s); build one and pass it with --ort-lib" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=x64 ;;
aarch64 | arm64) arch=arm64 ;;
*) die "no ONNX Runtime library is known for $(uname -m); build one and pass it with --ort-lib" ;;
esac
release=
case $os-$arch in
linux-x64) lib=libonnxruntime.so.1 release=linux-x64 ;;
linux-arm64) lib=libonnxruntime.so.1 release=linux-aarch64 ;;
darwin-arm64) lib=libonnxruntime.$version.dylib release=osx-arm64 ;;
win32-*) lib=onnxruntime.dll ;;
*) die "ONNX Runtime $version has no library for $os-$arch; build one and pass it with --ort-lib" ;;
esac

# The folder agrees with Go's os.UserCacheDir.
case $os in
darwin) cache=${HOME:?}/Library/Caches ;;
win32) cache=${LOCALAPPDATA:?} ;;
*) cache=${XDG_CACHE_HOME:-${HOME:?}/.cache} ;;
esac
dir=$cache/kdcompress/onnxruntime/$version/$os-$arch
path=$dir/$lib

if [ -s "$path" ]; then
	printf '%s\n' "$path"
	exit 0
fi

# digest FILE prints its SHA-512 in base64.
digest() {
	if have openssl; then
		openssl dgst -sha512 -binary "$1" | openssl base64 -A
	elif have sha512sum && have xxd && have base64; then
		sha512sum "$1" | cut -d ' ' -f 1 | xxd -r -p | base64 | tr -d '\n'
	elif have shasum && have xxd && have base64; then
		shasum -a 512 "$1" | cut -d ' ' -f 1 | xxd -r -p | base64 | tr -d '\n'
	else
		die "the download cannot be checked: install openssl, or sha512sum with xxd and base64"
	fi
}

# The work folder lies beside the target, so that the last step is a rename
# within one file system: runs at the same time each bring a whole file.
mkdir -p "$dir" || die "cannot make the folder $dir"
work=$(mktemp -d "$dir/.fetch.XXXXXX") || die "cannot write to $dir"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if have npm; then
	say "fetching onnxruntime-node $version by npm (about 110 MB)"
	(cd "$work" && npm pack --silent --ignore-scripts "onnxruntime-node@$version" >&2) ||
		die "npm could not fetch onnxruntime-node@$version; see its message above"
	set -- "$work"/onnxruntime-node-*.tgz
	[ -f "$1" ] || die "npm left no archive of onnxruntime-node@$version"
	got=$(digest "$1")
	[ "$got" = "$sha512" ] ||
		die "onnxruntime-node@$version has sha512 $got, not the pinned $sha512; nothing was installed"
	member=package/bin/napi-v6/$os/$arch/$lib
else
	have curl || die "neither npm nor curl is installed; install one, or pass a library of your own with --ort-lib"
	[ -n "$release" ] || die "npm is not installed, and only it brings the library for $os-$arch"
	name=onnxruntime-$release-$version
	url=https://github.com/microsoft/onnxruntime/releases/download/v$version/$name.tgz
	[ "${KDCOMPRESS_ALLOW_UNVERIFIED:-}" = 1 ] ||
		die "npm is not installed, and the release archive $url has no pinned digest: install npm, or set KDCOMPRESS_ALLOW_UNVERIFIED=1 to take it unverified"
	say "fetching $url"
	say "UNVERIFIED: no digest is pinned for this archive"
	curl --fail --location --silent --show-error --proto '=https' --output "$work/$name.tgz" "$url" >&2 ||
		die "curl could not fetch $url"
	set -- "$work/$name.tgz"
	say "its sha512 is $(digest "$1")"
	case $os in
	darwin) member=$name/lib/libonnxruntime.$version.dylib ;;
	*) member=$name/lib/libonnxruntime.so.$version ;;
	esac
fi

tar -xzf "$1" -O "$member" >"$work/$lib" 2>"$work/tar.log" || {
	# Release archives differ in whether their members begin with "./".
	tar -xzf "$1" -O "./$member" >"$work/$lib" 2>>"$work/tar.log" ||
		die "the archive has no $member: $(tr '\n' ' ' <"$work/tar.log")"
}
[ -s "$work/$lib" ] || die "the archive's $member is empty"
chmod 755 "$work/$lib"
mv -f "$work/$lib" "$path" || die "cannot write $path"
say "installed ONNX Runtime $version"
printf '%s\n' "$path"

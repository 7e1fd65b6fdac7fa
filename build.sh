#!/bin/bash
# Builds the CNI executables: dist/cni/<type>, a directory that can be a CNI_PATH as it is, and the operator's commands: dist/bin/<tool>.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. scripts/common.sh

need_dotnet
need gcc=gcc ld=binutils objcopy=binutils /usr/include/stdio.h=libc6-dev

say 'publish the executable (Native AOT)'
run publish dotnet publish plugins/cni -c Release -o artifacts/publish/cni -p:UseSharedCompilation=false || fail 'publishing failed'

# One binary with a hard link per type: it knows by the name it is called by which plugin it is.
say 'link dist/cni/<type>'
types=$(artifacts/publish/cni/cni --list) || fail 'the executable does not list its types'
[ -n "$types" ] || fail 'the executable lists no types'
rm -rf dist/cni.new
mkdir -p dist/cni.new
first=
for type in $types; do
    if [ -z "$first" ]; then
        first=$type
        install -m 0755 artifacts/publish/cni/cni "dist/cni.new/$first"
    else
        ln "dist/cni.new/$first" "dist/cni.new/$type"
    fi
done
rm -rf dist/cni
mv dist/cni.new dist/cni

# The operator's commands are in the same binary.
say 'link dist/bin/<tool>'
tools=$(artifacts/publish/cni/cni --list-tools) || fail 'the executable does not list its tools'
rm -rf dist/bin.new
mkdir -p dist/bin.new
for tool in $tools; do
    ln "dist/cni/$first" "dist/bin.new/$tool"
done
rm -rf dist/bin
mv dist/bin.new dist/bin
say "built dist/cni: $(echo $types), $(stat -c %s "dist/cni/$first") bytes in all"

#!/bin/bash
# Builds everything, runs every test, and closes with "N passed, N failed, N skipped".
#   ./test.sh               all tests
#   ./test.sh --filter X    the tests whose full name contains X
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. scripts/common.sh

filter=
case ${1-} in
    '') ;;
    --filter) filter=${2:?"--filter wants a part of a test's name"} ;;
    *) fail "unknown argument $1; usage: ./test.sh [--filter X]" ;;
esac
selection=()
[ -z "$filter" ] || selection=(-method "*$filter*")

[ "$(id -u)" -eq 0 ] || fail 'the tests make network namespaces: run this as root (sudo ./test.sh)'
need_dotnet
need gcc=gcc ld=binutils objcopy=binutils /usr/include/stdio.h=libc6-dev /usr/include/linux/rtnetlink.h=linux-libc-dev \
    jq=jq ip=iproute2 nft=nftables ping=iputils-ping nsenter=util-linux /usr/lib/cni/bridge=containernetworking-plugins \
    iptables=iptables conntrack=conntrack strace=strace \
    containerd=containerd runc=runc podman=podman conmon=conmon crun=crun buildah=buildah /usr/share/doc/busybox-static=busybox-static

results=artifacts/test-results
rm -rf "$results"
mkdir -p "$results"
passed=0 failed=0 skipped=0

executable() {
    local all=(artifacts/bin/"$1"/debug/CniPlugins.*Tests)
    echo "${all[0]}"
}

# has_tests PROJECT: whether the filter leaves any.
has_tests() {
    [ -z "$filter" ] || "$(executable "$1")" -noColor -list methods/json "${selection[@]}" | jq -e 'length > 0' >/dev/null
}

# run_tests PROJECT SECONDS: adds to the totals, and lists what failed or was skipped.
run_tests() {
    local project=$1 limit=$2 report=$results/$1.json status=0
    has_tests "$project" || return 0
    say "test $project"
    timeout --kill-after=10 "$limit" "$(executable "$project")" -noLogo -noColor -noAutoReporters "${selection[@]}" \
        -result-ctrf "$report" >"$log_directory/test-$project.log" 2>&1 </dev/null || status=$?
    if ! jq -e .results.summary "$report" >/dev/null 2>&1; then
        failed=$((failed + 1))
        echo "  FAILED  $project: ended with $status before its report (124: still running after $limit s)"
        # The reason stands at its beginning (a crash) or its end (a hang); a crash's stack is hundreds of wide lines between.
        { head -n 20 "$log_directory/test-$project.log"; echo …; tail -n 10 "$log_directory/test-$project.log"; } | cut -c1-200
        return 0
    fi
    passed=$((passed + $(jq .results.summary.passed "$report")))
    failed=$((failed + $(jq .results.summary.failed "$report")))
    skipped=$((skipped + $(jq .results.summary.skipped "$report")))
    jq -r '.results.tests[] | select(.status == "skipped") | "  SKIPPED \(.name): \(.message // "no reason given")"' "$report"
    jq -r '.results.tests[] | select(.status == "failed") | "  FAILED  \(.name)\n\(.message // "" | split("\n")[:40] | map("          " + .) | join("\n"))"' "$report"
    if [ "$status" -ne 0 ]; then
        echo "  all that was run: $log_directory/test-$project.log"
        # An error outside of any test (a fixture, a crash at the end) has no test to be counted by.
        [ "$(jq .results.summary.failed "$report")" -gt 0 ] || failed=$((failed + 1))
    fi
}

say 'restore'
run restore dotnet restore cni-plugins.sln || fail 'restore failed'
say 'build, with warnings as errors'
run build dotnet build cni-plugins.sln --no-restore -warnaserror -p:UseSharedCompilation=false || fail 'build failed'

run_tests unit 300
run_tests abi 120
run_tests fuzz 300
if has_tests netns || has_tests runtimes; then
    ./build.sh
    export CNI_BIN=$PWD/dist/cni
    run_tests netns 900
    run_tests runtimes 600
fi

say 'done'
ran=$((passed + failed + skipped))
[ "$ran" -gt 0 ] || echo "no test's name contains '$filter'"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]

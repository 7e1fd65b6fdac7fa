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
    local project=$1
    has_tests "$project" || return 0
    say "test $project"
    execute "$project" "$2" "$(executable "$project")" "${selection[@]}" || return 0
    run_again "$project"
    count "$results/$project.json"
}

# execute NAME SECONDS COMMAND...: a test executable, which reports to NAME.json; one that ends without a report is one failure.
execute() {
    local name=$1 limit=$2 report=$results/$1.json log=$log_directory/test-$1.log status=0
    shift 2
    timeout --kill-after=10 "$limit" "$@" -noLogo -noColor -noAutoReporters -result-ctrf "$report" >"$log" 2>&1 </dev/null || status=$?
    if ! jq -e .results.summary "$report" >/dev/null 2>&1; then
        failed=$((failed + 1))
        echo "  FAILED  $name: ended with $status before its report (124: still running after $limit s)"
        # The reason stands at its beginning (a crash) or its end (a hang); a crash's stack is hundreds of wide lines between.
        { head -n 20 "$log"; echo …; tail -n 10 "$log"; } | cut -c1-200
        return 1
    fi
    if [ "$status" -ne 0 ]; then
        echo "  all that was run: $log"
        # An error outside of any test (a fixture, a crash at the end) has no test to be counted by.
        [ "$(jq .results.summary.failed "$report")" -gt 0 ] || failed=$((failed + 1))
    fi
}

# By the message of Kernel.Require in tests/netns/Harness.
lacking='def lacking: .status == "skipped" and (.message // "" | startswith("this kernel lacks "));'

# run_again PROJECT: what was skipped because this kernel lacks something runs on another that has it, and the report then has what became of it there.
run_again() {
    local project=$1 name=$1-vm report=$results/$1.json ids
    jq -e "$lacking"'any(.results.tests[]; lacking)' "$report" >/dev/null || return 0
    say "another kernel (tests/vm), for what this one lacks"
    if ! tests/vm/kernel >/dev/null; then
        failed=$((failed + 1))
        echo "  FAILED  $name: there is no kernel to run what was skipped"
        return 0
    fi
    mapfile -t ids < <("$(executable "$project")" -noColor -preEnumerateTheories -list full/json |
        jq -r --slurpfile report "$report" "$lacking"'
            [$report[0].results.tests[] | select(lacking).name] as $names | .[] | select(.DisplayName | IN($names[])) | "-id", .ID')
    [ ${#ids[@]} -gt 0 ] || fail 'no test has the name of one that was skipped'
    say "test $project there: $((${#ids[@]} / 2)) tests"
    execute "$name" 1800 tests/vm/run --timeout 1790 --write "$PWD/$results" -- \
        "$(executable "$project")" -preEnumerateTheories "${ids[@]}" || return 0
    jq --slurpfile there "$results/$name.json" "$lacking"'
        INDEX($there[0].results.tests[]; .name) as $again
        | .results.tests |= map(if lacking then ($again[.name] // (.status = "failed")) | .name += " (other kernel)" else . end)' "$report" >"$report.new"
    mv "$report.new" "$report"
}

# count REPORT: adds to the totals, and lists what failed or was skipped.
count() {
    local report=$1
    passed=$((passed + $(jq '[.results.tests[] | select(.status == "passed")] | length' "$report")))
    failed=$((failed + $(jq '[.results.tests[] | select(.status == "failed")] | length' "$report")))
    skipped=$((skipped + $(jq '[.results.tests[] | select(.status == "skipped")] | length' "$report")))
    jq -r '.results.tests[] | select(.status == "skipped") | "  SKIPPED \(.name): \(.message // "no reason given")"' "$report"
    jq -r '.results.tests[] | select(.status == "failed") | "  FAILED  \(.name)\n\(.message // "" | split("\n")[:40] | map("          " + .) | join("\n"))"' "$report"
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
    run_tests netns 1500
    run_tests runtimes 600
fi

if [ -d "$results/matrix" ]; then
    say 'who reaches a published port, and what the container sees (nf: bridge-nf-call)'
    cat "$results"/matrix/*
fi

say 'done'
ran=$((passed + failed + skipped))
[ "$ran" -gt 0 ] || echo "no test's name contains '$filter'"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]

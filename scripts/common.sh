# Shared by the commands at the top of the repository; sourced, not run.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# No build server stays behind: a command ends when its work ends, and other checkouts have their own.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

log_directory=artifacts/log
started_at=$SECONDS

say() {
    printf '[%3ds] %s\n' "$((SECONDS - started_at))" "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# run NAME COMMAND...: the output goes to artifacts/log/NAME.log; its tail is shown when the command fails.
run() {
    local name=$1 status=0
    shift
    mkdir -p "$log_directory"
    "$@" >"$log_directory/$name.log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        printf -- '--- end of %s/%s.log (exit %s)\n' "$log_directory" "$name" "$status" >&2
        tail -n 60 "$log_directory/$name.log" >&2
        return "$status"
    fi
}

# need PROGRAM=PACKAGE...: installs the packages of the programs (or files, by absolute path) that are missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        case ${pair%%=*} in
            /*) [ -e "${pair%%=*}" ] || missing+=("${pair#*=}") ;;
            *) command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}") ;;
        esac
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "install ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || fail "these packages are missing, and only root can install them: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    run apt-update apt-get -o DPkg::Lock::Timeout=300 update || fail 'apt-get update failed'
    # A daemon among them is for the tests to start, in namespaces of their own: deb-systemd-invoke and invoke-rc.d ask this file.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
    fi
    run apt-install apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" ||
        fail "could not install ${missing[*]}"
    if [ -n "$(trap -p EXIT)" ]; then
        rm -f "$policy"
        trap - EXIT
    fi
}

need_dotnet() {
    command -v dotnet >/dev/null ||
        fail 'the .NET SDK 10 is missing: https://learn.microsoft.com/dotnet/core/install/linux-debian'
}

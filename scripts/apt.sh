# Packages of another suite, shared by commands; sourced after common.sh, not run.

# private_apt COMMAND...: with the lists of another suite; apt's own lists, sources and packages stay as they are.
private_apt() {
    APT_CONFIG=$private_apt_directory/apt.conf "$@"
}

# prepare_private_apt DIRECTORY SUITE: from the mirror that apt has; everything is below the directory (an absolute path). Fails quietly but for the log.
prepare_private_apt() {
    local mirror key keys=(/usr/share/keyrings/debian-archive-keyring.{gpg,pgp})
    private_apt_directory=$1
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -n 1) || { echo 'apt has no Debian mirror' >&2; return 1; }
    for key in "${keys[@]}" ''; do
        [ -z "$key" ] || [ ! -e "$key" ] || break
    done
    mkdir -p "$1"/{lists/partial,cache/archives/partial}
    echo "deb ${key:+[signed-by=$key]} $mirror $2 main" >"$1/sources.list"
    cat >"$1/apt.conf" <<CONF
APT::Sandbox::User "root";
Dir::State::Lists "$1/lists";
Dir::Cache "$1/cache";
Dir::Etc::SourceList "$1/sources.list";
Dir::Etc::SourceParts "/dev/null";
CONF
    run apt-"$2" private_apt apt-get -q update || { echo "cannot read the package lists of $2" >&2; return 1; }
}

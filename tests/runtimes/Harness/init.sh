# The first process of a runtime's host, in the network and mount namespaces that the test made: joins the control groups that are this host's
# own ("$@", from the fourth on), and begins the namespaces in which these groups and its processes are all there is.
set -eu
script=$1 root=$2 binaries=$3
shift 3
for group; do
    echo 0 >"$group/cgroup.procs"
done
exec unshare --cgroup --uts --ipc --pid --fork --kill-child --mount --mount-proc -- /bin/sh -c "$script" inside "$root" "$binaries"

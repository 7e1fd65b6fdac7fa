# Gives a runtime's host its own control groups, /etc, /opt, shared memory and stores, and then waits for the test to end. The file "groups" names
# what a process must be written to that comes in later.
set -eu
root=$1 binaries=$2

if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    # A group with members cannot pass controllers on.
    mkdir /sys/fs/cgroup/init
    echo 0 >/sys/fs/cgroup/init/cgroup.procs
    echo /sys/fs/cgroup/init/cgroup.procs >"$root/groups"
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
    done
else
    # Version 1 alone: crun takes no part in a mixture.
    mount -t tmpfs tmpfs /sys/fs/cgroup
    while IFS=: read -r number controllers path; do
        case $controllers in
            '') continue ;;
            name=*) option=none,$controllers ;;
            *) option=$controllers ;;
        esac
        mkdir "/sys/fs/cgroup/${controllers#name=}"
        mount -t cgroup -o "$option" cgroup "/sys/fs/cgroup/${controllers#name=}"
        echo "/sys/fs/cgroup/${controllers#name=}/cgroup.procs" >>"$root/groups"
    done </proc/self/cgroup
fi

# In memory: an overlay cannot have another overlay (which / may be) as its upper layer.
mkdir "$root/own"
mount -t tmpfs tmpfs "$root/own"
for directory in etc opt; do
    mkdir -p "$root/own/$directory/upper" "$root/own/$directory/work"
    mount -t overlay -o "lowerdir=/$directory,upperdir=$root/own/$directory/upper,workdir=$root/own/$directory/work" overlay "/$directory"
done
for directory in dev/shm var/tmp var/lib/containerd var/lib/containers; do
    mkdir -p "/$directory"
    mount -t tmpfs tmpfs "/$directory"
done
rm -rf /etc/cni /etc/containers
mkdir -p /etc/cni/net.d /etc/containers /opt/cni/bin /run/netns
# A mount point from the beginning, which runtimes would make it with the first container.
mount --bind /run/netns /run/netns
mount --make-shared /run/netns
mount --bind "$binaries" /opt/cni/bin

# The runtimes' own processes are adopted, and reaped by the wait. Standard input ends with the test, however that ends; this process then does
# too, and takes every other one with it.
exec 3<&0
cat <&3 &
echo ready
wait $!

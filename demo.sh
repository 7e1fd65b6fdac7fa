#!/bin/bash
# Shows one network from the first container to the last: a throwaway host, two containers and a neighbour on its LAN, all in
# network namespaces of their own. The machine's own network is not touched; whatever ends this script takes all of it along.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

if [ "${1-}" != --inside ]; then
    . scripts/common.sh
    [ "$(id -u)" -eq 0 ] || fail 'the demo makes network namespaces: run this as root (sudo ./demo.sh)'
    need ip=iproute2 nft=nftables curl=curl python3=python3-minimal ping=iputils-ping unshare=util-linux jq=jq
    ./build.sh
    # A PID namespace whose first process dies with this one: Ctrl-C or a kill leaves no server and no namespace behind.
    exec unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc "$PWD/demo.sh" --inside
fi

export CNI_PATH=$PWD/dist/cni CNI_IFNAME=eth0
bold='' plain=''
[ -t 1 ] && bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)

title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; "$@" || true; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# cni VERB CONTAINER: what a container runtime does: environment, configuration on standard input, result on standard output.
cni() {
    CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 dist/cni/bridge <<<"$network"
}

title 'A host: 192.0.2.1 on a LAN with one neighbour, 192.0.2.2'
mount -t tmpfs none /run
mkdir -p /run/netns /run/leases
echo '{"dataDir": "/run/leases", "subnetDir": "/run/subnets"}' >/run/cni-plugins.json
export CNI_PLUGINS_CONFIG=/run/cni-plugins.json
for namespace in web client neighbour; do
    ip netns add "$namespace"
done
ip link set lo up
ip link add uplink type veth peer name eth0 netns neighbour
ip address add 192.0.2.1/24 dev uplink
ip link set uplink up
ip -n neighbour address add 192.0.2.2/24 dev eth0
ip -n neighbour link set eth0 up
show ip -brief address

title 'The first container: a network that is only named, and port 8080 of the host for its port 80'
network='{"cniVersion":"1.1.0","name":"demo","type":"bridge",
          "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}}'
echo "$network"
cni ADD web >/run/web.json || fail "$(cat /run/web.json)"
echo
cat /run/web.json
echo

title 'The second container, without a port'
network='{"cniVersion":"1.1.0","name":"demo","type":"bridge"}'
cni ADD client >/run/client.json || fail "$(cat /run/client.json)"
jq -c .ips /run/client.json
web=$(jq -r '.ips[0].address | split("/")[0]' /run/web.json)
show ip -brief address
show ip -n web -brief address
show ip -n client -brief address

title 'They reach each other, and the LAN by the host'"'"'s address'
show ip netns exec client ping -n -c 2 -i 0.2 -W 2 "$web"
show ip netns exec client ping -n -c 2 -i 0.2 -W 2 192.0.2.2

title 'A web server in the first container'
mkdir /run/www
echo "hello from the container at $web" >/run/www/index.html
ip netns exec web python3 -m http.server 80 --directory /run/www >/run/server.log 2>&1 &
server=$!
for _ in $(seq 50); do
    curl -s -m 1 -o /dev/null "http://$web/" && break
    sleep 0.1
done
echo 'from this host, by its own loopback:'
show curl -sS -m 3 http://127.0.0.1:8080/
echo 'from the neighbour on the LAN, by the address of the host (no port is published there):'
show ip netns exec neighbour curl -sS -m 3 http://192.0.2.1:8080/
echo 'from the neighbour on the LAN, which routes 127.0.0.1 to the host:'
ip -n neighbour route replace table local 127.0.0.1/32 via 192.0.2.1 dev eth0
show ip netns exec neighbour curl -sS -m 2 --interface eth0 http://127.0.0.1:8080/
echo 'from the neighbour on the LAN, straight to the container:'
ip -n neighbour route add "$web" via 192.0.2.1
show ip netns exec neighbour curl -sS -m 2 "http://$web/"

title 'What it is made of: a fixed set of rules, and elements that say whose they are'
show nft list ruleset

title 'DEL for both, in any order and as often as one likes'
kill "$server"
wait "$server" 2>/dev/null || true
for container in web client client; do
    cni DEL "$container" && echo "DEL $container: done"
done

title 'An empty world'
show nft list ruleset
show ip -brief link
show ip -n web -brief link
echo 'what is kept: the network'"'"'s subnets, and where the search for an address goes on'
show grep -r . /run/subnets/demo /run/leases/demo
show find /run/cni-plugins -type f -not -name lock

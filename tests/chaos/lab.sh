# lab.sh: hosts made of network namespaces, on a switch of their own. Sourced by scripts that begin
# with `lab_enter "$0" "$@"` and then have
#
#   lab_host NAME NUMBER        a host with the address 10.77.0.NUMBER
#   lab_far_host NAME NUMBER    the same behind a relay ($lab_relay), whose delay can be set
#   lab_on NAME COMMAND...      runs there
#   lab_exec NAME COMMAND... &  likewise, and $! is the command's own process
#   lab_plug, lab_unplug NAME   the cable of that host, at the switch
#   lab_delay NAME MS JITTER    of a far host
#
# They need tests/e2e/common.sh, which is sourced after lab_enter.
#
# Everything is below one process, the first of its own process, mount and network namespaces: the
# switch is that network, names and mounts are seen by nobody else, and all of it goes when that
# process ends, however it ends. The kernel has no netem, hence the relay.
lab_network=10.77.0

lab_skip() {
    echo "SKIPPED: $*"
    exit 77
}

# However the script ends: what is inside ends with its first process.
lab_leave() {
    kill -KILL "$lab_pid" 2>/dev/null
    wait "$lab_pid" 2>/dev/null
    local tries
    for tries in 1 2 3 4 5; do
        rm -rf "$lab_folder" 2>/dev/null && return
        sleep 0.$tries # the last of them are just ending
    done
}

# lab_enter SCRIPT ARGUMENT...: the script once more, inside. What it writes below $TMPDIR goes.
lab_enter() {
    local tool
    if [ -n "${RATCHET_LAB:-}" ]; then
        lab_open
        return
    fi
    [ "$(id -u)" = 0 ] || lab_skip "making hosts of network namespaces needs root"
    for tool in ip iptables unshare nsenter setpriv; do
        command -v $tool >/dev/null || lab_skip "$tool is not installed (iproute2, iptables)"
    done
    unshare --mount --net --pid --fork true 2>/dev/null ||
        lab_skip "this system does not let us make namespaces"
    lab_folder=$(mktemp -d "${TMPDIR:-/tmp}/ratchet-lab-XXXXXX")
    RATCHET_LAB=1 TMPDIR=$lab_folder setpriv --pdeathsig KILL \
        unshare --mount --net --pid --fork --kill-child --mount-proc bash "$@" &
    lab_pid=$!
    trap lab_leave EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    local code=0
    wait "$lab_pid" || code=$?
    exit "$code"
}

# The switch. Names of namespaces are files in /run/netns.
lab_open() {
    mount -t tmpfs tmpfs /run && mkdir /run/netns || lab_skip "nothing can be mounted here"
    ip link set lo up
    ip link add br0 type bridge && ip link set br0 up || lab_skip "this kernel has no bridges"
    iptables -L >/dev/null 2>&1 || lab_skip "iptables does not work here"
}

lab_configure() {
    ip -n "$1" addr add "$lab_network.$2/24" dev eth0
    ip -n "$1" link set eth0 up
    ip -n "$1" link set lo up
}

lab_host() {
    ip netns add "$1"
    ip link add "p-$1" type veth peer name eth0 netns "$1"
    ip link set "p-$1" master br0 up
    lab_configure "$1" "$2"
}

lab_far_host() {
    ip netns add "$1"
    ip link add "p-$1" type veth peer name eth0 netns "$1"
    ip link add "q-$1" type veth peer name "b-$1"
    ip link set "p-$1" up
    ip link set "q-$1" up
    ip link set "b-$1" master br0 up
    lab_configure "$1" "$2"
    mkfifo "/run/relay-$1"
    "$lab_relay" "p-$1" "q-$1" <"/run/relay-$1" >"$work/relay-$1.log" 2>&1 &
    started+=("$!")
    # Held open for as long as we live: the relay ends with its input.
    exec {lab_fd}>"/run/relay-$1"
    lab_delays[$1]=$lab_fd
}
declare -A lab_delays=()

lab_on() {
    local host=$1
    shift
    nsenter --net="/run/netns/$host" "$@"
}

lab_exec() {
    local host=$1
    shift
    exec nsenter --net="/run/netns/$host" "$@"
}

lab_plug() { ip link set "p-$1" up; }
lab_unplug() { ip link set "p-$1" down; }

lab_delay() { echo "$2 $3" >&"${lab_delays[$1]}"; }

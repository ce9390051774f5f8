# harm.sh: what can go wrong in a lab, and how it is put right. Sourced by round.
#
# draw_plan decides everything by the seed before anything starts: the same seed does the same harm
# to the same hosts at the same times. What it meets there depends on the machine.
kinds=(loss delay cut deaf mute reset forget kill_slot kill_worker kill_head stop_slot stop_worker
    stop_head fill_worker fill_head wipe tidy)
declare -A harm_count=() harm_rules=() harm_pids=()

# draw FROM TO: $drawn. (No subshell: it would draw the same number for ever.)
draw() { drawn=$(($1 + RANDOM % ($2 - $1 + 1))); }

# How long: mostly moments, sometimes until the host is suspect, sometimes until it is lost.
draw_length() {
    draw 1 10
    case $drawn in
    [1-6]) draw 300 3000 ;;
    [7-9]) draw 3000 9000 ;;
    10) draw 15500 20000 ;;
    esac
}

# To whom, for how long and how much: $host, $length, $value.
draw_fault() {
    host=${workers[RANDOM % ${#workers[@]}]}
    draw_length
    length=$drawn
    value=0
    case $1 in
    loss)
        draw 5 40
        value=$drawn
        ;;
    delay)
        host=${far[RANDOM % ${#far[@]}]}
        draw 20 300
        value=$drawn
        ;;
    cut | deaf | mute) [ $((RANDOM % 5)) -gt 0 ] || host=head ;;
    reset)
        length=500
        [ $((RANDOM % 3)) -gt 0 ] || host=head
        ;;
    kill_slot | stop_slot) value=$RANDOM ;;
    fill_worker) host=${small[RANDOM % ${#small[@]}]} ;;
    *_head)
        host=head
        [ "$length" -lt 10000 ] || length=2000 # or too little is left for the rest
        ;;
    esac
    case $1 in forget | kill_* | wipe | tidy) length=0 ;; esac
}

# draw_plan SECONDS: `plan`, in order of time: "AT_MS KIND HOST LENGTH_MS VALUE".
draw_plan() {
    local at=1500 end=$(($1 * 1000)) kind weighted=() i host length value drawn pace
    local -A busy=()
    plan=()
    draw 1 4 # from a storm to a bad day
    pace=$drawn
    for kind in "${kinds[@]}"; do
        draw 1 3
        for ((i = 0; i < drawn; i++)); do weighted+=("$kind"); done
    done
    while [ "$at" -lt "$end" ]; do
        kind=${weighted[RANDOM % ${#weighted[@]}]}
        draw_fault "$kind"
        if [ "${busy[$kind.$host]:-0}" -lt "$at" ]; then
            plan+=("$at $kind $host $length $value")
            busy[$kind.$host]=$((at + length + 500))
        fi
        draw $((50 * pace)) $((600 * pace))
        at=$((at + drawn))
    done
}

# rule KIND HOST ARGUMENT...: one for iptables, remembered until `heal`.
rule() {
    local name=$1.$2 host=$2
    shift 2
    lab_on "$host" iptables -w -A "$@" || fail "iptables does not take: $*"
    harm_rules[$name]+="$*"$'\n'
}

drop_rules() {
    local words
    while IFS= read -r words; do
        # shellcheck disable=SC2086
        [ -z "$words" ] || lab_on "$2" iptables -w -D $words
    done <<<"${harm_rules[$1.$2]:-}"
    harm_rules[$1.$2]=
}

# pick_slot HOST VALUE: a slot's process of that worker in $picked; fails when it has none now.
pick_slot() {
    local -a slots=()
    [ "${pids[$1]}" -gt 0 ] && mapfile -t slots < <(children "${pids[$1]}")
    [ "${#slots[@]}" -gt 0 ] || return 1
    picked=${slots[$2 % ${#slots[@]}]}
    is_ours "$picked"
}

is_ours() {
    case $(readlink "/proc/$1/exe" 2>/dev/null) in
    */ratchet-worker | */ratchet) return 0 ;;
    *) return 1 ;;
    esac
}

# signal SIGNAL PID: to one of our programs; fails when it has gone.
signal() { [ "$2" -gt 0 ] && is_ours "$2" && kill "-$1" "$2" 2>/dev/null; }

# stop KIND HOST PID: until `heal`.
stop() { signal STOP "$3" && harm_pids[$1.$2]=$3; }

# fill FOLDER: to the last block.
fill() {
    dd if=/dev/zero of="$1/filler" bs=64k status=none 2>/dev/null
    dd if=/dev/zero of="$1/filler" bs=1k oflag=append conv=notrunc status=none 2>/dev/null
    true
}

# harm KIND HOST VALUE: fails when there is nothing to be harmed just now.
harm() {
    local chance picked=0
    case $1 in
    loss)
        printf -v chance '0.%02d' "$3"
        rule loss "$2" INPUT -i eth0 -m statistic --mode random --probability "$chance" -j DROP
        rule loss "$2" OUTPUT -o eth0 -m statistic --mode random --probability "$chance" -j DROP
        ;;
    delay) lab_delay "$2" "$3" $(($3 / 3)) ;;
    cut) lab_unplug "$2" ;;
    deaf) rule deaf "$2" INPUT -i eth0 -j DROP ;;
    mute) rule mute "$2" OUTPUT -o eth0 -j DROP ;;
    reset) rule reset "$2" INPUT -i eth0 -p tcp -j REJECT --reject-with tcp-reset ;;
    forget) ip -n "$2" neigh flush all ;;
    kill_slot) pick_slot "$2" "$3" && signal KILL "$picked" ;;
    kill_worker | kill_head) signal KILL "${pids[$2]}" ;;
    stop_slot) pick_slot "$2" "$3" && stop stop_slot "$2" "$picked" ;;
    stop_worker | stop_head) stop "$1" "$2" "${pids[$2]}" ;;
    fill_worker) fill "$work/disk-$2" ;;
    fill_head) fill "$work/disk-head" ;;
    wipe) signal KILL "${pids[$2]}" && await 10 "$2 to end" has_ended "${pids[$2]}" &&
        rm -rf "${caches[$2]:?}" ;;
    tidy) [ -d "${caches[$2]}" ] && rm -rf "${caches[$2]:?}" ;;
    *) fail "there is no harm called '$1': ${kinds[*]}" ;;
    esac
}

# heal KIND HOST
heal() {
    case $1 in
    loss | deaf | mute | reset) drop_rules "$1" "$2" ;;
    delay) lab_delay "$2" "$base_ms" $((base_ms / 3)) ;;
    cut) lab_plug "$2" ;;
    stop_*)
        signal CONT "${harm_pids[$1.$2]:-0}"
        harm_pids[$1.$2]=0
        ;;
    fill_*) rm -f "$work/disk-$2/filler" ;;
    esac
}

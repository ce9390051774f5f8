# common.sh: what the end-to-end tests share. Sourced by each *.test with its three arguments: the
# programs ratchet, ratchet-worker and e2e_stranger.
#
# A test works in $work, which goes when it ends, with all processes that were started through
# `start`. Waiting is always for a condition, with a deadline; never for time to pass.
set -u
ratchet=$1
worker=$2
stranger=$3
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
work=$(mktemp -d "${TMPDIR:-/tmp}/ratchet-e2e-XXXXXX")
started=()
RANDOM=${SEED:-1}

cleanup() {
    local pid
    exec 2>/dev/null # the shell would tell of each process that it kills
    for pid in "${started[@]}"; do
        kill -KILL "$pid"
    done
    wait
    if [ -n "${mounted:-}" ]; then
        umount "$mounted" || umount -l "$mounted"
    fi
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1

fail() {
    echo "FAILED: $*" >&2
    local log
    # What was written last says most.
    find "$work" -name '*.log' -size +0 -printf '%T@ %p\n' | sort -rn | head -n 5 |
        cut -d ' ' -f 2 | while read -r log; do
            echo "--- $log" >&2
            tail -n 15 "$log" >&2
        done
    exit 1
}

skip() {
    echo "SKIPPED: $*"
    exit 77
}

# start LOG COMMAND...: in the background; the process is $pid.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 &
    pid=$!
    started+=("$pid")
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || fail "waited in vain for $what"
        sleep 0.02
    done
}

# finish SECONDS PID CODE: waits for a process of ours and checks its exit code.
finish() {
    local code=0
    await "$1" "process $2 to end" has_ended "$2"
    wait "$2" || code=$?
    [ "$code" -eq "$3" ] || fail "process $2 ended with $code, not with $3"
}

# A process that has ended is a zombie until we wait for it.
has_ended() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ -z "$state" ] || [ "${state:0:1}" = Z ]
}

# children PID: the pids of its children, one per line. Kernels without the children file are asked
# process by process, which takes long on a busy machine.
children() {
    local list=/proc/$1/task/$1/children
    if [ -e "$list" ]; then
        tr ' ' '\n' <"$list" 2>/dev/null | sed '/^$/d'
        return
    fi
    local stat
    for stat in /proc/[0-9]*/stat; do
        awk -v parent="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == parent) print pid }' "$stat" \
            2>/dev/null
    done
}

# kill_one PID...: kill -9 of one of these, if it is one of our workers' processes. Fails when it
# was not.
kill_one() {
    local all=("$@")
    [ "${#all[@]}" -gt 0 ] || return 1
    local victim=${all[$((RANDOM % ${#all[@]}))]}
    case $(readlink "/proc/$victim/exe" 2>/dev/null) in
    */ratchet-worker | */ratchet) kill -KILL "$victim" 2>/dev/null ;;
    *) return 1 ;;
    esac
}

# experiment FILE [KEY=VALUE...]: a search without training, with changes.
experiment() {
    cat >"$1" <<EOF
name: e2e
seed: 11
evaluator: null
null: {dim: 16, work_ms: ${work_ms:-2}, heal: 0.05}
operators:
  - {name: noise, scale: 0.1, weight: 2}
  - {name: crossover}
strategy: {name: ${strategy:-tournament}, population: 12, size: 3}
search:
  lookahead: ${lookahead:-8}
  lines: ${lines:-1}
  open_lines: ${open_lines:-1}
  commit: ${commit:-ordered}
budget: {jobs: ${jobs:-200}}
EOF
}

# reference FILE: the digest of a run of it that nothing disturbs.
reference() {
    "$ratchet" run "$1" --workers 2 --dir "$work/reference" >"$work/reference.log" 2>&1 ||
        fail "the undisturbed run failed"
    "$ratchet" digest "$work/reference" || fail "the undisturbed run has no digest"
}

commits() {
    "$ratchet" status "$1" --json 2>/dev/null | sed -n 's/^ *"commits": \([0-9]*\),*$/\1/p'
}

has_commits() {
    local count
    count=$(commits "$1")
    [ -n "$count" ] && [ "$count" -ge "$2" ]
}

# check_run RUN DIGEST JOBS: it has exactly those commits, each job once, and that digest.
check_run() {
    local digest ids
    digest=$("$ratchet" digest "$1") || fail "$1 has no digest"
    [ "$digest" = "$2" ] || {
        "$ratchet" diff "$work/reference" "$1" >&2
        fail "$1 has digest $digest, not $2"
    }
    ids=$("$ratchet" individuals "$1" --all --json | sed -n 's/^ *"id": "\(.*\)",*$/\1/p')
    [ "$(wc -l <<<"$ids")" -eq "$3" ] || fail "$1 has $(wc -l <<<"$ids") commits, not $3"
    [ -z "$(sort <<<"$ids" | uniq -d)" ] || fail "$1 counts jobs twice: $(sort <<<"$ids" | uniq -d)"
}

# refused CODE PATTERN COMMAND...: it ends with that code and says one line that matches.
refused() {
    local wanted=$1 pattern=$2 code=0 said
    shift 2
    said=$(timeout 40 "$@" 2>&1 >/dev/null) || code=$?
    [ "$code" -eq "$wanted" ] || fail "'$*' ended with $code, not with $wanted: $said"
    [ "$(wc -l <<<"$said")" -eq 1 ] || fail "'$*' said more than one line: $said"
    [[ $said == ratchet:\ * ]] || fail "'$*' does not say who speaks: $said"
    [[ $said =~ $pattern ]] || fail "'$*' said '$said', which does not match '$pattern'"
}

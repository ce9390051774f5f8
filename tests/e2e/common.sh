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

# family PID: the processes below it, which for a coordinator are its local worker and that one's
# slots.
family() {
    local child
    for child in $(children "$1"); do
        echo "$child"
        family "$child"
    done
}

# is_alone: no process is left that was told a path below $work, as all our programs are.
is_alone() {
    local line
    for line in /proc/[0-9]*/cmdline; do
        ! grep -qsF "$work/" "$line" || return 1
    done
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

# ledger RUN QUERY
ledger() {
    sqlite3 -readonly "$1/ledger.sqlite" "$2" || fail "$1: cannot be asked: $2"
}

# check_ledger RUN LINES JOBS: a finished run that was never told to stop has every job of every
# line once and nothing besides, and each child descends from one that was admitted before.
check_ledger() {
    local said
    said=$(ledger "$1" "
        CREATE TEMP VIEW jobs AS SELECT * FROM commits WHERE job < 9223372036854775807;
        CREATE TEMP VIEW born AS
            SELECT parent0_line AS line, parent0_job AS job, parent0 AS digest, sequence
            FROM commits UNION ALL
            SELECT parent1_line, parent1_job, parent1, sequence FROM commits;
        SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok';
        SELECT 'lines ' || min(line) || ' to ' || max(line) || ', ' || count(DISTINCT line)
            || ' of them' FROM commits
            HAVING min(line) <> 0 OR max(line) <> $2 - 1 OR count(DISTINCT line) <> $2;
        SELECT 'line ' || line || ' has ' || count(*) || ' jobs, ' || min(job) || ' to '
            || max(job) FROM jobs GROUP BY line
            HAVING count(*) <> $3 OR count(DISTINCT job) <> $3 OR min(job) <> 0
                OR max(job) <> $3 - 1;
        SELECT count(*) || ' final evaluations of ' || count(DISTINCT line) || ' lines'
            FROM commits WHERE job = 9223372036854775807
            HAVING count(*) <> $2 OR count(DISTINCT line) <> $2;
        SELECT 'sequences ' || min(sequence) || ' to ' || max(sequence) || ' for ' || count(*)
            || ' records'
            FROM (SELECT sequence FROM commits UNION ALL SELECT sequence FROM inputs)
            HAVING min(sequence) <> 1 OR max(sequence) <> count(*);
        SELECT 'job ' || line || '/' || job || ' was admitted without a child' FROM commits
            WHERE admitted AND child IS NULL;
        SELECT 'the commit of sequence ' || born.sequence || ' has a parent that nobody admitted'
            FROM born LEFT JOIN commits AS parent USING (line, job)
            WHERE born.digest IS NOT NULL AND (parent.admitted IS NOT 1
                OR parent.child <> born.digest OR parent.sequence >= born.sequence);
        SELECT 'a detail without a commit: ' || line || '/' || job FROM details
            WHERE NOT EXISTS (SELECT 1 FROM commits
                WHERE commits.line = details.line AND commits.job = details.job);
        SELECT 'fact finished is missing' WHERE NOT EXISTS (
            SELECT 1 FROM facts WHERE name = 'finished' AND value <> '');") || exit 1
    [ -z "$said" ] || fail "$1: the ledger says $said"
}

# blobs RUN: the digests of what lies there, sorted.
blobs() {
    (cd "$1/blobs" && find . -type f | tr -d ./ | sort)
}

# check_blobs RUN: each file has the bytes that its name says, and each line's champion is there;
# with keep=all (what storage.keep was) so is every child that was admitted.
check_blobs() {
    local said wanted
    said=$(cd "$1/blobs" && find . -type f -printf '%P\n' |
        sed 's|^\(..\)/\(.*\)|\1\2  \1/\2|' | b2sum --length 256 --check --quiet 2>&1) ||
        fail "$1/blobs: $said"
    wanted="SELECT child, max(sequence) FROM commits WHERE champion GROUP BY line"
    [ "${keep:-live}" = live ] || wanted="SELECT child FROM commits WHERE admitted"
    said=$(comm -13 <(blobs "$1") \
        <(ledger "$1" "SELECT lower(hex(child)) FROM ($wanted)" | sort -u))
    [ -z "$said" ] || fail "$1/blobs: an admitted child is not there: $said"
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

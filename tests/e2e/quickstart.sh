# quickstart.sh: what quickstart.test and slow/quickstart_full.test share: the experiment that the
# README begins with, run undisturbed, under kills, and by workers that are started by hand. All
# give one digest. Sourced after $jobs was set: how long each of its lines is made; empty: as the
# file says. The first run sets $lines, $jobs and $total, how many there are in all.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
yaml=${QUICKSTART:-$here/../../deploy/experiments/quickstart.yaml}
[ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] ||
    skip "Fashion-MNIST is not here (Debian package dataset-fashion-mnist)"
command -v sqlite3 >/dev/null || skip "there is no sqlite3 to look into ledgers with"

# What is told to every coordinator of a variant.
with=(--seed 7)
[ -z "${jobs:-}" ] || with+=(--set "budget.jobs=$jobs")
kills=0

# row VARIANT SECONDS KILLS DIGEST: a line of the table.
row() {
    printf '%-28s %6s s %4s kills  %s\n' "$@"
}

# judge VARIANT RUN: a finished run is the first one again, and leaves nobody behind. $began is when
# it was started, $kills how often something was killed.
judge() {
    local digest
    digest=$("$ratchet" digest "$2") || fail "$1 has no digest"
    row "$1" $((SECONDS - began)) "$kills" "$digest"
    await 10 "the processes of $1 to end" is_alone
    if [ ! -d "$work/first" ]; then
        lines=$(ledger "$2" "SELECT count(DISTINCT line) FROM commits")
        total=$(ledger "$2" "SELECT count(*) FROM commits")
        jobs=$((total / lines - 1))
        mv "$2" "$work/first"
        set -- "$1" "$work/first"
    fi
    "$ratchet" diff "$work/first" "$2" >diff.log 2>&1 || fail "$1 differs: $(cat diff.log)"
    [ "$digest" = "$("$ratchet" digest "$work/first")" ] || fail "$1 gives another digest"
    check_ledger "$2" "$lines" "$jobs"
    check_blobs "$2"
    if [ "${keep:-live}" = live ]; then
        [ "$(blobs "$2")" = "$(blobs "$work/first")" ] ||
            fail "$1 keeps other checkpoints: $(diff <(blobs "$work/first") <(blobs "$2"))"
    fi
    [ "$2" = "$work/first" ] || rm -rf "$2"
    kills=0
}

# undisturbed VARIANT OPTIONS...
undisturbed() {
    local variant=$1
    shift
    began=$SECONDS
    "$ratchet" run "$yaml" "${with[@]}" --dir "$work/run" "$@" >run.log 2>&1 ||
        fail "$variant failed: $(tail -n 3 run.log)"
    judge "$variant" "$work/run"
}

# kill_coordinator: and all that it started have to end by themselves.
kill_coordinator() {
    local orphan orphans
    orphans=$(family "$coordinator")
    kill -KILL "$coordinator"
    wait "$coordinator" 2>/dev/null
    kills=$((kills + 1))
    for orphan in $orphans; do
        await 15 "orphan $orphan to end" has_ended "$orphan"
    done
}

# killed VARIANT OPTIONS...: again and again, after each `pause`, one of the local worker's
# processes is killed; the coordinator when a third and when two thirds are done.
killed() {
    local variant=$1 lives=1
    shift
    began=$SECONDS
    local -a command=("$ratchet" run "$yaml" "${with[@]}" --dir "$work/run" "$@")
    start life-1.log "${command[@]}"
    coordinator=$pid
    # Before, there may be a process that packs the data set, and nobody takes its place.
    await 60 "the first commit" has_commits "$work/run" 1
    until has_ended "$coordinator"; do
        pause
        if [ $lives -le 2 ] && has_commits "$work/run" $((lives * total / 3)); then
            kill_coordinator
            lives=$((lives + 1))
            start life-$lives.log "${command[@]}"
            coordinator=$pid
            continue
        fi
        # shellcheck disable=SC2046
        kill_one $(family "$coordinator") && kills=$((kills + 1))
    done
    finish 60 "$coordinator" 0
    [ $lives -eq 3 ] || fail "$variant: the coordinator was killed only $((lives - 1)) times"
    grep -q "resumed after" life-3.log || fail "the last life did not resume: $(cat life-3.log)"
    [ $kills -ge 4 ] || fail "$variant: only $kills processes were killed: it shows nothing"
    judge "$variant" "$work/run"
}

# serve LOG: a coordinator without workers, at an address that its next life has, too.
serve() {
    start "$1" "$ratchet" serve "$yaml" "${with[@]}" --listen "ipc://$work/control" \
        --dir "$work/run"
    coordinator=$pid
}

# join NAME HOME SLOTS: a worker; HOME is its cache, by which the coordinator knows it again.
join() {
    start "worker-$1.log" "$worker" --connect "ipc://$work/control" --slots "$3" --name "$1" \
        --cache "$work/cache-$2" --linger 60
}

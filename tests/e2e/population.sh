# population.sh: a population that no cache holds: two workers, each with room for a few of its
# checkpoints, come to the digest of one worker with room for all of them, while the coordinator
# stays small and its disk keeps little more than the population. Prints what it measured.
#
# Sourced by tests that set: model, population, jobs, checkpoint_mib (at least what a checkpoint
# has), cache_bytes, lookahead, peak (yes: the disk is held to its limit all the time, no: at the
# end), seconds (to wait for a run).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

samples=600

# Bytes that look like noise and are the same each time.
noise() {
    LC_ALL=C awk -v count="$1" -v from="$2" -v below="$3" 'BEGIN {
        for (x = 1; count > 0; count--) {
            x = (x * 16807) % 2147483647
            printf "%c", from + x % below
        }
    }'
}

mkdir data
for part in train t10k; do
    { printf '\x00\x00\x08\x03\x00\x00\x02\x58\x00\x00\x00\x1c\x00\x00\x00\x1c' &&
        noise $((samples * 28 * 28)) 1 127; } >data/$part-images-idx3-ubyte
    # A label of 0 is a byte that awk cannot print: classes 1 to 9 are in use.
    {
        printf '\x00\x00\x08\x01\x00\x00\x02\x58'
        noise $samples 1 9
    } >data/$part-labels-idx1-ubyte
done

# Hardly any training: what is to be seen is how checkpoints move.
cat >exp.yaml <<EOF
name: population
seed: 3
evaluator: train
model: {spec: "$model"}
data: {set: idx, dir: data, train: 400, select: 100, confirm: 100}
train: {lr: 0.003, batch: 50, steps: 2}
operators:
  - {name: reinit.hidden}
  - {name: none}
strategy: {name: tournament, population: $population, size: 3, replace: worst}
search: {lookahead: $lookahead}
budget: {jobs: $jobs}
EOF

bytes_below() {
    du -sb "$1" 2>/dev/null | cut -f 1
}

# observe PID RUN: until the process ends; the most memory and disk that it had in use, in $memory
# (KiB) and $disk.
observe() {
    local now until=$((SECONDS + seconds))
    memory=0 disk=0
    until has_ended "$1"; do
        [ "$SECONDS" -lt "$until" ] || fail "the run did not end within $seconds s"
        now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status" 2>/dev/null)
        memory=${now:-$memory}
        now=$(bytes_below "$2")
        [ "${now:-0}" -le "$disk" ] || disk=$now
        "$ratchet" status "ipc://$work/$2-control" --json >status.new 2>/dev/null &&
            mv status.new status.json
        sleep 0.2
    done
}

traffic() {
    sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p" status.json | head -n 1
}

# serve_to RUN WORKERS CACHE: the whole run, by workers of one slot with caches of so many bytes.
serve_to() {
    local run=$1 count=$2 cache=$3 i began=$SECONDS coordinator workers=()
    start "$run.log" "$ratchet" serve exp.yaml --listen "ipc://$work/$run-control" --dir "$run"
    coordinator=$pid
    await 60 "the address" test -s "$run/endpoint"
    for ((i = 0; i < count; i++)); do
        start "$run-$i.log" "$worker" --connect "ipc://$work/$run-control" --slots 1 \
            --name "w$i" --cache "$work/$run-cache-$i" --cache-bytes "$cache"
        workers+=("$pid")
    done
    observe "$coordinator" "$run"
    finish 10 "$coordinator" 0
    for pid in "${workers[@]}"; do
        finish 60 "$pid" 0
    done
    for ((i = 0; i < count; i++)); do
        [ "$(bytes_below "$run-cache-$i/blobs")" -le "$((cache + 1048576))" ] ||
            fail "the cache of worker $i has grown beyond its limit"
        rm -r "$run-cache-$i"
    done
    echo "$run: $count workers, caches of $((cache >> 10)) KiB: $((SECONDS - began)) s," \
        "coordinator at most $((memory >> 10)) MiB in memory," \
        "$((disk >> 10)) KiB on disk at most, $(($(bytes_below "$run") >> 10)) KiB at the end;" \
        "$(($(traffic checkpoints_pulled_bytes) >> 10)) KiB came," \
        "$(($(traffic served_bytes) >> 10)) KiB went"
}

everything=$((population * 2 * checkpoint_mib << 20))
serve_to one 1 $everything
digest=$("$ratchet" digest one) || fail "the run of one worker has no digest"
rm -r one/blobs # two of them would not fit everywhere
serve_to two 2 "$cache_bytes"
[ "$("$ratchet" digest two)" = "$digest" ] || fail "two workers with small caches: another digest"

# Beside the population: the ledger, the data set, what is on its way, what the next sync drops, and
# every 50th ancestor. Small checkpoints come and go too fast for that to be little: `peak` says at
# what moment the disk is looked at.
checkpoint=$(ledger two "SELECT max(child_bytes) FROM commits")
anchors=$(ledger two "SELECT count(*) FROM commits WHERE admitted AND depth > 0 AND depth % 50 = 0")
allowed=$((population * checkpoint * 12 / 10 + anchors * checkpoint))
[ "$peak" = yes ] || disk=$(bytes_below two)
echo "allowed: $((allowed >> 10)) KiB, checkpoints of $((checkpoint >> 10)) KiB, $anchors anchors"
[ "$disk" -le "$allowed" ] || fail "$disk bytes on disk, at most $allowed were allowed"
[ "$memory" -lt $((200 << 10)) ] || fail "the coordinator had $memory KiB in memory"
check_blobs two

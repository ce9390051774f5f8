# abuse.sh: damages a run directory and watches what the programs make of it. Sourced, behind
# common.sh, by abuse.test and slow/abuse_long.test.
#
# `abuse SEED` takes one of three runs (finished, paused, killed with its log), damages a copy in
# the way that the seed decides, and asks every reading command about it; then the same
# `ratchet run` that made it is given again. Allowed is
#
#   - the answer that the undamaged run gives;
#   - exit code 1 or 3 and one line that names the run;
#   - where the end of the ledger went, as with its log, the answer as of an earlier commit.
#
# A run that goes on ends with the digest of the undamaged one; one that is refused may be salvaged,
# and the same holds then. Anything else is a failure: a crash, a hang, two lines, another answer.
# SEED=17 SEEDS=1 in the environment of the test shows it again, verbose=1 what each seed did.
damage=$(dirname "$stranger")/e2e_damage
bases=(finished paused killed)

# Each command by the name of its answer. The digest at each commit is what earlier answers are held
# against.
questions=(
    "status" "status --json" "digest" "diff other" "individuals" "individuals --all --json"
    "show 0/7" "show champion" "show 1/3 --json" "lineage champion" "lineage 0/20 --dot"
    "replay champion" "export champion -o exported" "report -o page.html"
)

# ask FOLDER QUESTION: about $work/case; leaves FOLDER/{out,err,code}.
ask() {
    local words code=0
    read -ra words <<<"$2"
    mkdir -p "$1"
    case ${words[0]} in
    diff) set -- "$1" diff case "$work/other" ;;
    *) set -- "$1" "${words[0]}" case "${words[@]:1}" ;;
    esac
    local folder=$1
    shift
    rm -f exported page.html
    timeout -k 5 "${question_seconds:-30}" "$ratchet" "$@" >"$folder/out" 2>"$folder/err" \
        </dev/null || code=$?
    echo "$code" >"$folder/code"
    # What it took to answer is no part of the answer, nor is where things were kept meanwhile.
    case ${words[0]} in
    replay) sed -i '/^time/d; /^jobs/d' "$folder/out" ;;
    export)
        sed -i -E 's/, (as stored|made again).*//' "$folder/out"
        [ ! -e exported ] || sha256sum <exported >>"$folder/out"
        ;;
    esac
}

# abuse_prepare: the three runs, a fourth to compare with, and their answers before any damage.
abuse_prepare() {
    local base i
    jobs=${jobs:-40} work_ms=10 lines=2 open_lines=1 experiment exp.yaml
    reference=$(reference exp.yaml) || exit 1
    mv reference finished
    "$ratchet" run exp.yaml --workers 1 --dir other --set budget.jobs=30 >other.log 2>&1 ||
        fail "the run to compare with failed"
    for base in paused killed; do
        start "$base.log" "$ratchet" run exp.yaml --workers 2 --dir "$base"
        await 30 "commits of $base" has_commits "$base" 30
        case $base in
        paused) kill -INT "$pid" && finish 30 "$pid" 130 ;;
        killed) kill -KILL "$pid" && finish 30 "$pid" 137 ;;
        esac
        await 30 "the worker of $base to end" is_alone
    done
    for base in "${bases[@]}"; do
        rm -rf "$base/socket" "$base/worker.log"
        copy_base "$base"
        for i in "${!questions[@]}"; do
            ask "answers/$base/$i" "${questions[i]}"
        done
        commits case >"answers/$base/commits"
    done
    for ((i = 0; i <= $(cat answers/finished/commits); i++)); do
        "$ratchet" digest finished --at "$i" || fail "no digest at $i"
    done >digests
}

copy_base() {
    rm -rf case
    cp -a "$1" case
}

# One of the arguments, by the seed's sequence.
pick() {
    local all=("$@")
    picked=${all[$((RANDOM % ${#all[@]}))]}
}

# Every column as TABLE.COLUMN, but for those that name a detail or a note: under another name it is
# another one, and that one is missing cannot be known.
cells() {
    sqlite3 case/ledger.sqlite "SELECT m.name || '.' || c.name FROM sqlite_schema AS m
        JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
        AND m.name || '.' || c.name NOT IN
        ('details.line', 'details.job', 'notes.id', 'notes.kind', 'facts.name')"
}

# One cell of a random row gets another value; the table keeps its types.
edit_cell() {
    local all table column value
    mapfile -t all < <(cells)
    pick "${all[@]}"
    table=${picked%.*} column=${picked#*.}
    pick "NULL" "0" "1" "-1" "9223372036854775807" "''" "'x'" "x'00'" "zeroblob(32)" "BLOB32" \
        "$column + 1" "-$column" "$column || 'x'" "substr($column, 1, length($column) / 2)" \
        "CAST($column AS TEXT)" "(SELECT $column FROM $table LIMIT 1 OFFSET OTHER)"
    value=$picked
    echo "UPDATE $table SET $column = $value WHERE rowid"
}

# Rows as a whole.
edit_rows() {
    pick "DELETE FROM commits WHERE sequence = ROW" "DELETE FROM commits WHERE sequence > ROW" \
        "UPDATE commits SET sequence = -sequence WHERE sequence = ROW" \
        "UPDATE commits SET sequence = sequence + 1000 WHERE sequence = ROW" \
        "UPDATE commits SET sequence = sequence + 100000 WHERE sequence >= ROW" \
        "UPDATE commits SET job = job + 100000 WHERE sequence = ROW" \
        "INSERT INTO inputs VALUES(1000 + ROW, 'stop', 0, 0, 0)" \
        "INSERT INTO inputs VALUES(ROW, 'cancel', 1, 0, 0)" \
        "DELETE FROM meta" "DELETE FROM commits" "DELETE FROM notes" \
        "DROP TABLE facts" "DROP VIEW individuals" "CREATE TABLE more(x)" \
        "CREATE INDEX more ON commits(fitness)" "PRAGMA user_version = 77" \
        "PRAGMA application_id = 77" "PRAGMA journal_mode = DELETE" \
        "CREATE TRIGGER t AFTER INSERT ON commits BEGIN DELETE FROM commits; END"
    echo "$picked"
}

edit_ledger() {
    local table sql row=$((1 + RANDOM % $(cat "answers/$base/commits")))
    if [ $((RANDOM % 3)) -gt 0 ]; then
        sql=$(edit_cell)
        table=${sql#UPDATE } table=${table%% *}
        case $table in
        meta | facts)
            sql="${sql% rowid} name = (SELECT name FROM $table LIMIT 1 OFFSET $((row % 3)))"
            ;;
        *) sql="$sql = $row" ;;
        esac
    else
        sql=$(edit_rows)
    fi
    sql=${sql//BLOB32/$(printf "x'%08x%056x'" "$row" "$seed")}
    sql=${sql//OTHER/$((row / 2))}
    sql=${sql//ROW/$row}
    # Without its last commits a run that is not finished is what it was before them.
    if [[ $sql == "DELETE FROM commits"* && $base != finished ]]; then
        about=tail
    fi
    what="sqlite3: $sql"
    sqlite3 case/ledger.sqlite "$sql" >/dev/null 2>sql.err ||
        what="$what (SQLite: $(tail -n 1 sql.err))"
}

# Sets `what` to what was done, `about` to the part that it was done to.
harm() {
    local file
    pick ${abused:-ledger ledger ledger sql sql blob other log}
    [ "$picked" != log ] || [ "$base" = killed ] || picked=ledger
    about=$picked
    case $about in
    sql) edit_ledger && return ;;
    ledger) file=case/ledger.sqlite ;;
    log) # The index beside it is made anew by whoever opens the ledger.
        pick case/ledger.sqlite-wal case/ledger.sqlite-wal case/ledger.sqlite-shm
        file=$picked
        ;;
    blob) # Half of the time the worker has no copy of its own.
        [ $((RANDOM % 2)) -eq 0 ] || rm -rf case/worker
        pick case/blobs/*/* && file=$picked
        ;;
    other) pick case/experiment.yaml case/lock && file=$picked ;;
    esac
    pick flip flip flip cut cut-page zero-page swap-pages copy-page scribble append delete
    if [ "$picked" = delete ]; then
        what="$file: deleted"
        rm "$file"
    else
        what=$("$damage" "$picked" "$seed" "$file") || fail "seed $seed: damage"
    fi
}

blame() {
    echo "seed $seed: $base: $what: $1" >&2
    failures=$((failures + 1))
}

# one_line FOLDER: it said one line, ours, that names the run.
one_line() {
    [ "$(wc -l <"$1/err")" -eq 1 ] && grep -q '^ratchet: .*case' "$1/err"
}

# judge QUESTION NUMBER: what came back is allowed.
judge() {
    local got=answers/case/$2 want=answers/$base/$2 code
    code=$(cat "$got/code")
    if [ ! -s "$got/err" ] && cmp -s "$got/code" "$want/code" && cmp -s "$got/out" "$want/out"; then
        return
    fi
    if [ "$code" -eq 1 ] && one_line "$got"; then
        return
    fi
    # Of a record that is in order, a detail may still be told to be unreadable.
    if [ "$code" -eq 0 ] && [[ $1 == show* ]] && [ ! -s "$got/err" ] &&
        grep -qE '^detail .*case/ledger.sqlite: |"detail_error"' "$got/out"; then
        return
    fi
    # The log holds what came last.
    if [[ $about =~ ^(log|tail)$ ]] && [ ! -s "$got/err" ] && [ "$code" -le 1 ]; then
        [ "$1" != digest ] || grep -qxFf "$got/out" digests || blame "digest: never was one"
        return
    fi
    blame "$1: code $code, $(head -c 600 "$got/err"), differs: $(diff "$want/out" "$got/out" |
        head -n 5 | tr '\n' '|')"
}

# What `run` refuses may be salvaged, and then it goes on or says what it lacks.
salvage() {
    local code=0 folder=answers/case/salvage
    mkdir -p "$folder"
    timeout -k 5 30 "$ratchet" salvage case >"$folder/out" 2>"$folder/err" </dev/null || code=$?
    if [ "$code" -eq 0 ] && [ ! -s "$folder/err" ]; then
        grep -q 'nothing is wrong' "$folder/out" || outcome=salvaged
    elif [ "$code" -ne 1 ] || ! one_line "$folder"; then
        blame "salvage: code $code, $(cat "$folder/err")"
    fi
}

# resume FOLDER
resume() {
    local code=0 folder=$1 digest
    mkdir -p "$folder"
    timeout -k 5 60 "$ratchet" run exp.yaml --workers 2 --dir case >"$folder/out" 2>"$folder/err" \
        </dev/null || code=$?
    if [ "$code" -eq 0 ]; then
        digest=$("$ratchet" digest case 2>&1)
        [ "$digest" = "$reference" ] || blame "run: ended with $digest"
        grep -q "$reference" "$folder/out" || blame "run: told another digest"
        [ ! -s "$folder/err" ] || one_line "$folder" || blame "run: $(cat "$folder/err")"
        outcome=resumed
    elif [ "$code" -eq 1 ] || [ "$code" -eq 3 ]; then
        one_line "$folder" || blame "run: code $code, $(cat "$folder/err")"
        outcome=refused
    else
        blame "run: code $code, $(tail -n 20 "$folder/err")"
        outcome=failed
    fi
    ! grep -sE 'Sanitizer|runtime error:' case/worker.log || blame "the worker was at fault"
}

# abuse SEED: see above. Counts in `tally` how it ended, and in `failures`.
abuse() {
    local base about what outcome i
    seed=$1
    RANDOM=$seed
    pick "${bases[@]}"
    base=$picked
    copy_base "$base"
    rm -rf answers/case
    harm
    for i in "${!questions[@]}"; do
        ask "answers/case/$i" "${questions[i]}"
        judge "${questions[i]}" "$i"
    done
    resume answers/case/run
    if [ "$outcome" = refused ]; then
        salvage
    fi
    if [ "$outcome" = salvaged ]; then
        resume answers/case/again
        outcome="salvaged and $outcome"
    fi
    tally[$outcome]=$((${tally[$outcome]:-0} + 1))
    [ -z "${verbose:-}" ] ||
        echo "seed $seed: $base: ${what:0:150}: $outcome" \
            "$(cat answers/case/{run,salvage,again}/err 2>/dev/null | head -c 900)"
}

# abuse_all FIRST COUNT: the test.
abuse_all() {
    local failures=0
    local -A tally
    abuse_prepare
    for ((seed = $1; seed < $1 + $2; seed++)); do
        abuse "$seed"
    done
    for outcome in "${!tally[@]}"; do
        echo "${tally[$outcome]} of $2 $outcome"
    done
    [ "$failures" -eq 0 ] || fail "$failures answers to damage were not right"
}

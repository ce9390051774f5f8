/* run_data.c: see run_data.h. */
#include "coordinator/shell/run_data.h"

#include "coordinator/shell/data_pack.h"
#include "coordinator/shell/local_worker.h"

#include <stdio.h>
#include <unistd.h>

static const char fact[] = "data_digest";

enum { LIMIT_MS = 600000 };

/* "x.yaml: data set idx: SENTENCE". */
static enum run_result refuse(const struct run *run, const struct experiment_data *data,
                              enum run_result result, const char *sentence, struct error *error)
{
    return (enum run_result)error_set(error, (int)result, "%.160s: data set %s: %s",
                                      experiment_path(run->experiment), data->set, sentence);
}

/* The digest in the ledger; zero when it has none yet. */
static int read_fact(const struct run *run, struct digest *digest, struct error *error)
{
    char hex[DIGEST_HEX_BYTES];
    *digest = (struct digest){0};
    if (run->ledger == NULL)
        return 0;
    enum ledger_result result = ledger_get_fact(run->ledger, fact, hex, sizeof hex, error);
    if (result == LEDGER_END)
        return 0;
    if (result != LEDGER_OK)
        return -1;
    if (digest_from_hex(hex, digest))
        return 0;
    return error_set(error, -1, "%.300s/ledger.sqlite: the fact data_digest is no digest",
                     run->directory.path);
}

int run_data_recall(struct run *run, struct error *error)
{
    return read_fact(run, &run->data, error);
}

/* What was packed is what this experiment, and this run, want. */
static enum run_result check(const struct run *run, const struct experiment_data *data,
                             const struct data_pack *pack, const struct digest *known,
                             struct error *error)
{
    struct error why;
    if (experiment_check_slices(run->experiment, pack->counts, &why) != 0 ||
        experiment_check_model(run->experiment, pack->shape, &why) != 0)
        return refuse(run, data, RUN_BAD_DATA, why.text, error);
    if (digest_is_zero(known) || digest_equal(known, &pack->digest))
        return RUN_OPENED;
    char was[DIGEST_HEX_BYTES], is[DIGEST_HEX_BYTES], text[256];
    digest_to_hex(known, was);
    digest_to_hex(&pack->digest, is);
    snprintf(text, sizeof text, "this run began with %s, and what is there now is %s", was, is);
    return refuse(run, data, RUN_BAD_DATA, text, error);
}

/* Packs into `path` and takes the file into the store. */
static enum run_result pack_into(struct run *run, const struct data_pack_options *options,
                                 const struct digest *known, struct error *error)
{
    struct data_pack pack;
    struct error why;
    switch (data_pack(options, &pack, &why)) {
    case DATA_PACK_DONE:
        break;
    case DATA_PACK_REFUSED:
        return refuse(run, options->data, RUN_BAD_DATA, why.text, error);
    case DATA_PACK_FAILED:
        return refuse(run, options->data, RUN_REFUSED, why.text, error);
    case DATA_PACK_STOPPED:
        return refuse(run, options->data, RUN_STOPPED, why.text, error);
    }
    enum run_result result = check(run, options->data, &pack, known, error);
    if (result != RUN_OPENED)
        return result;
    run->data = pack.digest;
    if (blob_store_adopt(run->store, options->output, &pack.digest, error) != BLOB_OK)
        return RUN_REFUSED;
    return RUN_OPENED;
}

/* 1 when the blob is there and whole, 0 when it has to be packed, -1. A damaged one is removed:
 * every worker would fetch it in vain, again and again. */
static int find_blob(struct run *run, const struct digest *known, struct error *error)
{
    if (digest_is_zero(known))
        return 0;
    switch (blob_store_verify(run->store, known, error)) {
    case BLOB_OK:
        run->data = *known;
        return 1;
    case BLOB_ABSENT:
        return 0;
    case BLOB_CORRUPT:
        return blob_store_remove(run->store, known, error) == BLOB_OK ? 0 : -1;
    default:
        return -1;
    }
}

/* Its size. */
static enum run_result measure(struct run *run, struct error *error)
{
    uint8_t first;
    size_t count;
    return blob_store_read(run->store, &run->data, 0, &first, 1, &count, &run->data_bytes, error) ==
                   BLOB_OK
               ? RUN_OPENED
               : RUN_REFUSED;
}

enum run_result run_data_obtain(struct run *run, const char *packer, struct error *error)
{
    struct experiment_data data;
    struct digest known;
    char program[OS_PATH_BYTES_MAX], path[OS_PATH_BYTES_MAX];
    if (!experiment_data(run->experiment, &data))
        return RUN_OPENED;
    if (read_fact(run, &known, error) != 0)
        return RUN_REFUSED;
    int found = find_blob(run, &known, error);
    if (found != 0)
        return found > 0 ? measure(run, error) : RUN_REFUSED;
    if (packer == NULL && local_worker_find_program(program, error) != 0)
        return RUN_REFUSED;
    if (blob_store_staging(run->store, path, sizeof path, error) != BLOB_OK)
        return RUN_REFUSED;
    const struct data_pack_options options = {
        .program = packer != NULL ? packer : program,
        .data = &data,
        .output = path,
        .limit_ms = LIMIT_MS,
    };
    enum run_result result = pack_into(run, &options, &known, error);
    if (result == RUN_OPENED)
        return measure(run, error);
    unlink(path); /* most likely there is none */
    return result;
}

int run_data_remember(struct run *run, struct error *error)
{
    struct digest known;
    char hex[DIGEST_HEX_BYTES];
    if (digest_is_zero(&run->data))
        return 0;
    if (read_fact(run, &known, error) != 0)
        return -1;
    if (digest_equal(&known, &run->data))
        return 0;
    if (blob_store_sync(run->store, error) != BLOB_OK)
        return -1;
    digest_to_hex(&run->data, hex);
    return ledger_put_fact(run->ledger, fact, hex, error) == LEDGER_OK ? 0 : -1;
}

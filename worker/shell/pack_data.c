/* pack_data.c: see pack_data.h. */
#include "worker/shell/pack_data.h"

#include "common/digest.h"
#include "common/limits.h"
#include "common/os_file.h"

#include <stdio.h>
#include <stdlib.h>

static int print_summary(const uint8_t *bytes, size_t count, const struct dataset *dataset,
                         struct error *error)
{
    char hex[DIGEST_HEX_BYTES];
    const struct digest digest = digest_of(bytes, count);
    digest_to_hex(&digest, hex);
    int printed = printf("{\"digest\": \"%s\", \"bytes\": %zu, \"train\": %u, \"test\": %u, "
                         "\"features\": %u, \"classes\": %u}\n",
                         hex, count, dataset->train_count, dataset->test_count, dataset->features,
                         dataset->classes);
    if (printed < 0 || fflush(stdout) != 0)
        return error_set(error, -1, "the summary of the data set cannot be printed");
    return 0;
}

/* The blob goes through the same checks as at the workers, before anybody relies on it. */
static enum pack_data_result keep(const char *path, const uint8_t *bytes, size_t count,
                                  struct error *error)
{
    struct dataset dataset;
    if (dataset_open(bytes, count, &dataset, error) != 0)
        return PACK_DATA_SOURCE;
    if (count > BLOB_BYTES_MAX)
        return (enum pack_data_result)error_set(
            error, PACK_DATA_SOURCE, "the data set has %zu bytes, at most %llu are allowed", count,
            (unsigned long long)BLOB_BYTES_MAX);
    if (os_write_atomic(path, bytes, count, 0666, error) != 0 ||
        print_summary(bytes, count, &dataset, error) != 0)
        return PACK_DATA_FAILED;
    return PACK_DATA_DONE;
}

enum pack_data_result pack_data(const struct pack_data_options *options, struct error *error)
{
    uint8_t *bytes;
    size_t count;
    if (dataset_check_source(&options->source, error) != 0)
        return PACK_DATA_USAGE;
    if (dataset_pack(&options->source, &bytes, &count, error) != 0)
        return PACK_DATA_SOURCE;
    enum pack_data_result result = keep(options->output, bytes, count, error);
    free(bytes);
    return result;
}

/* replay_compare.c: see replay_compare.h. */
#include "coordinator/replay/replay_compare.h"

#include "common/param.h"
#include "coordinator/reading/record_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool texts_differ(struct replay_difference *difference, const char *field,
                         const char *const texts[2])
{
    snprintf(difference->field, sizeof difference->field, "%s", field);
    snprintf(difference->committed, sizeof difference->committed, "%s", texts[0]);
    snprintf(difference->came_out, sizeof difference->came_out, "%s", texts[1]);
    return true;
}

struct numbers {
    double committed, came_out;
};

static bool numbers_differ(struct replay_difference *difference, const char *field,
                           struct numbers numbers)
{
    char was[NUMBER_BYTES_MAX], is[NUMBER_BYTES_MAX];
    if (bits_of(numbers.committed) == bits_of(numbers.came_out))
        return false;
    format_number(numbers.committed, was);
    format_number(numbers.came_out, is);
    if (strcmp(was, is) == 0) { /* two kinds of NaN */
        snprintf(was, sizeof was, "bits %016" PRIx64, bits_of(numbers.committed));
        snprintf(is, sizeof is, "bits %016" PRIx64, bits_of(numbers.came_out));
    }
    return texts_differ(difference, field, (const char *const[2]){was, is});
}

struct counts {
    uint64_t committed, came_out;
};

static bool counts_differ(struct replay_difference *difference, const char *field,
                          struct counts counts)
{
    char was[24], is[24];
    if (counts.committed == counts.came_out)
        return false;
    snprintf(was, sizeof was, "%" PRIu64, counts.committed);
    snprintf(is, sizeof is, "%" PRIu64, counts.came_out);
    return texts_differ(difference, field, (const char *const[2]){was, is});
}

struct digests {
    struct digest committed, came_out;
};

static bool digests_differ(struct replay_difference *difference, const char *field,
                           const struct digests *digests)
{
    char was[DIGEST_HEX_BYTES] = "none", is[DIGEST_HEX_BYTES] = "none";
    if (digest_equal(&digests->committed, &digests->came_out))
        return false;
    if (!digest_is_zero(&digests->committed))
        digest_to_hex(&digests->committed, was);
    if (!digest_is_zero(&digests->came_out))
        digest_to_hex(&digests->came_out, is);
    return texts_differ(difference, field, (const char *const[2]){was, is});
}

static bool metrics_differ(const struct commit_record *record, const struct result *result,
                           struct replay_difference *difference)
{
    if (counts_differ(difference, "number of metrics",
                      (struct counts){record->metric_count, result->metric_count}))
        return true;
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const struct metric *was = &record->metrics[i], *is = &result->metrics[i];
        const char *name = metric_name(was->id);
        if (counts_differ(difference, "a metric's number", (struct counts){was->id, is->id}) ||
            numbers_differ(difference, name != NULL ? name : "a metric",
                           (struct numbers){was->value, is->value}))
            return true;
    }
    return false;
}

static bool details_differ(const struct replay_committed *committed, const struct result *result,
                           struct replay_difference *difference)
{
    if (committed->detail_bytes == result->detail_bytes &&
        (result->detail_bytes == 0 ||
         memcmp(committed->detail, result->detail, result->detail_bytes) == 0))
        return false;
    struct digests digests = {0};
    if (committed->detail_bytes > 0)
        digests.committed = digest_of(committed->detail, committed->detail_bytes);
    if (result->detail_bytes > 0)
        digests.came_out = digest_of(result->detail, result->detail_bytes);
    return digests_differ(difference, "detail", &digests);
}

static bool find_difference(const struct replay_committed *committed, const struct result *result,
                            struct replay_difference *difference)
{
    const struct commit_record *record = committed->record;
    if (record->outcome != result->outcome)
        return texts_differ(
            difference, "outcome",
            (const char *const[2]){outcome_name(record->outcome), outcome_name(result->outcome)});
    const struct digests children = {record->child, result->child};
    return numbers_differ(difference, "fitness",
                          (struct numbers){record->fitness, result->fitness}) ||
           metrics_differ(record, result, difference) ||
           counts_differ(difference, "steps", (struct counts){record->steps, result->steps}) ||
           digests_differ(difference, "checkpoint", &children) ||
           counts_differ(difference, "bytes",
                         (struct counts){record->child_bytes, result->child_bytes}) ||
           details_differ(committed, result, difference);
}

int replay_compare(const struct replay_committed *committed, const struct result *result,
                   struct replay_difference *difference, struct error *error)
{
    if (!find_difference(committed, result, difference))
        return 0;
    char id[ID_BYTES_MAX], numeric[VERSION_BYTES_MAX];
    difference->key = committed->record->job.key;
    format_id(difference->key, id);
    param_quote(committed->record->numeric, numeric, sizeof numeric);
    if (strcmp(numeric, "portable") == 0)
        return error_set(error, -1,
                         "%s: %s: %s was committed, %s came out; the portable class gives equal "
                         "bits everywhere: the ledger was changed, or a machine computed wrongly",
                         id, difference->field, difference->committed, difference->came_out);
    return error_set(error, -1,
                     "%s: %s: %s was committed, %s came out; it was computed in the class %s, and "
                     "bits are equal within one class only",
                     id, difference->field, difference->committed, difference->came_out, numeric);
}

/* memory_cache.c: see memory_cache.h. */
#include "tests/unit/worker/evaluators/memory_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct memory_cache *memory_cache_create(void)
{
    struct memory_cache *cache = calloc(1, sizeof *cache);
    assert(cache != NULL);
    return cache;
}

void memory_cache_destroy(struct memory_cache **cache)
{
    struct memory_cache *dead = *cache;
    *cache = NULL;
    for (uint32_t i = 0; i < dead->count; i++)
        free(dead->blobs[i].bytes);
    free(dead);
}

const struct memory_blob *memory_cache_find(const struct memory_cache *cache,
                                            const struct digest *digest)
{
    for (uint32_t i = 0; i < cache->count; i++)
        if (digest_equal(&cache->blobs[i].digest, digest))
            return &cache->blobs[i];
    return NULL;
}

struct digest memory_cache_add(struct memory_cache *cache, const void *bytes, size_t size)
{
    struct digest digest = digest_of(bytes, size);
    if (memory_cache_find(cache, &digest) != NULL)
        return digest;
    assert(cache->count < MEMORY_BLOBS_MAX);
    struct memory_blob *blob = &cache->blobs[cache->count++];
    blob->digest = digest;
    blob->size = size;
    blob->bytes = malloc(size);
    assert(blob->bytes != NULL);
    memcpy(blob->bytes, bytes, size);
    return digest;
}

static int load(void *context, const struct digest *digest, struct bytes *bytes,
                struct error *error)
{
    struct memory_cache *cache = context;
    const struct memory_blob *blob = memory_cache_find(cache, digest);
    if (blob == NULL)
        return error_set(error, -1, "no such blob");
    *bytes = (struct bytes){.data = blob->bytes, .count = blob->size};
    cache->loaded++;
    return 0;
}

static void release(void *context, struct bytes *bytes)
{
    struct memory_cache *cache = context;
    assert(bytes->data != NULL);
    *bytes = (struct bytes){0};
    cache->loaded--;
    assert(cache->loaded >= 0);
}

static int store(void *context, struct bytes bytes, struct digest *digest, struct error *error)
{
    struct memory_cache *cache = context;
    if (cache->full)
        return error_set(error, -1, "the cache is full");
    *digest = memory_cache_add(cache, bytes.data, bytes.count);
    return 0;
}

static void finish(void *context, uint32_t index, const struct result *result)
{
    struct memory_cache *cache = context;
    assert(index < COHORT_MAX && result->detail_bytes <= DETAIL_BYTES_MAX);
    cache->results[index] = *result;
    if (result->detail_bytes > 0) {
        memcpy(cache->details[index], result->detail, result->detail_bytes);
        cache->results[index].detail = cache->details[index];
    }
    cache->times[index]++;
}

struct evaluator_environment memory_cache_environment(struct memory_cache *cache)
{
    return (struct evaluator_environment){
        .context = cache,
        .load = load,
        .release = release,
        .store = store,
        .finish = finish,
    };
}

void memory_cache_forget_results(struct memory_cache *cache)
{
    memset(cache->results, 0, sizeof cache->results);
    memset(cache->times, 0, sizeof cache->times);
}

/* --------------------------------------------------------------------------------------- cuts */

static int cut_load(void *context, const struct digest *digest, struct bytes *bytes,
                    struct error *error)
{
    return load(((struct memory_cut *)context)->cache, digest, bytes, error);
}

static void cut_release(void *context, struct bytes *bytes)
{
    release(((struct memory_cut *)context)->cache, bytes);
}

static int cut_store(void *context, struct bytes bytes, struct digest *digest, struct error *error)
{
    return store(((struct memory_cut *)context)->cache, bytes, digest, error);
}

static void cut_finish(void *context, uint32_t index, const struct result *result)
{
    finish(((struct memory_cut *)context)->cache, index, result);
}

static bool cut_is_stopping(void *context)
{
    struct memory_cut *cut = context;
    if (cut->looks == 0)
        return true;
    cut->looks--;
    return false;
}

static int cut_hand_over(void *context, uint32_t index, const struct job_progress *progress,
                         struct error *error)
{
    struct memory_cut *cut = context;
    assert(index == 0 && progress->steps > 0);
    if (cut->full)
        return error_set(error, -1, "the cache is full");
    uint8_t *bytes = malloc(progress->content.count + 1);
    assert(bytes != NULL);
    if (progress->content.count > 0)
        memcpy(bytes, progress->content.data, progress->content.count);
    free(cut->bytes);
    cut->bytes = bytes;
    cut->handed = (struct job_progress){progress->steps, {bytes, progress->content.count}};
    cut->hand_overs++;
    return 0;
}

static bool cut_resume(void *context, uint32_t index, struct job_progress *progress)
{
    const struct memory_cut *cut = context;
    assert(index == 0);
    *progress = cut->handed;
    return cut->bytes != NULL;
}

struct evaluator_environment memory_cut_environment(struct memory_cut *cut)
{
    return (struct evaluator_environment){
        .context = cut,
        .load = cut_load,
        .release = cut_release,
        .store = cut_store,
        .finish = cut_finish,
        .is_stopping = cut_is_stopping,
        .hand_over = cut_hand_over,
        .resume = cut_resume,
    };
}

void memory_cut_fini(struct memory_cut *cut)
{
    free(cut->bytes);
    cut->bytes = NULL;
}

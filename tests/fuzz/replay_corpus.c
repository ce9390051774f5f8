/*
 * replay_corpus.c: the main of a fuzz target in a build without libFuzzer.
 *
 * Feeds each file named on the command line to the target once, so that everything a fuzzer ever
 * found stays a regression test in every build and under every compiler. It searches for nothing
 * itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *input = malloc(INPUT_BYTES_MAX);
    size_t size = input == NULL ? 0 : fread(input, 1, INPUT_BYTES_MAX, file);
    int failed = input == NULL || ferror(file) || !feof(file);
    fclose(file);
    /* A copy of exactly this size lets AddressSanitizer see the first byte read beyond it. */
    uint8_t *exact = failed ? NULL : realloc(input, size > 0 ? size : 1);
    if (exact == NULL) {
        fprintf(stderr, "%s: cannot be read, or is larger than %d bytes\n", path, INPUT_BYTES_MAX);
        free(input);
        return 1;
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    printf("replayed %d inputs\n", argc - 1);
    return failed;
}

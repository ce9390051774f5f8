/*
 * blas.c: the product by OpenBLAS, loaded when a job first asks for the native class.
 *
 * The library is opened at run time, so that a worker without it still runs everything portable;
 * the header is needed at build time only, for the types. Without the header the build goes through
 * and every call here says that OpenBLAS was not built in.
 */
#include "worker/engine/kernels.h"

#include <assert.h>
#include <stddef.h>

#if __has_include(<cblas.h>)

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

static struct {
    __typeof__(cblas_sgemm) *sgemm;
    void (*set_threads)(int);
    char *(*config)(void); /* "OpenBLAS 0.3.21 NO_AFFINITY ..." */
    char *(*core)(void);
} blas;

static int blas_load(struct error *error)
{
    /* The library starts its threads when it is loaded. */
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0)
        return error_set(error, -1, "OPENBLAS_NUM_THREADS cannot be set: %m");
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return error_set(error, -1, "OpenBLAS was not found (Debian: libopenblas0): %s", dlerror());
    blas.set_threads = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    blas.config = (char *(*)(void))dlsym(library, "openblas_get_config");
    blas.core = (char *(*)(void))dlsym(library, "openblas_get_corename");
    blas.sgemm = (__typeof__(cblas_sgemm) *)dlsym(library, "cblas_sgemm");
    if (blas.set_threads == NULL || blas.config == NULL || blas.core == NULL ||
        blas.sgemm == NULL) {
        blas.sgemm = NULL;
        dlclose(library);
        return error_set(error, -1, "libopenblas.so.0 has no cblas_sgemm or is not OpenBLAS");
    }
    blas.set_threads(1);
    return 0;
}

int blas_open(struct error *error)
{
    return blas.sgemm != NULL ? 0 : blas_load(error);
}

/* A leading dimension is at least the length of a row, also where there is but one row. */
static blasint leading(size_t row, uint32_t columns)
{
    return (blasint)(row > columns ? row : columns);
}

/* What our own product does on the way out. */
static void finish(const struct product *product)
{
    const struct activations c = {product->m, product->n, product->c_row, product->c};
    struct activations from = c;
    if (product->end == PRODUCT_ACTIVATES)
        kernels_current()->activate(product->activation, &c);
    if (product->end != PRODUCT_DERIVES)
        return;
    from.values = (float *)(uintptr_t)product->from;
    kernels_current()->derive(product->activation, &from, &c);
}

void blas_product(const struct product *product)
{
    assert(blas.sgemm != NULL);
    assert(product->a_row == 1 || product->a_column == 1);
    if (product->m == 0 || product->n == 0)
        return;
    int continues = product->start == PRODUCT_CONTINUES;
    int begins_with_bias = !continues && product->bias != NULL;
    for (uint32_t i = 0; begins_with_bias && i < product->m; i++) {
        for (uint32_t j = 0; j < product->n; j++)
            product->c[i * product->c_row + j] = product->bias[i];
    }
    int transposed = product->a_column != 1;
    blas.sgemm(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans,
               (blasint)product->m, (blasint)product->n, (blasint)product->k, 1.0F, product->a,
               transposed ? leading(product->a_column, product->m)
                          : leading(product->a_row, product->k),
               product->b, leading(product->b_row, product->n),
               continues || begins_with_bias ? 1.0F : 0.0F, product->c,
               leading(product->c_row, product->n));
    finish(product);
}

int engine_native_class(char *name, size_t size, struct error *error)
{
    if (blas_open(error) != 0)
        return -1;
    const char *config = blas.config();
    const char *version = strchr(config, ' ');
    version = version == NULL ? config : version + 1;
    int length = snprintf(name, size, "openblas-%.*s-%s-1", (int)strcspn(version, " "), version,
                          blas.core());
    if (length < 0 || (size_t)length >= size)
        return error_set(error, -1, "the name of OpenBLAS's class is longer than %zu bytes", size);
    return 0;
}

#else

int blas_open(struct error *error)
{
    return error_set(error, -1, "this worker was built without OpenBLAS");
}

void blas_product(const struct product *product)
{
    (void)product;
    assert(0 && "blas_product without blas_open");
}

int engine_native_class(char *name, size_t size, struct error *error)
{
    (void)name;
    (void)size;
    return blas_open(error);
}

#endif

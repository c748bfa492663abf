#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "wg_blas.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __APPLE__
#define LIBRARY_NAME "libscipy_openblas.dylib"
#define SYSTEM_BLAS "/System/Library/Frameworks/Accelerate.framework/Accelerate"
#else
#define LIBRARY_NAME "libscipy_openblas.so"
#endif

const wg_blas *wg_blas_ready_table;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static wg_blas table;
static wg_blas_info info = {"", "", "", "", "", "", 0, 0};
static enum { NOT_TRIED, LOADED, FAILED } state;
static char failure[2 * PATH_MAX + 512];
static char library_path[PATH_MAX], version[64], forced_value[64];

/* ---- environment around the load ------------------------------------------------------------- */

typedef struct saved_variable { const char *name; char *value; } saved_variable;

static int put_variable(saved_variable *saved, const char *name, const char *value) {
    const char *old = getenv(name);
    saved->value = old ? strdup(old) : NULL;
    if (old && !saved->value) return -1;
    saved->name = name;
    return value ? setenv(name, value, 1) : unsetenv(name);
}

static void restore_variable(saved_variable *saved) {
    if (saved->value) setenv(saved->name, saved->value, 1);
    else unsetenv(saved->name);
    free(saved->value);
}

/* WENGERT_BLAS_CORETYPE, else OPENBLAS_CORETYPE, else the processor decides. "auto" or an empty value of
 * the former asks for detection although OPENBLAS_CORETYPE is set. Returns what the library must see. */
static const char *choose_coretype(void) {
    const char *names[] = {"WENGERT_BLAS_CORETYPE", "OPENBLAS_CORETYPE"};
    for (int i = 0; i < 2; i++) {
        const char *value = getenv(names[i]);
        if (!value) continue;
        if (i == 1 && !*value) break;
        snprintf(forced_value, sizeof forced_value, "%s", value);
        info.forced_by = names[i];
        info.forced_value = forced_value;
        return *value && strcmp(value, "auto") != 0 ? forced_value : NULL;
    }
    return NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int exists(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return file != NULL;
}

/* Looks in _libs/ of the folder of our own object file and of the one above: the extension may be
 * <package>/_core.so or <package>/_core/_core.so. */
static int find_bundled(void) {
    Dl_info self;
    char folder[PATH_MAX];
    if (!dladdr((const void *)(uintptr_t)&wg_blas_load, &self) || !self.dli_fname || !realpath(self.dli_fname, folder)) {
        snprintf(failure, sizeof failure, "wengert cannot tell where its own shared object lies, so it cannot find the bundled OpenBLAS");
        return -1;
    }
    char nearest[PATH_MAX] = "";
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(folder, '/');
        if (!slash) break;
        *slash = 0;
        int length = snprintf(library_path, sizeof library_path, "%s/_libs/%s", folder, LIBRARY_NAME);
        if (length < 0 || (size_t)length >= sizeof library_path) continue;
        if (exists(library_path)) return 0;
        if (!up) memcpy(nearest, library_path, (size_t)length + 1);
    }
#ifdef SYSTEM_BLAS
    memcpy(library_path, SYSTEM_BLAS, sizeof SYSTEM_BLAS);
    return 0;
#else
    snprintf(failure, sizeof failure, "wengert's bundled OpenBLAS is missing (looked for %s and %s); reinstall the package", nearest, library_path);
    return -1;
#endif
}

/* A symbol under the prefix of the bundled build, else under its plain name (Accelerate). */
static void *symbol(void *handle, const char *name) {
    char prefixed[64];
    snprintf(prefixed, sizeof prefixed, "scipy_%s", name);
    void *address = dlsym(handle, prefixed);
    return address ? address : dlsym(handle, name);
}

#define FILL(member, name)                                                                                      \
    do {                                                                                                        \
        void *address_ = symbol(handle, name);                                                                  \
        if (!address_) {                                                                                        \
            snprintf(failure, sizeof failure, "%s has no function " name, library_path);                        \
            return -1;                                                                                          \
        }                                                                                                       \
        memcpy(&table.member, &address_, sizeof address_);                                                      \
    } while (0)

static int fill_table(void *handle) {
    FILL(sgemm, "cblas_sgemm");
    FILL(dgemm, "cblas_dgemm");
    FILL(sgemv, "cblas_sgemv");
    FILL(dgemv, "cblas_dgemv");
    FILL(strsm, "cblas_strsm");
    FILL(dtrsm, "cblas_dtrsm");
    FILL(spotrf, "spotrf_");
    FILL(dpotrf, "dpotrf_");
    FILL(sgetrf, "sgetrf_");
    FILL(dgetrf, "dgetrf_");
    FILL(sgetrs, "sgetrs_");
    FILL(dgetrs, "dgetrs_");
    FILL(ssyevd, "ssyevd_");
    FILL(dsyevd, "dsyevd_");
    FILL(sgesdd, "sgesdd_");
    FILL(dgesdd, "dgesdd_");
    FILL(sgeqrf, "sgeqrf_");
    FILL(dgeqrf, "dgeqrf_");
    FILL(sorgqr, "sorgqr_");
    FILL(dorgqr, "dorgqr_");
    return 0;
}

/* The library has read OPENBLAS_NUM_THREADS=1, unless somebody had opened this very file before us. */
static int force_one_thread(void *handle) {
    int (*get_threads)(void);
    void (*set_threads)(int);
    void *get_address = symbol(handle, "openblas_get_num_threads");
    void *set_address = symbol(handle, "openblas_set_num_threads");
    if (!get_address || !set_address) return 1;
    memcpy(&get_threads, &get_address, sizeof get_address);
    memcpy(&set_threads, &set_address, sizeof set_address);
    if (get_threads() != 1) set_threads(1);
    return get_threads();
}

static void describe(void *handle) {
    char *(*text)(void);
    void *address = symbol(handle, "openblas_get_config");
    info.path = library_path;
    info.version = "unknown";
    if (address) {
        memcpy(&text, &address, sizeof address);
        info.config = text();
        const char *word = strchr(info.config, ' ');
        if (strncmp(info.config, "OpenBLAS ", 9) == 0 && word) {
            snprintf(version, sizeof version, "OpenBLAS %.*s", (int)strcspn(word + 1, " "), word + 1);
            info.version = version;
        }
    }
    address = symbol(handle, "openblas_get_corename");
    if (address) {
        memcpy(&text, &address, sizeof address);
        info.corename = text();
    } else {
        info.corename = "unknown";
    }
    info.threads = force_one_thread(handle);
}

static int load(const char *path) {
    if (path) {
        if (path[0] != '/' || strlen(path) >= sizeof library_path) {
            snprintf(failure, sizeof failure, "the path of the BLAS library must be absolute, got '%.*s'", PATH_MAX, path);
            return -1;
        }
        memcpy(library_path, path, strlen(path) + 1);
    } else if (find_bundled() < 0) {
        return -1;
    }
    saved_variable threads = {NULL, NULL}, coretype = {NULL, NULL};
    int failed = put_variable(&coretype, "OPENBLAS_CORETYPE", choose_coretype()) < 0
                 || put_variable(&threads, "OPENBLAS_NUM_THREADS", "1") < 0;
    void *handle = failed ? NULL : dlopen(library_path, RTLD_LOCAL | RTLD_NOW);
    if (failed) snprintf(failure, sizeof failure, "no memory to prepare the environment for OpenBLAS");
    else if (!handle) {
        const char *reason = dlerror();
        snprintf(failure, sizeof failure, "wengert cannot load its BLAS library: %.*s", PATH_MAX, reason ? reason : library_path);
    }
    if (threads.name) restore_variable(&threads);
    if (coretype.name) restore_variable(&coretype);
    if (!handle || fill_table(handle) < 0) return -1;
    describe(handle);
    return 0;
}

static int load_locked(const char *path) {
    if (state == NOT_TRIED) state = load(path) == 0 ? LOADED : FAILED;
    return state == LOADED ? 0 : -1;
}

int wg_blas_load(const char *path) {
    pthread_mutex_lock(&lock);
    int status = load_locked(path);
    pthread_mutex_unlock(&lock);
    return status == 0 ? 0 : wg_fail(WG_RUNTIME_ERROR, "%s", failure);
}

wg_blas_info wg_blas_get_info(void) {
    pthread_mutex_lock(&lock);
    wg_blas_info copy = info;
    pthread_mutex_unlock(&lock);
    return copy;
}

/* ---- self-test ------------------------------------------------------------------------------- */

/* Small integers, so that every order of summation gives the same, exact result. The shape exercises
 * the main loops and the edges of the library's blocks. */
enum { TEST_M = 37, TEST_N = 50, TEST_K = 41 };

WG_INLINE int test_value(int i) { return (int)((unsigned)i * 2654435761u >> 28) - 8; }

#define SELF_TEST(T, gemm, gemv)                                                                                \
    static WG_COLD int self_test_##gemm(void) {                                                                 \
        static T a[TEST_M * TEST_K], b[TEST_K * TEST_N], c[TEST_M * TEST_N], y[TEST_M];                         \
        for (int i = 0; i < TEST_M * TEST_K; i++) a[i] = (T)test_value(i);                                      \
        for (int i = 0; i < TEST_K * TEST_N; i++) b[i] = (T)test_value(i + 7);                                  \
        table.gemm(WG_BLAS_ROW_MAJOR, WG_BLAS_NO_TRANS, WG_BLAS_NO_TRANS, TEST_M, TEST_N, TEST_K, 1, a, TEST_K, \
                   b, TEST_N, 0, c, TEST_N);                                                                    \
        table.gemv(WG_BLAS_ROW_MAJOR, WG_BLAS_NO_TRANS, TEST_M, TEST_K, 1, a, TEST_K, b, TEST_N, 0, y, 1);      \
        for (int i = 0; i < TEST_M; i++)                                                                        \
            for (int j = 0; j < TEST_N; j++) {                                                                  \
                T sum = 0;                                                                                      \
                for (int k = 0; k < TEST_K; k++) sum += a[i * TEST_K + k] * b[k * TEST_N + j];                  \
                if (!(c[i * TEST_N + j] == sum) || (j == 0 && !(y[i] == sum))) return -1;                       \
            }                                                                                                   \
        return 0;                                                                                               \
    }

SELF_TEST(float, sgemm, sgemv)
SELF_TEST(double, dgemm, dgemv)

WG_COLD const wg_blas *wg_blas_prepare(void) {
    pthread_mutex_lock(&lock);
    const wg_blas *result = NULL;
    if (load_locked(NULL) == 0) {
        if (info.tested == 0) info.tested = self_test_sgemm() == 0 && self_test_dgemm() == 0 ? 1 : -1;
        if (info.tested > 0) {
            result = &table;
            __atomic_store_n(&wg_blas_ready_table, result, __ATOMIC_RELEASE);
        } else {
            snprintf(failure, sizeof failure,
                     "the BLAS library %s computes wrong products with its %s kernels on this processor; "
                     "set WENGERT_BLAS_CORETYPE to another set, for example Haswell", library_path, info.corename);
        }
    }
    pthread_mutex_unlock(&lock);
    if (!result) wg_fail(WG_RUNTIME_ERROR, "%s", failure);
    return result;
}

/* Seeding and the state blobs of torch's CPU generator. The draws themselves are in kernels/random_draw.h. */
#include "wg_random.h"

#include <string.h>

void wg_generator_seed(wg_generator *g, uint64_t seed) {
    memset(g, 0, sizeof *g);
    g->seed = seed;
    g->left = 1;
    uint32_t word = (uint32_t)seed;                  /* mt19937 takes 32 bits; initial_seed() gives back 64 */
    g->state[0] = word;
    for (uint32_t i = 1; i < WG_MT_N; i++) {         /* Knuth's initialiser, TAOCP vol. 2, 3rd ed., p. 106 */
        word = UINT32_C(1812433253) * (word ^ (word >> 30)) + i;
        g->state[i] = word;
    }
}

/* The blob: state words widened to 64 bits, two retired fields and C's padding included. */
typedef struct {
    uint64_t seed;
    int32_t left;
    int32_t seeded;
    uint64_t next;
    uint64_t state[WG_MT_N];
    double retired_x, normal, retired_rho;
    int32_t has_normal;
    int32_t padding;
    float float_normal;
    uint8_t has_float_normal;
    uint8_t tail[3];
} blob_layout;

_Static_assert(sizeof(blob_layout) == WG_RNG_STATE_BYTES, "torch's blob has 5056 bytes");

void wg_generator_get_state(const wg_generator *g, void *blob) {
    blob_layout b;
    memset(&b, 0, sizeof b);
    b.seed = g->seed;
    b.left = g->left;
    b.seeded = 1;
    b.next = g->next;
    for (int i = 0; i < WG_MT_N; i++) b.state[i] = g->state[i];
    if (g->has_normal) {
        b.has_normal = 1;
        b.normal = g->normal;
    }
    if (g->has_float_normal) {
        b.has_float_normal = 1;
        b.float_normal = g->float_normal;
    }
    memcpy(blob, &b, sizeof b);
}

int wg_generator_set_state(wg_generator *g, const void *blob, int64_t nbytes) {
    if (nbytes != WG_RNG_STATE_BYTES)
        return wg_fail(WG_RUNTIME_ERROR,
                       "Expected a CPUGeneratorImplState of size %d but found the input RNG state size to be %lld",
                       WG_RNG_STATE_BYTES, (long long)nbytes);
    blob_layout b;
    memcpy(&b, blob, sizeof b);
    /* The last condition is ours: torch would read behind the state array. */
    if (!b.seeded || b.left < 1 || b.left > WG_MT_N || b.next > WG_MT_N || b.next + (uint64_t)b.left > WG_MT_N + 1)
        return wg_fail(WG_RUNTIME_ERROR, "Invalid mt19937 state");
    memset(g, 0, sizeof *g);
    g->seed = b.seed;
    g->left = b.left;
    g->next = (uint32_t)b.next;
    for (int i = 0; i < WG_MT_N; i++) g->state[i] = (uint32_t)b.state[i];
    g->has_normal = b.has_normal != 0;
    g->normal = g->has_normal ? b.normal : 0;
    g->has_float_normal = b.has_float_normal != 0;
    g->float_normal = g->has_float_normal ? b.float_normal : 0;
    return 0;
}

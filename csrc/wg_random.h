/* The random number generator: mt19937 with the cached normal samples of PyTorch's CPU generator.
 *
 * A wg_generator is plain bytes. It lives in a uint8 storage and is the last operand of every kernel of
 * kernels/random.c and kernels/random_sample.c, so that a replayed program draws on from wherever the
 * state then stands. Kernels draw in one thread, in the order PyTorch fills memory: over the dimensions
 * of the output from the smallest stride to the largest (for a transposed output that is not the
 * logical order).
 *
 * Note [Which random numbers are PyTorch's]
 *
 * Reference: the x86-64 wheel of torch 2.13 where it runs its AVX2 or AVX-512 code. (That wheel draws nothing
 * from MKL; versions before 2.5 took bernoulli and exponential from it.) "libm" below: double precision
 * functions of the platform's libm; with the glibc that torch itself would call the bits are equal, with
 * another libm single samples may differ in the last place. Everything else is arithmetic in a fixed order,
 * with fused multiply-adds exactly where torch's compiler put them, so it has the same bits on every platform
 * and at every ISA level.
 *
 *   kernel               operands      attributes     draws per element          equal to torch's bits
 *   random_uniform       y             from, to       f64: 64 bits, else 32      yes
 *   random_normal        y             mean, std      see below                  f32, 16 and more, contiguous: yes;
 *                                                                                else yes with glibc (libm)
 *   random_randint       y             low, high      32 bits, from a range of   yes
 *                                      or None        2^28 on 64
 *   random_full          y                            i64, f64: 64 bits, else 32 yes
 *   random_bernoulli     y             p              64 bits                    yes (dropout too)
 *   random_bernoulli_p   y, p                         p f64: 64, else 32         yes
 *   random_exponential   y             lambda         64                         yes with glibc (log1p)
 *   random_geometric     y             p              64                         yes with glibc (log, log1p)
 *   random_cauchy        y             median, sigma  64                         yes with glibc (tan)
 *   random_log_normal    y             mean, std      128 for two                yes with glibc (exp, sin, cos, log1p)
 *   random_randperm      y                            32                         yes
 *   random_multinomial   y, p          replacement    64                         yes with glibc (log1p); where two p / q
 *                                                                                are equal (p = 0, or float32 and some
 *                                                                                10^4 categories) the first category
 *                                                                                wins, torch leaves that open
 *   random_poisson       y, rate                      64, as many as rejection   yes with glibc (log, exp, lgamma)
 *   random_gamma         y, alpha                     takes                      yes with glibc (pow, log, sin, cos)
 *   random_binomial      y, count, p                                             yes with glibc (log, log1p)
 *
 * The normal distribution has four forms, as in torch. Contiguous outputs of 16 elements and more are
 * filled with uniform samples, which Box and Muller's formula then transforms in blocks of 16; a last
 * partial block is replaced by 16 fresh samples that overlap the block before. float32 blocks use
 * torch's own single precision logarithm, sine and cosine; float64 blocks libm. All other outputs are
 * computed in double precision one by one, and every second sample is the cached partner of the one
 * before: the cache belongs to the generator, is shared by all dtypes and survives between calls.
 * float16 and bfloat16 outputs round float32 samples (blocks, uniform) or double ones (all others).
 * random_poisson, random_gamma, random_binomial and random_multinomial take float32 and float64 only.
 *
 * Not from these kernels, and only to tolerance: initialisations through erfinv (trunc_normal_) and
 * LAPACK (orthogonal_), Dirichlet samples (gamma samples divided by a sum in another order). */
#ifndef WG_RANDOM_H
#define WG_RANDOM_H

#include "wg_types.h"

#define WG_MT_N 624
#define WG_MT_M 397
#define WG_DEFAULT_SEED UINT64_C(67280421310721)     /* of a new Generator */
#define WG_RNG_STATE_BYTES 5056                      /* of the blob that get_state() returns */

typedef struct wg_generator {
    uint64_t seed;               /* initial_seed() */
    double normal;               /* partner of the last normal sample, valid if has_normal */
    float float_normal;          /* torch carries it in its blobs; no kernel draws it */
    uint8_t has_normal, has_float_normal;
    uint16_t unused;
    int32_t left;                /* 1: the next draw begins with a new state, as after seeding */
    uint32_t next;               /* index of the next word; next + left <= WG_MT_N + 1 */
    uint32_t state[WG_MT_N];
} wg_generator;

/* manual_seed: forgets cached samples too. */
void wg_generator_seed(wg_generator *g, uint64_t seed);

/* The blob of torch.get_rng_state(), byte for byte. */
void wg_generator_get_state(const wg_generator *g, void *blob);

/* Takes a blob of torch's or of ours. Fails with torch's RuntimeError for another size or a state that
 * mt19937 cannot be in, and leaves the generator as it was. */
int wg_generator_set_state(wg_generator *g, const void *blob, int64_t nbytes);

#endif

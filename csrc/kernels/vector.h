/* Registers of the level, for kernels that keep many sums in them: wg_vec_float32, wg_vec_float64 and
 *
 *     WG_VECTOR_BYTES, WG_VECTOR_REGISTERS        of one, and how many the level has
 *     wg_vec_load_<type>(p)  wg_vec_store_<type>(p, v)  wg_vec_all_<type>(s)      unaligned; every lane s
 *     wg_vec_fma_<type>(a, b, c)                  a*b + c, rounded once where the level has FMA (as WG_FMA)
 *
 * gcc and clang add and multiply these types with + and *. */
#ifndef WG_KERNELS_VECTOR_H
#define WG_KERNELS_VECTOR_H

#include "wg_kernel.h"

#if defined(__AVX512F__)
#define WG_VECTOR_BYTES 64
#define WG_VECTOR_REGISTERS 32
#elif defined(__AVX2__)
#define WG_VECTOR_BYTES 32
#define WG_VECTOR_REGISTERS 16
#else
#define WG_VECTOR_BYTES 16
#if defined(__aarch64__)
#define WG_VECTOR_REGISTERS 32
#else
#define WG_VECTOR_REGISTERS 16
#endif
#endif

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define WG_VECTOR_TYPE(T, s)                                                                                   \
    typedef T wg_vec_##s __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));                             \
    typedef T wg_vecu_##s __attribute__((vector_size(WG_VECTOR_BYTES), aligned(sizeof(T)), may_alias));        \
    WG_INLINE wg_vec_##s wg_vec_load_##s(const T *p) { return (wg_vec_##s)*(const wg_vecu_##s *)p; }           \
    WG_INLINE void wg_vec_store_##s(T *p, wg_vec_##s v) { *(wg_vecu_##s *)p = (wg_vecu_##s)v; }
WG_VECTOR_TYPE(float, float32)
WG_VECTOR_TYPE(double, float64)
#undef WG_VECTOR_TYPE

#if defined(__AVX512F__)
WG_INLINE wg_vec_float32 wg_vec_all_float32(float s) { return (wg_vec_float32)_mm512_set1_ps(s); }
WG_INLINE wg_vec_float64 wg_vec_all_float64(double s) { return (wg_vec_float64)_mm512_set1_pd(s); }
WG_INLINE wg_vec_float32 wg_vec_fma_float32(wg_vec_float32 a, wg_vec_float32 b, wg_vec_float32 c) {
    return (wg_vec_float32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
WG_INLINE wg_vec_float64 wg_vec_fma_float64(wg_vec_float64 a, wg_vec_float64 b, wg_vec_float64 c) {
    return (wg_vec_float64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__AVX2__) && defined(__FMA__)
WG_INLINE wg_vec_float32 wg_vec_all_float32(float s) { return (wg_vec_float32)_mm256_set1_ps(s); }
WG_INLINE wg_vec_float64 wg_vec_all_float64(double s) { return (wg_vec_float64)_mm256_set1_pd(s); }
WG_INLINE wg_vec_float32 wg_vec_fma_float32(wg_vec_float32 a, wg_vec_float32 b, wg_vec_float32 c) {
    return (wg_vec_float32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
WG_INLINE wg_vec_float64 wg_vec_fma_float64(wg_vec_float64 a, wg_vec_float64 b, wg_vec_float64 c) {
    return (wg_vec_float64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#elif defined(__aarch64__)
WG_INLINE wg_vec_float32 wg_vec_all_float32(float s) { return (wg_vec_float32){s, s, s, s}; }
WG_INLINE wg_vec_float64 wg_vec_all_float64(double s) { return (wg_vec_float64){s, s}; }
WG_INLINE wg_vec_float32 wg_vec_fma_float32(wg_vec_float32 a, wg_vec_float32 b, wg_vec_float32 c) {
    return (wg_vec_float32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
WG_INLINE wg_vec_float64 wg_vec_fma_float64(wg_vec_float64 a, wg_vec_float64 b, wg_vec_float64 c) {
    return (wg_vec_float64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
#else
WG_INLINE wg_vec_float32 wg_vec_all_float32(float s) { return (wg_vec_float32){s, s, s, s}; }
WG_INLINE wg_vec_float64 wg_vec_all_float64(double s) { return (wg_vec_float64){s, s}; }
WG_INLINE wg_vec_float32 wg_vec_fma_float32(wg_vec_float32 a, wg_vec_float32 b, wg_vec_float32 c) { return a * b + c; }
WG_INLINE wg_vec_float64 wg_vec_fma_float64(wg_vec_float64 a, wg_vec_float64 b, wg_vec_float64 c) { return a * b + c; }
#endif

#endif

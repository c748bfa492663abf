/* polygamma, by Euler and Maclaurin's sum for Hurwitz's zeta function. Scalar: loops over it do not vectorise. */
#ifndef WG_MATH_ZETA_H
#define WG_MATH_ZETA_H

#include <math.h>

#include "wg_math_gamma.h"

/* sum over k >= 0 of (q + k)^-s for a whole s >= 2. Terms up to q + k = 12 one by one, the rest as an integral with
 * Bernoulli corrections B_2j / (2j)!, of which 10 leave less than 1e-17. Poles at 0, -1, -2, ... give inf. */
static inline double wg_zeta_f64(double s, double q) {
    static const double bernoulli[10] = {
        8.3333333333333333e-02, -1.3888888888888889e-03, 3.3068783068783069e-05, -8.2671957671957672e-07, 2.0876756987868099e-08,
        -5.2841901386874932e-10, 1.3382536530684679e-11, -3.3896802963225829e-13, 8.5860620562778446e-15, -2.1748686985580619e-16};
    if (q != q) return q;
    if (q <= 0.0 && q == floor(q)) return INFINITY;
    if (q == INFINITY) return 0.0;
    if (q < -20.0) {                                         /* the sum over all integers, of which the negative ones are a sum of this kind */
        double f = q - floor(q), sign = fmod(s, 2.0) == 0.0 ? 1.0 : -1.0;
        if (s != floor(s) || q == -INFINITY) return NAN;
        return wg_zeta_f64(s, f) + sign * (wg_zeta_f64(s, 1.0 - f) - wg_zeta_f64(s, 1.0 - q));
    }
    double sum = 0.0;
    while (q < 12.0) {
        sum += pow(q, -s);
        q += 1.0;
    }
    double power = pow(q, -s), rest = power * (q / (s - 1.0) + 0.5), factor = s, inverse = 1.0 / (q * q), term = power / q;
    for (int j = 0; j < 10; j++) {
        rest += bernoulli[j] * factor * term;
        factor *= (s + (2 * j + 1)) * (s + (2 * j + 2));
        term *= inverse;
    }
    return sum + rest;
}

/* The n-th derivative of digamma. */
static inline double wg_polygamma_f64(double x, int64_t n) {
    if (n == 0) return wg_digamma_f64(x);
    if (n == 1) return wg_trigamma_f64(x);
    double factorial = 1.0;
    for (int64_t k = 2; k <= n && k <= 171; k++) factorial *= (double)k;
    return (n & 1 ? factorial : -factorial) * wg_zeta_f64((double)n + 1.0, x);
}
static inline float wg_polygamma_f32(float x, int64_t n) { return (float)wg_polygamma_f64((double)x, n); }
WG_INLINE uint32_t wg_polygamma_easy_f64(double x, int64_t n) { (void)x; return n == 1; }
WG_INLINE double wg_polygamma_fast_f64(double x, int64_t n) { (void)n; return wg_trigamma_f64(x); }
WG_INLINE uint32_t wg_polygamma_easy_f32(float x, int64_t n) { (void)x; return n == 1; }
WG_INLINE float wg_polygamma_fast_f32(float x, int64_t n) { (void)n; return wg_trigamma_f32(x); }

#endif

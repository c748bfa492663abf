/* Special functions that few programs call: Bessel's, incomplete gamma, the normal distribution's tails, orthogonal polynomials.
 * Scalar, in double: loops over them do not vectorise. Sums run until their terms no longer count, so that there are no tables. */
#ifndef WG_MATH_SPECIAL_H
#define WG_MATH_SPECIAL_H

#include <math.h>

#include "wg_math_erf.h"
#include "wg_math_gamma.h"
#include "wg_math_zeta.h"

#define WG_PI 3.14159265358979323846

/* A float function by its double one. */
#define WG_SPECIAL_1(name) static inline float wg_##name##_f32(float x) { return (float)wg_##name##_f64((double)x); }
#define WG_SPECIAL_2(name) \
    static inline float wg_##name##_f32(float x, float y) { return (float)wg_##name##_f64((double)x, (double)y); }

/* ---- modified Bessel functions of the first kind, scaled by exp(-|x|): a power series of positive terms, and from 30 on Hankel's
 * asymptotic one, whose least term is below 1e-25 there ---- */

static inline double wg_bessel_i_scaled(double a, int order) {
    double term = 1.0, sum = 1.0;
    if (a <= 30.0) {
        for (int k = 1; k < 500 && term > sum * 1e-18; k++) sum += term *= a * a / 4.0 / ((double)k * (k + order));
        return (order ? a / 2.0 : 1.0) * sum * exp(-a);
    }
    for (int k = 1; k < 30; k++) {
        term *= -(4.0 * order - (2.0 * k - 1.0) * (2.0 * k - 1.0)) / (8.0 * a * k);
        sum += term;
        if (fabs(term) < 1e-18) break;
    }
    return sum / sqrt(2.0 * WG_PI * a);
}
static inline double wg_i0e_f64(double x) { return x != x ? x : wg_bessel_i_scaled(fabs(x), 0); }
static inline double wg_i1e_f64(double x) { return x != x ? x : copysign(wg_bessel_i_scaled(fabs(x), 1), x); }
static inline double wg_unscaled(double y, double a) { double half = exp(a / 2.0); return y * half * half; }
static inline double wg_i0_f64(double x) { return isinf(x) ? INFINITY : wg_unscaled(wg_i0e_f64(x), fabs(x)); }
static inline double wg_i1_f64(double x) { return isinf(x) ? x : wg_unscaled(wg_i1e_f64(x), fabs(x)); }
WG_SPECIAL_1(i0) WG_SPECIAL_1(i0e) WG_SPECIAL_1(i1) WG_SPECIAL_1(i1e)

/* ---- of the second kind, scaled by exp(x): the trapezoidal rule on the integral of exp(-x (cosh t - 1)) cosh(order t), which converges
 * geometrically; its step keeps the error of the Gaussian middle below 1e-16 ---- */

static inline double wg_bessel_k_scaled(double x, double order) {
    if (x != x || x < 0.0) return NAN;
    if (x == 0.0) return INFINITY;
    if (x > 1e15) return sqrt(WG_PI / (2.0 * x));
    double h = 0.6 / sqrt(x), sum = 0.5;
    if (h > 0.2) h = 0.2;
    for (int k = 1; k < 100000; k++) {
        double t = k * h, half = sinh(t / 2.0), fall = 2.0 * x * half * half;
        if (fall > 50.0 + t) break;
        sum += exp(-fall) * cosh(order * t);
    }
    return sum * h;
}
static inline double wg_bessel_k0e_f64(double x) { return wg_bessel_k_scaled(x, 0.0); }
static inline double wg_bessel_k1e_f64(double x) { return wg_bessel_k_scaled(x, 1.0); }
static inline double wg_bessel_k0_f64(double x) { return wg_bessel_k_scaled(x, 0.0) * exp(-x); }
static inline double wg_bessel_k1_f64(double x) { return wg_bessel_k_scaled(x, 1.0) * exp(-x); }
WG_SPECIAL_1(bessel_k0e) WG_SPECIAL_1(bessel_k1e) WG_SPECIAL_1(bessel_k0) WG_SPECIAL_1(bessel_k1)

static inline double wg_bessel_j0_f64(double x) { return isinf(x) ? 0.0 : j0(x); }
static inline double wg_bessel_j1_f64(double x) { return isinf(x) ? 0.0 : j1(x); }
static inline double wg_bessel_y0_f64(double x) { return x < 0.0 ? NAN : x == 0.0 ? -INFINITY : isinf(x) ? 0.0 : y0(x); }
static inline double wg_bessel_y1_f64(double x) { return x < 0.0 ? NAN : x == 0.0 ? -INFINITY : isinf(x) ? 0.0 : y1(x); }
WG_SPECIAL_1(bessel_j0) WG_SPECIAL_1(bessel_j1) WG_SPECIAL_1(bessel_y0) WG_SPECIAL_1(bessel_y1)

static inline double wg_spherical_j0_f64(double x) {
    if (isinf(x)) return 0.0;
    double s = x * x;
    return fabs(x) < 0.5 ? 1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0 * (1.0 - s / 110.0)))) : sin(x) / x;
}
WG_SPECIAL_1(spherical_j0)

/* Airy's function: by K_1/3 on the right, by its power series down to -7, by the asymptotic series of its oscillation below. */
static inline double wg_airy_ai_f64(double x) {
    if (x != x) return x;
    if (isinf(x)) return 0.0;
    double zeta = 2.0 / 3.0 * fabs(x) * sqrt(fabs(x));
    if (x > 2.0) return sqrt(x / 3.0) / WG_PI * wg_bessel_k_scaled(zeta, 1.0 / 3.0) * exp(-zeta);
    if (x >= -7.0) {
        double f = 1.0, g = x, even = 1.0, odd = x, cube = x * x * x;
        for (int k = 1; k < 200; k++) {
            f += even *= cube / ((3.0 * k - 1.0) * (3.0 * k));
            g += odd *= cube / ((3.0 * k) * (3.0 * k + 1.0));
            if (fabs(even) + fabs(odd) < 1e-18) break;
        }
        return 0.35502805388781723926 * f - 0.25881940379280679840 * g;
    }
    double u = 1.0, sum[2] = {0.0, 0.0};
    for (int k = 0; k < 24; k++) {
        sum[k & 1] += k & 2 ? -u : u;
        double next = u * (6.0 * k + 1.0) * (6.0 * k + 5.0) / (72.0 * (k + 1.0) * zeta);
        if (next > u || next < 1e-18) break;
        u = next;
    }
    double phase = zeta + WG_PI / 4.0;
    return (sin(phase) * sum[0] - cos(phase) * sum[1]) / (sqrt(WG_PI) * sqrt(sqrt(-x)));
}
WG_SPECIAL_1(airy_ai)

/* ---- tails of the normal distribution ---- */

/* exp(x^2) erfc(x); from 8 on its asymptotic series. */
static inline double wg_erfcx_f64(double x) {
    if (x < 0.0) return x < -26.7 ? INFINITY : 2.0 * exp(x * x) - wg_erfcx_f64(-x);
    double square = x * x;
    if (x < 8.0) return exp(square) * (1.0 + fma(x, x, -square)) * wg_erfc_f64(x);
    double term = 1.0, sum = 1.0;
    for (int k = 1; k < 20; k++) sum += term *= -(2.0 * k - 1.0) / (2.0 * square);
    return sum / (x * sqrt(WG_PI));
}
static inline double wg_log_ndtr_f64(double x) {
    double y = x * -0.70710678118654752440;
    return x < -1.0 ? log(wg_erfcx_f64(y) / 2.0) - y * y : log1p(-wg_erfc_f64(-y) / 2.0);
}

/* The inverse of the normal distribution's function: Newton's method on its logarithm, from an approximation good to 0.003. */
static inline double wg_ndtri_f64(double p) {
    if (!(p >= 0.0 && p <= 1.0)) return NAN;
    if (p > 0.5) return p == 1.0 ? INFINITY : -wg_ndtri_f64(1.0 - p);
    if (p == 0.0) return -INFINITY;
    double target = log(p), t = sqrt(-2.0 * target);
    double x = (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + 0.04481 * t)) - t;
    for (int k = 0; k < 5; k++) {
        double y = wg_log_ndtr_f64(x), step = (y - target) * exp(y + x * x / 2.0) * 2.50662827463100050242;
        x -= step;
        if (fabs(step) <= 1e-17 * fabs(x)) break;
    }
    return p == 0.5 ? 0.0 : x;
}
WG_SPECIAL_1(erfcx) WG_SPECIAL_1(log_ndtr) WG_SPECIAL_1(ndtri)

/* ---- the incomplete gamma function, both parts: its power series left of a + 1, a continued fraction (Lentz) right of it ---- */

/* Both converge the more slowly the larger a and the nearer x: there Temme's uniform expansion about x = a (1979), whose coefficients are
 * Taylor series in eta, eta^2 / 2 = x / a - 1 - log(x / a). */
static inline double wg_gamma_middle(double a, double x, int upper) {
    static const double series[3][10] = {
        {-1.0 / 3.0, 1.0 / 12.0, -2.0 / 135.0, 1.0 / 864.0, 1.0 / 2835.0, -139.0 / 777600.0, 1.0 / 25515.0, -571.0 / 261273600.0,
         -281.0 / 151559100.0, 8.29671134095308601e-07},
        {-1.0 / 540.0, -1.0 / 288.0, 1.0 / 378.0, -77.0 / 77760.0, 1.0 / 4860.0},
        {25.0 / 6048.0, -139.0 / 51840.0, 101.0 / 130896.0}};
    double mu = (x - a) / a, eta = sqrt(2.0 * (mu - log1p(mu))), rest = 0.0;
    if (fabs(mu) < 0.01) eta = fabs(mu) * sqrt(1.0 - mu * (2.0 / 3.0 - mu * (0.5 - mu * (0.4 - mu * (1.0 / 3.0 - mu * (2.0 / 7.0 - mu / 4.0))))));
    if (mu < 0.0) eta = -eta;
    for (int k = 2; k >= 0; k--) {
        double c = 0.0;
        for (int j = 9; j >= 0; j--) c = c * eta + series[k][j];
        rest = rest / a + c;
    }
    rest *= exp(-0.5 * a * eta * eta) / sqrt(2.0 * WG_PI * a);
    double side = eta * sqrt(a / 2.0);
    return upper ? wg_erfc_f64(side) / 2.0 + rest : wg_erfc_f64(-side) / 2.0 - rest;
}

static inline double wg_gamma_part(double a, double x, int upper) {
    if (!(a >= 0.0) || !(x >= 0.0) || (isinf(a) && isinf(x))) return NAN;
    if (a == 0.0) return x > 0.0 ? !upper : NAN;
    if (x == 0.0 || isinf(a)) return upper;
    if (isinf(x)) return !upper;
    if (a > 1e4 && fabs(x - a) < 0.1 * a) return wg_gamma_middle(a, x, upper);
    double scale = exp(a * log(x) - x - wg_lgamma_f64(a));
    if (x < a + 1.0) {
        double term = 1.0 / a, sum = term;
        for (int k = 1; k < 1000 && term > sum * 1e-18; k++) sum += term *= x / (a + k);
        return upper ? 1.0 - scale * sum : scale * sum;
    }
    double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;
    for (int k = 1; k < 1000; k++) {
        double n = -k * (k - a);
        b += 2.0;
        d = n * d + b;
        c = b + n / c;
        if (fabs(d) < 1e-300) d = 1e-300;
        if (fabs(c) < 1e-300) c = 1e-300;
        d = 1.0 / d;
        h *= d * c;
        if (fabs(d * c - 1.0) < 1e-16) break;
    }
    return upper ? scale * h : 1.0 - scale * h;
}
static inline double wg_igamma_f64(double a, double x) { return wg_gamma_part(a, x, 0); }
static inline double wg_igammac_f64(double a, double x) { return wg_gamma_part(a, x, 1); }
static inline double wg_hurwitz_f64(double s, double q) { return s == 1.0 ? INFINITY : s < 1.0 ? NAN : wg_zeta_f64(s, q); }
WG_SPECIAL_2(igamma) WG_SPECIAL_2(igammac) WG_SPECIAL_2(hurwitz)

/* The neighbour by its bits: away from 0 one more, towards it one less; of 0 the smallest number of y's sign. */
#define WG_NEXTAFTER(T, U, S, SIGN)                                                  \
    WG_INLINE T wg_nextafter_##S(T x, T y) {                                         \
        U u = wg_bits_##S(x), v = wg_bits_##S(y);                                    \
        U next = x == 0 ? (v & SIGN) | 1u : (y > x) == (x > 0) ? u + 1u : u - 1u;    \
        return x != x || y != y ? x + y : x == y ? y : wg_from_bits_##S(next);       \
    }
WG_NEXTAFTER(float, uint32_t, f32, 0x80000000u)
WG_NEXTAFTER(double, uint64_t, f64, 0x8000000000000000u)
#undef WG_NEXTAFTER

/* ---- orthogonal polynomials of degree n: by their recurrences up to a degree that ends soon, by closed forms beyond, whatever the
 * degree; 0 for n < 0, as PyTorch has it. Where PyTorch's recurrence has gone from inf to nan, these stay at inf. ---- */

/* p, q are the polynomials of degree 0 and 1; NEXT gives the one of degree k + 1; LARGE the value of those above MOST. */
#define WG_POLYNOMIAL(name, FIRST, NEXT, MOST, LARGE) \
    static inline double wg_##name##_f64(double x, double degree) { \
        const double n = trunc(degree); \
        if (!(n >= 0.0) || x != x) return x != x ? x : 0.0; \
        double p = 1.0, q = FIRST; \
        if (n == 0.0) return p; \
        if (n > MOST) return isinf(n) ? NAN : LARGE; \
        for (double k = 1.0; k < n && isfinite(q); k++) { \
            double next = NEXT; \
            p = q; \
            q = next; \
        } \
        return q; \
    } \
    WG_SPECIAL_2(name)

/* (-1)^n, for polynomials that are even or odd. */
static inline double wg_alternating(double n) { return fmod(n, 2.0) == 0.0 ? 1.0 : -1.0; }

/* Chebyshev's at a = acos(x) or acosh(x), x >= 0: ratios of waves of the angles m a and b a. */
static inline double wg_sines(double x, double m, double b) {
    if (x == 1.0) return m / b;
    if (isinf(x)) return x;
    double a = x < 1.0 ? acos(x) : acosh(x);
    return x < 1.0 ? sin(m * a) / sin(b * a) : sinh(m * a) / sinh(b * a);
}
static inline double wg_cosines(double x, double m, double b) {
    if (isinf(x)) return x;
    double a = x < 1.0 ? acos(x) : acosh(x);
    return x < 1.0 ? cos(m * a) / cos(b * a) : cosh(m * a) / cosh(b * a);
}
static inline double wg_chebyshev_large_t(double x, double n) { return (x < 0.0 ? wg_alternating(n) : 1.0) * wg_cosines(fabs(x), n, 0.0); }
static inline double wg_chebyshev_large_u(double x, double n) { return (x < 0.0 ? wg_alternating(n) : 1.0) * wg_sines(fabs(x), n + 1.0, 1.0); }
static inline double wg_chebyshev_large_v(double x, double n) { return x < 0.0 ? wg_alternating(n) * wg_sines(-x, n + 0.5, 0.5) : wg_cosines(x, n + 0.5, 0.5); }
static inline double wg_chebyshev_large_w(double x, double n) { return x < 0.0 ? wg_alternating(n) * wg_cosines(-x, n + 0.5, 0.5) : wg_sines(x, n + 0.5, 0.5); }

#define WG_CHEBYSHEV_MOST 32.0
WG_POLYNOMIAL(chebyshev_t, x, 2.0 * x * q - p, WG_CHEBYSHEV_MOST, wg_chebyshev_large_t(x, n))
WG_POLYNOMIAL(chebyshev_u, 2.0 * x, 2.0 * x * q - p, WG_CHEBYSHEV_MOST, wg_chebyshev_large_u(x, n))
WG_POLYNOMIAL(chebyshev_v, 2.0 * x - 1.0, 2.0 * x * q - p, WG_CHEBYSHEV_MOST, wg_chebyshev_large_v(x, n))
WG_POLYNOMIAL(chebyshev_w, 2.0 * x + 1.0, 2.0 * x * q - p, WG_CHEBYSHEV_MOST, wg_chebyshev_large_w(x, n))

/* Legendre's and Laguerre's above 3000: their asymptotic expansions in Bessel functions, which hold up to the ends of the interval
 * (Szego, Orthogonal Polynomials, 8.21; Bogaert, Michiels and Fostier 2012; Frenzen and Wong 1988). Nine digits of Legendre's, five of
 * Laguerre's, of the size of the oscillation. */
#define WG_DEGREE_MOST 3000.0
static inline double wg_legendre_large(double x, double n) {
    double sign = x < 0.0 ? wg_alternating(n) : 1.0, m = n + 0.5, z = fabs(x);
    if (z == 1.0 || isinf(z)) return sign * z;
    double t = z < 1.0 ? acos(z) : acosh(z), a = m * t;
    if (z > 1.0) {
        if (a - t > 800.0) return sign * INFINITY;
        double bend = t < 1e-3 ? t / 24.0 : (t / tanh(t) - 1.0) / (8.0 * t);
        return sign * sqrt(t / sinh(t)) * wg_unscaled(wg_bessel_i_scaled(a, 0) + bend / m * wg_bessel_i_scaled(a, 1), a);
    }
    double bend = t < 1e-3 ? -t / 24.0 : (t / tan(t) - 1.0) / (8.0 * t);
    double s = sin(t), second = t < 0.05 ? 7.0 / 1920.0 * t * t : (6.0 * t * s * cos(t) - 15.0 * s * s + t * t * (9.0 - s * s)) / (128.0 * t * t * s * s);
    return sign * sqrt(t / s) * (j0(a) + bend / m * j1(a) + second / (m * m) * jn(2, a));
}
static inline double wg_laguerre_large(double x, double n) {
    double m = 4.0 * n + 2.0, t = fabs(x) / m, r = sqrt(t);
    if (x == 0.0 || x == -INFINITY) return x == 0.0 ? 1.0 : INFINITY;
    if (x < 0.0) {
        double a = t > 1e100 ? INFINITY : m * 0.5 * (asinh(r) + sqrt(t + t * t)), half = exp((a + x / 2.0) / 2.0);
        if (a + x / 2.0 > 800.0) return INFINITY;
        return sqrt(a / m / r / sqrt(1.0 + t)) * wg_bessel_i_scaled(a, 0) * half * half;
    }
    if (t >= 1.0) return wg_alternating(n) * INFINITY;      /* beyond the last zero: above exp(6000) */
    double a = m * 0.5 * (asin(r) + sqrt(t - t * t));
    return sqrt(a / m / r / sqrt(1.0 - t)) * j0(a) * exp(x / 2.0);
}
WG_POLYNOMIAL(laguerre_l, 1.0 - x, ((2.0 * k + 1.0 - x) * q - k * p) / (k + 1.0), WG_DEGREE_MOST, wg_laguerre_large(x, n))
WG_POLYNOMIAL(legendre_p, x, ((2.0 * k + 1.0) * x * q - k * p) / (k + 1.0), WG_DEGREE_MOST, wg_legendre_large(x, n))

/* Hermite's have left the numbers by degree 400 or so, at zero every second one excepted: nan from there, as in PyTorch. */
WG_POLYNOMIAL(hermite_h, 2.0 * x, 2.0 * x * q - 2.0 * k * p, 511.0, NAN)
WG_POLYNOMIAL(hermite_he, x, x * q - k * p, 511.0, NAN)

#define WG_SHIFTED(letter) \
    static inline double wg_shifted_##letter##_f64(double x, double n) { return wg_chebyshev_##letter##_f64(2.0 * x - 1.0, n); } \
    WG_SPECIAL_2(shifted_##letter)
WG_SHIFTED(t) WG_SHIFTED(u) WG_SHIFTED(v) WG_SHIFTED(w)

/* ---- integers ---- */

static inline int64_t wg_gcd_i64(int64_t x, int64_t y) {
    uint64_t a = x < 0 ? 0u - (uint64_t)x : (uint64_t)x, b = y < 0 ? 0u - (uint64_t)y : (uint64_t)y;
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (int64_t)a;
}
static inline int64_t wg_lcm_i64(int64_t x, int64_t y) {
    int64_t d = wg_gcd_i64(x, y);
    if (d == 0) return 0;
    uint64_t product = (uint64_t)(x / d) * (uint64_t)y;
    return (int64_t)product < 0 ? (int64_t)(0u - product) : (int64_t)product;
}

#endif

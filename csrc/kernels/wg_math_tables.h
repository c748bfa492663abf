/* Polynomials of the maths functions: fitted numbers, written by tools/fit_math.py (change it, not this).
 *
 * f32: float arithmetic. f64: double, for double results. d32: double arithmetic that only has to serve
 * float32 results, so of lower degree. The error given is that of the function the polynomial serves,
 * relative unless it says otherwise, before rounding of the arithmetic. */
#ifndef WG_MATH_TABLES_H
#define WG_MATH_TABLES_H

#include "../wg_kernel.h"

/* (exp(r) - 1 - r) / r^2; error 2^-28.3 */
WG_INLINE float wg_poly_exp_f32(float v) {
    float p = 0x1.6a52360000000p-10f;
    p = WG_FMAF(p, v, 0x1.12396c0000000p-7f);
    p = WG_FMAF(p, v, 0x1.5558aa0000000p-5f);
    p = WG_FMAF(p, v, 0x1.5554920000000p-3f);
    p = WG_FMAF(p, v, 0x1.fffffc0000000p-2f);
    return p;
}

/* (exp(r) - 1 - r) / r^2, for float32 results; error 2^-34.2 */
WG_INLINE double wg_poly_exp_d32(double v) {
    double p = 0x1.9f094a339b185p-13;
    p = WG_FMA(p, v, 0x1.6d8d055572dc3p-10);
    p = WG_FMA(p, v, 0x1.1112702d4082fp-7);
    p = WG_FMA(p, v, 0x1.55548dc4a7004p-5);
    p = WG_FMA(p, v, 0x1.5555544394a66p-3);
    p = WG_FMA(p, v, 0x1.0000003a25273p-1);
    return p;
}

/* (exp(r) - 1 - r) / r^2; error 2^-63.8 */
WG_INLINE double wg_poly_exp_f64(double v) {
    double p = 0x1.1e62a4504d867p-29;
    p = WG_FMA(p, v, 0x1.af66aea4e0f34p-26);
    p = WG_FMA(p, v, 0x1.27e58f1b9f675p-22);
    p = WG_FMA(p, v, 0x1.71ddf38dc8f6ap-19);
    p = WG_FMA(p, v, 0x1.a01a0151f14b1p-16);
    p = WG_FMA(p, v, 0x1.a01a01b1e2c90p-13);
    p = WG_FMA(p, v, 0x1.6c16c16c26f80p-10);
    p = WG_FMA(p, v, 0x1.111111110f169p-7);
    p = WG_FMA(p, v, 0x1.5555555555531p-5);
    p = WG_FMA(p, v, 0x1.555555555555ap-3);
    p = WG_FMA(p, v, 0x1.0000000000000p-1);
    return p;
}

/* (2^r - 1) / r; error 2^-28.3 */
WG_INLINE float wg_poly_exp2_f32(float v) {
    float p = 0x1.416b840000000p-13f;
    p = WG_FMAF(p, v, 0x1.5f08380000000p-10f);
    p = WG_FMAF(p, v, 0x1.3b2de00000000p-7f);
    p = WG_FMAF(p, v, 0x1.c6af7c0000000p-5f);
    p = WG_FMAF(p, v, 0x1.ebfbdc0000000p-3f);
    p = WG_FMAF(p, v, 0x1.62e4300000000p-1f);
    return p;
}

/* (2^r - 1) / r; error 2^-59.7 */
WG_INLINE double wg_poly_exp2_f64(double v) {
    double p = 0x1.e0b60553458bcp-36;
    p = WG_FMA(p, v, 0x1.ec7986c7d2bb8p-32);
    p = WG_FMA(p, v, 0x1.e4bbab96d7c9ap-28);
    p = WG_FMA(p, v, 0x1.b5232d3c9a72bp-24);
    p = WG_FMA(p, v, 0x1.62c02724b92edp-20);
    p = WG_FMA(p, v, 0x1.ffcbfd4b46a4ap-17);
    p = WG_FMA(p, v, 0x1.430912f7570a5p-13);
    p = WG_FMA(p, v, 0x1.5d87fe7873f82p-10);
    p = WG_FMA(p, v, 0x1.3b2ab6fba519ep-7);
    p = WG_FMA(p, v, 0x1.c6b08d704a1d5p-5);
    p = WG_FMA(p, v, 0x1.ebfbdff82c58ep-3);
    p = WG_FMA(p, v, 0x1.62e42fefa39efp-1);
    return p;
}

/* (2^r - 1) / r, for float32 results; error 2^-28.9 */
WG_INLINE double wg_poly_exp2_d32(double v) {
    double p = 0x1.41fc4f071928bp-13;
    p = WG_FMA(p, v, 0x1.5f3e776dfbfbbp-10);
    p = WG_FMA(p, v, 0x1.3b2d4c6e659dep-7);
    p = WG_FMA(p, v, 0x1.c6aee84aa9a1bp-5);
    p = WG_FMA(p, v, 0x1.ebfbdc3c710d2p-3);
    p = WG_FMA(p, v, 0x1.62e430af55032p-1);
    return p;
}

/* (log1p(f) - f + f^2/2) / f^3; error 2^-27.4 */
WG_INLINE float wg_poly_log_f32(float v) {
    float p = -0x1.38c8b40000000p-4f;
    p = WG_FMAF(p, v, 0x1.055e120000000p-3f);
    p = WG_FMAF(p, v, -0x1.0d821c0000000p-3f);
    p = WG_FMAF(p, v, 0x1.22d93c0000000p-3f);
    p = WG_FMAF(p, v, -0x1.54728e0000000p-3f);
    p = WG_FMAF(p, v, 0x1.99a01c0000000p-3f);
    p = WG_FMAF(p, v, -0x1.0002260000000p-2f);
    p = WG_FMAF(p, v, 0x1.5555540000000p-2f);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2, for float32 results; error 2^-37.6 */
WG_INLINE double wg_poly_log_d32(double v) {
    double p = 0x1.e2f380fb12f2cp-3;
    p = WG_FMA(p, v, 0x1.2438ecf2d361fp-2);
    p = WG_FMA(p, v, 0x1.999a7a2bc4a01p-2);
    p = WG_FMA(p, v, 0x1.555554fdd84e6p-1);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2; error 2^-66.6 */
WG_INLINE double wg_poly_log_f64(double v) {
    double p = 0x1.0f0c0de7d1bb2p-3;
    p = WG_FMA(p, v, 0x1.0f67764ee8a8fp-3);
    p = WG_FMA(p, v, 0x1.3b20224a274e7p-3);
    p = WG_FMA(p, v, 0x1.745ce1d57578bp-3);
    p = WG_FMA(p, v, 0x1.c71c724b4088ap-3);
    p = WG_FMA(p, v, 0x1.24924924399c2p-2);
    p = WG_FMA(p, v, 0x1.9999999999d10p-2);
    p = WG_FMA(p, v, 0x1.5555555555555p-1);
    return p;
}

/* ((2 atanh(s) / s - 2) / w - 2/3) / w, w = s^2; error 2^-65.3 */
WG_INLINE double wg_poly_log_far_f64(double v) {
    double p = 0x1.0e40ea1a0c32bp-3;
    p = WG_FMA(p, v, 0x1.0f801c2ae4635p-3);
    p = WG_FMA(p, v, 0x1.3b1ee9c7c0bc9p-3);
    p = WG_FMA(p, v, 0x1.745ce9f072da5p-3);
    p = WG_FMA(p, v, 0x1.c71c722d3e91ap-3);
    p = WG_FMA(p, v, 0x1.2492492457f36p-2);
    p = WG_FMA(p, v, 0x1.9999999999b2fp-2);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2 <= 1/9, for float32 results; error 2^-33.1 */
WG_INLINE double wg_poly_log1pexp_d32(double v) {
    double p = 0x1.f1722ef2ef250p-3;
    p = WG_FMA(p, v, 0x1.b6e70dfb0b966p-3);
    p = WG_FMA(p, v, 0x1.2508ae74e95a4p-2);
    p = WG_FMA(p, v, 0x1.9996afa838be6p-2);
    p = WG_FMA(p, v, 0x1.5555584c18548p-1);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2 <= 1/9; error 2^-59.4 */
WG_INLINE double wg_poly_log1pexp_f64(double v) {
    double p = 0x1.5c771b88c2954p-3;
    p = WG_FMA(p, v, 0x1.55b2deba63929p-4);
    p = WG_FMA(p, v, 0x1.efd7e8f2e24ddp-4);
    p = WG_FMA(p, v, 0x1.1067cacc497dbp-3);
    p = WG_FMA(p, v, 0x1.3b1ddb0e91fe5p-3);
    p = WG_FMA(p, v, 0x1.745cb404267bep-3);
    p = WG_FMA(p, v, 0x1.c71c741c5a9f7p-3);
    p = WG_FMA(p, v, 0x1.249249208c811p-2);
    p = WG_FMA(p, v, 0x1.99999999a074dp-2);
    p = WG_FMA(p, v, 0x1.5555555555535p-1);
    return p;
}

/* (tanh(x) / x - 1) / z, z = x^2 <= 0.625^2; error 2^-27.7 */
WG_INLINE float wg_poly_tanh_f32(float v) {
    float p = -0x1.750ce20000000p-8f;
    p = WG_FMAF(p, v, 0x1.51f8ce0000000p-6f);
    p = WG_FMAF(p, v, -0x1.b835a40000000p-5f);
    p = WG_FMAF(p, v, 0x1.1106f60000000p-3f);
    p = WG_FMAF(p, v, -0x1.5555320000000p-2f);
    return p;
}

/* (tanh(x) / x - 1) / z, z = x^2 <= 0.625^2; error 2^-61.2 */
WG_INLINE double wg_poly_tanh_f64(double v) {
    double p = 0x1.9604b2c428fd4p-18;
    p = WG_FMA(p, v, -0x1.fac5255e69ac1p-16);
    p = WG_FMA(p, v, 0x1.801b6ef40608fp-14);
    p = WG_FMA(p, v, -0x1.f11346975b891p-13);
    p = WG_FMA(p, v, 0x1.350b86fb78009p-11);
    p = WG_FMA(p, v, -0x1.7d9c3301d8407p-10);
    p = WG_FMA(p, v, 0x1.d6d35a374d3e2p-9);
    p = WG_FMA(p, v, -0x1.226e32cf92bfap-7);
    p = WG_FMA(p, v, 0x1.664f4870c2f62p-6);
    p = WG_FMA(p, v, -0x1.ba1ba1b9d195dp-5);
    p = WG_FMA(p, v, 0x1.1111111110c52p-3);
    p = WG_FMA(p, v, -0x1.5555555555552p-2);
    return p;
}

/* (sinh(x) / x - 1) / z, z = x^2 <= 1; error 2^-63.0 */
WG_INLINE double wg_poly_sinh_f64(double v) {
    double p = 0x1.d2b38420b9ab3p-48;
    p = WG_FMA(p, v, 0x1.a664cd8c64a3ap-41);
    p = WG_FMA(p, v, 0x1.61314de6da7ebp-33);
    p = WG_FMA(p, v, 0x1.ae644122046bcp-26);
    p = WG_FMA(p, v, 0x1.71de3a68d070dp-19);
    p = WG_FMA(p, v, 0x1.a01a01a00735ap-13);
    p = WG_FMA(p, v, 0x1.111111111119bp-7);
    p = WG_FMA(p, v, 0x1.5555555555555p-3);
    return p;
}

/* (sin(r) / r - 1) / z, z = r^2, for float32 results; error 2^-37.5 */
WG_INLINE double wg_poly_sin_d32(double v) {
    double p = 0x1.6cd1bef9f8201p-19;
    p = WG_FMA(p, v, -0x1.a00f7e545310dp-13);
    p = WG_FMA(p, v, 0x1.1111086960dc8p-7);
    p = WG_FMA(p, v, -0x1.5555554c7087ap-3);
    return p;
}

/* (cos(r) - 1 + z/2) / z^2, z = r^2, for float32 results; error 2^-33.0 */
WG_INLINE double wg_poly_cos_d32(double v) {
    double p = 0x1.99eb7488d8beap-16;
    p = WG_FMA(p, v, -0x1.6c0c3336ea389p-10);
    p = WG_FMA(p, v, 0x1.55554a10da968p-5);
    return p;
}

/* (sin(r) / r - 1) / z, z = r^2; error 2^-63.2 */
WG_INLINE double wg_poly_sin_f64(double v) {
    double p = -0x1.9ffd6ba1cab1bp-41;
    p = WG_FMA(p, v, 0x1.6109bd58199f6p-33);
    p = WG_FMA(p, v, -0x1.ae642c5180626p-26);
    p = WG_FMA(p, v, 0x1.71de3a33a55f5p-19);
    p = WG_FMA(p, v, -0x1.a01a019ffe522p-13);
    p = WG_FMA(p, v, 0x1.1111111111069p-7);
    p = WG_FMA(p, v, -0x1.5555555555555p-3);
    return p;
}

/* (cos(r) - 1 + z/2) / z^2, z = r^2; error 2^-69.0 */
WG_INLINE double wg_poly_cos_f64(double v) {
    double p = 0x1.9dabd2cdfe731p-45;
    p = WG_FMA(p, v, -0x1.93744e6305b9ep-37);
    p = WG_FMA(p, v, 0x1.1eed6f7d51a62p-29);
    p = WG_FMA(p, v, -0x1.27e4fb5a1e7a5p-22);
    p = WG_FMA(p, v, 0x1.a01a019ffcb72p-16);
    p = WG_FMA(p, v, -0x1.6c16c16c16b30p-10);
    p = WG_FMA(p, v, 0x1.5555555555555p-5);
    return p;
}

/* (asin(x) / x - 1) / z, z = x^2 <= 1/4, for float32 results; error 2^-35.8 */
WG_INLINE double wg_poly_asin_d32(double v) {
    double p = 0x1.1bd20cb61dd19p-5;
    p = WG_FMA(p, v, 0x1.ec27b7953a9e0p-8);
    p = WG_FMA(p, v, 0x1.931f59500fb88p-6);
    p = WG_FMA(p, v, 0x1.ed5d222487ed8p-6);
    p = WG_FMA(p, v, 0x1.6ddabf74543f5p-5);
    p = WG_FMA(p, v, 0x1.3332aa08ddab4p-4);
    p = WG_FMA(p, v, 0x1.55555605c6c66p-3);
    return p;
}

/* (asin(x) / x - 1) / z, z = x^2 <= 1/4; error 2^-59.9 */
WG_INLINE double wg_poly_asin_f64(double v) {
    double p = 0x1.0b466453d8816p-5;
    p = WG_FMA(p, v, -0x1.57fc727a5250cp-6);
    p = WG_FMA(p, v, 0x1.639bc27f3cef1p-6);
    p = WG_FMA(p, v, 0x1.e5f7aa8eb7ad6p-9);
    p = WG_FMA(p, v, 0x1.613c69a464096p-7);
    p = WG_FMA(p, v, 0x1.75858fc7a95cfp-7);
    p = WG_FMA(p, v, 0x1.ca1f8cadbfec6p-7);
    p = WG_FMA(p, v, 0x1.1c49f06555ef0p-6);
    p = WG_FMA(p, v, 0x1.6e8bdedfbe935p-6);
    p = WG_FMA(p, v, 0x1.f1c71a94f7e63p-6);
    p = WG_FMA(p, v, 0x1.6db6db72125a0p-5);
    p = WG_FMA(p, v, 0x1.333333332e132p-4);
    p = WG_FMA(p, v, 0x1.5555555555577p-3);
    return p;
}

/* (atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8), for float32 results; error 2^-35.4 */
WG_INLINE double wg_poly_atan_d32(double v) {
    double p = 0x1.84a1bce100751p-5;
    p = WG_FMA(p, v, -0x1.5b3011e706881p-4);
    p = WG_FMA(p, v, 0x1.c463f91246c3ap-4);
    p = WG_FMA(p, v, -0x1.247eda28fe2a2p-3);
    p = WG_FMA(p, v, 0x1.9999189ed195cp-3);
    p = WG_FMA(p, v, -0x1.555554c6022eap-2);
    return p;
}

/* (atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8); error 2^-59.4 */
WG_INLINE double wg_poly_atan_f64(double v) {
    double p = -0x1.256a89a6f37d0p-6;
    p = WG_FMA(p, v, 0x1.37d59fad4b52dp-5);
    p = WG_FMA(p, v, -0x1.9cd2b0474b9f8p-5);
    p = WG_FMA(p, v, 0x1.df0f4615b8124p-5);
    p = WG_FMA(p, v, -0x1.10ebb7c798862p-4);
    p = WG_FMA(p, v, 0x1.3b11190e94f02p-4);
    p = WG_FMA(p, v, -0x1.745cf8db94e71p-4);
    p = WG_FMA(p, v, 0x1.c71c70e6085f6p-4);
    p = WG_FMA(p, v, -0x1.24924922ad519p-3);
    p = WG_FMA(p, v, 0x1.9999999995869p-3);
    p = WG_FMA(p, v, -0x1.555555555553dp-2);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125; error 2^-30.1 */
WG_INLINE float wg_poly_erf_f32(float v) {
    float p = 0x1.4e1d8a0000000p-14f;
    p = WG_FMAF(p, v, -0x1.a5be220000000p-11f);
    p = WG_FMAF(p, v, 0x1.54440e0000000p-8f);
    p = WG_FMAF(p, v, -0x1.b800b80000000p-6f);
    p = WG_FMAF(p, v, 0x1.ce2d620000000p-4f);
    p = WG_FMAF(p, v, -0x1.8127400000000p-2f);
    p = WG_FMAF(p, v, 0x1.06eba80000000p-3f);
    return p;
}

/* -log(erfc(x)), 0.9 <= x <= 4; absolute error of erf; error 2^-34.0 */
WG_INLINE float wg_poly_erf_tail_f32(float v) {
    float p = 0x1.5eb8fa0000000p-16f;
    p = WG_FMAF(p, v, -0x1.c541a20000000p-12f);
    p = WG_FMAF(p, v, 0x1.10a7560000000p-8f);
    p = WG_FMAF(p, v, -0x1.9b18140000000p-6f);
    p = WG_FMAF(p, v, 0x1.bb56000000000p-4f);
    p = WG_FMAF(p, v, 0x1.444b460000000p-1f);
    p = WG_FMAF(p, v, 0x1.2126980000000p+0f);
    p = WG_FMAF(p, v, -0x1.65afca0000000p-13f);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125; error 2^-56.3 */
WG_INLINE double wg_poly_erf_f64(double v) {
    double p = -0x1.2348b25b0ddc6p-30;
    p = WG_FMA(p, v, 0x1.01c3430477f95p-26);
    p = WG_FMA(p, v, -0x1.6189d2fb617efp-23);
    p = WG_FMA(p, v, 0x1.ba45f95963113p-20);
    p = WG_FMA(p, v, -0x1.f4db9e25566ecp-17);
    p = WG_FMA(p, v, 0x1.f9a3b40067678p-14);
    p = WG_FMA(p, v, -0x1.c02db944c02c4p-11);
    p = WG_FMA(p, v, 0x1.565bcd2d72d3ap-8);
    p = WG_FMA(p, v, -0x1.b82ce3135cc27p-6);
    p = WG_FMA(p, v, 0x1.ce2f21a045a39p-4);
    p = WG_FMA(p, v, -0x1.812746b037a26p-2);
    p = WG_FMA(p, v, 0x1.06eba8214db69p-3);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125, for float32 results; error 2^-37.1 */
WG_INLINE double wg_poly_erf_d32(double v) {
    double p = -0x1.5ee4bce19cd8cp-17;
    p = WG_FMA(p, v, 0x1.e24d399cad0e0p-14);
    p = WG_FMA(p, v, -0x1.be38d0c8ca7a3p-11);
    p = WG_FMA(p, v, 0x1.56442f6e177dcp-8);
    p = WG_FMA(p, v, -0x1.b82baac2e4006p-6);
    p = WG_FMA(p, v, 0x1.ce2f19a65a10ap-4);
    p = WG_FMA(p, v, -0x1.8127469c38c1cp-2);
    p = WG_FMA(p, v, 0x1.06eba8210b67cp-3);
    return p;
}

/* (1 + 2x) exp(x^2) erfc(x) - 1.25, t = (x - 4) / (x + 4), 0.5 <= x <= 10.1, for float32 results; error 2^-37.3 */
WG_INLINE double wg_poly_erfc_d32(double v) {
    double p = 0x1.1c111be9e889bp-13;
    p = WG_FMA(p, v, -0x1.f1cdbfd63c1ccp-13);
    p = WG_FMA(p, v, -0x1.8fd64de3c1bc7p-11);
    p = WG_FMA(p, v, 0x1.4ac46c6f9f8cap-8);
    p = WG_FMA(p, v, -0x1.094fff829a7d6p-6);
    p = WG_FMA(p, v, 0x1.3074ac0c769cdp-5);
    p = WG_FMA(p, v, -0x1.0fb15471f57fdp-4);
    p = WG_FMA(p, v, 0x1.7fee343a65fcdp-4);
    p = WG_FMA(p, v, -0x1.9ddb1254012a6p-4);
    p = WG_FMA(p, v, 0x1.16ecee0893047p-4);
    p = WG_FMA(p, v, 0x1.f7f5dbcbc5caap-7);
    p = WG_FMA(p, v, -0x1.1df1ad12cc133p-3);
    p = WG_FMA(p, v, -0x1.169ba4562f36ap-6);
    return p;
}

/* exp(a^2/2) erfc(a / sqrt 2) / 2, s = 1 / (1 + 0.3 a), 0 <= a <= 14, for float32 results; error 2^-24.0 */
WG_INLINE double wg_poly_mills_d32(double v) {
    double p = 0x1.3a65c84a1495cp-5;
    p = WG_FMA(p, v, -0x1.5a748fd2b0a95p-3);
    p = WG_FMA(p, v, 0x1.d44d548a0595dp-3);
    p = WG_FMA(p, v, -0x1.396255f9ffdefp-4);
    p = WG_FMA(p, v, 0x1.23eacc397294cp-3);
    p = WG_FMA(p, v, 0x1.83d1f912afd82p-4);
    p = WG_FMA(p, v, 0x1.f362f4705a079p-4);
    p = WG_FMA(p, v, 0x1.e96be577b3bf7p-4);
    p = WG_FMA(p, v, 0x1.e12f198001e69p-18);
    return p;
}

/* exp(a^2/2) erfc(a / sqrt 2) / 2, s = 1 / (1 + 0.35 a); absolute error of the product with exp(-a^2/2); error 2^-27.5 */
WG_INLINE float wg_poly_mills_f32(float v) {
    float p = 0x1.926cfa0000000p-5f;
    p = WG_FMAF(p, v, -0x1.3b512a0000000p-2f);
    p = WG_FMAF(p, v, 0x1.4979ba0000000p-1f);
    p = WG_FMAF(p, v, -0x1.457d980000000p-2f);
    p = WG_FMAF(p, v, 0x1.57f4f80000000p-2f);
    p = WG_FMAF(p, v, 0x1.7ad7120000000p-4f);
    p = WG_FMAF(p, v, 0x1.38bc7a0000000p-8f);
    return p;
}

/* (1 + 2x) exp(x^2) erfc(x) - 1.25, t = (x - 4) / (x + 4), 0.5 <= x <= 27.5; error 2^-59.9 */
WG_INLINE double wg_poly_erfc_f64(double v) {
    double p = 0x1.4ddd6a8913ba6p-31;
    p = WG_FMA(p, v, 0x1.55ba4c796832cp-30);
    p = WG_FMA(p, v, -0x1.980a6b39824dap-27);
    p = WG_FMA(p, v, -0x1.1481d47e84dcep-26);
    p = WG_FMA(p, v, 0x1.ca7c9b7c9a1a0p-24);
    p = WG_FMA(p, v, 0x1.363c7eba0b5d8p-24);
    p = WG_FMA(p, v, -0x1.b9a182a7ff02dp-21);
    p = WG_FMA(p, v, 0x1.3d646baa15a43p-22);
    p = WG_FMA(p, v, 0x1.7f1214c97194cp-18);
    p = WG_FMA(p, v, -0x1.78939c4a72486p-17);
    p = WG_FMA(p, v, -0x1.995775238b264p-16);
    p = WG_FMA(p, v, 0x1.3be087aeb0be8p-13);
    p = WG_FMA(p, v, -0x1.a1df319d0a02ep-13);
    p = WG_FMA(p, v, -0x1.8d4a9d99cbdc4p-11);
    p = WG_FMA(p, v, 0x1.49c67293781dcp-8);
    p = WG_FMA(p, v, -0x1.096238816e004p-6);
    p = WG_FMA(p, v, 0x1.3079edf65e9e1p-5);
    p = WG_FMA(p, v, -0x1.0fb06dfe59f30p-4);
    p = WG_FMA(p, v, 0x1.7fee004e1332bp-4);
    p = WG_FMA(p, v, -0x1.9ddb23c3e8717p-4);
    p = WG_FMA(p, v, 0x1.16ecefcfa5344p-4);
    p = WG_FMA(p, v, 0x1.f7f5df66fd6a0p-7);
    p = WG_FMA(p, v, -0x1.1df1ad154a28ep-3);
    p = WG_FMA(p, v, -0x1.169ba4580a04dp-6);
    return p;
}

/* digamma(x) / (x - its root) - 1, v = x - 1.5, 1 <= x <= 2; error 2^-58.3 */
WG_INLINE double wg_poly_digamma_f64(double v) {
    double p = 0x1.fdd9144878001p-14;
    p = WG_FMA(p, v, -0x1.73131dab3a32ep-13);
    p = WG_FMA(p, v, 0x1.844755845a703p-14);
    p = WG_FMA(p, v, -0x1.334ed289cc9eap-13);
    p = WG_FMA(p, v, 0x1.564fb19cd9528p-12);
    p = WG_FMA(p, v, -0x1.fc7fdd0dd2134p-12);
    p = WG_FMA(p, v, 0x1.69c60ecd08b17p-11);
    p = WG_FMA(p, v, -0x1.0fc9aef35f4fcp-10);
    p = WG_FMA(p, v, 0x1.99e19ab6484a0p-10);
    p = WG_FMA(p, v, -0x1.336b836c33ceap-9);
    p = WG_FMA(p, v, 0x1.cd1f0e1a7d169p-9);
    p = WG_FMA(p, v, -0x1.5a06ca53bcb5ap-8);
    p = WG_FMA(p, v, 0x1.03c0b404931b2p-7);
    p = WG_FMA(p, v, -0x1.8635627ce27ffp-7);
    p = WG_FMA(p, v, 0x1.25647145863a4p-6);
    p = WG_FMA(p, v, -0x1.b9f8b1250d7dcp-6);
    p = WG_FMA(p, v, 0x1.4de9aa18754abp-5);
    p = WG_FMA(p, v, -0x1.fb44202a04b0cp-5);
    p = WG_FMA(p, v, 0x1.8512e59036604p-4);
    p = WG_FMA(p, v, -0x1.2feeeb98a7a44p-3);
    p = WG_FMA(p, v, 0x1.eca189b8e6f9dp-3);
    p = WG_FMA(p, v, -0x1.b1cb63005ee98p-2);
    p = WG_FMA(p, v, -0x1.90f34478c9e9ap-5);
    return p;
}

/* (log(x) - 1/(2x) - digamma(x)) x^2, v = 1/x^2, x >= 2; error 2^-56.0 */
WG_INLINE double wg_poly_digamma_tail_f64(double v) {
    double p = 0x1.bdbf597b76892p+4;
    p = WG_FMA(p, v, -0x1.e2ee2b88fe1d6p+5);
    p = WG_FMA(p, v, 0x1.e43e7dfb7fb22p+5);
    p = WG_FMA(p, v, -0x1.2be5c83856a66p+5);
    p = WG_FMA(p, v, 0x1.037b4a88ef2bap+4);
    p = WG_FMA(p, v, -0x1.5335d4947a6efp+2);
    p = WG_FMA(p, v, 0x1.6783982c90e3ep+0);
    p = WG_FMA(p, v, -0x1.50d68a76ca149p-2);
    p = WG_FMA(p, v, 0x1.3aa82db34205fp-4);
    p = WG_FMA(p, v, -0x1.54e44feb3037bp-6);
    p = WG_FMA(p, v, 0x1.efe25cb1c8dc8p-8);
    p = WG_FMA(p, v, -0x1.110db8f9deaf2p-8);
    p = WG_FMA(p, v, 0x1.04103582fda3fp-8);
    p = WG_FMA(p, v, -0x1.11111106a6affp-7);
    p = WG_FMA(p, v, 0x1.5555555554771p-4);
    return p;
}

/* lgamma(x) / ((x - 1) (x - 2)), v = x - 2, 1 <= x <= 3, for float32 results; error 2^-33.4 */
WG_INLINE double wg_poly_lgamma_d32(double v) {
    double p = -0x1.4a919b68c52bfp-19;
    p = WG_FMA(p, v, 0x1.46d7722b9630dp-18);
    p = WG_FMA(p, v, -0x1.d7463827730c4p-22);
    p = WG_FMA(p, v, 0x1.2fb04367e51e8p-19);
    p = WG_FMA(p, v, -0x1.62c0230f7accap-16);
    p = WG_FMA(p, v, 0x1.6e7aa8c49cec8p-15);
    p = WG_FMA(p, v, -0x1.545447852e43ep-14);
    p = WG_FMA(p, v, 0x1.791b7e8330eaap-13);
    p = WG_FMA(p, v, -0x1.aa0e3445f34f3p-12);
    p = WG_FMA(p, v, 0x1.e04ccbf24b3ecp-11);
    p = WG_FMA(p, v, -0x1.144dc57f8b332p-9);
    p = WG_FMA(p, v, 0x1.4795b9887e2efp-8);
    p = WG_FMA(p, v, -0x1.95ce31f7653a8p-7);
    p = WG_FMA(p, v, 0x1.0e0ca05f4fd5fp-5);
    p = WG_FMA(p, v, -0x1.9ae65093ee1e5p-4);
    p = WG_FMA(p, v, 0x1.b0ee60716b613p-2);
    return p;
}

/* (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) x, v = 1/x^2, x >= 3, for float32 results; error 2^-34.9 */
WG_INLINE double wg_poly_lgamma_tail_d32(double v) {
    double p = -0x1.b8d8c7fa1d81ap-12;
    p = WG_FMA(p, v, 0x1.97a93d3b875a5p-11);
    p = WG_FMA(p, v, -0x1.6c01135845ec1p-9);
    p = WG_FMA(p, v, 0x1.555552f51872cp-4);
    return p;
}

/* erfinv(x) / x - 1.5, w = -log(1 - x^2), v = w - 3.125, 0 <= w <= 6.25, for float32 results; error 2^-28.0 */
WG_INLINE double wg_poly_erfinv_d32(double v) {
    double p = 0x1.3e6a2f5e6691cp-36;
    p = WG_FMA(p, v, 0x1.71f90e20c668cp-31);
    p = WG_FMA(p, v, -0x1.5d74d24ca8a42p-28);
    p = WG_FMA(p, v, -0x1.ae0b1dfe12e95p-26);
    p = WG_FMA(p, v, 0x1.cdf2aa350930dp-22);
    p = WG_FMA(p, v, -0x1.73dca6186070dp-20);
    p = WG_FMA(p, v, -0x1.d29aef0c2c25ap-17);
    p = WG_FMA(p, v, 0x1.87b3ae51db88ep-13);
    p = WG_FMA(p, v, -0x1.8452a8dd0d686p-11);
    p = WG_FMA(p, v, -0x1.8b6cc9c5f2db7p-8);
    p = WG_FMA(p, v, 0x1.ebd80b846ace3p-3);
    p = WG_FMA(p, v, 0x1.3aaf3ee6bb6c6p-3);
    return p;
}

/* erfinv(x) / x - 2.75, w = -log(1 - x^2), v = sqrt(w) - 3.25, 6.25 <= w <= 16, for float32 results; error 2^-32.8 */
WG_INLINE double wg_poly_erfinv_tail_d32(double v) {
    double p = -0x1.44c495fc49c10p-15;
    p = WG_FMA(p, v, 0x1.59242d6dd4b3cp-14);
    p = WG_FMA(p, v, 0x1.1fa58e7055a8ep-16);
    p = WG_FMA(p, v, -0x1.7bde2d7be55ecp-12);
    p = WG_FMA(p, v, 0x1.f50e77322f327p-11);
    p = WG_FMA(p, v, -0x1.ba1b7a5645309p-10);
    p = WG_FMA(p, v, 0x1.468286d912d97p-9);
    p = WG_FMA(p, v, -0x1.ebb3d01ecd024p-9);
    p = WG_FMA(p, v, 0x1.5ffd563074aa9p-8);
    p = WG_FMA(p, v, 0x1.0158a6ed62c4fp+0);
    p = WG_FMA(p, v, 0x1.55e61c0398427p-2);
    return p;
}

/* erfinv(x) / x - 1.5, w = -log(1 - x^2), v = w - 3.125, 0 <= w <= 6.25; error 2^-57.9 */
WG_INLINE double wg_poly_erfinv_f64(double v) {
    double p = -0x1.74f7e19ea5c47p-72;
    p = WG_FMA(p, v, 0x1.e98104c3ff14fp-69);
    p = WG_FMA(p, v, 0x1.42a70dc37082dp-66);
    p = WG_FMA(p, v, -0x1.9d15c1f1acd33p-62);
    p = WG_FMA(p, v, 0x1.91873787d46ffp-61);
    p = WG_FMA(p, v, 0x1.1f46a65e53075p-56);
    p = WG_FMA(p, v, -0x1.1c11021506d9ap-53);
    p = WG_FMA(p, v, -0x1.737afeafd3c9ap-55);
    p = WG_FMA(p, v, 0x1.d695774992915p-48);
    p = WG_FMA(p, v, -0x1.68662b08f4f87p-45);
    p = WG_FMA(p, v, -0x1.6bc6389038039p-44);
    p = WG_FMA(p, v, 0x1.72351f4095551p-39);
    p = WG_FMA(p, v, -0x1.c8a4c6629d6e0p-37);
    p = WG_FMA(p, v, -0x1.dc3ee4c3cfb01p-35);
    p = WG_FMA(p, v, 0x1.20f53b523cf1fp-30);
    p = WG_FMA(p, v, -0x1.1a9eb1dca094ep-28);
    p = WG_FMA(p, v, -0x1.f36ceded285b4p-26);
    p = WG_FMA(p, v, 0x1.c6b4f891c068bp-22);
    p = WG_FMA(p, v, -0x1.6e8a53caa91bbp-20);
    p = WG_FMA(p, v, -0x1.d1d1f7ca4c74cp-17);
    p = WG_FMA(p, v, 0x1.879c2a20b0c12p-13);
    p = WG_FMA(p, v, -0x1.84576948351eep-11);
    p = WG_FMA(p, v, -0x1.8b6c33114ea32p-8);
    p = WG_FMA(p, v, 0x1.ebd80d9b13df9p-3);
    p = WG_FMA(p, v, 0x1.3aaf3e4cd742fp-3);
    return p;
}

/* erfinv(x) / x - 2.75, w = -log(1 - x^2), v = sqrt(w) - 3.25, 6.25 <= w <= 16; error 2^-56.8 */
WG_INLINE double wg_poly_erfinv_tail_f64(double v) {
    double p = -0x1.d882b602fdc7fp-30;
    p = WG_FMA(p, v, 0x1.ade3e1e71da17p-28);
    p = WG_FMA(p, v, -0x1.5833336409cb9p-27);
    p = WG_FMA(p, v, -0x1.1b7184a6aee96p-26);
    p = WG_FMA(p, v, 0x1.0b93b9804904cp-23);
    p = WG_FMA(p, v, -0x1.0ddbed333a6c4p-22);
    p = WG_FMA(p, v, -0x1.818f4f26e92c5p-26);
    p = WG_FMA(p, v, 0x1.8edba38edf886p-20);
    p = WG_FMA(p, v, -0x1.0ba2507a8a9f7p-18);
    p = WG_FMA(p, v, 0x1.8959c5d29c162p-19);
    p = WG_FMA(p, v, 0x1.a2479322523bbp-17);
    p = WG_FMA(p, v, -0x1.8cf346bbf8c7ap-15);
    p = WG_FMA(p, v, 0x1.1e6a9a974e86bp-14);
    p = WG_FMA(p, v, 0x1.932e30bd7e4d0p-16);
    p = WG_FMA(p, v, -0x1.7448bbe3cb825p-12);
    p = WG_FMA(p, v, 0x1.f3cc54a6a3bdep-11);
    p = WG_FMA(p, v, -0x1.ba9240dbd219ap-10);
    p = WG_FMA(p, v, 0x1.468eeca860e5fp-9);
    p = WG_FMA(p, v, -0x1.ebadabb9f7592p-9);
    p = WG_FMA(p, v, 0x1.5ffcfe5b6efafp-8);
    p = WG_FMA(p, v, 0x1.0158a6d641d54p+0);
    p = WG_FMA(p, v, 0x1.55e61c06ad23ep-2);
    return p;
}

/* erfinv(x) / x - 4.5, w = -log(1 - x^2), v = sqrt(w) - 5, 16 <= w <= 37; error 2^-57.3 */
WG_INLINE double wg_poly_erfinv_far_f64(double v) {
    double p = 0x1.86fb4240877d8p-40;
    p = WG_FMA(p, v, 0x1.92e9e20becc0dp-38);
    p = WG_FMA(p, v, -0x1.03ff5be7cfadcp-35);
    p = WG_FMA(p, v, 0x1.0f0e5fa791165p-36);
    p = WG_FMA(p, v, 0x1.a08cd4a1ad5d1p-34);
    p = WG_FMA(p, v, -0x1.a3f433df98d3dp-32);
    p = WG_FMA(p, v, 0x1.5f69045b7beb5p-30);
    p = WG_FMA(p, v, -0x1.e597d734329f8p-29);
    p = WG_FMA(p, v, 0x1.0de4e5d4c9816p-27);
    p = WG_FMA(p, v, -0x1.0560162483d1bp-26);
    p = WG_FMA(p, v, 0x1.f238b2ff42af8p-26);
    p = WG_FMA(p, v, -0x1.2238fe1689593p-24);
    p = WG_FMA(p, v, 0x1.ebe674b2dd648p-23);
    p = WG_FMA(p, v, -0x1.0a90309d8b475p-20);
    p = WG_FMA(p, v, 0x1.2fbcf8780e929p-18);
    p = WG_FMA(p, v, -0x1.4a34904c1515bp-16);
    p = WG_FMA(p, v, 0x1.3ebf4f02d7e62p-14);
    p = WG_FMA(p, v, -0x1.c2f36aa148468p-13);
    p = WG_FMA(p, v, -0x1.22ea5df1f086ep-13);
    p = WG_FMA(p, v, 0x1.02a30d1fba10bp+0);
    p = WG_FMA(p, v, 0x1.664ddd1ad7fafp-2);
    return p;
}

#endif

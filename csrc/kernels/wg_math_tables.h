/* Polynomials of the maths functions: fitted numbers, written by tools/fit_math.py (change it, not this).
 *
 * f32: float arithmetic. f64: double, for double results. d32: double arithmetic that only has to serve
 * float32 results, so of lower degree. The error given is that of the function the polynomial serves,
 * relative unless it says otherwise, before rounding of the arithmetic. */
#ifndef WG_MATH_TABLES_H
#define WG_MATH_TABLES_H

#include "../wg_kernel.h"

/* (exp(r) - 1 - r) / r^2; error 2^-28.0 */
WG_INLINE float wg_poly_exp_f32(float v) {
    float p = 0x1.6a7a380000000p-10f;
    p = WG_FMAF(p, v, 0x1.123c9c0000000p-7f);
    p = WG_FMAF(p, v, 0x1.5558680000000p-5f);
    p = WG_FMAF(p, v, 0x1.55548c0000000p-3f);
    p = WG_FMAF(p, v, 0x1.fffffc0000000p-2f);
    return p;
}

/* (exp(r) - 1 - r) / r^2, for float32 results; error 2^-33.5 */
WG_INLINE double wg_poly_exp_d32(double v) {
    double p = 0x1.98d2bdb156fedp-13;
    p = WG_FMA(p, v, 0x1.6d92baecfd576p-10);
    p = WG_FMA(p, v, 0x1.1116ba1b33b58p-7);
    p = WG_FMA(p, v, 0x1.55548941557dfp-5);
    p = WG_FMA(p, v, 0x1.5555518a502d3p-3);
    p = WG_FMA(p, v, 0x1.0000003a25273p-1);
    return p;
}

/* (exp(r) - 1 - r) / r^2; error 2^-63.6 */
WG_INLINE double wg_poly_exp_f64(double v) {
    double p = 0x1.204f0f9f22fe1p-29;
    p = WG_FMA(p, v, 0x1.af7437e68d96dp-26);
    p = WG_FMA(p, v, 0x1.27e44b44a35ebp-22);
    p = WG_FMA(p, v, 0x1.71ddeab4f27a6p-19);
    p = WG_FMA(p, v, 0x1.a01a01e86be49p-16);
    p = WG_FMA(p, v, 0x1.a01a01b5f2153p-13);
    p = WG_FMA(p, v, 0x1.6c16c16c0a473p-10);
    p = WG_FMA(p, v, 0x1.111111110e54dp-7);
    p = WG_FMA(p, v, 0x1.555555555556cp-5);
    p = WG_FMA(p, v, 0x1.555555555555dp-3);
    p = WG_FMA(p, v, 0x1.0000000000000p-1);
    return p;
}

/* (2^r - 1) / r; error 2^-27.5 */
WG_INLINE float wg_poly_exp2_f32(float v) {
    float p = 0x1.4be0960000000p-13f;
    p = WG_FMAF(p, v, 0x1.5fbdfe0000000p-10f);
    p = WG_FMAF(p, v, 0x1.3b21ce0000000p-7f);
    p = WG_FMAF(p, v, 0x1.c6ada60000000p-5f);
    p = WG_FMAF(p, v, 0x1.ebfbe60000000p-3f);
    p = WG_FMAF(p, v, 0x1.62e4320000000p-1f);
    return p;
}

/* (2^r - 1) / r; error 2^-59.5 */
WG_INLINE double wg_poly_exp2_f64(double v) {
    double p = 0x1.f8faedb3c86dfp-36;
    p = WG_FMA(p, v, 0x1.ebdc9f1cc1738p-32);
    p = WG_FMA(p, v, 0x1.e4acf815b7a47p-28);
    p = WG_FMA(p, v, 0x1.b5238b74bf5bfp-24);
    p = WG_FMA(p, v, 0x1.62c02a32edf1bp-20);
    p = WG_FMA(p, v, 0x1.ffcbfd24ee81ap-17);
    p = WG_FMA(p, v, 0x1.430912f6d7b12p-13);
    p = WG_FMA(p, v, 0x1.5d87fe7879f31p-10);
    p = WG_FMA(p, v, 0x1.3b2ab6fba526ap-7);
    p = WG_FMA(p, v, 0x1.c6b08d704a1c3p-5);
    p = WG_FMA(p, v, 0x1.ebfbdff82c58ep-3);
    p = WG_FMA(p, v, 0x1.62e42fefa39efp-1);
    return p;
}

/* (log1p(f) - f + f^2/2) / f^3; error 2^-27.3 */
WG_INLINE float wg_poly_log_f32(float v) {
    float p = -0x1.3915920000000p-4f;
    p = WG_FMAF(p, v, 0x1.057b260000000p-3f);
    p = WG_FMAF(p, v, -0x1.0d82fa0000000p-3f);
    p = WG_FMAF(p, v, 0x1.22d5d60000000p-3f);
    p = WG_FMAF(p, v, -0x1.5472120000000p-3f);
    p = WG_FMAF(p, v, 0x1.99a0340000000p-3f);
    p = WG_FMAF(p, v, -0x1.0002280000000p-2f);
    p = WG_FMAF(p, v, 0x1.5555540000000p-2f);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2, for float32 results; error 2^-37.6 */
WG_INLINE double wg_poly_log_d32(double v) {
    double p = 0x1.e2f380fb46c28p-3;
    p = WG_FMA(p, v, 0x1.2438ecf2d218bp-2);
    p = WG_FMA(p, v, 0x1.999a7a2bc4a41p-2);
    p = WG_FMA(p, v, 0x1.555554fdd84e6p-1);
    return p;
}

/* (2 atanh(s) / s - 2) / w, w = s^2; error 2^-66.4 */
WG_INLINE double wg_poly_log_f64(double v) {
    double p = 0x1.0f10df0f82e41p-3;
    p = WG_FMA(p, v, 0x1.0f6724d4767f1p-3);
    p = WG_FMA(p, v, 0x1.3b2023d50fc4ep-3);
    p = WG_FMA(p, v, 0x1.745ce1d5217d6p-3);
    p = WG_FMA(p, v, 0x1.c71c724b35ed9p-3);
    p = WG_FMA(p, v, 0x1.2492492439a08p-2);
    p = WG_FMA(p, v, 0x1.9999999999d10p-2);
    p = WG_FMA(p, v, 0x1.5555555555555p-1);
    return p;
}

/* (tanh(x) / x - 1) / z, z = x^2 <= 0.625^2; error 2^-27.7 */
WG_INLINE float wg_poly_tanh_f32(float v) {
    float p = -0x1.751e340000000p-8f;
    p = WG_FMAF(p, v, 0x1.51fb740000000p-6f);
    p = WG_FMAF(p, v, -0x1.b835d60000000p-5f);
    p = WG_FMAF(p, v, 0x1.1106f60000000p-3f);
    p = WG_FMAF(p, v, -0x1.5555320000000p-2f);
    return p;
}

/* (tanh(x) / x - 1) / z, z = x^2 <= 0.625^2; error 2^-57.0 */
WG_INLINE double wg_poly_tanh_f64(double v) {
    double p = 0x1.6fd06a11b0b7ep-18;
    p = WG_FMA(p, v, -0x1.e8168449f8e7fp-16);
    p = WG_FMA(p, v, 0x1.7c4359183d7d0p-14);
    p = WG_FMA(p, v, -0x1.f036dce3f630fp-13);
    p = WG_FMA(p, v, 0x1.34fd0e63f807fp-11);
    p = WG_FMA(p, v, -0x1.7d9b16c1ff78fp-10);
    p = WG_FMA(p, v, 0x1.d6d34e77c1b5bp-9);
    p = WG_FMA(p, v, -0x1.226e32b5f8200p-7);
    p = WG_FMA(p, v, 0x1.664f4870c4c69p-6);
    p = WG_FMA(p, v, -0x1.ba1ba1b9d19aap-5);
    p = WG_FMA(p, v, 0x1.1111111110c52p-3);
    p = WG_FMA(p, v, -0x1.5555555555552p-2);
    return p;
}

/* (sinh(x) / x - 1) / z, z = x^2 <= 1; error 2^-62.9 */
WG_INLINE double wg_poly_sinh_f64(double v) {
    double p = 0x1.d4a5a76950cfdp-48;
    p = WG_FMA(p, v, 0x1.a65a3606d7a2ap-41);
    p = WG_FMA(p, v, 0x1.61315810d1762p-33);
    p = WG_FMA(p, v, 0x1.ae64411a26dafp-26);
    p = WG_FMA(p, v, 0x1.71de3a68d2559p-19);
    p = WG_FMA(p, v, 0x1.a01a01a00735ap-13);
    p = WG_FMA(p, v, 0x1.111111111119bp-7);
    p = WG_FMA(p, v, 0x1.5555555555555p-3);
    return p;
}

/* (sin(r) / r - 1) / z, z = r^2, for float32 results; error 2^-37.5 */
WG_INLINE double wg_poly_sin_d32(double v) {
    double p = 0x1.6cd1bef9a54c7p-19;
    p = WG_FMA(p, v, -0x1.a00f7e5451b7bp-13);
    p = WG_FMA(p, v, 0x1.1111086960db2p-7);
    p = WG_FMA(p, v, -0x1.5555554c7087ap-3);
    return p;
}

/* (cos(r) - 1 + z/2) / z^2, z = r^2, for float32 results; error 2^-33.0 */
WG_INLINE double wg_poly_cos_d32(double v) {
    double p = 0x1.99eb7488d881ap-16;
    p = WG_FMA(p, v, -0x1.6c0c3336ea380p-10);
    p = WG_FMA(p, v, 0x1.55554a10da968p-5);
    return p;
}

/* (sin(r) / r - 1) / z, z = r^2; error 2^-62.6 */
WG_INLINE double wg_poly_sin_f64(double v) {
    double p = -0x1.9ff4dd1618146p-41;
    p = WG_FMA(p, v, 0x1.6109ac9a08dafp-33);
    p = WG_FMA(p, v, -0x1.ae642c3f855b5p-26);
    p = WG_FMA(p, v, 0x1.71de3a33a0405p-19);
    p = WG_FMA(p, v, -0x1.a01a019ffe522p-13);
    p = WG_FMA(p, v, 0x1.1111111111069p-7);
    p = WG_FMA(p, v, -0x1.5555555555555p-3);
    return p;
}

/* (cos(r) - 1 + z/2) / z^2, z = r^2; error 2^-69.0 */
WG_INLINE double wg_poly_cos_f64(double v) {
    double p = 0x1.9da89b88e6494p-45;
    p = WG_FMA(p, v, -0x1.93744a2952b9ap-37);
    p = WG_FMA(p, v, 0x1.1eed6f7b8bed2p-29);
    p = WG_FMA(p, v, -0x1.27e4fb5a1e019p-22);
    p = WG_FMA(p, v, 0x1.a01a019ffcb72p-16);
    p = WG_FMA(p, v, -0x1.6c16c16c16b30p-10);
    p = WG_FMA(p, v, 0x1.5555555555555p-5);
    return p;
}

/* (asin(x) / x - 1) / z, z = x^2 <= 1/4, for float32 results; error 2^-35.8 */
WG_INLINE double wg_poly_asin_d32(double v) {
    double p = 0x1.1bd20cb63cdb8p-5;
    p = WG_FMA(p, v, 0x1.ec27b794051bbp-8);
    p = WG_FMA(p, v, 0x1.931f5950319aap-6);
    p = WG_FMA(p, v, 0x1.ed5d22248171bp-6);
    p = WG_FMA(p, v, 0x1.6ddabf7454807p-5);
    p = WG_FMA(p, v, 0x1.3332aa08ddaaap-4);
    p = WG_FMA(p, v, 0x1.55555605c6c66p-3);
    return p;
}

/* (asin(x) / x - 1) / z, z = x^2 <= 1/4; error 2^-59.9 */
WG_INLINE double wg_poly_asin_f64(double v) {
    double p = 0x1.0b6a789fa551dp-5;
    p = WG_FMA(p, v, -0x1.586935083ad58p-6);
    p = WG_FMA(p, v, 0x1.63e3a1ef38784p-6);
    p = WG_FMA(p, v, 0x1.e51ce7b3ef17cp-9);
    p = WG_FMA(p, v, 0x1.6149a2883ad39p-7);
    p = WG_FMA(p, v, 0x1.75837291a7bcap-7);
    p = WG_FMA(p, v, 0x1.ca1fc65c75d27p-7);
    p = WG_FMA(p, v, 0x1.1c49ee625bf00p-6);
    p = WG_FMA(p, v, 0x1.6e8bdef614edcp-6);
    p = WG_FMA(p, v, 0x1.f1c71a946dd50p-6);
    p = WG_FMA(p, v, 0x1.6db6db72130c6p-5);
    p = WG_FMA(p, v, 0x1.333333332e132p-4);
    p = WG_FMA(p, v, 0x1.5555555555577p-3);
    return p;
}

/* (atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8), for float32 results; error 2^-35.4 */
WG_INLINE double wg_poly_atan_d32(double v) {
    double p = 0x1.84a1bce03c284p-5;
    p = WG_FMA(p, v, -0x1.5b3011e6dc642p-4);
    p = WG_FMA(p, v, 0x1.c463f91240920p-4);
    p = WG_FMA(p, v, -0x1.247eda28fdfd2p-3);
    p = WG_FMA(p, v, 0x1.9999189ed1950p-3);
    p = WG_FMA(p, v, -0x1.555554c6022eap-2);
    return p;
}

/* (atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8); error 2^-59.4 */
WG_INLINE double wg_poly_atan_f64(double v) {
    double p = -0x1.25019cf36a240p-6;
    p = WG_FMA(p, v, 0x1.37a8df25dc8f0p-5);
    p = WG_FMA(p, v, -0x1.9cc27513125c3p-5);
    p = WG_FMA(p, v, 0x1.df0c0435cc141p-5);
    p = WG_FMA(p, v, -0x1.10eb855d96f7cp-4);
    p = WG_FMA(p, v, 0x1.3b111550ecd6fp-4);
    p = WG_FMA(p, v, -0x1.745cf8b14730dp-4);
    p = WG_FMA(p, v, 0x1.c71c70e506269p-4);
    p = WG_FMA(p, v, -0x1.24924922ac0f5p-3);
    p = WG_FMA(p, v, 0x1.9999999995869p-3);
    p = WG_FMA(p, v, -0x1.555555555553dp-2);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125; error 2^-26.1 */
WG_INLINE float wg_poly_erf_f32(float v) {
    float p = -0x1.3ba9e40000000p-11f;
    p = WG_FMAF(p, v, 0x1.479ca00000000p-8f);
    p = WG_FMAF(p, v, -0x1.b69b960000000p-6f);
    p = WG_FMAF(p, v, 0x1.ce1b860000000p-4f);
    p = WG_FMAF(p, v, -0x1.8126ec0000000p-2f);
    p = WG_FMAF(p, v, 0x1.06eba60000000p-3f);
    return p;
}

/* -log(erfc(x)), 0.9 <= x <= 4; absolute error of erf; error 2^-31.9 */
WG_INLINE float wg_poly_erf_tail_f32(float v) {
    float p = 0x1.602bca0000000p-16f;
    p = WG_FMAF(p, v, -0x1.c5d1460000000p-12f);
    p = WG_FMAF(p, v, 0x1.10bb7a0000000p-8f);
    p = WG_FMAF(p, v, -0x1.9b1cec0000000p-6f);
    p = WG_FMAF(p, v, 0x1.bb566c0000000p-4f);
    p = WG_FMAF(p, v, 0x1.444b460000000p-1f);
    p = WG_FMAF(p, v, 0x1.2126980000000p+0f);
    p = WG_FMAF(p, v, -0x1.65afca0000000p-13f);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125; error 2^-55.2 */
WG_INLINE double wg_poly_erf_f64(double v) {
    double p = -0x1.22919df58a08fp-30;
    p = WG_FMA(p, v, 0x1.01a8761c64840p-26);
    p = WG_FMA(p, v, -0x1.6187796970550p-23);
    p = WG_FMA(p, v, 0x1.ba45fb9b3eb5ep-20);
    p = WG_FMA(p, v, -0x1.f4dba11f5ec60p-17);
    p = WG_FMA(p, v, 0x1.f9a3b42673594p-14);
    p = WG_FMA(p, v, -0x1.c02db94563614p-11);
    p = WG_FMA(p, v, 0x1.565bcd2d73d7cp-8);
    p = WG_FMA(p, v, -0x1.b82ce3135cc27p-6);
    p = WG_FMA(p, v, 0x1.ce2f21a045a39p-4);
    p = WG_FMA(p, v, -0x1.812746b037a26p-2);
    p = WG_FMA(p, v, 0x1.06eba8214db69p-3);
    return p;
}

/* erf(x) / x - 1, z = x^2 <= 0.8125, for float32 results; error 2^-37.1 */
WG_INLINE double wg_poly_erf_d32(double v) {
    double p = -0x1.5ee4bcec72503p-17;
    p = WG_FMA(p, v, 0x1.e24d399eb2402p-14);
    p = WG_FMA(p, v, -0x1.be38d0c8d5743p-11);
    p = WG_FMA(p, v, 0x1.56442f6e147a3p-8);
    p = WG_FMA(p, v, -0x1.b82baac2e393bp-6);
    p = WG_FMA(p, v, 0x1.ce2f19a65a0c5p-4);
    p = WG_FMA(p, v, -0x1.8127469c38c1cp-2);
    p = WG_FMA(p, v, 0x1.06eba8210b67cp-3);
    return p;
}

/* (1 + 2x) exp(x^2) erfc(x), t = (x - 4) / (x + 4), 0.5 <= x <= 10.1, for float32 results; error 2^-44.1 */
WG_INLINE double wg_poly_erfc_d32(double v) {
    double p = 0x1.0ae8a133100c6p-20;
    p = WG_FMA(p, v, -0x1.0fb9e89fcb5bcp-16);
    p = WG_FMA(p, v, -0x1.90abf54089efbp-16);
    p = WG_FMA(p, v, 0x1.42204dffed79ep-13);
    p = WG_FMA(p, v, -0x1.a03ee911941d9p-13);
    p = WG_FMA(p, v, -0x1.8da39be6b472cp-11);
    p = WG_FMA(p, v, 0x1.49c1bd4b0c7bap-8);
    p = WG_FMA(p, v, -0x1.0961ef4cd9766p-6);
    p = WG_FMA(p, v, 0x1.307a03112ee5bp-5);
    p = WG_FMA(p, v, -0x1.0fb06eda0f2bcp-4);
    p = WG_FMA(p, v, 0x1.7fedff9e5adb7p-4);
    p = WG_FMA(p, v, -0x1.9ddb23bff7644p-4);
    p = WG_FMA(p, v, 0x1.16ecefd482976p-4);
    p = WG_FMA(p, v, 0x1.f7f5df66d7e1cp-7);
    p = WG_FMA(p, v, -0x1.1df1ad154f17ep-3);
    p = WG_FMA(p, v, 0x1.3ba5916e9fd81p+0);
    return p;
}

/* (1 + 2x) exp(x^2) erfc(x), t = (x - 4) / (x + 4), 0.5 <= x <= 27.5; error 2^-25.8 */
WG_INLINE double wg_poly_erfc_f64(double v) {
    double p = 0x1.9f7a42533ed8dp-2;
    p = WG_FMA(p, v, 0x1.7de56eabebca1p-1);
    p = WG_FMA(p, v, -0x1.7153120357be9p-1);
    p = WG_FMA(p, v, -0x1.71a9e39b20a85p+0);
    p = WG_FMA(p, v, 0x1.e3acd2f0d1017p-2);
    p = WG_FMA(p, v, 0x1.0a8fab42aa267p+0);
    p = WG_FMA(p, v, -0x1.13917a6bcab3ep-3);
    p = WG_FMA(p, v, -0x1.532305409933cp-2);
    p = WG_FMA(p, v, 0x1.cacd4c80d94e8p-7);
    p = WG_FMA(p, v, 0x1.40d551e5dc588p-5);
    p = WG_FMA(p, v, 0x1.a1744e5f6649bp-19);
    p = WG_FMA(p, v, 0x1.be6acff741bacp-18);
    p = WG_FMA(p, v, -0x1.93fb39552d97fp-17);
    p = WG_FMA(p, v, -0x1.9d19b130b0717p-16);
    p = WG_FMA(p, v, 0x1.3c3834741f503p-13);
    p = WG_FMA(p, v, -0x1.a1cc0f35981e7p-13);
    p = WG_FMA(p, v, -0x1.8d4d90ac59b19p-11);
    p = WG_FMA(p, v, 0x1.49c66293cfca8p-8);
    p = WG_FMA(p, v, -0x1.09623677a998cp-6);
    p = WG_FMA(p, v, 0x1.3079ee18103f7p-5);
    p = WG_FMA(p, v, -0x1.0fb06e05044dfp-4);
    p = WG_FMA(p, v, 0x1.7fee004d70075p-4);
    p = WG_FMA(p, v, -0x1.9ddb23c3bb965p-4);
    p = WG_FMA(p, v, 0x1.16ecefcfa80dap-4);
    p = WG_FMA(p, v, 0x1.f7f5df66f9b4dp-7);
    p = WG_FMA(p, v, -0x1.1df1ad154a2acp-3);
    p = WG_FMA(p, v, 0x1.3ba5916e9fd7fp+0);
    return p;
}

#endif

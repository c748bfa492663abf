/* Refusals of elementwise ops that depend on more than the promoted type, in PyTorch's words. */
#include <math.h>

#include "ops/ops.h"
#include "wg_ops_gen.h"

static int is_bool(const wg_val *v) { return v->a.dtype == WG_BOOL; }
static int is_integral(const wg_val *v) { return v->a.dtype <= WG_I64; }

static int result_of(const wg_val *const *x, int n) {
    const wg_array *arrays[4];
    for (int i = 0; i < n; i++) arrays[i] = &x[i]->a;
    return wg_result_type(arrays, n);
}

/* Python numbers among the operands must fit the type that the loop computes in. */
static int check_operands(const wg_val *const *x, int n) {
    int type = -1;
    for (int i = 0; i < n; i++) {
        const wg_array *a = &x[i]->a;
        if (!a->is_number || a->dtype == WG_BOOL) continue;
        if (type < 0) type = result_of(x, n);
        if (wg_check_fits(a->dtype == WG_F64 ? WG_FLOAT(a->number.f) : WG_INT(a->number.i), type) < 0) return -1;
    }
    return 0;
}

/* alpha of add, sub and rsub: no float for integers, no bool for numbers. */
static int check_alpha(const wg_val *const *x, const wg_attr *alpha) {
    if (alpha->tag == WG_A_FLOAT && is_integral(x[0]) && is_integral(x[1]))
        return wg_fail(WG_RUNTIME_ERROR, "For integral input tensors, argument alpha must not be a floating point number.");
    if (alpha->tag == WG_A_BOOL && !(is_bool(x[0]) && is_bool(x[1])))
        return wg_fail(WG_RUNTIME_ERROR, "Boolean alpha only supported for Boolean results.");
    return alpha->tag == WG_A_INT && alpha->i >= -128 && alpha->i < 128 ? 0 : wg_check_fits(*alpha, result_of(x, 2));
}

/* A number that is written into elements of a dtype must fit; negative ints wrap around in uint8, nan has no int. */
int wg_check_fits(wg_attr number, int dtype) {
    static const char *const c_type[] = {"bool", "uint8_t", "int8_t", "int16_t", "int", "int64_t", "c10::Half", "c10::BFloat16", "float", "double"};
    static const double lowest[] = {0, 0, -128, -32768, -2147483648.0, -9223372036854775808.0, -65504, -3.3895313892515355e38,
                                    -3.4028234663852886e38, -INFINITY};
    static const double highest[] = {1, 255, 127, 32767, 2147483647.0, 9223372036854774784.0, 65504, 3.3895313892515355e38,
                                     3.4028234663852886e38, INFINITY};
    if (dtype == WG_BOOL || (number.tag != WG_A_FLOAT && dtype == WG_I64)) return 0;
    double v = wg_attr_float(number), low = lowest[dtype];
    if (WG_IS_FLOAT(dtype) && !isfinite(v)) return 0;
    if (dtype == WG_U8 && number.tag != WG_A_FLOAT) low = -255;
    if (v >= low && v <= highest[dtype]) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "value cannot be converted to type %s without overflow", c_type[dtype]);
}

int wg_check_clamp(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_operands(x, 3); }
int wg_check_clamp_min(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_operands(x, 2); }
int wg_check_clamp_max(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_operands(x, 2); }
int wg_check_where(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_operands(x + 1, 2); }
int wg_check_addcmul(const wg_val *const *x, const wg_attr *attr) { return wg_check_fits(attr[0], result_of(x, 3)); }
int wg_check_leaky_relu(const wg_val *const *x, const wg_attr *attr) { return wg_check_fits(attr[0], x[0]->a.dtype); }

int wg_check_addcdiv(const wg_val *const *x, const wg_attr *attr) {
    if (is_integral(x[1]) && is_integral(x[2]))
        return wg_fail(WG_RUNTIME_ERROR, "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
                       "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / "
                       "tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv "
                       "behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.");
    return wg_check_fits(attr[0], result_of(x, 3));
}

int wg_check_threshold(const wg_val *const *x, const wg_attr *attr) {
    return wg_check_fits(attr[0], x[0]->a.dtype) < 0 || wg_check_fits(attr[1], x[0]->a.dtype) < 0 ? -1 : 0;
}

int wg_check_hardtanh(const wg_val *const *x, const wg_attr *attr) {
    if (is_bool(x[0])) return wg_fail(WG_RUNTIME_ERROR, "Bool inputs not supported for hardtanh");
    if (x[0]->a.dtype == WG_U8 && (wg_attr_float(attr[0]) < 0 || wg_attr_float(attr[1]) < 0))
        return wg_fail(WG_RUNTIME_ERROR, "cannot do hardtanh on an unsigned type with negative limits");
    return 0;
}

int wg_check_masked_fill(const wg_val *const *x, const wg_attr *attr) { return wg_check_fits(attr[0], x[0]->a.dtype); }

static int check_sub(const wg_val *const *x) {
    if (is_bool(x[0]) && is_bool(x[1]))
        return wg_fail(WG_RUNTIME_ERROR, "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
                       "`logical_xor()` operator instead.");
    if (is_bool(x[0]) || is_bool(x[1]))
        return wg_fail(WG_RUNTIME_ERROR, "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
                       "invert a mask, use the `~` or `logical_not()` operator instead.");
    return 0;
}

int wg_check_add_alpha(const wg_val *const *x, const wg_attr *attr) { return check_alpha(x, attr); }
int wg_check_sub(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_sub(x); }
int wg_check_sub_alpha(const wg_val *const *x, const wg_attr *attr) { return check_sub(x) < 0 ? -1 : check_alpha(x, attr); }
int wg_check_rsub(const wg_val *const *x, const wg_attr *attr) { return check_sub(x) < 0 ? -1 : check_alpha(x, attr); }

int wg_check_neg(const wg_val *const *x, const wg_attr *attr) {
    (void)attr;
    if (!is_bool(x[0])) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                   "use the `~` or `logical_not()` operator instead.");
}

/* A zero among integer divisors: PyTorch raises, the loops would give 0. Looks at the data, so it is only done where both
 * operands are integers. */
static int any_zero(const wg_array *a) {
    int64_t index[WG_MAX_DIMS] = {0}, offset = 0;
    const int size = wg_itemsize[a->dtype];
    for (int64_t k = 0; k < a->numel; k++) {
        const char *p = a->data + offset * size;
        uint64_t bits = 0;
        __builtin_memcpy(&bits, p, size == 8 ? 8 : size == 4 ? 4 : size == 2 ? 2 : 1);
        if (bits == 0) return 1;
        for (int d = a->ndim - 1; d >= 0; d--) {
            offset += a->strides[d];
            if (++index[d] < a->shape[d]) break;
            offset -= a->shape[d] * a->strides[d];
            index[d] = 0;
        }
    }
    return 0;
}

static int check_divisor(const wg_val *const *x) {
    if (!is_integral(x[0]) || !is_integral(x[1])) return 0;
    const wg_array *d = &x[1]->a;
    if (d->is_number ? d->number.i == 0 : any_zero(d)) return wg_fail(WG_RUNTIME_ERROR, "ZeroDivisionError");
    return 0;
}

int wg_check_floor_divide(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_divisor(x); }
int wg_check_div_floor(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_divisor(x); }
int wg_check_div_trunc(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_divisor(x); }
int wg_check_remainder(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_divisor(x); }
int wg_check_fmod(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_divisor(x); }

int wg_check_pow_scalar(const wg_val *const *x, const wg_attr *attr) {
    if (is_integral(x[0]) && attr[0].tag == WG_A_INT && attr[0].i < 0)
        return wg_fail(WG_RUNTIME_ERROR, "Integers to negative integer powers are not allowed.");
    if (is_integral(x[0]) && attr[0].tag == WG_A_FLOAT)
        return wg_fail(WG_RUNTIME_ERROR, "result type %s can't be cast to the desired output type %s", wg_dtype_title[wg_default_dtype],
                       wg_dtype_title[x[0]->a.dtype]);
    return attr[0].tag == WG_A_INT && attr[0].i < 128 ? 0 : wg_check_fits(attr[0], x[0]->a.dtype);
}

int wg_check_masked_fill_tensor(const wg_val *const *x, const wg_attr *attr) {
    (void)attr;
    if (x[2]->a.ndim == 0) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with %d dimension(s).",
                   (int)x[2]->a.ndim);
}

int wg_check_polygamma(const wg_val *const *x, const wg_attr *attr) {
    (void)x;
    if (attr[0].i < 0) return wg_fail(WG_RUNTIME_ERROR, "polygamma(n, x) does not support negative n.");
    return 0;
}

static int check_shift(const wg_val *const *x, const char *name) {
    if (!is_bool(x[0]) || !is_bool(x[1])) return 0;
    return wg_fail(WG_NOT_IMPLEMENTED, "\"%s_cpu\" not implemented for 'Bool'", name);
}

int wg_check_bitwise_left_shift(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_shift(x, "lshift"); }
int wg_check_bitwise_right_shift(const wg_val *const *x, const wg_attr *attr) { (void)attr; return check_shift(x, "rshift"); }

int wg_check_relu(const wg_val *const *x, const wg_attr *attr) {
    (void)attr;
    return is_bool(x[0]) ? wg_fail(WG_RUNTIME_ERROR, "Boolean inputs not supported for relu") : 0;
}

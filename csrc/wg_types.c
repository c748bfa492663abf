/* dtype tables, promotion and the error slot. */
#include "wg_types.h"

#include <stdarg.h>
#include <stdio.h>

#include "wg_thread_state.h"

const uint8_t wg_itemsize[WG_NDTYPES] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
const char *const wg_dtype_name[WG_NDTYPES] = {
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"};
const char *const wg_dtype_title[WG_NDTYPES] = {
    "Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double"};

int wg_promote_types(int a, int b) {
    if (a == b) return a;
    if (a > b) { int t = a; a = b; b = t; }
    if (a == WG_F16 && b == WG_BF16) return WG_F32;
    if (a == WG_U8 && b == WG_I8) return WG_I16;       /* neither holds the other */
    return b;                                          /* the enum is in order of promotion otherwise */
}

int (*wg_warn_hook)(const char *text);
int wg_warn(const char *text) { return wg_warn_hook ? wg_warn_hook(text) : 0; }

int wg_fail(wg_error_kind kind, const char *format, ...) {
    wg_thread_state *state = wg_thread_state_get();
    va_list args;
    va_start(args, format);
    vsnprintf(state->error_text, sizeof state->error_text, format, args);
    va_end(args);
    state->error_kind = kind;
    return -1;
}

wg_error_kind wg_error(const char **message) {
    wg_thread_state *state = wg_thread_state_get();
    *message = state->error_text;
    return state->error_kind;
}

void wg_error_clear(void) { wg_thread_state_get()->error_kind = WG_OK; }

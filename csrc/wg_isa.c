/* The choice of the instruction-set level, once, at import. */
#include "wg_isa.h"
#include "wg_levels.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define DECLARE(level) extern const wg_level wg_level_##level;
WG_LEVELS(DECLARE)
#undef DECLARE

#define ADDRESS(level) &wg_level_##level,
static const wg_level *const levels[] = {WG_LEVELS(ADDRESS)};       /* of this build, oldest first */
#undef ADDRESS
enum { NLEVELS = sizeof levels / sizeof *levels };

const wg_level *wg_isa;

/* The x86-64 psABI level of this processor under this operating system: 0 (older than v2, or another processor) to 4. */
#if defined(__x86_64__)
#define HAS(word, bits) (((word) & (bits)) == (bits))
static int machine_level(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    unsigned c1 = c;
    unsigned c81 = __get_cpuid(0x80000001u, &a, &b, &c, &d) ? c : 0;
    unsigned b7 = __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
    const unsigned v2 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23;   /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt */
    const unsigned v3_c1 = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29;         /* fma movbe osxsave avx f16c */
    const unsigned v3_b7 = 1u << 3 | 1u << 5 | 1u << 8;                                  /* bmi1 avx2 bmi2 */
    const unsigned v3_c81 = 1u << 5;                                                     /* lzcnt */
    const unsigned v4_b7 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;         /* avx512 f dq cd bw vl */
    if (!HAS(c1, v2) || !HAS(c81, 1u << 0 /* lahf */)) return 0;
    if (!HAS(c1, v3_c1) || !HAS(b7, v3_b7) || !HAS(c81, v3_c81)) return 2;
    /* Does the operating system save the wide registers? */
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!HAS(low, 0x6u)) return 2;                                                       /* xmm ymm */
    return HAS(b7, v4_b7) && HAS(low, 0xe6u) ? 4 : 3;                                    /* + masks, zmm */
}
#else
static int machine_level(void) { return 0; }
#endif

/* "v3" needs 3, "base" needs nothing. */
static int needed(const wg_level *level) { return level->name[0] == 'v' ? level->name[1] - '0' : 0; }

static void list(char *text, size_t size, int machine) {
    text[0] = '\0';
    for (int i = 0; i < NLEVELS; i++) {
        if (needed(levels[i]) > machine) continue;
        if (text[0]) strncat(text, ", ", size - strlen(text) - 1);
        strncat(text, levels[i]->name, size - strlen(text) - 1);
    }
}

int wg_isa_init(void) {
    int machine = machine_level();
    for (int i = 0; i < NLEVELS; i++)
        if (needed(levels[i]) && levels[i]->compiled_for != needed(levels[i]))
            return wg_fail(WG_RUNTIME_ERROR,
                           "wengert was built wrongly: its kernels for x86-64-%s were compiled for %s%d; build it again "
                           "without -march in CFLAGS", levels[i]->name, levels[i]->compiled_for ? "x86-64-v" : "level ",
                           levels[i]->compiled_for);
    char here[64];
    list(here, sizeof here, machine);
    const char *wish = getenv("WENGERT_ISA");
    const wg_level *pick = NULL;
    for (int i = 0; i < NLEVELS; i++) {
        if (needed(levels[i]) > machine) continue;
        if (!wish || !*wish || strcmp(wish, levels[i]->name) == 0) pick = levels[i];
    }
    if (!pick && wish && *wish && here[0]) {
        for (int i = 0; i < NLEVELS; i++)
            if (strcmp(wish, levels[i]->name) == 0)
                return wg_fail(WG_RUNTIME_ERROR, "WENGERT_ISA=%s: this machine does not have x86-64-%s; choose from: %s",
                               wish, wish, here);
        return wg_fail(WG_RUNTIME_ERROR, "WENGERT_ISA=%.40s: no such level in this build of wengert; choose from: %s",
                       wish, here);
    }
    if (!pick)
        return wg_fail(WG_RUNTIME_ERROR, "this build of wengert needs a processor with x86-64-%s or newer",
                       levels[0]->name);
    wg_isa = pick;
    return 0;
}

int wg_isa_available(const char **names, int n) {
    int machine = machine_level(), found = 0;
    for (int i = 0; i < NLEVELS; i++) {
        if (needed(levels[i]) > machine) continue;
        if (found < n) names[found] = levels[i]->name;
        found++;
    }
    return found;
}

void wg_isa_list(char *text, size_t size) { list(text, size, machine_level()); }

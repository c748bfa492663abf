/* Preloaded: from the n-th on, allocations that a given library asks for fail. glibc only. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static uintptr_t low, high;
static volatile long left = -1;
static volatile long asked;

void failing_malloc_watch(uintptr_t begin, uintptr_t end) { low = begin; high = end; }
void failing_malloc_arm(long n) { asked = 0; left = n; }
long failing_malloc_asked(void) { return asked; }

static int fails(void *caller) {
    if ((uintptr_t)caller < low || (uintptr_t)caller >= high) return 0;
    asked++;
    if (left > 0) left--;
    else if (left == 0) return 1;
    return 0;
}

#define GUARD(call) (fails(__builtin_return_address(0)) ? (errno = ENOMEM, (void *)0) : (call))
void *malloc(size_t n) { return GUARD(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return GUARD(__libc_calloc(n, size)); }
void *realloc(void *p, size_t n) { return GUARD(__libc_realloc(p, n)); }
int posix_memalign(void **p, size_t alignment, size_t n) {
    void *memory = GUARD(__libc_memalign(alignment, n));
    if (memory == (void *)0) return ENOMEM;
    *p = memory;
    return 0;
}

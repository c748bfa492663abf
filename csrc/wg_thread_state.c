/* The per-thread block, made on first use and freed when its thread ends. */
#include "wg_thread_state.h"

#include <pthread.h>
#include <stdlib.h>

__thread WG_TLS_FAST uint32_t wg_mode;
static __thread wg_thread_state *mine;
static pthread_key_t key;
static int have_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Room for the message that there is no memory. Its scratch is not used; threads that fail together may mix their words. */
wg_thread_state wg_no_thread_state;

static void destroy(void *p) {
    wg_thread_state *state = p;
    for (int i = 0; i < WG_SCRATCH_SLOTS; i++) free(state->scratch[i].p);
    free(state);
    mine = NULL;
}

static void make_key(void) {
    have_key = pthread_key_create(&key, destroy) == 0;       /* without: the blocks of dead threads stay */
}

wg_thread_state *wg_thread_state_get(void) {
    if (WG_LIKELY(mine != NULL)) return mine;
    pthread_once(&once, make_key);
    mine = calloc(1, sizeof *mine);
    if (mine == NULL) return &wg_no_thread_state;
    if (have_key) pthread_setspecific(key, mine);
    return mine;
}

/* Capture and replay of launches. */
#include "wg_program.h"

#include <stdlib.h>
#include <string.h>

#include "wg_flat.h"
#include "wg_isa.h"
#include "wg_launch.h"
#include "wg_storage.h"

typedef struct buffer {
    wg_storage *storage;         /* external: held for ever; internal: held while capturing, then of the last replay */
    int64_t nbytes;
    int internal;
} buffer;

typedef struct operand_entry {   /* followed by shape and strides, ndim int64 each */
    int64_t buffer;              /* -1: a Python number, whose value stands in offset; -2: not given */
    int64_t offset;
    uint8_t dtype, ndim, contiguous, unused;
    uint32_t pad;
} operand_entry;

typedef struct launch_entry {    /* followed by operands, then attributes, then the ints of attributes */
    int32_t kernel, noperand, nattr;
    uint32_t nbytes;
} launch_entry;

struct wg_program {
    char *log;
    int64_t nlog, log_room, nlaunch;
    buffer *buffers;
    int64_t nbuffer, buffer_room;
    struct { wg_storage *key; int64_t value; } *table;   /* storage -> buffer, open addressing; only while capturing */
    int64_t table_room;
};

wg_program *wg_program_begin(void) {
    if (wg_capturing) { wg_fail(WG_RUNTIME_ERROR, "a capture is already running"); return NULL; }
    wg_program *p = calloc(1, sizeof *p);
    if (p == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
    static uint32_t captures;                              /* what an earlier capture made is external to this one */
    wg_storage_birth_flags = WG_STORAGE_CAPTURED | ++captures << WG_STORAGE_CAPTURE_SHIFT;
    wg_capturing = p;
    wg_flat_off++;
    return p;
}

void wg_program_end(wg_program *p) {
    if (wg_capturing == p) { wg_capturing = NULL; wg_storage_birth_flags = 0; wg_flat_off--; }
    for (int64_t i = 0; i < p->nbuffer; i++)
        if (p->buffers[i].internal && p->buffers[i].storage) {
            wg_storage_drop(p->buffers[i].storage);
            p->buffers[i].storage = NULL;
        }
    free(p->table);
    p->table = NULL;
    p->table_room = 0;
}

void wg_program_free(wg_program *p) {
    if (p == NULL) return;
    wg_program_end(p);
    for (int64_t i = 0; i < p->nbuffer; i++) if (p->buffers[i].storage) wg_storage_drop(p->buffers[i].storage);
    free(p->buffers);
    free(p->log);
    free(p);
}

static int grow(void **block, int64_t *room, int64_t need, size_t item) {
    if (need <= *room) return 0;
    int64_t bigger = *room ? 2 * *room : 64;
    while (bigger < need) bigger *= 2;
    void *moved = realloc(*block, (size_t)bigger * item);
    if (moved == NULL) return wg_fail(WG_MEMORY_ERROR, "out of memory for a program");
    *block = moved;
    *room = bigger;
    return 0;
}

static int64_t slot_of(const wg_program *p, const wg_storage *s) {
    uint64_t mask = (uint64_t)p->table_room - 1, i = ((uintptr_t)s >> 6) * 0x9E3779B97F4A7C15ull >> 20 & mask;
    while (p->table[i].key && p->table[i].key != s) i = (i + 1) & mask;
    return (int64_t)i;
}

static int64_t buffer_of(wg_program *p, wg_storage *s) {
    if (2 * (p->nbuffer + 1) > p->table_room) {
        int64_t room = p->table_room ? 2 * p->table_room : 256;
        free(p->table);
        p->table = calloc((size_t)room, sizeof *p->table);
        if (p->table == NULL) { p->table_room = 0; return wg_fail(WG_MEMORY_ERROR, "out of memory for a program"); }
        p->table_room = room;
        for (int64_t i = 0; i < p->nbuffer; i++) {
            int64_t at = slot_of(p, p->buffers[i].storage);
            p->table[at].key = p->buffers[i].storage;
            p->table[at].value = i;
        }
    }
    int64_t at = slot_of(p, s);
    if (p->table[at].key) return p->table[at].value;
    if (grow((void **)&p->buffers, &p->buffer_room, p->nbuffer + 1, sizeof *p->buffers) < 0) return -1;
    p->buffers[p->nbuffer] = (buffer){.storage = s, .nbytes = s->nbytes, .internal = s->flags == wg_storage_birth_flags};
    s->refs++;
    p->table[at].key = s;
    p->table[at].value = p->nbuffer;
    return p->nbuffer++;
}

int wg_program_append(wg_program *p, int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    size_t nbytes = sizeof(launch_entry) + (size_t)nattr * sizeof(wg_attr);
    for (int i = 0; i < noperand; i++) nbytes += sizeof(operand_entry) + 2 * sizeof(int64_t) * operand[i]->ndim;
    for (int i = 0; i < nattr; i++) if (attr[i].tag == WG_A_INTS) nbytes += attr[i].n * sizeof(int64_t);
    if (nbytes > UINT32_MAX) return wg_fail(WG_RUNTIME_ERROR, "a launch too large to be captured");
    if (grow((void **)&p->log, &p->log_room, p->nlog + (int64_t)nbytes, 1) < 0) return -1;
    char *at = p->log + p->nlog;
    *(launch_entry *)at = (launch_entry){kernel, noperand, nattr, (uint32_t)nbytes};
    at += sizeof(launch_entry);
    for (int i = 0; i < noperand; i++) {
        const wg_array *a = operand[i];
        operand_entry *e = (operand_entry *)at;
        *e = (operand_entry){.buffer = -1, .offset = a->number.i, .dtype = a->dtype, .ndim = a->ndim, .contiguous = a->contiguous};
        if (a->storage == NULL && !a->is_number) e->buffer = -2;
        else if (!a->is_number) {
            e->buffer = buffer_of(p, a->storage);
            if (e->buffer < 0) return -1;
            e->offset = a->data - a->storage->data;
        }
        at += sizeof *e;
        memcpy(at, a->shape, sizeof(int64_t) * a->ndim);
        memcpy(at + sizeof(int64_t) * a->ndim, a->strides, sizeof(int64_t) * a->ndim);
        at += 2 * sizeof(int64_t) * a->ndim;
    }
    if (nattr) memcpy(at, attr, sizeof(wg_attr) * (size_t)nattr);
    at += sizeof(wg_attr) * (size_t)nattr;
    for (int i = 0; i < nattr; i++) {
        if (attr[i].tag != WG_A_INTS || attr[i].n == 0) continue;
        memcpy(at, attr[i].v, attr[i].n * sizeof(int64_t));
        at += attr[i].n * sizeof(int64_t);
    }
    p->nlog += (int64_t)nbytes;
    p->nlaunch++;
    return 0;
}

enum { MAX_ATTR = 64 };

static int run_entry(const wg_program *p, const launch_entry *entry, wg_array *arrays, wg_array **pointers) {
    const char *at = (const char *)(entry + 1);
    wg_attr attr[MAX_ATTR];
    for (int i = 0; i < entry->noperand; i++) {
        const operand_entry *e = (const operand_entry *)at;
        const int64_t *dims = (const int64_t *)(e + 1);
        wg_array *a = &arrays[i];
        wg_array_set_dims(a, e->ndim, dims, dims + e->ndim);
        a->dtype = e->dtype;
        a->contiguous = e->contiguous;
        a->is_number = e->buffer == -1;
        a->storage = NULL;
        if (e->buffer == -2) { a->data = NULL; a->numel = 0; }
        else if (e->buffer < 0) { a->number.i = e->offset; a->data = (char *)&a->number; }
        else { a->storage = p->buffers[e->buffer].storage; a->data = a->storage->data + e->offset; }
        pointers[i] = a;
        at += sizeof *e + 2 * sizeof(int64_t) * e->ndim;
    }
    memcpy(attr, at, sizeof(wg_attr) * (size_t)entry->nattr);
    at += sizeof(wg_attr) * (size_t)entry->nattr;
    for (int i = 0; i < entry->nattr; i++)
        if (attr[i].tag == WG_A_INTS) { attr[i].v = (const int64_t *)at; at += attr[i].n * sizeof(int64_t); }
    return wg_launch(entry->kernel, pointers, entry->noperand, attr, entry->nattr);
}

int wg_program_replay(wg_program *p, int poison) {
    int64_t widest = 1;
    if (wg_capturing) return wg_fail(WG_RUNTIME_ERROR, wg_capturing == p ? "this program is still capturing" : "another program is capturing");
    for (int64_t i = 0; i < p->nbuffer; i++) {
        buffer *b = &p->buffers[i];
        if (!b->internal) continue;
        if (b->storage == NULL && (b->storage = wg_storage_new(b->nbytes)) == NULL) return -1;
        if (poison) memset(b->storage->data, 0xA5, (size_t)b->nbytes);
    }
    const char *end = p->log + p->nlog;
    for (const char *at = p->log; at < end; at += ((const launch_entry *)at)->nbytes) {
        const launch_entry *e = (const launch_entry *)at;
        if (e->noperand > widest) widest = e->noperand;
        if (e->nattr > MAX_ATTR) return wg_fail(WG_RUNTIME_ERROR, "a launch with %d attributes", e->nattr);
    }
    wg_array *arrays = malloc((size_t)widest * (sizeof *arrays + sizeof(wg_array *)));
    if (arrays == NULL) return wg_fail(WG_MEMORY_ERROR, "out of memory");
    int status = 0;
    for (const char *at = p->log; at < end && status == 0; at += ((const launch_entry *)at)->nbytes)
        status = run_entry(p, (const launch_entry *)at, arrays, (wg_array **)(arrays + widest));
    free(arrays);
    return status;
}

int64_t wg_program_buffer(const wg_program *p, const wg_array *a, int64_t *offset) {
    *offset = a->data - a->storage->data;
    for (int64_t i = 0; i < p->nbuffer; i++) if (p->buffers[i].storage == a->storage) return i;
    return -1;
}

const char *wg_program_data(const wg_program *p, int64_t i) {
    return i >= 0 && i < p->nbuffer && p->buffers[i].storage ? p->buffers[i].storage->data : NULL;
}

int64_t wg_program_launches(const wg_program *p) { return p->nlaunch; }

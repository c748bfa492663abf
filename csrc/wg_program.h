/* A program: launches written down as plain bytes, to be run again in C. */
#ifndef WG_PROGRAM_H
#define WG_PROGRAM_H

#include "wg_op.h"

/* Note [Programs]
 * While a program captures, the launch point appends to it what it runs. Operands are (buffer, offset, dtype, shape,
 * strides), never addresses: a buffer is external (it existed before; the program holds it and reads and writes it
 * in place) or internal (made during the capture; a replay brings memory of its own). While capturing, every
 * storage seen is held, so that none is recycled under two meanings. Replay is one loop. */
typedef struct wg_program wg_program;

wg_program *wg_program_begin(void);                     /* starts capturing; NULL: one is capturing already, or no memory */
void wg_program_end(wg_program *p);                     /* stops capturing; internal storages are let go */
void wg_program_free(wg_program *p);

int wg_program_append(wg_program *p, int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr);

/* Runs the launches again. poison: internal memory is filled with garbage before, as a test that nothing stale is read. */
int wg_program_replay(wg_program *p, int poison);

/* The number of the buffer that holds an array, -1: none; and its current memory after a replay. */
int64_t wg_program_buffer(const wg_program *p, const wg_array *a, int64_t *offset);
const char *wg_program_data(const wg_program *p, int64_t buffer);
int64_t wg_program_launches(const wg_program *p);

#endif

/* Template: the position of the extremum, for one accumulator type and direction. The including file defines
 *
 *     T              type of the elements, TI the signed integer of its size
 *     R(name)        the name with this instance's suffix
 *     BETTER(a, b)   is a strictly better than b (false with NaN)?
 *     IS_NAN(a)      0 for integers
 *     KEY(a)         an integer that orders as BETTER does, NaN the best
 *     BEST(x, n)     the extremum of n dense elements, NaN if there is one
 */

typedef struct { T value; int64_t index; } R(found);

/* a beats b, which stands before it. */
WG_INLINE int R(beats)(T a, T b) { return BETTER(a, b) | (IS_NAN(a) & !IS_NAN(b)); }

/* Position of the first element that is `value`, which is among the n. */
static int64_t R(find)(const T *x, int64_t n, T value) {
    const int nan = IS_NAN(value);
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        TI hit = 0;
        for (int k = 0; k < 64; k++) hit |= nan ? IS_NAN(x[i + k]) : x[i + k] == value;
        if (hit) break;
    }
    for (; i < n - 1; i++)
        if (nan ? IS_NAN(x[i]) : x[i] == value) break;
    return i;
}

/* Elements [begin, end) of the output whose first element is x. */
static R(found) R(row)(const wg_reduce *r, const char *x, int64_t begin, int64_t end) {
    T buffer[WG_BLOCK] __attribute__((aligned(64)));
    wg_walk at;
    wg_walk_start(&at, r, x, begin);
    R(found) best = {0, -1};
    for (; begin < end; begin += WG_BLOCK) {
        int64_t n = end - begin < WG_BLOCK ? end - begin : WG_BLOCK;
        const T *block = wg_walk_block(&at, r, buffer, n, NULL);
        T value = BEST(block, n);
        if (best.index < 0 || R(beats)(value, best.value)) best = (R(found)){value, begin + R(find)(block, n, value)};
        if (IS_NAN(value)) break;
    }
    return best;
}

/* A few elements, wherever they lie: n outputs from `first` on. Integer keys are compared without branches. */
static void R(short_rows)(const wg_reduce *r, T *values, int64_t *indices, int64_t n, int64_t first) {
    const int64_t count = r->count, stride = r->reduced_x[0], step = r->kept_x[r->nkept - 1];
    const T *x = NULL;
    for (int64_t i = 0, left = 0; i < n; i++, left--, x += step) {
        if (!left) {
            wg_cursor at = wg_reduce_seek(r, first + i, r->nkept);
            x = (const T *)at.x;
            left = r->kept[r->nkept - 1] - at.index;
        }
        TI best = KEY(x[0]);
        int64_t index = 0;
        for (int64_t k = 1; k < count; k++) {
            TI key = KEY(x[k * stride]);
            int better = BETTER(key, best);
            best = better ? key : best;
            index = better ? k : index;
        }
        values[i] = x[index * stride];
        indices[i] = index;
    }
}

/* item = output * chunks + chunk */
static void R(rows_body)(void *context, int64_t begin, int64_t end) {
    const wg_arg_job *j = context;
    const wg_reduce *r = j->r;
    T values[64];
    int64_t indices[64];
    while (begin < end) {
        int64_t n = end - begin < 64 ? end - begin : 64;
        if (r->direct && r->nreduced == 1 && r->count <= 24) {
            R(short_rows)(r, values, indices, n, begin);
            wg_arg_put(j, values, indices, n, begin);
            begin += n;
            continue;
        }
        for (int64_t i = 0; i < n; i++) {
            int64_t output = begin + i, first = 0, stop = r->count;
            if (j->chunks > 1) {
                output = (begin + i) / j->chunks;
                first = (begin + i - output * j->chunks) * WG_CHUNK;
                if (stop > first + WG_CHUNK) stop = first + WG_CHUNK;
            }
            R(found) best = R(row)(r, wg_reduce_seek(r, output, r->nkept).x, first, stop);
            values[i] = best.value;
            indices[i] = best.index;
        }
        if (j->chunks > 1) {
            for (int64_t i = 0; i < n; i++) {
                ((T *)j->chunk_values)[begin + i] = values[i];
                j->chunk_indices[begin + i] = indices[i];
            }
        } else {
            wg_arg_put(j, values, indices, n, begin);
        }
        begin += n;
    }
}

static void R(join_chunks)(const wg_arg_job *j) {
    const T *value = j->chunk_values;
    const int64_t *index = j->chunk_indices;
    for (int64_t o = 0; o < j->r->outputs; o++, value += j->chunks, index += j->chunks) {
        int64_t best = 0;
        for (int64_t k = 1; k < j->chunks; k++)
            if (R(beats)(value[k], value[best])) best = k;
        wg_arg_put(j, &value[best], &index[best], 1, o);
    }
}

/* item = outer * tiles + tile. Positions are kept as wide as the elements: a vector holds as many of either. */
static void R(columns_body)(void *context, int64_t begin, int64_t end) {
    const wg_arg_job *j = context;
    const wg_reduce *r = j->r;
    const int last = r->nkept - 1;
    const int64_t m = r->kept[last], step = r->kept_x[last], item = wg_itemsize[r->xdtype];
    const int in_place = r->direct && step == 1;
    T y[WG_TILE], loaded[WG_TILE];
    TI where[WG_TILE];
    int64_t indices[WG_TILE];
    for (int64_t i = begin; i < end; i++) {
        int64_t outer = i / j->tiles, first = (i - outer * j->tiles) * WG_TILE, w = m - first < WG_TILE ? m - first : WG_TILE;
        wg_walk at;
        wg_walk_start(&at, r, wg_reduce_seek(r, outer, last).x + first * step * item, 0);
        for (int64_t row = 0; row < r->count; row++) {
            const T *x = (const T *)at.x;
            if (!in_place) {
                r->load(loaded, at.x, w, step, NULL, 0, 0);
                x = loaded;
            }
            wg_walk_forward(&at, r, 1);
            if (row == 0) {
                for (int64_t k = 0; k < w; k++) y[k] = x[k], where[k] = 0;
                continue;
            }
            const TI position = (TI)row;
            WG_VECTOR for (int64_t k = 0; k < w; k++) {
                T a = x[k], b = y[k];
                int better = R(beats)(a, b);
                y[k] = better ? a : b;
                where[k] = better ? position : where[k];
            }
        }
        for (int64_t k = 0; k < w; k++) indices[k] = where[k];
        wg_arg_put(j, y, indices, w, outer * m + first);
    }
}

static int R(run)(wg_arg_job *j) {
    const wg_reduce *r = j->r;
    if (r->columns) {
        const int64_t m = r->kept[r->nkept - 1], w = m < WG_TILE ? m : WG_TILE, each = w * r->count;
        j->tiles = (m + WG_TILE - 1) / WG_TILE;
        wg_parallel_for(r->outputs / m * j->tiles, 1 + WG_CHUNK / 2 / each, 0.1 * (double)each + 20, R(columns_body), j);
        return 0;
    }
    int64_t each = r->count < WG_CHUNK ? r->count : WG_CHUNK;
    j->chunks = (r->count + WG_CHUNK - 1) / WG_CHUNK;
    const int64_t items = r->outputs * j->chunks;
    if (j->chunks > 1) {
        j->chunk_indices = wg_scratch_get(items * (int64_t)(sizeof(int64_t) + sizeof(T)));
        if (!j->chunk_indices) return -1;
        j->chunk_values = j->chunk_indices + items;
    }
    wg_parallel_for(items, 1 + WG_CHUNK / 2 / each, (r->direct ? 0.05 : 0.3) * (double)each + 5, R(rows_body), j);
    if (j->chunks > 1) {
        R(join_chunks)(j);
        wg_scratch_put(j->chunk_indices);
    }
    return 0;
}

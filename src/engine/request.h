/*
 * request.h: one request with an answer that is kept whole, for the engine floor's own files.
 */
#ifndef ENGINE_REQUEST_H
#define ENGINE_REQUEST_H

#include "base/buffer.h"
#include "engine/transfer.h"

/* A path with its query: "/containers/json?all=1&filters=...". */
struct query {
    struct buffer path;
    bool asked; /* the '?' is there */
};

#define autoquery AUTO(query_release)
struct query query_new(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Add to the path, with '/' as it is. */
void query_segments(struct query *query, const char *text);
/* NULL value: nothing. */
void query_text(struct query *query, const char *name, const char *value);
void query_number(struct query *query, const char *name, long long value);
void query_json(struct query *query, const char *name, const cJSON *value);
void query_release(struct query *query);

/* As engine_request(), with the path taken out of a query (which is then empty). */
struct task *request_new(struct engine *engine, const char *method, cJSON *body,
                         struct query *query);
/* As request_accept(), with 404, and 409 for what is being removed already. */
struct task *request_removal(struct engine *engine, struct query *query);
/* Let go of it when it is cancelled, though its method is not GET. */
void request_unshield(struct task *request);
/* Ask for the path as it is, without the API's version before it. */
void request_unversion(struct task *request);
/* Send one more header line, which is taken over; NULL: none. */
void request_add_header(struct task *request, char *header);
/* A header of the answer, or NULL; belongs to the request. */
const char *request_header(const struct task *request, const char *name);
/* GET a list; label as "NAME" or "NAME=VALUE", or NULL. */
struct task *request_list(struct engine *engine, struct query *query, const char *label);

#endif

/*
 * connection.h: an engine's address, and libcurl's multi handle joined to the loop.
 *
 * libcurl says which descriptors and which timeout it wants; the loop says when they are due. While
 * libcurl calls back, its handles may be neither removed nor resumed, so both are put off until it
 * has returned. That is why every other file gives up a handle by handle_drop() alone.
 */
#ifndef ENGINE_CONNECTION_H
#define ENGINE_CONNECTION_H

#include <envrun/engine.h>

#include "loop/loop.h"
#include "loop/task.h"

#include <curl/curl.h>

enum {
    API_MINOR_LEAST = 41,  /* Docker Engine 20.10 */
    API_MINOR_NEWEST = 51, /* the newest one this program was tried with */
};

struct engine {
    struct loop *loop;
    CURLM *multi;
    struct timer timer; /* when libcurl wants to be called next */
    unsigned calls;     /* how deep inside libcurl we are */
    bool put_off;       /* some handle waits for libcurl's return */
    struct handle *handles;

    struct engine_address address;
    char *url, *socket, *host;
    char *base;         /* "http://localhost" */
    struct tls *tls;    /* or NULL */
    long long patience; /* ms for an answer */

    struct engine_info info;
    char *os;
    char *version;              /* "/v1.41", in front of every path; "" until it is known */
    char *agent;                /* how its requests are signed */
    long long time, time_asked; /* the engine's UNIX time at that loop_now(); 0: not known */

    size_t shielded; /* requests under way that are seen through */
    struct settle *settling;
};

/* An easy handle that is in the multi; embedded in what it works for. */
struct handle {
    struct engine *engine; /* NULL once it is out of the multi */
    CURL *easy;
    /* The transfer (or, for CONNECT_ONLY, the connect) is over. Called outside of libcurl. */
    void (*ended)(struct handle *handle, CURLcode code);
    /* Frees what embeds the handle; its easy handle is gone by then. */
    void (*destroy)(struct handle *handle);
    bool dropped, resumed;
    int refused; /* errno, where the system gave it no socket; or 0 */
    struct handle *next, *previous;
};

/* A fresh easy handle for the engine's address and this path ("/v1.41/info"). */
CURL *engine_easy(const struct engine *engine, const char *path);
/* Set `easy`, `ended` and `destroy` first. */
bool handle_add(struct handle *handle, struct engine *engine, struct err *err);
/* Out of the multi, and destroyed: now, or as soon as libcurl has returned. */
void handle_drop(struct handle *handle);
/* Let a paused handle go on. */
void handle_resume(struct handle *handle);

/* Every stay inside libcurl that can call back or end a transfer is put between these. */
void engine_enter(struct engine *engine);
void engine_leave(struct engine *engine);

/* A shielded request has begun or ended. */
void engine_shield(struct engine *engine);
void engine_unshield(struct engine *engine);

/* Say in one sentence why "METHOD PATH" got no answer, and what to do. */
void connection_error(const struct engine *engine, CURL *easy, CURLcode code, const char *method,
                      const char *path, struct err *err);

#endif

/*
 * engine.h: the Docker Engine API, as tasks.
 *
 * Every verb answers a task that is not started; its owner starts, limits, cancels and frees it
 * with task.h. A task that failed because the engine answered 400 or more carries ERR_ANSWER with
 * the HTTP status as its code and the engine's own sentence; one that could not reach the engine,
 * ERR_ENGINE. Rules that depend on the API's version name it. The reference is the Engine API
 * from 1.41 (Docker Engine 20.10) on; engine_connect() settles the version by `_ping`.
 *
 * A request that changes the engine is shielded: freeing its task while it is under way only lets
 * go of it, and the engine floor sees it through. engine_settle() waits for those.
 *
 * What a task calls back (sinks, progress) may not free that task; it may free others and start
 * new ones.
 *
 * One thread. Memory is bounded: an answer that is kept whole may have at most ENGINE_ANSWER_MAX
 * bytes, a line of a stream ENGINE_LINE_MAX; streams pause their source while the reader is behind.
 */
#ifndef ENVRUN_ENGINE_H
#define ENVRUN_ENGINE_H

#include <envrun/err.h>

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct child_guard;
struct engine;
struct loop;
struct task;

enum {
    ENGINE_ANSWER_MAX = 64 << 20, /* bytes */
    ENGINE_LINE_MAX = 1 << 20,    /* bytes; a longer line is cut */
    ENGINE_PATIENCE = 180000,     /* ms, unless engine_set_patience() says otherwise */
};

/* ---- The connection ---- */

struct engine_address {
    bool unix_socket;
    const char *socket; /* unix: the socket's path */
    const char *host;   /* tcp: the engine's host as written, e.g. "127.0.0.1" */
    const char *url;    /* as the user would write it: "unix:///var/run/docker.sock" */
};

struct engine_info {
    int api_minor;  /* 41 for API 1.41: the lower of the engine's and the newest one known */
    const char *os; /* "linux" */
    bool buildkit;  /* the engine's default builder is BuildKit (Builder-Version: 2) */
};

/* `host` is DOCKER_HOST's value (unix://PATH, tcp://HOST:PORT, http://HOST:PORT) or NULL for
 * unix:///var/run/docker.sock. Nothing is sent yet. NULL and ERR_USAGE if it is not understood. */
struct engine *engine_new(struct loop *loop, const char *host, struct err *err);
/* Speak TLS from now on, where the engine is at a TCP address. The files may be missing. */
struct engine_tls {
    const char *directory; /* with ca.pem (who signs the engine's), cert.pem and key.pem (ours) */
    bool verify;           /* the engine's certificate */
};
void engine_use_tls(struct engine *engine, const struct engine_tls *tls);
/* How long the engine may take to answer a request until it counts as stuck (ERR_ENGINE), in ms; a
 * create may take five times as long, for it copies a volume's first contents. */
void engine_set_patience(struct engine *engine, long long milliseconds);
/* So long, or less if that is all the patience there is; and the deadline it makes from now on. */
long long engine_at_most(const struct engine *engine, long long milliseconds);
long long engine_deadline(const struct engine *engine, long long milliseconds);
/* What engine_use_tls() was told; directory NULL: no TLS. */
struct engine_tls engine_tls(const struct engine *engine);
/* Sign requests as "NAME/VERSION" (User-Agent); "envrun" if none is given. */
void engine_use_agent(struct engine *engine, const char *name);
/* Ends what is still under way; free its tasks first. Takes NULL. */
struct engine *engine_free(struct engine *engine);

const struct engine_address *engine_address(const struct engine *engine);
/* Valid once engine_connect() is done. */
const struct engine_info *engine_info(const struct engine *engine);

/* UNIX time in seconds by the engine's clock, so that hosts which share an engine agree on it; our
 * own until engine_connect() is done. */
long long engine_time(const struct engine *engine);

/* Ask `_ping` and settle the API version. ERR_ENGINE with a sentence that says what to do: no
 * socket, no permission, nobody listens, too old (below 1.41). */
struct task *engine_connect(struct engine *engine);

/* Wait until no shielded request is under way. Limit it with task_limit(). */
struct task *engine_settle(struct engine *engine);

/* ---- One request ---- */

/* Make a request; `path` comes without the version, already escaped ("/containers/ID/start").
 * `body` (or NULL) is sent as JSON and now belongs to the request. Methods other than GET and HEAD
 * are shielded. */
struct task *engine_request(struct engine *engine, const char *method, cJSON *body,
                            const char *path, ...) __attribute__((format(printf, 4, 5)));

/* These statuses (e.g. 404, 409, 304) are a success too. Ends with 0. */
void request_accept(struct task *request, const int *statuses);
/* The HTTP status, once it is done. */
int request_status(const struct task *request);
/* The answer's JSON, or NULL; belongs to the request. */
const cJSON *request_answer(const struct task *request);
/* The answer's JSON, to be deleted by the caller. */
cJSON *request_take_answer(struct task *request);
/* The answer's body as text if it is not JSON (a NUL behind it); belongs to the request. */
const char *request_text(const struct task *request, size_t *ret_length);

/* "a b" -> "a%20b", for a path or a query; to be freed by the caller. */
char *engine_escape(const char *text);

/* ---- Containers ---- */

struct task *container_create(struct engine *engine, const char *name,
                              cJSON *body);                          /* .Id, .Warnings */
struct task *container_start(struct engine *engine, const char *id); /* started already: success */
struct task *container_stop(struct engine *engine, const char *id,
                            int grace_seconds); /* <0: its own */
struct task *container_kill(struct engine *engine, const char *id, const char *signal);
struct task *container_remove(struct engine *engine,
                              const char *id); /* by force, with its anonymous
                                                  volumes; gone: success */
struct task *container_inspect(struct engine *engine, const char *id);
/* What it uses at this moment; all zero if it does not run. */
struct task *container_stats(struct engine *engine, const char *id);
/* An array; label as "NAME" or "NAME=VALUE"; stopped ones too. */
struct task *container_list(struct engine *engine, const char *label);
/* A label of one of its entries; "" if it has none. Belongs to the entry. */
const char *container_label(const cJSON *container, const char *label);
/* Ends when it does not run any more; .StatusCode */
struct task *container_wait(struct engine *engine, const char *id);

/* ---- Networks and volumes ---- */

struct task *network_create(struct engine *engine, cJSON *body);    /* .Id */
struct task *network_remove(struct engine *engine, const char *id); /* gone: success */
struct task *network_list(struct engine *engine, const char *label);
struct task *network_connect(struct engine *engine, const char *id, cJSON *body);
struct task *network_disconnect(struct engine *engine, const char *id, const char *container);
struct task *volume_create(struct engine *engine, cJSON *body);
struct task *volume_remove(struct engine *engine, const char *name); /* gone: success */
struct task *volume_list(struct engine *engine, const char *label);  /* .Volumes */
struct task *volume_inspect(struct engine *engine, const char *name);

/* ---- Images ---- */

struct task *image_inspect(struct engine *engine, const char *reference);
struct task *image_list(struct engine *engine, const char *label); /* as container_list() */
/* Takes the name away, and the image if that was its last one; gone: success. */
struct task *image_remove(struct engine *engine, const char *reference);

/* Let this name mean the image; the engine notes the time (.Metadata.LastTagTime). */
struct task *image_tag(struct engine *engine, const char *image, const char *reference);

/* What its registry says of an image: .Descriptor.digest, .Platforms. `auth` as for image_pull().
 */
struct task *image_look_up(struct engine *engine, const char *reference, const char *auth);

/* How far the layers of a pull are. `total` grows as the engine learns of their sizes. */
struct pull_amount {
    unsigned long long done, total; /* bytes that are downloaded */
    size_t layers, layers_done;     /* done: unpacked, or there already */
    bool loaded;                    /* nothing is left to download */
};

/* What a pull or a build says while it goes on. */
struct engine_progress {
    void (*line)(void *context, const char *text); /* one line of text, without the newline */
    void *context;
    /* In place of the lines about single layers; NULL: they come as lines. */
    void (*amount)(void *context, const struct pull_amount *amount);
};

/* `platform` ("linux/amd64") may be NULL. `auth` is the value of X-Registry-Auth, or NULL. An error
 * line in the stream fails it (ERR_ANSWER, code 200) though the status is 200. */
struct task *image_pull(struct engine *engine, const char *reference, const char *platform,
                        const char *auth, struct engine_progress progress);

struct build_options {
    const char
        *context; /* a directory, absolute; or what the engine fetches: a URL, a repository */
    const char *dockerfile; /* relative to the context, or absolute: then sent along; or NULL */
    const char *inlined;    /* the text of a Dockerfile in its place, or NULL */
    const char *tag;        /* or NULL */

    /* For the classic builder */
    const char *left_out;   /* of the context besides, as in a .dockerignore that may say
                               otherwise; must outlive the task; or NULL */
    const cJSON *query;     /* further parameters of POST /build, or NULL: {NAME: a text, an object
                               (sent as JSON) or an array (of it each by itself)} */
    const char *registries; /* the value of X-Registry-Config, or NULL */

    /* For buildx; may all be NULL */
    const cJSON *arguments;          /* further ones of `docker buildx build`, an array */
    const cJSON *variables;          /* {NAME: VALUE} that they speak of */
    const char *const *environment;  /* NAME=VALUE, NULL-terminated: the process environment */
    const struct child_guard *guard; /* of the CLI's processes */
};

/* Does the engine fetch this context by itself? */
bool context_is_remote(const char *context);

/* Build with the engine's classic builder. The context goes as a tar stream made on the way,
 * without what <Dockerfile>.dockerignore or else .dockerignore leaves out. A missing context or
 * Dockerfile is ERR_FILE. A failed build's err is the engine's sentence about the step (ERR_ANSWER,
 * code 200); the last lines are with the progress. */
struct task *image_build(struct engine *engine, const struct build_options *options,
                         struct engine_progress progress);
/* "sha256:..." of a build that is done; belongs to the task. */
const char *image_build_id(const struct task *build);

/* Can the docker CLI on PATH build with buildx? If not, it fails with ERR_ENVIRONMENT and the
 * reason. */
struct task *buildx_check(struct engine *engine, const char *const *environment);
/* Build with BuildKit, through the docker CLI's buildx and the driver of this engine; the CLI reads
 * its own configuration (credentials). A failed build's err is ERR_ENVIRONMENT with BuildKit's
 * sentence about the step. */
struct task *buildx_build(struct engine *engine, const struct build_options *options,
                          struct engine_progress progress);
const char *buildx_image_id(const struct task *build);

/* The image as `docker save` gives it, into a file from where that stands; ERR_FILE if it has more
 * than `most` bytes or the disk is full. The form depends on the engine: a docker-archive before
 * 25, both that and an OCI image layout from 25 on. */
struct task *image_save(struct engine *engine, const char *image, int fd, unsigned long long most);
/* Load what lies in a folder: a docker-archive (manifest.json), an OCI image layout (index.json) or
 * both, as `docker load` does. Engines before 25 read only the first, the containerd image store
 * wants every layer to be there. */
struct task *image_load(struct engine *engine, const char *folder, struct engine_progress progress);

/* ---- Files ---- */

/* Copy a file or a directory into a container at `to`, as `docker cp` does: a `to` that is a
 * directory there (or a link to one) or ends in '/' takes the source by its name, else it is its
 * new name; missing parents are an error of the engine, or made if asked. It need not run. Links
 * stay links, modes are kept; what cannot be read is ERR_FILE. */
struct copy_options {
    const char *from; /* absolute */
    const char *to;   /* absolute, in the container */
    bool contents;    /* `from` is a directory: its entries, not itself */
    bool parents;     /* make the directories above `to` that are missing */
    int uid, gid;     /* who owns it there */
    int mode;         /* of a single file; 0: its own */
};
struct task *container_copy_in(struct engine *engine, const char *id,
                               const struct copy_options *options);
/* A file or a folder of a container, which need not run, as a tar archive into a file; as
 * image_save(). Its last component is not followed if it is a link, and begins the names there. */
struct task *container_save(struct engine *engine, const char *id, const char *path, int fd,
                            unsigned long long most);
/* ... the contents of a folder, or of one that a link leads to: their names begin with "./". */
struct task *container_save_folder(struct engine *engine, const char *id, const char *path, int fd,
                                   unsigned long long most);
/* ... and back: unpacked at `path`, which must be there and has then the owner and the mode that it
 * had. The descriptor is taken over. */
struct task *container_load_folder(struct engine *engine, const char *id, const char *path, int fd);

/* One file from memory; parents are made. */
struct task *container_write_file(struct engine *engine, const char *id, const char *path,
                                  const void *data, size_t length, int uid, int gid, int mode);

/* ---- Output streams ---- */

enum stream_tag { STREAM_STDOUT = 1, STREAM_STDERR = 2 };

/* Bytes as they come, in order; not cut at lines. */
struct output_sink {
    void (*data)(void *context, enum stream_tag stream, const char *data, size_t length);
    void *context;
};

/* A followed log may lack its end: if the reader is behind when the container ends, the engine
 * (seen with 20.10) closes the stream early and without an error. Last words are read anew, by
 * `tail`. */
struct log_options {
    bool follow; /* go on until the container ends */
    bool timestamps;
    bool tty;          /* the container has a TTY: its stream has no frames */
    const char *tail;  /* "100" or NULL for all */
    const char *since; /* a UNIX time such as "1700000000.000000001", or NULL */
};
struct task *container_logs(struct engine *engine, const char *id,
                            const struct log_options *options, struct output_sink sink);

/* Attach to the output of a container that is created but not started, so that nothing is missed;
 * done when the stream ends. attached() turns true when it may be started; the task's parent is
 * woken then. */
struct task *container_attach(struct engine *engine, const char *id, bool tty,
                              struct output_sink sink);
bool container_attached(const struct task *attach);

/* Of logs or attach: stop reading (and go on), so that the engine waits while the reader is behind.
 */
void output_hold(struct task *output, bool hold);

/* One event object at a time (GET /events). `filters` is e.g. {"label": ["a=b"]} and now belongs to
 * the task. `listening` is called once the engine has accepted it. Ends only by failing
 * (ERR_ENGINE: the stream was closed). */
struct event_sink {
    void (*listening)(void *context); /* or NULL */
    void (*event)(void *context, const cJSON *event);
    void *context;
};
struct task *engine_events(struct engine *engine, cJSON *filters, const char *since,
                           struct event_sink sink);

/* ---- Exec ---- */

struct exec_options {
    const char *const *argv;        /* NULL-terminated */
    const char *const *environment; /* NAME=VALUE, NULL-terminated, or NULL */
    const char *user;               /* or NULL */
    const char *working_dir;        /* or NULL */
    bool privileged;
    bool tty;
    bool interactive;  /* stdin is sent, by exec_send() */
    int rows, columns; /* of the TTY; 0: unknown */
};

/* Done when its output has ended and its exit code is known. Without stdin its output comes through
 * an ordinary request, with it through a hijacked connection. */
struct task *container_exec(struct engine *engine, const char *id,
                            const struct exec_options *options, struct output_sink sink);
int exec_exit_code(const struct task *exec);
/* Interactive: how many bytes may be sent now without being held back (bounded buffer). */
size_t exec_room(const struct task *exec);
/* At most exec_room() bytes. A process that reads no more swallows them. */
void exec_send(struct task *exec, const char *data, size_t length);
/* Called when exec_room() has become more than 0 again. */
void exec_on_room(struct task *exec, void (*room)(void *context), void *context);
/* No more will be sent: the process reads an end of file (on a TTY: a Ctrl-D). */
void exec_end_input(struct task *exec);
/* The terminal has a new size. */
void exec_resize(struct task *exec, int rows, int columns);
/* As output_hold(). */
void exec_hold(struct task *exec, bool hold);

#endif

#include "engine/frames.h"

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Take bytes of the header; answers how many. */
static size_t take_header(struct frames *frames, const char *data, size_t length) {
    size_t taken = smaller(length, FRAME_HEADER - frames->header_length);
    for (size_t i = 0; i < taken; i++)
        frames->header[frames->header_length++] = (unsigned char)data[i];
    return taken;
}

static bool begin_payload(struct frames *frames, struct err *err) {
    const unsigned char *h = frames->header;
    if (h[0] > 3 || h[1] || h[2] || h[3])
        return err_set(err, ERR_ENGINE, "the Docker engine sent output without its frames");
    frames->left = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
    return true;
}

/* 0 is stdin's echo, 3 an error of the engine itself. */
static enum stream_tag tag_of(const struct frames *frames) {
    return frames->header[0] >= 2 ? STREAM_STDERR : STREAM_STDOUT;
}

static size_t take_payload(struct frames *frames, const char *data, size_t length) {
    size_t taken = smaller(length, frames->left);
    frames->left -= taken;
    if (taken)
        frames->sink.data(frames->sink.context, tag_of(frames), data, taken);
    return taken;
}

bool frames_push(struct frames *frames, const char *data, size_t length, struct err *err) {
    if (frames->raw) {
        frames->sink.data(frames->sink.context, STREAM_STDOUT, data, length);
        return true;
    }
    while (length) {
        size_t taken;
        if (frames->header_length < FRAME_HEADER) {
            taken = take_header(frames, data, length);
            if (frames->header_length == FRAME_HEADER && !begin_payload(frames, err))
                return false;
        } else {
            taken = take_payload(frames, data, length);
        }
        if (frames->header_length == FRAME_HEADER && !frames->left)
            frames->header_length = 0;
        data += taken;
        length -= taken;
    }
    return true;
}

bool frames_end(const struct frames *frames, struct err *err) {
    if (frames->raw || !frames->header_length)
        return true;
    return err_set(err, ERR_ENGINE, "the Docker engine broke off in the middle of an output");
}

/*
 * search.h: is a value from outside in the files of an image?
 *
 * What was built may hold it: as a build argument in the image's history, or in a file that was
 * copied from the context. In the config every value is looked for, as redact.h finds it; in the
 * layers, which are unpacked for that, as it stands. Programs are full of words: there it has to be
 * SEARCH_LEAST bytes long and more than letters.
 */
#ifndef REPLAY_SEARCH_H
#define REPLAY_SEARCH_H

#include "base/redact.h"
#include "base/vector.h"
#include "loop/task.h"

enum { SEARCH_LEAST = 8 };

/* Is a value more than a word, so that it says something where it is found? */
bool search_is_telling(const char *value);

/* Of the files (taken over) the first is the config. The redactor must live as long. Fails with
 * ERR_FILE if one holds a value, or cannot be read. */
struct task *search_new(struct loop *loop, struct redactor *redactor, struct strings *files);

#endif
